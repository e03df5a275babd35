/* SPDX-License-Identifier: Apache-2.0
 *
 * One namespace: which grants reach it and through what, for whom, and what stands there.
 */
#include <string.h>

#include "broker/explain/explain.h"
#include "broker/policy/naming.h"
#include "broker/policy/reach.h"
#include "broker/sync/want/desired.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static const struct ush_standing_namespace *space_of(const struct ush_explain *all, const char *name)
{
	for (size_t i = 0; all->standing != NULL && i < all->standing->namespace_count; i++)
		if (strcmp(all->standing->namespaces[i].name, name) == 0)
			return &all->standing->namespaces[i];
	return NULL;
}

bool ush_explain_knows_namespace(const struct ush_explain *all, const char *asked)
{
	for (size_t i = 0; i < all->policy->grant_count; i++)
		if (ush_list_has(&all->policy->grants[i].namespaces, asked))
			return true;
	for (size_t i = 0; all->standing != NULL && i < all->standing->binding_count; i++)
		if (strcmp(all->standing->bindings[i]->namespace_name, asked) == 0)
			return true;
	return space_of(all, asked) != NULL;
}

/* How a grant comes to the namespace: "namespaces", "namespacePattern {team}-*", "namespaceSelector", "label
 * usher.dev/template=team". The caller frees. */
static char *through(const struct ush_grant *grant)
{
	if (grant->of_template)
		return ush_printf("label %s=%s", grant->selector.rules[0].key, grant->selector.rules[0].values.items[0]);
	return grant->namespace_pattern != NULL ? ush_printf("namespacePattern %s", grant->namespace_pattern)
						: ush_strdup(grant->selector.count > 0 ? "namespaceSelector" : "namespaces");
}

static json_t *reach_json(const struct ush_explain *all, const struct ush_grant *grant, const struct ush_group *group, const char *subject, const char *by)
{
	USH_AUTO_FREE char *way = through(grant), *why = by != NULL ? ush_printf("kept out by \"%s\"", by) : ush_explain_kept_out(all, grant, group);
	json_t *json = json_pack("{s:s, s:s, s:s}", "role", all->policy->roles[grant->role].name, "through", way, "subject", subject);

	if (group != NULL && group->members_known)
		json_object_set_new(json, "people", json_integer((json_int_t)group->members.count));
	if (why != NULL)
		json_object_set_new(json, "keptOut", json_string(why));
	return ush_explain_of(grant, json);
}

/* The groups of a grant's source that bring it here. */
static size_t add_listed(const struct ush_explain *all, const struct ush_grant *grant, const char *name, const json_t *labels, json_t *out)
{
	const struct ush_groups *groups = all->groups != NULL ? &all->groups[grant->source] : NULL;
	size_t found = 0;

	for (size_t i = 0; groups != NULL && !grant->kubernetes && i < groups->count; i++) {
		const struct ush_group *group = &groups->items[i];
		USH_AUTO_FREE char *text = NULL;
		struct ush_captures captures;
		const char *by = NULL;
		enum ush_reach reach;

		if (!ush_reach_means(all->policy, grant, group->id, group->name, group->path, &captures))
			continue;
		found++;
		text = ush_name_group(all->policy, group->id, group->name, group->path);
		reach = ush_explain_reach(all, grant, &captures, name, labels, &by);
		if (reach != USH_REACH_NOT)
			json_array_append_new(out, reach_json(all, grant, group, text, reach == USH_REACH_YES ? NULL : by));
	}
	return found;
}

static void add_grant(const struct ush_explain *all, const struct ush_grant *grant, const char *name, const json_t *labels, json_t *out)
{
	const char *by = NULL;
	enum ush_reach reach;
	USH_AUTO_FREE char *text = NULL;

	if (grant->namespaces.count > 0 && !ush_list_has(&grant->namespaces, name)) /* whichever group it is: no need to look through them */
		return;
	if (add_listed(all, grant, name, labels, out) > 0 || grant->group == NULL)
		return;
	reach = ush_explain_reach(all, grant, NULL, name, labels, &by);
	text = grant->kubernetes ? ush_strdup(grant->group) : ush_name_group(all->policy, grant->group, grant->group, grant->group);
	if (reach != USH_REACH_NOT)
		json_array_append_new(out, reach_json(all, grant, NULL, text, reach == USH_REACH_YES ? NULL : by));
}

static json_t *objects(const struct ush_explain *all, const char *name)
{
	json_t *list = json_array();

	for (size_t i = 0; all->standing != NULL && i < all->standing->binding_count; i++) {
		const struct ush_rbac *binding = all->standing->bindings[i];
		const char *policy = ush_json_string(binding->labels, USH_LABEL_POLICY);
		json_t *subjects = json_array();

		if (strcmp(binding->namespace_name, name) == 0) {
			for (size_t k = 0; k < binding->subject_count; k++)
				json_array_append_new(subjects, json_pack("{s:s, s:s}", "kind", binding->subjects[k].kind, "name", binding->subjects[k].name));
			json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b, s:O}", "name", binding->name, "roleKind", binding->role_kind, "role",
							      binding->role_name, "ours", policy != NULL && strcmp(policy, all->policy->name) == 0, "subjects",
							      subjects));
		}
		json_decref(subjects);
	}
	return list;
}

/* "team=pay, env=x": what its labels say where the selector captures. The caller frees. */
static char *captured_labels(const struct ush_selector *selector, const json_t *labels)
{
	struct ush_buf out = {0};

	for (size_t i = 0; i < selector->count; i++)
		if (selector->rules[i].captures)
			ush_buf_printf(&out, "%s%s=%s", out.length > 0 ? ", " : "", selector->rules[i].key, ush_json_string(labels, selector->rules[i].key));
	return ush_buf_take(&out);
}

/* Which label does not fit. The caller frees. */
static char *selects_not(const struct ush_explain *all, const struct ush_grant *grant, const struct ush_standing_namespace *space)
{
	const char *what = grant->of_template ? "" : "namespaceSelector: ";
	USH_AUTO_FREE char *lacks = space != NULL ? ush_selector_lacks(&grant->selector, NULL, space->labels) : NULL, *says = NULL;

	if (space == NULL)
		return ush_printf("%sits labels are not known%s", what, all->standing == NULL ? "; see them with --live or --from" : "");
	if (lacks != NULL)
		return ush_printf("%s%s", what, lacks);
	if (!grant->selector.captures)
		return ush_printf("%sits labels fit, and no group is there like %s", what, grant->group_pattern != NULL ? grant->group_pattern : grant->group);
	says = captured_labels(&grant->selector, space->labels);
	return ush_printf("%sit is labelled %s, and no group is there from which %s captures that", what, says, grant->group_pattern);
}

/* Selectors that lack a label and patterns that do not match; what names its namespaces one by one needs no word. */
static void add_elsewhere(const struct ush_explain *all, const struct ush_grant *grant, const struct ush_standing_namespace *space, json_t *report)
{
	if (grant->selector.count > 0)
		ush_explain_elsewhere(report, grant, selects_not(all, grant, space));
	else if (grant->namespace_pattern != NULL)
		ush_explain_elsewhere(report, grant, ush_printf("namespacePattern %s does not match%s", grant->namespace_pattern,
								strchr(grant->namespace_pattern, '{') != NULL ? " for any group" : ""));
}

json_t *ush_explain_namespace(const struct ush_explain *all, const char *asked)
{
	const struct ush_standing_namespace *space = space_of(all, asked);
	const char *excluded = ush_list_excludes(&all->policy->exclude_namespaces, asked);
	json_t *grants = json_array();
	json_t *report = json_pack("{s:s, s:s, s:o, s:o, s:o}", "kind", "Namespace", "asked", asked, "grants", grants, "objects", objects(all, asked), "plan",
				   ush_explain_plan(all, asked, NULL, NULL));

	for (size_t i = 0; i < all->policy->grant_count; i++) {
		size_t before = json_array_size(grants);

		add_grant(all, &all->policy->grants[i], asked, space != NULL ? space->labels : NULL, grants);
		if (json_array_size(grants) == before)
			add_elsewhere(all, &all->policy->grants[i], space, report);
	}
	if (all->standing != NULL)
		json_object_set_new(report, "exists", json_boolean(space != NULL));
	if (space != NULL && space->labels != NULL)
		json_object_set(report, "labels", space->labels);
	if (excluded != NULL)
		json_object_set_new(report, "excluded", json_string(excluded));
	return report;
}
