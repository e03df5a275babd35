/* SPDX-License-Identifier: Apache-2.0
 *
 * The scanner. That it agrees with jansson and ush_rbac_read on any bytes is tests/fuzz/fuzz_scan.c's matter.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/kube/lex.h"
#include "common/kube/scan.h"

static struct ush_error err;
static struct ush_scan scan;

static int read_text(const char *text, struct ush_item *item)
{
	static const struct ush_item_defaults defaults = {"RoleBinding", "rbac.authorization.k8s.io/v1"};

	memset(&err, 0, sizeof err);
	return ush_scan_object(&scan, text, strlen(text), &defaults, "it", USH_ERR_REJECTED, item, &err);
}

#define BINDING(more)                                                                                                  \
	"{\"metadata\":{\"name\":\"b\",\"namespace\":\"n\"" more "},\"roleRef\":{\"kind\":\"Role\",\"name\":\"r\"},"   \
	"\"subjects\":[{\"kind\":\"Group\",\"name\":\"g\"}]}"

START_TEST(a_binding_comes_out_as_slices_of_its_text)
{
	static const char text[] =
		" { \"metadata\" : { \"name\":\"b\\u002d1\", \"namespace\":\"n\", \"uid\":\"u\", \"resourceVersion\":\"7\","
		"\"labels\":{\"a\":\"\\\"1\\\"\",\"\\u0062\":\"2\"}, \"annotations\":null, \"ownerReferences\":[{}],"
		"\"deletionTimestamp\":\"now\"}, \"roleRef\":{\"apiGroup\":\"x\",\"kind\":\"ClusterRole\",\"name\":\"view\"},"
		"\"subjects\":[{\"kind\":\"Group\",\"name\":\"g\",\"namespace\":\"lost\"},"
		"{\"kind\":\"ServiceAccount\",\"name\":\"s\"},{\"kind\":\"ServiceAccount\",\"name\":\"s\",\"namespace\":\"m\"}]} ";
	struct ush_item_subject subject;
	struct ush_item item;
	struct ush_walk walk;

	ck_assert_msg(read_text(text, &item) == 0, "%s", err.what);
	ck_assert_int_eq(ush_item_rbac(&item, USH_ERR_INCOMPLETE, &err), 1);
	ck_assert_int_eq(item.rbac, USH_ROLE_BINDING);
	ck_assert(item.name.text > text && item.name.text < text + sizeof text); /* nothing was copied */
	ck_assert(ush_slice_is(item.name, "b-1") && !item.name.plain);
	ck_assert(ush_slice_is(item.namespace_name, "n") && item.namespace_name.plain);
	ck_assert(ush_slice_is(item.uid, "u") && ush_slice_is(item.resource_version, "7"));
	ck_assert(ush_slice_is(item.role_kind, "ClusterRole") && ush_slice_is(item.role_name, "view"));
	ck_assert(ush_slice_is(ush_slice_member(item.labels, "a"), "\"1\""));
	ck_assert(ush_slice_is(ush_slice_member(item.labels, "b"), "2"));
	ck_assert_ptr_null(ush_slice_member(item.labels, "c").text);
	ck_assert_ptr_null(ush_slice_member(item.annotations, "a").text);
	ck_assert(item.owned && item.terminating);

	walk = ush_walk(item.subjects);
	ck_assert(ush_walk_subject(&walk, &item, &subject) && ush_slice_is(subject.name, "g"));
	ck_assert_ptr_null(subject.namespace_name.text); /* a group has none */
	ck_assert(ush_walk_subject(&walk, &item, &subject) && ush_slice_is(subject.namespace_name, "n"));
	ck_assert(ush_walk_subject(&walk, &item, &subject) && ush_slice_is(subject.namespace_name, "m"));
	ck_assert(!ush_walk_subject(&walk, &item, &subject));
}
END_TEST

START_TEST(what_is_no_json_is_refused_with_a_reason)
{
	static const struct {
		const char *text, *what;
	} cases[] = {
		{"", "it: is not valid JSON (it is no map)"},
		{"[]", "it: is not valid JSON (it is no map)"},
		{"{\"a\":1", "it: is not valid JSON (it ends too early)"},
		{"{\"a\":\"", "it: is not valid JSON (it ends too early)"},
		{"{\"a\":1,}", "it: is not valid JSON"},
		{"{\"a\" 1}", "it: is not valid JSON"},
		{"{\"a\":1}}", "it: is not valid JSON"},
		{"{\"a\":tru}", "it: is not valid JSON"},
		{"{\"a\":+1}", "it: is not valid JSON"},
		{"{\"a\":1.}", "it: is not valid JSON"},
		{"{\"a\":00}", "it: is not valid JSON"},
		{"{\"a\":9223372036854775808}", "it: is not valid JSON (a number is out of range)"},
		{"{\"a\":-1e999}", "it: is not valid JSON (a number is out of range)"},
		{"{\"a\":\"\\u0000\"}", "it: is not valid JSON"},
		{"{\"a\":\"\\udc00\"}", "it: is not valid JSON"},
		{"{\"a\":\"\\ud800\\u0041\"}", "it: is not valid JSON"},
		{"{\"a\":\"\\x\"}", "it: is not valid JSON"},
		{"{\"a\":\"\n\"}", "it: is not valid JSON"},
		{"{\"a\":\"\xc0\x80\"}", "it: is not valid JSON"},
		{"{\"a\":\"\xed\xa0\x80\"}", "it: is not valid JSON"},
		{"{\"ab\":1,\"\\u0061b\":2}", "it: is not valid JSON (a key stands twice)"},
		{"{\"m\":{\"a\":[{\"x\":{},\"x\":{}}]}}", "it: is not valid JSON (a key stands twice)"},
	};
	struct ush_item item;

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		ck_assert_msg(read_text(cases[i].text, &item) == -1, "%s", cases[i].text);
		ck_assert_str_eq(err.what, cases[i].what);
	}
}
END_TEST

/* Many keys are sorted, few compared each with each: both must see a second one wherever it stands. */
START_TEST(a_key_that_stands_twice_is_seen_among_any_number)
{
	static const size_t counts[] = {2, 15, 16, 17, 18, 40, 5000};
	struct ush_item item;

	for (size_t c = 0; c < USH_COUNT(counts); c++)
		for (int twice = 0; twice < 2; twice++) {
			USH_AUTO_BUF text = {0};

			ush_buf_puts(&text, "{\"x\":{");
			for (size_t i = 0; i < counts[c]; i++)
				ush_buf_printf(&text, "%s\"%zu\":{\"1\":1}", i > 0 ? "," : "",
					       twice && i + 1 == counts[c] ? counts[c] / 2 - 1 : i);
			ush_buf_puts(&text, "},\"y\":1}");
			ck_assert_msg(read_text(text.data, &item) == (twice ? -1 : 0), "%zu %d", counts[c], twice);
		}
}
END_TEST

START_TEST(a_shape_that_the_api_does_not_have_says_so_in_the_words_of_the_long_way)
{
	static const struct {
		const char *text, *what;
	} cases[] = {
		{"{\"metadata\":{\"name\":\"b\"}}", "RoleBinding default/b: roleRef: is missing"},
		{"{\"metadata\":[]}", "RoleBinding without a name: metadata: is missing"},
		{"{\"metadata\":{\"name\":7}}", "name: expected a string, found a number"},
		{BINDING(",\"labels\":{\"a\":1}"), "RoleBinding n/b: metadata.labels.a: expected a string, found a number"},
		{BINDING(",\"uid\":{}"), "RoleBinding n/b: metadata.uid: expected a string, found a map"},
	};
	struct ush_item item;

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		ck_assert_msg(read_text(cases[i].text, &item) == 0, "%s", err.what);
		ck_assert_int_eq(ush_item_rbac(&item, USH_ERR_INCOMPLETE, &err), -1);
		ck_assert_int_eq(err.code, USH_ERR_INCOMPLETE);
		ck_assert_msg(strstr(err.what, cases[i].what) != NULL, "%s", err.what);
	}
	ck_assert_int_eq(read_text("{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":7}", &item), 0);
	ck_assert_int_eq(ush_item_rbac(&item, USH_ERR_INCOMPLETE, &err), 0); /* not ours to judge */
}
END_TEST

START_TEST(the_newest_manager_of_the_subjects_is_told)
{
#define ENTRY(name, time, field) "{\"manager\":\"" name "\",\"time\":\"" time "\",\"fieldsV1\":{\"f:" field "\":{}}}"
	static const struct {
		const char *text, *manager;
	} cases[] = {
		{BINDING(""), NULL},
		{BINDING(",\"managedFields\":[]"), NULL},
		{BINDING(",\"managedFields\":[7,{}," ENTRY("a", "2026", "subjects") "]"), "a"},
		{BINDING(",\"managedFields\":[" ENTRY("a", "2027", "subjects") "," ENTRY("b", "2026", "rules") "]"), "a"},
		{BINDING(",\"managedFields\":[" ENTRY("a", "2025", "subjects") "," ENTRY("b", "2026", "roleRef") "," ENTRY(
			 "c", "2027", "metadata") "]"),
		 "b"},
	};
	struct ush_item item;

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_FREE char *manager = NULL;

		ck_assert_msg(read_text(cases[i].text, &item) == 0, "%s", err.what);
		manager = ush_slice_copy(ush_item_manager(&item));
		ck_assert_msg((manager == NULL) == (cases[i].manager == NULL), "%zu", i);
		if (manager != NULL)
			ck_assert_str_eq(manager, cases[i].manager);
	}
}
END_TEST

START_TEST(an_item_becomes_the_json_it_stands_for)
{
	struct ush_item item;
	json_t *object;
	bool is_rbac;

	ck_assert_int_eq(read_text(BINDING(""), &item), 0);
	object = ush_item_json(&item, USH_ERR_REJECTED, &err);
	ck_assert_ptr_nonnull(object);
	ush_rbac_free(ush_rbac_read(object, USH_ERR_REJECTED, &is_rbac, &err));
	ck_assert_msg(is_rbac && err.code == USH_OK, "%s", err.what); /* kind and apiVersion are the list's */
	json_decref(object);
}
END_TEST

/* Eight bytes at a time must find what one at a time finds. */
START_TEST(the_first_special_byte_is_found_at_any_place)
{
	char text[40];

	for (size_t length = 0; length < sizeof text; length++)
		for (int c = 0; c < 256; c++) {
			memset(text, 'a', sizeof text);
			for (size_t at = 0; at < length; at += 3) {
				bool special = c < 0x20 || c > 0x7f || c == '"' || c == '\\', quote = c == '"' || c == '\\';

				text[at] = (char)c;
				ck_assert(ush_lex_special(text, text + length) == text + (special ? at : length));
				ck_assert(ush_lex_quote(text, text + length) == text + (quote ? at : length));
				text[at] = 'a';
			}
		}
}
END_TEST

START_TEST(strings_are_ordered_by_their_text)
{
	static const struct {
		const char *a, *b;
		int order;
	} cases[] = {{"a", "a", 0}, {"a", "\\u0061", 0}, {"a", "\\u0062", -1}, {"ab", "a", 1}, {"", "a", -1},
		     {"\\ud83d\\ude00", "\xf0\x9f\x98\x80", 0}, {"\\u00e9", "z", 1}, {"\\n", "\\u000a", 0}};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		struct ush_slice a = ush_slice_of(cases[i].a), b = ush_slice_of(cases[i].b);
		int order;

		a.plain = strchr(cases[i].a, '\\') == NULL;
		b.plain = strchr(cases[i].b, '\\') == NULL;
		order = ush_slice_order(a, b);
		ck_assert_int_eq((order > 0) - (order < 0), cases[i].order);
		order = ush_slice_order(b, a);
		ck_assert_int_eq((order < 0) - (order > 0), cases[i].order);
	}
}
END_TEST

TAP_MAIN("scan", a_binding_comes_out_as_slices_of_its_text, what_is_no_json_is_refused_with_a_reason,
	 a_key_that_stands_twice_is_seen_among_any_number,
	 a_shape_that_the_api_does_not_have_says_so_in_the_words_of_the_long_way,
	 the_newest_manager_of_the_subjects_is_told, an_item_becomes_the_json_it_stands_for,
	 the_first_special_byte_is_found_at_any_place, strings_are_ordered_by_their_text)
