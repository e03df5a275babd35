/* SPDX-License-Identifier: Apache-2.0
 *
 * One policy rule against one request, and rules against rules, as the API server's RBAC authorizer and its escalation
 * guard decide it. Pure.
 */
#ifndef USH_KUBE_MATCH_H
#define USH_KUBE_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/text.h"
#include "common/kube/rbac.h"

struct ush_request {
	const char *verb, *group, *resource;
	const char *subresource; /* NULL: none */
	const char *name;        /* NULL: a request without one (create, list of all) */
};

/* Whether the rule allows the request. "pods" is not "pods/log"; a star inside a word is no wildcard. */
bool ush_rule_allows(const struct ush_rule *rule, const struct ush_request *request);

/* The same but for resourceNames, which the caller looks at. */
bool ush_rule_reaches(const struct ush_rule *rule, const struct ush_request *request);

/* Whether the rule allows the verb on a path such as "/healthz/etcd". */
bool ush_rule_allows_url(const struct ush_rule *rule, const char *verb, const char *url);

/* Whether everything that `rule` allows is allowed by owners, each atom by a single one of them. A rule of more than
 * 100,000 atoms is not looked at and counts as not covered. */
bool ush_rules_cover(const struct ush_rule *const *owners, size_t count, const struct ush_rule *rule);

/* True when the rule can do nothing through a RoleBinding: it names cluster-scoped kinds or URLs alone. */
bool ush_rule_is_inert_in_namespace(const struct ush_rule *rule);

/* "get, list secrets; named a" for people. */
void ush_rule_text(struct ush_buf *out, const struct ush_rule *rule);

#endif
