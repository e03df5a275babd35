/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/want/forecast.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"

#define NAMED 3

struct crowd { /* people with many groups, those with most first */
	struct person {
		const char *name;
		size_t groups;
	} *items;
	size_t count;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int by_groups(const void *a, const void *b)
{
	const struct person *x = a, *y = b;

	return x->groups != y->groups ? (x->groups < y->groups) - (x->groups > y->groups) : strcmp(x->name, y->name);
}

static void count_source(const struct ush_groups *groups, struct crowd *crowd)
{
	USH_AUTO_FREE const char **names = NULL;
	size_t all = 0, count = 0;

	for (size_t i = 0; i < groups->count; i++)
		all += groups->items[i].members.count;
	if (groups->count < USH_FORECAST_NEAR || all < USH_FORECAST_NEAR)
		return;
	names = ush_alloc(all * sizeof *names);
	for (size_t i = 0; i < groups->count; i++)
		for (size_t j = 0; j < groups->items[i].members.count; j++)
			names[count++] = groups->items[i].members.items[j];
	qsort(names, count, sizeof *names, by_text);
	for (size_t i = 0, same; i < count; i += same) {
		for (same = 1; i + same < count && strcmp(names[i], names[i + same]) == 0;)
			same++;
		if (same >= USH_FORECAST_NEAR)
			USH_PUSH(crowd->items, crowd->count, ((struct person){names[i], same}));
	}
}

static void say(const struct crowd *crowd, size_t from, size_t to, const char *what, struct ush_list *lines)
{
	USH_AUTO_BUF line = {0};

	if (from == to)
		return;
	ush_buf_printf(&line, "%zu %s %s: ", to - from, to - from == 1 ? "person is" : "people are", what);
	for (size_t i = from; i < to && i < from + NAMED; i++)
		ush_buf_printf(&line, "%s%s (%zu)", i > from ? ", " : "", crowd->items[i].name, crowd->items[i].groups);
	if (to - from > NAMED)
		ush_buf_printf(&line, " and %zu more", to - from - NAMED);
	ush_list_add(lines, line.data);
}

void ush_forecast(const struct ush_groups *sources, size_t count, struct ush_list *lines)
{
	struct crowd crowd = {0};
	size_t past = 0;

	for (size_t i = 0; i < count; i++)
		count_source(&sources[i], &crowd);
	if (crowd.count > 0)
		qsort(crowd.items, crowd.count, sizeof *crowd.items, by_groups);
	while (past < crowd.count && crowd.items[past].groups > USH_FORECAST_LIMIT)
		past++;
	say(&crowd, 0, past, "in more than 200 groups, and a token that cannot list them all gives none (Entra)", lines);
	say(&crowd, past, crowd.count, "near 200 groups, beyond which a token may list none (Entra)", lines);
	free(crowd.items);
}
