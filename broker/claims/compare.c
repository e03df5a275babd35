/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "broker/claims/claims.h"
#include "broker/policy/naming.h"
#include "common/base/memory.h"

static void add(struct ush_truths *truths, enum ush_truth_kind kind, const char *text, char *line, char *remedy)
{
	USH_PUSH(truths->items, truths->count, ((struct ush_truth){.kind = kind, .text = ush_strdup(text), .line = line, .remedy = remedy}));
	truths->failed += kind == USH_TRUTH_FAIL;
}

/* The string behind the prefix, NULL when the prefix is another. */
static const char *bare(const struct ush_policy *policy, const struct ush_said *said, const char *text)
{
	size_t length = strlen(policy->group_prefix);

	if (!said->prefixed)
		return text;
	return strncmp(text, policy->group_prefix, length) == 0 ? text + length : NULL;
}

static size_t grants_of(const struct ush_policy *policy, size_t source, const struct ush_group *group)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->grant_count; i++) {
		const struct ush_grant *grant = &policy->grants[i];

		if (grant->source != source)
			continue;
		if (grant->group != NULL)
			count += ush_name_refers(grant->group, group->id, group->name, group->path, policy->group_name);
		else if (grant->group_pattern != NULL)
			count += ush_pattern_match(grant->group_pattern, *grant->group_pattern == '/' ? group->path : group->name, NULL);
	}
	return count;
}

/* ---- one string ---- */

/* In which way, other than the policy's, a string is this group; NULL when in none. */
static const char *other_way(const struct ush_policy *policy, const struct ush_group *group, const char *text, const char **setting)
{
	const struct {
		const char *value, *what, *setting;
		enum ush_group_name how;
	} ways[] = {
		{group->path, "its path", "path", USH_GROUP_PATH},
		{group->name, "its name", "leaf", USH_GROUP_LEAF},
		{group->id, "its id", "id", USH_GROUP_ID},
	};
	const char *said = ush_name_said(policy, group->id, group->name, group->path);

	for (size_t i = 0; i < USH_COUNT(ways); i++)
		if (ways[i].how != policy->group_name && strcmp(ways[i].value, text) == 0) {
			*setting = ways[i].setting;
			return ways[i].what;
		}
	*setting = NULL;
	if (strcasecmp(said, text) == 0)
		return "the same in another case";
	if (group->path[0] == '/' && strcmp(group->path + 1, text) == 0)
		return "its path without the first slash";
	return NULL;
}

/* text is what was said, name what follows the prefix. */
static bool compare_group(struct ush_truths *truths, const struct ush_policy *policy, size_t source, const struct ush_group *group, const char *text,
			  const char *name, bool exact)
{
	USH_AUTO_FREE char *bound = ush_name_group(policy, group->id, group->name, group->path);
	const char *setting, *way;
	size_t grants;

	if (exact) {
		if (strcmp(ush_name_said(policy, group->id, group->name, group->path), name) != 0)
			return false;
		grants = grants_of(policy, source, group);
		add(truths, USH_TRUTH_OK, text, ush_printf("is %s at the API server; %zu grant%s", bound, grants, grants == 1 ? "" : "s"), NULL);
		return true;
	}
	way = other_way(policy, group, name, &setting);
	if (way == NULL)
		return false;
	add(truths, USH_TRUTH_FAIL, text, ush_printf("is group %s, but by %s; the policy binds %s", group->path, way, bound),
	    setting != NULL ? ush_printf("cluster.groupName: %s", setting) : NULL);
	return true;
}

/* The API server has another prefix, when what follows it is a group of ours. */
static bool other_prefix(struct ush_truths *truths, const struct ush_policy *policy, const struct ush_groups *groups, const char *text)
{
	for (size_t i = 0; i < policy->source_count; i++)
		for (size_t k = 0; k < groups[i].count; k++) {
			const struct ush_group *group = &groups[i].items[k];
			const char *said = ush_name_said(policy, group->id, group->name, group->path);
			size_t length = strlen(text), tail = strlen(said);

			if (tail == 0 || tail > length || strcmp(text + length - tail, said) != 0)
				continue;
			add(truths, USH_TRUTH_FAIL, text,
			    ush_printf("ends as group %s, but the API server's prefix is \"%.*s\" and the policy says \"%s\"", group->path,
				       (int)(length - tail), text, policy->group_prefix),
			    ush_printf("cluster.groupPrefix: \"%.*s\"", (int)(length - tail), text));
			return true;
		}
	return false;
}

static void compare_text(struct ush_truths *truths, const struct ush_policy *policy, const struct ush_groups *groups, const struct ush_said *said,
			 const char *text)
{
	const char *name = bare(policy, said, text);

	for (int exact = 1; name != NULL && exact >= 0; exact--)
		for (size_t i = 0; i < policy->source_count; i++)
			for (size_t k = 0; k < groups[i].count; k++)
				if (compare_group(truths, policy, i, &groups[i].items[k], text, name, exact))
					return;
	if (name == NULL && other_prefix(truths, policy, groups, text))
		return;
	add(truths, USH_TRUTH_NOTE, text, ush_strdup("no source has it; nothing is bound to it"), NULL);
}

/* ---- what was not said ---- */

static bool was_said(const struct ush_policy *policy, const struct ush_said *said, const struct ush_group *group)
{
	const char *wanted = ush_name_said(policy, group->id, group->name, group->path);

	for (size_t i = 0; i < said->groups.count; i++) {
		const char *name = bare(policy, said, said->groups.items[i]);

		if (name != NULL && strcmp(name, wanted) == 0)
			return true;
	}
	return false;
}

static void compare_missing(struct ush_truths *truths, const struct ush_policy *policy, size_t source, const struct ush_group *group,
			    const struct ush_said *said)
{
	size_t grants = grants_of(policy, source, group);

	if (grants == 0 || !group->members_known || !ush_members_has(&group->members, said->person) || was_said(policy, said, group))
		return;
	add(truths, USH_TRUTH_FAIL, ush_name_said(policy, group->id, group->name, group->path),
	    ush_printf("%s is in group %s, which has %zu grant%s, and it is not said", said->person, group->path, grants, grants == 1 ? "" : "s"),
	    ush_strdup("sign in again; if it stays so, the provider's group mapper leaves it out"));
}

void ush_claims_compare(struct ush_truths *truths, const struct ush_policy *policy, const struct ush_groups *groups, const struct ush_said *said)
{
	if (said->left_out)
		add(truths, USH_TRUTH_FAIL, policy->group_claim != NULL ? policy->group_claim : "groups",
		    ush_strdup("this person is in too many groups: the provider left the claim out, so the API server sees none"),
		    ush_strdup("let the provider put only assigned groups in the token, or use layout: users"));
	else if (said->no_claim)
		add(truths, USH_TRUTH_FAIL, policy->group_claim != NULL ? policy->group_claim : "groups", ush_strdup("the token has no such claim"),
		    ush_strdup("add a group mapper to the client at the provider, or ask for the scope that brings it"));
	for (size_t i = 0; i < said->groups.count; i++)
		if (!said->prefixed || strncmp(said->groups.items[i], "system:", 7) != 0)
			compare_text(truths, policy, groups, said, said->groups.items[i]);
	for (size_t i = 0; said->person != NULL && i < policy->source_count; i++)
		for (size_t k = 0; k < groups[i].count; k++)
			compare_missing(truths, policy, i, &groups[i].items[k], said);
}

void ush_truths_free(struct ush_truths *truths)
{
	for (size_t i = 0; i < truths->count; i++) {
		free(truths->items[i].text);
		free(truths->items[i].line);
		free(truths->items[i].remedy);
	}
	free(truths->items);
	*truths = (struct ush_truths){0};
}
