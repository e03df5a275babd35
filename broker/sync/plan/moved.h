/* SPDX-License-Identifier: Apache-2.0
 *
 * Has anything moved since a plan was written to a file? The plan is made again, from the sources and the cluster as they
 * are now, and the two are compared by their hash: by what is done and what it means for people. What else the sources
 * say by now is no matter. Pure.
 */
#ifndef USH_SYNC_MOVED_H
#define USH_SYNC_MOVED_H

#include "broker/sync/plan/plan.h"
#include "common/base/error.h"

/* 0 when carrying out `now` is carrying out `then`; else USH_ERR_REFUSED with the first thing that is not as it was.
 * Both are finished; the order of their changes is not touched. */
int ush_plan_moved(const struct ush_plan *then, const struct ush_plan *now, struct ush_error *err);

#endif
