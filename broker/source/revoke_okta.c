/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending sessions in Okta: one request, which by itself would leave the tokens of applications (oauthTokens is false unless
 * said) and, in Classic Engine, the devices that are remembered. It wants the scope okta.users.manage, and no other. Okta does
 * not tell how many there were, and leaves the sessions that web and native applications hold of their own ("User Sessions",
 * Revoke all user sessions; "User Resources", List all groups).
 */
#include <string.h>

#include "broker/source/okta.h"
#include "broker/source/revoke_ask.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define SCOPES "okta.users.manage okta.groups.read"

static int sign_in(struct ush_api *api, struct ush_error *err)
{
	return ush_okta_sign_in(api, SCOPES, err);
}

static const char *advice(const struct ush_api *api, int status)
{
	bool client = ush_source_has(api->source, "client");

	if (status == 401)
		return client ? NULL : "Okta ends an API token that nobody used for 30 days: make a new one";
	return client ? "Grant the client " SCOPES " in Okta and the role Help Desk Administrator; of administrators only a Super Administrator ends sessions"
		      : "The token can what its owner can: give him the role Help Desk Administrator; of administrators only a Super Administrator ends sessions";
}

static const struct ush_api_kind by_token = {.authorization = "SSWS", .wait = ush_okta_wait, .advice = advice};
static const struct ush_api_kind by_client = {.sign_in = sign_in, .wait = ush_okta_wait, .advice = advice};

/* ---- who it is ---- */

static const char *const logins[] = {"login", "email", NULL};
static const char *const ids[] = {"id", NULL};

static bool is_he(const struct ush_revoke *r, const json_t *user)
{
	return ush_revoke_is(r, user, ids) || ush_revoke_is(r, ush_json_object(user, "profile"), logins);
}

/* By id or login; Okta takes the part of a login before its @ for a login too, which is not to the letter. */
static int find_directly(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	USH_AUTO_FREE char *target = ush_revoke_target(err, "/api/v1/users/{}", r->person);
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	return answer.status == 404 || !is_he(r, answer.body) ? 0 : ush_revoke_found(r, answer.body, "id", user, err);
}

/* `search` finds the deactivated as well; in its strings " and \ stand behind a \. */
static char *search_target(const char *person)
{
	USH_AUTO_BUF text = {0};
	USH_AUTO_BUF target = {0};

	for (const char *c = person; *c != '\0'; c++)
		ush_buf_printf(&text, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
	ush_buf_puts(&target, "/api/v1/users?limit=200&search=");
	ush_url_encode(&target, "profile.email eq \"");
	ush_url_encode(&target, text.data);
	ush_url_encode(&target, "\" or profile.login eq \"");
	ush_url_encode(&target, text.data);
	ush_url_encode(&target, "\"");
	return ush_buf_take(&target);
}

static int find_by_address(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	USH_AUTO_FREE char *target = search_target(r->person);
	USH_AUTO_API_ANSWER answer = {0};
	const json_t *one;
	size_t i;

	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	if (!json_is_array(answer.body))
		return ush_fail(err, USH_ERR_REJECTED, "%.100s: Okta's answer is no list of people", r->person);
	json_array_foreach(answer.body, i, one)
		if (is_he(r, one) && ush_revoke_found(r, one, "id", user, err) != 0)
			return -1;
	return 0;
}

/* ---- all of it ---- */

static bool may_sign_in(const json_t *user)
{
	static const char *const out[] = {"DEPROVISIONED", "SUSPENDED", "STAGED"};
	const char *status = ush_json_string(user, "status");

	for (size_t i = 0; i < USH_COUNT(out) && status != NULL; i++)
		if (strcmp(status, out[i]) == 0)
			return false;
	return true;
}

int ush_okta_revoke(struct ush_revoke *r, struct ush_error *err)
{
	USH_AUTO_JSON user = NULL;
	USH_AUTO_FREE char *target = NULL;

	if (ush_okta_open(&r->api, r->world, r->source, ush_source_has(r->source, "client") ? &by_client : &by_token, err) != 0)
		return -1;
	if (find_directly(r, &user, err) != 0 || find_by_address(r, &user, err) != 0)
		return -1;
	if (user == NULL)
		return 0;
	r->out->enabled = may_sign_in(user);
	ush_revoke_names(r, ush_json_object(user, "profile"), logins);
	ush_revoke_names(r, user, ids);
	target = ush_revoke_target(err, "/api/v1/users/{}/sessions?oauthTokens=true&forgetDevices=true", r->out->id);
	if (ush_revoke_write(r, "DELETE", target, "ending the sessions", err) != 0)
		return -1;
	r->out->sessions = SIZE_MAX;
	ush_revoke_done(r, "sessions at Okta, and refresh and access tokens of applications");
	ush_revoke_left(r, "sessions that web and native applications hold of their own (Okta ends only those at Okta)");
	ush_revoke_groups(r, "/api/v1/users/{}/groups", NULL);
	return 0;
}
