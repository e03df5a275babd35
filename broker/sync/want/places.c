/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/want/places.h"

#include <string.h>

#include "broker/policy/lexicon.h"
#include "common/base/memory.h"
#include "common/base/search.h"
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

/* What selectors capture is asked for by the value, group by group: only such labels are kept. */
static void keep_labels(struct ush_places *places, size_t row, const json_t *labels)
{
	const struct ush_list *keys = &places->selectors.captured;

	for (size_t i = 0; i < keys->count; i++) {
		const char *value = ush_texts_keep(&places->texts, ush_json_string(labels, keys->items[i]));

		if (value != NULL)
			USH_PUSH(places->labels, places->label_count, ((struct ush_place_label){(uint32_t)i, (uint32_t)row, value}));
	}
}

void ush_places_add(struct ush_places *places, const struct ush_policy *policy, const char *name, const json_t *labels, bool terminating)
{
	const char *tenant = policy->tenant_label != NULL ? ush_json_string(labels, policy->tenant_label) : NULL;
	struct ush_place place = {.name = ush_texts_add(&places->texts, name, strlen(name)), .there = true, .terminating = terminating,
				  .half_made = ush_unreached_half_made(labels)};

	place.tenant = ush_texts_keep(&places->texts, tenant);
	place.row = add_row(places, labels);
	keep_labels(places, place.row, labels);
	if (!terminating)
		ush_unreached_add(&places->unreached, policy, &places->texts, place.name, labels);
	USH_PUSH(places->items, places->count, place);
}

void ush_places_forget(struct ush_places *places)
{
	places->count = places->row_count = places->label_count = places->unreached.count = 0; /* the texts stay until the end: a list begins anew once */
}

static int by_name(const void *a, const void *b)
{
	const struct ush_place *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order == 0)
		order = (int)y->there - (int)x->there;
	return order != 0 ? order : (x->row > y->row) - (x->row < y->row); /* of two manifests the first counts */
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

static int by_label(const void *a, const void *b)
{
	const struct ush_place_label *x = a, *y = b;
	int order = (x->key > y->key) - (x->key < y->key);

	if (order == 0)
		order = x->value == y->value ? 0 : strcmp(x->value, y->value);
	return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

/* From rows to places, which do not move any more. A name that was there twice has one row too many. */
static void index_labels(struct ush_places *places)
{
	USH_AUTO_FREE uint32_t *place_of = ush_alloc((places->row_count + 1) * sizeof *place_of);
	size_t kept = 0;

	for (size_t i = 0; i < places->count; i++)
		if (places->items[i].row != SIZE_MAX)
			place_of[places->items[i].row] = (uint32_t)i + 1;
	for (size_t i = 0; i < places->label_count; i++) {
		struct ush_place_label label = places->labels[i];

		if (place_of[label.place] == 0)
			continue;
		label.place = place_of[label.place] - 1;
		places->labels[kept++] = label;
	}
	places->label_count = kept;
	if (kept > 0)
		qsort(places->labels, kept, sizeof *places->labels, by_label);
}

void ush_places_sort(struct ush_places *places, const struct ush_policy *policy)
{
	size_t kept = 0;

	for (size_t i = 0; i < policy->grant_count && !places->few; i++)
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
	index_labels(places);
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
	free(places->labels);
	*places = (struct ush_places){0};
}

static int order(const char *name, const char *text, size_t length)
{
	int o = strncmp(name, text, length);

	return o != 0 ? o : name[length] != '\0';
}

size_t ush_places_find(const struct ush_places *places, const char *name, size_t length)
{
	size_t at = USH_FIRST_NOT(i, 0, places->count, order(places->items[i].name, name, length) < 0);

	return at < places->count && order(places->items[at].name, name, length) == 0 ? at : SIZE_MAX;
}

size_t ush_places_from(const struct ush_places *places, const char *prefix, size_t length, size_t *limit)
{
	size_t begin = USH_FIRST_NOT(i, 0, places->count, strncmp(places->items[i].name, prefix, length) < 0);

	*limit = USH_FIRST_NOT(i, begin, places->count, strncmp(places->items[i].name, prefix, length) == 0);
	return begin;
}

bool ush_places_selected(const struct ush_places *places, size_t place, size_t grant)
{
	size_t row = places->items[place].row, selector = places->row_bytes > 0 ? places->selectors.of_grant[grant] : SIZE_MAX;

	return row != SIZE_MAX && selector != SIZE_MAX && (places->selected[row * places->row_bytes + selector / 8] >> selector % 8 & 1) != 0;
}

/* ---- by labels that are captured ---- */

/* The first label that is not before this one. */
static size_t label_from(const struct ush_places *places, const struct ush_place_label *label)
{
	return USH_FIRST_NOT(i, 0, places->label_count, by_label(&places->labels[i], label) < 0);
}

static uint32_t key_of(const struct ush_places *places, const char *key)
{
	const struct ush_list *keys = &places->selectors.captured;
	uint32_t i = 0;

	while (i < keys->count && strcmp(keys->items[i], key) != 0)
		i++;
	return i;
}

static bool rule_fits(const struct ush_places *places, size_t place, const struct ush_selector_rule *rule, const struct ush_captures *captures)
{
	struct ush_list values = ush_selector_values(rule, captures);
	bool fits = false;

	for (size_t i = 0; i < values.count && !fits; i++) {
		struct ush_place_label label = {key_of(places, rule->key), (uint32_t)place, values.items[i]};
		size_t at = label_from(places, &label);

		fits = at < places->label_count && by_label(&places->labels[at], &label) == 0;
	}
	ush_list_free(&values);
	return fits;
}

bool ush_places_fit(const struct ush_places *places, size_t place, const struct ush_selector *selector, const struct ush_captures *captures)
{
	for (size_t i = 0; i < selector->count; i++)
		if (selector->rules[i].captures && !rule_fits(places, place, &selector->rules[i], captures))
			return false;
	return true;
}

/* The labels of this key and value are from *at on; how many. */
static size_t labels_of(const struct ush_places *places, uint32_t key, const char *value, size_t *at)
{
	*at = label_from(places, &(struct ush_place_label){key, 0, value});
	return label_from(places, &(struct ush_place_label){key, UINT32_MAX, value}) - *at;
}

static size_t count_of(const struct ush_places *places, const struct ush_selector_rule *rule, const struct ush_captures *captures)
{
	struct ush_list values = ush_selector_values(rule, captures);
	size_t count = 0, at;

	for (size_t i = 0; i < values.count; i++)
		count += labels_of(places, key_of(places, rule->key), values.items[i], &at);
	ush_list_free(&values);
	return count;
}

/* The captured rule that the fewest places obey: one label may be of every namespace, and every group capture it. */
static const struct ush_selector_rule *narrowest(const struct ush_places *places, const struct ush_selector *selector, const struct ush_captures *captures)
{
	const struct ush_selector_rule *best = NULL;
	size_t least = 0;

	for (size_t i = 0; i < selector->count; i++) {
		size_t count = selector->rules[i].captures ? count_of(places, &selector->rules[i], captures) : 0;

		if (selector->rules[i].captures && (best == NULL || count < least)) {
			best = &selector->rules[i];
			least = count;
		}
	}
	return best;
}

size_t ush_places_fitting(const struct ush_places *places, const struct ush_selector *selector, const struct ush_captures *captures, uint32_t **found)
{
	const struct ush_selector_rule *rule = narrowest(places, selector, captures);
	struct ush_list values = ush_selector_values(rule, captures);
	uint32_t *list = NULL;
	size_t count = 0, at;

	ush_list_sort(&values); /* each once */
	for (size_t i = 0; i < values.count; i++)
		for (size_t left = labels_of(places, key_of(places, rule->key), values.items[i], &at); left > 0; left--, at++)
			if (ush_places_fit(places, places->labels[at].place, selector, captures))
				USH_PUSH(list, count, places->labels[at].place);
	ush_list_free(&values);
	*found = list;
	return count;
}
