/* SPDX-License-Identifier: Apache-2.0
 *
 * Label selectors, as the API server decides them (metav1.LabelSelector): NotIn and DoesNotExist hold where the label is
 * missing, In and Exists do not.
 */
#include <string.h>

#include "broker/policy/policy.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

struct ush_list ush_selector_values(const struct ush_selector_rule *rule, const struct ush_captures *captures)
{
	struct ush_list values = {0};

	for (size_t i = 0; i < rule->values.count; i++) {
		USH_AUTO_FREE char *filled = rule->captures ? ush_pattern_fill(rule->values.items[i], captures) : ush_strdup(rule->values.items[i]);

		if (filled != NULL)
			ush_list_add(&values, filled);
	}
	return values;
}

static bool holds_captured(const struct ush_selector_rule *rule, const struct ush_captures *captures, const char *value)
{
	struct ush_list values = ush_selector_values(rule, captures);
	bool has = ush_list_has(&values, value);

	ush_list_free(&values);
	return has;
}

static bool rule_holds(const struct ush_selector_rule *rule, const struct ush_captures *captures, const char *value)
{
	if (rule->captures)
		return value != NULL && (captures == NULL || holds_captured(rule, captures, value));
	switch (rule->operator) {
	case USH_SELECT_IN:
		return value != NULL && ush_list_has(&rule->values, value);
	case USH_SELECT_NOT_IN:
		return value == NULL || !ush_list_has(&rule->values, value);
	case USH_SELECT_EXISTS:
		return value != NULL;
	case USH_SELECT_NOT_EXISTS:
		return value == NULL;
	}
	return false;
}

bool ush_selector_matches(const struct ush_selector *selector, const struct ush_captures *captures, const json_t *labels)
{
	for (size_t i = 0; i < selector->count; i++)
		if (!rule_holds(&selector->rules[i], captures, ush_json_string(labels, selector->rules[i].key)))
			return false;
	return selector->count > 0;
}

/* "its label tier is "test", one of prod, stage is meant" */
static char *other_value(const struct ush_selector_rule *rule, const struct ush_captures *captures, const char *value)
{
	struct ush_list values = ush_selector_values(rule, captures);
	USH_AUTO_BUF text = {0};

	for (size_t i = 0; i < values.count; i++)
		ush_buf_printf(&text, "%s%s", i > 0 ? ", " : "", values.items[i]);
	ush_list_free(&values);
	return ush_printf("its label %s is \"%s\", %s %s is meant", rule->key, value, rule->operator == USH_SELECT_IN ? "one of" : "any but", text.data);
}

char *ush_selector_lacks(const struct ush_selector *selector, const struct ush_captures *captures, const json_t *labels)
{
	for (size_t i = 0; i < selector->count; i++) {
		const struct ush_selector_rule *rule = &selector->rules[i];
		const char *value = ush_json_string(labels, rule->key);

		if (rule_holds(rule, captures, value))
			continue;
		if (value == NULL)
			return ush_printf("it has no label %s", rule->key);
		return rule->operator == USH_SELECT_NOT_EXISTS ? ush_printf("it has label %s", rule->key) : other_value(rule, captures, value);
	}
	return NULL;
}
