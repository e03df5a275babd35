/* SPDX-License-Identifier: Apache-2.0
 *
 * What GitLab lets an administrator end of somebody else's: personal access tokens, which also open clusters through its
 * agent. Its API ends neither sessions nor what applications hold. Who is no administrator and asks for another's tokens gets
 * 401; DELETE of one is 204 ("Personal access tokens API").
 */
#include <string.h>

#include "broker/source/gitlab.h"
#include "broker/source/revoke_ask.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static const char *advice(const struct ush_api *api, int status)
{
	(void)api;
	return status == 401 || status == 403 ? "Only an administrator's token with the scope api (in Admin Mode also admin_mode) ends the tokens of others" : NULL;
}

static const struct ush_api_kind kind = {.wait = ush_gitlab_wait, .advice = advice};

/* ---- who it is ---- */

static int find_by(struct ush_revoke *r, const char *key, const char *const *keys, json_t **user, struct ush_error *err)
{
	USH_AUTO_FREE char *format = ush_printf("/api/v4/users?%s={}", key), *target = ush_revoke_target(err, format, r->person);
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	return ush_revoke_among(r, answer.body, keys, "id", user, err);
}

static int find_by_number(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	USH_AUTO_FREE char *target = ush_revoke_target(err, "/api/v4/users/{}", r->person);
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	return answer.status == 404 ? 0 : ush_revoke_found(r, answer.body, "id", user, err);
}

static int find(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	static const char *const usernames[] = {"username", NULL}, *const addresses[] = {"email", "public_email", NULL};

	if (find_by(r, "username", usernames, user, err) != 0 || (strchr(r->person, '@') != NULL && find_by(r, "search", addresses, user, err) != 0))
		return -1;
	if (*user == NULL && strspn(r->person, "0123456789") == strlen(r->person))
		return find_by_number(r, user, err);
	return 0;
}

/* ---- all of it ---- */

int ush_gitlab_revoke(struct ush_revoke *r, struct ush_error *err)
{
	static const char *const names[] = {"username", "email", "public_email", "id", NULL};
	struct ush_revoke_rows tokens = {.id = "id", .owner = "user_id", .remove = "/api/v4/personal_access_tokens/{}", .one = "personal access token",
					 .many = "personal access tokens"};
	USH_AUTO_FREE char *list = NULL;
	USH_AUTO_JSON user = NULL;
	const char *state;

	if (ush_api_open(&r->api, r->world, r->source, &kind, ush_gitlab_url(r->source), err) != 0 || find(r, &user, err) != 0)
		return -1;
	if (user == NULL)
		return 0;
	state = ush_json_string(user, "state");
	r->out->enabled = state == NULL || strcmp(state, "active") == 0;
	ush_revoke_names(r, user, names);
	ush_revoke_left(r, "sessions at GitLab and what applications hold (its API ends neither; who is blocked there has none)");
	tokens.list = list = ush_revoke_target(err, "/api/v4/personal_access_tokens?user_id={}&state=active&per_page=100", r->out->id);
	tokens.is = r->out->id;
	return list != NULL ? ush_revoke_rows(r, &tokens, NULL, err) : -1;
}
