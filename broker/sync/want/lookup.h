/* SPDX-License-Identifier: Apache-2.0
 *
 * A source's groups by all that grants can call them. Pure.
 */
#ifndef USH_SYNC_LOOKUP_H
#define USH_SYNC_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/policy/lexicon.h"
#include "broker/source/index.h"

struct ush_lookup {
	const struct ush_groups *groups;
	struct ush_index by[USH_GROUP_ID + 1];
	bool *excluded; /* one a group: exclude.groups */
	/* its own */
	struct ush_spelt *spelt; /* sorted; where the cluster takes all names in lower case (groupCase) */
	const char **texts[2];	 /* names and paths, as the list has them */
	struct ush_lexicon *like[2];
};

/* groups and policy outlive it. */
void ush_lookup_open(struct ush_lookup *lookup, const struct ush_groups *groups, const struct ush_policy *policy);

/* Frees all but by[USH_GROUP_ID], which the caller has from then on. */
void ush_lookup_close(struct ush_lookup *lookup);

/* How many groups' paths, or names, a pattern matches; *found are their numbers in the list, ascending, borrowed until the
 * next question. */
size_t ush_lookup_like(struct ush_lookup *lookup, const char *pattern, bool paths, const uint32_t **found);

/* The groups that a grant's word refers to (ush_name_refers): the first and, if there is another, the second. */
void ush_lookup_refer(const struct ush_lookup *lookup, const struct ush_policy *policy, const char *wanted, const struct ush_group *found[2]);

/* Another group that the API server would call the same, or NULL; text is what it calls this one. */
const struct ush_group *ush_lookup_twin(const struct ush_lookup *lookup, const struct ush_policy *policy, const struct ush_group *group, const char *text);

#endif
