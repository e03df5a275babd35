/* SPDX-License-Identifier: Apache-2.0
 *
 * What the stored RBAC objects allow: written from the documented semantics and from JSON alone, so that it does not
 * share a fault with the code that is tested against it.
 */
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/fake_kube_store.h"

#define RBAC "/apis/rbac.authorization.k8s.io/v1"

static bool lists(const json_t *rule, const char *member, const char *wanted)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(rule, member), i,
			   item) if (strcmp(json_string_value(item), "*") == 0 ||
				     strcmp(json_string_value(item), wanted) == 0) return true;
	return false;
}

static const char *attribute(const json_t *attributes, const char *name)
{
	const char *value = ush_json_string(attributes, name);

	return value != NULL ? value : "";
}

static bool rule_allows(const json_t *rule, const json_t *attributes)
{
	const char *sub = attribute(attributes, "subresource");
	USH_AUTO_FREE char *resource =
		ush_printf("%s%s%s", attribute(attributes, "resource"), *sub != '\0' ? "/" : "", sub);
	USH_AUTO_FREE char *any = ush_printf("*/%s", sub);
	json_t *names = json_object_get(rule, "resourceNames");

	return lists(rule, "verbs", attribute(attributes, "verb")) &&
	       lists(rule, "apiGroups", attribute(attributes, "group")) &&
	       (lists(rule, "resources", resource) || (*sub != '\0' && lists(rule, "resources", any))) &&
	       (json_array_size(names) == 0 || lists(rule, "resourceNames", attribute(attributes, "name")));
}

static bool is_member(const json_t *groups, const char *name)
{
	json_t *group;
	size_t i;

	json_array_foreach(groups, i, group) if (strcmp(json_string_value(group), name) == 0) return true;
	return strcmp(name, "system:authenticated") == 0;
}

static bool speaks_of(const json_t *binding, const char *user, const json_t *groups)
{
	json_t *subject;
	size_t i;

	json_array_foreach(json_object_get(binding, "subjects"), i, subject)
	{
		const char *kind = ush_json_string(subject, "kind"), *name = ush_json_string(subject, "name");
		USH_AUTO_FREE char *account =
			ush_printf("system:serviceaccount:%s:%s", attribute(subject, "namespace"), name);

		if ((strcmp(kind, "User") == 0 && strcmp(name, user) == 0) ||
		    (strcmp(kind, "Group") == 0 && is_member(groups, name)) ||
		    (strcmp(kind, "ServiceAccount") == 0 && strcmp(account, user) == 0))
			return true;
	}
	return false;
}

static const json_t *role_of(const struct fake_kube_store *store, const json_t *binding, const char *namespace_name)
{
	const json_t *ref = json_object_get(binding, "roleRef");
	bool cluster = strcmp(ush_json_string(ref, "kind"), "ClusterRole") == 0;
	USH_AUTO_FREE char *key =
		cluster ? ush_printf(RBAC "/clusterroles/%s", ush_json_string(ref, "name"))
			: ush_printf(RBAC "/namespaces/%s/roles/%s", namespace_name, ush_json_string(ref, "name"));
	struct fake_kube_entry *entry = fake_kube_find(store, key);

	return entry != NULL ? entry->object : NULL;
}

bool fake_kube_rbac_allows(const struct fake_kube_store *store, const char *user, const json_t *groups,
			   const json_t *attributes)
{
	const char *namespace_name = attribute(attributes, "namespace");
	json_t *rule;
	size_t r;

	for (size_t i = 0; i < store->count; i++) {
		const struct fake_kube_entry *entry = &store->entries[i];
		const char *in = ush_json_string(json_object_get(entry->object, "metadata"), "namespace");
		bool global = strcmp(entry->kind->kind, "ClusterRoleBinding") == 0;
		bool local = strcmp(entry->kind->kind, "RoleBinding") == 0 && strcmp(in, namespace_name) == 0;

		if ((!global && !local) || !speaks_of(entry->object, user, groups))
			continue;
		json_array_foreach(json_object_get(role_of(store, entry->object, in), "rules"), r,
				   rule) if (rule_allows(rule, attributes)) return true;
	}
	return false;
}
