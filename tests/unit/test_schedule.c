/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <stdbool.h>

#include "broker/serve/schedule.h"

#define EVERY 300000

/* BE35 */
START_TEST(the_next_begins_an_interval_after_the_last_began)
{
	struct ush_schedule s = {.every_ms = EVERY};

	ck_assert_int_eq(ush_schedule_first(&s, 1000, 7), 1000);
	ck_assert_int_eq(ush_schedule_next(&s, 1000 + 20000, 7), 1000 + EVERY);
	ck_assert_int_eq(ush_schedule_next(&s, 1000 + EVERY + 299999, 7), 1000 + 2 * EVERY);
}
END_TEST

START_TEST(one_that_took_longer_is_followed_at_once_and_by_one_alone)
{
	struct ush_schedule s = {.every_ms = EVERY};
	int64_t late = 10 * EVERY + 5;

	ush_schedule_first(&s, 0, 0);
	ck_assert_int_eq(ush_schedule_next(&s, late, 0), late);
	ck_assert_int_eq(ush_schedule_next(&s, late + 1, 0), late + EVERY); /* the nine in between are not made up for */
}
END_TEST

START_TEST(one_that_took_just_an_interval_is_followed_at_once)
{
	struct ush_schedule s = {.every_ms = EVERY};

	ush_schedule_first(&s, 0, 0);
	ck_assert_int_eq(ush_schedule_next(&s, EVERY, 0), EVERY);
}
END_TEST

START_TEST(jitter_is_added_and_does_not_add_up)
{
	struct ush_schedule s = {.every_ms = EVERY, .jitter_ms = 10000};

	ck_assert_int_eq(ush_schedule_first(&s, 0, 10000), 10000);
	for (int64_t i = 1; i < 1000; i++)
		ck_assert_int_eq(ush_schedule_next(&s, (i - 1) * EVERY + 12000, 10000), i * EVERY + 10000);
}
END_TEST

START_TEST(jitter_stays_between_nothing_and_all_of_it)
{
	struct ush_schedule s = {.every_ms = EVERY, .jitter_ms = 999};
	bool least = false, most = false;

	for (uint64_t chance = 0; chance < 5000; chance++) {
		int64_t begin = ush_schedule_first(&s, 0, chance * 0x9e3779b97f4a7c15U);

		ck_assert_int_ge(begin, 0);
		ck_assert_int_le(begin, 999);
		least = least || begin < 100;
		most = most || begin > 900;
	}
	ck_assert(least && most);
	ck_assert_int_le(ush_schedule_first(&s, 0, UINT64_MAX), 999);
}
END_TEST

START_TEST(a_jitter_that_lies_behind_begins_now)
{
	struct ush_schedule s = {.every_ms = EVERY, .jitter_ms = 10};

	ush_schedule_first(&s, 0, 0);
	ck_assert_int_eq(ush_schedule_next(&s, EVERY - 1, 3), EVERY + 3);
}
END_TEST

START_TEST(a_run_that_was_asked_for_begins_the_interval_anew)
{
	struct ush_schedule s = {.every_ms = EVERY};

	ush_schedule_first(&s, 0, 0);
	ush_schedule_next(&s, 100, 0);
	ck_assert_int_eq(ush_schedule_now(&s, 60000), 60000);
	ck_assert_int_eq(ush_schedule_next(&s, 61000, 0), 60000 + EVERY);
}
END_TEST

START_TEST(a_time_is_told_in_the_unit_that_a_person_would_take)
{
	static const struct {
		int64_t ms;
		const char *words;
	} rows[] = {{-5, "0 s"}, {0, "0 s"}, {999, "0 s"}, {1000, "1 s"}, {119999, "119 s"}, {120000, "2 min"}, {7199999, "119 min"}, {7200000, "2 h"}, {172800000, "2 d"},
		    {INT64_MAX, "106751991167 d"}};
	char out[32];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		ck_assert_str_eq(ush_schedule_words(rows[i].ms, out), rows[i].words);
}
END_TEST

TAP_MAIN("schedule", the_next_begins_an_interval_after_the_last_began, one_that_took_longer_is_followed_at_once_and_by_one_alone,
	 one_that_took_just_an_interval_is_followed_at_once, jitter_is_added_and_does_not_add_up, jitter_stays_between_nothing_and_all_of_it,
	 a_jitter_that_lies_behind_begins_now, a_run_that_was_asked_for_begins_the_interval_anew, a_time_is_told_in_the_unit_that_a_person_would_take)
