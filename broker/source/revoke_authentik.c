/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending sessions in authentik: its sessions, and what applications and people hold: refresh and access tokens, codes, and
 * the tokens and app passwords by which somebody signs in without a browser. Each is a list that a filter narrows; authentik
 * leaves a filter that it does not know unheard, so every row is looked at (API reference, core_authenticated_sessions_list and
 * its like).
 */
#include <string.h>

#include "broker/source/authentik.h"
#include "broker/source/listing.h"
#include "broker/source/revoke_ask.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define USERS "/api/v3/core/users/"

static const char *advice(const struct ush_api *api, int status)
{
	(void)api;
	return status == 403 ? "authentik says so of a token that has run out, too; else give its user's role the global permissions to view users and to view"
			       " and delete sessions and tokens"
			     : NULL;
}

static const struct ush_api_kind kind = {.advice = advice};

/* ---- who it is ---- */

static int find_by(struct ush_revoke *r, const char *key, json_t **user, struct ush_error *err)
{
	const char *const keys[] = {key, NULL};
	USH_AUTO_FREE char *format = ush_printf(USERS "?%s={}", key), *target = ush_revoke_target(err, format, r->person);
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	return ush_revoke_among(r, json_object_get(answer.body, "results"), keys, "pk", user, err);
}

static int find_by_number(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	USH_AUTO_FREE char *target = ush_revoke_target(err, USERS "{}/", r->person);
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	return answer.status == 404 ? 0 : ush_revoke_found(r, answer.body, "pk", user, err);
}

static int find(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	bool number = strspn(r->person, "0123456789") == strlen(r->person), uuid = strlen(r->person) == 36 && strchr(r->person, '@') == NULL;

	if (find_by(r, "username", user, err) != 0 || (strchr(r->person, '@') != NULL && find_by(r, "email", user, err) != 0))
		return -1;
	if (*user == NULL && uuid && find_by(r, "uuid", user, err) != 0)
		return -1;
	return *user == NULL && number ? find_by_number(r, user, err) : 0;
}

/* ---- what is ended ---- */

static const struct row {
	const char *list, *by, *id, *one, *many; /* by: the filter, of the name or of the key */
	bool sessions;
} rows[] = {
	{"/api/v3/core/authenticated_sessions/", "user__username", "uuid", "session", "sessions", true},
	{"/api/v3/oauth2/refresh_tokens/", "user", "pk", "refresh token", "refresh tokens", false},
	{"/api/v3/oauth2/access_tokens/", "user", "pk", "access token", "access tokens", false},
	{"/api/v3/oauth2/authorization_codes/", "user", "pk", "authorization code", "authorization codes", false},
	{"/api/v3/core/tokens/", "user__username", "identifier", "token or app password", "tokens and app passwords", false},
};

static int end_row(struct ush_revoke *r, const struct row *row, struct ush_error *err)
{
	const char *is = strcmp(row->by, "user") == 0 ? r->out->id : r->out->name;
	USH_AUTO_FREE char *format = ush_printf("%s?%s={}&page_size=100", row->list, row->by), *list = ush_revoke_target(err, format, is);
	USH_AUTO_FREE char *remove = ush_printf("%s{}/", row->list);
	const struct ush_revoke_rows all = {.list = list, .member = "results", .id = row->id, .owner = "user", .is = r->out->id, .remove = remove,
					    .one = row->one, .many = row->many};

	return list != NULL ? ush_revoke_rows(r, &all, row->sessions ? &r->out->sessions : NULL, err) : -1;
}

int ush_authentik_revoke(struct ush_revoke *r, struct ush_error *err)
{
	static const char *const names[] = {"username", "email", "uid", "uuid", "pk", NULL};
	USH_AUTO_JSON user = NULL;
	const json_t *group;
	size_t i;

	if (ush_api_open(&r->api, r->world, r->source, &kind, NULL, err) != 0 || find(r, &user, err) != 0)
		return -1;
	if (user == NULL)
		return 0;
	r->out->enabled = !json_is_false(json_object_get(user, "is_active"));
	ush_revoke_names(r, user, names);
	json_array_foreach(json_object_get(user, "groups"), i, group)
		ush_revoke_group(r, json_string_value(group));
	for (i = 0; i < USH_COUNT(rows); i++)
		if (end_row(r, &rows[i], err) != 0)
			return -1;
	return 0;
}
