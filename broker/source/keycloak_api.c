/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/keycloak_api.h"

#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/net/http.h"

#define SECRET_MAX 4096
#define CA_MAX	   (1U << 20)
#define ANSWER_MAX (8U << 20)
#define WAIT_MAX   30000 /* ms that a Retry-After may ask for */
#define PAGES_MAX  20000

/* ---- opening ---- */

static char *encoded(const char *text)
{
	struct ush_buf buf = {0};

	ush_url_encode(&buf, text);
	return ush_buf_take(&buf);
}

static int read_secret(struct ush_keycloak *kc, struct ush_error *err)
{
	USH_AUTO_BUF text = USH_BUF_MAX(SECRET_MAX);
	USH_AUTO_BUF basic = USH_BUF_MAX(4 * SECRET_MAX);

	if (ush_file_read(ush_source_text(kc->source, "secretFile"), USH_FILE_PRIVATE, USH_ERR_CONFIG, &text, NULL, err) != 0)
		return -1;
	while (text.length > 0 && (text.data[text.length - 1] == '\n' || text.data[text.length - 1] == '\r'))
		text.data[--text.length] = '\0';
	if (text.length == 0 || strlen(text.data) != text.length)
		return ush_fail(err, USH_ERR_CONFIG, "%s: holds no secret", ush_source_text(kc->source, "secretFile"));
	ush_url_encode(&basic, ush_source_text(kc->source, "client"));
	ush_buf_puts(&basic, ":");
	ush_url_encode(&basic, text.data);
	if (basic.overflow)
		return ush_fail(err, USH_ERR_CONFIG, "%s: the secret is too long", ush_source_text(kc->source, "secretFile"));
	kc->basic = ush_secret_new(basic.data, basic.length);
	return 0;
}

int ush_keycloak_open(struct ush_keycloak *kc, const struct ush_world *world, const struct ush_policy_source *source, struct ush_error *err)
{
	USH_AUTO_BUF ca = USH_BUF_MAX(CA_MAX);

	*kc = (struct ush_keycloak){.world = world, .source = source, .realm = encoded(ush_source_text(source, "realm")),
				    .deadline = ush_boot_ms(world) + USH_KEYCLOAK_WHOLE};
	if (read_secret(kc, err) != 0)
		return -1;
	if (ush_source_text(source, "ca") == NULL)
		return 0;
	if (ush_file_read(ush_source_text(source, "ca"), USH_FILE_ANY, USH_ERR_CONFIG, &ca, NULL, err) != 0)
		return -1;
	kc->ca_pem = ush_buf_take(&ca);
	return 0;
}

void ush_keycloak_close(struct ush_keycloak *kc)
{
	ush_secret_free(kc->basic);
	ush_secret_free(kc->token);
	free(kc->ca_pem);
	free(kc->realm);
	*kc = (struct ush_keycloak){0};
}

/* ---- one exchange, with its retries ---- */

static const char *host(const struct ush_keycloak *kc)
{
	const char *after = strstr(ush_source_text(kc->source, "url"), "://");

	return after != NULL ? after + 3 : ush_source_text(kc->source, "url");
}

static const char *times(unsigned int count, char *out, size_t size)
{
	static const char *const words[] = {"never", "once", "twice", "three times", "four times"};

	if (count < USH_COUNT(words))
		return words[count];
	snprintf(out, size, "%u times", count);
	return out;
}

/*
 * Sends until an answer is worth reading: a broken connection, 429 and 5xx are tried again, USH_KEYCLOAK_TRIES times in
 * all. The last answer is returned whatever its status, except that a failure is USH_ERR_INCOMPLETE.
 */
static int exchange(struct ush_keycloak *kc, struct ush_http_request *request, const char *what, struct ush_http_response *response,
		    struct ush_error *err)
{
	int64_t wait = 500, pause;
	char word[32];

	request->ca_pem = kc->ca_pem;
	request->loopback_http = ush_source_flag(kc->source, "allowLoopbackHttp");
	request->max_bytes = ANSWER_MAX;
	for (unsigned int tries = 1;; tries++, wait *= 2) {
		struct ush_error why = {0};
		int failed;

		if (ush_boot_ms(kc->world) > kc->deadline)
			return ush_fail(err, USH_ERR_INCOMPLETE, "%s: the listing took longer than %d minutes", what, USH_KEYCLOAK_WHOLE / 60000);
		ush_http_response_free(response);
		*response = (struct ush_http_response){0};
		failed = ush_http(kc->world, request, response, &why);
		if (failed && why.code != USH_ERR_UNAVAILABLE)
			return ush_fail(err, USH_ERR_INCOMPLETE, "%s: %s", what, why.what);
		if (!failed && response->status != 429 && response->status < 500)
			return 0;
		if (tries == USH_KEYCLOAK_TRIES && failed)
			return ush_fail(err, USH_ERR_INCOMPLETE, "%s: %s, tried %s", what, why.what, times(tries, word, sizeof word));
		if (tries == USH_KEYCLOAK_TRIES)
			return ush_fail(err, USH_ERR_INCOMPLETE, "%s answered %d %s", what, response->status, times(tries, word, sizeof word));
		pause = !failed && response->retry_after_ms > wait ? response->retry_after_ms : wait;
		if (ush_sleep_ms(kc->world, pause < WAIT_MAX ? pause : WAIT_MAX) != 0)
			return ush_fail(err, USH_ERR_INCOMPLETE, "%s: interrupted", what);
	}
}

/* ---- the token ---- */

static int token_refused(struct ush_keycloak *kc, const struct ush_http_response *response, struct ush_error *err)
{
	struct ush_error ignored = {0};
	USH_AUTO_JSON body = ush_json_parse(response->body.data != NULL ? response->body.data : "", response->body.length, "answer", USH_ERR_INCOMPLETE, &ignored);
	const char *error = ush_json_string(body, "error");

	ush_fail(err, USH_ERR_INCOMPLETE, "%s gives client %s no token: %d %s", host(kc), ush_source_text(kc->source, "client"), response->status, error != NULL ? error : "");
	if (response->status == 400 || response->status == 401)
		ush_hint(err, "Look at the client: does %s hold its secret, is \"service accounts\" on?", ush_source_text(kc->source, "secretFile"));
	return -1;
}

static int new_token(struct ush_keycloak *kc, struct ush_error *err)
{
	static const char body[] = "grant_type=client_credentials";
	USH_AUTO_FREE char *url = ush_printf("%s/realms/%s/protocol/openid-connect/token", ush_source_text(kc->source, "url"), kc->realm);
	struct ush_http_request request = {.method = "POST", .url = url, .basic = kc->basic, .content_type = "application/x-www-form-urlencoded",
					   .body = body, .body_length = sizeof body - 1};
	USH_AUTO_RESPONSE response = {0};
	USH_AUTO_JSON answer = NULL;
	const char *token;

	if (exchange(kc, &request, "the token endpoint", &response, err) != 0)
		return -1;
	if (response.status != 200)
		return token_refused(kc, &response, err);
	answer = ush_json_parse(response.body.data != NULL ? response.body.data : "", response.body.length, "the token endpoint's answer",
				USH_ERR_INCOMPLETE, err);
	token = ush_json_string(answer, "access_token");
	if (token == NULL || *token == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "the token endpoint's answer holds no access_token");
	ush_secret_free(kc->token);
	kc->token = ush_secret_new(token, strlen(token));
	return 0;
}

/* ---- GET ---- */

static int get_refused(struct ush_keycloak *kc, int status, const char *what, struct ush_error *err)
{
	ush_fail(err, USH_ERR_INCOMPLETE, "%s: %s answered %d", what, host(kc), status);
	if (status == 403)
		ush_hint(err, "Give the service account of client %s the role view-users of realm-management", ush_source_text(kc->source, "client"));
	return -1;
}

int ush_keycloak_get(struct ush_keycloak *kc, const char *path, const char *what, json_t **out, struct ush_error *err)
{
	USH_AUTO_FREE char *url = ush_printf("%s/admin/realms/%s%s", ush_source_text(kc->source, "url"), kc->realm, path);
	USH_AUTO_RESPONSE response = {0};

	for (int fresh = kc->token == NULL;; fresh++) {
		struct ush_http_request request = {.url = url};

		if (kc->token == NULL && new_token(kc, err) != 0)
			return -1;
		request.bearer = kc->token;
		if (exchange(kc, &request, what, &response, err) != 0)
			return -1;
		if (response.status != 401 || fresh > 0)
			break;
		ush_secret_free(kc->token); /* these live for minutes or less; a long listing outlives them */
		kc->token = NULL;
	}
	if (response.status != 200)
		return get_refused(kc, response.status, what, err);
	*out = ush_json_parse(response.body.data != NULL ? response.body.data : "", response.body.length, what, USH_ERR_INCOMPLETE, err);
	return *out != NULL ? 0 : -1;
}

int ush_keycloak_list(struct ush_keycloak *kc, const char *path, const char *what,
		      int (*item)(void *context, const json_t *item, struct ush_error *err), void *context, struct ush_error *err)
{
	size_t count = USH_KEYCLOAK_PAGE, first = 0, i;
	json_t *value;

	for (unsigned int page = 1; count >= USH_KEYCLOAK_PAGE; page++, first += count) {
		USH_AUTO_FREE char *full = ush_printf("%s%sfirst=%zu&max=%d", path, strchr(path, '?') != NULL ? "&" : "?", first, USH_KEYCLOAK_PAGE);
		USH_AUTO_FREE char *name = ush_printf("page %u of %s", page, what);
		USH_AUTO_JSON list = NULL;

		if (page > PAGES_MAX)
			return ush_fail(err, USH_ERR_INCOMPLETE, "%s does not end", what);
		if (ush_keycloak_get(kc, full, name, &list, err) != 0)
			return -1;
		if (!json_is_array(list))
			return ush_fail(err, USH_ERR_INCOMPLETE, "%s is no list", name);
		count = json_array_size(list);
		json_array_foreach(list, i, value)
			if (item(context, value, err) != 0)
				return -1;
	}
	return 0;
}
