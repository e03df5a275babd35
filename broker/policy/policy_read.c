/* SPDX-License-Identifier: Apache-2.0
 *
 * The top of an AccessPolicy: kind, cluster, limits, and the order in which the rest is read.
 */
#include "broker/policy/policy_read.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"

static const struct ush_member top_members[] = {
	{"apiVersion", USH_MEMBER_REQUIRED}, {"kind", USH_MEMBER_REQUIRED},  {"metadata", USH_MEMBER_OPTIONAL}, {"cluster", USH_MEMBER_REQUIRED},
	{"sources", USH_MEMBER_REQUIRED},    {"roles", USH_MEMBER_REQUIRED}, {"grants", USH_MEMBER_REQUIRED},   {"limits", USH_MEMBER_OPTIONAL},
	{"template", USH_MEMBER_LATER},	     {NULL, 0}};
static const struct ush_member metadata_members[] = {{"name", USH_MEMBER_REQUIRED}, {NULL, 0}};
static const struct ush_member cluster_members[] = {{"groupPrefix", USH_MEMBER_REQUIRED}, {"groupName", USH_MEMBER_OPTIONAL}, {NULL, 0}};
static const struct ush_member limits_members[] = {{"remove", USH_MEMBER_OPTIONAL}, {"vanishedGroup", USH_MEMBER_OPTIONAL}, {NULL, 0}};
static const struct ush_member remove_members[] = {{"bindings", USH_MEMBER_OPTIONAL}, {"people", USH_MEMBER_OPTIONAL}, {NULL, 0}};
static const struct ush_member vanished_members[] = {{"runs", USH_MEMBER_OPTIONAL}, {"age", USH_MEMBER_OPTIONAL}, {NULL, 0}};

static void expect(struct ush_reader *r, const struct ush_node *top, const char *key, const char *value)
{
	USH_AUTO_FREE char *text = ush_reader_string(r, top, "", key);

	if (text != NULL && strcmp(text, value) != 0)
		ush_reader_fault(r, ush_node_get(top, key), key, "expected %s, found \"%.64s\"", value, text);
}

static void read_metadata(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	USH_AUTO_FREE char *name = NULL;

	if (node == NULL || !ush_reader_map(r, node, "metadata", metadata_members))
		return;
	name = ush_reader_string(r, node, "metadata", "name");
	if (name != NULL && ush_name_not_label(name) != NULL)
		ush_reader_fault(r, ush_node_get(node, "name"), "metadata.name", "\"%.64s\" %s", name, ush_name_not_label(name));
	else if (name != NULL)
		policy->name = ush_steal(&name);
}

static void read_prefix(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	const char *why;

	free(policy->group_prefix);
	policy->group_prefix = ush_reader_string(r, node, "cluster", "groupPrefix");
	if (policy->group_prefix == NULL) {
		policy->group_prefix = ush_strdup("?");
		return;
	}
	why = ush_name_group_refused(policy->group_prefix);
	if (why != NULL)
		ush_reader_fault(r, ush_node_get(node, "groupPrefix"), "cluster.groupPrefix", "\"%.64s\" %s", policy->group_prefix, why);
}

static void read_cluster(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	static const char *const names[] = {[USH_GROUP_LEAF] = "leaf", [USH_GROUP_PATH] = "path", [USH_GROUP_ID] = "id"};
	USH_AUTO_FREE char *name = NULL;

	if (node == NULL || !ush_reader_map(r, node, "cluster", cluster_members))
		return;
	read_prefix(r, node, policy);
	name = ush_reader_string(r, node, "cluster", "groupName");
	for (size_t i = 0; name != NULL && i < USH_COUNT(names); i++)
		if (strcmp(names[i], name) == 0) {
			policy->group_name = (enum ush_group_name)i;
			return;
		}
	if (name != NULL)
		ush_reader_fault(r, ush_node_get(node, "groupName"), "cluster.groupName", "expected leaf, path or id, found \"%.64s\"", name);
}

static void read_limit(struct ush_reader *r, const struct ush_node *map, const char *key, struct ush_limit *limit)
{
	const struct ush_node *node = ush_node_get(map, key);
	const char *text = ush_node_string(node);
	long long number;
	char path[64], *end;
	long percent;

	if (node == NULL)
		return;
	*limit = (struct ush_limit){-1, -1};
	if (ush_node_integer(node, &number) && number >= 0 && number <= 1000000) {
		limit->count = (long)number;
		return;
	}
	if (text != NULL && *text >= '0' && *text <= '9') {
		percent = strtol(text, &end, 10);
		if (strcmp(end, "%") == 0 && percent <= 100) {
			limit->percent = percent;
			return;
		}
	}
	snprintf(path, sizeof path, "limits.remove.%s", key);
	ush_reader_fault(r, node, path, "expected a number (20) or a percentage (25%%), found %s", text != NULL ? text : ush_node_kind_name(node));
}

static void read_vanished(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	const struct ush_node *runs = ush_node_get(node, "runs");
	long long number = 0;

	if (node == NULL || !ush_reader_map(r, node, "limits.vanishedGroup", vanished_members))
		return;
	if (runs != NULL && (!ush_node_integer(runs, &number) || number < 1 || number > 1000))
		ush_reader_fault(r, runs, "limits.vanishedGroup.runs", "expected a number from 1 to 1000");
	else if (runs != NULL)
		policy->vanished_runs = (long)number;
	policy->vanished_age = ush_reader_duration(r, node, "limits.vanishedGroup", "age", policy->vanished_age);
}

static void read_limits(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	const struct ush_node *gone = ush_node_get(node, "remove");

	if (node == NULL || !ush_reader_map(r, node, "limits", limits_members))
		return;
	if (gone != NULL && ush_reader_map(r, gone, "limits.remove", remove_members)) {
		read_limit(r, gone, "bindings", &policy->remove_bindings);
		read_limit(r, gone, "people", &policy->remove_people);
	}
	read_vanished(r, ush_node_get(node, "vanishedGroup"), policy);
}

static void read_top(struct ush_reader *r, const struct ush_node *top, struct ush_policy *policy)
{
	if (!ush_reader_map(r, top, "", top_members))
		return;
	expect(r, top, "apiVersion", USH_POLICY_API);
	expect(r, top, "kind", "AccessPolicy");
	read_metadata(r, ush_node_get(top, "metadata"), policy);
	read_cluster(r, ush_node_get(top, "cluster"), policy);
	ush_policy_read_sources(r, ush_node_get(top, "sources"), policy);
	ush_policy_read_roles(r, ush_node_get(top, "roles"), policy);
	ush_policy_read_grants(r, ush_node_get(top, "grants"), policy);
	read_limits(r, ush_node_get(top, "limits"), policy);
	if (policy->name == NULL)
		policy->name = ush_strdup("default");
}

struct ush_policy *ush_policy_read(const char *text, size_t length, const char *name, struct ush_list *faults, struct ush_error *err)
{
	USH_AUTO_POLICY policy = ush_new(struct ush_policy);
	USH_AUTO_NODE top = ush_yaml_read_one(text, length, name, USH_ERR_CONFIG, err);
	struct ush_reader r = {.file = name, .faults = faults, .err = err};

	if (top == NULL) {
		if (faults != NULL)
			ush_list_add(faults, err->what);
		return NULL;
	}
	policy->file = ush_strdup(name);
	policy->group_prefix = ush_strdup("?");
	policy->remove_bindings = (struct ush_limit){20, -1};
	policy->remove_people = (struct ush_limit){-1, 25};
	policy->vanished_runs = 2;
	policy->vanished_age = 3600;
	ush_sha256_hex(text, length, policy->digest);
	read_top(&r, top, policy);
	if (r.count > 1)
		ush_hint(err, "%zu more faults; see them all: usher-broker validate -f %s", r.count - 1, name);
	return r.count == 0 ? ush_steal(&policy) : NULL;
}
