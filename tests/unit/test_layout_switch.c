/* SPDX-License-Identifier: Apache-2.0
 *
 * From bindings of groups to bindings of people and back, while something is not known: nobody loses access by that.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/layout_case.h"

static struct sync_case *c;

/* ---- people ---- */

/* What is bound by one policy, and then after three runs of another while source one cannot be read whole. */
static void expect_while_incomplete(const char *before, const char *after, const char *bindings)
{
	c = layout_case_new(before);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, after);
	sync_case_incomplete(c, 0, "page 2 answered 503");
	for (int i = 0; i < 3; i++)
		ush_plan_free(sync_case_run(c));
	layout_case_expect(c, bindings);
	sync_case_free(c);
}

static void many_people(int count)
{
	struct ush_group *group = &c->groups[0].items[0];

	ush_members_free(&group->members);
	for (int i = 0; i < count; i++) {
		USH_AUTO_FREE char *name = ush_printf("person%d", i);

		ush_members_add(&group->members, name);
	}
}

/* BC02: neither those of the source that is incomplete, nor those beside them who may be in it. */
START_TEST(people_stay_while_the_source_is_incomplete)
{
	expect_while_incomplete(LAYOUT_HEAD "layout: users\n" LAYOUT_ONE, LAYOUT_HEAD "layout: role\n" LAYOUT_ONE, "edit: User u:p User u:q User u:r");
}
END_TEST

START_TEST(people_of_a_named_binding_stay_while_the_source_is_incomplete)
{
	expect_while_incomplete(LAYOUT_HEAD "layout: users\n" LAYOUT_BOTH, LAYOUT_HEAD "layout: role\n" LAYOUT_BOTH, "edit: User u:p User u:q User u:r User u:s");
}
END_TEST

START_TEST(groups_stay_while_their_people_are_not_known)
{
	c = layout_case_new(LAYOUT_HEAD "layout: role\n" LAYOUT_ONE);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, LAYOUT_HEAD "layout: users\n" LAYOUT_ONE);
	sync_case_groups(c, 0, "1 /a;2 /b q,r");
	c->groups[0].items[0].members_known = false;
	for (int i = 0; i < 3; i++)
		ush_plan_free(sync_case_run(c));
	layout_case_expect(c, "edit: Group oidc:a Group oidc:b | edit: User u:q User u:r");
	sync_case_free(c);
}
END_TEST

START_TEST(groups_stay_while_the_source_is_incomplete)
{
	expect_while_incomplete(LAYOUT_HEAD "layout: role\n" LAYOUT_ONE, LAYOUT_HEAD "layout: users\n" LAYOUT_ONE, "edit: Group oidc:a Group oidc:b");
}
END_TEST

START_TEST(groups_of_a_named_binding_stay_while_the_source_is_incomplete)
{
	expect_while_incomplete(LAYOUT_HEAD "layout: role\n" LAYOUT_BOTH, LAYOUT_HEAD "layout: users\n" LAYOUT_BOTH, "edit: Group oidc:a Group oidc:b");
}
END_TEST

START_TEST(groups_stay_when_people_are_too_many)
{
	c = layout_case_new(LAYOUT_HEAD "layout: role\ngrants:\n- {source: one, group: a, role: edit, namespaces: [x]}\n");
	many_people(USH_PEOPLE_MAX + 1);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, LAYOUT_HEAD "layout: users\ngrants:\n- {source: one, group: a, role: edit, namespaces: [x]}\n");
	for (int i = 0; i < 3; i++)
		ush_plan_free(sync_case_run(c));
	layout_case_expect(c, "edit: Group oidc:a");
	sync_case_free(c);
}
END_TEST

START_TEST(people_of_a_group_that_is_gone_stay)
{
	c = layout_case_new(LAYOUT_HEAD "layout: users\n" LAYOUT_ONE);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, LAYOUT_HEAD "layout: role\n" LAYOUT_ONE);
	sync_case_groups(c, 0, "2 /b q,r");
	ush_plan_free(sync_case_run(c));
	ck_assert(layout_case_may_edit(c, "p", "oidc:a"));
	sync_case_free(c);
}
END_TEST

START_TEST(a_group_that_is_gone_stays)
{
	c = layout_case_new(LAYOUT_HEAD "layout: role\n" LAYOUT_ONE);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, LAYOUT_HEAD "layout: users\n" LAYOUT_ONE);
	sync_case_groups(c, 0, "2 /b q,r");
	ush_plan_free(sync_case_run(c));
	ck_assert(layout_case_may_edit(c, "p", "oidc:a"));
	sync_case_free(c);
}
END_TEST

TAP_MAIN("layout_switch", people_stay_while_the_source_is_incomplete, people_of_a_named_binding_stay_while_the_source_is_incomplete, groups_stay_while_their_people_are_not_known, groups_stay_while_the_source_is_incomplete, groups_of_a_named_binding_stay_while_the_source_is_incomplete, groups_stay_when_people_are_too_many, people_of_a_group_that_is_gone_stay, a_group_that_is_gone_stays)
