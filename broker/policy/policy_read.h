/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the policy's reader. Each fills its part of the policy from a node and notes faults in the reader.
 */
#ifndef USH_POLICY_READ_H
#define USH_POLICY_READ_H

#include "broker/policy/policy.h"
#include "broker/policy/reader.h"

void ush_policy_read_sources(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy);

/* Before roles and grants, which may be what an exception is for; after them its name is checked. */
void ush_policy_read_exceptions(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy);
void ush_policy_check_exceptions(struct ush_reader *r, const struct ush_node *node, const struct ush_policy *policy);
const struct ush_exception *ush_policy_exception(const struct ush_policy *policy, enum ush_exception_type type, const char *what);

void ush_policy_read_roles(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy);

/* After cluster, sources and roles: a grant names them. */
void ush_policy_read_grants(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy);
/* Adds to the error of a text that is no YAML what is probably meant. policy_syntax.c */
void ush_policy_syntax(const char *text, size_t length, const char *name, struct ush_error *err);
void ush_policy_check_names(struct ush_reader *r, const struct ush_node *node, const struct ush_policy *policy); /* policy_names.c */

/* group_pattern: the grant's, or NULL; values may name what it captures. */
void ush_policy_read_selector(struct ush_reader *r, const struct ush_node *node, const char *path, const char *group_pattern, struct ush_selector *selector);

/* After grants: the roles of templates become grants behind them. */
void ush_policy_read_templates(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy);

/* Faults for amounts of the template at path that the API server would refuse. policy_bounds.c */
void ush_policy_check_bounds(struct ush_reader *r, const struct ush_node *template, const char *path);

/* Appends the grant that a template's role is; "role" of the node at path was read. policy_grants.c */
void ush_policy_add_template_grant(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_policy *policy,
				   const struct ush_template *template, struct ush_template_role *role);

/* A fault for each name in braces that the group's pattern (NULL: there is none) does not capture. policy_captures.c */
void ush_policy_check_captures(struct ush_reader *r, const struct ush_node *at, const char *path, const char *text, const char *group_pattern);

/* Why a text is no value of a label even when something stands for its names in braces, or NULL. */
const char *ush_policy_not_captured_value(const char *text);

void ush_policy_read_elevation(struct ush_reader *r, const struct ush_node *top, struct ush_policy *policy);
void ush_policy_read_seals(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy);

/* The role that member "role" names, SIZE_MAX (and a fault) when there is none. policy_roles.c */
size_t ush_policy_read_role_name(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_policy *policy);

/* A file's name as the policy writes it: "~/x", "/x", or beside the policy. The caller frees. policy_sources.c */
char *ush_policy_beside(const struct ush_reader *r, const char *path);

#endif
