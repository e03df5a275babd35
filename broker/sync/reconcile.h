/* SPDX-License-Identifier: Apache-2.0
 *
 * reconcile(desired, observed, tombstones, now) -> plan. Pure. What holds (and is tested):
 *   what is as desired needs nothing; applying a plan gives what was desired, and the next plan is empty;
 *   the order of the input changes nothing; an object that is not ours is never touched;
 *   nothing is removed on account of a source that was not read whole, and a group that is gone goes twice before its
 *   binding does.
 */
#ifndef USH_SYNC_RECONCILE_H
#define USH_SYNC_RECONCILE_H

#include <stdint.h>

#include "broker/sync/desired.h"
#include "broker/sync/observed.h"
#include "broker/sync/plan.h"
#include "broker/sync/state.h"

struct ush_reconcile {
	const struct ush_desired *desired;  /* resolved */
	const struct ush_groups *groups;    /* one a source of the policy */
	struct ush_observed *observed;      /* sorted; `wanted` marks are set */
	const struct ush_state *state;
	int64_t now;
	bool all_objects;                   /* fill plan->objects: what render writes */
};

/* Fills the plan's changes, people, state and stop, and finishes it. What the plan says about policy, cluster and sources
 * is taken from the input too; server, state_namespace and state_version are the caller's. Never fails. */
void ush_reconcile(const struct ush_reconcile *input, struct ush_plan *plan);

#endif
