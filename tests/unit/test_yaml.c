/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/data/yaml.h"
#include "tests/support/names.h"

static struct ush_error err;

static json_t *from_yaml(const char *text)
{
	USH_AUTO_NODE node = NULL;

	memset(&err, 0, sizeof err);
	node = ush_yaml_read_one(text, strlen(text), "t.yaml", USH_ERR_CONFIG, &err);
	return node != NULL ? ush_yaml_to_json(node) : NULL;
}

static void expect_json(const char *yaml, const char *json)
{
	USH_AUTO_JSON value = from_yaml(yaml);
	USH_AUTO_FREE char *text = value != NULL ? ush_json_canonical(value) : NULL;

	ck_assert_msg(value != NULL, "%s", err.what);
	ck_assert_str_eq(text, json);
}

static void expect_failure(const char *yaml, const char *what)
{
	USH_AUTO_JSON value = from_yaml(yaml);

	ck_assert(value == NULL);
	ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	ck_assert_msg(strstr(err.what, what) != NULL, "\"%s\" lacks \"%s\"", err.what, what);
}

START_TEST(scalars_have_the_types_that_kubectl_gives_them)
{
	expect_json("{a: 1, b: -2.5, c: true, d: no, e: ~, f: '1', g: word, h: 0x10, i: 1e3, j: '', k: , l: on}",
		    "{\"a\":1,\"b\":-2.5,\"c\":true,\"d\":false,\"e\":null,\"f\":\"1\",\"g\":\"word\",\"h\":\"0x10\",\"i\":1000.0,"
		    "\"j\":\"\",\"k\":null,\"l\":true}");
}
END_TEST

START_TEST(json_is_read_by_the_same_door)
{
	expect_json("{\"a\":[1,{\"b\":\"x\\u00e9\"}],\"c\":\"1\"}", "{\"a\":[1,{\"b\":\"x\xc3\xa9\"}],\"c\":\"1\"}");
}
END_TEST

START_TEST(a_byte_order_mark_is_no_part_of_the_text)
{
	expect_json("\xef\xbb\xbf" "a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}");
	expect_failure("\xef\xbb\xbf", "is empty");
	expect_failure("\xef\xbb", "incomplete");
	expect_failure("\xff\xfe" "a", "invalid");
}
END_TEST

START_TEST(an_integer_that_does_not_fit_stays_a_text)
{
	expect_json("a: 123456789012345678901234567890", "{\"a\":\"123456789012345678901234567890\"}");
}
END_TEST

START_TEST(nodes_know_line_and_column)
{
	static const char text[] = "a: 1\nb:\n  - x\n  - {c: d}\n";
	USH_AUTO_NODE node = ush_yaml_read_one(text, strlen(text), "t", USH_ERR_CONFIG, &err);
	const struct ush_node *list = ush_node_get(node, "b");

	ck_assert_uint_eq(list->items[1]->line, 4);
	ck_assert_uint_eq(ush_node_get(list->items[1], "c")->column, 9);
	ck_assert_ptr_null(ush_node_get(node, "nothing"));
	ck_assert_str_eq(ush_node_kind_name(list), "list");
}
END_TEST

START_TEST(a_duplicate_key_is_refused_with_both_lines)
{
	expect_failure("a: 1\nb: 2\na: 3\n", "t.yaml:3:1: key \"a\" stands twice (first in line 1)");
}
END_TEST

START_TEST(broken_yaml_is_refused_with_its_line)
{
	expect_failure("a: [1, 2\nb: 3\n", "t.yaml:2:");
	expect_failure("a: *nobody\n", "t.yaml:1:4: an alias to nothing");
	expect_failure("? [a]\n: b\n", "a key must be a word");
	expect_failure("", "is empty");
	expect_failure("a: 1\n---\nb: 2\n", "several documents");
	expect_failure("a: \"\\0\"\n", "NUL");
	expect_failure("\xff\xfe", "t.yaml");
}
END_TEST

START_TEST(anchors_are_copied_and_a_bomb_ends_at_the_cap)
{
	USH_AUTO_BUF bomb = {0};

	expect_json("a: &x {k: [1]}\nb: *x\n", "{\"a\":{\"k\":[1]},\"b\":{\"k\":[1]}}");
	ush_buf_puts(&bomb, "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 9; i++)
		ush_buf_printf(&bomb, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1,
			       i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	expect_failure(bomb.data, "too many values");
	expect_failure("a: &a [*a]\n", "alias");
}
END_TEST

START_TEST(nesting_is_capped)
{
	char deep[200];

	memset(deep, '[', 100);
	memset(deep + 100, ']', 99);
	deep[199] = '\0';
	expect_failure(deep, "nested too deep");
}
END_TEST

/* T56: what we write is read back byte for byte, whatever a name looks like. */
START_TEST(hostile_strings_survive_a_round_trip)
{
	static const char *const names[] = {"n", "y", "yes", "No", "on", "true", "null", "~", "", " ", "1", "1.5", "0x1f", "1e3", ".inf", "2001-01-01",
					    "a: b", "- a", "#c", "a #b", "{a}", "[a]", "&a", "*a", "!a", "|", ">", "'", "\"", "\\", "%", "@", "`", "a\nb",
					    "\ta", "a\r", "\x01", "\x7f", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xae", "\xef\xbb\xbf", "\xf0\x9f\x98\x80", "\xf3\xa0\x80\x81",
					    "system:masters", "a-", "-", "---", "...", "=", "<<", "?", ":", "oidc:/teams/x"};

	for (size_t i = 0; i < USH_COUNT(names); i++) {
		USH_AUTO_JSON value = json_pack("{s:[s,{s:s}]}", names[i], names[i], "k", names[i]);
		USH_AUTO_BUF out = {0};
		USH_AUTO_JSON back = NULL;

		ck_assert_int_eq(ush_yaml_write(&out, value, false), 0);
		back = from_yaml(out.data);
		ck_assert_msg(back != NULL && json_equal(value, back), "%s: %s", err.what, out.data);
		for (size_t b = 0; b < out.length; b++)
			ck_assert(out.data[b] == '\n' || (unsigned char)out.data[b] >= 0x20);
	}
}
END_TEST

/* T56. USHER_NAMES=1000000 tests as many as the claim says; tests/e2e/yaml.sh asks kubectl's reader too. */
START_TEST(random_names_survive_a_round_trip)
{
	const char *wanted = getenv("USHER_NAMES");
	long left = wanted != NULL ? strtol(wanted, NULL, 10) : 20000;
	uint64_t seed = 20261121;

	while (left > 0) {
		USH_AUTO_JSON names = json_array();
		USH_AUTO_BUF out = {.limit = SIZE_MAX};
		USH_AUTO_JSON back = NULL;
		char name[NAMES_LONGEST];

		for (int i = 0; i < 100; i++, left--) {
			names_next(&seed, name);
			json_array_append_new(names, json_pack("{s:s}", name, name));
		}
		ck_assert_int_eq(ush_yaml_write(&out, names, false), 0);
		back = from_yaml(out.data);
		ck_assert_msg(back != NULL && json_equal(names, back), "%s: %.200s", err.what, out.data);
	}
}
END_TEST

START_TEST(the_shape_is_block_style_with_two_spaces)
{
	USH_AUTO_JSON value = json_pack("{s:s,s:{s:[],s:{}},s:[{s:s,s:[s]},[s]],s:i,s:b,s:n}", "kind", "Role", "metadata", "labels", "empty",
					"rules", "verbs", "get", "more", "pods", "x", "n", 3, "t", 1, "z");
	USH_AUTO_BUF out = {0};

	ck_assert_int_eq(ush_yaml_write(&out, value, false), 0);
	ck_assert_str_eq(out.data, "kind: Role\nmetadata:\n  labels: []\n  empty: {}\nrules:\n- verbs: get\n  more:\n  - pods\n-\n  - x\n\"n\": 3\nt: true\nz: null\n");
}
END_TEST

START_TEST(sorted_output_does_not_depend_on_the_order_of_keys)
{
	USH_AUTO_JSON a = json_pack("{s:i,s:{s:i,s:i}}", "b", 1, "a", "d", 1, "c", 2);
	USH_AUTO_JSON b = json_pack("{s:{s:i,s:i},s:i}", "a", "c", 2, "d", 1, "b", 1);
	USH_AUTO_BUF one = {0}, two = {0};

	ck_assert_int_eq(ush_yaml_write(&one, a, true), 0);
	ck_assert_int_eq(ush_yaml_write(&two, b, true), 0);
	ck_assert_str_eq(one.data, two.data);
}
END_TEST

TAP_MAIN("yaml", scalars_have_the_types_that_kubectl_gives_them, json_is_read_by_the_same_door, a_byte_order_mark_is_no_part_of_the_text,
	 an_integer_that_does_not_fit_stays_a_text, nodes_know_line_and_column, a_duplicate_key_is_refused_with_both_lines,
	 broken_yaml_is_refused_with_its_line, anchors_are_copied_and_a_bomb_ends_at_the_cap, nesting_is_capped,
	 hostile_strings_survive_a_round_trip, random_names_survive_a_round_trip, the_shape_is_block_style_with_two_spaces,
	 sorted_output_does_not_depend_on_the_order_of_keys)
