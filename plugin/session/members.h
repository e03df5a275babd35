/* SPDX-License-Identifier: Apache-2.0
 *
 * The members of a profile, as a table: one row a member. Between profile.c and members.c alone.
 */
#ifndef USH_SESSION_MEMBERS_H
#define USH_SESSION_MEMBERS_H

#include "common/data/yaml.h"
#include "plugin/session/profile.h"

/* Fills the profile (whose path is set) from its document. Errors are "path:line:column: member: why", USH_ERR_CONFIG. */
int ush_profile_members(struct ush_profile *profile, const struct ush_node *root, struct ush_error *err);

#endif
