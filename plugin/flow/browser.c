/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/flow/flow.h"

#include <string.h>

#include "common/base/memory.h"

/* One sign-in: what is sent to the provider and must come back. */
struct attempt {
	struct ush_pkce pkce;
	char *state, *nonce, *url;
};

static void attempt_free(struct attempt *attempt)
{
	ush_pkce_free(&attempt->pkce);
	free(attempt->state);
	free(attempt->nonce);
	free(attempt->url);
}

#define AUTO_ATTEMPT __attribute__((cleanup(attempt_free))) struct attempt

/* prompt=consent: without it some providers leave offline_access out in silence, and with it the refresh token. */
static char *authorization_url(const struct ush_flow *flow, const struct attempt *attempt, const char *redirect_uri)
{
	const struct ush_profile *profile = flow->profile;
	USH_AUTO_FREE char *scope = ush_client_scope(flow);
	USH_AUTO_BUF query = USH_BUF_MAX(16384);
	const struct {
		const char *key, *value;
	} parameters[] = {
		{"response_type", "code"},
		{"client_id", profile->client},
		{"redirect_uri", redirect_uri},
		{"scope", scope},
		{"state", attempt->state},
		{"nonce", attempt->nonce},
		{"code_challenge", attempt->pkce.challenge},
		{"code_challenge_method", "S256"},
		{"prompt", flow->online ? NULL : "consent"},
		{"login_hint", profile->account},
	};
	const char *endpoint = flow->provider->authorization_endpoint;

	for (size_t i = 0; i < USH_COUNT(parameters); i++)
		if (parameters[i].value != NULL)
			ush_form_add(&query, parameters[i].key, parameters[i].value);
	return ush_printf("%s%c%s", endpoint, strchr(endpoint, '?') != NULL ? '&' : '?', query.data);
}

static void begin(const struct ush_flow *flow, struct ush_callback *callback, struct attempt *attempt)
{
	ush_pkce_make(flow->world, &attempt->pkce);
	attempt->state = ush_client_random(flow->world);
	attempt->nonce = ush_client_random(flow->world);
	attempt->url = authorization_url(flow, attempt, ush_callback_redirect_uri(callback));
	ush_callback_expect(callback, attempt->url, attempt->state, flow->profile->issuer,
			    flow->provider->iss_parameter);
}

/* Opens the one-shot local URL, so that state and challenge are in nobody's process list. A browser that does not start
 * is no error: the URL is on the screen. */
static int show(const struct ush_flow *flow, const struct ush_callback *callback, const struct attempt *attempt,
		struct ush_error *err)
{
	USH_AUTO_FREE char *host = ush_provider_host(flow->provider->settings);
	const char *local = ush_callback_start_url(callback);
	struct ush_error why = {0};
	int64_t left = (flow->deadline_ms - ush_boot_ms(flow->world)) / 1000;
	bool hook = flow->open != NULL, able = hook || ush_open_possible(flow->profile->browser);
	int opened = -1;

	if (able)
		opened = hook ? flow->open(flow->open_context, local, &why)
			      : ush_open_url(flow->profile->browser, local, &why);
	if (opened != 0 && why.code == USH_ERR_REJECTED) {
		*err = why;
		return -1;
	}
	if (opened == 0)
		ush_say(flow->say, "signing in at %s; your browser should open. If it does not, open", host);
	else if (able)
		ush_say(flow->say, "signing in at %s; no browser opened (%s). Open on this machine", host, why.what);
	else
		ush_say(flow->say, "signing in at %s; no browser is known here. Open on this machine", host);
	ush_say(flow->say, "  %s", attempt->url);
	ush_say(flow->say, "waiting for you, %lld:%02lld left, Ctrl-C stops", (long long)left / 60,
		(long long)left % 60);
	return 0;
}

static struct ush_grant *exchange(const struct ush_flow *flow, const struct ush_callback *callback,
				  const struct attempt *attempt, const struct ush_secret *code, struct ush_error *err)
{
	USH_AUTO_ANSWER answer = {0};
	USH_AUTO_GRANT grant = NULL;
	USH_AUTO_BUF form = USH_BUF_MAX(65536);
	const struct ush_expect expect = {
		.issuer = flow->profile->issuer,
		.client = flow->profile->client,
		.nonce = attempt->nonce,
	};

	ush_form_add(&form, "grant_type", "authorization_code");
	ush_form_add(&form, "code", ush_secret_reveal(code));
	ush_form_add(&form, "redirect_uri", ush_callback_redirect_uri(callback));
	ush_form_add(&form, "code_verifier", ush_secret_reveal(attempt->pkce.verifier));
	grant = ush_token_request(flow, &form, &expect, &answer, err);
	if (grant != NULL)
		grant->nonce = ush_strdup(attempt->nonce);
	if (grant != NULL && grant->scope == NULL)
		grant->scope = ush_client_scope(flow);
	return ush_steal(&grant);
}

struct ush_grant *ush_flow_browser(const struct ush_flow *flow, struct ush_error *err)
{
	USH_AUTO_CALLBACK callback = ush_callback_start(flow->world, err);
	AUTO_ATTEMPT attempt = {0};
	USH_AUTO_SECRET code = NULL;
	USH_AUTO_GRANT grant = NULL;

	if (callback == NULL)
		return NULL;
	begin(flow, callback, &attempt);
	if (flow->asks != NULL)
		flow->asks(flow->asks_context, flow->deadline_ms);
	if (show(flow, callback, &attempt, err) != 0)
		return NULL;
	if (ush_callback_wait(callback, flow->deadline_ms, &code, err) != 0) {
		if (flow->unanswered != NULL && ush_boot_ms(flow->world) >= flow->deadline_ms)
			*flow->unanswered = true;
		if (ush_callback_refusal(callback) != NULL)
			ush_client_refused(flow, ush_callback_refusal(callback));
		ush_callback_finish(callback, false);
		return NULL;
	}
	grant = exchange(flow, callback, &attempt, code, err);
	ush_callback_finish(callback, grant != NULL);
	return ush_steal(&grant);
}
