/* SPDX-License-Identifier: Apache-2.0
 *
 * Every place in a text where a word begins is kept, sorted by what follows there. What a pattern says between two of its
 * wildcards, from the first beginning of a word on, must stand at one of these places; the rarest of those is looked at.
 * A pattern that says nothing of the kind ("*x*"), or only what most texts hold, is compared with all.
 */
#include "broker/policy/lexicon.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "broker/policy/pattern.h"
#include "common/base/memory.h"
#include "common/base/search.h"

#define PATIENCE 64 /* times all texts may be looked at before sorting them is cheaper */

struct spot { /* a word begins here */
	uint32_t text, offset;
};

struct span { /* of spots, or of texts */
	size_t begin, end;
};

struct ush_lexicon {
	const char *const *texts;
	size_t count;
	size_t looked;	    /* texts, until now */
	struct spot *spots; /* NULL: not yet worth it */
	size_t spot_count;
	uint32_t *found; /* room for every text */
};

struct ush_lexicon *ush_lexicon_new(const char *const *texts, size_t count)
{
	struct ush_lexicon *l = ush_new(struct ush_lexicon);

	*l = (struct ush_lexicon){.texts = texts, .count = count, .found = ush_alloc((count + 1) * sizeof *l->found)};
	return l;
}

void ush_lexicon_free(struct ush_lexicon *l)
{
	if (l == NULL)
		return;
	free(l->spots);
	free(l->found);
	free(l);
}

/* ---- where words begin ---- */

static bool separates(char c)
{
	return c != '\0' && strchr("-/._:@ ", c) != NULL;
}

static int by_rest(const void *a, const void *b, void *texts)
{
	const struct spot *x = a, *y = b;
	const char *const *all = texts;
	int order = strcmp(all[x->text] + x->offset, all[y->text] + y->offset);

	return order != 0 ? order : (x->text > y->text) - (x->text < y->text);
}

static void sort_spots(struct ush_lexicon *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const char *text = l->texts[i];

		USH_PUSH(l->spots, l->spot_count, ((struct spot){(uint32_t)i, 0}));
		for (size_t at = 1; at <= USH_PATTERN_TEXT_MAX && text[at - 1] != '\0' && text[at] != '\0'; at++)
			if (separates(text[at - 1]))
				USH_PUSH(l->spots, l->spot_count, ((struct spot){(uint32_t)i, (uint32_t)at}));
	}
	if (l->spot_count > 0)
		qsort_r(l->spots, l->spot_count, sizeof *l->spots, by_rest, (void *)(uintptr_t)l->texts);
}

/* ---- what a pattern says ---- */

static int order(const struct ush_lexicon *l, size_t spot, const char *piece, size_t length, bool whole)
{
	const char *rest = l->texts[l->spots[spot].text] + l->spots[spot].offset;

	return whole ? strcmp(rest, piece) : strncmp(rest, piece, length);
}

/* The first spot whose rest is not before the piece, or (after) that neither is nor begins with it. */
static size_t bound(const struct ush_lexicon *l, const char *piece, size_t length, bool whole, bool after)
{
	return USH_FIRST_NOT(i, 0, l->spot_count, order(l, i, piece, length, whole) < (after ? 1 : 0));
}

/* Literal text of the pattern from `at` up to its next wildcard, or its end. */
static size_t literal(const char *at)
{
	return strcspn(at, "*{");
}

/* The fewest spots among which all texts that match must be; false: the pattern says nothing that could be looked up. */
static bool rarest(const struct ush_lexicon *l, const char *pattern, struct span *best)
{
	bool any = false;

	for (const char *at = pattern; *at != '\0';) {
		size_t length = literal(at), skip = 0;

		while (skip < length && at + skip != pattern && !(skip > 0 && separates(at[skip - 1])))
			skip++;
		if (skip < length) {
			bool whole = at[length] == '\0';
			struct span span = {bound(l, at + skip, length - skip, whole, false), bound(l, at + skip, length - skip, whole, true)};

			if (!any || span.end - span.begin < best->end - best->begin)
				*best = span;
			any = true;
		}
		at += length;
		if (*at == '{')
			at += strcspn(at, "}");
		at += *at != '\0';
	}
	return any;
}

/* ---- questions ---- */

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static size_t look_at_all(struct ush_lexicon *l, const char *pattern)
{
	size_t count = 0;

	l->looked += l->count;
	for (size_t i = 0; i < l->count; i++)
		if (ush_pattern_match(pattern, l->texts[i], NULL))
			l->found[count++] = (uint32_t)i;
	return count;
}

/* A text may have several of the spots, so there are no more than texts only once each is taken once. */
static size_t look_at(struct ush_lexicon *l, const char *pattern, struct span span)
{
	size_t candidates = span.end - span.begin, count = 0;

	for (size_t i = 0; i < candidates; i++)
		l->found[i] = l->spots[span.begin + i].text;
	qsort(l->found, candidates, sizeof *l->found, by_number);
	for (size_t i = 0; i < candidates; i++)
		if ((i == 0 || l->found[i] != l->found[i - 1]) && ush_pattern_match(pattern, l->texts[l->found[i]], NULL))
			l->found[count++] = l->found[i];
	return count;
}

size_t ush_lexicon_match(struct ush_lexicon *l, const char *pattern, const uint32_t **found)
{
	struct span span = {0};

	*found = l->found;
	if (l->spots == NULL && l->looked >= PATIENCE * l->count)
		sort_spots(l);
	if (l->spots != NULL && rarest(l, pattern, &span) && span.end - span.begin <= l->count / 2)
		return look_at(l, pattern, span);
	return look_at_all(l, pattern);
}
