/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void out_of_memory(void)
{
	static const char line[] = "usher: out of memory\n";

	if (write(STDERR_FILENO, line, sizeof line - 1) < 0)
		_exit(8);
	_exit(8);
}

void *ush_alloc(size_t size)
{
	void *p = calloc(1, size != 0 ? size : 1);

	if (p == NULL)
		out_of_memory();
	return p;
}

void *ush_resize(void *old, size_t size)
{
	void *p = realloc(old, size != 0 ? size : 1);

	if (p == NULL)
		out_of_memory();
	return p;
}

char *ush_strdup(const char *s)
{
	return s != NULL ? ush_strndup(s, strlen(s)) : NULL;
}

char *ush_strndup(const char *s, size_t length)
{
	char *copy = ush_alloc(length + 1);

	memcpy(copy, s, length);
	return copy;
}

char *ush_printf(const char *format, ...)
{
	va_list args;
	char *out = NULL;
	int r;

	va_start(args, format);
	r = vasprintf(&out, format, args);
	va_end(args);
	if (r < 0)
		out_of_memory();
	return out;
}

void ush_wipe_free(void *data, size_t size)
{
	if (data != NULL)
		explicit_bzero(data, size);
	free(data);
}
