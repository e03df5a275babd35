/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/roster.h"

#include <search.h>
#include <string.h>

#include "common/base/memory.h"

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct ush_roster_person *)a)->id, ((const struct ush_roster_person *)b)->id);
}

static void leave(void *person)
{
	(void)person; /* the array has him */
}

void ush_roster_free(struct ush_roster *roster)
{
	for (size_t i = 0; i < roster->count; i++) {
		free(roster->nodes[i].people);
		free(roster->nodes[i].inner);
	}
	free(roster->nodes);
	free(roster->todo);
	tdestroy(roster->ids, leave);
	for (size_t i = 0; i < roster->person_count; i++) {
		free(roster->people[i]->id);
		free(roster->people[i]->name);
		free(roster->people[i]);
	}
	free(roster->people);
	*roster = (struct ush_roster){0};
}

void ush_roster_reserve(struct ush_roster *roster, size_t count)
{
	while (roster->count < count)
		USH_PUSH(roster->nodes, roster->count, ((struct ush_roster_node){0}));
}

static struct ush_roster_person *person_of(struct ush_roster *roster, const char *id)
{
	struct ush_roster_person probe = {.id = (char *)id}, *person;
	void *found = tfind(&probe, &roster->ids, by_id);

	if (found != NULL)
		return *(struct ush_roster_person **)found;
	person = ush_new(struct ush_roster_person);
	*person = (struct ush_roster_person){.id = ush_strdup(id), .number = (uint32_t)roster->person_count};
	tsearch(person, &roster->ids, by_id);
	USH_PUSH(roster->people, roster->person_count, person);
	return person;
}

void ush_roster_person(struct ush_roster *roster, const char *id, const char *name, bool disabled)
{
	struct ush_roster_person *person = person_of(roster, id);

	if (person->told)
		return;
	person->name = name != NULL && *name != '\0' ? ush_strdup(name) : NULL;
	person->disabled = disabled;
	person->told = true;
}

void ush_roster_strangers(const struct ush_roster *roster, struct ush_list *ids)
{
	for (size_t i = 0; i < roster->person_count; i++)
		if (!roster->people[i]->told)
			ush_list_add(ids, roster->people[i]->id);
	ush_list_sort(ids);
}

void ush_roster_join(struct ush_roster *roster, size_t group, const char *id)
{
	struct ush_roster_node *node = &roster->nodes[group];

	if (id != NULL && *id != '\0')
		USH_PUSH(node->people, node->people_count, person_of(roster, id)->number);
	else
		node->nameless++;
}

void ush_roster_nest(struct ush_roster *roster, size_t outer, size_t inner)
{
	USH_PUSH(roster->nodes[outer].inner, roster->nodes[outer].inner_count, inner);
}

void ush_roster_reach(const struct ush_roster *roster, bool *reached)
{
	USH_AUTO_FREE size_t *todo = ush_alloc((roster->count + 1) * sizeof *todo);
	size_t count = 0;

	for (size_t i = 0; i < roster->count; i++)
		if (reached[i])
			todo[count++] = i;
	while (count > 0) {
		const struct ush_roster_node *node = &roster->nodes[todo[--count]];

		for (size_t i = 0; i < node->inner_count; i++) {
			if (reached[node->inner[i]])
				continue;
			reached[node->inner[i]] = true;
			todo[count++] = node->inner[i];
		}
	}
}

/* Adds the group to todo unless it was there during this round. */
static void visit(struct ush_roster *roster, size_t number)
{
	if (roster->nodes[number].round == roster->round)
		return;
	roster->nodes[number].round = roster->round;
	USH_PUSH(roster->todo, roster->todo_count, number);
}

static void count_in(struct ush_roster *roster, uint32_t number, struct ush_group *group)
{
	struct ush_roster_person *person = roster->people[number];

	if (person->round == roster->round)
		return;
	person->round = roster->round;
	if (person->disabled)
		group->disabled++;
	else if (person->name != NULL)
		ush_members_add(&group->members, person->name);
	else
		group->unresolvable++;
}

void ush_roster_fill(struct ush_roster *roster, size_t number, struct ush_group *group)
{
	group->members_known = true;
	roster->round++;
	roster->todo_count = 0;
	visit(roster, number);
	for (size_t at = 0; at < roster->todo_count; at++) {
		const struct ush_roster_node *node = &roster->nodes[roster->todo[at]];

		group->unresolvable += node->nameless;
		for (size_t i = 0; i < node->people_count; i++)
			count_in(roster, node->people[i], group);
		for (size_t i = 0; i < node->inner_count; i++)
			visit(roster, node->inner[i]);
	}
	ush_members_sort(&group->members);
}
