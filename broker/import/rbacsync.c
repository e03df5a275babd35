/* SPDX-License-Identifier: Apache-2.0
 *
 * rbacsync: RBACSyncConfig binds the people of groups one by one (layout users), in its own namespace, as
 * CONFIG-GROUP-ROLE (pkg/controller/controller.go of that project).
 */
#include <string.h>

#include "broker/import/import.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static void take_memberships(struct ush_import *import, const json_t *spec, const char *from)
{
	const json_t *membership, *subject;
	size_t i, k;

	json_array_foreach(ush_json_array(spec, "memberships"), i, membership) {
		const char *group = ush_json_string(membership, "group");
		USH_AUTO_JSON people = json_array();

		json_array_foreach(ush_json_array(membership, "subjects"), k, subject) {
			const char *kind = ush_json_string(subject, "kind"), *name = ush_json_string(subject, "name");

			if (kind != NULL && name != NULL && strcmp(kind, "User") == 0)
				json_array_append_new(people, json_string(name));
			else
				ush_import_left(import, "%s: member %s of group %s is no person", from, name != NULL ? name : "?", group != NULL ? group : "?");
		}
		if (group != NULL)
			ush_import_add_group(import, group, people);
	}
}

static const struct ush_import_group *group_of(const struct ush_import *import, const char *name)
{
	for (size_t i = 0; i < import->group_count; i++)
		if (strcmp(import->groups[i].name, name) == 0)
			return &import->groups[i];
	return NULL;
}

void ush_import_rbac_sync(struct ush_import *import, const json_t *object, const char *name)
{
	const json_t *spec = ush_json_object(object, "spec"), *binding;
	const char *namespace_name = ush_json_string(ush_json_object(object, "metadata"), "namespace");
	USH_AUTO_FREE char *from = ush_printf("RBACSyncConfig %s", name);
	size_t i;

	import->users = true;
	take_memberships(import, spec, from);
	json_array_foreach(ush_json_array(spec, "bindings"), i, binding) {
		const char *group = ush_json_string(binding, "group");
		const json_t *ref = ush_json_object(binding, "roleRef");
		const char *kind = ush_json_string(ref, "kind"), *role = ush_json_string(ref, "name");
		USH_AUTO_JSON subjects = json_pack("[{s:s, s:s}]", "kind", "Group", "name", group != NULL ? group : "");
		USH_AUTO_FREE char *called = ush_printf("%s-%s-%s", name, group != NULL ? group : "", role != NULL ? role : "");

		if (group == NULL || role == NULL || kind == NULL || (strcmp(kind, "Role") != 0 && strcmp(kind, "ClusterRole") != 0)) {
			ush_import_left(import, "%s: a binding without group or role", from);
			continue;
		}
		if (group_of(import, group) == NULL)
			ush_import_add_group(import, group, NULL);
		ush_import_add_binding(import, &(struct ush_import_binding){.from = from, .role_kind = kind, .role_ref = role, .name = called,
									    .namespace_name = namespace_name != NULL ? namespace_name : "default", .subjects = subjects});
	}
}

void ush_import_cluster_rbac_sync(struct ush_import *import, const json_t *object, const char *name)
{
	const json_t *spec = ush_json_object(object, "spec"), *binding;
	USH_AUTO_FREE char *from = ush_printf("ClusterRBACSyncConfig %s", name);
	size_t i;

	import->users = true;
	take_memberships(import, spec, from);
	json_array_foreach(ush_json_array(spec, "bindings"), i, binding) {
		const char *group = ush_json_string(binding, "group"), *role = ush_json_string(ush_json_object(binding, "roleRef"), "name");

		ush_import_left(import, "%s: ClusterRoleBinding %s-%s-%s stays as it is: a policy binds in namespaces alone", from, name, group != NULL ? group : "",
				role != NULL ? role : "");
	}
}
