/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending sessions in Google Workspace: signOut ends those of browsers and devices, and what applications hold (refresh
 * tokens) goes application by application; both want the scope admin.directory.user.security ("Method: users.signOut",
 * "Method: tokens.delete").
 */
#include <string.h>

#include "broker/source/google.h"
#include "broker/source/revoke_ask.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define USERS  "/admin/directory/v1/users/{}"
#define RIGHTS "admin.directory.user.readonly, admin.directory.user.security and admin.directory.group.readonly"
#define SCOPES                                                                                                                                  \
	USH_GOOGLE_SCOPE "admin.directory.user.readonly " USH_GOOGLE_SCOPE "admin.directory.user.security " USH_GOOGLE_SCOPE "admin.directory.group.readonly"

static const char *advice(const struct ush_api *api, int status)
{
	(void)api;
	return status == 403 ? "Give the subject the administrator role User Management Admin (of administrators only a Super Admin ends sessions); Google says so, too, of an address "
			       "that is not of its domains" : NULL;
}

static const struct ush_api_kind kind = {.sign_in = ush_google_sign_in, .wait = ush_google_wait, .advice = advice};

/* Any of his addresses, or the id. */
static int find(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	USH_AUTO_FREE char *target = ush_revoke_target(err, USERS, r->person);
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	return answer.status == 404 ? 0 : ush_revoke_found(r, answer.body, "id", user, err);
}

static void tell_names(struct ush_revoke *r, const json_t *user)
{
	static const char *const names[] = {"primaryEmail", "id", NULL}, *const more[] = {"aliases", "nonEditableAliases"};
	const json_t *alias;
	size_t j;

	ush_revoke_names(r, user, names);
	for (size_t i = 0; i < USH_COUNT(more); i++)
		json_array_foreach(json_object_get(user, more[i]), j, alias)
			ush_revoke_name(r, json_string_value(alias));
}

static int end_all(struct ush_revoke *r, struct ush_error *err)
{
	USH_AUTO_FREE char *sign_out = ush_revoke_target(err, USERS "/signOut", r->out->id), *list = ush_revoke_target(err, USERS "/tokens", r->out->id);
	const struct ush_revoke_rows tokens = {.list = list, .member = "items", .id = "clientId", .remove = USERS "/tokens/{}", .under = r->out->id,
					       .whole = true, .one = "application's tokens", .many = "applications' tokens"};

	if (list == NULL || ush_revoke_write(r, "POST", sign_out, "ending the sessions", err) != 0)
		return -1;
	r->out->sessions = SIZE_MAX;
	ush_revoke_done(r, "sessions of browsers and devices");
	return ush_revoke_rows(r, &tokens, NULL, err);
}

static int revoke(struct ush_revoke *r, struct ush_error *err)
{
	USH_AUTO_JSON user = NULL;

	if (find(r, &user, err) != 0)
		return -1;
	if (user == NULL)
		return 0;
	r->out->enabled = !json_is_true(json_object_get(user, "suspended")) && !json_is_true(json_object_get(user, "archived"));
	tell_names(r, user);
	if (end_all(r, err) != 0)
		return -1;
	ush_revoke_groups(r, "/admin/directory/v1/groups?maxResults=200&userKey={}", "groups");
	return 0;
}

int ush_google_revoke(struct ush_revoke *r, struct ush_error *err)
{
	struct ush_google google = {.api = &r->api, .scopes = SCOPES, .delegate = RIGHTS};
	const char *url = ush_source_text(r->source, "url");
	int result = ush_api_open(&r->api, r->world, r->source, &kind, url != NULL ? url : USH_GOOGLE_API, err);

	r->api.context = &google;
	if (result == 0)
		result = ush_google_credential(&google, err);
	if (result == 0)
		result = revoke(r, err);
	r->api.context = NULL;
	ush_google_credential_free(&google);
	return result;
}
