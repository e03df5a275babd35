/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>
#include <strings.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/api_case.h"

#define BASE API_CASE_BASE

static struct api_case c;
static const struct ush_api_kind bearer_kind = {.accept = "application/scim+json"};

/* ---- one GET ---- */

START_TEST(a_get_carries_token_and_headers)
{
	static const struct provider_row rows[] = {{NULL, BASE "/Groups?count=1$", 200, "{'a': 1}", "X-Total: 7", 0}, {0}};
	static const char *const extra[] = {"ConsistencyLevel: eventual", NULL};
	struct ush_api_get question = {.target = "/Groups?count=1", .what = "groups", .extra = extra};
	USH_AUTO_API_ANSWER answer = {0};

	api_case_begin(&c, &bearer_kind, rows);
	ck_assert_int_eq(ush_api_get(&c.api, &question, &answer, &c.err), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(answer.body, "a")), 1);
	ck_assert_str_eq(ush_http_header(&answer.response, "x-total"), "7");
	ck_assert_str_eq(c.provider->log[0].authorization, "Bearer t0ken");
	ck_assert_str_eq(c.provider->log[0].headers, "ConsistencyLevel: eventual\n");
	ck_assert_uint_eq(c.api.requests, 1);
	api_case_end(&c);
}
END_TEST

START_TEST(another_scheme_goes_into_the_header)
{
	static const struct provider_row rows[] = {{NULL, "/x", 200, "[]", NULL, 0}, {0}};
	static const struct ush_api_kind kind = {.authorization = "SSWS"};
	USH_AUTO_API_ANSWER answer = {0};

	api_case_begin(&c, &kind, rows);
	ck_assert_int_eq(api_case_get(&c, "/x", &answer), 0);
	ck_assert_str_eq(c.provider->log[0].authorization, "SSWS t0ken");
	api_case_end(&c);
}
END_TEST

/* A next link may not lead the token elsewhere. */
START_TEST(the_token_goes_to_one_origin_alone)
{
	static const struct provider_row rows[] = {{NULL, "https://scim.test/v2/x$", 200, "[]", NULL, 0}, {NULL, "https://scim.test/other$", 200, "[]", NULL, 0},
						   {NULL, "https://SCIM.test:443/v2/x$", 200, "[]", NULL, 0}, {0}};
	static const char *const elsewhere[] = {"https://evil.test/v2/x", "http://scim.test/v2/x",	  "https://scim.test:8443/v2/x", "https://scim.test.evil.test/x",
						"https://scim.test@evil.test/x", "https://user@scim.test/v2/x", "file:///etc/passwd",	 "//evil", "x", ""};
	USH_AUTO_API_ANSWER answer = {0};

	api_case_begin(&c, &bearer_kind, rows);
	for (size_t i = 0; i < USH_COUNT(elsewhere); i++)
		if (strcmp(elsewhere[i], "//evil") != 0) /* a path like another: it stays under the base */
			api_case_expect_refused(&c, elsewhere[i], "which is not scim.test");
	ck_assert_uint_eq(c.provider->log_count, 0);
	ck_assert_int_eq(api_case_get(&c, "https://SCIM.test:443/v2/x", &answer), 0); /* the same origin, otherwise written */
	ush_api_answer_free(&answer);
	ck_assert_int_eq(api_case_get(&c, "https://scim.test/other", &answer), 0);
	api_case_end(&c);
}
END_TEST

START_TEST(what_may_be_missing_is_an_answer_where_it_is_allowed)
{
	static const struct provider_row rows[] = {{NULL, "/gone", 404, "{'error': 'no'}", NULL, 0}, {NULL, "/same", 304, "", NULL, 0}, {0}};
	static const char *const extra[] = {"If-None-Match: \"x\"", NULL};
	struct ush_api_get gone = {.target = "/gone", .what = "group x", .allow404 = true}, same = {.target = "/same", .what = "y", .extra = extra};
	USH_AUTO_API_ANSWER answer = {0};

	api_case_begin(&c, &bearer_kind, rows);
	ck_assert_int_eq(ush_api_get(&c.api, &gone, &answer, &c.err), 0);
	ck_assert_int_eq(answer.status, 404);
	ush_api_answer_free(&answer);
	ck_assert_int_eq(ush_api_get(&c.api, &same, &answer, &c.err), 0);
	ck_assert_int_eq(answer.status, 304);
	api_case_expect_refused(&c, "/gone", "the thing: scim.test/v2 answered 404 (no)");
	api_case_expect_refused(&c, "/same", "answered 304");
	api_case_end(&c);
}
END_TEST

/* ---- what fails ---- */

START_TEST(what_the_provider_says_is_told_without_its_secrets)
{
	static const struct provider_row rows[] = {
		{NULL, "/a", 403, "{'error': {'code': 'Denied', 'message': 'Insufficient privileges'}}", NULL, 0},
		{NULL, "/b", 403, "{'errorSummary': 'token 0123456789abcdef0123456789abcdef0123456789abcdef is bad'}", NULL, 0},
		{NULL, "/c", 418, "<html>", NULL, 0},
		{0}};

	api_case_begin(&c, &bearer_kind, rows);
	api_case_expect_refused(&c, "/a", "answered 403 (Insufficient privileges)");
	api_case_expect_refused(&c, "/b", "(token ... is bad)");
	api_case_expect_refused(&c, "/c", "answered 418");
	api_case_end(&c);
}
END_TEST

START_TEST(a_limit_costs_budget_and_not_tries)
{
	static const struct provider_row rows[] = {{NULL, "/slow", 429, "", "Retry-After: 5", 9}, {NULL, "/slow", 200, "[]", NULL, 0},
						   {NULL, "/never", 429, "", NULL, 0}, {NULL, "/long", 503, "", "Retry-After: 61", 0}, {0}};
	USH_AUTO_API_ANSWER answer = {0};

	api_case_begin(&c, &bearer_kind, rows);
	ck_assert_msg(api_case_get(&c, "/slow", &answer) == 0, "%s", c.err.what);
	ck_assert_int_eq(c.provider->slept_ms, 45000);
	ck_assert_int_eq(c.api.waited, 45000);
	api_case_expect_refused(&c, "/never", "429"); /* 0.5, 1, 2, 4, 7.5 of what is left */
	ck_assert_int_le(c.api.waited, 60000);
	ck_assert_ptr_nonnull(strstr(c.err.hint, "sources.main.scim.budget"));
	api_case_expect_refused(&c, "/long", "asks for");
	ck_assert_int_le(c.provider->slept_ms, 60000);
	api_case_end(&c);
}
END_TEST

static int64_t own_limit(const struct ush_api *a, const struct ush_http_response *response, bool *again)
{
	*again = response->status == 403 && ush_http_header(response, "X-RateLimit-Remaining") != NULL;
	return ush_api_until(a, response, "X-RateLimit-Reset");
}

START_TEST(a_provider_may_name_its_limits_in_its_own_way)
{
	static const struct ush_api_kind kind = {.wait = own_limit};
	static const struct provider_row rows[] = {
		{NULL, "/x", 403, "", "Date: 1700000000\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1700000030", 1}, {NULL, "/x", 200, "[]", NULL, 0}, {0}};
	USH_AUTO_API_ANSWER answer = {0};

	api_case_begin(&c, &kind, rows);
	ck_assert_msg(api_case_get(&c, "/x", &answer) == 0, "%s", c.err.what);
	ck_assert_int_eq(c.provider->slept_ms, 30000); /* by the c.provider's own clock */
	api_case_end(&c);
}
END_TEST

START_TEST(the_whole_reading_has_one_deadline)
{
	static const struct provider_row rows[] = {{NULL, "/x", 200, "[]", NULL, 0}, {NULL, "/y", 500, "", NULL, 0}, {0}};
	USH_AUTO_API_ANSWER answer = {0};

	api_case_begin(&c, &bearer_kind, rows);
	c.provider->now_ms += 599999;
	ck_assert_int_eq(api_case_get(&c, "/x", &answer), 0);
	api_case_expect_refused(&c, "/y", "takes longer than 10m");
	c.provider->now_ms += 1000;
	api_case_expect_refused(&c, "/x", "takes longer than 10m");
	api_case_end(&c);
}
END_TEST

/* ---- tokens ---- */

START_TEST(a_token_that_was_replaced_meanwhile_is_read_again)
{
	static const struct provider_row rows[] = {{NULL, "/x", 401, "", NULL, 1}, {NULL, "/x", 200, "[]", NULL, 0}, {NULL, "/y", 401, "", NULL, 0}, {0}};
	USH_AUTO_API_ANSWER answer = {0};

	api_case_begin(&c, &bearer_kind, rows);
	ck_assert_int_eq(ush_file_write(ush_source_text(&c.source, "secretFile"), "n3w", 3, 0600, &c.err), 0);
	ck_assert_int_eq(api_case_get(&c, "/x", &answer), 0);
	ck_assert_str_eq(c.provider->log[1].authorization, "Bearer n3w");
	api_case_expect_refused(&c, "/y", "answered 401"); /* the same one: nothing to try again with */
	ck_assert_uint_eq(provider_asked(c.provider, "/y"), 1);
	ck_assert_ptr_nonnull(strstr(c.err.hint, "still good"));
	api_case_end(&c);
}
END_TEST

static int sign_in(struct ush_api *a, struct ush_error *why)
{
	USH_AUTO_BUF form = {0};
	USH_AUTO_API_ANSWER answer = {0};

	ush_form_add(&form, "grant_type", "client_credentials");
	if (ush_api_post_form(a, "https://login.test/token", NULL, &form, "the token endpoint", &answer, why) != 0)
		return -1;
	if (answer.status != 200)
		return ush_fail(why, USH_ERR_INCOMPLETE, "no token: %d", answer.status);
	ush_api_token(a, json_string_value(json_object_get(answer.body, "t")), strlen(json_string_value(json_object_get(answer.body, "t"))), 60);
	return 0;
}

START_TEST(a_token_is_renewed_before_it_ends_and_after_a_401)
{
	static const struct ush_api_kind kind = {.sign_in = sign_in};
	static const struct provider_row rows[] = {{"POST", "/token", 200, "{'t': 'one'}", NULL, 1}, {"POST", "/token", 200, "{'t': 'two'}", NULL, 1},
						   {"POST", "/token", 200, "{'t': 'three'}", NULL, 1}, {"POST", "/token", 400, "{'error': 'no'}", NULL, 0},
						   {NULL, "/x", 200, "[]", NULL, 0}, {NULL, "/y", 401, "", NULL, 1}, {NULL, "/y", 200, "[]", NULL, 0},
						   {NULL, "/z", 401, "", NULL, 0}, {0}};
	USH_AUTO_API_ANSWER answer = {0};

	api_case_begin(&c, &kind, rows);
	ck_assert_int_eq(api_case_get(&c, "/x", &answer), 0);
	ck_assert_ptr_null(c.provider->log[0].authorization);
	c.provider->now_ms += 49000;
	ck_assert_int_eq(api_case_get(&c, "/x", &answer), 0);
	ck_assert_str_eq(c.provider->log[2].authorization, "Bearer one");
	c.provider->now_ms += 1000; /* ten seconds before its end */
	ck_assert_int_eq(api_case_get(&c, "/x", &answer), 0);
	ck_assert_str_eq(c.provider->log[4].authorization, "Bearer two");
	ck_assert_int_eq(api_case_get(&c, "/y", &answer), 0);
	ck_assert_str_eq(c.provider->log[7].authorization, "Bearer three");
	api_case_expect_refused(&c, "/z", "no token: 400");
	api_case_end(&c);
}
END_TEST

/* ---- many ---- */

#define MANY 500

struct tally {
	size_t asked, answered, most, under_way;
	char targets[MANY][32];
};

static int many_get(void *context, size_t index, struct ush_api_get *question, struct ush_error *why)
{
	struct tally *t = context;

	(void)why;
	snprintf(t->targets[index], sizeof t->targets[index], "/item/%zu.", index);
	*question = (struct ush_api_get){.target = t->targets[index], .what = t->targets[index]};
	t->asked++;
	return 0;
}

static int many_answer(void *context, size_t index, struct ush_api_answer *answer, struct ush_error *why)
{
	struct tally *t = context;

	(void)index;
	t->answered++;
	return json_is_array(answer->body) ? 0 : ush_fail(why, USH_ERR_INCOMPLETE, "%zu is no list", index);
}

START_TEST(many_are_asked_and_each_is_answered_once)
{
	static const struct provider_row rows[] = {{NULL, "/item/77.", 503, "", NULL, 2}, {NULL, "/item/300.", 429, "", "Retry-After: 2", 1},
						   {NULL, "/item/401.", 0, NULL, NULL, 3}, {NULL, "/item/", 200, "[]", NULL, 0}, {0}};
	struct tally *t = ush_new(struct tally);
	struct ush_api_many many = {.count = MANY, .width = 16, .get = many_get, .answer = many_answer, .context = t};

	api_case_begin(&c, &bearer_kind, rows);
	ck_assert_msg(ush_api_get_many(&c.api, &many, &c.err) == 0, "%s", c.err.what);
	ck_assert_uint_eq(t->asked, MANY);
	ck_assert_uint_eq(t->answered, MANY);
	ck_assert_uint_eq(c.provider->log_count, MANY + 2 + 1 + 3);
	free(t);
	api_case_end(&c);
}
END_TEST

START_TEST(one_that_cannot_be_had_ends_all)
{
	static const struct provider_row rows[] = {{NULL, "/item/77.", 503, "", NULL, 0}, {NULL, "/item/", 200, "[]", NULL, 0}, {0}};
	static const struct provider_row wrong[] = {{NULL, "/item/9.", 200, "{}", NULL, 0}, {NULL, "/item/", 200, "[]", NULL, 0}, {0}};
	struct tally *t = ush_new(struct tally);
	struct ush_api_many many = {.count = MANY, .width = 16, .get = many_get, .answer = many_answer, .context = t};

	api_case_begin(&c, &bearer_kind, rows);
	ck_assert_int_eq(ush_api_get_many(&c.api, &many, &c.err), -1);
	ck_assert_str_eq(c.err.what, "/item/77. answered 503 four times");
	ck_assert_uint_eq(provider_asked(c.provider, "/item/77."), 4);
	api_case_end(&c);
	api_case_begin(&c, &bearer_kind, wrong);
	ck_assert_int_eq(ush_api_get_many(&c.api, &many, &c.err), -1);
	ck_assert_str_eq(c.err.what, "9 is no list");
	ck_assert_uint_lt(c.provider->log_count, 40);
	free(t);
	api_case_end(&c);
}
END_TEST

/* ---- pages ---- */

static int link_page(void *context, struct ush_api_answer *answer, char **next, struct ush_error *why)
{
	(void)why;
	*(size_t *)context += json_array_size(answer->body);
	*next = ush_api_link_next(&answer->response);
	return 0;
}

static int chain(size_t most, size_t *items)
{
	static char first[] = "/g?p=1";
	struct ush_api_chain pages = {.target = first, .what = "groups", .most = most, .page = link_page, .context = items};

	c.err = (struct ush_error){0};
	*items = 0;
	return ush_api_chain(&c.api, &pages, &c.err);
}

START_TEST(a_chain_of_pages_is_followed_to_its_end)
{
	static const struct provider_row rows[] = {{NULL, "p=1$", 200, "[1, 2]", "Link: <" BASE "/g?p=2>; rel=\"next\"", 0},
						   {NULL, "p=2$", 200, "[3, 4]", "Link: <" BASE "/g?p=1>; rel=\"prev\", <" BASE "/g?p=3>; rel=next", 0},
						   {NULL, "p=3$", 200, "[5]", "Link: <" BASE "/g?p=1>; rel=\"first\"", 0}, {0}};
	size_t items;

	api_case_begin(&c, &bearer_kind, rows);
	ck_assert_msg(chain(0, &items) == 0, "%s", c.err.what);
	ck_assert_uint_eq(items, 5);
	ck_assert_uint_eq(c.provider->log_count, 3);
	ck_assert_int_eq(chain(2, &items), -1);
	ck_assert_str_eq(c.err.what, "groups does not end after 2 pages");
	api_case_end(&c);
}
END_TEST

START_TEST(a_chain_that_goes_round_or_away_is_incomplete)
{
	static const struct provider_row rows[] = {{NULL, "p=1$", 200, "[1]", "Link: <" BASE "/g?p=2>; rel=\"next\"", 0},
						   {NULL, "p=2$", 200, "[2]", "Link: <" BASE "/g?p=1>; rel=\"next\"", 1},
						   {NULL, "p=2$", 200, "[2]", "Link: <https://evil.test/g?p=3>; rel=\"next\"", 0}, {0}};
	size_t items;

	api_case_begin(&c, &bearer_kind, rows);
	ck_assert_int_eq(chain(0, &items), -1); /* a path and a whole URL are the same page */
	ck_assert_msg(strstr(c.err.what, "go round in a circle") != NULL, "%s", c.err.what);
	ck_assert_int_eq(chain(0, &items), -1);
	ck_assert_msg(strstr(c.err.what, "page 3 of groups: is said to be at \"https://evil.test/g?p=3\"") != NULL, "%s", c.err.what);
	ck_assert_uint_eq(provider_asked(c.provider, "evil"), 0);
	api_case_end(&c);
}
END_TEST

START_TEST(link_headers_are_read_as_they_may_be_written)
{
	static const struct {
		const char *header, *next;
	} cases[] = {{"<https://a/1>; rel=\"next\"", "https://a/1"},
		     {"<https://a/1>;rel=next", "https://a/1"},
		     {"<https://a/0>; rel=\"prev\", <https://a/1> ; title=\"x, y\" ; REL=\"last Next\"", "https://a/1"},
		     {"<https://a/1?a=b,c;d>; rel=\"next\"; results=\"true\"", "https://a/1?a=b,c;d"},
		     {"<https://a/1>; rel=\"nextish\"", NULL},
		     {"<https://a/1>; xrel=\"next\"", NULL},
		     {"<https://a/1>; rel=", NULL},
		     {"<https://a/1", NULL},
		     {"https://a/1; rel=next", "https://a/1; rel=next"}, /* cannot be read, and may hold one: it leads nowhere */
		     {"<https://a/1; rel=\"next\"", "<https://a/1; rel=\"next\""},
		     {"<https://a/0>; title=\"a\\\"b, c\"; rel=\"next\"", "https://a/0"},
		     {"<https://a/0>; title=\"a\\\\\", <https://a/1>; rel=next", "https://a/1"},
		     {"<https://a/0>; rel=preload; as=style, <https://a/1>; rel=\"next\",", "https://a/1"},
		     {"garbage", NULL},
		     {"", NULL},
		     {"<>; rel=next", ""}};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_RESPONSE response = {0};
		USH_AUTO_FREE char *next = NULL;

		provider_reply_header(&response, "Link", cases[i].header);
		next = ush_api_link_next(&response);
		ck_assert_msg((next == NULL) == (cases[i].next == NULL), "%s", cases[i].header);
		if (next != NULL)
			ck_assert_str_eq(next, cases[i].next);
	}
}
END_TEST

START_TEST(two_readings_that_differ_are_told)
{
	struct ush_groups groups = {0};
	struct ush_list a = {0}, b = {0};

	ush_list_add(&a, "2");
	ush_list_add(&a, "1");
	ush_list_add(&b, "1");
	ush_list_add(&b, "2");
	ck_assert(ush_api_agree(&groups, &a, &b));
	ck_assert_ptr_null(groups.why);
	ush_list_add(&b, "3");
	free(a.items[0]);
	a.items[0] = ush_strdup("0");
	ck_assert(!ush_api_agree(&groups, &a, &b));
	ck_assert_str_eq(groups.why, "groups changed while they were read: 0 went, 1 came, 3 came");
	ush_list_free(&a);
	ush_list_free(&b);
	ush_groups_free(&groups);
}
END_TEST

TAP_MAIN("source_api", a_get_carries_token_and_headers, another_scheme_goes_into_the_header, the_token_goes_to_one_origin_alone,
	 what_may_be_missing_is_an_answer_where_it_is_allowed, what_the_provider_says_is_told_without_its_secrets, a_limit_costs_budget_and_not_tries,
	 a_provider_may_name_its_limits_in_its_own_way, the_whole_reading_has_one_deadline, a_token_that_was_replaced_meanwhile_is_read_again,
	 a_token_is_renewed_before_it_ends_and_after_a_401, many_are_asked_and_each_is_answered_once, one_that_cannot_be_had_ends_all,
	 a_chain_of_pages_is_followed_to_its_end, a_chain_that_goes_round_or_away_is_incomplete, link_headers_are_read_as_they_may_be_written,
	 two_readings_that_differ_are_told)
