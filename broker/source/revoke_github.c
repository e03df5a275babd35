/* SPDX-License-Identifier: Apache-2.0
 *
 * What GitHub lets an organization end: the authorizations of keys and tokens for it, where people sign in by SAML. Other
 * organizations have no such list (404), and nothing can be ended there. An owner's token wants admin:org, an App the
 * organization permission Administration, to read for the list and to write for the end of one ("Permissions required for
 * GitHub Apps"; "Remove a SAML SSO authorization for an organization").
 */
#include <string.h>

#include "broker/source/github.h"
#include "broker/source/logins.h"
#include "broker/source/record.h"
#include "broker/source/revoke_ask.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define AUTHORIZATIONS "/orgs/{}/credential-authorizations"

static int find(struct ush_revoke *r, const char *format, json_t **user, struct ush_error *err)
{
	static const char *const keys[] = {"login", "id", NULL};
	USH_AUTO_FREE char *target = ush_revoke_target(err, format, r->person);
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, target, "the person", &answer, err) != 0)
		return -1;
	return answer.status == 404 || !ush_revoke_is(r, answer.body, keys) ? 0 : ush_revoke_found(r, answer.body, "id", user, err);
}

/* Who is called so in the cluster, by the policy's file: his login is what GitHub knows. */
static int login_of(struct ush_revoke *r, const struct ush_logins *all, const char **login, struct ush_error *err)
{
	*login = NULL;
	for (size_t i = 0; i < all->count; i++) {
		if (strcmp(all->items[i].name, r->person) != 0)
			continue;
		if (*login != NULL) {
			r->out->ambiguous = true;
			ush_fail(err, USH_ERR_REFUSED, "%.100s is what two people are called: %.80s and %.80s", r->person, *login, all->items[i].login);
			return ush_hint(err, "Say which one by the login");
		}
		*login = all->items[i].login;
	}
	return 0;
}

static int end_all(struct ush_revoke *r, struct ush_error *err)
{
	const char *organization = ush_source_text(r->source, "organization");
	USH_AUTO_FREE char *list = ush_revoke_target(err, AUTHORIZATIONS "?per_page=100&login={}", organization, r->out->name);
	const struct ush_revoke_rows rows = {.list = list, .id = "credential_id", .owner = "login", .is = r->out->name, .remove = AUTHORIZATIONS "/{}",
					     .under = organization, .one = "authorization of a key or token", .many = "authorizations of keys and tokens"};
	USH_AUTO_API_ANSWER answer = {0};

	if (ush_revoke_get(r, list, "authorizations by SAML", &answer, err) != 0)
		return -1;
	if (answer.status == 404) {
		r->out->supported = false;
		return 0;
	}
	return ush_revoke_rows(r, &rows, NULL, err);
}

static int look_up(struct ush_revoke *r, json_t **user, struct ush_error *err)
{
	if (find(r, "/users/{}", user, err) != 0)
		return -1;
	return *user == NULL && strspn(r->person, "0123456789") == strlen(r->person) ? find(r, "/user/{}", user, err) : 0;
}

static int revoke(struct ush_revoke *r, const struct ush_logins *all, struct ush_error *err)
{
	static const char *const names[] = {"login", "email", "id", NULL};
	USH_AUTO_JSON user = NULL;
	const json_t *suspended;
	const char *login;

	if (login_of(r, all, &login, err) != 0)
		return -1;
	r->person = login != NULL ? login : r->person;
	if (look_up(r, &user, err) != 0)
		return -1;
	if (user == NULL)
		return 0;
	suspended = json_object_get(user, "suspended_at");
	r->out->enabled = suspended == NULL || json_is_null(suspended);
	ush_revoke_names(r, user, names);
	if (r->out->name != NULL)
		ush_revoke_name(r, ush_logins_name(all, r->out->name));
	ush_revoke_left(r, "sessions at GitHub and what is authorized by other means (its API ends neither)");
	return end_all(r, err);
}

int ush_github_revoke(struct ush_revoke *r, struct ush_error *err)
{
	const char *path = ush_source_text(r->source, "people");
	struct ush_logins all = {0};
	int result = ush_github_open(&r->api, r->world, r->source, err);

	if (result == 0 && path != NULL && !ush_replaying(r->world))
		result = ush_logins_read(&all, path, err);
	if (result == 0)
		result = revoke(r, &all, err);
	ush_logins_free(&all);
	if (result != 0 && err->code == USH_ERR_INCOMPLETE && r->api.failure == USH_ERR_REFUSED)
		ush_hint(err, "Give the token admin:org, or the App the organization permission \"Administration: write\"");
	return result;
}
