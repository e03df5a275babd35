/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/rbac.h"

#include <stdint.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"
#include "common/net/http.h"

#define ROOT "/apis/" USH_RBAC_GROUP "/v1"

static const struct {
	const char *name, *plural;
	bool namespaced;
} kinds[] = {
	[USH_ROLE] = {"Role", "roles", true},
	[USH_CLUSTER_ROLE] = {"ClusterRole", "clusterroles", false},
	[USH_ROLE_BINDING] = {"RoleBinding", "rolebindings", true},
	[USH_CLUSTER_ROLE_BINDING] = {"ClusterRoleBinding", "clusterrolebindings", false},
};

const char *ush_rbac_kind_name(enum ush_rbac_kind kind)
{
	return kinds[kind].name;
}

static bool is_role(const struct ush_rbac *object)
{
	return object->kind == USH_ROLE || object->kind == USH_CLUSTER_ROLE;
}

/* ---- paths ---- */

static void add_list_path(struct ush_buf *path, enum ush_rbac_kind kind, const char *namespace_name)
{
	ush_buf_puts(path, ROOT "/");
	if (kinds[kind].namespaced && namespace_name != NULL) {
		ush_buf_puts(path, "namespaces/");
		ush_url_encode(path, namespace_name);
		ush_buf_puts(path, "/");
	}
	ush_buf_puts(path, kinds[kind].plural);
}

char *ush_rbac_list_path(enum ush_rbac_kind kind, const char *namespace_name)
{
	USH_AUTO_BUF path = {0};

	add_list_path(&path, kind, namespace_name);
	return ush_buf_take(&path);
}

char *ush_rbac_path(enum ush_rbac_kind kind, const char *namespace_name, const char *name)
{
	USH_AUTO_BUF path = {0};

	add_list_path(&path, kind, namespace_name);
	ush_buf_puts(&path, "/");
	ush_url_encode(&path, name);
	return ush_buf_take(&path);
}

/* ---- lists of strings ---- */

void ush_list_add(struct ush_list *list, const char *text)
{
	USH_PUSH(list->items, list->count, ush_strdup(text));
}

bool ush_list_has(const struct ush_list *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

void ush_list_free(struct ush_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct ush_list){0};
}

json_t *ush_list_json(const struct ush_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_string(list->items[i]));
	return array;
}

char *ush_list_text(const struct ush_list *list)
{
	struct ush_buf out = {0};

	for (size_t i = 0; i < list->count; i++)
		ush_buf_printf(&out, "%s%s", i > 0 ? ", " : "", list->items[i]);
	return ush_buf_take(&out);
}

/* ---- life ---- */

void ush_rule_free(struct ush_rule *rule)
{
	ush_list_free(&rule->verbs);
	ush_list_free(&rule->groups);
	ush_list_free(&rule->resources);
	ush_list_free(&rule->names);
	ush_list_free(&rule->urls);
}

void ush_rbac_free(struct ush_rbac *object)
{
	if (object == NULL)
		return;
	for (size_t i = 0; i < object->rule_count; i++)
		ush_rule_free(&object->rules[i]);
	for (size_t i = 0; i < object->subject_count; i++) {
		free(object->subjects[i].kind);
		free(object->subjects[i].name);
		free(object->subjects[i].namespace_name);
	}
	free(object->rules);
	free(object->subjects);
	free(object->namespace_name);
	free(object->name);
	free(object->uid);
	free(object->resource_version);
	free(object->manager);
	free(object->role_kind);
	free(object->role_name);
	free(object->origin);
	json_decref(object->labels);
	json_decref(object->annotations);
	json_decref(object->aggregation);
	free(object);
}

/* ---- as JSON ---- */

static void set_list(json_t *object, const char *key, json_t *array)
{
	if (json_array_size(array) > 0)
		json_object_set(object, key, array);
	json_decref(array);
}

static json_t *rule_to_json(const struct ush_rule *rule, json_t *(*list)(const struct ush_list *list))
{
	json_t *out = json_object();

	set_list(out, "apiGroups", list(&rule->groups));
	set_list(out, "resources", list(&rule->resources));
	set_list(out, "resourceNames", list(&rule->names));
	set_list(out, "nonResourceURLs", list(&rule->urls));
	json_object_set_new(out, "verbs", list(&rule->verbs)); /* the one that the API wants even when it is empty */
	return out;
}

static json_t *subject_to_json(const struct ush_subject *subject)
{
	json_t *out = json_pack("{s:s}", "kind", subject->kind);

	if (strcmp(subject->kind, "User") == 0 || strcmp(subject->kind, "Group") == 0)
		json_object_set_new(out, "apiGroup", json_string(USH_RBAC_GROUP));
	json_object_set_new(out, "name", json_string(subject->name));
	if (subject->namespace_name != NULL)
		json_object_set_new(out, "namespace", json_string(subject->namespace_name));
	return out;
}

static json_t *metadata_to_json(const struct ush_rbac *object)
{
	json_t *metadata = json_pack("{s:s}", "name", object->name);

	if (kinds[object->kind].namespaced && object->namespace_name != NULL)
		json_object_set_new(metadata, "namespace", json_string(object->namespace_name));
	if (json_object_size(object->labels) > 0)
		json_object_set_new(metadata, "labels", json_deep_copy(object->labels));
	if (json_object_size(object->annotations) > 0)
		json_object_set_new(metadata, "annotations", json_deep_copy(object->annotations));
	return metadata;
}

json_t *ush_rbac_to_json(const struct ush_rbac *object)
{
	json_t *out = json_pack("{s:s,s:s,s:o}", "apiVersion", USH_RBAC_GROUP "/v1", "kind", kinds[object->kind].name,
				"metadata", metadata_to_json(object));
	json_t *list = json_array();

	if (!is_role(object))
		json_object_set_new(out, "roleRef",
				    json_pack("{s:s,s:s,s:s}", "apiGroup", USH_RBAC_GROUP, "kind", object->role_kind,
					      "name", object->role_name));
	for (size_t i = 0; i < object->rule_count; i++)
		json_array_append_new(list, rule_to_json(&object->rules[i], ush_list_json));
	for (size_t i = 0; i < object->subject_count; i++)
		json_array_append_new(list, subject_to_json(&object->subjects[i]));
	if (object->aggregation != NULL) /* a controller writes the rules */
		json_object_set_new(out, "aggregationRule", json_deep_copy(object->aggregation));
	else
		json_object_set(out, is_role(object) ? "rules" : "subjects", list);
	json_decref(list);
	return out;
}

/* ---- meaning ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void ush_list_sort(struct ush_list *list)
{
	size_t kept = 0;

	if (list->count > 0)
		qsort(list->items, list->count, sizeof *list->items, by_text);
	for (size_t i = 0; i < list->count; i++)
		if (kept > 0 && strcmp(list->items[kept - 1], list->items[i]) == 0)
			free(list->items[i]);
		else
			list->items[kept++] = list->items[i];
	list->count = kept;
}

static json_t *set_to_json(const struct ush_list *list)
{
	struct ush_list set = {ush_alloc(list->count * sizeof *set.items), list->count};
	json_t *array;

	for (size_t i = 0; i < list->count; i++)
		set.items[i] = ush_strdup(list->items[i]);
	ush_list_sort(&set);
	array = ush_list_json(&set);
	ush_list_free(&set);
	return array;
}

static void add_canonical(struct ush_list *lines, json_t *value)
{
	USH_AUTO_FREE char *text = ush_json_canonical(value);

	ush_list_add(lines, text);
	json_decref(value);
}

char *ush_rbac_meaning(const struct ush_rbac *object)
{
	struct ush_list head = {0}, lines = {0};
	USH_AUTO_BUF text = {.limit = SIZE_MAX};

	for (size_t i = 0; i < object->rule_count; i++)
		add_canonical(&lines, rule_to_json(&object->rules[i], set_to_json));
	for (size_t i = 0; i < object->subject_count; i++) {
		const struct ush_subject *s = &object->subjects[i];

		add_canonical(&lines, json_pack("[s,s,s]", s->kind, s->namespace_name != NULL ? s->namespace_name : "",
						s->name));
	}
	ush_list_sort(&lines);
	if (object->role_name != NULL)
		add_canonical(&head, json_pack("{s:[s,s]}", "roleRef", object->role_kind, object->role_name));
	if (object->aggregation != NULL)
		add_canonical(&head, json_pack("{s:O}", "aggregationRule", object->aggregation));
	for (size_t i = 0; i < head.count; i++)
		ush_buf_printf(&text, "%s\n", head.items[i]);
	for (size_t i = 0; i < lines.count; i++)
		ush_buf_printf(&text, "%s\n", lines.items[i]);
	ush_list_free(&head);
	ush_list_free(&lines);
	return ush_buf_take(&text);
}
