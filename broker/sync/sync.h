/* SPDX-License-Identifier: Apache-2.0
 *
 * From a policy to a plan: the one path that plan, apply and render share. Sources and cluster are read here; what is
 * decided is decided by reconcile.
 */
#ifndef USH_SYNC_SYNC_H
#define USH_SYNC_SYNC_H

#include "broker/ledger/ledger.h"
#include "broker/policy/policy.h"
#include "broker/source/source.h"
#include "broker/sync/decide/reconcile.h"
#include "broker/sync/look/observed.h"
#include "broker/sync/plan/plan.h"
#include "broker/sync/state/state.h"
#include "broker/sync/want/desired.h"
#include "common/base/world.h"
#include "common/kube/client.h"
#include "common/kube/way.h"

struct ush_only { /* a namespace, of a few that a plan is for */
	const char *name;
	const json_t *labels; /* those that it has or will have; may be NULL */
	bool is_new;          /* it is not there yet, or just was made: nothing is in it, and nothing of it is read */
};

struct ush_sync {
	/* given */
	const struct ush_world *world;
	const struct ush_kube *kube;      /* the cluster, or NULL: */
	const char *folder;               /* a folder of manifests */
	const char *namespaces;           /* with a folder: where the Namespace manifests are, NULL: in the folder */
	const char *state_namespace;      /* where state and lease live: "default" */
	const struct ush_way *way;        /* of a person to it all, for the commands in reasons; NULL: not known (way.h) */
	bool all_objects;                 /* for render */
	bool no_people;                   /* nobody's groups' members are read: limits count bindings alone */
	const struct ush_only *only;      /* of a cluster: these namespaces alone, each once; NULL: all that are there. Then the plan
					   * only adds (plan->partial): see ush_sync_plan */
	size_t only_count;
	/* made, and owned */
	struct ush_policy *policy;        /* may be given, loaded: then policy_path is not read */
	struct ush_places places;
	struct ush_groups *groups;        /* one a source; may be given, read: for the next cluster */
	struct ush_state state;
	struct ush_ledger ledger; /* who stays out, who has a role for a time */
	struct ush_desired *desired;
	struct ush_observed observed;
	struct ush_cluster_roles cluster_roles;
	struct ush_plan *plan;
};

/* Reads everything and makes sync->plan. Fails as policy, kube, state and sources fail; an incomplete source is no
 * failure, it is in the plan. A ledger that is not the one that the state notes is a failure, USH_ERR_INCOMPLETE: there is a
 * plan then, stopped, for nothing but what was given for a time (ush_elevations_end_alone). sync must be zero but for what is
 * given. Writes nothing. USH_ERR_REFUSED where there is no state and bindings of ours are of one that is in another of
 * the namespaces where it usually is.
 *
 * With `only` it makes a part of a plan: of the API server it reads state and ledger, the Roles and RoleBindings of those
 * namespaces that are not new, and, where something is to be given, the RoleBindings of this policy in all others; nothing else. What is to be there and is not is a CREATE, what lacks something a CHANGE,
 * which takes nothing from anybody. What would be removed or take another role's place is left as it is, for the next
 * whole run to decide (HOLD says so); no ApplySet's parent, no tombstone, no state comes of it. A group that was made anew
 * under an old name waits for somebody's word here, too, whether the state says so or a binding in any namespace. ush_apply carries such a plan out like any other, but for the
 * state, which it never writes. */
int ush_sync_plan(struct ush_sync *sync, const char *policy_path, struct ush_error *err);

/* Unix seconds: the cluster's, where there is one. */
int64_t ush_sync_now(const struct ush_sync *sync);

/* Forgets all that is of one cluster, keeps policy and groups: for the next one. */
void ush_sync_next(struct ush_sync *sync);
void ush_sync_free(struct ush_sync *sync);
#define USH_AUTO_SYNC __attribute__((cleanup(ush_sync_free))) struct ush_sync

#endif
