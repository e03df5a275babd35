/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking: a cluster, or folders of manifests.
 */
#ifndef USH_SYNC_OBSERVE_H
#define USH_SYNC_OBSERVE_H

#include "broker/sync/decide/reconcile.h"
#include "broker/sync/look/observed.h"
#include "broker/sync/want/places.h"
#include "common/kube/client.h"

/* One list of namespaces. Without the right to it they are not known, which is USH_ERR_REFUSED when a grant means
 * namespaces by pattern or label. */
int ush_observe_places(struct ush_places *places, const struct ush_policy *policy, const struct ush_kube *kube, struct ush_error *err);

/* The Namespace manifests under a path (manifest.h); one that is not there holds none. Where there are none they are not
 * known, which is USH_ERR_INCOMPLETE when a grant means namespaces by pattern or label. */
int ush_observe_places_in(struct ush_places *places, const struct ush_policy *policy, const char *path, struct ush_error *err);

/* ClusterRoles: those that the policy names with their rules, of the others that they are there. One list, or, without
 * the right to it, one request each for those that are named. Call it before the bindings are looked at. */
int ush_observe_cluster_roles(struct ush_cluster_roles *roles, struct ush_observed *observed, const struct ush_kube *kube, struct ush_error *err);

/* One list each of roles and rolebindings. */
int ush_observe_cluster(struct ush_observed *observed, const struct ush_kube *kube, struct ush_error *err);

/* The same of a few places (ush_places.few): two lists a namespace that is named, or, when they are many, those of the
 * whole cluster. Where something is wanted, our RoleBindings of all other namespaces are listed too: who had the names
 * before (elsewhere.h). kube may be NULL where none is named: then nobody can say. */
int ush_observe_few(struct ush_observed *observed, const struct ush_kube *kube, const struct ush_list *names, struct ush_error *err);

/* The manifests under a folder; a folder that is not there yet holds nothing. */
int ush_observe_folder(struct ush_observed *observed, const char *path, struct ush_error *err);

/* "k8s.example.com" of a server's URL. */
const char *ush_observe_host(const char *server);

#endif
