/* SPDX-License-Identifier: Apache-2.0
 *
 * What a new namespace gets (`templates` of a policy): labels, pod security, quota, limits, network policy, roles.
 *
 * Each role is a grant, too (policy.h, ush_grant.of_template): for every namespace that carries the label
 * USH_LABEL_TEMPLATE with the template's mark, and for each capture of its group the label USH_TEMPLATE_VALUE_PREFIX and
 * the capture's name with what it captures. So what onboard gives a namespace is what every later run keeps. Until what
 * keeps a new namespace apart stands, the mark is under USH_LABEL_ONBOARDING, which no template's role asks for.
 */
#ifndef USH_POLICY_TEMPLATE_H
#define USH_POLICY_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/kube/rbac.h"

#define USH_LABEL_TEMPLATE	  "usher.dev/template"	  /* of a namespace: the template's mark */
#define USH_LABEL_ONBOARDING	  "usher.dev/onboarding"  /* the same, of one that is half made */
#define USH_TEMPLATE_VALUE_PREFIX "template.usher.dev/" /* "template.usher.dev/team": what {team} is here */

struct ush_template_role {
	size_t role, source; /* indexes into the policy; source as a grant's */
	char *group; /* as a grant's; may hold captures that onboard is told: "/teams/{team}/developers" */
	size_t grant; /* index into the policy: the grant that it is */
};

struct ush_template {
	char *name;
	char *mark;			 /* ush_template_mark's */
	unsigned int line;		 /* where it stands */
	struct ush_list labels, annotations; /* "key=value" */
	char *enforce, *audit, *warn;	 /* levels of pod security, or NULL */
	char *pods_version;		 /* "v1.36", "latest", or NULL */
	struct ush_list quota;		 /* "requests.cpu=4" */
	struct ush_list range_default, range_request, range_max, range_min; /* "memory=512Mi" */
	bool default_deny, allow_dns, allow_same_namespace;
	bool automount; /* of the token of ServiceAccount default */
	long max_namespaces; /* for the same values; 0: no limit */
	struct ush_template_role *roles;
	size_t role_count;
};

/* What a namespace says of the template that it was made from: "team", and of a policy that is not called default
 * "POLICY.team"; a template's name has no dot. The caller frees. */
char *ush_template_mark(const char *policy, const char *template);

/* What of a mark is the template's name, where it is one of this policy's; else NULL. Points into mark. */
const char *ush_template_of_mark(const char *policy, const char *mark);

/* What it holds. */
void ush_template_free(struct ush_template *template);

#endif
