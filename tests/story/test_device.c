/* SPDX-License-Identifier: Apache-2.0
 *
 * Device flow (RFC 8628) by a clock that only waiting moves.
 */
#include <string.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "plugin/flight/flight.h"
#include "tests/support/scene.h"
#include "tests/support/tap.h"

static void begin(struct scene *scene, const char *const *script, const char *invitation)
{
	scene_begin(scene, "sign-in-timeout: 60s\n");
	scene->options.flow = USH_FLOW_DEVICE;
	scene->idp->device_script = script;
	scene->idp->device_answer = invitation;
}

/* Seconds between the n-th poll and the one before; of the first: since the start. */
static int64_t gap(const struct scene *scene, size_t n)
{
	return (scene->idp->poll_ms[n] - (n > 0 ? scene->idp->poll_ms[n - 1] : 1000000)) / 1000;
}

START_TEST(a_person_enters_the_code_on_another_device)
{
	static const char *const script[] = {"authorization_pending", "authorization_pending", "ok", NULL};
	USH_AUTO_FREE char *prompt = NULL, *verifier = NULL;
	struct scene scene;
	const char *said;

	begin(&scene, script, NULL);
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(scene.idp->polls, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(gap(&scene, i), 5);
	said = scene_said(&scene);
	ck_assert(scene_clean(said));
	ck_assert_ptr_nonnull(strstr(said, "https://login.example.com/device   and enter\n"));
	ck_assert_ptr_nonnull(strstr(said, "           WDJB-MJHT\n"));
	ck_assert_ptr_nonnull(strstr(said, "usher: waiting for you, 10:00 left, Ctrl-C stops\n"));
	ck_assert_ptr_null(strstr(said, "user_code="));
	ck_assert_ptr_nonnull(strstr(said, "usher: signed in as carol@example.com, 2 groups"));
	ck_assert_uint_eq(scene.opened, 0); /* it opens nothing by itself */
	prompt = fake_idp_form(scene.idp, "/device", 0, "prompt");
	ck_assert_pstr_eq(prompt, "consent");
	verifier = fake_idp_form(scene.idp, "/token", 0, "code_verifier");
	ck_assert_ptr_nonnull(verifier);
	scene_end(&scene);
}
END_TEST

/* T26 */
START_TEST(slow_down_adds_five_seconds_each_time)
{
	static const char *const script[] = {
		"slow_down", "slow_down", "slow_down", "slow_down", "slow_down", "slow_down", "slow_down", "slow_down",
		"slow_down", "slow_down", "slow_down", "slow_down", "slow_down", "slow_down", "slow_down", "slow_down",
		"slow_down", "slow_down", "slow_down", "slow_down", "ok",        NULL};
	struct scene scene;

	begin(&scene, script, "{\"expires_in\": 1800}");
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(scene.idp->polls, 21);
	for (size_t i = 0; i < scene.idp->polls; i++)
		ck_assert_int_eq(gap(&scene, i), 5 + 5 * (int64_t)i);
	scene_end(&scene);
}
END_TEST

/* T26 */
START_TEST(the_interval_is_held_between_five_and_sixty_seconds)
{
	static const char *const script[] = {"authorization_pending", "ok", NULL};
	static const struct {
		const char *invitation;
		int64_t gap;
	} intervals[] = {
		{"{\"interval\": 0}", 5},           {"{\"interval\": -1}", 5},     {"{\"interval\": 1}", 5},
		{"{\"interval\": 1000000000}", 60}, {"{\"interval\": 1e300}", 60}, {"{\"interval\": \"7\"}", 5},
		{"{\"interval\": null}", 5},        {"{\"interval\": 7}", 7},      {"{\"interval\": 10.5}", 10},
	};

	for (size_t i = 0; i < USH_COUNT(intervals); i++) {
		struct scene scene;

		begin(&scene, script, intervals[i].invitation);
		ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
		ck_assert_int_eq(gap(&scene, 0), intervals[i].gap);
		ck_assert_int_eq(gap(&scene, 1), intervals[i].gap);
		scene_end(&scene);
	}
}
END_TEST

/* T26 */
START_TEST(a_declined_or_expired_code_ends_the_wait)
{
	static const char *const denied[] = {"authorization_pending", "access_denied", NULL};
	static const char *const expired[] = {"authorization_pending", "expired_token", NULL};
	static const char *const used[] = {"invalid_grant", NULL};
	static const struct {
		const char *const *script;
		enum ush_code code;
		int unanswered;
	} ends[] = {{denied, USH_ERR_DECLINED, 0}, {expired, USH_ERR_DECLINED, 1}, {used, USH_ERR_REJECTED, 0}};

	for (size_t i = 0; i < USH_COUNT(ends); i++) {
		USH_AUTO_FREE char *binding = NULL;
		struct scene scene;
		int64_t since;

		begin(&scene, ends[i].script, NULL);
		binding = ush_profile_binding(scene.profile);
		ck_assert_int_eq(scene_sign_in(&scene), -1);
		ck_assert_int_eq(scene.err.code, ends[i].code);
		ck_assert_int_eq(ush_breaker_count(binding, &since), ends[i].unanswered);
		ck_assert_ptr_null(scene_store.value);
		scene_end(&scene);
	}
}
END_TEST

/* T26: the provider's time, and never more than half an hour */
START_TEST(nobody_polls_past_the_codes_life)
{
	static const char *const pending[] = {"authorization_pending", NULL};
	static const struct {
		const char *invitation;
		int64_t life;
	} lives[] = {
		{"{\"expires_in\": 60}", 60},
		{"{\"expires_in\": 31536000}", 1800},
		{"{\"expires_in\": -5}", 1},
		{"{\"expires_in\": null}", 600},
	};

	for (size_t i = 0; i < USH_COUNT(lives); i++) {
		struct scene scene;
		int64_t began;

		begin(&scene, pending, lives[i].invitation);
		began = scene.idp->boot_ms;
		ck_assert_int_eq(scene_sign_in(&scene), -1);
		ck_assert_int_eq(scene.err.code, USH_ERR_DECLINED);
		ck_assert_int_le(scene.idp->boot_ms - began, 1000 * lives[i].life);
		ck_assert_int_ge(scene.idp->boot_ms - began, 1000 * (lives[i].life - 5));
		scene_end(&scene);
	}
}
END_TEST

START_TEST(a_network_that_fails_for_a_while_is_waited_out)
{
	static const char *const script[] = {"ok", NULL};
	static const int64_t gaps[] = {5, 10, 20, 40, 60};
	struct scene scene;

	begin(&scene, script, NULL);
	fake_idp_fault(scene.idp, "/token", (struct fake_answer){.status = 0});
	fake_idp_fault(scene.idp, "/token", (struct fake_answer){.status = 503});
	fake_idp_fault(scene.idp, "/token", (struct fake_answer){.status = 429});
	fake_idp_fault(scene.idp, "/token", (struct fake_answer){.status = 0});
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(scene.idp->sleep_count, USH_COUNT(gaps));
	for (size_t i = 0; i < USH_COUNT(gaps); i++)
		ck_assert_int_eq(scene.idp->sleeps[i], 1000 * gaps[i]);
	scene_end(&scene);
}
END_TEST

START_TEST(keys_that_cannot_be_had_after_the_grant_are_no_reason_to_poll_again)
{
	static const char *const script[] = {"ok", NULL};
	struct scene scene;

	begin(&scene, script, NULL);
	fake_idp_fault(scene.idp, "/jwks", (struct fake_answer){.status = 503});
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_UNAVAILABLE);
	ck_assert_uint_eq(scene.idp->polls, 1);
	scene_end(&scene);
}
END_TEST

/* T26, P25: a person is sent to the provider's own page only */
START_TEST(a_page_that_is_not_the_providers_is_refused)
{
	static const char *const invitations[] = {
		"{\"verification_uri\": \"https://login.examp1e.com/device\"}",
		"{\"verification_uri\": \"http://login.example.com/device\"}",
		"{\"verification_uri\": \"http://127.0.0.1/device\"}",
		"{\"verification_uri\": \"javascript:alert(1)\"}",
		"{\"verification_uri\": \"https://login.example.com@evil.example/\"}",
		"{\"verification_uri\": \"https://login.example.com.evil.example/\"}",
		"{\"verification_uri\": \"https://login.example.com/\\u001b[2K\"}",
		"{\"verification_uri\": 7}",
		"{\"verification_uri_complete\": \"https://evil.example/device?user_code=WDJB-MJHT\"}",
		"{\"user_code\": \"\"}",
		"{\"user_code\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		"{\"device_code\": null}",
	};

	for (size_t i = 0; i < USH_COUNT(invitations); i++) {
		struct scene scene;

		begin(&scene, NULL, invitations[i]);
		ck_assert_msg(scene_sign_in(&scene) == -1, "taken: %s", invitations[i]);
		ck_assert_int_eq(scene.err.code, USH_ERR_REJECTED);
		ck_assert_uint_eq(scene.idp->polls, 0);
		ck_assert_str_eq(scene_said(&scene), "");
		scene_end(&scene);
	}
}
END_TEST

START_TEST(another_host_that_the_profile_names_is_taken)
{
	static const char *const script[] = {"ok", NULL};
	struct scene scene;

	scene_begin(&scene, "endpoint-hosts: [device.example.net]\n");
	scene.options.flow = USH_FLOW_DEVICE;
	scene.idp->device_script = script;
	scene.idp->device_answer =
		"{\"verification_uri\": \"https://device.example.net/\", \"verification_uri_complete\": null}";
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	scene_end(&scene);
}
END_TEST

/* T14 for the device endpoint, and its other refusals */
START_TEST(the_device_endpoints_refusals_have_their_codes)
{
	static const struct {
		struct fake_answer answer;
		enum ush_code code;
	} refusals[] = {
		{{.status = 302}, USH_ERR_REJECTED},
		{{.status = 308}, USH_ERR_REJECTED},
		{{.status = 400,
		  .body = "{\"error\": \"unauthorized_client\", \"error_description\": \"no device flow here\"}"},
		 USH_ERR_REJECTED},
		{{.status = 500}, USH_ERR_UNAVAILABLE},
		{{.status = 0}, USH_ERR_UNAVAILABLE},
		{{.status = 200, .body = "<html>"}, USH_ERR_REJECTED},
	};

	for (size_t i = 0; i < USH_COUNT(refusals); i++) {
		struct scene scene;

		begin(&scene, NULL, NULL);
		fake_idp_fault(scene.idp, "/device", refusals[i].answer);
		ck_assert_int_eq(scene_sign_in(&scene), -1);
		ck_assert_msg(scene.err.code == refusals[i].code, "%zu: %s", i, scene.err.what);
		ck_assert_uint_eq(fake_idp_count(scene.idp, "/device"), 1);
		scene_end(&scene);
	}
}
END_TEST

START_TEST(without_a_display_the_device_flow_is_chosen_by_itself)
{
	static const char *const script[] = {"ok", NULL};
	struct scene scene;

	begin(&scene, script, NULL);
	scene.options.flow = USH_FLOW_AUTO;
	scene.options.open = NULL; /* as outside of tests; the scene has no DISPLAY */
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	ck_assert_uint_eq(scene.idp->polls, 1);
	scene_end(&scene);
}
END_TEST

START_TEST(a_provider_that_forbids_offline_access_gives_a_second_code_without)
{
	static const char *const script[] = {"ok", NULL};
	USH_AUTO_FREE char *scope = NULL;
	struct scene scene;

	begin(&scene, script, NULL);
	scene.idp->offline_forbidden = true;
	ck_assert_msg(scene_sign_in(&scene) == 0, "%s", scene.err.what);
	scope = fake_idp_form(scene.idp, "/device", 1, "scope");
	ck_assert_pstr_eq(scope, "openid groups email");
	scene_end(&scene);
}
END_TEST

START_TEST(a_signal_ends_the_wait)
{
	static const char *const pending[] = {"authorization_pending", NULL};
	struct scene scene;

	begin(&scene, pending, NULL);
	scene.idp->end_asked = true;
	ck_assert_int_eq(scene_sign_in(&scene), -1);
	ck_assert_int_eq(scene.err.code, USH_ERR_DECLINED);
	ck_assert_uint_eq(scene.idp->polls, 0);
	scene_end(&scene);
}
END_TEST

TAP_MAIN("device", a_person_enters_the_code_on_another_device, slow_down_adds_five_seconds_each_time,
	 the_interval_is_held_between_five_and_sixty_seconds, a_declined_or_expired_code_ends_the_wait,
	 nobody_polls_past_the_codes_life, a_network_that_fails_for_a_while_is_waited_out,
	 keys_that_cannot_be_had_after_the_grant_are_no_reason_to_poll_again,
	 a_page_that_is_not_the_providers_is_refused, another_host_that_the_profile_names_is_taken,
	 the_device_endpoints_refusals_have_their_codes, without_a_display_the_device_flow_is_chosen_by_itself,
	 a_provider_that_forbids_offline_access_gives_a_second_code_without, a_signal_ends_the_wait)
