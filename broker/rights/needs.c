/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "broker/ledger/ledger.h"
#include "broker/policy/naming.h"
#include "broker/rights/rights.h"
#include "broker/sync/state.h"
#include "common/base/memory.h"

#define LEASE	"usher-broker"
#define ONE_SET 2000 /* namespaces that one parent names (sync/shard.c) */

struct needed { /* one rule, lists as "a b c" */
	const char *verbs, *group, *resources;
};

static const struct needed look[] = {
	{"list", USH_RBAC_GROUP, "roles rolebindings clusterroles"},
	{"list", "", "namespaces"},
	{"create", "authorization.k8s.io", "subjectaccessreviews"}, /* the proof */
};
static const struct needed onboarding[] = {
	{"create get patch", "", "namespaces resourcequotas limitranges serviceaccounts"},
	{"create get patch", "networking.k8s.io", "networkpolicies"},
	{"list", "", "pods"}, /* whether a quota is below what runs */
	{"write", "usher.dev", "marks"}, /* no such resource: deploy/protection asks who may label namespaces for templates */
};
static const char written[] = "get create patch delete";

static void add_words(struct ush_list *list, const char *words)
{
	USH_AUTO_FREE char *copy = ush_strdup(words);
	char *rest = copy;

	for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " "))
		ush_list_add(list, word);
}

static struct ush_rule *add_rule(struct ush_right *right, const char *verbs, const char *group, const char *resources)
{
	struct ush_rule *rule;

	USH_PUSH(right->rules, right->count, (struct ush_rule){0});
	rule = &right->rules[right->count - 1];
	add_words(&rule->verbs, verbs);
	ush_list_add(&rule->groups, group);
	add_words(&rule->resources, resources);
	return rule;
}

static void copy_list(struct ush_list *to, const struct ush_list *from)
{
	for (size_t i = 0; i < from->count; i++)
		ush_list_add(to, from->items[i]);
}

static void copy_rule(struct ush_right *right, const struct ush_rule *from)
{
	struct ush_rule rule = {0};

	copy_list(&rule.verbs, &from->verbs);
	copy_list(&rule.groups, &from->groups);
	copy_list(&rule.resources, &from->resources);
	copy_list(&rule.names, &from->names);
	USH_PUSH(right->rules, right->count, rule);
}

static struct ush_right *right_in(struct ush_rights *rights, const char *namespace_name)
{
	for (size_t i = 0; i < rights->count; i++) {
		const char *have = rights->items[i].namespace_name;

		if (namespace_name == NULL ? have == NULL : have != NULL && strcmp(have, namespace_name) == 0)
			return &rights->items[i];
	}
	USH_PUSH(rights->items, rights->count, ((struct ush_right){.namespace_name = ush_strdup(namespace_name)}));
	return &rights->items[rights->count - 1];
}

/* ---- from grants ---- */

struct granted { /* a role in a namespace, NULL: in all */
	const char *namespace_name;
	const struct ush_policy_role *role;
};

static int by_place(const void *a, const void *b)
{
	const struct granted *x = a, *y = b;
	int order = strcmp(x->namespace_name != NULL ? x->namespace_name : "", y->namespace_name != NULL ? y->namespace_name : "");

	return order != 0 ? order : strcmp(x->role->name, y->role->name);
}

static struct granted *collect(const struct ush_policy *policy, size_t *count)
{
	struct granted *all = NULL;
	bool everywhere = false;

	*count = 0;
	for (size_t i = 0; i < policy->grant_count; i++)
		everywhere = everywhere || policy->grants[i].namespaces.count == 0;
	for (size_t i = 0; i < policy->grant_count; i++) {
		const struct ush_grant *grant = &policy->grants[i];
		const struct ush_policy_role *role = &policy->roles[grant->role];

		if (everywhere)
			USH_PUSH(all, *count, ((struct granted){NULL, role}));
		for (size_t k = 0; !everywhere && k < grant->namespaces.count; k++)
			USH_PUSH(all, *count, ((struct granted){grant->namespaces.items[k], role}));
	}
	if (*count > 0)
		qsort(all, *count, sizeof *all, by_place);
	return all;
}

/* granted[0..count) are of one namespace, sorted by role. */
static void need_place(struct ush_rights *rights, const struct granted *granted, size_t count)
{
	struct ush_right *right = right_in(rights, granted->namespace_name);
	struct ush_list clusterroles = {0}, roles = {0};

	add_rule(right, written, USH_RBAC_GROUP, "rolebindings");
	for (size_t i = 0; i < count; i++)
		if (granted[i].role->cluster_role != NULL)
			ush_list_add(&clusterroles, granted[i].role->cluster_role);
		else if (i == 0 || granted[i - 1].role != granted[i].role)
			ush_list_add(&roles, granted[i].role->name);
	ush_list_sort(&clusterroles);
	if (clusterroles.count > 0)
		add_rule(right, "bind", USH_RBAC_GROUP, "clusterroles")->names = clusterroles;
	if (roles.count > 0) {
		add_rule(right, written, USH_RBAC_GROUP, "roles");
		add_rule(right, "bind", USH_RBAC_GROUP, "roles")->names = roles;
	}
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; granted[i].role->cluster_role == NULL && (i == 0 || granted[i - 1].role != granted[i].role) && k < granted[i].role->rule_count; k++)
			copy_rule(right, &granted[i].role->rules[k]);
}

/* Whether all is in one ApplySet, whose parent is the state's own ConfigMap: else the names of parents come from the
 * cluster (tenants) or from their number, and cannot be listed here. */
static bool one_set(const struct ush_policy *policy)
{
	size_t named = 0;

	for (size_t i = 0; i < policy->grant_count; i++) {
		if (policy->grants[i].namespaces.count == 0)
			return false;
		named += policy->grants[i].namespaces.count;
	}
	return policy->tenant_label == NULL && named <= ONE_SET;
}

static bool ends_elevations(const struct ush_policy *policy)
{
	return policy->elevation_count + policy->seal_count > 0;
}

static void need_end(struct ush_rights *rights, const struct ush_list *patterns)
{
	for (size_t i = 0; i < patterns->count; i++) {
		bool pattern = ush_name_not_label(patterns->items[i]) != NULL;

		add_rule(right_in(rights, pattern ? NULL : patterns->items[i]), "delete", USH_RBAC_GROUP, "rolebindings");
	}
}

/* What was given for a time is taken away by a run; it is given by people, with rights of their own. */
static void need_ends(struct ush_rights *rights, const struct ush_policy *policy)
{
	for (size_t i = 0; i < policy->elevation_count; i++)
		need_end(rights, &policy->elevations[i].namespaces);
	for (size_t i = 0; i < policy->seal_count; i++)
		need_end(rights, &policy->seals[i].namespaces);
}

static void need_state(struct ush_rights *rights, const struct ush_policy *policy, const char *namespace_name)
{
	struct ush_right *right = right_in(rights, namespace_name);
	USH_AUTO_FREE char *state = ush_state_name(policy->name), *ledger = ush_ledger_name(policy->name);
	struct ush_rule *rule;

	add_rule(right, "create", "", "configmaps");
	rule = add_rule(right, "get update", "", "configmaps");
	if (one_set(policy)) {
		ush_list_add(&rule->names, state);
		ush_list_add(&add_rule(right, ends_elevations(policy) ? "get update" : "get", "", "configmaps")->names, ledger);
	}
	add_rule(right, "create", "coordination.k8s.io", "leases");
	ush_list_add(&add_rule(right, "get update", "coordination.k8s.io", "leases")->names, LEASE);
}

static int by_namespace(const void *a, const void *b)
{
	const struct ush_right *x = a, *y = b;

	return strcmp(x->namespace_name != NULL ? x->namespace_name : "", y->namespace_name != NULL ? y->namespace_name : "");
}

void ush_rights_of(struct ush_rights *rights, const struct ush_policy *policy, const char *state_namespace)
{
	struct ush_right *cluster = right_in(rights, NULL);
	struct ush_list clusterroles = {0};
	size_t count, end;
	USH_AUTO_FREE struct granted *granted = collect(policy, &count);

	for (size_t i = 0; i < USH_COUNT(look); i++)
		add_rule(cluster, look[i].verbs, look[i].group, look[i].resources);
	for (size_t i = 0; i < policy->role_count; i++)
		if (policy->roles[i].cluster_role != NULL)
			ush_list_add(&clusterroles, policy->roles[i].cluster_role);
	ush_list_sort(&clusterroles);
	if (clusterroles.count > 0) /* the proof asks what they allow */
		add_rule(cluster, "get", USH_RBAC_GROUP, "clusterroles")->names = clusterroles;
	for (size_t i = 0; i < count; i = end) {
		for (end = i; end < count && (granted[end].namespace_name == granted[i].namespace_name ||
					      (granted[i].namespace_name != NULL && strcmp(granted[end].namespace_name, granted[i].namespace_name) == 0));)
			end++;
		need_place(rights, &granted[i], end - i);
	}
	need_ends(rights, policy);
	need_state(rights, policy, state_namespace);
	qsort(rights->items, rights->count, sizeof *rights->items, by_namespace);
}

void ush_rights_add_onboard(struct ush_rights *rights)
{
	struct ush_right *cluster = right_in(rights, NULL);

	for (size_t i = 0; i < USH_COUNT(onboarding); i++)
		add_rule(cluster, onboarding[i].verbs, onboarding[i].group, onboarding[i].resources);
}

void ush_rights_add_events(struct ush_rights *rights, const struct ush_policy *policy)
{
	bool everywhere = false;

	for (size_t i = 0; i < policy->grant_count; i++)
		everywhere = everywhere || policy->grants[i].namespaces.count == 0;
	for (size_t i = 0; i < rights->count; i++)
		if ((rights->items[i].namespace_name == NULL) == everywhere)
			add_rule(&rights->items[i], "create", "", "events");
}

void ush_rights_free(struct ush_rights *rights)
{
	for (size_t i = 0; i < rights->count; i++) {
		for (size_t k = 0; k < rights->items[i].count; k++)
			ush_rule_free(&rights->items[i].rules[k]);
		free(rights->items[i].rules);
		free(rights->items[i].namespace_name);
	}
	free(rights->items);
	*rights = (struct ush_rights){0};
}
