/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/serve/exposition.h"

#include <string.h>

#define HELP "# HELP "

/* The name on a line: of a head, or of a sample. */
static size_t name_of(const char *line, const char **name)
{
	*name = strncmp(line, HELP, strlen(HELP)) == 0 ? line + strlen(HELP) : line;
	return strcspn(*name, " {");
}

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end != NULL ? end + 1 : line + strlen(line);
}

/* Where a name's head stands in a text, or NULL. */
static const char *find_head(const char *text, const char *name, size_t length)
{
	for (const char *line = text; *line != '\0'; line = next_line(line)) {
		const char *found;

		if (strncmp(line, HELP, strlen(HELP)) == 0 && name_of(line, &found) == length && strncmp(found, name, length) == 0)
			return line;
	}
	return NULL;
}

/* Appends what stands under a head: two lines of head when they are wanted, and the samples up to the next head. */
static void add_family(struct ush_buf *out, const char *head, bool with_head)
{
	const char *samples = next_line(next_line(head)), *end = samples;

	while (*end != '\0' && *end != '#')
		end = next_line(end);
	if (with_head)
		ush_buf_add(out, head, (size_t)(samples - head));
	ush_buf_add(out, samples, (size_t)(end - samples));
}

void ush_exposition_merge(struct ush_buf *out, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (const char *line = texts[i]; *line != '\0'; line = next_line(line)) {
			const char *name, *head;
			size_t length = name_of(line, &name);
			bool seen = false;

			if (strncmp(line, HELP, strlen(HELP)) != 0)
				continue;
			for (size_t k = 0; k < i && !seen; k++)
				seen = find_head(texts[k], name, length) != NULL;
			if (seen)
				continue;
			add_family(out, line, true);
			for (size_t k = i + 1; k < count; k++)
				if ((head = find_head(texts[k], name, length)) != NULL)
					add_family(out, head, false);
		}
}

void ush_exposition_put(struct ush_buf *out, const char *name, const char *type, const char *help, const char *labels, double value)
{
	ush_buf_printf(out, HELP "%s %s\n# TYPE %s %s\n%s%s %.15g\n", name, help, name, type, name, labels, value);
}
