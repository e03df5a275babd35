/* SPDX-License-Identifier: Apache-2.0
 *
 * What was gathered, as a policy. The order is that of the files; nothing depends on time or place, so the same files
 * give the same bytes.
 */
#include <string.h>

#include "broker/import/import.h"
#include "common/base/memory.h"
#include "common/data/yaml.h"

static void comment(struct ush_buf *out, const char *text)
{
	USH_AUTO_FREE char *safe = ush_text_safe(text);

	ush_buf_printf(out, "# %s\n", safe);
}

/* {key: value} as block YAML; takes the value. */
static void section(struct ush_buf *out, const char *key, json_t *value)
{
	json_t *map = json_pack("{s:o}", key, value);

	ush_yaml_write(out, map, false);
	json_decref(map);
}

static bool all_paths(const struct ush_import *import)
{
	for (size_t i = 0; i < import->grant_count; i++)
		if (import->grants[i].group[strlen(import->found_prefix)] != '/')
			return false;
	return import->grant_count > 0;
}

static void write_cluster(const struct ush_import *import, struct ush_buf *out)
{
	json_t *cluster = json_pack("{s:s}", "groupPrefix", import->found_prefix);

	if (*import->found_prefix == '\0') {
		comment(out, "The groups have no prefix in common. Give the API server one if you can: without it a group of the provider may be");
		comment(out, "called as anything is that others made.");
		json_object_set_new(cluster, "unprefixed", json_true());
	}
	json_object_set_new(cluster, "groupName", json_string(all_paths(import) ? "path" : "leaf"));
	section(out, "cluster", cluster);
}

static void write_sources(const struct ush_import *import, struct ush_buf *out)
{
	json_t *sources = json_object();

	for (size_t i = 0; i < import->source_count; i++) {
		if (import->sources[i].note != NULL)
			comment(out, import->sources[i].note);
		json_object_set(sources, import->sources[i].name, import->sources[i].settings);
	}
	section(out, "sources", sources);
}

static bool used(const struct ush_import *import, const struct ush_import_role *role)
{
	for (size_t i = 0; i < import->grant_count; i++)
		if (ush_import_role(import, import->grants[i].role_kind, import->grants[i].role_ref) == role)
			return true;
	return false;
}

static void write_roles(const struct ush_import *import, struct ush_buf *out)
{
	json_t *roles = json_object();

	for (size_t i = 0; i < import->role_count; i++) {
		const struct ush_import_role *role = &import->roles[i];

		if (used(import, role))
			json_object_set_new(roles, role->name,
					    role->rules != NULL ? json_pack("{s:O}", "rules", role->rules) : json_pack("{s:s}", "clusterRole", role->ref));
	}
	section(out, "roles", roles);
}

static json_t *grant_json(const struct ush_import *import, const struct ush_import_grant *grant)
{
	json_t *json = json_pack("{s:s, s:s}", "group", grant->group + strlen(import->found_prefix), "role",
				 ush_import_role(import, grant->role_kind, grant->role_ref)->name);

	if (import->source_count > 1)
		json_object_set_new(json, "source", json_string(import->sources[0].name));
	if (grant->selector != NULL)
		json_object_set(json, "namespaceSelector", grant->selector);
	else
		json_object_set_new(json, "namespaces", json_pack("[s]", grant->namespace_name));
	json_object_set_new(json, "name", json_string(grant->binding));
	return json;
}

static void write_grants(const struct ush_import *import, struct ush_buf *out)
{
	const char *from = "";

	if (import->grant_count == 0) {
		comment(out, "the files bind nobody: who may do what is yours to say");
		ush_buf_puts(out, "grants: []\n");
		return;
	}
	if (import->source_count > 1)
		comment(out, "the files do not say which source knows a group: check each");
	ush_buf_puts(out, "grants:\n");
	for (size_t i = 0; i < import->grant_count; i++) {
		json_t *list = json_pack("[o]", grant_json(import, &import->grants[i]));

		if (strcmp(from, import->grants[i].from) != 0)
			comment(out, import->grants[i].from);
		from = import->grants[i].from;
		ush_yaml_write(out, list, false);
		json_decref(list);
	}
}

void ush_import_write(const struct ush_import *import, struct ush_buf *out)
{
	comment(out, "Made by usher-broker import. What it means stays what it was: see `usher-broker import --plan-against`.");
	if (import->left.count > 0)
		comment(out, "Not carried over:");
	for (size_t i = 0; i < import->left.count; i++) {
		USH_AUTO_FREE char *line = ush_printf("- %s", import->left.items[i]);

		comment(out, line);
	}
	ush_buf_puts(out, "apiVersion: " USH_POLICY_API "\nkind: AccessPolicy\n");
	write_cluster(import, out);
	write_sources(import, out);
	write_roles(import, out);
	if (import->users) {
		comment(out, "rbacsync bound people, not groups; where tokens carry groups, layout role needs no reading of members");
		ush_buf_puts(out, "layout: users\n");
	}
	comment(out, "take over the bindings that stand, once the tool that made them has let go of them");
	ush_buf_puts(out, "drift: adopt\n");
	write_grants(import, out);
}

/* Who is in a group, when a file said so; else NULL. */
static json_t *members_of(const struct ush_import *import, const char *name)
{
	json_t *members = NULL;

	for (size_t i = 0; i < import->group_count; i++) {
		if (strcmp(import->groups[i].name, name) != 0 || !import->groups[i].members_known)
			continue;
		members = members != NULL ? members : json_array();
		for (size_t m = 0; m < import->groups[i].members.count; m++)
			json_array_append_new(members, json_string(import->groups[i].members.items[m]));
	}
	return members;
}

json_t *ush_import_groups(const struct ush_import *import)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < import->grant_count; i++) {
		const char *name = import->grants[i].group + strlen(import->found_prefix);
		json_t *group = json_pack("{s:s}", "name", *name == '/' ? strrchr(name, '/') + 1 : name), *members = members_of(import, name);
		bool known = false;

		if (*name == '/')
			json_object_set_new(group, "path", json_string(name));
		if (members != NULL)
			json_object_set_new(group, "members", members);
		for (size_t k = 0; k < json_array_size(groups); k++)
			known = known || json_equal(json_array_get(groups, k), group);
		if (known)
			json_decref(group);
		else
			json_array_append_new(groups, group);
	}
	return json_pack("{s:o, s:I}", "groups", groups, "count", (json_int_t)json_array_size(groups));
}
