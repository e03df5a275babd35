/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/policy/schema.h"

#include <stdint.h>
#include <string.h>

#include "broker/policy/pattern.h"
#include "broker/policy/settings_form.h"
#include "common/base/memory.h"

#define LABEL_KEY   "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
#define LABEL_CAPTURED "^[-A-Za-z0-9_.]*(\\{[-A-Za-z0-9_]+\\}[-A-Za-z0-9_.]*)+$"
#define LABEL_VALUE "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"

static json_t *of_form(const struct ush_form *form);

/* A list of names from "a|b|c". */
static json_t *words(const char *text)
{
	USH_AUTO_FREE char *copy = ush_strdup(text);
	char *rest = copy;
	json_t *list = json_array();

	for (char *word = strsep(&rest, "|"); word != NULL; word = strsep(&rest, "|"))
		json_array_append_new(list, json_string(word));
	return list;
}

/* ---- values ---- */

static json_t *of_text(const struct ush_form *form)
{
	json_t *schema = json_pack("{s:s}", "type", "string");

	if (!form->may_be_empty)
		json_object_set_new(schema, "minLength", json_integer(1));
	if (form->most > 0)
		json_object_set_new(schema, "maxLength", json_integer(form->most));
	if (form->regex != NULL)
		json_object_set_new(schema, "pattern", json_string(form->regex));
	if (form->unlike != NULL)
		json_object_set_new(schema, "not", json_pack("{s:s}", "pattern", form->unlike));
	return schema;
}

static json_t *of_texts(const struct ush_form *form)
{
	return json_pack("{s:s, s:i, s:o}", "type", "array", "minItems", 1, "items", of_text(form));
}

static json_t *of_pairs(const struct ush_form *form)
{
	json_t *value = form->numbers ? json_pack("{s:[s, s], s:i}", "type", "string", "number", "minLength", 1)
				       : json_pack("{s:s, s:i}", "type", "string", "minLength", form->may_be_empty ? 0 : 1);

	if (form->regex != NULL)
		json_object_set_new(value, "pattern", json_string(form->regex));
	if (form->most > 0)
		json_object_set_new(value, "maxLength", json_integer(form->most));
	return json_pack("{s:s, s:i, s:{s:i}, s:o}", "type", "object", "minProperties", 1, "propertyNames", "minLength", 1, "additionalProperties", value);
}

static json_t *of_choice(const struct ush_form *form)
{
	return json_pack("{s:o}", "enum", words(form->choices));
}

static json_t *of_number(const struct ush_form *form)
{
	return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum", (json_int_t)form->least, "maximum", (json_int_t)form->most);
}

static json_t *of_flag(const struct ush_form *form)
{
	(void)form;
	return json_pack("{s:s}", "type", "boolean");
}

static json_t *of_time(const struct ush_form *form)
{
	return json_pack("{s:s, s:s}", "type", "string", "pattern",
			 form->type == USH_FORM_TIME ? "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$" : "^0*([0-9]{1,6}|1000000)[smhd]$");
}

static json_t *of_limit(const struct ush_form *form)
{
	(void)form;
	return json_pack("{s:[{s:s, s:i, s:i}, {s:s, s:s}]}", "oneOf", "type", "integer", "minimum", 0, "maximum", 1000000, "type", "string", "pattern",
			 "^0*([0-9]{1,2}|100)%$");
}

/* ---- maps ---- */

/* "a|b": exactly one of them; "?a|b": at most one. */
static json_t *of_alternatives(const char *alternatives)
{
	json_t *names = words(alternatives + (*alternatives == '?')), *ways = json_array(), *name;
	size_t i;

	json_array_foreach(names, i, name)
		json_array_append_new(ways, json_pack("{s:[O]}", "required", name));
	if (*alternatives == '?')
		json_array_append_new(ways, json_pack("{s:{s:o}}", "not", "anyOf", json_deep_copy(ways)));
	json_decref(names);
	return json_pack("{s:o}", "oneOf", ways);
}

static json_t *of_member(const struct ush_member *member)
{
	json_t *schema = of_form(member->form);

	if (member->about != NULL)
		json_object_set_new(schema, "description", json_string(member->about));
	return schema;
}

static json_t *of_map(const struct ush_form *form)
{
	json_t *properties = json_object(), *required = json_array(), *all = json_array();
	json_t *schema = json_pack("{s:s, s:b, s:O}", "type", "object", "additionalProperties", false, "properties", properties);

	for (const struct ush_member *member = form->members; member->name != NULL; member++) {
		if (member->form != NULL)
			json_object_set_new(properties, member->name, of_member(member));
		if (member->required)
			json_array_append_new(required, json_string(member->name));
	}
	for (const char *const *alternatives = form->alternatives; alternatives != NULL && *alternatives != NULL; alternatives++)
		json_array_append_new(all, of_alternatives(*alternatives));
	if (json_array_size(required) > 0)
		json_object_set(schema, "required", required);
	if (json_array_size(all) > 0)
		json_object_set(schema, "allOf", all);
	json_decref(properties);
	json_decref(required);
	json_decref(all);
	return schema;
}

static json_t *of_list(const struct ush_form *form)
{
	json_t *schema = json_pack("{s:s, s:o}", "type", "array", "items", of_map(form));

	if (!form->may_be_empty)
		json_object_set_new(schema, "minItems", json_integer(1));
	return schema;
}

static json_t *named(const struct ush_form *form, json_t *value)
{
	struct ush_form name = *form;
	json_t *schema = json_pack("{s:s, s:o, s:o}", "type", "object", "propertyNames", of_text(&name), "additionalProperties", value);

	if (form->least > 0)
		json_object_set_new(schema, "minProperties", json_integer(form->least));
	return schema;
}

static json_t *of_named(const struct ush_form *form)
{
	return named(form, of_map(form));
}

/* ---- what is read by hand ---- */

static json_t *of_labels(const struct ush_form *form)
{
	json_t *fixed = json_pack("{s:i, s:s}", "maxLength", 63, "pattern", LABEL_VALUE);
	json_t *captured = json_pack("{s:i, s:s}", "maxLength", USH_PATTERN_MAX, "pattern", LABEL_CAPTURED);
	json_t *value = json_pack("{s:s, s:[o, o]}", "type", "string", "anyOf", fixed, captured);
	json_t *labels = json_pack("{s:s, s:i, s:{s:s}, s:O}", "type", "object", "minProperties", 1, "propertyNames", "pattern", LABEL_KEY,
				   "additionalProperties", value);
	json_t *expression = json_pack("{s:s, s:b, s:[s, s], s:{s:{s:s, s:s}, s:{s:[s, s, s, s]}, s:{s:s, s:i, s:O}}}", "type", "object",
				       "additionalProperties", false, "required", "key", "operator", "properties", "key", "type", "string", "pattern", LABEL_KEY,
				       "operator", "enum", "In", "NotIn", "Exists", "DoesNotExist", "values", "type", "array", "minItems", 1, "items", value);
	json_t *with = json_pack("{s:{s:{s:[s, s]}}, s:[s]}", "properties", "operator", "enum", "In", "NotIn", "required", "values");
	json_t *without = json_pack("{s:{s:{s:[s, s]}}, s:{s:[s]}}", "properties", "operator", "enum", "Exists", "DoesNotExist", "not", "required", "values");
	json_t *whole, *alone;

	(void)form;
	json_object_set_new(expression, "oneOf", json_pack("[o, o]", with, without));
	whole = json_pack("{s:s, s:i, s:b, s:{s:O, s:{s:s, s:i, s:o}}}", "type", "object", "minProperties", 1, "additionalProperties", false, "properties",
			  "matchLabels", labels, "matchExpressions", "type", "array", "minItems", 1, "items", expression);
	json_decref(value);
	alone = json_deep_copy(labels);
	json_object_set_new(alone, "not", json_pack("{s:[{s:[s]}, {s:[s]}]}", "anyOf", "required", "matchLabels", "required", "matchExpressions"));
	json_decref(labels);
	return json_pack("{s:[o, o]}", "anyOf", whole, alone);
}

static json_t *of_levels(const struct ush_form *form)
{
	json_t *level = json_pack("{s:[s, s, s]}", "enum", "privileged", "baseline", "restricted");

	(void)form;
	return json_pack("{s:[o, {s:s, s:i, s:b, s:{s:O, s:O, s:O, s:{s:s, s:s}}}]}", "anyOf", level, "type", "object", "minProperties", 1,
			 "additionalProperties", false, "properties", "enforce", level, "audit", level, "warn", level, "version", "type", "string", "pattern",
			 "^(latest|v[1-9][0-9]?\\.[0-9]{1,3})$");
}

/* The settings of a kind; those of a map in it are one level down. */
static json_t *of_settings(const struct ush_source_kind *kind, const char *part)
{
	struct ush_settings_table table;
	json_t *schema;

	ush_settings_table_fill(&table, kind, part);
	schema = of_map(&table.map);
	for (size_t i = 0; i < table.count; i++)
		if (table.rows[i] == NULL)
			json_object_set_new(json_object_get(schema, "properties"), table.members[i].name, of_settings(kind, table.members[i].name));
	return schema;
}

static json_t *of_sources(const struct ush_form *form)
{
	json_t *kinds = json_object();

	for (const struct ush_source_kind *kind = ush_source_kinds; kind->type != NULL; kind++) {
		json_t *settings = of_settings(kind, NULL);

		json_object_set_new(settings, "description", json_string(kind->about));
		json_object_set_new(kinds, kind->type, settings);
	}
	return named(form, json_pack("{s:s, s:b, s:i, s:i, s:o}", "type", "object", "additionalProperties", false, "minProperties", 1, "maxProperties", 1,
				      "properties", kinds));
}

static json_t *of_form(const struct ush_form *form)
{
	static json_t *(*const of_type[])(const struct ush_form *) = {
		[USH_FORM_TEXT] = of_text,	[USH_FORM_TEXTS] = of_texts,	[USH_FORM_PAIRS] = of_pairs,	  [USH_FORM_CHOICE] = of_choice,
		[USH_FORM_NUMBER] = of_number, [USH_FORM_FLAG] = of_flag,	[USH_FORM_TIME] = of_time,	  [USH_FORM_DURATION] = of_time,
		[USH_FORM_LIMIT] = of_limit,	[USH_FORM_MAP] = of_map,	[USH_FORM_LIST] = of_list,	  [USH_FORM_NAMED] = of_named,
		[USH_FORM_LABELS] = of_labels, [USH_FORM_LEVELS] = of_levels, [USH_FORM_SOURCES] = of_sources,
	};

	return of_type[form->type](form);
}

json_t *ush_policy_schema(void)
{
	json_t *schema = json_pack("{s:s, s:s, s:s}", "$schema", "https://json-schema.org/draft/2020-12/schema", "$id",
				   "https://usher.dev/schema/access-policy.schema.json", "title", "AccessPolicy");
	json_t *body = of_map(&ush_form_policy);

	json_object_update(schema, body);
	json_decref(body);
	return schema;
}
