/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "broker/source/record.h"
#include "common/base/memory.h"
#include "common/base/scrub.h"
#include "common/data/json.h"

/* Names of parameters and members whose value is a secret, whatever provider. */
static const char *const secrets[] = {
	"access_token",	 "refresh_token", "id_token",	 "token",	"client_secret", "client_assertion", "assertion",    "password",  "passwd",
	"secret",	 "code",	  "private_key", "signedJwt", "private_token", "api_key",	 "apikey",	     "subject_token", "actor_token", "device_code",
	"session_token", "sessionToken",  "credential",	 "credentials",	"authorization",
};

static bool is_secret(const char *name, size_t length)
{
	for (size_t i = 0; i < USH_COUNT(secrets); i++)
		if (strlen(secrets[i]) == length && strncasecmp(secrets[i], name, length) == 0)
			return true;
	return false;
}

char *ush_scrub_query(const char *text)
{
	USH_AUTO_BUF out = {0};
	const char *question = strchr(text, '?'), *at = question != NULL ? question + 1 : text;

	ush_buf_add(&out, text, (size_t)(at - text));
	while (*at != '\0') {
		size_t length = strcspn(at, "&"), name = strcspn(at, "=&");

		if (name < length && is_secret(at, name))
			ush_buf_printf(&out, "%.*s=...", (int)name, at);
		else
			ush_buf_add(&out, at, length);
		at += length;
		if (*at == '&')
			ush_buf_add(&out, at++, 1);
	}
	return ush_buf_take(&out);
}

/* An error's "code" is no secret: only long ones are taken for one. */
static bool hides(const char *key, const json_t *value)
{
	return json_is_string(value) && is_secret(key, strlen(key)) && !(strcmp(key, "code") == 0 && json_string_length(value) < 32);
}

static void scrub_string(json_t *value)
{
	USH_AUTO_FREE char *scrubbed = ush_scrubbed(json_string_value(value));

	if (scrubbed != NULL)
		json_string_set(value, scrubbed);
}

void ush_scrub_json(json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_string(value))
		scrub_string(value);
	json_array_foreach(value, i, item)
		ush_scrub_json(item);
	if (!json_is_object(value))
		return;
	json_object_foreach(value, key, item) {
		if (hides(key, item))
			json_string_set(item, "...");
		else
			ush_scrub_json(item);
	}
}

/* The same in what was to be JSON and is cut: dots from the quote behind "token": to the next one, or to the end. */
static void scrub_cut(char *text)
{
	for (char *at = text, *end; (at = strchr(at, '"')) != NULL; at = end + (*end == '"')) {
		size_t name = strcspn(++at, "\"");
		bool secret = is_secret(at, name);

		end = at + name;
		if (*end == '\0' || !secret)
			continue;
		at = end + 1 + strspn(end + 1, " \t\r\n:");
		if (*at != '"')
			continue;
		for (end = ++at; *end != '\0' && *end != '"'; end++) {
			if (*end == '\\' && end[1] != '\0')
				*end++ = '.';
			*end = '.';
		}
	}
}

char *ush_scrub_body(const char *text, size_t length)
{
	struct ush_error ignored = {0};
	USH_AUTO_JSON body = length > 0 ? ush_json_parse(text, length, "body", USH_ERR_INCOMPLETE, &ignored) : NULL;
	USH_AUTO_FREE char *copy = NULL;

	if (body == NULL) { /* not JSON; its bytes may be no text either */
		copy = ush_strndup(text != NULL ? text : "", length);
		for (char *c = copy; *c != '\0' && !ush_text_is_utf8(copy, strlen(copy)); c++)
			*c = (unsigned char)*c >= 0x80 ? '?' : *c;
		scrub_cut(copy);
		ush_scrub(copy, strlen(copy));
		return ush_text_without_tokens(copy);
	}
	ush_scrub_json(body);
	return json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);
}

bool ush_scrub_keeps_header(const char *name)
{
	static const char *const away[] = {"set-cookie", "set-cookie2", "authorization", "proxy-authorization", "www-authenticate", "authentication-info"};

	for (size_t i = 0; i < USH_COUNT(away); i++)
		if (strcasecmp(name, away[i]) == 0)
			return false;
	return true;
}

/* ---- what a request was sent with ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* A value that stands in the request form-encoded. */
static void confide(struct ush_confided *confided, const char *value, size_t length)
{
	char *plain = ush_strndup(value, length), *to = plain;

	for (const char *at = plain; *at != '\0'; at++) {
		bool escape = *at == '%' && hex(at[1]) >= 0 && hex(at[2]) >= 0;

		*to++ = escape ? (char)(hex(at[1]) * 16 + hex(at[2])) : *at == '+' ? ' ' : *at;
		at += escape ? 2 : 0;
	}
	if (confided->count < USH_COUNT(confided->items))
		confided->items[confided->count++] = ush_secret_new(plain, (size_t)(to - plain));
	ush_wipe_free(plain, length);
}

void ush_confide_form(struct ush_confided *confided, const char *form, size_t length)
{
	for (const char *at = form, *end = form + length; at < end;) {
		size_t pair = strcspn(at, "&"), name = strcspn(at, "=&");

		if (name < pair && is_secret(at, name))
			confide(confided, at + name + 1, pair - name - 1);
		at += pair + 1;
	}
}

void ush_confide(struct ush_confided *confided, const struct ush_http_request *request)
{
	const char *basic = ush_secret_reveal(request->basic), *password = basic != NULL ? strchr(basic, ':') : NULL;

	if (password != NULL)
		confide(confided, password + 1, strlen(password + 1));
	for (const char *const *line = request->headers; line != NULL && *line != NULL; line++) {
		bool secret = strncasecmp(*line, "authorization:", 14) == 0 || strncasecmp(*line, "private-token:", 14) == 0;
		const char *space = secret ? strrchr(*line, ' ') : NULL;

		if (space != NULL && confided->count < USH_COUNT(confided->items))
			confided->items[confided->count++] = ush_secret_new(space + 1, strlen(space + 1));
	}
	if (request->body != NULL && request->content_type != NULL && strcmp(request->content_type, "application/x-www-form-urlencoded") == 0)
		ush_confide_form(confided, request->body, request->body_length);
}

void ush_confided_free(struct ush_confided *confided)
{
	while (confided->count > 0)
		ush_secret_free(confided->items[--confided->count]);
}
