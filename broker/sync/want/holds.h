/* SPDX-License-Identifier: Apache-2.0
 *
 * Which group is to have which grant's role in which place: one hold for each. Pure.
 */
#ifndef USH_SYNC_HOLDS_H
#define USH_SYNC_HOLDS_H

#include "broker/sync/want/desired.h"

struct ush_hold {
	uint32_t place, resolved;
};

struct ush_holds {
	struct ush_hold *items; /* sorted by place; a place that a grant means in two ways has two */
	size_t count;
};

/* Of every group that was resolved (ush_desired_resolve). The caller frees items. */
struct ush_holds ush_holds_find(const struct ush_desired *desired);

#endif
