/* SPDX-License-Identifier: Apache-2.0
 *
 * Ending what a person has: what answers mean, and what is never asked for.
 */
#include "tests/support/tap.h"

#include <stdlib.h>
#include <string.h>

#include "broker/source/revoke.h"
#include "broker/source/revoke_ask.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/provider.h"

static struct ush_revoked out;
static struct ush_error err;
static struct ush_policy_source source;

#define TOKEN {"POST", "/openid-connect/token", 200, "{'access_token': 't0ken', 'expires_in': 60}", NULL, 0}
#define CAROL {NULL, "/users?exact=true&username=carol$", 200, "[{'id': 'u-1', 'username': 'carol', 'email': 'carol@acme.test', 'enabled': true}]", NULL, 0}
#define NOTHING                                                                                                                              \
	{NULL, "/users/u-1/sessions$", 200, "[]", NULL, 0}, {"POST", "/users/u-1/logout$", 204, "", NULL, 0}, {NULL, "/users/u-1/groups?", 200, "[]", NULL, 0}
#define NO_CLIENT {NULL, "/clients?", 200, "[]", NULL, 0}
#define NO_CONSENT {NULL, "/users/u-1/consents$", 200, "[]", NULL, 0}
#define END {NULL, NULL, 0, NULL, NULL, 0}

static const char *const keycloak[] = {"url=https://login.test", "realm=acme", "client=broker", "secretFile=@s3cret", "tokenClient=kubernetes", NULL};

static int revoke(struct provider *provider, const char *kind, const char *const *settings, const char *person, bool dry)
{
	ush_revoked_free(&out);
	err = (struct ush_error){0};
	source = provider_source(kind, settings);
	return ush_source_revoke(&provider->world, &source, person, dry, &out, &err);
}

static void over(struct provider *provider)
{
	provider_free(provider);
	ush_policy_source_free(&source);
	ush_revoked_free(&out);
}

/* ---- targets ---- */

static void expect_target(const char *part, const char *expected)
{
	USH_AUTO_FREE char *target = ush_revoke_target(&err, "/users/{}/consents/{}?x=1", "u", part);

	if (expected == NULL)
		ck_assert_msg(target == NULL && err.code == USH_ERR_REJECTED, "%s is taken: %s", part, target);
	else
		ck_assert_msg(target != NULL && strcmp(target, expected) == 0, "%s, expected %s", target, expected);
	err = (struct ush_error){0};
}

/* DELETE of /users/ID/consents/.. would be one of the person. */
START_TEST(an_id_stands_in_a_path_encoded_or_not_at_all)
{
	expect_target("kubernetes", "/users/u/consents/kubernetes?x=1");
	expect_target("https://a/b?c#d", "/users/u/consents/https%3A%2F%2Fa%2Fb%3Fc%23d?x=1");
	expect_target("{}", "/users/u/consents/%7B%7D?x=1");
	expect_target("...", "/users/u/consents/...?x=1");
	expect_target("..", NULL);
	expect_target(".", NULL);
	expect_target("", NULL);
	expect_target(NULL, NULL);
}
END_TEST

/* ---- Keycloak ---- */

static const struct {
	const char *realm, *client; /* NULL: 403 */
	long seconds;
} lives[] = {
	{"{'accessTokenLifespan': 300}", "[{'clientId': 'kubernetes', 'attributes': {}}]", 300},
	{"{'accessTokenLifespan': 300}", "[{'clientId': 'kubernetes', 'attributes': {'access.token.lifespan': '900'}}]", 900},
	{"{'accessTokenLifespan': 300}", "[{'clientId': 'kubernetes', 'attributes': {'access.token.lifespan': ''}}]", 300},
	{"{'accessTokenLifespan': 300}", "[{'clientId': 'kubernetes', 'attributes': {'access.token.lifespan': '-1'}}]", -1}, /* as long as the session */
	{"{'accessTokenLifespan': 300}", "[{'clientId': 'kubernetes'}]", -1}, /* not shown: it may have its own */
	{"{'accessTokenLifespan': 300}", "[]", -1},
	{"{'accessTokenLifespan': 300}", NULL, -1},
	{"{'realm': 'acme'}", "[{'attributes': {}}]", -1},
	{"{'accessTokenLifespan': '300'}", "[{'attributes': {}}]", -1},
	{"[]", "{}", -1},
	{NULL, "[{'attributes': {}}]", -1},
};

START_TEST(how_long_an_id_token_lives_is_told_where_it_is_known)
{
	for (size_t i = 0; i < USH_COUNT(lives); i++) {
		const struct provider_row rows[] = {TOKEN, CAROL, NOTHING, NO_CONSENT,
						    {NULL, "/admin/realms/acme$", lives[i].realm != NULL ? 200 : 403, lives[i].realm != NULL ? lives[i].realm : "", NULL, 0},
						    {NULL, "/clients?clientId=kubernetes$", lives[i].client != NULL ? 200 : 403,
						     lives[i].client != NULL ? lives[i].client : "", NULL, 0},
						    END};
		struct provider *provider = provider_new(rows);

		ck_assert_msg(revoke(provider, "keycloak", keycloak, "carol", false) == 0, "%s", err.what);
		ck_assert_msg(out.token_seconds == lives[i].seconds, "%zu: %ld, expected %ld", i, out.token_seconds, lives[i].seconds);
		over(provider);
	}
}
END_TEST

/* Keycloak answers 200 and [] to an account that may ask and may not see. */
START_TEST(nobody_at_all_is_a_right_that_is_missing)
{
	static const struct provider_row blind[] = {TOKEN, {NULL, "/users?", 200, "[]", NULL, 0}, {NULL, "/users/", 404, "{}", NULL, 0}, END};
	static const struct provider_row sees[] = {TOKEN, {NULL, "/users?max=1", 200, "[{'id': 'u-9'}]", NULL, 0}, {NULL, "/users?", 200, "[]", NULL, 0},
						   {NULL, "/users/", 404, "{}", NULL, 0}, END};
	struct provider *provider = provider_new(blind);

	ck_assert_int_eq(revoke(provider, "keycloak", keycloak, "carol", false), -1);
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.hint, "view-users"));
	over(provider);
	provider = provider_new(sees);
	ck_assert_msg(revoke(provider, "keycloak", keycloak, "carol", false) == 0, "%s", err.what);
	ck_assert(!out.found && out.supported);
	over(provider);
}
END_TEST

/* An id or a name that would lead elsewhere: nothing is sent with it. */
START_TEST(what_a_provider_says_leads_nowhere_else)
{
	static const struct provider_row evil_id[] = {TOKEN, {NULL, "/users?exact=true&username=carol$", 200, "[{'id': '..', 'username': 'carol'}]", NULL, 0}, END};
	static const struct provider_row evil_client[] = {
		TOKEN, CAROL, NOTHING, NO_CLIENT, {NULL, "/users/u-1/consents$", 200, "[{'clientId': '..', 'additionalGrants': [{'client': 'x', 'key': 'Offline Token'}]}]", NULL, 0},
		{NULL, "/users/u-1/offline-sessions/x$", 200, "[{'id': 'o/1'}]", NULL, 0}, {"DELETE", "/sessions/o%2F1?isOffline=true$", 204, "", NULL, 0}, END};
	static const struct provider_row junk[] = {
		TOKEN, CAROL, NOTHING, NO_CLIENT,
		{NULL, "/users/u-1/consents$", 200, "[7, null, {}, {'clientId': 7, 'additionalGrants': {}}, {'clientId': 'a', 'additionalGrants': [{'key': 1}, 'x']}]", NULL, 0}, END};
	struct provider *provider = provider_new(evil_id);

	ck_assert_int_eq(revoke(provider, "keycloak", keycloak, "carol", false), -1);
	ck_assert_int_eq(err.code, USH_ERR_REJECTED);
	over(provider);
	provider = provider_new(evil_client);
	ck_assert_msg(revoke(provider, "keycloak", keycloak, "carol", false) == 0, "%s", err.what);
	ck_assert_uint_eq(provider_asked(provider, "/sessions/o%2F1"), 1);
	over(provider);
	provider = provider_new(junk);
	ck_assert_msg(revoke(provider, "keycloak", keycloak, "carol", false) == 0, "%s", err.what);
	ck_assert_uint_eq(out.done.count, 0);
	over(provider);
}
END_TEST

START_TEST(a_refused_client_is_an_answer_of_the_provider)
{
	static const struct provider_row rows[] = {{"POST", "/openid-connect/token", 401, "{'error': 'unauthorized_client'}", NULL, 0}, END};
	struct provider *provider = provider_new(rows);

	ck_assert_int_eq(revoke(provider, "keycloak", keycloak, "carol", false), -1);
	ck_assert_int_eq(err.code, USH_ERR_REJECTED);
	ck_assert_ptr_nonnull(strstr(err.hint, "service accounts"));
	over(provider);
}
END_TEST

/* ---- Entra ---- */

START_TEST(a_guest_is_signed_in_elsewhere)
{
	static const char *const settings[] = {"tenant=acme.test", "client=app", "secretFile=@s3cret", "url=https://graph.test", "authority=https://graph.test", NULL};
	static const struct provider_row rows[] = {
		{"POST", "/token", 200, "{'access_token': 't0ken', 'expires_in': 60}", NULL, 0},
		{NULL, "/v1.0/users?", 200,
		 "{'value': [{'id': 'g-1', 'userPrincipalName': 'ann_x#EXT#@acme.test', 'mail': 'ann@x.test', 'accountEnabled': null, 'userType': 'Guest',"
		 "'proxyAddresses': ['SMTP:ann@x.test', 'smtp:ann.maiden@x.test', 'x500:/o=x', 'smtp:', 7]}]}", NULL, 0},
		{"POST", "/v1.0/users/g-1/revokeSignInSessions$", 200, "{'value': true}", NULL, 0},
		{NULL, "/memberOf", 403, "{}", NULL, 0},
		END};
	struct provider *provider = provider_new(rows);

	ck_assert_msg(revoke(provider, "entra", settings, "ann@x.test", false) == 0, "%s", err.what);
	ck_assert(out.found && out.enabled); /* who may not be seen may sign in */
	ck_assert_uint_eq(out.left.count, 1);
	ck_assert_ptr_nonnull(strstr(out.left.items[0], "guest"));
	ck_assert_uint_eq(out.names.count, 4); /* principal name, address, address of before, id */
	ck_assert(ush_list_has(&out.names, "ann.maiden@x.test"));
	ck_assert(out.sessions == SIZE_MAX);
	over(provider);
}
END_TEST

/* ---- GitHub ---- */

START_TEST(a_person_whom_the_policy_calls_otherwise_is_found_by_that_name)
{
	static const char *const settings[] = {"url=https://api.github.test", "organization=acme", "secretFile=@s3cret",
					       "people=@login,name\nocto,carol@acme.test\nhubot,bot@acme.test\ntwin,bot@acme.test\n", NULL};
	static const struct provider_row rows[] = {
		{NULL, "/users/octo$", 200, "{'login': 'Octo', 'id': 7, 'email': null}", NULL, 0},
		{NULL, "/orgs/acme/credential-authorizations?per_page=100&login=Octo$", 200, "[{'login': 'Octo', 'credential_id': 12}]", NULL, 0},
		{"DELETE", "/orgs/acme/credential-authorizations/12$", 204, "", NULL, 0},
		END};
	struct provider *provider = provider_new(rows);

	ck_assert_msg(revoke(provider, "github", settings, "carol@acme.test", false) == 0, "%s", err.what);
	ck_assert(out.supported && out.found);
	ck_assert_str_eq(out.name, "Octo");
	ck_assert(ush_list_has(&out.names, "carol@acme.test") && ush_list_has(&out.names, "7"));
	ck_assert_str_eq(out.done.items[0], "1 authorization of a key or token");
	ush_policy_source_free(&source);
	ck_assert_int_eq(revoke(provider, "github", settings, "bot@acme.test", false), -1);
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	ck_assert(out.ambiguous && strstr(err.what, "hubot") != NULL && strstr(err.what, "twin") != NULL);
	over(provider);
}
END_TEST

/* ---- those that cannot ---- */

START_TEST(a_file_and_a_directory_have_no_sessions)
{
	static const char *const file[] = {"path=groups.json", NULL};
	static const char *const ldap[] = {"url=ldaps://ldap.test", "schema=rfc2307", "groups.base=dc=x", NULL};
	static const struct provider_row none[] = {END};
	struct provider *provider = provider_new(none);

	ck_assert_int_eq(revoke(provider, "file", file, "carol", false), 0);
	ck_assert(!out.supported && !out.found && out.where != NULL);
	ush_policy_source_free(&source);
	ck_assert_int_eq(revoke(provider, "ldap", ldap, "carol", false), 0);
	ck_assert(!out.supported);
	ck_assert_uint_eq(provider->log_count, 0);
	over(provider);
}
END_TEST

START_TEST(scim_tells_who_somebody_is_and_ends_nothing)
{
	static const char *const settings[] = {"url=https://scim.test/v2", "secretFile=@s3cret", NULL};
	static const struct provider_row rows[] = {
		{NULL, "filter=userName%20eq%20%22carol%22", 200,
		 "{'Resources': [{'id': 'u1', 'USERNAME': 'Carol', 'active': 'False', 'emails': [{'value': 'c@x.test'}, 7], 'externalId': 'e1'}]}", NULL, 0},
		{NULL, "filter=", 200, "{'totalResults': 0}", NULL, 0},
		{NULL, "/Users/", 404, "{}", NULL, 0},
		END};
	struct provider *provider = provider_new(rows);

	ck_assert_msg(revoke(provider, "scim", settings, "carol", false) == 0, "%s", err.what);
	ck_assert(!out.supported && out.found && !out.enabled);
	ck_assert(ush_list_has(&out.names, "u1") && ush_list_has(&out.names, "Carol") && ush_list_has(&out.names, "c@x.test") && ush_list_has(&out.names, "e1"));
	ush_policy_source_free(&source);
	ck_assert_msg(revoke(provider, "scim", settings, "x\" or \"", false) == 0, "%s", err.what);
	ck_assert(!out.found);
	ck_assert_uint_eq(provider_asked(provider, "userName%20eq%20%22x%5C%22%20or%20%5C%22%22"), 1);
	over(provider);
}
END_TEST

/* ---- a program of the policy's own ---- */

static const char *script(const char *text)
{
	static char path[200];
	struct ush_error ignored = {0};

	snprintf(path, sizeof path, "%s/end", tap_folder());
	ck_assert_int_eq(ush_file_write(path, text, strlen(text), 0700, &ignored), 0);
	return path;
}

static int run(const char *text, const char *person, bool dry)
{
	static const struct provider_row none[] = {END};
	USH_AUTO_FREE char *program = ush_printf("revoke=%s", script(text));
	const char *const settings[] = {"command=/bin/true", text != NULL ? program : NULL, "revoke=--now", "timeout=5s", NULL};
	struct provider *provider = provider_new(none);
	int result = revoke(provider, "command", settings, person, dry);

	provider_free(provider);
	ush_policy_source_free(&source);
	return result;
}

START_TEST(a_program_is_given_the_name_and_no_shell_reads_it)
{
	ck_assert_msg(run("#!/bin/sh\nprintf '%s sessions of %s\\nand more\\n' \"$1\" \"$2\"\n", "carol; touch x $(id)", false) == 0, "%s", err.what);
	ck_assert(out.supported && out.found && out.sessions == SIZE_MAX);
	ck_assert_uint_eq(out.done.count, 2);
	ck_assert_str_eq(out.done.items[0], "--now sessions of carol; touch x $(id)");
	ck_assert_int_eq(run("#!/bin/sh\nexit 4\n", "carol", false), 0);
	ck_assert(out.supported && !out.found);
	ck_assert_int_eq(run("#!/bin/sh\nexit 1\n", "carol", false), -1);
	ck_assert_int_eq(err.code, USH_ERR_REJECTED);
	ck_assert_ptr_nonnull(strstr(err.what, "ended with 1"));
	ck_assert_int_eq(run("#!/bin/sh\nexec sleep 600\n", "carol", false), -1);
	ck_assert_int_eq(err.code, USH_ERR_UNAVAILABLE);
	ck_assert_int_eq(run("#!/bin/sh\nexec cat /dev/zero\n", "carol", false), -1);
	ck_assert_int_eq(err.code, USH_ERR_UNAVAILABLE);
}
END_TEST

START_TEST(a_program_is_not_run_for_a_look_nor_for_a_name_like_an_option)
{
	USH_AUTO_FREE char *mark = ush_printf("%s/mark", tap_folder()), *text = ush_printf("#!/bin/sh\n: >'%s'\n", mark);
	USH_AUTO_BUF ignored = {0};
	struct ush_error missing = {0};

	ck_assert_int_eq(run(text, "carol", true), 0);
	ck_assert_uint_eq(out.done.count, 1);
	ck_assert_int_eq(run(text, "--all", false), -1);
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	ck_assert_int_eq(ush_file_read(mark, USH_FILE_ANY, USH_ERR_CONFIG, &ignored, NULL, &missing), -1);
	ck_assert_int_eq(run(text, "carol", false), 0);
	missing = (struct ush_error){0};
	ck_assert_int_eq(ush_file_read(mark, USH_FILE_ANY, USH_ERR_CONFIG, &ignored, NULL, &missing), 0);
	ush_revoked_free(&out);
}
END_TEST

START_TEST(a_command_without_such_a_program_cannot)
{
	static const char *const settings[] = {"command=/bin/true", NULL};
	static const struct provider_row none[] = {END};
	struct provider *provider = provider_new(none);

	ck_assert_int_eq(revoke(provider, "command", settings, "carol", false), 0);
	ck_assert(!out.supported);
	over(provider);
}
END_TEST

TAP_MAIN("revoke", an_id_stands_in_a_path_encoded_or_not_at_all, how_long_an_id_token_lives_is_told_where_it_is_known,
	 nobody_at_all_is_a_right_that_is_missing, what_a_provider_says_leads_nowhere_else, a_refused_client_is_an_answer_of_the_provider,
	 a_guest_is_signed_in_elsewhere, a_person_whom_the_policy_calls_otherwise_is_found_by_that_name, a_file_and_a_directory_have_no_sessions, scim_tells_who_somebody_is_and_ends_nothing,
	 a_program_is_given_the_name_and_no_shell_reads_it, a_program_is_not_run_for_a_look_nor_for_a_name_like_an_option,
	 a_command_without_such_a_program_cannot)
