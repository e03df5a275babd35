/* SPDX-License-Identifier: Apache-2.0
 *
 * Text that was scanned, looked into again: it is valid JSON, so nothing is checked here but where it ends.
 */
#include <string.h>

#include "common/base/memory.h"
#include "common/kube/lex.h"
#include "common/kube/scan.h"

/* ---- walking ---- */

/* at is behind the opening quote; the place behind the closing one. */
static const char *step_string(const char *at, const char *end, struct ush_slice *out)
{
	const char *begin = at;
	bool plain = true;

	for (at = ush_lex_quote(at, end); at < end && *at == '\\'; at = ush_lex_quote(at + 2, end))
		plain = false;
	*out = (struct ush_slice){begin, (size_t)(at - begin), '"', plain};
	return at < end ? at + 1 : end;
}

static const char *step_container(const char *at, const char *end)
{
	struct ush_slice unused;
	size_t depth = 0;

	while (at < end) {
		char c = *at++;

		if (c == '"')
			at = step_string(at, end, &unused);
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			break;
	}
	return at;
}

static const char *step_value(const char *at, const char *end, struct ush_slice *out)
{
	const char *begin = at;
	char type = *at;

	if (type == '"')
		return step_string(at + 1, end, out);
	if (type == '{' || type == '[')
		at = step_container(at, end);
	else
		while (at < end && *at != ',' && *at != '}' && *at != ']' && !ush_lex_is_space(*at))
			at++;
	if (type == '-' || (type >= '0' && type <= '9'))
		type = '0';
	*out = type == 'n' ? (struct ush_slice){0} : (struct ush_slice){begin, (size_t)(at - begin), type, false};
	return at;
}

/* To the next thing that is no space, comma or colon. */
static const char *step_between(const char *at, const char *end)
{
	while (at < end && (*at == ',' || *at == ':' || ush_lex_is_space(*at)))
		at++;
	return at;
}

struct ush_walk ush_walk(struct ush_slice container)
{
	if (container.type != '{' && container.type != '[')
		return (struct ush_walk){0};
	return (struct ush_walk){container.text + 1, container.text + container.length - 1}; /* without its brackets */
}

bool ush_walk_element(struct ush_walk *walk, struct ush_slice *value)
{
	if (walk->at == walk->end)
		return false;
	walk->at = step_between(walk->at, walk->end);
	if (walk->at == walk->end)
		return false;
	walk->at = step_value(walk->at, walk->end, value);
	return true;
}

bool ush_walk_member(struct ush_walk *walk, struct ush_slice *key, struct ush_slice *value)
{
	return ush_walk_element(walk, key) && ush_walk_element(walk, value);
}

struct ush_slice ush_slice_member(struct ush_slice map, const char *key)
{
	struct ush_slice name, value;

	if (map.type != '{')
		return (struct ush_slice){0};
	for (struct ush_walk walk = ush_walk(map); ush_walk_member(&walk, &name, &value);)
		if (ush_slice_is(name, key))
			return value;
	return (struct ush_slice){0};
}

/* ---- strings ---- */

struct ush_slice ush_slice_of(const char *text)
{
	return text != NULL ? (struct ush_slice){text, strlen(text), '"', true} : (struct ush_slice){0};
}

struct letters { /* of a string, with escapes undone: a byte at a time */
	const char *at, *end;
	bool plain;
	unsigned char more[4]; /* bytes of a code point still to come, the last first */
	unsigned int left;
};

static unsigned int hex4(const char *at)
{
	unsigned int value = 0;

	for (int i = 0; i < 4; i++) {
		unsigned int c = (unsigned char)at[i];

		value = value << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

static void keep_code_point(struct letters *letters, unsigned int c)
{
	static const unsigned char heads[] = {0, 0xc0, 0xe0, 0xf0};
	unsigned int tails = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

	letters->left = 0;
	for (unsigned int i = 0; i < tails; i++, c >>= 6)
		letters->more[letters->left++] = (unsigned char)(0x80 | (c & 0x3f));
	letters->more[letters->left++] = (unsigned char)(heads[tails] | c);
}

static void read_escape(struct letters *letters)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	unsigned int unit;

	if (letters->at[1] != 'u') {
		const char *which = memchr(from, letters->at[1], sizeof from - 1);

		letters->more[letters->left++] = which != NULL ? (unsigned char)to[which - from] : '?';
		letters->at += 2;
		return;
	}
	unit = hex4(letters->at + 2);
	letters->at += 6;
	if (unit >= 0xd800 && unit <= 0xdbff) {
		unit = 0x10000 + ((unit - 0xd800) << 10) + (hex4(letters->at + 2) - 0xdc00);
		letters->at += 6;
	}
	keep_code_point(letters, unit);
}

/* The next byte, or -1. */
static int next_letter(struct letters *letters)
{
	if (letters->left == 0) {
		if (letters->at == letters->end)
			return -1;
		if (letters->plain || *letters->at != '\\')
			return (unsigned char)*letters->at++;
		read_escape(letters);
	}
	return letters->more[--letters->left];
}

static struct letters letters_of(struct ush_slice slice)
{
	return (struct letters){.at = slice.text, .end = slice.text + slice.length, .plain = slice.plain};
}

size_t ush_slice_decode(struct ush_slice slice, char *out)
{
	struct letters letters = letters_of(slice);
	size_t length = 0;

	if (slice.type != '"')
		return 0;
	if (slice.plain) {
		memcpy(out, slice.text, slice.length);
		return slice.length;
	}
	for (int c; (c = next_letter(&letters)) >= 0;)
		out[length++] = (char)c;
	return length;
}

char *ush_slice_copy(struct ush_slice slice)
{
	char *out;

	if (slice.type != '"')
		return NULL;
	out = ush_alloc(slice.length + 1);
	ush_slice_decode(slice, out);
	return out;
}

bool ush_slice_is(struct ush_slice slice, const char *text)
{
	struct letters letters = letters_of(slice);

	if (slice.type != '"')
		return false;
	if (slice.plain)
		return strncmp(slice.text, text, slice.length) == 0 && text[slice.length] == '\0';
	for (int c; (c = next_letter(&letters)) >= 0; text++)
		if (c != (unsigned char)*text)
			return false;
	return *text == '\0';
}

int ush_slice_order(struct ush_slice a, struct ush_slice b)
{
	struct letters one = letters_of(a), two = letters_of(b);
	int x, y;

	if (a.plain && b.plain) {
		int order = memcmp(a.text, b.text, a.length < b.length ? a.length : b.length);

		return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
	}
	do {
		x = next_letter(&one);
		y = next_letter(&two);
	} while (x == y && x >= 0);
	return x - y;
}
