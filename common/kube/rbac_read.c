/* SPDX-License-Identifier: Apache-2.0
 *
 * RBAC objects out of JSON. A shape that the API server would not take is an error here too: an object that is half
 * understood would be compared, or judged, wrongly.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/rbac.h"

struct reader {
	struct ush_rbac *object;
	enum ush_code code;
	struct ush_error *err;
};

static const char *type_name(const json_t *value)
{
	static const char *const names[] = {"map", "list", "string", "number", "number", "bool", "bool", "null"};

	return value != NULL ? names[json_typeof(value)] : "nothing";
}

static int fail(const struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "RoleBinding a/b: why" */
static int fail(const struct reader *r, const char *format, ...)
{
	const struct ush_rbac *o = r->object;
	char why[360];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	return ush_fail(r->err, r->code, "%s %s%s%s: %s", ush_rbac_kind_name(o->kind),
			o->namespace_name != NULL ? o->namespace_name : "", o->namespace_name != NULL ? "/" : "",
			o->name != NULL ? o->name : "without a name", why);
}

static bool absent(const json_t *value)
{
	return value == NULL || json_is_null(value);
}

/* A string that may be absent (*out NULL). */
static int take_string(const struct reader *r, const json_t *in, const char *where, const char *key, char **out)
{
	const json_t *value = json_object_get(in, key);

	if (absent(value))
		return 0;
	if (!json_is_string(value) || strlen(json_string_value(value)) != json_string_length(value))
		return fail(r, "%s%s: expected a string, found a %s", where, key, type_name(value));
	free(*out);
	*out = ush_strdup(json_string_value(value));
	return 0;
}

static int need_string(const struct reader *r, const json_t *in, const char *where, const char *key, char **out)
{
	if (take_string(r, in, where, key, out) != 0)
		return -1;
	return *out != NULL && **out != '\0' ? 0 : fail(r, "%s%s: is missing", where, key);
}

static int take_strings(const struct reader *r, const json_t *in, const char *where, const char *key,
			struct ush_list *out)
{
	const json_t *list = json_object_get(in, key), *item;
	size_t i;

	if (absent(list))
		return 0;
	if (!json_is_array(list))
		return fail(r, "%s%s: expected a list, found a %s", where, key, type_name(list));
	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item))
			return fail(r, "%s%s[%zu]: expected a string, found a %s", where, key, i, type_name(item));
		ush_list_add(out, json_string_value(item));
	}
	return 0;
}

/* labels or annotations: a copy, {} when absent. */
static int take_map(const struct reader *r, const json_t *metadata, const char *key, json_t **out)
{
	const json_t *map = json_object_get(metadata, key), *value;
	const char *name;

	if (absent(map))
		return 0;
	if (!json_is_object(map))
		return fail(r, "metadata.%s: expected a map, found a %s", key, type_name(map));
	json_object_foreach((json_t *)map, name, value) if (!json_is_string(value)) return fail(
		r, "metadata.%s.%s: expected a string, found a %s", key, name, type_name(value));
	json_decref(*out);
	*out = json_deep_copy(map);
	return 0;
}

/* ---- metadata ---- */

/* Who wrote last what the API server acts on. Times are RFC 3339 in UTC, so they compare as text. */
static const char *last_manager(const json_t *metadata)
{
	static const char *const fields[] = {"f:subjects", "f:roleRef", "f:rules"};
	const char *newest = "", *manager = NULL;
	const json_t *entry;
	size_t i;

	json_array_foreach(ush_json_array(metadata, "managedFields"), i, entry)
	{
		const char *time = ush_json_string(entry, "time"), *name = ush_json_string(entry, "manager");
		const json_t *owned = ush_json_object(entry, "fieldsV1");
		bool owns = false;

		for (size_t f = 0; f < USH_COUNT(fields); f++)
			owns = owns || json_object_get(owned, fields[f]) != NULL;
		time = time != NULL ? time : "";
		if (!owns || name == NULL || strcmp(time, newest) < 0)
			continue;
		newest = time;
		manager = name;
	}
	return manager;
}

static int read_metadata(const struct reader *r, const json_t *object)
{
	const json_t *metadata = ush_json_object(object, "metadata");
	bool cluster = r->object->kind == USH_CLUSTER_ROLE || r->object->kind == USH_CLUSTER_ROLE_BINDING;

	if (metadata == NULL)
		return fail(r, "metadata: is missing");
	if (take_string(r, metadata, "metadata.", "name", &r->object->name) != 0)
		return -1;
	if (!cluster && take_string(r, metadata, "metadata.", "namespace", &r->object->namespace_name) != 0)
		return -1;
	if (!cluster && (r->object->namespace_name == NULL || r->object->namespace_name[0] == '\0')) {
		free(r->object->namespace_name);
		r->object->namespace_name = ush_strdup("default");
	}
	if (need_string(r, metadata, "metadata.", "name", &r->object->name) != 0 ||
	    take_string(r, metadata, "metadata.", "uid", &r->object->uid) != 0 ||
	    take_string(r, metadata, "metadata.", "resourceVersion", &r->object->resource_version) != 0 ||
	    take_map(r, metadata, "labels", &r->object->labels) != 0 ||
	    take_map(r, metadata, "annotations", &r->object->annotations) != 0)
		return -1;
	r->object->manager = ush_strdup(last_manager(metadata));
	r->object->owned = json_array_size(json_object_get(metadata, "ownerReferences")) > 0;
	r->object->terminating = !absent(json_object_get(metadata, "deletionTimestamp"));
	return 0;
}

/* ---- roles and bindings ---- */

static int read_rule(const struct reader *r, const json_t *value, size_t i)
{
	static const struct {
		const char *key;
		size_t offset;
	} lists[] = {
		{"verbs", offsetof(struct ush_rule, verbs)},
		{"apiGroups", offsetof(struct ush_rule, groups)},
		{"resources", offsetof(struct ush_rule, resources)},
		{"resourceNames", offsetof(struct ush_rule, names)},
		{"nonResourceURLs", offsetof(struct ush_rule, urls)},
	};
	struct ush_rule empty = {0};
	char where[40];

	USH_PUSH(r->object->rules, r->object->rule_count, empty);
	snprintf(where, sizeof where, "rules[%zu].", i);
	if (!json_is_object(value))
		return fail(r, "rules[%zu]: expected a map, found a %s", i, type_name(value));
	for (size_t l = 0; l < USH_COUNT(lists); l++) {
		struct ush_list *list = (struct ush_list *)((char *)&r->object->rules[i] + lists[l].offset);

		if (take_strings(r, value, where, lists[l].key, list) != 0)
			return -1;
	}
	return 0;
}

static int read_role(const struct reader *r, const json_t *object)
{
	const json_t *rules = json_object_get(object, "rules"),
		     *aggregation = json_object_get(object, "aggregationRule");

	if (!absent(aggregation) && !json_is_object(aggregation))
		return fail(r, "aggregationRule: expected a map, found a %s", type_name(aggregation));
	if (!absent(aggregation) && r->object->kind == USH_CLUSTER_ROLE)
		r->object->aggregation = json_deep_copy(aggregation);
	if (absent(rules))
		return 0;
	if (!json_is_array(rules))
		return fail(r, "rules: expected a list, found a %s", type_name(rules));
	for (size_t i = 0; i < json_array_size(rules); i++)
		if (read_rule(r, json_array_get(rules, i), i) != 0)
			return -1;
	return 0;
}

static int read_subject(const struct reader *r, const json_t *value, size_t i)
{
	struct ush_subject empty = {0}, *subject;
	char where[40];
	bool account;

	USH_PUSH(r->object->subjects, r->object->subject_count, empty);
	subject = &r->object->subjects[i];
	snprintf(where, sizeof where, "subjects[%zu].", i);
	if (!json_is_object(value))
		return fail(r, "subjects[%zu]: expected a map, found a %s", i, type_name(value));
	if (need_string(r, value, where, "kind", &subject->kind) != 0 ||
	    need_string(r, value, where, "name", &subject->name) != 0 ||
	    take_string(r, value, where, "namespace", &subject->namespace_name) != 0)
		return -1;
	account = strcmp(subject->kind, "ServiceAccount") == 0;
	if (!account || (subject->namespace_name != NULL && subject->namespace_name[0] == '\0'))
		free(ush_steal(&subject->namespace_name));
	if (account && subject->namespace_name == NULL)
		subject->namespace_name = ush_strdup(r->object->namespace_name);
	return 0;
}

static int read_binding(const struct reader *r, const json_t *object)
{
	const json_t *ref = json_object_get(object, "roleRef"), *subjects = json_object_get(object, "subjects");

	if (!json_is_object(ref))
		return fail(r, "roleRef: %s", ref == NULL ? "is missing" : "expected a map");
	if (need_string(r, ref, "roleRef.", "kind", &r->object->role_kind) != 0 ||
	    need_string(r, ref, "roleRef.", "name", &r->object->role_name) != 0)
		return -1;
	if (absent(subjects))
		return 0;
	if (!json_is_array(subjects))
		return fail(r, "subjects: expected a list, found a %s", type_name(subjects));
	for (size_t i = 0; i < json_array_size(subjects); i++)
		if (read_subject(r, json_array_get(subjects, i), i) != 0)
			return -1;
	return 0;
}

/* True for the versions that have this shape; v1beta1 left the API with 1.22 and stays in old manifests. */
static bool of_our_group(const char *api_version)
{
	return api_version != NULL &&
	       (strcmp(api_version, USH_RBAC_GROUP "/v1") == 0 || strcmp(api_version, USH_RBAC_GROUP "/v1beta1") == 0);
}

static bool kind_of(const json_t *object, enum ush_rbac_kind *kind)
{
	const char *name = ush_json_string(object, "kind");

	if (name == NULL || !of_our_group(ush_json_string(object, "apiVersion")))
		return false;
	for (*kind = USH_ROLE; *kind <= USH_CLUSTER_ROLE_BINDING; ++*kind)
		if (strcmp(name, ush_rbac_kind_name(*kind)) == 0)
			return true;
	return false;
}

struct ush_rbac *ush_rbac_read(const json_t *object, enum ush_code code, bool *is_rbac, struct ush_error *err)
{
	USH_AUTO_RBAC out = NULL;
	struct reader r = {.code = code, .err = err};
	enum ush_rbac_kind kind;
	bool role;

	*is_rbac = kind_of(object, &kind);
	if (!*is_rbac)
		return NULL;
	r.object = out = ush_new(struct ush_rbac);
	out->kind = kind;
	out->labels = json_object();
	out->annotations = json_object();
	role = kind == USH_ROLE || kind == USH_CLUSTER_ROLE;
	if (read_metadata(&r, object) != 0 || (role ? read_role(&r, object) : read_binding(&r, object)) != 0)
		return NULL;
	return ush_steal(&out);
}
