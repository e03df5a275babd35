/* SPDX-License-Identifier: Apache-2.0
 *
 * Patterns of names: "*" is any number of characters but "/", "{team}" the same but at least one, and remembered; what
 * was remembered may be put into another pattern: groupPattern "/teams/{team}/developers", namespacePattern "{team}-*".
 * A name that stands twice must be the same text twice. There is no escape: a text that holds a star or a brace fits no
 * pattern with captures, so what is put into another pattern is never one itself. Comparing costs no more than the
 * length of the pattern times that of the text, whatever they are. Pure.
 */
#ifndef USH_POLICY_PATTERN_H
#define USH_POLICY_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#define USH_CAPTURES_MAX     8
#define USH_PATTERN_MAX	     512  /* bytes of a pattern */
#define USH_PATTERN_TEXT_MAX 1024 /* of a text: a longer one is no group of ours (naming.h) and matches nothing */

struct ush_captures {
	struct {
		const char *name, *text; /* slices of the pattern and of the text matched */
		size_t name_length, text_length;
	} items[USH_CAPTURES_MAX];
	size_t count;
};

/* Why a text is no pattern ("{team is not closed"), or NULL. Then captures (may be NULL) has its names, without texts. */
const char *ush_pattern_wrong(const char *pattern, struct ush_captures *captures);

/* Why a pattern that texts are compared with may not stand as it is, or NULL: a capture that stands twice must the first
 * time be alone between its slashes, so that there is one way to read a text. Such a pattern matches nothing. */
const char *ush_pattern_unclear(const char *pattern);

/* True when the whole text matches; captures (may be NULL) then has what was remembered: of several ways the one in which
 * earlier parts are as short as can be. */
bool ush_pattern_match(const char *pattern, const char *text, struct ush_captures *captures);

/* The pattern with its captures put in; "*" stays. NULL when it names a capture that is not there. The caller frees. */
char *ush_pattern_fill(const char *pattern, const struct ush_captures *captures);

#endif
