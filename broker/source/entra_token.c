/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing in at the Microsoft identity platform (client_credentials, RFC 6749 section 4.4): with a secret, or with a
 * projected ServiceAccount token as the assertion (RFC 7523 section 2.2), so that no secret is kept anywhere.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/source/assertion.h"
#include "broker/source/credential.h"
#include "broker/source/entra.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

#define AUTHORITY "https://login.microsoftonline.com"
#define NEAR	  0.8 /* of a limit */

/* ---- refusals ---- */

static const struct {
	int code;
	const char *hint;
} hints[] = {
	{7000215, "The secret is not the application's: it is the secret's value that counts, not its id"},
	{7000222, "The application's secret has run out: make a new one, or sign in with federatedTokenFile"},
	{700016, "No application with this id is in the tenant: look at client and tenant"},
	{90002, "There is no such tenant: look at tenant"},
	{70021, "The application has no federated credential for this ServiceAccount: issuer, subject and audience must be the token's"},
	{700211, "The application's federated credential has another issuer than the ServiceAccount token"},
	{700212, "The application's federated credential has another audience than the ServiceAccount token"},
	{700213, "The application's federated credential has another subject than the ServiceAccount token"},
	{700024, "The ServiceAccount token has run out, or a clock is wrong"},
};

static int refused(const struct ush_api *api, const struct ush_api_answer *answer, struct ush_error *err)
{
	const json_t *code = json_array_get(ush_json_array(answer->body, "error_codes"), 0);
	const char *error = ush_json_string(answer->body, "error");
	long long number = json_integer_value(code);

	if (number > 0)
		ush_fail(err, USH_ERR_INCOMPLETE, "Entra gives client %s no token: %d %.64s, AADSTS%lld", ush_source_text(api->source, "client"),
			 answer->status, error != NULL ? error : "", number);
	else
		ush_fail(err, USH_ERR_INCOMPLETE, "Entra gives client %s no token: %d %.64s", ush_source_text(api->source, "client"), answer->status,
			 error != NULL ? error : "");
	for (size_t i = 0; i < USH_COUNT(hints); i++)
		if (hints[i].code == number)
			ush_hint(err, "%s", hints[i].hint);
	return -1;
}

static const char *advice(const struct ush_api *api, int status)
{
	(void)api;
	return status == 403 ? "Give the application the permissions GroupMember.Read.All and User.Read.All, with an administrator's consent" : NULL;
}

/* ---- the token ---- */

static int add_proof(const struct ush_api *api, struct ush_buf *form, struct ush_error *err)
{
	USH_AUTO_SECRET federated = NULL;

	if (api->credential != NULL)
		return ush_form_add(form, "client_secret", ush_secret_reveal(api->credential));
	if (ush_credential_federated(api->source, &federated, err) != 0)
		return -1;
	ush_form_add(form, "client_assertion_type", USH_ASSERTION_CLIENT);
	return ush_form_add(form, "client_assertion", ush_secret_reveal(federated));
}

static char *token_url(const struct ush_api *api)
{
	const char *authority = ush_source_text(api->source, "authority");
	USH_AUTO_BUF url = {0};

	ush_buf_printf(&url, "%s/", authority != NULL ? authority : AUTHORITY);
	ush_url_encode(&url, ush_source_text(api->source, "tenant"));
	ush_buf_puts(&url, "/oauth2/v2.0/token");
	return ush_buf_take(&url);
}

int ush_entra_sign_in(struct ush_api *api, struct ush_error *err)
{
	USH_AUTO_FREE char *url = token_url(api), *scope = ush_printf("%s/.default", api->base);
	USH_AUTO_BUF form = {0};
	USH_AUTO_API_ANSWER answer = {0};
	const char *token;

	ush_form_add(&form, "client_id", ush_source_text(api->source, "client"));
	ush_form_add(&form, "scope", scope);
	ush_form_add(&form, "grant_type", "client_credentials");
	if (add_proof(api, &form, err) != 0 || ush_api_post_form(api, url, NULL, &form, "the token endpoint", &answer, err) != 0)
		return -1;
	if (answer.status != 200)
		return refused(api, &answer, err);
	token = ush_json_string(answer.body, "access_token");
	if (token == NULL || *token == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "the token endpoint's answer holds no access_token");
	ush_api_token(api, token, strlen(token), json_integer_value(json_object_get(answer.body, "expires_in")));
	return 0;
}

static const char *const eventual[] = {"ConsistencyLevel: eventual", NULL};

const struct ush_api_kind ush_entra_directory = {.sign_in = ush_entra_sign_in, .advice = advice};
const struct ush_api_kind ush_entra_index = {.headers = eventual, .sign_in = ush_entra_sign_in, .advice = advice};

void ush_entra_pace(struct ush_api *api, const struct ush_http_response *response)
{
	const char *part = ush_http_header(response, "x-ms-throttle-limit-percentage");

	if (part != NULL && strtod(part, NULL) >= NEAR)
		api->narrowed = true;
}
