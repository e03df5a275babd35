/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan for a few namespaces (ush_sync.only): it adds, and takes nothing from anybody.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "tests/support/sync_case.h"

#define BINDING(space, name, role, rest)                                                                                               \
	"{'kind':'RoleBinding','metadata':{'name':'" name "','namespace':'" space "','labels':{'app.kubernetes.io/managed-by':'usher-broker',"       \
	"'usher.dev/policy':'default'},'annotations':{'usher.dev/role':'" role "'}},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'" role "'}," rest "}"
#define GROUP(name) "{'apiGroup':'rbac.authorization.k8s.io','kind':'Group','name':'" name "'}"

static struct sync_case *c;

/* The law: whatever there is, nothing goes and nothing is remembered. */
static void expect_partial(const struct ush_plan *plan)
{
	ck_assert(plan->partial);
	ck_assert(!plan->state_changed && !plan->stones_changed);
	ck_assert_uint_eq(plan->state.count + plan->state.heir_count + plan->state.ended.count, 0);
	ck_assert_uint_eq(plan->set_count, 0);
	ck_assert_uint_eq(plan->dangling_count, 0);
	ck_assert_uint_eq(ush_plan_count(plan, USH_REMOVE) + ush_plan_count(plan, USH_REPLACE), 0);
	for (size_t i = 0; i < plan->change_count; i++)
		ck_assert_uint_eq(plan->changes[i].removed_count, 0);
}

static struct ush_plan *plan_of(const char *policy, const char *groups, const char *const *objects)
{
	c = sync_case_begin(policy, groups);
	c->few = true;
	for (size_t i = 0; objects[i] != NULL; i++)
		sync_case_add(c, objects[i]);
	sync_case_namespace(c, "a", "{'team':'pay'}");
	return sync_case_plan(c);
}

START_TEST(what_is_missing_is_made_and_the_next_whole_run_keeps_it)
{
	static const char *const none[] = {NULL};
	USH_AUTO_PLAN plan = plan_of(CASE_GRANTS("- {groupPattern: '/{team}', role: reader, name: r, namespaceSelector: {team: '{team}'}}\n"
						 "- {group: ops, role: edit, name: e, namespaces: [a, b, c]}\n") CASE_LIMITS, "1 /pay;2 /ops;3 /shop", none);

	expect_partial(plan);
	ck_assert_uint_eq(plan->change_count, 3); /* a Role and two RoleBindings, and no word of b and c */
	ck_assert_uint_eq(ush_plan_count(plan, USH_CREATE), 3);
	sync_case_apply(c, plan);
	sync_case_expect_subjects(c, "a", "r", "oidc:pay");
	sync_case_expect_subjects(c, "a", "e", "oidc:ops");
	ush_plan_free(plan);
	plan = sync_case_plan(c);
	expect_partial(plan);
	ck_assert_uint_eq(plan->change_count, 0);
	c->few = false;
	sync_case_namespace(c, "b", "{}");
	sync_case_namespace(c, "c", "{}");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2)); /* those of b and c */
	sync_case_free(c);
}
END_TEST

START_TEST(who_would_leave_stays_and_who_joins_joins)
{
	static const char *const objects[] = {BINDING("a", "e", "edit", "'subjects':[" GROUP("oidc:gone") "," GROUP("oidc:hand") "]"),
					      BINDING("a", "old", "edit", "'subjects':[" GROUP("oidc:ops") "]"), NULL};
	USH_AUTO_PLAN plan = plan_of(CASE_GRANTS("- {group: ops, role: edit, name: e, namespaces: [a]}\n") CASE_LIMITS, "1 /ops;2 /pay", objects);

	expect_partial(plan);
	sync_case_expect_reason(plan, USH_HOLD, "old", "takes nothing away, the next run of apply decides");
	ck_assert_ptr_nonnull(sync_case_change(plan, USH_CHANGE, "e"));
	sync_case_apply(c, plan);
	sync_case_expect_subjects(c, "a", "e", "oidc:gone oidc:hand oidc:ops");
	sync_case_expect_subjects(c, "a", "old", "oidc:ops");
	sync_case_free(c);
}
END_TEST

START_TEST(what_would_lose_somebody_is_left_for_the_whole_run)
{
	static const char *const objects[] = {
		BINDING("a", "e", "view", "'subjects':[" GROUP("oidc:ops") "]"),						  /* another role now */
		BINDING("a", "s", "edit", "'subjects':[" GROUP("oidc:ops") ",{'kind':'ServiceAccount','name':'x','namespace':'a'}]"), /* a stranger in it */
		BINDING("a", "empty", "edit", "'subjects':[]"),
		"{'kind':'Role','metadata':{'name':'unused','namespace':'a','labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/policy':'default'},'annotations':{'usher.dev/role':'unused'}},'rules':[]}",
		BINDING("elsewhere", "x", "edit", "'subjects':[" GROUP("oidc:ops") "]"), NULL};
	USH_AUTO_PLAN plan = plan_of(CASE_GRANTS("- {group: ops, role: edit, name: e, namespaces: [a]}\n- {group: ops, role: edit, name: s, namespaces: [a]}\n"
						 "- {group: pay, role: edit, name: s, namespaces: [a]}\n") CASE_LIMITS, "1 /ops;2 /pay", objects);

	expect_partial(plan);
	ck_assert(!ush_plan_writes(plan));
	sync_case_expect_reason(plan, USH_HOLD, "e", "the next run of apply decides");
	sync_case_expect_reason(plan, USH_HOLD, "s", "the next run of apply decides");
	sync_case_expect_reason(plan, USH_HOLD, "empty", "the next run of apply decides");
	sync_case_expect_reason(plan, USH_HOLD, "unused", "the next run of apply decides");
	ck_assert_ptr_null(sync_case_change(plan, USH_HOLD, "x"));
	ck_assert_uint_eq(plan->for_people_count, 0);
	ck_assert_int_eq(plan->stop.code, USH_OK);
	sync_case_free(c);
}
END_TEST

START_TEST(people_stay_in_bindings_of_people)
{
	static const char *const objects[] = {BINDING("a", "e", "edit", "'subjects':[{'apiGroup':'rbac.authorization.k8s.io','kind':'User','name':'left'}]"), NULL};
	USH_AUTO_PLAN plan = plan_of(CASE_GRANTS("- {group: ops, role: edit, name: e, namespaces: [a]}\n") "layout: users\n" CASE_LIMITS, "1 /ops carol,dave", objects);

	expect_partial(plan);
	sync_case_apply(c, plan);
	sync_case_expect_subjects(c, "a", "e", "carol dave left");
	sync_case_free(c);
}
END_TEST

/* The state alone knows of the old group here. */
START_TEST(a_group_made_anew_waits_for_a_word)
{
	USH_AUTO_PLAN plan = NULL;
	struct ush_tombstone stone = {(char *)"main", (char *)"1", (char *)"ops", (char *)"oidc:ops", 1790000000, 0, true, NULL};

	c = sync_case_begin(CASE_GRANTS("- {group: ops, role: edit, name: e, namespaces: [a]}\n"), "2 /ops");
	c->few = true;
	sync_case_namespace(c, "a", NULL);
	ush_state_set(&c->state, &stone);
	plan = sync_case_plan(c);
	expect_partial(plan);
	ck_assert(sync_case_change(plan, USH_CREATE, "e")->consent);
	ck_assert_uint_eq(ush_plan_consent(plan, false), 1);
	ck_assert(!ush_plan_writes(plan));
	sync_case_free(c);
}
END_TEST

START_TEST(limits_of_what_is_given_hold_and_percentages_of_all_do_not)
{
	static const char *const none[] = {NULL};
#define GIVEN CASE_GRANTS("- {group: ops, role: edit, name: e, namespaces: [a]}\n")
	struct ush_plan *plan = plan_of(GIVEN "limits: {add: {people: 2}}\n", "1 /ops a,b,c", none);

	ck_assert_int_eq(plan->stop.code, USH_ERR_REFUSED);
	ush_plan_free(plan);
	sync_case_free(c);
	plan = plan_of(GIVEN "limits: {add: {people: 1%}}\n", "1 /ops a,b,c,d,e,f,g,h", none);
	ck_assert_int_eq(plan->stop.code, USH_OK);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

START_TEST(grants_that_are_for_others_are_not_spoken_of)
{
	static const char *const none[] = {NULL};
	USH_AUTO_PLAN plan = plan_of(CASE_GRANTS("- {group: away, role: edit, namespaces: [b]}\n- {group: gone, role: edit, namespaces: [a]}\n"
						 "- {groupPattern: '/x/{t}', role: edit, namespaceSelector: {team: '{t}', tier: prod}}\n"
						 "- {groupPattern: '/y/{t}', role: edit, namespaceSelector: {team: '{t}'}}\n"), "1 /ops", none);

	expect_partial(plan);
	ck_assert_uint_eq(ush_plan_count(plan, USH_NOTE), 2);
	ck_assert_ptr_nonnull(strstr(plan->changes[0].reason, "has no group gone"));
	ck_assert_ptr_nonnull(strstr(plan->changes[1].reason, "has no group like /y/{t}"));
	sync_case_free(c);
}
END_TEST

/* The policy's binding of group 1 stands in b; then there is another group of that name, and a is asked about. */
static json_t *made_anew(const char *policy)
{
	c = sync_case_begin(policy, "1 /ops");
	sync_case_namespace(c, "b", NULL);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_groups(c, 0, "2 /ops");
	json_array_clear(c->namespaces);
	sync_case_namespace(c, "a", NULL);
	c->few = true;
	return sync_case_object(c, "RoleBinding", "b", "e");
}

static bool waits(void)
{
	USH_AUTO_PLAN plan = sync_case_plan(c);

	expect_partial(plan);
	ck_assert_uint_eq(plan->change_count, 1);
	return sync_case_change(plan, USH_CREATE, "e")->consent;
}

START_TEST(who_had_the_name_in_another_namespace_is_asked_about)
{
	static const char policy[] = CASE_GRANTS("- {group: ops, role: edit, name: e, namespaces: [a, b]}\n");
	json_t *there = made_anew(policy), *subjects = json_object_get(there, "subjects");
	USH_AUTO_PLAN plan = sync_case_plan(c);
	json_t *labels = json_object_get(json_object_get(there, "metadata"), "labels");

	sync_case_expect_reason(plan, USH_CREATE, "e", "id 1 before, says b/e, 2 now");
	ck_assert(waits());
	sync_case_groups(c, 0, "1 /ops"); /* it is back */
	ck_assert(!waits());
	sync_case_groups(c, 0, "2 /ops");
	ush_state_set_heir(&c->state, "main", "2", "oidc:ops", true); /* somebody said yes */
	ck_assert(!waits());
	ush_state_free(&c->state);
	json_incref(subjects);
	json_object_set_new(there, "subjects", json_array()); /* the record alone says nothing */
	ck_assert(!waits());
	json_object_set_new(there, "subjects", subjects);
	ck_assert(waits());
	json_object_del(labels, "usher.dev/policy"); /* nor does what is not ours */
	ck_assert(!waits());
	sync_case_free(c);
}
END_TEST

START_TEST(what_stands_in_an_excluded_namespace_says_nothing)
{
	made_anew(CASE_GRANTS("- {group: ops, role: edit, name: e, namespaces: [a, b]}\n"));
	sync_case_policy(c, CASE_GRANTS("- {group: ops, role: edit, name: e, namespaces: [a]}\n") "exclude: {namespaces: [b]}\n");
	ck_assert(!waits());
	sync_case_free(c);
}
END_TEST

/* Renamed after it was granted: the grant still calls the binding's group as the new one is called. */
START_TEST(a_name_that_the_policy_still_has_for_another_counts)
{
	made_anew(CASE_GRANTS("- {group: ops, role: edit, name: e, namespaces: [a, b]}\n"));
	c->few = false;
	json_array_clear(c->namespaces);
	sync_case_namespace(c, "b", NULL);
	sync_case_groups(c, 0, "1 /operators");
	ush_plan_free(sync_case_run(c));
	sync_case_expect_subjects(c, "b", "e", "oidc:operators");
	ush_state_free(&c->state); /* which knows it, too */
	sync_case_groups(c, 0, "1 /operators;2 /ops");
	json_array_clear(c->namespaces);
	sync_case_namespace(c, "a", NULL);
	c->few = true;
	ck_assert(waits());
	sync_case_free(c);
}
END_TEST

TAP_MAIN("partial", what_is_missing_is_made_and_the_next_whole_run_keeps_it, who_would_leave_stays_and_who_joins_joins,
	 what_would_lose_somebody_is_left_for_the_whole_run, people_stay_in_bindings_of_people, a_group_made_anew_waits_for_a_word,
	 limits_of_what_is_given_hold_and_percentages_of_all_do_not, grants_that_are_for_others_are_not_spoken_of,
	 who_had_the_name_in_another_namespace_is_asked_about, what_stands_in_an_excluded_namespace_says_nothing,
	 a_name_that_the_policy_still_has_for_another_counts)
