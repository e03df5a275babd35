/* SPDX-License-Identifier: Apache-2.0
 *
 * The writes of a plan as lines for people: where there are very many, what is the same in many namespaces is one line and
 * a number. Pure.
 */
#ifndef USH_SYNC_ALIKE_H
#define USH_SYNC_ALIKE_H

#include "broker/sync/plan/plan.h"

#define USH_ALIKE_MOST 1000 /* lines of one action; an action of no more changes than that has a line for each */

struct ush_alike {
	const struct ush_change *change; /* the first of them */
	size_t more;			 /* others that do the same elsewhere */
};

struct ush_alikes {
	struct ush_alike *items; /* as the plan has them */
	size_t count;
	size_t rest[USH_KEEP]; /* changes of an action that no line stands for */
};

void ush_alikes_of(struct ush_alikes *alikes, const struct ush_plan *plan);
void ush_alikes_free(struct ush_alikes *alikes);
#define USH_AUTO_ALIKES __attribute__((cleanup(ush_alikes_free))) struct ush_alikes

#endif
