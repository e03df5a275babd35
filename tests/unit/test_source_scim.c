/* SPDX-License-Identifier: Apache-2.0
 *
 * What is SCIM's alone: two ways of paging, members that are groups, people whose names stand elsewhere, attributes in any
 * spelling.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "tests/support/contract_knobs.h"

static struct contract c;

static struct fake_scim *scim(void)
{
	return c.state;
}

/* ---- pages ---- */

START_TEST(a_server_without_a_config_pages_by_index)
{
	knobs_begin(&c, &contract_scim, 20, 3);
	scim()->no_config = true;
	contract_exact(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "by index"));
	contract_end(&c);
}
END_TEST

START_TEST(a_server_that_offers_cursors_is_asked_by_them)
{
	knobs_begin(&c, &contract_scim_cursor, 20, 3);
	contract_exact(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "by cursor"));
	contract_end(&c);
}
END_TEST

/* RFC 9865: a total that costs too much may be left out. RFC 7644: by index it may not. */
START_TEST(a_total_may_be_missing_by_cursor_and_not_by_index)
{
	knobs_begin(&c, &contract_scim_cursor, 20, 3);
	scim()->no_total = true;
	contract_exact(&c);
	contract_end(&c);
	knobs_begin(&c, &contract_scim, 20, 3);
	scim()->no_total = true;
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "does not say how many there are");
	contract_end(&c);
}
END_TEST

START_TEST(a_server_that_begins_anew_behind_the_end_is_read_once)
{
	static const size_t counts[] = {1, 7, 8, 20};

	for (size_t i = 0; i < USH_COUNT(counts); i++) {
		knobs_begin(&c, &contract_scim, counts[i], 60);
		scim()->begins_anew = true;
		contract_exact(&c);
		contract_end(&c);
	}
}
END_TEST

/* Some tell the size of the page for that of the list. */
START_TEST(a_total_that_is_too_small_is_seen_behind_it)
{
	static const struct provider_row rows[] = {
		{.url = "/ServiceProviderConfig", .status = 404, .body = ""},
		{.url = "/Groups?startIndex=1&", .status = 200, .body = "{'totalResults':1,'Resources':[{'id':'1','displayName':'a'}]}"},
		{.url = "/Groups?startIndex=2&", .status = 200, .body = "{'totalResults':1,'Resources':[{'id':'2','displayName':'b'}]}"},
		{0}};
	struct provider *provider = provider_new(rows);
	struct ush_policy_source source = provider_source("scim", (const char *const[]){"url=https://scim.test/v2", "secretFile=@s3cret", NULL});
	USH_AUTO_GROUPS groups = {0};

	provider_read(provider, &source, NULL, &groups);
	ck_assert(!groups.complete);
	ck_assert_ptr_nonnull(strstr(groups.why, "more groups come than the 1"));
	ush_policy_source_free(&source);
	provider_free(provider);
}
END_TEST

START_TEST(an_empty_page_may_have_no_resources_at_all)
{
	knobs_begin(&c, &contract_scim, 7, 1);
	scim()->no_resources = true;
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

START_TEST(a_total_that_changes_between_pages_is_incomplete)
{
	knobs_begin(&c, &contract_scim, 20, 0);
	c.meanwhile = knobs_one_comes;
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "changed while they were read");
	contract_end(&c);
}
END_TEST

/* One goes in front and one comes behind: the total stays, and a row is skipped. */
static void one_for_another(struct contract *k, enum contract_what what, size_t page)
{
	if (what == CONTRACT_GROUPS && page == 2 && k->next_number < 100000) {
		k->next_number = 100000;
		k->directory.groups[0].gone = true;
		contract_add_group(k, "late", CONTRACT_NOBODY);
	}
}

START_TEST(a_row_that_index_paging_skips_is_seen_by_the_second_reading)
{
	knobs_begin(&c, &contract_scim, 20, 0);
	c.meanwhile = one_for_another;
	knobs_read(&c, NULL);
	knobs_expect_incomplete(&c, "groups changed while they were read");
	contract_end(&c);
}
END_TEST

START_TEST(pages_are_as_large_as_the_server_says_it_bears)
{
	static const struct provider_row rows[] = {
		{.url = "/ServiceProviderConfig", .status = 200, .body = "{'pagination':{'cursor':true,'maxPageSize':40},'filter':{'maxResults':60}}"},
		{.url = "/Groups?cursor=&count=40&", .status = 200, .body = "{'totalResults':2,'Resources':[{'id':'1','displayName':'a'}],'nextCursor':'x/y z'}"},
		{.url = "/Groups?cursor=x%2Fy%20z&count=40&", .status = 200, .body = "{'totalResults':2,'Resources':[{'id':'2','displayName':'b'}]}"},
		{0}};
	struct provider *provider = provider_new(rows);
	struct ush_policy_source source = provider_source("scim", (const char *const[]){"url=https://scim.test/v2", "secretFile=@s3cret", NULL});
	USH_AUTO_GROUPS groups = {0};

	provider_read(provider, &source, NULL, &groups);
	ck_assert_msg(groups.complete, "%s", groups.why);
	ck_assert_uint_eq(groups.count, 2);
	ush_policy_source_free(&source);
	provider_free(provider);
}
END_TEST

START_TEST(a_cursor_that_expired_is_no_end)
{
	static const struct provider_row rows[] = {
		{.url = "/ServiceProviderConfig", .status = 200, .body = "{'pagination':{'cursor':true}}"},
		{.url = "/Groups?cursor=&", .status = 200, .body = "{'totalResults':2,'Resources':[{'id':'1','displayName':'a'}],'nextCursor':'x'}"},
		{.url = "/Groups?cursor=x&", .status = 400, .body = "{'status':'400','scimType':'expiredCursor','detail':'Failed to continue pagination'}"},
		{0}};
	struct provider *provider = provider_new(rows);
	struct ush_policy_source source = provider_source("scim", (const char *const[]){"url=https://scim.test/v2", "secretFile=@s3cret", NULL});
	USH_AUTO_GROUPS groups = {0};

	provider_read(provider, &source, NULL, &groups);
	ck_assert(!groups.complete);
	ck_assert_ptr_nonnull(strstr(groups.why, "page 2 of groups"));
	ck_assert_ptr_nonnull(strstr(groups.why, "Failed to continue pagination"));
	ush_policy_source_free(&source);
	provider_free(provider);
}
END_TEST

START_TEST(answers_that_are_no_lists_are_incomplete)
{
	static const char *const bodies[] = {"[]", "{}", "{'totalResults':'2','Resources':[]}", "{'totalResults':-1,'Resources':[]}", "{'totalResults':1,'Resources':{}}",
					     "{'totalResults':1,'Resources':[7]}", "{'totalResults':1,'Resources':[{'id':'1'}]}", "{'totalResults':1,'Resources':[{'displayName':'a'}]}",
					     "{'totalResults':1,'Resources':[{'id':'','displayName':'a'}]}", "{'totalResults':1}"};

	for (size_t i = 0; i < USH_COUNT(bodies); i++) {
		const struct provider_row rows[] = {{.url = "/ServiceProviderConfig", .status = 404, .body = ""}, {.url = "/Groups?", .status = 200, .body = bodies[i]}, {0}};
		struct provider *provider = provider_new(rows);
		struct ush_policy_source source = provider_source("scim", (const char *const[]){"url=https://scim.test/v2", "secretFile=@s3cret", NULL});
		USH_AUTO_GROUPS groups = {0};

		provider_read(provider, &source, NULL, &groups);
		ck_assert_msg(!groups.complete, "%s", bodies[i]);
		ush_policy_source_free(&source);
		provider_free(provider);
	}
}
END_TEST

/* ---- members ---- */

START_TEST(the_list_goes_without_members_and_the_wanted_are_asked_for)
{
	knobs_begin(&c, &contract_scim, 6, 1);
	contract_nest(&c, 2, 3);
	contract_nest(&c, 3, 4);
	contract_join(&c, 4, contract_add_person(&c, "carol"));
	knobs_read(&c, "/group-0002");
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(scim()->with_members, 0);
	ck_assert_uint_eq(scim()->member_gets, 3); /* itself, and the two in it */
	ck_assert_str_eq(knobs_group(&c, "/group-0002")->members.items[0], "carol");
	ck_assert(!knobs_group(&c, "/group-0003")->members_known);
	contract_end(&c);
}
END_TEST

static void nested(bool no_types, bool refs_only)
{
	knobs_begin(&c, &contract_scim, 3, 2);
	contract_nest(&c, 1, 0);
	contract_nest(&c, 2, 1);
	contract_nest(&c, 0, 2);
	scim()->no_types = no_types;
	scim()->refs_only = refs_only;
	contract_exact(&c);
	ck_assert_uint_eq(knobs_group(&c, "/group-0002")->members.count, 2);
	contract_end(&c);
}

START_TEST(a_member_is_a_group_by_its_type_its_reference_or_the_list)
{
	nested(false, false);
	nested(false, true);
	nested(true, false);
}
END_TEST

#define CONFIG {.url = "/ServiceProviderConfig", .status = 404, .body = ""}
#define LIST   {.url = "/Groups?", .status = 200, .body = "{'totalResults':1,'Resources':[{'id':'1','displayName':'a'}]}", .times = 1}, \
	       {.url = "/Groups?startIndex=2", .status = 200, .body = "{'totalResults':1,'Resources':[]}"}, \
	       {.url = "/Groups?", .status = 200, .body = "{'totalResults':1,'Resources':[{'id':'1','displayName':'a'}]}"}

static void read_table(const struct provider_row *rows, struct ush_groups *groups)
{
	struct provider *provider = provider_new(rows);
	struct ush_policy_source source = provider_source("scim", (const char *const[]){"url=https://scim.test/v2", "secretFile=@s3cret", NULL});

	provider_read(provider, &source, "*", groups);
	ush_policy_source_free(&source);
	provider_free(provider);
}

START_TEST(a_group_in_a_group_that_the_filter_left_out_counts_all_the_same)
{
	static const struct provider_row rows[] = {
		CONFIG,
		LIST,
		{.url = "/Groups/1?", .status = 200, .body = "{'id':'1','members':[{'value':'9','type':'Group'},{'value':'8','type':'group'},{'display':'no value'}]}"},
		{.url = "/Groups/9?", .status = 200, .body = "{'id':'9','members':[{'value':'u1','type':'User'}]}"},
		{.url = "/Groups/8?", .status = 404, .body = "{}"},
		{.url = "/Users/u1?", .status = 200, .body = "{'id':'u1','userName':'carol'}"},
		{0}};
	USH_AUTO_GROUPS groups = {0};

	read_table(rows, &groups);
	ck_assert_msg(groups.complete, "%s", groups.why);
	ck_assert_uint_eq(groups.count, 1);
	ck_assert_uint_eq(groups.items[0].members.count, 1);
	ck_assert_uint_eq(groups.items[0].unresolvable, 2); /* the group that is none, and a member without a value */
}
END_TEST

START_TEST(a_listed_group_whose_members_are_gone_is_incomplete)
{
	static const struct provider_row rows[] = {CONFIG, LIST, {.url = "/Groups/1?", .status = 404, .body = "{'detail':'gone'}"}, {0}};
	USH_AUTO_GROUPS groups = {0};

	read_table(rows, &groups);
	ck_assert(!groups.complete);
	ck_assert_ptr_nonnull(strstr(groups.why, "/a"));
}
END_TEST

START_TEST(members_that_are_no_list_are_incomplete)
{
	static const char *const bodies[] = {"{'members':{}}", "{'members':'all'}", "[]"};

	for (size_t i = 0; i < USH_COUNT(bodies); i++) {
		const struct provider_row rows[] = {CONFIG, LIST, {.url = "/Groups/1?", .status = 200, .body = bodies[i]}, {0}};
		USH_AUTO_GROUPS groups = {0};

		read_table(rows, &groups);
		ck_assert_msg(!groups.complete, "%s", bodies[i]);
	}
}
END_TEST

START_TEST(attributes_may_be_spelt_in_any_case)
{
	knobs_begin(&c, &contract_scim, 9, 14);
	scim()->other_case = true;
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

/* ---- people ---- */

START_TEST(a_few_people_are_asked_for_one_by_one_and_many_by_the_list)
{
	knobs_begin(&c, &contract_scim, 1, 10);
	contract_exact(&c);
	ck_assert_uint_eq(scim()->user_lists, 0);
	ck_assert_uint_eq(scim()->user_gets, 10);
	contract_end(&c);
	knobs_begin(&c, &contract_scim, 1, 120);
	contract_exact(&c);
	ck_assert_uint_eq(scim()->user_lists, 4); /* 50, 50, 20, and none */
	ck_assert_uint_eq(scim()->user_gets, 0);
	contract_end(&c);
}
END_TEST

START_TEST(whom_the_list_of_users_skipped_is_asked_for)
{
	knobs_begin(&c, &contract_scim, 1, 120);
	scim()->lists_fewer_users = 3;
	contract_exact(&c);
	ck_assert_uint_eq(scim()->user_gets, 3);
	contract_end(&c);
}
END_TEST

START_TEST(a_member_who_is_no_user_any_more_is_counted)
{
	static const struct provider_row rows[] = {CONFIG,
						   LIST,
						   {.url = "/Groups/1?", .status = 200, .body = "{'id':'1','members':[{'value':'u1'},{'value':'u2'}]}"},
						   {.url = "/Users/u1?", .status = 404, .body = "{}"},
						   {.url = "/Users/u2?", .status = 200, .body = "{'id':'u2','userName':'dana'}"},
						   {0}};
	USH_AUTO_GROUPS groups = {0};

	read_table(rows, &groups);
	ck_assert_msg(groups.complete, "%s", groups.why);
	ck_assert_uint_eq(groups.items[0].members.count, 1);
	ck_assert_uint_eq(groups.items[0].unresolvable, 1);
}
END_TEST

START_TEST(active_may_be_a_text)
{
	knobs_begin(&c, &contract_scim, 1, 4);
	c.directory.people[2].disabled = true;
	scim()->text_active = true;
	contract_exact(&c);
	ck_assert_uint_eq(c.groups.disabled, 1);
	contract_end(&c);
}
END_TEST

START_TEST(people_are_called_as_the_policy_says)
{
	static const struct {
		const char *what, *name;
	} names[] = {{"userName", "person000"}, {"email", "person000@example.test"}, {"externalId", "x"}, {"id", "u-102"}};

	for (size_t i = 0; i < USH_COUNT(names); i++) {
		knobs_begin(&c, &contract_scim, 1, 1);
		ush_source_set(&c.source, "peopleName", names[i].what);
		contract_read(&c);
		ck_assert_msg(c.groups.complete, "%s", c.groups.why);
		ck_assert_str_eq(c.groups.items[0].members.items[0], names[i].name);
		contract_end(&c);
	}
}
END_TEST

START_TEST(the_filter_is_the_servers_to_apply)
{
	knobs_begin(&c, &contract_scim, 3, 0);
	ush_source_set(&c.source, "filter", "displayName sw \"k8s &\"");
	knobs_read(&c, NULL);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_str_eq(scim()->last_filter, "displayName sw \"k8s &\"");
	contract_end(&c);
}
END_TEST

TAP_MAIN("source_scim", a_server_without_a_config_pages_by_index, a_server_that_offers_cursors_is_asked_by_them,
	 a_total_may_be_missing_by_cursor_and_not_by_index, a_server_that_begins_anew_behind_the_end_is_read_once,
	 a_total_that_is_too_small_is_seen_behind_it, an_empty_page_may_have_no_resources_at_all, a_total_that_changes_between_pages_is_incomplete,
	 a_row_that_index_paging_skips_is_seen_by_the_second_reading, pages_are_as_large_as_the_server_says_it_bears, a_cursor_that_expired_is_no_end,
	 answers_that_are_no_lists_are_incomplete, the_list_goes_without_members_and_the_wanted_are_asked_for,
	 a_member_is_a_group_by_its_type_its_reference_or_the_list, a_group_in_a_group_that_the_filter_left_out_counts_all_the_same,
	 a_listed_group_whose_members_are_gone_is_incomplete, members_that_are_no_list_are_incomplete, attributes_may_be_spelt_in_any_case,
	 a_few_people_are_asked_for_one_by_one_and_many_by_the_list, whom_the_list_of_users_skipped_is_asked_for,
	 a_member_who_is_no_user_any_more_is_counted, active_may_be_a_text, people_are_called_as_the_policy_says, the_filter_is_the_servers_to_apply)
