/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/want/holds.h"

#include <string.h>

#include "broker/policy/lexicon.h"
#include "common/base/memory.h"

#define FEW 64 /* places that are looked at rather than looked up */

struct finding {
	const struct ush_desired *desired;
	struct ush_holds holds;
	size_t grant;	 /* whose places are in `reach`, SIZE_MAX: nobody's yet */
	uint32_t *reach; /* what it names or selects, whatever the group */
	size_t reach_count;
	const char **names; /* of the places */
	struct ush_lexicon *lexicon;
};

static bool barred(const struct finding *f, const struct ush_grant *grant, size_t place)
{
	return ush_grant_bars(f->desired, grant, place);
}

static void hold(struct finding *f, size_t place, size_t resolved)
{
	USH_PUSH(f->holds.items, f->holds.count, ((struct ush_hold){(uint32_t)place, (uint32_t)resolved}));
}

/* Ten thousand groups of one grant share what it says without them. */
static void find_reach(struct finding *f, size_t number)
{
	const struct ush_places *places = f->desired->places;
	const struct ush_grant *grant = &f->desired->policy->grants[number];

	if (f->grant == number)
		return;
	f->grant = number;
	free(f->reach);
	f->reach = NULL;
	f->reach_count = 0;
	for (size_t i = 0; i < grant->namespaces.count; i++) {
		size_t place = ush_places_find(places, grant->namespaces.items[i], strlen(grant->namespaces.items[i]));

		if (place != SIZE_MAX && !barred(f, grant, place))
			USH_PUSH(f->reach, f->reach_count, (uint32_t)place);
	}
	for (size_t place = 0; grant->selector.count > 0 && !grant->selector.captures && place < places->count; place++)
		if (ush_places_selected(places, place, number) && !barred(f, grant, place))
			USH_PUSH(f->reach, f->reach_count, (uint32_t)place);
}

/* The place is there and matches already. */
static void hold_if_open(struct finding *f, size_t place, size_t number)
{
	if (f->desired->places->items[place].row != SIZE_MAX && !barred(f, &f->desired->policy->grants[f->desired->resolved[number].grant], place))
		hold(f, place, number);
}

static void look_up(struct finding *f, size_t number, const char *pattern)
{
	const struct ush_places *places = f->desired->places;
	const uint32_t *found;
	size_t count;

	if (f->lexicon == NULL) {
		f->names = ush_alloc((places->count + 1) * sizeof *f->names);
		for (size_t i = 0; i < places->count; i++)
			f->names[i] = places->items[i].name;
		f->lexicon = ush_lexicon_new(f->names, places->count);
	}
	count = ush_lexicon_match(f->lexicon, pattern, &found);
	for (size_t i = 0; i < count; i++)
		hold_if_open(f, found[i], number);
}

/* Places are sorted, so what begins like the pattern stands together: a team's few among ten thousand. */
static void hold_pattern(struct finding *f, size_t number, const char *pattern)
{
	const struct ush_places *places = f->desired->places;
	size_t begin = strcspn(pattern, "*{"), limit, place = ush_places_from(places, pattern, begin, &limit);

	if (limit - place > FEW && strcmp(pattern + begin, "*") != 0) {
		look_up(f, number, pattern);
		return;
	}
	for (; place < limit; place++)
		if (ush_pattern_match(pattern, places->items[place].name, NULL))
			hold_if_open(f, place, number);
}

/* What each group captures is looked up by the value: ten thousand groups of ten thousand labelled namespaces find their own. */
static void hold_fitting(struct finding *f, size_t number, const struct ush_captures *captures)
{
	const struct ush_places *places = f->desired->places;
	size_t grant = f->desired->resolved[number].grant, count;
	USH_AUTO_FREE uint32_t *found = NULL;

	count = ush_places_fitting(places, &f->desired->policy->grants[grant].selector, captures, &found);
	for (size_t i = 0; i < count; i++)
		if (ush_places_selected(places, found[i], grant))
			hold_if_open(f, found[i], number);
}

static void hold_resolved(struct finding *f, size_t number)
{
	const struct ush_resolved *resolved = &f->desired->resolved[number];
	const struct ush_grant *grant = &f->desired->policy->grants[resolved->grant];
	struct ush_captures captures = {0};
	USH_AUTO_FREE char *pattern = NULL;

	find_reach(f, resolved->grant);
	for (size_t i = 0; i < f->reach_count; i++)
		hold(f, f->reach[i], number);
	if (grant->namespace_pattern == NULL && !grant->selector.captures)
		return;
	if (grant->group_pattern != NULL)
		ush_pattern_match(grant->group_pattern, *grant->group_pattern == '/' ? resolved->group->path : resolved->group->name, &captures);
	if (grant->selector.captures)
		hold_fitting(f, number, &captures);
	pattern = grant->namespace_pattern != NULL ? ush_pattern_fill(grant->namespace_pattern, &captures) : NULL;
	if (pattern != NULL)
		hold_pattern(f, number, pattern);
}

/* Sorted by place, in time that follows their number. */
static void sort(struct ush_holds *holds, size_t places)
{
	USH_AUTO_FREE size_t *at = ush_alloc((places + 1) * sizeof *at);
	struct ush_hold *sorted = ush_alloc((holds->count + 1) * sizeof *sorted);

	for (size_t i = 0; i < holds->count; i++)
		at[holds->items[i].place + 1]++;
	for (size_t i = 0; i < places; i++)
		at[i + 1] += at[i];
	for (size_t i = 0; i < holds->count; i++)
		sorted[at[holds->items[i].place]++] = holds->items[i];
	free(holds->items);
	holds->items = sorted;
}

struct ush_holds ush_holds_find(const struct ush_desired *desired)
{
	struct finding f = {.desired = desired, .grant = SIZE_MAX};

	for (size_t i = 0; i < desired->resolved_count; i++)
		if (desired->resolved[i].fate == USH_FATE_PRESENT)
			hold_resolved(&f, i);
	sort(&f.holds, desired->places->count);
	ush_lexicon_free(f.lexicon);
	free(f.names);
	free(f.reach);
	return f.holds;
}
