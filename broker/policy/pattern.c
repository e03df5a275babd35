/* SPDX-License-Identifier: Apache-2.0
 *
 * A pattern and a text are compared part by part, parts being what stands between slashes. Inside a part only the last
 * star or capture is ever made longer, which is enough where each may be any text, and costs length times length at most.
 */
#include "broker/policy/pattern.h"

#include <ctype.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"

static size_t name_length(const char *brace) /* of "{name}", 0 when it is none */
{
	size_t length = 1;

	while (isalnum((unsigned char)brace[length]) || brace[length] == '_' || brace[length] == '-')
		length++;
	return brace[length] == '}' ? length - 1 : 0;
}

static size_t capture_at(const struct ush_captures *captures, const char *name, size_t length)
{
	for (size_t i = 0; i < captures->count; i++)
		if (captures->items[i].name_length == length && memcmp(captures->items[i].name, name, length) == 0)
			return i;
	return captures->count;
}

const char *ush_pattern_wrong(const char *pattern, struct ush_captures *captures)
{
	struct ush_captures found = {0};

	if (*pattern == '\0')
		return "is empty";
	if (strlen(pattern) > USH_PATTERN_MAX)
		return "is longer than 512 bytes";
	for (const char *at = pattern; *at != '\0'; at++) {
		size_t length, place;

		if (*at == '}')
			return "has a } without its {";
		if (*at != '{')
			continue;
		length = name_length(at);
		if (length == 0)
			return "has a { that begins no {name} of letters, digits, - and _";
		place = capture_at(&found, at + 1, length);
		if (place == USH_CAPTURES_MAX)
			return "has more than 8 names in braces";
		if (place == found.count)
			found.count++;
		found.items[place].name = at + 1;
		found.items[place].name_length = length;
		at += length + 1;
	}
	if (captures != NULL)
		*captures = found;
	return NULL;
}

static size_t wilds_in_part(const char *pattern, const char *at)
{
	const char *from = at;
	size_t count = 0;

	while (from > pattern && from[-1] != '/')
		from--;
	for (; *from != '\0' && *from != '/'; from++)
		count += *from == '*' || *from == '{';
	return count;
}

const char *ush_pattern_unclear(const char *pattern)
{
	struct ush_captures seen = {0};
	size_t wilds[USH_CAPTURES_MAX];

	for (const char *at = pattern; (at = strchr(at, '{')) != NULL; at++) {
		size_t length = name_length(at), place = capture_at(&seen, at + 1, length);

		if (length == 0 || place == USH_CAPTURES_MAX)
			return "is no pattern";
		if (place < seen.count && wilds[place] > 1)
			return "names a {name} twice; the first must then stand between two slashes without another {name} or *";
		if (place < seen.count)
			continue;
		seen.items[place].name = at + 1;
		seen.items[place].name_length = length;
		seen.count++;
		wilds[place] = wilds_in_part(pattern, at);
	}
	return NULL;
}

/* The star or capture that was met last in a part: the one that may grow. */
struct wild {
	const char *after;    /* of the pattern */
	const char *from, *to; /* its text */
	size_t capture;	      /* USH_CAPTURES_MAX: a star */
};

static bool begin_wild(struct wild *wild, const char **pattern, const char **text, struct ush_captures *captures)
{
	size_t name = **pattern == '{' ? name_length(*pattern) : 0, least = name > 0 ? 1 : 0;

	*wild = (struct wild){.after = *pattern + (name > 0 ? name + 2 : 1), .from = *text, .to = *text, .capture = USH_CAPTURES_MAX};
	for (size_t i = 0; i < least; i++)
		if ((*text)[i] == '\0' || (*text)[i] == '/')
			return false;
	if (name > 0) {
		if (captures->count == USH_CAPTURES_MAX)
			return false;
		wild->capture = captures->count++;
		captures->items[wild->capture].name = *pattern + 1;
		captures->items[wild->capture].name_length = name;
		captures->items[wild->capture].text = *text;
		captures->items[wild->capture].text_length = least;
	}
	wild->to = *text = *text + least;
	*pattern = wild->after;
	return true;
}

/* What was remembered, once more. */
static bool skip_known(const char **pattern, const char **text, const struct ush_captures *captures, size_t place)
{
	size_t length = captures->items[place].text_length;

	if (strncmp(*text, captures->items[place].text, length) != 0)
		return false;
	*pattern += captures->items[place].name_length + 2;
	*text += length;
	return true;
}

static bool step(struct wild *wild, const char **pattern, const char **text, struct ush_captures *captures)
{
	size_t name = **pattern == '{' ? name_length(*pattern) : 0;
	size_t place = name > 0 ? capture_at(captures, *pattern + 1, name) : captures->count;

	if (place < captures->count)
		return place != wild->capture && skip_known(pattern, text, captures, place);
	if (**pattern == '*' || name > 0)
		return begin_wild(wild, pattern, text, captures);
	if (**pattern != **text)
		return false;
	(*pattern)++;
	(*text)++;
	return true;
}

static bool ends(char c)
{
	return c == '\0' || c == '/';
}

/* Compares one part; both are left at its end. */
static bool match_part(const char **pattern, const char **text, struct ush_captures *captures)
{
	struct wild wild = {.capture = USH_CAPTURES_MAX};

	for (;;) {
		if (ends(**pattern) && ends(**text))
			return true;
		if (!ends(**pattern) && step(&wild, pattern, text, captures))
			continue;
		if (wild.after == NULL || ends(*wild.to))
			return false;
		*text = ++wild.to;
		*pattern = wild.after;
		if (wild.capture < USH_CAPTURES_MAX) {
			captures->count = wild.capture + 1;
			captures->items[wild.capture].text_length = (size_t)(wild.to - wild.from);
		}
	}
}

/* What differs before the first wildcard or after the last, as most pairs do, needs no closer look. */
static bool may_match(const char *pattern, const char *text)
{
	size_t begin = strcspn(pattern, "*{"), pattern_length, text_length, end = 0;

	if (strncmp(pattern, text, begin) != 0)
		return false;
	if (pattern[begin] == '\0')
		return text[begin] == '\0';
	pattern_length = strlen(pattern);
	text_length = strlen(text);
	while (pattern[pattern_length - end - 1] != '*' && pattern[pattern_length - end - 1] != '}' && end < pattern_length - begin - 1)
		end++;
	return text_length >= end && memcmp(pattern + pattern_length - end, text + text_length - end, end) == 0;
}

bool ush_pattern_match(const char *pattern, const char *text, struct ush_captures *captures)
{
	struct ush_captures own = {0};

	if (captures == NULL)
		captures = &own;
	captures->count = 0;
	if (!may_match(pattern, text) || strlen(text) > USH_PATTERN_TEXT_MAX || ush_pattern_unclear(pattern) != NULL)
		return false;
	if (strchr(pattern, '{') != NULL && strpbrk(text, "*{}") != NULL) /* or what is remembered would be a pattern itself */
		return false;
	for (;; pattern++, text++) {
		if (!match_part(&pattern, &text, captures) || *pattern != *text) {
			captures->count = 0;
			return false;
		}
		if (*pattern == '\0')
			return true;
	}
}

char *ush_pattern_fill(const char *pattern, const struct ush_captures *captures)
{
	USH_AUTO_BUF out = {0};

	for (const char *at = pattern; *at != '\0'; at++) {
		size_t length = *at == '{' ? name_length(at) : 0, place;

		if (length == 0) {
			ush_buf_add(&out, at, 1);
			continue;
		}
		place = capture_at(captures, at + 1, length);
		if (place == captures->count)
			return NULL;
		ush_buf_add(&out, captures->items[place].text, captures->items[place].text_length);
		at += length + 1;
	}
	return out.length > 0 ? ush_buf_take(&out) : ush_strdup("");
}
