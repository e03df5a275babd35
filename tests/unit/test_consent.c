/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups that are renamed (the same id) and groups that are deleted and made anew (another id under the old name). BC09.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define ONE	     CASE_GRANTS("- {group: a, role: reader, namespaces: [x], name: readers}\n") CASE_LIMITS

static struct sync_case *c;

static void expect_origin(const char *what)
{
	const json_t *object = sync_case_object(c, "RoleBinding", "x", "readers");
	const char *text = ush_json_string(json_object_get(json_object_get(object, "metadata"), "annotations"), "usher.dev/source-id");

	ck_assert_msg(text != NULL && strstr(text, what) != NULL, "%s lacks %s", text, what);
}

/* BC09, T53: the same binding, the new name, a new annotation. */
START_TEST(a_group_that_is_renamed_keeps_its_binding_under_the_new_name)
{
	struct ush_plan *plan;

	c = sync_case_begin(ONE, "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_groups(c, 0, "1 /alpha p;2 /b q");
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	sync_case_expect_reason(plan, USH_CHANGE, "readers", "group a is called alpha in source main now (same id); the binding follows it");
	ck_assert_uint_eq(ush_plan_count(plan, USH_REMOVE) + ush_plan_count(plan, USH_CREATE), 0);
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "readers", "oidc:alpha");
	expect_origin("\"granted\":\"a\"");
	for (int i = 0; i < 4; i++) { /* and stays, and says so each time */
		plan = sync_case_run(c);
		sync_case_expect_reason(plan, USH_NOTE, "readers", "Write the new name into the policy");
		sync_case_expect_empty(plan);
	}
	sync_case_policy(c, CASE_GRANTS("- {group: alpha, role: reader, namespaces: [x], name: readers}\n") CASE_LIMITS);
	ush_plan_free(sync_case_run(c));
	sync_case_expect_subjects(c, "x", "readers", "oidc:alpha");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

#define EDITORS(group, drift) CASE_GRANTS("- {group: " group ", role: edit, namespaces: [x], name: readers}\n") CASE_LIMITS "drift: " drift "\n"

/* A roleRef cannot be changed: somebody deleted ours and made one for another role, with our marks. */
static void made_by_hand_for(const char *role)
{
	json_t *binding = sync_case_object(c, "RoleBinding", "x", "readers");

	json_object_set_new(json_object_get(binding, "roleRef"), "name", json_string(role));
	json_object_set_new(json_object_get(binding, "metadata"), "managedFields",
			    json_pack("[{s:s, s:s, s:{s:{}, s:{}}}]", "manager", "kubectl-replace", "time", "2027-01-15T08:00:00Z", "fieldsV1", "f:subjects", "f:roleRef"));
}

/* Renamed before or after: nobody keeps under a new name a role that no grant gives, nor is put into it. */
START_TEST(a_renamed_group_is_not_followed_into_a_role_that_a_hand_chose)
{
	for (int followed = 0; followed < 2; followed++) {
		struct ush_plan *plan;

		c = sync_case_begin(EDITORS("a", "repair"), "1 /a p;2 /b q");
		ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
		sync_case_groups(c, 0, "1 /alpha p;2 /b q");
		if (followed != 0)
			ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
		made_by_hand_for("admin");
		plan = sync_case_run_and_count(c, USH_REMOVE, 1);
		sync_case_expect_reason(plan, USH_REMOVE, "readers", "group a is called alpha in source main now (same id), and this is for ClusterRole/admin, which is not granted to it");
		ush_plan_free(plan);
		sync_case_expect_subjects(c, "x", "readers", "");
		ush_plan_free(sync_case_run(c));
		sync_case_expect_empty(sync_case_run(c));
		sync_case_policy(c, EDITORS("alpha", "repair"));
		ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
		sync_case_expect_subjects(c, "x", "readers", "oidc:alpha");
		sync_case_free(c);
	}
}
END_TEST

/* BE30: what another hand did is told there, and left; nobody is let in by it all the same. */
START_TEST(in_report_a_role_that_a_hand_chose_stays_and_nobody_follows_into_it)
{
	c = sync_case_begin(EDITORS("a", "report"), "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_groups(c, 0, "1 /alpha p;2 /b q");
	made_by_hand_for("admin");
	for (int i = 0; i < 3; i++) {
		ush_plan_free(sync_case_run_and_count(c, USH_REMOVE, 0));
		sync_case_expect_subjects(c, "x", "readers", "oidc:a");
	}
	sync_case_free(c);
}
END_TEST

START_TEST(a_new_name_that_another_group_has_or_had_is_not_followed)
{
	struct ush_plan *plan;

	c = sync_case_begin(ONE, "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_groups(c, 0, "1 /t/b p;2 /b q");
	plan = sync_case_run(c);
	sync_case_expect_reason(plan, USH_HOLD, "readers", "who that is could not be told; kept as it is");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "readers", "oidc:a");
	sync_case_free(c);
}
END_TEST

/* BC09, T53: the new id gets nothing until a person says so; the old one goes as any group that is gone. */
START_TEST(a_group_made_anew_is_another_group_until_somebody_says_yes)
{
	struct ush_plan *plan;

	c = sync_case_begin(ONE, "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_groups(c, 0, "9 /a mallory;2 /b q");
	plan = sync_case_run(c);
	sync_case_expect_reason(plan, USH_CHANGE, "readers", "deleted and made anew (id 1 before, 9 now)");
	ck_assert(sync_case_change(plan, USH_CHANGE, "readers")->consent);
	sync_case_expect_reason(plan, USH_KEEP, "readers", "kept: group a is gone from source main");
	ush_plan_free(plan);
	expect_origin("\"id\":\"1\"");
	plan = sync_case_run(c); /* the second complete run without the old one: it goes, and the new one does not slip in */
	sync_case_expect_reason(plan, USH_REMOVE, "readers", "gone since");
	ush_plan_free(plan);
	for (int i = 0; i < 3; i++) {
		plan = sync_case_run(c);
		ck_assert(sync_case_change(plan, USH_CREATE, "readers")->consent);
		ush_plan_free(plan);
		ck_assert_ptr_null(sync_case_object(c, "RoleBinding", "x", "readers"));
	}
	c->confirm = true;
	ush_plan_free(sync_case_run(c));
	c->confirm = false;
	sync_case_expect_subjects(c, "x", "readers", "oidc:a");
	expect_origin("\"id\":\"9\"");
	ush_plan_free(sync_case_run(c));
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(a_yes_at_once_changes_the_binding_in_place)
{
	c = sync_case_begin(ONE, "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_groups(c, 0, "9 /a p;2 /b q");
	c->confirm = true;
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
	c->confirm = false;
	expect_origin("\"id\":\"9\"");
	ush_plan_free(sync_case_run(c));
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* The old id comes back: it is the old group, and nobody need say anything. */
START_TEST(a_group_that_comes_back_by_its_id_needs_no_consent)
{
	struct ush_plan *plan;

	c = sync_case_begin(ONE, "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_groups(c, 0, "2 /b q");
	ush_plan_free(sync_case_run(c));
	ush_plan_free(sync_case_run(c));
	ck_assert_ptr_null(sync_case_object(c, "RoleBinding", "x", "readers"));
	sync_case_groups(c, 0, "1 /a p;2 /b q");
	plan = sync_case_run_and_count(c, USH_CREATE, 2);
	ck_assert(!sync_case_change(plan, USH_CREATE, "readers")->consent);
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "readers", "oidc:a");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(a_plan_without_a_yes_holds_what_waits_for_one)
{
	struct ush_plan *plan, *read;
	USH_AUTO_JSON json = NULL;
	struct ush_error err = {0};

	c = sync_case_begin(ONE, "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_groups(c, 0, "9 /a p;2 /b q");
	plan = sync_case_plan(c);
	json = ush_plan_to_json(plan);
	read = ush_plan_from_json(json, "plan.json", &err);
	ck_assert_msg(read != NULL, "%s", err.what);
	ck_assert_uint_eq(ush_plan_consent(plan, false), 1);
	ck_assert_uint_eq(ush_plan_count(plan, USH_CHANGE), 0);
	ck_assert_uint_eq(ush_plan_consent(read, true), 0);
	ck_assert_uint_eq(ush_plan_count(read, USH_CHANGE), 1);
	ck_assert_uint_eq(plan->object_count, 2); /* of the two that render could write, one is left each */
	ush_plan_free(plan);
	ush_plan_free(read);
	sync_case_free(c);
}
END_TEST

/* ---- swapped: the old group is called otherwise, and another one has its name, all between two runs ---- */

#define PATTERN	      CASE_GRANTS("- {groupPattern: 't-*', role: reader, namespaces: [x], name: readers}\n") CASE_LIMITS
#define PATTERN_EACH  CASE_GRANTS("- {groupPattern: 't-*', role: reader, namespaces: [x]}\n") CASE_LIMITS "layout: group\n"
#define EACH	      CASE_GRANTS("- {group: a, role: reader, namespaces: [x]}\n") CASE_LIMITS "layout: group\n"
#define IN_X(subject) "x:" subject ";"

/* Every subject of every binding: "x:oidc:a;". */
static char *all_subjects(void)
{
	struct ush_buf all = {0};
	size_t i, j;
	const json_t *object, *subject;

	ush_buf_puts(&all, "");
	json_array_foreach(c->cluster, i, object)
		json_array_foreach(json_object_get(object, "subjects"), j, subject)
			ush_buf_printf(&all, "%s:%s;", ush_json_string(json_object_get(object, "metadata"), "namespace"), ush_json_string(subject, "name"));
	return ush_buf_take(&all);
}

static void expect_all(const char *what)
{
	USH_AUTO_FREE char *all = all_subjects();

	ck_assert_str_eq(all, what);
}

/* BC09, T53: B's people lose nothing, the new A gets nothing until somebody says so, however many runs go by. */
START_TEST(a_name_that_passed_to_another_group_gives_it_nothing)
{
	static const struct {
		const char *policy, *before, *after, *alone, *with;
	} cases[] = {
		{ONE, "1 /a p;2 /b q", "1 /alpha p;9 /a mallory;2 /b q", IN_X("oidc:alpha"), IN_X("oidc:a") IN_X("oidc:alpha")},
		{EACH, "1 /a p;2 /b q", "1 /alpha p;9 /a mallory;2 /b q", IN_X("oidc:alpha"), IN_X("oidc:alpha") IN_X("oidc:a")},
		{PATTERN, "1 /t-a p;2 /b q", "1 /t-b p;9 /t-a mallory;2 /b q", IN_X("oidc:t-b"), IN_X("oidc:t-a") IN_X("oidc:t-b")},
		{PATTERN_EACH, "1 /t-a p;2 /b q", "1 /t-b p;9 /t-a mallory;2 /b q", IN_X("oidc:t-b"), IN_X("oidc:t-b") IN_X("oidc:t-a")},
		/* renamed out of the pattern: nothing is granted to it any more, and to the new one nothing yet */
		{PATTERN, "1 /t-a p;2 /b q", "1 /z p;9 /t-a mallory;2 /b q", "", IN_X("oidc:t-a")},
		/* the new name is one that two have: neither can be told, and the old name is not kept up for the new one */
		{ONE, "1 /a p;2 /b q", "1 /t/b p;9 /a mallory;2 /b q", "", IN_X("oidc:a")},
		/* two have the old name: neither gets it */
		{ONE, "1 /a p;2 /b q", "1 /alpha p;9 /a mallory;8 /t/a eve;2 /b q", IN_X("oidc:alpha"), IN_X("oidc:alpha")},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		c = sync_case_begin(cases[i].policy, cases[i].before);
		ush_plan_free(sync_case_run(c));
		sync_case_groups(c, 0, cases[i].after);
		for (int run = 0; run < 4; run++) {
			ush_plan_free(sync_case_run(c));
			expect_all(cases[i].alone);
		}
		c->confirm = true;
		ush_plan_free(sync_case_run(c));
		c->confirm = false;
		expect_all(cases[i].with);
		sync_case_free(c);
	}
}
END_TEST

/* The state of the first run was lost: the binding itself says what the policy called its group. */
START_TEST(a_name_that_passed_on_is_known_without_the_state)
{
	static const char *const policies[] = {ONE, CASE_GRANTS("- {group: /o/a, role: reader, namespaces: [x], name: readers}\n") CASE_LIMITS};

	for (size_t i = 0; i < USH_COUNT(policies); i++) {
		c = sync_case_begin(policies[i], i == 0 ? "1 /a p;2 /b q" : "1 /o/a p;2 /b q");
		ush_plan_free(sync_case_run(c));
		sync_case_groups(c, 0, i == 0 ? "1 /alpha p;2 /b q" : "1 /o/alpha p;2 /b q");
		ush_plan_free(sync_case_run(c));
		expect_all(IN_X("oidc:alpha"));
		ush_state_free(&c->state);
		c->state = (struct ush_state){0};
		sync_case_groups(c, 0, i == 0 ? "1 /alpha p;9 /a mallory;2 /b q" : "1 /o/alpha p;9 /o/a mallory;2 /b q");
		for (int run = 0; run < 3; run++) {
			ush_plan_free(sync_case_run(c));
			expect_all(IN_X("oidc:alpha"));
		}
		sync_case_free(c);
	}
}
END_TEST

#define EXCLUDE(group) ONE "exclude: {groups: [" group "]}\n"

/* What is excluded is never bound: not the group that a binding follows either; and to exclude the new one takes nothing
 * from the old one. */
START_TEST(a_group_that_is_followed_can_be_excluded)
{
	c = sync_case_begin(ONE, "1 /a p;2 /b q");
	ush_plan_free(sync_case_run(c));
	sync_case_groups(c, 0, "1 /alpha p;9 /a mallory;2 /b q");
	sync_case_policy(c, EXCLUDE("a"));
	for (int run = 0; run < 3; run++) {
		ush_plan_free(sync_case_run(c));
		expect_all(IN_X("oidc:alpha"));
	}
	sync_case_policy(c, EXCLUDE("alpha"));
	ush_plan_free(sync_case_run(c));
	expect_all("");
	sync_case_free(c);
}
END_TEST

/* BC21: a clock that is set back gives nothing back. */
START_TEST(a_grant_that_ended_stays_ended_whatever_the_clock_says_later)
{
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {group: a, role: edit, namespaces: [x], name: e, notAfter: 2027-01-16}\n") CASE_LIMITS, "1 /a p");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	c->now += 86400;
	ush_plan_free(sync_case_run_and_count(c, USH_REMOVE, 1));
	c->now -= 2 * 86400;
	plan = sync_case_run(c);
	sync_case_expect_empty(plan);
	ck_assert_ptr_null(sync_case_object(c, "RoleBinding", "x", "e"));
	sync_case_policy(c, CASE_GRANTS("- {group: a, role: edit, namespaces: [x], name: e, notAfter: 2027-01-17}\n") CASE_LIMITS); /* a person extends it */
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

TAP_MAIN("consent", a_group_that_is_renamed_keeps_its_binding_under_the_new_name, a_new_name_that_another_group_has_or_had_is_not_followed,
	 a_name_that_passed_to_another_group_gives_it_nothing, a_name_that_passed_on_is_known_without_the_state, a_group_that_is_followed_can_be_excluded,
	 a_renamed_group_is_not_followed_into_a_role_that_a_hand_chose, in_report_a_role_that_a_hand_chose_stays_and_nobody_follows_into_it,
	 a_group_made_anew_is_another_group_until_somebody_says_yes, a_yes_at_once_changes_the_binding_in_place,
	 a_group_that_comes_back_by_its_id_needs_no_consent, a_plan_without_a_yes_holds_what_waits_for_one,
	 a_grant_that_ended_stays_ended_whatever_the_clock_says_later)
