/* SPDX-License-Identifier: Apache-2.0 */
#include "common/data/json.h"

#include <math.h>
#include <string.h>

#include "common/base/memory.h"

bool ush_json_depth_ok(const char *text, size_t length, unsigned int depth)
{
	unsigned int open = 0;
	bool in_string = false;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (in_string) {
			if (c == '\\')
				i++;
			else if (c == '"')
				in_string = false;
		} else if (c == '"') {
			in_string = true;
		} else if (c == '{' || c == '[') {
			if (++open > depth)
				return false;
		} else if ((c == '}' || c == ']') && open > 0) {
			open--;
		}
	}
	return true;
}

static const char *reason_of(const json_error_t *why)
{
	switch (json_error_code(why)) {
	case json_error_duplicate_key:
		return " (a key stands twice)";
	case json_error_premature_end_of_input:
		return " (it ends too early)";
	case json_error_invalid_utf8:
		return " (a byte is no UTF-8)";
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return " (a text holds a NUL)";
	default:
		return "";
	}
}

json_t *ush_json_parse(const char *text, size_t length, const char *what, enum ush_code code, struct ush_error *err)
{
	json_error_t why;
	json_t *value;

	if (!ush_json_depth_ok(text, length, USH_JSON_DEPTH)) {
		ush_fail(err, code, "%s: JSON nested deeper than %d", what, USH_JSON_DEPTH);
		return NULL;
	}
	value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
	if (value == NULL) /* jansson quotes the text near the fault; that could be a token, so only the place is told */
		ush_fail(err, code, "%s:%d:%d: is not valid JSON%s", what, why.line, why.column, reason_of(&why));
	return value;
}

const char *ush_json_string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

json_t *ush_json_object(const json_t *object, const char *key)
{
	json_t *v = json_object_get(object, key);

	return json_is_object(v) ? v : NULL;
}

json_t *ush_json_array(const json_t *object, const char *key)
{
	json_t *v = json_object_get(object, key);

	return json_is_array(v) ? v : NULL;
}

int ush_json_date(const json_t *object, const char *key, int64_t *seconds)
{
	static const int64_t most = 1LL << 53; /* beyond it doubles and integers part ways */
	json_t *v = json_object_get(object, key);
	double d = json_real_value(v);

	if (v == NULL)
		return 0;
	if (!json_is_number(v) || !isfinite(d) || d < 0 || d > (double)most)
		return -1;
	*seconds = json_is_integer(v) ? (int64_t)json_integer_value(v) : (int64_t)d;
	return *seconds >= 0 && *seconds <= most ? 1 : -1;
}

char *ush_json_canonical(const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	return text != NULL ? text : ush_strdup("null");
}
