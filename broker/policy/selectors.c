/* SPDX-License-Identifier: Apache-2.0
 *
 * A selector with "key In [values]" holds only where the label has one of the values, one with "key Exists" only where
 * there is the label: by these it is found. What says neither is tried on every namespace.
 */
#include "broker/policy/selectors.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/search.h"

struct ush_anchor {
	const char *key, *value; /* value NULL: any */
	size_t selector;
};

/* ---- equal ones once ---- */

/* Of what a rule captures only the key matters here. */
static int rule_order(const struct ush_selector_rule *a, const struct ush_selector_rule *b)
{
	int order = strcmp(a->key, b->key);

	if (order == 0)
		order = (int)a->captures - (int)b->captures;
	if (order != 0 || a->captures)
		return order;
	order = (int)a->operator - (int)b->operator;
	if (order == 0)
		order = (a->values.count > b->values.count) - (a->values.count < b->values.count);
	for (size_t i = 0; i < a->values.count && order == 0; i++)
		order = strcmp(a->values.items[i], b->values.items[i]);
	return order;
}

static int selector_order(const struct ush_selector *a, const struct ush_selector *b)
{
	int order = (a->count > b->count) - (a->count < b->count);

	for (size_t i = 0; i < a->count && order == 0; i++)
		order = rule_order(&a->rules[i], &b->rules[i]);
	return order;
}

static int by_selector(const void *a, const void *b, void *policy)
{
	const struct ush_grant *grants = ((const struct ush_policy *)policy)->grants;
	const size_t *x = a, *y = b;
	int order = selector_order(&grants[*x].selector, &grants[*y].selector);

	return order != 0 ? order : (*x > *y) - (*x < *y);
}

/* ---- by what they are found ---- */

static const struct ush_selector_rule *rule_of(const struct ush_selector *selector, enum ush_selector_operator operator, bool captures)
{
	for (size_t i = 0; i < selector->count; i++)
		if (selector->rules[i].operator == operator && selector->rules[i].captures == captures)
			return &selector->rules[i];
	return NULL;
}

static void anchor(struct ush_selectors *s, size_t number)
{
	const struct ush_selector_rule *in = rule_of(s->items[number], USH_SELECT_IN, false), *there = rule_of(s->items[number], USH_SELECT_IN, true);

	if (there == NULL) /* a captured label must be there, whatever it says */
		there = rule_of(s->items[number], USH_SELECT_EXISTS, false);
	for (size_t i = 0; in != NULL && i < in->values.count; i++)
		USH_PUSH(s->anchors, s->anchor_count, ((struct ush_anchor){in->key, in->values.items[i], number}));
	if (in == NULL && there != NULL)
		USH_PUSH(s->anchors, s->anchor_count, ((struct ush_anchor){there->key, NULL, number}));
	if (in == NULL && there == NULL)
		USH_PUSH(s->always, s->always_count, number);
	for (size_t i = 0; i < s->items[number]->count; i++)
		if (s->items[number]->rules[i].captures)
			ush_list_add(&s->captured, s->items[number]->rules[i].key);
}

static int anchor_order(const struct ush_anchor *a, const char *key, const char *value)
{
	int order = strcmp(a->key, key);

	if (order != 0 || (a->value == NULL && value == NULL))
		return order;
	return a->value == NULL ? -1 : value == NULL ? 1 : strcmp(a->value, value);
}

static int by_anchor(const void *a, const void *b)
{
	const struct ush_anchor *x = a, *y = b;

	return anchor_order(x, y->key, y->value);
}

void ush_selectors_begin(struct ush_selectors *s, const struct ush_policy *policy)
{
	USH_AUTO_FREE size_t *grants = ush_alloc((policy->grant_count + 1) * sizeof *grants);
	size_t count = 0;

	*s = (struct ush_selectors){.of_grant = ush_alloc((policy->grant_count + 1) * sizeof *s->of_grant)};
	for (size_t i = 0; i < policy->grant_count; i++) {
		s->of_grant[i] = SIZE_MAX;
		if (policy->grants[i].selector.count > 0)
			grants[count++] = i;
	}
	qsort_r(grants, count, sizeof *grants, by_selector, (void *)(uintptr_t)policy);
	for (size_t i = 0; i < count; i++) {
		const struct ush_selector *selector = &policy->grants[grants[i]].selector;

		if (s->count == 0 || selector_order(s->items[s->count - 1], selector) != 0) {
			USH_PUSH(s->items, s->count, selector);
			anchor(s, s->count - 1);
		}
		s->of_grant[grants[i]] = s->count - 1;
	}
	ush_list_sort(&s->captured);
	if (s->anchor_count > 0)
		qsort(s->anchors, s->anchor_count, sizeof *s->anchors, by_anchor);
}

void ush_selectors_free(struct ush_selectors *s)
{
	free(s->items);
	free(s->of_grant);
	free(s->anchors);
	free(s->always);
	ush_list_free(&s->captured);
	*s = (struct ush_selectors){0};
}

/* ---- one namespace ---- */

static void try_one(const struct ush_selectors *s, size_t number, const json_t *labels, unsigned char *bits)
{
	if (ush_selector_matches(s->items[number], NULL, labels))
		bits[number / 8] |= (unsigned char)(1 << number % 8);
}

static void try_anchored(const struct ush_selectors *s, const char *key, const char *value, const json_t *labels, unsigned char *bits)
{
	for (size_t at = USH_FIRST_NOT(i, 0, s->anchor_count, anchor_order(&s->anchors[i], key, value) < 0);
	     at < s->anchor_count && anchor_order(&s->anchors[at], key, value) == 0; at++)
		try_one(s, s->anchors[at].selector, labels, bits);
}

void ush_selectors_match(const struct ush_selectors *s, const json_t *labels, unsigned char *bits)
{
	const char *key;
	json_t *value;

	for (size_t i = 0; i < s->always_count; i++)
		try_one(s, s->always[i], labels, bits);
	json_object_foreach((json_t *)(uintptr_t)labels, key, value)
		if (json_is_string(value)) {
			try_anchored(s, key, json_string_value(value), labels, bits);
			try_anchored(s, key, NULL, labels, bits);
		}
}
