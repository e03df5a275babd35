/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract over every source alike, where nothing goes wrong: what is there is read, to the letter.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "tests/support/contract_cases.h"

static struct contract c;

/* ---- what is there is read ---- */

static void whole(const struct contract_fake *fake)
{
	case_begin(&c, fake, case_three_pages);
	case_exact(&c);
	contract_end(&c);
	if (fake->member_page == 0)
		return;
	case_begin(&c, fake, case_three_pages_of_members);
	case_exact(&c);
	contract_end(&c);
}

/* BF03, BF11: no cap, no first page only. */
START_TEST(every_page_is_read)
{
	case_each(0, whole);
}
END_TEST

/* As many groups as fill pages exactly. */
static void exact_pages(const struct contract_fake *fake)
{
	for (size_t pages = 1; pages <= 2; pages++)
		for (size_t more = 0; more < 2; more++) {
			contract_begin(&c, fake);
			case_groups(&c, pages * fake->group_page + more);
			case_exact(&c);
			contract_end(&c);
		}
}

START_TEST(pages_that_are_just_full_are_no_end)
{
	case_each(0, exact_pages);
}
END_TEST

static void sizes(const struct contract_fake *fake)
{
	static const size_t counts[] = {0, 1, 100, 101, 200, 201, 1000, 1001, 2001};
	size_t people;

	contract_begin(&c, fake);
	people = case_people(&c, 2001);
	case_groups(&c, USH_COUNT(counts));
	for (size_t i = 0; i < USH_COUNT(counts); i++)
		for (size_t j = 0; j < counts[i]; j++)
			contract_join(&c, i, (i + j) % people);
	case_exact(&c);
	contract_end(&c);
}

/* T52, BF11: member 2,001 has access as the first has. */
START_TEST(groups_of_all_sizes_have_just_their_members)
{
	case_each(0, sizes);
}
END_TEST

static void disabled(const struct contract_fake *fake)
{
	contract_begin(&c, fake);
	case_people(&c, 12);
	case_groups(&c, 2);
	for (size_t i = 0; i < 12; i++)
		contract_join(&c, 0, i);
	c.directory.people[3].disabled = c.directory.people[7].disabled = true;
	case_exact(&c);
	ck_assert_uint_eq(c.groups.disabled, 2);
	ck_assert_uint_eq(c.groups.people, 10);
	contract_end(&c);
}

START_TEST(people_who_may_not_sign_in_are_left_out_and_counted)
{
	case_each(CONTRACT_DISABLED, disabled);
}
END_TEST

static void nameless(const struct contract_fake *fake)
{
	contract_begin(&c, fake);
	case_people(&c, 4);
	contract_add_person(&c, NULL);
	contract_add_person(&c, NULL);
	case_groups(&c, 1);
	for (size_t i = 0; i < 6; i++)
		contract_join(&c, 0, i);
	case_exact(&c);
	ck_assert_uint_eq(c.groups.unresolvable, 2);
	contract_end(&c);
}

/* BC07 */
START_TEST(people_without_a_name_are_counted_not_dropped)
{
	case_each(CONTRACT_NULL_NAMES, nameless);
}
END_TEST

/* ---- names ---- */

static void same_names(const struct contract_fake *fake)
{
	bool tree = (fake->traits & (CONTRACT_TREE | CONTRACT_DOWN | CONTRACT_UP)) != 0;
	size_t a, b;

	contract_begin(&c, fake);
	case_people(&c, 4);
	a = contract_add_group(&c, "alpha", CONTRACT_NOBODY);
	b = contract_add_group(&c, "beta", CONTRACT_NOBODY);
	a = contract_add_group(&c, "admins", tree ? a : CONTRACT_NOBODY);
	b = contract_add_group(&c, "admins", tree ? b : CONTRACT_NOBODY);
	contract_join(&c, a, 0);
	contract_join(&c, b, 1);
	contract_join(&c, b, 2);
	case_exact(&c);
	contract_end(&c);
}

/* BC08, BF08 */
START_TEST(two_groups_of_one_name_stay_two)
{
	case_each(CONTRACT_SAME_NAMES, same_names);
}
END_TEST

static void odd_names(const struct contract_fake *fake)
{
	static const char *const names[] = {"Payments", "payments", "a b", "red/blue", " leading", "tab\there", "line\nbreak", "100%", "a&b=c?d#e", "\"quoted\"",
					    "\xf0\x9f\xa6\x8a team", "\xd7\xa2\xd7\x91\xd7\xa8\xd7\x99\xd7\xaa", "rtl\xe2\x80\xae" "evil", "+", "system:masters"};
	char lengthy[301];

	memset(lengthy, 'n', 300);
	lengthy[300] = '\0';
	contract_begin(&c, fake);
	case_people(&c, 1);
	for (size_t i = 0; i < USH_COUNT(names); i++)
		contract_join(&c, contract_add_group(&c, names[i], CONTRACT_NOBODY), 0);
	contract_join(&c, contract_add_group(&c, lengthy, CONTRACT_NOBODY), 0);
	case_exact(&c);
	contract_end(&c);
}

/* BC08 */
START_TEST(a_name_is_kept_as_it_is_whatever_it_holds)
{
	case_each(CONTRACT_FREE_NAMES, odd_names);
}
END_TEST

static void renamed(const struct contract_fake *fake)
{
	USH_AUTO_FREE char *before = NULL;

	contract_begin(&c, fake);
	case_people(&c, 2);
	case_groups(&c, 3);
	contract_join(&c, 1, 0);
	case_exact(&c);
	before = ush_strdup(c.groups.digest);
	free(c.directory.groups[1].name);
	c.directory.groups[1].name = ush_strdup("renamed");
	case_exact(&c); /* the same number, so the same id */
	ck_assert_str_ne(before, c.groups.digest);
	c.directory.groups[2].gone = true;
	contract_add_group(&c, c.directory.groups[2].name, CONTRACT_NOBODY);
	case_exact(&c); /* another one under the old name */
	contract_end(&c);
}

/* BC09, T53 */
START_TEST(a_renamed_group_keeps_its_id_and_a_new_one_has_its_own)
{
	case_each(0, renamed);
}
END_TEST

/* ---- nesting ---- */

static void tree(const struct contract_fake *fake)
{
	size_t at = CONTRACT_NOBODY;

	contract_begin(&c, fake);
	case_people(&c, 8);
	for (size_t i = 0; i < 6; i++) {
		USH_AUTO_FREE char *name = ush_printf("level%zu", i);

		at = contract_add_group(&c, name, at);
		contract_join(&c, at, i);
		if (i == 2)
			contract_join(&c, contract_add_group(&c, "beside", at), 7);
	}
	case_exact(&c);
	contract_end(&c);
}

/* BF05 */
static void all_trees(const struct contract_fake *fake)
{
	if ((fake->traits & (CONTRACT_TREE | CONTRACT_DOWN | CONTRACT_UP)) != 0)
		tree(fake);
}

START_TEST(groups_under_groups_are_all_found)
{
	case_each(0, all_trees);
}
END_TEST

static void wide_tree(const struct contract_fake *fake)
{
	size_t top;

	if ((fake->traits & (CONTRACT_TREE | CONTRACT_DOWN | CONTRACT_UP)) == 0)
		return;
	contract_begin(&c, fake);
	top = contract_add_group(&c, "top", CONTRACT_NOBODY);
	for (size_t i = 0; i < 2 * fake->group_page + 25; i++) {
		USH_AUTO_FREE char *name = ush_printf("under-%zu", i);

		contract_add_group(&c, name, top);
	}
	case_exact(&c);
	contract_end(&c);
}

/* Keycloak gives ten children unless it is asked for more. */
START_TEST(a_group_with_many_under_it_is_read_to_its_last_page)
{
	case_each(0, wide_tree);
}
END_TEST

static void cycle(const struct contract_fake *fake)
{
	contract_begin(&c, fake);
	case_people(&c, 6);
	case_groups(&c, 5);
	for (size_t i = 0; i < 5; i++)
		contract_join(&c, i, i);
	contract_nest(&c, 0, 1); /* 0 > 1 > 2 > 0, and 3 in itself, and 4 by two ways */
	contract_nest(&c, 1, 2);
	contract_nest(&c, 2, 0);
	contract_nest(&c, 3, 3);
	contract_nest(&c, 0, 4);
	contract_nest(&c, 1, 4);
	case_exact(&c);
	contract_end(&c);
}

/* T52 */
START_TEST(groups_within_groups_end_though_they_go_round)
{
	case_each(CONTRACT_NESTED, cycle);
}
END_TEST

/* ---- canaries, patterns ---- */

static void canaries(const struct contract_fake *fake)
{
	USH_AUTO_FREE char *there = NULL;

	contract_begin(&c, fake);
	case_people(&c, 3);
	case_groups(&c, 3);
	contract_join(&c, 1, 2);
	ush_source_set(&c.source, "canaries.people", "person002");
	case_exact(&c);
	ush_source_set(&c.source, "canaries.people", "person001"); /* he is in no group */
	case_incomplete(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.why, "person001"));
	contract_end(&c);
	contract_begin(&c, fake);
	case_groups(&c, 3);
	there = fake->path != NULL ? fake->path(&c, 1) : ush_strdup("group-0001");
	ush_source_set(&c.source, "canaries.groups", there);
	case_exact(&c);
	ush_source_set(&c.source, "canaries.groups", "group-0007");
	case_incomplete(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.why, "group-0007"));
	contract_end(&c);
}

START_TEST(a_canary_that_is_missing_is_incomplete)
{
	case_each(0, canaries);
}
END_TEST

static void patterns(const struct contract_fake *fake)
{
	contract_begin(&c, fake);
	case_people(&c, 1);
	case_groups(&c, 12);
	for (size_t i = 0; i < 12; i++)
		contract_join(&c, i, 0);
	ush_source_set(&c.source, "exclude", "*group-000*");
	contract_read(&c);
	ck_assert_msg(c.result == 0 && c.groups.complete, "%s: %s", fake->kind, c.groups.why);
	ck_assert_msg(c.groups.count == 2 && c.groups.left_out == 10, "%s: %zu groups, %zu left out", fake->kind, c.groups.count, c.groups.left_out);
	contract_end(&c);
}

/* BE12 */
START_TEST(what_the_policy_leaves_out_is_left_out_and_counted)
{
	case_each(0, patterns);
}
END_TEST

TAP_MAIN("source_contract", every_page_is_read, pages_that_are_just_full_are_no_end, groups_of_all_sizes_have_just_their_members,
	 people_who_may_not_sign_in_are_left_out_and_counted, people_without_a_name_are_counted_not_dropped, two_groups_of_one_name_stay_two,
	 a_name_is_kept_as_it_is_whatever_it_holds, a_renamed_group_keeps_its_id_and_a_new_one_has_its_own, groups_under_groups_are_all_found,
	 a_group_with_many_under_it_is_read_to_its_last_page, groups_within_groups_end_though_they_go_round, a_canary_that_is_missing_is_incomplete,
	 what_the_policy_leaves_out_is_left_out_and_counted)
