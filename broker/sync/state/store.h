/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the state is kept between runs: a ConfigMap in the cluster (also the parent of the ApplySet, in kubectl's
 * spelling), or a file .usher-state-POLICY in a rendered folder (no
 * suffix of a manifest, so that nobody takes it for one).
 */
#ifndef USH_SYNC_STATE_STORE_H
#define USH_SYNC_STATE_STORE_H

#include "broker/sync/state/state.h"
#include "common/kube/client.h"

/* The ConfigMap's path at the API server; the caller frees. */
char *ush_state_path(const char *namespace_name, const char *policy);

/* *version is the resourceVersion, NULL when there is none yet; the caller frees. USH_ERR_REFUSED when a ConfigMap of
 * that name is not ours; USH_ERR_STORE when its content is spoilt. */
int ush_state_load(struct ush_state *state, const struct ush_kube *kube, const char *namespace_name, const char *policy, char **version,
		   struct ush_error *err);

/* Fails with USH_ERR_REFUSED when it moved since version. */
int ush_state_save(const struct ush_state *state, const struct ush_kube *kube, const char *namespace_name, const char *policy, const char *version,
		   struct ush_error *err);

int ush_state_load_file(struct ush_state *state, const char *folder, const char *policy, struct ush_error *err);
int ush_state_save_file(const struct ush_state *state, const char *folder, const char *policy, struct ush_error *err);

#endif
