/* SPDX-License-Identifier: Apache-2.0
 *
 * An AccessPolicy (usher.dev/v1): what is wanted, in the words of the person who wants it. Read strictly: an unknown
 * member, a role nobody defined, a group of Kubernetes' own (system:), a rule that would let people give themselves
 * more, is an error that names file, line, column and field. Pure, but for ush_policy_load.
 */
#ifndef USH_POLICY_POLICY_H
#define USH_POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/kube/rbac.h"

#define USH_POLICY_API   "usher.dev/v1"
#define USH_POLICY_BYTES (4U << 20) /* the largest policy file */

enum ush_group_name { USH_GROUP_LEAF, USH_GROUP_PATH, USH_GROUP_ID };
enum ush_source_type { USH_SOURCE_FILE, USH_SOURCE_KEYCLOAK };

struct ush_policy_source {
	char *name;
	enum ush_source_type type;
	char *path; /* file: already beside the policy */
	char *url, *realm, *client, *secret_file, *ca_file; /* keycloak; url without a slash at the end, ca_file may be NULL */
	bool loopback_http;
};

struct ush_policy_role {
	char *name;
	char *cluster_role; /* the ClusterRole it stands for, or NULL: rules of its own */
	struct ush_rule *rules;
	size_t rule_count;
};

struct ush_grant {
	size_t number;       /* grants[number] in the file */
	unsigned int line;   /* where it stands */
	char *group;         /* "/a/b" is a path, anything else a name; by id where the cluster is told ids */
	size_t source, role; /* indexes into the policy */
	struct ush_list namespaces;
	char *name;          /* the binding's own name, or NULL: role and hash */
	int64_t not_before, not_after; /* Unix seconds, 0: none. It holds from not_before up to, not including, not_after */
};

/* "20" or "25%". A percentage never stops the removal of USH_LIMIT_FEW or fewer. */
struct ush_limit {
	long count;   /* -1: none */
	long percent; /* -1: none */
};
#define USH_LIMIT_FEW 5

struct ush_policy {
	char *file;  /* as messages name it */
	char *name;  /* metadata.name, or "default": whose objects are ours */
	char digest[65]; /* SHA-256 of the text */
	char *group_prefix;
	enum ush_group_name group_name;
	struct ush_policy_source *sources;
	size_t source_count;
	struct ush_policy_role *roles;
	size_t role_count;
	struct ush_grant *grants;
	size_t grant_count;
	struct ush_limit remove_bindings, remove_people; /* 20 and 25% unless said */
	long vanished_runs;    /* complete runs without the group, 2 unless said */
	int64_t vanished_age;  /* seconds, 3600 unless said */
};

/*
 * Reads a policy; name is what messages call it, and files it mentions are beside it. NULL with USH_ERR_CONFIG on the
 * first fault; `faults`, when given, gets every fault as one line "name:line:column: field: why".
 */
struct ush_policy *ush_policy_read(const char *text, size_t length, const char *name, struct ush_list *faults, struct ush_error *err);

/* The same from a file, or stdin for "-". */
struct ush_policy *ush_policy_load(const char *path, struct ush_list *faults, struct ush_error *err);
void ush_policy_free(struct ush_policy *policy);

static inline void ush_policy_free_indirect(struct ush_policy **policy)
{
	ush_policy_free(*policy);
}

#define USH_AUTO_POLICY __attribute__((cleanup(ush_policy_free_indirect))) struct ush_policy *

/* True when more than the limit allows would go of `of`. */
bool ush_limit_exceeded(const struct ush_limit *limit, size_t gone, size_t of);

/* "20", "25 %" or "20 or 25 %" for a message; out holds at least 48 bytes. */
const char *ush_limit_text(const struct ush_limit *limit, char *out, size_t size);

#endif
