/* SPDX-License-Identifier: Apache-2.0
 *
 * The state has an end to its size, and a namespace can bring up as many groups as somebody who may write its bindings
 * likes. So what is too much is taken from those that brought up the most.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/sync/state/state.h"
#include "common/base/memory.h"

#define SHARES 5 /* what one namespace may bring up of what there is room for: one part of so many */

#define UNIT   200 /* bytes: what a stone of a group with an ordinary name takes */
#define BESIDE 110 /* of those: what is no text of the stone's */

struct entry {
	struct ush_tombstone *stone;
	size_t weight; /* in units */
	size_t of;     /* stones of its namespace, */
	size_t all;    /* and what they weigh: in the first one of each namespace */
	bool gone;
};

static size_t bytes_of(const char *text)
{
	size_t bytes = 0;

	for (; *text != '\0'; text++)
		bytes += (unsigned char)*text < ' ' || *text == '"' || *text == '\\' ? 6 : 1;
	return bytes;
}

static size_t weight_of(const struct ush_tombstone *stone)
{
	const char *const texts[] = {stone->source, stone->id, stone->group, stone->text, stone->space != NULL ? stone->space : ""};
	size_t bytes = BESIDE;

	for (size_t i = 0; i < USH_COUNT(texts); i++)
		bytes += bytes_of(texts[i]);
	return (bytes + UNIT - 1) / UNIT;
}

static const char *space_of(const struct ush_tombstone *stone)
{
	return stone->space != NULL ? stone->space : "";
}

/* By namespace; within one, those that may go first: removed ones, the oldest of them first, then the youngest that wait. */
static int by_space(const void *a, const void *b)
{
	const struct ush_tombstone *x = ((const struct entry *)a)->stone, *y = ((const struct entry *)b)->stone;
	int order = strcmp(space_of(x), space_of(y));

	if (order == 0)
		order = (int)y->removed - (int)x->removed;
	if (order == 0)
		order = x->removed ? (x->since > y->since) - (x->since < y->since) : (x->since < y->since) - (x->since > y->since);
	return order != 0 ? order : (x > y) - (x < y);
}

/* What all would weigh if no namespace had more than a share, and of those that several share none went. */
static size_t with_share(const struct entry *entries, size_t count, size_t share)
{
	size_t total = 0;

	for (size_t i = 0; i < count; i += entries[i].of)
		total += *space_of(entries[i].stone) == '\0' || entries[i].all < share ? entries[i].all : share;
	return total;
}

/* One namespace's, from those that may go first on, down to the share. */
static void cut(struct entry *entries, size_t share, size_t least)
{
	size_t left = entries->all;

	for (size_t i = 0; i < entries->of && left > share; i++) {
		if (!entries[i].stone->removed && left <= least)
			return;
		entries[i].gone = true;
		left -= entries[i].weight;
	}
}

static void cut_all(struct entry *entries, size_t count, size_t most)
{
	size_t low = 0, high = most;

	while (low < high) { /* the greatest share with which they fit */
		size_t middle = low + (high - low + 1) / 2;

		if (with_share(entries, count, middle) <= most)
			low = middle;
		else
			high = middle - 1;
	}
	for (size_t i = 0; i < count; i += entries[i].of)
		if (*space_of(entries[i].stone) != '\0')
			cut(&entries[i], low, most / SHARES);
}

/* Those that nobody in particular brought up: the oldest names go, whosever they are. */
static void cut_oldest(struct entry *entries, size_t count, size_t left, size_t most)
{
	while (left > most) {
		struct entry *oldest = NULL;

		for (size_t i = 0; i < count; i++)
			if (!entries[i].gone && entries[i].stone->removed && (oldest == NULL || entries[i].stone->since < oldest->stone->since))
				oldest = &entries[i];
		if (oldest == NULL)
			return;
		oldest->gone = true;
		left -= oldest->weight;
	}
}

static size_t weigh_left(const struct entry *entries, size_t count)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++)
		left += entries[i].gone ? 0 : entries[i].weight;
	return left;
}

static void drop(struct ush_state *state, const struct entry *entries, size_t count)
{
	USH_AUTO_FREE bool *gone = ush_alloc(count * sizeof *gone);
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		gone[entries[i].stone - state->items] = entries[i].gone;
	for (size_t i = 0; i < count; i++)
		if (gone[i])
			ush_tombstone_free(&state->items[i]);
		else
			state->items[kept++] = state->items[i];
	state->count = kept;
}

bool ush_state_shorten(struct ush_state *state, size_t most)
{
	size_t count = state->count, total = 0;
	USH_AUTO_FREE struct entry *entries = ush_alloc((count + 1) * sizeof *entries);

	for (size_t i = 0; i < count; i++) {
		entries[i] = (struct entry){.stone = &state->items[i], .weight = weight_of(&state->items[i])};
		total += entries[i].weight;
	}
	if (total <= most)
		return true;
	qsort(entries, count, sizeof *entries, by_space);
	for (size_t i = 0, first = 0; i < count; i++) {
		if (strcmp(space_of(entries[first].stone), space_of(entries[i].stone)) != 0)
			first = i;
		entries[first].of++;
		entries[first].all += entries[i].weight;
	}
	cut_all(entries, count, most);
	cut_oldest(entries, count, weigh_left(entries, count), most);
	total = weigh_left(entries, count);
	drop(state, entries, count);
	return total <= most;
}
