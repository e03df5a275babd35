/* SPDX-License-Identifier: Apache-2.0
 *
 * One group: who lists it, what the API server calls it, which grants mean it, where they reach, what keeps it out.
 */
#include <string.h>

#include "broker/explain/explain.h"
#include "broker/policy/naming.h"
#include "broker/policy/reach.h"
#include "common/base/memory.h"

static bool is_asked(const struct ush_policy *policy, const struct ush_group *group, const char *asked)
{
	USH_AUTO_FREE char *text = ush_name_group(policy, group->id, group->name, group->path);

	return strcmp(asked, group->path) == 0 || strcmp(asked, group->name) == 0 || strcmp(asked, group->id) == 0 || strcmp(asked, text) == 0;
}

/* What the policy would see in a group that no source lists: "/a/b", "b" or "oidc:b". */
static struct ush_group imagined(const struct ush_policy *policy, const char *asked)
{
	size_t length = strlen(policy->group_prefix);
	const char *said = length > 0 && strncmp(asked, policy->group_prefix, length) == 0 ? asked + length : asked;

	return (struct ush_group){.id = (char *)said, .name = (char *)ush_name_leaf(said), .path = *said == '/' ? ush_strdup(said) : ush_printf("/%s", said)};
}

static bool means(const struct ush_policy *policy, const struct ush_grant *grant, const struct ush_group *group, const char *asked, struct ush_captures *captures)
{
	if (grant->kubernetes)
		return strcmp(grant->group, asked) == 0;
	return ush_reach_means(policy, grant, group->id, group->name, group->path, captures);
}

bool ush_explain_knows_group(const struct ush_explain *all, const char *asked)
{
	struct ush_group group = imagined(all->policy, asked);
	bool known = false;

	for (size_t i = 0; all->groups != NULL && i < all->policy->source_count; i++)
		for (size_t k = 0; k < all->groups[i].count; k++)
			known = known || is_asked(all->policy, &all->groups[i].items[k], asked);
	for (size_t i = 0; i < all->policy->grant_count; i++)
		known = known || (all->policy->grants[i].group != NULL && means(all->policy, &all->policy->grants[i], &group, asked, NULL));
	free(group.path);
	return known;
}

/* Each namespace that the grant means, and what keeps it out of it. NULL: which there are is not known. */
static json_t *places(const struct ush_explain *all, const struct ush_grant *grant, const struct ush_captures *captures)
{
	json_t *list = json_array();

	for (size_t i = 0; i < grant->namespaces.count; i++) {
		const char *name = grant->namespaces.items[i], *by = NULL;
		bool reached = ush_explain_reach(all, grant, captures, name, NULL, &by) == USH_REACH_YES;

		json_array_append_new(list, json_pack("{s:s, s:s*}", "namespace", name, "keptOutBy", reached ? NULL : by));
	}
	for (size_t i = 0; grant->namespaces.count == 0 && all->standing != NULL && i < all->standing->namespace_count; i++) {
		const struct ush_standing_namespace *space = &all->standing->namespaces[i];
		const char *by = NULL;
		enum ush_reach reach = ush_explain_reach(all, grant, captures, space->name, space->labels, &by);

		if (reach != USH_REACH_NOT)
			json_array_append_new(list, json_pack("{s:s, s:s*}", "namespace", space->name, "keptOutBy", reach == USH_REACH_YES ? NULL : by));
	}
	return list;
}

/* What the labels are to say, as kubectl writes it: "tier in (test,prod),team=payments". The caller frees. */
static char *labels_of(const struct ush_selector *selector, const struct ush_captures *captures)
{
	static const char *const signs[] = {[USH_SELECT_IN] = " in (", [USH_SELECT_NOT_IN] = " notin (", [USH_SELECT_EXISTS] = "", [USH_SELECT_NOT_EXISTS] = ""};
	struct ush_buf out = {0};

	for (size_t i = 0; i < selector->count; i++) {
		const struct ush_selector_rule *rule = &selector->rules[i];
		struct ush_list values = ush_selector_values(rule, captures);
		bool one = rule->operator == USH_SELECT_IN && values.count == 1;

		ush_buf_printf(&out, "%s%s%s%s", i > 0 ? "," : "", rule->operator == USH_SELECT_NOT_EXISTS ? "!" : "", rule->key, one ? "=" : signs[rule->operator]);
		for (size_t k = 0; k < values.count; k++)
			ush_buf_printf(&out, "%s%s", k > 0 ? "," : "", values.items[k]);
		ush_buf_puts(&out, !one && *signs[rule->operator] != '\0' ? ")" : "");
		ush_list_free(&values);
	}
	return ush_buf_take(&out);
}

static json_t *grant_json(const struct ush_explain *all, const struct ush_grant *grant, const struct ush_group *group, const struct ush_captures *captures,
			  bool listed)
{
	USH_AUTO_FREE char *why = ush_explain_kept_out(all, grant, listed || all->groups == NULL ? group : NULL);
	USH_AUTO_FREE char *pattern = grant->namespace_pattern != NULL ? ush_pattern_fill(grant->namespace_pattern, captures) : NULL;
	json_t *json = json_pack("{s:s, s:s, s:o}", "role", all->policy->roles[grant->role].name, grant->group != NULL ? "group" : "groupPattern",
				 grant->group != NULL ? grant->group : grant->group_pattern, "places", places(all, grant, captures));

	if (pattern != NULL)
		json_object_set_new(json, "namespacePattern", json_string(pattern));
	if (grant->selector.count > 0) {
		USH_AUTO_FREE char *labels = labels_of(&grant->selector, captures);

		json_object_set_new(json, "namespaceSelector", json_string(labels));
	}
	if (grant->namespaces.count == 0 && all->standing == NULL)
		json_object_set_new(json, "placesUnknown", json_true());
	if (why != NULL)
		json_object_set_new(json, "keptOut", json_string(why));
	return ush_explain_of(grant, json);
}

static void add_grants(const struct ush_explain *all, const struct ush_group *group, const char *asked, size_t source, bool listed, json_t *out)
{
	for (size_t i = 0; i < all->policy->grant_count; i++) {
		const struct ush_grant *grant = &all->policy->grants[i];
		struct ush_captures captures = {0};

		if (means(all->policy, grant, group, asked, &captures) && (!listed || grant->kubernetes || grant->source == source))
			json_array_append_new(out, grant_json(all, grant, group, &captures, listed));
	}
}

/* Patterns that do not match, and names that differ in their case or in their path alone. */
static void add_elsewhere(const struct ush_explain *all, const struct ush_group *group, const char *asked, size_t source, bool listed, json_t *report)
{
	for (size_t i = 0; i < all->policy->grant_count; i++) {
		const struct ush_grant *grant = &all->policy->grants[i];
		const char *text = grant->group_pattern != NULL ? grant->group_pattern : grant->group, *said = *text == '/' ? group->path : group->name;
		bool meant, near = grant->group_pattern != NULL || strcasecmp(ush_name_leaf(text), ush_name_leaf(group->path)) == 0;

		if (!near || grant->kubernetes)
			continue;
		meant = means(all->policy, grant, group, asked, NULL);
		if (meant && (!listed || grant->source == source))
			continue;
		if (meant)
			ush_explain_elsewhere(report, grant, ush_printf("it is for groups of source %s", all->policy->sources[grant->source].name));
		else
			ush_explain_elsewhere(report, grant, ush_printf(grant->group_pattern != NULL ? "groupPattern %s does not match %s" : "group %s is not %s", text, said));
	}
}

static json_t *group_json(const struct ush_explain *all, const struct ush_group *group, const char *asked, size_t source, bool listed)
{
	USH_AUTO_FREE char *text = ush_name_group(all->policy, group->id, group->name, group->path);
	json_t *grants = json_array();
	json_t *json = json_pack("{s:s, s:s, s:o, s:o}", "path", group->path, "subject", text, "grants", grants, "plan", ush_explain_plan(all, NULL, text, group));

	if (listed) {
		json_object_set_new(json, "source", json_string(all->policy->sources[source].name));
		json_object_set_new(json, "id", json_string(group->id));
		json_object_set_new(json, "people", group->members_known ? json_integer((json_int_t)group->members.count) : json_null());
	}
	add_grants(all, group, asked, source, listed, grants);
	add_elsewhere(all, group, asked, source, listed, json);
	return json;
}

json_t *ush_explain_group(const struct ush_explain *all, const char *asked)
{
	json_t *groups = json_array(), *sources = json_array();

	for (size_t i = 0; all->groups != NULL && i < all->policy->source_count; i++) {
		const struct ush_groups *list = &all->groups[i];
		size_t found = 0;

		for (size_t k = 0; k < list->count; k++)
			if (is_asked(all->policy, &list->items[k], asked) && ++found > 0)
				json_array_append_new(groups, group_json(all, &list->items[k], asked, i, true));
		json_array_append_new(sources, json_pack("{s:s, s:b, s:s*, s:I}", "name", all->policy->sources[i].name, "complete", list->complete, "why",
							 list->complete ? NULL : list->why, "found", (json_int_t)found));
	}
	if (json_array_size(groups) == 0) {
		struct ush_group group = imagined(all->policy, asked);

		json_array_append_new(groups, group_json(all, &group, asked, 0, false));
		free(group.path);
	}
	return json_pack("{s:s, s:s, s:o, s:o}", "kind", "Group", "asked", asked, "sources", sources, "groups", groups);
}
