/* SPDX-License-Identifier: Apache-2.0
 *
 * How rights are put together; for broker/rights alone. Pure.
 */
#ifndef USH_RIGHTS_BUILD_H
#define USH_RIGHTS_BUILD_H

#include "broker/rights/rights.h"

struct ush_given { /* a role of the policy's in a namespace, NULL: in all; borrowed */
	const char *namespace_name;
	const struct ush_policy_role *role;
};

/* What is needed in that namespace (NULL: in the whole cluster); made when there is none yet. Good until the next call. */
struct ush_right *ush_rights_in(struct ush_rights *rights, const char *namespace_name);

/* One more rule, its lists as "a b c". Good until the next call. */
struct ush_rule *ush_right_add(struct ush_right *right, const char *verbs, const char *group, const char *resources);

/* To bind these roles, by name; and these verbs on Roles where one of them is the policy's own. written NULL: none. */
void ush_right_add_roles(struct ush_right *right, const struct ush_given *given, size_t count, const char *written);

/* Calls need for each namespace of given, with all of it that is of that one; each role once. given is sorted on the way. */
void ush_rights_each_place(struct ush_rights *rights, struct ush_given *given, size_t count,
			   void (*need)(struct ush_right *right, const struct ush_given *given, size_t count));

/* Where something that is said by name or pattern is needed: a pattern is no name, and means the whole cluster (NULL). */
const char *ush_rights_place(const char *pattern);

/* What the policy's grants give where: everywhere, when one of them means namespaces by pattern or label. The caller frees. */
struct ush_given *ush_rights_granted(const struct ush_policy *policy, size_t *count);

/* Likewise what the policy lets be given for a time. */
struct ush_given *ush_rights_timed(const struct ush_policy *policy, size_t *count);

/* Drops what another rule gives as well, and sorts by namespace. */
void ush_rights_settle(struct ush_rights *rights);

#endif
