/* SPDX-License-Identifier: Apache-2.0
 *
 * A subject that no present group accounts for: may it go? Not while its source is incomplete, not while its grant is
 * ambiguous or gives it the same by a binding that is not written, and when its group is gone only at the run and the age
 * that the policy says. A group is known by its id: one that is called otherwise now is followed. What ended goes whatever
 * else is known. A source that the policy no longer has vouches for nothing: who came from it is nameless (nameless.c).
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/decide/decide.h"
#include "broker/sync/decide/denied.h"
#include "common/base/memory.h"
#include "common/base/moment.h"

void ush_leaving_free(struct ush_leaving *leaving)
{
	free(leaving->why);
	free(leaving->others);
}

static void say(struct ush_leaving *l, enum ush_leave leave, char *why)
{
	l->leave = leave;
	l->why = why;
}

size_t ush_decide_source(const struct ush_decide *d, const char *name)
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

/* Of a stone that several namespaces brought up, or did once, none has it. */
static const char *space_of(const struct ush_seen *seen, const struct ush_tombstone *old, const struct ush_tombstone *before)
{
	const struct ush_tombstone *other = old != NULL ? old : before;

	return other == NULL || (other->space != NULL && strcmp(other->space, seen->namespace_name) == 0) ? seen->namespace_name : NULL;
}

/* One that only guards a name says since when, and no more, so that the next run says the same. */
void ush_decide_stone(struct ush_decide *d, const struct ush_seen *seen, const struct ush_note *note)
{
	const struct ush_tombstone *old, *before;
	struct ush_tombstone stone = {(char *)note->source, (char *)note->id, (char *)note->group, (char *)note->text, note->since, note->runs, note->removed,
				      NULL};

	if (note->group == NULL)
		return;
	old = ush_state_find(&d->stones, stone.source, stone.id, note->text);
	before = ush_state_find(d->in->state, stone.source, stone.id, note->text);
	stone.space = (char *)space_of(seen, old, before);
	if (old != NULL && !old->removed) {
		USH_AUTO_FREE char *group = ush_strdup(old->group);

		stone = (struct ush_tombstone){stone.source, stone.id, group, stone.text, old->since, old->runs, false, stone.space};
		ush_state_set(&d->stones, &stone);
		return;
	}
	if (stone.removed) {
		stone.runs = 0;
		stone.since = before != NULL && before->since < stone.since ? before->since : stone.since;
		if (before != NULL)
			stone.group = before->group;
	}
	ush_state_set(&d->stones, &stone);
}

void ush_decide_stones(struct ush_decide *d, const struct ush_seen *seen, struct ush_note *notes, size_t count, bool waits)
{
	for (size_t i = 0; i < count; i++) {
		if (notes[i].removed && notes[i].runs > 0 && waits) {
			notes[i].removed = false;
			notes[i].runs = d->policy->vanished_runs - 1;
		}
		ush_decide_stone(d, seen, &notes[i]);
	}
}

void ush_decide_remember(struct ush_decide *d, const struct ush_seen *seen, struct ush_leaving *l)
{
	ush_decide_stone(d, seen, &l->note);
	ush_decide_stones(d, seen, l->others, l->other_count, l->leave == USH_LEAVE_LATER);
}

static void note(struct ush_decide *d, size_t number, struct ush_leaving *l, const char *group, int64_t since, long runs, bool removed)
{
	l->note = (struct ush_note){l->subject->source, l->subject->id, group, ush_decide_spoken_name(d, number, l->subject), since, runs, removed};
}

/* It is called otherwise now: whoever takes its old name is another group. */
static void guard(struct ush_decide *d, size_t number, struct ush_leaving *l)
{
	const struct ush_grant *grant = &d->policy->grants[number];

	note(d, number, l, grant->group != NULL ? grant->group : l->subject->name, d->in->now, 0, true);
}

/* ---- gone ---- */

struct absence {
	int64_t since;
	long runs; /* this one included */
	bool due;
};

static struct absence absence_of(struct ush_decide *d, const struct ush_origin *subject, const char *text)
{
	const struct ush_tombstone *stone = ush_state_find(d->in->state, subject->source, subject->id, text);
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

void ush_decide_gone(struct ush_decide *d, size_t number, struct ush_leaving *l, const char *how)
{
	const struct ush_grant *grant = &d->policy->grants[number];
	const struct ush_origin *s = l->subject;
	struct absence a = absence_of(d, s, ush_decide_spoken_name(d, number, s));
	USH_AUTO_FREE char *since = ush_moment(a.since), *until = ush_moment(a.since + d->policy->vanished_age);
	long due_run = d->policy->vanished_runs > a.runs ? d->policy->vanished_runs : a.runs + 1;
	/* beyond the run before the last the number says nothing new: no write for it */
	long kept_runs = a.runs < d->policy->vanished_runs ? a.runs : d->policy->vanished_runs - 1;

	note(d, number, l, called(grant, s), a.since, a.due ? a.runs : kept_runs, a.due);
	if (a.due) {
		say(l, USH_LEAVE_NOW, ush_printf("group %s gone since %s, complete run %ld without it", called(grant, s), since, a.runs));
		return;
	}
	d->mourned[number] = true;
	say(l, USH_LEAVE_LATER, ush_printf("kept: group %s is %s source %s since %s (complete run %ld of %ld; removed not before %s)", called(grant, s), how,
					   s->source, since, a.runs, due_run, until));
}

void ush_decide_unrecorded(struct ush_decide *d, struct ush_leaving *l)
{
	const char *text = ush_plan_text(d->plan, l->subject->text);
	const struct ush_origin mark = {(char *)text, (char *)"", (char *)"", NULL, NULL, NULL};
	struct absence a = absence_of(d, &mark, text);
	USH_AUTO_FREE char *since = ush_moment(a.since), *until = ush_moment(a.since + d->policy->vanished_age);
	long kept_runs = a.runs < d->policy->vanished_runs ? a.runs : d->policy->vanished_runs - 1;

	l->note = (struct ush_note){"", "", text, text, a.since, a.due ? a.runs : kept_runs, a.due};
	if (a.due)
		say(l, USH_LEAVE_NOW, ush_printf("for whose people it was made could not be read since %s, and no group that is there has them", since));
	else
		say(l, USH_LEAVE_LATER, ush_printf("kept: for whose people it was made cannot be read any more since %s (complete run %ld; nobody is taken out before %s)",
						   since, a.runs, until));
}

/* ---- renamed ---- */

/* Another group bears the name now that the subject stands for: who keeps the subject gives to that one. */
static bool is_taken(const struct ush_decide *d, size_t source, const struct ush_group *group, const struct ush_origin *subject)
{
	const struct ush_group *one;
	size_t count = ush_decide_called(d, source, subject->text, &one);

	return count > 1 || (count == 1 && one != group);
}

static bool is_excluded(const struct ush_decide *d, const struct ush_group *group)
{
	for (size_t i = 0; i < d->policy->exclude_groups.count; i++)
		if (ush_pattern_match(d->policy->exclude_groups.items[i], group->path, NULL) || ush_pattern_match(d->policy->exclude_groups.items[i], group->name, NULL))
			return true;
	return false;
}

/* Somebody else is called that, too, or was, or it may not be bound: then nothing is done by itself. */
static bool may_follow(const struct ush_decide *d, size_t source, const struct ush_group *group, const char *text, size_t place)
{
	const struct ush_group *one;

	return ush_name_group_refused(text) == NULL && ush_decide_may_bear(d, d->policy->sources[source].name, group->id, text, place) &&
	       ush_decide_called(d, source, text, &one) == 1;
}

static void follow(struct ush_decide *d, size_t number, const struct ush_seen *seen, const struct ush_group *group, struct ush_leaving *l)
{
	const struct ush_grant *grant = &d->policy->grants[number];
	USH_AUTO_FREE char *text = ush_name_group(d->policy, group->id, group->name, group->path);

	if (ush_decide_not_given(d, number, seen)) { /* it would keep that by its new name for as long as the policy has the old one */
		guard(d, number, l);
		say(l, USH_LEAVE_NOW, ush_printf("%s: group %s is called %s in source %s now (same id), and this is for %s, which is not granted to it. "
						 "Write the new name into the policy", grant->called, grant->group, *grant->group == '/' ? group->path : group->name, l->subject->source,
						 seen->role));
		return;
	}
	d->mourned[number] = true; /* it is not said again that there is none */
	if (ush_decide_bars(d, l, d->policy->sources[grant->source].name, group->id, text))
		return;
	if (!may_follow(d, grant->source, group, text, seen->place)) {
		say(l, USH_LEAVE_UNKNOWN, ush_printf("group %s is called %s in source %s now, and who that is could not be told; kept as it is", grant->group,
						     group->path, l->subject->source));
		return;
	}
	l->group = group;
	l->granted = grant->group;
	guard(d, number, l);
	say(l, USH_LEAVE_FOLLOW, ush_printf("%s: group %s is called %s in source %s now (same id); the binding follows it. Write the new name into the policy",
					    grant->called, grant->group, *grant->group == '/' ? group->path : group->name, l->subject->source));
}

/* ---- what the grants say ---- */

static const struct ush_resolved *resolved_for(const struct ush_decide *d, size_t number, const struct ush_group *group)
{
	for (uint32_t i = d->desired->first[number]; i < d->desired->first[number + 1]; i++)
		if (d->desired->resolved[i].group == group)
			return &d->desired->resolved[i];
	return NULL;
}

/* It stands there already, and is not on its way out. */
static bool has_it(const struct ush_decide *d, size_t wanted, const struct ush_seen *there, const char *text)
{
	return !there->terminating && ush_origins_find(&there->subjects, text) != NULL && ush_decide_refers(d, wanted, there);
}

static bool can_be_written(const struct ush_decide *d, size_t wanted, const struct ush_resolved *r)
{
	const struct ush_seen *there = ush_observed_at(d->in->observed, wanted);

	if (ush_wanted_shape(d->desired, wanted)->excess > 0 || ush_decide_blocked(d, wanted) || ush_decide_widened(d, wanted) != NULL ||
	    ush_same_too_long(d->desired, wanted))
		return false;
	if (d->policy->layout == USH_LAYOUT_USERS && (!r->group->members_known || r->group->unresolvable > 0))
		return false;
	return there == NULL || (!there->terminating && !ush_decide_stays_behind(d, wanted, there) &&
				 (d->policy->drift != USH_DRIFT_REPORT || there->manager == NULL || strcmp(there->manager, USH_MANAGED_BY) == 0));
}

/* The wanted binding of the group is there, or will be: what gives access is written before anything is taken away. */
static bool is_written(const struct ush_decide *d, size_t place, const struct ush_resolved *r)
{
	size_t wanted = ush_desired_find(d->desired, place, USH_ROLE_BINDING, r->binding);
	const struct ush_seen *there = wanted != SIZE_MAX ? ush_observed_at(d->in->observed, wanted) : NULL;

	if (wanted == SIZE_MAX || !ush_policy_same_role(d->policy, ush_wanted_shape(d->desired, wanted)->role, d->policy->grants[r->grant].role))
		return false;
	if (d->in->observed->marks[wanted] == USH_SAME)
		return true;
	if (there != NULL && there->foreign != NULL)
		return there->same_access && there->same_marks;
	return (there != NULL && has_it(d, wanted, there, r->text)) || can_be_written(d, wanted, r);
}

void ush_decide_by_fate(struct ush_decide *d, size_t number, const struct ush_seen *seen, const struct ush_resolved *r, struct ush_leaving *l)
{
	switch (r->fate) {
	case USH_FATE_UNKNOWN:
	case USH_FATE_AMBIGUOUS:
		say(l, USH_LEAVE_UNKNOWN, NULL); /* said once, about the source or the grant */
		return;
	case USH_FATE_PRESENT:
		if (ush_decide_waits(d, (size_t)(r - d->desired->resolved), seen->place)) { /* it is to have the same by a name that was another's, when somebody says yes */
			say(l, USH_LEAVE_UNKNOWN, NULL);
			return;
		}
		if (strcmp(r->text, l->subject->text) == 0) {
			l->moved = is_written(d, seen->place, r);
			say(l, l->moved ? USH_LEAVE_NOW : USH_LEAVE_UNKNOWN,
			    l->moved ? ush_printf("%s has it by another binding now", r->text) : ush_strdup("the binding that is to have it now cannot be written; kept as it is"));
			return;
		}
		if (*l->subject->id != '\0' && r->group == ush_desired_group(d->desired, d->policy->grants[number].source, l->subject->id)) {
			if (!is_written(d, seen->place, r)) {
				say(l, USH_LEAVE_UNKNOWN, ush_printf("is %s now, and the binding that is to have that cannot be written; kept as it is", r->text));
				return;
			}
			guard(d, number, l);
		}
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

/* Its group is called otherwise now: what would stay for its sake stays for the group that has the name now. */
static void drop_taken(struct ush_decide *d, size_t number, const struct ush_group *now, struct ush_leaving *l)
{
	USH_AUTO_FREE char *text = ush_name_group(d->policy, now->id, now->name, now->path);

	if ((l->leave != USH_LEAVE_LATER && l->leave != USH_LEAVE_UNKNOWN) || strcmp(text, l->subject->text) == 0 || !is_taken(d, d->policy->grants[number].source, now, l->subject))
		return;
	ush_leaving_free(l);
	*l = (struct ush_leaving){.subject = l->subject};
	guard(d, number, l);
	say(l, USH_LEAVE_NOW, ush_printf("is called %s now, and another group has its name", now->path));
}

static void leave_by_grant(struct ush_decide *d, size_t number, const struct ush_seen *seen, struct ush_leaving *l)
{
	const struct ush_grant *grant = &d->policy->grants[number];
	const struct ush_resolved *first = &d->desired->resolved[d->desired->first[number]], *its;
	const struct ush_group *now = ush_desired_group(d->desired, grant->source, l->subject->id);

	if (first->fate == USH_FATE_ENDED || first->fate == USH_FATE_EARLY || first->fate == USH_FATE_UNKNOWN) {
		ush_decide_by_fate(d, number, seen, first, l);
	} else if (now != NULL && is_excluded(d, now)) { /* whatever else there is about it */
		guard(d, number, l);
		say(l, USH_LEAVE_NOW, ush_printf("%s is excluded (exclude.groups)", now->path));
	} else if (now == NULL) {
		ush_decide_gone(d, number, l, "gone from");
	} else if (grant->group_pattern != NULL) {
		its = resolved_for(d, number, now);
		if (its != NULL && ush_grant_means(d->desired, number, now->name, now->path, seen->place))
			ush_decide_by_fate(d, number, seen, its, l);
		else
			ush_decide_gone(d, number, l, "called otherwise in");
	} else if (!ush_grant_names(d->policy, grant, now->id, now->name, now->path) && !(first->fate == USH_FATE_PRESENT && !ush_decide_waits(d, d->desired->first[number], seen->place))) {
		follow(d, number, seen, now, l); /* also while others have taken its name, and nobody has said yes to that */
	} else {
		ush_decide_by_fate(d, number, seen, first, l);
	}
	if (now != NULL)
		drop_taken(d, number, now, l);
}

/* ---- the answer ---- */

void ush_decide_answer(struct ush_leaving *l, struct ush_leaving *answer, bool *any)
{
	bool wins = !*any || answer->leave > l->leave;

	free(wins ? l->why : answer->why);
	if (wins)
		*l = *answer;
	*any = true;
}

static bool ask(struct ush_decide *d, const struct ush_seen *seen, const struct ush_speakers *speakers, struct ush_leaving *l)
{
	USH_AUTO_FREE struct ush_note *notes = NULL;
	size_t count = 0;
	bool any = false;

	for (size_t i = 0; i < speakers->count; i++) {
		struct ush_leaving answer = {.subject = l->subject};

		leave_by_grant(d, speakers->grants[i], seen, &answer);
		if (answer.note.runs > 0)
			USH_PUSH(notes, count, answer.note);
		ush_decide_answer(l, &answer, &any);
	}
	if (l->leave == USH_LEAVE_LATER) {
		l->other_count = count;
		l->others = ush_steal(&notes);
	}
	return any;
}

/* Nobody bears its name whom it is of, or nobody can tell: it leaves the bindings, and the name must not go to somebody else
 * unseen. Where it turns out that it is there still, the stone goes again. */
static bool is_lost(const struct ush_decide *d, const struct ush_origin *s)
{
	size_t source = ush_decide_source(d, s->source);
	const struct ush_group *now = source != SIZE_MAX && s->id != NULL ? ush_desired_group(d->desired, source, s->id) : NULL;
	USH_AUTO_FREE char *text = now != NULL ? ush_name_group(d->policy, now->id, now->name, now->path) : NULL;

	if (source == SIZE_MAX || s->id == NULL || s->name == NULL)
		return false;
	return !ush_groups_trusted(&d->in->groups[source]) || text == NULL || strcmp(text, s->text) != 0;
}

/* By each name by which a grant means it there: a name that no grant speaks of is nobody's. */
static void forget(struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *subject, const struct ush_speakers *speakers)
{
	struct ush_leaving l = {.subject = subject};

	for (size_t i = 0; i < speakers->count && is_lost(d, subject); i++) {
		guard(d, speakers->grants[i], &l);
		ush_decide_stone(d, seen, &l.note);
	}
}

void ush_decide_forget(struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *origin)
{
	USH_AUTO_SPEAKERS speakers = {0};

	ush_decide_speakers(d, seen, origin, &speakers);
	forget(d, seen, origin, &speakers);
}

/* All that is granted to it is over, or is to come: that is the clock's word, and needs no source. */
static bool is_over(struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *subject, const struct ush_speakers *speakers)
{
	for (size_t i = 0; i < speakers->count; i++)
		if (!ush_decide_out_of_time(d, speakers->grants[i]))
			return false;
	return speakers->count > 0 || (ush_decide_is_nameless(d, seen, subject) && ush_decide_nameless_over(d, seen, subject));
}

static void decide(struct ush_decide *d, const struct ush_seen *seen, const struct ush_speakers *speakers, struct ush_leaving *l)
{
	bool named = ush_decide_is_nameless(d, seen, l->subject) ? ush_decide_nameless(d, seen, l) : ask(d, seen, speakers, l);

	l->spoken = named;
	if (!named)
		say(l, USH_LEAVE_NOW, ush_strdup(l->subject->source != NULL ? "no grant wants it" : "nobody granted it; added by hand"));
	if ((l->leave == USH_LEAVE_NOW || l->leave == USH_LEAVE_FOLLOW) && ush_decide_elsewhere(d, seen, l->subject)) {
		ush_leaving_free(l);
		*l = (struct ush_leaving){.subject = l->subject};
		say(l, USH_LEAVE_UNKNOWN, ush_strdup("another source is incomplete, and a group of that name there may have it as well; kept as it is"));
	}
}

void ush_decide_leave(struct ush_decide *d, const struct ush_seen *seen, struct ush_leaving *l)
{
	USH_AUTO_SPEAKERS speakers = {0};

	d->ending_count = 0;
	if (seen->place == SIZE_MAX && d->desired->places->known) {
		say(l, USH_LEAVE_UNKNOWN, ush_strdup("its namespace came after the list of namespaces; kept as it is until the next run"));
		return;
	}
	if (d->in->partial) {
		say(l, USH_LEAVE_UNKNOWN, ush_strdup("kept as it is: a plan for a few namespaces takes nothing away, the next run of apply decides"));
		return;
	}
	if (ush_decide_source(d, l->subject->source) != SIZE_MAX)
		ush_decide_speakers(d, seen, l->subject, &speakers);
	if (ush_decide_bars(d, l, l->subject->source, l->subject->id, l->subject->text)) { /* the ledger's word needs no source either */
		for (size_t i = 0; i < speakers.count; i++)
			d->ended[speakers.grants[i]] |= d->desired->resolved[d->desired->first[speakers.grants[i]]].fate == USH_FATE_ENDED;
		forget(d, seen, l->subject, &speakers);
		return;
	}
	if (!source_trusted(d, l->subject) && !is_over(d, seen, l->subject, &speakers)) {
		say(l, USH_LEAVE_UNKNOWN, speakers.count > 0 ? NULL : ush_strdup("the policy does not want it, but its source is incomplete; kept as it is"));
		return;
	}
	decide(d, seen, &speakers, l);
	if (l->leave == USH_LEAVE_NOW) {
		ush_decide_stone(d, seen, &l->note);
		forget(d, seen, l->subject, &speakers);
	}
	for (size_t i = 0; l->leave == USH_LEAVE_NOW && i < d->ending_count; i++)
		d->ended[d->ending[i]] = true;
}

bool ush_decide_needs_role(struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *subject)
{
	USH_AUTO_SPEAKERS speakers = {0};
	bool needs = false;

	if (ush_denied_group(d->desired, subject->source, subject->id, subject->text) != NULL)
		return false;
	if (ush_decide_source(d, subject->source) != SIZE_MAX)
		ush_decide_speakers(d, seen, subject, &speakers);
	if (!source_trusted(d, subject))
		return !is_over(d, seen, subject, &speakers);
	for (size_t i = 0; i < speakers.count && !needs; i++) {
		struct ush_leaving answer = {.subject = subject};

		if (!ush_decide_names_role(d->policy, d->policy->grants[speakers.grants[i]].role, seen->role))
			continue;
		leave_by_grant(d, speakers.grants[i], seen, &answer);
		needs = answer.leave != USH_LEAVE_NOW;
		ush_decide_remember(d, seen, &answer);
		ush_leaving_free(&answer);
	}
	return needs || ush_decide_elsewhere(d, seen, subject);
}
