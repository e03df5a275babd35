/* SPDX-License-Identifier: Apache-2.0
 *
 * Capsule (capsule.clastix.io/v1beta2): each owner of a Tenant, and each additional role binding, is a RoleBinding in
 * each of its namespaces, "capsule:managed:" and FNV-1a 64 of the ClusterRole and the subjects. Two releases hash two
 * things (pkg/utils of that project); which one it was tell the bindings that are there.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "broker/import/import.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define TENANT_LABEL "capsule.clastix.io/tenant" /* of a tenant's namespaces */

static uint64_t fnv(uint64_t hash, const void *data, size_t length)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
	return hash;
}

static uint64_t field(uint64_t hash, const char *text)
{
	size_t length = text != NULL ? strlen(text) : 0;
	unsigned char size[8];

	for (size_t i = 0; i < sizeof size; i++)
		size[i] = (unsigned char)((uint64_t)length >> (8 * i));
	return fnv(fnv(hash, size, sizeof size), text, length);
}

static char *binding_name(const char *role, const json_t *subjects, bool by_length)
{
	uint64_t hash = UINT64_C(14695981039346656037);
	const json_t *subject;
	size_t i;

	hash = by_length ? field(hash, role) : fnv(hash, role, strlen(role));
	json_array_foreach(subjects, i, subject) {
		const char *kind = ush_json_string(subject, "kind"), *name = ush_json_string(subject, "name");

		if (by_length) {
			hash = field(hash, ush_json_string(subject, "apiGroup"));
			hash = field(field(field(hash, kind), ush_json_string(subject, "namespace")), name);
		} else {
			hash = fnv(fnv(hash, kind != NULL ? kind : "", kind != NULL ? strlen(kind) : 0), name != NULL ? name : "", name != NULL ? strlen(name) : 0);
		}
	}
	return ush_printf("capsule:managed:%llx", (unsigned long long)hash);
}

static void take(struct ush_import *import, const char *tenant, const char *role, const json_t *subjects)
{
	USH_AUTO_JSON selector = json_pack("{s:{s:s}}", "matchLabels", TENANT_LABEL, tenant);
	USH_AUTO_FREE char *from = ush_printf("Tenant %s", tenant), *now = binding_name(role, subjects, true), *before = binding_name(role, subjects, false);
	bool is_new = import->there != NULL && ush_list_has(import->there, now);

	ush_import_add_binding(import, &(struct ush_import_binding){.from = from, .role_kind = "ClusterRole", .role_ref = role, .name = is_new ? now : before,
								    .selector = selector, .subjects = subjects});
}

static void take_owner(struct ush_import *import, const char *tenant, const json_t *owner)
{
	static const char *const usual[] = {"admin", "capsule-namespace-deleter"};
	const char *kind = ush_json_string(owner, "kind"), *name = ush_json_string(owner, "name");
	const json_t *roles = ush_json_array(owner, "clusterRoles"), *role;
	USH_AUTO_JSON subjects = json_pack("[{s:s, s:s, s:s}]", "apiGroup", USH_RBAC_GROUP, "kind", kind != NULL ? kind : "", "name", name != NULL ? name : "");
	size_t i;

	for (i = 0; json_array_size(roles) == 0 && i < USH_COUNT(usual); i++)
		take(import, tenant, usual[i], subjects);
	json_array_foreach(roles, i, role)
		if (json_is_string(role))
			take(import, tenant, json_string_value(role), subjects);
}

void ush_import_tenant(struct ush_import *import, const json_t *object, const char *name)
{
	static const char *const others[] = {"networkPolicies", "limitRanges", "resourceQuotas", "namespaceOptions", "ingressOptions", "storageClasses",
					     "containerRegistries", "nodeSelector", "serviceOptions", "rules", "permissions"};
	const json_t *spec = ush_json_object(object, "spec"), *one;
	size_t i;

	import->whole_groups = true;
	json_array_foreach(ush_json_array(spec, "owners"), i, one)
		take_owner(import, name, one);
	json_array_foreach(ush_json_array(spec, "additionalRoleBindings"), i, one)
		if (ush_json_string(one, "clusterRoleName") != NULL)
			take(import, name, ush_json_string(one, "clusterRoleName"), ush_json_array(one, "subjects"));
	for (i = 0; i < USH_COUNT(others); i++)
		if (json_object_get(spec, others[i]) != NULL)
			ush_import_left(import, "Tenant %s: %s is not access; see templates in usher-policy(5)", name, others[i]);
}
