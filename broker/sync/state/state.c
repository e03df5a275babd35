/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/state/state.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/base/search.h"
#include "common/data/json.h"

#define VERSION	   2
#define RUNS_MAX   1000 /* no policy asks for more */
#define SHARDS_MAX 256

static int order(const struct ush_tombstone *stone, const char *source, const char *id, const char *text)
{
	int by = strcmp(stone->source, source);

	if (by == 0)
		by = strcmp(stone->id, id);
	return by != 0 ? by : strcmp(stone->text, text);
}

static size_t place(const struct ush_state *state, const char *source, const char *id, const char *text)
{
	return USH_FIRST_NOT(i, 0, state->count, order(&state->items[i], source, id, text) < 0);
}

const struct ush_tombstone *ush_state_find(const struct ush_state *state, const char *source, const char *id, const char *text)
{
	size_t at = place(state, source, id, text);

	return at < state->count && order(&state->items[at], source, id, text) == 0 ? &state->items[at] : NULL;
}

const struct ush_tombstone *ush_state_namesake(const struct ush_state *state, const char *source, const char *text, const char *id)
{
	for (size_t i = 0; i < state->count; i++) {
		const struct ush_tombstone *stone = &state->items[i];

		if (strcmp(stone->text, text) == 0 && strcmp(stone->source, source) == 0 && strcmp(stone->id, id) != 0 && (*stone->id != '\0' || stone->removed))
			return stone;
	}
	return NULL;
}

bool ush_state_has_ended(const struct ush_state *state, const char *key)
{
	return ush_list_has(&state->ended, key);
}

void ush_tombstone_free(struct ush_tombstone *stone)
{
	free(stone->source);
	free(stone->id);
	free(stone->group);
	free(stone->text);
	free(stone->space);
}

void ush_state_set(struct ush_state *state, const struct ush_tombstone *stone)
{
	size_t at = place(state, stone->source, stone->id, stone->text);
	struct ush_tombstone copy = *stone;

	copy.source = ush_strdup(stone->source);
	copy.id = ush_strdup(stone->id);
	copy.group = ush_strdup(stone->group);
	copy.text = ush_strdup(stone->text);
	copy.space = ush_strdup(stone->space);
	if (at < state->count && order(&state->items[at], stone->source, stone->id, stone->text) == 0) {
		ush_tombstone_free(&state->items[at]);
	} else {
		USH_PUSH(state->items, state->count, (struct ush_tombstone){0});
		memmove(state->items + at + 1, state->items + at, (state->count - 1 - at) * sizeof *state->items);
	}
	state->items[at] = copy;
}

/* ---- heirs ---- */

static int heir_order(const struct ush_heir *h, const char *source, const char *id, const char *text)
{
	return order(&(struct ush_tombstone){.source = h->source, .id = h->id, .text = h->text}, source, id, text);
}

static size_t heir_place(const struct ush_state *state, const char *source, const char *id, const char *text)
{
	return USH_FIRST_NOT(i, 0, state->heir_count, heir_order(&state->heirs[i], source, id, text) < 0);
}

static struct ush_heir *heir_of(const struct ush_state *state, const char *source, const char *id, const char *text)
{
	size_t at = heir_place(state, source, id, text);
	struct ush_heir *h = at < state->heir_count ? &state->heirs[at] : NULL;

	return h != NULL && heir_order(h, source, id, text) == 0 ? h : NULL;
}

void ush_state_set_heir(struct ush_state *state, const char *source, const char *id, const char *text, bool confirmed)
{
	struct ush_heir *there = heir_of(state, source, id, text);
	size_t at = heir_place(state, source, id, text);

	if (there != NULL) {
		there->confirmed |= confirmed;
		return;
	}
	USH_PUSH(state->heirs, state->heir_count, (struct ush_heir){0});
	memmove(state->heirs + at + 1, state->heirs + at, (state->heir_count - 1 - at) * sizeof *state->heirs);
	state->heirs[at] = (struct ush_heir){ush_strdup(source), ush_strdup(id), ush_strdup(text), confirmed};
}

bool ush_state_inherits(const struct ush_state *state, const char *source, const char *id, const char *text)
{
	const struct ush_heir *heir = heir_of(state, source, id, text);

	return heir != NULL && heir->confirmed;
}

bool ush_state_asks(const struct ush_state *state, const char *source, const char *id, const char *text)
{
	const struct ush_heir *heir = heir_of(state, source, id, text);

	return heir != NULL && !heir->confirmed;
}

bool ush_state_confirm(struct ush_state *state)
{
	bool any = false;

	for (size_t i = 0; i < state->heir_count; i++) {
		any |= !state->heirs[i].confirmed;
		state->heirs[i].confirmed = true;
	}
	return any;
}

void ush_state_free(struct ush_state *state)
{
	for (size_t i = 0; i < state->count; i++)
		ush_tombstone_free(&state->items[i]);
	free(state->items);
	for (size_t i = 0; i < state->heir_count; i++) {
		free(state->heirs[i].source);
		free(state->heirs[i].id);
		free(state->heirs[i].text);
	}
	free(state->heirs);
	ush_list_free(&state->ended);
	free(state->namespaces);
	free(state->ledger);
	*state = (struct ush_state){0};
}

/* ---- JSON ---- */

char *ush_state_text(const struct ush_state *state)
{
	USH_AUTO_JSON top = json_pack("{s:i, s:[]}", "version", VERSION, "tombstones");
	json_t *list = json_object_get(top, "tombstones"), *ended = json_array(), *heirs = json_array();

	for (size_t i = 0; i < state->count; i++) {
		const struct ush_tombstone *s = &state->items[i];
		json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "source", s->source, "id", s->id, "group", s->group, "text", s->text, "since",
					 (json_int_t)s->since, "runs", (json_int_t)s->runs);

		if (s->removed)
			json_object_set_new(item, "removed", json_true());
		if (s->space != NULL)
			json_object_set_new(item, "namespace", json_string(s->space));
		json_array_append_new(list, item);
	}
	for (size_t i = 0; i < state->heir_count; i++) {
		const struct ush_heir *h = &state->heirs[i];

		json_array_append_new(heirs, json_pack("{s:s, s:s, s:s, s:b}", "source", h->source, "id", h->id, "text", h->text, "confirmed", h->confirmed));
	}
	if (state->heir_count > 0)
		json_object_set(top, "heirs", heirs);
	json_decref(heirs);
	for (size_t i = 0; i < state->ended.count; i++)
		json_array_append_new(ended, json_string(state->ended.items[i]));
	if (json_array_size(ended) > 0)
		json_object_set(top, "ended", ended);
	json_decref(ended);
	if (state->shards > 1)
		json_object_set_new(top, "shards", json_integer(state->shards));
	return ush_json_canonical(top);
}

static int read_stone(struct ush_state *state, const json_t *item)
{
	struct ush_tombstone stone = {.source = (char *)ush_json_string(item, "source"), .id = (char *)ush_json_string(item, "id"),
				      .group = (char *)ush_json_string(item, "group"), .text = (char *)ush_json_string(item, "text"),
				      .removed = json_is_true(json_object_get(item, "removed")), .space = (char *)ush_json_string(item, "namespace")};
	const json_t *since = json_object_get(item, "since"), *runs = json_object_get(item, "runs");

	if (stone.source == NULL || stone.id == NULL || stone.group == NULL || stone.text == NULL || !json_is_integer(since) || !json_is_integer(runs) ||
	    json_integer_value(since) < 0 || json_integer_value(runs) < 0 || json_integer_value(runs) > RUNS_MAX)
		return -1;
	stone.since = json_integer_value(since);
	stone.runs = (long)json_integer_value(runs);
	ush_state_set(state, &stone);
	return 0;
}

static int read_heirs(struct ush_state *state, const json_t *list)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		const char *source = ush_json_string(item, "source"), *id = ush_json_string(item, "id"), *text = ush_json_string(item, "text");

		if (source == NULL || id == NULL || text == NULL || i >= 2 * USH_STATE_STONES_MAX)
			return -1;
		ush_state_set_heir(state, source, id, text, json_is_true(json_object_get(item, "confirmed")));
	}
	return 0;
}

static int read_rest(struct ush_state *state, const json_t *top)
{
	const json_t *shards = json_object_get(top, "shards"), *item;
	size_t i;

	json_array_foreach(ush_json_array(top, "ended"), i, item) {
		if (!json_is_string(item))
			return -1;
		ush_list_add(&state->ended, json_string_value(item));
	}
	ush_list_sort(&state->ended);
	if (read_heirs(state, ush_json_array(top, "heirs")) != 0)
		return -1;
	if (shards != NULL && (!json_is_integer(shards) || json_integer_value(shards) < 1 || json_integer_value(shards) > SHARDS_MAX))
		return -1;
	state->shards = shards != NULL ? (long)json_integer_value(shards) : 0;
	return 0;
}

int ush_state_read(struct ush_state *state, const char *text, const char *where, struct ush_error *err)
{
	USH_AUTO_JSON top = ush_json_parse(text, strlen(text), where, USH_ERR_STORE, err);
	const json_t *list = ush_json_array(top, "tombstones"), *item;
	size_t i;

	if (top == NULL)
		return -1;
	if (json_integer_value(json_object_get(top, "version")) != VERSION || list == NULL)
		return ush_fail(err, USH_ERR_STORE, "%s: is no state of usher-broker", where);
	if (json_array_size(list) > 2 * USH_STATE_STONES_MAX)
		return ush_fail(err, USH_ERR_STORE, "%s: holds more tombstones than usher-broker writes", where);
	json_array_foreach(list, i, item)
		if (read_stone(state, item) != 0)
			return ush_fail(err, USH_ERR_STORE, "%s: tombstones[%zu] is malformed", where, i);
	return read_rest(state, top) != 0 ? ush_fail(err, USH_ERR_STORE, "%s: is malformed", where) : 0;
}

char *ush_state_name(const char *policy)
{
	return strcmp(policy, "default") == 0 ? ush_strdup("usher-broker-state") : ush_printf("usher-broker-state-%s", policy);
}
