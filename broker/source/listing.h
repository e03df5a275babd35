/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of groups that is read twice, page by page: groups come once in each reading, the two readings have the same
 * ids, and groups that stand under one another get their paths.
 */
#ifndef USH_SOURCE_LISTING_H
#define USH_SOURCE_LISTING_H

#include "broker/source/api.h"
#include "broker/source/source.h"

#define USH_LISTING_DEPTH 32 /* of groups under groups */

struct ush_listing {
	struct ush_groups *groups;
	struct ush_list ids[2]; /* of the first and the second reading */
	int reading;            /* 0, 1 */
	char **parents;         /* id of the group above items[i] of the first reading, or NULL */
	void *seen;
};

void ush_listing_free(struct ush_listing *listing);
#define USH_AUTO_LISTING __attribute__((cleanup(ush_listing_free))) struct ush_listing

/* Takes a group: the first reading adds it, the second notes its id. path NULL: it follows from the parents. USH_ERR_INCOMPLETE
 * for one without an id or a name, or that came already. */
struct ush_listed {
	const char *id, *name, *path, *parent;
};
int ush_listing_add(struct ush_listing *listing, const struct ush_listed *group, struct ush_error *err);

/* The first reading is over: paths from parents. A parent that is not listed is one that we may not see, and a circle is a
 * lie: both are USH_ERR_INCOMPLETE. */
int ush_listing_paths(struct ush_listing *listing, struct ush_error *err);

/* What is read now is the second reading; and whether it agrees (else the groups are marked as incomplete). */
void ush_listing_again(struct ush_listing *listing);
bool ush_listing_agrees(struct ush_listing *listing);

/* A group by its id among those listed (the first reading's), or -1. From ush_listing_paths on. */
long ush_listing_find(const struct ush_listing *listing, const char *id);

/* A text of a member, or of an integer the digits; the caller frees. NULL when it is neither or empty. */
char *ush_listing_text(const json_t *object, const char *key);
char *ush_listing_value(const json_t *value);

/* Ids of the members of one group, all pages of it: sorts them. USH_ERR_INCOMPLETE when one came twice. */
int ush_listing_each_once(struct ush_list *ids, const char *path, struct ush_error *err);

/* An answer about the group with this id, where it says an id (said, or NULL). USH_ERR_INCOMPLETE when that is another's. */
int ush_listing_is(const char *id, const json_t *said, const char *path, struct ush_error *err);

#endif
