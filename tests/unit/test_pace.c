/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/pace.h"

#include "tests/support/tap.h"

static struct ush_pace pace;
static int64_t now;

/* So many answers of a server that needs `each` ms a request and has them wait for one another. */
static void server(size_t answers, double each)
{
	for (size_t i = 0; i < answers; i++) {
		size_t width = ush_pace_width(&pace);
		int64_t sent = now;

		now += (int64_t)(each * (double)width) + 1;
		ush_pace_answered(&pace, width, sent, now);
	}
}

START_TEST(it_begins_small_and_grows_to_the_most)
{
	ush_pace_begin(&pace);
	ck_assert_uint_eq(ush_pace_width(&pace), USH_PACE_FIRST);
	server(8, 1);
	ck_assert_uint_eq(ush_pace_width(&pace), 16);
	server(1000, 1);
	ck_assert_uint_eq(ush_pace_width(&pace), USH_PACE_MOST);
}
END_TEST

START_TEST(a_burst_of_refusals_halves_once_and_growth_is_slow_after)
{
	int64_t sent;

	ush_pace_begin(&pace);
	server(1000, 1);
	sent = now++;
	for (int i = 0; i < 64; i++)
		ush_pace_refused(&pace, sent, now++);
	ck_assert_uint_eq(ush_pace_width(&pace), 32);
	ush_pace_answered(&pace, 64, sent, now); /* sent before the cut: nothing new */
	ck_assert_uint_eq(ush_pace_width(&pace), 32);
	server(33, 1);
	ck_assert_uint_eq(ush_pace_width(&pace), 33);
}
END_TEST

START_TEST(refusals_again_and_again_leave_one)
{
	ush_pace_begin(&pace);
	for (int i = 0; i < 50; i++, now += 10)
		ush_pace_refused(&pace, now, now + 5);
	ck_assert_uint_eq(ush_pace_width(&pace), 1);
	server(1000, 1);
	ck_assert_uint_ge(ush_pace_width(&pace), 32);
}
END_TEST

START_TEST(a_server_that_suddenly_takes_longer_is_given_half)
{
	ush_pace_begin(&pace);
	server(1000, 1);
	server(64 + 63, 1.5); /* a little slower is no reason */
	ck_assert_uint_eq(ush_pace_width(&pace), USH_PACE_MOST);
	server(128, 10);
	ck_assert_uint_le(ush_pace_width(&pace), 40);
	ck_assert_uint_ge(ush_pace_width(&pace), 32); /* which is enough to keep it busy */
	server(256, 100); /* seconds for an answer */
	ck_assert_uint_le(ush_pace_width(&pace), 20);
	ck_assert_uint_ge(ush_pace_width(&pace), 8);
}
END_TEST

START_TEST(a_server_at_its_limit_is_no_reason_to_go_slower)
{
	/* Latency grows 60-fold from one to 64 at once, and each request costs the same. */
	ush_pace_begin(&pace);
	for (int i = 0; i < 20; i++) {
		server(500, 0.45);
		ck_assert_uint_ge(ush_pace_width(&pace), 60);
	}
}
END_TEST

START_TEST(a_server_that_collects_its_garbage_is_given_no_less)
{
	ush_pace_begin(&pace);
	for (int i = 0; i < 20000; i++) { /* 1,600 a second, 64 at once; ten times slower for 100 ms of each second */
		int64_t took = i % 1600 < 160 ? 400 : 40;

		now = i * 1000 / 1600;
		ush_pace_answered(&pace, ush_pace_width(&pace), now - took, now);
	}
	ck_assert_uint_eq(ush_pace_width(&pace), USH_PACE_MOST);
}
END_TEST

TAP_MAIN("pace", it_begins_small_and_grows_to_the_most, a_burst_of_refusals_halves_once_and_growth_is_slow_after,
	 refusals_again_and_again_leave_one, a_server_that_suddenly_takes_longer_is_given_half,
	 a_server_at_its_limit_is_no_reason_to_go_slower, a_server_that_collects_its_garbage_is_given_no_less)
