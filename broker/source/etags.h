/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers kept with their ETags (RFC 9110 section 8.8.3), so that a page that did not change is answered 304 and costs
 * nothing of a limit: within one reading (the list is read twice), and in a file from one run to the next. What is kept is
 * asked about each time; nothing is taken from the file unless the provider says that it still holds.
 */
#ifndef USH_SOURCE_ETAGS_H
#define USH_SOURCE_ETAGS_H

#include <jansson.h>

#include "broker/source/api.h"
#include "broker/source/cache.h"

struct ush_etags {
	struct ush_cache cache; /* without a path: in memory alone */
	char *bound;        /* what the file is for: another organization's is not looked at */
	json_t *old, *now;  /* target -> {"match", "next", "body"}: of the file, and of this reading */
	const char ***lines; /* header lines that were handed out */
	size_t line_count;
};

/* path: cache.h; or NULL. */
void ush_etags_open(struct ush_etags *etags, const char *path, const char *bound);
void ush_etags_close(struct ush_etags *etags);

/* "If-None-Match: ..." for a target, or NULL; as ush_api_chains takes it. */
const char *const *ush_etags_extra(struct ush_etags *etags, const char *target);

/* The body and the next page (RFC 8288; the caller frees) of an answer, whether it came now or is the kept one. The body
 * is borrowed. NULL when a 304 came for what is not kept. */
const json_t *ush_etags_take(struct ush_etags *etags, const char *target, struct ush_api_answer *answer, char **next);

/* Writes what this reading saw; the proof says where that cannot be. */
void ush_etags_save(struct ush_etags *etags, struct ush_groups *groups);

#endif
