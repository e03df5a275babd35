/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending sessions in Entra: revokeSignInSessions makes every refresh token and browser session of before invalid, some
 * minutes later, and does nothing for guests, who sign in elsewhere. For an application User.RevokeSessions.All is the one
 * permission that there is for it ("user: revokeSignInSessions").
 */
#include <string.h>
#include <strings.h>

#include "broker/source/entra.h"
#include "broker/source/revoke_ask.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define FIELDS "$select=id,userPrincipalName,mail,proxyAddresses,accountEnabled,userType"

static const char *advice(const struct ush_api *api, int status)
{
	(void)api;
	return status == 403 ? "Give the application the permissions User.RevokeSessions.All and User.Read.All, with an administrator's consent" : NULL;
}

static const struct ush_api_kind kind = {.sign_in = ush_entra_sign_in, .advice = advice};

/* ---- who it is ---- */

/* In OData a ' in a text is written twice. */
static char *filter_target(const char *person)
{
	USH_AUTO_BUF text = {0};
	USH_AUTO_BUF target = {0};

	for (const char *c = person; *c != '\0'; c++)
		ush_buf_printf(&text, "%s%c", *c == '\'' ? "'" : "", *c);
	ush_buf_puts(&target, "/v1.0/users?" FIELDS "&$filter=");
	ush_url_encode(&target, "userPrincipalName eq '");
	ush_url_encode(&target, text.data);
	ush_url_encode(&target, "' or mail eq '");
	ush_url_encode(&target, text.data);
	ush_url_encode(&target, "'");
	return ush_buf_take(&target);
}

static bool is_id(const char *text)
{
	return strlen(text) == 36 && strspn(text, "0123456789abcdefABCDEF-") == 36;
}

static int find_by_id(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	USH_AUTO_FREE char *target = ush_revoke_target(err, "/v1.0/users/{}?" FIELDS, r->person);
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	return answer.status == 404 ? 0 : ush_revoke_found(r, answer.body, "id", user, err);
}

static int find(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	static const char *const keys[] = {"userPrincipalName", "mail", NULL};
	USH_AUTO_FREE char *target = filter_target(r->person);
	USH_AUTO_API_ANSWER answer = {0};

	if (is_id(r->person))
		return find_by_id(r, user, err);
	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	return ush_revoke_among(r, json_object_get(answer.body, "value"), keys, "id", user, err);
}

/* ---- all of it ---- */

/* Addresses that the person has beside the first one: who was renamed keeps those of before ("user resource type",
 * proxyAddresses). A bound name of long ago is one of them. */
static void tell_addresses(struct ush_revoke *r, const json_t *user)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(user, "proxyAddresses"), i, one) {
		const char *text = json_string_value(one);

		if (text != NULL && strncasecmp(text, "smtp:", strlen("smtp:")) == 0)
			ush_revoke_name(r, text + strlen("smtp:"));
	}
}

static void tell_groups(struct ush_revoke *r)
{
	struct ush_error ignored = {0};
	USH_AUTO_FREE char *target = ush_revoke_target(&ignored, "/v1.0/users/{}/memberOf?$select=id&$top=999", r->out->id);
	USH_AUTO_API_ANSWER answer = {0};
	const json_t *one;
	size_t i;

	if (!ush_revoke_look(r, target, "the person's groups", &answer))
		return;
	json_array_foreach(json_object_get(answer.body, "value"), i, one) {
		const char *type = ush_json_string(one, "@odata.type");

		if (type != NULL && strcmp(type, "#microsoft.graph.group") == 0) /* roles and units are there, too */
			ush_revoke_group(r, ush_json_string(one, "id"));
	}
}

int ush_entra_revoke(struct ush_revoke *r, struct ush_error *err)
{
	static const char *const names[] = {"userPrincipalName", "mail", "id", NULL};
	USH_AUTO_JSON user = NULL;
	USH_AUTO_FREE char *target = NULL;
	const char *type;

	if (ush_entra_open(&r->api, r->world, r->source, &kind, err) != 0 || find(r, &user, err) != 0)
		return -1;
	if (user == NULL)
		return 0;
	r->out->enabled = !json_is_false(json_object_get(user, "accountEnabled"));
	ush_revoke_names(r, user, names);
	tell_addresses(r, user);
	target = ush_revoke_target(err, "/v1.0/users/{}/revokeSignInSessions", r->out->id);
	if (ush_revoke_write(r, "POST", target, "ending the sessions", err) != 0)
		return -1;
	r->out->sessions = SIZE_MAX;
	ush_revoke_done(r, "sessions and refresh tokens (Entra takes some minutes)");
	type = ush_json_string(user, "userType");
	if (type != NULL && strcasecmp(type, "Guest") == 0)
		ush_revoke_left(r, "sessions in the tenant that the guest comes from");
	tell_groups(r);
	return 0;
}
