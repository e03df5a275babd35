/* SPDX-License-Identifier: Apache-2.0
 *
 * The label selectors of a policy's grants, equal ones once, so that a namespace is asked of those alone that name a label
 * it has. The answer is always that of ush_selector_matches without captures, one by one: which group a captured label is
 * for is asked of places (places.h). Pure.
 */
#ifndef USH_POLICY_SELECTORS_H
#define USH_POLICY_SELECTORS_H

#include "broker/policy/policy.h"

struct ush_selectors {
	const struct ush_selector **items; /* borrowed from the policy; all different */
	size_t count;
	size_t *of_grant; /* one a grant: its selector, SIZE_MAX where it has none */
	struct ush_anchor *anchors;
	size_t anchor_count;
	size_t *always; /* those that hold for labels they do not name */
	size_t always_count;
	struct ush_list captured; /* keys of labels whose value some selector captures, sorted, each once */
};

/* The policy outlives it. */
void ush_selectors_begin(struct ush_selectors *selectors, const struct ush_policy *policy);
void ush_selectors_free(struct ush_selectors *selectors);

/* Sets a bit for each selector that means a namespace with these labels; bits holds (count + 7) / 8 bytes of zeros. */
void ush_selectors_match(const struct ush_selectors *selectors, const json_t *labels, unsigned char *bits);

#endif
