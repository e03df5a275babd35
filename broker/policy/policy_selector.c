/* SPDX-License-Identifier: Apache-2.0
 *
 * namespaceSelector: {tier: prod}, or as Kubernetes writes it with matchLabels and matchExpressions.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/policy_read.h"
#include "common/base/memory.h"

#define OPERATORS "In|NotIn|Exists|DoesNotExist" /* in the order of enum ush_selector_operator */

#define RULE(member) offsetof(struct ush_selector_rule, member)
static const struct ush_form key_form = {.type = USH_FORM_TEXT, .refused = ush_name_not_label_key};
static const struct ush_form operator_form = {.type = USH_FORM_CHOICE, .choices = OPERATORS};
static const struct ush_form values_form = {.type = USH_FORM_TEXTS, .refused = ush_name_not_label_value, .may_be_empty = true};
static const struct ush_member expression_members[] = {{"key", true, &key_form, RULE(key), NULL},
						       {"operator", true, &operator_form, RULE(operator), NULL},
						       {"values", false, &values_form, RULE(values), NULL},
						       {NULL, false, NULL, 0, NULL}};
static const struct ush_form expression_form = {.type = USH_FORM_LIST, .members = expression_members};

static void read_labels(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_selector *selector)
{
	static const char *const words[] = {"matchLabels", "matchExpressions", NULL};
	char full[USH_PATH_MAX], hint[96];

	if (ush_node_string(node) != NULL) {
		ush_reader_fault(r, node, path, "expected a map of labels, found \"%.64s\"; kubectl's tier=prod is {tier: prod} here, and its tier in (a,b) is "
						"{matchExpressions: [{key: tier, operator: In, values: [a, b]}]}", ush_node_string(node));
		return;
	}
	if (!ush_reader_names(r, node, path, &key_form, "label"))
		return;
	for (size_t i = 0; i < node->count; i++) {
		if (node->items[i]->kind != USH_NODE_SCALAR) {
			ush_reader_fault(r, node->keys[i], path, "label \"%.64s\" is a %s, a label's value is a string%s", node->keys[i]->text, ush_node_kind_name(node->items[i]),
					 ush_reader_nearest(node->keys[i]->text, words, hint, sizeof hint));
			continue;
		}
		USH_AUTO_FREE char *value = ush_reader_text(r, node->items[i], ush_reader_under(path, node->keys[i]->text, full), true);
		struct ush_selector_rule rule = {.operator = USH_SELECT_IN};

		if (value == NULL)
			continue;
		if (ush_name_not_label_value(value) != NULL)
			ush_reader_fault(r, node->items[i], full, "\"%.64s\" %s", value, ush_name_not_label_value(value));
		rule.key = ush_strdup(node->keys[i]->text);
		ush_list_add(&rule.values, value);
		USH_PUSH(selector->rules, selector->count, rule);
	}
}

static void read_expression(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_selector_rule *rule)
{
	bool wanted;

	if (!ush_reader_map(r, node, path, &expression_form, rule))
		return;
	wanted = rule->operator == USH_SELECT_IN || rule->operator == USH_SELECT_NOT_IN;
	if (wanted && ush_node_get(node, "values") == NULL)
		ush_reader_fault(r, node, path, "values is missing");
	else if (!wanted && ush_node_get(node, "values") != NULL)
		ush_reader_member_fault(r, ush_node_get(node, "values"), path, "values", "has no meaning for Exists and DoesNotExist");
}

static void read_expressions(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_selector *selector)
{
	char item[USH_PATH_MAX];

	if (!ush_reader_list(r, node, path, false))
		return;
	for (size_t i = 0; i < node->count; i++) {
		struct ush_selector_rule rule = {0};

		read_expression(r, node->items[i], ush_reader_item(path, i, item), &rule);
		USH_PUSH(selector->rules, selector->count, rule);
	}
}

void ush_policy_read_selector(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_selector *selector)
{
	const struct ush_node *labels = ush_node_get(node, "matchLabels"), *expressions = ush_node_get(node, "matchExpressions");
	char full[USH_PATH_MAX];

	if (labels == NULL && expressions == NULL) {
		read_labels(r, node, path, selector);
		return;
	}
	for (size_t i = 0; i < node->count; i++)
		if (node->items[i] != labels && node->items[i] != expressions)
			ush_reader_fault(r, node->keys[i], path, "there is no member \"%.64s\" beside matchLabels and matchExpressions", node->keys[i]->text);
	if (labels != NULL)
		read_labels(r, labels, ush_reader_under(path, "matchLabels", full), selector);
	if (expressions != NULL)
		read_expressions(r, expressions, ush_reader_under(path, "matchExpressions", full), selector);
}
