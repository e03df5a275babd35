/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/base/memory.h"
#include "common/data/yaml.h"

/* A word that no YAML reader, old or new, takes for null, a boolean, a number or a date. */
static bool plainly_a_word(const char *s)
{
	static const char *const not_words[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "nan", "infinity"};
	size_t length = strlen(s);

	if (length == 0 || length > 63 || !((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z')) || s[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '-'))
			return false;
	for (size_t i = 0; i < USH_COUNT(not_words); i++)
		if (strcasecmp(s, not_words[i]) == 0)
			return false;
	return true;
}

static int write_escape(struct ush_buf *out, const char *at, size_t bytes, unsigned int c)
{
	if (c == '"' || c == '\\')
		return ush_buf_printf(out, "\\%c", (int)c);
	if (c == '\n')
		return ush_buf_puts(out, "\\n");
	if (c == '\t')
		return ush_buf_puts(out, "\\t");
	if (!ush_text_deceives(c))
		return ush_buf_add(out, at, bytes);
	if (c < 0x100)
		return ush_buf_printf(out, "\\x%02X", c);
	return ush_buf_printf(out, c < 0x10000 ? "\\u%04X" : "\\U%08X", c);
}

static int write_string(struct ush_buf *out, const char *s)
{
	size_t length = strlen(s), n;
	unsigned int c;

	if (plainly_a_word(s))
		return ush_buf_puts(out, s);
	ush_buf_puts(out, "\"");
	for (; length > 0; s += n, length -= n) {
		n = ush_text_code_point(s, length, &c);
		if (n == 0) /* jansson holds UTF-8 only */
			return -1;
		write_escape(out, s, n, c);
	}
	return ush_buf_puts(out, "\"");
}

static int write_value(struct ush_buf *out, const json_t *value, bool sorted, int indent);

static int write_scalar(struct ush_buf *out, const json_t *value)
{
	USH_AUTO_FREE char *text = NULL;

	if (json_is_string(value)) {
		if (strlen(json_string_value(value)) != json_string_length(value))
			return -1;
		return write_string(out, json_string_value(value)) != 0 ? -1 : ush_buf_puts(out, "\n");
	}
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	return text == NULL ? -1 : ush_buf_printf(out, "%s\n", text);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int write_object(struct ush_buf *out, const json_t *object, bool sorted, int indent, bool inline_first)
{
	size_t count = 0;
	USH_AUTO_FREE const char **keys = ush_alloc(json_object_size(object) * sizeof *keys);
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
		keys[count++] = key;
	if (sorted)
		qsort(keys, count, sizeof *keys, by_text);
	for (size_t i = 0; i < count; i++) {
		value = json_object_get(object, keys[i]);
		if (i > 0 || !inline_first)
			ush_buf_printf(out, "%*s", indent, "");
		if (write_string(out, keys[i]) != 0)
			return -1;
		ush_buf_puts(out, ":");
		if (write_value(out, value, sorted, indent + (json_is_object(value) ? 2 : 0)) != 0)
			return -1;
	}
	return 0;
}

static int write_array(struct ush_buf *out, const json_t *array, bool sorted, int indent)
{
	size_t i;
	json_t *value;

	json_array_foreach(array, i, value) {
		ush_buf_printf(out, "%*s-", indent, "");
		if (json_is_object(value) && json_object_size(value) > 0) {
			ush_buf_puts(out, " ");
			if (write_object(out, value, sorted, indent + 2, true) != 0)
				return -1;
		} else if (write_value(out, value, sorted, indent + 2) != 0) {
			return -1;
		}
	}
	return 0;
}

/* The value after "key:" or "-": on the same line for a scalar and for what is empty, below for the rest. */
static int write_value(struct ush_buf *out, const json_t *value, bool sorted, int indent)
{
	if (json_is_object(value) && json_object_size(value) > 0) {
		ush_buf_puts(out, "\n");
		return write_object(out, value, sorted, indent, false);
	}
	if (json_is_array(value) && json_array_size(value) > 0) {
		ush_buf_puts(out, "\n");
		return write_array(out, value, sorted, indent);
	}
	ush_buf_puts(out, " ");
	return write_scalar(out, value);
}

int ush_yaml_write(struct ush_buf *out, const json_t *value, bool sorted)
{
	int result;

	if (json_is_object(value) && json_object_size(value) > 0)
		result = write_object(out, value, sorted, 0, false);
	else if (json_is_array(value) && json_array_size(value) > 0)
		result = write_array(out, value, sorted, 0);
	else
		result = write_scalar(out, value);
	return result != 0 || out->overflow ? -1 : 0;
}
