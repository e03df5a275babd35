/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether an object is what Kubernetes made: identity and content, never a label. The API server only ever adds to its
 * defaults, so less than the default is still the default and more is somebody's doing.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/audit/grants.h"
#include "common/kube/match.h"
#include "common/base/memory.h"
#include "common/data/json.h"

/* ---- selectors ---- */

static bool has_value(const json_t *values, const char *text)
{
	const json_t *value;
	size_t i;

	json_array_foreach(values, i, value) if (text != NULL && json_is_string(value) &&
						 strcmp(json_string_value(value), text) == 0) return true;
	return false;
}

static bool expression_matches(const json_t *expression, const json_t *labels)
{
	const char *key = ush_json_string(expression, "key"), *operator= ush_json_string(expression, "operator");
	const char *label = key != NULL ? ush_json_string(labels, key) : NULL;
	bool in = has_value(ush_json_array(expression, "values"), label);

	if (key == NULL || operator== NULL)
		return false;
	if (strcmp(operator, "In") == 0)
		return in;
	if (strcmp(operator, "NotIn") == 0)
		return !in;
	if (strcmp(operator, "Exists") == 0)
		return label != NULL;
	return strcmp(operator, "DoesNotExist") == 0 && label == NULL;
}

static bool selector_matches(const json_t *selector, const json_t *labels)
{
	const json_t *value;
	const char *key;
	size_t i;

	json_object_foreach(ush_json_object(selector, "matchLabels"), key, value)
	{
		const char *label = ush_json_string(labels, key);

		if (label == NULL || !json_is_string(value) || strcmp(label, json_string_value(value)) != 0)
			return false;
	}
	json_array_foreach(ush_json_array(selector, "matchExpressions"), i,
			   value) if (!expression_matches(value, labels)) return false;
	return json_is_object(selector);
}

bool ush_role_selects(const struct ush_rbac *aggregated, const struct ush_rbac *role)
{
	const json_t *selectors = ush_json_array(aggregated->aggregation, "clusterRoleSelectors"), *selector;
	size_t i;

	if (strcmp(aggregated->name, role->name) == 0)
		return false;
	json_array_foreach(selectors, i, selector) if (selector_matches(selector, role->labels)) return true;
	return false;
}

/* ---- bindings ---- */

static bool same_text(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool has_subject(const struct ush_rbac *binding, const struct ush_subject *subject)
{
	for (size_t i = 0; i < binding->subject_count; i++) {
		const struct ush_subject *s = &binding->subjects[i];

		if (strcmp(s->kind, subject->kind) == 0 && strcmp(s->name, subject->name) == 0 &&
		    same_text(s->namespace_name, subject->namespace_name))
			return true;
	}
	return false;
}

enum ush_origin ush_binding_origin(const struct ush_baseline *baseline, const struct ush_rbac *binding, bool *extra,
				   bool *addon)
{
	const struct ush_rbac *table =
		ush_baseline_find(baseline, binding->kind, binding->namespace_name, binding->name, addon);
	enum ush_origin origin = USH_DEFAULT;
	bool same_role;

	if (table == NULL)
		return USH_FOREIGN;
	same_role =
		strcmp(table->role_kind, binding->role_kind) == 0 && strcmp(table->role_name, binding->role_name) == 0;
	for (size_t i = 0; i < binding->subject_count; i++) {
		bool more = !same_role || !has_subject(table, &binding->subjects[i]);

		if (extra != NULL)
			extra[i] = more;
		origin = more ? USH_CHANGED : origin;
	}
	return same_role ? origin : USH_CHANGED;
}

/* ---- roles ---- */

struct owners {
	const struct ush_rule **rules;
	size_t count;
};

static void own(struct owners *owners, const struct ush_rbac *role)
{
	for (size_t i = 0; i < role->rule_count; i++) {
		const struct ush_rule *rule = &role->rules[i];

		USH_PUSH(owners->rules, owners->count, rule);
	}
}

static struct owners owners_of(const struct ush_grants *grants, const struct ush_rbac *table)
{
	struct owners owners = {0};

	own(&owners, table);
	for (size_t i = 0; table->aggregation != NULL && i < grants->role_count; i++) {
		const struct ush_rbac *role = grants->roles[i].object;

		if (role->kind != USH_CLUSTER_ROLE || !ush_role_selects(table, role))
			continue;
		for (size_t r = 0; r < grants->roles[i].rule_count; r++)
			USH_PUSH(owners.rules, owners.count, grants->roles[i].rules[r]);
	}
	return owners;
}

#define MOST_COMPARED 20000000U /* pairs of rules; beyond it a rule counts as extra, which is never the quiet side */

/* The controller puts the rules together in the order of the roles' names, which is ours: the owner of the next rule is
 * most often the one after the last. */
static bool is_owned(const struct owners *owners, const struct ush_rule *rule, size_t *next, size_t *compared)
{
	for (size_t i = *next; i < owners->count && i < *next + 2; i++)
		if (ush_rules_cover(&owners->rules[i], 1, rule)) {
			*next = i + 1;
			return true;
		}
	*compared += owners->count;
	return *compared <= MOST_COMPARED && ush_rules_cover(owners->rules, owners->count, rule);
}

enum ush_origin ush_role_origin(const struct ush_grants *grants, const struct ush_rbac *role, bool *extra, bool *addon)
{
	const struct ush_rbac *table =
		ush_baseline_find(grants->baseline, role->kind, role->namespace_name, role->name, addon);
	enum ush_origin origin = USH_DEFAULT;
	size_t next = 0, compared = 0;
	struct owners owners;

	if (table == NULL)
		return USH_FOREIGN;
	owners = owners_of(grants, table);
	for (size_t i = 0; i < role->rule_count; i++) {
		bool more = !is_owned(&owners, &role->rules[i], &next, &compared);

		if (extra != NULL)
			extra[i] = more;
		origin = more ? USH_CHANGED : origin;
	}
	free(owners.rules);
	return origin;
}
