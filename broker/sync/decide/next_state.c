/* SPDX-License-Identifier: Apache-2.0
 *
 * What the next run is told: tombstones, grants that ended, which ledger there is, and which namespaces belong to which ApplySet.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/decide/decide.h"
#include "common/base/memory.h"

#define REMEMBER (365 * 86400) /* seconds for which a removed group's name is not given to another one */
#define STATE_MAX 1000000       /* bytes; a ConfigMap takes 1 MiB */
#define SET_MAX	 250000	       /* bytes of namespaces in a parent's annotations; the API server takes 262,144 of all of them */

/* It is there again, or still, and called as it was, and nobody else is. Where nobody knows who it was, the name alone says
 * so, while some binding still has it. */
static bool is_back(const struct ush_decide *d, size_t source, const struct ush_tombstone *stone)
{
	const struct ush_group *group = *stone->id != '\0' ? ush_desired_group(d->desired, source, stone->id) : NULL;
	USH_AUTO_FREE char *text = group != NULL ? ush_name_group(d->policy, group->id, group->name, group->path) : NULL;
	const struct ush_group *one;

	if (*stone->id == '\0')
		return !stone->removed && ush_decide_called(d, source, stone->text, &one) > 0;
	return text != NULL && strcmp(text, stone->text) == 0 && ush_decide_called(d, source, stone->text, &one) == 1;
}

/* A name needs no guard while the group itself bears it; nor does one that is no group's. */
static void take_stone(struct ush_decide *d, const struct ush_tombstone *stone)
{
	size_t source = ush_decide_source(d, stone->source);

	if (!stone->removed || (source != SIZE_MAX && !is_back(d, source, stone)))
		ush_state_set(&d->plan->state, stone);
}

/* A stone that no binding brought up in this run. While nobody is called so whom it is of, the name is remembered, whoever
 * took it out of the bindings. */
static void carry_stone(struct ush_decide *d, const struct ush_tombstone *stone)
{
	size_t source = ush_decide_source(d, stone->source);
	struct ush_tombstone removed = *stone;

	removed.removed = true;
	removed.runs = 0;
	if (source == SIZE_MAX)
		return;
	if (!ush_groups_trusted(&d->in->groups[source]))
		ush_state_set(&d->plan->state, stone);
	else if (!is_back(d, source, stone) && d->in->now - stone->since < REMEMBER)
		ush_state_set(&d->plan->state, &removed);
	else if (is_back(d, source, stone) && !stone->removed)
		ush_plan_add(d->plan, USH_NOTE, USH_ROLE_BINDING, "", "",
			     ush_printf("group %s is back in source %s; its tombstone goes", stone->group, stone->source));
}

static void keep_ended(struct ush_decide *d)
{
	for (size_t i = 0; i < d->policy->grant_count; i++) {
		char key[17];

		if (d->policy->grants[i].not_after == 0)
			continue;
		ush_grant_key(d->policy, &d->policy->grants[i], key);
		if (d->ended[i] || ush_state_has_ended(d->in->state, key))
			ush_list_add(&d->plan->state.ended, key);
	}
	ush_list_sort(&d->plan->state.ended);
}

/* What the next run looks for (ledger_note.h). Only a person takes it back. */
static void note_ledger(struct ush_decide *d)
{
	const struct ush_ledger *ledger = d->desired->ledger;
	const char *before = d->in->state->ledger, *now = ledger != NULL ? ledger->uid : NULL;

	d->plan->state.ledger = ush_strdup(before != NULL ? before : now);
	d->plan->notes_ledger = before == NULL && now != NULL;
}

void ush_decide_state(struct ush_decide *d)
{
	USH_AUTO_FREE char *before = ush_state_text(d->in->state), *after = NULL;
	bool fits;

	for (size_t i = 0; i < d->in->state->count; i++)
		if (ush_state_find(&d->stones, d->in->state->items[i].source, d->in->state->items[i].id, d->in->state->items[i].text) == NULL)
			carry_stone(d, &d->in->state->items[i]);
	for (size_t i = 0; i < d->stones.count; i++)
		take_stone(d, &d->stones.items[i]);
	ush_decide_heirs(d);
	keep_ended(d);
	note_ledger(d);
	d->plan->state.shards = d->desired->tier > 1 ? d->desired->tier : 0;
	fits = ush_state_shorten(&d->plan->state, USH_STATE_STONES_MAX);
	after = ush_state_text(&d->plan->state);
	d->plan->stones_changed = d->plan->state_changed = strcmp(before, after) != 0;
	if (!fits || strlen(after) > STATE_MAX)
		ush_fail(&d->plan->stop, USH_ERR_INCOMPLETE, "%zu groups that bindings hold vanished at once, more than can be remembered (%d); that is more likely a fault than the truth, so nothing was written",
			 d->plan->state.count, USH_STATE_STONES_MAX);
}

/* ---- ApplySets ---- */

/* The first set's parent keeps the state, so it is written with it. */
static void note_namespaces(struct ush_decide *d, const char *namespaces)
{
	const char *before = d->in->state->namespaces != NULL ? d->in->state->namespaces : "";

	d->plan->state.namespaces = ush_strdup(namespaces);
	if (!d->plan->live || strcmp(before, namespaces) == 0)
		return;
	d->plan->state_changed = true;
}

static uint64_t object_key(enum ush_rbac_kind kind, const char *namespace_name, const char *name)
{
	return ush_decide_key(namespace_name, name) + (uint64_t)kind;
}

/* How many objects of ours there are in each place after the plan: an object of others that is changed is adopted. */
static uint32_t *count_objects(const struct ush_decide *d)
{
	uint32_t *counts = ush_alloc((d->desired->places->count + 1) * sizeof *counts);
	struct ush_keys others = {0};

	for (size_t i = 0; i < d->desired->count; i++)
		counts[d->desired->items[i].place] += d->in->observed->marks[i] == USH_SAME;
	for (size_t i = 0; i < d->in->observed->count; i++) {
		const struct ush_seen *seen = &d->in->observed->items[i];

		if (seen->foreign != NULL)
			ush_keys_add(&others, object_key(seen->kind, seen->namespace_name, seen->name));
		else if (seen->place != SIZE_MAX)
			counts[seen->place]++;
	}
	for (size_t i = 0; i < d->plan->change_count; i++) {
		const struct ush_change *change = &d->plan->changes[i];
		bool comes = (change->action == USH_CREATE && !change->consent) ||
			     (change->action == USH_CHANGE && ush_keys_has(&others, object_key(change->kind, change->namespace_name, change->name)));
		size_t place = comes || change->action == USH_REMOVE
				       ? ush_places_find(d->desired->places, change->namespace_name, strlen(change->namespace_name))
				       : SIZE_MAX;

		if (place != SIZE_MAX)
			counts[place] += comes ? 1 : (uint32_t)-1;
	}
	ush_keys_free(&others);
	return counts;
}

/* Namespaces that no list has and something of ours is in: without the right to list them, and no grant that names them. */
static char *add_strays(const struct ush_decide *d, const char *text)
{
	struct ush_keys removed = {0};
	struct ush_list names = {0};
	struct ush_buf out = {0};
	USH_AUTO_FREE char *copy = ush_strdup(text);
	char *rest = copy;

	for (size_t i = 0; i < d->plan->change_count; i++)
		if (d->plan->changes[i].action == USH_REMOVE)
			ush_keys_add(&removed, ush_decide_key(d->plan->changes[i].namespace_name, d->plan->changes[i].name));
	for (size_t i = 0; i < d->in->observed->count; i++) {
		const struct ush_seen *seen = &d->in->observed->items[i];

		if (seen->place == SIZE_MAX && seen->foreign == NULL && !ush_keys_has(&removed, ush_decide_key(seen->namespace_name, seen->name)))
			ush_list_add(&names, seen->namespace_name);
	}
	for (char *name = names.count > 0 ? strsep(&rest, ",") : NULL; name != NULL; name = strsep(&rest, ","))
		if (*name != '\0')
			ush_list_add(&names, name);
	ush_list_sort(&names);
	for (size_t i = 0; i < names.count; i++)
		ush_buf_printf(&out, "%s%s", i > 0 ? "," : "", names.items[i]);
	ush_list_free(&names);
	ush_keys_free(&removed);
	return out.length > 0 ? ush_buf_take(&out) : ush_strdup(text);
}

static void check_size(struct ush_decide *d, const char *name, size_t length)
{
	if (length <= SET_MAX)
		return;
	ush_fail(&d->plan->stop, USH_ERR_CONFIG, "ApplySet %s would span more namespaces than its parent can name (%zu bytes of 256 KiB); nothing was written",
		 name, length);
	ush_hint(&d->plan->stop, "Tell tenants apart by a label with more values (cluster.tenantLabel), or leave it out");
}

void ush_decide_sets(struct ush_decide *d)
{
	const struct ush_desired *desired = d->desired;
	struct ush_buf *texts = ush_alloc((desired->shard_count + 1) * sizeof *texts);
	USH_AUTO_FREE uint32_t *counts = count_objects(d);

	for (size_t p = 0; p < desired->places->count; p++) {
		struct ush_buf *text = &texts[desired->shard_of[p]];

		if (counts[p] > 0)
			ush_buf_printf(text, "%s%s", text->length > 0 ? "," : "", desired->places->items[p].name);
	}
	for (size_t i = 0; i < desired->shard_count; i++) {
		struct ush_set set = {.name = ush_strdup(desired->shards[i]), .id = ush_strdup(desired->applysets[i])};

		check_size(d, set.name, texts[i].length);
		set.namespaces = i == 0 ? add_strays(d, texts[i].length > 0 ? texts[i].data : "") : ush_buf_take(&texts[i]);
		set.there = ush_strdup(set.namespaces); /* ush_applyset_read knows better */
		if (i == 0)
			note_namespaces(d, set.namespaces);
		USH_PUSH(d->plan->sets, d->plan->set_count, set);
		ush_buf_free(&texts[i]);
	}
	free(texts);
}
