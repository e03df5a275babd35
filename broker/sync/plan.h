/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan: every change with its reason, what it means for people, and why it may not go ahead when it may not. Pure.
 * As JSON it is what `plan --out` writes and `apply --plan` takes: hashed, so that what is applied is what was read.
 */
#ifndef USH_SYNC_PLAN_H
#define USH_SYNC_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "broker/policy/policy.h"
#include "broker/source/source.h"
#include "broker/sync/observed.h"
#include "broker/sync/state.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/kube/rbac.h"

enum ush_action {
	USH_CREATE,   /* + */
	USH_CHANGE,   /* ~ */
	USH_REPLACE,  /* ~ another role: a roleRef cannot be changed, so the binding is made anew without a gap */
	USH_REMOVE,   /* - */
	USH_KEEP,     /* ! a group is gone, and its binding stays for now */
	USH_HOLD,     /* ! nothing is known about it, so it stays as it is */
	USH_PENDING,  /* ! its namespace is not there, or it is being deleted */
	USH_CONFLICT, /* ? stands where ours should, and is somebody else's; or a grant that cannot be carried out safely */
	USH_NOTE,     /* . worth saying, nothing to do */
	USH_ACTION_COUNT
};

struct ush_delta { /* a group that a binding gains or loses */
	char *text;
	long people; /* -1: not known */
};

struct ush_change {
	enum ush_action action;
	enum ush_rbac_kind kind;
	char *namespace_name, *name; /* "" for a note about a grant */
	char *reason;                /* for people, raw; may be "" */
	struct ush_delta *added, *removed;
	size_t added_count, removed_count;
	json_t *object;              /* CREATE, CHANGE, REPLACE: what to write */
	char *uid, *resource_version; /* of what is there now */
	char *stand_in;              /* REPLACE: the name of the binding that holds access in between */
};

struct ush_plan_source {
	char *name, *where, *proof, *why, *advice;
	bool complete;
	size_t groups, people;
	int64_t took_ms;
	char digest[65];
};

struct ush_plan {
	char *policy, *policy_file, *policy_digest;
	char *where;  /* the cluster or the folder */
	bool live;
	char *server; /* URL of the API server, NULL for a folder */
	char *state_namespace;
	size_t bindings_ours, bindings_others;
	long namespaces; /* -1: not known */
	struct ush_plan_source *sources;
	size_t source_count;
	struct ush_change *changes; /* sorted by action, namespace, kind, name */
	size_t change_count;
	char **for_people; /* sentences: "3 may now see pods in a" */
	size_t for_people_count;
	json_t **objects;       /* everything that is ours after this plan, when reconcile was asked for it; not in the JSON */
	size_t object_count;
	struct ush_state state; /* after this plan */
	bool state_changed;
	char *state_version;    /* resourceVersion of the state it was made from, or NULL */
	struct ush_error stop;  /* code OK: it may go ahead. REFUSED: a brake, and a person may confirm. INCOMPLETE: never */
	char hash[65];
};

void ush_plan_free(struct ush_plan *plan);

static inline void ush_plan_free_indirect(struct ush_plan **plan)
{
	ush_plan_free(*plan);
}

#define USH_AUTO_PLAN __attribute__((cleanup(ush_plan_free_indirect))) struct ush_plan *

struct ush_change *ush_plan_add(struct ush_plan *plan, enum ush_action action, enum ush_rbac_kind kind, const char *namespace_name, const char *name,
				char *reason);
void ush_change_delta(struct ush_change *change, bool added, const char *text, long people);
size_t ush_plan_count(const struct ush_plan *plan, enum ush_action action);

/* True when apply has something to write, tombstones included. */
bool ush_plan_writes(const struct ush_plan *plan);

/* Sorts the changes and computes the hash: the last thing that makes a plan. */
void ush_plan_finish(struct ush_plan *plan);

/* What the plan says by itself (DESIGN's table): USH_OK, USH_DIFFERENCES, or the reason why not, with its line. */
enum ush_code ush_plan_verdict(const struct ush_plan *plan, struct ush_error *err);

/* plan_json.c: the stable form. read: strict, and the hash must fit; USH_ERR_CONFIG. */
json_t *ush_plan_to_json(const struct ush_plan *plan);
struct ush_plan *ush_plan_from_json(const json_t *json, const char *name, struct ush_error *err);

/* plan_text.c: as UX shows it. next: the command of the "Next:" line, NULL for none. */
void ush_plan_to_text(const struct ush_plan *plan, struct ush_buf *out, const char *next);
const char *ush_action_name(enum ush_action action);

#endif
