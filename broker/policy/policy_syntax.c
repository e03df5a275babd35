/* SPDX-License-Identifier: Apache-2.0
 *
 * What is no YAML, in the words of somebody who writes a policy: the parser tells where it stopped, the line there tells
 * what was meant.
 */
#include <stdio.h>
#include <string.h>

#include "broker/policy/policy_read.h"
#include "common/base/memory.h"

struct place { /* where the parser stopped */
	const char *text, *end; /* the whole */
	const char *why;
	unsigned int line, column; /* 0: it does not say */
};

static const char *line_at(const struct place *p, unsigned int number, size_t *length)
{
	const char *at = p->text, *stop;

	for (unsigned int i = 1; i < number && at < p->end; i++) {
		stop = memchr(at, '\n', (size_t)(p->end - at));
		at = stop != NULL ? stop + 1 : p->end;
	}
	stop = at < p->end ? memchr(at, '\n', (size_t)(p->end - at)) : NULL;
	*length = (size_t)((stop != NULL ? stop : p->end) - at);
	return at;
}

/* The indentation of the line, or of the one before, which is where the trouble may have begun. */
static bool indented_with(const struct place *p, const char *what)
{
	for (unsigned int number = p->line > 1 ? p->line - 1 : 1; number <= p->line; number++) {
		size_t length, size = strlen(what);
		const char *at = line_at(p, number, &length), *end = at + length;

		while (at < end && *at == ' ')
			at++;
		if ((size_t)(end - at) >= size && memcmp(at, what, size) == 0)
			return true;
	}
	return false;
}

/* "{team}-devs": no map. */
static bool is_capture(const char *at, const char *end)
{
	const char *close = memchr(at, '}', (size_t)(end - at));

	return *at == '{' && close != NULL && close + 1 < end && strchr(" ,]}\r", close[1]) == NULL && memchr(at, ' ', (size_t)(close - at)) == NULL;
}

/* "group: *", "- @ops" */
static bool has_sign(const struct place *p)
{
	size_t length;
	const char *at = line_at(p, p->line, &length), *end = at + length;

	for (const char *c = at; c + 2 < end; c++)
		if ((*c == ':' || *c == '-') && c[1] == ' ' && (strchr("@`*&!%", c[2]) != NULL || is_capture(c + 2, end)))
			return true;
	return false;
}

static bool says(const struct place *p, const char *what)
{
	return strstr(p->why, what) != NULL;
}

static bool is_tab(const struct place *p)
{
	return p->line > 0 && indented_with(p, "\t");
}

static bool is_wide_space(const struct place *p)
{
	return p->line > 0 && (indented_with(p, "\xc2\xa0") || indented_with(p, "\xe3\x80\x80"));
}

static bool is_wide_text(const struct place *p)
{
	return p->end - p->text > 1 && (memcmp(p->text, "\xff\xfe", 2) == 0 || memcmp(p->text, "\xfe\xff", 2) == 0);
}

static bool is_no_text(const struct place *p)
{
	return p->line == 0 && (says(p, "control characters") || says(p, "UTF-8"));
}

static bool is_sign(const struct place *p)
{
	return p->line > 0 && has_sign(p);
}

static bool is_open(const struct place *p)
{
	return says(p, "unexpected end of stream");
}

static bool is_colon(const struct place *p)
{
	return says(p, "mapping values are not allowed");
}

static bool is_uneven(const struct place *p)
{
	return says(p, "did not find expected");
}

static bool is_empty(const struct place *p)
{
	return p->line == 0 && says(p, "is empty");
}

static const struct {
	bool (*is)(const struct place *p);
	const char *advice;
} advices[] = {
	{is_tab, "there is a tab; YAML is indented with spaces alone"},
	{is_wide_space, "there is a space that is none of ASCII; YAML is indented with plain spaces"},
	{is_wide_text, "the file is UTF-16; save it as UTF-8"},
	{is_no_text, "this is no text; a policy is YAML in UTF-8"},
	{is_open, "a quote or bracket before it is opened and never closed"},
	{is_sign, "a text that begins with @, `, *, &, !, %, { or the like needs quotes"},
	{is_colon, "a text that holds a colon needs quotes, or this line or the one before is indented wrongly or lacks its \"- \""},
	{is_uneven, "the line is indented otherwise than its neighbours, or something in it needs quotes"},
	{is_empty, "a policy begins with apiVersion: " USH_POLICY_API " and kind: AccessPolicy (usher-policy(5))"},
};

/* The second document, where there is one too many. */
static void point_at_second(const char *text, size_t length, const char *name, struct ush_error *err)
{
	const struct place p = {.text = text, .end = text + length};
	bool begun = false;
	size_t size;

	for (unsigned int number = 1;; number++) {
		const char *line = line_at(&p, number, &size);
		bool mark = size >= 3 && memcmp(line, "---", 3) == 0 && (size == 3 || strchr(" \t\r", line[3]) != NULL);

		if (mark && begun) {
			snprintf(err->what, sizeof err->what, "%.200s:%u:1: a second document begins here; a policy is one", name, number);
			return;
		}
		if (line + size >= p.end)
			return;
		begun = begun || mark || (size > 0 && *line != '#' && *line != '\r' && *line != '%');
	}
}

void ush_policy_syntax(const char *text, size_t length, const char *name, struct ush_error *err)
{
	size_t skip = strlen(name), used = strlen(err->what);
	struct place p = {.text = text, .end = text + length, .why = err->what};

	if (strncmp(err->what, name, skip) == 0 && sscanf(err->what + skip, ":%u:%u:", &p.line, &p.column) != 2)
		p.line = p.column = 0;
	if (p.line == 0 && says(&p, "several documents"))
		point_at_second(text, length, name, err);
	else if (strncmp(err->what, name, skip) == 0)
		p.why += skip;
	if (says(&p, "stands twice") || says(&p, "too many") || says(&p, "too deep") || says(&p, "alias"))
		return;
	for (size_t i = 0; i < USH_COUNT(advices); i++)
		if (advices[i].is(&p)) {
			snprintf(err->what + used, sizeof err->what - used, "; %s", advices[i].advice);
			return;
		}
}
