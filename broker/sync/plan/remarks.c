/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/plan/remarks.h"

#include <string.h>

#include "common/base/memory.h"

static void add(struct ush_remarks *remarks, struct ush_remark remark)
{
	USH_PUSH(remarks->items, remarks->count, remark);
}

void ush_remarks_add(struct ush_remarks *remarks, int kind, const struct ush_change *change, const char *reason)
{
	add(remarks, (struct ush_remark){.kind = kind, .change = change, .reason = reason != NULL ? reason : change->reason});
}

void ush_remarks_add_line(struct ush_remarks *remarks, int kind, const char *line)
{
	add(remarks, (struct ush_remark){.kind = kind, .reason = line});
}

void ush_remarks_of_plan(struct ush_remarks *remarks, const struct ush_plan *plan)
{
	for (size_t i = 0; i < plan->change_count; i++)
		if (plan->changes[i].action >= USH_KEEP)
			ush_remarks_add(remarks, (int)plan->changes[i].action, &plan->changes[i], NULL);
}

/* ---- what is the same ---- */

static bool is_part(char letter)
{
	return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '.';
}

/* The text with "..." wherever it has a name as a word of its own. The caller frees. */
static char *without(const char *text, const char *name, size_t length)
{
	struct ush_buf out = {0};

	for (const char *at = text; *at != '\0';) {
		bool here = length > 0 && strncmp(at, name, length) == 0 && (at == text || !is_part(at[-1])) && !is_part(at[length]);

		if (here)
			ush_buf_puts(&out, "...");
		else
			ush_buf_add(&out, at, 1);
		at += here ? length : 1;
	}
	return ush_buf_take(&out);
}

/* "Role a/b: why" of a line without a change: "why", and where the namespace stands in the line. */
static const char *part(const char *line, const char **space, size_t *length)
{
	const char *colon = strstr(line, ": "), *slash = memchr(line, '/', colon != NULL ? (size_t)(colon - line) : 0), *begin = slash;

	*length = 0;
	if (slash == NULL)
		return line;
	while (begin > line && begin[-1] != ' ')
		begin--;
	*space = begin;
	*length = (size_t)(slash - begin);
	return colon + 2;
}

static char *same_of(const struct ush_remark *remark)
{
	const char *space = remark->change != NULL ? remark->change->namespace_name : "", *reason = remark->reason;
	size_t length = strlen(space);

	if (remark->change == NULL)
		reason = part(reason, &space, &length);
	return without(reason, space, length);
}

/* ---- gathering ---- */

struct row {
	struct ush_remark *remark;
	size_t number;
};

static int by_reason(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = x->remark->kind - y->remark->kind;

	if (order == 0)
		order = strcmp(x->remark->same, y->remark->same);
	return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

static int by_kind(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = x->remark->kind - y->remark->kind;

	return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

/* Of each reason the first few rows; the last of them knows how many there would be. Returns how many are left. */
static size_t gather_reasons(struct row *rows, size_t count)
{
	size_t kept = 0, run = 0;

	for (size_t i = 0; i < count; i++) {
		bool again = i > 0 && rows[i].remark->kind == rows[kept - 1].remark->kind && strcmp(rows[i].remark->same, rows[kept - 1].remark->same) == 0;

		run = again ? run + 1 : 0;
		if (run < USH_REMARKS_NAMED)
			rows[kept++] = rows[i];
		else
			rows[kept - 1].remark->more++;
	}
	return kept;
}

/* Of each kind the first so many. */
static size_t gather_kinds(struct row *rows, size_t count)
{
	size_t kept = 0, run = 0;

	for (size_t i = 0; i < count; i++) {
		run = i > 0 && rows[i].remark->kind == rows[kept - 1].remark->kind ? run + 1 : 0;
		if (run < USH_REMARKS_LINES)
			rows[kept++] = rows[i];
		else
			rows[kept - 1].remark->others += 1 + rows[i].remark->more;
	}
	return kept;
}

void ush_remarks_gather(struct ush_remarks *remarks)
{
	USH_AUTO_FREE struct row *rows = ush_alloc((remarks->count + 1) * sizeof *rows);
	struct ush_remarks left = {0};
	size_t count = remarks->count;

	for (size_t i = 0; i < count; i++) {
		remarks->items[i].same = same_of(&remarks->items[i]);
		rows[i] = (struct row){&remarks->items[i], i};
	}
	if (count > 0)
		qsort(rows, count, sizeof *rows, by_reason);
	count = gather_reasons(rows, count);
	if (count > 0)
		qsort(rows, count, sizeof *rows, by_kind);
	count = gather_kinds(rows, count);
	for (size_t i = 0; i < count; i++) {
		add(&left, *rows[i].remark);
		rows[i].remark->same = NULL;
	}
	ush_remarks_free(remarks);
	*remarks = left;
}

void ush_remarks_free(struct ush_remarks *remarks)
{
	for (size_t i = 0; i < remarks->count; i++)
		free(remarks->items[i].same);
	free(remarks->items);
	*remarks = (struct ush_remarks){0};
}

/* ---- in words ---- */

char *ush_remark_line(const struct ush_remark *remark)
{
	const struct ush_change *change = remark->change;

	if (change == NULL || *change->name == '\0')
		return ush_strdup(remark->reason);
	return ush_printf("%s %s/%s: %s", ush_rbac_kind_name(change->kind), change->namespace_name, change->name, remark->reason);
}

char *ush_remark_rest(const struct ush_remark *remark, const char *ending)
{
	struct ush_buf out = {0};
	char number[32];

	if (remark->more == 0 && remark->others == 0)
		return NULL;
	if (remark->more > 0)
		ush_buf_printf(&out, "and %s more: %s; ", ush_thousands(remark->more, number, sizeof number), remark->same);
	if (remark->others > 0)
		ush_buf_printf(&out, "and %s more lines; ", ush_thousands(remark->others, number, sizeof number));
	ush_buf_puts(&out, ending);
	return ush_buf_take(&out);
}
