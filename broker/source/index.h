/* SPDX-License-Identifier: Apache-2.0
 *
 * A source's groups by id, name or path, so that ten thousand grants find theirs among a hundred thousand groups at once.
 */
#ifndef USH_SOURCE_INDEX_H
#define USH_SOURCE_INDEX_H

#include "broker/source/source.h"

struct ush_index {
	enum ush_group_name by;
	const struct ush_group **items; /* borrowed, sorted; equal texts stand as the source's list has them */
	size_t count;
};

/* groups outlive the index and stay where they are. */
struct ush_index ush_index_new(const struct ush_groups *groups, enum ush_group_name by);
void ush_index_free(struct ush_index *index);

/* How many groups have this text; *first is the first of them. */
size_t ush_index_find(const struct ush_index *index, const char *text, const struct ush_group *const **first);

#endif
