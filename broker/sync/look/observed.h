/* SPDX-License-Identifier: Apache-2.0
 *
 * What is there. An object that is just what is wanted leaves a mark and nothing else; one of ours that differs, or that
 * nobody wants, is kept whole, and so is one of somebody else that stands where we want ours; of all others only the
 * number is kept. So memory follows what is to be done, not the cluster. Pure; observe.h looks.
 */
#ifndef USH_SYNC_OBSERVED_H
#define USH_SYNC_OBSERVED_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/sync/decide/elevated.h"
#include "broker/sync/look/elsewhere.h"
#include "broker/sync/look/origin.h"
#include "broker/sync/want/desired.h"
#include "common/kube/rbac.h"
#include "common/kube/scan.h"

struct ush_seen {
	enum ush_rbac_kind kind;
	char *namespace_name, *name;
	char *uid, *resource_version; /* NULL from a folder */
	size_t place;                 /* SIZE_MAX: its namespace is in no list */
	char *foreign;                /* NULL: ours. Else who made it: "made by helm (release ops)" */
	const char *advice;           /* foreign: what to do about it, or "" */
	bool adoptable;               /* foreign: and nobody manages it */
	bool claimed;                 /* foreign: it carries our marks, and somebody else's too */
	bool partly;                  /* foreign: a binding with somebody in it that bears some of our marks, and not all */
	bool same_access, same_marks; /* as what is wanted under its name */
	bool terminating;
	char *role;                   /* of a binding: "Role/x" */
	char *role_said;              /* of a binding of ours: as the policy called it */
	bool role_ours;               /* of a binding: its roleRef is as we wrote it, or nobody says who did */
	bool spoilt;                  /* of a binding of ours: what it was written for cannot be read any more */
	struct ush_origins origins;   /* of a binding of ours: the groups it was written for */
	struct ush_origins subjects;  /* likewise: the groups that are in it */
	struct ush_list people;       /* likewise: the users, sorted */
	bool strangers;               /* likewise: has a subject that our layout does not write */
	char *meaning;                /* of a Role of ours: ush_rbac_meaning */
	char *manager;                /* who wrote it last, or NULL */
};

#define USH_ABSENT 0U
#define USH_SAME   1U /* else index + 2 into items */

struct ush_observed {
	struct ush_desired *desired; /* borrowed */
	uint32_t *marks;             /* one a wanted object: USH_ABSENT, USH_SAME, or which of items */
	struct ush_seen *items;      /* sorted by namespace, kind, name after ush_observed_sort */
	size_t count;
	size_t bindings_ours, bindings_others;
	char *ours, *ours_set;       /* the first of bindings_ours, "namespace/name", and the ApplySet that it says it is of; or NULL */
	size_t excluded;             /* objects of ours in namespaces that are excluded: not touched */
	bool live;                   /* a cluster; else a folder */
	bool few;                    /* the places are a few (ush_places.few): nothing of what stands elsewhere is kept but: */
	struct ush_elsewhere elsewhere; /* who had the names before, and nothing leads nowhere */
	char *where;                 /* "k8s.example.com" or the folder, raw */
	struct ush_elevations elevated; /* of a cluster: bindings that hold for a time */
	/* Bindings, anybody's, that lead nowhere: to a role that is not there, or from a group that no source has. */
	struct ush_list dangling;    /* "a/b refers to Role c", the first thousand */
	size_t dangling_count;
	/* its own */
	bool cluster_roles_known;    /* ush_observed_cluster_role got all there are */
	bool roles_known;
	struct ush_keys roles, groups;
	struct ush_keys loose;       /* Roles of ours that nobody wants */
	struct ush_keys referred;    /* Roles that somebody else's bindings refer to */
	struct ush_list referring;   /* "namespace/role/binding": of those, what is told apart in time: of a cluster the loose ones */
	bool groups_known;
	size_t cursor;
	struct ush_scan scan;
};

void ush_observed_begin(struct ush_observed *observed, struct ush_desired *desired, const struct ush_groups *groups, const char *where, bool live);

/* A ClusterRole that is there; told before the bindings are. */
void ush_observed_cluster_role(struct ush_observed *observed, const char *name);

/* When all that are there were told (cluster_roles_known). */
bool ush_observed_has_cluster_role(const struct ush_observed *observed, const char *name);

/* Takes one object in. Fails with USH_ERR_INCOMPLETE on an RBAC object that is malformed, and on one of ours seen twice
 * (two manifests for one object). Other kinds are passed over. */
int ush_observed_item(struct ush_observed *observed, struct ush_item *item, struct ush_error *err);
int ush_observed_add(struct ush_observed *observed, const json_t *object, struct ush_error *err);

/* When the places are a few: looks at a RoleBinding of the whole cluster's list, and passes over those of these places. */
int ush_observed_elsewhere(struct ush_observed *observed, struct ush_item *item, struct ush_error *err);

/* Forgets what it has of a kind: the list begins anew. place: of the one namespace whose list it is, or SIZE_MAX. */
void ush_observed_forget(struct ush_observed *observed, enum ush_rbac_kind kind, size_t place);
int ush_observed_sort(struct ush_observed *observed, struct ush_error *err);
struct ush_seen *ush_observed_find(const struct ush_observed *observed, const char *namespace_name, enum ush_rbac_kind kind, const char *name);

/* What stands for a wanted object: NULL when nothing does, or just what is wanted. */
struct ush_seen *ush_observed_at(const struct ush_observed *observed, size_t wanted);

/* The name of somebody else's binding that refers to a Role of ours that nobody wants; "" when it came before the Role, NULL
 * when there is none. */
const char *ush_observed_referring(const struct ush_observed *observed, const char *namespace_name, const char *role);
void ush_observed_free(struct ush_observed *observed);
#define USH_AUTO_OBSERVED __attribute__((cleanup(ush_observed_free))) struct ush_observed

#endif
