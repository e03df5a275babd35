/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/index.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/base/search.h"

static const char *text_of(const struct ush_group *group, enum ush_group_name by)
{
	return by == USH_GROUP_ID ? group->id : by == USH_GROUP_PATH ? group->path : group->name;
}

static int order(const struct ush_group *a, const struct ush_group *b, enum ush_group_name by)
{
	int order = strcmp(text_of(a, by), text_of(b, by));

	return order != 0 ? order : (a > b) - (a < b);
}

static int by_id(const void *a, const void *b)
{
	return order(*(const struct ush_group *const *)a, *(const struct ush_group *const *)b, USH_GROUP_ID);
}

static int by_name(const void *a, const void *b)
{
	return order(*(const struct ush_group *const *)a, *(const struct ush_group *const *)b, USH_GROUP_LEAF);
}

static int by_path(const void *a, const void *b)
{
	return order(*(const struct ush_group *const *)a, *(const struct ush_group *const *)b, USH_GROUP_PATH);
}

struct ush_index ush_index_new(const struct ush_groups *groups, enum ush_group_name by)
{
	struct ush_index index = {.by = by, .items = ush_alloc((groups->count + 1) * sizeof *index.items), .count = groups->count};

	for (size_t i = 0; i < groups->count; i++)
		index.items[i] = &groups->items[i];
	qsort(index.items, index.count, sizeof *index.items, by == USH_GROUP_ID ? by_id : by == USH_GROUP_PATH ? by_path : by_name);
	return index;
}

void ush_index_free(struct ush_index *index)
{
	free(index->items);
	*index = (struct ush_index){0};
}

/* The first whose text is not before this one, or (after) is behind it. */
static size_t bound(const struct ush_index *index, const char *text, bool after)
{
	return USH_FIRST_NOT(i, 0, index->count, strcmp(text_of(index->items[i], index->by), text) < (after ? 1 : 0));
}

size_t ush_index_find(const struct ush_index *index, const char *text, const struct ush_group *const **first)
{
	size_t begin = bound(index, text, false);

	*first = index->items + begin;
	return bound(index, text, true) - begin;
}
