/* SPDX-License-Identifier: Apache-2.0
 *
 * Cuts the elements of one top-level array ("items") out of a JSON text that comes in pieces, so that a list of any
 * length needs the memory of its largest item. What is outside the items is kept: with them left out it is a small JSON
 * text. The cutter finds where items begin and end; that each is valid JSON is for whoever parses it to see.
 */
#ifndef USH_KUBE_CUT_H
#define USH_KUBE_CUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/text.h"

#define USH_CUT_ITEM (8U << 20)   /* bytes of one item */
#define USH_CUT_REST (256U << 10) /* bytes of everything else */

struct ush_cut {
	/* Called for each item; -1 (err filled) stops. */
	int (*item)(void *context, const char *text, size_t length, struct ush_error *err);
	void *context;
	const char *list;    /* the array's name, of seven letters at most */
	struct ush_buf rest; /* the text without its items: {"kind":...,"items":[],...} */
	bool found;          /* the array has begun */
	/* its own */
	struct ush_buf pending; /* an item whose end has not come yet; its limit is that of an item */
	unsigned int depth;
	char key[8]; /* of the top-level object, as far as it fits */
	size_t key_length;
	enum { USH_CUT_KEY, USH_CUT_COLON, USH_CUT_VALUE } top; /* what the top-level object is at */
	enum {
		USH_CUT_OUTSIDE,
		USH_CUT_FIRST,
		USH_CUT_NEXT,
		USH_CUT_AFTER,
		USH_CUT_INSIDE
	} at; /* where in the items */
	bool in_string, escaped, ended;
};

#define USH_CUT_INIT(function, its_context)                                                                            \
	{                                                                                                              \
		.item = (function), .context = (its_context), .list = "items", .rest = USH_BUF_MAX(USH_CUT_REST),                       \
		.pending = USH_BUF_MAX(USH_CUT_ITEM)                                                                   \
	}

/* Takes a piece. USH_ERR_REJECTED for a text that is no object, has items that are no objects, or passes a cap. */
int ush_cut_feed(struct ush_cut *cut, const char *data, size_t length, struct ush_error *err);

/* After the last piece: USH_ERR_INCOMPLETE when the text ended before its last bracket. */
int ush_cut_end(const struct ush_cut *cut, struct ush_error *err);

void ush_cut_free(struct ush_cut *cut);
#define USH_AUTO_CUT __attribute__((cleanup(ush_cut_free))) struct ush_cut

#endif
