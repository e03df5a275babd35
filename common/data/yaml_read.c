/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <yaml.h>

#include "common/base/memory.h"
#include "common/data/yaml.h"

struct anchor {
	char *name;
	const struct ush_node *node;
};

struct reader {
	yaml_parser_t parser;
	const char *name;
	enum ush_code code;
	struct ush_error *err;
	unsigned int depth;
	size_t nodes;
	struct anchor *anchors; /* of the document being read */
	size_t anchor_count;
};

/* ---- nodes ---- */

void ush_node_free(struct ush_node *node)
{
	if (node == NULL)
		return;
	for (size_t i = 0; i < node->count; i++) {
		ush_node_free(node->items[i]);
		if (node->keys != NULL)
			ush_node_free(node->keys[i]);
	}
	free(node->items);
	free(node->keys);
	free(node->text);
	free(node);
}

void ush_yaml_free_all(struct ush_node **documents, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ush_node_free(documents[i]);
	free(documents);
}

static void free_anchors(struct reader *r)
{
	for (size_t i = 0; i < r->anchor_count; i++)
		free(r->anchors[i].name);
	free(r->anchors);
	r->anchors = NULL;
	r->anchor_count = 0;
}

static int fail_at(struct reader *r, const yaml_mark_t *mark, const char *why)
{
	return ush_fail(r->err, r->code, "%s:%zu:%zu: %s", r->name, mark->line + 1, mark->column + 1, why);
}

static struct ush_node *new_node(struct reader *r, enum ush_node_kind kind, const yaml_mark_t *mark)
{
	struct ush_node *node;

	if (++r->nodes > USH_YAML_NODES) {
		fail_at(r, mark, "holds too many values");
		return NULL;
	}
	node = ush_new(struct ush_node);
	node->kind = kind;
	node->line = (unsigned int)mark->line + 1;
	node->column = (unsigned int)mark->column + 1;
	return node;
}

static void remember(struct reader *r, const yaml_char_t *anchor, const struct ush_node *node)
{
	if (anchor != NULL) {
		struct anchor a = {ush_strdup((const char *)anchor), node};

		USH_PUSH(r->anchors, r->anchor_count, a);
	}
}

/* A copy of an anchored node, placed where the alias stands; counted, so that aliases of aliases end at the cap. */
static struct ush_node *copy_node(struct reader *r, const struct ush_node *from, const yaml_mark_t *mark)
{
	USH_AUTO_NODE node = new_node(r, from->kind, mark);

	if (node == NULL)
		return NULL;
	node->text = ush_strdup(from->text);
	node->quoted = from->quoted;
	if (from->count > 0) {
		node->items = ush_alloc(from->count * sizeof *node->items);
		if (from->keys != NULL)
			node->keys = ush_alloc(from->count * sizeof *node->keys);
	}
	for (size_t i = 0; i < from->count; i++) {
		node->count = i + 1;
		node->items[i] = copy_node(r, from->items[i], mark);
		if (node->items[i] == NULL)
			return NULL;
		if (from->keys != NULL && (node->keys[i] = copy_node(r, from->keys[i], mark)) == NULL)
			return NULL;
	}
	return ush_steal(&node);
}

/* ---- reading: events to nodes ---- */

static int next_event(struct reader *r, yaml_event_t *event)
{
	yaml_mark_t at;

	if (yaml_parser_parse(&r->parser, event))
		return 0;
	at = r->parser.problem_mark;
	if (r->parser.error == YAML_READER_ERROR)
		return ush_fail(r->err, r->code, "%s: byte %zu: %s", r->name, r->parser.problem_offset, r->parser.problem);
	return fail_at(r, &at, r->parser.problem != NULL ? r->parser.problem : "is not valid YAML");
}

static void event_delete_indirect(yaml_event_t *event)
{
	yaml_event_delete(event);
}

#define AUTO_EVENT __attribute__((cleanup(event_delete_indirect))) yaml_event_t

static struct ush_node *read_node(struct reader *r, const yaml_event_t *event);

static struct ush_node *read_scalar(struct reader *r, const yaml_event_t *event)
{
	USH_AUTO_NODE node = new_node(r, USH_NODE_SCALAR, &event->start_mark);

	if (node == NULL)
		return NULL;
	if (memchr(event->data.scalar.value, '\0', event->data.scalar.length) != NULL) {
		fail_at(r, &event->start_mark, "a NUL byte in a value");
		return NULL;
	}
	node->text = ush_strndup((const char *)event->data.scalar.value, event->data.scalar.length);
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	remember(r, event->data.scalar.anchor, node);
	return ush_steal(&node);
}

static struct ush_node *read_alias(struct reader *r, const yaml_event_t *event)
{
	for (size_t i = r->anchor_count; i-- > 0;)
		if (strcmp(r->anchors[i].name, (const char *)event->data.alias.anchor) == 0)
			return copy_node(r, r->anchors[i].node, &event->start_mark);
	fail_at(r, &event->start_mark, "an alias to nothing that stands before it");
	return NULL;
}

static struct ush_node *read_list(struct reader *r, const yaml_event_t *start)
{
	USH_AUTO_NODE list = new_node(r, USH_NODE_LIST, &start->start_mark);

	for (;;) {
		AUTO_EVENT event = {0};
		struct ush_node *item;

		if (list == NULL || next_event(r, &event) != 0)
			return NULL;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			break;
		item = read_node(r, &event);
		if (item == NULL)
			return NULL;
		USH_PUSH(list->items, list->count, item);
	}
	remember(r, start->data.sequence_start.anchor, list);
	return ush_steal(&list);
}

static int by_key(const void *a, const void *b)
{
	const struct ush_node *one = *(const struct ush_node *const *)a, *two = *(const struct ush_node *const *)b;
	int order = strcmp(one->text, two->text);

	return order != 0 ? order : (one->line > two->line) - (one->line < two->line);
}

static int keys_differ(struct reader *r, const struct ush_node *map)
{
	USH_AUTO_FREE const struct ush_node **sorted = ush_alloc(map->count * sizeof *sorted);

	if (map->count > 0)
		memcpy(sorted, map->keys, map->count * sizeof *sorted);
	qsort(sorted, map->count, sizeof *sorted, by_key);
	for (size_t i = 1; i < map->count; i++)
		if (strcmp(sorted[i - 1]->text, sorted[i]->text) == 0)
			return ush_fail(r->err, r->code, "%s:%u:%u: key \"%s\" stands twice (first in line %u)", r->name, sorted[i]->line,
					sorted[i]->column, sorted[i]->text, sorted[i - 1]->line);
	return 0;
}

static void add_pair(struct ush_node *map, struct ush_node *key, struct ush_node *value)
{
	size_t keys = map->count;

	USH_PUSH(map->keys, keys, key);
	USH_PUSH(map->items, map->count, value);
}

static struct ush_node *read_map(struct reader *r, const yaml_event_t *start)
{
	USH_AUTO_NODE map = new_node(r, USH_NODE_MAP, &start->start_mark);

	for (;;) {
		AUTO_EVENT key_event = {0}, value_event = {0};
		USH_AUTO_NODE key = NULL;
		USH_AUTO_NODE value = NULL;

		if (map == NULL || next_event(r, &key_event) != 0)
			return NULL;
		if (key_event.type == YAML_MAPPING_END_EVENT)
			break;
		key = read_node(r, &key_event);
		if (key == NULL)
			return NULL;
		if (key->kind != USH_NODE_SCALAR) {
			fail_at(r, &key_event.start_mark, "a key must be a word");
			return NULL;
		}
		if (next_event(r, &value_event) != 0 || (value = read_node(r, &value_event)) == NULL)
			return NULL;
		add_pair(map, ush_steal(&key), ush_steal(&value));
	}
	if (keys_differ(r, map) != 0)
		return NULL;
	remember(r, start->data.mapping_start.anchor, map);
	return ush_steal(&map);
}

static struct ush_node *read_node(struct reader *r, const yaml_event_t *event)
{
	struct ush_node *node = NULL;

	if (++r->depth > USH_YAML_DEPTH) {
		fail_at(r, &event->start_mark, "nested too deep");
		return NULL;
	}
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		node = read_scalar(r, event);
		break;
	case YAML_ALIAS_EVENT:
		node = read_alias(r, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		node = read_list(r, event);
		break;
	case YAML_MAPPING_START_EVENT:
		node = read_map(r, event);
		break;
	default:
		fail_at(r, &event->start_mark, "is not valid YAML");
		break;
	}
	r->depth--;
	return node;
}

static int read_document(struct reader *r, struct ush_node ***documents, size_t *count)
{
	AUTO_EVENT first = {0}, end = {0};
	struct ush_node *node;

	if (next_event(r, &first) != 0)
		return -1;
	node = read_node(r, &first);
	free_anchors(r);
	if (node == NULL)
		return -1;
	USH_PUSH(*documents, *count, node);
	return next_event(r, &end);
}

static int read_stream(struct reader *r, struct ush_node ***documents, size_t *count)
{
	for (;;) {
		AUTO_EVENT event = {0};

		if (next_event(r, &event) != 0)
			return -1;
		if (event.type == YAML_STREAM_END_EVENT)
			return 0;
		if (event.type == YAML_DOCUMENT_START_EVENT && read_document(r, documents, count) != 0)
			return -1;
	}
}

int ush_yaml_read(const char *text, size_t length, const char *name, enum ush_code code, struct ush_node ***documents,
		  size_t *count, struct ush_error *err)
{
	size_t mark = ush_text_mark(text, length); /* YAML 1.2 section 5.2 allows it */
	struct reader r = {.name = name, .code = code, .err = err};
	int result;

	*documents = NULL;
	*count = 0;
	if (!yaml_parser_initialize(&r.parser))
		return ush_fail(err, USH_ERR_STORE, "%s: out of memory", name);
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING); /* libyaml then knows no mark, and no UTF-16 */
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text + mark, length - mark);
	result = read_stream(&r, documents, count);
	free_anchors(&r);
	yaml_parser_delete(&r.parser);
	if (result != 0) {
		ush_yaml_free_all(*documents, *count);
		*documents = NULL;
		*count = 0;
	}
	return result;
}

struct ush_node *ush_yaml_read_one(const char *text, size_t length, const char *name, enum ush_code code, struct ush_error *err)
{
	struct ush_node **documents, *only = NULL;
	size_t count;

	if (ush_yaml_read(text, length, name, code, &documents, &count, err) != 0)
		return NULL;
	if (count == 1)
		only = ush_steal(&documents[0]);
	else
		ush_fail(err, code, "%s: %s", name, count == 0 ? "is empty" : "holds several documents, one is wanted");
	ush_yaml_free_all(documents, count);
	return only;
}
