/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom a grant means and where it reaches: the questions that a policy answers without anybody being asked. Pure.
 */
#ifndef USH_POLICY_REACH_H
#define USH_POLICY_REACH_H

#include "broker/policy/policy.h"

/* True when the grant's group or groupPattern means this group; captures (may be NULL) then has what was remembered. The
 * source is not looked at. */
bool ush_reach_means(const struct ush_policy *policy, const struct ush_grant *grant, const char *id, const char *name, const char *path,
		     struct ush_captures *captures);

enum ush_reach {
	USH_REACH_NOT,	    /* not meant */
	USH_REACH_YES,
	USH_REACH_EXCEPT,   /* meant, but for the grant's `except` */
	USH_REACH_EXCLUDED, /* meant, but for exclude.namespaces */
};

/* Does it reach a namespace with these labels (NULL: none)? captures are those of ush_reach_means. *by (may be NULL) is the
 * pattern that keeps it out, borrowed from the policy. */
enum ush_reach ush_reach_of(const struct ush_policy *policy, const struct ush_grant *grant, const struct ush_captures *captures,
				 const char *namespace_name, const json_t *labels, const char **by);

/* The pattern of the list that a group fits (paths where it begins with "/", else names), or a namespace; NULL: none. */
const char *ush_list_excludes_group(const struct ush_list *patterns, const char *name, const char *path);
const char *ush_list_excludes(const struct ush_list *patterns, const char *text);

#endif
