/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/front/record.h"

#include <string.h>
#include <strings.h>

#include "common/base/memory.h"
#include "common/base/text.h"

#define HEAD              "usher-record-1"
#define MOST_MIN_VALIDITY 86400
#define MOST_DATE         (1LL << 53)
#define MOST_SERVERS      256

/* A token as RFC 6750 section 2.1 has it (b64token): it needs no escape in JSON, and ends neither field nor line. */
static bool is_token(const char *s)
{
	size_t body = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/");

	return body > 0 && s[body + strspn(s + body, "=")] == '\0';
}

static bool is_field(const char *s)
{
	for (const char *p = s; *p != '\0'; p++)
		if (*p <= 0x20 || *p >= 0x7f)
			return false;
	return *s != '\0';
}

/* The next field of a line that is cut up in place; NULL when there is none. */
static char *next_field(char **rest)
{
	char *field = *rest;

	if (field == NULL)
		return NULL;
	*rest = strchr(field, ' ');
	if (*rest != NULL)
		*(*rest)++ = '\0';
	return is_field(field) ? field : NULL;
}

static bool read_number(const char *field, int64_t most, int64_t *number)
{
	size_t digits = field != NULL ? strspn(field, "0123456789") : 0;

	if (digits == 0 || digits > 16 || field[digits] != '\0')
		return false;
	*number = strtoll(field, NULL, 10);
	return *number <= most;
}

static bool read_fields(struct ush_record *record, char *rest)
{
	const char *head = next_field(&rest), *field;

	if (head == NULL || strcmp(head, HEAD) != 0)
		return false;
	if (!read_number(next_field(&rest), MOST_DATE, &record->expires) ||
	    !read_number(next_field(&rest), MOST_MIN_VALIDITY, &record->min_validity))
		return false;
	field = next_field(&rest);
	if (field == NULL || !is_token(field))
		return false;
	record->token = ush_strdup(field);
	while (rest != NULL) {
		field = next_field(&rest);
		if (field == NULL || record->server_count == MOST_SERVERS)
			return false;
		USH_PUSH(record->servers, record->server_count, ush_strdup(field));
	}
	return record->server_count > 0;
}

struct ush_record *ush_record_read(const char *text, size_t length)
{
	struct ush_record *record;
	char *line;
	bool good;

	if (length == 0 || length > USH_RECORD_MAX || memchr(text, '\n', length) != text + length - 1)
		return NULL;
	line = ush_strndup(text, length - 1);
	record = ush_new(struct ush_record);
	good = strlen(line) == length - 1 && read_fields(record, line);
	ush_wipe_free(line, length);
	if (good)
		return record;
	ush_record_free(record);
	return NULL;
}

char *ush_record_write(const struct ush_record *record, size_t *length)
{
	USH_AUTO_BUF out = USH_BUF_MAX(USH_RECORD_MAX);

	if (!is_token(record->token) || record->expires < 0 || record->min_validity < 0)
		return NULL;
	ush_buf_printf(&out, HEAD " %lld %lld ", (long long)record->expires, (long long)record->min_validity);
	ush_buf_puts(&out, record->token);
	for (size_t i = 0; i < record->server_count; i++) {
		if (!is_field(record->servers[i]))
			return NULL;
		ush_buf_puts(&out, " ");
		ush_buf_puts(&out, record->servers[i]);
	}
	ush_buf_puts(&out, "\n");
	if (out.overflow)
		return NULL;
	*length = out.length;
	return ush_buf_take(&out);
}

void ush_record_free(struct ush_record *record)
{
	if (record == NULL)
		return;
	ush_wipe_free(record->token, record->token != NULL ? strlen(record->token) : 0);
	for (size_t i = 0; i < record->server_count; i++)
		free(record->servers[i]);
	free(record->servers);
	free(record);
}

enum ush_verdict ush_record_judge(const struct ush_record *record, const struct ush_execinfo *info, int64_t now)
{
	size_t i = 0;

	if (info->server[0] == '\0')
		return USH_SERVER_UNKNOWN;
	while (i < record->server_count && !ush_server_same(record->servers[i], info->server))
		i++;
	if (i == record->server_count || info->insecure)
		return USH_SERVER_FOREIGN;
	return record->expires - now > record->min_validity ? USH_HIT : USH_STALE;
}

/* ---- is this the same API server? ---- */

struct server {
	const char *host, *path; /* into the text */
	size_t host_length, path_length;
	unsigned int port;
	bool tls;
};

/* A port as digits, to where it ends; 0 when it is none. */
static unsigned int read_port(const char *s, const char *end)
{
	unsigned int port = 0;

	if (s == end || end - s > 5)
		return 0;
	for (; s < end; s++) {
		if (*s < '0' || *s > '9')
			return 0;
		port = 10 * port + (unsigned int)(*s - '0');
	}
	return port <= 65535 ? port : 0;
}

static bool split_authority(struct server *server, const char *end)
{
	const char *host = server->host, *host_end = host;

	if (*host == '[') {
		host_end = memchr(host, ']', (size_t)(end - host));
		if (host_end == NULL)
			return false;
		host_end++;
	} else {
		while (host_end < end && *host_end != ':')
			host_end++;
	}
	server->host_length = (size_t)(host_end - host);
	if (host_end < end)
		server->port = *host_end == ':' ? read_port(host_end + 1, end) : 0;
	return server->host_length > 0 && server->port != 0;
}

/* Anything that two readers of URLs could take for two different places is no server at all. */
static bool split(struct server *server, const char *text)
{
	static const struct {
		const char *scheme;
		unsigned int port;
	} schemes[] = {{"https://", 443}, {"http://", 80}};
	size_t i = 0;

	while (i < USH_COUNT(schemes) && strncasecmp(text, schemes[i].scheme, strlen(schemes[i].scheme)) != 0)
		i++;
	if (i == USH_COUNT(schemes))
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= 0x20 || *p >= 0x7f || strchr("@?#\\%\"<>^`{|}", *p) != NULL)
			return false;
	server->tls = i == 0;
	server->port = schemes[i].port;
	server->host = text + strlen(schemes[i].scheme);
	server->path = server->host + strcspn(server->host, "/");
	server->path_length = strlen(server->path);
	if (server->path_length > 0 && server->path[server->path_length - 1] == '/')
		server->path_length--;
	return split_authority(server, server->path);
}

bool ush_server_same(const char *a, const char *b)
{
	struct server x, y;

	return split(&x, a) && split(&y, b) && x.tls == y.tls && x.port == y.port && x.host_length == y.host_length &&
	       x.path_length == y.path_length && strncasecmp(x.host, y.host, x.host_length) == 0 &&
	       memcmp(x.path, y.path, x.path_length) == 0;
}
