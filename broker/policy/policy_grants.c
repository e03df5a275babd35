/* SPDX-License-Identifier: Apache-2.0
 *
 * grants: which group may do what, where. A template's roles are grants, too.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/policy_read.h"
#include "common/base/memory.h"

/* One grant while it is read. */
struct reading {
	struct ush_reader *r;
	const struct ush_node *node;
	const char *path; /* "grants[3]" */
	const struct ush_policy *policy;
	struct ush_grant *grant;
	const char *pattern_key; /* where the group's pattern stands: "groupPattern" */
};

static void fault(const struct reading *g, const char *key, const char *text, const char *why)
{
	ush_reader_member_fault(g->r, ush_node_get(g->node, key), g->path, key, "\"%.64s\" %s", text, why);
}

/* What is allowed by an exception ends with it. */
static void end_with(struct ush_grant *grant, int64_t until)
{
	if (until != 0 && (grant->not_after == 0 || until < grant->not_after))
		grant->not_after = until;
}

/* ---- who ---- */

static void check_group(const struct reading *g)
{
	const char *group = g->grant->group, *why = ush_name_group_refused(group);
	const struct ush_exception *exception = ush_policy_exception(g->policy, USH_EXCEPT_SYSTEM_GROUP, group);
	USH_AUTO_FREE char *bound = ush_name_group(g->policy, group, ush_name_leaf(group), group);

	if (exception != NULL) {
		g->grant->kubernetes = true;
		end_with(g->grant, exception->until);
		return;
	}
	if (why == NULL)
		why = ush_name_group_refused(bound);
	if (why == NULL && *ush_name_leaf(group) == '\0')
		why = "ends with a slash";
	if (why != NULL)
		fault(g, "group", group, why);
}

static void check_group_pattern(const struct reading *g)
{
	const char *pattern = g->grant->group_pattern, *why = NULL;

	if (strncasecmp(pattern, "system:", 7) == 0)
		why = "begins with system:, which is Kubernetes' own";
	else if (*ush_name_leaf(pattern) == '\0')
		why = "ends with a slash";
	if (why != NULL)
		fault(g, g->pattern_key, pattern, why);
}

/* Nothing but wildcards and slashes. */
static bool is_everything(const char *pattern)
{
	for (pattern += strspn(pattern, "*/"); *pattern == '{' && strchr(pattern, '}') != NULL; pattern += strspn(pattern, "*/"))
		pattern = strchr(pattern, '}') + 1;
	return *pattern == '\0';
}

/* What the group's name captures says which namespace is meant. */
static bool captures(const struct ush_grant *grant)
{
	return grant->selector.captures || (grant->namespace_pattern != NULL && strchr(grant->namespace_pattern, '{') != NULL);
}

/* Every group of the provider, and those made tomorrow: good where what it captures says which namespace is meant
 * ("{team}" to "{team}"), else one role for everybody who is in any group. */
static void check_everything(const struct reading *g)
{
	struct ush_grant *grant = g->grant;
	const struct ush_policy_role *role = grant->role != SIZE_MAX ? &g->policy->roles[grant->role] : NULL;
	const struct ush_exception *exception = role != NULL ? ush_policy_exception(g->policy, USH_EXCEPT_EVERY_GROUP, role->name) : NULL;

	if (!is_everything(grant->group_pattern) || captures(grant))
		return;
	if (exception != NULL)
		end_with(grant, exception->until);
	else
		ush_reader_member_fault(g->r, ush_node_get(g->node, g->pattern_key), g->path, g->pattern_key,
					"\"%.40s\" is every group of the source; name a part of it (/teams/*), %s, or allow it in exceptions: "
					"{everyGroup: %.40s, owner: ..., reason: ..., until: ...}", grant->group_pattern,
					grant->of_template ? "let it say for whom the namespace is made (/teams/{team})"
							   : "use what it captures in namespacePattern ({team}-*) or namespaceSelector",
					role != NULL ? role->name : "ROLE");
}

static void read_source(const struct reading *g)
{
	const struct ush_policy *policy = g->policy;
	USH_AUTO_FREE char *name = ush_reader_string(g->r, g->node, g->path, "source");
	char hint[96];

	for (size_t i = 0; name != NULL && i < policy->source_count; i++)
		if (strcmp(name, policy->sources[i].name) == 0) {
			g->grant->source = i;
			return;
		}
	if (name != NULL)
		ush_reader_member_fault(g->r, ush_node_get(g->node, "source"), g->path, "source", "there is no source \"%.64s\"%s", name,
					ush_reader_nearest_of(name, policy->sources, policy->source_count, sizeof *policy->sources, hint, sizeof hint));
	else if (policy->source_count > 1 && ush_node_get(g->node, "source") == NULL && !g->grant->kubernetes)
		ush_reader_fault(g->r, g->node, g->path, "there are %zu sources; say which one knows the group, as source: %s", policy->source_count,
				 policy->sources[0].name);
}

/* ---- where ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void check_namespaces(const struct reading *g)
{
	const struct ush_list *names = &g->grant->namespaces;
	USH_AUTO_FREE const char **sorted = ush_alloc((names->count + 1) * sizeof *sorted);

	for (size_t i = 0; i < names->count; i++)
		sorted[i] = names->items[i];
	qsort(sorted, names->count, sizeof *sorted, by_text);
	for (size_t i = 1; i < names->count; i++)
		if (strcmp(sorted[i - 1], sorted[i]) == 0) {
			fault(g, "namespaces", sorted[i], "stands twice");
			return;
		}
}

static void check_namespace_pattern(const struct reading *g)
{
	const char *pattern = g->grant->namespace_pattern;
	char full[USH_PATH_MAX];

	if (ush_pattern_wrong(pattern, NULL) != NULL)
		return; /* told already */
	if (pattern[strspn(pattern, "*")] == '\0')
		fault(g, "namespacePattern", pattern, "is every namespace; a part of the name, or namespaceSelector, says which");
	else if (strchr(pattern, '/') != NULL)
		fault(g, "namespacePattern", pattern, "has a slash, which no namespace has");
	ush_policy_check_captures(g->r, ush_node_get(g->node, "namespacePattern"), ush_reader_under(g->path, "namespacePattern", full), pattern,
				  g->grant->group_pattern);
}

/* Namespaces that belong to the cluster, not to a team, in Kubernetes and OpenShift, and by the habit of those who install
 * things (istio-system). */
static const struct {
	const char *pattern;
	bool captured; /* only by what a group's name says */
} spared[] = {{"kube-*", false}, {"openshift", false}, {"openshift-*", false}, {"default", false}, {"*-system", true}};

/* The pattern itself says what is spared: "kube-*", "{team}-system". */
static bool says(const char *pattern, const char *namespaces)
{
	size_t length = strlen(namespaces), begin = strcspn(pattern, "*{"), pattern_length = strlen(pattern);

	if (*namespaces == '*')
		return pattern_length >= length - 1 && strcmp(pattern + pattern_length - (length - 1), namespaces + 1) == 0;
	length -= namespaces[length - 1] == '*';
	return begin >= length && strncmp(pattern, namespaces, length) == 0;
}

/* A team that is called "kube", or "default", must not get there because its name fits a pattern, nor must anybody by a
 * label that somebody put there. */
static void spare_cluster(struct ush_grant *grant)
{
	const char *pattern = grant->namespace_pattern;
	bool captures = pattern != NULL && strchr(pattern, '{') != NULL;

	for (size_t i = 0; i < USH_COUNT(spared) && (pattern != NULL || grant->selector.count > 0); i++)
		if ((captures || !spared[i].captured) && (pattern == NULL || !says(pattern, spared[i].pattern)) && !ush_list_has(&grant->except, spared[i].pattern))
			ush_list_add(&grant->except, spared[i].pattern);
}

static void check_who(const struct reading *g)
{
	struct ush_grant *grant = g->grant;

	if (grant->role != SIZE_MAX)
		end_with(grant, g->policy->roles[grant->role].until);
	if (grant->group != NULL)
		check_group(g);
	if (grant->group_pattern != NULL) {
		check_group_pattern(g);
		check_everything(g);
	}
	read_source(g);
}

static void read_grant(const struct reading *g)
{
	const struct ush_node *selector = ush_node_get(g->node, "namespaceSelector");
	struct ush_grant *grant = g->grant;
	char full[USH_PATH_MAX];

	grant->line = g->node->line;
	if (!ush_reader_map(g->r, g->node, g->path, &ush_form_grant, grant))
		return;
	grant->role = ush_policy_read_role_name(g->r, g->node, g->path, g->policy);
	if (grant->not_before > 0 && grant->not_after > 0 && grant->not_after <= grant->not_before)
		ush_reader_member_fault(g->r, ush_node_get(g->node, "notAfter"), g->path, "notAfter", "is not after notBefore");
	if (selector != NULL)
		ush_policy_read_selector(g->r, selector, ush_reader_under(g->path, "namespaceSelector", full), grant->group_pattern, &grant->selector);
	check_who(g);
	check_namespaces(g);
	if (grant->namespace_pattern != NULL)
		check_namespace_pattern(g);
	spare_cluster(grant);
}

void ush_policy_read_grants(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	size_t before = r->count;

	if (node == NULL || !ush_reader_list(r, node, "grants", true)) /* "grants: []" takes everything back: it may be said */
		return;
	for (size_t i = 0; i < node->count; i++) {
		char path[USH_PATH_MAX];

		ush_reader_item("grants", i, path);
		USH_PUSH(policy->grants, policy->grant_count, ((struct ush_grant){.called = ush_strdup(path), .number = i}));
		read_grant(&(struct reading){r, node->items[i], path, policy, &policy->grants[i], "groupPattern"});
	}
	if (r->count == before)
		ush_policy_check_names(r, node, policy);
}

/* ---- of a template ---- */

static void ask_for(struct ush_grant *grant, char *key, const char *value, bool captures)
{
	struct ush_selector_rule rule = {.key = key, .operator = USH_SELECT_IN, .captures = captures};

	ush_list_add(&rule.values, value);
	USH_PUSH(grant->selector.rules, grant->selector.count, rule);
	grant->selector.captures |= captures;
}

/* The namespaces that say by their labels that they were made from it, and for whom. */
static void ask_for_template(const struct reading *g, const char *template)
{
	struct ush_captures captures = {0};

	ask_for(g->grant, ush_strdup(USH_LABEL_TEMPLATE), template, false);
	if (g->grant->group_pattern == NULL || ush_pattern_wrong(g->grant->group_pattern, &captures) != NULL)
		return;
	for (size_t i = 0; i < captures.count; i++) {
		USH_AUTO_FREE char *name = ush_strndup(captures.items[i].name, captures.items[i].name_length), *value = ush_printf("{%s}", name),
				   *key = ush_printf("%s%s", USH_TEMPLATE_VALUE_PREFIX, name);
		const char *why = ush_name_not_label_key(key);

		if (why != NULL)
			ush_reader_member_fault(g->r, ush_node_get(g->node, "group"), g->path, "group", "%.70s is to be a label of the namespace (%.90s), and that %s", value,
						key, why);
		ask_for(g->grant, ush_steal(&key), value, true);
	}
}

void ush_policy_add_template_grant(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_policy *policy,
				   const struct ush_template *template, struct ush_template_role *role)
{
	struct ush_grant grant = {.called = ush_strdup(path), .number = template->role_count - 1, .of_template = true, .line = node->line, .role = role->role};
	bool many = role->group != NULL && strpbrk(role->group, "*{") != NULL;
	struct reading g = {r, node, path, policy, NULL, "group"};

	*(many ? &grant.group_pattern : &grant.group) = ush_strdup(role->group);
	USH_PUSH(policy->grants, policy->grant_count, grant);
	g.grant = &policy->grants[policy->grant_count - 1];
	ask_for_template(&g, template->mark);
	check_who(&g);
	spare_cluster(g.grant);
	role->source = g.grant->source;
	role->grant = policy->grant_count - 1;
}
