/* SPDX-License-Identifier: Apache-2.0
 *
 * Onboarding a namespace from a template of the policy: the namespace itself, what keeps it apart and within bounds, its
 * default ServiceAccount, and last of all who may do what in it, shown to hold. What stands already is told, and changed
 * only when asked to (adopt); what another tool made is left alone even then. Nothing is ever deleted.
 *
 * What is made here is nothing of its own kind: the namespace carries the labels by which the template's roles mean it
 * (template.h), so each later run of the sync keeps what was given. It gets the one by which they find it (its mark) when
 * what keeps it apart stands, and until then says that it is half made: a run of the sync that comes in between, or after
 * this one was killed, lets nobody in.
 */
#ifndef USH_LIFECYCLE_ONBOARD_H
#define USH_LIFECYCLE_ONBOARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/policy/policy.h"
#include "broker/sync/apply/lease.h"
#include "broker/sync/sync.h"
#include "common/base/cli.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/kube/client.h"
#include "common/kube/way.h"

/* ---- values.c, pure: what a person asks for ---- */

/* The template, or NULL with USH_ERR_USAGE ("did you mean"). name NULL: the only one, where there is but one. */
const struct ush_template *ush_onboard_template(const struct ush_policy *policy, const char *name, struct ush_error *err);

/* values: "team=payments", sorted by key: one for each {name} in the groups of the template's roles, and no other. */
int ush_onboard_values(const struct ush_template *template, const struct ush_strings *said, struct ush_list *values, struct ush_error *err);

/* USH_ERR_USAGE for what is no name of a namespace, USH_ERR_REFUSED for one of the cluster's or the broker's own. */
int ush_onboard_name(const struct ush_policy *policy, const char *state_namespace, const char *name, struct ush_error *err);

/* The group of a role with its values put in; the caller frees. */
char *ush_onboard_group(const char *group, const struct ush_list *values);

/* ---- objects.c, pure: what it gets ---- */

/* Labels of the Namespace; owned by the caller. */
json_t *ush_onboard_labels(const struct ush_template *template, const struct ush_list *values);

/*
 * Everything but Roles and RoleBindings, in the order in which it is made: Namespace, NetworkPolicy, ResourceQuota,
 * LimitRange, ServiceAccount. The first is always the Namespace, with its mark. Owned by the caller.
 */
json_t *ush_onboard_objects(const struct ush_template *template, const struct ush_list *values, const char *name);

/* The Namespace of those as it is while it is half made: the mark is under the other label. Owned by the caller. */
json_t *ush_onboard_half_made(const json_t *object);

/* A merge patch that puts the mark on it, if it is still the one with this uid (NULL: whichever is there). Owned by the caller. */
json_t *ush_onboard_marking(const json_t *object, const char *uid);

/* The API path of an object's list, for what ush_onboard_objects makes; the caller frees. */
char *ush_onboard_path(const char *kind, const char *namespace_name);

/* ---- compare.c, pure: what stands there ---- */

/* True when what stands there says what is wanted, whatever the API server filled in. Else *how is the first difference,
 * for people: "spec.hard.pods is 10, not 50"; the caller frees. */
bool ush_onboard_same(const json_t *there, const json_t *wanted, char **how);

/* Who else manages it: "made by helm (release ops)"; NULL when it is ours or nobody's. The caller frees. */
char *ush_onboard_foreign(const json_t *there);

/* A merge patch that makes it say what is wanted, for just this object in just this version. Owned by the caller. */
json_t *ush_onboard_patch(const json_t *there, const json_t *wanted);

/* What a quota allows less of than runs: "pods: 12 run, the quota allows 10", one line each. pods: objects. */
void ush_onboard_over(const json_t *quota, const json_t *pods, struct ush_list *lines);

/* bounds.c, pure: what of a template's quota and limitRange lets nothing start, a line each. */
void ush_onboard_contradictions(const struct ush_template *template, struct ush_list *lines);

/* ---- the run ---- */

enum ush_onboard_dry { USH_DRY_NONE, USH_DRY_CLIENT, USH_DRY_SERVER };

enum ush_onboard_outcome {
	USH_ONBOARD_UNTRIED,
	USH_ONBOARD_CREATED,
	USH_ONBOARD_PATCHED,
	USH_ONBOARD_UNCHANGED, /* it was there, as wanted */
	USH_ONBOARD_DIFFERS,   /* it is there, otherwise, and was left as it is */
	USH_ONBOARD_FOREIGN,   /* the same, and another tool's */
	USH_ONBOARD_ABSENT,    /* not there, and not made: its namespace was not ours to change */
	USH_ONBOARD_WOULD_CREATE,
	USH_ONBOARD_WOULD_PATCH,
	USH_ONBOARD_WAITS,     /* for a group, or for what failed before it */
	USH_ONBOARD_REFUSED,   /* a namespace: nothing was done in it */
	USH_ONBOARD_FAILED,
	USH_ONBOARD_OUTCOMES
};

struct ush_onboard_thing { /* an object of a namespace */
	enum ush_onboard_outcome outcome;
	char *why; /* for people, raw; or NULL */
};

struct ush_onboard_space {
	char *name, *uid;
	bool is_new;		 /* it was made by this run (or would be) */
	bool look;		 /* nothing is written in it */
	bool marked;		 /* it bears its mark */
	size_t unsettled;	 /* of things, the Namespace left out: of how many is not known yet what becomes of them */
	json_t *labels;		 /* that it has now */
	struct ush_onboard_thing *things; /* as ush_onboard_objects has them */
};

struct ush_onboard_role { /* a Role or RoleBinding */
	size_t space;
	enum ush_rbac_kind kind;
	char *name, *text; /* text of a binding: the groups in it, for people */
	struct ush_onboard_thing thing;
};

struct ush_onboard {
	/* given */
	const struct ush_kube *kube; /* NULL: USH_DRY_CLIENT */
	const struct ush_way *way;   /* of a person to the cluster and the policy (way.h); may be NULL */
	const struct ush_policy *policy;
	const struct ush_template *template;
	const struct ush_list *values;
	bool adopt;
	enum ush_onboard_dry dry;
	int64_t wait_ms; /* how long a proof may take; 0: none is asked for */
	bool must_prove; /* that nobody could be asked is not good enough */
	const char *holder; /* who we are, for others who wait for us; may be NULL in a dry run */
	/* Or NULL: told of each object that was made or changed, when it was. name is the namespace's own for a Namespace; change is
	 * the plan's for a Role or RoleBinding, NULL for all else. */
	void (*wrote)(void *context, const char *kind, const char *namespace_name, const char *name, const struct ush_change *change, enum ush_onboard_outcome outcome);
	void *context;
	/* made */
	struct ush_lease lease; /* while namespaces are made that count against a limit */
	struct ush_lease_use one_by_one;
	json_t *objects; /* of a namespace without a name: kinds and names are those of every namespace */
	json_t *labels;	 /* of every namespace that is made */
	struct ush_onboard_space *spaces;
	size_t space_count;
	struct ush_onboard_role *roles;
	size_t role_count;
	struct ush_list warnings, waiting;    /* lines: a quota below what runs; bindings that wait for a group */
	struct ush_list proofs, disproofs;    /* lines: who may and another may not; who cannot what */
	char *to_mend;			      /* what to do about the first of disproofs, or NULL */
	size_t proved;			      /* access reviews that said what they should */
	char *no_proof;			      /* why there was none, or NULL */
	bool incomplete;		      /* a source is */
	char *incomplete_why;
	struct ush_error stopped;	      /* what ended it before its end; code OK: nothing */
};

/* names: each was looked at by ush_onboard_name. */
void ush_onboard_begin(struct ush_onboard *onboard, char *const *names, size_t count);
void ush_onboard_free(struct ush_onboard *onboard);
#define USH_AUTO_ONBOARD __attribute__((cleanup(ush_onboard_free))) struct ush_onboard

/* write.c: all but Roles and RoleBindings, many requests at once. What failed is told in `things`, what ended the
 * run in `stopped`. */
void ush_onboard_write(struct ush_onboard *onboard);

/* quota.c: warnings for quotas that were made or changed (or would be) where more runs already. */
void ush_onboard_check_quotas(struct ush_onboard *onboard);

/* USH_DRY_CLIENT in its place: as if nothing was there, and nobody asked. */
void ush_onboard_pretend(struct ush_onboard *onboard);

/* roles.c: Roles, then RoleBindings, as the plan has them; and which bindings wait, and for what. */
void ush_onboard_give(struct ush_onboard *onboard, const struct ush_sync *sync);

/* proof.c: each group may do what its role allows there, and another may not. */
void ush_onboard_prove(struct ush_onboard *onboard, const struct ush_sync *sync);

/* allowance.c: USH_ERR_REFUSED when more namespaces would be made than the template lets the same values have. Where it says a
 * limit and some are new, the lease is held when it returns: nobody else is counted until these are made. Waits for others. */
#define USH_ONBOARD_LEASE "usher-broker-onboard"
int ush_onboard_take_allowance(struct ush_onboard *onboard, const char *state_namespace, struct ush_error *err);

/* For the two that write: says that something was. */
void ush_onboard_wrote(const struct ush_onboard *onboard, const char *kind, const char *namespace_name, const char *name, const struct ush_change *change,
		       enum ush_onboard_outcome outcome);

/* run.c. Plan: reads sources and what was decided before, as if none of the namespaces was there; sync has policy and
 * world, and a cluster or a folder. USH_ERR_REFUSED for a namespace that was offboarded, or one too many; from then on others who
 * are counted wait for us. carry_out: write, give, prove. */
int ush_onboard_plan(struct ush_onboard *onboard, struct ush_sync *sync, struct ush_error *err);
void ush_onboard_carry_out(struct ush_onboard *onboard, struct ush_sync *sync);

/* report.c, pure. As text every object of a single namespace has its place; of many, what went well is a number. */
json_t *ush_onboard_json(const struct ush_onboard *onboard);
void ush_onboard_text(const struct ush_onboard *onboard, struct ush_buf *out);
size_t ush_onboard_count(const struct ush_onboard *onboard, enum ush_onboard_outcome outcome);

/* The manifests of what would be made, Roles and RoleBindings last. plan may be NULL. Owned by the caller. */
json_t *ush_onboard_manifests(const struct ush_onboard *onboard, const struct ush_plan *plan);

/* What the run comes to: 0, or err filled: USH_ERR_INCOMPLETE, USH_ERR_PARTIAL, USH_ERR_REFUSED. */
int ush_onboard_verdict(const struct ush_onboard *onboard, struct ush_error *err);

#endif
