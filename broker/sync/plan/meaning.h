/* SPDX-License-Identifier: Apache-2.0
 *
 * What a role lets people do, in a few words, the gravest first: "read Secrets, run commands in pods and see pods". Pure.
 */
#ifndef USH_SYNC_MEANING_H
#define USH_SYNC_MEANING_H

#include "broker/policy/policy.h"
#include "broker/sync/decide/reconcile.h"
#include "common/base/text.h"

/* Appends words with %s where the namespaces belong: "edit %s, Secrets included". roles may be NULL: then only names are
 * known. The answer is how grave it is: 0 for looking, more for Secrets, for running things, for giving oneself rights. */
int ush_meaning_role(struct ush_buf *out, const struct ush_policy_role *role, const struct ush_cluster_roles *roles);

#endif
