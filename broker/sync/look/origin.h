/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a binding's subject came from: which group of which source stands behind "oidc:developers". Kept in an annotation
 * of the binding, so that a group that is gone can still be told from one nobody ever granted anything. Pure.
 */
#ifndef USH_SYNC_ORIGIN_H
#define USH_SYNC_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

struct ush_origin {
	char *text; /* as the API server calls the group */
	char *source, *id, *name, *path; /* NULL when nobody wrote it down */
	char *granted; /* what the policy calls it, where that is none of these any more: it was renamed. Else NULL */
};

struct ush_origins { /* sorted by text, each text once */
	struct ush_origin *items;
	size_t count;
};

/* Copies; a text that is there already stays as it is. */
void ush_origins_add(struct ush_origins *origins, const struct ush_origin *origin);
const struct ush_origin *ush_origins_find(const struct ush_origins *origins, const char *text);
void ush_origins_free(struct ush_origins *origins);
#define USH_AUTO_ORIGINS __attribute__((cleanup(ush_origins_free))) struct ush_origins

#define USH_ORIGINS_MAX 250000 /* bytes of the annotation: the API server takes 256 KiB for all of an object's together */

/* The annotation's value: JSON, byte-stable. The caller frees. */
char *ush_origins_text(const struct ush_origins *origins);

/* Adds what an annotation says; -1 when it is not what ush_origins_text writes. */
int ush_origins_read(struct ush_origins *origins, const char *text);

#endif
