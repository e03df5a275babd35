/* SPDX-License-Identifier: Apache-2.0
 *
 * grants: which group may do what, where.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/policy_read.h"
#include "common/base/memory.h"

static const struct ush_member grant_members[] = {
	{"group", USH_MEMBER_REQUIRED},	      {"role", USH_MEMBER_REQUIRED},	     {"namespaces", USH_MEMBER_REQUIRED}, {"name", USH_MEMBER_OPTIONAL},
	{"source", USH_MEMBER_OPTIONAL},      {"notBefore", USH_MEMBER_OPTIONAL},    {"notAfter", USH_MEMBER_OPTIONAL},	  {"groupPattern", USH_MEMBER_LATER},
	{"namespacePattern", USH_MEMBER_LATER}, {"namespaceSelector", USH_MEMBER_LATER}, {NULL, 0}};

static void read_group(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_policy *policy, struct ush_grant *grant)
{
	const struct ush_node *at = ush_node_get(node, "group");
	USH_AUTO_FREE char *bound = NULL;
	const char *why;

	if (at != NULL && ush_node_string(at) != NULL && *ush_node_string(at) == '\0') {
		ush_reader_member_fault(r, at, path, "group", "is empty");
		return;
	}
	grant->group = ush_reader_string(r, node, path, "group");
	if (grant->group == NULL)
		return;
	why = ush_name_group_refused(grant->group);
	bound = ush_name_group(policy, grant->group, ush_name_leaf(grant->group), grant->group);
	if (why == NULL)
		why = ush_name_group_refused(bound);
	if (why == NULL && *ush_name_leaf(grant->group) == '\0')
		why = "ends with a slash";
	if (why != NULL)
		ush_reader_member_fault(r, at, path, "group", "\"%.64s\" %s", grant->group, why);
}

static void read_role(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_policy *policy, struct ush_grant *grant)
{
	USH_AUTO_FREE char *name = ush_reader_string(r, node, path, "role");
	USH_AUTO_FREE const char **names = ush_alloc((policy->role_count + 1) * sizeof *names);
	char hint[96];

	for (size_t i = 0; i < policy->role_count; i++) {
		names[i] = policy->roles[i].name;
		if (name != NULL && strcmp(name, names[i]) == 0) {
			grant->role = i;
			return;
		}
	}
	if (name != NULL)
		ush_reader_member_fault(r, ush_node_get(node, "role"), path, "role", "there is no role \"%.64s\"%s", name,
				 ush_reader_nearest(name, names, hint, sizeof hint));
}

static void read_source(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_policy *policy,
			struct ush_grant *grant)
{
	USH_AUTO_FREE char *name = ush_reader_string(r, node, path, "source");

	for (size_t i = 0; name != NULL && i < policy->source_count; i++)
		if (strcmp(name, policy->sources[i].name) == 0) {
			grant->source = i;
			return;
		}
	if (name != NULL)
		ush_reader_member_fault(r, ush_node_get(node, "source"), path, "source", "there is no source \"%.64s\"", name);
	else if (policy->source_count > 1 && ush_node_get(node, "source") == NULL)
		ush_reader_fault(r, node, path, "there are %zu sources; say which one knows the group, as source: %s", policy->source_count,
				 policy->sources[0].name);
}

static void read_namespaces(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_grant *grant)
{
	const struct ush_node *at = ush_node_get(node, "namespaces");
	size_t before = r->count;

	ush_reader_strings(r, node, path, "namespaces", &grant->namespaces);
	for (size_t i = 0; r->count == before && i < grant->namespaces.count; i++) {
		const char *name = grant->namespaces.items[i], *why = ush_name_not_label(name);

		for (size_t j = 0; j < i && why == NULL; j++)
			if (strcmp(name, grant->namespaces.items[j]) == 0)
				why = "stands twice";
		if (why != NULL) {
			ush_reader_member_fault(r, at->items[i], path, "namespaces", "\"%.64s\" %s", name, why);
			return;
		}
	}
}

static void read_grant(struct ush_reader *r, const struct ush_node *node, const struct ush_policy *policy, struct ush_grant *grant)
{
	char path[48];

	snprintf(path, sizeof path, "grants[%zu]", grant->number);
	grant->line = node->line;
	if (!ush_reader_map(r, node, path, grant_members))
		return;
	read_group(r, node, path, policy, grant);
	read_role(r, node, path, policy, grant);
	read_source(r, node, path, policy, grant);
	read_namespaces(r, node, path, grant);
	grant->name = ush_reader_string(r, node, path, "name");
	if (grant->name != NULL && ush_name_not_subdomain(grant->name) != NULL)
		ush_reader_member_fault(r, ush_node_get(node, "name"), path, "name", "\"%.64s\" %s", grant->name, ush_name_not_subdomain(grant->name));
	grant->not_before = ush_reader_time(r, node, path, "notBefore");
	grant->not_after = ush_reader_time(r, node, path, "notAfter");
	if (grant->not_before > 0 && grant->not_after > 0 && grant->not_after <= grant->not_before)
		ush_reader_member_fault(r, ush_node_get(node, "notAfter"), path, "notAfter", "is not after notBefore");
}

/* A binding that a grant names: where it would stand. */
struct place {
	const char *name, *namespace_name;
	const struct ush_grant *grant;
};

static int by_place(const void *a, const void *b)
{
	const struct place *one = a, *two = b;
	int order = strcmp(one->name, two->name);

	if (order == 0)
		order = strcmp(one->namespace_name, two->namespace_name);
	return order != 0 ? order : (one->grant > two->grant) - (one->grant < two->grant);
}

/* Two grants that want one binding's name for two roles: a binding has one role. */
static void check_names(struct ush_reader *r, const struct ush_node *node, const struct ush_policy *policy)
{
	USH_AUTO_FREE struct place *places = NULL;
	size_t count = 0;

	for (size_t i = 0; i < policy->grant_count; i++) {
		const struct ush_grant *grant = &policy->grants[i];

		for (size_t k = 0; grant->name != NULL && k < grant->namespaces.count; k++)
			USH_PUSH(places, count, ((struct place){grant->name, grant->namespaces.items[k], grant}));
	}
	if (count > 0)
		qsort(places, count, sizeof *places, by_place);
	for (size_t i = 1; i < count; i++) {
		const struct place *one = &places[i - 1], *two = &places[i];

		if (strcmp(one->name, two->name) == 0 && strcmp(one->namespace_name, two->namespace_name) == 0 && one->grant->role != two->grant->role)
			ush_reader_fault(r, node->items[two->grant->number], "", "grants[%zu].name: \"%.64s\" is the name of grants[%zu]'s binding in %s, which has another role",
					 two->grant->number, two->name, one->grant->number, two->namespace_name);
	}
}

void ush_policy_read_grants(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	size_t before = r->count;

	if (node == NULL || (node->kind == USH_NODE_LIST && node->count == 0)) /* "grants: []" takes everything back: it may be said */
		return;
	if (!ush_reader_list(r, node, "grants"))
		return;
	for (size_t i = 0; i < node->count; i++) {
		USH_PUSH(policy->grants, policy->grant_count, (struct ush_grant){.number = i});
		read_grant(r, node->items[i], policy, &policy->grants[i]);
	}
	if (r->count == before)
		check_names(r, node, policy);
}
