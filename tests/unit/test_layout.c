/* SPDX-License-Identifier: Apache-2.0
 *
 * The layouts of bindings: one a role, one a group, or of people. What each makes, and that no way from one to another
 * leaves anybody without access on the way. On a cluster in memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/layout_case.h"

static const char *const layouts[] = {"layout: role\n", "layout: group\n", "layout: users\n"};
enum { ROLE, GROUP, USERS };

static struct sync_case *c;

/* BE05, BE06 */
START_TEST(each_layout_makes_its_own_objects)
{
	static const char *const wanted[] = {
		"edit: Group oidc:a Group oidc:b",
		"edit: Group oidc:a | edit: Group oidc:b",
		"edit: User u:p User u:q User u:r",
	};

	for (size_t i = 0; i < USH_COUNT(layouts); i++) {
		USH_AUTO_FREE char *policy = ush_printf("%s%s%s", LAYOUT_HEAD, layouts[i], LAYOUT_ONE);

		c = layout_case_new(policy);
		ush_plan_free(sync_case_run_and_count(c, USH_CREATE, i == GROUP ? 2 : 1));
		layout_case_expect(c, wanted[i]);
		sync_case_expect_empty(sync_case_run(c));
		sync_case_free(c);
	}
}
END_TEST

/* BE06 */
START_TEST(a_binding_refers_to_the_policys_role_or_to_a_cluster_role)
{
	for (size_t i = 0; i < USH_COUNT(layouts); i++) {
		USH_AUTO_FREE char *policy = ush_printf("%s%s%s", LAYOUT_HEAD, layouts[i], LAYOUT_ROLES);
		const json_t *object;
		size_t at, roles = 0, cluster_roles = 0;

		c = layout_case_new(policy);
		ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 3));
		ck_assert_ptr_nonnull(sync_case_object(c, "Role", "x", "reader"));
		json_array_foreach(c->cluster, at, object) {
			const json_t *ref = json_object_get(object, "roleRef");

			if (ref == NULL)
				continue;
			ck_assert_str_eq(ush_json_string(ref, "apiGroup"), "rbac.authorization.k8s.io");
			roles += strcmp(ush_json_string(ref, "kind"), "Role") == 0 && strcmp(ush_json_string(ref, "name"), "reader") == 0;
			cluster_roles += strcmp(ush_json_string(ref, "kind"), "ClusterRole") == 0 && strcmp(ush_json_string(ref, "name"), "edit") == 0;
		}
		ck_assert_uint_eq(roles, 1);
		ck_assert_uint_eq(cluster_roles, 1);
		sync_case_free(c);
	}
}
END_TEST

/* ---- from one to another ---- */

static void expect_everybody(const char *when)
{
	ck_assert_msg(layout_case_may_edit(c, "p", "oidc:a"), "%s: p is without access", when);
	ck_assert_msg(layout_case_may_edit(c, "q", "oidc:a oidc:b"), "%s: q is without access", when);
	ck_assert_msg(layout_case_may_edit(c, "r", "oidc:b"), "%s: r is without access", when);
}

/* Carries a plan out change by change, and looks after each. */
static void apply_stepwise(const struct ush_plan *plan, const char *when)
{
	expect_everybody(when);
	for (size_t i = 0; i < plan->change_count; i++) {
		struct ush_plan one = *plan;

		one.changes = plan->changes + i;
		one.change_count = 1;
		sync_case_apply(c, &one);
		expect_everybody(when);
	}
}

static void switch_layout(size_t from, size_t to, const char *grants)
{
	USH_AUTO_FREE char *before = ush_printf("%s%s%s", LAYOUT_HEAD, layouts[from], grants), *after = ush_printf("%s%s%s", LAYOUT_HEAD, layouts[to], grants);
	USH_AUTO_FREE char *when = ush_printf("%.*s to %.*s", (int)strlen(layouts[from]) - 1, layouts[from], (int)strlen(layouts[to]) - 1, layouts[to]);
	struct ush_plan *plan;

	c = layout_case_new(before);
	ush_plan_free(sync_case_run(c));
	sync_case_policy(c, after);
	plan = sync_case_plan(c);
	ck_assert_msg(plan->stop.code == USH_OK, "%s: %s", when, plan->stop.what);
	ck_assert_msg(ush_plan_writes(plan), "%s: writes nothing", when);
	apply_stepwise(plan, when);
	ush_plan_free(plan);
	for (int i = 0; i < 2; i++)
		ush_plan_free(sync_case_run(c)); /* a name that stays may take two steps */
	sync_case_expect_empty(sync_case_run(c));
	expect_everybody(when);
}

START_TEST(another_layout_is_new_bindings_first_and_the_old_ones_after)
{
	static const char *const wanted[] = {"edit: Group oidc:a Group oidc:b", "edit: Group oidc:a | edit: Group oidc:b", "edit: User u:p User u:q User u:r"};

	for (size_t from = 0; from < USH_COUNT(layouts); from++)
		for (size_t to = 0; to < USH_COUNT(layouts); to++)
			if (from != to) {
				switch_layout(from, to, LAYOUT_ONE);
				layout_case_expect(c, wanted[to]);
				sync_case_free(c);
			}
}
END_TEST

#define NAMED "grants:\n- {source: one, group: a, role: edit, namespaces: [x], name: e}\n- {source: one, group: b, role: edit, namespaces: [x], name: e}\n"

START_TEST(a_binding_of_a_name_of_its_own_keeps_it_in_every_layout)
{
	for (size_t from = 0; from < USH_COUNT(layouts); from++)
		for (size_t to = 0; to < USH_COUNT(layouts); to++)
			if (from != to && (from == USERS || to == USERS)) {
				switch_layout(from, to, NAMED);
				layout_case_expect(c, to == USERS ? "edit: User u:p User u:q User u:r" : "edit: Group oidc:a Group oidc:b");
				ck_assert_ptr_nonnull(sync_case_object(c, "RoleBinding", "x", "e"));
				sync_case_free(c);
			}
}
END_TEST

/* ---- people ---- */

START_TEST(who_leaves_one_group_and_is_in_another_stays)
{
	struct ush_plan *plan;

	c = layout_case_new(LAYOUT_HEAD "layout: users\n" LAYOUT_ONE);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_groups(c, 0, "1 /a p;2 /b q,r");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_groups(c, 0, "1 /a p;2 /b r,t");
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	ck_assert_uint_eq(plan->changes[0].removed_count, 1);
	ck_assert_str_eq(plan->changes[0].removed[0].text, "u:q");
	ck_assert_uint_eq(plan->changes[0].added_count, 1);
	ck_assert_str_eq(plan->changes[0].added[0].text, "u:t");
	ush_plan_free(plan);
	layout_case_expect(c, "edit: User u:p User u:r User u:t");
	sync_case_free(c);
}
END_TEST

/* BC02: neither those of the source that is incomplete, nor those beside them who may be in it. */
START_TEST(an_incomplete_source_takes_nobody_out_of_a_binding_of_people)
{
	c = layout_case_new(LAYOUT_HEAD "layout: users\n" LAYOUT_BOTH);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	layout_case_expect(c, "edit: User u:p User u:q User u:r User u:s");
	sync_case_incomplete(c, 0, "page 2 answered 503");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_groups(c, 1, "1 /b r;7 /other t"); /* s left b, and may be in a by now */
	for (int i = 0; i < 3; i++)
		ush_plan_free(sync_case_run(c));
	layout_case_expect(c, "edit: User u:p User u:q User u:r User u:s");
	sync_case_groups(c, 1, "1 /b r,v;7 /other t"); /* who comes is let in all the same */
	ush_plan_free(sync_case_run(c));
	layout_case_expect(c, "edit: User u:p User u:q User u:r User u:s User u:v");
	sync_case_groups(c, 0, "1 /a p,q;2 /b q,r");
	ush_plan_free(sync_case_run(c));
	layout_case_expect(c, "edit: User u:p User u:q User u:r User u:v");
	sync_case_free(c);
}
END_TEST

/* Members that were not read, some who could not be named, and a source in which no group has anybody. */
START_TEST(members_who_are_not_known_are_not_taken_out)
{
	static const char whole[] = "edit: User u:p User u:q User u:r";

	c = layout_case_new(LAYOUT_HEAD "layout: users\n" LAYOUT_ONE);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_groups(c, 0, "1 /a;2 /b q,r");
	c->groups[0].items[0].members_known = false;
	ush_plan_free(sync_case_run(c));
	layout_case_expect(c, whole);
	sync_case_groups(c, 0, "1 /a q;2 /b q,r");
	c->groups[0].items[0].unresolvable = 1;
	ush_plan_free(sync_case_run(c));
	layout_case_expect(c, whole);
	sync_case_groups(c, 0, "1 /a;2 /b");
	ush_plan_free(sync_case_run(c));
	layout_case_expect(c, whole);
	sync_case_groups(c, 0, "1 /a q;2 /b q,r");
	ush_plan_free(sync_case_run(c));
	layout_case_expect(c, "edit: User u:q User u:r");
	sync_case_free(c);
}
END_TEST

START_TEST(a_group_that_is_gone_once_keeps_its_people)
{
	c = layout_case_new(LAYOUT_HEAD "layout: users\n" LAYOUT_BOTH);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_groups(c, 1, "7 /other t");
	ush_plan_free(sync_case_run(c));
	layout_case_expect(c, "edit: User u:p User u:q User u:r User u:s");
	ush_plan_free(sync_case_run(c));
	layout_case_expect(c, "edit: User u:p User u:q");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

static void many_people(int count)
{
	struct ush_group *group = &c->groups[0].items[0];

	ush_members_free(&group->members);
	for (int i = 0; i < count; i++) {
		USH_AUTO_FREE char *name = ush_printf("person%d", i);

		ush_members_add(&group->members, name);
	}
}

START_TEST(more_people_than_a_binding_can_hold_are_refused)
{
	struct ush_plan *plan;

	c = layout_case_new(LAYOUT_HEAD "layout: users\ngrants:\n- {source: one, group: a, role: edit, namespaces: [x], name: e}\n");
	many_people(USH_PEOPLE_MAX + 1);
	plan = sync_case_run_and_count(c, USH_CREATE, 0);
	sync_case_expect_reason(plan, USH_CONFLICT, "e", "would hold 10001 people, more than 10000: not written. Let bindings hold groups (layout: role)");
	ush_plan_free(plan);
	many_people(USH_PEOPLE_MAX);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	ck_assert_uint_eq(json_array_size(json_object_get(sync_case_object(c, "RoleBinding", "x", "e"), "subjects")), USH_PEOPLE_MAX);
	many_people(USH_PEOPLE_MAX + 2); /* what is there stays as it is: nobody loses anything */
	plan = sync_case_run_and_count(c, USH_CONFLICT, 1);
	sync_case_expect_empty(plan);
	ck_assert_uint_eq(json_array_size(json_object_get(sync_case_object(c, "RoleBinding", "x", "e"), "subjects")), USH_PEOPLE_MAX);
	sync_case_free(c);
}
END_TEST

TAP_MAIN("layout", each_layout_makes_its_own_objects, a_binding_refers_to_the_policys_role_or_to_a_cluster_role,
	 another_layout_is_new_bindings_first_and_the_old_ones_after, a_binding_of_a_name_of_its_own_keeps_it_in_every_layout,
	 who_leaves_one_group_and_is_in_another_stays, an_incomplete_source_takes_nobody_out_of_a_binding_of_people,
	 members_who_are_not_known_are_not_taken_out, a_group_that_is_gone_once_keeps_its_people, more_people_than_a_binding_can_hold_are_refused)
