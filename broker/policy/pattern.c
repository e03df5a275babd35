/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/policy/pattern.h"

#include <ctype.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"

bool ush_pattern_is(const char *text)
{
	return strpbrk(text, "*{") != NULL;
}

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

/* Patterns are short and their parts few; each star or capture tries its ends from short to long. `steps` bounds what a
 * hostile pair of pattern and text may cost. */
static bool match(const char *pattern, const char *text, struct ush_captures *captures, unsigned int *steps)
{
	size_t name, least, place, count = captures->count;

	for (; *pattern != '*' && *pattern != '{'; pattern++, text++)
		if (*pattern != *text)
			return false;
		else if (*pattern == '\0')
			return true;
	name = *pattern == '{' ? name_length(pattern) : 0;
	place = name > 0 ? capture_at(captures, pattern + 1, name) : USH_CAPTURES_MAX;
	if (place < count) { /* remembered: the same text again */
		size_t length = captures->items[place].text_length;

		return strncmp(text, captures->items[place].text, length) == 0 && match(pattern + name + 2, text + length, captures, steps);
	}
	if (name > 0 && count == USH_CAPTURES_MAX)
		return false;
	least = name > 0 ? 1 : 0;
	for (size_t length = 0; *steps > 0; length++) {
		(*steps)--;
		captures->count = count;
		if (name > 0) {
			captures->items[count].name = pattern + 1;
			captures->items[count].name_length = name;
			captures->items[count].text = text;
			captures->items[count].text_length = length;
			captures->count++;
		}
		if (length >= least && match(pattern + (name > 0 ? name + 2 : 1), text + length, captures, steps))
			return true;
		if (text[length] == '\0' || text[length] == '/')
			break;
	}
	captures->count = count;
	return false;
}

bool ush_pattern_match(const char *pattern, const char *text, struct ush_captures *captures)
{
	struct ush_captures own = {0};
	unsigned int steps = 100000;

	if (captures == NULL)
		captures = &own;
	captures->count = 0;
	return match(pattern, text, captures, &steps);
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
