/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/audit/powers.h"

#include <string.h>

#include "common/kube/match.h"
#include "common/base/memory.h"

struct target {
	const char *group, *resource, *subresource;
};

/* A power is held by any of the verbs on any of the targets. */
static const struct {
	const char *verbs[4];
	bool cluster; /* the request has no namespace, so a RoleBinding never answers it */
	struct target targets[9];
} powers[USH_POWERS] = {
	[USH_READ_SECRETS] = {{"get", "list", "watch"}, false, {{"", "secrets"}}},
	[USH_ESCALATE_CLUSTERROLES] = {{"escalate"}, true, {{USH_RBAC_GROUP, "clusterroles"}}},
	[USH_WRITE_CLUSTERROLES] = {{"create", "update", "patch"}, true, {{USH_RBAC_GROUP, "clusterroles"}}},
	[USH_ESCALATE_ROLES] = {{"escalate"}, false, {{USH_RBAC_GROUP, "roles"}}},
	[USH_WRITE_ROLES] = {{"create", "update", "patch"}, false, {{USH_RBAC_GROUP, "roles"}}},
	[USH_BIND_CLUSTERROLES] = {{"bind"}, false, {{USH_RBAC_GROUP, "clusterroles"}}},
	[USH_BIND_ROLES] = {{"bind"}, false, {{USH_RBAC_GROUP, "roles"}}},
	[USH_WRITE_CLUSTERROLEBINDINGS] = {{"create", "update", "patch"},
					   true,
					   {{USH_RBAC_GROUP, "clusterrolebindings"}}},
	[USH_WRITE_ROLEBINDINGS] = {{"create", "update", "patch"}, false, {{USH_RBAC_GROUP, "rolebindings"}}},
	[USH_IMPERSONATE_USERS] = {{"impersonate"}, true, {{"", "users"}}},
	[USH_IMPERSONATE_GROUPS] = {{"impersonate"}, true, {{"", "groups"}}},
	[USH_IMPERSONATE_SERVICEACCOUNTS] = {{"impersonate"}, false, {{"", "serviceaccounts"}}},
	[USH_CREATE_PODS] = {{"create"}, false, {{"", "pods"}}},
	[USH_WRITE_WORKLOADS] = {{"create", "update", "patch"},
				 false,
				 {{"apps", "deployments"},
				  {"apps", "daemonsets"},
				  {"apps", "statefulsets"},
				  {"apps", "replicasets"},
				  {"batch", "jobs"},
				  {"batch", "cronjobs"},
				  {"", "replicationcontrollers"}}},
	[USH_EXEC_CREATE] = {{"create"}, false, {{"", "pods", "exec"}}},
	[USH_EXEC_GET] = {{"get"}, false, {{"", "pods", "exec"}}},
	[USH_PROXY_NODES] = {{"get", "create"}, true, {{"", "nodes", "proxy"}}},
	[USH_REQUEST_TOKENS] = {{"create"}, false, {{"", "serviceaccounts", "token"}}},
	[USH_CREATE_CSR] = {{"create"}, true, {{"certificates.k8s.io", "certificatesigningrequests"}}},
	[USH_APPROVE_CSR] = {{"update", "patch"},
			     true,
			     {{"certificates.k8s.io", "certificatesigningrequests", "approval"}}},
	[USH_APPROVE_SIGNER] = {{"approve"}, true, {{"certificates.k8s.io", "signers"}}},
	[USH_WRITE_MUTATING] = {{"create", "update", "patch"},
				true,
				{{"admissionregistration.k8s.io", "mutatingwebhookconfigurations"},
				 {"admissionregistration.k8s.io", "mutatingadmissionpolicies"}}},
	[USH_WRITE_VALIDATING] = {{"create", "update", "patch"},
				  true,
				  {{"admissionregistration.k8s.io", "validatingwebhookconfigurations"}}},
	[USH_WRITE_APISERVICES] = {{"create", "update", "patch"}, true, {{"apiregistration.k8s.io", "apiservices"}}},
};

enum hold { NOT, NAMED, WHOLE };

/* signers are named "domain/name" or "domain/" and a star. */
static bool names_client_signer(const struct ush_list *names)
{
	return ush_list_has(names, "kubernetes.io/kube-apiserver-client") || ush_list_has(names, "kubernetes.io/*");
}

/* In a resourceNames list a star is no wildcard, and no object is called so. */
static bool names_nothing(const struct ush_list *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i], "*") != 0)
			return false;
	return names->count > 0;
}

static enum hold holds(const struct ush_rule *rule, enum ush_power power)
{
	enum hold best = NOT;

	if (names_nothing(&rule->names))
		return NOT;
	for (const char *const *verb = powers[power].verbs; *verb != NULL; verb++) {
		if (!ush_list_has(&rule->verbs, "*") && !ush_list_has(&rule->verbs, *verb))
			continue;
		for (const struct target *t = powers[power].targets; t->resource != NULL; t++) {
			struct ush_request request = {.verb = *verb,
						      .group = t->group,
						      .resource = t->resource,
						      .subresource = t->subresource};

			if (!ush_rule_reaches(rule, &request))
				continue;
			if (rule->names.count == 0)
				return WHOLE;
			if (power == USH_APPROVE_SIGNER)
				best = names_client_signer(&rule->names) ? WHOLE : best;
			else if (t->subresource != NULL || strcmp(*verb, "create") != 0) /* a create has no name yet */
				best = NAMED > best ? NAMED : best;
		}
	}
	return best;
}

bool ush_rules_own_group(const struct ush_rule *const *rules, size_t count, const char *group)
{
	for (size_t i = 0; i < count; i++)
		if (rules[i]->names.count == 0 && ush_list_has(&rules[i]->verbs, "*") &&
		    ush_list_has(&rules[i]->resources, "*") &&
		    (ush_list_has(&rules[i]->groups, "*") || ush_list_has(&rules[i]->groups, group)))
			return true;
	return false;
}

struct ush_powers ush_powers_of(const struct ush_rule *const *rules, size_t count)
{
	struct ush_powers out = {0};

	for (size_t i = 0; i < count; i++)
		for (enum ush_power p = 0; p < USH_POWERS; p++) {
			enum hold hold = holds(rules[i], p);

			out.whole |= hold == WHOLE ? USH_BIT(p) : 0;
			out.named |= hold == NAMED ? USH_BIT(p) : 0;
		}
	out.named &= ~out.whole;
	out.admin = ush_rules_own_group(rules, count, "") && ush_rules_own_group(rules, count, USH_RBAC_GROUP);
	return out;
}

struct ush_powers ush_powers_in_namespace(struct ush_powers p)
{
	for (enum ush_power i = 0; i < USH_POWERS; i++)
		if (powers[i].cluster) {
			p.whole &= ~USH_BIT(i);
			p.named &= ~USH_BIT(i);
		}
	return p;
}

void ush_powers_add(struct ush_powers *p, struct ush_powers more)
{
	p->whole |= more.whole;
	p->named = (p->named | more.named) & ~p->whole;
	p->admin = p->admin || more.admin;
}

void ush_power_names(const struct ush_rule *const *rules, size_t count, enum ush_power power, struct ush_list *names)
{
	for (size_t i = 0; i < count; i++) {
		if (rules[i]->names.count == 0 || holds(rules[i], power) == NOT)
			continue;
		for (size_t n = 0; n < rules[i]->names.count; n++)
			ush_list_add(names, rules[i]->names.items[n]);
	}
}
