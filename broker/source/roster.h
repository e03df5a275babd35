/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is in which group when groups hold groups: people by their id, each counted once in a group however often and
 * through whichever group he comes. Circles are harmless. Pure.
 */
#ifndef USH_SOURCE_ROSTER_H
#define USH_SOURCE_ROSTER_H

#include "broker/source/source.h"

struct ush_roster {
	struct ush_roster_node { /* a group: where nodes[i] is, says its number i */
		uint32_t *people; /* numbers of direct members: a person is kept once, however many groups he is in */
		size_t people_count;
		size_t *inner; /* numbers of the groups whose members are members too */
		size_t inner_count;
		size_t nameless; /* direct members without an id */
		size_t round;    /* of the last walk that came by */
	} *nodes;
	size_t count, round;
	size_t *todo, todo_count; /* of a walk */
	struct ush_roster_person {
		char *id, *name; /* name NULL: none is known */
		uint32_t number;
		bool told, disabled;
		size_t round;
	} **people;
	size_t person_count;
	void *ids; /* tree of people */
};

void ush_roster_free(struct ush_roster *roster);

/* Makes room for groups 0..count-1. */
void ush_roster_reserve(struct ush_roster *roster, size_t count);

/* Says who somebody is; name NULL: the provider has none for him. The first word counts. */
void ush_roster_person(struct ush_roster *roster, const char *id, const char *name, bool disabled);

/* Adds to ids, sorted, those who are members and of whom nothing was said. */
void ush_roster_strangers(const struct ush_roster *roster, struct ush_list *ids);

/* A direct member; id NULL: one of whom nothing is told. And a group in a group. */
void ush_roster_join(struct ush_roster *roster, size_t group, const char *id);
void ush_roster_nest(struct ush_roster *roster, size_t outer, size_t inner);

/* Sets reached[i] for every group that is in one that is set. reached has roster->count items. */
void ush_roster_reach(const struct ush_roster *roster, bool *reached);

/* Fills members, disabled and unresolvable (whoever was never told about is that) of a group. */
void ush_roster_fill(struct ush_roster *roster, size_t number, struct ush_group *group);

#endif
