/* SPDX-License-Identifier: Apache-2.0
 *
 * RoleBindings that hold for a time: they bear the label usher.dev/elevation and no policy's. The ledger alone says who has
 * what until when; what stands in the cluster is taken away when the ledger does not say it (any more), and nothing that
 * somebody writes into a binding makes it last longer.
 */
#ifndef USH_SYNC_ELEVATED_H
#define USH_SYNC_ELEVATED_H

#include "broker/ledger/ledger.h"
#include "broker/sync/want/desired.h"
#include "common/kube/client.h"

struct ush_plan;
struct ush_change;
struct ush_applied;

#define USH_ELEVATED_BEGIN "usher-elevated-" /* of a binding's name; the key follows */

struct ush_elevated { /* one that is there */
	char *namespace_name, *name, *uid;
	char *key;     /* the label; of a bare one what its name says */
	char *subject; /* "User oidc:bob", as the API server calls it; NULL: not just one */
	char *role;    /* "ClusterRole/admin" */
	char *foreign; /* whose mark is on it beside ours, or NULL */
	bool bare;     /* it has the name of one, and not our marks: only the ledger knows it */
	bool terminating;
};

struct ush_elevations {
	struct ush_elevated *items; /* as they came */
	size_t count;
};

/* Takes it in, when it is one that this policy has to look after: by its marks, or by the name that the ledger (or NULL) gave it,
 * whatever was done to its marks. False: it is none. */
bool ush_elevated_take(struct ush_elevations *elevations, const struct ush_item *item, const struct ush_marks *marks, const char *policy,
		       const struct ush_ledger *ledger);
void ush_elevations_free(struct ush_elevations *elevations);

/* "User", "Group" or "ServiceAccount" of the subject of an entry, and its name and namespace, as a binding has them; the
 * caller frees. */
json_t *ush_elevated_subject(const struct ush_ledger_entry *entry);

/* The binding as it is written. */
json_t *ush_elevated_json(const struct ush_ledger_entry *entry, const char *policy, const char *cluster_role);

/* elevation_due.c, pure: some binding's key is none of the ledger's: who wrote it may have written the ledger since that was
 * read. */
bool ush_elevations_unknown(const struct ush_elevations *elevations, const struct ush_ledger *ledger);

/* Likewise: what is over, forged or ended becomes a REMOVE of the plan with its key in change->elevation; what the ledger is to
 * forget goes to plan->over. Says what ends within a day, and what waits for a review. */
void ush_elevations_due(struct ush_plan *plan, const struct ush_desired *desired, const struct ush_elevations *elevations);

/*
 * elevation_end.c: takes away what of a plan is over, first from the ledger, so that a clock that is set back finds nothing,
 * then from the cluster. Needs no lease, and no limit stops it. What fails is told in applied, whose outcomes are there.
 */
void ush_elevations_end(const struct ush_kube *kube, const struct ush_plan *plan, struct ush_applied *applied);

/* The same alone, of a plan that is stopped; and whether there is any of that. */
bool ush_elevations_any_over(const struct ush_plan *plan);
void ush_elevations_end_alone(const struct ush_kube *kube, const struct ush_plan *plan, struct ush_applied *applied);

#endif
