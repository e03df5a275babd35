/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/way.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"

#define UNKNOWN " -f POLICY"

void ush_way_free(struct ush_way *way)
{
	free(way->kubectl);
	free(way->broker);
	free(way->policy);
	free(way->state);
	*way = (struct ush_way){0};
}

char *ush_way_option(const char *name, const char *value)
{
	USH_AUTO_FREE char *word = value != NULL ? ush_text_word(value) : NULL;

	return word != NULL ? ush_printf(" %s%s %s", name[1] == '\0' ? "-" : "--", name, word) : ush_strdup("");
}

__attribute__((format(printf, 1, 0))) static char *said(const char *format, va_list args)
{
	char *text = NULL;

	return vasprintf(&text, format, args) >= 0 ? text : ush_strdup("");
}

/* "usher-broker VERB" + options + what the verb is told. */
__attribute__((format(printf, 2, 0))) static char *broker(const char *options, const char *format, va_list args)
{
	USH_AUTO_FREE char *command = said(format, args);
	size_t verb = strcspn(command, " ");

	return ush_printf("usher-broker %.*s%s%s", (int)verb, command, options != NULL ? options : UNKNOWN, command + verb);
}

char *ush_way_kubectl(const struct ush_way *way, const char *format, ...)
{
	USH_AUTO_FREE char *command = NULL;
	va_list args;

	va_start(args, format);
	command = said(format, args);
	va_end(args);
	return ush_printf("kubectl%s %s", way != NULL && way->kubectl != NULL ? way->kubectl : "", command);
}

char *ush_way_broker(const struct ush_way *way, const char *format, ...)
{
	va_list args;
	char *command;

	va_start(args, format);
	command = broker(way != NULL ? way->broker : NULL, format, args);
	va_end(args);
	return command;
}

char *ush_way_policy(const struct ush_way *way, const char *format, ...)
{
	va_list args;
	char *command;

	va_start(args, format);
	command = broker(way != NULL ? way->policy : NULL, format, args);
	va_end(args);
	return command;
}

char *ush_way_rights(const struct ush_way *way, const char *whom)
{
	USH_AUTO_FREE char *whose = ush_way_option("for", whom);

	return ush_printf("usher-broker rbac%s%s%s", whose, way != NULL && way->policy != NULL ? way->policy : UNKNOWN, way != NULL && way->state != NULL ? way->state : "");
}
