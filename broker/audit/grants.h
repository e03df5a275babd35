/* SPDX-License-Identifier: Apache-2.0
 *
 * Who holds what, by which binding: roles looked up and resolved (aggregation, defaults), every binding with what its
 * role comes to in the binding's scope, and an index from subject and scope to the powers held there. Pure.
 */
#ifndef USH_AUDIT_GRANTS_H
#define USH_AUDIT_GRANTS_H

#include "broker/audit/audit.h"
#include "broker/audit/powers.h"

enum ush_role_state {
	USH_ROLE_FOUND,
	USH_ROLE_ASSUMED, /* not among what was read; Kubernetes' own of that name is taken for it */
	USH_ROLE_UNKNOWN, /* its kind could not be read whole */
	USH_ROLE_ABSENT,  /* it does not exist (manifests: it is not in them) */
};

struct ush_role {
	const struct ush_rbac *object; /* the first of that name */
	const struct ush_rule **rules; /* resolved */
	size_t rule_count;
	struct ush_powers powers; /* through a ClusterRoleBinding */
	bool assumed;             /* out of the table of defaults, not read */
};

enum ush_origin {
	USH_FOREIGN, /* no default of that name */
	USH_DEFAULT, /* a default, and nothing was added to it */
	USH_CHANGED, /* named as a default, and more than that */
};

struct ush_binding {
	const struct ush_rbac *binding;
	const struct ush_role *role; /* NULL unless FOUND or ASSUMED */
	enum ush_role_state state;
	enum ush_origin origin;
	struct ush_powers powers; /* in the binding's scope */
};

struct ush_holder {
	const char *kind, *space, *name; /* of the subject; space is "" but for a ServiceAccount */
	const char *scope;               /* "" is the whole cluster */
	struct ush_powers powers;        /* by all bindings of exactly this subject in exactly this scope */
	uint32_t judged;                 /* the whole and named powers of it that are not by a default binding */
};

struct ush_grants {
	const struct ush_inventory *inventory;
	const struct ush_baseline *baseline;
	struct ush_role *roles; /* sorted by kind, namespace, name */
	size_t role_count;
	struct ush_binding *items;
	size_t count;
	struct ush_holder *holders; /* sorted */
	size_t holder_count;
	char **buffers; /* names that holders borrow */
	size_t buffer_count;
	unsigned int work; /* spent on selectors */
};

void ush_grants_build(struct ush_grants *grants, const struct ush_inventory *inventory,
		      const struct ush_baseline *baseline);
void ush_grants_free(struct ush_grants *grants);
#define USH_AUTO_GRANTS __attribute__((cleanup(ush_grants_free))) struct ush_grants

/* For ush_grants_build alone (subjects.c). */
void ush_holders_build(struct ush_grants *grants);

/* True when aggregation was too large to be worked out: the verdict is incomplete. */
bool ush_grants_gave_up(const struct ush_grants *grants);

const struct ush_role *ush_grants_role(const struct ush_grants *grants, enum ush_rbac_kind kind,
				       const char *namespace_name, const char *name);

/* ---- subjects ---- */

struct ush_identity {
	const char *kind, *space, *name;
};

/* A subject as RBAC sees it: User "system:serviceaccount:a:b" is ServiceAccount a/b (buffer takes the parts, the caller
 * frees). kind is NULL for one that matches nobody: an unknown kind, a ServiceAccount without a namespace. */
struct ush_identity ush_subject_identity(const struct ush_subject *subject, char **buffer);

/* True for the subjects that many are without anybody having put them there: system:anonymous, system:unauthenticated,
 * system:authenticated, system:serviceaccounts and those of a namespace. */
bool ush_subject_is_broad(const struct ush_subject *subject);

#define USH_IDENTITIES 4
/* The subject itself and the groups that everybody like it is in. Returns how many; [0] is itself; 0 when it matches
 * nobody. The caller frees buffer[0] and buffer[1]. */
size_t ush_subject_identities(const struct ush_subject *subject, struct ush_identity out[USH_IDENTITIES],
			      char *buffer[2]);

/* What exactly this identity holds in exactly this scope ("" the cluster), or NULL. */
const struct ush_holder *ush_grants_holder(const struct ush_grants *grants, const struct ush_identity *who,
					   const char *scope);

/* True when the identity is cluster-admin by content, itself or by a group. */
bool ush_grants_is_admin(const struct ush_grants *grants, const struct ush_identity *who);

/* ---- defaults ---- */

/* How a binding stands to the table; extra (as many as it has subjects) marks what is not in the table. */
enum ush_origin ush_binding_origin(const struct ush_baseline *baseline, const struct ush_rbac *binding, bool *extra,
				   bool *addon);

/* Likewise a role; extra marks its rules. An aggregated default may also hold what the roles it selects bring. */
enum ush_origin ush_role_origin(const struct ush_grants *grants, const struct ush_rbac *role, bool *extra, bool *addon);

/* True when an aggregated ClusterRole selects another by its labels. */
bool ush_role_selects(const struct ush_rbac *aggregated, const struct ush_rbac *role);

#endif
