/* SPDX-License-Identifier: Apache-2.0
 *
 * namespaceSelector: {tier: prod}, or as Kubernetes writes it with matchLabels and matchExpressions. What a label must be
 * may name what the grant's groupPattern captures: {team: "{team}"}.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/policy_read.h"
#include "common/base/memory.h"

#define OPERATORS "In|NotIn|Exists|DoesNotExist" /* in the order of enum ush_selector_operator */

#define RULE(member) offsetof(struct ush_selector_rule, member)
static const struct ush_form key_form = {.type = USH_FORM_TEXT, .refused = ush_name_not_label_key};
static const struct ush_form operator_form = {.type = USH_FORM_CHOICE, .choices = OPERATORS};
static const struct ush_form values_form = {.type = USH_FORM_TEXTS, .refused = ush_policy_not_captured_value, .may_be_empty = true};
static const struct ush_member expression_members[] = {{"key", true, &key_form, RULE(key), NULL},
						       {"operator", true, &operator_form, RULE(operator), NULL},
						       {"values", false, &values_form, RULE(values), NULL},
						       {NULL, false, NULL, 0, NULL}};
static const struct ush_form expression_form = {.type = USH_FORM_LIST, .members = expression_members};

/* A selector while it is read. */
struct reading {
	struct ush_reader *r;
	const char *group_pattern;
	struct ush_selector *selector;
};

static void check_value(const struct reading *s, const struct ush_node *at, const char *path, const char *value, struct ush_selector_rule *rule)
{
	if (strchr(value, '{') == NULL)
		return;
	if (rule->operator != USH_SELECT_IN)
		ush_reader_fault(s->r, at, path, "\"%.64s\" is what a group captures, which In alone can ask for", value);
	ush_policy_check_captures(s->r, at, path, value, s->group_pattern);
	rule->captures = s->selector->captures = true;
}

static void read_label(const struct reading *s, const struct ush_node *key, const struct ush_node *node, const char *path)
{
	USH_AUTO_FREE char *value = ush_reader_text(s->r, node, path, true);
	struct ush_selector_rule rule = {.operator = USH_SELECT_IN};
	const char *why = value != NULL ? ush_policy_not_captured_value(value) : NULL;

	if (value == NULL)
		return;
	if (why != NULL)
		ush_reader_fault(s->r, node, path, "\"%.64s\" %s", value, why);
	else
		check_value(s, node, path, value, &rule);
	rule.key = ush_strdup(key->text);
	ush_list_add(&rule.values, value);
	USH_PUSH(s->selector->rules, s->selector->count, rule);
}

/* To YAML, {team} without quotes is a map with nothing in it. */
static void refuse_label(const struct reading *s, const struct ush_node *key, const struct ush_node *node, const char *path)
{
	static const char *const words[] = {"matchLabels", "matchExpressions", NULL};
	char hint[96];

	if (node->kind == USH_NODE_MAP && node->count == 1 && ush_node_is_null(node->items[0]))
		ush_reader_fault(s->r, node, path, "label \"%.64s\": put it in quotes, as in \"{%.64s}\"", key->text, node->keys[0]->text);
	else
		ush_reader_fault(s->r, key, path, "label \"%.64s\" is a %s, a label's value is a string%s", key->text, ush_node_kind_name(node),
				 ush_reader_nearest(key->text, words, hint, sizeof hint));
}

static void read_labels(const struct reading *s, const struct ush_node *node, const char *path)
{
	char full[USH_PATH_MAX];

	if (ush_node_string(node) != NULL) {
		ush_reader_fault(s->r, node, path, "expected a map of labels, found \"%.64s\"; kubectl's tier=prod is {tier: prod} here, and its tier in (a,b) is "
						   "{matchExpressions: [{key: tier, operator: In, values: [a, b]}]}", ush_node_string(node));
		return;
	}
	if (!ush_reader_names(s->r, node, path, &key_form, "label"))
		return;
	for (size_t i = 0; i < node->count; i++)
		if (node->items[i]->kind == USH_NODE_SCALAR)
			read_label(s, node->keys[i], node->items[i], ush_reader_under(path, node->keys[i]->text, full));
		else
			refuse_label(s, node->keys[i], node->items[i], path);
}

static void read_expression(const struct reading *s, const struct ush_node *node, const char *path, struct ush_selector_rule *rule)
{
	const struct ush_node *values = ush_node_get(node, "values");
	size_t before = s->r->count;
	char full[USH_PATH_MAX], item[USH_PATH_MAX];
	bool wanted;

	if (!ush_reader_map(s->r, node, path, &expression_form, rule))
		return;
	wanted = rule->operator == USH_SELECT_IN || rule->operator == USH_SELECT_NOT_IN;
	if (wanted && values == NULL)
		ush_reader_fault(s->r, node, path, "values is missing");
	else if (!wanted && values != NULL)
		ush_reader_member_fault(s->r, values, path, "values", "has no meaning for Exists and DoesNotExist");
	ush_reader_under(path, "values", full);
	for (size_t i = 0; s->r->count == before && i < rule->values.count; i++)
		check_value(s, values->items[i], ush_reader_item(full, i, item), rule->values.items[i], rule);
}

static void read_expressions(const struct reading *s, const struct ush_node *node, const char *path)
{
	char item[USH_PATH_MAX];

	if (!ush_reader_list(s->r, node, path, false))
		return;
	for (size_t i = 0; i < node->count; i++) {
		struct ush_selector_rule rule = {0};

		read_expression(s, node->items[i], ush_reader_item(path, i, item), &rule);
		USH_PUSH(s->selector->rules, s->selector->count, rule);
	}
}

void ush_policy_read_selector(struct ush_reader *r, const struct ush_node *node, const char *path, const char *group_pattern, struct ush_selector *selector)
{
	const struct ush_node *labels = ush_node_get(node, "matchLabels"), *expressions = ush_node_get(node, "matchExpressions");
	const struct reading s = {r, group_pattern, selector};
	char full[USH_PATH_MAX];

	if (labels == NULL && expressions == NULL) {
		read_labels(&s, node, path);
		return;
	}
	for (size_t i = 0; i < node->count; i++)
		if (node->items[i] != labels && node->items[i] != expressions)
			ush_reader_fault(r, node->keys[i], path, "there is no member \"%.64s\" beside matchLabels and matchExpressions", node->keys[i]->text);
	if (labels != NULL)
		read_labels(&s, labels, ush_reader_under(path, "matchLabels", full));
	if (expressions != NULL)
		read_expressions(&s, expressions, ush_reader_under(path, "matchExpressions", full));
}
