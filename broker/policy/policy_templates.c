/* SPDX-License-Identifier: Apache-2.0
 *
 * templates: what a new namespace gets.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/policy_read.h"
#include "common/base/memory.h"

#define LEVELS	     "privileged|baseline|restricted" /* the Pod Security Standards */
#define PLAIN_POLICY "default"			      /* what a policy is called that has no name */
#define LABEL_MOST   63

char *ush_template_mark(const char *policy, const char *template)
{
	return strcmp(policy, PLAIN_POLICY) == 0 ? ush_strdup(template) : ush_printf("%s.%s", policy, template);
}

const char *ush_template_of_mark(const char *policy, const char *mark)
{
	const char *dot = strchr(mark, '.');

	if (strcmp(policy, PLAIN_POLICY) == 0)
		return dot == NULL ? mark : NULL;
	return dot != NULL && strncmp(mark, policy, (size_t)(dot - mark)) == 0 && policy[dot - mark] == '\0' ? dot + 1 : NULL;
}

static void read_level(struct ush_reader *r, const struct ush_node *node, const char *path, char **level)
{
	USH_AUTO_FREE char *word = ush_reader_text(r, node, path, false);

	if (word != NULL && ush_reader_choice(r, node, path, LEVELS, word) >= 0) {
		free(*level);
		*level = ush_steal(&word);
	}
}

static bool is_version(const char *text)
{
	int major = 0, minor = 0, end = 0;

	return strcmp(text, "latest") == 0 || (sscanf(text, "v%2d.%3d%n", &major, &minor, &end) == 2 && text[end] == '\0' && major > 0 && minor >= 0);
}

static void read_version(struct ush_reader *r, const struct ush_node *node, const char *path, char **version)
{
	*version = ush_reader_text(r, node, path, false);
	if (*version != NULL && !is_version(*version))
		ush_reader_fault(r, node, path, "expected latest or a version (v1.36), found \"%.64s\"", *version);
}

static void read_pod_security(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_template *template)
{
	const struct {
		const char *key;
		char **text;
		void (*read)(struct ush_reader *, const struct ush_node *, const char *, char **);
	} parts[] = {{"enforce", &template->enforce, read_level},
		     {"audit", &template->audit, read_level},
		     {"warn", &template->warn, read_level},
		     {"version", &template->pods_version, read_version}};
	char full[USH_PATH_MAX];

	if (node->kind == USH_NODE_SCALAR) { /* one word for all three */
		read_level(r, node, path, &template->enforce);
		template->audit = ush_strdup(template->enforce);
		template->warn = ush_strdup(template->enforce);
		return;
	}
	if (node->kind != USH_NODE_MAP || node->count == 0) {
		ush_reader_fault(r, node, path, "expected a level or a map of levels, found %s", ush_node_kind_name(node));
		return;
	}
	for (size_t i = 0; i < node->count; i++) {
		size_t part = 0;

		while (part < USH_COUNT(parts) && strcmp(parts[part].key, node->keys[i]->text) != 0)
			part++;
		if (part < USH_COUNT(parts))
			parts[part].read(r, node->items[i], ush_reader_under(path, parts[part].key, full), parts[part].text);
		else
			ush_reader_fault(r, node->keys[i], path, "there is no member \"%.64s\" (enforce, audit, warn, version)", node->keys[i]->text);
	}
}

/* By these a namespace says which template it was made from, and for whom: who sets them by hand gives access. */
static bool is_ours(const char *key)
{
	return strncmp(key, "usher.dev/", 10) == 0 || strncmp(key, USH_TEMPLATE_VALUE_PREFIX, strlen(USH_TEMPLATE_VALUE_PREFIX)) == 0;
}

static void check_labels(struct ush_reader *r, const struct ush_node *node, const char *path, bool values)
{
	char full[USH_PATH_MAX];

	for (size_t i = 0; node != NULL && node->kind == USH_NODE_MAP && i < node->count; i++) {
		const char *why = ush_name_not_label_key(node->keys[i]->text), *value = ush_node_string(node->items[i]);

		ush_reader_under(path, node->keys[i]->text, full);
		if (why == NULL && strncmp(node->keys[i]->text, "pod-security.kubernetes.io/", 27) == 0)
			why = "is said by podSecurity";
		if (why == NULL && values && is_ours(node->keys[i]->text))
			why = "is usher-broker's own";
		if (why == NULL && values && strcmp(node->keys[i]->text, "kubernetes.io/metadata.name") == 0)
			why = "is the API server's own";
		if (why != NULL)
			ush_reader_fault(r, node->keys[i], full, "the key %s", why);
		if (values && value != NULL && ush_name_not_label_value(value) != NULL)
			ush_reader_fault(r, node->items[i], full, "\"%.64s\" %s", value, ush_name_not_label_value(value));
	}
}

static const struct ush_form *member_form(const struct ush_form *form, const char *name)
{
	const struct ush_member *member = form->members;

	while (strcmp(member->name, name) != 0)
		member++;
	return member->form;
}

static void read_roles(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_policy *policy, struct ush_template *template)
{
	const struct ush_form *form = member_form(&ush_form_template, "roles");
	char full[USH_PATH_MAX], item[USH_PATH_MAX];

	if (node == NULL || !ush_reader_list(r, node, ush_reader_under(path, "roles", full), false))
		return;
	for (size_t i = 0; i < node->count; i++) {
		struct ush_template_role *role;

		USH_PUSH(template->roles, template->role_count, (struct ush_template_role){0});
		role = &template->roles[i];
		if (!ush_reader_map(r, node->items[i], ush_reader_item(full, i, item), form, role))
			continue;
		role->role = ush_policy_read_role_name(r, node->items[i], item, policy);
		if (role->group != NULL)
			ush_policy_add_template_grant(r, node->items[i], item, policy, template, role);
	}
}

static struct ush_template *begin(struct ush_reader *r, const struct ush_node *key, const char *path, struct ush_policy *policy)
{
	struct ush_template begun = {.name = ush_strdup(key->text), .mark = ush_template_mark(policy->name, key->text), .line = key->line, .default_deny = true, .allow_dns = true};

	if (strlen(begun.mark) > LABEL_MOST)
		ush_reader_fault(r, key, path, "its namespaces are to be labelled " USH_LABEL_TEMPLATE "=%s, and the value of a label has %d characters at most; "
				 "a shorter name of the template or of the policy will do", begun.mark, LABEL_MOST);
	USH_PUSH(policy->templates, policy->template_count, begun);
	return &policy->templates[policy->template_count - 1];
}

void ush_policy_read_templates(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	char path[USH_PATH_MAX], full[USH_PATH_MAX];

	if (node == NULL || !ush_reader_names(r, node, "templates", &ush_form_template, "template"))
		return;
	for (size_t i = 0; i < node->count; i++) {
		const struct ush_node *map = node->items[i];
		struct ush_template *template;

		template = begin(r, node->keys[i], ush_reader_under("templates", node->keys[i]->text, path), policy);
		if (!ush_reader_map(r, map, path, &ush_form_template, template))
			continue;
		check_labels(r, ush_node_get(map, "labels"), ush_reader_under(path, "labels", full), true);
		check_labels(r, ush_node_get(map, "annotations"), ush_reader_under(path, "annotations", full), false);
		ush_policy_check_bounds(r, map, path);
		if (ush_node_get(map, "podSecurity") != NULL)
			read_pod_security(r, ush_node_get(map, "podSecurity"), ush_reader_under(path, "podSecurity", full), template);
		read_roles(r, ush_node_get(map, "roles"), path, policy, template);
	}
}

void ush_template_free(struct ush_template *template)
{
	char *const texts[] = {template->name, template->mark, template->enforce, template->audit, template->warn, template->pods_version};
	struct ush_list *const lists[] = {&template->labels,	    &template->annotations, &template->quota,	 &template->range_default,
					  &template->range_request, &template->range_max,   &template->range_min};

	for (size_t i = 0; i < USH_COUNT(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < USH_COUNT(lists); i++)
		ush_list_free(lists[i]);
	for (size_t i = 0; i < template->role_count; i++)
		free(template->roles[i].group);
	free(template->roles);
	*template = (struct ush_template){0};
}
