/* SPDX-License-Identifier: Apache-2.0
 *
 * roles: what may be done. A role that lets its holders give themselves more is refused here, before anybody has it.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/policy_read.h"
#include "common/base/memory.h"

#define WORD_MAX 253 /* bytes of a word of a rule: the longest name an object can have */

static const struct ush_member role_members[] = {{"rules", USH_MEMBER_OPTIONAL}, {"clusterRole", USH_MEMBER_OPTIONAL}, {NULL, 0}};
static const struct ush_member rule_members[] = {{"apiGroups", USH_MEMBER_REQUIRED},     {"resources", USH_MEMBER_REQUIRED},
						 {"verbs", USH_MEMBER_REQUIRED},	 {"resourceNames", USH_MEMBER_OPTIONAL},
						 {NULL, 0}};

/* A word of a rule that may not be there, and why. field is the member it stands in. */
static const struct {
	const char *field, *word, *why;
} refused[] = {
	{"apiGroups", "*", "would cover every API group, also those installed later; name them"},
	{"resources", "*", "would cover every resource, Secrets and Roles included; name them"},
	{"verbs", "*", "would cover every verb, escalate and bind included; name them"},
	{"verbs", "escalate", "lets people write themselves any right"},
	{"verbs", "bind", "lets people bind themselves to any role"},
	{"verbs", "impersonate", "lets people act as anybody"},
};

static void check_words(struct ush_reader *r, const struct ush_node *rule, const char *path, const char *field, const struct ush_list *words)
{
	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->items[i];
		const struct ush_node *at = ush_node_get(rule, field)->items[i];

		if (ush_name_deceives(word) || strlen(word) > WORD_MAX)
			ush_reader_member_fault(r, at, path, field, "\"%.64s\" %s", word,
						ush_name_deceives(word) ? "holds a control or invisible character" : "is longer than 253 bytes");
		for (size_t j = 0; j < USH_COUNT(refused); j++)
			if (strcmp(field, refused[j].field) == 0 && strcasecmp(word, refused[j].word) == 0)
				ush_reader_member_fault(r, at, path, field, "\"%.64s\" %s", word, refused[j].why);
		if (strcmp(field, "resources") == 0 && (strncmp(word, "*/", 2) == 0 || (strchr(word, '/') != NULL && strchr(word, '*') != NULL)))
			ush_reader_member_fault(r, at, path, "resources", "\"%.64s\" covers more than it names; name the resources", word);
	}
}

static void read_rule(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_rule *rule)
{
	const struct {
		const char *field;
		struct ush_list *words;
	} fields[] = {{"apiGroups", &rule->groups}, {"resources", &rule->resources}, {"verbs", &rule->verbs}, {"resourceNames", &rule->names}};

	if (!ush_reader_map(r, node, path, rule_members))
		return;
	for (size_t i = 0; i < USH_COUNT(fields); i++) {
		size_t before = r->count;

		ush_reader_strings(r, node, path, fields[i].field, fields[i].words);
		if (r->count == before) /* items and nodes have the same places */
			check_words(r, node, path, fields[i].field, fields[i].words);
	}
}

static void read_rules(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_policy_role *role)
{
	char full[160];

	snprintf(full, sizeof full, "%s.rules", path);
	if (!ush_reader_list(r, node, full))
		return;
	for (size_t i = 0; i < node->count; i++) {
		USH_PUSH(role->rules, role->rule_count, (struct ush_rule){0});
		snprintf(full, sizeof full, "%s.rules[%zu]", path, i);
		read_rule(r, node->items[i], full, &role->rules[i]);
	}
}

static void read_cluster_role(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_policy_role *role)
{
	const struct ush_node *at = ush_node_get(node, "clusterRole");
	const char *why;

	role->cluster_role = ush_reader_string(r, node, path, "clusterRole");
	if (role->cluster_role == NULL)
		return;
	why = ush_name_not_segment(role->cluster_role);
	if (why == NULL && strncasecmp(role->cluster_role, "system:", 7) == 0)
		why = "belongs to Kubernetes itself";
	if (why == NULL && strcmp(role->cluster_role, "cluster-admin") == 0)
		why = "may do everything, escalate and bind included; \"admin\" is the widest role for a namespace";
	if (why != NULL)
		ush_reader_member_fault(r, at, path, "clusterRole", "\"%.64s\" %s", role->cluster_role, why);
}

static void read_role(struct ush_reader *r, const struct ush_node *key, const struct ush_node *node, struct ush_policy_role *role)
{
	char path[128];

	role->name = ush_strdup(key->text);
	snprintf(path, sizeof path, "roles.%.64s", key->text);
	if (ush_name_not_subdomain(key->text) != NULL)
		ush_reader_fault(r, key, path, "the name %s", ush_name_not_subdomain(key->text));
	if (!ush_reader_map(r, node, path, role_members))
		return;
	if ((ush_node_get(node, "rules") == NULL) == (ush_node_get(node, "clusterRole") == NULL)) {
		ush_reader_fault(r, node, path, "expected either rules or clusterRole, found %s", node->count == 0 ? "neither" : "both");
		return;
	}
	if (ush_node_get(node, "rules") != NULL)
		read_rules(r, ush_node_get(node, "rules"), path, role);
	else
		read_cluster_role(r, node, path, role);
}

void ush_policy_read_roles(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	if (node == NULL)
		return;
	if (node->kind != USH_NODE_MAP) {
		ush_reader_fault(r, node, "roles", "expected a map, found %s", ush_node_kind_name(node));
		return;
	}
	for (size_t i = 0; i < node->count; i++) {
		USH_PUSH(policy->roles, policy->role_count, (struct ush_policy_role){0});
		read_role(r, node->keys[i], node->items[i], &policy->roles[i]);
	}
}
