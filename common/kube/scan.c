/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/scan.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"
#include "common/kube/lex.h"

#define FEW_KEYS      16 /* compared each with each; more are sorted */
#define SAFE_DIGITS   18 /* always fit a 64-bit integer */
#define NUMBER_BUFFER (8U << 20)

struct ush_scan_key {
	struct ush_slice name;
};

/* Whose members are being read, and so which of them are wanted. */
enum level { ROOT, METADATA, OTHER };

struct reading {
	struct ush_scan *scan;
	struct ush_item *item;
	const char *end;
	const char *why; /* what is wrong, for the message; NULL: is simply no JSON */
};

/* Every reader takes the place where its value begins and returns the place behind it, or NULL. */
static const char *read_value(struct reading *r, const char *at, unsigned int depth, enum level level,
			      struct ush_slice *out);

static const char *refuse(struct reading *r, const char *why)
{
	r->why = why;
	return NULL;
}

/* ---- strings ---- */

/* The four digits of \uXXXX, or -1. */
static long hex4(const char *at, const char *end)
{
	long value = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = at[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;

		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* at is behind the backslash. */
static const char *read_escape(struct reading *r, const char *at)
{
	long unit;

	if (at == r->end)
		return NULL;
	if (*at != 'u')
		return memchr("\"\\/bfnrt", *at, 8) != NULL ? at + 1 : NULL;
	unit = hex4(at + 1, r->end);
	at += 5;
	if (unit <= 0 || (unit >= 0xdc00 && unit <= 0xdfff)) /* no digits, NUL, half a pair */
		return NULL;
	if (unit < 0xd800 || unit > 0xdbff)
		return at;
	if (r->end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return NULL;
	unit = hex4(at + 2, r->end);
	return unit >= 0xdc00 && unit <= 0xdfff ? at + 6 : NULL;
}

/* at is behind the opening quote. */
static const char *read_string(struct reading *r, const char *at, struct ush_slice *out)
{
	const char *begin = at;
	bool plain = true;

	for (;;) {
		at = ush_lex_special(at, r->end);
		if (at == r->end)
			return refuse(r, "it ends too early");
		if (*at == '"')
			break;
		if (*at == '\\') {
			plain = false;
			at = read_escape(r, at + 1);
		} else {
			unsigned int code_point;
			size_t length = (unsigned char)*at < 0x20 ? 0 : ush_text_code_point(at, (size_t)(r->end - at), &code_point);

			at = length > 0 ? at + length : NULL;
		}
		if (at == NULL)
			return NULL;
	}
	*out = (struct ush_slice){begin, (size_t)(at - begin), '"', plain};
	return at + 1;
}

/* ---- numbers and words ---- */

static const char *digits(const char *at, const char *end)
{
	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return at;
}

/* A number that a program could not hold is refused, as jansson does. */
static bool in_range(struct reading *r, const char *from, const char *to, bool whole)
{
	struct ush_buf *buf = &r->scan->number;
	double value;

	if (whole && to - from <= SAFE_DIGITS)
		return true;
	buf->length = 0;
	buf->limit = NUMBER_BUFFER;
	if (ush_buf_add(buf, from, (size_t)(to - from)) != 0)
		return false;
	errno = 0;
	if (whole) {
		strtoll(buf->data, NULL, 10);
		return errno != ERANGE;
	}
	value = strtod(buf->data, NULL);
	return !isinf(value);
}

static const char *read_number(struct reading *r, const char *at)
{
	const char *begin = at, *from;
	bool whole = true;

	at += *at == '-';
	from = at;
	at = digits(at, r->end);
	if (at == from || (*from == '0' && at - from > 1))
		return NULL;
	if (at < r->end && *at == '.') {
		whole = false;
		from = ++at;
		at = digits(at, r->end);
		if (at == from)
			return NULL;
	}
	if (at < r->end && (*at | 0x20) == 'e') {
		whole = false;
		at++;
		at += at < r->end && (*at == '+' || *at == '-');
		from = at;
		at = digits(at, r->end);
		if (at == from)
			return NULL;
	}
	return in_range(r, begin, at, whole) ? at : refuse(r, "a number is out of range");
}

static const char *read_word(struct reading *r, const char *at, const char *word)
{
	size_t length = strlen(word);

	return (size_t)(r->end - at) >= length && memcmp(at, word, length) == 0 ? at + length : NULL;
}

/* ---- maps and lists ---- */

static int by_name(const void *a, const void *b)
{
	return ush_slice_order(((const struct ush_scan_key *)a)->name, ((const struct ush_scan_key *)b)->name);
}

static bool same_name(struct ush_slice a, struct ush_slice b)
{
	if (a.plain && b.plain)
		return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
	return ush_slice_order(a, b) == 0;
}

/* True when no two keys of the map whose keys are the last `count` ones are equal. */
static bool keys_differ(struct ush_scan_key *keys, size_t count)
{
	if (count <= FEW_KEYS) {
		for (size_t i = 1; i < count; i++)
			for (size_t j = 0; j < i; j++)
				if (same_name(keys[i].name, keys[j].name))
					return false;
		return true;
	}
	qsort(keys, count, sizeof *keys, by_name);
	for (size_t i = 1; i < count; i++)
		if (by_name(&keys[i - 1], &keys[i]) == 0)
			return false;
	return true;
}

static void keep_key(struct ush_scan *scan, struct ush_slice name)
{
	if (scan->key_count == scan->key_room) {
		scan->key_room = scan->key_room == 0 ? 64 : 2 * scan->key_room;
		scan->keys = ush_resize(scan->keys, scan->key_room * sizeof *scan->keys);
	}
	scan->keys[scan->key_count++].name = name;
}

static const struct wanted {
	const char *key;
	size_t length;
	enum level level, inside; /* where it stands; what its own members are */
	size_t offset;
} wanted[] = {
#define MEMBER(key, level, inside, member) {key, sizeof key - 1, level, inside, offsetof(struct ush_item, member)}
	MEMBER("kind", ROOT, OTHER, kind),
	MEMBER("apiVersion", ROOT, OTHER, api_version),
	MEMBER("metadata", ROOT, METADATA, metadata),
	MEMBER("roleRef", ROOT, OTHER, role_ref),
	MEMBER("subjects", ROOT, OTHER, subjects),
	MEMBER("rules", ROOT, OTHER, rules),
	MEMBER("aggregationRule", ROOT, OTHER, aggregation),
	MEMBER("name", METADATA, OTHER, name),
	MEMBER("namespace", METADATA, OTHER, namespace_name),
	MEMBER("uid", METADATA, OTHER, uid),
	MEMBER("resourceVersion", METADATA, OTHER, resource_version),
	MEMBER("labels", METADATA, OTHER, labels),
	MEMBER("annotations", METADATA, OTHER, annotations),
	MEMBER("managedFields", METADATA, OTHER, managed_fields),
	MEMBER("ownerReferences", METADATA, OTHER, owners),
	MEMBER("deletionTimestamp", METADATA, OTHER, deletion),
#undef MEMBER
};

static const struct wanted *find_wanted(enum level level, struct ush_slice key)
{
	if (level == OTHER)
		return NULL;
	for (size_t i = 0; i < USH_COUNT(wanted); i++) {
		const struct wanted *w = &wanted[i];

		if (w->level != level)
			continue;
		if (key.plain ? key.length == w->length && memcmp(key.text, w->key, w->length) == 0 : ush_slice_is(key, w->key))
			return w;
	}
	return NULL;
}

/* "key": value */
static const char *read_member(struct reading *r, const char *at, unsigned int depth, enum level level)
{
	struct ush_slice key = {0}, value = {0};
	const struct wanted *w;

	if (at == r->end || *at != '"')
		return NULL;
	at = read_string(r, at + 1, &key);
	if (at == NULL)
		return NULL;
	keep_key(r->scan, key);
	at = ush_lex_space(at, r->end);
	if (at == r->end || *at != ':')
		return NULL;
	w = find_wanted(level, key);
	at = read_value(r, ush_lex_space(at + 1, r->end), depth, w != NULL ? w->inside : OTHER, &value);
	if (w != NULL)
		*(struct ush_slice *)(void *)((char *)r->item + w->offset) = value;
	return at;
}

/* at is behind the opening bracket. */
static const char *read_container(struct reading *r, const char *at, unsigned int depth, enum level level, char close)
{
	size_t first_key = r->scan->key_count;
	struct ush_slice unused;

	if (depth > USH_JSON_DEPTH)
		return refuse(r, "it is nested too deep");
	at = ush_lex_space(at, r->end);
	for (bool first = true; at != NULL && at < r->end; first = false) {
		if (first && *at == close)
			return at + 1;
		at = close == '}' ? read_member(r, at, depth, level) : read_value(r, at, depth, OTHER, &unused);
		if (at == NULL)
			return NULL;
		at = ush_lex_space(at, r->end);
		if (at == r->end)
			break;
		if (*at == close) {
			if (!keys_differ(r->scan->keys + first_key, r->scan->key_count - first_key))
				return refuse(r, "a key stands twice");
			r->scan->key_count = first_key;
			return at + 1;
		}
		if (*at != ',')
			return NULL;
		at = ush_lex_space(at + 1, r->end);
	}
	return at != NULL ? refuse(r, "it ends too early") : NULL;
}

static const char *read_value(struct reading *r, const char *at, unsigned int depth, enum level level,
			      struct ush_slice *out)
{
	const char *begin = at;
	char c = at < r->end ? *at : 0;

	switch (c) {
	case '"':
		return read_string(r, at + 1, out);
	case '{':
		at = read_container(r, at + 1, depth + 1, level, '}');
		break;
	case '[':
		at = read_container(r, at + 1, depth + 1, OTHER, ']');
		break;
	case 't':
		at = read_word(r, at, "true");
		break;
	case 'f':
		at = read_word(r, at, "false");
		break;
	case 'n':
		*out = (struct ush_slice){0};
		return read_word(r, at, "null");
	default:
		if (c != '-' && (c < '0' || c > '9'))
			return at == r->end ? refuse(r, "it ends too early") : NULL;
		at = read_number(r, at);
		c = '0';
	}
	if (at != NULL)
		*out = (struct ush_slice){begin, (size_t)(at - begin), c, false};
	return at;
}

/* ---- an object ---- */

/* What is not of the type it must have counts as absent. */
static void expect(struct ush_slice *slice, char type)
{
	if (slice->type != type)
		*slice = (struct ush_slice){0};
}

static void fill(struct ush_item *item, const struct ush_item_defaults *defaults)
{
	struct ush_walk owners = ush_walk(item->owners);
	struct ush_slice unused;

	if (defaults != NULL && (item->kind.type != '"' || item->api_version.type != '"')) {
		item->kind = ush_slice_of(defaults->kind);
		item->api_version = ush_slice_of(defaults->api_version);
	}
	expect(&item->kind, '"');
	expect(&item->api_version, '"');
	item->owned = item->owners.type == '[' && ush_walk_element(&owners, &unused);
	item->terminating = item->deletion.type != 0;
}

static int not_json(const char *what, const char *why, enum ush_code code, struct ush_error *err)
{
	ush_fail(err, code, "is not valid JSON%s%s%s", why != NULL ? " (" : "", why != NULL ? why : "",
		 why != NULL ? ")" : "");
	return what != NULL ? ush_error_at(err, "%s", what) : -1;
}

int ush_scan_object(struct ush_scan *scan, const char *text, size_t length, const struct ush_item_defaults *defaults,
		    const char *what, enum ush_code code, struct ush_item *item, struct ush_error *err)
{
	struct reading r = {.scan = scan, .item = item, .end = text + length};
	const char *at = ush_lex_space(text, r.end);

	memset(item, 0, sizeof *item);
	scan->key_count = 0;
	if (at == r.end || *at != '{')
		return not_json(what, "it is no map", code, err);
	at = read_value(&r, at, 0, ROOT, &item->text);
	if (at == NULL || ush_lex_space(at, r.end) != r.end)
		return not_json(what, r.why, code, err);
	fill(item, defaults);
	return 0;
}

void ush_scan_free(struct ush_scan *scan)
{
	free(scan->keys);
	ush_buf_free(&scan->number);
	*scan = (struct ush_scan){0};
}
