/* SPDX-License-Identifier: Apache-2.0
 *
 * What a node means: lookups, types of plain scalars (YAML 1.2 core schema, as sigs.k8s.io/yaml reads manifests, with
 * the booleans of YAML 1.1 that kubectl also takes), messages that point.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/yaml.h"

enum scalar_type { TEXT, NUL, BOOLEAN, INTEGER, REAL };

static bool one_of(const char *text, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
static const char *const trues[] = {"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y", NULL};
static const char *const falses[] = {"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N", NULL};

static bool is_integer(const char *s)
{
	s += *s == '-' || *s == '+';
	return *s != '\0' && strspn(s, "0123456789") == strlen(s);
}

static bool is_real(const char *s)
{
	const char *digits = s + (*s == '-' || *s == '+');
	char *end;

	if (*digits == '\0' || strspn(digits, "0123456789.eE+-") != strlen(digits) || (*digits != '.' && (*digits < '0' || *digits > '9')))
		return false;
	(void)strtod(s, &end);
	return *end == '\0';
}

static enum scalar_type type_of(const struct ush_node *node)
{
	if (node->quoted)
		return TEXT;
	if (one_of(node->text, nulls))
		return NUL;
	if (one_of(node->text, trues) || one_of(node->text, falses))
		return BOOLEAN;
	return is_integer(node->text) ? INTEGER : is_real(node->text) ? REAL : TEXT;
}

const struct ush_node *ush_node_get(const struct ush_node *node, const char *key)
{
	if (node == NULL || node->kind != USH_NODE_MAP)
		return NULL;
	for (size_t i = 0; i < node->count; i++)
		if (strcmp(node->keys[i]->text, key) == 0)
			return node->items[i];
	return NULL;
}

const char *ush_node_string(const struct ush_node *node)
{
	return node != NULL && node->kind == USH_NODE_SCALAR && type_of(node) == TEXT ? node->text : NULL;
}

bool ush_node_is_null(const struct ush_node *node)
{
	return node != NULL && node->kind == USH_NODE_SCALAR && type_of(node) == NUL;
}

int ush_node_bool(const struct ush_node *node, bool *value)
{
	if (node == NULL || node->kind != USH_NODE_SCALAR || type_of(node) != BOOLEAN)
		return 0;
	*value = one_of(node->text, trues);
	return 1;
}

int ush_node_integer(const struct ush_node *node, long long *value)
{
	if (node == NULL || node->kind != USH_NODE_SCALAR || type_of(node) != INTEGER)
		return 0;
	errno = 0;
	*value = strtoll(node->text, NULL, 10);
	return errno == 0;
}

const char *ush_node_kind_name(const struct ush_node *node)
{
	static const char *const scalars[] = {"string", "null", "bool", "number", "number"};

	if (node == NULL)
		return "nothing";
	return node->kind == USH_NODE_MAP ? "map" : node->kind == USH_NODE_LIST ? "list" : scalars[type_of(node)];
}

int ush_node_fail(struct ush_error *err, enum ush_code code, const char *name, const struct ush_node *node, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return ush_fail(err, code, "%s:%u:%u: %s", name, node->line, node->column, text);
}

static json_t *scalar_to_json(const struct ush_node *node)
{
	long long integer;

	switch (type_of(node)) {
	case NUL:
		return json_null();
	case BOOLEAN:
		return json_boolean(one_of(node->text, trues));
	case INTEGER:
		return ush_node_integer(node, &integer) ? json_integer(integer) : json_string(node->text);
	case REAL:
		return isfinite(strtod(node->text, NULL)) ? json_real(strtod(node->text, NULL)) : json_string(node->text);
	case TEXT:
		break;
	}
	return json_string(node->text);
}

json_t *ush_yaml_to_json(const struct ush_node *node)
{
	json_t *value;

	if (node->kind == USH_NODE_SCALAR)
		return scalar_to_json(node);
	value = node->kind == USH_NODE_MAP ? json_object() : json_array();
	for (size_t i = 0; i < node->count; i++)
		if (node->kind == USH_NODE_MAP)
			json_object_set_new(value, node->keys[i]->text, ush_yaml_to_json(node->items[i]));
		else
			json_array_append_new(value, ush_yaml_to_json(node->items[i]));
	return value;
}
