/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "broker/policy/naming.h"
#include "broker/policy/pattern.h"
#include "broker/policy/reach.h"
#include "common/base/memory.h"

/* ---- the template ---- */

static int which_template(const struct ush_policy *policy, struct ush_error *err)
{
	USH_AUTO_BUF names = {0};

	for (size_t i = 0; i < policy->template_count; i++)
		ush_buf_printf(&names, "%s%s", i > 0 ? ", " : "", policy->templates[i].name);
	ush_fail(err, USH_ERR_USAGE, "which template?");
	return ush_hint(err, "%s has: %.200s. Name one: --template %s", policy->file, names.data, policy->templates[0].name);
}

const struct ush_template *ush_onboard_template(const struct ush_policy *policy, const char *name, struct ush_error *err)
{
	USH_AUTO_FREE const char **names = ush_alloc((policy->template_count + 1) * sizeof *names);
	const char *nearest;

	if (policy->template_count == 0) {
		ush_fail(err, USH_ERR_CONFIG, "%s has no template", policy->file);
		ush_hint(err, "Describe one under templates: man usher-policy");
		return NULL;
	}
	if (name == NULL && policy->template_count > 1) {
		which_template(policy, err);
		return NULL;
	}
	for (size_t i = 0; i < policy->template_count; i++) {
		names[i] = policy->templates[i].name;
		if (name == NULL || strcmp(names[i], name) == 0)
			return &policy->templates[i];
	}
	nearest = ush_cli_nearest(name, names);
	ush_fail(err, USH_ERR_USAGE, "%s has no template \"%s\"", policy->file, name);
	if (nearest != NULL)
		ush_hint(err, "Did you mean %s?", nearest);
	return NULL;
}

/* ---- values ---- */

static void add_captures(struct ush_list *names, const char *group)
{
	struct ush_captures captures = {0};

	if (ush_pattern_wrong(group, &captures) != NULL)
		return;
	for (size_t i = 0; i < captures.count; i++) {
		USH_AUTO_FREE char *name = ush_strndup(captures.items[i].name, captures.items[i].name_length);

		ush_list_add(names, name);
	}
}

static int not_wanted(const struct ush_template *template, const struct ush_list *wanted, const char *key, struct ush_error *err)
{
	USH_AUTO_FREE const char **names = ush_alloc((wanted->count + 1) * sizeof *names);
	const char *nearest;

	for (size_t i = 0; i < wanted->count; i++)
		names[i] = wanted->items[i];
	nearest = ush_cli_nearest(key, names);
	ush_fail(err, USH_ERR_USAGE, "--set %s: template %s has no {%s}", key, template->name, key);
	return nearest != NULL ? ush_hint(err, "Did you mean --set %s=...?", nearest) : -1;
}

static int take_value(const struct ush_template *template, const struct ush_list *wanted, const char *said, struct ush_list *values, struct ush_error *err)
{
	const char *equals = strchr(said, '=');
	USH_AUTO_FREE char *key = equals != NULL ? ush_strndup(said, (size_t)(equals - said)) : NULL;
	const char *why;

	if (key == NULL || *key == '\0')
		return ush_fail(err, USH_ERR_USAGE, "--set %s: expected a name and a value, as in team=payments", said);
	if (!ush_list_has(wanted, key))
		return not_wanted(template, wanted, key, err);
	why = equals[1] == '\0' ? "is empty" : ush_name_not_label_value(equals + 1);
	if (why != NULL)
		return ush_fail(err, USH_ERR_USAGE, "--set %s: \"%s\" %s; it becomes a label of the namespace", key, equals + 1, why);
	for (size_t i = 0; i < values->count; i++)
		if (strncmp(values->items[i], said, strlen(key) + 1) == 0)
			return ush_fail(err, USH_ERR_USAGE, "--set %s is said twice", key);
	ush_list_add(values, said);
	return 0;
}

static bool is_said(const struct ush_list *values, const char *key)
{
	size_t length = strlen(key);

	for (size_t i = 0; i < values->count; i++)
		if (strncmp(values->items[i], key, length) == 0 && values->items[i][length] == '=')
			return true;
	return false;
}

static int check_all_said(const struct ush_template *template, const struct ush_list *wanted, const struct ush_list *values, struct ush_error *err)
{
	for (size_t i = 0; i < wanted->count; i++)
		if (!is_said(values, wanted->items[i])) {
			ush_fail(err, USH_ERR_USAGE, "template %s wants to know {%s}", template->name, wanted->items[i]);
			return ush_hint(err, "Say it: --set %s=...", wanted->items[i]);
		}
	return 0;
}

int ush_onboard_values(const struct ush_template *template, const struct ush_strings *said, struct ush_list *values, struct ush_error *err)
{
	struct ush_list wanted = {0};
	int result = 0;

	for (size_t i = 0; i < template->role_count; i++)
		add_captures(&wanted, template->roles[i].group);
	ush_list_sort(&wanted);
	for (size_t i = 0; i < said->count && result == 0; i++)
		result = take_value(template, &wanted, said->items[i], values, err);
	if (result == 0)
		result = check_all_said(template, &wanted, values, err);
	ush_list_sort(values);
	ush_list_free(&wanted);
	return result;
}

char *ush_onboard_group(const char *group, const struct ush_list *values)
{
	struct ush_captures captures = {0};
	char *filled;

	for (size_t i = 0; i < values->count && captures.count < USH_CAPTURES_MAX; i++) {
		const char *equals = strchr(values->items[i], '=');

		captures.items[captures.count].name = values->items[i];
		captures.items[captures.count].name_length = (size_t)(equals - values->items[i]);
		captures.items[captures.count].text = equals + 1;
		captures.items[captures.count++].text_length = strlen(equals + 1);
	}
	filled = ush_pattern_fill(group, &captures);
	return filled != NULL ? filled : ush_strdup(group);
}

/* ---- names ---- */

int ush_onboard_name(const struct ush_policy *policy, const char *state_namespace, const char *name, struct ush_error *err)
{
	const char *why = ush_name_not_label(name), *pattern;

	if (why != NULL)
		return ush_fail(err, USH_ERR_USAGE, "\"%s\" is no name of a namespace: it %s", name, why);
	if (strncmp(name, "kube-", 5) == 0 || strncmp(name, "openshift", 9) == 0 || strcmp(name, "default") == 0)
		return ush_fail(err, USH_ERR_REFUSED, "namespace %s is the cluster's own; it is made from no template", name);
	if (strcmp(name, state_namespace) == 0 || strcmp(name, "usher-system") == 0) /* where deploy/ runs it: who is let in there is let in everywhere */
		return ush_fail(err, USH_ERR_REFUSED, "namespace %s is where usher-broker runs or keeps what it decided; it is made from no template", name);
	pattern = ush_list_excludes(&policy->exclude_namespaces, name);
	if (pattern != NULL)
		return ush_fail(err, USH_ERR_REFUSED, "namespace %s is excluded by %s (exclude.namespaces: %s)", name, policy->file, pattern);
	return 0;
}
