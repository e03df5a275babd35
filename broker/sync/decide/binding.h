/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside reconcile: one RoleBinding while it is decided about. weigh.c finds out who is in it after the plan,
 * one_binding.c what is to be written for that.
 */
#ifndef USH_SYNC_BINDING_H
#define USH_SYNC_BINDING_H

#include "broker/sync/decide/decide.h"

struct ush_binding {
	size_t wanted;                   /* SIZE_MAX: nobody wants it */
	const struct ush_shape *shape;   /* of the wanted one, else NULL */
	struct ush_seen *seen;           /* NULL: it is not there */
	size_t place;
	const char *namespace_name, *name;
	struct ush_origins final;        /* the groups it is for after the plan */
	struct ush_list people;          /* USH_LAYOUT_USERS: the people in it after the plan */
	struct ush_origins pending;      /* groups that wait for consent */
	size_t instead;                  /* wanted ones that would wait, but another source's group of that name has a grant, too */
	struct ush_origin unrecorded;    /* stands for groups that cannot be read any more (ush_decide_unrecorded) */
	struct ush_leaving *leaving;
	size_t leaving_count;
	size_t going, staying, following; /* of those leaving: now; not now; under another name */
	bool people_held;                /* USH_LAYOUT_USERS: nobody may go, some group is not known whole */
	size_t people_going;
	bool goes;                       /* it is removed, or made anew for another role */
};

void ush_binding_free(struct ush_binding *b);
#define USH_AUTO_BINDING __attribute__((cleanup(ush_binding_free))) struct ush_binding

/* Fills everything but wanted, shape, seen, place and the names, which are there. */
void ush_binding_weigh(struct ush_decide *d, struct ush_binding *b);

/* Before it goes: notes what people lose by that (losses.c). */
void ush_binding_count_loss(struct ush_decide *d, const struct ush_binding *b);

/* It is wanted for another role, and somebody in it is to keep the one that it has (turn.c). */
bool ush_binding_keeps_role(struct ush_decide *d, const struct ush_binding *b);

/* The groups that stand behind a binding that is there: its subjects, or those it was written for (USH_LAYOUT_USERS). */
const struct ush_origins *ush_binding_held(const struct ush_decide *d, const struct ush_seen *seen);

/* Nobody is in it after the plan. */
bool ush_binding_empty(const struct ush_decide *d, const struct ush_binding *b);

/* deltas.c: notes who joins or leaves, one or all of them; and who stays beside those wanted. */
void ush_binding_delta(struct ush_decide *d, struct ush_binding *b, struct ush_change *change, bool added, const char *text, const struct ush_group *group,
		       bool person);
void ush_binding_deltas(struct ush_decide *d, struct ush_binding *b, struct ush_change *change);
void ush_binding_stay(struct ush_decide *d, struct ush_binding *b);

/* Why people leave who are not wanted: one of them is denied, or they are in none of its groups. The caller frees. */
char *ush_binding_why_people(const struct ush_decide *d, const struct ush_binding *b);

/* Who was put in by hand and is none that our layout writes: "somebody added user mallory". The caller frees. */
char *ush_binding_strangers(const struct ush_decide *d, const struct ush_binding *b);

/* one_binding.c: the number of a body for these groups and, unless NULL, these people. role NULL: as it refers now. */
size_t ush_binding_body(struct ush_decide *d, const struct ush_binding *b, const struct ush_policy_role *role, const struct ush_origins *origins,
			const struct ush_list *people);

/* trim.c: takes out of a binding that is there who is to leave it now, and puts nobody in. */
void ush_binding_trim(struct ush_decide *d, struct ush_binding *b);

/* Likewise: it stays just as it is there, in what render writes too. */
void ush_binding_keep(struct ush_decide *d, const struct ush_binding *b);

/* Adds the people of groups, as the API server calls them. */
void ush_binding_members(const struct ush_decide *d, const struct ush_origins *origins, struct ush_list *people);

static inline bool ush_binding_of_users(const struct ush_decide *d)
{
	return d->policy->layout == USH_LAYOUT_USERS;
}

#endif
