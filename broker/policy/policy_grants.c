/* SPDX-License-Identifier: Apache-2.0
 *
 * grants: which group may do what, where.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/policy_read.h"
#include "common/base/cli.h"
#include "common/base/memory.h"

/* One grant while it is read. */
struct reading {
	struct ush_reader *r;
	const struct ush_node *node;
	const char *path; /* "grants[3]" */
	const struct ush_policy *policy;
	struct ush_grant *grant;
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
		fault(g, "groupPattern", pattern, why);
}

/* Nothing but wildcards and slashes. */
static bool is_everything(const char *pattern)
{
	for (pattern += strspn(pattern, "*/"); *pattern == '{' && strchr(pattern, '}') != NULL; pattern += strspn(pattern, "*/"))
		pattern = strchr(pattern, '}') + 1;
	return *pattern == '\0';
}

/* Every group of the provider, and those made tomorrow: good where what it captures says which namespace is meant
 * ("{team}" to "{team}"), else one role for everybody who is in any group. */
static void check_everything(const struct reading *g)
{
	struct ush_grant *grant = g->grant;
	const struct ush_policy_role *role = grant->role != SIZE_MAX ? &g->policy->roles[grant->role] : NULL;
	const struct ush_exception *exception = role != NULL ? ush_policy_exception(g->policy, USH_EXCEPT_EVERY_GROUP, role->name) : NULL;

	if (!is_everything(grant->group_pattern) || (grant->namespace_pattern != NULL && strchr(grant->namespace_pattern, '{') != NULL))
		return;
	if (exception != NULL)
		end_with(grant, exception->until);
	else
		ush_reader_member_fault(g->r, ush_node_get(g->node, "groupPattern"), g->path, "groupPattern",
					"\"%.40s\" is every group of the source; name a part of it (/teams/*), use what it captures in namespacePattern "
					"({team}-*), or allow it in exceptions: {everyGroup: %.40s, owner: ..., reason: ..., until: ...}",
					grant->group_pattern, role != NULL ? role->name : "ROLE");
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

/* "{taem} is not captured by groupPattern "/teams/{team}/developers"; did you mean {team}?" */
static void check_capture(const struct reading *g, const char *name, const struct ush_captures *known)
{
	const char *names[USH_CAPTURES_MAX + 1] = {NULL};
	USH_AUTO_FREE char *all = ush_alloc(USH_PATTERN_MAX + USH_CAPTURES_MAX + 1);
	char hint[96], *at = all;
	const char *nearest;

	for (size_t i = 0; i < known->count; i++) {
		names[i] = at;
		memcpy(at, known->items[i].name, known->items[i].name_length);
		at += known->items[i].name_length + 1;
		if (strcmp(names[i], name) == 0)
			return;
	}
	nearest = known->count == 1 ? names[0] : ush_cli_nearest(name, names);
	snprintf(hint, sizeof hint, nearest != NULL ? "; did you mean {%.64s}?" : "%s", nearest != NULL ? nearest : "");
	if (g->grant->group_pattern != NULL)
		ush_reader_member_fault(g->r, ush_node_get(g->node, "namespacePattern"), g->path, "namespacePattern",
					"{%.64s} is not captured by groupPattern \"%.100s\"%s", name, g->grant->group_pattern, hint);
	else
		ush_reader_member_fault(g->r, ush_node_get(g->node, "namespacePattern"), g->path, "namespacePattern",
					"{%.64s} is captured by nothing; that would be groupPattern instead of group", name);
}

static void check_namespace_pattern(const struct reading *g)
{
	const char *pattern = g->grant->namespace_pattern;
	struct ush_captures known = {0}, used = {0};

	if (ush_pattern_wrong(pattern, &used) != NULL || (g->grant->group_pattern != NULL && ush_pattern_wrong(g->grant->group_pattern, &known) != NULL))
		return; /* told already */
	if (pattern[strspn(pattern, "*")] == '\0')
		fault(g, "namespacePattern", pattern, "is every namespace; a part of the name, or namespaceSelector, says which");
	else if (strchr(pattern, '/') != NULL)
		fault(g, "namespacePattern", pattern, "has a slash, which no namespace has");
	for (size_t i = 0; i < used.count; i++) {
		USH_AUTO_FREE char *name = ush_strndup(used.items[i].name, used.items[i].name_length);

		check_capture(g, name, &known);
	}
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
	if (grant->role != SIZE_MAX)
		end_with(grant, g->policy->roles[grant->role].until);
	if (grant->group != NULL)
		check_group(g);
	if (grant->group_pattern != NULL) {
		check_group_pattern(g);
		check_everything(g);
	}
	read_source(g);
	check_namespaces(g);
	if (grant->namespace_pattern != NULL)
		check_namespace_pattern(g);
	if (selector != NULL)
		ush_policy_read_selector(g->r, selector, ush_reader_under(g->path, "namespaceSelector", full), &grant->selector);
	spare_cluster(grant);
}

void ush_policy_read_grants(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	size_t before = r->count;

	if (node == NULL || !ush_reader_list(r, node, "grants", true)) /* "grants: []" takes everything back: it may be said */
		return;
	for (size_t i = 0; i < node->count; i++) {
		char path[USH_PATH_MAX];

		USH_PUSH(policy->grants, policy->grant_count, (struct ush_grant){.number = i});
		read_grant(&(struct reading){r, node->items[i], ush_reader_item("grants", i, path), policy, &policy->grants[i]});
	}
	if (r->count == before)
		ush_policy_check_names(r, node, policy);
}
