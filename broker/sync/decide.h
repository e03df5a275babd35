/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of reconcile share while a plan is made: vanished.c (groups that are gone), people.c (what it means for
 * people, and the brake).
 */
#ifndef USH_SYNC_DECIDE_H
#define USH_SYNC_DECIDE_H

#include "broker/source/index.h"
#include "broker/sync/reconcile.h"

struct ush_access { /* a group's access to a namespace; all borrowed */
	const char *namespace_name, *text;
	const struct ush_group *group; /* NULL: who is in it is not known */
};

struct ush_accesses {
	struct ush_access *items;
	size_t count;
};

struct ush_decide {
	const struct ush_reconcile *in;
	const struct ush_policy *policy;
	struct ush_plan *plan;
	bool *needed;  /* one a wanted object: a Role that some binding which stays or comes refers to */
	bool *blocked; /* one a wanted object: a Role that stands there and is not ours */
	bool *mourned; /* one a grant: its group is gone and some binding still holds it */
	struct ush_index *by_id; /* one a source */
	struct ush_accesses kept, lost; /* which groups have which namespaces after the plan; which lose something in one */
};

/* The digest of an object as it would be read back. */
void ush_decide_digest(const json_t *object, char out[65]);

/* Notes what is there now: whoever applies the change makes sure that it still is. */
void ush_decide_from_seen(struct ush_change *change, const struct ush_seen *seen);

/* decide_binding.c: either may be NULL, not both. */
void ush_decide_binding(struct ush_decide *d, const struct ush_wanted *wanted, struct ush_seen *seen);

/* ---- vanished.c ---- */

enum ush_leave { USH_LEAVE_NOW, USH_LEAVE_LATER, USH_LEAVE_UNKNOWN };

/* May this subject of an observed binding go, which no present group accounts for? why is for people, NULL where there
 * is nothing to say that is not said elsewhere; never NULL for USH_LEAVE_NOW. The caller frees. */
enum ush_leave ush_decide_leave(struct ush_decide *d, const struct ush_wanted *wanted, const struct ush_origin *subject, char **why);

/* The tombstones after this plan. */
void ush_decide_state(struct ush_decide *d);

/* ---- people.c ---- */

/* The group behind an origin, when its source still has it and said who is in it; else NULL. */
const struct ush_group *ush_decide_group(const struct ush_decide *d, const struct ush_origin *origin);

/* Sentences for people, and the brake. After all changes are there. */
void ush_decide_people_lines(struct ush_decide *d);
void ush_decide_brake(struct ush_decide *d);

#endif
