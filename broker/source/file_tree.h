/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups from YAML or JSON that says at its end how much it holds, so a half-written one is seen:
 *
 *   groups:
 *   - {name: k8s-restricted-users, id: 7f1c, members: [carol@example.com, dave@example.com]}
 *   count: 1          # groups
 *   sha256: 0a1b...   # optional: of the groups as compact JSON with sorted keys (jq -jcS .groups | sha256sum)
 *
 * A group has a name or a path; without an id its path is its id; without members, nobody knows who is in it. It may say
 * `disabled` and `unresolvable`: how many more are in it who may not sign in, or have no name. A member `incomplete` beside
 * count says why the whole is not all, and nothing is concluded from it.
 */
#ifndef USH_SOURCE_FILE_TREE_H
#define USH_SOURCE_FILE_TREE_H

#include "broker/source/source.h"

/* name is what messages call it. What is wrong makes groups incomplete. */
void ush_groups_from_tree(const char *text, size_t length, const char *name, struct ush_groups *groups);

/* One id is one group: the second one would take the first one's place in the next run. */
void ush_groups_check_ids(const char *name, struct ush_groups *groups);

#endif
