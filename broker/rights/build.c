/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/rights/build.h"

#include <stdlib.h>
#include <string.h>

#include "broker/policy/elevation.h"
#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/kube/match.h"

#define COMPARED 500 /* rules of a right: beyond that they are not compared with each other, and some may be said twice */

/* ---- rules ---- */

static void add_words(struct ush_list *list, const char *words)
{
	USH_AUTO_FREE char *copy = ush_strdup(words);
	char *rest = copy;

	for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " "))
		ush_list_add(list, word);
}

struct ush_rule *ush_right_add(struct ush_right *right, const char *verbs, const char *group, const char *resources)
{
	struct ush_rule *rule;

	USH_PUSH(right->rules, right->count, (struct ush_rule){0});
	rule = &right->rules[right->count - 1];
	add_words(&rule->verbs, verbs);
	ush_list_add(&rule->groups, group);
	add_words(&rule->resources, resources);
	return rule;
}

void ush_right_add_roles(struct ush_right *right, const struct ush_given *given, size_t count, const char *written)
{
	struct ush_list clusterroles = {0}, roles = {0};

	for (size_t i = 0; i < count; i++)
		if (given[i].role->cluster_role != NULL)
			ush_list_add(&clusterroles, given[i].role->cluster_role);
		else
			ush_list_add(&roles, given[i].role->name);
	ush_list_sort(&clusterroles);
	ush_list_sort(&roles);
	if (clusterroles.count > 0)
		ush_right_add(right, "bind", USH_RBAC_GROUP, "clusterroles")->names = clusterroles;
	if (roles.count > 0 && written != NULL)
		ush_right_add(right, written, USH_RBAC_GROUP, "roles");
	if (roles.count > 0)
		ush_right_add(right, "bind", USH_RBAC_GROUP, "roles")->names = roles;
}

/* ---- places ---- */

struct ush_right *ush_rights_in(struct ush_rights *rights, const char *namespace_name)
{
	for (size_t i = 0; i < rights->count; i++) {
		const char *have = rights->items[i].namespace_name;

		if (namespace_name == NULL ? have == NULL : have != NULL && strcmp(have, namespace_name) == 0)
			return &rights->items[i];
	}
	USH_PUSH(rights->items, rights->count, ((struct ush_right){.namespace_name = ush_strdup(namespace_name)}));
	return &rights->items[rights->count - 1];
}

static int compare_places(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

static int by_place(const void *a, const void *b)
{
	const struct ush_given *x = a, *y = b;
	int order = compare_places(x->namespace_name, y->namespace_name);

	return order != 0 ? order : strcmp(x->role->name, y->role->name);
}

void ush_rights_each_place(struct ush_rights *rights, struct ush_given *given, size_t count,
			   void (*need)(struct ush_right *right, const struct ush_given *given, size_t count))
{
	size_t kept = 0, end;

	if (count > 0)
		qsort(given, count, sizeof *given, by_place);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || by_place(&given[kept - 1], &given[i]) != 0)
			given[kept++] = given[i];
	for (size_t i = 0; i < kept; i = end) {
		for (end = i; end < kept && compare_places(given[end].namespace_name, given[i].namespace_name) == 0;)
			end++;
		need(ush_rights_in(rights, given[i].namespace_name), &given[i], end - i);
	}
}

struct ush_given *ush_rights_granted(const struct ush_policy *policy, size_t *count)
{
	struct ush_given *all = NULL;
	bool everywhere = false;

	*count = 0;
	for (size_t i = 0; i < policy->grant_count; i++)
		everywhere = everywhere || policy->grants[i].namespaces.count == 0;
	for (size_t i = 0; i < policy->grant_count; i++) {
		const struct ush_grant *grant = &policy->grants[i];
		const struct ush_policy_role *role = &policy->roles[grant->role];

		if (everywhere)
			USH_PUSH(all, *count, ((struct ush_given){NULL, role}));
		for (size_t k = 0; !everywhere && k < grant->namespaces.count; k++)
			USH_PUSH(all, *count, ((struct ush_given){grant->namespaces.items[k], role}));
	}
	return all;
}

const char *ush_rights_place(const char *pattern)
{
	return ush_name_not_label(pattern) != NULL ? NULL : pattern;
}

static void add_timed(struct ush_given **all, size_t *count, const struct ush_list *patterns, const struct ush_policy_role *role)
{
	for (size_t i = 0; i < patterns->count; i++)
		USH_PUSH(*all, *count, ((struct ush_given){ush_rights_place(patterns->items[i]), role}));
}

struct ush_given *ush_rights_timed(const struct ush_policy *policy, size_t *count)
{
	struct ush_given *all = NULL;

	*count = 0;
	for (size_t i = 0; i < policy->elevation_count; i++)
		for (size_t k = 0; k < policy->role_count; k++)
			if (ush_list_has(&policy->elevations[i].roles, policy->roles[k].name))
				add_timed(&all, count, &policy->elevations[i].namespaces, &policy->roles[k]);
	for (size_t i = 0; i < policy->seal_count; i++)
		add_timed(&all, count, &policy->seals[i].namespaces, &policy->roles[policy->seals[i].role]);
	return all;
}

/* ---- the whole ---- */

static void right_free(struct ush_right *right)
{
	for (size_t i = 0; i < right->count; i++)
		ush_rule_free(&right->rules[i]);
	free(right->rules);
	free(right->namespace_name);
}

void ush_rights_free(struct ush_rights *rights)
{
	for (size_t i = 0; i < rights->count; i++)
		right_free(&rights->items[i]);
	free(rights->items);
	*rights = (struct ush_rights){0};
}

/* The rules of a right that no other rule covers, be it one of the same place or of the whole cluster. */
static void drop_double(struct ush_right *right, const struct ush_right *cluster)
{
	USH_AUTO_FREE const struct ush_rule **others = NULL;
	size_t kept = 0;

	if (right->count + cluster->count > COMPARED)
		return;
	others = ush_alloc((right->count + cluster->count + 1) * sizeof(struct ush_rule *));
	for (size_t i = 0; i < right->count; i++) {
		size_t count = 0;

		for (size_t k = 0; k < right->count; k++)
			if (k < kept || k > i)
				others[count++] = &right->rules[k];
		for (size_t k = 0; right != cluster && k < cluster->count; k++)
			others[count++] = &cluster->rules[k];
		if (ush_rules_cover(others, count, &right->rules[i]))
			ush_rule_free(&right->rules[i]);
		else
			right->rules[kept++] = right->rules[i];
	}
	right->count = kept;
}

static int by_namespace(const void *a, const void *b)
{
	const struct ush_right *x = a, *y = b;

	return compare_places(x->namespace_name, y->namespace_name);
}

void ush_rights_settle(struct ush_rights *rights)
{
	size_t kept = 1;

	(void)ush_rights_in(rights, NULL);
	qsort(rights->items, rights->count, sizeof *rights->items, by_namespace);
	drop_double(&rights->items[0], &rights->items[0]);
	for (size_t i = 1; i < rights->count; i++) {
		struct ush_right *right = &rights->items[i];

		drop_double(right, &rights->items[0]);
		if (right->count > 0)
			rights->items[kept++] = *right;
		else
			right_free(right);
	}
	rights->count = kept;
}
