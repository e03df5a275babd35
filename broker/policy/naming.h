/* SPDX-License-Identifier: Apache-2.0
 *
 * Names: what a group is called at the API server, what an object of ours is called, what may be called so. Pure.
 */
#ifndef USH_POLICY_NAMING_H
#define USH_POLICY_NAMING_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/policy/policy.h"

/* Lower-case hex of SHA-256, 64 digits and a NUL. */
void ush_sha256_hex(const void *data, size_t length, char out[65]);

/* The last part of a path: "b" of "/a/b", all of "b". Points into path. */
const char *ush_name_leaf(const char *path);

/* What the API server calls the group: prefix and name, path or id, as the policy says (groupCase: lower makes A-Z of
 * what follows the prefix lower-case). The caller frees. A group's name is not always the leaf of its path: Keycloak
 * allows a "/" in names. */
char *ush_name_group(const struct ush_policy *policy, const char *id, const char *name, const char *path);

/* The same without the prefix and in its own case: one of the three. */
const char *ush_name_said(const struct ush_policy *policy, const char *id, const char *name, const char *path);

/* True when this group is one that a policy's `group` means: "/a/b" by its path, else by name, or by id where the
 * cluster is told ids. */
bool ush_name_refers(const char *wanted, const char *id, const char *name, const char *path, enum ush_group_name how);

/* True when the text holds something a reader of a plan would not see as it is. */
bool ush_name_deceives(const char *text);

/* Why a group may not be bound ("begins with system:"), or NULL when it may. */
const char *ush_name_group_refused(const char *text);

/* Why a text is no DNS label (a namespace, RFC 1123), no DNS subdomain (a Role), no path segment (a ClusterRole), or NULL. */
const char *ush_name_not_label(const char *text);
const char *ush_name_not_subdomain(const char *text);
const char *ush_name_not_segment(const char *text);

/* Why no object of RBAC's that is there can be called so: what the API server takes is wider than what a policy may say. */
const char *ush_name_not_object(const char *text);

/* Why a text is no key of a label ("example.com/team"), no value of one, or NULL. */
const char *ush_name_not_label_key(const char *text);
const char *ush_name_not_label_value(const char *text);

/*
 * "usher-ROLE-HASH": the name of the one binding of a role in a namespace. The hash is of policy, role kind and role
 * name, so another role has another name and a change of role never needs the old name (a roleRef is immutable).
 */
char *ush_name_binding(const char *policy, const char *role_kind, const char *role_name);

/* kubectl's ApplySet id of a parent object: "applyset-" base64url(SHA-256(name.namespace.kind.group)) "-v1". */
char *ush_name_applyset(const char *name, const char *namespace_name, const char *kind, const char *group);

#endif
