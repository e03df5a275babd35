/* SPDX-License-Identifier: Apache-2.0
 *
 * What an apply says in the audit log: with what it begins, each change, how it ended. Pure; all values are the
 * caller's.
 */
#ifndef USH_JOURNAL_ACCOUNT_H
#define USH_JOURNAL_ACCOUNT_H

#include <jansson.h>

#include "broker/sync/apply/apply.h"
#include "broker/sync/plan/plan.h"
#include "common/kube/config.h"

/* Members of run.begin: the policy and its digest, the plan's hash and what it wants, and for each source whether it
 * was read whole and the digest of what it said. */
json_t *ush_account_plan(const struct ush_plan *plan);

/* What the plan's bodies say, each read once. Zero-initialised; the plan outlives it. */
struct ush_account {
	const struct ush_plan *plan;
	struct ush_account_body *bodies; /* its own */
};
void ush_account_free(struct ush_account *account);
#define USH_AUTO_ACCOUNT __attribute__((cleanup(ush_account_free))) struct ush_account

/* "binding.created", "role.removed"...; of what was not done "binding.failed", "role.waiting", "binding.skipped". */
const char *ush_account_event(const struct ush_change *change, enum ush_outcome outcome);

/* Members of that: where, why, who had it before and who has it after. */
json_t *ush_account_change(struct ush_account *account, const struct ush_change *change, enum ush_outcome outcome,
			   const char *why);

/* Members of run.end. applied may be NULL: nothing was carried out; error has code USH_OK when the run did what it
 * should. */
json_t *ush_account_end(const struct ush_applied *applied, const struct ush_kube_config *config, int status,
			const struct ush_error *error);

#endif
