/* SPDX-License-Identifier: Apache-2.0
 *
 * ApplySets in kubectl's spelling (not the KEP's): our objects carry applyset.kubernetes.io/part-of, and the ConfigMap
 * that is the set's parent says which kinds and which namespaces to look in. A parent must name at least where members
 * are: it is widened before the first object is written, and set to what is true when all is done.
 */
#ifndef USH_SYNC_APPLYSET_H
#define USH_SYNC_APPLYSET_H

#include "broker/sync/plan/plan.h"
#include "common/kube/client.h"

#define USH_APPLYSET_ID		"applyset.kubernetes.io/id"
#define USH_APPLYSET_TOOLING	"applyset.kubernetes.io/tooling"
#define USH_APPLYSET_KINDS	"applyset.kubernetes.io/contains-group-kinds"
#define USH_APPLYSET_NAMESPACES "applyset.kubernetes.io/additional-namespaces"

/*
 * apply calls it twice: with `before` when the lease is held and nothing is written yet, and without when all changes are
 * done (also after failures: then with `before` again, never narrower). Parents that are right already cost no request.
 * The parent that is the state's own ConfigMap is left to ush_state_save.
 */
int ush_applyset_write(const struct ush_kube *kube, const struct ush_plan *plan, bool before, struct ush_error *err);

/* Reads what the parents say now into plan->sets; sets that are empty and have no parent go. For the parent that is the
 * state's own ConfigMap the state says it. */
int ush_applyset_read(const struct ush_kube *kube, struct ush_plan *plan, struct ush_error *err);

/* A parent as it is written, without data. namespaces and version may be NULL. */
json_t *ush_applyset_parent(const char *name, const char *id, const char *namespace_name, const char *policy, const char *namespaces, const char *version);

#endif
