/* SPDX-License-Identifier: Apache-2.0
 *
 * What is GitLab's alone: pages that end by X-Next-Page or Link and never by totals, members of the groups above, states,
 * one group and those under it.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "tests/support/contract_knobs.h"

static struct contract c;

static struct fake_gitlab *gitlab(void)
{
	return c.state;
}

/* ---- pages ---- */

/* BF07, BC05 */
START_TEST(without_totals_pages_are_read_to_the_one_that_names_no_next)
{
	knobs_begin(&c, &contract_gitlab, 320, 230);
	gitlab()->no_totals = true;
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

START_TEST(keyset_pages_are_followed_by_link_to_the_empty_one)
{
	static const size_t counts[] = {0, 1, 100, 101, 200, 230};

	for (size_t i = 0; i < USH_COUNT(counts); i++) {
		knobs_begin(&c, &contract_gitlab, counts[i] + 1, counts[i]);
		gitlab()->keyset = true;
		contract_exact(&c);
		contract_end(&c);
	}
}
END_TEST

/* BC06 */
START_TEST(a_full_page_that_lost_its_headers_is_followed_all_the_same)
{
	knobs_begin(&c, &contract_gitlab, 230, 130);
	gitlab()->no_pages = true;
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

START_TEST(links_of_a_server_that_does_not_know_its_name_do_no_harm_beside_page_numbers)
{
	knobs_begin(&c, &contract_gitlab, 230, 0);
	gitlab()->link_lies = true;
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

START_TEST(a_link_elsewhere_is_not_followed)
{
	knobs_begin(&c, &contract_gitlab, 230, 0);
	gitlab()->link_lies = gitlab()->keyset = true;
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "gitlab.internal");
	contract_end(&c);
}
END_TEST

START_TEST(more_groups_than_pages_may_list_says_what_to_do)
{
	knobs_begin(&c, &contract_gitlab, 320, 0);
	gitlab()->most_offset = 200;
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "page 3 of groups");
	knobs_expect_incomplete(&c, "name the group that holds yours");
	contract_end(&c);
}
END_TEST

static const struct provider_row numbers_that_are_none[] = {
	{.url = "/api/v4/groups", .status = 200, .body = "[{'id':1,'full_path':'a'}]", .headers = "X-Next-Page: 2&private_token=x\nX-Total: 1"}, {0}};
static const struct provider_row total_that_is_none[] = {
	{.url = "/api/v4/groups", .status = 200, .body = "[{'id':1,'full_path':'a'}]", .headers = "X-Next-Page: \nX-Total: many"}, {0}};
static const struct provider_row no_list[] = {{.url = "/api/v4/groups", .status = 200, .body = "{'message':'hello'}"}, {0}};
static const struct provider_row no_objects[] = {{.url = "/api/v4/groups", .status = 200, .body = "[1]"}, {0}};
static const struct provider_row no_path[] = {{.url = "/api/v4/groups", .status = 200, .body = "[{'id':1,'name':'a','full_path':''}]"}, {0}};

START_TEST(answers_that_are_no_pages_of_groups_are_incomplete)
{
	static const struct provider_row *const tables[] = {total_that_is_none, no_list, no_objects, no_path};

	for (size_t i = 0; i < USH_COUNT(tables); i++) {
		struct provider *provider = provider_new(tables[i]);
		struct ush_policy_source source = provider_source("gitlab", (const char *const[]){"secretFile=@s3cret", NULL});
		USH_AUTO_GROUPS groups = {0};

		provider_read(provider, &source, NULL, &groups);
		ck_assert_msg(!groups.complete, "table %zu", i);
		ck_assert_str_eq(groups.where, "gitlab gitlab.com");
		ush_policy_source_free(&source);
		provider_free(provider);
	}
}
END_TEST

START_TEST(a_page_number_that_is_none_is_not_asked_for)
{
	struct provider *provider = provider_new(numbers_that_are_none);
	struct ush_policy_source source = provider_source("gitlab", (const char *const[]){"secretFile=@s3cret", NULL});
	USH_AUTO_GROUPS groups = {0};

	provider_read(provider, &source, NULL, &groups);
	ck_assert(!groups.complete);
	ck_assert_uint_eq(provider_asked(provider, "private_token"), 0);
	ush_policy_source_free(&source);
	provider_free(provider);
}
END_TEST

START_TEST(a_limit_that_names_its_reset_alone_is_waited_for)
{
	knobs_begin(&c, &contract_gitlab, 3, 1);
	gitlab()->limited = 1;
	gitlab()->resets_in = 45;
	contract_exact(&c);
	ck_assert_msg(c.slept_ms >= 45000 && c.slept_ms < 60000, "slept %lld ms", (long long)c.slept_ms);
	contract_end(&c);
}
END_TEST

/* ---- people ---- */

START_TEST(every_state_but_active_is_one_that_may_not_sign_in)
{
	static const char *const states[] = {"blocked", "deactivated", "banned", "ldap_blocked", "blocked_pending_approval", "something new"};

	for (size_t i = 0; i < USH_COUNT(states); i++) {
		knobs_begin(&c, &contract_gitlab, 1, 3);
		c.directory.people[1].disabled = true;
		gitlab()->state = states[i];
		contract_exact(&c);
		ck_assert_uint_eq(c.groups.disabled, 1);
		contract_end(&c);
	}
}
END_TEST

START_TEST(a_membership_that_waits_for_somebody_is_none_yet)
{
	knobs_begin(&c, &contract_gitlab, 1, 3);
	gitlab()->invited = true;
	contract_read(&c);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.groups.disabled, 3);
	ck_assert_uint_eq(c.groups.people, 0);
	contract_end(&c);
}
END_TEST

/* By GitLab's tokens he is not in the group. */
START_TEST(minimal_access_is_no_membership)
{
	knobs_begin(&c, &contract_gitlab, 1, 3);
	c.directory.people[1].disabled = true;
	gitlab()->minimal = true;
	contract_exact(&c);
	ck_assert_uint_eq(c.groups.disabled, 1);
	contract_end(&c);
}
END_TEST

START_TEST(addresses_that_the_token_may_not_see_are_counted_not_dropped)
{
	knobs_begin(&c, &contract_gitlab, 1, 3);
	ush_source_set(&c.source, "peopleName", "email");
	contract_read(&c);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.groups.unresolvable, 3);
	contract_end(&c);
}
END_TEST

/* ---- groups ---- */

static void tree(void)
{
	size_t payments;

	knobs_begin(&c, &contract_gitlab, 1, 1);
	payments = contract_add_group(&c, "payments", 0);
	contract_add_group(&c, "developers", payments);
	contract_add_group(&c, "beside", 0);
}

START_TEST(one_group_and_those_under_it_are_read_when_the_policy_says_so)
{
	tree();
	ush_source_set(&c.source, "group", "group-0000/payments");
	knobs_read(&c, "/group-0000/payments/developers");
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.groups.count, 2);
	ck_assert_str_eq(c.groups.items[0].path, "/group-0000/payments");
	ck_assert_str_eq(c.groups.items[1].path, "/group-0000/payments/developers");
	ck_assert_str_eq(c.groups.items[1].name, "developers");
	ck_assert_uint_eq(c.groups.items[1].members.count, 1); /* he is a member of the top */
	ck_assert_str_eq(c.groups.where, "gitlab gitlab.test/group-0000/payments");
	contract_end(&c);
}
END_TEST

START_TEST(a_group_that_the_token_may_not_see_says_so)
{
	tree();
	ush_source_set(&c.source, "group", "hidden");
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "404 Group Not Found");
	knobs_expect_incomplete(&c, "check its full path");
	contract_end(&c);
}
END_TEST

/* What rights hide is not listed, and the list does not say so; whose token it is does. */
static void proof_of(const char *group, bool outsider, const char *doubt)
{
	tree();
	gitlab()->plain = true;
	gitlab()->outsider = outsider;
	if (group != NULL)
		ush_source_set(&c.source, "group", group);
	knobs_read(&c, NULL);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.groups.count, group != NULL ? 2 : 4);
	ck_assert_msg((strstr(c.groups.proof, "are listed only where") != NULL) == (doubt != NULL), "%s", c.groups.proof);
	ck_assert_msg(doubt == NULL || strstr(c.groups.proof, doubt) != NULL, "%s", c.groups.proof);
	contract_end(&c);
}

START_TEST(the_proof_says_where_the_tokens_user_may_not_look)
{
	proof_of("group-0000/payments", false, NULL);
	proof_of("group-0000/payments", true, "; private groups and their people are listed only where the token's user is a member");
	proof_of(NULL, false, "; groups are listed only where the token's user is a member");
	tree();
	knobs_read(&c, NULL);
	ck_assert_msg(strstr(c.groups.proof, "only") == NULL, "%s", c.groups.proof);
	c.fault = (struct contract_fault){.what = CONTRACT_ELSE, .status = 403}; /* who he is cannot be asked */
	knobs_read(&c, NULL);
	ck_assert_msg(c.groups.complete && strstr(c.groups.proof, "are listed only where") != NULL, "%s", c.groups.proof);
	contract_end(&c);
}
END_TEST

START_TEST(members_are_read_of_the_groups_that_are_wanted_alone)
{
	knobs_begin(&c, &contract_gitlab, 5, 1);
	knobs_read(&c, "/group-0002");
	ck_assert_uint_eq(c.requests, 2 + 1 + 1); /* the list twice, and whose token it is */
	knobs_read(&c, NULL);
	ck_assert_uint_eq(c.requests, 2 + 1);
	contract_end(&c);
}
END_TEST

static void comes_in_the_end(struct contract *k, enum contract_what what, size_t page)
{
	(void)page;
	if (what == CONTRACT_MEMBERS && k->next_number < 100000) {
		k->next_number = 100000;
		contract_add_group(k, "late", CONTRACT_NOBODY);
	}
}

START_TEST(a_group_made_meanwhile_is_seen_by_the_second_reading)
{
	knobs_begin(&c, &contract_gitlab, 3, 1);
	c.meanwhile = comes_in_the_end;
	knobs_read(&c, "/group-0000");
	knobs_expect_incomplete(&c, "100000 came");
	contract_end(&c);
}
END_TEST

TAP_MAIN("source_gitlab", without_totals_pages_are_read_to_the_one_that_names_no_next, keyset_pages_are_followed_by_link_to_the_empty_one,
	 a_full_page_that_lost_its_headers_is_followed_all_the_same, links_of_a_server_that_does_not_know_its_name_do_no_harm_beside_page_numbers,
	 a_link_elsewhere_is_not_followed, more_groups_than_pages_may_list_says_what_to_do, answers_that_are_no_pages_of_groups_are_incomplete,
	 a_page_number_that_is_none_is_not_asked_for, a_limit_that_names_its_reset_alone_is_waited_for, every_state_but_active_is_one_that_may_not_sign_in,
	 a_membership_that_waits_for_somebody_is_none_yet, minimal_access_is_no_membership, addresses_that_the_token_may_not_see_are_counted_not_dropped,
	 one_group_and_those_under_it_are_read_when_the_policy_says_so, a_group_that_the_token_may_not_see_says_so,
	 the_proof_says_where_the_tokens_user_may_not_look,
	 members_are_read_of_the_groups_that_are_wanted_alone, a_group_made_meanwhile_is_seen_by_the_second_reading)
