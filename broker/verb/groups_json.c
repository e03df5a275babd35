/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/verb/groups_json.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

#define PIECE 65536 /* bytes that are held back, at whole lines: no secret spans two */

struct sheet {
	const struct ush_policy *policy;
	struct ush_buf held;
	int result; /* -1: stdout took no more */
	struct ush_error *err;
};

static void flush(struct sheet *sheet, size_t least)
{
	if (sheet->result == 0 && sheet->held.length > least) {
		sheet->result = ush_broker_print(sheet->held.data, sheet->err);
		sheet->held.length = 0;
	}
}

static void begin_line(struct sheet *sheet, int depth)
{
	flush(sheet, PIECE);
	ush_buf_printf(&sheet->held, "\n%*s", depth, "");
}

/* Lines of JSON, each so much deeper than it says. */
static void put_lines(struct sheet *sheet, const char *text, size_t length, int depth)
{
	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t line = end != NULL ? (size_t)(end - text) : length;

		ush_buf_add(&sheet->held, text, line);
		if (end == NULL)
			return;
		begin_line(sheet, depth);
		text += line + 1;
		length -= line + 1;
	}
}

/* ---- an object with one long array, whose items are made one by one ---- */

struct array {
	const char *key; /* of the array, which the object has empty, or null */
	size_t count;
	/* Puts item i at its depth; before it, where its line begins. False: there is nothing to put. */
	bool (*put)(struct sheet *sheet, const void *of, size_t i, const char *before, int depth);
	const void *of;
};

static void put_items(struct sheet *sheet, const struct array *array, int depth)
{
	bool any = false;

	for (size_t i = 0; i < array->count && sheet->result == 0; i++)
		any |= array->put(sheet, array->of, i, any ? "," : "", depth + 2);
	if (any)
		begin_line(sheet, depth);
}

/* Takes the object. */
static bool put_object(struct sheet *sheet, json_t *object, const struct array *array, const char *before, int depth)
{
	USH_AUTO_JSON owned = object;
	USH_AUTO_FREE char *text = owned != NULL ? json_dumps(owned, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL, *mark = ush_printf("\n  \"%s\": []", array->key);
	const char *hole = text != NULL ? strstr(text, mark) : NULL; /* no text of a member has a line's end in it */
	size_t length = hole != NULL ? (size_t)(hole - text) + strlen(mark) - 1 : 0;

	if (text == NULL)
		return false;
	ush_buf_puts(&sheet->held, before);
	begin_line(sheet, depth);
	put_lines(sheet, text, length, depth);
	if (hole != NULL)
		put_items(sheet, array, depth + 2);
	put_lines(sheet, text + length, strlen(text) - length, depth);
	return true;
}

/* ---- what there is ---- */

static bool put_member(struct sheet *sheet, const void *of, size_t i, const char *before, int depth)
{
	const struct ush_group *group = of;
	USH_AUTO_JSON name = json_string(group->members.items[i]);
	USH_AUTO_FREE char *text = name != NULL ? json_dumps(name, JSON_ENCODE_ANY) : NULL;

	if (text == NULL)
		return false;
	ush_buf_puts(&sheet->held, before);
	begin_line(sheet, depth);
	ush_buf_puts(&sheet->held, text);
	return true;
}

static bool put_group(struct sheet *sheet, const void *of, size_t i, const char *before, int depth)
{
	const struct ush_group *group = &((const struct ush_groups *)of)->items[i];
	USH_AUTO_FREE char *text = ush_name_group(sheet->policy, group->id, group->name, group->path);
	const struct array members = {"members", group->members.count, put_member, group};

	return put_object(sheet,
			  json_pack("{s:s, s:s, s:s, s:s, s:o, s:I, s:I}", "id", group->id, "name", group->name, "path", group->path, "subject", text,
				    "members", group->members_known ? json_array() : json_null(), "disabled", (json_int_t)group->disabled, "unresolvable",
				    (json_int_t)group->unresolvable),
			  &members, before, depth);
}

/* What `file` and `command` read again: groups and their count; and what was said about them. */
static bool put_source(struct sheet *sheet, const void *of, size_t i, const char *before, int depth)
{
	const struct ush_groups_told *told = &((const struct ush_groups_told *)of)[i];
	const struct ush_groups *groups = &told->groups;
	const struct array list = {"groups", groups->count, put_group, groups};

	return put_object(sheet,
			  json_pack("{s:s, s:s, s:b, s:s?, s:s?, s:s?, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name", told->source, "where",
				    groups->where, "complete", groups->complete, "proof", groups->complete ? groups->proof : NULL, "why", groups->why,
				    "advice", groups->complete ? NULL : groups->advice, "digest", groups->digest, "groups", json_array(), "count",
				    (json_int_t)groups->count, "people", (json_int_t)groups->people, "disabled", (json_int_t)groups->disabled,
				    "unresolvable", (json_int_t)groups->unresolvable, "leftOut", (json_int_t)groups->left_out, "requests",
				    (json_int_t)groups->requests, "tookMs", (json_int_t)groups->took_ms),
			  &list, before, depth);
}

int ush_groups_print_json(const struct ush_policy *policy, const struct ush_groups_told *told, size_t count, struct ush_error *err)
{
	struct sheet sheet = {.policy = policy, .err = err};
	const struct array all = {NULL, count, put_source, told};

	ush_buf_puts(&sheet.held, "[");
	put_items(&sheet, &all, 0);
	ush_buf_puts(&sheet.held, "]\n");
	flush(&sheet, 0);
	ush_buf_free(&sheet.held);
	return sheet.result;
}
