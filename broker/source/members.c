/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/members.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/memory.h"

struct ush_names { /* a hash table; its size is a power of two, a quarter of it free at least */
	size_t owners, count, size;
	uint64_t seed; /* whoever chooses names does not choose where they stand */
	char **slots;
};

/* ---- names ---- */

struct ush_names *ush_names_share(struct ush_names **names)
{
	if (*names == NULL) {
		*names = ush_new(struct ush_names);
		if (getrandom(&(*names)->seed, sizeof (*names)->seed, GRND_NONBLOCK) < 0)
			(*names)->seed = (uintptr_t)*names;
		(*names)->owners = 1;
	}
	(*names)->owners++;
	return *names;
}

void ush_names_leave(struct ush_names *names)
{
	if (names == NULL || --names->owners > 0)
		return;
	for (size_t i = 0; i < names->size; i++)
		free(names->slots[i]);
	free(names->slots);
	free(names);
}

/* FNV-1a, begun elsewhere each time. */
static uint64_t hash_of(const struct ush_names *names, const char *text)
{
	uint64_t hash = 0xcbf29ce484222325 ^ names->seed;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash ^ hash >> 29;
}

static char **slot_of(const struct ush_names *names, const char *text)
{
	size_t at = hash_of(names, text) & (names->size - 1);

	while (names->slots[at] != NULL && strcmp(names->slots[at], text) != 0)
		at = (at + 1) & (names->size - 1);
	return &names->slots[at];
}

static void grow(struct ush_names *names)
{
	struct ush_names larger = {.size = names->size > 0 ? 2 * names->size : 16, .seed = names->seed};

	larger.slots = ush_alloc(larger.size * sizeof *larger.slots);
	for (size_t i = 0; i < names->size; i++)
		if (names->slots[i] != NULL)
			*slot_of(&larger, names->slots[i]) = names->slots[i];
	free(names->slots);
	names->slots = larger.slots;
	names->size = larger.size;
}

static char *the_one(struct ush_names *names, const char *text)
{
	char **slot;

	if (4 * (names->count + 1) > 3 * names->size)
		grow(names);
	slot = slot_of(names, text);
	if (*slot == NULL) {
		*slot = ush_strdup(text);
		names->count++;
	}
	return *slot;
}

/* ---- members ---- */

void ush_members_add(struct ush_members *members, const char *name)
{
	if (members->names == NULL) {
		ush_names_share(&members->names);
		members->names->owners = 1;
	}
	USH_PUSH(members->items, members->count, the_one(members->names, name));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void ush_members_sort(struct ush_members *members)
{
	size_t kept = 0;

	if (members->count > 0)
		qsort(members->items, members->count, sizeof *members->items, by_text);
	for (size_t i = 0; i < members->count; i++)
		if (kept == 0 || members->items[kept - 1] != members->items[i])
			members->items[kept++] = members->items[i];
	members->count = kept;
}

bool ush_members_has(const struct ush_members *sorted, const char *name)
{
	return sorted->count > 0 && bsearch(&name, sorted->items, sorted->count, sizeof *sorted->items, by_text) != NULL;
}

void ush_members_free(struct ush_members *members)
{
	free(members->items);
	ush_names_leave(members->names);
	*members = (struct ush_members){0};
}
