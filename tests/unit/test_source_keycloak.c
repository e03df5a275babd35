/* SPDX-License-Identifier: Apache-2.0
 *
 * The Keycloak source against a Keycloak of its own making: pages, counts, tokens and the ways in which the real one is
 * polite and wrong.
 */
#include "tests/support/tap.h"

#include <string.h>
#include <unistd.h>

#include "broker/source/source.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/net/http.h"

static struct {
	/* what it holds: group i is called gI; children[i] of them stand under it */
	int tops, children_of_first, members;
	/* how it misbehaves */
	bool weak;                /* lists are [], counts are true */
	bool deaf;                /* `first` is ignored */
	int count_more, shrinks_by; /* the count lies; the second count is smaller */
	int hidden;               /* so many children are not shown, nor counted */
	int swapped_from;         /* from this read on, g1 is another group of that name; 0: never */
	int token_life;           /* reads a token is good for; 0: all */
	const char *fail;         /* part of a URL that fails */
	int fail_skip, fail_times, fail_status; /* 0: the connection breaks */
	int64_t retry_after_ms;
	const char *body;         /* instead of a list */
	/* what happened */
	int tokens, reads, counts, used;
	int64_t slept, now;
	char token_request[512], secret[64];
} kc;

static struct ush_groups groups;
static struct ush_error err;

/* ---- the fake ---- */

static int number_after(const char *url, const char *key, int fallback)
{
	const char *p = strstr(url, key);

	return p != NULL ? atoi(p + strlen(key)) : fallback;
}

static json_t *group_json(const char *prefix, int i, int below)
{
	USH_AUTO_FREE char *id = ush_printf("id-%s%d%s", prefix, i, i == 1 && kc.swapped_from > 0 && kc.reads >= kc.swapped_from ? "-new" : ""), *name = ush_printf("%s%d", prefix, i);

	return json_pack("{s:s, s:s, s:s, s:i, s:[]}", "id", id, "name", name, "path", "/not/to/be/trusted", "subGroupCount", below, "subGroups");
}

static json_t *member_json(int i)
{
	USH_AUTO_FREE char *id = ush_printf("u%d", i), *name = ush_printf("user%d", i);

	return json_pack("{s:s, s:s, s:b}", "id", id, "username", name, "enabled", i % 10 != 9);
}

static json_t *listing(const char *url)
{
	int first = kc.deaf ? 0 : number_after(url, "first=", 0), max = number_after(url, "max=", 10), all;
	bool children = strstr(url, "/children") != NULL, members = strstr(url, "/members") != NULL;
	json_t *list = json_array();

	all = members ? kc.members : children ? kc.children_of_first - kc.hidden : kc.tops;
	for (int i = first; i < all && i < first + max && !kc.weak; i++)
		json_array_append_new(list, members ? member_json(i) : group_json(children ? "c" : "g", i, !children && i == 0 ? kc.children_of_first : 0));
	return list;
}

static void answer(struct ush_http_response *response, int status, json_t *json)
{
	USH_AUTO_FREE char *text = json_dumps(json, JSON_COMPACT);

	response->status = status;
	ush_buf_puts(&response->body, text);
	json_decref(json);
}

static void answer_token(const struct ush_http_request *request, struct ush_http_response *response)
{
	snprintf(kc.token_request, sizeof kc.token_request, "%s %s %s", request->method, request->url, request->body);
	snprintf(kc.secret, sizeof kc.secret, "%s", ush_secret_reveal(request->basic));
	kc.tokens++;
	kc.used = 0;
	answer(response, 200, json_pack("{s:s, s:i}", "access_token", "t", "expires_in", 60));
}

static void answer_get(const struct ush_http_request *request, struct ush_http_response *response)
{
	kc.reads++;
	if (kc.token_life > 0 && ++kc.used > kc.token_life)
		answer(response, 401, json_pack("{s:s}", "error", "HTTP 401 Unauthorized"));
	else if (strstr(request->url, "/count") != NULL)
		answer(response, 200, json_pack("{s:i}", "count", kc.tops + kc.children_of_first - kc.hidden + kc.count_more - (kc.counts++ > 0 ? kc.shrinks_by : 0)));
	else if (kc.body != NULL) {
		response->status = 200;
		ush_buf_puts(&response->body, kc.body);
	} else
		answer(response, 200, listing(request->url));
}

static int http(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *why)
{
	(void)context;
	response->retry_after_ms = -1;
	if (kc.fail != NULL && strstr(request->url, kc.fail) != NULL && kc.fail_skip-- <= 0 && kc.fail_times-- > 0) {
		response->retry_after_ms = kc.retry_after_ms > 0 ? kc.retry_after_ms : -1;
		if (kc.fail_status == 0)
			return ush_fail(why, USH_ERR_UNAVAILABLE, "login.test: connection reset");
		answer(response, kc.fail_status, json_pack("{s:s}", "error", "oops"));
		return 0;
	}
	if (strstr(request->url, "/protocol/openid-connect/token") != NULL)
		answer_token(request, response);
	else
		answer_get(request, response);
	return 0;
}

static int64_t clock_ms(void *context)
{
	(void)context;
	return kc.now;
}

static int sleep_ms(void *context, int64_t ms)
{
	(void)context;
	kc.slept += ms;
	kc.now += ms;
	return 0;
}

static void no_chance(void *context, void *out, size_t size)
{
	(void)context;
	memset(out, 0, size);
}

static const struct ush_world world = {.now_ms = clock_ms, .boot_ms = clock_ms, .sleep_ms = sleep_ms, .random = no_chance, .http = http};

static char secret_path[160];

static void begin(int tops, int children, int members)
{
	memset(&kc, 0, sizeof kc);
	kc.tops = tops;
	kc.children_of_first = children;
	kc.members = members;
	kc.fail_times = 1000;
	snprintf(secret_path, sizeof secret_path, "%s/secret", tap_folder());
	ck_assert_int_eq(ush_file_write(secret_path, "s3cr:et\n", 8, 0600, &err), 0);
}

static struct ush_policy_source acme(void)
{
	struct ush_policy_source source = {.name = ush_strdup("main"), .kind = ush_source_kind("keycloak")};

	ush_source_set(&source, "url", "https://login.test");
	ush_source_set(&source, "realm", "acme");
	ush_source_set(&source, "client", "broker");
	ush_source_set(&source, "secretFile", secret_path);
	return source;
}

static void read_source(const char *wanted)
{
	struct ush_policy_source source = acme();
	struct ush_list refs = {0};
	struct ush_source_question question = {.source = &source, .refs = &refs};

	if (wanted != NULL)
		ush_list_add(&refs, wanted);
	ush_groups_free(&groups);
	memset(&err, 0, sizeof err);
	ck_assert_msg(ush_source_read(&world, &question, &groups, &err) == 0, "%s", err.what);
	ush_list_free(&refs);
	ush_policy_source_free(&source);
}

static void expect_incomplete(const char *why)
{
	ck_assert_msg(!groups.complete, "complete, wanted: %s", why);
	ck_assert_msg(strstr(groups.why, why) != NULL, "\"%s\" lacks \"%s\"", groups.why, why);
	ck_assert_ptr_null(strstr(groups.why, "s3cr"));
	ush_groups_free(&groups);
}

static void expect_complete(size_t count)
{
	ck_assert_msg(groups.complete, "%s", groups.why);
	ck_assert_uint_eq(groups.count, count);
}

/* ---- the tests ---- */

START_TEST(every_page_of_every_level_is_read)
{
	begin(1250, 630, 0);
	read_source(NULL);
	expect_complete(1880);
	ck_assert_int_eq(kc.reads, 2 * (3 + 2) + 2); /* pages of tops and of children, each read twice, two counts */
	ck_assert_str_eq(groups.items[0].path, "/g0");
	ck_assert_str_eq(groups.items[1].path, "/g0/c0");
	ck_assert_str_eq(groups.items[1].name, "c0");
	ck_assert(!groups.items[0].members_known);
	ush_groups_free(&groups);
}
END_TEST

START_TEST(exactly_one_page_asks_for_the_next_one)
{
	begin(500, 0, 0);
	read_source(NULL);
	expect_complete(500);
	ck_assert_int_eq(kc.reads, 2 * 2 + 2);
	ush_groups_free(&groups);
}
END_TEST

START_TEST(the_token_is_asked_for_with_the_secret_in_the_header_alone)
{
	begin(1, 0, 0);
	read_source(NULL);
	expect_complete(1);
	ck_assert_str_eq(kc.token_request, "POST https://login.test/realms/acme/protocol/openid-connect/token grant_type=client_credentials");
	ck_assert_str_eq(kc.secret, "broker:s3cr%3Aet");
	ck_assert_int_eq(kc.tokens, 1);
	ush_groups_free(&groups);
}
END_TEST

START_TEST(people_of_granted_groups_are_counted_and_the_disabled_left_out)
{
	begin(3, 0, 205);
	read_source("g1");
	expect_complete(3);
	ck_assert(groups.items[1].members_known && !groups.items[0].members_known);
	ck_assert_uint_eq(groups.items[1].members.count, 185);
	ck_assert_uint_eq(groups.items[1].disabled, 20);
	ck_assert_uint_eq(groups.people, 185);
	ush_groups_free(&groups);
}
END_TEST

/* BC01's trap: a weak role is answered 200 and [] while the count tells the truth. */
START_TEST(an_empty_list_beside_a_count_is_a_missing_role)
{
	begin(250, 3, 0);
	kc.weak = true;
	read_source(NULL);
	ck_assert_ptr_nonnull(strstr(groups.advice, "view-users"));
	expect_incomplete("it lists 0 groups and counts 253");
}
END_TEST

START_TEST(no_groups_and_a_count_of_none_is_complete_and_for_others_to_judge)
{
	begin(0, 0, 0);
	read_source(NULL);
	expect_complete(0);
	ush_groups_free(&groups);
}
END_TEST

/* BC05 */
START_TEST(a_count_that_does_not_fit_is_incomplete)
{
	begin(249, 0, 0);
	kc.count_more = 1;
	read_source(NULL);
	expect_incomplete("it lists 249 groups and counts 250");
	begin(249, 0, 0);
	kc.shrinks_by = 1;
	read_source(NULL);
	expect_incomplete("it lists 249 groups and counts 248");
}
END_TEST

/* What an account may not see is in no list and in no count, but its parent numbers it. */
START_TEST(a_child_that_is_hidden_is_missed_by_its_parents_number)
{
	begin(5, 12, 0);
	kc.hidden = 1;
	read_source(NULL);
	expect_incomplete("/g0 has 12 groups under it, and 11 came");
}
END_TEST

/* Counts agree when one goes and one comes; two readings do not. */
START_TEST(a_group_that_was_made_again_meanwhile_is_seen)
{
	begin(5, 0, 3);
	kc.swapped_from = 4; /* the count, the list, g1's members; then the list again */
	read_source("g1");
	ck_assert_ptr_nonnull(strstr(groups.advice, "next run"));
	expect_incomplete("groups changed while they were read: /g1 (id-g1) went, /g1 (id-g1-new) came");
}
END_TEST

/* BC02, T50 */
START_TEST(a_page_that_fails_is_tried_four_times_and_then_incomplete)
{
	static const int statuses[] = {429, 500, 502, 503, 0};

	for (size_t i = 0; i < USH_COUNT(statuses); i++) {
		begin(1250, 0, 0);
		kc.fail = "/groups?briefRepresentation=true&first=500";
		kc.fail_status = statuses[i];
		read_source(NULL);
		if (statuses[i] != 429)
			ck_assert_int_eq(kc.fail_times, 1000 - 4);
		ck_assert_int_le(kc.slept, 300000 + 30000); /* the budget */
		expect_incomplete(statuses[i] == 0 ? "page 2 of groups: login.test: connection reset, tried four times" : "page 2 of groups answered");
	}
}
END_TEST

/* BC02 */
START_TEST(a_page_that_fails_twice_is_read_at_the_third_try)
{
	begin(1250, 0, 0);
	kc.fail = "/groups?briefRepresentation=true&first=1000";
	kc.fail_status = 503;
	kc.fail_times = 2;
	kc.retry_after_ms = 7000;
	read_source(NULL);
	expect_complete(1250);
	ck_assert_int_eq(kc.slept, 14000);
	ush_groups_free(&groups);
}
END_TEST

/* BC02: tokens live for a minute, a listing longer. */
START_TEST(a_token_that_expires_on_the_way_is_renewed)
{
	begin(2450, 0, 0);
	kc.token_life = 3;
	read_source(NULL);
	expect_complete(2450);
	ck_assert_int_eq(kc.tokens, 4); /* for twice five pages and two counts */
	ush_groups_free(&groups);
}
END_TEST

START_TEST(a_token_that_is_never_good_is_no_loop)
{
	begin(10, 0, 0);
	kc.fail = "/admin/";
	kc.fail_status = 401;
	read_source(NULL);
	ck_assert_int_le(kc.tokens, 2);
	expect_incomplete("answered 401");
}
END_TEST

/* BC04 */
START_TEST(a_page_that_repeats_is_seen)
{
	begin(1250, 0, 0);
	kc.deaf = true;
	read_source(NULL);
	ck_assert_int_eq(kc.reads, 3); /* the count, page 1, page 2 */
	expect_incomplete("group \"g0\" came twice");
	begin(3, 0, 750);
	kc.deaf = true;
	read_source("g2");
	expect_incomplete("a member of /g2 came twice");
}
END_TEST

START_TEST(what_is_forbidden_says_which_role_is_missing)
{
	begin(250, 0, 0);
	kc.fail = "/groups/count";
	kc.fail_status = 403;
	read_source(NULL);
	ck_assert_ptr_nonnull(strstr(groups.advice, "view-users"));
	expect_incomplete("answered 403");
}
END_TEST

START_TEST(a_wrong_secret_says_where_to_look)
{
	begin(1, 0, 0);
	kc.fail = "/token";
	kc.fail_status = 401;
	read_source(NULL);
	ck_assert_ptr_nonnull(strstr(groups.advice, secret_path));
	expect_incomplete("gives client broker no token: 401 oops");
}
END_TEST

/* T50 */
START_TEST(an_answer_that_is_not_the_apis_is_incomplete)
{
	static const struct {
		const char *body, *why;
	} bodies[] = {{"<html>captive portal</html>", "page 1 of groups: a web page came where JSON was expected"}, {"{}", "page 1 of groups is no list"}, {"", "page 1 of groups: the answer ends in the middle, tried four times"},
		      {"[{\"id\": \"x\"}]", "a group has no id or no name"}, {"[7]", "a group has no id or no name"}, {"[{\"id\": \"x\", \"name\": \"a", "page 1 of groups: the answer ends in the middle, tried four times"}};

	for (size_t i = 0; i < USH_COUNT(bodies); i++) {
		begin(5, 0, 0);
		kc.body = bodies[i].body;
		read_source(NULL);
		expect_incomplete(bodies[i].why);
	}
}
END_TEST

START_TEST(a_secret_that_others_may_read_is_a_fault_of_ours)
{
	struct ush_policy_source source;
	struct ush_source_question question = {.source = &source};

	begin(1, 0, 0);
	source = acme();
	ck_assert_int_eq(ush_file_write(secret_path, "x", 1, 0644, &err), 0);
	ck_assert_int_eq(ush_source_read(&world, &question, &groups, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.what, "source main: "));
	ck_assert_ptr_nonnull(strstr(err.hint, "chmod 600"));
	ush_policy_source_free(&source);
	ck_assert_int_eq(kc.tokens + kc.reads, 0);
	ush_groups_free(&groups);
}
END_TEST

TAP_MAIN("source_keycloak", every_page_of_every_level_is_read, exactly_one_page_asks_for_the_next_one,
	 the_token_is_asked_for_with_the_secret_in_the_header_alone, people_of_granted_groups_are_counted_and_the_disabled_left_out,
	 an_empty_list_beside_a_count_is_a_missing_role, no_groups_and_a_count_of_none_is_complete_and_for_others_to_judge,
	 a_count_that_does_not_fit_is_incomplete, a_child_that_is_hidden_is_missed_by_its_parents_number, a_group_that_was_made_again_meanwhile_is_seen, a_page_that_fails_is_tried_four_times_and_then_incomplete,
	 a_page_that_fails_twice_is_read_at_the_third_try, a_token_that_expires_on_the_way_is_renewed, a_token_that_is_never_good_is_no_loop,
	 a_page_that_repeats_is_seen, what_is_forbidden_says_which_role_is_missing, a_wrong_secret_says_where_to_look,
	 an_answer_that_is_not_the_apis_is_incomplete, a_secret_that_others_may_read_is_a_fault_of_ours)
