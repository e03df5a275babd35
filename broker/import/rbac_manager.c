/* SPDX-License-Identifier: Apache-2.0
 *
 * FairwindsOps rbac-manager: RBACDefinition. A binding is called DEFINITION-BINDING-CLUSTERROLE, or for a Role
 * DEFINITION-BINDING-ROLE-NAMESPACE (pkg/reconciler/parser.go of that project).
 */
#include <string.h>

#include "broker/import/import.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static void take_role_binding(struct ush_import *import, const char *prefix, const char *from, const json_t *binding, const json_t *subjects)
{
	const char *cluster_role = ush_json_string(binding, "clusterRole"), *role = ush_json_string(binding, "role");
	const char *namespace_name = ush_json_string(binding, "namespace");
	const json_t *selector = ush_json_object(binding, "namespaceSelector");
	bool selects = json_object_size(ush_json_object(selector, "matchLabels")) > 0 || json_array_size(ush_json_array(selector, "matchExpressions")) > 0;
	USH_AUTO_FREE char *name = cluster_role != NULL ? ush_printf("%s-%s", prefix, cluster_role)
							: ush_printf("%s-%s-%s", prefix, role != NULL ? role : "", namespace_name != NULL ? namespace_name : "");

	if ((cluster_role == NULL && role == NULL) || (!selects && namespace_name == NULL)) {
		ush_import_left(import, "%s: a roleBinding without a role, or without namespace and namespaceSelector; rbac-manager refuses it too", from);
		return;
	}
	ush_import_add_binding(import, &(struct ush_import_binding){.from = from, .role_kind = cluster_role != NULL ? "ClusterRole" : "Role",
								    .role_ref = cluster_role != NULL ? cluster_role : role, .name = name,
								    .namespace_name = selects ? NULL : namespace_name, .selector = selects ? selector : NULL,
								    .subjects = subjects});
}

void ush_import_rbac_definition(struct ush_import *import, const json_t *object, const char *name)
{
	const json_t *binding, *one;
	size_t i, k;

	import->whole_groups = true;
	json_array_foreach(ush_json_array(object, "rbacBindings"), i, binding) {
		const char *called = ush_json_string(binding, "name");
		const json_t *subjects = ush_json_array(binding, "subjects");
		USH_AUTO_FREE char *prefix = ush_printf("%s-%s", name, called != NULL ? called : "");
		USH_AUTO_FREE char *from = ush_printf("RBACDefinition %s, %s", name, called != NULL ? called : "(unnamed)");

		json_array_foreach(ush_json_array(binding, "roleBindings"), k, one)
			take_role_binding(import, prefix, from, one, subjects);
		json_array_foreach(ush_json_array(binding, "clusterRoleBindings"), k, one)
			ush_import_left(import, "%s: ClusterRoleBinding %s-%s stays as it is: a policy binds in namespaces alone", from, prefix,
					ush_json_string(one, "clusterRole") != NULL ? ush_json_string(one, "clusterRole") : "");
		json_array_foreach(subjects, k, one)
			if (ush_json_string(one, "kind") != NULL && strcmp(ush_json_string(one, "kind"), "ServiceAccount") == 0)
				ush_import_left(import, "%s: ServiceAccount %s, which rbac-manager makes, is not made by a policy", from,
						ush_json_string(one, "name") != NULL ? ush_json_string(one, "name") : "");
	}
}
