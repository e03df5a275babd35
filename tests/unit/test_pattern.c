/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/policy/pattern.h"
#include "common/base/memory.h"

static void expect_captures(const char *pattern, const char *text, const char *filled_from, const char *filled)
{
	struct ush_captures captures;
	USH_AUTO_FREE char *out = NULL;

	ck_assert_msg(ush_pattern_match(pattern, text, &captures), "%s does not match %s", pattern, text);
	out = ush_pattern_fill(filled_from, &captures);
	ck_assert_ptr_nonnull(out);
	ck_assert_str_eq(out, filled);
}

START_TEST(a_star_is_any_text_without_a_slash)
{
	ck_assert(ush_pattern_match("team-*", "team-a", NULL));
	ck_assert(ush_pattern_match("team-*", "team-", NULL));
	ck_assert(ush_pattern_match("*", "", NULL));
	ck_assert(ush_pattern_match("*-prod-*", "a-prod-b-prod-c", NULL));
	ck_assert(ush_pattern_match("*b", "abb", NULL));
	ck_assert(ush_pattern_match("/teams/*/devs", "/teams/x/devs", NULL));
	ck_assert(!ush_pattern_match("/teams/*/devs", "/teams/x/y/devs", NULL));
	ck_assert(!ush_pattern_match("/teams/*", "/teams/x/devs", NULL));
	ck_assert(!ush_pattern_match("team-*", "Team-a", NULL));
	ck_assert(!ush_pattern_match("team", "team-a", NULL));
	ck_assert(!ush_pattern_match("team-a", "team", NULL));
	ck_assert(!ush_pattern_match("/a/b", "/a", NULL));
	ck_assert(!ush_pattern_match("/a", "/a/b", NULL));
}
END_TEST

START_TEST(a_capture_is_at_least_one_character_and_remembered)
{
	expect_captures("/teams/{team}/developers", "/teams/payments/developers", "{team}-*", "payments-*");
	expect_captures("{team}-{role}", "a-b-c", "{role}.{team}", "b-c.a"); /* earlier parts are as short as can be */
	expect_captures("*{x}b", "aab", "{x}", "aa");
	expect_captures("{a}{b}", "xyz", "{a}|{b}", "x|yz");
	expect_captures("/{org}/*/{team}", "/o/anything/t", "{org}/{team}", "o/t");
	ck_assert(!ush_pattern_match("/teams/{team}/developers", "/teams//developers", NULL));
	ck_assert(!ush_pattern_match("{team}-x", "-x", NULL));
}
END_TEST

START_TEST(a_name_that_stands_twice_is_the_same_text_twice)
{
	expect_captures("/teams/{team}/{team}-devs", "/teams/pay/pay-devs", "{team}", "pay");
	expect_captures("/{a}/*-{a}-*", "/x/1-x-2-x-3", "{a}", "x");
	ck_assert(!ush_pattern_match("/teams/{team}/{team}-devs", "/teams/pay/pays-devs", NULL));
	ck_assert(!ush_pattern_match("/teams/{team}/{team}-devs", "/teams/pay/payments-devs", NULL));
	ck_assert_ptr_null(ush_pattern_unclear("/x-{a}/{a}/{b}-*"));
	ck_assert_ptr_nonnull(ush_pattern_unclear("{a}-{a}"));
	ck_assert_ptr_nonnull(ush_pattern_unclear("/*{a}/{a}"));
	ck_assert(!ush_pattern_match("{a}-{a}", "x-x", NULL)); /* what is unclear matches nothing */
}
END_TEST

START_TEST(what_is_no_pattern_says_why)
{
	struct ush_captures captures;

	ck_assert_str_eq(ush_pattern_wrong("", NULL), "is empty");
	ck_assert_ptr_nonnull(strstr(ush_pattern_wrong("{team", NULL), "{ that begins no {name}"));
	ck_assert_ptr_nonnull(strstr(ush_pattern_wrong("{}", NULL), "{ that begins no {name}"));
	ck_assert_ptr_nonnull(strstr(ush_pattern_wrong("{a b}", NULL), "{ that begins no {name}"));
	ck_assert_ptr_nonnull(strstr(ush_pattern_wrong("team}", NULL), "} without"));
	ck_assert_ptr_nonnull(strstr(ush_pattern_wrong("{a}{b}{c}{d}{e}{f}{g}{h}{i}", NULL), "more than 8"));
	ck_assert_ptr_null(ush_pattern_wrong("/t/{a}/{b-1}/{a}", &captures));
	ck_assert_uint_eq(captures.count, 2);
	ck_assert_uint_eq(captures.items[1].name_length, 3);
	ck_assert(!ush_pattern_match("{team", "{team", NULL));
}
END_TEST

/* A group that is called "*" must not become every namespace. */
START_TEST(a_hostile_name_never_becomes_a_pattern)
{
	struct ush_captures captures;

	ck_assert(!ush_pattern_match("/teams/{team}/devs", "/teams/*/devs", &captures));
	ck_assert_uint_eq(captures.count, 0);
	ck_assert_ptr_null(ush_pattern_fill("{team}-*", &captures));
	ck_assert(!ush_pattern_match("{team}-devs", "{team}-devs", NULL));
	ck_assert(!ush_pattern_match("{team}-*", "a*-b", NULL));
	ck_assert(ush_pattern_match("a*", "a*", NULL)); /* without captures nothing is remembered */
}
END_TEST

START_TEST(a_missing_capture_fills_nothing)
{
	struct ush_captures captures;

	ck_assert(ush_pattern_match("{team}-x", "a-x", &captures));
	ck_assert_ptr_null(ush_pattern_fill("{taem}-*", &captures));
}
END_TEST

/* No pair of pattern and text makes the comparison walk back more than length times length: a backtracking one would
 * need longer than the world is old for these, and the test would not end. */
START_TEST(hostile_pairs_cost_length_times_length)
{
	char text[USH_PATTERN_TEXT_MAX + 1], stars[USH_PATTERN_MAX + 1];

	memset(text, 'a', USH_PATTERN_TEXT_MAX);
	text[USH_PATTERN_TEXT_MAX] = '\0';
	for (size_t i = 0; i < USH_PATTERN_MAX - 1; i += 2)
		memcpy(stars + i, "*a", 2);
	stars[USH_PATTERN_MAX - 1] = 'b';
	stars[USH_PATTERN_MAX] = '\0';
	for (int round = 0; round < 100; round++) {
		ck_assert(!ush_pattern_match(stars, text, NULL));
		ck_assert(!ush_pattern_match("{a}a{b}a{c}a{d}a{e}a{f}a{g}a{h}b", text, NULL));
		ck_assert(!ush_pattern_match("*{a}*{b}*{c}*{d}*a*a*a*a*a*a*a*b", text, NULL));
		ck_assert(ush_pattern_match("*{a}*{b}*{c}*{d}*a*a*a*a*a*a*a*a", text, NULL));
	}
}
END_TEST

START_TEST(a_text_longer_than_any_group_matches_nothing)
{
	USH_AUTO_FREE char *text = ush_alloc(USH_PATTERN_TEXT_MAX + 2);

	memset(text, 'a', USH_PATTERN_TEXT_MAX + 1);
	ck_assert(!ush_pattern_match("*", text, NULL));
	text[USH_PATTERN_TEXT_MAX] = '\0';
	ck_assert(ush_pattern_match("*", text, NULL));
}
END_TEST

/* The plain definition: each star and capture tried at every length. */
static bool slow(const char *pattern, const char *text)
{
	if (*pattern == '\0')
		return *text == '\0';
	if (*pattern == '*' || *pattern == '{') {
		const char *after = *pattern == '*' ? pattern + 1 : strchr(pattern, '}') + 1;

		for (size_t length = *pattern == '*' ? 0 : 1; memchr(text, '\0', length) == NULL && memchr(text, '/', length) == NULL; length++)
			if (slow(after, text + length))
				return true;
		return false;
	}
	return *pattern == *text && slow(pattern + 1, text + 1);
}

START_TEST(random_pairs_are_judged_as_the_plain_definition_does)
{
	static const char *const parts[] = {"*", "{x}", "{y}", "a", "b", "/", "ab"};
	unsigned int random = 7;
	size_t matches = 0;

	for (int round = 0; round < 200000; round++) {
		char pattern[64] = "", text[16] = "";
		bool used[2] = {false, false};

		for (int i = 0; i < 6; i++) {
			size_t part = (random = random * 1103515245 + 12345) >> 8, place = part % USH_COUNT(parts);

			if (place == 1 || place == 2) { /* each name once: twice is another matter */
				if (used[place - 1])
					continue;
				used[place - 1] = true;
			}
			snprintf(pattern + strlen(pattern), sizeof pattern - strlen(pattern), "%s", parts[place]);
		}
		for (int i = 0; i < 8; i++) {
			random = random * 1103515245 + 12345;
			text[i] = "aab/"[(random >> 8) % 4];
			if ((random >> 16) % 6 == 0)
				break;
		}
		ck_assert_msg(ush_pattern_match(pattern, text, NULL) == slow(pattern, text), "%s and %s", pattern, text);
		matches += slow(pattern, text);
	}
	ck_assert_uint_gt(matches, 1000);
}
END_TEST

TAP_MAIN("pattern", a_star_is_any_text_without_a_slash, a_capture_is_at_least_one_character_and_remembered,
	 a_name_that_stands_twice_is_the_same_text_twice, what_is_no_pattern_says_why, a_hostile_name_never_becomes_a_pattern,
	 a_missing_capture_fills_nothing, hostile_pairs_cost_length_times_length, a_text_longer_than_any_group_matches_nothing,
	 random_pairs_are_judged_as_the_plain_definition_does)
