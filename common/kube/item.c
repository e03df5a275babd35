/* SPDX-License-Identifier: Apache-2.0
 *
 * An item as an RBAC object: the checks of rbac_read.c, without its copies. What fails here is read the long way once
 * more, for its words.
 */
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/scan.h"

static const struct ush_slice none;

static bool absent_or(struct ush_slice slice, char type)
{
	return slice.type == 0 || slice.type == type;
}

static bool is_name(struct ush_slice slice)
{
	return slice.type == '"' && slice.length > 0;
}

/* Absent, or of nothing but this type. */
static bool all_of(struct ush_slice container, char kind, char type)
{
	struct ush_slice key, value;
	struct ush_walk walk = ush_walk(container);

	if (!absent_or(container, kind))
		return false;
	while (kind == '{' ? ush_walk_member(&walk, &key, &value) : ush_walk_element(&walk, &value))
		if (value.type != type)
			return false;
	return true;
}

static bool of_our_group(struct ush_slice api_version)
{
	return ush_slice_is(api_version, USH_RBAC_GROUP "/v1") || ush_slice_is(api_version, USH_RBAC_GROUP "/v1beta1");
}

static bool find_kind(struct ush_item *item)
{
	if (!of_our_group(item->api_version))
		return false;
	for (item->rbac = USH_ROLE; item->rbac <= USH_CLUSTER_ROLE_BINDING; item->rbac++)
		if (ush_slice_is(item->kind, ush_rbac_kind_name(item->rbac)))
			return true;
	item->rbac = USH_ROLE;
	return false;
}

static bool metadata_is_good(struct ush_item *item)
{
	static const struct ush_slice fallback = {"default", 7, '"', true};
	bool cluster = item->rbac == USH_CLUSTER_ROLE || item->rbac == USH_CLUSTER_ROLE_BINDING;

	if (item->metadata.type != '{' || !is_name(item->name))
		return false;
	if (cluster)
		item->namespace_name = none;
	else if (!absent_or(item->namespace_name, '"'))
		return false;
	else if (!is_name(item->namespace_name))
		item->namespace_name = fallback;
	return absent_or(item->uid, '"') && absent_or(item->resource_version, '"') && all_of(item->labels, '{', '"') &&
	       all_of(item->annotations, '{', '"');
}

static bool rules_are_good(const struct ush_item *item)
{
	static const char *const lists[] = {"verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"};
	struct ush_slice rule;

	if (!all_of(item->rules, '[', '{') || !absent_or(item->aggregation, '{'))
		return false;
	for (struct ush_walk walk = ush_walk(item->rules); ush_walk_element(&walk, &rule);)
		for (size_t i = 0; i < USH_COUNT(lists); i++)
			if (!all_of(ush_slice_member(rule, lists[i]), '[', '"'))
				return false;
	return true;
}

/* The members of a map that are called so, found in one walk. */
static void pick(struct ush_slice map, const char *const *keys, struct ush_slice *const *out, size_t count)
{
	struct ush_slice key, value;

	for (size_t i = 0; i < count; i++)
		*out[i] = none;
	for (struct ush_walk walk = ush_walk(map); ush_walk_member(&walk, &key, &value);)
		for (size_t i = 0; i < count; i++)
			if (ush_slice_is(key, keys[i])) {
				*out[i] = value;
				break;
			}
}

static void pick_subject(struct ush_slice map, struct ush_item_subject *subject)
{
	static const char *const keys[] = {"kind", "name", "namespace"};

	pick(map, keys, (struct ush_slice *const[]){&subject->kind, &subject->name, &subject->namespace_name}, 3);
}

static bool binding_is_good(struct ush_item *item)
{
	static const char *const keys[] = {"kind", "name"};
	struct ush_slice value;

	if (item->role_ref.type != '{')
		return false;
	pick(item->role_ref, keys, (struct ush_slice *const[]){&item->role_kind, &item->role_name}, 2);
	if (!is_name(item->role_kind) || !is_name(item->role_name) || !all_of(item->subjects, '[', '{'))
		return false;
	for (struct ush_walk walk = ush_walk(item->subjects); ush_walk_element(&walk, &value);) {
		struct ush_item_subject subject;

		pick_subject(value, &subject);
		if (!is_name(subject.kind) || !is_name(subject.name) || !absent_or(subject.namespace_name, '"'))
			return false;
	}
	return true;
}

/* rbac_read.c says what is wrong with it. */
static int complain(const struct ush_item *item, enum ush_code code, struct ush_error *err)
{
	USH_AUTO_JSON object = ush_item_json(item, code, err);
	bool is_rbac;
	USH_AUTO_RBAC rbac = object != NULL ? ush_rbac_read(object, code, &is_rbac, err) : NULL;

	if (rbac == NULL)
		return -1;
	return ush_fail(err, code, "%s %s: does not have the API's shape", ush_rbac_kind_name(rbac->kind), rbac->name);
}

int ush_item_rbac(struct ush_item *item, enum ush_code code, struct ush_error *err)
{
	bool role;

	if (!find_kind(item))
		return 0;
	role = item->rbac == USH_ROLE || item->rbac == USH_CLUSTER_ROLE;
	if (!metadata_is_good(item) || (role ? !rules_are_good(item) : !binding_is_good(item)))
		return complain(item, code, err);
	return 1;
}

bool ush_walk_subject(struct ush_walk *walk, const struct ush_item *item, struct ush_item_subject *subject)
{
	struct ush_slice map;

	if (!ush_walk_element(walk, &map))
		return false;
	pick_subject(map, subject);
	if (!ush_slice_is(subject->kind, "ServiceAccount"))
		subject->namespace_name = none;
	else if (!is_name(subject->namespace_name))
		subject->namespace_name = item->namespace_name;
	return true;
}

json_t *ush_item_json(const struct ush_item *item, enum ush_code code, struct ush_error *err)
{
	USH_AUTO_FREE char *kind = ush_slice_copy(item->kind);
	USH_AUTO_FREE char *version = ush_slice_copy(item->api_version);
	json_t *object = ush_json_parse(item->text.text, item->text.length, "an object", code, err);

	if (object == NULL)
		return NULL;
	if (kind != NULL)
		json_object_set_new(object, "kind", json_string(kind));
	if (version != NULL)
		json_object_set_new(object, "apiVersion", json_string(version));
	return object;
}

/* True when the entry of managedFields owns one of the fields that the API server acts on. */
static bool owns_access(struct ush_slice fields)
{
	static const char *const names[] = {"f:subjects", "f:roleRef", "f:rules"};
	struct ush_slice key, value;

	for (struct ush_walk walk = fields.type == '{' ? ush_walk(fields) : (struct ush_walk){0};
	     ush_walk_member(&walk, &key, &value);)
		for (size_t i = 0; i < USH_COUNT(names); i++)
			if (ush_slice_is(key, names[i]))
				return true;
	return false;
}

bool ush_walk_manager(struct ush_walk *walk, struct ush_item_manager *manager)
{
	static const char *const keys[] = {"time", "manager", "fieldsV1"};
	struct ush_slice entry;

	while (ush_walk_element(walk, &entry)) {
		if (entry.type != '{')
			continue;
		pick(entry, keys, (struct ush_slice *const[]){&manager->time, &manager->name, &manager->fields}, 3);
		if (manager->time.type != '"')
			manager->time = (struct ush_slice){"", 0, '"', true};
		if (manager->name.type == '"' && owns_access(manager->fields))
			return true;
	}
	return false;
}

struct ush_walk ush_walk_managers(const struct ush_item *item)
{
	return item->managed_fields.type == '[' ? ush_walk(item->managed_fields) : (struct ush_walk){0};
}

struct ush_slice ush_item_manager(const struct ush_item *item)
{
	struct ush_slice newest = {"", 0, '"', true}, name = none;
	struct ush_item_manager manager;

	for (struct ush_walk walk = ush_walk_managers(item); ush_walk_manager(&walk, &manager);)
		if (ush_slice_order(manager.time, newest) >= 0) {
			newest = manager.time;
			name = manager.name;
		}
	return name;
}
