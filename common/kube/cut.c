/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/cut.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/kube/lex.h"

void ush_cut_free(struct ush_cut *cut)
{
	ush_buf_free(&cut->rest);
	ush_buf_free(&cut->pending);
}

static int bad(struct ush_error *err, const char *why)
{
	return ush_fail(err, USH_ERR_REJECTED, "a list that is not valid JSON: %s", why);
}

/* Moves over one byte of a string. */
static void step_string(struct ush_cut *cut, char c)
{
	if (cut->escaped)
		cut->escaped = false;
	else if (c == '\\')
		cut->escaped = true;
	else if (c == '"')
		cut->in_string = false;
}

/* The place behind the item's last byte, or end when that is not here. */
static const char *item_end(struct ush_cut *cut, const char *at, const char *end)
{
	unsigned int depth = cut->depth;

	if (cut->escaped && at < end) {
		cut->escaped = false;
		at++;
	}
	while (at < end) {
		char c;

		if (cut->in_string) {
			at = ush_lex_quote(at, end);
			if (at == end)
				break;
			cut->in_string = *at++ == '\\';
			if (!cut->in_string)
				continue;
			cut->escaped = at == end;
			at += at < end;
			continue;
		}
		c = *at++;
		if (c == '"') {
			cut->in_string = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && --depth == 2) {
			cut->at = USH_CUT_AFTER;
			break;
		}
	}
	cut->depth = depth;
	return at;
}

/* Hands on the item whose bytes from..to are the last (or only) ones, or keeps them until the rest comes. */
static int take_item(struct ush_cut *cut, const char *data, size_t from, size_t to, struct ush_error *err)
{
	bool whole = cut->at == USH_CUT_AFTER;
	int result;

	if (cut->pending.length == 0 && whole && to - from <= cut->pending.limit)
		return cut->item(cut->context, data + from, to - from, err);
	if (ush_buf_add(&cut->pending, data + from, to - from) != 0)
		return ush_fail(err, USH_ERR_REJECTED, "a list with an item larger than %zu MiB", cut->pending.limit >> 20);
	if (!whole)
		return 0;
	result = cut->item(cut->context, cut->pending.data, cut->pending.length, err);
	cut->pending.length = 0;
	return result;
}

static int keep(struct ush_cut *cut, char c, struct ush_error *err)
{
	if (ush_buf_add(&cut->rest, &c, 1) == 0)
		return 0;
	return ush_fail(err, USH_ERR_REJECTED, "a list with more than %zu KiB beside its items", cut->rest.limit >> 10);
}

/* Between items: a comma, the end, or the next item, whose brace is left where it is. */
static int step_between(struct ush_cut *cut, char c, struct ush_error *err)
{
	if (ush_lex_is_space(c))
		return 0;
	if (c == ',' && cut->at == USH_CUT_AFTER) {
		cut->at = USH_CUT_NEXT;
	} else if (c == '{' && cut->at != USH_CUT_AFTER) {
		cut->at = USH_CUT_INSIDE;
		cut->depth = 2;
	} else if (c == ']' && cut->at != USH_CUT_NEXT) {
		cut->at = USH_CUT_OUTSIDE;
		cut->depth = 1;
		return keep(cut, c, err);
	} else {
		return bad(err, "an item is no object");
	}
	return 0;
}

static void step_key(struct ush_cut *cut, char c)
{
	if (!cut->in_string || cut->depth != 1 || cut->top != USH_CUT_KEY)
		return;
	if (cut->key_length < sizeof cut->key)
		cut->key[cut->key_length] = c;
	cut->key_length++;
}

static void open_bracket(struct ush_cut *cut, char c)
{
	if (cut->depth == 1 && cut->top == USH_CUT_VALUE && c == '[' && cut->key_length == strlen(cut->list) &&
	    memcmp(cut->key, cut->list, cut->key_length) == 0) {
		cut->at = USH_CUT_FIRST;
		cut->found = true;
	}
	cut->depth++;
}

/* One byte outside the items; it is kept. */
static int step_rest(struct ush_cut *cut, char c, struct ush_error *err)
{
	if (cut->ended && !ush_lex_is_space(c))
		return bad(err, "something stands behind it");
	if (cut->depth == 0 && !cut->ended && c != '{' && !ush_lex_is_space(c))
		return bad(err, "it does not begin with a brace");
	if (keep(cut, c, err) != 0)
		return -1;
	if (cut->in_string) {
		step_string(cut, c);
		step_key(cut, c);
		if (!cut->in_string && cut->depth == 1 && cut->top == USH_CUT_KEY)
			cut->top = USH_CUT_COLON;
	} else if (c == '"') {
		cut->in_string = true;
		if (cut->depth == 1 && cut->top == USH_CUT_KEY)
			cut->key_length = 0;
	} else if (c == '{' || c == '[') {
		open_bracket(cut, c);
	} else if (c == '}' || c == ']') {
		cut->depth--;
		cut->ended = cut->depth == 0;
	} else if (cut->depth == 1 && c == ':') {
		cut->top = USH_CUT_VALUE;
	} else if (cut->depth == 1 && c == ',') {
		cut->top = USH_CUT_KEY;
	}
	return 0;
}

int ush_cut_feed(struct ush_cut *cut, const char *data, size_t length, struct ush_error *err)
{
	size_t i = 0;

	while (i < length) {
		size_t from = i;

		if (cut->at == USH_CUT_INSIDE) {
			i = (size_t)(item_end(cut, data + i, data + length) - data);
			if (take_item(cut, data, from, i, err) != 0)
				return -1;
		} else if (cut->at == USH_CUT_OUTSIDE) {
			if (step_rest(cut, data[i++], err) != 0)
				return -1;
		} else {
			if (step_between(cut, data[i], err) != 0)
				return -1;
			i += cut->at != USH_CUT_INSIDE;
		}
	}
	return 0;
}

int ush_cut_end(const struct ush_cut *cut, struct ush_error *err)
{
	return cut->ended ? 0 : ush_fail(err, USH_ERR_INCOMPLETE, "a list that ends in the middle");
}
