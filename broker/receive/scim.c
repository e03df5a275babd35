/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receive/scim.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/base/memory.h"
#include "common/base/text.h"

int ush_scim_fail(struct ush_scim_fault *fault, int status, const char *type, const char *format, ...)
{
	va_list args;

	if (fault->status != 0)
		return -1;
	fault->status = status;
	fault->type = type;
	va_start(args, format);
	vsnprintf(fault->detail, sizeof fault->detail, format, args);
	va_end(args);
	for (size_t length = strlen(fault->detail); length > 0 && !ush_text_is_utf8(fault->detail, length);)
		fault->detail[--length] = '\0'; /* cut in the middle of a character */
	return -1;
}

const char *ush_scim_key(const json_t *object, const char *name)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return NULL;
	if (json_object_get(object, name) != NULL)
		return name;
	json_object_foreach((json_t *)object, key, value)
		if (strcasecmp(key, name) == 0)
			return key;
	return NULL;
}

json_t *ush_scim_member(const json_t *object, const char *name)
{
	const char *key = ush_scim_key(object, name);

	return key != NULL ? json_object_get(object, key) : NULL;
}

void ush_scim_drop(json_t *value, const char *name)
{
	const char *key;
	json_t *one;
	size_t i;

	json_array_foreach(value, i, one)
		ush_scim_drop(one, name);
	if ((key = ush_scim_key(value, name)) != NULL)
		json_object_del(value, key);
}

char *ush_scim_fold(const char *text)
{
	char *folded = ush_strdup(text);

	for (char *c = folded; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c | 32);
	return folded;
}

const char *ush_scim_time(int64_t ms, char *out, size_t size)
{
	struct tm tm = {0};

	gmtime_r(&(time_t){ms / 1000}, &tm);
	snprintf(out, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (int)(ms % 1000));
	return out;
}
