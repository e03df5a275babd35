/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/flow/flow.h"

#include <string.h>
#include <strings.h>

#include "common/base/memory.h"
#include "common/data/json.h"

#define SKEW_MAX  300 /* seconds of a provider's Date that we believe */
#define LEEWAY    60
#define TOKEN_MAX 65536
#define SCOPE_MAX 4096

void ush_grant_free(struct ush_grant *grant)
{
	if (grant == NULL)
		return;
	ush_secret_free(grant->id_token);
	ush_secret_free(grant->refresh);
	ush_secret_free(grant->access);
	ush_claims_free(grant->claims);
	free(grant->nonce);
	free(grant->scope);
	free(grant);
}

void ush_token_answer_free(struct ush_token_answer *answer)
{
	free(answer->error);
	free(answer->description);
	ush_secret_free(answer->refresh);
	memset(answer, 0, sizeof *answer);
}

static bool is_html(const struct ush_http_response *response)
{
	const char *body = response->body.data != NULL ? response->body.data : "";

	return strstr(response->content_type, "html") != NULL || body[strspn(body, " \t\r\n")] == '<';
}

void ush_token_refusal(struct ush_token_answer *answer, const struct ush_http_response *response)
{
	struct ush_error ignored = {0};
	USH_AUTO_JSON body = NULL;
	USH_AUTO_FREE char *told = NULL;
	const char *error, *description;

	if (response->status < 400 || response->status >= 500 || response->status == 429 || response->body.length == 0)
		return;
	body = ush_json_parse(response->body.data, response->body.length, "refusal", USH_ERR_REJECTED, &ignored);
	error = ush_json_string(body, "error");
	description = ush_json_string(body, "error_description");
	if (error == NULL || error[0] == '\0')
		return;
	answer->error = ush_strndup(error, strnlen(error, 80));
	told = description != NULL ? ush_text_without_tokens(description) : NULL; /* some quote what they refuse */
	answer->description = told != NULL ? ush_strndup(told, strnlen(told, 200)) : NULL;
}

/* Everything that is not a 200. */
static int refuse(const struct ush_flow *flow, const char *host, const struct ush_http_response *response,
		  bool refreshing, struct ush_token_answer *answer, struct ush_error *err)
{
	int status = response->status;
	bool page = is_html(response);

	ush_token_refusal(answer, response);
	if (answer->error != NULL)
		ush_client_refused(flow, answer->error);
	if (answer->error != NULL)
		return ush_fail(err, USH_ERR_REJECTED, "%s refused (%s%s%s)", host, answer->error,
				answer->description != NULL ? ": " : "",
				answer->description != NULL ? answer->description : "");
	if (status == 429 || status == 408 || status >= 500)
		return ush_fail(err, USH_ERR_UNAVAILABLE, "%s cannot answer now (HTTP %d)", host, status);
	if (status >= 300 && status < 400)
		return ush_fail(err, refreshing ? USH_ERR_UNAVAILABLE : USH_ERR_REJECTED,
				"%s answered with a redirect (HTTP %d), which is not followed%s", host, status,
				refreshing ? "; is there a login page of this network in between?" : "");
	return ush_fail(err, refreshing && page ? USH_ERR_UNAVAILABLE : USH_ERR_REJECTED,
			"%s answered HTTP %d without a reason", host, status);
}

static struct ush_secret *secret_member(const json_t *body, const char *key)
{
	const json_t *value = json_object_get(body, key);
	size_t length = json_is_string(value) ? json_string_length(value) : 0;

	return length > 0 && length <= TOKEN_MAX ? ush_secret_new(json_string_value(value), length) : NULL;
}

/* When the refresh token ends, for providers that say so; OpenID Connect has no word for it. */
static int64_t refresh_end(const json_t *body, int64_t now)
{
	static const char *const names[] = {"refresh_expires_in", "refresh_token_expires_in"};
	static const int64_t ten_years = 315360000;

	for (size_t i = 0; i < USH_COUNT(names); i++) {
		int64_t seconds = 0;

		if (ush_json_date(body, names[i], &seconds) == 1 && seconds > 0 && seconds <= ten_years)
			return now + seconds;
	}
	return 0;
}

static struct ush_grant *read_grant(const struct ush_flow *flow, const char *host,
				    const struct ush_http_response *response, struct ush_error *err)
{
	USH_AUTO_GRANT grant = ush_new(struct ush_grant);
	USH_AUTO_JSON body = NULL;
	const char *type, *scope;

	body = ush_json_parse(response->body.data != NULL ? response->body.data : "", response->body.length,
			      "token endpoint's answer", USH_ERR_REJECTED, err);
	if (body == NULL) {
		ush_error_at(err, "%s", host);
		return NULL;
	}
	type = ush_json_string(body, "token_type");
	scope = ush_json_string(body, "scope");
	grant->id_token = secret_member(body, "id_token");
	grant->id_token_size = json_string_length(json_object_get(body, "id_token"));
	grant->refresh = secret_member(body, "refresh_token");
	grant->access = secret_member(body, "access_token");
	if (scope != NULL && scope[0] != '\0' && strlen(scope) <= SCOPE_MAX)
		grant->scope = ush_strdup(scope);
	grant->refresh_expires = refresh_end(body, ush_now(flow->world));
	if (type == NULL || strcasecmp(type, "bearer") != 0) {
		ush_fail(err, USH_ERR_REJECTED, "%s gave tokens of type \"%s\", Bearer is wanted", host,
			 type != NULL ? type : "");
		return NULL;
	}
	return ush_steal(&grant);
}

static int64_t measured_skew(const struct ush_flow *flow, const struct ush_http_response *response)
{
	return response->date != 0 ? response->date - ush_now(flow->world) : 0;
}

static int check(const struct ush_flow *flow, const char *host, int64_t raw_skew, struct ush_grant *grant,
		 const struct ush_expect *wanted, struct ush_error *err)
{
	struct ush_expect expect = *wanted;

	grant->skew = raw_skew > SKEW_MAX ? SKEW_MAX : raw_skew < -SKEW_MAX ? -SKEW_MAX : raw_skew;
	if (grant->id_token_size > TOKEN_MAX)
		return ush_fail(err, USH_ERR_REJECTED, "%s gave an ID token of %zu bytes, the most that is taken is %d: it may hold too "
				"many groups", host, grant->id_token_size, TOKEN_MAX);
	if (grant->id_token == NULL) {
		ush_fail(err, USH_ERR_REJECTED, "%s gave no ID token%s", host,
			 wanted->subject != NULL ? " with the refresh" : "");
		return wanted->subject != NULL
			       ? ush_hint(err, "Run: kubectl usher login --profile %s", flow->profile->name)
			       : -1;
	}
	expect.now = ush_now(flow->world) + grant->skew;
	expect.leeway = LEEWAY;
	expect.access_token = grant->access;
	grant->claims = ush_id_token_check(flow->world, flow->provider, grant->id_token, &expect, err);
	if (grant->claims != NULL)
		return 0;
	if (raw_skew > SKEW_MAX || raw_skew < -SKEW_MAX)
		ush_hint(err, "This machine's clock is %lld minutes %s %s",
			 (long long)(raw_skew > 0 ? raw_skew : -raw_skew) / 60, raw_skew > 0 ? "behind" : "ahead of",
			 host);
	return -1;
}

struct ush_grant *ush_token_request(const struct ush_flow *flow, struct ush_buf *form, const struct ush_expect *expect,
				    struct ush_token_answer *answer, struct ush_error *err)
{
	USH_AUTO_FREE char *host = ush_provider_host(flow->provider->settings);
	USH_AUTO_RESPONSE response = {0};
	USH_AUTO_GRANT grant = NULL;
	bool refreshing = expect->subject != NULL;

	ush_token_answer_free(answer);
	if (ush_client_post(flow, flow->provider->token_endpoint, form, &response, err) != 0)
		return NULL;
	answer->status = response.status;
	if (response.status != 200) {
		refuse(flow, host, &response, refreshing, answer, err);
		return NULL;
	}
	if (is_html(&response)) {
		ush_fail(err, refreshing ? USH_ERR_UNAVAILABLE : USH_ERR_REJECTED, "%s answered with a web page%s",
			 host,
			 refreshing ? "; is there a login page of this network in between?"
				    : " where tokens were asked for");
		return NULL;
	}
	grant = read_grant(flow, host, &response, err);
	if (grant == NULL)
		return NULL;
	answer->granted = true;
	if (check(flow, host, measured_skew(flow, &response), grant, expect, err) != 0) {
		answer->refresh = ush_steal(&grant->refresh);
		return NULL;
	}
	return ush_steal(&grant);
}
