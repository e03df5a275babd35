/* SPDX-License-Identifier: Apache-2.0
 *
 * What a binding says of where its groups came from: read back just as it was, and short.
 */
#include "tests/support/tap.h"

#include <stdio.h>
#include <string.h>

#include "broker/sync/look/origin.h"
#include "common/base/memory.h"
#include "tests/support/sync_case.h"

static const char *const parts[] = {"", "a", "/a", "/x/a", "b", "x/a", "/x/y/a", "/z/a", "oidc:a", "A", "/", "//a", "a/", "\xc3\xa4\"\\"};

static unsigned int seed;

static char *any(void)
{
	seed = seed * 1103515245U + 12345U;
	return (char *)parts[(seed >> 16) % USH_COUNT(parts)];
}

static void expect_text(const char *a, const char *b, const char *where)
{
	ck_assert_msg(a == NULL ? b == NULL : b != NULL && strcmp(a, b) == 0, "%s: %s is %s", where, a != NULL ? a : "nothing", b != NULL ? b : "nothing");
}

static void expect_same(const struct ush_origins *one)
{
	USH_AUTO_FREE char *text = ush_origins_text(one), *again = NULL;
	USH_AUTO_ORIGINS other = {0};

	ck_assert_msg(ush_origins_read(&other, text) == 0, "%s", text);
	ck_assert_uint_eq(one->count, other.count);
	for (size_t i = 0; i < one->count; i++) {
		const struct ush_origin *a = &one->items[i], *b = &other.items[i];

		expect_text(a->text, b->text, text);
		expect_text(a->source, b->source, text);
		expect_text(a->id, b->id, text);
		expect_text(a->name, b->name, text);
		expect_text(a->path, b->path, text);
		expect_text(a->granted, b->granted, text);
	}
	again = ush_origins_text(&other);
	ck_assert_str_eq(text, again);
}

START_TEST(whatever_groups_are_called_is_read_back_as_it_was)
{
	for (seed = 1; seed % 40000 != 0; seed++) {
		USH_AUTO_ORIGINS origins = {0};
		unsigned int start = seed;

		for (unsigned int i = 0; i < 1 + start % 4; i++) {
			USH_AUTO_FREE char *text = ush_printf("%s%s", i % 2 == 0 ? "oidc:" : "", any());
			struct ush_origin origin = {text, (char *)(start % 3 == i ? "two" : "main"), any(), any(), any(), start % 5 == i ? any() : NULL};

			if (start % 7 == i) /* nobody knows any more */
				origin.source = origin.id = origin.name = origin.path = NULL;
			ush_origins_add(&origins, &origin);
		}
		expect_same(&origins);
		seed = start;
	}
}
END_TEST

/* As earlier versions wrote it, and as a person would put one more in. */
START_TEST(an_entry_that_says_everything_is_taken_as_it_says)
{
	static const char text[] = "[{\"at\":5,\"group\":\"oidc:dev\",\"id\":\"1\",\"source\":\"main\"},{\"group\":\"oidc:ops\",\"id\":\"2\"},{\"group\":\"x\"},"
				   "{\"group\":\"oidc:k\",\"id\":\"3\",\"name\":\"k\",\"path\":\"/a/k\",\"source\":\"two\"}]";
	USH_AUTO_ORIGINS origins = {0}, old = {0};
	const struct ush_origin *o;

	ck_assert_int_eq(ush_origins_read(&origins, text), 0);
	o = ush_origins_find(&origins, "oidc:ops");
	ck_assert_str_eq(o->source, "main");
	ck_assert_str_eq(o->name, "ops");
	ck_assert_str_eq(o->path, "/ops");
	o = ush_origins_find(&origins, "oidc:k");
	ck_assert_str_eq(o->source, "two");
	ck_assert_str_eq(o->path, "/a/k");
	ck_assert_int_eq(ush_origins_read(&old, "[{\"group\":\"oidc:a\",\"id\":\"1\",\"source\":\"main\"}]"), 0);
	ck_assert_ptr_null(ush_origins_find(&old, "oidc:a")->name); /* nobody said what it follows from */
}
END_TEST

START_TEST(what_nobody_wrote_is_refused)
{
	static const char *const spoilt[] = {"", "{}", "[1]", "[{\"id\":\"1\"}]", "[{\"group\":\"a\",\"at\":-1}]", "[{\"group\":\"a\",\"at\":\"5\"}]", "[{\"group\":\"a\"}"};

	for (size_t i = 0; i < USH_COUNT(spoilt); i++) {
		USH_AUTO_ORIGINS origins = {0};

		ck_assert_msg(ush_origins_read(&origins, spoilt[i]) != 0, "%s", spoilt[i]);
	}
	for (size_t i = 0; i < 3; i++) { /* beyond the text, and as far as a number goes: nothing follows from it */
		static const char *const far[] = {"99", "4294967301", "9223372036854775807"};
		USH_AUTO_FREE char *text = ush_printf("[{\"at\":%s,\"group\":\"oidc:a\",\"id\":\"1\",\"source\":\"main\"}]", far[i]);
		USH_AUTO_ORIGINS origins = {0};

		ck_assert_int_eq(ush_origins_read(&origins, text), 0);
		ck_assert_ptr_null(ush_origins_find(&origins, "oidc:a")->path);
	}
}
END_TEST

static void fill(struct ush_origins *origins, size_t count, const char *name, const char *const *above, size_t aboves)
{
	for (size_t i = 0; i < count; i++) {
		USH_AUTO_FREE char *own = ush_printf("%s-%04zu", name, i), *text = ush_printf("oidc:%s", own), *path = ush_printf("%s/%s", above[i % aboves], own);
		USH_AUTO_FREE char *id = ush_printf("3f2504e0-4f89-11d3-9a0c-%012zu", i);

		ush_origins_add(origins, &(struct ush_origin){text, (char *)"main", id, own, path, NULL});
	}
}

/* All annotations of an object together are 256 KiB at most. */
START_TEST(thousands_of_groups_fit_into_one_binding)
{
	static const char *const flat[] = {""}, *const deep[] = {"/departments/engineering", "/departments/sales", "/departments/staff", "/departments/research-and-development"};
	USH_AUTO_ORIGINS one = {0}, other = {0};
	USH_AUTO_FREE char *text = NULL, *deeper = NULL;

	fill(&one, 2500, "team-payments-eu", flat, USH_COUNT(flat));
	text = ush_origins_text(&one);
	ck_assert_uint_lt(strlen(text), USH_ORIGINS_MAX);
	expect_same(&one);
	fill(&other, 2500, "team-payments-eu", deep, USH_COUNT(deep));
	deeper = ush_origins_text(&other);
	ck_assert_uint_lt(strlen(deeper), strlen(text) + 1000); /* what is above them is said once each */
	expect_same(&other);
}
END_TEST

/* ---- beyond that ---- */

static struct sync_case *c;

static void give(size_t count, const char *first)
{
	USH_AUTO_BUF groups = {0};
	USH_AUTO_FREE char *tail = ush_alloc(1001);

	memset(tail, 'a', 1000);
	ush_buf_puts(&groups, first);
	for (size_t i = 0; i < count; i++)
		ush_buf_printf(&groups, ";%zu /team-%zu-%s p", i + 10, i, tail);
	sync_case_groups(c, 0, groups.data);
}

#define PATTERN CASE_HEAD "grants:\n- {groupPattern: 'team-*', role: edit, namespaces: [x], name: e}\n"
#define AT_ONCE "limits: {remove: {bindings: 100, people: 100%}, vanishedGroup: {runs: 1, age: 0s}}\n"

START_TEST(too_many_groups_for_one_binding_are_refused_and_who_leaves_leaves)
{
	struct ush_plan *plan;

	c = sync_case_new(PATTERN AT_ONCE);
	sync_case_groups(c, 0, "1 /team-x p;2 /team-y q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	give(300, "2 /team-y q");
	plan = sync_case_run_and_count(c, USH_CONFLICT, 1);
	sync_case_expect_reason(plan, USH_CONFLICT, "e", "would hold 301 groups, too many for one binding");
	sync_case_expect_reason(plan, USH_CONFLICT, "e", "layout: group");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "e", "oidc:team-y");
	plan = sync_case_run_and_count(c, USH_CONFLICT, 1);
	sync_case_expect_empty(plan);
	sync_case_groups(c, 0, "2 /team-y q;3 /team-z r");
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
	sync_case_expect_subjects(c, "x", "e", "oidc:team-y oidc:team-z");
	sync_case_free(c);
}
END_TEST

/* What was not written for being too much is not there: nothing is taken away for it. */
START_TEST(nobody_moves_to_a_binding_that_would_hold_too_many_groups)
{
	struct ush_plan *plan;

	c = sync_case_new("layout: group\n" CASE_HEAD "grants:\n- {groupPattern: 'team-*', role: edit, namespaces: [x]}\n" AT_ONCE);
	give(300, "1 /team-x p");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 301));
	sync_case_policy(c, "layout: role\n" CASE_HEAD "grants:\n- {groupPattern: 'team-*', role: edit, namespaces: [x]}\n" AT_ONCE);
	plan = sync_case_run_and_count(c, USH_CONFLICT, 1);
	ck_assert_uint_eq(ush_plan_count(plan, USH_REMOVE), 0);
	sync_case_expect_empty(plan);
	ck_assert_uint_eq(json_array_size(c->cluster), 301);
	sync_case_free(c);
}
END_TEST

START_TEST(groups_with_long_names_fit_as_long_as_they_can_be_written)
{
	c = sync_case_new(PATTERN AT_ONCE);
	give(200, "1 /team-x p");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

TAP_MAIN("origin", whatever_groups_are_called_is_read_back_as_it_was, an_entry_that_says_everything_is_taken_as_it_says, what_nobody_wrote_is_refused,
	 thousands_of_groups_fit_into_one_binding, too_many_groups_for_one_binding_are_refused_and_who_leaves_leaves,
	 nobody_moves_to_a_binding_that_would_hold_too_many_groups, groups_with_long_names_fit_as_long_as_they_can_be_written)
