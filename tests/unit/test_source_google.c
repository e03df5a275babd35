/* SPDX-License-Identifier: Apache-2.0
 *
 * Google's own ways, beyond the contract of all sources (tests/story/test_source_contract.c).
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/contract_cloud.h"

static struct contract c;
static struct fake_google *google;

static void begin_as(const struct contract_fake *fake, size_t groups, size_t people)
{
	contract_begin(&c, fake);
	google = c.state;
	contract_fill(&c, groups, people);
}

static void begin(size_t groups, size_t people)
{
	begin_as(&contract_google, groups, people);
}

/* ---- signing in ---- */

START_TEST(the_service_accounts_assertion_is_as_google_wants_it)
{
	begin(2, 3);
	contract_read(&c);
	ck_assert_msg(google->jwt_fault[0] == '\0', "%s", google->jwt_fault);
	contract_expect_exact(&c);
	contract_end(&c);
}
END_TEST

/* BE50: no key anywhere; a projected ServiceAccount token is exchanged, and Google signs. */
START_TEST(a_service_account_token_signs_in_without_a_key)
{
	begin_as(&contract_google_pool, 2, 3);
	contract_read(&c);
	ck_assert_msg(google->jwt_fault[0] == '\0', "%s", google->jwt_fault);
	contract_expect_exact(&c);
	ck_assert_uint_eq(google->exchanged, 1);
	ck_assert_uint_eq(google->signs, 1);
	contract_end(&c);
}
END_TEST

START_TEST(a_token_of_another_pool_is_told)
{
	USH_AUTO_FREE char *path = ush_printf("%s/sa", tap_folder());
	struct ush_error err = {0};

	ck_assert_int_eq(ush_file_write(path, "other", 5, 0600, &err), 0);
	begin_as(&contract_google_pool, 1, 1);
	ush_source_set(&c.source, "federatedTokenFile", path);
	contract_incomplete(&c, "exchanges the ServiceAccount token for none: 400 invalid_grant", "workload identity provider");
}
END_TEST

START_TEST(a_refusal_says_what_an_administrator_must_do)
{
	begin(1, 1);
	google->token_error = "unauthorized_client";
	contract_incomplete(&c, "unauthorized_client", "Delegate admin.directory.group.readonly");
	begin(1, 1);
	google->token_error = "invalid_grant";
	contract_incomplete(&c, "no token for admin@acme.test", "admin@acme.test is a person");
}
END_TEST

static void bad_key(const char *text, const char *why)
{
	USH_AUTO_FREE char *path = ush_printf("%s/bad.json", tap_folder());
	struct ush_error err = {0};

	ck_assert_int_eq(ush_file_write(path, text, strlen(text), 0600, &err), 0);
	begin(1, 1);
	ush_source_set(&c.source, "secretFile", path);
	contract_read(&c);
	ck_assert_int_eq(c.result, -1);
	ck_assert_int_eq(c.err.code, USH_ERR_CONFIG);
	ck_assert_msg(strstr(c.err.what, why) != NULL && strstr(c.err.what, "s3cret") == NULL, "%s", c.err.what);
	ck_assert_uint_eq(c.requests, 0);
	contract_end(&c);
}

START_TEST(a_key_file_that_is_none_is_told_before_anything_is_asked)
{
	bad_key("s3cret", "is not valid JSON");
	bad_key("{}", "neither a service account's key");
	bad_key("{\"type\":\"authorized_user\",\"refresh_token\":\"s3cret\"}", "neither a service account's key");
	bad_key("{\"type\":\"service_account\",\"private_key\":\"s3cret\"}", "client_email and private_key");
	bad_key("{\"type\":\"service_account\",\"private_key\":[],\"client_email\":\"x\"}", "client_email and private_key");
	bad_key("{\"type\":\"service_account\",\"private_key\":\"s3cret\",\"client_email\":\"x@y\"}", "holds no private key");
	bad_key("{\"type\":\"external_account\",\"audience\":\"//x\"}", "service_account_impersonation_url");
	bad_key("{\"type\":\"external_account\",\"audience\":\"//x\",\"subject_token_type\":\"t\",\"token_url\":\"https://sts.test\","
		"\"service_account_impersonation_url\":\"https://iam.test/v1/projects/-/serviceAccounts/a@b:generateAccessToken\"}",
		"federatedTokenFile");
}
END_TEST

/* ---- limits ---- */

/* BE33: 403 is a limit for one reason and a refusal for another. */
START_TEST(a_403_that_is_a_limit_is_waited_for)
{
	static const char *const reasons[] = {"userRateLimitExceeded", "quotaExceeded", "rateLimitExceeded"};

	for (size_t i = 0; i < USH_COUNT(reasons); i++) {
		begin(25, 3);
		google->limit_reason = reasons[i];
		google->limited = 3;
		contract_exact(&c);
		ck_assert_int_ge(c.slept_ms, 500);
		contract_end(&c);
	}
}
END_TEST

START_TEST(a_403_that_is_no_limit_is_not_tried_again)
{
	static const char *const reasons[] = {"forbidden", "dailyLimitExceeded", "accessNotConfigured"};

	for (size_t i = 0; i < USH_COUNT(reasons); i++) {
		begin(2, 3);
		google->limit_reason = reasons[i];
		google->limited = 1;
		contract_read(&c);
		contract_expect_incomplete(&c);
		ck_assert_ptr_nonnull(strstr(c.groups.advice, "administrator role"));
		ck_assert_uint_eq(c.requests, 2); /* the token, the list */
		contract_end(&c);
	}
}
END_TEST

/* ---- groups ---- */

/* BC01, BF14: awslabs/ssosync#194. */
START_TEST(none_at_all_is_never_complete_whatever_was_asked)
{
	begin(0, 0);
	contract_incomplete(&c, "no group at all", "next run");
	begin(0, 0);
	ush_source_set(&c.source, "query", "email:k8s-*");
	ush_source_set(&c.source, "domain", "acme.test");
	contract_incomplete(&c, "no group at all", NULL);
}
END_TEST

static size_t lists;

static void goes_late(struct contract *k, enum contract_what what, size_t page)
{
	(void)page;
	if (what == CONTRACT_GROUPS && ++lists == 2)
		k->directory.groups[1].gone = true;
}

START_TEST(a_list_that_changes_until_it_is_read_again_is_incomplete)
{
	begin(3, 3);
	c.meanwhile = goes_late;
	contract_incomplete(&c, "went", "next run");
}
END_TEST

static char last_groups_url[512];

static void note_url(struct contract *k, const struct ush_http_request *request, struct ush_http_response *response)
{
	if (strstr(request->url, "/groups?") != NULL)
		snprintf(last_groups_url, sizeof last_groups_url, "%s", request->url);
	contract_google.answer(k, request, response);
}

START_TEST(domain_customer_and_query_go_to_google_with_every_page)
{
	struct contract_fake fake = contract_google;

	fake.answer = note_url;
	begin(25, 3);
	c.fake = &fake;
	contract_exact(&c);
	ck_assert_msg(strstr(last_groups_url, "&customer=my_customer&pageToken=p20") != NULL, "%s", last_groups_url);
	ush_source_set(&c.source, "domain", "acme.test");
	ush_source_set(&c.source, "query", "email:k8s-* memberKey=a&b");
	contract_exact(&c);
	ck_assert_msg(strstr(last_groups_url, "&domain=acme.test&query=email%3Ak8s-%2A%20memberKey%3Da%26b&pageToken=p20") != NULL, "%s", last_groups_url);
	contract_end(&c);
}
END_TEST

/* ---- members ---- */

/* GAM-team/GAM#1210: derived lists that come short. */
START_TEST(a_derived_list_that_is_short_is_seen)
{
	begin(1, 10);
	google->short_derived = true;
	contract_incomplete(&c, "lists 9 members and counts 10", NULL);
}
END_TEST

START_TEST(more_members_than_direct_ones_are_those_of_groups_in_it)
{
	begin(2, 3);
	contract_nest(&c, 1, 0);
	contract_exact(&c);
	ck_assert_uint_eq(c.groups.items[1].members.count, 3);
	ck_assert_ptr_nonnull(strstr(c.groups.proof, "no fewer members than Google counts"));
	contract_end(&c);
}
END_TEST

START_TEST(who_is_suspended_or_archived_may_not_sign_in)
{
	for (int archived = 0; archived <= 1; archived++) {
		begin(2, 3);
		google->archived = archived == 1;
		c.directory.people[0].disabled = true;
		contract_exact(&c);
		ck_assert_uint_eq(c.groups.disabled, 1);
		contract_end(&c);
	}
}
END_TEST

/* "Everybody in the organisation" has no address; a group of somebody else's may not be looked into (firezone#12772). */
START_TEST(members_who_cannot_be_named_are_counted)
{
	begin(2, 3);
	google->customer = true;
	contract_read(&c);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.groups.unresolvable, 1);
	contract_end(&c);
	begin(2, 3);
	google->foreign = true;
	contract_read(&c);
	ck_assert_msg(c.groups.complete, "%s", c.groups.why);
	ck_assert_uint_eq(c.groups.unresolvable, 1);
	ck_assert_uint_eq(c.groups.people, 3);
	contract_end(&c);
}
END_TEST

TAP_MAIN("source_google", the_service_accounts_assertion_is_as_google_wants_it, a_service_account_token_signs_in_without_a_key, a_token_of_another_pool_is_told,
	 a_refusal_says_what_an_administrator_must_do, a_key_file_that_is_none_is_told_before_anything_is_asked, a_403_that_is_a_limit_is_waited_for,
	 a_403_that_is_no_limit_is_not_tried_again, none_at_all_is_never_complete_whatever_was_asked,
	 a_list_that_changes_until_it_is_read_again_is_incomplete, domain_customer_and_query_go_to_google_with_every_page,
	 a_derived_list_that_is_short_is_seen, more_members_than_direct_ones_are_those_of_groups_in_it,
	 who_is_suspended_or_archived_may_not_sign_in, members_who_cannot_be_named_are_counted)
