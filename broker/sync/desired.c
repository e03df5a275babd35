/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/desired.h"

#include <string.h>
#include <time.h>

#include "broker/policy/naming.h"
#include "broker/source/index.h"
#include "broker/sync/state.h"
#include "common/base/memory.h"

int ush_key_order(const char *namespace_a, enum ush_rbac_kind kind_a, const char *name_a, const char *namespace_b, enum ush_rbac_kind kind_b,
		  const char *name_b)
{
	int order = strcmp(namespace_a, namespace_b);

	if (order == 0)
		order = (int)kind_a - (int)kind_b;
	return order != 0 ? order : strcmp(name_a, name_b);
}

static int by_key(const void *a, const void *b)
{
	const struct ush_wanted *x = a, *y = b;

	return ush_key_order(x->namespace_name, x->kind, x->name, y->namespace_name, y->kind, y->name);
}

const struct ush_wanted *ush_desired_find(const struct ush_desired *desired, const char *namespace_name, enum ush_rbac_kind kind, const char *name)
{
	struct ush_wanted key = {.kind = kind, .namespace_name = namespace_name, .name = (char *)name};

	return desired->count > 0 ? bsearch(&key, desired->items, desired->count, sizeof key, by_key) : NULL;
}

/* ---- step one: names ---- */

static void add(struct ush_desired *desired, enum ush_rbac_kind kind, const char *namespace_name, char *name, const struct ush_policy_role *role,
		const size_t *grant)
{
	struct ush_wanted wanted = {.kind = kind, .namespace_name = namespace_name, .name = name, .role = role, .role_at = SIZE_MAX};

	if (grant != NULL)
		USH_PUSH(wanted.grants, wanted.grant_count, *grant);
	USH_PUSH(desired->items, desired->count, wanted);
}

static void add_grant(struct ush_desired *desired, size_t number)
{
	const struct ush_policy *policy = desired->policy;
	const struct ush_grant *grant = &policy->grants[number];
	const struct ush_policy_role *role = &policy->roles[grant->role];

	for (size_t i = 0; i < grant->namespaces.count; i++) {
		const char *namespace_name = grant->namespaces.items[i];
		char *name = grant->name != NULL ? ush_strdup(grant->name)
						 : ush_name_binding(policy->name, ush_wanted_role_kind(role), ush_wanted_role_name(role));

		add(desired, USH_ROLE_BINDING, namespace_name, name, role, &number);
		if (role->cluster_role == NULL)
			add(desired, USH_ROLE, namespace_name, ush_strdup(role->name), role, NULL);
	}
}

/* Equal keys become one object with the grants of all. */
static void merge(struct ush_desired *desired)
{
	size_t kept = 0;

	if (desired->count > 0)
		qsort(desired->items, desired->count, sizeof *desired->items, by_key);
	for (size_t i = 0; i < desired->count; i++) {
		struct ush_wanted *from = &desired->items[i], *to = kept > 0 ? &desired->items[kept - 1] : NULL;

		if (to == NULL || by_key(to, from) != 0) {
			desired->items[kept++] = *from;
			continue;
		}
		for (size_t j = 0; j < from->grant_count; j++)
			USH_PUSH(to->grants, to->grant_count, from->grants[j]);
		free(from->grants);
		free(from->name);
	}
	desired->count = kept;
}

struct ush_desired *ush_desired_new(const struct ush_policy *policy, const char *state_namespace)
{
	struct ush_desired *desired = ush_new(struct ush_desired);
	USH_AUTO_FREE char *parent = ush_state_name(policy->name);

	desired->policy = policy;
	desired->applyset = ush_name_applyset(parent, state_namespace, "ConfigMap", "");
	desired->resolved = ush_alloc((policy->grant_count + 1) * sizeof *desired->resolved);
	for (size_t i = 0; i < policy->grant_count; i++)
		add_grant(desired, i);
	merge(desired);
	for (size_t i = 0; i < desired->count; i++) {
		struct ush_wanted *wanted = &desired->items[i];
		const struct ush_wanted *role;

		if (wanted->kind != USH_ROLE_BINDING || wanted->role->cluster_role != NULL)
			continue;
		role = ush_desired_find(desired, wanted->namespace_name, USH_ROLE, wanted->role->name);
		wanted->role_at = (size_t)(role - desired->items);
	}
	return desired;
}

static void forget_resolved(struct ush_resolved *resolved)
{
	free(resolved->text);
	free(resolved->why);
	*resolved = (struct ush_resolved){0};
}

void ush_desired_free(struct ush_desired *desired)
{
	if (desired == NULL)
		return;
	for (size_t i = 0; i < desired->count; i++) {
		free(desired->items[i].name);
		free(desired->items[i].grants);
	}
	for (size_t i = 0; i < desired->policy->grant_count; i++)
		forget_resolved(&desired->resolved[i]);
	free(desired->items);
	free(desired->resolved);
	free(desired->applyset);
	free(desired);
}

/* ---- step two: which group ---- */

static char *day(int64_t seconds)
{
	char text[32];
	struct tm tm;

	gmtime_r(&(time_t){seconds}, &tm);
	strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm);
	return ush_strdup(text);
}

static void set(struct ush_resolved *out, enum ush_fate fate, char *why)
{
	out->fate = fate;
	free(out->why);
	out->why = why;
}

static void resolve_time(const struct ush_grant *grant, int64_t now, struct ush_resolved *out)
{
	bool ended = grant->not_after != 0 && now >= grant->not_after, early = grant->not_before != 0 && now < grant->not_before;
	USH_AUTO_FREE char *when = day(ended ? grant->not_after : grant->not_before);

	if (ended)
		set(out, USH_FATE_ENDED, ush_printf("grants[%zu] ended %s", grant->number, when));
	else if (early)
		set(out, USH_FATE_EARLY, ush_printf("grants[%zu] begins %s", grant->number, when));
}

/* A source's groups by all they can be called. */
struct lookup {
	const struct ush_groups *groups;
	struct ush_index by[USH_GROUP_ID + 1];
};

static void lookup_open(struct lookup *lookup, const struct ush_groups *groups)
{
	lookup->groups = groups;
	for (enum ush_group_name by = USH_GROUP_LEAF; by <= USH_GROUP_ID; by++)
		lookup->by[by] = ush_index_new(groups, by);
}

static void lookup_close(struct lookup *lookup)
{
	for (enum ush_group_name by = USH_GROUP_LEAF; by <= USH_GROUP_ID; by++)
		ush_index_free(&lookup->by[by]);
}

/* Another group that the API server would call the same: who holds the binding could not be told. */
static const struct ush_group *twin(const struct ush_policy *policy, const struct lookup *lookup, const struct ush_group *group)
{
	const struct ush_group *const *same;
	size_t count = ush_index_find(&lookup->by[policy->group_name], ush_name_said(policy, group->id, group->name, group->path), &same);

	return count < 2 ? NULL : same[0] != group ? same[0] : same[1];
}

/* The groups that a grant's word refers to (ush_name_refers): the first and, if there is another, the second. */
static void refer(const struct ush_policy *policy, const char *wanted, const struct lookup *lookup, const struct ush_group *found[2])
{
	const struct ush_group *const *named, *const *known;
	size_t names = ush_index_find(&lookup->by[*wanted == '/' ? USH_GROUP_PATH : USH_GROUP_LEAF], wanted, &named), ids = 0;

	if (*wanted != '/' && policy->group_name == USH_GROUP_ID)
		ids = ush_index_find(&lookup->by[USH_GROUP_ID], wanted, &known);
	found[0] = names > 0 ? named[0] : ids > 0 ? known[0] : NULL;
	found[1] = names > 1 ? named[1] : NULL;
	for (size_t i = 0; i < ids && found[1] == NULL; i++)
		found[1] = known[i] != found[0] ? known[i] : NULL;
}

static void resolve_group(const struct ush_policy *policy, const struct ush_grant *grant, const struct lookup *lookup, struct ush_resolved *out)
{
	const struct ush_group *found[2], *other;
	const char *source = policy->sources[grant->source].name, *refused;

	refer(policy, grant->group, lookup, found);
	if (found[0] == NULL) {
		set(out, USH_FATE_GONE, ush_printf("source %s has no group %s", source, grant->group));
		return;
	}
	if (found[1] != NULL) {
		set(out, USH_FATE_AMBIGUOUS, ush_printf("grants[%zu].group: %s means %s and %s of source %s; write the path", grant->number, grant->group,
							found[0]->path, found[1]->path, source));
		return;
	}
	out->group = found[0];
	out->text = ush_name_group(policy, found[0]->id, found[0]->name, found[0]->path);
	refused = ush_name_group_refused(out->text);
	other = twin(policy, lookup, found[0]);
	if (refused != NULL)
		set(out, USH_FATE_REFUSED, ush_printf("grants[%zu].group: \"%s\" %s", grant->number, out->text, refused));
	else if (other != NULL)
		set(out, USH_FATE_AMBIGUOUS, ush_printf("grants[%zu].group: tokens call both %s and %s \"%s\"; let them carry paths (groupName: path)",
							grant->number, found[0]->path, other->path, out->text));
}

static void resolve(const struct ush_policy *policy, const struct ush_grant *grant, const struct lookup *lookup, int64_t now, struct ush_resolved *out)
{
	forget_resolved(out);
	resolve_time(grant, now, out);
	if (out->fate != USH_FATE_PRESENT)
		return;
	if (!lookup->groups->complete || lookup->groups->count == 0) /* zero groups is a fault until shown otherwise */
		set(out, USH_FATE_UNKNOWN, ush_printf("source %s is incomplete", policy->sources[grant->source].name));
	else
		resolve_group(policy, grant, lookup, out);
}

void ush_desired_resolve(struct ush_desired *desired, const struct ush_groups *groups, int64_t now)
{
	const struct ush_policy *policy = desired->policy;
	USH_AUTO_FREE struct lookup *lookups = ush_alloc((policy->source_count + 1) * sizeof *lookups);

	for (size_t i = 0; i < policy->source_count; i++)
		lookup_open(&lookups[i], &groups[i]);
	for (size_t i = 0; i < policy->grant_count; i++)
		resolve(policy, &policy->grants[i], &lookups[policy->grants[i].source], now, &desired->resolved[i]);
	for (size_t i = 0; i < policy->source_count; i++)
		lookup_close(&lookups[i]);
}

void ush_wanted_origins(const struct ush_desired *desired, const struct ush_wanted *wanted, struct ush_origins *out)
{
	for (size_t i = 0; i < wanted->grant_count; i++) {
		const struct ush_resolved *resolved = &desired->resolved[wanted->grants[i]];
		const struct ush_grant *grant = &desired->policy->grants[wanted->grants[i]];

		if (resolved->fate != USH_FATE_PRESENT)
			continue;
		ush_origins_add(out, &(struct ush_origin){resolved->text, desired->policy->sources[grant->source].name, resolved->group->id,
							  resolved->group->name, resolved->group->path});
	}
}
