/* SPDX-License-Identifier: Apache-2.0
 *
 * The top of an AccessPolicy: the order in which its parts are read, and the small ones.
 */
#include "broker/policy/policy_read.h"

#include <stdlib.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/base/text.h"

static void expect(struct ush_reader *r, const struct ush_node *top, const char *key, const char *value)
{
	USH_AUTO_FREE char *text = ush_reader_string(r, top, "", key);

	if (text != NULL && strcmp(text, value) != 0)
		ush_reader_fault(r, ush_node_get(top, key), key, "expected %s, found \"%.64s\"", value, text);
}

/* Without a prefix a group of the provider may be called like one that others made up for the cluster. */
static void check_prefix(struct ush_reader *r, const struct ush_node *cluster, const struct ush_policy *policy)
{
	const struct ush_node *at = ush_node_get(cluster, "groupPrefix");

	if (at != NULL && *policy->group_prefix == '\0' && !policy->unprefixed)
		ush_reader_fault(r, at, "cluster.groupPrefix", "is empty; if the API server really puts nothing in front of groups: unprefixed: true");
	else if (policy->unprefixed && *policy->group_prefix != '\0')
		ush_reader_fault(r, ush_node_get(cluster, "unprefixed"), "cluster.unprefixed", "there is a groupPrefix");
}

static void read_case(struct ush_reader *r, const struct ush_node *cluster, struct ush_policy *policy)
{
	const struct ush_node *node = ush_node_get(cluster, "groupCase");
	USH_AUTO_FREE char *word = ush_reader_string(r, cluster, "cluster", "groupCase");

	if (word != NULL)
		policy->lower_case = ush_reader_choice(r, node, "cluster.groupCase", "keep|lower", word) == 1;
}

static void read_cluster(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_cluster *cluster)
{
	USH_AUTO_FREE char *file = NULL;

	if (!ush_reader_map(r, node, path, &ush_form_clusters, cluster))
		return;
	file = ush_reader_string(r, node, path, "kubeconfig");
	if (file != NULL)
		cluster->kubeconfig = ush_policy_beside(r, file);
}

static void read_clusters(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	if (node == NULL || !ush_reader_list(r, node, "clusters", false))
		return;
	for (size_t i = 0; i < node->count; i++) {
		struct ush_cluster *cluster;
		char path[USH_PATH_MAX];

		USH_PUSH(policy->clusters, policy->cluster_count, (struct ush_cluster){0});
		cluster = &policy->clusters[i];
		read_cluster(r, node->items[i], ush_reader_item("clusters", i, path), cluster);
		for (size_t k = 0; k < i && cluster->name != NULL; k++)
			if (policy->clusters[k].name != NULL && strcmp(policy->clusters[k].name, cluster->name) == 0)
				ush_reader_member_fault(r, node->items[i], path, "name", "\"%s\" stands twice", cluster->name);
	}
}

static void set_defaults(struct ush_policy *policy, const char *name)
{
	policy->file = ush_strdup(name);
	policy->name = ush_strdup("default");
	policy->group_prefix = ush_strdup("?");
	policy->user_prefix = ush_strdup("");
	policy->group_claim = ush_strdup("groups");
	policy->remove_bindings = (struct ush_limit){20, -1};
	policy->remove_people = (struct ush_limit){-1, 25};
	policy->add_people = (struct ush_limit){-1, -1};
	policy->vanished_runs = 2;
	policy->vanished_age = 3600;
}

/* A manifest of something else: its twenty members that a policy has not are one fault. */
static bool is_another_kind(struct ush_reader *r, const struct ush_node *top)
{
	const struct ush_node *node = ush_node_get(top, "kind");
	const char *kind = ush_node_string(node);

	if (kind == NULL || strcasecmp(kind, "AccessPolicy") == 0 || ush_node_get(top, "grants") != NULL)
		return false;
	ush_reader_fault(r, node, "kind", "this is a %.64s, no policy; a policy has apiVersion: " USH_POLICY_API " and kind: AccessPolicy", kind);
	return true;
}

static void read_seal_key(struct ush_reader *r, const struct ush_node *top, struct ush_policy *policy)
{
	USH_AUTO_FREE char *path = ush_node_get(top, "breakGlassKey") != NULL ? ush_reader_string(r, top, "", "breakGlassKey") : NULL;

	if (path != NULL)
		policy->seal_key = ush_policy_beside(r, path);
}

static void read_top(struct ush_reader *r, const struct ush_node *top, struct ush_policy *policy)
{
	if (is_another_kind(r, top))
		return;
	if (!ush_reader_map(r, top, "", &ush_form_policy, policy))
		return;
	expect(r, top, "apiVersion", USH_POLICY_API);
	expect(r, top, "kind", "AccessPolicy");
	check_prefix(r, ush_node_get(top, "cluster"), policy);
	read_case(r, ush_node_get(top, "cluster"), policy);
	read_clusters(r, ush_node_get(top, "clusters"), policy);
	ush_policy_read_sources(r, ush_node_get(top, "sources"), policy);
	ush_policy_read_exceptions(r, ush_node_get(top, "exceptions"), policy);
	ush_policy_read_roles(r, ush_node_get(top, "roles"), policy);
	ush_policy_read_grants(r, ush_node_get(top, "grants"), policy);
	ush_policy_check_exceptions(r, ush_node_get(top, "exceptions"), policy);
	ush_policy_read_templates(r, ush_node_get(top, "templates"), policy);
	ush_policy_read_elevation(r, top, policy);
	ush_policy_read_seals(r, ush_node_get(top, "breakGlass"), policy);
	read_seal_key(r, top, policy);
}

/* Faults in the order of the file: "name:line:column: ...". */
static int by_place(const void *a, const void *b)
{
	const char *x = *(const char *const *)a, *y = *(const char *const *)b;

	for (int number = 0; number < 2; number++) {
		unsigned long one, two;
		char *x_end, *y_end;

		one = strtoul(x, &x_end, 10);
		two = strtoul(y, &y_end, 10);
		if (one != two)
			return one < two ? -1 : 1;
		x = x_end + (*x_end == ':');
		y = y_end + (*y_end == ':');
	}
	return strcmp(x, y);
}

static void sort_faults(struct ush_list *faults, const char *name)
{
	size_t skip = strlen(name) + 1;

	for (size_t i = 0; i < faults->count; i++)
		faults->items[i] += skip;
	qsort(faults->items, faults->count, sizeof *faults->items, by_place);
	for (size_t i = 0; i < faults->count; i++)
		faults->items[i] -= skip;
}

struct ush_policy *ush_policy_read(const char *text, size_t length, const char *name, struct ush_list *faults, struct ush_error *err)
{
	USH_AUTO_POLICY policy = ush_new(struct ush_policy);
	USH_AUTO_NODE top = ush_yaml_read_one(text, length, name, USH_ERR_CONFIG, err);
	struct ush_reader r = {.file = name, .faults = faults, .err = err};

	if (top == NULL) {
		ush_policy_syntax(text, length, name, err);
		if (faults != NULL)
			ush_list_add(faults, err->what);
		return NULL;
	}
	set_defaults(policy, name);
	ush_sha256_hex(text, length, policy->digest);
	read_top(&r, top, policy);
	if (faults != NULL && r.count == faults->count && r.count > 1)
		sort_faults(faults, name);
	if (r.count > 1) {
		USH_AUTO_FREE char *file = ush_text_word(strcmp(name, "stdin") == 0 ? "-" : name);

		ush_hint(err, "%zu more fault%s; see them all: usher-broker validate -f %s", r.count - 1, r.count == 2 ? "" : "s", file);
	}
	return r.count == 0 ? ush_steal(&policy) : NULL;
}
