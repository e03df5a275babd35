/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan: every change with its reason, what it means for people, and why it may not go ahead when it may not. Pure.
 * As JSON it is what `plan --out` writes and `apply --plan` takes. Its hash is over what is done and what that means for
 * people, and over nothing that goes on by itself: the same plan made again a minute later has the same hash. In the file
 * a seal over every member stands beside it.
 */
#ifndef USH_SYNC_PLAN_H
#define USH_SYNC_PLAN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/policy/policy.h"
#include "broker/source/source.h"
#include "broker/sync/look/observed.h"
#include "broker/sync/state/state.h"
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

struct ush_delta { /* a group, or a person, that a binding gains or loses */
	const char *text;
	long people; /* -1: not known */
};

struct ush_body;  /* what many objects share: their JSON without name and namespace */
struct ush_texts; /* texts, each kept once */

struct ush_change {
	enum ush_action action;
	enum ush_rbac_kind kind;
	bool consent;                            /* done only when a person confirmed this plan (ush_plan_consent), and then in
						  * place of what the plan does to the same object without it */
	const char *namespace_name, *name;       /* "" for a note about a grant. All texts are the plan's (ush_plan_text) */
	const char *reason;                      /* for people, raw; may be "" */
	struct ush_delta *added, *removed;
	uint32_t added_count, removed_count;
	size_t body;                             /* CREATE, CHANGE, REPLACE: what to write, see ush_change_body; else 0 */
	const char *uid, *resource_version;      /* of what is there now */
	const char *elevation;                   /* REMOVE: of a binding for a time that is over, its key (elevated.h); no limit counts it */
	const char *stand_in;                    /* REPLACE: the name of the binding that holds access in between */
};

struct ush_object { /* something that is ours after this plan: as the members of a change */
	enum ush_rbac_kind kind;
	const char *namespace_name, *name;
	size_t body;
	bool consent; /* in place of the one of that name, when this plan is confirmed (ush_plan_consent) */
};

struct ush_set { /* an ApplySet: its parent is a ConfigMap in the state namespace (applyset.h) */
	char *name, *id;
	char *namespaces; /* of its members: sorted, comma separated */
	char *there;      /* the same as the parent has it now; NULL: there is no parent yet */
	char *version;    /* resourceVersion of the parent, NULL likewise */
};

struct ush_plan_source {
	char *name, *where, *proof, *why, *advice;
	bool complete;
	size_t groups, people;
	int64_t took_ms;
	char digest[65];
	size_t requests; /* that it took, 0 where that means nothing; not in the JSON */
};

struct ush_plan {
	char *policy, *policy_file, *policy_digest;
	char *where;  /* the cluster or the folder */
	bool live;
	char *server; /* URL of the API server, NULL for a folder */
	char *state_namespace;
	int64_t made;    /* Unix seconds; 0: not known */
	bool no_people;  /* no members were read for it */
	bool partial;    /* for a few namespaces (ush_sync.only): it removes nothing and says nothing of the state. Not in the JSON */
	size_t bindings_ours, bindings_others;
	long namespaces; /* -1: not known */
	struct ush_plan_source *sources;
	size_t source_count;
	struct ush_change *changes; /* sorted by action, namespace, kind, name */
	size_t change_count;
	char **for_people; /* sentences: "3 may now see pods in a" */
	size_t for_people_count;
	struct ush_object *objects; /* everything that is ours after this plan, when reconcile was asked for it; not in the JSON */
	size_t object_count;
	struct ush_set *sets;
	size_t set_count;
	const char **dangling;  /* bindings, anybody's, that lead nowhere, one line each */
	size_t dangling_count;
	struct ush_state state; /* after this plan */
	bool state_changed;     /* it is to be written: */
	bool stones_changed;    /* for its tombstones, not just for the namespaces that the first set's parent names */
	bool notes_ledger;      /* state.ledger is noted for the first time: no other plan for that, as its hash has it */
	char *state_version;    /* resourceVersion of the state it was made from, or NULL */
	struct ush_list denied; /* whom the ledger denied then (denied.h), where denied_known: not by clocks, which may be set */
	bool denied_known;
	struct ush_list over;   /* keys of elevations that the ledger is to forget */
	struct ush_error stop;  /* code OK: it may go ahead. REFUSED: a brake, and a person may confirm. INCOMPLETE: never */
	char hash[65];
	/* its own */
	struct ush_body *bodies;
	size_t body_count, body_table_size;
	uint32_t *body_table;
	struct ush_texts *texts;
};

void ush_plan_free(struct ush_plan *plan);

static inline void ush_plan_free_indirect(struct ush_plan **plan)
{
	ush_plan_free(*plan);
}

#define USH_AUTO_PLAN __attribute__((cleanup(ush_plan_free_indirect))) struct ush_plan *

/* The change is valid until the next one is added. reason is taken over; NULL is "". */
struct ush_change *ush_plan_add(struct ush_plan *plan, enum ush_action action, enum ush_rbac_kind kind, const char *namespace_name, const char *name,
				char *reason);
void ush_change_delta(struct ush_plan *plan, struct ush_change *change, bool added, const char *text, long people);

/* The plan's own copy of a text, as long as the plan lives; equal texts are kept once. NULL gives NULL. */
const char *ush_plan_text(struct ush_plan *plan, const char *text);

/* How many objects; one that is changed either way, with consent and without, counts once. */
size_t ush_plan_count(const struct ush_plan *plan, enum ush_action action);

/* True when apply has something to write, tombstones included. */
bool ush_plan_writes(const struct ush_plan *plan);

/* Before a plan is carried out, and after ush_plan_finish: what waits for consent is done when this plan was confirmed, in
 * place of what would be done to the same object without it; else it becomes a HOLD line, and the other one is done. The
 * answer is how many did. */
size_t ush_plan_consent(struct ush_plan *plan, bool confirmed);

/*
 * ---- what is written (body.c) ----
 * A hundred thousand changes share few bodies: the plan keeps each once, as text without name and namespace, and a body
 * is put together when it is sent. Byte-stable: compact JSON, keys sorted, plain UTF-8.
 */

/* Notes what an object looks like: the number for change->body. Name and namespace are left out of it. 0 when it has
 * none, or is no JSON object. */
size_t ush_plan_body(struct ush_plan *plan, const json_t *object);

struct ush_body_with { /* NULL: what the change says; no precondition */
	const char *name;
	const char *uid, *resource_version; /* in metadata: the server answers 409 when it is another object or version */
};

/* Appends the body of a CREATE, CHANGE or REPLACE; with may be NULL. -1 when there is none, or out is full. */
int ush_change_body(const struct ush_plan *plan, const struct ush_change *change, const struct ush_body_with *with, struct ush_buf *out);

/* The same as a value, owned by the caller: for the few that are looked into. NULL when there is none. */
json_t *ush_change_object(const struct ush_plan *plan, const struct ush_change *change, const struct ush_body_with *with);
json_t *ush_object_json(const struct ush_plan *plan, const struct ush_object *object);
const char *ush_plan_body_digest(const struct ush_plan *plan, size_t body); /* NULL for 0 */
void ush_plan_bodies_free(struct ush_plan *plan);			     /* of ush_plan_free */

/* Sorts the changes and computes the hash: the last thing that makes a plan. */
void ush_plan_finish(struct ush_plan *plan);

/* What the plan says by itself (DESIGN's table): USH_OK, USH_DIFFERENCES, or the reason why not, with its line. */
enum ush_code ush_plan_verdict(const struct ush_plan *plan, struct ush_error *err);

/* True, with an error, when a source was not read whole. */
bool ush_plan_incomplete(const struct ush_plan *plan, struct ush_error *err);

/* json.c: the stable form, appended to out. -1 when out is full. */
int ush_plan_print(const struct ush_plan *plan, struct ush_buf *out);
json_t *ush_plan_to_json(const struct ush_plan *plan);

/* read.c: strict, and the hash must fit; USH_ERR_CONFIG. */
struct ush_plan *ush_plan_from_json(const json_t *json, const char *name, struct ush_error *err);

/* text.c: as UX shows it. next: the command of the "Next:" line, NULL for none. */
void ush_plan_to_text(const struct ush_plan *plan, struct ush_buf *out, const char *next);
void ush_plan_dangling_text(const struct ush_plan *plan, struct ush_buf *out);

/* markdown.c: for a merge request. Cut, and saying so in its last line, before it passes out's limit; a limit of 0 is
 * what a comment at GitHub takes (65,536; GitLab: 1,000,000) with room for others' words. */
#define USH_MARKDOWN_MAX 60000
void ush_plan_to_markdown(const struct ush_plan *plan, struct ush_buf *out);
const char *ush_action_name(enum ush_action action);

#endif
