/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers of a provider that are none: cut, elsewhere, too much.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/api_case.h"

#define BASE API_CASE_BASE

static struct api_case c;
static const struct ush_api_kind bearer_kind = {.accept = "application/scim+json"};
static size_t asked;

/* Somebody between ended the answer well where it was not over: that passes, or is told. */
START_TEST(an_answer_cut_in_the_middle_is_asked_for_again)
{
	static const char *const cuts[] = {"", "[", "{'a': [1, 2], 'b': 'x", "{'a': {'b': 1}", "{'a': '\\\\'"};
	static const char *const whole[] = {"{'a': 1}}", "nonsense", "{'a': 1 2}", "['\\u12']"}; /* wrong, and over */
	USH_AUTO_API_ANSWER answer = {0};

	for (size_t i = 0; i < USH_COUNT(cuts); i++) {
		const struct provider_row passes[] = {{NULL, "/x", 200, cuts[i], NULL, USH_API_TRIES - 1}, {NULL, "/x", 200, "[7]", NULL, 0}, {0}};
		const struct provider_row stays[] = {{NULL, "/x", 200, cuts[i], NULL, 0}, {0}};

		api_case_begin(&c, &bearer_kind, passes);
		ck_assert_msg(api_case_get(&c, "/x", &answer) == 0, "%s", c.err.what);
		ck_assert_int_eq(json_integer_value(json_array_get(answer.body, 0)), 7);
		api_case_end(&c);
		api_case_begin(&c, &bearer_kind, stays);
		api_case_expect_refused(&c, "/x", "the thing: the answer ends in the middle, tried four times");
		ck_assert_uint_eq(c.provider->log_count, USH_API_TRIES);
		api_case_end(&c);
	}
	for (size_t i = 0; i < USH_COUNT(whole); i++) {
		const struct provider_row rows[] = {{NULL, "/x", 200, whole[i], NULL, 0}, {0}};

		api_case_begin(&c, &bearer_kind, rows);
		api_case_expect_refused(&c, "/x", "is not valid JSON");
		ck_assert_uint_eq(c.provider->log_count, 1);
		api_case_end(&c);
	}
}
END_TEST

static const char *say_look_there(const struct ush_api *a, int status)
{
	(void)a;
	return status == 302 ? "look there" : NULL;
}

/* A redirect is told with where it leads; nobody follows it, and what a provider means by its own is not said of another's. */
START_TEST(a_redirect_is_told_and_not_followed)
{
	static const struct provider_row rows[] = {{NULL, "/away", 302, "", "Location: https://evil.test/v2/x?a=b", 0}, {NULL, "/near", 302, "", "Location: " BASE "/y", 0},
						   {NULL, "/path", 302, "", "Location: /y", 0}, {NULL, "/nowhere", 308, "", NULL, 0}, {0}};
	static const struct ush_api_kind kind = {.advice = say_look_there};

	api_case_begin(&c, &kind, rows);
	api_case_expect_refused(&c, "/away", "the thing: scim.test/v2 answered 302, and leads to https://evil.test/v2/x?a=b");
	ck_assert_str_eq(c.err.hint, "Redirects are not followed. If that is where the provider is now, say so in sources.main.scim");
	api_case_expect_refused(&c, "/near", "answered 302, and leads to " BASE "/y");
	ck_assert_str_eq(c.err.hint, "look there");
	api_case_expect_refused(&c, "/path", "leads to /y");
	ck_assert_str_eq(c.err.hint, "look there");
	api_case_expect_refused(&c, "/nowhere", "answered 308, and leads to nowhere");
	ck_assert_uint_eq(c.provider->log_count, 4);
	api_case_end(&c);
}
END_TEST

static char *large;

static int answer_large(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *why)
{
	(void)context;
	(void)request;
	(void)why;
	response->status = 200;
	response->retry_after_ms = -1;
	response->body.limit = 32U << 20;
	asked++;
	return ush_buf_puts(&response->body, large);
}

/* "[[],[],..." is gigabytes once it is read. */
START_TEST(an_answer_of_too_many_values_is_not_read)
{
	static const struct provider_row none[] = {{0}};
	size_t count = 2000000;
	USH_AUTO_API_ANSWER answer = {0};

	api_case_begin(&c, &bearer_kind, none);
	large = ush_alloc(3 * count + 8);
	large[0] = '[';
	for (size_t i = 0; i < count; i++)
		memcpy(large + 1 + 3 * i, "[],", 3);
	memcpy(large + 3 * count, "]", 2);
	c.provider->world.http = answer_large;
	api_case_expect_refused(&c, "/many", "the thing: more than 2000000 values in one answer");
	ck_assert_uint_eq(asked, 1); /* and it is not asked for again */
	memset(large + 1, ' ', 3 * count - 1);
	ck_assert_int_eq(api_case_get(&c, "/fits", &answer), 0); /* it is not the size */
	api_case_end(&c);
	free(large);
}
END_TEST

TAP_MAIN("source_answer", an_answer_cut_in_the_middle_is_asked_for_again, a_redirect_is_told_and_not_followed, an_answer_of_too_many_values_is_not_read)
