/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/flow/flow.h"

#include <stdarg.h>

#include "common/base/memory.h"
#include "common/base/text.h"

void ush_say(FILE *say, const char *format, ...)
{
	USH_AUTO_FREE char *raw = NULL;
	USH_AUTO_FREE char *line = NULL;
	va_list args;
	int length;

	if (say == NULL)
		return;
	va_start(args, format);
	length = vasprintf(&raw, format, args);
	va_end(args);
	if (length < 0)
		raw = NULL;
	line = ush_text_safe(raw != NULL ? raw : "out of memory");
	fprintf(say, "usher: %s\n", line);
	fflush(say);
}
