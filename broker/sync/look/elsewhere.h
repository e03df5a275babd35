/* SPDX-License-Identifier: Apache-2.0
 *
 * For a plan for a few namespaces: what bindings of all others say of who had the names before that somebody is to have now.
 * A group made anew under an old name is found by that where the state knows nothing of it yet. Nothing else of them is
 * kept, so memory follows what is granted. Which grants speak of a subject there is not asked, for of those namespaces no
 * label is known: such a plan may ask for a word where the whole one does not, and never the other way round. Pure.
 */
#ifndef USH_SYNC_ELSEWHERE_H
#define USH_SYNC_ELSEWHERE_H

#include "broker/sync/want/desired.h"

struct ush_seen;

struct ush_namesake {
	const char *source, *text, *id; /* a group that a grant means, and what the API server calls it; borrowed */
	char *before;		/* the id of another one that some binding says had that name; NULL: none */
	struct ush_seen *where; /* that binding: its namespace and name, and no more; or NULL */
};

struct ush_elsewhere {
	struct ush_namesake *items; /* sorted by text, source, id */
	size_t count, found;
};

/* desired outlives it. */
void ush_elsewhere_begin(struct ush_elsewhere *elsewhere, const struct ush_desired *desired);

/* Looks at a RoleBinding of another namespace (ush_item_rbac was asked of it); one that is not ours says nothing. */
void ush_elsewhere_take(struct ush_elsewhere *elsewhere, const struct ush_desired *desired, const struct ush_item *item);

/* The list begins anew. */
void ush_elsewhere_forget(struct ush_elsewhere *elsewhere);

/* Another group had this one's name, as some binding says; or NULL. */
const struct ush_namesake *ush_elsewhere_find(const struct ush_elsewhere *elsewhere, const char *source, const char *id, const char *text);
void ush_elsewhere_free(struct ush_elsewhere *elsewhere);

/* The text by which the API server means a group that the policy calls so. The caller frees. */
char *ush_granted_text(const struct ush_policy *policy, const char *granted);

#endif
