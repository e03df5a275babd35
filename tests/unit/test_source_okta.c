/* SPDX-License-Identifier: Apache-2.0
 *
 * Okta's own ways, beyond the contract of all sources (tests/story/test_source_contract.c).
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/contract_cloud.h"

static struct contract c;
static struct fake_okta *okta;

/* groups with one member each, out of five people. */
static void begin(const struct contract_fake *fake, size_t groups)
{
	contract_begin(&c, fake);
	okta = c.state;
	for (size_t i = 0; i < 5; i++) {
		USH_AUTO_FREE char *name = ush_printf("person%zu", i);

		contract_add_person(&c, name);
	}
	for (size_t i = 0; i < groups; i++) {
		USH_AUTO_FREE char *name = ush_printf("group-%zu", i);

		contract_join(&c, contract_add_group(&c, name, CONTRACT_NOBODY), i % 5);
	}
}

/* ---- signing in ---- */

START_TEST(a_client_signs_an_assertion_that_okta_takes)
{
	begin(&contract_okta_client, 3);
	contract_read(&c);
	ck_assert_msg(okta->jwt_fault[0] == '\0', "%s", okta->jwt_fault);
	contract_expect_exact(&c);
	ck_assert_uint_eq(c.sign_ins, 1);
	contract_end(&c);
}
END_TEST

START_TEST(a_refused_client_is_told_what_to_look_at)
{
	static const char *const errors[][2] = {{"invalid_client", "public half"}, {"invalid_scope", "okta.groups.read"}, {"invalid_dpop_proof", "DPoP"}};

	for (size_t i = 0; i < USH_COUNT(errors); i++) {
		begin(&contract_okta_client, 1);
		okta->token_error = errors[i][0];
		contract_incomplete(&c, errors[i][0], errors[i][1]);
	}
}
END_TEST

START_TEST(what_does_not_go_together_is_refused_before_anything_is_asked)
{
	begin(&contract_okta_app, 1);
	ush_source_set(&c.source, "search", "type eq \"OKTA_GROUP\"");
	contract_config_error(&c, "app and search");
	begin(&contract_okta, 1);
	ush_source_set(&c.source, "keyId", "k");
	contract_config_error(&c, "no client is named");
	begin(&contract_okta_client, 1);
	ush_source_set(&c.source, "secretFile", "/nonexistent/key.pem");
	contract_config_error(&c, "/nonexistent/key.pem");
	begin(&contract_okta_client, 1);
	ush_source_set(&c.source, "secretFile", c.secret_file); /* a token, and no key */
	contract_read(&c);
	ck_assert_int_eq(c.err.code, USH_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(c.err.what, "holds no private key"));
	contract_end(&c);
}
END_TEST

START_TEST(a_token_that_okta_ended_is_told_of)
{
	USH_AUTO_FREE char *path = ush_printf("%s/old", tap_folder());
	struct ush_error err = {0};

	ck_assert_int_eq(ush_file_write(path, "old", 3, 0600, &err), 0);
	begin(&contract_okta, 1);
	ush_source_set(&c.source, "secretFile", path);
	contract_incomplete(&c, "401 (Invalid token provided)", "30 days");
}
END_TEST

/* ---- limits ---- */

/* BE33: X-Rate-Limit-Reset is a time, and not a span; it is held against the answer's own Date. */
START_TEST(the_reset_of_a_limit_is_waited_for)
{
	begin(&contract_okta, 30);
	okta->left = 10;
	contract_exact(&c);
	ck_assert_msg(c.slept_ms >= 40000 && c.slept_ms < 60000, "slept %lld ms", (long long)c.slept_ms);
	contract_end(&c);
}
END_TEST

START_TEST(a_reset_that_is_too_far_is_not_waited_for)
{
	begin(&contract_okta, 30);
	okta->left = 10;
	okta->resets_in = 7200;
	contract_read(&c);
	contract_expect_incomplete(&c);
	ck_assert_msg(strstr(c.groups.why, "429") != NULL, "%s", c.groups.why);
	ck_assert_int_lt(c.slept_ms, 1000);
	contract_end(&c);
}
END_TEST

/* ---- groups ---- */

START_TEST(a_search_goes_to_okta_and_the_proof_says_what_it_is_worth)
{
	begin(&contract_okta, 3);
	ush_source_set(&c.source, "search", "profile.name sw \"team \" and type eq \"OKTA_GROUP\"");
	contract_exact(&c);
	ck_assert_str_eq(okta->last_search, "profile.name sw \"team \" and type eq \"OKTA_GROUP\"");
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "eventually consistent"));
	contract_end(&c);
	begin(&contract_okta, 3);
	contract_read(&c);
	ck_assert_ptr_null(strstr(c.groups.proof, "eventually consistent"));
	contract_end(&c);
}
END_TEST

START_TEST(groups_of_an_application_have_the_names_that_okta_gives_them)
{
	begin(&contract_okta_app, 25);
	contract_exact(&c);
	ck_assert_uint_eq(okta->single_gets, 0);
	contract_end(&c);
	begin(&contract_okta_app, 25);
	okta->no_embedded = true; /* then each is asked for */
	contract_exact(&c);
	ck_assert_uint_eq(okta->single_gets, 25);
	contract_end(&c);
}
END_TEST

START_TEST(an_application_that_is_not_there_is_incomplete)
{
	begin(&contract_okta_app, 2);
	ush_source_set(&c.source, "app", "0oa9gone");
	contract_incomplete(&c, "404", NULL);
}
END_TEST

/* BC01: not even Everyone is shown. */
START_TEST(no_group_without_a_search_is_a_matter_of_rights)
{
	begin(&contract_okta, 0);
	contract_incomplete(&c, "no group at all", "Read-only Administrator");
}
END_TEST

/* A role over some groups lists those alone, and no error: that Everyone is missing gives it away. */
START_TEST(a_list_without_everyone_is_one_of_some_groups)
{
	begin(&contract_okta, 30);
	okta->group_admin = true;
	contract_incomplete(&c, "does not show the group Everyone", "Read-only Administrator");
	begin(&contract_okta, 30);
	okta->group_admin = true;
	ush_source_set(&c.source, "search", "type eq \"OKTA_GROUP\"");
	contract_exact(&c);
	contract_end(&c);
	begin(&contract_okta_app, 30);
	okta->group_admin = true;
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

/* ---- members ---- */

static void nobody_of(const char *status)
{
	begin(&contract_okta, 1);
	okta->status = status;
	contract_join(&c, 0, 1);
	c.directory.people[1].disabled = true;
	contract_exact(&c);
	ck_assert_uint_eq(c.groups.disabled, 1);
	contract_end(&c);
}

START_TEST(who_may_not_sign_in_is_told_from_who_must_set_a_password)
{
	nobody_of("SUSPENDED");
	nobody_of("DEPROVISIONED");
	nobody_of("STAGED");
	begin(&contract_okta, 1); /* the fake gives the others ACTIVE, PASSWORD_EXPIRED, RECOVERY, PROVISIONED, LOCKED_OUT */
	for (size_t i = 1; i < 5; i++)
		contract_join(&c, 0, i);
	contract_exact(&c);
	ck_assert_uint_eq(c.groups.items[0].members.count, 5);
	contract_end(&c);
}
END_TEST

/* BC06, BF03: Okta's own count of people. More may be there than are counted, fewer may not. */
START_TEST(fewer_members_than_okta_counts_are_incomplete)
{
	begin(&contract_okta, 2);
	c.fault = (struct contract_fault){.what = CONTRACT_ELSE, .lies = 1};
	contract_incomplete(&c, "lists 1 members and counts 2", "next run");
	begin(&contract_okta, 2);
	c.fault = (struct contract_fault){.what = CONTRACT_ELSE, .lies = -1};
	contract_exact(&c);
	contract_end(&c);
}
END_TEST

START_TEST(the_proof_claims_no_count_that_nobody_gave)
{
	begin(&contract_okta, 2);
	contract_read(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "no fewer members than Okta counts"));
	contract_end(&c);
	begin(&contract_okta, 2);
	okta->no_stats = true;
	contract_exact(&c);
	ck_assert_ptr_null(strstr(c.groups.proof, "counts"));
	contract_end(&c);
}
END_TEST

static void twice(struct contract *k, const struct ush_http_request *request, struct ush_http_response *response)
{
	USH_AUTO_JSON list = NULL;

	contract_okta.answer(k, request, response);
	if (strstr(request->url, "/users?") == NULL)
		return;
	list = json_loadb(response->body.data, response->body.length, 0, NULL);
	json_array_append(list, json_array_get(list, 0));
	ush_buf_free(&response->body);
	response->body = (struct ush_buf){0};
	provider_reply(response, 200, ush_steal(&list));
}

START_TEST(a_member_who_comes_twice_means_that_pages_shifted)
{
	struct contract_fake fake = contract_okta;

	fake.answer = twice;
	begin(&contract_okta, 1);
	c.fake = &fake;
	contract_incomplete(&c, "came twice", NULL);
}
END_TEST

static size_t lists;

/* The list is read a second time: then a group more is there, or one less. */
static void comes_late(struct contract *k, enum contract_what what, size_t page)
{
	(void)page;
	if (what == CONTRACT_GROUPS && ++lists == 2)
		contract_add_group(k, "new", CONTRACT_NOBODY);
}

static void goes_late(struct contract *k, enum contract_what what, size_t page)
{
	(void)page;
	if (what == CONTRACT_GROUPS && ++lists == 2)
		k->directory.groups[1].gone = true;
}

START_TEST(a_list_that_changes_until_it_is_read_again_is_incomplete)
{
	begin(&contract_okta, 3);
	lists = 0;
	c.meanwhile = comes_late;
	contract_incomplete(&c, "came", "next run");
	begin(&contract_okta_app, 3);
	lists = 0;
	c.meanwhile = goes_late;
	contract_incomplete(&c, "went", "next run");
}
END_TEST

START_TEST(people_are_called_as_the_policy_says)
{
	begin(&contract_okta, 1);
	ush_source_set(&c.source, "peopleName", "email");
	contract_read(&c);
	ck_assert_str_eq(c.groups.items[0].members.items[0], "person0@acme.test");
	contract_end(&c);
	begin(&contract_okta, 1);
	ush_source_set(&c.source, "peopleName", "id");
	contract_read(&c);
	ck_assert_msg(strncmp(c.groups.items[0].members.items[0], "00u", 3) == 0, "%s", c.groups.items[0].members.items[0]);
	contract_end(&c);
}
END_TEST

/* --no-people: members are neither read nor counted. */
START_TEST(without_people_only_the_list_is_read)
{
	struct ush_source_question question = {.source = &c.source, .all_members = true, .no_members = true};
	USH_AUTO_GROUPS groups = {0};
	struct ush_error err = {0};

	begin(&contract_okta, 25);
	ck_assert_int_eq(ush_source_read(&c.world, &question, &groups, &err), 0);
	ck_assert(groups.complete);
	ck_assert_uint_eq(groups.count, 25);
	ck_assert_uint_eq(c.requests, 4); /* two pages, twice */
	ck_assert(!groups.items[0].members_known);
	contract_end(&c);
}
END_TEST

START_TEST(only_groups_that_are_asked_about_have_their_members_read)
{
	struct ush_list refs = {0};
	struct ush_source_question question = {.source = &c.source, .refs = &refs};
	USH_AUTO_GROUPS groups = {0};
	struct ush_error err = {0};

	begin(&contract_okta, 10);
	ush_list_add(&refs, "group-3");
	ck_assert_int_eq(ush_source_read(&c.world, &question, &groups, &err), 0);
	ck_assert(groups.complete);
	ck_assert_uint_eq(c.requests, 3);
	ck_assert_uint_eq(groups.people, 1);
	ush_list_free(&refs);
	contract_end(&c);
}
END_TEST

TAP_MAIN("source_okta", a_client_signs_an_assertion_that_okta_takes, a_refused_client_is_told_what_to_look_at,
	 what_does_not_go_together_is_refused_before_anything_is_asked, a_token_that_okta_ended_is_told_of, the_reset_of_a_limit_is_waited_for,
	 a_reset_that_is_too_far_is_not_waited_for, a_search_goes_to_okta_and_the_proof_says_what_it_is_worth,
	 groups_of_an_application_have_the_names_that_okta_gives_them, an_application_that_is_not_there_is_incomplete,
	 no_group_without_a_search_is_a_matter_of_rights, a_list_without_everyone_is_one_of_some_groups, who_may_not_sign_in_is_told_from_who_must_set_a_password,
	 fewer_members_than_okta_counts_are_incomplete, the_proof_claims_no_count_that_nobody_gave, a_member_who_comes_twice_means_that_pages_shifted,
	 a_list_that_changes_until_it_is_read_again_is_incomplete, people_are_called_as_the_policy_says,
	 without_people_only_the_list_is_read, only_groups_that_are_asked_about_have_their_members_read)
