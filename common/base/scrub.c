/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/scrub.h"

#include <stdint.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/needle.h"

#define DEEPEST	   3	      /* codes one in the other */
#define LONG_TEXT  (64U << 10) /* is looked through with one */

enum code { PERCENT, JSON, HTML, CODES };

/* A reader of text that is written in a code which is written in a code... the first is the outermost. */
struct reader {
	const char *at, *end;
	const unsigned char *chain;
	size_t depth;
};

/* What one read gives: a character of what was encoded, in UTF-8. */
struct unit {
	unsigned char bytes[4];
	size_t count;
};

struct hunt {
	char *text;
	size_t length;
	bool cut, longs, probe; /* beginnings count; short ones do not; only tells whether there is something */
	bool found;
	unsigned char chain[DEEPEST];
	const struct ush_needle *const *needles;
	size_t count;
	bool begins[256]; /* bytes that needles begin with */
};

static bool next_unit(struct reader *r, struct unit *unit);

/* ---- codes ---- */

static int hex(unsigned char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static int next_byte(struct reader *r)
{
	struct unit unit;

	return next_unit(r, &unit) && unit.count == 1 ? unit.bytes[0] : -1;
}

static long hex_number(struct reader *r, size_t digits)
{
	long number = 0;

	while (digits-- > 0) {
		int c = next_byte(r), digit = c >= 0 ? hex((unsigned char)c) : -1;

		if (digit < 0)
			return -1;
		number = number * 16 + digit;
	}
	return number;
}

static void put_code_point(struct unit *unit, unsigned long c)
{
	static const unsigned char heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t count = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	unit->count = count;
	for (size_t i = count; i-- > 1; c >>= 6)
		unit->bytes[i] = (unsigned char)(0x80 | (c & 0x3f));
	unit->bytes[0] = (unsigned char)(count == 1 ? c : heads[count] | c);
}

static bool read_percent(struct reader *r, struct unit *unit)
{
	long number = hex_number(r, 2);

	unit->bytes[0] = (unsigned char)number;
	return number >= 0;
}

static bool read_json(struct reader *r, struct unit *unit)
{
	static const char letters[] = "\"\\/'bfnrt", means[] = "\"\\/'\b\f\n\r\t";
	int c = next_byte(r);
	const char *letter = c > 0 ? strchr(letters, c) : NULL;
	long high, low;

	if (letter != NULL)
		unit->bytes[0] = (unsigned char)means[letter - letters];
	if (c != 'u')
		return letter != NULL;
	high = hex_number(r, 4);
	if (high < 0xd800 || high > 0xdbff) {
		put_code_point(unit, (unsigned long)high);
		return high >= 0;
	}
	low = next_byte(r) == '\\' && next_byte(r) == 'u' ? hex_number(r, 4) : -1;
	put_code_point(unit, 0x10000 + ((unsigned long)(high & 0x3ff) << 10 | (unsigned long)(low & 0x3ff)));
	return low >= 0xdc00 && low <= 0xdfff;
}

static bool read_html(struct reader *r, struct unit *unit)
{
	static const struct {
		const char *name;
		char means;
	} names[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}, {"sol", '/'}, {"plus", '+'}, {"equals", '='}};
	char word[10] = "", *end;
	unsigned long number;
	size_t size = 0;
	int c;

	while ((c = next_byte(r)) > 0 && c != ';' && size + 1 < sizeof word)
		word[size++] = (char)c;
	if (c != ';')
		return false;
	for (size_t i = 0; i < USH_COUNT(names); i++)
		if (strcmp(names[i].name, word) == 0) {
			unit->bytes[0] = (unsigned char)names[i].means;
			return true;
		}
	if (word[0] != '#' || size < 2)
		return false;
	number = (word[1] | 32) == 'x' ? strtoul(word + 2, &end, 16) : strtoul(word + 1, &end, 10);
	put_code_point(unit, number);
	return *end == '\0' && number > 0 && number <= 0x10ffff;
}

static const struct {
	char mark; /* what an escape begins with */
	bool (*read)(struct reader *r, struct unit *unit);
} codes[CODES] = {[PERCENT] = {'%', read_percent}, [JSON] = {'\\', read_json}, [HTML] = {'&', read_html}};

/* What is no escape stands for itself. */
static bool next_unit(struct reader *r, struct unit *unit)
{
	struct reader inner = *r, escape;
	struct unit decoded = {.count = 1};
	size_t code;

	if (r->at == r->end)
		return false;
	if (r->depth == 0) {
		*unit = (struct unit){{(unsigned char)*r->at++}, 1};
		return true;
	}
	inner.depth--;
	code = r->chain[inner.depth];
	if (!next_unit(&inner, unit))
		return false;
	escape = inner;
	if (unit->count == 1 && unit->bytes[0] == (unsigned char)codes[code].mark && codes[code].read(&escape, &decoded)) {
		*unit = decoded;
		inner = escape;
	}
	r->at = inner.at;
	return true;
}

/* ---- looking ---- */

static bool letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* True when the byte before `at` ends an escape, or may be a part of one. */
static bool behind_escape(const char *text, const char *at)
{
	for (size_t back = 1; back <= 6 && at - text >= (ptrdiff_t)back; back++)
		if (strchr("\\%&", at[-(ptrdiff_t)back]) != NULL)
			return true;
	return false;
}

static bool stands_alone(const struct hunt *hunt, const char *at, const char *behind)
{
	bool before = at == hunt->text || !letter_or_digit(at[-1]) || behind_escape(hunt->text, at);

	return before && (behind == hunt->text + hunt->length || !letter_or_digit(*behind));
}

static unsigned char spelt(const struct ush_needle *needle, unsigned char c)
{
	return !needle->base64 ? c : c == '-' ? '+' : c == '_' ? '/' : c;
}

/* How many raw bytes from r->at on are the needle; 0: none. */
static size_t match(const struct hunt *hunt, struct reader r, const struct ush_needle *needle)
{
	const char *begin = r.at, *behind = r.at;
	bool percent = memchr(r.chain, PERCENT, r.depth) != NULL;
	struct unit unit;
	size_t same = 0;

	while (same < needle->length && next_unit(&r, &unit)) {
		size_t i = 0;

		for (; i < unit.count && same + i < needle->length; i++) {
			unsigned char want = (unsigned char)needle->text[same + i], got = spelt(needle, unit.bytes[i]);

			if (got != want && !(percent && want == ' ' && got == '+'))
				break;
		}
		if (i < unit.count)
			break;
		same += i;
		behind = r.at;
	}
	if (same < (hunt->cut ? needle->least : needle->length) || (needle->word && !stands_alone(hunt, begin, behind)))
		return 0;
	return (size_t)(behind - begin);
}

/* The digits of base64 beside a match hold bits of its ends. */
static void widen(const struct hunt *hunt, char **begin, char **end)
{
	for (size_t i = 0; i < 2 && *begin > hunt->text && letter_or_digit((*begin)[-1]) && !behind_escape(hunt->text, *begin); i++)
		--*begin;
	for (size_t i = 0; i < 4 && *end < hunt->text + hunt->length && **end != '\0' && (letter_or_digit(**end) || strchr("+/-_=", **end) != NULL); i++)
		++*end;
}

static char *hide(struct hunt *hunt, char *begin, size_t width, const struct ush_needle *needle)
{
	char *end = begin + width;

	hunt->found = true;
	if (hunt->probe)
		return hunt->text + hunt->length;
	if (needle->base64)
		widen(hunt, &begin, &end);
	memset(begin, '.', (size_t)(end - begin));
	return end;
}

/* False where no needle can begin: nearly everywhere. */
static bool may_begin(const struct hunt *hunt, const char *at, size_t depth)
{
	if (hunt->begins[(unsigned char)*at])
		return true;
	for (size_t i = 0; i < depth; i++)
		if (*at == codes[hunt->chain[i]].mark)
			return true;
	return false;
}

static size_t longest_match(const struct hunt *hunt, struct reader r, const struct ush_needle **which)
{
	struct reader peek = r;
	struct unit unit;
	size_t most = 0;

	next_unit(&peek, &unit);
	for (size_t i = 0; hunt->begins[unit.bytes[0]] && i < hunt->count; i++) {
		const struct ush_needle *needle = hunt->needles[i];
		size_t width = hunt->longs && needle->word ? 0 : match(hunt, r, needle);

		if (width > most) {
			most = width;
			*which = needle;
		}
	}
	return most;
}

static void look(struct hunt *hunt, size_t depth)
{
	char *end = hunt->text + hunt->length;

	for (char *at = hunt->text, *next; at < end; at = next) {
		const struct ush_needle *which = NULL;
		size_t width = may_begin(hunt, at, depth) ? longest_match(hunt, (struct reader){at, end, hunt->chain, depth}, &which) : 0;

		next = width > 0 ? hide(hunt, at, width, which) : at + 1;
	}
}

/* True when what the chain gives holds an escape of the code. */
static bool holds(const struct hunt *hunt, size_t depth, enum code code)
{
	struct reader r = {hunt->text, hunt->text + hunt->length, hunt->chain, depth};
	struct unit unit;

	if (depth == 0)
		return memchr(hunt->text, codes[code].mark, hunt->length) != NULL;
	while (next_unit(&r, &unit))
		if (unit.count == 1 && unit.bytes[0] == (unsigned char)codes[code].mark)
			return true;
	return false;
}

/* Whole secrets are looked for from outside to inside, beginnings the other way: the inner reading gives the longer one. */
static void descend(struct hunt *hunt, size_t depth)
{
	if (!hunt->cut)
		look(hunt, depth);
	for (unsigned char code = 0; depth < (hunt->length > LONG_TEXT ? 1 : DEEPEST) && code < CODES && !(hunt->probe && hunt->found); code++)
		if (holds(hunt, depth, code)) {
			hunt->chain[depth] = code;
			descend(hunt, depth + 1);
		}
	if (hunt->cut)
		look(hunt, depth);
}

/* A beginning is found wherever a whole one is: mostly there is none, and that is all. */
static void hunt_for(void *context, const struct ush_needle *const *needles, size_t count)
{
	struct hunt *hunt = context;
	bool probe = hunt->probe;

	if (hunt->length == 0 || count == 0)
		return;
	hunt->needles = needles;
	hunt->count = count;
	for (size_t i = 0; i < count; i++) {
		unsigned char first = (unsigned char)needles[i]->text[0];

		hunt->begins[first] = true;
		hunt->begins['+'] |= first == ' ';
		hunt->begins['-'] |= needles[i]->base64 && first == '+';
		hunt->begins['_'] |= needles[i]->base64 && first == '/';
	}
	hunt->cut = hunt->probe = true;
	descend(hunt, 0);
	if (probe || !hunt->found)
		return;
	hunt->cut = hunt->probe = false;
	descend(hunt, 0);
	hunt->cut = true;
	descend(hunt, 0);
}

/* ---- all of it ---- */

void ush_scrub(char *text, size_t length)
{
	struct hunt hunt = {.text = text, .length = length};

	ush_secret_needles(hunt_for, &hunt);
}

void ush_scrub_long(char *text, size_t length)
{
	struct hunt hunt = {.text = text, .length = length, .longs = true};

	ush_secret_needles(hunt_for, &hunt);
}

static char *scrubbed(const char *text, bool longs)
{
	struct hunt hunt = {.text = (char *)(uintptr_t)text, .length = strlen(text), .longs = longs, .probe = true};
	char *copy;

	ush_secret_needles(hunt_for, &hunt);
	if (!hunt.found)
		return NULL;
	copy = ush_strdup(text);
	if (longs)
		ush_scrub_long(copy, hunt.length);
	else
		ush_scrub(copy, hunt.length);
	return copy;
}

char *ush_scrubbed(const char *text)
{
	return scrubbed(text, false);
}

char *ush_scrubbed_long(const char *text)
{
	return scrubbed(text, true);
}
