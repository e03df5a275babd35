/* SPDX-License-Identifier: Apache-2.0
 *
 * Many texts (paths of groups, names of namespaces), so that those which a pattern matches are found without a look at
 * each one: a thousand patterns among ten thousand texts cost what they find, not their product. The answer is always
 * that of ush_pattern_match, text by text. Pure.
 */
#ifndef USH_POLICY_LEXICON_H
#define USH_POLICY_LEXICON_H

#include <stddef.h>
#include <stdint.h>

struct ush_lexicon;

/* The texts and the array of them are borrowed, at most UINT32_MAX. They are sorted only once questions were asked that
 * would have cost as much. */
struct ush_lexicon *ush_lexicon_new(const char *const *texts, size_t count);
void ush_lexicon_free(struct ush_lexicon *lexicon);

static inline void ush_lexicon_free_indirect(struct ush_lexicon **lexicon)
{
	ush_lexicon_free(*lexicon);
}

#define USH_AUTO_LEXICON __attribute__((cleanup(ush_lexicon_free_indirect))) struct ush_lexicon *

/* How many texts the pattern matches; *found are their numbers, ascending, borrowed until the next question. */
size_t ush_lexicon_match(struct ush_lexicon *lexicon, const char *pattern, const uint32_t **found);

#endif
