/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/audit/grants.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static bool is_role(const struct ush_rbac *object)
{
	return object->kind == USH_ROLE || object->kind == USH_CLUSTER_ROLE;
}

static int compare_roles(const void *a, const void *b)
{
	const struct ush_rbac *x = ((const struct ush_role *)a)->object, *y = ((const struct ush_role *)b)->object;
	int c = x->kind != y->kind ? (x->kind < y->kind ? -1 : 1)
				   : strcmp(or_empty(x->namespace_name), or_empty(y->namespace_name));

	return c != 0 ? c : strcmp(x->name, y->name);
}

const struct ush_role *ush_grants_role(const struct ush_grants *grants, enum ush_rbac_kind kind,
				       const char *namespace_name, const char *name)
{
	struct ush_rbac wanted = {.kind = kind, .namespace_name = (char *)namespace_name, .name = (char *)name};
	struct ush_role key = {.object = &wanted};

	return grants->role_count > 0 ? bsearch(&key, grants->roles, grants->role_count, sizeof key, compare_roles)
				      : NULL;
}

/* ---- aggregation ---- */

#define WORK_LIMIT 50000000U /* label comparisons; a cluster needs some thousands */

/* The controller has filled in the rules of what was read from a cluster; elsewhere they have to be worked out. */
static bool is_filled_in(const struct ush_grants *grants, const struct ush_rbac *role)
{
	return role->aggregation == NULL || grants->inventory->live;
}

static void take_rules(struct ush_role *into, const struct ush_rbac *from)
{
	for (size_t i = 0; i < from->rule_count; i++) {
		const struct ush_rule *rule = &from->rules[i];

		USH_PUSH(into->rules, into->rule_count, rule);
	}
}

/* The union of everything that an aggregated role selects, itself aggregated or not: a walk over the selectors that
 * enters each role once, so that roles which select each other end. */
static void gather(struct ush_grants *grants, struct ush_role *into, const struct ush_rbac *aggregated)
{
	USH_AUTO_FREE bool *entered = ush_alloc(grants->role_count * sizeof *entered);
	USH_AUTO_FREE const struct ush_rbac **open = NULL;
	size_t count = 0;

	USH_PUSH(open, count, aggregated);
	while (count > 0) {
		const struct ush_rbac *from = open[--count];

		for (size_t i = 0; i < grants->role_count; i++) {
			const struct ush_rbac *role = grants->roles[i].object;

			if (++grants->work > WORK_LIMIT)
				return;
			if (entered[i] || role->kind != USH_CLUSTER_ROLE || !ush_role_selects(from, role))
				continue;
			entered[i] = true;
			if (!is_filled_in(grants, role))
				USH_PUSH(open, count, role);
			if (is_filled_in(grants, role) || role->uid != NULL)
				take_rules(into, role);
		}
	}
}

/* ---- roles ---- */

static void add_roles(struct ush_grants *grants)
{
	const struct ush_inventory *in = grants->inventory;

	for (size_t i = 0; i < in->count; i++) {
		struct ush_role role = {.object = in->objects[i]};

		if (is_role(role.object))
			USH_PUSH(grants->roles, grants->role_count, role);
	}
	for (size_t i = 0; i < ush_baseline_count(grants->baseline); i++) {
		struct ush_role role = {.object = ush_baseline_at(grants->baseline, i), .assumed = true};

		if (is_role(role.object) && (!in->live || in->unread[role.object->kind]))
			USH_PUSH(grants->roles, grants->role_count, role);
	}
}

/* What was read wins over what is assumed; two of one name that were both read (two overlays) count together. */
static int compare_for_merge(const void *a, const void *b)
{
	const struct ush_role *x = a, *y = b;
	int c = compare_roles(a, b);

	c = c != 0 ? c : (int)x->assumed - (int)y->assumed;
	return c != 0 ? c : strcmp(or_empty(x->object->origin), or_empty(y->object->origin));
}

static void aggregate(struct ush_grants *grants)
{
	const struct ush_inventory *in = grants->inventory;

	for (size_t i = 0; i < grants->role_count; i++)
		if (grants->roles[i].assumed && !is_filled_in(grants, grants->roles[i].object))
			gather(grants, &grants->roles[i], grants->roles[i].object);
	for (size_t i = 0; i < in->count; i++)
		if (in->objects[i]->kind == USH_CLUSTER_ROLE && !is_filled_in(grants, in->objects[i]))
			gather(grants,
			       (struct ush_role *)ush_grants_role(grants, USH_CLUSTER_ROLE, NULL, in->objects[i]->name),
			       in->objects[i]);
}

static void resolve_roles(struct ush_grants *grants)
{
	size_t kept = 0;

	if (grants->role_count > 0)
		qsort(grants->roles, grants->role_count, sizeof *grants->roles, compare_for_merge);
	for (size_t i = 0; i < grants->role_count; i++) {
		struct ush_role *role = &grants->roles[i];
		struct ush_role *before = kept > 0 ? &grants->roles[kept - 1] : NULL;

		if (before != NULL && compare_roles(before, role) == 0) {
			if (!role->assumed && (is_filled_in(grants, role->object) || role->object->uid != NULL))
				take_rules(before, role->object);
			continue;
		}
		grants->roles[kept] = *role;
		if (is_filled_in(grants, role->object) || (role->object->uid != NULL && !role->assumed))
			take_rules(&grants->roles[kept], role->object);
		kept++;
	}
	grants->role_count = kept;
	aggregate(grants);
	for (size_t i = 0; i < kept; i++)
		grants->roles[i].powers = ush_powers_of(grants->roles[i].rules, grants->roles[i].rule_count);
}

/* ---- bindings ---- */

static enum ush_rbac_kind role_kind(const struct ush_rbac *binding)
{
	return strcmp(binding->role_kind, "Role") == 0 ? USH_ROLE : USH_CLUSTER_ROLE;
}

/* A ClusterRoleBinding takes a ClusterRole alone; any other kind than the two is nobody's role. */
static bool can_refer(const struct ush_rbac *binding)
{
	return strcmp(binding->role_kind, "ClusterRole") == 0 ||
	       (strcmp(binding->role_kind, "Role") == 0 && binding->kind == USH_ROLE_BINDING);
}

static struct ush_binding make_grant(const struct ush_grants *grants, const struct ush_rbac *binding)
{
	struct ush_binding grant = {.binding = binding, .state = USH_ROLE_ABSENT};
	enum ush_rbac_kind kind = role_kind(binding);

	if (can_refer(binding))
		grant.role = ush_grants_role(grants, kind, kind == USH_ROLE ? binding->namespace_name : NULL,
					     binding->role_name);
	if (grant.role != NULL)
		grant.state = grant.role->assumed ? USH_ROLE_ASSUMED : USH_ROLE_FOUND;
	else if (can_refer(binding) && grants->inventory->unread[kind])
		grant.state = USH_ROLE_UNKNOWN;
	if (grant.role != NULL)
		grant.powers = binding->kind == USH_ROLE_BINDING ? ush_powers_in_namespace(grant.role->powers)
								 : grant.role->powers;
	grant.origin = ush_binding_origin(grants->baseline, binding, NULL, NULL);
	return grant;
}

void ush_grants_build(struct ush_grants *grants, const struct ush_inventory *inventory,
		      const struct ush_baseline *baseline)
{
	grants->inventory = inventory;
	grants->baseline = baseline;
	add_roles(grants);
	resolve_roles(grants);
	for (size_t i = 0; i < inventory->count; i++) {
		if (is_role(inventory->objects[i]))
			continue;
		struct ush_binding grant = make_grant(grants, inventory->objects[i]);

		USH_PUSH(grants->items, grants->count, grant);
	}
	ush_holders_build(grants);
}

bool ush_grants_gave_up(const struct ush_grants *grants)
{
	return grants->work > WORK_LIMIT;
}

void ush_grants_free(struct ush_grants *grants)
{
	for (size_t i = 0; i < grants->role_count; i++)
		free(grants->roles[i].rules);
	for (size_t i = 0; i < grants->buffer_count; i++)
		free(grants->buffers[i]);
	free(grants->buffers);
	free(grants->roles);
	free(grants->items);
	free(grants->holders);
	memset(grants, 0, sizeof *grants);
}
