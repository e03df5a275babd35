/* SPDX-License-Identifier: Apache-2.0
 *
 * The token that a request carries: where it is from, when there is another to be had, and what is told of a sign-in that
 * failed while recordings are made and replayed.
 */
#include "broker/source/api_ask.h"

#include <string.h>

#include "broker/source/credential.h"
#include "broker/source/record.h"
#include "common/base/memory.h"

void ush_ask_forget(struct ush_ask *ask)
{
	if (ask->authorization != NULL)
		ush_wipe_free(ask->authorization, strlen(ask->authorization));
	ask->authorization = NULL;
	ush_secret_free(ask->token);
	ask->token = NULL;
}

/* The policy's credential is the token: read anew, for a mounted one is replaced while we run. */
static int take_credential(struct ush_api *api, struct ush_error *err)
{
	USH_AUTO_SECRET fresh = NULL;

	if (ush_credential_read(api->source, &fresh, err) != 0)
		return -1;
	if (fresh == NULL)
		return ush_fail(err, USH_ERR_CONFIG, "no secret is named: secretFile, secretCommand, secretEnv or secretKeyring");
	ush_api_token(api, ush_secret_reveal(fresh), ush_secret_length(fresh), 0);
	return 0;
}

static int need_token(struct ush_api *api, struct ush_error *err)
{
	if (api->token != NULL && (api->token_ends == 0 || ush_boot_ms(api->world) < api->token_ends))
		return 0;
	if (ush_replaying(api->world)) {
		ush_api_token(api, "replayed", 8, 0);
		return 0;
	}
	if (api->token == NULL && api->credential != NULL && api->kind->sign_in == NULL) {
		ush_api_token(api, ush_secret_reveal(api->credential), ush_secret_length(api->credential), 0);
		return 0;
	}
	if (api->kind->sign_in == NULL)
		return take_credential(api, err);
	if (api->kind->sign_in(api, err) != 0)
		return -1;
	return api->token != NULL ? 0 : ush_fail(err, USH_ERR_INCOMPLETE, "%s gives no token", ush_source_place(api->base));
}

/* A 401 to the newest token: false when there is no other to be had. */
bool ush_ask_renew(struct ush_api *api, const struct ush_ask *ask)
{
	struct ush_error ignored = {0};
	USH_AUTO_SECRET old = NULL;

	if (ask->generation != api->generation)
		return true; /* another request has renewed it meanwhile */
	if (ush_replaying(api->world) && api->kind->sign_in == NULL)
		return ush_record_more(api->world, &(struct ush_http_request){.method = ask->write, .url = ask->url});
	if (api->kind->sign_in != NULL) {
		ush_secret_free(api->token);
		api->token = NULL;
		return true;
	}
	old = ush_secret_copy(api->token);
	return take_credential(api, &ignored) == 0 && !ush_secret_equal(old, api->token);
}

int ush_ask_authorize(struct ush_api *api, struct ush_ask *ask, struct ush_http_request *request, size_t *count, struct ush_error *err)
{
	if (ush_record_tell_refusal(api->world, request, err) != 0)
		return -1;
	if (need_token(api, err) != 0) {
		ush_record_refusal(api->world, request, err);
		return -1;
	}
	ush_ask_forget(ask);
	ask->generation = api->generation;
	if (api->kind->authorization == NULL) {
		ask->token = ush_secret_copy(api->token);
		request->bearer = ask->token;
		return 0;
	}
	ask->authorization = ush_printf("Authorization: %s %s", api->kind->authorization, ush_secret_reveal(api->token));
	ask->headers[(*count)++] = ask->authorization;
	return 0;
}

