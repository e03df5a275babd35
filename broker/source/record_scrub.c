/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "broker/source/record.h"
#include "common/base/memory.h"
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

static void scrub_value(json_t *value)
{
	const char *key;
	json_t *item;
	size_t i;

	json_array_foreach(value, i, item)
		scrub_value(item);
	if (!json_is_object(value))
		return;
	json_object_foreach(value, key, item) {
		if (hides(key, item))
			json_string_set(item, "...");
		else
			scrub_value(item);
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
		return ush_text_without_tokens(copy);
	}
	scrub_value(body);
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

static void dot_out(char *text, const char *secret)
{
	size_t length = strlen(secret);

	for (char *at = text; (at = strstr(at, secret)) != NULL; at += length)
		memset(at, '.', length);
}

/* What stands between the quotes when JSON writes it; NULL when it cannot. The caller frees. */
static char *in_json(const char *text)
{
	USH_AUTO_JSON value = text != NULL ? json_string(text) : NULL;
	char *out = value != NULL ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
	size_t length = out != NULL ? strlen(out) : 0;

	if (out == NULL)
		return NULL;
	memmove(out, out + 1, length - 2);
	out[length - 2] = '\0';
	return out;
}

void ush_scrub_out(char *text, const char *secret)
{
	USH_AUTO_BUF encoded = {0};
	char *once, *twice;

	if (secret == NULL || strlen(secret) < 4) /* would be found anywhere, and hides nothing */
		return;
	once = in_json(secret);
	twice = in_json(once);
	ush_url_encode(&encoded, secret);
	if (twice != NULL) /* the longest first */
		dot_out(text, twice);
	if (once != NULL)
		dot_out(text, once);
	dot_out(text, secret);
	dot_out(text, encoded.data);
	ush_wipe_free(twice, twice != NULL ? strlen(twice) : 0);
	ush_wipe_free(once, once != NULL ? strlen(once) : 0);
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* The same for a value that stands in the request form-encoded. */
static void scrub_encoded(char *text, const char *value)
{
	char *plain = ush_strdup(value), *to = plain;

	ush_scrub_out(text, value);
	for (const char *at = value; at != NULL && *at != '\0'; at++) {
		bool escape = *at == '%' && hex(at[1]) >= 0 && hex(at[2]) >= 0;

		*to++ = escape ? (char)(hex(at[1]) * 16 + hex(at[2])) : *at == '+' ? ' ' : *at;
		at += escape ? 2 : 0;
	}
	if (plain != NULL)
		*to = '\0';
	ush_scrub_out(text, plain);
	ush_wipe_free(plain, plain != NULL ? strlen(value) : 0);
}

/* The values of a form that are secrets. */
static void scrub_form(char *text, const char *form, size_t length)
{
	for (const char *at = form, *end = form + length; at < end;) {
		size_t pair = strcspn(at, "&"), name = strcspn(at, "=&");

		if (name < pair && is_secret(at, name)) {
			char *value = ush_strndup(at + name + 1, pair - name - 1);

			scrub_encoded(text, value);
			ush_wipe_free(value, pair - name - 1);
		}
		at += pair + 1;
	}
}

void ush_scrub_request(char *text, const struct ush_http_request *request)
{
	const char *password = request->basic != NULL ? strchr(ush_secret_reveal(request->basic), ':') : NULL;

	ush_scrub_out(text, ush_secret_reveal(request->bearer));
	scrub_encoded(text, password != NULL ? password + 1 : NULL);
	for (const char *const *line = request->headers; line != NULL && *line != NULL; line++)
		if (strncasecmp(*line, "authorization:", 14) == 0 || strncasecmp(*line, "private-token:", 14) == 0)
			ush_scrub_out(text, strrchr(*line, ' ') != NULL ? strrchr(*line, ' ') + 1 : NULL);
	if (request->body != NULL && request->content_type != NULL && strcmp(request->content_type, "application/x-www-form-urlencoded") == 0)
		scrub_form(text, request->body, request->body_length);
}
