/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/api.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "broker/source/api_ask.h"
#include "broker/source/credential.h"
#include "broker/source/record.h"
#include "common/base/file.h"
#include "common/base/memory.h"

#define CA_MAX	     (1U << 20)
#define NAMED_MOST   5 /* groups that a disagreement names */
#define MARGIN_PARTS 6 /* of a token's life is left when it is renewed, at most MARGIN_MOST */
#define MARGIN_MOST  30
#define TOKEN_MOST   86400

void ush_api_answer_free(struct ush_api_answer *answer)
{
	json_decref(answer->body);
	ush_http_response_free(&answer->response);
	*answer = (struct ush_api_answer){0};
}

/* ---- opening ---- */

static int read_ca(struct ush_api *api, struct ush_error *err)
{
	const char *path = ush_source_text(api->source, "ca");
	USH_AUTO_BUF pem = USH_BUF_MAX(CA_MAX);

	if (path == NULL)
		return 0;
	if (ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &pem, NULL, err) != 0)
		return -1;
	api->ca_pem = ush_buf_take(&pem);
	return 0;
}

int ush_api_open(struct ush_api *api, const struct ush_world *world, const struct ush_policy_source *source, const struct ush_api_kind *kind,
		 const char *base, struct ush_error *err)
{
	const char *url = base != NULL ? base : ush_source_text(source, "url");
	size_t length = strlen(url);

	while (length > 0 && url[length - 1] == '/')
		length--;
	*api = (struct ush_api){.world = world, .source = source, .kind = kind, .base = ush_strndup(url, length)};
	api->deadline = ush_boot_ms(world) + ush_source_number(source, "timeout", USH_API_TIMEOUT) * 1000;
	api->budget = ush_source_number(source, "budget", USH_API_BUDGET) * 1000;
	if (ush_replaying(world)) {
		if (ush_setting_row(source->kind, "federatedTokenFile") == NULL || !ush_source_has(source, "federatedTokenFile"))
			api->credential = ush_secret_new("replayed", 8);
		return 0;
	}
	if (ush_credential_read(source, &api->credential, err) != 0 || read_ca(api, err) != 0)
		return -1;
	if (kind->sign_in != NULL || api->credential != NULL)
		return 0;
	ush_fail(err, USH_ERR_CONFIG, "no secret is named");
	return ush_hint(err, "Say one of secretFile, secretCommand, secretEnv, secretKeyring under sources.%s.%s", source->name, source->kind->type);
}

void ush_api_close(struct ush_api *api)
{
	ush_secret_free(api->token);
	ush_secret_free(api->credential);
	free(api->ca_pem);
	free(api->base);
	*api = (struct ush_api){0};
}

void ush_api_token(struct ush_api *api, const char *token, size_t length, int64_t seconds)
{
	int64_t margin;

	seconds = seconds < 0 ? 0 : seconds > TOKEN_MOST ? TOKEN_MOST : seconds; /* who says more means never */
	margin = seconds / MARGIN_PARTS < MARGIN_MOST ? seconds / MARGIN_PARTS : MARGIN_MOST;
	ush_secret_free(api->token);
	api->token = ush_secret_new(token, length);
	if (!ush_replaying(api->world))
		ush_credential_remember(api->token);
	api->token_ends = seconds > 0 ? ush_boot_ms(api->world) + (seconds - margin) * 1000 : 0;
	api->generation++;
}

int ush_api_settle(const struct ush_api *api, int result, const struct ush_error *why, struct ush_groups *groups, struct ush_error *err)
{
	groups->requests += api->requests;
	if (result == 0)
		return 0;
	if (why->code == USH_ERR_CONFIG) {
		ush_fail(err, why->code, "%s", why->what);
		return why->hint[0] != '\0' ? ush_hint(err, "%s", why->hint) : -1;
	}
	if (groups->why == NULL && groups->advice == NULL && why->hint[0] != '\0')
		groups->advice = ush_strdup(why->hint);
	return ush_groups_incomplete(groups, "%s", why->what);
}

/* ---- one at a time ---- */

int ush_api_get(struct ush_api *api, const struct ush_api_get *get, struct ush_api_answer *answer, struct ush_error *err)
{
	struct ush_ask ask = {.get = *get};
	int result = ush_ask_begin(api, &ask, err);

	*answer = (struct ush_api_answer){0};
	if (result == 0)
		result = ush_ask_run(api, &ask, answer, err);
	ush_ask_end(&ask);
	return result;
}

int ush_api_post_form(struct ush_api *api, const char *url, const struct ush_secret *basic, const struct ush_buf *form, const char *what,
		      struct ush_api_answer *answer, struct ush_error *err)
{
	struct ush_ask ask = {.get = {.target = url, .what = what}, .basic = basic, .form = form};
	int result = ush_ask_begin(api, &ask, err);

	*answer = (struct ush_api_answer){0};
	if (result == 0)
		result = ush_ask_run(api, &ask, answer, err);
	ush_ask_end(&ask);
	return result;
}

int ush_api_write(struct ush_api *api, const struct ush_api_write *write, struct ush_api_answer *answer, struct ush_error *err)
{
	struct ush_ask ask = {.get = {.target = write->target, .what = write->what, .allow404 = true}, .write = write->method};
	int result = ush_ask_begin(api, &ask, err);

	*answer = (struct ush_api_answer){0};
	if (result == 0)
		result = ush_ask_run(api, &ask, answer, err);
	ush_ask_end(&ask);
	return result;
}

static int only_first(void *context, size_t index, struct ush_api_get *get, struct ush_error *err)
{
	const struct ush_api_chain *chain = context;

	(void)index;
	(void)err;
	*get = (struct ush_api_get){.target = chain->target, .what = chain->what, .extra = chain->extra};
	return 0;
}

static int only_page(void *context, size_t index, struct ush_api_answer *answer, char **next, struct ush_error *err)
{
	const struct ush_api_chain *chain = context;

	(void)index;
	return chain->page(chain->context, answer, next, err);
}

int ush_api_chain(struct ush_api *api, const struct ush_api_chain *chain, struct ush_error *err)
{
	struct ush_api_chains one = {.count = 1, .width = 1, .most = chain->most, .first = only_first, .page = only_page, .context = (void *)chain};

	return ush_api_chains(api, &one, err);
}

/* ---- what answers say ---- */

int64_t ush_api_until(const struct ush_api *api, const struct ush_http_response *response, const char *header)
{
	const char *text = ush_http_header(response, header);
	int64_t now = response->date > 0 ? response->date : ush_now(api->world);
	char *end = NULL;
	long long at = text != NULL ? strtoll(text, &end, 10) : 0;

	if (text == NULL || end == text || (*end != '\0' && *end != '.') || at <= 0)
		return -1;
	return at > now ? at - now : 0;
}

/* How long a parameter's value is: a token, or a quoted-string with its quotes (RFC 9110 section 5.6.4). */
static size_t value_length(const char *at)
{
	size_t length = 1;

	if (*at != '"')
		return strcspn(at, ";, \t");
	while (at[length] != '\0' && at[length] != '"')
		length += at[length] == '\\' && at[length + 1] != '\0' ? 2 : 1;
	return length + (at[length] == '"');
}

static bool says_next(const char *value, size_t length)
{
	for (const char *word = value, *end = value + length; word < end; word += strcspn(word, " \"") + 1)
		if (strncasecmp(word, "next", 4) == 0 && (word + 4 >= end || word[4] == ' ' || word[4] == '"'))
			return true;
	return false;
}

/* One link-value of RFC 8288: <URL>; a=b; rel="x next". Returns what is behind it, NULL when it is malformed. */
static const char *link_value(const char *at, const char **url, size_t *length, bool *next)
{
	const char *end;

	if (*at != '<' || (end = strchr(at, '>')) == NULL)
		return NULL;
	*url = at + 1;
	*length = (size_t)(end - at - 1);
	*next = false;
	for (at = end + 1; at += strspn(at, " \t"), *at == ';';) {
		size_t name = strcspn(at += 1 + strspn(at + 1, " \t"), "=;, \t");
		bool is_rel = name == 3 && strncasecmp(at, "rel", 3) == 0;
		size_t size;

		at += name;
		at += strspn(at, " \t");
		if (*at != '=')
			continue;
		at += 1 + strspn(at + 1, " \t");
		size = value_length(at);
		*next |= is_rel && says_next(at, size);
		at += size;
	}
	return at + strspn(at, " \t");
}

/* What a Link line says of the next page, as above. */
static char *next_in(const char *line)
{
	const char *at = line, *url;
	size_t length;
	bool next;

	for (at += strspn(at, " \t,"); *at != '\0'; at += strspn(at, " \t,")) {
		at = link_value(at, &url, &length, &next);
		if (at == NULL || (*at != ',' && *at != '\0'))
			return strcasestr(line, "next") != NULL ? ush_strdup(line) : NULL;
		if (next)
			return ush_strndup(url, length);
	}
	return NULL;
}

char *ush_api_link_next(const struct ush_http_response *response)
{
	char *next = NULL;
	const char *line;

	for (size_t i = 0; next == NULL && (line = ush_http_header_at(response, "Link", i)) != NULL; i++)
		next = next_in(line);
	return next;
}

int ush_api_next_text(const json_t *page, const char *key, const char *what, const char **next, struct ush_error *err)
{
	const json_t *value = json_object_get(page, key);

	*next = json_is_string(value) && json_string_length(value) > 0 ? json_string_value(value) : NULL;
	if (value == NULL || json_is_null(value) || json_is_string(value))
		return 0;
	return ush_fail(err, USH_ERR_INCOMPLETE, "a page of %s says by \"%s\" where the next one is, and that is no text", what, key);
}

/* ---- two readings ---- */

static void name_difference(struct ush_buf *text, size_t *named, const char *id, const char *what)
{
	if ((*named)++ < NAMED_MOST)
		ush_buf_printf(text, "%s%.80s %s", *named > 1 ? ", " : "", id, what);
}

bool ush_api_agree(struct ush_groups *groups, struct ush_list *first, struct ush_list *second)
{
	USH_AUTO_BUF text = {0};
	size_t a = 0, b = 0, named = 0;

	ush_list_sort(first);
	ush_list_sort(second);
	while (a < first->count || b < second->count) {
		int order = a == first->count ? 1 : b == second->count ? -1 : strcmp(first->items[a], second->items[b]);

		if (order < 0)
			name_difference(&text, &named, first->items[a], "went");
		else if (order > 0)
			name_difference(&text, &named, second->items[b], "came");
		a += order <= 0;
		b += order >= 0;
	}
	if (named == 0)
		return true;
	if (named > NAMED_MOST)
		ush_buf_printf(&text, " and %zu more", named - NAMED_MOST);
	ush_groups_incomplete(groups, "groups changed while they were read: %s", text.data);
	if (groups->advice == NULL)
		groups->advice = ush_strdup("The next run will do, when nobody changes groups meanwhile");
	return false;
}
