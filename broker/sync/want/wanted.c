/* SPDX-License-Identifier: Apache-2.0
 *
 * A wanted object as JSON.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/decide/denied.h"
#include "broker/sync/want/desired.h"
#include "common/base/memory.h"
#include "common/data/json.h"

const char *ush_wanted_role_kind(const struct ush_policy_role *role)
{
	return role->cluster_role != NULL ? "ClusterRole" : "Role";
}

const char *ush_wanted_role_name(const struct ush_policy_role *role)
{
	return role->cluster_role != NULL ? role->cluster_role : role->name;
}

static struct ush_origin origin_of(const struct ush_desired *desired, const struct ush_resolved *resolved)
{
	const struct ush_grant *grant = &desired->policy->grants[resolved->grant];

	return (struct ush_origin){resolved->text, desired->policy->sources[grant->source].name, resolved->group->id, resolved->group->name,
				   resolved->group->path, NULL};
}

void ush_shape_origins(const struct ush_desired *desired, const struct ush_shape *shape, struct ush_origins *out)
{
	for (size_t i = 0; i < shape->resolved_count; i++) {
		struct ush_origin origin = origin_of(desired, &desired->resolved[shape->resolved[i]]);

		ush_origins_add(out, &origin);
	}
}

void ush_shape_people(const struct ush_desired *desired, const struct ush_shape *shape, struct ush_list *out)
{
	for (size_t i = 0; i < shape->resolved_count; i++) {
		const struct ush_group *group = desired->resolved[shape->resolved[i]].group;

		for (size_t j = 0; j < group->members.count; j++) {
			USH_AUTO_FREE char *text = ush_printf("%s%s", desired->policy->user_prefix != NULL ? desired->policy->user_prefix : "",
							      group->members.items[j]);

			if (ush_name_group_refused(text) == NULL && ush_denied_person(desired, text) == NULL) /* what may not be a group may not be a person either */
				ush_list_add(out, text);
		}
	}
	ush_list_sort(out);
}

/* ---- JSON ---- */

static json_t *json_rules(const struct ush_policy_role *role)
{
	json_t *rules = json_array();

	for (size_t i = 0; i < role->rule_count; i++) {
		const struct ush_rule *rule = &role->rules[i];
		json_t *item = json_pack("{s:o, s:o, s:o}", "apiGroups", ush_list_json(&rule->groups), "resources", ush_list_json(&rule->resources), "verbs",
					 ush_list_json(&rule->verbs));

		if (rule->names.count > 0)
			json_object_set_new(item, "resourceNames", ush_list_json(&rule->names));
		json_array_append_new(rules, item);
	}
	return rules;
}

static json_t *subject(const char *kind, const char *name)
{
	return json_pack("{s:s, s:s, s:s}", "apiGroup", USH_RBAC_GROUP, "kind", kind, "name", name);
}

static json_t *json_subjects(const struct ush_binding_parts *parts)
{
	json_t *subjects = json_array();

	for (size_t i = 0; parts->people == NULL && i < parts->origins->count; i++)
		json_array_append_new(subjects, subject("Group", parts->origins->items[i].text));
	for (size_t i = 0; parts->people != NULL && i < parts->people->count; i++)
		json_array_append_new(subjects, subject("User", parts->people->items[i]));
	return subjects;
}

static json_t *object_json(const struct ush_policy *policy, enum ush_rbac_kind kind, const char *role, const char *applyset)
{
	return json_pack("{s:s, s:s, s:{s:{s:s, s:s, s:s}, s:{s:s}}}", "apiVersion", USH_RBAC_GROUP "/v1", "kind", ush_rbac_kind_name(kind), "metadata",
			 "labels", USH_LABEL_MANAGED_BY, USH_MANAGED_BY, USH_LABEL_PART_OF, applyset, USH_LABEL_POLICY, policy->name, "annotations",
			 USH_ANNOTATION_ROLE, role);
}

json_t *ush_role_json(const struct ush_policy *policy, const struct ush_policy_role *role, const char *applyset)
{
	json_t *object = object_json(policy, USH_ROLE, role->name, applyset);

	json_object_set_new(object, "rules", json_rules(role));
	return object;
}

json_t *ush_binding_json(const struct ush_policy *policy, const struct ush_binding_parts *parts)
{
	USH_AUTO_FREE char *text = ush_origins_text(parts->origins);
	json_t *object = object_json(policy, USH_ROLE_BINDING, parts->role_said, parts->applyset);

	json_object_set_new(json_object_get(json_object_get(object, "metadata"), "annotations"), USH_ANNOTATION_ORIGIN, json_string(text));
	json_object_set_new(object, "roleRef",
			    json_pack("{s:s, s:s, s:s}", "apiGroup", USH_RBAC_GROUP, "kind", parts->role_kind, "name", parts->role_name));
	json_object_set_new(object, "subjects", json_subjects(parts));
	return object;
}
