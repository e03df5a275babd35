/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_idp.h"

#include <jansson.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/net/http.h"
#include "common/oidc/jose.h"
#include "tests/support/http_server.h"
#include "tests/support/jose.h"

#define KID "fake-1"

/* ---- the world ---- */

static int64_t now_ms(void *context)
{
	return ((struct fake_idp *)context)->now_ms;
}

static int64_t boot_ms(void *context)
{
	struct fake_idp *idp = context;

	idp->boot_ms += idp->per_look_ms;
	idp->now_ms += idp->per_look_ms;
	return idp->boot_ms;
}

static int sleep_ms(void *context, int64_t ms)
{
	struct fake_idp *idp = context;

	if (ms > 0 && idp->sleep_count < USH_COUNT(idp->sleeps))
		idp->sleeps[idp->sleep_count++] = ms;
	idp->now_ms += ms;
	idp->boot_ms += ms;
	return idp->end_asked ? -1 : 0;
}

static void random_bytes(void *context, void *out, size_t size)
{
	(void)context;
	if (RAND_bytes(out, (int)size) != 1)
		abort();
}

/* ---- answers ---- */

static int say(struct ush_http_response *response, int status, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);

	response->status = status;
	ush_buf_puts(&response->body, text);
	free(text);
	json_decref(body);
	return 0;
}

static int refuse(struct ush_http_response *response, int status, const char *error, const char *description)
{
	return say(response, status, json_pack("{s:s, s:s}", "error", error, "error_description", description));
}

static json_t *patched(json_t *object, const char *patch)
{
	json_t *over = patch != NULL ? json_loads(patch, 0, NULL) : NULL;

	if (patch != NULL && over == NULL)
		abort();
	json_object_update(object, over);
	json_decref(over);
	return object;
}

static int discovery(struct fake_idp *idp, const char *form, struct ush_http_response *response)
{
	json_t *m =
		json_pack("{s:s, s:s, s:s, s:s, s:b}", "issuer", FAKE_ISSUER, "authorization_endpoint",
			  FAKE_ISSUER "/auth", "token_endpoint", FAKE_ISSUER "/token", "jwks_uri", FAKE_ISSUER "/jwks",
			  "authorization_response_iss_parameter_supported", idp->iss_parameter);

	(void)form;
	if (!idp->no_device)
		json_object_set_new(m, "device_authorization_endpoint", json_string(FAKE_ISSUER "/device"));
	if (!idp->no_revocation)
		json_object_set_new(m, "revocation_endpoint", json_string(FAKE_ISSUER "/revoke"));
	return say(response, 200, m);
}

static int jwks(struct fake_idp *idp, const char *form, struct ush_http_response *response)
{
	char *text = jose_jwks(jose_jwk(idp->key, KID, "ES256", "sig"), NULL);

	(void)form;
	response->status = 200;
	ush_buf_puts(&response->body, text);
	free(text);
	return 0;
}

/* ---- tokens ---- */

static char *id_token(const struct fake_idp *idp, const char *nonce)
{
	long long now = (long long)(idp->now_ms / 1000 + (idp->date_skew == INT64_MIN ? 0 : idp->date_skew));
	json_t *groups = json_array();
	json_t *claims = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "iss", FAKE_ISSUER, "aud", FAKE_CLIENT, "sub",
				   idp->subject, "email", idp->email, "iat", now, "exp", now + (long long)idp->id_life,
				   "groups", groups);
	char *payload, *token;

	for (size_t i = 0; i < USH_COUNT(idp->groups) && idp->groups[i] != NULL; i++)
		json_array_append_new(groups, json_string(idp->groups[i]));
	if (nonce != NULL)
		json_object_set_new(claims, "nonce", json_string(nonce));
	patched(claims, idp->claims_patch);
	payload = json_dumps(claims, JSON_COMPACT);
	token = jose_token(idp->key, "ES256", KID, payload);
	free(payload);
	json_decref(claims);
	return token;
}

static int give(struct fake_idp *idp, const char *nonce, bool with_id_token, struct ush_http_response *response)
{
	json_t *body = json_pack("{s:s, s:s, s:i}", "access_token", "at", "token_type", "Bearer", "expires_in", 300);
	USH_AUTO_FREE char *token = with_id_token ? id_token(idp, nonce) : NULL;
	USH_AUTO_FREE char *refresh = ush_printf("rt-%d", idp->generation);

	if (token != NULL)
		json_object_set_new(body, "id_token", json_string(token));
	if (!idp->no_refresh_token)
		json_object_set_new(body, "refresh_token", json_string(refresh));
	if (idp->granted != NULL)
		json_object_set_new(body, "scope", json_string(idp->granted));
	if (idp->refresh_life != 0)
		json_object_set_new(body, "refresh_expires_in", json_integer(idp->refresh_life));
	return say(response, 200, body);
}

static bool matches(const char *verifier, const char *challenge)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length = 0;
	USH_AUTO_FREE char *text = NULL;

	if (verifier == NULL || strlen(verifier) < 43 || challenge == NULL)
		return false;
	EVP_Digest(verifier, strlen(verifier), digest, &length, EVP_sha256(), NULL);
	text = ush_base64url_encode(digest, length);
	return strcmp(text, challenge) == 0;
}

static int forbid_offline(struct ush_http_response *response)
{
	return refuse(response, 400, "not_allowed", "Offline tokens not allowed for the user or client");
}

/* The code carries all that the provider must remember: "c." and the base64url of "NONCE CHALLENGE REDIRECT-URI
 * on|off". */
static int token_for_code(struct fake_idp *idp, const char *form, struct ush_http_response *response)
{
	USH_AUTO_FREE char *code = http_seen_form(form, "code"), *verifier = http_seen_form(form, "code_verifier");
	USH_AUTO_FREE char *redirect = http_seen_form(form, "redirect_uri");
	char plain[2048] = "", nonce[512], challenge[512], sent_to[512], line[4];

	if (code == NULL || strncmp(code, "c.", 2) != 0 || strlen(code) > sizeof plain ||
	    ush_base64url_decode(code + 2, strlen(code + 2), (unsigned char *)plain) < 0 ||
	    sscanf(plain, "%511s %511s %511s %3s", nonce, challenge, sent_to, line) != 4)
		return refuse(response, 400, "invalid_grant", "no such code");
	if (redirect == NULL || strcmp(redirect, sent_to) != 0 || !matches(verifier, challenge))
		return refuse(response, 400, "invalid_grant", "PKCE or redirect_uri");
	if (idp->offline_forbidden && strcmp(line, "off") == 0)
		return forbid_offline(response);
	idp->generation++;
	idp->family_dead = false;
	free(idp->nonce);
	idp->nonce = ush_strdup(nonce);
	return give(idp, nonce, true, response);
}

static int token_for_refresh(struct fake_idp *idp, const char *form, struct ush_http_response *response)
{
	USH_AUTO_FREE char *given = http_seen_form(form, "refresh_token"), *scope = http_seen_form(form, "scope");
	USH_AUTO_FREE char *living = ush_printf("rt-%d", idp->generation);

	if (idp->narrow_scope && scope != NULL)
		return refuse(response, 400, "invalid_scope", "not granted");
	if (given == NULL || idp->family_dead)
		return refuse(response, 400, "invalid_grant", "session not active");
	if (strcmp(given, living) != 0) {
		idp->family_dead = true;
		return refuse(response, 400, "invalid_grant", "refresh token reuse");
	}
	if (!idp->no_rotation)
		idp->generation++;
	return give(idp, idp->no_nonce_on_refresh ? NULL : idp->nonce, !idp->no_id_token_on_refresh, response);
}

static int token_for_device(struct fake_idp *idp, const char *form, struct ush_http_response *response)
{
	USH_AUTO_FREE char *code = http_seen_form(form, "device_code"),
			   *verifier = http_seen_form(form, "code_verifier");
	const char *word = idp->device_script != NULL ? *idp->device_script : NULL;

	if (idp->polls < USH_COUNT(idp->poll_ms))
		idp->poll_ms[idp->polls] = idp->boot_ms;
	idp->polls++;
	if (word != NULL && idp->device_script[1] != NULL)
		idp->device_script++;
	if (code == NULL || strcmp(code, "dc-1") != 0 || !matches(verifier, idp->device_challenge))
		return refuse(response, 400, "invalid_grant", "device code or PKCE");
	if (word != NULL && strcmp(word, "ok") != 0)
		return refuse(response, 400, word, "as scripted");
	if (idp->offline_forbidden && idp->device_offline)
		return forbid_offline(response);
	idp->generation++;
	idp->family_dead = false;
	return give(idp, NULL, true, response);
}

static int token(struct fake_idp *idp, const char *form, struct ush_http_response *response)
{
	static const struct {
		const char *grant;
		int (*answer)(struct fake_idp *, const char *, struct ush_http_response *);
	} grants[] = {
		{"authorization_code", token_for_code},
		{"refresh_token", token_for_refresh},
		{"urn:ietf:params:oauth:grant-type:device_code", token_for_device},
	};
	USH_AUTO_FREE char *grant = http_seen_form(form, "grant_type");

	for (size_t i = 0; grant != NULL && i < USH_COUNT(grants); i++)
		if (strcmp(grant, grants[i].grant) == 0)
			return grants[i].answer(idp, form, response);
	return refuse(response, 400, "unsupported_grant_type", "no");
}

static int device(struct fake_idp *idp, const char *form, struct ush_http_response *response)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:i}", "device_code", "dc-1", "user_code", "WDJB-MJHT",
				 "verification_uri", FAKE_ISSUER "/device", "verification_uri_complete",
				 FAKE_ISSUER "/device?user_code=WDJB-MJHT", "expires_in", 600);
	USH_AUTO_FREE char *scope = http_seen_form(form, "scope");

	idp->device_offline = scope != NULL && strstr(scope, "offline_access") != NULL;
	free(idp->device_challenge);
	idp->device_challenge = http_seen_form(form, "code_challenge");
	return say(response, 200, patched(body, idp->device_answer));
}

static int revoke(struct fake_idp *idp, const char *form, struct ush_http_response *response)
{
	USH_AUTO_FREE char *given = http_seen_form(form, "token");
	USH_AUTO_FREE char *living = ush_printf("rt-%d", idp->generation);

	if (given != NULL && strcmp(given, living) == 0)
		idp->family_dead = true;
	response->status = 200;
	return 0;
}

/* ---- one exchange ---- */

static bool take_fault(struct fake_idp *idp, const char *path, struct fake_answer *answer)
{
	for (size_t i = 0; i < idp->fault_count; i++) {
		if (idp->faults[i].path == NULL || strcmp(idp->faults[i].path, path) != 0)
			continue;
		*answer = idp->faults[i].answer;
		idp->faults[i].path = NULL;
		return true;
	}
	return false;
}

static int misbehave(const struct fake_answer *answer, struct ush_http_response *response, struct ush_error *err)
{
	if (answer->status == 0)
		return ush_fail(err, USH_ERR_UNAVAILABLE, "login.example.com: did not answer within 15 s");
	response->status = answer->status;
	snprintf(response->content_type, sizeof response->content_type, "%s",
		 answer->content_type != NULL ? answer->content_type : "application/json");
	return ush_buf_puts(&response->body, answer->body != NULL ? answer->body : "");
}

static bool client_known(const struct fake_idp *idp, const struct fake_seen *seen)
{
	USH_AUTO_FREE char *id = http_seen_form(seen->form, "client_id");
	USH_AUTO_FREE char *wanted =
		idp->client_secret != NULL ? ush_printf("%s:%s", FAKE_CLIENT, idp->client_secret) : NULL;

	if (wanted != NULL)
		return seen->basic != NULL && strcmp(seen->basic, wanted) == 0;
	return seen->basic == NULL && id != NULL && strcmp(id, FAKE_CLIENT) == 0;
}

static int http(void *context, const struct ush_http_request *request, struct ush_http_response *response,
		struct ush_error *err)
{
	static const struct {
		const char *path;
		bool by_client;
		int (*answer)(struct fake_idp *, const char *, struct ush_http_response *);
	} paths[] = {
		{"/.well-known/openid-configuration", false, discovery},
		{"/jwks", false, jwks},
		{"/token", true, token},
		{"/device", true, device},
		{"/revoke", true, revoke},
	};
	struct fake_idp *idp = context;
	struct fake_seen *seen = &idp->seen[idp->seen_count % USH_COUNT(idp->seen)];
	struct fake_answer fault;

	if (strncmp(request->url, FAKE_ISSUER "/", strlen(FAKE_ISSUER) + 1) != 0)
		return ush_fail(err, USH_ERR_UNAVAILABLE, "%s: no such host", request->url);
	seen->path = ush_strdup(request->url + strlen(FAKE_ISSUER));
	seen->form = request->body != NULL ? ush_strndup(request->body, request->body_length) : ush_strdup("");
	seen->basic = ush_strdup(ush_secret_reveal(request->basic));
	idp->seen_count++;
	response->date = idp->date_skew == INT64_MIN ? 0 : idp->now_ms / 1000 + idp->date_skew;
	response->retry_after_ms = -1;
	if (take_fault(idp, seen->path, &fault))
		return misbehave(&fault, response, err);
	snprintf(response->content_type, sizeof response->content_type, "application/json");
	for (size_t i = 0; i < USH_COUNT(paths); i++) {
		if (strcmp(paths[i].path, seen->path) != 0)
			continue;
		if (paths[i].by_client && !client_known(idp, seen))
			return refuse(response, 401, "invalid_client", "who are you");
		return paths[i].answer(idp, seen->form, response);
	}
	response->status = 404;
	return 0;
}

/* ---- for the test ---- */

struct fake_idp *fake_idp_new(void)
{
	struct fake_idp *idp = ush_new(struct fake_idp);

	idp->world = (struct ush_world){idp, now_ms, boot_ms, sleep_ms, random_bytes, http};
	idp->now_ms = 1800000000000;
	idp->boot_ms = 1000000;
	idp->subject = "sub-carol";
	idp->email = "carol@example.com";
	idp->groups[0] = "dev";
	idp->groups[1] = "k8s-restricted-users";
	idp->id_life = 300;
	idp->key = jose_ec("P-256");
	return idp;
}

void fake_idp_free(struct fake_idp *idp)
{
	for (size_t i = 0; i < idp->seen_count && i < USH_COUNT(idp->seen); i++) {
		free(idp->seen[i].path);
		free(idp->seen[i].form);
		free(idp->seen[i].basic);
	}
	free(idp->device_challenge);
	free(idp->nonce);
	EVP_PKEY_free(idp->key);
	free(idp);
}

void fake_idp_fault(struct fake_idp *idp, const char *path, struct fake_answer answer)
{
	if (idp->fault_count == USH_COUNT(idp->faults))
		abort();
	idp->faults[idp->fault_count].path = path;
	idp->faults[idp->fault_count++].answer = answer;
}

size_t fake_idp_count(const struct fake_idp *idp, const char *path)
{
	size_t count = 0;

	for (size_t i = 0; i < idp->seen_count; i++)
		count += path == NULL || strcmp(idp->seen[i].path, path) == 0;
	return count;
}

char *fake_idp_form(const struct fake_idp *idp, const char *path, size_t n, const char *key)
{
	for (size_t i = 0; i < idp->seen_count; i++)
		if (strcmp(idp->seen[i].path, path) == 0 && n-- == 0)
			return http_seen_form(idp->seen[i].form, key);
	return NULL;
}

char *fake_idp_authorize(const struct fake_idp *idp, const char *authorization_url)
{
	const char *query = strchr(authorization_url, '?');
	USH_AUTO_FREE char *nonce = NULL, *challenge = NULL, *method = NULL, *redirect = NULL, *state = NULL,
			   *plain = NULL, *code = NULL;

	if (query == NULL || strncmp(authorization_url, FAKE_ISSUER "/auth?", strlen(FAKE_ISSUER "/auth?")) != 0)
		return NULL;
	nonce = http_seen_form(query + 1, "nonce");
	challenge = http_seen_form(query + 1, "code_challenge");
	method = http_seen_form(query + 1, "code_challenge_method");
	redirect = http_seen_form(query + 1, "redirect_uri");
	state = http_seen_form(query + 1, "state");
	if (nonce == NULL || strlen(nonce) < 43 || challenge == NULL || method == NULL || strcmp(method, "S256") != 0 ||
	    redirect == NULL || state == NULL || strlen(state) < 43)
		return NULL;
	plain = ush_printf("%s %s %s %s", nonce, challenge, redirect,
			   strstr(query, "offline_access") != NULL ? "off" : "on");
	code = ush_base64url_encode(plain, strlen(plain));
	return ush_printf("%s?code=c.%s&state=%s%s", redirect, code, state,
			  idp->iss_parameter ? "&iss=https%3A%2F%2Flogin.example.com" : "");
}

char *fake_idp_rotate(struct fake_idp *idp)
{
	return ush_printf("rt-%d", ++idp->generation);
}
