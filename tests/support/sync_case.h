/* SPDX-License-Identifier: Apache-2.0
 *
 * A sync without a network: a policy, groups and a cluster of objects in memory. A plan can be made and carried out on
 * it, so the laws of reconcile are tested without any effect.
 */
#ifndef USH_TEST_SYNC_CASE_H
#define USH_TEST_SYNC_CASE_H

#include <jansson.h>

#include "broker/sync/decide/reconcile.h"
#include "broker/sync/plan/plan.h"

/* The head of a policy with one file source "main", prefix "oidc:", a Role "reader" and the ClusterRole "edit". */
#define CASE_HEAD                                                                                                                      \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\nsources: {main: {file: {path: g.json}}}\n"          \
	"roles:\n  reader: {rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}\n  edit: {clusterRole: edit}\n"

#define CASE_GRANTS(text) CASE_HEAD "grants:\n" text
#define CASE_LIMITS "limits: {remove: {bindings: 100, people: 100%}, vanishedGroup: {runs: 2, age: 0s}}\n" /* that stop nothing */

struct sync_case {
	struct ush_policy *policy;
	struct ush_groups groups[4]; /* one a source of the policy */
	json_t *cluster;             /* array of objects */
	struct ush_state state;
	bool confirm;                /* changes that wait for consent are done too */
	bool few;                    /* plans are for these namespaces alone (ush_sync.only) */
	int64_t now;                 /* Unix seconds; 1,800,000,000 at first */
	struct ush_places places;    /* those below, and what the policy names */
	json_t *namespaces;          /* array of Namespace objects; NULL: nobody can list them */
	struct ush_cluster_roles *roles; /* or NULL */
	struct ush_desired *desired; /* of the last plan */
	struct ush_observed observed;
};

struct sync_case *sync_case_new(const char *policy);
struct sync_case *sync_case_begin(const char *policy, const char *groups); /* the first source's, as sync_case_groups has them */
void sync_case_free(struct sync_case *c);

/* Takes another policy; ends the test when it is not valid. */
void sync_case_policy(struct sync_case *c, const char *policy);

/* Replaces a source's groups: "id path member,member" each, separated by ';'. A name is the leaf of its path. Complete. */
void sync_case_groups(struct sync_case *c, size_t source, const char *groups);
void sync_case_incomplete(struct sync_case *c, size_t source, const char *why);

/* A namespace that is there; labels as JSON with single quotes, or NULL. */
void sync_case_namespace(struct sync_case *c, const char *name, const char *labels);

/* Makes places and desired: what is wanted now. */
void sync_case_desire(struct sync_case *c);

/* Adds an object, single quotes read as double quotes. */
void sync_case_add(struct sync_case *c, const char *object);
json_t *sync_case_object(const struct sync_case *c, const char *kind, const char *namespace_name, const char *name);

/* The caller frees the plan. */
struct ush_plan *sync_case_plan(struct sync_case *c);

/* Carries the plan out as an API server and ush_apply would; new objects get a uid and a resourceVersion. */
void sync_case_apply(struct sync_case *c, const struct ush_plan *plan);

/* Makes a plan, carries it out when it is not stopped, and returns it. */
struct ush_plan *sync_case_run(struct sync_case *c);

/* The same, and so many changes of an action are expected. The caller frees. */
struct ush_plan *sync_case_run_and_count(struct sync_case *c, enum ush_action action, size_t count);

/* Expects a plan that writes nothing; frees it. */
void sync_case_expect_empty(struct ush_plan *plan);
void sync_case_expect_reason(const struct ush_plan *plan, enum ush_action action, const char *name, const char *reason);

/* The names of the groups bound by a binding, "" when it is not there; the caller frees. */
char *sync_case_subjects(const struct sync_case *c, const char *namespace_name, const char *name);
void sync_case_expect_subjects(const struct sync_case *c, const char *namespace_name, const char *name, const char *texts);

/* The one change of an action and name, or NULL. */
const struct ush_change *sync_case_change(const struct ush_plan *plan, enum ush_action action, const char *name);

#endif
