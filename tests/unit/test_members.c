/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <stdio.h>
#include <string.h>

#include "broker/source/members.h"
#include "broker/source/source.h"
#include "common/base/memory.h"

static void join(struct ush_members *members, const char *const *names)
{
	for (; *names != NULL; names++)
		ush_members_add(members, *names);
}

START_TEST(members_are_sorted_and_each_stands_once)
{
	static const char *const names[] = {"dave", "carol", "", "dave", "erin", "carol", NULL};
	struct ush_members members = {0};

	ck_assert(!ush_members_has(&members, "carol"));
	join(&members, names);
	ck_assert_uint_eq(members.count, 6);
	ush_members_sort(&members);
	ck_assert_uint_eq(members.count, 4);
	ck_assert_str_eq(members.items[0], "");
	ck_assert_str_eq(members.items[3], "erin");
	ck_assert(ush_members_has(&members, "carol") && ush_members_has(&members, "erin"));
	ck_assert(!ush_members_has(&members, "caro") && !ush_members_has(&members, "frank"));
	ush_members_free(&members);
	ck_assert_uint_eq(members.count, 0);
	ush_members_free(&members);
}
END_TEST

START_TEST(a_name_stands_once_in_all_groups_of_a_source)
{
	struct ush_groups groups = {0};
	char name[32];

	for (size_t i = 0; i < 1000; i++) {
		struct ush_group *group = ush_groups_add(&groups, "id", "name", "/name");

		for (size_t j = 0; j < 100; j++) {
			snprintf(name, sizeof name, "person%zu", (i + j) % 500);
			ush_members_add(&group->members, name);
		}
		ush_members_sort(&group->members);
		ck_assert_uint_eq(group->members.count, 100);
	}
	for (size_t i = 1; i < 100; i++)
		ck_assert_ptr_eq(groups.items[0].members.items[i], groups.items[500].members.items[i]); /* the same people: the same bytes */
	ck_assert_ptr_eq(groups.items[0].members.names, groups.items[999].members.names);
	ush_groups_free(&groups);
}
END_TEST

/* As where groups are read again: what is carried over outlives where it came from. */
START_TEST(members_outlive_the_source_they_were_read_from)
{
	static const char *const names[] = {"carol", "dave", NULL};
	struct ush_groups first = {0}, second = {0};
	struct ush_members kept;

	join(&ush_groups_add(&first, "1", "a", "/a")->members, names);
	join(&ush_groups_add(&first, "2", "b", "/b")->members, names);
	join(&ush_groups_add(&second, "1", "a", "/a")->members, names);
	kept = first.items[1].members;
	first.items[1].members = (struct ush_members){0};
	ush_groups_free(&first);
	ush_groups_free(&second);
	ush_members_add(&kept, "erin");
	ck_assert_uint_eq(kept.count, 3);
	ck_assert_str_eq(kept.items[0], "carol");
	ck_assert_str_eq(kept.items[2], "erin");
	ush_members_free(&kept);
}
END_TEST

TAP_MAIN("members", members_are_sorted_and_each_stands_once, a_name_stands_once_in_all_groups_of_a_source, members_outlive_the_source_they_were_read_from)
