/* SPDX-License-Identifier: Apache-2.0
 *
 * Clocks that are wrong: the API server's, this machine's, and one that is set while a run is under way. The boot clock of
 * these tests goes on as it should.
 */
#include <string.h>

#include "common/base/memory.h"
#include "tests/support/ledger_room.h"
#include "tests/support/tap.h"

#define HOUR	 3600000LL
#define DAY	 (24 * HOUR)
#define YEAR	 (365 * DAY)
#define EDIT	 BINDINGS "/edit"
#define UNTIL(t) STORY "- {group: b, role: editor, namespaces: [fancy-namespace], name: edit, notAfter: " t "}\n"
#define FROM(t)	 STORY "- {group: b, role: editor, namespaces: [fancy-namespace], name: edit, notBefore: " t "}\n"

/* How far the API server's clock is from ours from now on. */
static void server_is_ahead(int64_t ms)
{
	room.fake->behind_ms = -ms;
	room.fake->config.dated = false;
}

static void pass(int64_t ms)
{
	room.fake->now_ms += ms;
}

/* BC21 */
START_TEST(a_server_whose_clock_jumps_far_ahead_ends_nothing_that_ours_says_is_in_force)
{
	static const int64_t ahead[] = {2 * DAY, 30 * DAY, 10 * YEAR};

	for (size_t i = 0; i < USH_COUNT(ahead); i++) {
		sync_room_begin(FOR_A_TIME, FULL);
		ck_assert_int_eq(sync_room_run(), 0);
		ledger_room_elevate(NULL, 300);
		server_is_ahead(ahead[i]);
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert(ledger_room_stands());
		pass(299000);
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert(ledger_room_stands());
		pass(2000); /* now both say so */
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert(!ledger_room_stands());
		sync_room_end();
	}
}
END_TEST

/* BC21: what was not ended is not remembered as ended either. */
START_TEST(a_grant_of_the_policy_outlives_a_server_that_was_years_ahead)
{
	sync_room_begin(UNTIL("2026-02-01"), FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(EDIT));
	server_is_ahead(10 * YEAR);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(EDIT));
	server_is_ahead(0);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(EDIT));
	pass(32 * DAY);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(EDIT));
	sync_room_end();
}
END_TEST

START_TEST(nothing_begins_by_one_clock_that_is_far_ahead)
{
	sync_room_begin(FROM("2026-02-01"), FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	server_is_ahead(10 * YEAR);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(EDIT));
	server_is_ahead(-10 * YEAR); /* ours is */
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(EDIT));
	server_is_ahead(0);
	pass(32 * DAY);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(EDIT));
	sync_room_end();
}
END_TEST

/* BC21: an hour, a day, ten years. */
START_TEST(our_own_clock_that_jumps_ahead_ends_nothing)
{
	static const int64_t jumps[] = {HOUR, DAY, 10 * YEAR};

	for (size_t i = 0; i < USH_COUNT(jumps); i++) {
		sync_room_begin(FOR_A_TIME, FULL);
		ck_assert_int_eq(sync_room_run(), 0);
		ledger_room_elevate(NULL, 300);
		sync_room_ahead(jumps[i]);
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert(ledger_room_stands());
		pass(301000); /* and on that machine it ends as it should */
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert(!ledger_room_stands());
		sync_room_end();
	}
}
END_TEST

/* By the wrong one of the two it would last until that is set right, and then for years. */
START_TEST(nothing_is_given_for_a_time_while_the_clocks_are_an_hour_apart)
{
	static const int64_t ahead[] = {2 * HOUR, -2 * HOUR, 10 * YEAR, -10 * YEAR};

	sync_room_begin(FOR_A_TIME, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	for (size_t i = 0; i < USH_COUNT(ahead); i++) {
		server_is_ahead(ahead[i]);
		ush_error_clear(&room.err);
		ck_assert_int_eq(ledger_room_try_elevate(NULL, 300), -1);
		ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
		ck_assert_ptr_nonnull(strstr(room.err.what, "nothing was given: it is 20"));
		ck_assert_str_eq(room.err.hint, "Set the clock that is wrong, then say it again");
		ck_assert(!sync_room_has("/api/v1/namespaces/default/configmaps/usher-broker-ledger"));
	}
	server_is_ahead(HOUR / 4);
	ush_error_clear(&room.err);
	ledger_room_elevate(NULL, 300);
	ck_assert(ledger_room_stands());
	sync_room_end();
}
END_TEST

START_TEST(a_break_glass_is_given_and_ends_by_the_clock_that_is_right)
{
	sync_room_begin(FOR_A_TIME, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	server_is_ahead(10 * YEAR);
	ledger_room_elevate("fire", 300);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(ledger_room_stands()); /* the emergency goes on */
	server_is_ahead(0);
	pass(301000);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!ledger_room_stands()); /* and not for ten years */
	sync_room_end();
}
END_TEST

/* ---- a clock that is set while something is under way ---- */

static int64_t steady_ms;

static int64_t steady(void *context)
{
	(void)context;
	return steady_ms;
}

START_TEST(a_clock_that_is_set_beneath_a_run_moves_nothing_of_it)
{
	static const int64_t jumps[] = {HOUR, -HOUR, DAY, -DAY, 10 * YEAR, -10 * YEAR};
	const struct ush_kube *kube;
	int64_t now;

	sync_room_begin(STORY, FULL);
	room.fake->world.boot_ms = steady;
	steady_ms = 5000;
	ck_assert_int_eq(sync_room_run(), 0);
	kube = &room.fake->kube;
	now = ush_kube_now(kube);
	for (size_t i = 0; i < USH_COUNT(jumps); i++) {
		pass(jumps[i]);
		ck_assert_int_eq(ush_kube_now(kube), now);
		ck_assert_int_eq(ush_kube_come(kube), now);
		steady_ms += 7000; /* also while the machine sleeps */
		now += 7;
		ck_assert_int_eq(ush_kube_now(kube), now);
	}
	sync_room_end();
}
END_TEST

TAP_MAIN("clocks", a_server_whose_clock_jumps_far_ahead_ends_nothing_that_ours_says_is_in_force,
	 a_grant_of_the_policy_outlives_a_server_that_was_years_ahead, nothing_begins_by_one_clock_that_is_far_ahead, our_own_clock_that_jumps_ahead_ends_nothing,
	 nothing_is_given_for_a_time_while_the_clocks_are_an_hour_apart, a_break_glass_is_given_and_ends_by_the_clock_that_is_right,
	 a_clock_that_is_set_beneath_a_run_moves_nothing_of_it)
