/* SPDX-License-Identifier: Apache-2.0
 *
 * managedFields, as far as our objects need them: labels, annotations, data and spec by key, everything else whole.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/fake_kube_store.h"

struct leaf {
	const char *steps[3]; /* ends at the first NULL */
};

struct leaves {
	struct leaf *items;
	size_t count;
};

static void leaves_free(struct leaves *leaves)
{
	free(leaves->items);
}

#define AUTO_LEAVES __attribute__((cleanup(leaves_free))) struct leaves

static void add_keys(struct leaves *leaves, const char *first, const char *second, const json_t *map)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)map, key, value)
	{
		struct leaf leaf = {{first, second != NULL ? second : key, second != NULL ? key : NULL}};

		(void)value;
		USH_PUSH(leaves->items, leaves->count, leaf);
	}
}

static struct leaves leaves_of(const json_t *object)
{
	static const char *const passed_over[] = {"apiVersion", "kind", "metadata", "status"};
	struct leaves leaves = {0};
	const json_t *metadata = json_object_get(object, "metadata");
	const char *key;
	json_t *value;

	add_keys(&leaves, "metadata", "labels", json_object_get(metadata, "labels"));
	add_keys(&leaves, "metadata", "annotations", json_object_get(metadata, "annotations"));
	json_object_foreach((json_t *)object, key, value)
	{
		bool skip = false;
		struct leaf leaf = {{key, NULL, NULL}};

		for (size_t i = 0; i < USH_COUNT(passed_over); i++)
			skip = skip || strcmp(key, passed_over[i]) == 0;
		if (skip)
			continue;
		if (strcmp(key, "data") == 0 || strcmp(key, "spec") == 0)
			add_keys(&leaves, key, NULL, value);
		else
			USH_PUSH(leaves.items, leaves.count, leaf);
	}
	return leaves;
}

static json_t *leaf_get(const json_t *object, const struct leaf *leaf)
{
	json_t *at = (json_t *)object;

	for (size_t i = 0; i < 3 && leaf->steps[i] != NULL; i++)
		at = json_object_get(at, leaf->steps[i]);
	return at;
}

static void leaf_set(json_t *object, const struct leaf *leaf, json_t *value)
{
	size_t i = 0;

	for (; i < 2 && leaf->steps[i + 1] != NULL; i++) {
		if (!json_is_object(json_object_get(object, leaf->steps[i])))
			json_object_set_new(object, leaf->steps[i], json_object());
		object = json_object_get(object, leaf->steps[i]);
	}
	if (value != NULL)
		json_object_set_new(object, leaf->steps[i], json_deep_copy(value));
	else
		json_object_del(object, leaf->steps[i]);
}

/* The same leaf in a fieldsV1 tree, whose keys begin with "f:". */
static struct leaf in_fields(const struct leaf *leaf, char names[3][300])
{
	struct leaf out = {{NULL}};

	for (size_t i = 0; i < 3 && leaf->steps[i] != NULL; i++) {
		snprintf(names[i], sizeof names[i], "f:%s", leaf->steps[i]);
		out.steps[i] = names[i];
	}
	return out;
}

static bool owns(const json_t *entry, const struct leaf *leaf)
{
	char names[3][300];
	struct leaf field = in_fields(leaf, names);

	return leaf_get(json_object_get(entry, "fieldsV1"), &field) != NULL;
}

static void own(json_t *fields, const struct leaf *leaf, bool yes)
{
	char names[3][300];
	struct leaf field = in_fields(leaf, names);
	USH_AUTO_JSON nothing = json_object();

	leaf_set(fields, &field, yes ? nothing : NULL);
}

json_t *fake_kube_fields_of(const json_t *object)
{
	AUTO_LEAVES leaves = leaves_of(object);
	json_t *fields = json_object();

	for (size_t i = 0; i < leaves.count; i++)
		own(fields, &leaves.items[i], true);
	return fields;
}

json_t *fake_kube_manager_entry(const json_t *object, const char *manager, const char *operation, const char *time)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "manager", manager, "operation", operation, "apiVersion",
			 json_string_value(json_object_get(object, "apiVersion")), "time", time, "fieldsType",
			 "FieldsV1", "fieldsV1", fake_kube_fields_of(object));
}

static bool is_owner(const json_t *entry, const char *manager, const char *operation)
{
	return strcmp(ush_json_string(entry, "manager"), manager) == 0 &&
	       strcmp(ush_json_string(entry, "operation"), operation) == 0;
}

static json_t *owners_of(json_t *object)
{
	json_t *metadata = json_object_get(object, "metadata");

	if (json_object_get(metadata, "managedFields") == NULL)
		json_object_set_new(metadata, "managedFields", json_array());
	return json_object_get(metadata, "managedFields");
}

static void add_cause(json_t **causes, const json_t *entry, const struct leaf *leaf)
{
	bool apply = strcmp(ush_json_string(entry, "operation"), "Apply") == 0;
	USH_AUTO_FREE char *message =
		ush_printf("conflict with \"%s\"%s%s", ush_json_string(entry, "manager"), apply ? "" : " using ",
			   apply ? "" : ush_json_string(entry, "apiVersion"));
	USH_AUTO_FREE char *field =
		ush_printf(".%s%s%s%s%s", leaf->steps[0], leaf->steps[1] != NULL ? "." : "",
			   leaf->steps[1] != NULL ? leaf->steps[1] : "", leaf->steps[2] != NULL ? "." : "",
			   leaf->steps[2] != NULL ? leaf->steps[2] : "");

	if (*causes == NULL)
		*causes = json_array();
	json_array_append_new(*causes, json_pack("{s:s,s:s,s:s}", "reason", "FieldManagerConflict", "message", message,
						 "field", field));
}

static void collect_conflicts(json_t *stored, const json_t *object, const struct leaf *leaf, const char *manager,
			      bool force, json_t **causes)
{
	json_t *entry;
	size_t i;

	if (json_equal(leaf_get(stored, leaf), leaf_get(object, leaf)))
		return;
	json_array_foreach(owners_of(stored), i, entry)
	{
		if (is_owner(entry, manager, "Apply") || !owns(entry, leaf))
			continue;
		if (force)
			own(json_object_get(entry, "fieldsV1"), leaf, false);
		else
			add_cause(causes, entry, leaf);
	}
}

static bool owned_by_others(json_t *stored, const struct leaf *leaf, const char *manager)
{
	json_t *entry;
	size_t i;

	json_array_foreach(owners_of(stored), i,
			   entry) if (!is_owner(entry, manager, "Apply") && owns(entry, leaf)) return true;
	return false;
}

json_t *fake_kube_merge(json_t *stored, const json_t *object, const char *manager, bool force, const char *time)
{
	AUTO_LEAVES wanted = leaves_of(object), present = leaves_of(stored);
	USH_AUTO_JSON before = json_deep_copy(stored);
	json_t *causes = NULL, *entry, *mine = NULL;
	size_t i;

	for (i = 0; i < wanted.count; i++)
		collect_conflicts(stored, object, &wanted.items[i], manager, force, &causes);
	if (causes != NULL)
		return causes;
	json_array_foreach(owners_of(stored), i, entry) if (is_owner(entry, manager, "Apply")) mine = entry;
	for (i = present.count; i-- > 0;)
		if (mine != NULL && owns(mine, &present.items[i]) && leaf_get(object, &present.items[i]) == NULL &&
		    !owned_by_others(stored, &present.items[i], manager))
			leaf_set(stored, &present.items[i], NULL);
	for (i = 0; i < wanted.count; i++)
		leaf_set(stored, &wanted.items[i], leaf_get(object, &wanted.items[i]));
	if (mine == NULL)
		json_array_append_new(owners_of(stored), fake_kube_manager_entry(object, manager, "Apply", time));
	else
		json_object_set_new(mine, "fieldsV1", fake_kube_fields_of(object));
	if (mine != NULL && !json_equal(before, stored))
		json_object_set_new(mine, "time", json_string(time));
	return NULL;
}

void fake_kube_take_over(const json_t *before, json_t *after, const char *manager, const char *time)
{
	AUTO_LEAVES old = leaves_of(before), new = leaves_of(after);
	json_t *entry, *mine = NULL;
	size_t i, o;

	json_object_set_new(json_object_get(after, "metadata"), "managedFields",
			    json_deep_copy(json_object_get(json_object_get(before, "metadata"), "managedFields")));
	json_array_foreach(owners_of(after), o, entry) if (is_owner(entry, manager, "Update")) mine = entry;
	if (mine == NULL) {
		mine = fake_kube_manager_entry(after, manager, "Update", time);
		json_object_set_new(mine, "fieldsV1", json_object());
		json_array_append_new(owners_of(after), mine);
	}
	json_array_foreach(owners_of(after), o, entry)
	{
		for (i = 0; i < old.count; i++)
			if (!json_equal(leaf_get(before, &old.items[i]), leaf_get(after, &old.items[i])) &&
			    owns(entry, &old.items[i]))
				own(json_object_get(entry, "fieldsV1"), &old.items[i], false);
		for (i = 0; entry == mine && i < new.count; i++)
			if (!json_equal(leaf_get(before, &new.items[i]), leaf_get(after, &new.items[i])))
				own(json_object_get(mine, "fieldsV1"), &new.items[i], true);
	}
	json_object_set_new(mine, "time", json_string(time));
}
