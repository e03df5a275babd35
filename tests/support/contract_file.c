/* SPDX-License-Identifier: Apache-2.0
 *
 * What is read at once: a file as JSON and as CSV, a program. A fault of transport is here what befalls a file: it is not
 * there, is empty, is something else, is cut in the middle.
 */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/contract.h"

#define PAGE 20 /* there are no pages: as many groups as make the suite's "page" */

static bool is_csv(const struct contract *c)
{
	return strstr(c->state, ".csv") != NULL;
}

static char *make_path(const struct contract *c, const char *suffix)
{
	const char *slash = strrchr(c->secret_file, '/');

	return ush_printf("%.*s/groups%s", (int)(slash - c->secret_file), c->secret_file, suffix);
}

static void json_settings(struct contract *c, struct ush_policy_source *source)
{
	c->state = make_path(c, ".json");
	ush_source_set(source, "path", c->state);
}

static void csv_settings(struct contract *c, struct ush_policy_source *source)
{
	c->state = make_path(c, ".csv");
	ush_source_set(source, "path", c->state);
}

static void command_settings(struct contract *c, struct ush_policy_source *source)
{
	c->state = make_path(c, ".out");
	ush_source_set(source, "command", "/bin/sh");
	ush_source_set(source, "command", "-c");
	ush_source_set(source, "command", "exec cat \"$0\" 2>/dev/null");
	ush_source_set(source, "command", c->state);
}

/* ---- what is written ---- */

static json_t *group_json(const struct contract *c, size_t index)
{
	const struct contract_group *g = &c->directory.groups[index];
	USH_AUTO_FREE char *id = ush_printf("%lu", g->number), *path = ush_printf("/%s", g->name);
	size_t count;
	USH_AUTO_FREE size_t *people = contract_people(c, index, &count);
	json_t *members = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(members, json_string(c->directory.people[people[i]].name));
	return json_pack("{s:s, s:s, s:s, s:o}", "id", id, "name", g->name, "path", path, "members", members);
}

static void write_json(const struct contract *c, const size_t *groups, size_t count, struct ush_buf *out)
{
	json_t *list = json_array(), *top;
	char *text;

	for (size_t i = 0; i < (c->fault.cut_off && count > PAGE ? PAGE : count) && !c->fault.empty; i++)
		json_array_append_new(list, group_json(c, groups[i]));
	top = json_pack("{s:o}", "groups", list);
	if (!c->fault.silent)
		json_object_set_new(top, "count", json_integer((json_int_t)count + c->fault.lies));
	text = json_dumps(top, JSON_COMPACT);
	ush_buf_puts(out, text);
	free(text);
	json_decref(top);
}

static void csv_field(struct ush_buf *out, const char *text)
{
	ush_buf_puts(out, "\"");
	for (; *text != '\0'; text++)
		ush_buf_printf(out, *text == '"' ? "\"\"" : "%c", *text);
	ush_buf_puts(out, "\"");
}

static void write_csv(const struct contract *c, const size_t *groups, size_t count, struct ush_buf *out)
{
	long rows = 0;

	ush_buf_puts(out, "group,id,member\n");
	for (size_t i = 0; i < count; i++) {
		const struct contract_group *g = &c->directory.groups[groups[i]];
		size_t members;
		USH_AUTO_FREE size_t *people = contract_people(c, groups[i], &members);

		for (size_t j = 0; j < (members > 0 ? members : 1); j++, rows++) {
			if (c->fault.empty || (c->fault.cut_off && i >= PAGE))
				continue;
			csv_field(out, g->name);
			ush_buf_printf(out, ",%lu,", g->number);
			csv_field(out, members > 0 ? c->directory.people[people[j]].name : "");
			ush_buf_puts(out, "\n");
		}
	}
	if (!c->fault.silent)
		ush_buf_printf(out, "#rows,%ld\n", rows + c->fault.lies);
}

/* ---- what befalls it ---- */

static void prepare(struct contract *c)
{
	USH_AUTO_BUF text = {0};
	struct ush_error err = {0};
	size_t count;
	USH_AUTO_FREE size_t *groups = contract_children(c, CONTRACT_EVERYWHERE, &count);
	int fault = 0;

	for (size_t page = 1; page <= 3 && fault == 0; page++)
		fault = contract_fault(c, CONTRACT_GROUPS, page);
	(is_csv(c) ? write_csv : write_json)(c, groups, count, &text);
	if (fault == CONTRACT_HTML) {
		ush_buf_free(&text);
		ush_buf_puts(&text, "<html>Welcome to the airport's network</html>");
	} else if (fault == CONTRACT_CUT) {
		text.length /= 2;
	} else if (fault != 0) {
		text.length = 0;
	}
	unlink(c->state);
	if (fault != CONTRACT_RESET)
		ck_assert_msg(ush_file_write(c->state, text.data, text.length, 0600, &err) == 0, "%s", err.what);
}

static char *flat_path(const struct contract *c, size_t group)
{
	return ush_printf("/%s", c->directory.groups[group].name);
}

#define COMMON .kind = "file", .traits = CONTRACT_ONCE | CONTRACT_SAME_NAMES | CONTRACT_FREE_NAMES | CONTRACT_COUNTS, .group_page = PAGE, .path = flat_path, .prepare = prepare

const struct contract_fake contract_file_json = {COMMON, .variant = "JSON", .settings = json_settings};
const struct contract_fake contract_file_csv = {COMMON, .variant = "CSV", .settings = csv_settings};
const struct contract_fake contract_command = {.kind = "command", .traits = CONTRACT_ONCE | CONTRACT_SAME_NAMES | CONTRACT_FREE_NAMES | CONTRACT_COUNTS,
					       .group_page = PAGE, .path = flat_path, .prepare = prepare, .settings = command_settings};
