/* SPDX-License-Identifier: Apache-2.0
 *
 * What plan, apply and run of a policy ask of the API server.
 */
#include "broker/ledger/ledger.h"
#include "broker/policy/naming.h"
#include "broker/rights/build.h"
#include "broker/sync/state/state.h"
#include "common/base/memory.h"

#define LEASE	"usher-broker"
#define ONE_SET 2000 /* namespaces that one parent names (sync/shard.c) */

static void copy_list(struct ush_list *to, const struct ush_list *from)
{
	for (size_t i = 0; i < from->count; i++)
		ush_list_add(to, from->items[i]);
}

/* Who writes a Role must hold what it gives. */
static void add_held(struct ush_right *right, const struct ush_policy_role *role)
{
	for (size_t i = 0; i < role->rule_count; i++) {
		struct ush_rule rule = {0};

		copy_list(&rule.verbs, &role->rules[i].verbs);
		copy_list(&rule.groups, &role->rules[i].groups);
		copy_list(&rule.resources, &role->rules[i].resources);
		copy_list(&rule.names, &role->rules[i].names);
		USH_PUSH(right->rules, right->count, rule);
	}
}

/* given: all of one namespace. */
static void need_place(struct ush_right *right, const struct ush_given *given, size_t count)
{
	static const char written[] = "get create patch delete";

	ush_right_add(right, written, USH_RBAC_GROUP, "rolebindings");
	ush_right_add_roles(right, given, count, written);
	for (size_t i = 0; i < count; i++)
		if (given[i].role->cluster_role == NULL)
			add_held(right, given[i].role);
}

/* What was given for a time is taken away by a run; it is given by people, with rights of their own. */
static void need_end(struct ush_right *right, const struct ush_given *given, size_t count)
{
	(void)given;
	(void)count;
	ush_right_add(right, "delete", USH_RBAC_GROUP, "rolebindings");
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

static void need_state(struct ush_rights *rights, const struct ush_policy *policy, const char *namespace_name)
{
	struct ush_right *right = ush_rights_in(rights, namespace_name);
	USH_AUTO_FREE char *state = ush_state_name(policy->name), *ledger = ush_ledger_name(policy->name);
	struct ush_rule *rule;

	ush_right_add(right, "create", "", "configmaps");
	rule = ush_right_add(right, "get update", "", "configmaps");
	if (one_set(policy)) {
		ush_list_add(&rule->names, state);
		ush_list_add(&ush_right_add(right, ends_elevations(policy) ? "get update" : "get", "", "configmaps")->names, ledger);
	}
	ush_right_add(right, "create", "coordination.k8s.io", "leases");
	ush_list_add(&ush_right_add(right, "get update", "coordination.k8s.io", "leases")->names, LEASE);
}

static void need_looks(struct ush_right *cluster, const struct ush_policy *policy)
{
	struct ush_list clusterroles = {0};

	ush_right_add(cluster, "list", USH_RBAC_GROUP, "roles rolebindings clusterroles");
	ush_right_add(cluster, "list", "", "namespaces");
	ush_right_add(cluster, "create", "authorization.k8s.io", "subjectaccessreviews"); /* the proof */
	for (size_t i = 0; i < policy->role_count; i++)
		if (policy->roles[i].cluster_role != NULL)
			ush_list_add(&clusterroles, policy->roles[i].cluster_role);
	ush_list_sort(&clusterroles);
	if (clusterroles.count > 0) /* the proof asks what they allow */
		ush_right_add(cluster, "get", USH_RBAC_GROUP, "clusterroles")->names = clusterroles;
}

void ush_rights_of(struct ush_rights *rights, const struct ush_policy *policy, const char *state_namespace)
{
	size_t granted_count, timed_count;
	USH_AUTO_FREE struct ush_given *granted = ush_rights_granted(policy, &granted_count), *timed = ush_rights_timed(policy, &timed_count);

	need_looks(ush_rights_in(rights, NULL), policy);
	ush_rights_each_place(rights, granted, granted_count, need_place);
	ush_rights_each_place(rights, timed, timed_count, need_end);
	need_state(rights, policy, state_namespace);
	ush_rights_settle(rights);
}

void ush_rights_add_events(struct ush_rights *rights, const struct ush_policy *policy)
{
	bool everywhere = false;

	for (size_t i = 0; i < policy->grant_count; i++)
		everywhere = everywhere || policy->grants[i].namespaces.count == 0;
	for (size_t i = 0; i < rights->count; i++)
		if ((rights->items[i].namespace_name == NULL) == everywhere)
			ush_right_add(&rights->items[i], "create", "", "events");
}
