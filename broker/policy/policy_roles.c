/* SPDX-License-Identifier: Apache-2.0
 *
 * roles: what may be done. A role that lets its holders give themselves more is refused here, before anybody has it.
 */
#include <string.h>

#include "broker/policy/policy_read.h"
#include "common/base/memory.h"

/* A word of a rule that may not be there but by an exception, and why. field is the member it stands in. */
static const struct {
	const char *field, *word, *why;
	enum ush_exception_type exception;
} refused[] = {
	{"apiGroups", "*", "would cover every API group, also those installed later; name them", USH_EXCEPT_WILDCARD_ROLE},
	{"resources", "*", "would cover every resource, Secrets and Roles included; name them", USH_EXCEPT_WILDCARD_ROLE},
	{"verbs", "*", "would cover every verb, escalate and bind included; name them", USH_EXCEPT_WILDCARD_ROLE},
	{"verbs", "escalate", "lets people write themselves any right", USH_EXCEPT_ESCALATING_ROLE},
	{"verbs", "bind", "lets people bind themselves to any role", USH_EXCEPT_ESCALATING_ROLE},
	{"verbs", "impersonate", "lets people act as anybody", USH_EXCEPT_ESCALATING_ROLE},
};

/* One role while it is read. */
struct role {
	struct ush_reader *r;
	const struct ush_policy *policy;
	struct ush_policy_role *role;
};

/* True when an exception lets the role be so; the role then ends with the exception. */
static bool excepted(struct role *role, enum ush_exception_type type)
{
	const struct ush_exception *exception = ush_policy_exception(role->policy, type, role->role->name);

	if (exception != NULL && (role->role->until == 0 || exception->until < role->role->until))
		role->role->until = exception->until;
	return exception != NULL;
}

static const char *const verbs[] = {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", NULL};

static const char *const plurals[] = {"pods", "services", "secrets", "configmaps", "deployments", "namespaces", "jobs", "cronjobs", "statefulsets", "daemonsets",
				      "replicasets", "events", "nodes", "roles", "rolebindings", "serviceaccounts", "persistentvolumeclaims", "ingresses", NULL};

/* RBAC takes any word and a wrong one grants nothing, in silence. What no word of Kubernetes looks like is refused. */
static void check_spelling(struct role *role, const struct ush_node *at, const char *path, const char *field, const char *word)
{
	bool is_verb = strcmp(field, "verbs") == 0, is_group = strcmp(field, "apiGroups") == 0;
	const char *const *known = is_verb ? verbs : plurals;
	size_t length = strlen(word);

	if (is_group && strchr(word, '/') != NULL)
		ush_reader_member_fault(role->r, at, path, field, "\"%.64s\" is a group and a version; RBAC knows the group alone: \"%.*s\"", word, (int)strcspn(word, "/"), word);
	else if (is_group && (strcmp(word, "v1") == 0 || strcmp(word, "core") == 0))
		ush_reader_member_fault(role->r, at, path, field, "\"%.64s\" is no API group; the core group is written \"\"", word);
	else if (strpbrk(word, ", ") != NULL)
		ush_reader_member_fault(role->r, at, path, field, "\"%.64s\" is one word; several are a list: [get, list]", word);
	for (; !is_group && strpbrk(word, ", ") == NULL && *known != NULL; known++) {
		bool singular = !is_verb && strncasecmp(word, *known, length) == 0 && (strcmp(*known + length, "s") == 0 || strcmp(*known + length, "es") == 0);

		if (strcmp(word, *known) != 0 && (singular || strcasecmp(word, *known) == 0))
			ush_reader_member_fault(role->r, at, path, field, "there is no %s \"%.64s\"; did you mean %s?", is_verb ? "verb" : "resource", word, *known);
	}
}

static void check_word(struct role *role, const struct ush_node *at, const char *path, const char *field)
{
	const char *word = ush_node_string(at);

	if (word == NULL)
		return;
	check_spelling(role, at, path, field, word);
	for (size_t j = 0; j < USH_COUNT(refused); j++)
		if (strcmp(field, refused[j].field) == 0 && strcasecmp(word, refused[j].word) == 0 && !excepted(role, refused[j].exception))
			ush_reader_member_fault(role->r, at, path, field, "\"%.64s\" %s", word, refused[j].why);
	if (strcmp(field, "resources") == 0 && (strncmp(word, "*/", 2) == 0 || (strchr(word, '/') != NULL && strchr(word, '*') != NULL)) &&
	    !excepted(role, USH_EXCEPT_WILDCARD_ROLE))
		ush_reader_member_fault(role->r, at, path, "resources", "\"%.64s\" covers more than it names; name the resources", word);
}

static void read_rule(struct role *role, const struct ush_node *node, const char *path, struct ush_rule *rule)
{
	static const char *const fields[] = {"apiGroups", "resources", "verbs"};

	if (!ush_reader_map(role->r, node, path, &ush_form_rule, rule))
		return;
	for (size_t i = 0; i < USH_COUNT(fields); i++) {
		const struct ush_node *words = ush_node_get(node, fields[i]);

		for (size_t k = 0; words != NULL && words->kind == USH_NODE_LIST && k < words->count; k++)
			check_word(role, words->items[k], path, fields[i]);
	}
}

static void read_rules(struct role *role, const struct ush_node *node, const char *path)
{
	char full[USH_PATH_MAX], item[USH_PATH_MAX];

	ush_reader_under(path, "rules", full);
	if (!ush_reader_list(role->r, node, full, false))
		return;
	for (size_t i = 0; i < node->count; i++) {
		USH_PUSH(role->role->rules, role->role->rule_count, (struct ush_rule){0});
		read_rule(role, node->items[i], ush_reader_item(full, i, item), &role->role->rules[i]);
	}
}

static void check_cluster_role(struct role *role, const struct ush_node *at, const char *path)
{
	const char *name = role->role->cluster_role, *why = NULL;

	if (strncasecmp(name, "system:", 7) == 0 && !excepted(role, USH_EXCEPT_ESCALATING_ROLE))
		why = "belongs to Kubernetes itself";
	else if (strcmp(name, "cluster-admin") == 0 && !excepted(role, USH_EXCEPT_WILDCARD_ROLE))
		why = "may do everything, escalate and bind included; \"admin\" is the widest role for a namespace";
	if (why != NULL)
		ush_reader_member_fault(role->r, at, path, "clusterRole", "\"%.64s\" %s", name, why);
}

static void read_role(struct role *role, const struct ush_node *node)
{
	char path[USH_PATH_MAX];

	ush_reader_under("roles", role->role->name, path);
	if (!ush_reader_map(role->r, node, path, &ush_form_role, role->role))
		return;
	if (ush_node_get(node, "rules") != NULL)
		read_rules(role, ush_node_get(node, "rules"), path);
	if (role->role->cluster_role != NULL)
		check_cluster_role(role, ush_node_get(node, "clusterRole"), path);
}

void ush_policy_read_roles(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	if (node == NULL || !ush_reader_names(r, node, "roles", &ush_form_role, NULL))
		return;
	for (size_t i = 0; i < node->count; i++) {
		struct role role = {.r = r, .policy = policy};

		USH_PUSH(policy->roles, policy->role_count, ((struct ush_policy_role){.name = ush_strdup(node->keys[i]->text), .line = node->keys[i]->line}));
		role.role = &policy->roles[i];
		read_role(&role, node->items[i]);
	}
}

size_t ush_policy_read_role_name(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_policy *policy)
{
	USH_AUTO_FREE char *name = ush_reader_string(r, node, path, "role");
	char hint[96];

	for (size_t i = 0; name != NULL && i < policy->role_count; i++)
		if (strcmp(name, policy->roles[i].name) == 0)
			return i;
	if (name != NULL)
		ush_reader_member_fault(r, ush_node_get(node, "role"), path, "role", "there is no role \"%.64s\"%s", name,
					ush_reader_nearest_of(name, policy->roles, policy->role_count, sizeof *policy->roles, hint, sizeof hint));
	return SIZE_MAX;
}
