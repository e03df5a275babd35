/* SPDX-License-Identifier: Apache-2.0
 *
 * From a policy to a plan: the one path that plan, apply and render share. Sources and cluster are read here; what is
 * decided is decided by reconcile.
 */
#ifndef USH_SYNC_SYNC_H
#define USH_SYNC_SYNC_H

#include "broker/policy/policy.h"
#include "broker/source/source.h"
#include "broker/sync/desired.h"
#include "broker/sync/observed.h"
#include "broker/sync/plan.h"
#include "broker/sync/state.h"
#include "common/base/world.h"
#include "common/kube/client.h"

struct ush_sync {
	/* given */
	const struct ush_world *world;
	const struct ush_kube *kube;      /* the cluster, or NULL: */
	const char *folder;               /* a folder of manifests */
	const char *state_namespace;      /* where state and lease live: "default" */
	bool all_objects;                 /* for render */
	/* made, and owned */
	struct ush_policy *policy;
	struct ush_desired *desired;
	struct ush_observed observed;
	struct ush_groups *groups; /* one a source */
	struct ush_state state;
	struct ush_plan *plan;
};

/* Reads everything and makes sync->plan. Fails as policy, kube, state and sources fail; an incomplete source is no
 * failure, it is in the plan. sync must be zero but for what is given. Writes nothing. */
int ush_sync_plan(struct ush_sync *sync, const char *policy_path, struct ush_error *err);
void ush_sync_free(struct ush_sync *sync);
#define USH_AUTO_SYNC __attribute__((cleanup(ush_sync_free))) struct ush_sync

#endif
