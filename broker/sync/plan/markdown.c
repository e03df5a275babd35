/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan for a merge request: what it means for people first, then every change, as far as a comment holds them.
 *
 * What comes from outside is made plain ASCII (ush_text_safe), and every word of it that is more than letters and digits
 * is a code span. Escaping is not enough: GitHub and GitLab look for @mentions, #1, !2, :emoji: and addresses in what was
 * rendered, where "&#64;" is an "@" again; in code they leave them alone, and a name that is copied from there is whole.
 */
#include <string.h>

#include "broker/sync/plan/plan.h"
#include "broker/sync/plan/remarks.h"
#include "common/base/memory.h"

#define CUT_LINE 400 /* bytes kept for the line that says what is left out */

/* ---- words ---- */

static bool is_plain(const char *word, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!((word[i] >= 'a' && word[i] <= 'z') || (word[i] >= 'A' && word[i] <= 'Z') || (word[i] >= '0' && word[i] <= '9')))
			return length == 1 && *word == '%';
	return true;
}

static size_t longest_ticks(const char *text, size_t length)
{
	size_t longest = 0, run = 0;

	for (size_t i = 0; i < length; i++) {
		run = text[i] == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

/* A code span: its fence is longer than any run of ticks in it (CommonMark 6.1). */
static void add_span(struct ush_buf *out, const char *text, size_t length)
{
	size_t fence = longest_ticks(text, length) + 1;
	const char *pad = fence > 1 ? " " : "";

	if (length == 0)
		return;
	for (size_t i = 0; i < fence; i++)
		ush_buf_puts(out, "`");
	ush_buf_puts(out, pad);
	ush_buf_add(out, text, length);
	ush_buf_puts(out, pad);
	for (size_t i = 0; i < fence; i++)
		ush_buf_puts(out, "`");
}

/* A bar ends a cell of a table even in code, so it stands outside, in a spelling that is none. */
static void add_code(struct ush_buf *out, const char *text, size_t length)
{
	for (const char *bar; (bar = memchr(text, '|', length)) != NULL; length -= (size_t)(bar + 1 - text), text = bar + 1) {
		add_span(out, text, (size_t)(bar - text));
		ush_buf_puts(out, "&#124;");
	}
	add_span(out, text, length);
}

/* Brackets, quotes and full stops of a sentence stay outside the code. */
static void add_word(struct ush_buf *out, const char *word, size_t length)
{
	size_t lead = strspn(word, "(\"'"), end = length;

	lead = lead < length ? lead : length;
	while (end > lead && strchr(")\"',.;:?", word[end - 1]) != NULL)
		end--;
	ush_buf_add(out, word, lead);
	if (is_plain(word + lead, end - lead))
		ush_buf_add(out, word + lead, end - lead);
	else
		add_code(out, word + lead, end - lead);
	ush_buf_add(out, word + end, length - end);
}

static void add_plain(struct ush_buf *out, const char *raw)
{
	USH_AUTO_FREE char *safe = ush_text_safe(raw);

	for (const char *at = safe; *at != '\0';) {
		size_t length = strcspn(at, " ");

		add_word(out, at, length);
		at += length;
		if (*at == ' ') {
			ush_buf_puts(out, " ");
			at++;
		}
	}
}

/* ---- the table ---- */

static void add_deltas(struct ush_buf *out, const struct ush_delta *deltas, size_t count, char sign)
{
	char number[32];

	for (size_t i = 0; i < count && i < 5; i++) {
		ush_buf_printf(out, " %c ", sign);
		add_plain(out, deltas[i].text);
		if (deltas[i].people >= 0)
			ush_buf_printf(out, " (%s)", ush_thousands((size_t)deltas[i].people, number, sizeof number));
	}
	if (count > 5)
		ush_buf_printf(out, " and %s more", ush_thousands(count - 5, number, sizeof number));
}

static void add_change(struct ush_buf *out, const struct ush_change *change)
{
	ush_buf_printf(out, "| %s | ", ush_action_name(change->action));
	add_plain(out, change->namespace_name);
	ush_buf_puts(out, *change->name != '\0' ? " | " : " | - |");
	if (*change->name != '\0') {
		ush_buf_printf(out, "%s ", ush_rbac_kind_name(change->kind));
		add_plain(out, change->name);
		ush_buf_puts(out, " |");
	}
	add_deltas(out, change->added, change->added_count, '+');
	add_deltas(out, change->removed, change->removed_count, '-');
	ush_buf_puts(out, *change->reason != '\0' ? " " : "");
	add_plain(out, change->reason);
	ush_buf_puts(out, " |\n");
}

struct page {
	struct ush_buf *out;
	size_t room;	/* bytes that what is being written may fill */
	size_t left_out;
};

/* A piece that is written whole or not at all; after the first that has no room there is none for another. */
static void put(struct page *page, struct ush_buf *piece, size_t worth)
{
	if (page->left_out == 0 && page->out->length + piece->length <= page->room)
		ush_buf_add(page->out, piece->data, piece->length);
	else
		page->left_out += worth;
	ush_buf_free(piece);
}

static void put_change(struct page *page, const struct ush_change *change)
{
	struct ush_buf row = {0};

	add_change(&row, change);
	put(page, &row, 1);
}

static void put_rest(struct page *page, const struct ush_remark *remark)
{
	USH_AUTO_FREE char *rest = ush_remark_rest(remark, "all of them: -o json");
	struct ush_buf row = {0};

	if (rest == NULL)
		return;
	ush_buf_printf(&row, "| %s | | | ", ush_action_name((enum ush_action)remark->kind));
	add_plain(&row, rest);
	ush_buf_puts(&row, " |\n");
	put(page, &row, remark->more + remark->others);
}

static void put_changes(struct page *page, const struct ush_plan *plan)
{
	USH_AUTO_REMARKS remarks = {0};

	if (plan->change_count > 0)
		ush_buf_puts(page->out, "| | namespace | object | what |\n|---|---|---|---|\n");
	for (size_t i = 0; i < plan->change_count; i++)
		if (plan->changes[i].action < USH_KEEP)
			put_change(page, &plan->changes[i]);
	ush_remarks_of_plan(&remarks, plan);
	ush_remarks_gather(&remarks);
	for (size_t i = 0; i < remarks.count; i++) {
		put_change(page, remarks.items[i].change);
		put_rest(page, &remarks.items[i]);
	}
	ush_buf_puts(page->out, plan->change_count > 0 ? "\n" : "");
}

/* ---- around it ---- */

static void put_people(struct page *page, const struct ush_plan *plan)
{
	for (size_t i = 0; i < plan->for_people_count; i++) {
		struct ush_buf line = {0};

		ush_buf_puts(&line, "- **");
		add_plain(&line, plan->for_people[i]);
		ush_buf_puts(&line, "**\n");
		put(page, &line, 1);
	}
	ush_buf_puts(page->out, plan->for_people_count > 0 ? "\n" : "");
}

static void add_summary(struct ush_buf *out, const struct ush_plan *plan)
{
	char number[3][32];

	ush_buf_printf(out, "%s to create, %s to change, %s to remove\n\n", ush_thousands(ush_plan_count(plan, USH_CREATE), number[0], sizeof number[0]),
		       ush_thousands(ush_plan_count(plan, USH_CHANGE) + ush_plan_count(plan, USH_REPLACE), number[1], sizeof number[1]),
		       ush_thousands(ush_plan_count(plan, USH_REMOVE), number[2], sizeof number[2]));
}

static void put_sources(struct page *page, const struct ush_plan *plan)
{
	char number[2][32];

	for (size_t i = 0; i < plan->source_count; i++) {
		const struct ush_plan_source *source = &plan->sources[i];
		struct ush_buf line = {0};

		ush_buf_puts(&line, "- source ");
		add_plain(&line, source->name);
		ush_buf_puts(&line, ", ");
		add_plain(&line, source->where);
		ush_buf_printf(&line, ": %s groups, %s people, ", ush_thousands(source->groups, number[0], sizeof number[0]),
			       ush_thousands(source->people, number[1], sizeof number[1]));
		ush_buf_puts(&line, source->complete ? "complete" : "**incomplete**: ");
		add_plain(&line, source->complete || source->why == NULL ? "" : source->why);
		ush_buf_puts(&line, "\n");
		put(page, &line, 1);
	}
}

static void add_cut(struct ush_buf *out, size_t left_out)
{
	char number[32];

	ush_buf_printf(out, "\n**This is not all:** %s line%s had no room here. All of them: the same command with `-o json`\n",
		       ush_thousands(left_out, number, sizeof number), left_out == 1 ? "" : "s");
}

static void add_head(struct ush_buf *out, const struct ush_plan *plan)
{
	ush_buf_puts(out, "### Access plan for ");
	add_plain(out, plan->where);
	ush_buf_puts(out, "\n\n");
	if (plan->stop.code == USH_OK)
		return;
	ush_buf_puts(out, "**Stopped:** ");
	add_plain(out, plan->stop.what);
	ush_buf_puts(out, "\n\n");
}

/* Sources have a quarter of the page, people half of it, and the changes what is left. */
void ush_plan_to_markdown(const struct ush_plan *plan, struct ush_buf *out)
{
	size_t limit = out->limit != 0 ? out->limit : USH_MARKDOWN_MAX, room = limit > CUT_LINE ? limit - CUT_LINE : 0;
	USH_AUTO_BUF tail = {0};
	struct page end = {&tail, room / 4, 0}, people = {out, room / 2, 0}, changes = {out, 0, 0};
	size_t left_out;

	put_sources(&end, plan);
	ush_buf_printf(&tail, "\nplan `%.8s`\n", plan->hash);
	add_head(out, plan);
	put_people(&people, plan);
	add_summary(out, plan);
	changes.room = room > tail.length ? room - tail.length : 0;
	put_changes(&changes, plan);
	ush_buf_add(out, tail.data, tail.length);
	left_out = end.left_out + people.left_out + changes.left_out;
	if (left_out > 0)
		add_cut(out, left_out);
}
