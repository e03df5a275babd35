/* SPDX-License-Identifier: Apache-2.0
 *
 * What the source entra keeps from one reading of changes to the next, in deltaFile: groups with their direct members,
 * users, and for each of the two lists the link at which Graph goes on. A file as cache.h says, bound to tenant, client,
 * endpoint and filter, so that another policy begins anew.
 *
 * Graph may tell a change more than once and spread one group over many pages, so every change is merged in by id.
 */
#ifndef USH_SOURCE_ENTRA_KEPT_H
#define USH_SOURCE_ENTRA_KEPT_H

#include <jansson.h>
#include <stdbool.h>

#include "broker/policy/policy.h"
#include "broker/source/cache.h"
#include "common/base/error.h"

#define USH_KEPT_MEMBERSHIPS 2000000

enum ush_kept_list { USH_KEPT_GROUPS, USH_KEPT_USERS };

struct ush_kept {
	struct ush_cache cache;
	char bound[65];
	json_t *root;
	size_t memberships;
};

/* A file that is missing, damaged, not ours or of another policy gives an empty one. */
void ush_kept_load(struct ush_kept *kept, const struct ush_policy_source *source, const char *endpoint);

/* Where it cannot be, the proof says so. */
void ush_kept_save(struct ush_kept *kept, struct ush_groups *groups);
void ush_kept_free(struct ush_kept *kept);
#define USH_AUTO_KEPT __attribute__((cleanup(ush_kept_free))) struct ush_kept

/* The link at which a list goes on, or NULL: from the start. Setting NULL forgets all that is known of the list. */
const char *ush_kept_link(const struct ush_kept *kept, enum ush_kept_list list);
void ush_kept_go_on(struct ush_kept *kept, enum ush_kept_list list, const char *link);

/* Merges an item of a page of changes. USH_ERR_INCOMPLETE. */
int ush_kept_merge(struct ush_kept *kept, enum ush_kept_list list, const json_t *item, struct ush_error *err);

/* What is known, by id; items are {"name", "hidden", "members": {id: kind}} and {"userPrincipalName", "mail",
 * "accountEnabled"}. A group that is gone has "gone": it may be restored with the members it had; so has a user, for his
 * groups may not be told that he left them. */
const json_t *ush_kept_items(const struct ush_kept *kept, enum ush_kept_list list);

enum ush_kept_kind { USH_KEPT_ANY, USH_KEPT_USER, USH_KEPT_GROUP, USH_KEPT_OTHER }; /* of a member */

#endif
