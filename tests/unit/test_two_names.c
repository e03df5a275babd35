/* SPDX-License-Identifier: Apache-2.0
 *
 * A group that several grants speak of by different names, and two groups of one name: each was wrong once in a random
 * history.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/layout_case.h"

static struct sync_case *c;

static void run(void)
{
	ush_plan_free(sync_case_run(c));
}

/* The grant's name for it and the pattern's each had a stone of their own, and each run noted but one of them: neither
 * grew old, and the access stayed for ever. */
START_TEST(a_group_that_two_grants_call_otherwise_goes_when_it_is_time)
{
#define FOLLOWED CASE_GRANTS("- {group: a, role: edit, namespaces: [x], name: e}\n")
	c = sync_case_begin(FOLLOWED CASE_LIMITS, "1 /a p;2 /other q");
	run();
	sync_case_groups(c, 0, "1 /t-c p;2 /other q");
	run();
	sync_case_expect_subjects(c, "x", "e", "oidc:t-c");
	sync_case_policy(c, FOLLOWED "- {groupPattern: 't-*', role: edit, namespaces: [x], name: e}\n" CASE_LIMITS);
	sync_case_groups(c, 0, "2 /other q");
	run();
	sync_case_expect_subjects(c, "x", "e", "oidc:t-c");
	c->now += 60;
	run();
	sync_case_expect_subjects(c, "x", "e", "");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* One that waits to go, and is called as another source's group is called from now on: the binding holds that one, and a
 * second run has nothing to note. */
START_TEST(who_waits_under_a_name_that_another_follows_into_is_noted_at_once)
{
	c = layout_case_new(LAYOUT_HEAD LAYOUT_BOTH);
	run();
	sync_case_expect_subjects(c, "x", "e", "oidc:a oidc:b");
	sync_case_groups(c, 0, "1 /b p,q;2 /c q");
	sync_case_groups(c, 1, "7 /other t");
	run();
	sync_case_expect_subjects(c, "x", "e", "oidc:b");
	sync_case_expect_empty(sync_case_run(c));
	ck_assert_ptr_nonnull(ush_state_find(&c->state, "two", "1", "oidc:b"));
	ck_assert(ush_state_find(&c->state, "two", "1", "oidc:b")->removed);
	sync_case_free(c);
}
END_TEST

/* The name was the other one's by the record, whoever wrote that: it is not given on there without a word. */
START_TEST(whose_name_a_record_says_it_was_is_remembered_where_it_stood)
{
	const struct ush_tombstone *stone;
	json_t *annotations;

	c = sync_case_begin(CASE_GRANTS("- {group: a, role: edit, namespaces: [x], name: e}\n- {group: a, role: reader, namespaces: [x], name: r}\n") CASE_LIMITS,
			    "1 /a p;2 /b q");
	run();
	annotations = json_object_get(json_object_get(sync_case_object(c, "RoleBinding", "x", "r"), "metadata"), "annotations");
	json_object_set_new(annotations, USH_ANNOTATION_ORIGIN, json_string("[{\"group\":\"oidc:a\",\"id\":\"2\",\"name\":\"a\",\"path\":\"/a\",\"source\":\"main\"}]"));
	run();
	sync_case_expect_subjects(c, "x", "r", "oidc:a");
	stone = ush_state_find(&c->state, "main", "2", "oidc:a");
	ck_assert_ptr_nonnull(stone);
	ck_assert(stone->removed);
	ck_assert_str_eq(stone->space, "x");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* A binding that is wanted for another role keeps the one it has while somebody in it, called otherwise now, is given that
 * one and has it nowhere else. */
START_TEST(who_is_followed_keeps_the_role_of_the_binding)
{
	const json_t *binding;

	c = sync_case_new(CASE_GRANTS("- {group: t-b, role: reader, namespaces: [x], name: team}\n") CASE_LIMITS);
	sync_case_groups(c, 0, "1 /t-b p;2 /other q");
	sync_case_namespace(c, "x", NULL);
	run();
	sync_case_policy(c, CASE_GRANTS("- {groupPattern: 't-*', role: edit, namespacePattern: 'x*', name: team}\n"
					"- {group: t-b, role: reader, namespaces: [x], name: team}\n") CASE_LIMITS);
	sync_case_groups(c, 0, "1 /t-c p;2 /other q");
	run();
	binding = sync_case_object(c, "RoleBinding", "x", "team");
	ck_assert_str_eq(ush_json_string(json_object_get(binding, "roleRef"), "name"), "reader");
	sync_case_free(c);
}
END_TEST

/* While two bear the name nobody can tell them apart; when the one whose it was is gone after that, the other one still
 * waits for a word. */
START_TEST(a_name_that_two_bore_for_a_while_is_still_the_first_ones)
{
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {groupPattern: 't-*', role: edit, namespaces: [x], name: e}\n") CASE_LIMITS, "3 /p/t-a p;2 /other q");
	run();
	sync_case_groups(c, 0, "3 /p/gone p;1 /q/t-a q;2 /other q");
	run();
	sync_case_expect_subjects(c, "x", "e", "");
	sync_case_groups(c, 0, "3 /p/t-a p;1 /q/t-a q;2 /other q");
	run();
	sync_case_groups(c, 0, "1 /q/t-a q;2 /other q");
	plan = sync_case_run(c);
	sync_case_expect_subjects(c, "x", "e", "");
	ck_assert_ptr_nonnull(sync_case_change(plan, USH_CREATE, "e"));
	ck_assert(sync_case_change(plan, USH_CREATE, "e")->consent);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* Another source's group took the binding's entry over while nobody could tell whether the first one was still there: its
 * name is not given on for that. */
START_TEST(whose_name_it_was_is_remembered_through_an_outage)
{
	c = layout_case_new(LAYOUT_HEAD "grants:\n- {source: one, groupPattern: 't-*', role: edit, namespaces: [x], name: e}\n"
					"- {source: two, groupPattern: 't-*', role: edit, namespaces: [x], name: e}\n");
	sync_case_groups(c, 0, "3 /t-a p;2 /b q");
	run();
	sync_case_incomplete(c, 0, "page 2 answered 503");
	sync_case_groups(c, 1, "5 /t-a r;7 /other t");
	run();
	sync_case_expect_subjects(c, "x", "e", "oidc:t-a");
	sync_case_groups(c, 0, "6 /t-a s;2 /b q");
	sync_case_groups(c, 1, "7 /other t");
	for (int i = 0; i < 3; i++) {
		c->now += 60;
		run();
	}
	sync_case_expect_subjects(c, "x", "e", "");
	sync_case_free(c);
}
END_TEST

TAP_MAIN("two_names", whose_name_it_was_is_remembered_through_an_outage, a_name_that_two_bore_for_a_while_is_still_the_first_ones, who_is_followed_keeps_the_role_of_the_binding, a_group_that_two_grants_call_otherwise_goes_when_it_is_time, who_waits_under_a_name_that_another_follows_into_is_noted_at_once,
	 whose_name_a_record_says_it_was_is_remembered_where_it_stood)
