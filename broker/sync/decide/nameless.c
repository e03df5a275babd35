/* SPDX-License-Identifier: Apache-2.0
 *
 * Subjects of which nobody can say any more which group they were: the annotation that said so was spoilt or taken off, or
 * the source that it names is not in the policy any more.
 * While a group of that name is wanted there, it is that one, and the annotation is written anew. When none is, it may
 * have been one that is gone just now; so it waits like that, under a tombstone without an id. When it went, the name is
 * guarded like that of any group that went: whoever bears it next needs a person's word.
 */
#include <string.h>
#include <strings.h>

#include "broker/policy/naming.h"
#include "broker/policy/pattern.h"
#include "broker/sync/decide/decide.h"
#include "common/base/memory.h"

bool ush_decide_is_nameless(const struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *subject)
{
	bool known = subject->source != NULL && subject->id != NULL && subject->name != NULL && subject->path != NULL;

	for (size_t i = 0; known && i < d->policy->source_count; i++)
		if (strcmp(d->policy->sources[i].name, subject->source) == 0)
			return false;
	return known || (seen->spoilt || ush_origins_find(&seen->origins, subject->text) != NULL);
}

/* ---- may a grant have meant it? ---- */

static bool same_case(const struct ush_decide *d, const char *a, const char *b)
{
	return (d->policy->lower_case ? strcasecmp(a, b) : strcmp(a, b)) == 0;
}

/* What the API server calls it tells its name or its path, or neither: what cannot be told may be. */
static bool may_name(const struct ush_decide *d, const struct ush_grant *grant, const struct ush_origin *guess)
{
	enum ush_group_name how = d->policy->group_name;

	if (how == USH_GROUP_ID)
		return true;
	if (grant->group != NULL && *grant->group == '/')
		return same_case(d, how == USH_GROUP_PATH ? grant->group : ush_name_leaf(grant->group), how == USH_GROUP_PATH ? guess->path : guess->name);
	if (grant->group != NULL)
		return same_case(d, grant->group, guess->name);
	if (d->policy->lower_case || (*grant->group_pattern == '/' && how == USH_GROUP_LEAF))
		return true;
	return ush_pattern_match(grant->group_pattern, *grant->group_pattern == '/' ? guess->path : guess->name, NULL);
}

/* The namespace of a pattern's captures is not asked where the captures cannot be told. */
static bool may_place(const struct ush_decide *d, size_t number, const struct ush_seen *seen, const struct ush_origin *guess)
{
	const struct ush_grant *grant = &d->policy->grants[number];
	bool told = grant->group_pattern == NULL || ush_grant_names(d->policy, grant, guess->id, guess->name, guess->path);

	if (told)
		return ush_grant_means(d->desired, number, guess->name, guess->path, seen->place);
	return !ush_grant_bars(d->desired, grant, seen->place) && (!grant->selector.captures || ush_places_selected(d->desired->places, seen->place, number));
}

/* What can be told of a group by what the API server calls it. false: it is no group of ours. All is the plan's. */
static bool guess_of(const struct ush_decide *d, const char *text, struct ush_origin *guess)
{
	size_t prefix = strlen(d->policy->group_prefix);

	if (strncmp(text, d->policy->group_prefix, prefix) != 0)
		return false;
	*guess = (struct ush_origin){(char *)text, NULL, (char *)"", (char *)ush_name_leaf(text + prefix), (char *)text + prefix, NULL};
	return true;
}

static bool may_mean(const struct ush_decide *d, size_t number, const struct ush_seen *seen, const struct ush_origin *guess)
{
	const struct ush_grant *grant = &d->policy->grants[number];

	return may_name(d, grant, guess) && ush_decide_gives(d, grant, seen) && may_place(d, number, seen, guess);
}

bool ush_decide_elsewhere(const struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *subject)
{
	struct ush_origin guess;

	if (subject->source == NULL || d->policy->source_count < 2 || seen->place == SIZE_MAX || !guess_of(d, subject->text, &guess))
		return false;
	for (size_t i = 0; i < d->policy->grant_count; i++)
		if (d->desired->resolved[d->desired->first[i]].fate == USH_FATE_UNKNOWN && strcmp(d->policy->sources[d->policy->grants[i].source].name, subject->source) != 0 &&
		    may_mean(d, i, seen, &guess))
			return true;
	return false;
}

/* ---- what the grants say ---- */

/* The group that is called so now, as the grant resolved it. */
static const struct ush_resolved *resolved_as(const struct ush_decide *d, size_t number, const char *text)
{
	for (uint32_t i = d->desired->first[number]; i < d->desired->first[number + 1]; i++) {
		const struct ush_group *group = d->desired->resolved[i].group;
		USH_AUTO_FREE char *its = group != NULL ? ush_name_group(d->policy, group->id, group->name, group->path) : NULL;

		if (its != NULL && strcmp(its, text) == 0)
			return &d->desired->resolved[i];
	}
	return NULL;
}

static void answer_of(struct ush_decide *d, size_t number, const struct ush_seen *seen, const struct ush_origin *guess, struct ush_leaving *answer)
{
	const struct ush_resolved *first = &d->desired->resolved[d->desired->first[number]], *now = resolved_as(d, number, guess->text);

	if (now == NULL && first->fate != USH_FATE_PRESENT && first->fate != USH_FATE_GONE && d->policy->grants[number].group_pattern == NULL)
		now = first;
	if (ush_decide_out_of_time(d, number) || first->fate == USH_FATE_UNKNOWN)
		now = first;
	if (now != NULL)
		ush_decide_by_fate(d, number, seen, now, answer);
	else
		ush_decide_gone(d, number, answer, "gone from");
}

bool ush_decide_nameless_over(const struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *subject)
{
	struct ush_origin guess;
	bool any = false;

	if (seen->place == SIZE_MAX || !guess_of(d, subject->text, &guess))
		return false;
	for (size_t i = 0; i < d->policy->grant_count; i++) {
		if (!may_mean(d, i, seen, &guess))
			continue;
		if (!ush_decide_out_of_time(d, i))
			return false;
		any = true;
	}
	return any;
}

bool ush_decide_nameless(struct ush_decide *d, const struct ush_seen *seen, struct ush_leaving *l)
{
	const char *text = ush_plan_text(d->plan, l->subject->text);
	USH_AUTO_FREE struct ush_note *notes = NULL;
	struct ush_origin guess;
	size_t count = 0;
	bool any = false;

	if (l->subject->source == NULL && ush_origins_find(&seen->subjects, text) == NULL) {
		ush_decide_unrecorded(d, l);
		return true;
	}
	if (seen->place == SIZE_MAX || !guess_of(d, text, &guess))
		return false;
	for (size_t i = 0; i < d->policy->grant_count; i++) {
		struct ush_leaving answer = {.subject = &guess};

		if (!may_mean(d, i, seen, &guess))
			continue;
		guess.source = d->policy->sources[d->policy->grants[i].source].name;
		answer_of(d, i, seen, &guess, &answer);
		answer.subject = l->subject;
		if (answer.note.group != NULL)
			USH_PUSH(notes, count, answer.note);
		ush_decide_answer(l, &answer, &any);
	}
	ush_decide_stones(d, seen, notes, count, l->leave != USH_LEAVE_NOW);
	l->note = (struct ush_note){0};
	return any;
}
