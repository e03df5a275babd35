/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/policy/reach.h"

#include "broker/policy/naming.h"
#include "common/base/memory.h"

bool ush_reach_means(const struct ush_policy *policy, const struct ush_grant *grant, const char *id, const char *name, const char *path,
		     struct ush_captures *captures)
{
	if (captures != NULL)
		captures->count = 0;
	if (grant->group != NULL)
		return !grant->kubernetes && ush_name_refers(grant->group, id, name, path, policy->group_name);
	return grant->group_pattern != NULL && ush_pattern_match(grant->group_pattern, *grant->group_pattern == '/' ? path : name, captures);
}

static bool is_meant(const struct ush_grant *grant, const struct ush_captures *captures, const char *namespace_name, const json_t *labels)
{
	USH_AUTO_FREE char *pattern = grant->namespace_pattern != NULL ? ush_pattern_fill(grant->namespace_pattern, captures) : NULL;

	return ush_list_has(&grant->namespaces, namespace_name) || (pattern != NULL && ush_pattern_match(pattern, namespace_name, NULL)) ||
	       ush_selector_matches(&grant->selector, captures, labels);
}

enum ush_reach ush_reach_of(const struct ush_policy *policy, const struct ush_grant *grant, const struct ush_captures *captures,
				 const char *namespace_name, const json_t *labels, const char **by)
{
	static const struct ush_captures none;
	const char *except = ush_list_excludes(&grant->except, namespace_name), *excluded = ush_list_excludes(&policy->exclude_namespaces, namespace_name);

	if (by != NULL)
		*by = excluded != NULL ? excluded : except;
	if (!is_meant(grant, captures != NULL ? captures : &none, namespace_name, labels))
		return USH_REACH_NOT;
	return excluded != NULL ? USH_REACH_EXCLUDED : except != NULL ? USH_REACH_EXCEPT : USH_REACH_YES;
}

const char *ush_list_excludes(const struct ush_list *patterns, const char *text)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (ush_pattern_match(patterns->items[i], text, NULL))
			return patterns->items[i];
	return NULL;
}

const char *ush_list_excludes_group(const struct ush_list *patterns, const char *name, const char *path)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (ush_pattern_match(patterns->items[i], *patterns->items[i] == '/' ? path : name, NULL))
			return patterns->items[i];
	return NULL;
}
