/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/plan/alike.h"

#include <string.h>

#include "common/base/memory.h"

#define TABLE 8192 /* a power of two, twice as many as there can be lines */
_Static_assert(TABLE > 2 * USH_KEEP * USH_ALIKE_MOST - 1, "the table is never full");

/* ---- what is the same: a plan has equal texts once, so their addresses will do ---- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

static uint64_t hash_of(const struct ush_change *change)
{
	uint64_t hash = mix(mix(mix((uint64_t)change->action * 8 + change->kind, change->consent), (uintptr_t)change->name), (uintptr_t)change->reason);

	for (size_t i = 0; i < change->added_count; i++)
		hash = mix(hash, (uintptr_t)change->added[i].text);
	for (size_t i = 0; i < change->removed_count; i++)
		hash = mix(hash, ~(uintptr_t)change->removed[i].text);
	return hash;
}

static bool same_deltas(const struct ush_delta *a, const struct ush_delta *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (a[i].text != b[i].text || a[i].people != b[i].people)
			return false;
	return true;
}

static bool same(const struct ush_change *a, const struct ush_change *b)
{
	return a->action == b->action && a->kind == b->kind && a->consent == b->consent && a->name == b->name && a->reason == b->reason &&
	       a->added_count == b->added_count && a->removed_count == b->removed_count && same_deltas(a->added, b->added, a->added_count) &&
	       same_deltas(a->removed, b->removed, a->removed_count);
}

/* ---- lines ---- */

struct table { /* of places in items, plus one; 0: none */
	uint32_t at[TABLE];
	size_t lines[USH_KEEP];
};

static void add_line(struct ush_alikes *alikes, struct table *table, const struct ush_change *change)
{
	table->lines[change->action]++;
	USH_PUSH(alikes->items, alikes->count, ((struct ush_alike){change, 0}));
}

static void gather(struct ush_alikes *alikes, struct table *table, const struct ush_change *change)
{
	size_t at = hash_of(change) & (TABLE - 1);

	for (; table->at[at] != 0; at = (at + 1) & (TABLE - 1))
		if (same(alikes->items[table->at[at] - 1].change, change)) {
			alikes->items[table->at[at] - 1].more++;
			return;
		}
	if (table->lines[change->action] == USH_ALIKE_MOST) {
		alikes->rest[change->action]++;
		return;
	}
	add_line(alikes, table, change);
	table->at[at] = (uint32_t)alikes->count;
}

void ush_alikes_of(struct ush_alikes *alikes, const struct ush_plan *plan)
{
	USH_AUTO_FREE struct table *table = ush_new(struct table);
	size_t counts[USH_KEEP] = {0};

	for (size_t i = 0; i < plan->change_count; i++)
		if (plan->changes[i].action < USH_KEEP)
			counts[plan->changes[i].action]++;
	for (size_t i = 0; i < plan->change_count; i++) {
		const struct ush_change *change = &plan->changes[i];

		if (change->action >= USH_KEEP)
			continue;
		if (counts[change->action] <= USH_ALIKE_MOST)
			add_line(alikes, table, change);
		else
			gather(alikes, table, change);
	}
}

void ush_alikes_free(struct ush_alikes *alikes)
{
	free(alikes->items);
	*alikes = (struct ush_alikes){0};
}
