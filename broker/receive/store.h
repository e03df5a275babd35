/* SPDX-License-Identifier: Apache-2.0
 *
 * The users and groups that were pushed, in memory: a resource never changes, another takes its place, so that a batch of
 * changes that could not be written is taken back as a whole. What is here is in the folder too once the batch is committed
 * (room.h); pure by itself.
 */
#ifndef USH_RECEIVE_STORE_H
#define USH_RECEIVE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/receive/scim.h"

#define USH_STORE_MEMBERSHIPS_MAX 2000000

struct ush_resource {
	uint32_t number; /* of its place: in the order in which they were made */
	enum ush_scim_kind kind;
	char id[USH_SCIM_ID];
	char *text;	/* what is kept (resource.h) as canonical JSON */
	char *key;	/* its userName or displayName, folded: one of a kind has it */
	char *external; /* its externalId, or NULL */
	char *called;	/* what groups.json calls it; NULL: it has no such name */
	bool active;
	int64_t created, modified; /* milliseconds */
	int64_t version;
	uint32_t *members; /* numbers, sorted; of a group */
	size_t member_count;
};

struct ush_store {
	struct ush_resource **items; /* by number; NULL where one was deleted */
	size_t count;
	size_t users, groups, memberships;
	bool groups_seen; /* there was a group, ever */
	size_t max_users, max_groups;
	const char *people; /* by what users are called: ush_scim_people_name */
	void *ids, *keys; /* trees */
	struct ush_undo {
		uint32_t number;
		struct ush_resource *old;
	} *undo;
	size_t undo_count;
	bool undo_seen; /* groups_seen as it was */
};

void ush_store_free(struct ush_store *store);

struct ush_resource *ush_store_find(const struct ush_store *store, const char *id);
struct ush_resource *ush_store_named(const struct ush_store *store, enum ush_scim_kind kind, const char *name);

/* How it is kept, parsed. */
json_t *ush_resource_json(const struct ush_resource *resource);
bool ush_resource_has(const struct ush_resource *group, uint32_t number);

/* A resource is made (id not there yet), or gets another text and other members: both are the caller's no longer. 409
 * uniqueness, 507 when there is no room. On failure the store is as before and both are freed. */
struct ush_resource *ush_store_put(struct ush_store *store, const struct ush_resource *as, json_t *kept, uint32_t *members, size_t member_count,
				   struct ush_scim_fault *fault);

/* It is gone, and it is no member any more. */
void ush_store_delete(struct ush_store *store, struct ush_resource *resource, int64_t at);

/* What was done since the last keep is kept; or taken back. */
void ush_store_keep(struct ush_store *store);
void ush_store_take_back(struct ush_store *store);

/* ---- record.c: changes as lines ---- */

/* What made `now` (NULL: deleted) of `old` (NULL: new), as one JSON object. at is for a deletion. */
json_t *ush_store_record(const struct ush_store *store, const struct ush_resource *old, const struct ush_resource *now, int64_t at);

/* The same done again. -1 for one that does not fit. */
int ush_store_replay(struct ush_store *store, const json_t *record);

#endif
