/* SPDX-License-Identifier: Apache-2.0
 *
 * What keeps a fault from taking people's access: tombstones, incomplete sources, limits. On a cluster in memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define ONE	     CASE_GRANTS("- {group: a, role: reader, namespaces: [x], name: readers}\n") CASE_LIMITS
#define HEAD_LINES   "apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\n"

static struct sync_case *c;
static struct ush_error err;

/* ---- groups that are gone ---- */

static void expect_state(const char *text)
{
	USH_AUTO_FREE char *got = ush_state_text(&c->state);

	ck_assert_msg(strstr(got, text) != NULL, "%s", got);
}

/* BC10, T51: gone once is a tombstone and no write to the binding; back again clears it. */
START_TEST(a_group_that_is_gone_once_keeps_its_binding)
{
	struct ush_plan *plan;

	c = sync_case_begin(ONE, "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_groups(c, 0, "2 /b q");
	plan = sync_case_run(c);
	sync_case_expect_reason(plan, USH_KEEP, "readers", "kept: group a is gone from source main");
	ck_assert_uint_eq(ush_plan_count(plan, USH_CHANGE) + ush_plan_count(plan, USH_REMOVE), 0);
	ck_assert(plan->state_changed);
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "readers", "oidc:a");
	expect_state("\"runs\":1");
	sync_case_groups(c, 0, "1 /a p;2 /b q");
	plan = sync_case_run(c);
	ck_assert(plan->state_changed);
	ush_plan_free(plan);
	expect_state("\"tombstones\":[]");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* A5, T51: removed by the second complete run, once. */
START_TEST(a_group_that_is_gone_twice_loses_its_binding)
{
	struct ush_plan *plan;

	c = sync_case_begin(ONE, "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_groups(c, 0, "2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_REMOVE, 0));
	plan = sync_case_run_and_count(c, USH_REMOVE, 2);
	sync_case_expect_reason(plan, USH_REMOVE, "readers", "complete run 2 without it");
	ush_plan_free(plan);
	ck_assert_uint_eq(json_array_size(c->cluster), 0);
	expect_state("\"removed\":true");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* BC21: time counts as well as runs, and a clock that jumps back removes nothing early. */
START_TEST(a_vanished_group_must_be_away_for_long_enough)
{
	c = sync_case_begin(CASE_GRANTS("- {group: a, role: edit, namespaces: [x], name: e}\n") "limits: {vanishedGroup: {runs: 2, age: 1h}}\n", "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_groups(c, 0, "2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_REMOVE, 0));
	c->now += 3599;
	for (int i = 0; i < 3; i++) {
		struct ush_plan *plan = sync_case_run_and_count(c, USH_REMOVE, 0);

		ck_assert(!plan->state_changed); /* nothing new to say: no write */
		ush_plan_free(plan);
	}
	c->now -= 10000;
	ush_plan_free(sync_case_run_and_count(c, USH_REMOVE, 0));
	c->now += 10001 + 3600;
	ush_plan_free(sync_case_run_and_count(c, USH_REMOVE, 1));
	sync_case_free(c);
}
END_TEST

START_TEST(of_several_groups_only_the_vanished_one_goes)
{
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {group: a, role: edit, namespaces: [x], name: e}\n- {group: b, role: edit, namespaces: [x], name: e}\n") CASE_LIMITS, "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_groups(c, 0, "2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 0));
	sync_case_expect_subjects(c, "x", "e", "oidc:a oidc:b");
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	sync_case_expect_reason(plan, USH_CHANGE, "e", "group a gone since");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "e", "oidc:b");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(a_grant_that_ended_is_taken_back_at_once)
{
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {group: a, role: edit, namespaces: [x], name: e, notAfter: 2027-01-16}\n"), "1 /a p");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	c->now += 86400;
	plan = sync_case_run_and_count(c, USH_REMOVE, 1);
	sync_case_expect_reason(plan, USH_REMOVE, "e", "grants[0] ended 2027-01-16 00:00 UTC");
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* ---- incomplete, zero ---- */

/* BC02: nothing is removed on account of a source that was not read whole, not even after many such runs. */
START_TEST(an_incomplete_source_removes_nothing)
{
	c = sync_case_begin(ONE, "1 /a p");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_incomplete(c, 0, "page 3 of groups answered 503 four times");
	for (int i = 0; i < 4; i++) {
		struct ush_plan *plan = sync_case_run(c);

		memset(&err, 0, sizeof err);
		ck_assert_int_eq(ush_plan_verdict(plan, &err), USH_ERR_INCOMPLETE);
		ck_assert_str_eq(err.what, "source main is incomplete: page 3 of groups answered 503 four times; nothing is removed on its account");
		sync_case_expect_empty(plan);
	}
	expect_state("\"tombstones\":[]");
	json_array_append_new(json_object_get(sync_case_object(c, "RoleBinding", "x", "readers"), "subjects"), /* nor what nobody accounts for */
			      json_pack("{s:s, s:s, s:s}", "apiGroup", "rbac.authorization.k8s.io", "kind", "Group", "name", "oidc:who"));
	sync_case_expect_empty(sync_case_run(c));
	sync_case_policy(c, CASE_GRANTS("- {group: b, role: edit, namespaces: [q]}\n")); /* nor what the policy dropped */
	sync_case_expect_empty(sync_case_run(c));
	sync_case_expect_subjects(c, "x", "readers", "oidc:a oidc:who");
	sync_case_free(c);
}
END_TEST

/* BC01 */
START_TEST(zero_groups_stop_everything)
{
	struct ush_plan *plan;

	c = sync_case_begin(ONE, "1 /a p");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_groups(c, 0, "");
	for (int i = 0; i < 3; i++) {
		plan = sync_case_run(c);
		memset(&err, 0, sizeof err);
		ck_assert_int_eq(ush_code_status(ush_plan_verdict(plan, &err)), 3);
		ck_assert_ptr_nonnull(strstr(err.what, "no group at all"));
		ush_plan_free(plan);
	}
	sync_case_expect_subjects(c, "x", "readers", "oidc:a");
	sync_case_free(c);
}
END_TEST

START_TEST(a_complete_source_goes_on_beside_an_incomplete_one)
{
	static const char policy[] = HEAD_LINES "sources: {one: {file: {path: a}}, two: {file: {path: b}}}\nroles: {edit: {clusterRole: edit}}\ngrants:\n"
						"- {source: one, group: a, role: edit, namespaces: [x], name: e}\n- {source: two, group: b, role: edit, namespaces: [x], name: e}\n"
						"- {source: two, group: b, role: edit, namespaces: [z], name: e}\n" CASE_LIMITS;

	c = sync_case_begin(policy, "1 /a p");
	sync_case_groups(c, 1, "2 /b q;3 /c r");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_incomplete(c, 0, "down");
	sync_case_groups(c, 1, "3 /c r");
	ush_plan_free(sync_case_run(c));
	ush_plan_free(sync_case_run(c));
	sync_case_expect_subjects(c, "x", "e", "oidc:a"); /* b went by its own tombstone, a stays */
	sync_case_expect_subjects(c, "z", "e", "");
	sync_case_free(c);
}
END_TEST

/* ---- the brake ---- */

static char *many_grants(int count, const char *limits)
{
	struct ush_buf text = {0};

	ush_buf_puts(&text, CASE_HEAD "grants:\n");
	for (int i = 0; i < count; i++)
		ush_buf_printf(&text, "- {group: g%d, role: edit, namespaces: [n%d]}\n", i, i);
	ush_buf_puts(&text, limits);
	return ush_buf_take(&text);
}

static char *many_groups(int count)
{
	struct ush_buf text = {0};

	for (int i = 0; i < count; i++)
		ush_buf_printf(&text, "%sid%d /g%d p%d,q%d", i > 0 ? ";" : "", i, i, i, i);
	return ush_buf_take(&text);
}

static void expect_brake(int before, int after, const char *limits, const char *what)
{
	USH_AUTO_FREE char *all = many_grants(before, ""), *groups = many_groups(before), *rest = many_grants(after, limits);
	struct ush_plan *plan;

	c = sync_case_begin(all, groups);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, (size_t)before));
	sync_case_policy(c, rest);
	plan = sync_case_run(c);
	ck_assert_int_eq(plan->stop.code, what != NULL ? USH_ERR_REFUSED : USH_OK);
	ck_assert_msg(what == NULL || strstr(plan->stop.what, what) != NULL, "\"%s\" lacks \"%s\"", plan->stop.what, what);
	ck_assert_uint_eq(json_array_size(c->cluster), (size_t)(what != NULL ? before : after));
	ush_plan_free(plan);
	sync_case_free(c);
}

/* BC11, T50: the policy shrank, and still nobody is cut off by more than it allows. */
START_TEST(too_many_removals_stop_before_any_write)
{
	expect_brake(50, 20, "", "stopped before any write: 30 of 50 bindings (60 %) and 60 people would go, the policy allows 20 of the bindings and 25 % of the people");
	expect_brake(50, 29, "limits: {remove: {bindings: 20, people: 100%}}\n", "21 of 50 bindings (42 %)");
	expect_brake(50, 30, "limits: {remove: {bindings: 20, people: 100%}}\n", NULL);
	expect_brake(50, 30, "limits: {remove: {bindings: 30%, people: 100%}}\n", "20 of 50 bindings (40 %)");
	expect_brake(50, 45, "limits: {remove: {bindings: 1%, people: 1%}}\n", "10 people");
	expect_brake(2, 1, "limits: {remove: {bindings: 1%, people: 1%}}\n", NULL);
	expect_brake(2, 1, "limits: {remove: {bindings: 0}}\n", "1 of 2 bindings");
}
END_TEST

START_TEST(people_who_keep_the_namespace_by_another_role_are_not_lost)
{
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {group: a, role: edit, namespaces: [x]}\n") "limits: {remove: {people: 0}}\n", "1 /a p,q,r,s,t,u,v");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, CASE_GRANTS("- {group: a, role: reader, namespaces: [x]}\n") "limits: {remove: {people: 0}}\n");
	ush_plan_free(sync_case_run_and_count(c, USH_REMOVE, 1));
	sync_case_policy(c, CASE_GRANTS("- {group: a, role: reader, namespaces: [z]}\n") "limits: {remove: {people: 0}}\n");
	plan = sync_case_run(c);
	ck_assert_int_eq(plan->stop.code, USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(plan->stop.what, "7 people"));
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

TAP_MAIN("brake", a_group_that_is_gone_once_keeps_its_binding, a_group_that_is_gone_twice_loses_its_binding,
	 a_vanished_group_must_be_away_for_long_enough, of_several_groups_only_the_vanished_one_goes,
	 a_grant_that_ended_is_taken_back_at_once, an_incomplete_source_removes_nothing, zero_groups_stop_everything,
	 a_complete_source_goes_on_beside_an_incomplete_one, too_many_removals_stop_before_any_write,
	 people_who_keep_the_namespace_by_another_role_are_not_lost)
