/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking: a cluster, or a folder of manifests.
 */
#ifndef USH_SYNC_OBSERVE_H
#define USH_SYNC_OBSERVE_H

#include "broker/sync/observed.h"
#include "common/kube/client.h"

/* One list each of roles, rolebindings and namespaces. Without the right to list namespaces, they are not known. */
int ush_observe_cluster(struct ush_observed *observed, const struct ush_desired *desired, const struct ush_kube *kube, struct ush_error *err);

/* The manifests under a folder; a folder that is not there yet holds nothing. */
int ush_observe_folder(struct ush_observed *observed, const struct ush_desired *desired, const char *path, struct ush_error *err);

#endif
