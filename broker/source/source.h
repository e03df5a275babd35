/* SPDX-License-Identifier: Apache-2.0
 *
 * Where groups come from. A source never answers with just a list: it answers *complete*, with what proves it, or
 * *incomplete*, with why; and from an incomplete answer nobody may conclude that a group is gone.
 */
#ifndef USH_SOURCE_SOURCE_H
#define USH_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/policy/policy.h"
#include "broker/source/members.h"
#include "common/base/error.h"
#include "common/base/world.h"

#define USH_GROUPS_MAX 200000 /* of one source */

struct ush_group {
	char *id;
	char *name;
	char *path;              /* begins with '/' */
	struct ush_members members; /* names of people who may sign in: sorted, each once */
	bool members_known;
	size_t disabled;         /* members who may not sign in */
	size_t unresolvable;     /* members without a name: what the provider does not let us see is not nobody */
};

struct ush_groups {
	char *where;             /* "keycloak login.example.com/acme", raw */
	struct ush_group *items; /* sorted by path, then id */
	size_t count;
	bool complete;
	char *proof;             /* what showed that it is complete */
	char *why;               /* why it is not, raw */
	char *advice;            /* the next thing to do about it, or NULL */
	size_t people;           /* in the groups whose members are known, each once */
	size_t disabled, unresolvable; /* memberships, summed over the groups */
	size_t left_out;         /* groups that include and exclude leave out */
	int64_t took_ms;
	char digest[65];         /* equal lists have equal digests */
	struct ush_names *names; /* of all members */
	size_t requests;         /* that it took, 0 where that means nothing */
};

/* Whose members are wanted: the groups that refs mean, or everybody's. */
struct ush_source_question {
	const struct ush_policy_source *source;
	const struct ush_list *refs; /* groups as grants write them, and ids */
	const struct ush_list *patterns; /* of groups, as grants write them; may be NULL */
	enum ush_group_name how;
	bool all_members;
	bool no_members; /* nobody's: --no-people. It wins */
	bool sorted;     /* refs are sorted: source.c's own */
};

/* Fills groups and returns 0, complete or not; everything the provider or the file does wrong is *incomplete*. -1 with
 * USH_ERR_CONFIG only for what is wrong on our side: no secret file, or one that others may read. */
int ush_source_read(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups,
		    struct ush_error *err);
void ush_groups_free(struct ush_groups *groups);
#define USH_AUTO_GROUPS __attribute__((cleanup(ush_groups_free))) struct ush_groups

/* ---- for the sources themselves ---- */

struct ush_revoke; /* revoke_ask.h */

struct ush_source_ops {
	const char *type; /* as the policy writes it */
	char *(*where)(const struct ush_policy_source *source);
	/* Adds groups; on success sets proof, else why (ush_groups_incomplete). -1 as above. */
	int (*read)(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups,
		    struct ush_error *err);
	/* Ends what a person has there, as ush_source_revoke; NULL: this kind of source cannot. */
	int (*revoke)(struct ush_revoke *r, struct ush_error *err);
};

/* The row of a source's kind, NULL when there is none. */
const struct ush_source_ops *ush_source_ops_of(const struct ush_policy_source *source);

/* Each kind is a row in source.c. */
extern const struct ush_source_ops ush_source_file, ush_source_command, ush_source_keycloak, ush_source_ldap, ush_source_okta, ush_source_entra,
	ush_source_google, ush_source_github, ush_source_gitlab, ush_source_scim, ush_source_authentik;

/* Adds a group and returns it (valid until the next one is added). */
struct ush_group *ush_groups_add(struct ush_groups *groups, const char *id, const char *name, const char *path);

/* Notes why the list is not to be trusted; the first reason wins. Returns 0, so that a source can end with it. */
int ush_groups_incomplete(struct ush_groups *groups, const char *format, ...) __attribute__((format(printf, 2, 3)));

void ush_group_free(struct ush_group *group);

/* False for groups that the source leaves out, too. */
bool ush_source_wants_members(const struct ush_source_question *question, const struct ush_group *group);

/* Notes a text in a set; false when it is there already. *set begins as NULL. */
bool ush_seen_add(void **set, const char *text);
bool ush_seen_has(void *const *set, const char *text);
void ush_seen_free(void **set);

/* What is behind "https://" of a URL: the name by which a person knows the place. */
const char *ush_source_place(const char *url);

/* 2,633: a number as people read it. out holds at least 32 bytes. */
const char *ush_thousands(size_t number, char *out, size_t size);

#endif
