/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is in which group: each person once, whichever way he comes, circles and depths included.
 */
#include "tests/support/tap.h"

#include "broker/source/roster.h"
#include "common/base/memory.h"

static struct ush_roster roster;
static struct ush_group group;

static void begin(size_t groups)
{
	roster = (struct ush_roster){0};
	ush_roster_reserve(&roster, groups);
}

static void end(void)
{
	ush_members_free(&group.members);
	group = (struct ush_group){0};
	ush_roster_free(&roster);
}

static void fill(size_t number)
{
	ush_members_free(&group.members);
	group = (struct ush_group){0};
	ush_roster_fill(&roster, number, &group);
	ush_members_sort(&group.members);
}

START_TEST(a_person_who_comes_by_three_ways_is_one)
{
	begin(3);
	ush_roster_person(&roster, "1", "carol", false);
	ush_roster_join(&roster, 0, "1");
	ush_roster_join(&roster, 0, "1");
	ush_roster_join(&roster, 1, "1");
	ush_roster_join(&roster, 2, "1");
	ush_roster_nest(&roster, 0, 1);
	ush_roster_nest(&roster, 0, 2);
	ush_roster_nest(&roster, 1, 2);
	fill(0);
	ck_assert_uint_eq(group.members.count, 1);
	ck_assert_str_eq(group.members.items[0], "carol");
	end();
}
END_TEST

START_TEST(the_disabled_and_the_unknown_are_counted_once_each)
{
	begin(2);
	ush_roster_person(&roster, "1", "carol", true);
	ush_roster_person(&roster, "2", "", false);
	ush_roster_person(&roster, "3", NULL, true);
	for (const char *const *id = (const char *const[]){"1", "2", "3", "4", NULL}; *id != NULL; id++) {
		ush_roster_join(&roster, 0, *id);
		ush_roster_join(&roster, 1, *id);
	}
	ush_roster_join(&roster, 1, NULL);
	ush_roster_nest(&roster, 0, 1);
	fill(0);
	ck_assert_uint_eq(group.disabled, 2);	  /* 1, 3 */
	ck_assert_uint_eq(group.unresolvable, 3); /* 2 without a name, 4 unknown, and one of whom nothing is told */
	ck_assert_uint_eq(group.members.count, 0);
	end();
}
END_TEST

START_TEST(the_first_word_about_a_person_counts)
{
	begin(1);
	ush_roster_person(&roster, "1", "carol", false);
	ush_roster_person(&roster, "1", "mallory", true);
	ush_roster_join(&roster, 0, "1");
	fill(0);
	ck_assert_str_eq(group.members.items[0], "carol");
	end();
}
END_TEST

START_TEST(who_is_a_member_and_was_never_told_about_is_a_stranger)
{
	struct ush_list strangers = {0};

	begin(2);
	ush_roster_join(&roster, 0, "3");
	ush_roster_join(&roster, 0, "2");
	ush_roster_join(&roster, 1, "2");
	ush_roster_join(&roster, 1, "1");
	ush_roster_person(&roster, "1", NULL, false);
	ush_roster_person(&roster, "9", "nobody's member", false);
	ush_roster_strangers(&roster, &strangers);
	ck_assert_uint_eq(strangers.count, 2);
	ck_assert_str_eq(strangers.items[0], "2");
	ck_assert_str_eq(strangers.items[1], "3");
	ush_roster_person(&roster, "3", "erin", false);
	fill(0);
	ck_assert_uint_eq(group.members.count, 1);
	ck_assert_uint_eq(group.unresolvable, 1);
	ush_list_free(&strangers);
	end();
}
END_TEST

/* 10^6 memberships of 1,000 people: each person stands once, however many groups he is in. */
START_TEST(a_person_is_kept_once)
{
	enum { GROUPS = 10000, EACH = 100, PEOPLE = 1000 };
	char id[32];

	begin(GROUPS);
	for (size_t i = 0; i < GROUPS; i++)
		for (size_t j = 0; j < EACH; j++) {
			snprintf(id, sizeof id, "%zu", (i + 7 * j) % PEOPLE);
			ush_roster_join(&roster, i, id);
		}
	ck_assert_uint_eq(roster.person_count, PEOPLE);
	fill(GROUPS - 1);
	ck_assert_uint_eq(group.unresolvable, EACH);
	end();
}
END_TEST

/* A chain of 100,000 groups in groups, closed to a circle: neither the stack nor the clock ends it. */
START_TEST(a_circle_of_a_hundred_thousand_groups_is_walked_once)
{
	enum { COUNT = 100000 };
	USH_AUTO_FREE bool *reached = ush_alloc(COUNT);

	begin(COUNT);
	ush_roster_person(&roster, "1", "carol", false);
	ush_roster_join(&roster, COUNT - 1, "1");
	for (size_t i = 0; i < COUNT; i++)
		ush_roster_nest(&roster, i, (i + 1) % COUNT);
	reached[7] = true;
	ush_roster_reach(&roster, reached);
	for (size_t i = 0; i < COUNT; i++)
		ck_assert(reached[i]);
	fill(500);
	ck_assert_uint_eq(group.members.count, 1);
	end();
}
END_TEST

/* Many groups that hold none cost what they hold, and not the number of groups each. */
START_TEST(groups_without_groups_are_not_walked_for_one_another)
{
	enum { COUNT = 100000 };

	begin(COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		fill(i);
		ck_assert_uint_eq(roster.todo_count, 1);
	}
	end();
}
END_TEST

TAP_MAIN("roster", a_person_who_comes_by_three_ways_is_one, the_disabled_and_the_unknown_are_counted_once_each, the_first_word_about_a_person_counts, who_is_a_member_and_was_never_told_about_is_a_stranger, a_person_is_kept_once,
	 a_circle_of_a_hundred_thousand_groups_is_walked_once, groups_without_groups_are_not_walked_for_one_another)
