/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/listing.h"

#include <search.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"

struct mark { /* of the tree of ids */
	char *id;
	size_t at; /* in groups->items */
};

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct mark *)a)->id, ((const struct mark *)b)->id);
}

static void free_mark(void *mark)
{
	free(((struct mark *)mark)->id);
	free(mark);
}

static void forget(void **tree)
{
	tdestroy(*tree, free_mark);
	*tree = NULL;
}

void ush_listing_free(struct ush_listing *listing)
{
	for (size_t i = 0; listing->parents != NULL && i < listing->ids[0].count; i++)
		free(listing->parents[i]);
	free(listing->parents);
	ush_list_free(&listing->ids[0]);
	ush_list_free(&listing->ids[1]);
	forget(&listing->seen);
	*listing = (struct ush_listing){0};
}

/* False when the id is there already. */
static bool see(struct ush_listing *listing, const char *id)
{
	struct mark *mark = ush_new(struct mark), **found;

	*mark = (struct mark){ush_strdup(id), listing->ids[listing->reading].count};
	found = tsearch(mark, &listing->seen, by_id);
	if (*found == mark)
		return true;
	free_mark(mark);
	return false;
}

int ush_listing_add(struct ush_listing *listing, const struct ush_listed *group, struct ush_error *err)
{
	struct ush_list *ids = &listing->ids[listing->reading];
	size_t count = ids->count;

	if (group->id == NULL || *group->id == '\0' || group->name == NULL || *group->name == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "a group has no id or no name");
	if (count >= USH_GROUPS_MAX)
		return ush_fail(err, USH_ERR_INCOMPLETE, "more than %d groups", USH_GROUPS_MAX);
	if (!see(listing, group->id))
		return ush_fail(err, USH_ERR_INCOMPLETE, "group \"%.100s\" came twice: pages repeat, or groups changed while they were read", group->name);
	if (listing->reading == 0) {
		ush_groups_add(listing->groups, group->id, group->name, group->path != NULL ? group->path : "");
		USH_PUSH(listing->parents, count, ush_strdup(group->parent));
	}
	ush_list_add(ids, group->id);
	return 0;
}

long ush_listing_find(const struct ush_listing *listing, const char *id)
{
	struct mark probe = {.id = (char *)id};
	struct mark *const *found = tfind(&probe, &listing->seen, by_id);

	return found != NULL ? (long)(*found)->at : -1;
}

/* ---- paths ---- */

/* The chain of groups from `at` up to one whose path is known or that has no parent. -1 with err. */
static int climb(const struct ush_listing *listing, size_t at, size_t *steps, size_t *count, struct ush_error *err)
{
	const struct ush_group *items = listing->groups->items;
	long up;

	for (*count = 0;; at = (size_t)up) {
		if (*count == USH_LISTING_DEPTH)
			return ush_fail(err, USH_ERR_INCOMPLETE, "group \"%.100s\" stands under itself, or more than %d deep", items[at].name, USH_LISTING_DEPTH);
		steps[(*count)++] = at;
		if (items[at].path[0] != '\0' || listing->parents[at] == NULL)
			return 0;
		up = ush_listing_find(listing, listing->parents[at]);
		if (up < 0) {
			ush_fail(err, USH_ERR_INCOMPLETE, "group \"%.100s\" stands under one that is not listed (%.80s)", items[at].name, listing->parents[at]);
			return ush_hint(err, "Rights may hide it: whoever asks must see every group");
		}
	}
}

int ush_listing_paths(struct ush_listing *listing, struct ush_error *err)
{
	struct ush_group *items = listing->groups->items;
	size_t steps[USH_LISTING_DEPTH], count;

	for (size_t i = 0; i < listing->groups->count; i++) {
		if (climb(listing, i, steps, &count, err) != 0)
			return -1;
		while (count-- > 0) {
			struct ush_group *group = &items[steps[count]];
			const char *above = listing->parents[steps[count]] == NULL ? "" : items[ush_listing_find(listing, listing->parents[steps[count]])].path;

			if (group->path[0] != '\0')
				continue;
			free(group->path);
			group->path = ush_printf("%s/%s", above, group->name);
		}
	}
	return 0;
}

/* ---- twice ---- */

void ush_listing_again(struct ush_listing *listing)
{
	forget(&listing->seen);
	listing->reading = 1;
}

bool ush_listing_agrees(struct ush_listing *listing)
{
	USH_AUTO_LISTING copy = {0}; /* sorted, while the parents go by the order in which groups came */

	for (size_t i = 0; i < listing->ids[0].count; i++)
		ush_list_add(&copy.ids[0], listing->ids[0].items[i]);
	ush_list_sort(&copy.ids[0]);
	ush_list_sort(&listing->ids[1]);
	return ush_api_agree(listing->groups, &copy.ids[0], &listing->ids[1]);
}

/* ---- members, and values ---- */

int ush_listing_each_once(struct ush_list *ids, const char *path, struct ush_error *err)
{
	size_t count = ids->count;

	ush_list_sort(ids);
	if (ids->count == count)
		return 0;
	return ush_fail(err, USH_ERR_INCOMPLETE, "a member of %s came twice: pages repeat, or the group changed while it was read", path);
}

int ush_listing_is(const char *id, const json_t *said, const char *path, struct ush_error *err)
{
	USH_AUTO_FREE char *text = ush_listing_value(said);

	if (text == NULL || strcmp(text, id) == 0)
		return 0;
	return ush_fail(err, USH_ERR_INCOMPLETE, "what was answered about %s is of another group (%.80s)", path, text);
}

char *ush_listing_text(const json_t *object, const char *key)
{
	return ush_listing_value(json_object_get(object, key));
}

char *ush_listing_value(const json_t *value)
{
	if (json_is_integer(value))
		return ush_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return json_is_string(value) && *json_string_value(value) != '\0' ? ush_strdup(json_string_value(value)) : NULL;
}
