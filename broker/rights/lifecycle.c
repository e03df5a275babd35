/* SPDX-License-Identifier: Apache-2.0
 *
 * What people, or accounts of their own, need beside the sync: to make namespaces, to put somebody out, to give a role for a
 * time.
 */
#include "broker/ledger/ledger.h"
#include "broker/rights/build.h"
#include "broker/sync/state/state.h"
#include "common/base/memory.h"

/* ---- onboard ---- */

#define ONBOARD_LEASE "usher-broker-onboard"

static bool has_limit(const struct ush_policy *policy)
{
	for (size_t i = 0; i < policy->template_count; i++)
		if (policy->templates[i].max_namespaces > 0)
			return true;
	return false;
}

void ush_rights_add_onboard(struct ush_rights *rights, const struct ush_policy *policy, const char *state_namespace)
{
	struct ush_right *cluster;

	if (has_limit(policy)) /* to make it is a right that the sync has, too */
		ush_list_add(&ush_right_add(ush_rights_in(rights, state_namespace), "get update", "coordination.k8s.io", "leases")->names, ONBOARD_LEASE);
	cluster = ush_rights_in(rights, NULL);
	ush_right_add(cluster, "create get patch", "", "namespaces resourcequotas limitranges serviceaccounts");
	ush_right_add(cluster, "create get patch", "networking.k8s.io", "networkpolicies");
	ush_right_add(cluster, "list", "", "pods"); /* whether a quota is below what runs */
	ush_right_add(cluster, "write", "usher.dev", "marks"); /* no such resource: deploy/protection asks who may label namespaces for templates */
}

/* ---- what both write ---- */

/* The ledger; and the state beside it, which says whether a run looks there and which ledger there was. */
static void need_ledger(struct ush_rights *rights, const struct ush_policy *policy, const char *state_namespace, const char *state_verbs)
{
	struct ush_right *right = ush_rights_in(rights, state_namespace);
	USH_AUTO_FREE char *state = ush_state_name(policy->name), *ledger = ush_ledger_name(policy->name);

	ush_right_add(right, "create", "", "configmaps");
	ush_list_add(&ush_right_add(right, "get update", "", "configmaps")->names, ledger);
	ush_list_add(&ush_right_add(right, state_verbs, "", "configmaps")->names, state);
}

/* ---- offboard ---- */

/* Taking a subject out of a binding takes, for the API server, the right to make that binding: to bind its role. */
static void need_take(struct ush_right *right, const struct ush_given *given, size_t count)
{
	ush_right_add(right, "get patch delete", USH_RBAC_GROUP, "rolebindings");
	ush_right_add_roles(right, given, count, "get delete");
}

/* One that holds for a time has one subject, so it goes whole. */
static void need_take_timed(struct ush_right *right, const struct ush_given *given, size_t count)
{
	(void)given;
	(void)count;
	ush_right_add(right, "get delete", USH_RBAC_GROUP, "rolebindings");
}

void ush_rights_of_offboard(struct ush_rights *rights, const struct ush_policy *policy, const char *state_namespace)
{
	size_t granted_count, timed_count;
	USH_AUTO_FREE struct ush_given *granted = ush_rights_granted(policy, &granted_count), *timed = ush_rights_timed(policy, &timed_count);
	struct ush_right *cluster = ush_rights_in(rights, NULL);

	ush_right_add(cluster, "list", USH_RBAC_GROUP, "roles rolebindings clusterroles clusterrolebindings");
	ush_right_add(cluster, "list", "", "serviceaccounts secrets");
	ush_right_add(cluster, "get list", "", "namespaces");
	ush_right_add(cluster, "list", "certificates.k8s.io", "certificatesigningrequests");
	ush_rights_each_place(rights, granted, granted_count, need_take);
	ush_rights_each_place(rights, timed, timed_count, need_take_timed);
	need_ledger(rights, policy, state_namespace, "get update"); /* it notes there which ledger it wrote */
	ush_rights_settle(rights);
}

/* ---- elevate, break-glass ---- */

static void need_give(struct ush_right *right, const struct ush_given *given, size_t count)
{
	ush_right_add(right, "get create delete", USH_RBAC_GROUP, "rolebindings");
	ush_right_add_roles(right, given, count, NULL);
}

/* A break-glass is told in its namespace. */
static void need_alarm(struct ush_rights *rights, const struct ush_policy *policy)
{
	for (size_t i = 0; i < policy->seal_count; i++)
		for (size_t k = 0; k < policy->seals[i].namespaces.count; k++)
			ush_right_add(ush_rights_in(rights, ush_rights_place(policy->seals[i].namespaces.items[k])), "create", "", "events");
}

void ush_rights_of_elevate(struct ush_rights *rights, const struct ush_policy *policy, const char *state_namespace)
{
	size_t count;
	USH_AUTO_FREE struct ush_given *timed = ush_rights_timed(policy, &count);
	struct ush_right *cluster = ush_rights_in(rights, NULL);
	struct ush_list roles = {0};

	for (size_t i = 0; i < count; i++)
		ush_list_add(&roles, timed[i].role->cluster_role);
	ush_list_sort(&roles);
	ush_right_add(cluster, "create", "authorization.k8s.io", "subjectaccessreviews"); /* the proof, */
	ush_right_add(cluster, "get", USH_RBAC_GROUP, "clusterroles")->names = roles;	   /* and what it asks about */
	ush_rights_each_place(rights, timed, count, need_give);
	need_alarm(rights, policy);
	need_ledger(rights, policy, state_namespace, "get");
	ush_rights_settle(rights);
}
