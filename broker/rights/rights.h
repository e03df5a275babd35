/* SPDX-License-Identifier: Apache-2.0
 *
 * What this policy makes the broker do, as RBAC rules: no more than that may it be allowed. Binding a role takes the verb
 * `bind` on that very role (resourceNames), writing a Role takes holding its rules; `escalate` is never asked for. Where
 * every grant names its namespaces, the right to write is one Role a namespace; a grant that means namespaces by pattern
 * or label makes it a ClusterRole.
 */
#ifndef USH_RIGHTS_RIGHTS_H
#define USH_RIGHTS_RIGHTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "broker/policy/policy.h"
#include "common/base/error.h"
#include "common/kube/client.h"
#include "common/kube/rbac.h"

struct ush_right {
	char *namespace_name; /* NULL: the whole cluster */
	struct ush_rule *rules;
	size_t count;
};

struct ush_rights { /* the cluster's first, then by namespace */
	struct ush_right *items;
	size_t count;
};

/* needs.c, pure: what plan and apply of this policy ask of the API server. rights: empty. */
void ush_rights_of(struct ush_rights *rights, const struct ush_policy *policy, const char *state_namespace);

/* What --events asks beyond that: wherever something is written, to create Events. */
void ush_rights_add_events(struct ush_rights *rights, const struct ush_policy *policy);

/* lifecycle.c, pure. What onboard of namespaces asks beyond that: an addition, for a ServiceAccount of its own. */
void ush_rights_add_onboard(struct ush_rights *rights, const struct ush_policy *policy, const char *state_namespace);

/* What offboard (and readmit) of this policy asks, without --take-from-others: that would take the right to bind whatever role
 * such a binding names. What elevate (and break-glass, elevations, review) asks. rights: empty. */
void ush_rights_of_offboard(struct ush_rights *rights, const struct ush_policy *policy, const char *state_namespace);
void ush_rights_of_elevate(struct ush_rights *rights, const struct ush_policy *policy, const char *state_namespace);

/* purpose.c: what rights are printed for, by name and by the verb that needs them. */
struct ush_purpose {
	const char *name, *account;   /* "offboard", and who does it unless said: "usher-offboard" */
	const char *const *verbs;     /* ended by NULL */
	void (*need)(struct ush_rights *rights, const struct ush_policy *policy, const char *state_namespace);
	bool events; /* these verbs take --events */
};
const struct ush_purpose *ush_purpose_named(const char *name);
const struct ush_purpose *ush_purpose_of(const char *verb); /* of the sync, when no other has that verb */

void ush_rights_free(struct ush_rights *rights);
#define USH_AUTO_RIGHTS __attribute__((cleanup(ush_rights_free))) struct ush_rights

/* print.c, pure: ServiceAccount, Roles and bindings as a list of objects, in the order to create them. Owned by the caller. */
json_t *ush_rights_objects(const struct ush_rights *rights, const char *namespace_name, const char *account);

/*
 * check.c: what we are allowed beyond that, by SelfSubjectRulesReview in the state's namespace and in the first
 * USH_RIGHTS_LOOKED namespaces that the policy names. *more is "delete secrets, for example", or NULL when there is
 * nothing; owned by the caller. What everybody who signed in may do (discovery, reviews of oneself) does not count.
 */
#define USH_RIGHTS_LOOKED 8
int ush_rights_check(const struct ush_kube *kube, const struct ush_rights *rights, const char *state_namespace, char **more, struct ush_error *err);

/* Who the API server takes us for (SelfSubjectReview): "system:serviceaccount:ops:usher-broker". Owned by the caller. */
int ush_rights_who(const struct ush_kube *kube, char **name, struct ush_error *err);

#endif
