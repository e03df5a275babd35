/* SPDX-License-Identifier: Apache-2.0
 *
 * reconcile(desired, observed, state, now) -> plan. Pure. What holds (and is tested):
 *   what is as desired needs nothing; applying a plan gives what was desired, and the next plan is empty;
 *   the order of the input changes nothing; an object that is not ours is never touched;
 *   nothing is removed on account of a source that was not read whole, and a group that is gone goes twice before its
 *   binding does; a group made anew under an old name gets nothing until a person says so, and who is in the same binding
 *   does not wait for that; where the record of who a subject is was spoilt, that is no reason to take it out either.
 */
#ifndef USH_SYNC_RECONCILE_H
#define USH_SYNC_RECONCILE_H

#include <stdint.h>

#include "broker/sync/look/observed.h"
#include "broker/sync/plan/plan.h"
#include "broker/sync/state/state.h"
#include "broker/sync/want/desired.h"

/* ClusterRoles as the cluster has them, for what a plan means: those that the policy names, or all. */
struct ush_cluster_roles {
	struct ush_rbac **items; /* sorted by name */
	size_t count;
};
const struct ush_rbac *ush_cluster_roles_find(const struct ush_cluster_roles *roles, const char *name);
void ush_cluster_roles_free(struct ush_cluster_roles *roles);

struct ush_reconcile {
	struct ush_desired *desired;
	const struct ush_groups *groups;    /* one a source of the policy */
	struct ush_observed *observed;      /* sorted, against the same desired */
	const struct ush_state *state;
	const struct ush_cluster_roles *cluster_roles; /* or NULL */
	int64_t now;
	bool state_missing;                 /* a cluster's, and nobody wrote one yet, or it is gone */
	bool all_objects;                   /* fill plan->objects: what render writes */
	bool partial;                       /* desired's places are a few of those that are there: plan->partial */
};

/* Fills the plan's changes, people, state, sets and stop, and finishes it. What the plan says about policy, cluster and
 * sources is taken from the input too; server, state_namespace and state_version are the caller's. Never fails. */
void ush_reconcile(const struct ush_reconcile *input, struct ush_plan *plan);

#endif
