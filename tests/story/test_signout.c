/* SPDX-License-Identifier: Apache-2.0
 *
 * logout and status.
 */
#include <jansson.h>
#include <string.h>

#include "common/base/memory.h"
#include "plugin/flight/flight.h"
#include "tests/support/scene.h"
#include "tests/support/tap.h"

static void begin(struct scene *scene)
{
	scene_begin(scene, NULL);
	scene->idp->refresh_life = 86400;
	ck_assert_msg(scene_sign_in(scene) == 0, "%s", scene->err.what);
	scene_page(scene);
	scene_said(scene);
}

static int sign_out(struct scene *scene)
{
	ush_error_clear(&scene->err);
	return ush_signout(&scene->idp->world, scene->profile, &scene->options, &scene->err);
}

START_TEST(logout_revokes_and_forgets_and_says_what_stays_valid)
{
	USH_AUTO_FREE char *token = NULL, *hint = NULL;
	struct scene scene;
	const char *said;

	begin(&scene);
	ck_assert_msg(sign_out(&scene) == 0, "%s", scene.err.what);
	ck_assert(scene.idp->family_dead);
	token = fake_idp_form(scene.idp, "/revoke", 0, "token");
	hint = fake_idp_form(scene.idp, "/revoke", 0, "token_type_hint");
	ck_assert_str_eq(token, "rt-1");
	ck_assert_str_eq(hint, "refresh_token");
	ck_assert_ptr_null(scene_store.value);
	ck_assert_uint_eq(scene_cache.length, 0);
	said = scene_said(&scene);
	ck_assert(scene_clean(said));
	ck_assert_ptr_nonnull(strstr(said, "usher: signed out of profile prod (carol@example.com)\n"));
	/* 2027-01-15 08:05:00 UTC: the sign-in's moment and five minutes */
	ck_assert_ptr_nonnull(strstr(said, "stays valid at the API server until 08:05"));
	scene.options.interactive = false;
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_LOGIN);
	scene_end(&scene);
}
END_TEST

/* T47 */
START_TEST(a_revocation_that_fails_still_deletes_here_and_says_so)
{
	static const struct fake_answer faults[] = {
		{.status = 500},
		{.status = 0},
		{.status = 302},
		{.status = 400, .body = "{\"error\": \"unsupported_token_type\"}"},
	};

	for (size_t i = 0; i < USH_COUNT(faults); i++) {
		struct scene scene;

		begin(&scene);
		fake_idp_fault(scene.idp, "/revoke", faults[i]);
		ck_assert_int_eq(sign_out(&scene), -1);
		ck_assert_int_eq(scene.err.code, USH_ERR_UNAVAILABLE);
		ck_assert_int_eq(ush_code_status(scene.err.code), 6);
		ck_assert_msg(strstr(scene.err.what, "the ID token stays valid until 08:05") != NULL, "%s",
			      scene.err.what);
		ck_assert_ptr_null(scene_store.value);
		ck_assert_uint_eq(scene_cache.length, 0);
		ck_assert_uint_eq(fake_idp_count(scene.idp, "/revoke"), 1);
		scene_end(&scene);
	}
}
END_TEST

START_TEST(a_provider_without_revocation_counts_as_not_revoked)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.idp->no_revocation = true;
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	ck_assert_int_eq(sign_out(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(scene.err.what, "offers no revocation"));
	ck_assert_ptr_null(scene_store.value);
	scene_end(&scene);
}
END_TEST

START_TEST(a_store_that_does_not_delete_is_told)
{
	struct scene scene;

	begin(&scene);
	scene_store.erase_says = USH_STORE_LOCKED;
	ck_assert_int_eq(sign_out(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_STORE);
	ck_assert(scene.idp->family_dead); /* revoked all the same */
	ck_assert_ptr_null(strstr(scene_said(&scene), "signed out"));
	ck_assert_ptr_nonnull(strstr(scene.err.hint, "Unlock it"));
	scene_store.erase_says = USH_STORE_BROKEN;
	ck_assert_int_eq(sign_out(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_STORE);
	ck_assert_str_eq(scene.err.what, "what the test's memory keeps of profile prod could not be deleted (scripted)");
	ck_assert_str_eq(scene.err.hint, "When that is mended: kubectl usher logout --profile prod");
	scene_end(&scene);
}
END_TEST

START_TEST(logout_without_a_session_is_done)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	ck_assert_int_eq(sign_out(&scene), 0);
	ck_assert_uint_eq(fake_idp_count(scene.idp, NULL), 0);
	ck_assert_str_eq(scene_said(&scene), "usher: nobody was signed in with profile prod\n");
	scene_end(&scene);
}
END_TEST

static char *status(struct scene *scene, bool json)
{
	const struct ush_profile *profile = scene->profile;
	size_t length = 0, requests = fake_idp_count(scene->idp, NULL);
	char *text = NULL;
	FILE *out = open_memstream(&text, &length);

	ck_assert_int_eq(ush_status_print(&scene->idp->world, &profile, 1, &scene->options, json, out), 0);
	fclose(out);
	ck_assert_uint_eq(fake_idp_count(scene->idp, NULL), requests);
	return text;
}

START_TEST(status_shows_a_session_as_a_table)
{
	struct scene scene;
	USH_AUTO_FREE char *text = NULL;

	begin(&scene);
	text = status(&scene, false);
	ck_assert_str_eq(text, "PROFILE   SIGNED IN AS        GROUPS   TOKEN   SESSION           STORE\n"
			       "prod      carol@example.com   2        5m      until Sat 08:00   memory\n");
	scene_end(&scene);
}
END_TEST

START_TEST(status_tells_signed_out_locked_and_broken_apart)
{
	static const struct {
		enum ush_store_result says;
		const char *row;
	} ways[] = {
		{USH_STORE_OK, "prod      -              -        -       signed out   -\n"},
		{USH_STORE_LOCKED, "prod      -              -        -       locked    memory\n"},
		{USH_STORE_BROKEN, "prod      -              -        -       unavailable   memory\n"},
	};

	for (size_t i = 0; i < USH_COUNT(ways); i++) {
		struct scene scene;
		USH_AUTO_FREE char *text = NULL;

		scene_begin(&scene, NULL);
		scene_store.load_says = ways[i].says;
		text = status(&scene, false);
		ck_assert_msg(strstr(text, ways[i].row) != NULL, "%s", text);
		scene_end(&scene);
	}
}
END_TEST

START_TEST(status_as_json_has_absolute_times)
{
	struct scene scene;
	USH_AUTO_FREE char *text = NULL;
	json_t *list, *row;

	begin(&scene);
	text = status(&scene, true);
	list = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(list);
	row = json_array_get(json_object_get(list, "items"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(row, "account")), "carol@example.com");
	ck_assert_str_eq(json_string_value(json_object_get(row, "session")), "signed-in");
	ck_assert_str_eq(json_string_value(json_object_get(row, "tokenExpires")), "2027-01-15T08:05:00Z");
	ck_assert_str_eq(json_string_value(json_object_get(row, "sessionExpires")), "2027-01-16T08:00:00Z");
	ck_assert_uint_eq(json_array_size(json_object_get(row, "groups")), 2);
	ck_assert_ptr_null(strstr(text, "rt-1"));
	json_decref(list);
	scene_end(&scene);
}
END_TEST

START_TEST(a_session_that_ran_out_is_shown_as_expired)
{
	struct scene scene;
	USH_AUTO_FREE char *text = NULL;

	begin(&scene);
	scene_pass(&scene, 86401);
	text = status(&scene, false);
	ck_assert_msg(strstr(text, "prod      carol@example.com   2        -       expired   memory\n") != NULL, "%s",
		      text);
	scene_end(&scene);
}
END_TEST

TAP_MAIN("signout", logout_revokes_and_forgets_and_says_what_stays_valid,
	 a_revocation_that_fails_still_deletes_here_and_says_so, a_provider_without_revocation_counts_as_not_revoked,
	 a_store_that_does_not_delete_is_told, logout_without_a_session_is_done, status_shows_a_session_as_a_table,
	 status_tells_signed_out_locked_and_broken_apart, status_as_json_has_absolute_times,
	 a_session_that_ran_out_is_shown_as_expired)
