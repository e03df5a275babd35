/* SPDX-License-Identifier: Apache-2.0
 *
 * kubectl asks again, because the API server answered 401 (front/asked.h): what becomes of the token, and of the person,
 * who is asked nothing because of it.
 */
#include <string.h>

#include "common/base/memory.h"
#include "tests/support/refused_case.h"
#include "tests/support/tap.h"

START_TEST(a_refused_token_is_refreshed_once_and_the_next_kubectl_works) /* T46 */
{
	USH_AUTO_FREE char *refused = NULL, *renewed = NULL;
	const char *said;
	struct scene scene;
	size_t before;

	begin(&scene);
	refused = ush_strdup(token);
	before = fake_idp_count(scene.idp, "/token");
	ck_assert_int_eq(asks(&scene), 0);
	renewed = ush_strdup(token);
	ck_assert_str_ne(renewed, refused);
	ck_assert_uint_eq(fake_idp_count(scene.idp, "/token"), before + 1);
	said = scene_said(&scene);
	ck_assert_uint_eq(scene_lines(said), 1);
	ck_assert(scene_clean(said));
	SAYS(said, "so it was refreshed. If kubectl says Unauthorized, run it again");
	another_kubectl(&scene);
	ck_assert_int_eq(asks(&scene), 0);
	ck_assert_str_eq(token, renewed);
	ck_assert_uint_eq(fake_idp_count(scene.idp, "/token"), before + 1);
	ck_assert_str_eq(scene_said(&scene), "");
	assert_nobody_was_asked(&scene);
	scene_end(&scene);
}
END_TEST

START_TEST(a_refreshed_token_that_is_refused_too_is_told_once_and_costs_one_refresh) /* T46 */
{
	USH_AUTO_FREE char *renewed = NULL;
	const char *said;
	struct scene scene;
	size_t before;

	begin(&scene);
	before = fake_idp_count(scene.idp, "/token");
	ck_assert_int_eq(asks(&scene), 0);
	renewed = ush_strdup(token);
	scene_said(&scene);
	for (int i = 0; i < 4; i++) { /* kubectl asks up to six times in one run */
		ck_assert_int_eq(asks(&scene), 0);
		ck_assert_str_eq(token, renewed);
	}
	said = scene_said(&scene);
	ck_assert_uint_eq(scene_lines(said), 1);
	ck_assert(scene_clean(said));
	SAYS(said, "although it was just refreshed, so that does not help");
	ck_assert_uint_eq(fake_idp_count(scene.idp, "/token"), before + 1);
	assert_nobody_was_asked(&scene);
	/* A minute later the next kubectl does not begin with it. */
	scene_pass(&scene, 60);
	another_kubectl(&scene);
	ck_assert_int_eq(asks(&scene), 0);
	ck_assert_str_ne(token, renewed);
	ck_assert_uint_eq(fake_idp_count(scene.idp, "/token"), before + 2);
	ck_assert_str_eq(scene_said(&scene), "");
	assert_nobody_was_asked(&scene);
	scene_end(&scene);
}
END_TEST

static int (*ask_provider)(void *, const struct ush_http_request *, struct ush_http_response *, struct ush_error *);
static uint32_t refused_meanwhile; /* what stood in the ring when the provider was asked */

static int look_and_ask(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *err)
{
	struct ush_asked asked;

	ush_asked_read(&asked, scene_asked.data, (long)scene_asked.length);
	refused_meanwhile = asked.refused;
	return ask_provider(context, request, response, err);
}

/* A run that is killed while it waits for a slow provider leaves what stands there then. */
START_TEST(whoever_stops_a_slow_refresh_is_not_held_up_by_it_again)
{
	struct ush_asked asked;
	struct scene scene;

	begin(&scene);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(asks(&scene), 0);
	ush_asked_read(&asked, scene_asked.data, (long)scene_asked.length);
	ck_assert_uint_ne(asked.refused, 0);
	refused_meanwhile = asked.refused;
	scene_pass(&scene, 60);
	another_kubectl(&scene);
	ask_provider = scene.idp->world.http;
	scene.idp->world.http = look_and_ask;
	ck_assert_int_eq(asks(&scene), 0);
	ck_assert_uint_eq(refused_meanwhile, 0);
	scene_end(&scene);
}
END_TEST

START_TEST(a_refresh_that_fails_gives_the_same_token_and_the_reason)
{
	static const struct {
		struct fake_answer answer;
		const char *why;
	} cases[] = {
		{{.status = 0}, "your session is kept"},
		{{.status = 503}, "cannot answer now (HTTP 503); your session is kept. Try again when it answers"},
		{{.status = 200, .content_type = "text/html", .body = "<html>hotel</html>"}, "login page of this network"},
		{{.status = 200, .body = "{"}, "is not valid JSON"},
		{{.status = 400, .body = "{\"error\": \"temporarily_unavailable\"}"}, "temporarily_unavailable"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_FREE char *refused = NULL, *before = NULL, *after = NULL;
		const char *said;
		struct scene scene;

		begin(&scene);
		refused = ush_strdup(token);
		before = scene_stored_refresh(&scene);
		fake_idp_fault(scene.idp, "/token", cases[i].answer);
		ck_assert_int_eq(asks_as(&scene, true), 0);
		ck_assert_str_eq(token, refused);
		said = scene_said(&scene);
		ck_assert_uint_eq(scene_lines(said), 1);
		ck_assert(scene_clean(said));
		SAYS(said, "the API server seems to refuse the token (401), and it could not be refreshed: ");
		SAYS(said, cases[i].why);
		after = scene_stored_refresh(&scene);
		ck_assert_str_eq(after, before);
		ck_assert_int_eq(asks_as(&scene, true), 0); /* not at once again, and without a word */
		ck_assert_str_eq(token, refused);
		ck_assert_str_eq(scene_said(&scene), "");
		assert_nobody_was_asked(&scene);
		scene_pass(&scene, 60);
		ck_assert_int_eq(asks_as(&scene, true), 0);
		ck_assert_str_ne(token, refused);
		scene_end(&scene);
	}
}
END_TEST

START_TEST(without_a_refresh_token_nobody_is_asked)
{
	USH_AUTO_FREE char *refused = NULL;
	struct scene scene;
	const char *said;

	scene_begin(&scene, NULL);
	scene.idp->no_refresh_token = true;
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	another_kubectl(&scene);
	ck_assert_int_eq(asks_as(&scene, true), 0);
	refused = ush_strdup(token);
	scene_said(&scene);
	ck_assert_int_eq(asks_as(&scene, true), 0);
	ck_assert_str_eq(token, refused);
	said = scene_said(&scene);
	ck_assert_uint_eq(scene_lines(said), 1);
	SAYS(said, "there is no refresh token. Run: kubectl usher login --profile prod");
	assert_nobody_was_asked(&scene);
	scene_end(&scene);
}
END_TEST

START_TEST(without_a_store_or_with_a_locked_one_nobody_is_asked)
{
	static const enum ush_store_result results[] = {USH_STORE_ABSENT, USH_STORE_LOCKED, USH_STORE_BROKEN};

	for (size_t i = 0; i < USH_COUNT(results); i++) {
		USH_AUTO_FREE char *refused = NULL;
		struct scene scene;

		begin(&scene);
		refused = ush_strdup(token);
		scene_store.load_says = results[i];
		ck_assert_int_eq(asks_as(&scene, true), 0);
		ck_assert_str_eq(token, refused);
		SAYS(scene_said(&scene), "there is no refresh token");
		assert_nobody_was_asked(&scene);
		scene_end(&scene);
	}
}
END_TEST

/* The one case in which a person is asked: one runs kubectl, and the provider itself has ended the session. */
START_TEST(a_session_that_the_provider_ended_is_signed_in_anew_by_a_person_only)
{
	USH_AUTO_FREE char *refused = NULL;
	struct scene scene;
	const char *said;

	begin(&scene);
	refused = ush_strdup(token);
	scene.idp->family_dead = true;
	ck_assert_int_eq(asks(&scene), 0);
	ck_assert_str_eq(token, refused);
	said = scene_said(&scene);
	ck_assert_uint_eq(scene_lines(said), 1);
	SAYS(said, "ended your session (invalid_grant");
	SAYS(said, "Run: kubectl usher login --profile prod");
	assert_nobody_was_asked(&scene);
	scene_end(&scene);

	begin(&scene);
	scene.idp->family_dead = true;
	another_kubectl(&scene);
	ck_assert_int_eq(asks_as(&scene, true), 0);
	scene_said(&scene);
	ck_assert_int_eq(asks_as(&scene, true), 0);
	ck_assert_str_ne(token, refused);
	ck_assert_uint_eq(scene.opened, 2);
	scene_end(&scene);
}
END_TEST

START_TEST(a_provider_that_repeats_its_token_is_told)
{
	USH_AUTO_FREE char *refused = NULL, *same = NULL;
	struct scene scene;

	begin(&scene);
	refused = ush_strdup(token);
	same = ush_printf("{\"token_type\": \"Bearer\", \"access_token\": \"at\", \"id_token\": \"%s\"}", token);
	fake_idp_fault(scene.idp, "/token", (struct fake_answer){.status = 200, .body = same});
	ck_assert_int_eq(asks(&scene), 0);
	ck_assert_str_eq(token, refused);
	SAYS(scene_said(&scene), "the provider gave the same one again");
	assert_nobody_was_asked(&scene);
	scene_end(&scene);
}
END_TEST

/* What one refresh brought serves all: those that wait for it, and those that come after. */
START_TEST(the_other_kubectls_that_were_refused_share_the_refresh)
{
	struct ush_asker first, second;
	USH_AUTO_FREE char *renewed = NULL;
	struct scene scene;
	size_t before;

	begin(&scene);
	first = kubectl;
	another_kubectl(&scene);
	ck_assert_int_eq(asks(&scene), 0);
	second = kubectl;
	before = fake_idp_count(scene.idp, "/token");
	scene.options.asker = &first;
	ck_assert_int_eq(asks(&scene), 0);
	renewed = ush_strdup(token);
	scene.options.asker = &second;
	ck_assert_int_eq(asks(&scene), 0);
	ck_assert_str_eq(token, renewed);
	ck_assert_uint_eq(fake_idp_count(scene.idp, "/token"), before + 1);
	scene_end(&scene);
}
END_TEST

START_TEST(login_and_logout_forget_who_was_refused)
{
	struct scene scene;

	begin(&scene);
	asks(&scene);
	asks(&scene);
	ck_assert_uint_gt(scene_asked.length, 0);
	scene.options.fresh = true;
	scene.options.interactive = true;
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	ck_assert_uint_eq(scene_asked.length, 0);
	scene.options.fresh = false;
	asks(&scene);
	ck_assert_uint_gt(scene_asked.length, 0);
	ck_assert_int_eq(ush_signout(&scene.idp->world, scene.profile, &scene.options, &scene.err), 0);
	ck_assert_uint_eq(scene_asked.length, 0);
	scene_end(&scene);
}
END_TEST

START_TEST(an_asker_that_is_not_known_has_no_rule)
{
	USH_AUTO_FREE char *first = NULL;
	struct scene scene;

	begin(&scene);
	first = ush_strdup(token);
	scene.options.asker = NULL;
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(asks(&scene), 0);
		ck_assert_str_eq(token, first);
	}
	ck_assert_str_eq(scene_said(&scene), "");
	scene_end(&scene);
}
END_TEST

TAP_MAIN("refused", a_refused_token_is_refreshed_once_and_the_next_kubectl_works,
	 a_refreshed_token_that_is_refused_too_is_told_once_and_costs_one_refresh,
	 whoever_stops_a_slow_refresh_is_not_held_up_by_it_again, a_refresh_that_fails_gives_the_same_token_and_the_reason,
	 without_a_refresh_token_nobody_is_asked, without_a_store_or_with_a_locked_one_nobody_is_asked,
	 a_session_that_the_provider_ended_is_signed_in_anew_by_a_person_only, a_provider_that_repeats_its_token_is_told,
	 the_other_kubectls_that_were_refused_share_the_refresh, login_and_logout_forget_who_was_refused,
	 an_asker_that_is_not_known_has_no_rule)
