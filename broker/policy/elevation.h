/* SPDX-License-Identifier: Apache-2.0
 *
 * Roles for a time (`elevation` and `breakGlass` of a policy): what a person may be given for an hour, and what may be taken
 * in an emergency, when the provider cannot be asked. Pure.
 */
#ifndef USH_POLICY_ELEVATION_H
#define USH_POLICY_ELEVATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/kube/rbac.h"

struct ush_policy;

struct ush_elevation { /* one of elevation.allow */
	struct ush_list roles, namespaces; /* names of the policy's roles, each a ClusterRole; namespaces or patterns of them */
	int64_t most;			   /* s */
};

struct ush_seal { /* one of breakGlass */
	char *name;
	struct ush_list groups, users; /* as the API server calls them */
	struct ush_list accounts;      /* "namespace/name" */
	size_t role;		       /* index into the policy: a ClusterRole */
	struct ush_list namespaces;
	int64_t most, until; /* s; Unix seconds from which on it is worth nothing */
	char *owner;
	char *sealed; /* its signature (seal.h of lifecycle), or NULL */
};

/*
 * The longest that a role may be given in a namespace, in seconds; 0: not at all. A pattern means no namespace of the
 * cluster's own (kube-*, default) and not the one where the ledger lives: those must be named; and none that is excluded.
 */
int64_t ush_elevation_most(const struct ush_policy *policy, const char *role, const char *namespace_name, const char *state_namespace);
bool ush_seal_reaches(const struct ush_policy *policy, const struct ush_seal *seal, const char *namespace_name, const char *state_namespace);
const struct ush_seal *ush_seal_find(const struct ush_policy *policy, const char *name);

void ush_elevation_free(struct ush_elevation *elevation);
void ush_seal_free(struct ush_seal *seal);

#endif
