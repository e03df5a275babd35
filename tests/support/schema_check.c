/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/schema_check.h"

#include <check.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

static bool is_type(const json_t *value, const char *type)
{
	static const struct {
		const char *name;
		json_type type;
	} types[] = {{"object", JSON_OBJECT}, {"array", JSON_ARRAY}, {"string", JSON_STRING}, {"integer", JSON_INTEGER}, {"null", JSON_NULL}};

	if (strcmp(type, "number") == 0)
		return json_is_number(value);
	if (strcmp(type, "boolean") == 0)
		return json_is_boolean(value);
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(types[i].name, type) == 0)
			return json_typeof(value) == types[i].type;
	ck_abort_msg("unknown type %s", type);
}

static bool type(const json_t *schema, const json_t *say, const json_t *value)
{
	const json_t *one;
	size_t i;

	(void)schema;
	if (json_is_string(say))
		return is_type(value, json_string_value(say));
	json_array_foreach(say, i, one)
		if (is_type(value, json_string_value(one)))
			return true;
	return false;
}

static bool properties(const json_t *schema, const json_t *say, const json_t *value)
{
	const char *key;
	json_t *member;

	(void)schema;
	json_object_foreach((json_t *)say, key, member)
		if (json_object_get(value, key) != NULL && !schema_takes(member, json_object_get(value, key)))
			return false;
	return true;
}

static bool additional(const json_t *schema, const json_t *say, const json_t *value)
{
	const json_t *known = json_object_get(schema, "properties");
	const char *key;
	json_t *member;

	json_object_foreach((json_t *)value, key, member)
		if (json_object_get(known, key) == NULL && (json_is_false(say) || (json_is_object(say) && !schema_takes(say, member))))
			return false;
	return true;
}

static bool names(const json_t *schema, const json_t *say, const json_t *value)
{
	const char *key;
	json_t *member;
	bool taken = true;

	(void)schema;
	json_object_foreach((json_t *)value, key, member) {
		json_t *name = json_string(key);

		taken = taken && schema_takes(say, name);
		json_decref(name);
	}
	return taken;
}

static bool required(const json_t *schema, const json_t *say, const json_t *value)
{
	const json_t *name;
	size_t i;

	(void)schema;
	json_array_foreach(say, i, name)
		if (json_is_object(value) && json_object_get(value, json_string_value(name)) == NULL)
			return false;
	return true;
}

static bool items(const json_t *schema, const json_t *say, const json_t *value)
{
	const json_t *item;
	size_t i;

	(void)schema;
	json_array_foreach(value, i, item)
		if (!schema_takes(say, item))
			return false;
	return true;
}

static bool listed(const json_t *schema, const json_t *say, const json_t *value)
{
	const json_t *one;
	size_t i;

	(void)schema;
	json_array_foreach(say, i, one)
		if (json_equal(one, value))
			return true;
	return false;
}

static bool pattern(const json_t *schema, const json_t *say, const json_t *value)
{
	regex_t regex;
	bool found;

	(void)schema;
	if (!json_is_string(value))
		return true;
	ck_assert_msg(regcomp(&regex, json_string_value(say), REG_EXTENDED | REG_NOSUB) == 0, "bad pattern %s", json_string_value(say));
	found = regexec(&regex, json_string_value(value), 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}

static size_t takers(const json_t *say, const json_t *value)
{
	const json_t *one;
	size_t i, count = 0;

	json_array_foreach(say, i, one)
		count += schema_takes(one, value);
	return count;
}

static bool one_of(const json_t *schema, const json_t *say, const json_t *value)
{
	(void)schema;
	return takers(say, value) == 1;
}

static bool any_of(const json_t *schema, const json_t *say, const json_t *value)
{
	(void)schema;
	return takers(say, value) > 0;
}

static bool all_of(const json_t *schema, const json_t *say, const json_t *value)
{
	(void)schema;
	return takers(say, value) == json_array_size(say);
}

static bool not(const json_t *schema, const json_t *say, const json_t *value)
{
	(void)schema;
	return !schema_takes(say, value);
}

/* minLength and its kin: what is counted depends on the type, and other types do not mind. */
static bool bound(const char *key, const json_t *say, const json_t *value)
{
	json_int_t most = json_integer_value(say), have = most;

	if (strstr(key, "Length") != NULL && json_is_string(value))
		have = (json_int_t)json_string_length(value);
	else if (strstr(key, "Items") != NULL && json_is_array(value))
		have = (json_int_t)json_array_size(value);
	else if (strstr(key, "Properties") != NULL && json_is_object(value))
		have = (json_int_t)json_object_size(value);
	else if (strstr(key, "imum") != NULL && json_is_integer(value))
		have = json_integer_value(value);
	return strncmp(key, "min", 3) == 0 ? have >= most : have <= most;
}

static bool holds(const json_t *schema, const char *key, const json_t *say, const json_t *value)
{
	static const struct {
		const char *key;
		bool (*holds)(const json_t *schema, const json_t *say, const json_t *value);
	} keywords[] = {{"type", type}, {"properties", properties}, {"additionalProperties", additional}, {"propertyNames", names},
			{"required", required}, {"items", items}, {"enum", listed}, {"pattern", pattern}, {"oneOf", one_of}, {"anyOf", any_of},
			{"allOf", all_of}, {"not", not}};
	static const char *const others[] = {"$schema", "$id", "title", "description"};

	for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
		if (strcmp(keywords[i].key, key) == 0)
			return keywords[i].holds(schema, say, value);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(others[i], key) == 0)
			return true;
	ck_assert_msg(strncmp(key, "min", 3) == 0 || strncmp(key, "max", 3) == 0, "unknown keyword %s", key);
	return bound(key, say, value);
}

bool schema_takes(const json_t *schema, const json_t *value)
{
	const char *key;
	json_t *say;

	ck_assert_msg(json_is_object(schema), "a schema is an object");
	json_object_foreach((json_t *)schema, key, say)
		if (!holds(schema, key, say, value))
			return false;
	return true;
}
