/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/needle.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/base/scrub.h"

#define LINE_LEAST   16 /* of a secret of several lines; shorter ones are its frame */
#define BASE64_LEAST 8
#define CUT_LEAST    12
#define CUT_MOST     16

static void add(struct ush_needles *needles, struct ush_needle needle)
{
	needle.text = ush_strndup(needle.text, needle.length);
	USH_PUSH(needles->items, needles->count, needle);
}

/* How much of it is a name of ours, which is in every second line and no secret. */
static size_t own_name(const char *text, size_t length)
{
	static const char *const names[] = {"usher-broker", "kubectl-usher"};

	for (size_t i = 0; i < USH_COUNT(names); i++)
		if (length > strlen(names[i]) && memcmp(text, names[i], strlen(names[i])) == 0)
			return strlen(names[i]);
	return 0;
}

/* "user:password" begins with what is no secret: only the whole counts. */
static size_t cut_at(const char *text, size_t length)
{
	size_t half = length / 2, own = own_name(text, length);

	if (own > 0)
		return length > own + CUT_LEAST ? own + CUT_LEAST : length;

	if (length < CUT_MOST || memchr(text, ':', length) != NULL)
		return length;
	return half < CUT_LEAST ? CUT_LEAST : half > CUT_MOST ? CUT_MOST : half;
}

/* A key in PEM is quoted by lines. */
static void add_lines(struct ush_needles *needles, const char *text, size_t length)
{
	bool many = memchr(text, '\n', length) != NULL;

	for (size_t at = 0, size; at < length; at += size + 1) {
		for (size = 0; at + size < length && text[at + size] != '\n' && text[at + size] != '\r'; size++)
			;
		if (size < (many ? LINE_LEAST : USH_SCRUB_LEAST) || (many && memcmp(text + at, "-----", 5) == 0))
			continue;
		add(needles, (struct ush_needle){.text = (char *)text + at, .length = size, .least = cut_at(text + at, size), .word = size < USH_SCRUB_ANYWHERE});
	}
}

/* Standard base64 of zeros bytes and then data, without padding; what is not wholly data's is left out at both ends. */
static void add_base64(struct ush_needles *needles, const char *data, size_t length, size_t zeros)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t first = (8 * zeros + 5) / 6, end = 8 * (zeros + length) / 6, size = end > first ? end - first : 0;
	char *text;

	if (size < BASE64_LEAST)
		return;
	text = ush_alloc(size + 1);
	for (size_t i = 0; i < size; i++) {
		unsigned int digit = 0;

		for (size_t bit = 6 * (first + i) - 8 * zeros, last = bit + 6; bit < last; bit++)
			digit = digit << 1 | ((unsigned char)data[bit / 8] >> (7 - bit % 8) & 1);
		text[i] = digits[digit];
	}
	add(needles, (struct ush_needle){.text = text, .length = size, .least = size >= CUT_MOST + BASE64_LEAST ? CUT_MOST : size, .base64 = true});
	ush_wipe_free(text, size);
}

void ush_needles_make(struct ush_needles *needles, const char *secret, size_t length)
{
	*needles = (struct ush_needles){0};
	if (secret == NULL || length < USH_SCRUB_LEAST)
		return;
	add_lines(needles, secret, length);
	for (size_t zeros = 0; zeros < 3; zeros++)
		add_base64(needles, secret, length, zeros);
}

void ush_needles_free(struct ush_needles *needles)
{
	for (size_t i = 0; i < needles->count; i++)
		ush_wipe_free(needles->items[i].text, needles->items[i].length);
	free(needles->items);
	*needles = (struct ush_needles){0};
}
