/* SPDX-License-Identifier: Apache-2.0
 *
 * What a new namespace gets (`templates` of a policy): labels, pod security, quota, limits, network policy, roles.
 */
#ifndef USH_POLICY_TEMPLATE_H
#define USH_POLICY_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/kube/rbac.h"

struct ush_template_role {
	size_t role; /* index into the policy */
	char *group; /* as a grant's; may hold captures that onboard is told: "/teams/{team}/developers" */
};

struct ush_template {
	char *name;
	unsigned int line;		 /* where it stands */
	struct ush_list labels, annotations; /* "key=value" */
	char *enforce, *audit, *warn;	 /* levels of pod security, or NULL */
	char *pods_version;		 /* "v1.36", "latest", or NULL */
	struct ush_list quota;		 /* "requests.cpu=4" */
	struct ush_list range_default, range_request, range_max, range_min; /* "memory=512Mi" */
	bool default_deny, allow_dns, allow_same_namespace;
	bool automount; /* of the token of ServiceAccount default */
	struct ush_template_role *roles;
	size_t role_count;
};

/* What it holds. */
void ush_template_free(struct ush_template *template);

#endif
