/* SPDX-License-Identifier: Apache-2.0
 *
 * echo_server FILE: a provider, proxy or API server that says what it was told. Prints its URL and answers until its stdin
 * ends. FILE holds, read anew for each request, words: the status; how the answer is spelt (plain, percent, unicode, html,
 * base64, doubled); "grant" when a POST to a path with "token" in it is given the token of the third word first.
 *
 * Or "200 teams NAME": it is GitHub with that team, in which nobody is, and knows ETags.
 *
 *   400 plain
 *   403 percent grant an-obtained-token
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"
#include "common/net/http.h"
#include "tests/support/http_server.h"

static void spell_plain(struct ush_buf *out, const char *text)
{
	ush_buf_puts(out, text);
}

static void spell_percent(struct ush_buf *out, const char *text)
{
	ush_url_encode(out, text);
}

/* Lower case, and a plus for a space. */
static void spell_form(struct ush_buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		ush_buf_printf(out, *text == ' ' ? "+" : strchr("/+\"\\=%&<>:", *text) != NULL ? "%%%02x" : "%c", (unsigned char)*text);
}

static void spell_unicode(struct ush_buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		ush_buf_printf(out, "\\u%04x", (unsigned char)*text);
}

static void spell_html(struct ush_buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		ush_buf_printf(out, strchr("/+\"\\=%&<>", *text) != NULL ? "&#%d;" : "%c", *text);
}

static void spell_doubled(struct ush_buf *out, const char *text)
{
	USH_AUTO_BUF once = {0};

	spell_percent(&once, text);
	spell_percent(out, once.data != NULL ? once.data : "");
}

static void spell_base64(struct ush_buf *out, const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	unsigned int bits = 0, held = 0;

	for (; *text != '\0'; text++) {
		bits = bits << 8 | (unsigned char)*text;
		for (held += 8; held >= 6; held -= 6)
			ush_buf_printf(out, "%c", digits[bits >> (held - 6) & 63]);
	}
	if (held > 0)
		ush_buf_printf(out, "%c", digits[bits << (6 - held) & 63]);
}

static const struct {
	const char *name;
	void (*spell)(struct ush_buf *out, const char *text);
} spellings[] = {{"plain", spell_plain}, {"percent", spell_percent}, {"form", spell_form}, {"unicode", spell_unicode},
		 {"html", spell_html}, {"doubled", spell_doubled}, {"base64", spell_base64}};

/* All that it was told, each in a place that messages are made of. */
static char *echo(const struct http_seen *seen, const char *spelling)
{
	static const char *const names[] = {"Authorization", "Private-Token"};
	USH_AUTO_BUF said = {0};
	USH_AUTO_BUF out = {0};

	for (size_t i = 0; i < USH_COUNT(names); i++) {
		USH_AUTO_FREE char *value = http_seen_header(seen, names[i]);

		if (value != NULL)
			ush_buf_printf(&said, "%s ", value);
	}
	ush_buf_printf(&said, "%s", seen->body);
	for (size_t i = 0; i < USH_COUNT(spellings); i++)
		if (strcmp(spellings[i].name, spelling) == 0)
			spellings[i].spell(&out, said.data);
	return ush_buf_take(&out);
}

static void say_back(const char *path, const struct http_seen *seen, struct http_reply *reply)
{
	static const char *const keys[] = {"error", "error_description", "errorSummary", "message", "detail", "code", "reason", "error_uri"};
	char spelling[16] = "plain", grant[8] = "", token[256] = "";
	FILE *file = fopen(path, "r");
	USH_AUTO_JSON body = json_object();
	USH_AUTO_FREE char *text = NULL;
	USH_AUTO_BUF location = {0};

	if (file == NULL || fscanf(file, "%d %15s %7s %255s", &reply->status, spelling, grant, token) < 2)
		reply->status = 500;
	if (file != NULL)
		fclose(file);
	text = echo(seen, spelling);
	if (grant[0] != '\0' && strcmp(seen->method, "POST") == 0 && strstr(seen->path, "token") != NULL) {
		reply->status = 200;
		json_object_set_new(body, "access_token", json_string(token));
		json_object_set_new(body, "token_type", json_string("Bearer"));
	}
	for (size_t i = 0; reply->status != 200 && i < USH_COUNT(keys); i++)
		json_object_set_new(body, keys[i], json_string(text));
	ush_url_encode(&location, text);
	if (reply->status >= 300 && reply->status < 400)
		reply->headers = ush_printf("Location: /elsewhere?was=%s\r\nX-Was: %s\r\n", location.data, location.data);
	reply->body = strcmp(spelling, "html") == 0 && reply->status != 200 ? ush_printf("<p>%s</p>", text) : json_dumps(body, JSON_ESCAPE_SLASH);
}

static void teams(const struct http_seen *seen, const char *name, struct http_reply *reply)
{
	bool list = strlen(seen->path) > 6 && strcmp(seen->path + strlen(seen->path) - 6, "/teams") == 0;

	reply->headers = ush_printf("ETag: \"%s\"\r\n", name);
	reply->body = list ? ush_printf("[{\"id\": 1, \"slug\": \"%s\", \"parent\": null}]", name) : ush_strdup("[]");
}

static void answer(void *context, const struct http_seen *seen, struct http_reply *reply)
{
	char kind[16] = "", name[64] = "";
	FILE *file = fopen(context, "r");

	if (file != NULL && fscanf(file, "200 %15s %63s", kind, name) == 2 && strcmp(kind, "teams") == 0)
		teams(seen, name, reply);
	else
		say_back(context, seen, reply);
	if (file != NULL)
		fclose(file);
}

int main(int argc, char **argv)
{
	struct http_server *server;

	if (argc != 2)
		return 2;
	server = http_server_start(answer, argv[1]);
	printf("%s\n", http_server_url(server));
	fflush(stdout);
	while (getchar() != EOF)
		;
	http_server_stop(server);
	return 0;
}
