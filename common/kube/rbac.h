/* SPDX-License-Identifier: Apache-2.0
 *
 * Role, ClusterRole, RoleBinding and ClusterRoleBinding (rbac.authorization.k8s.io/v1) as values: what the sync
 * compares and the audit judges. Read from JSON strictly; strings are owned by the object.
 */
#ifndef USH_KUBE_RBAC_H
#define USH_KUBE_RBAC_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

#define USH_RBAC_GROUP "rbac.authorization.k8s.io"

enum ush_rbac_kind { USH_ROLE, USH_CLUSTER_ROLE, USH_ROLE_BINDING, USH_CLUSTER_ROLE_BINDING };

struct ush_list { /* of owned strings, in the order written */
	char **items;
	size_t count;
};

struct ush_rule {
	struct ush_list verbs, groups, resources, names, urls; /* apiGroups, resourceNames, nonResourceURLs */
};

struct ush_subject {
	char *kind; /* User, Group, ServiceAccount (anything else matches nothing) */
	char *name;
	char *namespace_name; /* of a ServiceAccount; in a RoleBinding the binding's when left out; else NULL */
};

struct ush_rbac {
	enum ush_rbac_kind kind;
	char *namespace_name; /* NULL for the cluster kinds; "default" in a manifest that says none */
	char *name;
	char *uid;              /* NULL when read from a manifest */
	char *resource_version; /* likewise */
	json_t *labels;         /* object, never NULL */
	json_t *annotations;    /* object, never NULL */
	char *manager;    /* field manager that owns subjects/rules by the newest entry of managedFields, or NULL */
	bool owned;       /* has ownerReferences */
	bool terminating; /* has a deletionTimestamp */
	/* roles */
	struct ush_rule *rules;
	size_t rule_count;
	json_t *aggregation; /* aggregationRule of a ClusterRole, or NULL */
	/* bindings */
	char *role_kind, *role_name;
	struct ush_subject *subjects;
	size_t subject_count;
	/* where it was read: file and document of a manifest, NULL for a live object */
	char *origin;
};

/* The object's kind name: "RoleBinding". */
const char *ush_rbac_kind_name(enum ush_rbac_kind kind);

/* The API path of a kind's list (namespace NULL: all) or of one object; the caller frees. */
char *ush_rbac_list_path(enum ush_rbac_kind kind, const char *namespace_name);
char *ush_rbac_path(enum ush_rbac_kind kind, const char *namespace_name, const char *name);

/* Reads one object. *is_rbac is false (and NULL is returned without an error) when it is of another kind. Fails with
 * `code` and "kind namespace/name: field: why" on an RBAC object that does not have the API's shape. */
struct ush_rbac *ush_rbac_read(const json_t *object, enum ush_code code, bool *is_rbac, struct ush_error *err);
void ush_rbac_free(struct ush_rbac *object);

static inline void ush_rbac_free_indirect(struct ush_rbac **object)
{
	ush_rbac_free(*object);
}

#define USH_AUTO_RBAC __attribute__((cleanup(ush_rbac_free_indirect))) struct ush_rbac *

/* The object as JSON for a create, an apply or a manifest: apiVersion, kind, metadata (name, namespace, labels,
 * annotations) and rules or roleRef and subjects; no uid, resourceVersion, managedFields. Empty members are left out,
 * but rules and subjects are written even when they are empty: to an apply, leaving out is not emptying. With an
 * aggregationRule the rules are left out, a controller writes them. */
json_t *ush_rbac_to_json(const struct ush_rbac *object);

/* One text for what the API server acts on (rules; or roleRef and the subjects as a set): equal texts, equal access. */
char *ush_rbac_meaning(const struct ush_rbac *object);

void ush_rule_free(struct ush_rule *rule); /* what it holds */

void ush_list_add(struct ush_list *list, const char *text);
bool ush_list_has(const struct ush_list *list, const char *text);
void ush_list_sort(struct ush_list *list); /* and drops what stands twice */
json_t *ush_list_json(const struct ush_list *list); /* an array of its texts, owned by the caller */
char *ush_list_text(const struct ush_list *list);   /* "a, b", for people; the caller frees */
void ush_list_free(struct ush_list *list);

#endif
