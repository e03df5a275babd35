/* SPDX-License-Identifier: Apache-2.0
 *
 * What is there: the Roles and RoleBindings that are ours, and those of others that stand where we want ours. Of all
 * others only the number is kept, so memory follows what is ours, not the cluster. Pure; observe.h looks.
 */
#ifndef USH_SYNC_OBSERVED_H
#define USH_SYNC_OBSERVED_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/sync/desired.h"
#include "broker/sync/origin.h"
#include "common/kube/rbac.h"

struct ush_seen {
	enum ush_rbac_kind kind;
	char *namespace_name, *name;
	char *uid, *resource_version; /* NULL from a folder */
	char *foreign;                /* NULL: ours. Else who made it: "made by helm (release ops)" */
	bool terminating;
	char *role;                   /* of a binding: "Role/x" */
	struct ush_origins subjects;  /* of a binding of ours: its groups */
	bool strangers;               /* a binding of ours has a subject that is no group */
	char *manager;                /* who wrote it last, or NULL */
	char digest[65];
	bool wanted;                  /* set by reconcile: some wanted object looked at it */
};

struct ush_observed {
	struct ush_seen *items; /* sorted by namespace, kind, name after ush_observed_sort */
	size_t count;
	size_t bindings_ours, bindings_others;
	struct ush_list namespaces; /* sorted; those that are being deleted are left out */
	bool namespaces_known;
	bool live;                  /* a cluster; else a folder */
	char *where;                /* "k8s.example.com" or the folder, raw */
};

/* Takes one object in. Fails with USH_ERR_INCOMPLETE on an RBAC object that is malformed, and on a binding of ours seen
 * twice (two manifests for one object). Other kinds are passed over. */
int ush_observed_add(struct ush_observed *observed, const struct ush_desired *desired, const json_t *object, struct ush_error *err);
int ush_observed_sort(struct ush_observed *observed, struct ush_error *err);
struct ush_seen *ush_observed_find(const struct ush_observed *observed, const char *namespace_name, enum ush_rbac_kind kind, const char *name);

/* True when objects can be put there: it exists, or nobody knows. */
bool ush_observed_has_namespace(const struct ush_observed *observed, const char *name);
void ush_observed_free(struct ush_observed *observed);
#define USH_AUTO_OBSERVED __attribute__((cleanup(ush_observed_free))) struct ush_observed

#endif
