/* SPDX-License-Identifier: Apache-2.0
 *
 * Namespaces that say that they were made from a template of the policy, and whom none of its roles reaches: the policy has no
 * such template any more, or they are half made. Pure.
 */
#ifndef USH_SYNC_UNREACHED_H
#define USH_SYNC_UNREACHED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "broker/policy/policy.h"
#include "broker/sync/want/texts.h"

#define USH_UNREACHED_MOST 8 /* different marks; of more nothing is said */

struct ush_unreached { /* zero-initialised */
	struct ush_unreached_row {
		const char *mark;  /* of the texts */
		const char *first; /* the namespace that comes first by its name */
		size_t count;
		bool half_made;
	} items[USH_UNREACHED_MOST];
	size_t count;
};

/* True when labels, as the API server wrote them, may hold a mark. */
bool ush_unreached_may_be(const char *labels, size_t length);

/* Onboard made it, and not yet what keeps it apart; labels may be NULL. */
bool ush_unreached_half_made(const json_t *labels);

/* Looks at one that is there; labels may be NULL. name is of the texts, too. */
void ush_unreached_add(struct ush_unreached *unreached, const struct ush_policy *policy, struct ush_texts *texts, const char *name, const json_t *labels);

/* "3 namespaces are labelled ...": what happened and what to do. The caller frees. */
struct ush_way;
char *ush_unreached_words(const struct ush_unreached_row *row, const struct ush_policy *policy, const struct ush_way *way);

#endif
