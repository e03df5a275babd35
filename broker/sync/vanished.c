/* SPDX-License-Identifier: Apache-2.0
 *
 * A subject that no present group accounts for: may it go? Not while its source is incomplete, not while its grant is
 * ambiguous, and when its group is gone only at the run and the age that the policy says.
 */
#include <string.h>
#include <time.h>

#include "broker/policy/naming.h"
#include "broker/sync/decide.h"
#include "common/base/memory.h"

static bool trusted(const struct ush_decide *d, size_t source)
{
	return d->in->groups[source].complete && d->in->groups[source].count > 0;
}

/* The source that a subject came from is there and was read whole. A subject nobody wrote the source of may be anyone's. */
static bool source_trusted(const struct ush_decide *d, const struct ush_origin *subject)
{
	for (size_t i = 0; i < d->policy->source_count; i++)
		if (!trusted(d, i) && (subject->source == NULL || strcmp(subject->source, d->policy->sources[i].name) == 0))
			return false;
	return true;
}

static bool names(const struct ush_decide *d, const struct ush_grant *grant, const struct ush_origin *subject)
{
	if (subject->source == NULL || strcmp(d->policy->sources[grant->source].name, subject->source) != 0 || subject->id == NULL ||
	    subject->name == NULL || subject->path == NULL)
		return false;
	return ush_name_refers(grant->group, subject->id, subject->name, subject->path, d->policy->group_name);
}

static char *moment(int64_t seconds)
{
	char text[32];
	struct tm tm;

	gmtime_r(&(time_t){seconds}, &tm);
	strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm);
	return ush_strdup(text);
}

struct absence {
	int64_t since;
	long runs; /* this one included */
	bool due;
};

static struct absence absence_of(const struct ush_decide *d, const struct ush_grant *grant)
{
	const struct ush_tombstone *stone = ush_state_find(d->in->state, d->policy->sources[grant->source].name, grant->group);
	struct absence a = {d->in->now, 1, false};

	if (stone != NULL) {
		a.since = stone->since < d->in->now ? stone->since : d->in->now; /* a clock that ran ahead must not shorten it, nor stop it */
		a.runs = stone->runs + 1;
	}
	a.due = a.runs >= d->policy->vanished_runs && d->in->now - a.since >= d->policy->vanished_age;
	return a;
}

static enum ush_leave leave_gone(struct ush_decide *d, const struct ush_grant *grant, char **why)
{
	struct absence a = absence_of(d, grant);
	USH_AUTO_FREE char *since = moment(a.since), *until = moment(a.since + d->policy->vanished_age);

	if (a.due) {
		*why = ush_printf("group %s gone since %s, complete run %ld without it", grant->group, since, a.runs);
		return USH_LEAVE_NOW;
	}
	d->mourned[grant->number] = true;
	*why = ush_printf("kept: group %s is gone from source %s since %s (complete run %ld of %ld; removed not before %s)", grant->group,
			  d->policy->sources[grant->source].name, since, a.runs, d->policy->vanished_runs > a.runs ? d->policy->vanished_runs : a.runs + 1, until);
	return USH_LEAVE_LATER;
}

static enum ush_leave leave_by_grant(struct ush_decide *d, size_t number, char **why)
{
	const struct ush_resolved *resolved = &d->in->desired->resolved[number];

	switch (resolved->fate) {
	case USH_FATE_GONE:
		return leave_gone(d, &d->policy->grants[number], why);
	case USH_FATE_UNKNOWN:
	case USH_FATE_AMBIGUOUS:
		return USH_LEAVE_UNKNOWN; /* said once, about the source or the grant */
	case USH_FATE_PRESENT:
		*why = ush_printf("is %s now", resolved->text);
		return USH_LEAVE_NOW;
	case USH_FATE_REFUSED:
	case USH_FATE_ENDED:
	case USH_FATE_EARLY:
		break;
	}
	*why = ush_strdup(resolved->why);
	return USH_LEAVE_NOW;
}

/* The most careful answer of all grants that name the subject; false when none does. */
static bool ask_grants(struct ush_decide *d, const struct ush_wanted *wanted, const struct ush_origin *subject, enum ush_leave *leave, char **why)
{
	bool any = false;

	for (size_t i = 0; wanted != NULL && i < wanted->grant_count; i++) {
		char *this_why = NULL;
		enum ush_leave answer;

		if (!names(d, &d->policy->grants[wanted->grants[i]], subject))
			continue;
		answer = leave_by_grant(d, wanted->grants[i], &this_why);
		if (!any || answer > *leave) {
			free(*why);
			*why = ush_steal(&this_why);
			*leave = answer;
		}
		free(this_why);
		any = true;
	}
	return any;
}

enum ush_leave ush_decide_leave(struct ush_decide *d, const struct ush_wanted *wanted, const struct ush_origin *subject, char **why)
{
	enum ush_leave leave = USH_LEAVE_NOW;
	bool named;

	*why = NULL;
	named = ask_grants(d, wanted, subject, &leave, why);
	if (!source_trusted(d, subject)) {
		free(*why);
		*why = named ? NULL : ush_strdup("the policy does not want it, but its source is incomplete; kept as it is");
		return USH_LEAVE_UNKNOWN;
	}
	if (!named)
		*why = ush_strdup(subject->source != NULL ? "no grant wants it" : "nobody granted it; added by hand");
	return leave;
}

void ush_decide_state(struct ush_decide *d)
{
	USH_AUTO_FREE char *before = ush_state_text(d->in->state), *after = NULL;

	for (size_t i = 0; i < d->policy->grant_count; i++) {
		const struct ush_grant *grant = &d->policy->grants[i];
		enum ush_fate fate = d->in->desired->resolved[i].fate;
		const char *source = d->policy->sources[grant->source].name;
		const struct ush_tombstone *stone = ush_state_find(d->in->state, source, grant->group);
		struct absence a = absence_of(d, grant);

		if (d->mourned[i]) /* beyond the run before the last the number says nothing new: no write for it */
			ush_state_set(&d->plan->state, source, grant->group, a.since, a.runs < d->policy->vanished_runs ? a.runs : d->policy->vanished_runs - 1);
		else if (fate == USH_FATE_PRESENT && stone != NULL)
			ush_plan_add(d->plan, USH_NOTE, USH_ROLE_BINDING, "", "", ush_printf("group %s is back in source %s; its tombstone goes", grant->group, source));
		else if ((fate == USH_FATE_UNKNOWN || fate == USH_FATE_AMBIGUOUS) && stone != NULL)
			ush_state_set(&d->plan->state, source, grant->group, stone->since, stone->runs);
	}
	after = ush_state_text(&d->plan->state);
	d->plan->state_changed = strcmp(before, after) != 0;
}
