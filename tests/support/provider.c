/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/provider.h"

#include <check.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/tap.h"

#define START_MS 1800000000000

/* ---- requests ---- */

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static char *decoded(const char *text, size_t length, bool form)
{
	char *out = ush_alloc(length + 1);
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '%' && i + 2 < length && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
			out[used++] = (char)(hex(text[i + 1]) << 4 | hex(text[i + 2]));
			i += 2;
		} else {
			out[used++] = form && text[i] == '+' ? ' ' : text[i];
		}
	}
	return out;
}

char *provider_query(const char *url, const char *key)
{
	const char *at = strchr(url, '?');

	for (at = at != NULL ? at + 1 : url; *at != '\0'; at += *at == '&') {
		size_t length = strcspn(at, "&"), name = strcspn(at, "=&");
		USH_AUTO_FREE char *plain = decoded(at, name, true);

		if (name < length && strcmp(plain, key) == 0)
			return decoded(at + name + 1, length - name - 1, true);
		at += length;
	}
	return NULL;
}

long provider_query_number(const char *url, const char *key, long fallback)
{
	USH_AUTO_FREE char *text = provider_query(url, key);

	return text != NULL ? strtol(text, NULL, 10) : fallback;
}

char *provider_part(const char *url, size_t index)
{
	const char *at = strstr(url, "://");

	at = at != NULL ? at + 3 : url;
	at += strcspn(at, "/?");
	while (*at == '/') {
		size_t length = strcspn(++at, "/?");

		if (index-- == 0)
			return decoded(at, length, false);
		at += length;
	}
	return NULL;
}

char *provider_header(const struct ush_http_request *request, const char *name)
{
	size_t length = strlen(name);

	if (strcasecmp(name, "authorization") == 0 && request->bearer != NULL)
		return ush_printf("Bearer %s", ush_secret_reveal(request->bearer));
	if (strcasecmp(name, "authorization") == 0 && request->basic != NULL)
		return ush_printf("Basic %s", ush_secret_reveal(request->basic));
	for (const char *const *line = request->headers; line != NULL && *line != NULL; line++)
		if (strncasecmp(*line, name, length) == 0 && (*line)[length] == ':')
			return ush_strdup(*line + length + 1 + strspn(*line + length + 1, " "));
	return NULL;
}

/* ---- answers ---- */

void provider_reply_text(struct ush_http_response *response, int status, const char *text)
{
	response->status = status;
	ush_buf_puts(&response->body, text);
}

void provider_reply(struct ush_http_response *response, int status, json_t *body)
{
	USH_AUTO_FREE char *text = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY);

	ck_assert_ptr_nonnull(text);
	provider_reply_text(response, status, text);
	json_decref(body);
}

void provider_reply_header(struct ush_http_response *response, const char *name, const char *value)
{
	ush_buf_add(&response->headers, name, strlen(name) + 1);
	ush_buf_add(&response->headers, value, strlen(value) + 1);
	if (strcasecmp(name, "retry-after") == 0)
		response->retry_after_ms = strtoll(value, NULL, 10) * 1000;
	if (strcasecmp(name, "date") == 0)
		response->date = strtoll(value, NULL, 10); /* in tests: Unix seconds */
}

/* ---- the table ---- */

static void keep(struct provider *provider, const struct ush_http_request *request)
{
	struct provider_request kept = {.method = ush_strdup(request->method != NULL ? request->method : "GET"), .url = ush_strdup(request->url),
					.body = ush_strndup(request->body != NULL ? request->body : "", request->body_length),
					.authorization = provider_header(request, "Authorization")};
	USH_AUTO_BUF lines = {0};

	for (const char *const *line = request->headers; line != NULL && *line != NULL; line++)
		ush_buf_printf(&lines, "%s\n", *line);
	kept.headers = ush_buf_take(&lines);
	USH_PUSH(provider->log, provider->log_count, kept);
}

static bool fits(const struct provider_row *row, const struct ush_http_request *request)
{
	const char *method = request->method != NULL ? request->method : "GET";
	size_t length = strlen(row->url), all = strlen(request->url);

	if (strcmp(row->method != NULL ? row->method : "GET", method) != 0 || row->times < 0)
		return false;
	if (length > 0 && row->url[length - 1] == '$')
		return all >= length - 1 && strncmp(request->url + all - (length - 1), row->url, length - 1) == 0;
	return strstr(request->url, row->url) != NULL;
}

static void answer(const struct provider_row *row, struct ush_http_response *response)
{
	USH_AUTO_FREE char *body = ush_strdup(row->body != NULL ? row->body : ""), *headers = ush_strdup(row->headers != NULL ? row->headers : "");
	char *rest = headers, *line;

	for (char *c = body; strchr(row->body != NULL ? row->body : "", '"') == NULL && *c != '\0'; c++)
		if (*c == '\'')
			*c = '"';
	provider_reply_text(response, row->status, body);
	while ((line = strsep(&rest, "\n")) != NULL) {
		char *colon = strchr(line, ':');

		if (colon == NULL)
			continue;
		*colon = '\0';
		provider_reply_header(response, line, colon + 1 + strspn(colon + 1, " "));
	}
}

static int http(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *err)
{
	struct provider *provider = context;

	response->retry_after_ms = -1;
	keep(provider, request);
	for (size_t i = 0; i < provider->row_count; i++) {
		struct provider_row *row = &provider->rows[i];

		if (!fits(row, request))
			continue;
		if (row->times > 0 && --row->times == 0)
			row->times = -1;
		if (row->status == 0)
			return ush_fail(err, USH_ERR_UNAVAILABLE, "provider.test: connection reset");
		answer(row, response);
		return 0;
	}
	ck_abort_msg("no row for %s %s", request->method != NULL ? request->method : "GET", request->url);
	return -1;
}

static int64_t now_ms(void *context)
{
	return ((struct provider *)context)->now_ms;
}

static int sleep_ms(void *context, int64_t ms)
{
	struct provider *provider = context;

	provider->now_ms += ms;
	provider->slept_ms += ms;
	return 0;
}

static void no_chance(void *context, void *out, size_t size)
{
	(void)context;
	memset(out, 0, size);
}

struct provider *provider_new(const struct provider_row *rows)
{
	struct provider *provider = ush_new(struct provider);

	for (; rows->url != NULL; rows++)
		USH_PUSH(provider->rows, provider->row_count, *rows);
	provider->now_ms = START_MS;
	provider->world = (struct ush_world){.context = provider, .now_ms = now_ms, .boot_ms = now_ms, .sleep_ms = sleep_ms, .random = no_chance, .http = http};
	return provider;
}

void provider_free(struct provider *provider)
{
	if (provider == NULL)
		return;
	for (size_t i = 0; i < provider->log_count; i++) {
		free(provider->log[i].method);
		free(provider->log[i].url);
		free(provider->log[i].body);
		free(provider->log[i].authorization);
		free(provider->log[i].headers);
	}
	free(provider->log);
	free(provider->rows);
	free(provider);
}

size_t provider_asked(const struct provider *provider, const char *url)
{
	size_t count = 0;

	for (size_t i = 0; i < provider->log_count; i++)
		count += strstr(provider->log[i].url, url) != NULL;
	return count;
}

/* ---- a source ---- */

static const char *folder(void)
{
	static char kept[128];

	if (kept[0] == '\0')
		snprintf(kept, sizeof kept, "%s", tap_folder());
	return kept;
}

struct ush_policy_source provider_source(const char *kind, const char *const *settings)
{
	struct ush_policy_source source = {.name = ush_strdup("main"), .kind = ush_source_kind(kind)};
	struct ush_error err = {0};

	ck_assert_msg(source.kind != NULL, "no kind %s", kind);
	for (size_t i = 0; settings[i] != NULL; i++) {
		USH_AUTO_FREE char *key = ush_strdup(settings[i]), *file = NULL;
		char *value = strchr(key, '=');

		ck_assert_msg(value != NULL, "%s", key);
		*value++ = '\0';
		ck_assert_msg(ush_setting_row(source.kind, key) != NULL, "no setting %s", key);
		if (*value == '@') {
			file = ush_printf("%s/%s.%zu", folder(), key, i);
			ck_assert_msg(ush_file_write(file, value + 1, strlen(value + 1), 0600, &err) == 0, "%s", err.what);
		}
		ush_source_set(&source, key, file != NULL ? file : value);
	}
	return source;
}

void provider_read(struct provider *provider, const struct ush_policy_source *source, const char *refs, struct ush_groups *groups)
{
	struct ush_list wanted = {0};
	struct ush_source_question question = {.source = source, .refs = &wanted, .all_members = refs != NULL && strcmp(refs, "*") == 0};
	USH_AUTO_FREE char *copy = ush_strdup(refs != NULL ? refs : "");
	struct ush_error err = {0};
	char *rest = copy, *name;

	while ((name = strsep(&rest, ",")) != NULL)
		if (*name != '\0')
			ush_list_add(&wanted, name);
	ck_assert_msg(ush_source_read(&provider->world, &question, groups, &err) == 0, "%s", err.what);
	ush_list_free(&wanted);
}

const struct ush_group *provider_group(const struct ush_groups *groups, const char *path)
{
	for (size_t i = 0; i < groups->count; i++)
		if (strcmp(groups->items[i].path, path) == 0 || strcmp(groups->items[i].name, path) == 0)
			return &groups->items[i];
	ck_abort_msg("no group %s (%s)", path, groups->why != NULL ? groups->why : "complete");
	return NULL;
}
