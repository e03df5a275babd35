/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/error.h"

#include <stdarg.h>
#include <string.h>

#include "common/base/scrub.h"
#include "common/base/text.h"

#define LONGEST 4096 /* of what is told, before it is cut: a secret is looked for while it is whole */

static const struct {
	enum ush_code code;
	int status;
} statuses[USH_CODE_COUNT] = {
	{USH_OK, 0},
	{USH_DIFFERENCES, 1},
	{USH_ERR_USAGE, 2},
	{USH_ERR_CONFIG, 2},
	{USH_ERR_INCOMPLETE, 3},
	{USH_ERR_LOGIN, 4},
	{USH_ERR_REFUSED, 5},
	{USH_ERR_UNAVAILABLE, 6},
	{USH_ERR_REJECTED, 7},
	{USH_ERR_STORE, 8},
	{USH_ERR_DECLINED, 9},
	{USH_ERR_PARTIAL, 10},
};

static const char *const meanings[] = {
	"done; no difference; no finding at or above the threshold",
	"differences (plan) or findings (audit)",
	"usage or configuration",
	"incomplete: something could not be read whole, so nothing was concluded from it and nothing removed",
	"a person must sign in, and this call may not ask",
	"refused by policy: safety brake, foreign object, unpinned server",
	"network, provider or API server unavailable; state kept",
	"the provider's answer or token was rejected",
	"keyring, cache, disk",
	"the person declined or ran out of time",
	"partly applied; the rest is listed",
};

/* What is cut says so, right behind its last letter: a command that ends there must not be one. "delete pods -l a" is, of "-l a=b". */
static void put(char *out, size_t size, const char *whole)
{
	static const char more[] = "...";
	size_t length = strlen(whole);

	if (length < size) {
		memcpy(out, whole, length + 1);
		return;
	}
	memcpy(out, whole, size - sizeof more);
	memcpy(out + size - sizeof more, more, sizeof more);
}

__attribute__((format(printf, 3, 0))) static void tell(char *out, size_t size, const char *format, va_list args)
{
	char whole[LONGEST];

	vsnprintf(whole, sizeof whole, format, args);
	ush_scrub(whole, strlen(whole));
	put(out, size, whole);
}

int ush_fail(struct ush_error *err, enum ush_code code, const char *format, ...)
{
	va_list args;

	if (err == NULL || err->code != USH_OK)
		return -1;
	va_start(args, format);
	tell(err->what, sizeof err->what, format, args);
	va_end(args);
	err->code = code;
	err->hint[0] = '\0';
	return -1;
}

int ush_hint(struct ush_error *err, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return -1;
	va_start(args, format);
	tell(err->hint, sizeof err->hint, format, args);
	va_end(args);
	return -1;
}

int ush_error_at(struct ush_error *err, const char *format, ...)
{
	char where[sizeof err->what], joined[2 * sizeof err->what + 4];
	va_list args;

	if (err == NULL)
		return -1;
	va_start(args, format);
	tell(where, sizeof where, format, args);
	va_end(args);
	snprintf(joined, sizeof joined, "%s: %s", where, err->what);
	put(err->what, sizeof err->what, joined);
	return -1;
}

void ush_error_clear(struct ush_error *err)
{
	memset(err, 0, sizeof *err);
}

int ush_code_status(enum ush_code code)
{
	for (size_t i = 0; i < USH_CODE_COUNT; i++)
		if (statuses[i].code == code)
			return statuses[i].status;
	return 2;
}

const char *ush_status_meaning(int status)
{
	if (status < 0 || (size_t)status >= sizeof meanings / sizeof meanings[0])
		return NULL;
	return meanings[status];
}

void ush_error_print(FILE *to, const char *program, const struct ush_error *err)
{
	char line[4 * (sizeof err->what + sizeof err->hint)], raw[sizeof err->what + sizeof err->hint + 8];
	size_t length = strlen(err->what);

	if (err->hint[0] == '\0')
		snprintf(raw, sizeof raw, "%s", err->what);
	else
		snprintf(raw, sizeof raw, "%s%s %s", err->what, length > 0 && strchr(".?", err->what[length - 1]) != NULL ? "" : ".", err->hint);
	fprintf(to, "%s: %s\n", program, ush_text_line(line, sizeof line, raw));
}
