/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose object it is: by our own marks, by those that other tools leave, by owner references. An object that carries a
 * mark of somebody else is theirs, whatever else it carries. Pure.
 */
#ifndef USH_SYNC_OWNER_H
#define USH_SYNC_OWNER_H

#include "broker/sync/want/desired.h"

struct ush_maker {
	bool label; /* or an annotation */
	const char *key, *maker, *what; /* what the value names */
	bool git;			/* it takes its objects from git: what is rendered there reaches the cluster */
};

/* One look at labels and annotations. */
void ush_marks_read(const struct ush_item *item, struct ush_marks *marks);

/* NULL: it is ours. Else who made it, for people: "made by helm (release ops)". *free_for_adoption: nobody manages it: no
 * mark, no owner, and no field manager but people's hands (kubectl). A tool whose only mark is that it wrote the fields
 * would write them again, so it is asked to let go first. The caller frees. */
char *ush_marks_foreign(const struct ush_marks *marks, const struct ush_item *item, const char *policy, bool *free_for_adoption);

/* It bears a mark of this policy's, or one that may be any policy's: somebody took the others off, or copied them. */
bool ush_marks_partly(const struct ush_marks *marks, const struct ush_desired *desired);

/* What to do about one that stands in our way, in a few words; "" when there is nothing to say. */
const char *ush_marks_advice(const struct ush_marks *marks, const struct ush_item *item, bool free_for_adoption);

#endif
