/* SPDX-License-Identifier: Apache-2.0
 *
 * What a source keeps in a file from one reading to the next, so that the next costs less. It is never needed: a file that
 * cannot be read, believed or written makes a reading dearer and says so in its proof, and that is all.
 *
 * The file is ours alone (0600, no link) and put in place whole, so of two runs at once each reads one that is whole and the
 * later one's stays. Its first line is a SHA-256 of all the rest and what the file is for; JSON follows. One with a bit of it
 * wrong, or for another place, is as good as none and is written anew; one that is not ours is left alone.
 */
#ifndef USH_SOURCE_CACHE_H
#define USH_SOURCE_CACHE_H

#include <jansson.h>

#include "broker/source/source.h"

#define USH_CACHE_MAX (256U << 20)

struct ush_cache {
	const char *path; /* or NULL: nothing is read or kept. Borrowed */
	char *trouble;    /* why nothing is kept, or NULL */
};

/* bound: one line. NULL when there is nothing to be believed. */
json_t *ush_cache_read(struct ush_cache *cache, const char *bound);
void ush_cache_write(struct ush_cache *cache, const char *bound, const json_t *data);

/* Adds the trouble to the proof of a complete reading. */
void ush_cache_tell(const struct ush_cache *cache, struct ush_groups *groups);
void ush_cache_close(struct ush_cache *cache);
#define USH_AUTO_CACHE __attribute__((cleanup(ush_cache_close))) struct ush_cache

#endif
