/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/rights/rights.h"
#include "common/base/memory.h"

static void add(json_t *objects, struct ush_rbac *object)
{
	object->labels = json_object();
	object->annotations = json_object();
	json_array_append_new(objects, ush_rbac_to_json(object));
	json_decref(object->labels);
	json_decref(object->annotations);
}

/* All is called as the account is: what one account is given takes nothing from another. */
static void add_right(json_t *objects, const struct ush_right *right, const char *namespace_name, const char *account)
{
	bool local = right->namespace_name != NULL;
	struct ush_subject subject = {.kind = (char *)"ServiceAccount", .name = (char *)account, .namespace_name = (char *)namespace_name};
	struct ush_rbac role = {.kind = local ? USH_ROLE : USH_CLUSTER_ROLE, .name = (char *)account, .namespace_name = right->namespace_name, .rules = right->rules,
				.rule_count = right->count};
	struct ush_rbac binding = {.kind = local ? USH_ROLE_BINDING : USH_CLUSTER_ROLE_BINDING, .name = (char *)account, .namespace_name = right->namespace_name,
				   .role_kind = (char *)(local ? "Role" : "ClusterRole"), .role_name = (char *)account, .subjects = &subject,
				   .subject_count = 1};

	add(objects, &role);
	add(objects, &binding);
}

json_t *ush_rights_objects(const struct ush_rights *rights, const char *namespace_name, const char *account)
{
	json_t *objects = json_array();

	json_array_append_new(objects, json_pack("{s:s, s:s, s:{s:s, s:s}}", "apiVersion", "v1", "kind", "ServiceAccount", "metadata", "name", account,
						 "namespace", namespace_name));
	for (size_t i = 0; i < rights->count; i++)
		add_right(objects, &rights->items[i], namespace_name, account);
	return objects;
}
