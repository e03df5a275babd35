/* SPDX-License-Identifier: Apache-2.0
 *
 * A subject that no present group accounts for: may it go? Not while its source is incomplete, not while its grant is
 * ambiguous, and when its group is gone only at the run and the age that the policy says. A group is known by its id: one
 * that is called otherwise now is followed.
 */
#include <string.h>
#include <time.h>

#include "broker/policy/naming.h"
#include "broker/sync/decide.h"
#include "common/base/memory.h"

void ush_leaving_free(struct ush_leaving *leaving)
{
	free(leaving->why);
}

static void say(struct ush_leaving *l, enum ush_leave leave, char *why)
{
	l->leave = leave;
	l->why = why;
}

static size_t source_of(const struct ush_decide *d, const char *name)
{
	for (size_t i = 0; name != NULL && i < d->policy->source_count; i++)
		if (strcmp(d->policy->sources[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

/* The source that a subject came from was read whole. A subject nobody wrote the source of may be anyone's. */
static bool source_trusted(const struct ush_decide *d, const struct ush_origin *subject)
{
	for (size_t i = 0; i < d->policy->source_count; i++)
		if (!ush_groups_trusted(&d->in->groups[i]) && (subject->source == NULL || strcmp(subject->source, d->policy->sources[i].name) == 0))
			return false;
	return true;
}

/* Several bindings may speak of one group: while one of them waits, the stone does. One that only guards a name says since
 * when, and no more, so that the next run says the same. */
static void put_stone(struct ush_decide *d, const struct ush_origin *s, const struct ush_note *note)
{
	const struct ush_tombstone *old, *before;
	struct ush_tombstone stone = {s->source, s->id, (char *)note->group, (char *)note->text, note->since, note->runs, note->removed};

	if (note->group == NULL)
		return;
	old = ush_state_find(&d->stones, s->source, s->id, note->text);
	before = ush_state_find(d->in->state, s->source, s->id, note->text);
	if (old != NULL && !old->removed)
		return;
	if (stone.removed) {
		stone.runs = 0;
		stone.since = before != NULL && before->since < stone.since ? before->since : stone.since;
		if (before != NULL)
			stone.group = before->group;
	}
	ush_state_set(&d->stones, &stone);
	if (stone.removed && strcmp(stone.text, s->text) != 0) /* it had two: the policy's, and the one it was called by */
		put_stone(d, s, &(struct ush_note){s->name, s->text, note->since, 0, true});
}

/* The name that must not pass to another group: the one by which the policy means it. */
static const char *guarded_name(struct ush_decide *d, const struct ush_origin *s)
{
	USH_AUTO_FREE char *text = s->granted != NULL ? ush_name_group(d->policy, s->granted, s->granted, s->granted) : ush_strdup(s->text);

	return ush_plan_text(d->plan, text);
}

static void note(struct ush_decide *d, struct ush_leaving *l, const char *group, int64_t since, long runs, bool removed)
{
	l->note = (struct ush_note){group, guarded_name(d, l->subject), since, runs, removed};
}

/* It is called otherwise now: whoever takes its old name is another group. */
static void guard(struct ush_decide *d, struct ush_leaving *l)
{
	note(d, l, l->subject->granted != NULL ? l->subject->granted : l->subject->name, d->in->now, 0, true);
}

/* ---- gone ---- */

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

static struct absence absence_of(struct ush_decide *d, const struct ush_origin *subject)
{
	const struct ush_tombstone *stone = ush_state_find(d->in->state, subject->source, subject->id, guarded_name(d, subject));
	struct absence a = {d->in->now, 1, false};

	if (stone != NULL && !stone->removed) {
		a.since = stone->since < d->in->now ? stone->since : d->in->now; /* a clock that ran ahead must not shorten it, nor stop it */
		a.runs = stone->runs + 1;
	}
	a.due = a.runs >= d->policy->vanished_runs && d->in->now - a.since >= d->policy->vanished_age;
	return a;
}

static const char *called(const struct ush_grant *grant, const struct ush_origin *subject)
{
	return grant->group != NULL ? grant->group : subject->path;
}

/* how: "gone from", or "called otherwise in". */
static void leave_gone(struct ush_decide *d, size_t number, struct ush_leaving *l, const char *how)
{
	const struct ush_grant *grant = &d->policy->grants[number];
	const struct ush_origin *s = l->subject;
	struct absence a = absence_of(d, s);
	USH_AUTO_FREE char *since = moment(a.since), *until = moment(a.since + d->policy->vanished_age);
	long due_run = d->policy->vanished_runs > a.runs ? d->policy->vanished_runs : a.runs + 1;
	/* beyond the run before the last the number says nothing new: no write for it */
	long kept_runs = a.runs < d->policy->vanished_runs ? a.runs : d->policy->vanished_runs - 1;

	note(d, l, called(grant, s), a.since, a.due ? a.runs : kept_runs, a.due);
	if (a.due) {
		say(l, USH_LEAVE_NOW, ush_printf("group %s gone since %s, complete run %ld without it", called(grant, s), since, a.runs));
		return;
	}
	d->mourned[number] = true;
	say(l, USH_LEAVE_LATER, ush_printf("kept: group %s is %s source %s since %s (complete run %ld of %ld; removed not before %s)", called(grant, s), how,
					   s->source, since, a.runs, due_run, until));
}

/* ---- renamed ---- */

/* Somebody else is called that, too, or was, or it may not be bound: then nothing is done by itself. */
static bool may_follow(const struct ush_decide *d, size_t source, const struct ush_group *group, const char *text)
{
	const struct ush_groups *groups = &d->in->groups[source];
	size_t same = 0;

	if (ush_name_group_refused(text) != NULL || ush_decide_is_anew(d, d->policy->sources[source].name, group->id, text))
		return false;
	for (size_t i = 0; i < groups->count; i++) {
		USH_AUTO_FREE char *other = ush_name_group(d->policy, groups->items[i].id, groups->items[i].name, groups->items[i].path);

		same += strcmp(other, text) == 0;
	}
	for (size_t i = 0; i < d->policy->exclude_groups.count; i++)
		if (ush_pattern_match(d->policy->exclude_groups.items[i], group->path, NULL) || ush_pattern_match(d->policy->exclude_groups.items[i], group->name, NULL))
			return false;
	return same == 1;
}

static void follow(struct ush_decide *d, size_t number, const struct ush_group *group, struct ush_leaving *l)
{
	const struct ush_grant *grant = &d->policy->grants[number];
	USH_AUTO_FREE char *text = ush_name_group(d->policy, group->id, group->name, group->path);

	d->mourned[number] = true; /* it is not said again that there is none */
	if (!may_follow(d, grant->source, group, text)) {
		say(l, USH_LEAVE_UNKNOWN, ush_printf("group %s is called %s in source %s now, and who that is could not be told; kept as it is", grant->group,
						     group->path, l->subject->source));
		return;
	}
	l->group = group;
	l->granted = grant->group;
	guard(d, l);
	say(l, USH_LEAVE_FOLLOW, ush_printf("grants[%zu]: group %s is called %s in source %s now (same id); the binding follows it. Write the new name into the policy",
					    grant->number, grant->group, *grant->group == '/' ? group->path : group->name, l->subject->source));
}

/* ---- what the grants say ---- */

static const struct ush_resolved *resolved_for(const struct ush_decide *d, size_t number, const struct ush_group *group)
{
	for (uint32_t i = d->desired->first[number]; i < d->desired->first[number + 1]; i++)
		if (d->desired->resolved[i].group == group)
			return &d->desired->resolved[i];
	return NULL;
}

static void leave_by_fate(struct ush_decide *d, size_t number, const struct ush_resolved *r, struct ush_leaving *l)
{
	switch (r->fate) {
	case USH_FATE_UNKNOWN:
	case USH_FATE_AMBIGUOUS:
		say(l, USH_LEAVE_UNKNOWN, NULL); /* said once, about the source or the grant */
		return;
	case USH_FATE_PRESENT:
		if (d->anew[r - d->desired->resolved]) { /* it is to have the same by a name that was another's, when somebody says yes */
			say(l, USH_LEAVE_UNKNOWN, NULL);
			return;
		}
		if (r->group == ush_desired_group(d->desired, d->policy->grants[number].source, l->subject->id))
			guard(d, l);
		say(l, USH_LEAVE_NOW, ush_printf("is %s now", r->text));
		return;
	case USH_FATE_ENDED:
		USH_PUSH(d->ending, d->ending_count, number);
		say(l, USH_LEAVE_NOW, ush_strdup(r->why));
		return;
	case USH_FATE_GONE:
	case USH_FATE_REFUSED:
	case USH_FATE_EXCLUDED:
	case USH_FATE_EARLY:
		break;
	}
	say(l, USH_LEAVE_NOW, ush_strdup(r->why));
}

static void leave_by_grant(struct ush_decide *d, size_t number, const struct ush_seen *seen, struct ush_leaving *l)
{
	const struct ush_grant *grant = &d->policy->grants[number];
	const struct ush_resolved *first = &d->desired->resolved[d->desired->first[number]], *its;
	const struct ush_group *now = ush_desired_group(d->desired, grant->source, l->subject->id);

	if (first->fate == USH_FATE_ENDED || first->fate == USH_FATE_EARLY || first->fate == USH_FATE_UNKNOWN) {
		leave_by_fate(d, number, first, l);
	} else if (now == NULL && (grant->group_pattern != NULL || first->fate != USH_FATE_AMBIGUOUS)) {
		leave_gone(d, number, l, "gone from");
	} else if (grant->group_pattern != NULL) {
		its = resolved_for(d, number, now);
		if (its != NULL && ush_grant_means(d->desired, number, now->name, now->path, seen->place))
			leave_by_fate(d, number, its, l);
		else
			leave_gone(d, number, l, "called otherwise in");
	} else if (first->fate == USH_FATE_GONE || (first->fate == USH_FATE_PRESENT && d->anew[d->desired->first[number]])) {
		follow(d, number, now, l); /* also while another one has taken its name, and nobody has said yes to that */
	} else {
		leave_by_fate(d, number, first, l);
	}
}

/* ---- which grants speak of it ---- */

static bool speaks_of(const struct ush_decide *d, size_t number, const struct ush_seen *seen, const struct ush_origin *s)
{
	const struct ush_grant *grant = &d->policy->grants[number];
	USH_AUTO_FREE char *binding = NULL;

	if (strcmp(d->policy->sources[grant->source].name, s->source) != 0 || seen->place == SIZE_MAX ||
	    !ush_grant_means(d->desired, number, s->name, s->path, seen->place))
		return false;
	binding = ush_grant_binding(d->policy, grant, s->id);
	return strcmp(binding, seen->name) == 0;
}

/* The most careful answer of all grants wins. */
static void ask(struct ush_decide *d, size_t number, const struct ush_seen *seen, struct ush_leaving *l, bool *any)
{
	struct ush_leaving answer = {.subject = l->subject};

	if (!speaks_of(d, number, seen, l->subject))
		return;
	leave_by_grant(d, number, seen, &answer);
	if (!*any || answer.leave > l->leave) {
		free(l->why);
		*l = answer;
	} else {
		free(answer.why);
	}
	*any = true;
}

static void ask_named(struct ush_decide *d, const char *group, const struct ush_seen *seen, struct ush_leaving *l, bool *any)
{
	size_t low = 0, high = d->claim_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(d->claims[middle].group, group) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < d->claim_count && strcmp(d->claims[low].group, group) == 0; low++)
		ask(d, d->claims[low].grant, seen, l, any);
}

static bool ask_grants(struct ush_decide *d, const struct ush_seen *seen, struct ush_leaving *l)
{
	const struct ush_origin *s = l->subject;
	bool any = false;

	if (s->source == NULL || s->id == NULL || s->name == NULL || s->path == NULL || source_of(d, s->source) == SIZE_MAX)
		return false;
	ask_named(d, s->path, seen, l, &any);
	if (strcmp(s->name, s->path) != 0)
		ask_named(d, s->name, seen, l, &any);
	if (s->granted != NULL)
		ask_named(d, s->granted, seen, l, &any);
	if (d->policy->group_name == USH_GROUP_ID && strcmp(s->id, s->name) != 0 && strcmp(s->id, s->path) != 0)
		ask_named(d, s->id, seen, l, &any);
	for (size_t i = 0; i < d->pattern_count; i++)
		if (ush_grant_names(d->policy, &d->policy->grants[d->patterns[i]], s->id, s->name, s->path))
			ask(d, d->patterns[i], seen, l, &any);
	return any;
}

/* Nobody bears its name whom it is of: it leaves the bindings, and the name must not go to somebody else unseen. */
static bool is_lost(const struct ush_decide *d, const struct ush_origin *s)
{
	size_t source = source_of(d, s->source);
	const struct ush_group *now = source != SIZE_MAX && s->id != NULL ? ush_desired_group(d->desired, source, s->id) : NULL;
	USH_AUTO_FREE char *text = now != NULL ? ush_name_group(d->policy, now->id, now->name, now->path) : NULL;

	return source != SIZE_MAX && s->id != NULL && s->name != NULL && (text == NULL || strcmp(text, s->text) != 0);
}

void ush_decide_forget(struct ush_decide *d, const struct ush_origin *origin)
{
	struct ush_leaving l = {.subject = origin};

	if (origin->source == NULL || !source_trusted(d, origin) || !is_lost(d, origin))
		return;
	guard(d, &l);
	put_stone(d, origin, &l.note);
}

void ush_decide_leave(struct ush_decide *d, const struct ush_seen *seen, struct ush_leaving *l)
{
	bool named;

	d->ending_count = 0;
	if (seen->place == SIZE_MAX && d->desired->places->known) {
		say(l, USH_LEAVE_UNKNOWN, ush_strdup("its namespace came after the list of namespaces; kept as it is until the next run"));
		return;
	}
	if (!source_trusted(d, l->subject)) {
		named = l->subject->source != NULL && ask_grants(d, seen, l);
		free(l->why);
		say(l, USH_LEAVE_UNKNOWN, named ? NULL : ush_strdup("the policy does not want it, but its source is incomplete; kept as it is"));
		return;
	}
	if (!ask_grants(d, seen, l))
		say(l, USH_LEAVE_NOW, ush_strdup(l->subject->source != NULL ? "no grant wants it" : "nobody granted it; added by hand"));
	if (l->leave == USH_LEAVE_NOW && l->note.group == NULL && is_lost(d, l->subject))
		guard(d, l);
	for (size_t i = 0; l->leave == USH_LEAVE_NOW && i < d->ending_count; i++)
		d->ended[d->ending[i]] = true;
	put_stone(d, l->subject, &l->note);
}
