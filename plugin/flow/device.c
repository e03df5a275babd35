/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/flow/flow.h"

#include <string.h>
#include <strings.h>

#include "common/base/memory.h"
#include "common/data/json.h"

#define INTERVAL_LEAST 5 /* seconds between polls, whatever the provider says */
#define INTERVAL_MOST  60
#define SLOWER         5 /* RFC 8628 section 3.5 */
#define LIFE_DEFAULT   600
#define LIFE_MOST      1800

/* RFC 8628 section 3.2, checked. */
struct invitation {
	struct ush_secret *device_code;
	char *user_code, *uri;
	int64_t interval, life; /* seconds */
};

static void invitation_free(struct invitation *invitation)
{
	ush_secret_free(invitation->device_code);
	free(invitation->user_code);
	free(invitation->uri);
}

#define AUTO_INVITATION __attribute__((cleanup(invitation_free))) struct invitation

/* A page that a person is sent to must be the provider's: https, on the issuer's host or one that the profile names. */
static int page_allowed(const struct ush_flow *flow, const char *what, const char *text, struct ush_error *err)
{
	const struct ush_provider_settings *settings = flow->provider->settings;
	USH_AUTO_URL page = {0};
	USH_AUTO_URL issuer = {0};

	if (ush_url_parse(&page, text, USH_ERR_REJECTED, err) != 0 ||
	    ush_url_parse(&issuer, settings->issuer, USH_ERR_CONFIG, err) != 0)
		return ush_error_at(err, "%s", what);
	if (strcmp(page.scheme, "https") != 0 && !(settings->loopback_http && page.loopback))
		return ush_fail(err, USH_ERR_REJECTED, "%s %s is not https", what, text);
	if (strcmp(page.host, issuer.host) == 0)
		return 0;
	for (size_t i = 0; settings->endpoint_hosts != NULL && settings->endpoint_hosts[i] != NULL; i++)
		if (strcasecmp(page.host, settings->endpoint_hosts[i]) == 0)
			return 0;
	ush_fail(err, USH_ERR_REJECTED, "%s is on %s, not on %s", what, page.host, issuer.host);
	return ush_hint(err, "If that is the provider's too, add it to endpoint-hosts in %s", flow->profile->path);
}

static int64_t clamp(const json_t *body, const char *key, int64_t fallback, int64_t least, int64_t most)
{
	const json_t *value = json_object_get(body, key);
	double number = json_is_number(value) ? json_number_value(value) : (double)fallback;

	return number < (double)least ? least : number > (double)most ? most : (int64_t)number;
}

static int read_invitation(const struct ush_flow *flow, const struct ush_http_response *response,
			   struct invitation *invitation, struct ush_error *err)
{
	USH_AUTO_JSON body = ush_json_parse(response->body.data != NULL ? response->body.data : "",
					    response->body.length, "device endpoint's answer", USH_ERR_REJECTED, err);
	const char *device_code = ush_json_string(body, "device_code"), *user_code = ush_json_string(body, "user_code");
	const char *uri = ush_json_string(body, "verification_uri"),
		   *complete = ush_json_string(body, "verification_uri_complete");

	if (body == NULL)
		return -1;
	if (uri == NULL)
		uri = ush_json_string(body, "verification_url"); /* a large provider's older spelling */
	if (device_code == NULL || device_code[0] == '\0' || user_code == NULL || user_code[0] == '\0' || uri == NULL)
		return ush_fail(err, USH_ERR_REJECTED, "the device endpoint gave no code");
	if (strlen(user_code) > 64)
		return ush_fail(err, USH_ERR_REJECTED,
				"the device endpoint gave a code of %zu bytes for a person to type", strlen(user_code));
	if (page_allowed(flow, "verification_uri", uri, err) != 0 ||
	    (complete != NULL && page_allowed(flow, "verification_uri_complete", complete, err) != 0))
		return -1;
	invitation->device_code = ush_secret_new(device_code, strlen(device_code));
	invitation->user_code = ush_strdup(user_code);
	invitation->uri = ush_strdup(uri);
	invitation->interval = clamp(body, "interval", INTERVAL_LEAST, INTERVAL_LEAST, INTERVAL_MOST);
	invitation->life = clamp(body, "expires_in", LIFE_DEFAULT, 1, LIFE_MOST);
	return 0;
}

static int invite(const struct ush_flow *flow, const char *host, const struct ush_pkce *pkce,
		  struct invitation *invitation, struct ush_error *err)
{
	USH_AUTO_FREE char *scope = ush_client_scope(flow);
	USH_AUTO_ANSWER refusal = {0};
	USH_AUTO_RESPONSE response = {0};
	USH_AUTO_BUF form = USH_BUF_MAX(65536);

	ush_form_add(&form, "scope", scope);
	if (!flow->online)
		ush_form_add(&form, "prompt", "consent");
	ush_form_add(&form, "code_challenge", pkce->challenge);
	ush_form_add(&form, "code_challenge_method", "S256");
	if (ush_client_post(flow, flow->provider->device_authorization_endpoint, &form, &response, err) != 0)
		return -1;
	if (response.status == 200)
		return read_invitation(flow, &response, invitation, err) == 0 ? 0 : ush_error_at(err, "%s", host);
	ush_token_refusal(&refusal, &response);
	if (refusal.error != NULL)
		ush_client_refused(flow, refusal.error);
	if (refusal.error != NULL)
		return ush_fail(err, USH_ERR_REJECTED, "%s refused the device flow (%s%s%s)", host, refusal.error,
				refusal.description != NULL ? ": " : "",
				refusal.description != NULL ? refusal.description : "");
	return ush_fail(err, response.status >= 500 || response.status == 429 ? USH_ERR_UNAVAILABLE : USH_ERR_REJECTED,
			"%s answered the device flow with HTTP %d", host, response.status);
}

static void show(const struct ush_flow *flow, const char *host, const struct invitation *invitation)
{
	ush_say(flow->say, "signing in at %s. On any device, open   %s   and enter", host, invitation->uri);
	ush_say(flow->say, "           %s", invitation->user_code);
	ush_say(flow->say, "enter it only if you asked for this sign-in yourself");
	ush_say(flow->say, "waiting for you, %lld:%02lld left, Ctrl-C stops", (long long)invitation->life / 60,
		(long long)invitation->life % 60);
}

static struct ush_grant *poll_once(const struct ush_flow *flow, const struct invitation *invitation,
				   const struct ush_pkce *pkce, struct ush_token_answer *answer, struct ush_error *err)
{
	USH_AUTO_BUF form = USH_BUF_MAX(65536);
	const struct ush_expect expect = {
		.issuer = flow->profile->issuer, .client = flow->profile->client, .nonce_optional = true};

	ush_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:device_code");
	ush_form_add(&form, "device_code", ush_secret_reveal(invitation->device_code));
	ush_form_add(&form, "code_verifier", ush_secret_reveal(pkce->verifier));
	return ush_token_request(flow, &form, &expect, answer, err);
}

/* What the provider's word means for the wait: the seconds until the next poll, or -1 with the final error. */
static int64_t next_interval(const struct ush_flow *flow, const char *host, const struct ush_token_answer *answer,
			     int64_t interval, struct ush_error *err)
{
	const char *error = answer->error != NULL ? answer->error : "";

	if (strcmp(error, "authorization_pending") == 0)
		return interval;
	if (strcmp(error, "slow_down") == 0)
		return interval + SLOWER;
	if (err->code == USH_ERR_UNAVAILABLE && !answer->granted)
		return 2 * interval < INTERVAL_MOST ? 2 * interval
		       : interval > INTERVAL_MOST   ? interval
						    : INTERVAL_MOST;
	if (strcmp(error, "access_denied") == 0) {
		ush_error_clear(err);
		return ush_fail(err, USH_ERR_DECLINED, "the sign-in was declined at %s", host);
	}
	if (strcmp(error, "expired_token") == 0) {
		if (flow->unanswered != NULL)
			*flow->unanswered = true;
		ush_error_clear(err);
		return ush_fail(err, USH_ERR_DECLINED, "the code was not entered in time");
	}
	return -1;
}

static struct ush_grant *wait_for_person(const struct ush_flow *flow, const char *host,
					 const struct invitation *invitation, const struct ush_pkce *pkce,
					 struct ush_error *err)
{
	int64_t interval = invitation->interval, end = ush_boot_ms(flow->world) + 1000 * invitation->life;
	USH_AUTO_ANSWER answer = {0};

	if (flow->asks != NULL)
		flow->asks(flow->asks_context, end);
	while (ush_boot_ms(flow->world) + 1000 * interval < end) {
		struct ush_grant *grant;

		if (ush_sleep_ms(flow->world, 1000 * interval) != 0) {
			ush_fail(err, USH_ERR_DECLINED, "stopped before anybody signed in");
			return NULL;
		}
		grant = poll_once(flow, invitation, pkce, &answer, err);
		if (grant != NULL && grant->scope == NULL)
			grant->scope = ush_client_scope(flow);
		if (grant != NULL)
			return grant;
		interval = next_interval(flow, host, &answer, interval, err);
		if (interval < 0)
			return NULL;
		ush_error_clear(err);
	}
	if (flow->unanswered != NULL)
		*flow->unanswered = true;
	ush_fail(err, USH_ERR_DECLINED, "the code was not entered within %lld:%02lld minutes", (long long)invitation->life / 60,
		 (long long)invitation->life % 60);
	return NULL;
}

struct ush_grant *ush_flow_device(const struct ush_flow *flow, struct ush_error *err)
{
	USH_AUTO_FREE char *host = ush_provider_host(flow->provider->settings);
	USH_AUTO_PKCE pkce = {0};
	AUTO_INVITATION invitation = {0};

	if (flow->provider->device_authorization_endpoint == NULL) {
		ush_fail(err, USH_ERR_CONFIG, "%s offers no device flow", host);
		ush_hint(err, "Run: kubectl usher login --profile %s --flow browser", flow->profile->name);
		return NULL;
	}
	ush_pkce_make(flow->world, &pkce);
	if (invite(flow, host, &pkce, &invitation, err) != 0)
		return NULL;
	show(flow, host, &invitation);
	return wait_for_person(flow, host, &invitation, &pkce, err);
}
