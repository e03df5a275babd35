/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receive/resource.h"

#include <string.h>
#include <strings.h>

#include "broker/receive/filter.h"
#include "common/base/memory.h"
#include "common/base/text.h"

/* Names that are looked for, as RFC 7643 spells them; NULL as spelling: not the client's to say, or not ours to keep. */
static const struct {
	const char *name, *kept;
} names[] = {
	{"userName", "userName"}, {"displayName", "displayName"}, {"externalId", "externalId"}, {"active", "active"}, {"emails", "emails"}, {"name", "name"},
	{"id", NULL}, {"meta", NULL}, {"schemas", NULL}, {"members", NULL}, {"groups", NULL}, {"password", NULL},
	{USH_SCIM_ENTERPRISE_URN, USH_SCIM_ENTERPRISE_URN},
};

/* ---- taking ---- */

/* false: it is left out. */
static bool spelling(const char *key, const char **kept)
{
	*kept = key;
	for (size_t i = 0; i < USH_COUNT(names); i++)
		if (strcasecmp(key, names[i].name) == 0)
			*kept = names[i].kept;
	return *kept != NULL;
}

/* Without null, which is as nothing (RFC 7643 section 2.5), without empty lists and objects, without passwords. */
static json_t *without_nothing(const json_t *value)
{
	json_t *out, *one;
	const char *key;
	size_t i;

	if (json_is_array(value)) {
		out = json_array();
		json_array_foreach(value, i, one)
			if ((one = without_nothing(one)) != NULL)
				json_array_append_new(out, one);
	} else if (json_is_object(value)) {
		out = json_object();
		json_object_foreach((json_t *)value, key, one)
			if (strcasecmp(key, "password") != 0 && (one = without_nothing(one)) != NULL)
				json_object_set_new(out, key, one);
	} else {
		return json_is_null(value) ? NULL : json_incref((json_t *)value);
	}
	if (json_array_size(out) + json_object_size(out) > 0)
		return out;
	json_decref(out);
	return NULL;
}

static int check_name(enum ush_scim_kind kind, const json_t *kept, struct ush_scim_fault *fault)
{
	const char *attribute = kind == USH_SCIM_USER ? "userName" : "displayName", *name = json_string_value(json_object_get(kept, attribute));
	unsigned int c;

	if (name == NULL || name[strspn(name, " ")] == '\0')
		return ush_scim_fail(fault, 400, "invalidValue", "%s is required", attribute);
	if (strlen(name) > USH_SCIM_NAME_MAX)
		return ush_scim_fail(fault, 400, "invalidValue", "%s is longer than %d bytes", attribute, USH_SCIM_NAME_MAX);
	for (size_t i = 0, size; name[i] != '\0'; i += size) {
		size = ush_text_code_point(name + i, strlen(name + i), &c);
		if (size == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0))
			return ush_scim_fail(fault, 400, "invalidValue", "%s holds a control character", attribute);
	}
	return 0;
}

/* Entra sends "True" and "False". */
static int check_active(json_t *kept, const json_t *before, struct ush_scim_fault *fault)
{
	const json_t *active = json_object_get(kept, "active"), *was = json_object_get(before, "active");
	const char *text = json_string_value(active);

	if (active == NULL)
		json_object_set_new(kept, "active", json_boolean(!json_is_false(was)));
	else if (text != NULL && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0))
		json_object_set_new(kept, "active", json_boolean(strcasecmp(text, "true") == 0));
	else if (!json_is_boolean(active))
		return ush_scim_fail(fault, 400, "invalidValue", "active is true or false");
	return 0;
}

static int check(enum ush_scim_kind kind, json_t *kept, const json_t *before, struct ush_scim_fault *fault)
{
	const json_t *external = json_object_get(kept, "externalId");
	USH_AUTO_FREE char *text = NULL;

	if (check_name(kind, kept, fault) != 0 || (kind == USH_SCIM_USER && check_active(kept, before, fault) != 0))
		return -1;
	if (external != NULL && !json_is_string(external))
		return ush_scim_fail(fault, 400, "invalidValue", "externalId is a text");
	text = ush_json_canonical(kept);
	if (strlen(text) > USH_SCIM_RESOURCE_MAX)
		return ush_scim_fail(fault, 413, NULL, "a resource of more than %u bytes is not kept", USH_SCIM_RESOURCE_MAX);
	return 0;
}

/* An attribute of the core schemas is said by its name. Kept as an extension it would be answered with success and mean nothing,
 * and "active" is how somebody is cut off. */
static bool is_of_core(const char *key)
{
	static const char *const cores[] = {USH_SCIM_USER_URN, USH_SCIM_GROUP_URN};

	for (size_t i = 0; i < USH_COUNT(cores); i++)
		if (strncasecmp(key, cores[i], strlen(cores[i])) == 0)
			return true;
	return false;
}

json_t *ush_scim_take(enum ush_scim_kind kind, const json_t *sent, const json_t *before, struct ush_scim_fault *fault)
{
	USH_AUTO_JSON kept = json_object();
	const char *key, *spelt;
	json_t *value;

	if (!json_is_object(sent)) {
		ush_scim_fail(fault, 400, "invalidSyntax", "expected an object");
		return NULL;
	}
	json_object_foreach((json_t *)sent, key, value) {
		USH_AUTO_JSON some = NULL;

		if (is_of_core(key)) {
			ush_scim_fail(fault, 400, "invalidSyntax", "\"%.80s\": attributes of the core schema are said by their names alone", key);
			return NULL;
		}
		if (!spelling(key, &spelt) || (some = without_nothing(value)) == NULL)
			continue;
		if (ush_scim_key(kept, spelt) != NULL) {
			ush_scim_fail(fault, 400, "invalidSyntax", "%.60s stands twice", spelt);
			return NULL;
		}
		json_object_set(kept, spelt, some);
	}
	return check(kind, kept, before, fault) == 0 ? ush_steal(&kept) : NULL;
}

const char *ush_scim_name(enum ush_scim_kind kind, const json_t *kept)
{
	return json_string_value(json_object_get(kept, kind == USH_SCIM_USER ? "userName" : "displayName"));
}

static const char *address(const json_t *kept)
{
	const json_t *all = json_object_get(kept, "emails"), *best = json_array_get(all, 0);
	json_t *one;
	size_t i;

	json_array_foreach(all, i, one)
		if (json_is_true(ush_scim_member(one, "primary")))
			best = one;
	return json_string_value(json_is_object(best) ? ush_scim_member(best, "value") : best);
}

const char *ush_scim_people_name(const json_t *kept, const char *what)
{
	const char *name = strcmp(what, "email") == 0 ? address(kept) : json_string_value(json_object_get(kept, what));

	return name != NULL && *name != '\0' && strpbrk(name, "\n\r") == NULL ? name : NULL;
}

/* ---- telling ---- */

void ush_scim_add_schemas(enum ush_scim_kind kind, json_t *told)
{
	json_t *schemas = json_pack("[s]", kind == USH_SCIM_USER ? USH_SCIM_USER_URN : USH_SCIM_GROUP_URN), *value;
	const char *key;

	json_object_foreach(told, key, value)
		if (strncasecmp(key, "urn:", 4) == 0)
			json_array_append_new(schemas, json_string(key));
	json_object_set_new(told, "schemas", schemas);
}

static bool always(const char *key)
{
	return strcasecmp(key, "id") == 0 || strcasecmp(key, "schemas") == 0;
}

/* The object that has the attribute of the path, or NULL. */
static json_t *owner(json_t *told, const struct ush_scim_path *path)
{
	return path->urn != NULL ? ush_scim_member(told, path->urn) : told;
}

static void leave(json_t *told, const struct ush_scim_path *path)
{
	json_t *from = owner(told, path);
	const char *key = ush_scim_key(from, path->attr);

	if (key == NULL || always(key))
		return;
	if (path->sub != NULL)
		ush_scim_drop(json_object_get(from, key), path->sub);
	else
		json_object_del(from, key);
}

/* Of an object or of each in a list the one member. */
static json_t *only_sub(const json_t *value, const char *sub)
{
	const char *key = ush_scim_key(value, sub);
	json_t *out, *one;
	size_t i;

	if (!json_is_array(value)) {
		out = json_object();
		if (key != NULL)
			json_object_set(out, key, json_object_get(value, key));
		return out;
	}
	out = json_array();
	json_array_foreach(value, i, one)
		json_array_append_new(out, only_sub(one, sub));
	return out;
}

static void keep(json_t *out, json_t *told, const struct ush_scim_path *path)
{
	json_t *from = owner(told, path), *to = out;
	const char *key = ush_scim_key(from, path->attr), *urn = path->urn != NULL ? ush_scim_key(told, path->urn) : NULL;

	if (key == NULL)
		return;
	if (urn != NULL) {
		if (json_object_get(out, urn) == NULL)
			json_object_set_new(out, urn, json_object());
		to = json_object_get(out, urn);
	}
	if (path->sub == NULL) {
		json_object_set(to, key, json_object_get(from, key));
	} else {
		USH_AUTO_JSON some = only_sub(json_object_get(from, key), path->sub);

		if (json_is_object(json_object_get(to, key)) && json_is_object(some))
			json_object_update(json_object_get(to, key), some);
		else if (json_object_get(to, key) == NULL)
			json_object_set(to, key, some);
		else /* two parts of a list: all of it is more than was asked, and not less */
			json_object_set(to, key, json_object_get(from, key));
	}
}

/* Calls each name of the list; out NULL: leaves it out of told. */
static int each_name(const char *list, json_t *out, json_t *told, struct ush_scim_fault *fault)
{
	for (const char *at = list; *at != '\0'; at += strspn(at, ", ")) {
		size_t length = strcspn(at, ",");
		USH_AUTO_FREE char *name = ush_strndup(at, length);
		struct ush_scim_path path = {0};
		int result = ush_scim_path_parse(name, &path, fault);

		if (result == 0 && out != NULL)
			keep(out, told, &path);
		else if (result == 0)
			leave(told, &path);
		ush_scim_path_free(&path);
		if (result != 0)
			return -1;
		at += length;
	}
	return 0;
}

int ush_scim_project(json_t *told, const char *attributes, const char *excluded, struct ush_scim_fault *fault)
{
	USH_AUTO_JSON out = json_object();

	if (attributes != NULL && attributes[strspn(attributes, ", ")] != '\0') {
		attributes += strspn(attributes, ", ");
		if (each_name(attributes, out, told, fault) != 0)
			return -1;
		json_object_set(out, "id", json_object_get(told, "id"));
		json_object_set(out, "schemas", json_object_get(told, "schemas"));
		json_object_clear(told);
		json_object_update(told, out);
	}
	return excluded != NULL ? each_name(excluded + strspn(excluded, ", "), NULL, told, fault) : 0;
}
