/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/little_denied.h"

#include <string.h>

#include "common/base/memory.h"
#include "tests/support/little_memory.h"

static unsigned int chance(struct little_world *world, unsigned int below)
{
	world->denying = world->denying * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int)(world->denying >> 33) % below;
}

void little_denials_happen(struct little_world *world)
{
	struct little_denial *denial = &world->denials[chance(world, LITTLE_DENIALS)];
	size_t which = chance(world, LITTLE_GROUPS);
	const struct little_group *group = &world->groups[which];

	if (!world->denies || chance(world, 4) != 0)
		return;
	if (denial->id != 0 && !little_ledger_lost(world)) { /* else the verb stops, and says how to go on */
		denial->id = world->ledger.held[denial - world->denials].id = 0; /* back in */
	} else if (denial->id == 0 && group->id != 0) {
		*denial = (struct little_denial){.id = group->id, .name = group->name, .source = which >= LITTLE_MAIN};
		snprintf(denial->called, sizeof denial->called, "%s", little_sources[denial->source]);
		little_write_down(world, denial, chance(world, 4) != 0);
	}
}

void little_ledger(const struct little_world *world, struct ush_ledger *ledger)
{
	ledger->uid = world->ledger.uid != 0 ? ush_printf("l%u", world->ledger.uid) : NULL;
	for (size_t i = 0; i < LITTLE_DENIALS; i++) {
		const struct little_denial *denial = &world->ledger.held[i];
		struct ush_ledger_entry entry = {.kind = USH_LEDGER_GROUP, .since = 1800000000};
		USH_AUTO_FREE char *text = ush_printf("oidc:%s", little_names[denial->name]);

		if (denial->id == 0)
			continue;
		entry.key = ush_printf("%08zx", i);
		entry.name = ush_printf("/%s", little_names[denial->name]);
		entry.by = ush_strdup("ann");
		entry.reason = ush_strdup("gone");
		entry.source = ush_strdup(denial->called);
		entry.id = ush_printf("i%u", denial->id);
		ush_list_add(&entry.spellings, text);
		LITTLE_MUST(ush_ledger_add(ledger, &entry), "there is room");
	}
}

/* ---- the rules ---- */

/* A source that the policy has no more cannot be compared: then the id is enough. The name always is: tokens say no more. */
static bool is_lost(const struct little_denial *denial)
{
	return strcmp(denial->called, little_sources[denial->source]) != 0;
}

bool little_denies(const struct little_world *world, int source, unsigned int id, int name)
{
	for (size_t i = 0; i < LITTLE_DENIALS; i++) {
		const struct little_denial *d = &world->denials[i];

		if (d->id != 0 && (d->name == name || (d->id == id && (is_lost(d) || d->source == source))))
			return true;
	}
	return false;
}

/* A group that is denied bears the name: who it was that had it cannot be told from that one. */
static bool is_borne(const struct little_world *world, const char *name)
{
	for (size_t i = 0; i < LITTLE_GROUPS; i++) {
		const struct little_group *g = &world->groups[i];

		if (g->id != 0 && strcmp(little_names[g->name], name) == 0 && little_denies(world, i >= LITTLE_MAIN, g->id, g->name))
			return true;
	}
	return false;
}

static bool as_written(const struct little_world *world, const struct little_access *a)
{
	const char *const ids[] = {a->id, a->also};

	for (size_t i = 0; i < LITTLE_DENIALS; i++) {
		const struct little_denial *d = &world->denials[i];
		bool by_name = d->id != 0 && strcmp(little_names[d->name], a->text + 5) == 0;

		for (size_t j = 0; d->id != 0 && j < 2; j++) {
			unsigned int id = ids[j][0] == 'i' ? (unsigned int)strtoul(ids[j] + 1, NULL, 10) : 0;

			if (id != 0 && (id == d->id || (is_lost(d) && id == LITTLE_IDS - 1 - d->id % 16)) && (is_lost(d) || a->source == d->source))
				return true; /* also one that a hand wrote down for the other source (little_tell_apart) */
		}
		if (by_name)
			return true;
	}
	return false;
}

bool little_denies_access(const struct little_world *world, const struct little_access *a)
{
	if (as_written(world, a) || (a->id[0] == '\0' && is_borne(world, a->text + 5)))
		return true;
	for (size_t i = 0; i < LITTLE_DENIALS && a->source == LITTLE_NO_SOURCE; i++)
		if (world->denials[i].id != 0 && is_lost(&world->denials[i]))
			return true; /* its id, which is written there, may be just that one's */
	for (size_t i = 0; i < LITTLE_GROUPS; i++) { /* as it is called now */
		const struct little_group *g = &world->groups[i];

		if (g->id != 0 && a->id[0] == 'i' && strtoul(a->id + 1, NULL, 10) == g->id && little_denies(world, i >= LITTLE_MAIN, g->id, g->name))
			return true;
	}
	return false;
}

/* Another group has that name, and nobody put that one out: to the API server both are one. */
static bool is_anothers(const struct little_world *world, const struct little_access *a)
{
	for (size_t i = 0; i < LITTLE_GROUPS; i++) {
		const struct little_group *g = &world->groups[i];

		if (g->id != 0 && strcmp(little_names[g->name], a->text + 5) == 0 &&
		    !little_denies(world, i >= LITTLE_MAIN, g->id, g->name))
			return true;
	}
	return false;
}

const char *little_judge_denied(const struct little_world *world, const struct little_run *run, const struct little_access **which)
{
	for (size_t i = 0; i < run->after_count; i++) {
		const struct little_access *a = &run->after[i];
		unsigned int id = a->id[0] == 'i' ? (unsigned int)strtoul(a->id + 1, NULL, 10) : 0;
		bool conflict = false;

		for (int s = 0; s < LITTLE_SPACES; s++)
			conflict |= strcmp(little_spaces[s], a->space) == 0 && (run->conflicts & 1U << s) != 0;
		*which = a;
		if (run->whole && !conflict && id != 0 && a->also[0] == '\0' && a->source >= 0 && as_written(world, a) && !is_anothers(world, a))
			return "kept, or given, although it is denied";
	}
	return NULL;
}
