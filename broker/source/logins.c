/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/logins.h"

#include <string.h>
#include <strings.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#define BYTES_MAX (16U << 20)

void ush_logins_free(struct ush_logins *logins)
{
	for (size_t i = 0; i < logins->count; i++) {
		free(logins->items[i].login);
		free(logins->items[i].name);
	}
	free(logins->items);
	*logins = (struct ush_logins){0};
}

static int by_login(const void *a, const void *b)
{
	return strcasecmp(((const struct ush_login *)a)->login, ((const struct ush_login *)b)->login);
}

/* Takes one field, quoted or not, and moves *at to the comma or the end. NULL when a quote does not close. */
static char *field(const char **at)
{
	struct ush_buf text = {0};
	const char *p = *at;
	bool closed = *p != '"';

	if (closed) {
		ush_buf_add(&text, p, strcspn(p, ",\""));
		p += text.length;
	}
	for (p += !closed; !closed && *p != '\0'; p++) {
		if (*p == '"' && p[1] == '"')
			p++;
		else if ((closed = *p == '"'))
			continue;
		ush_buf_add(&text, p, 1);
	}
	*at = p;
	if (closed)
		return ush_buf_take(&text);
	ush_buf_free(&text);
	return NULL;
}

static bool is_name(const char *text)
{
	if (text == NULL || *text == '\0' || !ush_text_is_utf8(text, strlen(text)))
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			return false;
	return true;
}

static int take_line(struct ush_logins *logins, const char *path, unsigned int line, const char *at, struct ush_error *err)
{
	USH_AUTO_FREE char *login = field(&at), *name = login != NULL && *at == ',' ? (at++, field(&at)) : NULL;

	if (!is_name(login) || !is_name(name) || *at != '\0')
		return ush_fail(err, USH_ERR_CONFIG, "%s:%u: expected login,name", path, line);
	if (line == 1)
		return strcmp(login, "login") == 0 && strcmp(name, "name") == 0 ? 0 : ush_fail(err, USH_ERR_CONFIG, "%s:1: expected the header login,name", path);
	USH_PUSH(logins->items, logins->count, ((struct ush_login){ush_steal(&login), ush_steal(&name), line}));
	return 0;
}

static int take_lines(struct ush_logins *logins, const char *path, char *text, struct ush_error *err)
{
	unsigned int line = 0;

	for (char *at = text, *end; *at != '\0'; at = end) {
		size_t length = strcspn(at, "\n");

		end = at + length + (at[length] == '\n');
		at[length] = '\0';
		if (length > 0 && at[length - 1] == '\r')
			at[length - 1] = '\0';
		if (take_line(logins, path, ++line, at, err) != 0)
			return -1;
	}
	return line > 0 ? 0 : ush_fail(err, USH_ERR_CONFIG, "%s: is empty; it begins with the header login,name", path);
}

int ush_logins_read(struct ush_logins *logins, const char *path, struct ush_error *err)
{
	USH_AUTO_BUF text = USH_BUF_MAX(BYTES_MAX);

	*logins = (struct ush_logins){0};
	if (ush_file_read(path, USH_FILE_OURS, USH_ERR_CONFIG, &text, NULL, err) != 0)
		return -1;
	if (text.length > 0 && strlen(text.data) != text.length)
		return ush_fail(err, USH_ERR_CONFIG, "%s: is no text", path);
	if (take_lines(logins, path, text.data != NULL ? text.data : (char[]){""}, err) != 0)
		return -1;
	if (logins->count > 0)
		qsort(logins->items, logins->count, sizeof *logins->items, by_login);
	for (size_t i = 1; i < logins->count; i++)
		if (by_login(&logins->items[i - 1], &logins->items[i]) == 0)
			return ush_fail(err, USH_ERR_CONFIG, "%s:%u: %s stands here and in line %u", path, logins->items[i].line, logins->items[i].login,
					logins->items[i - 1].line);
	return 0;
}

const char *ush_logins_name(const struct ush_logins *logins, const char *login)
{
	struct ush_login probe = {.login = (char *)login};
	const struct ush_login *found = logins->count == 0 ? NULL : bsearch(&probe, logins->items, logins->count, sizeof probe, by_login);

	return found != NULL ? found->name : NULL;
}
