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

static bool rule_holds(const struct ush_selector_rule *rule, const char *value)
{
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

bool ush_selector_matches(const struct ush_selector *selector, const json_t *labels)
{
	for (size_t i = 0; i < selector->count; i++)
		if (!rule_holds(&selector->rules[i], ush_json_string(labels, selector->rules[i].key)))
			return false;
	return selector->count > 0;
}

char *ush_selector_lacks(const struct ush_selector *selector, const json_t *labels)
{
	for (size_t i = 0; i < selector->count; i++) {
		const struct ush_selector_rule *rule = &selector->rules[i];
		const char *value = ush_json_string(labels, rule->key), *word = rule->operator == USH_SELECT_IN ? "one of" : "any but";
		USH_AUTO_BUF values = {0};

		if (rule_holds(rule, value))
			continue;
		for (size_t k = 0; k < rule->values.count; k++)
			ush_buf_printf(&values, "%s%s", k > 0 ? ", " : "", rule->values.items[k]);
		if (value == NULL)
			return ush_printf("it has no label %s", rule->key);
		if (rule->operator == USH_SELECT_NOT_EXISTS)
			return ush_printf("it has label %s", rule->key);
		return ush_printf("its label %s is \"%s\", %s %s is meant", rule->key, value, word, values.data);
	}
	return NULL;
}
