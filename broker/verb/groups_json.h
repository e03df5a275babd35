/* SPDX-License-Identifier: Apache-2.0
 *
 * What `groups` tells as JSON. It is written as it is made: a million memberships take no more memory than the source's
 * answer has already.
 */
#ifndef USH_VERB_GROUPS_JSON_H
#define USH_VERB_GROUPS_JSON_H

#include <stddef.h>

#include "broker/policy/policy.h"
#include "broker/source/source.h"
#include "common/base/error.h"

struct ush_groups_told { /* a source and its answer */
	const char *source;
	struct ush_groups groups;
};

/* All of it on stdout, in one array. Called when nothing more can fail but stdout itself: USH_ERR_STORE. */
int ush_groups_print_json(const struct ush_policy *policy, const struct ush_groups_told *told, size_t count, struct ush_error *err);

#endif
