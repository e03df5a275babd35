/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/crypto.h>
#include <string.h>

#include "broker/source/api_ask.h"
#include "broker/source/assertion.h"
#include "broker/source/credential.h"
#include "broker/source/record.h"
#include "broker/source/google.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

#define TOKEN_URL "https://oauth2.googleapis.com/token"
#define CLOUD	  "https://www.googleapis.com/auth/cloud-platform" /* for signJwt alone */
#define EXCHANGE  "urn:ietf:params:oauth:grant-type:token-exchange"
#define ACCESS	  "urn:ietf:params:oauth:token-type:access_token"
#define LIFE	  1800 /* seconds; Google takes an hour at most */

/* ---- the credential ---- */

static int read_key(struct ush_google *google, const char *where, struct ush_error *err)
{
	json_t *pem = json_object_get(google->file, "private_key");

	google->account = ush_json_string(google->file, "client_email");
	google->key_id = ush_json_string(google->file, "private_key_id");
	google->audience = ush_json_string(google->file, "token_uri");
	if (google->account == NULL || !json_is_string(pem))
		return ush_fail(err, USH_ERR_CONFIG, "%s: a service account's key has client_email and private_key", where);
	google->key = ush_secret_new(json_string_value(pem), json_string_length(pem));
	OPENSSL_cleanse((char *)(uintptr_t)json_string_value(pem), json_string_length(pem)); /* the secret holds it now */
	return 0;
}

/* As `gcloud iam workload-identity-pools create-cred-config` writes it. The account stands in the URL at which Google would
 * give a token for it: ".../serviceAccounts/EMAIL:generateAccessToken"; we have it sign there instead. */
static int read_pool(struct ush_google *google, const char *where, struct ush_error *err)
{
	const char *url = ush_json_string(google->file, "service_account_impersonation_url"), *mark = "/serviceAccounts/", *account, *verb;

	google->pool = ush_json_string(google->file, "audience");
	google->subject_type = ush_json_string(google->file, "subject_token_type");
	google->exchange_url = ush_json_string(google->file, "token_url");
	account = url != NULL ? strstr(url, mark) : NULL;
	verb = account != NULL ? strrchr(account, ':') : NULL;
	if (google->pool == NULL || google->subject_type == NULL || google->exchange_url == NULL || verb == NULL)
		return ush_fail(err, USH_ERR_CONFIG,
				"%s: an external account has audience, subject_token_type, token_url and service_account_impersonation_url", where);
	if (!ush_source_has(google->api->source, "federatedTokenFile"))
		return ush_fail(err, USH_ERR_CONFIG, "%s is of an external account: federatedTokenFile must name its token", where);
	account += strlen(mark);
	google->account_text = ush_strndup(account, (size_t)(verb - account));
	google->sign_url = ush_printf("%.*s:signJwt", (int)(verb - url), url);
	google->account = google->account_text;
	return 0;
}

int ush_google_credential(struct ush_google *google, struct ush_error *err)
{
	const struct ush_api *api = google->api;
	const char *said = ush_source_text(api->source, "tokenUrl"), *type;
	USH_AUTO_FREE char *where = ush_credential_where(api->source);
	int result;

	if (ush_replaying(api->world)) /* nobody signs in */
		return 0;
	if (api->credential == NULL) {
		ush_fail(err, USH_ERR_CONFIG, "names no service account");
		return ush_hint(err, "Say secretFile: the key that Google gives as JSON, or the configuration of a workload identity pool");
	}
	google->file = ush_json_parse(ush_secret_reveal(api->credential), ush_secret_length(api->credential), where, USH_ERR_CONFIG, err);
	if (google->file == NULL)
		return -1;
	type = ush_json_string(google->file, "type");
	if (type != NULL && strcmp(type, "service_account") == 0)
		result = read_key(google, where, err);
	else if (type != NULL && strcmp(type, "external_account") == 0)
		result = read_pool(google, where, err);
	else
		result = ush_fail(err, USH_ERR_CONFIG, "%s: is neither a service account's key nor an external account's configuration", where);
	google->audience = google->audience != NULL ? google->audience : TOKEN_URL;
	google->token_url = said != NULL ? said : google->audience;
	return result;
}

void ush_google_credential_free(struct ush_google *google)
{
	ush_secret_free(google->key);
	json_decref(google->file);
	free(google->sign_url);
	free(google->account_text);
}

/* ---- without a key: Google signs ---- */

static int exchange(struct ush_google *google, struct ush_secret **out, struct ush_error *err)
{
	struct ush_api *api = google->api;
	USH_AUTO_SECRET federated = NULL;
	USH_AUTO_API_ANSWER answer = {0};
	USH_AUTO_BUF form = {0};
	const char *token, *error;

	if (ush_credential_federated(api->source, &federated, err) != 0)
		return -1;
	ush_form_add(&form, "grant_type", EXCHANGE);
	ush_form_add(&form, "audience", google->pool);
	ush_form_add(&form, "scope", CLOUD);
	ush_form_add(&form, "requested_token_type", ACCESS);
	ush_form_add(&form, "subject_token_type", google->subject_type);
	ush_form_add(&form, "subject_token", ush_secret_reveal(federated));
	if (ush_api_post_form(api, google->exchange_url, NULL, &form, "the token exchange", &answer, err) != 0)
		return -1;
	token = answer.status == 200 ? ush_json_string(answer.body, "access_token") : NULL;
	error = ush_json_string(answer.body, "error");
	if (token == NULL) {
		ush_fail(err, USH_ERR_INCOMPLETE, "Google exchanges the ServiceAccount token for none: %d %.64s", answer.status, error != NULL ? error : "");
		return ush_hint(err, "Look at the workload identity provider: issuer, allowed audience and subject must be the token's");
	}
	*out = ush_secret_new(token, strlen(token));
	return 0;
}

static char *claims(const struct ush_google *google)
{
	const struct ush_api *api = google->api;
	int64_t now = ush_now(api->world);
	USH_AUTO_JSON payload = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "iss", google->account, "sub", ush_source_text(api->source, "subject"),
					  "scope", google->scopes, "aud", google->audience, "iat", (json_int_t)now, "exp", (json_int_t)now + LIFE);
	USH_AUTO_FREE char *text = json_dumps(payload, JSON_COMPACT);
	USH_AUTO_JSON body = json_pack("{s:s}", "payload", text);

	return json_dumps(body, JSON_COMPACT);
}

static int ask_to_sign(struct ush_google *google, const struct ush_secret *token, struct ush_api_answer *answer, struct ush_error *err)
{
	USH_AUTO_FREE char *authorization = ush_printf("Authorization: Bearer %s", ush_secret_reveal(token)), *text = claims(google);
	const char *const extra[] = {authorization, NULL};
	USH_AUTO_BUF body = {0};
	struct ush_ask ask = {.get = {.target = google->sign_url, .what = "signJwt", .extra = extra}, .form = &body, .content_type = "application/json"};
	int result;

	ush_buf_puts(&body, text);
	result = ush_ask_begin(google->api, &ask, err);
	if (result == 0)
		result = ush_ask_run(google->api, &ask, answer, err);
	ush_ask_end(&ask);
	ush_wipe_free(ush_steal(&authorization), strlen("Authorization: Bearer ") + ush_secret_length(token));
	return result;
}

static int have_signed(struct ush_google *google, struct ush_secret **out, struct ush_error *err)
{
	USH_AUTO_SECRET token = NULL;
	USH_AUTO_API_ANSWER answer = {0};
	const char *text;

	if (exchange(google, &token, err) != 0 || ask_to_sign(google, token, &answer, err) != 0)
		return -1;
	text = answer.status == 200 ? ush_json_string(answer.body, "signedJwt") : NULL;
	if (text == NULL) {
		ush_fail(err, USH_ERR_INCOMPLETE, "Google signs nothing for %s: %d", google->account, answer.status);
		return ush_hint(err, "Give the pool's principal the role Service Account Token Creator on %s", google->account);
	}
	*out = ush_secret_new(text, strlen(text));
	return 0;
}

/* ---- the token ---- */

static int sign(struct ush_google *google, struct ush_secret **out, struct ush_error *err)
{
	const struct ush_api *api = google->api;
	USH_AUTO_FREE char *where = ush_credential_where(api->source);
	const struct ush_assertion assertion = {.issuer = google->account, .subject = ush_source_text(api->source, "subject"), .audience = google->audience,
						.scope = google->scopes, .key_id = google->key_id, .life = LIFE};

	if (google->key == NULL)
		return have_signed(google, out, err);
	return ush_assertion_sign(api->world, &assertion, google->key, where, out, err);
}

static int refused(const struct ush_google *google, const struct ush_api_answer *answer, struct ush_error *err)
{
	const char *error = ush_json_string(answer->body, "error"), *subject = ush_source_text(google->api->source, "subject");

	ush_fail(err, USH_ERR_INCOMPLETE, "Google gives %s no token for %s: %d %.64s", google->account, subject, answer->status, error != NULL ? error : "");
	if (error != NULL && strcmp(error, "unauthorized_client") == 0)
		return ush_hint(err, "Delegate %s to the service account's client id (Admin console, Security, API controls)", google->delegate);
	if (error != NULL && strcmp(error, "invalid_grant") == 0)
		return ush_hint(err, "Look whether %s is a person of this domain, the key is still the account's, and the clock is right", subject);
	return -1;
}

int ush_google_sign_in(struct ush_api *api, struct ush_error *err)
{
	struct ush_google *google = api->context;
	USH_AUTO_SECRET assertion = NULL;
	USH_AUTO_API_ANSWER answer = {0};
	USH_AUTO_BUF form = {0};
	const char *token;

	if (sign(google, &assertion, err) != 0)
		return -1;
	ush_form_add(&form, "grant_type", USH_ASSERTION_GRANT);
	ush_form_add(&form, "assertion", ush_secret_reveal(assertion));
	if (ush_api_post_form(api, google->token_url, NULL, &form, "the token endpoint", &answer, err) != 0)
		return -1;
	if (answer.status != 200)
		return refused(google, &answer, err);
	token = ush_json_string(answer.body, "access_token");
	if (token == NULL || *token == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "the token endpoint's answer holds no access_token");
	ush_api_token(api, token, strlen(token), json_integer_value(json_object_get(answer.body, "expires_in")));
	return 0;
}
