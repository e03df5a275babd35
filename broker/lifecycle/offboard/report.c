/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/lifecycle/offboard/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/memory.h"
#include "common/data/json.h"

const char *ush_report_time(int64_t seconds, char *out)
{
	time_t moment = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&moment, &tm) == NULL || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		memcpy(out, "?", 2);
	return out;
}

json_t *ush_report_new(json_t *about, int64_t now, bool dry)
{
	char at[32];

	return json_pack("{s:s, s:s, s:o, s:s, s:b, s:[]}", "apiVersion", "usher.dev/v1", "kind", "Offboarding", "subject", about, "at", ush_report_time(now, at),
			 "dryRun", dry, "lines");
}

void ush_report_add(json_t *report, const struct ush_line *line, const char *format, ...)
{
	json_t *object = line->more != NULL ? line->more : json_object();
	char *text = NULL, until[32];
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	json_object_set_new(object, "word", json_string(line->word));
	json_object_set_new(object, "kind", json_string(line->kind));
	json_object_set_new(object, "text", json_string(text));
	json_object_set_new(object, "todo", json_boolean(line->todo));
	if (line->command != NULL)
		json_object_set_new(object, "command", json_string(line->command));
	if (line->until != 0)
		json_object_set_new(object, "until", json_string(line->until == USH_UNTIL_NEVER	    ? "never"
								  : line->until == USH_UNTIL_UNKNOWN ? "unknown"
												     : ush_report_time(line->until, until)));
	json_array_append_new(json_object_get(report, "lines"), object);
	free(text);
}

/* ---- numbers ---- */

static bool says(const json_t *line, const char *member, const char *text)
{
	const char *value = ush_json_string(line, member);

	return value != NULL && strcmp(value, text) == 0;
}

size_t ush_report_todo(const json_t *report)
{
	size_t i, count = 0;
	json_t *line;

	json_array_foreach(json_object_get(report, "lines"), i, line)
		count += json_is_true(json_object_get(line, "todo"));
	return count;
}

size_t ush_report_unknown(const json_t *report)
{
	size_t i, count = 0;
	json_t *line;

	json_array_foreach(json_object_get(report, "lines"), i, line)
		count += says(line, "word", "unknown");
	return count;
}

/* Also nobody looked where a source or the cluster was not to be had. */
static bool is_complete(const json_t *report)
{
	size_t i;
	json_t *line;

	json_array_foreach(json_object_get(report, "lines"), i, line)
		if (says(line, "word", "unknown") || says(line, "kind", "source") || says(line, "kind", "cluster"))
			return false;
	return true;
}

void ush_report_close(json_t *report)
{
	json_object_set_new(report, "left", json_integer((json_int_t)ush_report_todo(report)));
	json_object_set_new(report, "complete", json_boolean(is_complete(report)));
}

/* ---- for people ---- */

/* "14:37:00 UTC" of today, "2026-11-22 14:37:00 UTC" of another day, "never" */
static char *when(const json_t *report, const json_t *line)
{
	const char *until = ush_json_string(line, "until"), *at = ush_json_string(report, "at");

	if (until == NULL || strlen(until) != strlen("2026-11-21T14:37:00Z"))
		return until != NULL ? ush_strdup(until) : NULL;
	if (at != NULL && strncmp(at, until, 10) == 0)
		return ush_printf("%.8s UTC", until + 11);
	return ush_printf("%.10s %.8s UTC", until, until + 11);
}

/* What such a line tells was not done, and it may be read alone. */
static const char *not_done(const json_t *report, const json_t *line)
{
	return json_is_true(json_object_get(report, "dryRun")) && (says(line, "word", "revoked") || says(line, "word", "removed")) ? " (dry run)" : "";
}

/* "Two things are", "One thing is", "13 things are" */
static char *things(size_t count)
{
	static const char *const words[] = {"Nothing is", "One thing is", "Two things are", "Three things are", "Four things are", "Five things are",
					    "Six things are", "Seven things are", "Eight things are", "Nine things are"};

	return count < USH_COUNT(words) ? ush_strdup(words[count]) : ush_printf("%zu things are", count);
}

struct tally { /* of one word and kind */
	char *what;
	size_t count;
};

struct tallies {
	struct tally *items;
	size_t count;
};

static size_t *tally_of(struct tallies *tallies, const json_t *line)
{
	USH_AUTO_FREE char *what = ush_printf("%s %s", ush_json_string(line, "word"), ush_json_string(line, "kind"));

	for (size_t i = 0; i < tallies->count; i++)
		if (strcmp(tallies->items[i].what, what) == 0)
			return &tallies->items[i].count;
	USH_PUSH(tallies->items, tallies->count, ((struct tally){ush_steal(&what), 0}));
	return &tallies->items[tallies->count - 1].count;
}

static void tallies_free(struct tallies *tallies)
{
	for (size_t i = 0; i < tallies->count; i++)
		free(tallies->items[i].what);
	free(tallies->items);
}

/* Whether the line is one that is told; the others of its kind are counted. */
static bool is_told(struct tallies *tallies, const json_t *line)
{
	return (*tally_of(tallies, line))++ < USH_REPORT_MOST;
}

static void tell_more(struct ush_buf *out, const struct tallies *tallies, const char *format)
{
	for (size_t i = 0; i < tallies->count; i++)
		if (tallies->items[i].count > USH_REPORT_MOST)
			ush_buf_printf(out, "%s%zu more like \"%s\": -o json lists them\n", format, tallies->items[i].count - USH_REPORT_MOST, tallies->items[i].what);
}

static void tell_end(struct ush_buf *out, const json_t *report)
{
	USH_AUTO_FREE char *left = things(ush_report_todo(report));

	if (!is_complete(report))
		ush_buf_puts(out, "Not everything could be looked at. ");
	ush_buf_printf(out, "%s left for you.%s\n", left, json_is_true(json_object_get(report, "dryRun")) ? " Nothing was changed: this was a dry run." : "");
}

void ush_report_text(const json_t *report, struct ush_buf *out)
{
	struct tallies tallies = {0};
	json_t *line;
	size_t i;

	json_array_foreach(json_object_get(report, "lines"), i, line) {
		USH_AUTO_FREE char *text = ush_text_safe(ush_json_string(line, "text")), *until = when(report, line);
		const char *command = ush_json_string(line, "command");
		USH_AUTO_FREE char *safe = command != NULL ? ush_text_safe(command) : NULL;

		if (!is_told(&tallies, line))
			continue;
		ush_buf_printf(out, "%-9s %s%s%s%s%s%s\n", ush_json_string(line, "word"), until != NULL ? until : "", until != NULL ? "  " : "", text,
			       not_done(report, line), safe != NULL ? ": " : "", safe != NULL ? safe : "");
	}
	tell_more(out, &tallies, "          ");
	tell_end(out, report);
	tallies_free(&tallies);
}

/* What a table or a list of markdown would take for its own is escaped. */
static void markdown_text(struct ush_buf *out, const char *raw)
{
	USH_AUTO_FREE char *safe = ush_text_safe(raw);

	for (const char *at = safe; *at != '\0'; at++) {
		if (strchr("\\`*_{}[]<>#|~!@&", *at) != NULL)
			ush_buf_puts(out, "\\");
		ush_buf_add(out, at, 1);
	}
}

static void markdown_line(struct ush_buf *out, const json_t *report, const json_t *line)
{
	USH_AUTO_FREE char *until = when(report, line);
	const char *command = ush_json_string(line, "command");
	bool todo = json_is_true(json_object_get(line, "todo"));

	ush_buf_printf(out, "- %s**%s** ", todo ? "[ ] " : "", ush_json_string(line, "word"));
	if (until != NULL)
		ush_buf_printf(out, "%s: ", until);
	markdown_text(out, ush_json_string(line, "text"));
	ush_buf_puts(out, not_done(report, line));
	if (command != NULL) {
		USH_AUTO_FREE char *safe = ush_text_safe(command);

		ush_buf_printf(out, "\n\n      %s\n", safe); /* indented: nothing in a line ends it */
	}
	ush_buf_puts(out, "\n");
}

void ush_report_markdown(const json_t *report, struct ush_buf *out)
{
	const json_t *subject = ush_json_object(report, "subject");
	const char *reason = ush_json_string(report, "reason"), *ticket = ush_json_string(report, "ticket"), *by = ush_json_string(report, "by"),
		   *cluster = ush_json_string(report, "cluster");
	struct tallies tallies = {0};
	json_t *line;
	size_t i;

	ush_buf_printf(out, "### Offboarding of %s ", ush_json_string(subject, "kind"));
	markdown_text(out, ush_json_string(subject, "name"));
	ush_buf_printf(out, "\n\n%s", ush_json_string(report, "at"));
	for (size_t k = 0; k < 4; k++) {
		const char *value = (const char *const[]){cluster, by, reason, ticket}[k];

		if (value == NULL)
			continue;
		ush_buf_printf(out, ", %s: ", (const char *const[]){"cluster", "by", "reason", "ticket"}[k]);
		markdown_text(out, value);
	}
	ush_buf_puts(out, "\n\n");
	json_array_foreach(json_object_get(report, "lines"), i, line)
		if (is_told(&tallies, line))
			markdown_line(out, report, line);
	tell_more(out, &tallies, "- ");
	ush_buf_puts(out, "\n");
	tell_end(out, report);
	tallies_free(&tallies);
}
