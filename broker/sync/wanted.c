/* SPDX-License-Identifier: Apache-2.0
 *
 * A wanted object as JSON, and the digest by which two objects are told to be the same.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/desired.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

const char *ush_wanted_role_kind(const struct ush_policy_role *role)
{
	return role->cluster_role != NULL ? "ClusterRole" : "Role";
}

const char *ush_wanted_role_name(const struct ush_policy_role *role)
{
	return role->cluster_role != NULL ? role->cluster_role : role->name;
}

static json_t *json_list(const struct ush_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_string(list->items[i]));
	return array;
}

static json_t *json_rules(const struct ush_policy_role *role)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < role->rule_count; i++) {
		const struct ush_rule *rule = &role->rules[i];
		json_t *item = json_pack("{s:o, s:o, s:o}", "apiGroups", json_list(&rule->groups), "resources", json_list(&rule->resources), "verbs",
					 json_list(&rule->verbs));

		if (rule->names.count > 0)
			json_object_set_new(item, "resourceNames", json_list(&rule->names));
		json_array_append_new(rules, item);
	}
	return rules;
}

static json_t *json_subjects(const struct ush_origins *origins)
{
	json_t *subjects = json_array();

	for (size_t i = 0; i < origins->count; i++)
		json_array_append_new(subjects, json_pack("{s:s, s:s, s:s}", "apiGroup", USH_RBAC_GROUP, "kind", "Group", "name", origins->items[i].text));
	return subjects;
}

json_t *ush_wanted_json(const struct ush_desired *desired, const struct ush_wanted *wanted, const struct ush_origins *origins, const char *name)
{
	USH_AUTO_FREE char *text = origins != NULL ? ush_origins_text(origins) : NULL;
	json_t *annotations = json_pack("{s:s}", USH_ANNOTATION_ROLE, wanted->role->name);
	json_t *object = json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s, s:s}, s:o}}", "apiVersion", USH_RBAC_GROUP "/v1", "kind",
				   ush_rbac_kind_name(wanted->kind), "metadata", "name", name != NULL ? name : wanted->name, "namespace",
				   wanted->namespace_name, "labels", USH_LABEL_MANAGED_BY, USH_MANAGED_BY, USH_LABEL_PART_OF, desired->applyset,
				   USH_LABEL_POLICY, desired->policy->name, "annotations", annotations);

	if (wanted->kind == USH_ROLE) {
		json_object_set_new(object, "rules", json_rules(wanted->role));
		return object;
	}
	json_object_set_new(annotations, USH_ANNOTATION_ORIGIN, json_string(text != NULL ? text : "[]"));
	json_object_set_new(object, "roleRef", json_pack("{s:s, s:s, s:s}", "apiGroup", USH_RBAC_GROUP, "kind", ush_wanted_role_kind(wanted->role),
							 "name", ush_wanted_role_name(wanted->role)));
	json_object_set_new(object, "subjects", origins != NULL ? json_subjects(origins) : json_array());
	return object;
}

void ush_rbac_digest(const struct ush_rbac *object, char out[65])
{
	static const char *const labels[] = {USH_LABEL_MANAGED_BY, USH_LABEL_PART_OF, USH_LABEL_POLICY};
	static const char *const annotations[] = {USH_ANNOTATION_ORIGIN, USH_ANNOTATION_ROLE};
	USH_AUTO_FREE char *meaning = ush_rbac_meaning(object);
	USH_AUTO_BUF all = {0};

	ush_buf_printf(&all, "%s\n", meaning);
	for (size_t i = 0; i < USH_COUNT(labels); i++)
		ush_buf_printf(&all, "%s\n", ush_json_string(object->labels, labels[i]) != NULL ? ush_json_string(object->labels, labels[i]) : "-");
	for (size_t i = 0; i < USH_COUNT(annotations); i++)
		ush_buf_printf(&all, "%s\n",
			       ush_json_string(object->annotations, annotations[i]) != NULL ? ush_json_string(object->annotations, annotations[i]) : "-");
	ush_sha256_hex(all.data, all.length, out);
}
