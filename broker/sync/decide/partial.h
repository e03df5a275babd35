/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside reconcile: what of a plan for a few namespaces stays in it. Pure.
 */
#ifndef USH_SYNC_PARTIAL_H
#define USH_SYNC_PARTIAL_H

#include "broker/sync/decide/decide.h"

/* Of a plan for a few namespaces: what would take something from somebody becomes a HOLD line. After all changes are there,
 * before what they mean for people is said. */
void ush_decide_partial(struct ush_decide *d);

/* What became of a grant's group matters to the namespaces that the plan is for. */
bool ush_decide_concerns(const struct ush_decide *d, const struct ush_resolved *resolved);

#endif
