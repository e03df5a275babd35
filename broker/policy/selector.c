/* SPDX-License-Identifier: Apache-2.0
 *
 * Label selectors, as the API server decides them (metav1.LabelSelector): NotIn and DoesNotExist hold where the label is
 * missing, In and Exists do not.
 */
#include <string.h>

#include "broker/policy/policy.h"
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
