/* SPDX-License-Identifier: Apache-2.0
 *
 * kubectl asks again because of a 401, and the provider hangs: who is held up by that, and for how long.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/flight/flight.h"
#include "tests/support/refused_case.h"
#include "tests/support/tap.h"

static int (*ask_provider)(void *, const struct ush_http_request *, struct ush_http_response *, struct ush_error *);
static char *gate; /* a fifo: its answers wait until somebody writes */

static int answer_behind_the_gate(void *context, const struct ush_http_request *request, struct ush_http_response *response,
				  struct ush_error *err)
{
	int fd = open(gate, O_RDONLY);
	char byte;

	(void)!read(fd, &byte, 1);
	close(fd);
	return ask_provider(context, request, response, err);
}

static void open_gate(void)
{
	int fd = open(gate, O_WRONLY);

	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	while (waitpid(-1, NULL, 0) > 0)
		;
	unlink(gate);
	free(gate);
}

START_TEST(a_provider_that_hangs_holds_nobody_for_longer_than_five_seconds)
{
	USH_AUTO_FREE char *refused = NULL;
	const char *said;
	struct scene scene;
	int64_t before;

	begin(&scene);
	refused = ush_strdup(token);
	gate = ush_printf("%s/gate", getenv("HOME"));
	ck_assert_int_eq(mkfifo(gate, 0600), 0);
	ask_provider = scene.idp->world.http;
	scene.idp->world.http = answer_behind_the_gate;
	scene.options.aside = true;
	scene.idp->per_look_ms = 250;
	before = scene.idp->boot_ms;
	ck_assert_int_eq(asks_as(&scene, true), 0);
	ck_assert_str_eq(token, refused);
	ck_assert_int_le(scene.idp->boot_ms - before, 8000); /* by a clock that goes on at each look */
	said = scene_said(&scene);
	ck_assert_uint_eq(scene_lines(said), 1);
	ck_assert(scene_clean(said));
	SAYS(said, "(401), and it could not be refreshed: login.example.com has not answered within 5 s. What it answers later is kept");
	/* It still hangs, and has the lock. Nobody waits for it again: not this one, not others that are refused. */
	scene.idp->sleep_count = 0;
	ck_assert_int_eq(asks_as(&scene, true), 0);
	ck_assert_str_eq(scene_said(&scene), "");
	another_kubectl(&scene);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(asks_as(&scene, true), 0);
		ck_assert_str_eq(token, refused);
	}
	SAYS(scene_said(&scene), "too recent for another");
	ck_assert_uint_eq(scene.idp->sleep_count, 0);
	assert_nobody_was_asked(&scene);
	open_gate();
	scene_end(&scene);
}
END_TEST

START_TEST(a_refresh_aside_that_comes_in_time_is_as_any_other)
{
	USH_AUTO_FREE char *refused = NULL;
	struct scene scene;
	const char *said;

	begin(&scene);
	refused = ush_strdup(token);
	scene.options.aside = true;
	fake_idp_fault(scene.idp, "/token", (struct fake_answer){.status = 503});
	ck_assert_int_eq(asks(&scene), 0);
	ck_assert_str_eq(token, refused);
	SAYS(scene_said(&scene), "cannot answer now (HTTP 503); your session is kept. Try again when it answers");
	scene.idp->faults[0].path = NULL; /* the child had it */
	scene_pass(&scene, 60);
	ck_assert_int_eq(asks(&scene), 0);
	ck_assert_str_ne(token, refused);
	said = scene_said(&scene);
	ck_assert_uint_eq(scene_lines(said), 1);
	SAYS(said, "so it was refreshed. If kubectl says Unauthorized, run it again");
	free(refused);
	refused = ush_strdup(token);
	another_kubectl(&scene);
	ck_assert_int_eq(asks(&scene), 0);
	ck_assert_str_eq(token, refused); /* the session cache has it */
	assert_nobody_was_asked(&scene);
	scene_end(&scene);
}
END_TEST

START_TEST(a_session_that_turns_out_to_be_over_aside_is_signed_in_anew_by_a_person_here)
{
	for (int person = 0; person <= 1; person++) {
		USH_AUTO_FREE char *refused = NULL;
		struct scene scene;

		begin(&scene);
		refused = ush_strdup(token);
		scene.options.aside = true;
		scene.idp->family_dead = true;
		ck_assert_int_eq(asks_as(&scene, person == 1), 0);
		ck_assert_int_eq(strcmp(token, refused) != 0, person);
		ck_assert_uint_eq(scene.opened, 1 + (size_t)person);
		SAYS(scene_said(&scene), "ended your session (invalid_grant");
		scene_end(&scene);
	}
}
END_TEST

static const struct scene *waiting;

/* Another kubectl's refresh, which we wait for, ends in vain after two seconds. */
static int sleep_until_it_failed(void *context, int64_t ms)
{
	static const char *where;
	struct ush_asker other = {.pid = 7, .about = 1, .born_ms = 1};
	struct fake_idp *idp = waiting->idp;
	struct ush_asked asked;

	(void)context;
	idp->now_ms += ms;
	idp->boot_ms += ms;
	ush_asked_read(&asked, scene_asked.data, (long)scene_asked.length);
	if (asked.tried == 0 && ms > 0 && ++idp->sleep_count == 20) {
		ush_asked_try(&asked, &other, idp->now_ms / 1000, idp->boot_ms);
		waiting->options.cache->save("usher:story.asked", (const char *)&asked, sizeof asked, 60, &where);
	}
	return 0;
}

START_TEST(who_waits_for_another_s_refresh_ends_with_it_and_within_five_seconds)
{
	for (int fails = 0; fails <= 1; fails++) {
		USH_AUTO_FREE char *binding = NULL, *refused = NULL;
		struct ush_flight *other;
		struct scene scene;
		int64_t before;
		bool landed;

		begin(&scene);
		refused = ush_strdup(token);
		binding = ush_profile_binding(scene.profile);
		other = ush_flight_begin(&scene.idp->world, binding, NULL, NULL, &landed, &scene.err);
		ck_assert_ptr_nonnull(other);
		ush_flight_announce(other, "sign-in", scene.idp->boot_ms + 180000);
		waiting = &scene;
		if (fails)
			scene.idp->world.sleep_ms = sleep_until_it_failed;
		before = scene.idp->boot_ms;
		ck_assert_int_eq(asks_as(&scene, true), 0);
		ck_assert_str_eq(token, refused);
		ck_assert_int_le(scene.idp->boot_ms - before, fails ? 3500 : 6500);
		SAYS(scene_said(&scene), fails ? "too recent for another" : "is at this session and has no answer yet. Run kubectl again in a moment");
		ck_assert_uint_eq(fake_idp_count(scene.idp, "/token"), 1);
		assert_nobody_was_asked(&scene);
		ush_flight_end(other);
		scene_end(&scene);
	}
}
END_TEST

static struct ush_flight *holder;

/* Another kubectl's refresh takes long, and while it still has the lock the token in doubt ends. */
static int sleep_until_it_ends(void *context, int64_t ms)
{
	struct fake_idp *idp = waiting->idp;

	if (sleep_until_it_failed(context, ms) != 0 || ms <= 0 || holder == NULL)
		return 0;
	if (idp->sleep_count == 20)
		idp->now_ms += (int64_t)idp->id_life * 1000;
	if (idp->sleep_count >= 20 && ++idp->sleep_count == 40) {
		ck_assert_uint_eq(fake_idp_count(idp, "/token"), 1); /* its refresh token is not sent a second time beside it */
		ush_flight_end(ush_steal(&holder));
	}
	return 0;
}

START_TEST(who_waited_in_vain_sends_nothing_without_the_lock)
{
	USH_AUTO_FREE char *binding = NULL, *refused = NULL;
	struct scene scene;
	bool landed;

	begin(&scene);
	refused = ush_strdup(token);
	binding = ush_profile_binding(scene.profile);
	holder = ush_flight_begin(&scene.idp->world, binding, NULL, NULL, &landed, &scene.err);
	ck_assert_ptr_nonnull(holder);
	waiting = &scene;
	scene.idp->world.sleep_ms = sleep_until_it_ends;
	ck_assert_int_eq(asks_as(&scene, true), 0);
	ck_assert_ptr_null(holder); /* it waited for it */
	ck_assert_str_ne(token, refused);
	ck_assert_uint_eq(fake_idp_count(scene.idp, "/token"), 2);
	assert_nobody_was_asked(&scene);
	scene_end(&scene);
}
END_TEST

TAP_MAIN("refused late", a_provider_that_hangs_holds_nobody_for_longer_than_five_seconds,
	 a_refresh_aside_that_comes_in_time_is_as_any_other,
	 a_session_that_turns_out_to_be_over_aside_is_signed_in_anew_by_a_person_here,
	 who_waits_for_another_s_refresh_ends_with_it_and_within_five_seconds,
	 who_waited_in_vain_sends_nothing_without_the_lock)
