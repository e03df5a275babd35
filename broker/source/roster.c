/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/roster.h"

#include <search.h>
#include <string.h>

#include "common/base/memory.h"

struct person {
	char *id, *name;
	bool disabled;
};

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct person *)a)->id, ((const struct person *)b)->id);
}

static void free_person(void *data)
{
	struct person *person = data;

	free(person->id);
	free(person->name);
	free(person);
}

void ush_roster_free(struct ush_roster *roster)
{
	for (size_t i = 0; i < roster->count; i++) {
		ush_list_free(&roster->nodes[i].people);
		free(roster->nodes[i].inner);
	}
	free(roster->nodes);
	free(roster->todo);
	tdestroy(roster->people, free_person);
	*roster = (struct ush_roster){0};
}

void ush_roster_reserve(struct ush_roster *roster, size_t count)
{
	while (roster->count < count)
		USH_PUSH(roster->nodes, roster->count, ((struct ush_roster_node){0}));
}

void ush_roster_person(struct ush_roster *roster, const char *id, const char *name, bool disabled)
{
	struct person *person = ush_new(struct person), **found;

	*person = (struct person){ush_strdup(id), name != NULL && *name != '\0' ? ush_strdup(name) : NULL, disabled};
	found = tsearch(person, &roster->people, by_id);
	if (*found != person)
		free_person(person);
}

static const struct person *find(const struct ush_roster *roster, const char *id)
{
	struct person probe = {.id = (char *)id};
	struct person *const *found = tfind(&probe, &roster->people, by_id);

	return found != NULL ? *found : NULL;
}

bool ush_roster_knows(const struct ush_roster *roster, const char *id)
{
	return find(roster, id) != NULL;
}

void ush_roster_join(struct ush_roster *roster, size_t group, const char *id)
{
	if (id != NULL && *id != '\0')
		ush_list_add(&roster->nodes[group].people, id);
	else
		roster->nodes[group].nameless++;
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

/* Everybody who is in the group by any way, in the order of ids. */
static struct ush_list everybody(struct ush_roster *roster, size_t number, size_t *nameless)
{
	struct ush_list ids = {0};

	roster->round++;
	roster->todo_count = 0;
	visit(roster, number);
	for (size_t at = 0; at < roster->todo_count; at++) {
		const struct ush_roster_node *node = &roster->nodes[roster->todo[at]];

		*nameless += node->nameless;
		for (size_t i = 0; i < node->people.count; i++)
			ush_list_add(&ids, node->people.items[i]);
		for (size_t i = 0; i < node->inner_count; i++)
			visit(roster, node->inner[i]);
	}
	ush_list_sort(&ids);
	return ids;
}

void ush_roster_fill(struct ush_roster *roster, size_t number, struct ush_group *group)
{
	struct ush_list ids = everybody(roster, number, &group->unresolvable);

	group->members_known = true;
	for (size_t i = 0; i < ids.count; i++) {
		const struct person *person = find(roster, ids.items[i]);

		if (person != NULL && person->disabled)
			group->disabled++;
		else if (person != NULL && person->name != NULL)
			ush_list_add(&group->members, person->name);
		else
			group->unresolvable++;
	}
	ush_list_free(&ids);
}
