/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/serve/target.h"

#include <string.h>
#include <strings.h>

#include "common/base/memory.h"
#include "common/base/text.h"

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c != '\0' ? strchr(digits, c | 32) : NULL;

	return at != NULL && ((c >= '0' && c <= '9') || (c | 32) >= 'a') ? (int)(at - digits) : -1;
}

/* NULL for what is no text. */
static char *decode(const char *text, size_t length, char plus)
{
	USH_AUTO_FREE char *out = ush_alloc(length + 1);
	size_t size = 0;

	for (size_t i = 0; i < length; i++) {
		char c = text[i] == '+' ? plus : text[i];

		if (text[i] == '%') {
			if (length - i < 3 || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
				return NULL;
			c = (char)(digit(text[i + 1]) * 16 + digit(text[i + 2]));
			i += 2;
		}
		if (c == '\0')
			return NULL;
		out[size++] = c;
	}
	return ush_text_is_utf8(out, size) ? ush_steal(&out) : NULL;
}

static int read_argument(struct ush_target *target, const char *text, size_t length)
{
	const char *equals = memchr(text, '=', length);
	size_t name = equals != NULL ? (size_t)(equals - text) : length;

	if (target->count == USH_TARGET_ARGUMENTS)
		return -1;
	target->arguments[target->count].name = decode(text, name, ' ');
	target->arguments[target->count].value = equals != NULL ? decode(equals + 1, length - name - 1, ' ') : ush_strdup("");
	target->count++;
	return target->arguments[target->count - 1].name != NULL && target->arguments[target->count - 1].value != NULL ? 0 : -1;
}

int ush_target_read(struct ush_target *target, const char *text)
{
	size_t length = strcspn(text, "?#");
	const char *at = text + length;

	if (text[0] != '/' || (target->path = decode(text, length, '+')) == NULL)
		return -1;
	while (*at == '?' || *at == '&') {
		size_t part = strcspn(++at, "&#");

		if (part > 0 && read_argument(target, at, part) != 0)
			return -1;
		at += part;
	}
	return 0;
}

void ush_target_free(struct ush_target *target)
{
	free(target->path);
	for (size_t i = 0; i < target->count; i++) {
		free(target->arguments[i].name);
		free(target->arguments[i].value);
	}
	*target = (struct ush_target){0};
}

const char *ush_target_get(const struct ush_target *target, const char *name)
{
	for (size_t i = 0; i < target->count; i++)
		if (strcasecmp(target->arguments[i].name, name) == 0)
			return target->arguments[i].value;
	return NULL;
}
