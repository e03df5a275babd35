/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/flow/flow.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/oidc/jose.h"

char *ush_client_random(const struct ush_world *world)
{
	unsigned char bytes[32];
	char *text;

	ush_random(world, bytes, sizeof bytes);
	text = ush_base64url_encode(bytes, sizeof bytes);
	explicit_bzero(bytes, sizeof bytes);
	return text;
}

void ush_pkce_make(const struct ush_world *world, struct ush_pkce *pkce)
{
	char *verifier = ush_client_random(world);
	size_t length = strlen(verifier);
	unsigned char digest[EVP_MAX_MD_SIZE] = {0};
	unsigned int digest_length = 0;

	EVP_Digest(verifier, length, digest, &digest_length, EVP_sha256(), NULL);
	pkce->challenge = ush_base64url_encode(digest, digest_length);
	pkce->verifier = ush_secret_new(verifier, length);
	ush_wipe_free(verifier, length);
}

void ush_pkce_free(struct ush_pkce *pkce)
{
	ush_secret_free(pkce->verifier);
	free(pkce->challenge);
}

static bool named_before(const struct ush_profile *profile, size_t index)
{
	const char *scope = profile->scopes[index];

	if (strcmp(scope, "openid") == 0 || strcmp(scope, "offline_access") == 0)
		return true;
	for (size_t i = 0; i < index; i++)
		if (strcmp(profile->scopes[i], scope) == 0)
			return true;
	return false;
}

char *ush_client_scope(const struct ush_flow *flow)
{
	const struct ush_profile *profile = flow->profile;
	USH_AUTO_BUF scope = USH_BUF_MAX(8192);

	ush_buf_puts(&scope, flow->online ? "openid" : "openid offline_access");
	for (size_t i = 0; i < profile->scope_count; i++)
		if (!named_before(profile, i))
			ush_buf_printf(&scope, " %s", profile->scopes[i]);
	return ush_buf_take(&scope);
}

void ush_client_refused(const struct ush_flow *flow, const char *error)
{
	/* not_allowed is Keycloak's word for a person or client without offline_access */
	if (flow->offline_refused != NULL && !flow->online &&
	    (strcmp(error, "invalid_scope") == 0 || strcmp(error, "not_allowed") == 0))
		*flow->offline_refused = true;
}

/* "id:secret", each encoded as a form would (RFC 6749 section 2.3.1). */
static struct ush_secret *credentials(const struct ush_profile *profile)
{
	USH_AUTO_BUF pair = USH_BUF_MAX(16384);

	ush_url_encode(&pair, profile->client);
	ush_buf_puts(&pair, ":");
	ush_url_encode(&pair, ush_secret_reveal(profile->client_secret));
	return ush_secret_new(pair.data, pair.length);
}

int ush_client_post(const struct ush_flow *flow, const char *url, struct ush_buf *form,
		    struct ush_http_response *response, struct ush_error *err)
{
	const struct ush_provider_settings *settings = flow->provider->settings;
	USH_AUTO_SECRET basic = NULL;
	struct ush_http_request request = {
		.method = "POST",
		.url = url,
		.content_type = "application/x-www-form-urlencoded",
		.loopback_http = settings->loopback_http,
		.ca_pem = settings->ca_pem,
	};

	if (flow->profile->client_secret != NULL)
		request.basic = basic = credentials(flow->profile);
	else
		ush_form_add(form, "client_id", flow->profile->client);
	if (form->overflow)
		return ush_fail(err, USH_ERR_REJECTED, "a request of more than %zu bytes would be needed", form->limit);
	request.body = form->data;
	request.body_length = form->length;
	return ush_http(flow->world, &request, response, err);
}
