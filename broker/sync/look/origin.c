/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/look/origin.h"

#include <stdlib.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/base/search.h"
#include "common/data/json.h"

/* Where text stands, or would stand. */
static size_t place(const struct ush_origins *origins, const char *text, bool *there)
{
	size_t at = USH_FIRST_NOT(i, 0, origins->count, strcmp(origins->items[i].text, text) < 0);

	*there = at < origins->count && strcmp(origins->items[at].text, text) == 0;
	return at;
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

/* ---- as an annotation ----
 *
 * Nothing is said twice, for all annotations of an object together are 256 KiB at most. What an entry leaves out is as in
 * the entry before (source; at: how many bytes of a group's text are in front of what the source calls it; in: the path of
 * the group above), or follows from its text: see derive().
 */

struct carried {
	const char *source, *in;
	json_int_t at; /* -1: nobody said */
};

/* What is not written of an origin whose source is; NULL where nothing follows. path is the caller's. */
static void derive(const struct carried *before, struct ush_origin *o, char **path)
{
	char *rest = before->at >= 0 && (size_t)before->at <= strlen(o->text) ? o->text + before->at : NULL;

	if (rest == NULL)
		return;
	if (o->id == NULL)
		o->id = rest;
	if (o->name == NULL)
		o->name = o->path != NULL ? (char *)ush_name_leaf(o->path) : *rest == '/' ? (char *)ush_name_leaf(rest) : rest;
	if (o->path == NULL)
		o->path = *path = *rest == '/' ? ush_strdup(rest) : ush_printf("%s/%s", before->in != NULL ? before->in : "", o->name);
}

static bool is_known(const struct ush_origin *o)
{
	return o->source != NULL && o->id != NULL && o->name != NULL && o->path != NULL;
}

static size_t above(const struct ush_origin *o) /* bytes of the path of the group above */
{
	return (size_t)(ush_name_leaf(o->path) - o->path) - (strchr(o->path, '/') != NULL);
}

/* Those that nothing is known of first, then by what entries can share. */
static int by_shared(const void *a, const void *b)
{
	const struct ush_origin *x = *(const struct ush_origin *const *)a, *y = *(const struct ush_origin *const *)b;
	bool known = is_known(x);
	int order = known - is_known(y);
	size_t one, other;

	if (order != 0 || !known)
		return order != 0 ? order : strcmp(x->text, y->text);
	order = strcmp(x->source, y->source);
	one = above(x);
	other = above(y);
	if (order == 0)
		order = memcmp(x->path, y->path, one < other ? one : other);
	if (order == 0)
		order = (one > other) - (one < other);
	return order != 0 ? order : strcmp(x->text, y->text);
}

static bool ends_in(const char *text, const char *end, json_int_t *at)
{
	size_t length = strlen(text), most = strlen(end);

	if (most == 0 || most > length || strcmp(text + length - most, end) != 0)
		return false;
	*at = (json_int_t)(length - most);
	return true;
}

static void put(json_t *item, const char *key, const char *value)
{
	if (value != NULL)
		json_object_set_new(item, key, json_string(value));
}

static bool differs(const char *value, const char *derived)
{
	return derived == NULL || strcmp(value, derived) != 0;
}

/* What the source calls it begins there, or somewhere else than before. */
static void say_shared(struct carried *before, const struct ush_origin *o, json_t *item, char **in)
{
	json_int_t at = before->at, found;
	const char *const ends[] = {o->path, o->name, o->id};
	bool fits = false;

	for (size_t i = 0; i < USH_COUNT(ends); i++)
		fits |= ends_in(o->text, ends[i], &found) && found == before->at;
	for (size_t i = 0; i < USH_COUNT(ends) && !fits; i++)
		fits = ends_in(o->text, ends[i], &at);
	if (at != before->at)
		json_object_set_new(item, "at", json_integer(before->at = at));
	if (before->source == NULL || at < 0 || strcmp(before->source, o->source) != 0)
		put(item, "source", before->source = o->source);
	if (at < 0 || (size_t)at > strlen(o->text) || o->text[at] == '/' || above(o) == strlen(o->path) || strcmp(ush_name_leaf(o->path), o->name) != 0)
		return;
	if (before->in == NULL ? above(o) == 0 : strlen(before->in) == above(o) && strncmp(before->in, o->path, above(o)) == 0)
		return;
	free(*in);
	put(item, "in", before->in = *in = ush_strndup(o->path, above(o)));
}

static json_t *entry(struct carried *before, const struct ush_origin *o, char **in)
{
	struct ush_origin follows = {.text = o->text};
	USH_AUTO_FREE char *path = NULL, *other = NULL;
	json_t *item = json_object();

	put(item, "group", o->text);
	put(item, "granted", o->granted);
	if (is_known(o)) {
		say_shared(before, o, item, in);
		follows.name = o->name;
		derive(before, &follows, &path);
		if (differs(o->path, follows.path))
			put(item, "path", follows.path = o->path);
		else
			follows.path = NULL;
		follows.name = NULL;
		derive(before, &follows, &other);
	} else {
		put(item, "source", o->source);
		put(item, "path", o->path);
	}
	if (o->name != NULL && differs(o->name, follows.name))
		put(item, "name", o->name);
	if (o->id != NULL && differs(o->id, follows.id))
		put(item, "id", o->id);
	return item;
}

char *ush_origins_text(const struct ush_origins *origins)
{
	USH_AUTO_FREE const struct ush_origin **sorted = ush_alloc((origins->count + 1) * sizeof *sorted);
	USH_AUTO_FREE char *in = NULL;
	USH_AUTO_JSON list = json_array();
	struct carried before = {.at = -1};

	for (size_t i = 0; i < origins->count; i++)
		sorted[i] = &origins->items[i];
	qsort(sorted, origins->count, sizeof *sorted, by_shared);
	for (size_t i = 0; i < origins->count; i++)
		json_array_append_new(list, entry(&before, sorted[i], &in));
	return ush_json_canonical(list);
}

static int read_entry(struct ush_origins *origins, struct carried *before, const json_t *item)
{
	const json_t *at = json_object_get(item, "at");
	const char *source = ush_json_string(item, "source"), *in = ush_json_string(item, "in");
	struct ush_origin o = {.text = (char *)ush_json_string(item, "group"), .granted = (char *)ush_json_string(item, "granted"),
			       .id = (char *)ush_json_string(item, "id"), .name = (char *)ush_json_string(item, "name"), .path = (char *)ush_json_string(item, "path")};
	USH_AUTO_FREE char *path = NULL;

	if (o.text == NULL || (at != NULL && (!json_is_integer(at) || json_integer_value(at) < 0)))
		return -1;
	before->source = source != NULL ? source : before->source;
	before->in = in != NULL ? in : before->in;
	before->at = at != NULL ? json_integer_value(at) : before->at;
	o.source = (char *)(before->at >= 0 ? before->source : source);
	if (o.source != NULL)
		derive(before, &o, &path);
	ush_origins_add(origins, &o);
	return 0;
}

int ush_origins_read(struct ush_origins *origins, const char *text)
{
	USH_AUTO_JSON list = ush_json_parse(text, strlen(text), "annotation", USH_ERR_INCOMPLETE, NULL);
	struct carried before = {.at = -1};
	size_t i;
	const json_t *item;

	if (!json_is_array(list))
		return -1;
	json_array_foreach(list, i, item)
		if (read_entry(origins, &before, item) != 0)
			return -1;
	return 0;
}
