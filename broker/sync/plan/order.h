/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside sync/: in which order the changes of a plan go, and what waits for what. What gives access comes first, what
 * takes it after: whoever goes from one binding to another is in both for a moment, and in the old one alone when the new
 * one cannot be written. So in a namespace where something failed nothing is taken away. Elsewhere it is, or one namespace
 * that refuses us would keep everybody's access for ever. And a binding is not written before the Role that it refers to.
 */
#ifndef USH_SYNC_ORDER_H
#define USH_SYNC_ORDER_H

#include "broker/sync/apply/stage.h"

enum ush_phase ush_phase_of(const struct ush_change *change);

/* Before a phase begins: looks up what failed so far. */
void ush_order_begin(struct ush_run *run, enum ush_phase phase);

/* The first step of a change in this phase, USH_STEP_END when it is of another, or waits: then its outcome says so. */
enum ush_step ush_order_first(struct ush_run *run, const struct ush_change *change);

/* A job of a phase that is in two parts waits for the second one. crosses: is it such a one? parked: the next that goes on,
 * NULL when none is left. */
bool ush_order_crosses(const struct ush_run *run, const struct ush_change *change);
void ush_order_park(struct ush_run *run, struct ush_job *job);
struct ush_job *ush_order_parked(struct ush_run *run);
void ush_order_end(struct ush_run *run);

#endif
