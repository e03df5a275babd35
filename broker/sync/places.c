/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/places.h"

#include <string.h>

#include "broker/policy/lexicon.h"
#include "common/base/memory.h"
#include "common/data/json.h"

void ush_places_begin(struct ush_places *places, const struct ush_policy *policy)
{
	*places = (struct ush_places){0};
	ush_selectors_begin(&places->selectors, policy);
	places->row_bytes = (places->selectors.count + 7) / 8;
}

bool ush_places_want_labels(const struct ush_places *places, const struct ush_policy *policy)
{
	return places->selectors.count > 0 || policy->tenant_label != NULL;
}

static size_t add_row(struct ush_places *places, const json_t *labels)
{
	size_t row = places->row_count++;
	unsigned char *bits;

	if (places->row_bytes == 0)
		return row;
	if ((row & (row - 1)) == 0)
		places->selected = ush_resize(places->selected, (row == 0 ? 1 : 2 * row) * places->row_bytes);
	bits = places->selected + row * places->row_bytes;
	memset(bits, 0, places->row_bytes);
	ush_selectors_match(&places->selectors, labels, bits);
	return row;
}

void ush_places_add(struct ush_places *places, const struct ush_policy *policy, const char *name, const json_t *labels, bool terminating)
{
	const char *tenant = policy->tenant_label != NULL ? ush_json_string(labels, policy->tenant_label) : NULL;
	struct ush_place place = {.name = ush_texts_add(&places->texts, name, strlen(name)), .there = true, .terminating = terminating};

	place.tenant = ush_texts_keep(&places->texts, tenant);
	place.row = add_row(places, labels);
	USH_PUSH(places->items, places->count, place);
}

void ush_places_forget(struct ush_places *places)
{
	places->count = places->row_count = 0; /* the texts stay until the end: a list begins anew once */
}

static int by_name(const void *a, const void *b)
{
	const struct ush_place *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order != 0 ? order : (int)y->there - (int)x->there;
}

static void exclude(struct ush_places *places, const struct ush_list *patterns)
{
	USH_AUTO_FREE const char **names = ush_alloc((places->count + 1) * sizeof *names);
	USH_AUTO_LEXICON lexicon = ush_lexicon_new(names, places->count);

	for (size_t i = 0; i < places->count; i++)
		names[i] = places->items[i].name;
	for (size_t i = 0; i < patterns->count; i++) {
		const uint32_t *found;
		size_t count = ush_lexicon_match(lexicon, patterns->items[i], &found);

		for (size_t k = 0; k < count; k++)
			places->items[found[k]].excluded = true;
	}
}

void ush_places_sort(struct ush_places *places, const struct ush_policy *policy)
{
	size_t kept = 0;

	for (size_t i = 0; i < policy->grant_count; i++)
		for (size_t j = 0; j < policy->grants[i].namespaces.count; j++) {
			const char *name = policy->grants[i].namespaces.items[j];
			struct ush_place place = {.name = ush_texts_keep(&places->texts, name), .row = SIZE_MAX, .there = !places->known};

			USH_PUSH(places->items, places->count, place);
		}
	if (places->count > 0)
		qsort(places->items, places->count, sizeof *places->items, by_name);
	for (size_t i = 0; i < places->count; i++)
		if (kept == 0 || strcmp(places->items[kept - 1].name, places->items[i].name) != 0)
			places->items[kept++] = places->items[i];
		else if (places->items[kept - 1].row == SIZE_MAX)
			places->items[kept - 1] = places->items[i]; /* the one whose labels were seen */
	places->count = kept;
	for (size_t i = 0; i < places->count; i++)
		places->there += places->items[i].there && !places->items[i].terminating;
	if (policy->exclude_namespaces.count > 0)
		exclude(places, &policy->exclude_namespaces);
}

void ush_places_free(struct ush_places *places)
{
	ush_texts_free(&places->texts);
	free(places->items);
	ush_selectors_free(&places->selectors);
	free(places->selected);
	*places = (struct ush_places){0};
}

static int order(const char *name, const char *text, size_t length)
{
	int o = strncmp(name, text, length);

	return o != 0 ? o : name[length] != '\0';
}

size_t ush_places_find(const struct ush_places *places, const char *name, size_t length)
{
	size_t low = 0, high = places->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int o = order(places->items[middle].name, name, length);

		if (o == 0)
			return middle;
		if (o < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return SIZE_MAX;
}

size_t ush_places_from(const struct ush_places *places, const char *prefix, size_t length, size_t *limit)
{
	size_t bounds[2];

	for (int after = 0; after < 2; after++) {
		size_t low = 0, high = places->count;

		while (low < high) {
			size_t middle = low + (high - low) / 2;

			if (strncmp(places->items[middle].name, prefix, length) < after)
				low = middle + 1;
			else
				high = middle;
		}
		bounds[after] = low;
	}
	*limit = bounds[1];
	return bounds[0];
}

bool ush_places_selected(const struct ush_places *places, size_t place, size_t grant)
{
	size_t row = places->items[place].row, selector = places->row_bytes > 0 ? places->selectors.of_grant[grant] : SIZE_MAX;

	return row != SIZE_MAX && selector != SIZE_MAX && (places->selected[row * places->row_bytes + selector / 8] >> selector % 8 & 1) != 0;
}
