/* SPDX-License-Identifier: Apache-2.0
 *
 * elevation, breakGlass: roles for a time.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/policy_read.h"
#include "common/base/memory.h"

void ush_elevation_free(struct ush_elevation *elevation)
{
	ush_list_free(&elevation->roles);
	ush_list_free(&elevation->namespaces);
}

void ush_seal_free(struct ush_seal *seal)
{
	free(seal->name);
	free(seal->owner);
	free(seal->sealed);
	ush_list_free(&seal->groups);
	ush_list_free(&seal->users);
	ush_list_free(&seal->accounts);
	ush_list_free(&seal->namespaces);
}

/* ---- what they mean ---- */

static bool reaches(const struct ush_policy *policy, const struct ush_list *patterns, const char *name, const char *state_namespace)
{
	bool own = strncmp(name, "kube-", 5) == 0 || strcmp(name, "default") == 0 || strcmp(name, state_namespace) == 0;

	for (size_t i = 0; i < policy->exclude_namespaces.count; i++)
		if (ush_pattern_match(policy->exclude_namespaces.items[i], name, NULL))
			return false;
	for (size_t i = 0; i < patterns->count; i++)
		if (strcmp(patterns->items[i], name) == 0 || (!own && ush_pattern_match(patterns->items[i], name, NULL)))
			return true;
	return false;
}

static bool has(const struct ush_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

int64_t ush_elevation_most(const struct ush_policy *policy, const char *role, const char *namespace_name, const char *state_namespace)
{
	int64_t most = 0;

	for (size_t i = 0; i < policy->elevation_count; i++) {
		const struct ush_elevation *e = &policy->elevations[i];

		if (has(&e->roles, role) && e->most > most && reaches(policy, &e->namespaces, namespace_name, state_namespace))
			most = e->most;
	}
	return most;
}

bool ush_seal_reaches(const struct ush_policy *policy, const struct ush_seal *seal, const char *namespace_name, const char *state_namespace)
{
	return reaches(policy, &seal->namespaces, namespace_name, state_namespace);
}

const struct ush_seal *ush_seal_find(const struct ush_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->seal_count; i++)
		if (strcmp(policy->seals[i].name, name) == 0)
			return &policy->seals[i];
	return NULL;
}

/* ---- elevation ---- */

static void check_most(struct ush_reader *r, const struct ush_node *map, const char *path, int64_t most)
{
	if (ush_node_get(map, "max") != NULL && most <= 0)
		ush_reader_member_fault(r, ush_node_get(map, "max"), path, "max", "is no time at all");
}

static void check_cluster_role(struct ush_reader *r, const struct ush_node *at, const char *path, const struct ush_policy_role *role)
{
	if (role->cluster_role == NULL)
		ush_reader_fault(r, at, path, "role %s has rules of its own; for a time only a ClusterRole can be given", role->name);
}

static void check_roles(struct ush_reader *r, const struct ush_node *map, const char *path, const struct ush_policy *policy, const struct ush_list *roles)
{
	const struct ush_node *node = ush_node_get(map, "roles");
	char full[USH_PATH_MAX], item[USH_PATH_MAX], hint[96];

	ush_reader_under(path, "roles", full);
	for (size_t i = 0; i < roles->count; i++) {
		const struct ush_node *at = node->kind == USH_NODE_LIST && i < node->count ? node->items[i] : node;
		size_t role = 0;

		while (role < policy->role_count && strcmp(policy->roles[role].name, roles->items[i]) != 0)
			role++;
		ush_reader_item(full, i, item);
		if (role < policy->role_count)
			check_cluster_role(r, at, item, &policy->roles[role]);
		else
			ush_reader_fault(r, at, item, "there is no role \"%.64s\"%s", roles->items[i],
					 ush_reader_nearest_of(roles->items[i], policy->roles, policy->role_count, sizeof *policy->roles, hint, sizeof hint));
	}
}

void ush_policy_read_elevation(struct ush_reader *r, const struct ush_node *top, struct ush_policy *policy)
{
	const struct ush_node *node = ush_node_get(top, "elevation"), *list = node != NULL ? ush_node_get(node, "allow") : NULL;
	char item[USH_PATH_MAX];

	if (list == NULL || !ush_reader_list(r, list, "elevation.allow", false))
		return;
	for (size_t i = 0; i < list->count; i++) {
		struct ush_elevation *e;

		USH_PUSH(policy->elevations, policy->elevation_count, (struct ush_elevation){0});
		e = &policy->elevations[i];
		if (!ush_reader_map(r, list->items[i], ush_reader_item("elevation.allow", i, item), &ush_form_elevation, e))
			continue;
		check_roles(r, list->items[i], item, policy, &e->roles);
		check_most(r, list->items[i], item, e->most);
	}
}

/* ---- breakGlass ---- */

static void check_subjects(struct ush_reader *r, const struct ush_node *map, const char *path, const char *key, const struct ush_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (ush_name_group_refused(list->items[i]) != NULL)
			ush_reader_member_fault(r, ush_node_get(map, key), path, key, "\"%.64s\" %s", list->items[i], ush_name_group_refused(list->items[i]));
}

static void read_seal(struct ush_reader *r, const struct ush_node *map, const char *path, const struct ush_policy *policy, struct ush_seal *seal)
{
	seal->role = ush_policy_read_role_name(r, map, path, policy);
	if (seal->role != SIZE_MAX)
		check_cluster_role(r, ush_node_get(map, "role"), path, &policy->roles[seal->role]);
	if (seal->groups.count + seal->users.count + seal->accounts.count == 0)
		ush_reader_fault(r, map, path, "who may use it? groups, users or serviceAccounts");
	check_subjects(r, map, path, "groups", &seal->groups);
	check_subjects(r, map, path, "users", &seal->users);
	check_most(r, map, path, seal->most);
}

void ush_policy_read_seals(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	char path[USH_PATH_MAX];

	if (node == NULL || !ush_reader_names(r, node, "breakGlass", &ush_form_seal, "grant"))
		return;
	for (size_t i = 0; i < node->count; i++) {
		struct ush_seal *seal;

		USH_PUSH(policy->seals, policy->seal_count, ((struct ush_seal){.name = ush_strdup(node->keys[i]->text), .role = SIZE_MAX}));
		seal = &policy->seals[i];
		if (ush_reader_map(r, node->items[i], ush_reader_under("breakGlass", seal->name, path), &ush_form_seal, seal))
			read_seal(r, node->items[i], path, policy, seal);
	}
}
