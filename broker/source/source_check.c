/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/source_check.h"

#include <string.h>

#include "common/base/memory.h"

/* ---- which groups ---- */

static bool fits(const struct ush_list *patterns, const struct ush_group *group)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (ush_pattern_match(patterns->items[i], patterns->items[i][0] == '/' ? group->path : group->name, NULL))
			return true;
	return false;
}

bool ush_source_takes(const struct ush_policy_source *source, const struct ush_group *group)
{
	const struct ush_list *include = ush_source_list(source, "include"), *exclude = ush_source_list(source, "exclude");

	return (include->count == 0 || fits(include, group)) && !fits(exclude, group);
}

void ush_source_leave_out(const struct ush_policy_source *source, struct ush_groups *groups)
{
	size_t kept = 0;

	for (size_t i = 0; i < groups->count; i++) {
		if (ush_source_takes(source, &groups->items[i]))
			groups->items[kept++] = groups->items[i];
		else
			ush_group_free(&groups->items[i]);
	}
	groups->left_out = groups->count - kept;
	groups->count = kept;
}

/* ---- canaries ---- */

static bool is_there(const struct ush_groups *groups, const char *canary)
{
	for (size_t i = 0; i < groups->count; i++) {
		const struct ush_group *group = &groups->items[i];

		if (strcmp(canary, *canary == '/' ? group->path : group->name) == 0 || strcmp(canary, group->id) == 0)
			return true;
	}
	return false;
}

static bool is_member(const struct ush_groups *groups, const char *person)
{
	for (size_t i = 0; i < groups->count; i++)
		if (ush_members_has(&groups->items[i].members, person))
			return true;
	return false;
}

static void advise(struct ush_groups *groups, const char *advice)
{
	if (groups->why == NULL && groups->advice == NULL)
		groups->advice = ush_strdup(advice);
}

static bool all_known(const struct ush_groups *groups)
{
	for (size_t i = 0; i < groups->count; i++)
		if (!groups->items[i].members_known)
			return false;
	return true;
}

void ush_source_canaries(const struct ush_source_question *question, struct ush_groups *groups)
{
	const struct ush_list *wanted = ush_source_list(question->source, "canaries.groups"), *people = ush_source_list(question->source, "canaries.people");

	for (size_t i = 0; i < wanted->count; i++) {
		if (is_there(groups, wanted->items[i]))
			continue;
		advise(groups, "Look at the rights of the account that reads; if the group is gone for good, take it out of canaries.groups");
		ush_groups_incomplete(groups, "the group %s, which every complete reading has, is not there", wanted->items[i]);
	}
	for (size_t i = 0; !question->no_members && i < people->count; i++) {
		if (is_member(groups, people->items[i]))
			continue;
		advise(groups, all_known(groups) ? "Look at the rights of the account that reads; if the person has left, take the name out of canaries.people"
						 : "A canary must be a member of a group that the policy grants something: the others' members are not read");
		ush_groups_incomplete(groups, "%s, whom every complete reading has, is in no group", people->items[i]);
	}
}
