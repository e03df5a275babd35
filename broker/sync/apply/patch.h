/* SPDX-License-Identifier: Apache-2.0
 *
 * How an object of ours is changed: by JSON merge patch (RFC 7386) with the resourceVersion that the plan saw, which is
 * an Update to the API server, just as the create was that made the object.
 *
 * Why no server-side apply: what a create made belongs to (usher-broker, Update), and the server takes (usher-broker,
 * Apply) for somebody else. A label, annotation or subject that an apply leaves out would still belong to the creator and
 * stay. And why no PUT: it would wipe the labels and annotations that others put on our objects (policy engines, backup
 * tools). A merge patch leaves those alone, replaces the lists that are access (subjects, rules) whole, takes the keys of
 * ours away that are not wanted any more, and is one request; managedFields show one owner for all of it, usher-broker.
 * resourceVersion makes it safe: when anything changed since the plan, nothing is written.
 */
#ifndef USH_SYNC_PATCH_H
#define USH_SYNC_PATCH_H

#include "broker/sync/plan/plan.h"
#include "common/base/text.h"

/* Every label and annotation key that any version of us put on a Role or RoleBinding; ended by NULL. */
extern const char *const ush_own_keys[];

/* Appends the patch that turns what is there into what the change wants; name: of the object, NULL: the change's. -1 when
 * the change has no body. */
int ush_change_patch(const struct ush_plan *plan, const struct ush_change *change, const char *name, const char *resource_version, struct ush_buf *out);

/* What is not there as the change wrote it although the API server said yes, by what it answered: a webhook, say, changed
 * it, and would again. "subjects, annotation usher.dev/role"; NULL when all is. The caller frees. Labels and annotations of
 * others are theirs. */
char *ush_change_unkept(const struct ush_plan *plan, const struct ush_change *change, const json_t *there);

#endif
