/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole sign-ins and refreshes against a provider in the same process.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/flight/flight.h"
#include "tests/support/scene.h"
#include "tests/support/tap.h"

#define SAYS(scene, words) ck_assert_msg(strstr((scene)->err.what, (words)) != NULL, "%s", (scene)->err.what)

/* A scene with a session in store and cache, whose ID token has run out. */
static void begin_later(struct scene *scene, const char *more)
{
	scene_begin(scene, more);
	ck_assert_msg(scene_sign_in(scene) == 0, "%s", scene->err.what);
	ck_assert_int_eq(scene_page(scene), 1);
	scene_said(scene);
	scene_pass(scene, 400);
}

static void assert_stored(const struct scene *scene, const char *wanted)
{
	USH_AUTO_FREE char *refresh = scene_stored_refresh(scene);

	ck_assert_pstr_eq(refresh, wanted);
}

/* ---- signing in ---- */

START_TEST(the_first_sign_in_makes_three_requests_and_keeps_the_session)
{
	struct scene scene;
	const char *said;

	scene_begin(&scene, NULL);
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_int_eq(scene_page(&scene), 1);
	ck_assert_uint_eq(fake_idp_count(scene.idp, NULL), 3);
	ck_assert_uint_eq(fake_idp_count(scene.idp, "/token"), 1);
	ck_assert_int_eq(scene.answer.expires, scene.idp->now_ms / 1000 + 300);
	ck_assert_uint_eq(scene_store.saves, 1);
	assert_stored(&scene, "rt-1");
	said = scene_said(&scene);
	ck_assert(scene_clean(said));
	ck_assert_ptr_nonnull(strstr(said, "usher: signing in at login.example.com; your browser should open"));
	ck_assert_ptr_nonnull(
		strstr(said, "usher:   https://login.example.com/auth?response_type=code&client_id=kubernetes&"));
	ck_assert_ptr_nonnull(strstr(said, "prompt=consent"));
	ck_assert_ptr_nonnull(strstr(said, "scope=openid%20offline_access%20groups%20email"));
	ck_assert_ptr_nonnull(strstr(said, "usher: waiting for you, 3:00 left, Ctrl-C stops"));
	ck_assert_ptr_nonnull(
		strstr(said, "usher: signed in as carol@example.com, 2 groups; session kept in the test's memory"));
	scene_end(&scene);
}
END_TEST

START_TEST(a_cached_token_asks_nobody_and_says_nothing)
{
	struct scene scene;
	size_t requests;

	scene_begin(&scene, NULL);
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	scene_said(&scene);
	requests = fake_idp_count(scene.idp, NULL);
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	ush_buf_free(&scene_cache); /* no session cache on this machine: the store has the token too */
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	ck_assert_uint_eq(fake_idp_count(scene.idp, NULL), requests);
	ck_assert_uint_eq(scene.opened, 1);
	ck_assert_str_eq(scene_said(&scene), "");
	scene_end(&scene);
}
END_TEST

START_TEST(login_asks_a_person_whatever_is_kept)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	scene_page(&scene);
	scene.options.fresh = true;
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	ck_assert_uint_eq(scene.opened, 2);
	assert_stored(&scene, "rt-2");
	scene_end(&scene);
}
END_TEST

START_TEST(a_client_secret_goes_by_http_basic)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.profile->client_secret = ush_secret_new("p&ss w", 6);
	scene.idp->client_secret = "p%26ss%20w";
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_ptr_null(fake_idp_form(scene.idp, "/token", 0, "client_id"));
	scene_end(&scene);
}
END_TEST

START_TEST(a_provider_without_refresh_tokens_is_told_and_works)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.idp->no_refresh_token = true;
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	ck_assert_ptr_nonnull(strstr(scene_said(&scene), "you are asked again (no refresh token came)"));
	scene_page(&scene);
	scene_pass(&scene, 400);
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	ck_assert_uint_eq(scene.opened, 2);
	scene_end(&scene);
}
END_TEST

START_TEST(an_id_token_that_is_too_large_is_said_with_its_size)
{
	USH_AUTO_FREE char *patch = NULL;
	char name[70001];
	struct scene scene;

	memset(name, 'x', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	patch = ush_printf("{\"groups\": [\"%s\"]}", name);
	scene_begin(&scene, NULL);
	scene.idp->claims_patch = patch;
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_REJECTED);
	ck_assert_msg(strstr(scene.err.what, "gave an ID token of 9") != NULL && strstr(scene.err.what, "too many groups") != NULL, "%s",
		      scene.err.what);
	scene_end(&scene);
}
END_TEST

START_TEST(what_the_browser_brings_is_checked)
{
	static const struct {
		enum scene_browser browser;
		enum ush_code code;
		const char *words;
	} ways[] = {
		{BROWSER_DENIES, USH_ERR_DECLINED, "access_denied"},
		{BROWSER_OTHER_ISSUER, USH_ERR_REJECTED, "https://evil.example"},
		{BROWSER_FORGED_CODE, USH_ERR_REJECTED, "invalid_grant"}, /* T22: PKCE */
	};

	for (size_t i = 0; i < USH_COUNT(ways); i++) {
		struct scene scene;

		scene_begin(&scene, NULL);
		scene.browser = ways[i].browser;
		ck_assert_int_eq(scene_sign_in(&scene), -1);
		ck_assert_int_eq(scene.err.code, ways[i].code);
		SAYS(&scene, ways[i].words);
		ck_assert_ptr_null(scene_store.value);
		ck_assert_uint_eq(scene_cache.length, 0);
		ck_assert_int_eq(scene_page(&scene), 2);
		scene_end(&scene);
	}
}
END_TEST

START_TEST(a_forged_visit_changes_nothing)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.idp->iss_parameter = true;
	scene.browser = BROWSER_FORGED_FIRST;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_int_eq(scene_page(&scene), 1);
	scene_end(&scene);
}
END_TEST

START_TEST(an_id_token_that_is_not_for_this_sign_in_is_rejected)
{
	static const struct {
		const char *patch, *words;
	} lies[] = {
		{"{\"nonce\": \"another\"}", "nonce"},
		{"{\"iss\": \"https://login.example.com/\"}", "iss"},
		{"{\"aud\": \"another-client\"}", "aud"},
		{"{\"exp\": 1}", "exp"},
		{"{\"sub\": null}", "sub"},
	};

	for (size_t i = 0; i < USH_COUNT(lies); i++) {
		struct scene scene;

		scene_begin(&scene, NULL);
		scene.idp->claims_patch = lies[i].patch;
		ck_assert_int_eq(scene_sign_in(&scene), -1);
		ck_assert_int_eq(scene.err.code, USH_ERR_REJECTED);
		SAYS(&scene, lies[i].words);
		ck_assert_ptr_null(scene_store.value);
		ck_assert_int_eq(scene_page(&scene), 2);
		scene_end(&scene);
	}
}
END_TEST

/* T14: at each endpoint that sign-in asks */
START_TEST(a_redirect_is_rejected_and_not_followed)
{
	static const char *const paths[] = {"/.well-known/openid-configuration", "/jwks", "/token"};
	static const int statuses[] = {301, 302, 303, 307, 308};

	for (size_t p = 0; p < USH_COUNT(paths); p++)
		for (size_t i = 0; i < USH_COUNT(statuses); i++) {
			struct scene scene;

			scene_begin(&scene, NULL);
			fake_idp_fault(scene.idp, paths[p], (struct fake_answer){.status = statuses[i]});
			ck_assert_int_eq(scene_sign_in(&scene), -1);
			ck_assert_int_eq(scene.err.code, USH_ERR_REJECTED);
			ck_assert_uint_eq(fake_idp_count(scene.idp, paths[p]), 1);
			scene_end(&scene);
		}
}
END_TEST

START_TEST(a_clock_that_is_off_is_measured_and_corrected)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.idp->date_skew = 200;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_int_eq(scene.answer.expires, scene.idp->now_ms / 1000 + 300); /* by our clock */
	scene_end(&scene);
	scene_begin(&scene, NULL);
	scene.idp->date_skew = 86400;
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_REJECTED);
	ck_assert_str_eq(scene.err.hint, "This machine's clock is 1440 minutes behind login.example.com");
	scene_end(&scene);
}
END_TEST

/* ---- when nobody may be asked, or nobody answers ---- */

START_TEST(a_call_that_may_not_ask_opens_nothing)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.options.interactive = false;
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_LOGIN);
	ck_assert_str_eq(scene.err.hint, "Run: kubectl usher login --profile prod");
	ck_assert_uint_eq(scene.opened, 0);
	ck_assert_uint_eq(fake_idp_count(scene.idp, NULL), 0);
	ck_assert_str_eq(scene_said(&scene), "");
	scene_end(&scene);
}
END_TEST

START_TEST(after_three_unanswered_sign_ins_no_browser_opens_until_login)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.browser = BROWSER_NOBODY;
	for (int i = 0; i < USH_BREAKER_LIMIT; i++) {
		ck_assert_int_eq(scene_sign_in(&scene), -1);
		ck_assert_int_eq(scene.err.code, USH_ERR_DECLINED);
	}
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_LOGIN);
	SAYS(&scene, "3 sign-ins went unanswered since ");
	ck_assert_uint_eq(scene.opened, USH_BREAKER_LIMIT);
	scene.browser = BROWSER_HONEST;
	scene.idp->per_look_ms = 0;
	scene.options.fresh = true;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	scene_page(&scene);
	scene.options.fresh = false;
	ush_buf_free(&scene_cache);
	ush_secret_free(ush_steal(&scene_store.value));
	ck_assert_int_eq(scene_sign_in(&scene), 0); /* the count began anew */
	scene_end(&scene);
}
END_TEST

START_TEST(a_person_who_says_no_is_not_counted_as_away)
{
	struct scene scene;

	scene_begin(&scene, NULL);
	scene.browser = BROWSER_DENIES;
	for (int i = 0; i < USH_BREAKER_LIMIT + 1; i++) {
		ck_assert_int_eq(scene_sign_in(&scene), -1);
		ck_assert_int_eq(scene.err.code, USH_ERR_DECLINED);
		scene_page(&scene);
	}
	scene_end(&scene);
}
END_TEST

/* ---- stores that fail ---- */

START_TEST(a_store_that_fails_costs_one_line_and_never_the_token)
{
	static const struct {
		enum ush_store_result load, save;
		const char *line;
	} faults[] = {
		{USH_STORE_BROKEN, USH_STORE_BROKEN,
		 "the test's memory cannot be used (scripted); going on without what it keeps\n"},
		{USH_STORE_LOCKED, USH_STORE_LOCKED,
		 "the test's memory is locked and nobody is there to unlock it; going on without"},
		{USH_STORE_OK, USH_STORE_BROKEN, "the test's memory cannot be used (scripted); signed in until "},
		{USH_STORE_OK, USH_STORE_LOCKED,
		 "the test's memory is locked and nobody is there to unlock it; signed in until "},
	};

	for (size_t i = 0; i < USH_COUNT(faults); i++) {
		struct scene scene;
		const char *said;

		scene_begin(&scene, NULL);
		scene_store.load_says = faults[i].load;
		scene_store.save_says = faults[i].save;
		ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
		ck_assert_ptr_nonnull(scene.answer.token);
		ck_assert_uint_eq(scene_store.erases, 0);
		ck_assert_uint_eq(scene_store.loads + scene_store.saves, faults[i].load == USH_STORE_OK ? 2 : 1);
		said = scene_said(&scene);
		ck_assert_msg(strstr(said, faults[i].line) != NULL, "%s", said);
		ck_assert_uint_eq(scene_lines(said), 5); /* three of the browser, signed in, and the warning */
		scene_end(&scene);
	}
}
END_TEST

START_TEST(a_rotated_token_that_the_store_refuses_still_answers_kubectl)
{
	struct scene scene;

	begin_later(&scene, NULL);
	scene_store.save_says = USH_STORE_BROKEN;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(scene_lines(scene_said(&scene)), 1);
	scene_end(&scene);
}
END_TEST

/* ---- get-token ---- */

static int get_token(struct scene *scene, const char *server, bool interactive, int fd)
{
	struct ush_execinfo info = {.api_version = "client.authentication.k8s.io/v1", .interactive = interactive};

	snprintf(info.server, sizeof info.server, "%s", server);
	ush_error_clear(&scene->err);
	return ush_get_token(&scene->idp->world, scene->profile, &scene->options, &info, fd, &scene->err);
}

static int output_file(void)
{
	USH_AUTO_FREE char *path = ush_printf("%s/output", getenv("HOME"));
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 3);
	return fd;
}

START_TEST(kubectl_gets_one_line_after_the_store_has_the_rotated_token)
{
	struct scene scene;
	char text[8192] = "";
	ssize_t length;
	int fd;

	begin_later(&scene, NULL);
	fd = scene_store.watched_fd = output_file();
	ck_assert_msg(get_token(&scene, "https://k8s.example.com:6443", false, fd) == 0, "%s", scene.err.what);
	ck_assert(scene_store.saved_before_output);
	assert_stored(&scene, "rt-2");
	length = pread(fd, text, sizeof text - 1, 0);
	ck_assert_int_gt(length, 0);
	ck_assert_ptr_eq(strchr(text, '\n'), text + length - 1);
	ck_assert_ptr_nonnull(strstr(text, "\"ExecCredential\""));
	ck_assert_str_eq(scene_said(&scene), "");
	close(fd);
	scene_end(&scene);
}
END_TEST

START_TEST(a_server_that_the_profile_does_not_name_gets_no_token)
{
	static const struct {
		const char *server, *hint;
	} servers[] = {
		{"https://203.0.113.9:6443", "add it to servers in /home/carol/.config/usher/profiles/prod.yaml"},
		{"https://k8s.example.com", "add it to servers"},
		{"http://k8s.example.com:6443", "add it to servers"},
		{"https://k8s.example.com:6443/evil", "add it to servers"},
		{"", "provideClusterInfo: true"},
	};
	struct scene scene;
	int fd;

	scene_begin(&scene, NULL);
	ck_assert_int_eq(scene_sign_in(&scene), 0);
	fd = output_file();
	for (size_t i = 0; i < USH_COUNT(servers); i++) {
		ck_assert_int_eq(get_token(&scene, servers[i].server, true, fd), -1);
		ck_assert_int_eq(scene.err.code, USH_ERR_REFUSED);
		ck_assert_msg(strstr(scene.err.hint, servers[i].hint) != NULL, "%s", scene.err.hint);
	}
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
	close(fd);
	scene_end(&scene);
}
END_TEST

TAP_MAIN("signin", the_first_sign_in_makes_three_requests_and_keeps_the_session,
	 a_cached_token_asks_nobody_and_says_nothing, login_asks_a_person_whatever_is_kept,
	 a_client_secret_goes_by_http_basic, a_provider_without_refresh_tokens_is_told_and_works,
	 an_id_token_that_is_too_large_is_said_with_its_size,
	 what_the_browser_brings_is_checked,
	 a_forged_visit_changes_nothing, an_id_token_that_is_not_for_this_sign_in_is_rejected,
	 a_redirect_is_rejected_and_not_followed, a_clock_that_is_off_is_measured_and_corrected,
	 a_call_that_may_not_ask_opens_nothing, after_three_unanswered_sign_ins_no_browser_opens_until_login,
	 a_person_who_says_no_is_not_counted_as_away, a_store_that_fails_costs_one_line_and_never_the_token,
	 a_rotated_token_that_the_store_refuses_still_answers_kubectl,
	 kubectl_gets_one_line_after_the_store_has_the_rotated_token,
	 a_server_that_the_profile_does_not_name_gets_no_token)
