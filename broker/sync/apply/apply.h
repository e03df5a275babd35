/* SPDX-License-Identifier: Apache-2.0
 *
 * Carrying out a plan: Roles, then RoleBindings (new ones by create, changed ones as patch.h says, with what was there
 * as a precondition), proof by access review, and what takes access away last of all, and only where all before it worked
 * (order.h). Within such a phase many at once (common/kube/batch.h). One object that fails does not keep the others from
 * being written. A run that is broken off anywhere leaves what it wrote, and the next one does the rest.
 */
#ifndef USH_SYNC_APPLY_H
#define USH_SYNC_APPLY_H

#include "broker/sync/plan/plan.h"
#include "common/kube/client.h"
#include "common/kube/rbac.h"

enum ush_outcome {
	USH_OUTCOME_UNTRIED,
	USH_OUTCOME_DONE,
	USH_OUTCOME_PENDING,
	USH_OUTCOME_SKIPPED,
	USH_OUTCOME_HELD_BACK, /* it takes access away, and something failed in its namespace */
	USH_OUTCOME_ROLELESS,  /* the Role that it refers to was not written */
	USH_OUTCOME_FAILED
};

/* Told of each change as it ends, while the others are under way. why: what failed, else NULL. */
struct ush_watcher {
	void (*ended)(void *context, const struct ush_change *change, enum ush_outcome outcome, const char *why); /* or NULL */
	void *context;
};

struct ush_applied {
	struct ush_watcher watcher; /* given; all else is made */
	size_t total, done;
	size_t pending;          /* their namespace is not there */
	size_t skipped;          /* their namespace is being deleted: nothing was to be done */
	unsigned char *outcomes; /* enum ush_outcome, one a change of the plan; NULL when nothing was to be written */
	struct ush_list failed;  /* one line each, raw */
	bool stopped;            /* by a signal */
	bool busy;               /* another run holds the lease, or had it in between: nothing was tried */
	size_t removals_left;    /* changes that take access away, left undone because something failed in their namespace, or everywhere */
	size_t proofs;           /* access reviews that said what they should */
	char *no_proof;          /* why there was none, or NULL */
	int64_t took_ms;
};

/*
 * A plan with nothing to write makes no request at all. USH_ERR_REFUSED when another run holds the lease; a plan that is
 * stopped must not come here. What failed is in `applied`, not an error. holder names us in the lease.
 */
int ush_apply(const struct ush_kube *kube, const struct ush_plan *plan, const char *holder, struct ush_applied *applied, struct ush_error *err);
void ush_applied_free(struct ush_applied *applied);
#define USH_AUTO_APPLIED __attribute__((cleanup(ush_applied_free))) struct ush_applied

/* For a plan from a file: USH_ERR_REFUSED when an object, or the state, is not as it was when the plan was made. */
int ush_apply_check(const struct ush_kube *kube, const struct ush_plan *plan, struct ush_error *err);

#endif
