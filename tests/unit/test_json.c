/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"

static struct ush_error err;

static json_t *parse(const char *text)
{
	memset(&err, 0, sizeof err);
	return ush_json_parse(text, strlen(text), "answer", USH_ERR_REJECTED, &err);
}

START_TEST(what_is_not_one_json_value_is_refused_by_place_not_by_content)
{
	static const char *const bad[] = {"", "{", "{\"token\":\"eyJsecret\"", "{} {}", "nul", "{'a':1}", "[1,]", "\"\\u0000\"", "\"\xff\"", "{\"a\":1,\"a\":2}",
					  "1e400", "-", "[9223372036854775808]", "\xef\xbb\xbf{}"};

	for (size_t i = 0; i < USH_COUNT(bad); i++) {
		USH_AUTO_JSON value = parse(bad[i]);

		ck_assert_msg(value == NULL, "%s", bad[i]);
		ck_assert_int_eq(err.code, USH_ERR_REJECTED);
		ck_assert_ptr_nonnull(strstr(err.what, "answer"));
		ck_assert_ptr_null(strstr(err.what, "eyJ"));
	}
}
END_TEST

START_TEST(depth_is_capped_before_the_parser_sees_it)
{
	char text[6001];
	USH_AUTO_JSON value = NULL;

	memset(text, '[', 6000);
	text[6000] = '\0';
	value = parse(text);
	ck_assert_ptr_null(value);
	ck_assert_ptr_nonnull(strstr(err.what, "nested deeper"));
	ck_assert(ush_json_depth_ok("{\"[[[[\":\"\\\"[[[[\"}", 18, 1));
	ck_assert(!ush_json_depth_ok("[[1]]", 5, 1));
}
END_TEST

START_TEST(lookups_never_crash)
{
	USH_AUTO_JSON value = parse("{\"s\":\"x\",\"o\":{},\"a\":[],\"n\":1}");

	ck_assert_str_eq(ush_json_string(value, "s"), "x");
	ck_assert_ptr_null(ush_json_string(value, "n"));
	ck_assert_ptr_null(ush_json_string(NULL, "s"));
	ck_assert_ptr_nonnull(ush_json_object(value, "o"));
	ck_assert_ptr_null(ush_json_object(value, "a"));
	ck_assert_ptr_nonnull(ush_json_array(value, "a"));
}
END_TEST

/* T20 */
START_TEST(a_numeric_date_is_a_finite_number_in_range)
{
	USH_AUTO_JSON value = parse("{\"i\":1700000000,\"r\":1700000000.9,\"e\":1e10,\"z\":0,\"neg\":-1,\"s\":\"soon\",\"nul\":null,\"big\":9223372036854775807,"
				    "\"b\":true,\"max\":9007199254740992,\"more\":9007199254740993}");
	int64_t t = -7;

	ck_assert_int_eq(ush_json_date(value, "i", &t), 1);
	ck_assert_int_eq(t, 1700000000);
	ck_assert_int_eq(ush_json_date(value, "r", &t), 1);
	ck_assert_int_eq(t, 1700000000);
	ck_assert_int_eq(ush_json_date(value, "e", &t), 1);
	ck_assert_int_eq(ush_json_date(value, "z", &t), 1);
	ck_assert_int_eq(ush_json_date(value, "max", &t), 1);
	ck_assert_int_eq(ush_json_date(value, "more", &t), -1);
	ck_assert_int_eq(ush_json_date(value, "absent", &t), 0);
	ck_assert_int_eq(ush_json_date(value, "neg", &t), -1);
	ck_assert_int_eq(ush_json_date(value, "s", &t), -1);
	ck_assert_int_eq(ush_json_date(value, "nul", &t), -1);
	ck_assert_int_eq(ush_json_date(value, "big", &t), -1);
	ck_assert_int_eq(ush_json_date(value, "b", &t), -1);
}
END_TEST

START_TEST(equal_values_have_equal_canonical_texts)
{
	USH_AUTO_JSON a = parse("{\"b\":[1,2],\"a\":{\"y\":1,\"x\":2}}");
	USH_AUTO_JSON b = parse("{ \"a\" : { \"x\":2, \"y\":1 }, \"b\":[1, 2] }");
	USH_AUTO_FREE char *one = ush_json_canonical(a);
	USH_AUTO_FREE char *two = ush_json_canonical(b);

	ck_assert_str_eq(one, two);
}
END_TEST

TAP_MAIN("json", what_is_not_one_json_value_is_refused_by_place_not_by_content, depth_is_capped_before_the_parser_sees_it,
	 lookups_never_crash, a_numeric_date_is_a_finite_number_in_range, equal_values_have_equal_canonical_texts)
