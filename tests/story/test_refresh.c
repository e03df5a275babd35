/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a session when its ID token has run out: rotation, a provider that is away, a sibling that was
 * faster, a run that died.
 */
#include <string.h>

#include "common/base/memory.h"
#include "plugin/flight/flight.h"
#include "tests/support/scene.h"
#include "tests/support/tap.h"

#define SAYS(scene, words) ck_assert_msg(strstr((scene)->err.what, (words)) != NULL, "%s", (scene)->err.what)

/* A session in the store, its ID token run out, the provider's documents cached, nobody at the keyboard. */
static void begin(struct scene *scene)
{
	scene_begin(scene, NULL);
	ck_assert_msg(scene_sign_in(scene) == 0, "%s", scene->err.what);
	ck_assert_int_eq(scene_page(scene), 1);
	scene_said(scene);
	scene->options.interactive = false;
	scene_pass(scene, 400);
}

static void assert_stored(const struct scene *scene, const char *wanted)
{
	USH_AUTO_FREE char *refresh = scene_stored_refresh(scene);

	ck_assert_pstr_eq(refresh, wanted);
}

START_TEST(a_refresh_with_warm_caches_is_one_silent_request)
{
	struct scene scene;
	size_t before;
	USH_AUTO_FREE char *scope = NULL;

	begin(&scene);
	before = fake_idp_count(scene.idp, NULL);
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(fake_idp_count(scene.idp, NULL), before + 1);
	ck_assert_uint_eq(scene.opened, 1);
	ck_assert_str_eq(scene_said(&scene), "");
	assert_stored(&scene, "rt-2");
	scope = fake_idp_form(scene.idp, "/token", 1, "scope");
	ck_assert_str_eq(scope, "openid offline_access groups email");
	ck_assert_int_eq(scene.answer.expires, scene.idp->now_ms / 1000 + 300);
	scene_pass(&scene, 400);
	ck_assert_int_eq(scene_sign_in(&scene), 0); /* and again with the rotated one */
	assert_stored(&scene, "rt-3");
	ck_assert(!scene.idp->family_dead);
	scene_end(&scene);
}
END_TEST

START_TEST(a_provider_that_does_not_rotate_keeps_its_token)
{
	struct scene scene;

	begin(&scene);
	scene.idp->no_rotation = scene.idp->no_refresh_token = true;
	for (int i = 0; i < 3; i++) {
		ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
		assert_stored(&scene, "rt-1");
		scene_pass(&scene, 400);
	}
	scene_end(&scene);
}
END_TEST

START_TEST(a_refreshed_token_may_leave_the_nonce_out_and_may_not_have_another)
{
	struct scene scene;

	begin(&scene);
	scene.idp->no_nonce_on_refresh = true;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	scene_pass(&scene, 400);
	scene.idp->claims_patch = "{\"nonce\": \"another\"}";
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_REJECTED);
	scene_end(&scene);
}
END_TEST

START_TEST(new_groups_show_with_the_next_refresh)
{
	USH_AUTO_FREE char *binding = NULL;
	USH_AUTO_SESSION session = NULL;
	struct ush_error err = {0};
	struct scene scene;

	begin(&scene);
	scene.idp->groups[1] = NULL;
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	binding = ush_profile_binding(scene.profile);
	session = ush_session_read(scene_store.value, binding, &err);
	ck_assert_uint_eq(session->group_count, 1);
	ck_assert_str_eq(session->groups[0], "dev");
	scene_end(&scene);
}
END_TEST

START_TEST(scopes_that_were_not_granted_are_left_out_at_the_second_try)
{
	struct scene scene;

	begin(&scene);
	scene.idp->narrow_scope = true;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	assert_stored(&scene, "rt-2");
	scene_end(&scene);
}
END_TEST

/* T35 */
START_TEST(a_refresh_asks_for_what_was_granted)
{
	USH_AUTO_FREE char *scope = NULL;
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.idp->granted = "openid groups profile";
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	scene.idp->granted = NULL;
	for (int i = 0; i < 2; i++) {
		scene_pass(&scene, 400);
		ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	}
	scope = fake_idp_form(scene.idp, "/token", 2, "scope");
	ck_assert_pstr_eq(scope, "openid groups profile");
	scene_end(&scene);
}
END_TEST

START_TEST(a_provider_that_is_away_keeps_the_session_and_opens_no_browser)
{
	static const struct fake_answer faults[] = {
		{.status = 500},
		{.status = 502, .content_type = "text/html", .body = "<html>bad gateway</html>"},
		{.status = 503, .body = "{\"error\": \"temporarily_unavailable\"}"},
		{.status = 503, .body = "{\"error\": \"invalid_grant\"}"},
		{.status = 429},
		{.status = 0}, /* timeout, reset, refused */
		{.status = 200, .content_type = "text/html", .body = "<html>Welcome to the hotel</html>"},
		{.status = 200, .body = " <!DOCTYPE html><title>Welcome</title>"},
		{.status = 302},
		{.status = 307},
		{.status = 403, .content_type = "text/html", .body = "<html>blocked</html>"},
	};

	for (size_t i = 0; i < USH_COUNT(faults); i++) {
		struct scene scene;

		begin(&scene);
		scene.options.interactive = true; /* it may ask, and does not */
		fake_idp_fault(scene.idp, "/token", faults[i]);
		ck_assert_int_eq(scene_sign_in(&scene), -1);
		ck_assert_msg(scene.err.code == USH_ERR_UNAVAILABLE, "%zu: %s", i, scene.err.what);
		SAYS(&scene, "; your session is kept");
		ck_assert_uint_eq(scene.opened, 1);
		ck_assert_uint_eq(scene_store.erases, 0);
		assert_stored(&scene, "rt-1");
		ck_assert_msg(scene_sign_in(&scene) == 0, "%zu: %s", i, scene.err.what);
		ck_assert_uint_eq(scene.opened, 1);
		scene_end(&scene);
	}
}
END_TEST

START_TEST(an_answer_that_must_not_be_trusted_keeps_the_session_too)
{
	static const struct fake_answer faults[] = {
		{.status = 200, .body = "{\"id_token\": "},
		{.status = 200, .body = "[]"},
		{.status = 200, .body = "{\"access_token\": \"a\", \"token_type\": \"mac\", \"id_token\": \"x.y.z\"}"},
		{.status = 200,
		 .body = "{\"access_token\": \"a\", \"token_type\": \"Bearer\", \"id_token\": \"x.y.z\"}"},
		{.status = 200, .body = "{\"access_token\": \"a\", \"token_type\": \"Bearer\", \"id_token\": 7}"},
		{.status = 400, .body = "{\"error\": \"invalid_client\"}"},
		{.status = 401, .body = "{\"error\": \"unauthorized_client\"}"},
		{.status = 404, .body = "nothing here"},
		{.status = 200, .body = ""},
	};

	for (size_t i = 0; i < USH_COUNT(faults); i++) {
		struct scene scene;

		begin(&scene);
		scene.options.interactive = true;
		fake_idp_fault(scene.idp, "/token", faults[i]);
		ck_assert_int_eq(scene_sign_in(&scene), -1);
		ck_assert_msg(scene.err.code == USH_ERR_REJECTED, "%zu: %s", i, scene.err.what);
		ck_assert_uint_eq(scene.opened, 1);
		assert_stored(&scene, "rt-1");
		ck_assert_msg(scene_sign_in(&scene) == 0, "%zu: %s", i, scene.err.what);
		scene_end(&scene);
	}
}
END_TEST

START_TEST(no_id_token_on_refresh_is_said_with_the_way_out)
{
	struct scene scene;

	begin(&scene);
	scene.idp->no_id_token_on_refresh = true;
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_REJECTED);
	SAYS(&scene, "login.example.com gave no ID token with the refresh");
	ck_assert_str_eq(scene.err.hint, "Run: kubectl usher login --profile prod");
	scene_end(&scene);
}
END_TEST

START_TEST(a_changed_subject_is_refused)
{
	struct scene scene;

	begin(&scene);
	scene.idp->subject = "sub-mallory";
	scene.options.interactive = true;
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_REJECTED);
	SAYS(&scene, "sub");
	ck_assert_uint_eq(scene.opened, 1);
	ck_assert_int_eq(scene_sign_in(&scene), -1); /* and stays refused */
	ck_assert_int_eq(scene.err.code, USH_ERR_REJECTED);
	scene_end(&scene);
}
END_TEST

START_TEST(a_token_that_fails_its_check_does_not_cost_the_rotated_session)
{
	struct scene scene;

	begin(&scene);
	scene.idp->claims_patch = "{\"aud\": \"another-client\"}";
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_REJECTED);
	assert_stored(&scene, "rt-2");
	scene.idp->claims_patch = NULL;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert(!scene.idp->family_dead);
	scene_end(&scene);
}
END_TEST

/* ---- the end of a session ---- */

START_TEST(only_invalid_grant_ends_a_session)
{
	struct scene scene;

	begin(&scene);
	scene.idp->family_dead = true;
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_LOGIN);
	ck_assert_str_eq(scene.err.what, "login.example.com ended your session (invalid_grant: session not active)");
	ck_assert_str_eq(scene.err.hint, "Run: kubectl usher login --profile prod");
	ck_assert_uint_eq(scene.opened, 1);
	assert_stored(&scene, NULL);
	scene_end(&scene);
}
END_TEST

START_TEST(after_the_end_of_a_session_a_person_is_asked_where_that_is_allowed)
{
	struct scene scene;

	begin(&scene);
	scene.idp->family_dead = true;
	scene.options.interactive = true;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(scene.opened, 2);
	ck_assert_ptr_nonnull(
		strstr(scene_said(&scene),
		       "usher: login.example.com ended your session (invalid_grant: session not active)\n"));
	assert_stored(&scene, "rt-2");
	scene_end(&scene);
}
END_TEST

/* What another process, which did not share our lock, left in the store. */
static void sibling_wrote(struct scene *scene, int64_t id_expires)
{
	USH_AUTO_FREE char *binding = ush_profile_binding(scene->profile);
	USH_AUTO_FREE char *refresh = fake_idp_rotate(scene->idp);
	char subject[] = "sub-carol", account[] = "carol@example.com";
	struct ush_session session = {
		.binding = binding,
		.refresh = ush_secret_new(refresh, strlen(refresh)),
		.id_token = ush_secret_new("sibling.id.token", 16),
		.id_expires = id_expires,
		.subject = subject,
		.account = account,
	};

	scene_store.next = ush_session_write(&session);
	ush_secret_free(session.refresh);
	ush_secret_free(session.id_token);
}

/* T36 */
START_TEST(a_sibling_that_rotated_first_gives_its_token)
{
	struct scene scene;

	begin(&scene);
	sibling_wrote(&scene, scene.idp->now_ms / 1000 + 300);
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_str_eq(ush_secret_reveal(scene.answer.token), "sibling.id.token");
	ck_assert_uint_eq(fake_idp_count(scene.idp, "/token"), 2);
	ck_assert_uint_eq(scene_store.erases, 0);
	assert_stored(&scene, "rt-2");
	scene_end(&scene);
}
END_TEST

/* T36, and the sibling's ID token has run out meanwhile. The provider here forgives the reuse. */
START_TEST(a_sibling_that_rotated_first_lends_its_refresh_token)
{
	struct scene scene;

	begin(&scene);
	sibling_wrote(&scene, scene.idp->now_ms / 1000 - 1);
	fake_idp_fault(scene.idp, "/token",
		       (struct fake_answer){.status = 400, .body = "{\"error\": \"invalid_grant\"}"});
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	assert_stored(&scene, "rt-3");
	ck_assert_uint_eq(scene.opened, 1);
	scene_end(&scene);
}
END_TEST

/* ---- a run that died ---- */

static void leave_mark(struct scene *scene)
{
	USH_AUTO_FREE char *binding = ush_profile_binding(scene->profile);
	USH_AUTO_SECRET refresh = ush_secret_new("rt-1", 4);
	struct ush_error err = {0};
	bool landed;
	struct ush_flight *flight = ush_flight_begin(&scene->idp->world, binding, NULL, NULL, &landed, &err);

	ck_assert_ptr_nonnull(flight);
	ck_assert_int_eq(ush_flight_mark(flight, refresh, &err), 0);
	ush_flight_end(flight);
}

START_TEST(a_refresh_cut_off_a_moment_ago_is_tried_once_more)
{
	struct scene scene;

	begin(&scene);
	leave_mark(&scene);
	scene_pass(&scene, 20);
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	assert_stored(&scene, "rt-2");
	scene_end(&scene);
}
END_TEST

START_TEST(a_refresh_cut_off_long_ago_is_not_sent_again)
{
	struct scene scene;

	begin(&scene);
	leave_mark(&scene);
	scene_pass(&scene, 31);
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_LOGIN);
	ck_assert_uint_eq(fake_idp_count(scene.idp, "/token"), 1); /* the sign-in's */
	scene.options.interactive = true;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	scene_pass(&scene, 400);
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s",
		      scene.err.what); /* the new session is not touched by the old mark */
	ck_assert_uint_eq(scene.opened, 2);
	scene_end(&scene);
}
END_TEST

TAP_MAIN("refresh", a_refresh_with_warm_caches_is_one_silent_request, a_provider_that_does_not_rotate_keeps_its_token,
	 a_refreshed_token_may_leave_the_nonce_out_and_may_not_have_another, new_groups_show_with_the_next_refresh,
	 scopes_that_were_not_granted_are_left_out_at_the_second_try, a_refresh_asks_for_what_was_granted,
	 a_provider_that_is_away_keeps_the_session_and_opens_no_browser,
	 an_answer_that_must_not_be_trusted_keeps_the_session_too, no_id_token_on_refresh_is_said_with_the_way_out,
	 a_changed_subject_is_refused, a_token_that_fails_its_check_does_not_cost_the_rotated_session,
	 only_invalid_grant_ends_a_session, after_the_end_of_a_session_a_person_is_asked_where_that_is_allowed,
	 a_sibling_that_rotated_first_gives_its_token, a_sibling_that_rotated_first_lends_its_refresh_token,
	 a_refresh_cut_off_a_moment_ago_is_tried_once_more, a_refresh_cut_off_long_ago_is_not_sent_again)
