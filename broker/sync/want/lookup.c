/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/want/lookup.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/base/search.h"

struct ush_spelt {
	char *text;
	const struct ush_group *group;
};

static int by_spelling(const void *a, const void *b)
{
	return strcmp(((const struct ush_spelt *)a)->text, ((const struct ush_spelt *)b)->text);
}

static void spell(struct ush_lookup *lookup, const struct ush_policy *policy)
{
	lookup->spelt = ush_alloc((lookup->groups->count + 1) * sizeof *lookup->spelt);
	for (size_t i = 0; i < lookup->groups->count; i++) {
		const struct ush_group *group = &lookup->groups->items[i];

		lookup->spelt[i] = (struct ush_spelt){ush_name_group(policy, group->id, group->name, group->path), group};
	}
	qsort(lookup->spelt, lookup->groups->count, sizeof *lookup->spelt, by_spelling);
}

size_t ush_lookup_like(struct ush_lookup *lookup, const char *pattern, bool paths, const uint32_t **found)
{
	const struct ush_groups *groups = lookup->groups;

	if (lookup->like[paths] == NULL) {
		lookup->texts[paths] = ush_alloc((groups->count + 1) * sizeof *lookup->texts[paths]);
		for (size_t i = 0; i < groups->count; i++)
			lookup->texts[paths][i] = paths ? groups->items[i].path : groups->items[i].name;
		lookup->like[paths] = ush_lexicon_new(lookup->texts[paths], groups->count);
	}
	return ush_lexicon_match(lookup->like[paths], pattern, found);
}

static void exclude(struct ush_lookup *lookup, const struct ush_list *patterns)
{
	lookup->excluded = ush_alloc((lookup->groups->count + 1) * sizeof *lookup->excluded);
	for (size_t i = 0; i < 2 * patterns->count; i++) {
		const uint32_t *found;
		size_t count = ush_lookup_like(lookup, patterns->items[i / 2], i % 2 == 1, &found);

		for (size_t k = 0; k < count; k++)
			lookup->excluded[found[k]] = true;
	}
}

void ush_lookup_open(struct ush_lookup *lookup, const struct ush_groups *groups, const struct ush_policy *policy)
{
	lookup->groups = groups;
	for (enum ush_group_name by = USH_GROUP_LEAF; by <= USH_GROUP_ID; by++)
		lookup->by[by] = ush_index_new(groups, by);
	if (policy->lower_case)
		spell(lookup, policy);
	exclude(lookup, &policy->exclude_groups);
}

void ush_lookup_close(struct ush_lookup *lookup)
{
	ush_index_free(&lookup->by[USH_GROUP_LEAF]);
	ush_index_free(&lookup->by[USH_GROUP_PATH]);
	for (size_t i = 0; lookup->spelt != NULL && i < lookup->groups->count; i++)
		free(lookup->spelt[i].text);
	free(lookup->spelt);
	for (size_t i = 0; i < USH_COUNT(lookup->like); i++) {
		ush_lexicon_free(lookup->like[i]);
		free(lookup->texts[i]);
	}
	free(lookup->excluded);
}

static size_t spelt_from(const struct ush_lookup *lookup, const char *text)
{
	return USH_FIRST_NOT(i, 0, lookup->groups->count, strcmp(lookup->spelt[i].text, text) < 0);
}

const struct ush_group *ush_lookup_twin(const struct ush_lookup *lookup, const struct ush_policy *policy, const struct ush_group *group, const char *text)
{
	const struct ush_group *const *same;
	size_t count;

	if (lookup->spelt != NULL) {
		size_t first = spelt_from(lookup, text);
		bool again = first + 1 < lookup->groups->count && strcmp(lookup->spelt[first + 1].text, text) == 0;

		return lookup->spelt[first].group != group ? lookup->spelt[first].group : again ? lookup->spelt[first + 1].group : NULL;
	}
	count = ush_index_find(&lookup->by[policy->group_name], ush_name_said(policy, group->id, group->name, group->path), &same);
	return count < 2 ? NULL : same[0] != group ? same[0] : same[1];
}

void ush_lookup_refer(const struct ush_lookup *lookup, const struct ush_policy *policy, const char *wanted, const struct ush_group *found[2])
{
	const struct ush_group *const *named, *const *known;
	size_t names = ush_index_find(&lookup->by[*wanted == '/' ? USH_GROUP_PATH : USH_GROUP_LEAF], wanted, &named), ids = 0;

	if (*wanted != '/' && policy->group_name == USH_GROUP_ID)
		ids = ush_index_find(&lookup->by[USH_GROUP_ID], wanted, &known);
	found[0] = names > 0 ? named[0] : ids > 0 ? known[0] : NULL;
	found[1] = names > 1 ? named[1] : NULL;
	for (size_t i = 0; i < ids && found[1] == NULL; i++)
		found[1] = known[i] != found[0] ? known[i] : NULL;
}
