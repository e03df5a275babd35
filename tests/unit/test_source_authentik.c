/* SPDX-License-Identifier: Apache-2.0
 *
 * What is authentik's alone: one parent or several, members that a child does not lend to its parent unless asked, people
 * with their groups.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "tests/support/contract_knobs.h"

static struct contract c;

static struct fake_authentik *authentik(void)
{
	return c.state;
}

/* top (person000) > middle (carol) > low (dana), and beside (erin) under top */
static void tree(const struct contract_fake *fake)
{
	size_t middle, low, beside;

	knobs_begin(&c, fake, 1, 1);
	middle = contract_add_group(&c, "middle", 0);
	low = contract_add_group(&c, "low", middle);
	beside = contract_add_group(&c, "beside", 0);
	contract_join(&c, middle, contract_add_person(&c, "carol"));
	contract_join(&c, low, contract_add_person(&c, "dana"));
	contract_join(&c, beside, contract_add_person(&c, "erin"));
}

START_TEST(members_are_a_groups_own_unless_inherit_says_otherwise)
{
	tree(&contract_authentik);
	contract_exact(&c);
	ck_assert_uint_eq(knobs_group(&c, "/group-0000")->members.count, 1);
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "a group's own, as in authentik's tokens"));
	contract_end(&c);
	tree(&contract_authentik_inherit);
	contract_exact(&c);
	ck_assert_uint_eq(knobs_group(&c, "/group-0000")->members.count, 4);
	ck_assert_uint_eq(knobs_group(&c, "/group-0000/middle")->members.count, 2);
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "the groups under it"));
	contract_end(&c);
}
END_TEST

START_TEST(people_are_asked_for_where_they_are_wanted_alone)
{
	tree(&contract_authentik);
	knobs_read(&c, NULL);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(authentik()->with_users, 0);
	ck_assert_uint_eq(authentik()->detail_gets, 0);
	knobs_read(&c, "/group-0000/middle");
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(authentik()->with_users, 1);
	ck_assert_uint_eq(authentik()->detail_gets, 1);
	ck_assert_str_eq(knobs_group(&c, "/group-0000/middle")->members.items[0], "carol");
	ck_assert(!knobs_group(&c, "/group-0000")->members_known);
	contract_end(&c);
	tree(&contract_authentik_inherit);
	knobs_read(&c, "/group-0000/middle");
	ck_assert_uint_eq(authentik()->detail_gets, 2); /* itself, and the one under it */
	ck_assert_uint_eq(knobs_group(&c, "/group-0000/middle")->members.count, 2);
	ck_assert(!knobs_group(&c, "/group-0000/middle/low")->members_known);
	contract_end(&c);
}
END_TEST

START_TEST(everybody_comes_with_the_list)
{
	tree(&contract_authentik);
	contract_read(&c);
	ck_assert_uint_eq(authentik()->detail_gets, 0);
	ck_assert_uint_eq(authentik()->list_gets, 2);
	ck_assert_uint_eq(authentik()->with_users, 1); /* the second reading goes without */
	contract_end(&c);
}
END_TEST

/* 2025.12 and later */
START_TEST(of_several_parents_the_first_gives_the_path_and_all_inherit)
{
	USH_AUTO_FREE char *second = NULL;

	tree(&contract_authentik_inherit);
	authentik()->many_parents = true;
	contract_exact(&c);
	contract_end(&c);

	tree(&contract_authentik_inherit);
	second = c.fake->id(&c, contract_add_group(&c, "second", CONTRACT_NOBODY)); /* made last, so its id comes last */
	authentik()->many_parents = true;
	authentik()->second_parent = second;
	contract_read(&c);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(knobs_group(&c, "/second")->members.count, 3);
	ck_assert_uint_eq(knobs_group(&c, "/group-0000/middle/low")->members.count, 1);
	contract_end(&c);
}
END_TEST

START_TEST(who_is_a_key_without_a_person_is_counted)
{
	knobs_begin(&c, &contract_authentik, 1, 3);
	authentik()->users_missing = true;
	contract_read(&c);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.groups.items[0].members.count, 2);
	ck_assert_uint_eq(c.groups.unresolvable, 1);
	contract_end(&c);
}
END_TEST

START_TEST(a_parent_that_is_not_listed_is_one_that_rights_hide)
{
	tree(&contract_authentik);
	authentik()->hidden_parent = true;
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "stands under one that is not listed");
	contract_end(&c);
}
END_TEST

START_TEST(groups_that_stand_under_each_other_are_a_lie)
{
	tree(&contract_authentik);
	c.directory.groups[0].parent = 2;
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "stands under itself");
	contract_end(&c);
}
END_TEST

START_TEST(people_are_called_as_the_policy_says)
{
	knobs_begin(&c, &contract_authentik, 1, 1);
	ush_source_set(&c.source, "peopleName", "email");
	contract_read(&c);
	ck_assert_str_eq(c.groups.items[0].members.items[0], "person000@example.test");
	ush_source_set(&c.source, "peopleName", "uid");
	contract_read(&c);
	ck_assert_int_eq(strncmp(c.groups.items[0].members.items[0], "uid-", 4), 0);
	contract_end(&c);
}
END_TEST

START_TEST(a_refusal_says_which_rights_the_token_lacks)
{
	knobs_begin(&c, &contract_authentik, 1, 1);
	c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .status = 403};
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "Can view Group");
	contract_end(&c);
}
END_TEST

START_TEST(a_count_that_changes_between_pages_is_incomplete)
{
	knobs_begin(&c, &contract_authentik, 15, 0);
	c.meanwhile = knobs_one_comes;
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "changed while they were read");
	contract_end(&c);
}
END_TEST

START_TEST(answers_that_are_no_pages_of_groups_are_incomplete)
{
	static const char *const bodies[] = {"[]", "{}", "{'results':[]}", "{'pagination':{'next':0},'results':[]}", "{'pagination':{'count':0},'results':[]}",
					     "{'pagination':{'next':0,'count':-1},'results':[]}", "{'pagination':{'next':0,'count':1},'results':[7]}",
					     "{'pagination':{'next':0,'count':1},'results':[{'pk':'a','name':''}]}", "{'pagination':{'next':'2','count':0},'results':[]}"};

	for (size_t i = 0; i < USH_COUNT(bodies); i++) {
		const struct provider_row rows[] = {{.url = "/api/v3/core/groups/", .status = 200, .body = bodies[i]}, {0}};
		struct provider *provider = provider_new(rows);
		struct ush_policy_source source = provider_source("authentik", (const char *const[]){"url=https://authentik.test", "secretFile=@s3cret", NULL});
		USH_AUTO_GROUPS groups = {0};

		provider_read(provider, &source, NULL, &groups);
		ck_assert_msg(!groups.complete, "%s", bodies[i]);
		ush_policy_source_free(&source);
		provider_free(provider);
	}
}
END_TEST

TAP_MAIN("source_authentik", members_are_a_groups_own_unless_inherit_says_otherwise, people_are_asked_for_where_they_are_wanted_alone,
	 everybody_comes_with_the_list, of_several_parents_the_first_gives_the_path_and_all_inherit, who_is_a_key_without_a_person_is_counted,
	 a_parent_that_is_not_listed_is_one_that_rights_hide, groups_that_stand_under_each_other_are_a_lie, people_are_called_as_the_policy_says,
	 a_refusal_says_which_rights_the_token_lacks, a_count_that_changes_between_pages_is_incomplete, answers_that_are_no_pages_of_groups_are_incomplete)
