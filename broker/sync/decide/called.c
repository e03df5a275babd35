/* SPDX-License-Identifier: Apache-2.0
 *
 * Which groups of a source the API server calls by a name. Made when somebody first asks, which most plans do not; then ten
 * thousand renamed groups cost what finding them costs.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/decide/decide.h"
#include "common/base/memory.h"
#include "common/base/search.h"

struct ush_called { /* of one source */
	struct call {
		char *text;
		const struct ush_group *group;
	} *items; /* sorted by text */
	size_t count;
	bool made;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct call *)a)->text, ((const struct call *)b)->text);
}

static void make(const struct ush_decide *d, size_t source, struct ush_called *called)
{
	const struct ush_groups *groups = &d->in->groups[source];

	called->made = true;
	called->items = ush_alloc((groups->count + 1) * sizeof *called->items);
	for (; called->count < groups->count; called->count++) {
		const struct ush_group *group = &groups->items[called->count];

		called->items[called->count] = (struct call){ush_name_group(d->policy, group->id, group->name, group->path), group};
	}
	if (called->count > 0)
		qsort(called->items, called->count, sizeof *called->items, by_text);
}

size_t ush_decide_called(const struct ush_decide *d, size_t source, const char *text, const struct ush_group **one)
{
	struct ush_called *called = &d->called[source];
	size_t low, count = 0;

	if (!called->made)
		make(d, source, called);
	low = USH_FIRST_NOT(i, 0, called->count, strcmp(called->items[i].text, text) < 0);
	*one = low < called->count ? called->items[low].group : NULL;
	while (low + count < called->count && strcmp(called->items[low + count].text, text) == 0)
		count++;
	return count;
}

struct ush_called *ush_decide_called_new(const struct ush_decide *d)
{
	return ush_alloc((d->policy->source_count + 1) * sizeof(struct ush_called));
}

void ush_decide_called_free(struct ush_decide *d)
{
	for (size_t s = 0; s < d->policy->source_count; s++) {
		for (size_t i = 0; i < d->called[s].count; i++)
			free(d->called[s].items[i].text);
		free(d->called[s].items);
	}
	free(d->called);
}
