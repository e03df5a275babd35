/* SPDX-License-Identifier: Apache-2.0
 *
 * From other tools' configuration to an AccessPolicy: FairwindsOps rbac-manager (RBACDefinition), group-sync-operator
 * (GroupSync), rbacsync (RBACSyncConfig, ClusterRBACSyncConfig), oc adm groups sync (LDAPSyncConfig) and Capsule (Tenant,
 * v1beta2). Bindings keep the names that the tool gave them, so that the policy means the objects that are there. What
 * cannot be carried over is said, in the policy, as a comment. Pure, but for reading the files.
 */
#ifndef USH_IMPORT_IMPORT_H
#define USH_IMPORT_IMPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "broker/policy/policy.h"
#include "common/base/error.h"
#include "common/base/text.h"

struct ush_import_source {
	char *name, *note; /* note: what the person must still do, or NULL */
	json_t *settings;  /* {keycloak: {...}} */
};

struct ush_import_role {
	char *name, *kind, *ref; /* in the policy; "ClusterRole" or "Role", and what a binding refers to */
	json_t *rules;		 /* of a Role, or NULL: its manifest was not among the files */
};

struct ush_import_grant { /* one group in one binding, or in those that a selector means */
	char *from;	  /* "RBACDefinition users, web" */
	char *group;	  /* as the binding's subject has it, prefix and all */
	char *role_kind, *role_ref, *binding;
	char *namespace_name; /* or NULL: */
	json_t *selector;     /* of namespaces */
	bool dropped;	      /* it goes with the next sweep */
};

struct ush_import_group { /* that a file lists itself */
	char *name;
	struct ush_list members;
	bool members_known;
};

struct ush_import {
	const char *prefix;	     /* what the API server puts in front of groups, NULL: found out */
	const struct ush_list *there; /* names of bindings that stand already, or NULL: for tools that named them in more than one way */
	struct ush_import_source *sources;
	size_t source_count;
	struct ush_import_role *roles;
	size_t role_count;
	struct ush_import_grant *grants;
	size_t grant_count;
	struct ush_import_group *groups;
	size_t group_count;
	struct ush_list left; /* what could not be carried over, a sentence each */
	size_t skipped;	      /* bindings and sources among it: the policy is a part of what there was */
	bool users;	      /* the tool bound people, not groups: layout users */
	bool whole_groups;    /* some tool bound groups */
	size_t understood;    /* objects */
	char *found_prefix;   /* ush_import_finish */
};

/* Takes the objects of a file or folder in ("-": stdin). Kinds of other tools are passed over and said in `left`. */
int ush_import_file(struct ush_import *import, const char *path, struct ush_error *err);

/* After the last file: finds the prefix and which roles can be. USH_ERR_CONFIG when the files cannot be one policy. */
int ush_import_finish(struct ush_import *import, struct ush_error *err);


/* The policy, and as YAML. What a policy cannot say is left out and said in `left`, until the rest is one. NULL: it never is. */
struct ush_policy *ush_import_policy(struct ush_import *import, struct ush_buf *out, struct ush_error *err);

/* The policy as YAML, byte-stable; and the groups that the files list themselves, as a file source wants them. */
void ush_import_write(const struct ush_import *import, struct ush_buf *out);
json_t *ush_import_groups(const struct ush_import *import);
void ush_import_free(struct ush_import *import);
#define USH_AUTO_IMPORT __attribute__((cleanup(ush_import_free))) struct ush_import

/* ---- for the readers of each tool ---- */

typedef void ush_import_reader(struct ush_import *import, const json_t *object, const char *name);
extern ush_import_reader ush_import_rbac_definition, ush_import_group_sync, ush_import_rbac_sync, ush_import_cluster_rbac_sync, ush_import_ldap_sync,
	ush_import_tenant;

void ush_import_left(struct ush_import *import, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes the settings (and frees nothing of the caller's but them). note may be NULL. */
void ush_import_add_source(struct ush_import *import, const char *name, const char *type, json_t *settings, const char *note);

/* Adds a grant for each subject; when one of them is no group, or Kubernetes' own, the whole binding is left as it is. */
struct ush_import_binding {
	const char *from, *role_kind, *role_ref, *name, *namespace_name;
	const json_t *selector, *subjects;
};
void ush_import_add_binding(struct ush_import *import, const struct ush_import_binding *binding);
void ush_import_add_group(struct ush_import *import, const char *name, const json_t *people);

/* Marks a binding with all its groups, to be left out; why is what follows its name. ush_import_sweep then drops what is
 * marked. */
void ush_import_drop_binding(struct ush_import *import, size_t grant, const char *why);
void ush_import_sweep(struct ush_import *import);

/* When there is no source (any more), one is put in that a person can fill. */
void ush_import_settle(struct ush_import *import);
void ush_import_grant_free(struct ush_import_grant *grant);
void ush_import_source_free(struct ush_import_source *source);

/* The policy's name of a role that a binding refers to, NULL when there is none. */
const struct ush_import_role *ush_import_role(const struct ush_import *import, const char *kind, const char *ref);

/* ---- standing.c ---- */

struct ush_standing_namespace {
	char *name;
	json_t *labels;
};

struct ush_standing { /* what stands already */
	const struct ush_way *way; /* of a person to it, for notes (way.h); may be NULL */
	struct ush_standing_namespace *namespaces;
	size_t namespace_count;
	struct ush_rbac **bindings;
	size_t binding_count;
	struct ush_list names; /* of the bindings */
	/* made by ush_standing_compare */
	size_t same, others;	    /* bindings that need marks alone; bindings that the policy does not mean */
	struct ush_list differences; /* a sentence each */
	struct ush_list notes;
};

/* Takes Namespaces and RoleBindings in; other kinds are passed over. */
int ush_standing_add(struct ush_standing *proof, const json_t *object, struct ush_error *err);

/* Would the policy change anything but marks, if its sources listed just the groups that its grants name? import tells
 * who is in them where the tool's own file did. */
void ush_standing_compare(struct ush_standing *proof, const struct ush_policy *policy, const struct ush_import *import);
void ush_standing_free(struct ush_standing *proof);
#define USH_AUTO_STANDING __attribute__((cleanup(ush_standing_free))) struct ush_standing

#endif
