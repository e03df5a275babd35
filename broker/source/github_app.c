/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/github_app.h"

#include <string.h>
#include <time.h>

#include "broker/source/api_ask.h"
#include "broker/source/assertion.h"
#include "broker/source/credential.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define JWT_LIFE 540 /* seconds; GitHub takes ten minutes at most */

static int sign(const struct ush_api *api, struct ush_secret **jwt, struct ush_error *err)
{
	struct ush_assertion assertion = {.issuer = ush_source_text(api->source, "app"), .life = JWT_LIFE};
	USH_AUTO_FREE char *where = ush_credential_where(api->source);

	return ush_assertion_sign(api->world, &assertion, api->credential, where, jwt, err);
}

/* Seconds until "2016-07-11T22:14:10Z", 0 when it is no such time. */
static int64_t seconds_until(const struct ush_api *api, const struct ush_http_response *response, const char *text)
{
	int64_t now = response->date > 0 ? response->date : ush_now(api->world), left;
	struct tm tm = {0};

	if (text == NULL || strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) == NULL)
		return 0;
	left = (int64_t)timegm(&tm) - now;
	return left > 0 && left < 86400 ? left : 0;
}

static int take(struct ush_api *api, const struct ush_api_answer *answer, struct ush_error *err)
{
	const char *token = ush_json_string(answer->body, "token"), *said = ush_json_string(answer->body, "message");

	if (answer->status == 201 && token != NULL && *token != '\0') {
		ush_api_token(api, token, strlen(token), seconds_until(api, &answer->response, ush_json_string(answer->body, "expires_at")));
		return 0;
	}
	if (answer->status < 400)
		return ush_fail(err, USH_ERR_INCOMPLETE, "the App's token: the answer holds none");
	ush_fail(err, USH_ERR_INCOMPLETE, "GitHub gives App %s no token for installation %s: %d %.100s", ush_source_text(api->source, "app"),
		 ush_source_text(api->source, "installation"), answer->status, said != NULL ? said : "");
	return ush_hint(err, "%s", answer->status == 404 ? "Look at installation: the App's page of the organization has it in its address"
							 : "Look at app and at its private key: is this the App's id, is the key one of its keys?");
}

int ush_github_app_sign_in(struct ush_api *api, struct ush_error *err)
{
	USH_AUTO_FREE char *url = NULL, *authorization = NULL;
	USH_AUTO_BUF installation = {0};
	USH_AUTO_SECRET jwt = NULL;
	USH_AUTO_API_ANSWER answer = {0};
	struct ush_buf none = {0};
	struct ush_ask ask = {.form = &none};
	int result;

	if (sign(api, &jwt, err) != 0)
		return -1;
	ush_url_encode(&installation, ush_source_text(api->source, "installation"));
	url = ush_printf("%s/app/installations/%s/access_tokens", api->base, installation.data);
	authorization = ush_printf("Authorization: Bearer %s", ush_secret_reveal(jwt));
	ask.get = (struct ush_api_get){.target = url, .what = "the App's token", .extra = (const char *const[]){authorization, USH_GITHUB_VERSION, NULL}};
	result = ush_ask_begin(api, &ask, err);
	if (result == 0)
		result = ush_ask_run(api, &ask, &answer, err);
	ush_ask_end(&ask);
	ush_wipe_free(ush_steal(&authorization), strlen("Authorization: Bearer ") + ush_secret_length(jwt));
	return result == 0 ? take(api, &answer, err) : -1;
}
