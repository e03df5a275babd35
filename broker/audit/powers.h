/* SPDX-License-Identifier: Apache-2.0
 *
 * Powers: the few rights from which somebody gets further than he was meant to. Every role is boiled down to a set of
 * them once, so that a hundred thousand bindings are judged by bit operations. Pure.
 */
#ifndef USH_AUDIT_POWERS_H
#define USH_AUDIT_POWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/kube/rbac.h"

enum ush_power {
	USH_READ_SECRETS,
	USH_ESCALATE_CLUSTERROLES,
	USH_WRITE_CLUSTERROLES,
	USH_ESCALATE_ROLES,
	USH_WRITE_ROLES,
	USH_BIND_CLUSTERROLES,
	USH_BIND_ROLES,
	USH_WRITE_CLUSTERROLEBINDINGS,
	USH_WRITE_ROLEBINDINGS,
	USH_IMPERSONATE_USERS,
	USH_IMPERSONATE_GROUPS,
	USH_IMPERSONATE_SERVICEACCOUNTS,
	USH_CREATE_PODS,
	USH_WRITE_WORKLOADS,
	USH_EXEC_CREATE, /* create on pods/exec: exec on every version */
	USH_EXEC_GET,    /* get on pods/exec: exec by WebSocket up to 1.34 */
	USH_PROXY_NODES,
	USH_REQUEST_TOKENS,
	USH_CREATE_CSR,
	USH_APPROVE_CSR,
	USH_APPROVE_SIGNER, /* of client certificates for the API server */
	USH_WRITE_MUTATING,
	USH_WRITE_VALIDATING,
	USH_WRITE_APISERVICES,
	USH_POWERS
};

#define USH_BIT(power) (UINT32_C(1) << (power))

struct ush_powers {
	uint32_t whole; /* held over every object of the kind */
	uint32_t named; /* held by resourceNames alone */
	bool admin;     /* everything on everything in the core and rbac groups: cluster-admin by content */
};

struct ush_powers ush_powers_of(const struct ush_rule *const *rules, size_t count);

/* What is left of them through a RoleBinding: what is asked about cluster-scoped kinds is inert there. */
struct ush_powers ush_powers_in_namespace(struct ush_powers powers);

void ush_powers_add(struct ush_powers *powers, struct ush_powers more);

/* The resourceNames by which rules hold a power, all of them, as often as they stand there. */
void ush_power_names(const struct ush_rule *const *rules, size_t count, enum ush_power power, struct ush_list *names);

/* "everything on everything" in one API group, by a single rule. */
bool ush_rules_own_group(const struct ush_rule *const *rules, size_t count, const char *group);

#endif
