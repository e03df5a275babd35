/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/state.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"

#define RUNS_MAX 1000 /* no policy asks for more */

static int order(const struct ush_tombstone *stone, const char *source, const char *group)
{
	int by_source = strcmp(stone->source, source);

	return by_source != 0 ? by_source : strcmp(stone->group, group);
}

static size_t place(const struct ush_state *state, const char *source, const char *group)
{
	size_t low = 0, high = state->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order(&state->items[middle], source, group) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct ush_tombstone *ush_state_find(const struct ush_state *state, const char *source, const char *group)
{
	size_t at = place(state, source, group);

	return at < state->count && order(&state->items[at], source, group) == 0 ? &state->items[at] : NULL;
}

void ush_state_set(struct ush_state *state, const char *source, const char *group, int64_t since, long runs)
{
	size_t at = place(state, source, group);

	if (at == state->count || order(&state->items[at], source, group) != 0) {
		USH_PUSH(state->items, state->count, (struct ush_tombstone){0});
		memmove(state->items + at + 1, state->items + at, (state->count - 1 - at) * sizeof *state->items);
		state->items[at] = (struct ush_tombstone){.source = ush_strdup(source), .group = ush_strdup(group)};
	}
	state->items[at].since = since;
	state->items[at].runs = runs;
}

void ush_state_free(struct ush_state *state)
{
	for (size_t i = 0; i < state->count; i++) {
		free(state->items[i].source);
		free(state->items[i].group);
	}
	free(state->items);
	*state = (struct ush_state){0};
}

char *ush_state_text(const struct ush_state *state)
{
	USH_AUTO_JSON top = json_object();
	json_t *list = json_array();

	for (size_t i = 0; i < state->count; i++)
		json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:I}", "source", state->items[i].source, "group", state->items[i].group, "since",
						      (json_int_t)state->items[i].since, "runs", (json_int_t)state->items[i].runs));
	json_object_set_new(top, "tombstones", list);
	json_object_set_new(top, "version", json_integer(1));
	return ush_json_canonical(top);
}

static int read_stone(struct ush_state *state, const json_t *item)
{
	const char *source = ush_json_string(item, "source"), *group = ush_json_string(item, "group");
	const json_t *since = json_object_get(item, "since"), *runs = json_object_get(item, "runs");

	if (source == NULL || group == NULL || !json_is_integer(since) || !json_is_integer(runs) || json_integer_value(since) < 0 ||
	    json_integer_value(runs) < 0 || json_integer_value(runs) > RUNS_MAX)
		return -1;
	ush_state_set(state, source, group, json_integer_value(since), (long)json_integer_value(runs));
	return 0;
}

int ush_state_read(struct ush_state *state, const char *text, const char *where, struct ush_error *err)
{
	USH_AUTO_JSON top = ush_json_parse(text, strlen(text), where, USH_ERR_STORE, err);
	const json_t *list = ush_json_array(top, "tombstones"), *item;
	size_t i;

	if (top == NULL)
		return -1;
	if (json_integer_value(json_object_get(top, "version")) != 1 || list == NULL)
		return ush_fail(err, USH_ERR_STORE, "%s: is no state of usher-broker", where);
	json_array_foreach(list, i, item)
		if (read_stone(state, item) != 0)
			return ush_fail(err, USH_ERR_STORE, "%s: tombstones[%zu] is malformed", where, i);
	return 0;
}

char *ush_state_name(const char *policy)
{
	return strcmp(policy, "default") == 0 ? ush_strdup("usher-broker-state") : ush_printf("usher-broker-state-%s", policy);
}
