/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside revoke: what the kinds share when they look for one person and end what he has. A name that a person typed stands
 * in paths only encoded, and what a provider found is taken only where it is that name to the letter (but for case).
 */
#ifndef USH_SOURCE_REVOKE_ASK_H
#define USH_SOURCE_REVOKE_ASK_H

#include <jansson.h>

#include "broker/source/api.h"
#include "broker/source/revoke.h"

struct ush_revoke {
	const struct ush_world *world;
	const struct ush_policy_source *source;
	const char *person; /* neither empty nor "." or ".." */
	bool dry;
	struct ush_revoked *out;
	struct ush_api api; /* closed by ush_source_revoke */
};

/* A target in which each {} is the next of the texts, encoded; the caller frees. NULL with USH_ERR_REJECTED for a text that is
 * no part of a path: empty, "." or "..". */
char *ush_revoke_target(struct ush_error *err, const char *format, ...);

/* GET; 404 is an answer. what: "the person". */
int ush_revoke_get(struct ush_revoke *r, const char *target, const char *what, struct ush_api_answer *answer, struct ush_error *err);

/* The same for what is good to know and no more: false when it is not to be had. */
bool ush_revoke_look(struct ush_revoke *r, const char *target, const char *what, struct ush_api_answer *answer);

/* POST or DELETE; dry: nothing is sent. Target NULL: err is filled already. What is not there (any more) is ended. */
int ush_revoke_write(struct ush_revoke *r, const char *method, const char *target, const char *what, struct ush_error *err);

/* ---- the person ---- */

/* True when one of the members (ended by NULL) of the person is what was asked for. */
bool ush_revoke_is(const struct ush_revoke *r, const json_t *person, const char *const *keys);

/* A candidate, whose id is its member `key` (text or number): *found is set to it, and holds it. USH_ERR_REFUSED when that is
 * somebody else already. */
int ush_revoke_found(struct ush_revoke *r, const json_t *person, const char *key, json_t **found, struct ush_error *err);

/* Those of a list that ush_revoke_is. USH_ERR_REJECTED for what is no list. */
int ush_revoke_among(struct ush_revoke *r, const json_t *list, const char *const *keys, const char *id, json_t **found, struct ush_error *err);

/* What tokens may call the person: members (ended by NULL), texts and numbers. The first one is his name where it is still NULL. */
void ush_revoke_names(struct ush_revoke *r, const json_t *person, const char *const *keys);
void ush_revoke_name(struct ush_revoke *r, const char *name);

/* The member by which the policy has people called; NULL: by the name. */
const char *ush_revoke_called(const struct ush_policy_source *source);
void ush_revoke_group(struct ush_revoke *r, const char *id);

/* The ids of the person's direct groups, where they are to be had: the list at format (ush_revoke_target of the person's id),
 * or its member. */
void ush_revoke_groups(struct ush_revoke *r, const char *format, const char *member);

/* ---- what there is many of ---- */

struct ush_revoke_rows {
	const char *list;   /* the first page, with a query where there are more */
	const char *member; /* of a page that holds the rows; NULL: it is the list itself */
	const char *id;     /* of a row: text or number */
	const char *owner, *is; /* the member of a row (or its pk) that must be this, for a filter that is not heard lists everybody's; NULL: the path says whose */
	const char *remove; /* target by ush_revoke_target: of `under`, where that is not NULL, and the row's id */
	const char *under;
	const char *one, *many; /* "session", "sessions" */
	bool whole;         /* there are no pages */
};

/* Reads the list to its end, then ends each (not dry) and notes how many. *count grows by that; may be NULL. */
int ush_revoke_rows(struct ush_revoke *r, const struct ush_revoke_rows *rows, size_t *count, struct ush_error *err);

/* ---- what came of it ---- */

void ush_revoke_done(struct ush_revoke *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ush_revoke_left(struct ush_revoke *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "1 session", "2 sessions": notes it in done unless count is 0. */
void ush_revoke_count(struct ush_revoke *r, size_t count, const char *one, const char *many);

#endif
