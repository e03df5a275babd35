/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/little_memory.h"

#include <string.h>

#include "common/base/memory.h"

static unsigned int chance(struct little_world *world, unsigned int below)
{
	world->losing = world->losing * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int)(world->losing >> 33) % below;
}

/* ---- the ledger ---- */

bool little_ledger_lost(const struct little_world *world)
{
	return world->cluster.noted != 0 && world->cluster.noted != world->ledger.uid;
}

bool little_knows_nothing(const struct little_world *world)
{
	return world->cluster.state == NULL && world->ledger.uid == 0;
}

static void make_ledger(struct little_world *world)
{
	world->ledger = (struct little_ledger){.uid = ++world->last_ledger};
}

void little_write_down(struct little_world *world, const struct little_denial *denial, bool may_note)
{
	if (world->ledger.uid == 0)
		make_ledger(world);
	world->ledger.held[denial - world->denials] = *denial;
	if (may_note && world->cluster.state != NULL && world->cluster.noted == 0)
		world->cluster.noted = world->ledger.uid;
}

void little_put_right(struct little_world *world)
{
	for (size_t i = 0; i < LITTLE_DENIALS; i++)
		if (world->denials[i].id != 0 && world->ledger.held[i].id != world->denials[i].id)
			little_write_down(world, &world->denials[i], false);
		else
			world->ledger.held[i] = world->ledger.uid != 0 ? world->denials[i] : world->ledger.held[i];
	world->cluster.noted = 0;
	world->stopped = false;
}

/* What nobody knows any more. */
static void forget_denials(struct little_world *world)
{
	if (world->cluster.noted == 0)
		memcpy(world->denials, world->ledger.held, sizeof world->denials);
}

/* ---- the state ---- */

static void put_state(struct little_world *world, const char *text, const char *namespaces, unsigned int noted)
{
	free(world->cluster.state);
	free(world->cluster.namespaces);
	world->cluster.state = ush_strdup(text);
	world->cluster.namespaces = ush_strdup(namespaces);
	world->cluster.noted = noted;
	for (size_t i = 0; i < world->grant_count; i++)
		world->grants[i].shut = false;
}

static void lose_state(struct little_world *world)
{
	put_state(world, NULL, NULL, 0);
	for (size_t i = 0; i < LITTLE_IDS; i++)
		world->ids[i].dead = 0;
}

static void longer(long *runs, int64_t *since, long its_runs, int64_t its_since)
{
	*since = *runs == 0 || (its_runs > 0 && its_since < *since) ? its_since : *since;
	*runs = its_runs > *runs ? its_runs : *runs;
}

/* What it knew then it knows again: how long somebody was gone, whose a name was. */
static void restore_state(struct little_world *world)
{
	const struct little_backup *b = &world->backup;

	put_state(world, b->cluster.state, b->cluster.namespaces, b->cluster.noted);
	for (size_t i = 0; i < LITTLE_IDS; i++) {
		world->ids[i].dead = b->ids[i].dead;
		longer(&world->ids[i].runs, &world->ids[i].since, b->ids[i].runs, b->ids[i].since);
	}
	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < LITTLE_NAMES; i++)
			longer(&world->nameless[s][i].runs, &world->nameless[s][i].since, b->nameless[s][i].runs, b->nameless[s][i].since);
}

/* ---- copies ---- */

static void copy_objects(struct little_cluster *to, const struct little_cluster *from)
{
	while (to->count > 0)
		little_remove(to, &to->items[0]);
	to->count = from->count;
	for (size_t i = 0; i < from->count; i++) {
		to->items[i] = from->items[i];
		to->items[i].body = ush_strdup(from->items[i].body);
	}
}

void little_backup_free(struct little_world *world)
{
	little_free(&world->backup.cluster);
	world->backup.taken = false;
}

static void back_up(struct little_world *world)
{
	struct little_backup *b = &world->backup;

	little_backup_free(world);
	copy_objects(&b->cluster, &world->cluster);
	b->cluster.state = ush_strdup(world->cluster.state);
	b->cluster.namespaces = ush_strdup(world->cluster.namespaces);
	b->cluster.noted = world->cluster.noted;
	b->ledger = world->ledger;
	b->spaces = world->spaces;
	b->taken = true;
	memcpy(b->denials, world->denials, sizeof b->denials);
	memcpy(b->team, little_team, sizeof b->team);
	memcpy(b->ids, world->ids, sizeof b->ids);
	memcpy(b->nameless, world->nameless, sizeof b->nameless);
}

/* Of all that the API server has; sources, policy and clock go on. */
static void restore_all(struct little_world *world)
{
	const struct little_backup *b = &world->backup;

	copy_objects(&world->cluster, &b->cluster);
	little_rename_source(&world->cluster, little_sources[0]); /* which reads them anew */
	restore_state(world);
	world->ledger = b->ledger;
	world->spaces = b->spaces;
	memcpy(little_team, b->team, sizeof b->team);
	memcpy(world->denials, b->denials, sizeof world->denials);
}

static void restore_ledger(struct little_world *world)
{
	make_ledger(world); /* a copy is another one */
	memcpy(world->ledger.held, world->backup.ledger.held, sizeof world->ledger.held);
}

/* ---- what happens ---- */

static void lose_ledger(struct little_world *world)
{
	world->ledger = (struct little_ledger){0};
}

static void lose_both(struct little_world *world)
{
	lose_ledger(world);
	lose_state(world);
}

static void restore_both(struct little_world *world)
{
	restore_ledger(world);
	restore_state(world);
}

static const struct {
	void (*happens)(struct little_world *world);
	bool needs_backup;
} losses[] = {{back_up, false},	      {lose_ledger, false},    {make_ledger, false},  {lose_state, false},  {lose_both, false},
	      {restore_ledger, true}, {restore_state, true}, {restore_both, true}, {restore_all, true}, {back_up, false}};

void little_losses_happen(struct little_world *world)
{
	size_t which;

	if (world->losing == 0)
		return;
	if (world->stopped && chance(world, 2) == 0)
		little_put_right(world);
	which = chance(world, 3 * USH_COUNT(losses));
	if (which >= USH_COUNT(losses) || (losses[which].needs_backup && !world->backup.taken))
		return;
	losses[which].happens(world);
	forget_denials(world);
}
