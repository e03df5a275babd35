/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/origin.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"

/* Where text stands, or would stand. */
static size_t place(const struct ush_origins *origins, const char *text, bool *there)
{
	size_t low = 0, high = origins->count;

	*there = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(origins->items[middle].text, text);

		if (order == 0) {
			*there = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void ush_origins_add(struct ush_origins *origins, const struct ush_origin *origin)
{
	bool there;
	size_t at = place(origins, origin->text, &there);

	if (there)
		return;
	USH_PUSH(origins->items, origins->count, (struct ush_origin){0});
	memmove(origins->items + at + 1, origins->items + at, (origins->count - 1 - at) * sizeof *origins->items);
	origins->items[at] = (struct ush_origin){ush_strdup(origin->text), ush_strdup(origin->source), ush_strdup(origin->id),
						 ush_strdup(origin->name), ush_strdup(origin->path), ush_strdup(origin->granted)};
}

const struct ush_origin *ush_origins_find(const struct ush_origins *origins, const char *text)
{
	bool there;
	size_t at = place(origins, text, &there);

	return there ? &origins->items[at] : NULL;
}

void ush_origins_free(struct ush_origins *origins)
{
	for (size_t i = 0; i < origins->count; i++) {
		struct ush_origin *o = &origins->items[i];
		char *const owned[] = {o->text, o->source, o->id, o->name, o->path, o->granted};

		for (size_t j = 0; j < USH_COUNT(owned); j++)
			free(owned[j]);
	}
	free(origins->items);
	*origins = (struct ush_origins){0};
}

static const struct {
	const char *key;
	size_t offset;
} fields[] = {
	{"granted", offsetof(struct ush_origin, granted)}, {"group", offsetof(struct ush_origin, text)},
	{"id", offsetof(struct ush_origin, id)},	   {"name", offsetof(struct ush_origin, name)},
	{"path", offsetof(struct ush_origin, path)},	   {"source", offsetof(struct ush_origin, source)},
};

static char **field(struct ush_origin *origin, size_t i)
{
	return (char **)(void *)((char *)origin + fields[i].offset);
}

char *ush_origins_text(const struct ush_origins *origins)
{
	USH_AUTO_JSON list = json_array();

	for (size_t i = 0; i < origins->count; i++) {
		json_t *item = json_object();

		for (size_t j = 0; j < USH_COUNT(fields); j++)
			if (*field(&origins->items[i], j) != NULL)
				json_object_set_new(item, fields[j].key, json_string(*field(&origins->items[i], j)));
		json_array_append_new(list, item);
	}
	return ush_json_canonical(list);
}

int ush_origins_read(struct ush_origins *origins, const char *text)
{
	USH_AUTO_JSON list = ush_json_parse(text, strlen(text), "annotation", USH_ERR_INCOMPLETE, NULL);
	size_t i;
	const json_t *item;

	if (!json_is_array(list))
		return -1;
	json_array_foreach(list, i, item) {
		struct ush_origin origin = {0};

		for (size_t j = 0; j < USH_COUNT(fields); j++)
			*field(&origin, j) = (char *)ush_json_string(item, fields[j].key);
		if (origin.text == NULL)
			return -1;
		ush_origins_add(origins, &origin);
	}
	return 0;
}
