/* SPDX-License-Identifier: Apache-2.0
 *
 * The brake: bindings and people are counted before anything is taken away, or given to more than the policy allows. A
 * binding by whose end nobody loses anything (losses.c) does not count.
 */
#include <string.h>

#include "broker/sync/decide/decide.h"
#include "common/base/memory.h"

struct people {
	const char **names; /* borrowed */
	size_t count;
	bool all_known;
};

static void add_people(const struct ush_decide *d, struct people *people, const struct ush_access *access)
{
	size_t prefix = d->policy->user_prefix != NULL ? strlen(d->policy->user_prefix) : 0;

	if (access->person) {
		USH_PUSH(people->names, people->count, access->text + prefix);
		return;
	}
	people->all_known &= access->group != NULL && access->group->members_known;
	for (size_t i = 0; access->group != NULL && i < access->group->members.count; i++)
		USH_PUSH(people->names, people->count, access->group->members.items[i]);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* How many different people; empties the set. */
static size_t count_people(struct people *people)
{
	size_t different = 0;

	if (people->count > 0)
		qsort(people->names, people->count, sizeof *people->names, by_text);
	for (size_t i = 0; i < people->count; i++)
		different += i == 0 || strcmp(people->names[i - 1], people->names[i]) != 0;
	free(people->names);
	*people = (struct people){0};
	return different;
}

static int by_access(const void *a, const void *b)
{
	const struct ush_access *x = a, *y = b;
	int order = strcmp(x->namespace_name, y->namespace_name);

	return order != 0 ? order : strcmp(x->text, y->text);
}

static bool wanted_in(const struct ush_decide *d, size_t place, const char *text)
{
	const struct ush_desired *desired = d->desired;

	for (size_t i = place != SIZE_MAX ? desired->start[place] : 0; place != SIZE_MAX && i < desired->start[place + 1]; i++) {
		const struct ush_shape *shape = ush_wanted_shape(desired, i);

		for (uint32_t j = 0; j < shape->resolved_count; j++)
			if (!ush_decide_waits(d, shape->resolved[j], place) && strcmp(desired->resolved[shape->resolved[j]].text, text) == 0)
				return true;
	}
	return false;
}

/* Does the group, or the person, keep some access there? */
static bool keeps(const struct ush_decide *d, const struct ush_access *access)
{
	size_t place = ush_places_find(d->desired->places, access->namespace_name, strlen(access->namespace_name));

	if (!access->person && wanted_in(d, place, access->text))
		return true;
	return d->staying.count > 0 && bsearch(access, d->staying.items, d->staying.count, sizeof *access, by_access) != NULL;
}

/* Groups that have any access at all after the plan. */
static void add_all(const struct ush_decide *d, struct people *all)
{
	const struct ush_desired *desired = d->desired;
	USH_AUTO_FREE bool *shapes = ush_alloc((desired->shape_count + 1) * sizeof *shapes);
	USH_AUTO_FREE bool *done = ush_alloc((desired->resolved_count + 1) * sizeof *done);

	for (size_t i = 0; i < desired->count; i++)
		shapes[desired->items[i].shape] |= desired->places->items[desired->items[i].place].there;
	for (size_t s = 0; s < desired->shape_count; s++)
		for (uint32_t j = 0; shapes[s] && j < desired->shapes[s].resolved_count; j++) {
			uint32_t number = desired->shapes[s].resolved[j];
			struct ush_access access = {.group = desired->resolved[number].group};

			if (!done[number] && !d->anew[number])
				add_people(d, all, &access);
			done[number] = true;
		}
	for (size_t i = 0; i < d->staying.count; i++)
		add_people(d, all, &d->staying.items[i]);
}

/* People who lose their last access to a namespace, and people who have any. */
static size_t losing(struct ush_decide *d, size_t *of, bool *all_known)
{
	struct people gone = {.all_known = true}, all = {.all_known = true};

	*of = 0;
	*all_known = true;
	if (d->lost.count == 0)
		return 0;
	if (d->staying.count > 0)
		qsort(d->staying.items, d->staying.count, sizeof *d->staying.items, by_access);
	for (size_t i = 0; i < d->lost.count; i++) {
		add_people(d, &all, &d->lost.items[i]);
		if (!keeps(d, &d->lost.items[i]))
			add_people(d, &gone, &d->lost.items[i]);
	}
	add_all(d, &all);
	*all_known = gone.all_known;
	*of = count_people(&all);
	return count_people(&gone);
}

static void brake_removals(struct ush_decide *d)
{
	size_t bindings = 0, ours = d->in->observed->bindings_ours, of = ours > d->harmless_count ? ours - d->harmless_count : 0, people, people_of;
	char limit[2][48], who[64] = "";
	bool known;

	for (size_t i = 0; i < d->plan->change_count; i++) {
		const struct ush_change *change = &d->plan->changes[i];

		if (change->action == USH_REMOVE && ush_keys_has(&d->harmless, ush_decide_key(change->namespace_name, change->name)))
			continue;
		bindings += change->kind == USH_ROLE_BINDING && (change->action == USH_REMOVE || (change->action <= USH_REMOVE && change->removed_count > 0));
	}
	people = losing(d, &people_of, &known);
	if (!ush_limit_exceeded(&d->policy->remove_bindings, bindings, of) && !ush_limit_exceeded(&d->policy->remove_people, people, people_of))
		return;
	if (known || people > 0)
		snprintf(who, sizeof who, " and %s%zu people", known ? "" : "at least ", people);
	ush_fail(&d->plan->stop, USH_ERR_REFUSED, "stopped before any write: %zu of %zu bindings (%zu %%)%s would go, the policy allows %s of the bindings and %s of the people",
		 bindings, of, of > 0 ? bindings * 100 / of : 0, who, ush_limit_text(&d->policy->remove_bindings, limit[0], sizeof limit[0]),
		 ush_limit_text(&d->policy->remove_people, limit[1], sizeof limit[1]));
}

static void brake_additions(struct ush_decide *d)
{
	struct people more = {.all_known = true}, all = {.all_known = true};
	struct ush_limit most = {d->policy->add_people.count, d->in->partial ? -1 : d->policy->add_people.percent}; /* of all that a few namespaces are not */
	size_t count, of;
	char limit[48];
	bool known;

	if (d->gained.count == 0)
		return;
	for (size_t i = 0; i < d->gained.count; i++)
		add_people(d, &more, &d->gained.items[i]);
	add_all(d, &all);
	known = more.all_known;
	of = count_people(&all);
	count = count_people(&more);
	if (ush_limit_exceeded(&most, count, of))
		ush_fail(&d->plan->stop, USH_ERR_REFUSED, "stopped before any write: %s%zu of %zu people would gain access, the policy allows %s", known ? "" : "at least ",
			 count, of, ush_limit_text(&most, limit, sizeof limit));
}

void ush_decide_brake(struct ush_decide *d)
{
	brake_removals(d);
	brake_additions(d);
}
