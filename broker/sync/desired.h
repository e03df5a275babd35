/* SPDX-License-Identifier: Apache-2.0
 *
 * What should be there: for each grant and namespace a RoleBinding, and the Role it names when the policy writes the
 * rules itself. One RoleBinding a namespace and role, with many groups, unless a grant has a name of its own. Two steps:
 * the names come from the policy alone, the subjects from what the sources said. Pure; order of the input changes nothing.
 */
#ifndef USH_SYNC_DESIRED_H
#define USH_SYNC_DESIRED_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/policy/policy.h"
#include "broker/source/source.h"
#include "broker/sync/origin.h"
#include "common/kube/rbac.h"

#define USH_LABEL_MANAGED_BY  "app.kubernetes.io/managed-by"
#define USH_MANAGED_BY	      "usher-broker"
#define USH_LABEL_POLICY      "usher.dev/policy"
#define USH_LABEL_PART_OF     "applyset.kubernetes.io/part-of" /* kubectl's spelling, not the KEP's */
#define USH_ANNOTATION_ORIGIN "usher.dev/source-id"
#define USH_ANNOTATION_ROLE   "usher.dev/role"

/* What became of a grant's group. */
enum ush_fate {
	USH_FATE_PRESENT,
	USH_FATE_GONE,	    /* a complete source does not have it */
	USH_FATE_UNKNOWN,   /* the source is incomplete */
	USH_FATE_AMBIGUOUS, /* two groups fit, or share one name at the API server */
	USH_FATE_REFUSED,   /* its name may not be bound */
	USH_FATE_ENDED,	    /* notAfter has passed */
	USH_FATE_EARLY,	    /* notBefore has not come */
};

struct ush_resolved { /* of one grant */
	enum ush_fate fate;
	const struct ush_group *group; /* PRESENT: borrowed from the source's list */
	char *text;		       /* PRESENT: what the API server calls it */
	char *why;		       /* anything else: for people */
};

struct ush_wanted {
	enum ush_rbac_kind kind; /* USH_ROLE or USH_ROLE_BINDING */
	const char *namespace_name; /* borrowed from the policy */
	char *name;
	const struct ush_policy_role *role;
	size_t *grants; /* of a binding: whose groups are its subjects (indexes into the policy) */
	size_t grant_count;
	size_t role_at; /* of a binding: its Role in `items`, SIZE_MAX for a ClusterRole */
};

struct ush_desired {
	const struct ush_policy *policy;
	char *applyset;		   /* id of the set, as labels carry it */
	struct ush_wanted *items;  /* sorted by namespace, kind, name */
	size_t count;
	struct ush_resolved *resolved; /* one a grant */
};

/* Step one. state_namespace is where the set's parent lives (state.h). */
struct ush_desired *ush_desired_new(const struct ush_policy *policy, const char *state_namespace);

/* Step two: groups has one list a source of the policy. now in Unix seconds. */
void ush_desired_resolve(struct ush_desired *desired, const struct ush_groups *groups, int64_t now);
void ush_desired_free(struct ush_desired *desired);

static inline void ush_desired_free_indirect(struct ush_desired **desired)
{
	ush_desired_free(*desired);
}

#define USH_AUTO_DESIRED __attribute__((cleanup(ush_desired_free_indirect))) struct ush_desired *

/* Order of objects: namespace, then kind (Role first), then name. */
int ush_key_order(const char *namespace_a, enum ush_rbac_kind kind_a, const char *name_a, const char *namespace_b, enum ush_rbac_kind kind_b,
		  const char *name_b);
const struct ush_wanted *ush_desired_find(const struct ush_desired *desired, const char *namespace_name, enum ush_rbac_kind kind, const char *name);

/* The groups that are subjects of a wanted binding now. */
void ush_wanted_origins(const struct ush_desired *desired, const struct ush_wanted *wanted, struct ush_origins *out);

/* The object to write; origins are its subjects (NULL for a Role). name: another name, or NULL for its own. */
json_t *ush_wanted_json(const struct ush_desired *desired, const struct ush_wanted *wanted, const struct ush_origins *origins, const char *name);

/* "Role" or "ClusterRole", and the name, that a wanted binding refers to. */
const char *ush_wanted_role_kind(const struct ush_policy_role *role);
const char *ush_wanted_role_name(const struct ush_policy_role *role);

/* Equal digests: the same access, the same marks of ours. Labels and annotations of others do not count. */
void ush_rbac_digest(const struct ush_rbac *object, char out[65]);

#endif
