/* SPDX-License-Identifier: Apache-2.0
 *
 * What grants mean: patterns with captures, labels, exclusions, layouts; on a cluster in memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"


static struct sync_case *c;

/* "namespace/name: subjects" of every binding, in the cluster's order. */
static void expect_bindings(size_t count)
{
	size_t i, found = 0;
	const json_t *object;

	json_array_foreach(c->cluster, i, object)
		found += strcmp(ush_json_string(object, "kind"), "RoleBinding") == 0;
	ck_assert_uint_eq(found, count);
}

static void expect_subject(const char *namespace_name, const char *text, bool there)
{
	size_t i, j;
	const json_t *object, *subject;
	bool found = false;

	json_array_foreach(c->cluster, i, object)
		if (strcmp(ush_json_string(json_object_get(object, "metadata"), "namespace"), namespace_name) == 0)
			json_array_foreach(json_object_get(object, "subjects"), j, subject)
				found |= strcmp(ush_json_string(subject, "name"), text) == 0;
	ck_assert_msg(found == there, "%s %s in %s", text, there ? "lacks" : "is", namespace_name);
}

/* ---- patterns and labels ---- */

#define CAPTURED CASE_GRANTS("- {groupPattern: '/teams/{team}/dev', role: edit, namespacePattern: '{team}-*', except: ['*-vault']}\n") CASE_LIMITS

START_TEST(a_pattern_puts_its_captures_into_the_namespaces)
{
	c = sync_case_begin(CAPTURED, "1 /teams/pay/dev p;2 /teams/shop/dev q;3 /teams/pay/ops r;4 /other/pay/dev s");
	sync_case_namespace(c, "pay-test", NULL);
	sync_case_namespace(c, "pay-prod", NULL);
	sync_case_namespace(c, "pay-vault", NULL);
	sync_case_namespace(c, "shop-prod", NULL);
	sync_case_namespace(c, "payments", NULL);
	c->policy->group_name = USH_GROUP_PATH;
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 3));
	expect_subject("pay-test", "oidc:/teams/pay/dev", true);
	expect_subject("pay-prod", "oidc:/teams/pay/dev", true);
	expect_subject("shop-prod", "oidc:/teams/shop/dev", true);
	expect_subject("shop-prod", "oidc:/teams/pay/dev", false);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_namespace(c, "shop-test", NULL); /* a namespace that comes later is found by itself */
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	expect_subject("shop-test", "oidc:/teams/shop/dev", true);
	sync_case_free(c);
}
END_TEST

/* C5: a match that is gone is a tombstone, by the group's id. */
START_TEST(a_group_that_a_pattern_matched_is_mourned_like_any_other)
{
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {groupPattern: 't-*', role: edit, namespaces: [x]}\n") CASE_LIMITS, "1 /t-a p;2 /t-b q;3 /z r");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_groups(c, 0, "2 /t-b q;3 /z r");
	plan = sync_case_run_and_count(c, USH_KEEP, 1);
	sync_case_expect_reason(plan, USH_KEEP, "usher-edit-1dbac2f6", "kept: group /t-a is gone from source main");
	ush_plan_free(plan);
	ck_assert_str_eq(c->state.items[0].id, "1");
	expect_subject("x", "oidc:t-a", true);
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
	expect_subject("x", "oidc:t-a", false);
	expect_subject("x", "oidc:t-b", true);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(namespaces_are_meant_by_their_labels)
{
	c = sync_case_begin(CASE_GRANTS("- {group: a, role: edit, namespaceSelector: {tier: prod}}\n") CASE_LIMITS, "1 /a p");
	sync_case_namespace(c, "one", "{'tier':'prod'}");
	sync_case_namespace(c, "two", "{'tier':'test'}");
	sync_case_namespace(c, "three", NULL);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	expect_subject("one", "oidc:a", true);
	json_decref(c->namespaces);
	c->namespaces = NULL;
	sync_case_namespace(c, "one", NULL); /* somebody took its label away */
	sync_case_namespace(c, "two", "{'tier':'prod'}");
	ush_plan_free(sync_case_run_and_count(c, USH_REMOVE, 1));
	expect_subject("two", "oidc:a", true);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(what_is_excluded_is_never_bound_and_never_touched)
{
	USH_AUTO_FREE char *before = NULL, *after = NULL;
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {groupPattern: 'g*', role: edit, namespaces: [kube-system, x]}\n") CASE_LIMITS, "1 /ga p;2 /guests q");
	sync_case_namespace(c, "kube-system", NULL);
	sync_case_namespace(c, "x", NULL);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	before = ush_json_canonical(sync_case_object(c, "RoleBinding", "kube-system", "usher-edit-1dbac2f6"));
	sync_case_policy(c, CASE_GRANTS("- {groupPattern: 'g*', role: edit, namespaces: [kube-system, x]}\n") CASE_LIMITS "exclude: {groups: [guests], namespaces: ['kube-*']}\n");
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	ush_plan_free(plan);
	expect_subject("x", "oidc:guests", false);
	after = ush_json_canonical(sync_case_object(c, "RoleBinding", "kube-system", "usher-edit-1dbac2f6"));
	ck_assert_str_eq(before, after);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* A cluster that takes names in lower case cannot tell two groups by their case. */
START_TEST(groups_that_differ_by_case_are_one_to_a_cluster_that_lowers_it)
{
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {group: Devs, role: edit, namespaces: [x]}\n- {group: Ops, role: edit, namespaces: [x]}\n"), "1 /Devs p;2 /devs q;3 /Ops r");
	c->policy->lower_case = true;
	plan = sync_case_run_and_count(c, USH_CONFLICT, 1);
	ck_assert_ptr_nonnull(strstr(plan->changes[plan->change_count - 1].reason, "tokens call both /Devs and /devs"));
	ush_plan_free(plan);
	expect_subject("x", "oidc:ops", true);
	sync_case_free(c);
}
END_TEST

START_TEST(two_grants_that_want_one_binding_with_two_roles_are_told)
{
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {groupPattern: 'a*', role: edit, namespacePattern: 'x*', name: one}\n- {groupPattern: 'b*', role: reader, namespacePattern: 'x*', name: one}\n"),
	      "1 /a1 p;2 /b1 q");
	sync_case_namespace(c, "x1", NULL);
	plan = sync_case_run_and_count(c, USH_CONFLICT, 1);
	sync_case_expect_reason(plan, USH_CONFLICT, "one", "grants[1] wants another role in this binding than grants[0]");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x1", "one", "oidc:a1");
	sync_case_free(c);
}
END_TEST

/* BC15 */
START_TEST(a_namespace_that_goes_is_passed_over_and_one_made_anew_gets_all_again)
{
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {group: a, role: reader, namespaces: [x], name: r}\n") CASE_LIMITS, "1 /a p");
	sync_case_namespace(c, "x", NULL);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	json_object_set_new(json_array_get(c->namespaces, 0), "terminating", json_true());
	json_array_clear(c->cluster);
	plan = sync_case_run_and_count(c, USH_CREATE, 0);
	sync_case_expect_reason(plan, USH_NOTE, "r", "namespace x is being deleted: passed over");
	ck_assert_uint_eq(ush_plan_count(plan, USH_PENDING), 0);
	ush_plan_free(plan);
	json_array_clear(c->namespaces);
	plan = sync_case_run_and_count(c, USH_CREATE, 0);
	sync_case_expect_reason(plan, USH_PENDING, "r", "namespace x is not there yet");
	ush_plan_free(plan);
	sync_case_namespace(c, "x", NULL);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* ---- layouts ---- */

/* BC08: whatever groups are called, each has a binding of its own that says so. */
START_TEST(a_binding_a_group_has_a_name_that_only_the_id_decides)
{
	static const char *const names[] = {"g-Admins", "g-admins", "g-a/b", "g-with space", "g-\xf0\x9f\x90\xb3"};
	size_t i;
	const json_t *object;

	c = sync_case_begin("layout: group\n" CASE_GRANTS("- {groupPattern: 'g-*', role: edit, namespaces: [x]}\n- {groupPattern: '/g-*/*', role: edit, namespaces: [x]}\n") CASE_LIMITS, "keep /keep z");
	for (i = 0; i < USH_COUNT(names); i++) {
		char id[8], path[64];

		snprintf(id, sizeof id, "%zu", i);
		snprintf(path, sizeof path, "/%s", names[i]);
		ush_groups_add(&c->groups[0], id, names[i], path)->members_known = true;
	}
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 5));
	expect_bindings(5);
	json_array_foreach(c->cluster, i, object) {
		const char *name = ush_json_string(json_object_get(object, "metadata"), "name");

		ck_assert_msg(ush_name_not_subdomain(name) == NULL, "%s", name);
		ck_assert_uint_eq(json_array_size(json_object_get(object, "subjects")), 1);
	}
	expect_subject("x", "oidc:g-\xf0\x9f\x90\xb3", true);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* T55 */
START_TEST(a_million_names_of_bindings_are_a_million)
{
	enum { MANY = 1000000 };
	static char *names[MANY];
	USH_AUTO_FREE char *again = NULL;
	char id[40];

	c = sync_case_begin("layout: group\n" CASE_GRANTS("- {group: a, role: edit, namespaces: [x]}\n- {group: a, role: reader, namespaces: [x]}\n"), "");
	for (int i = 0; i < MANY; i++) {
		snprintf(id, sizeof id, i % 3 == 0 ? "%d" : i % 3 == 1 ? "/teams/%d/dev" : "group-%d", i / 2);
		names[i] = ush_grant_binding(c->policy, &c->policy->grants[i % 2], id);
	}
	snprintf(id, sizeof id, "0");
	again = ush_grant_binding(c->policy, &c->policy->grants[0], id);
	ck_assert_str_eq(names[0], again);
	ck_assert_str_eq(again, "usher-edit-1686c27bd420defc"); /* on any host, for ever */
	qsort(names, MANY, sizeof *names, by_text);
	for (int i = 1; i < MANY; i++)
		ck_assert_msg(strcmp(names[i - 1], names[i]) != 0, "%s twice", names[i]);
	for (int i = 0; i < MANY; i++)
		free(names[i]);
	sync_case_free(c);
}
END_TEST

#define PEOPLE "layout: users\n" CASE_GRANTS("- {group: a, role: edit, namespaces: [x], name: e}\n- {group: b, role: edit, namespaces: [x], name: e}\n") CASE_LIMITS

START_TEST(a_binding_of_people_follows_its_groups)
{
	const json_t *subject;
	struct ush_plan *plan;

	c = sync_case_begin(PEOPLE, "1 /a carol,dave;2 /b dave,erin");
	free(c->policy->user_prefix);
	c->policy->user_prefix = ush_strdup("u:");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_expect_subjects(c, "x", "e", "u:carol u:dave u:erin");
	subject = json_array_get(json_object_get(sync_case_object(c, "RoleBinding", "x", "e"), "subjects"), 0);
	ck_assert_str_eq(ush_json_string(subject, "kind"), "User");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_groups(c, 0, "1 /a dave,frank;2 /b dave,erin");
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	ck_assert_uint_eq(plan->changes[0].removed_count, 1);
	ck_assert_str_eq(plan->changes[0].removed[0].text, "u:carol");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "e", "u:dave u:erin u:frank");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(nobody_is_taken_out_of_a_binding_of_people_on_doubt)
{
	c = sync_case_begin(PEOPLE, "1 /a carol,dave;2 /b dave,erin");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_incomplete(c, 0, "page 2");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_groups(c, 0, "1 /a;2 /b"); /* groups without a single member */
	sync_case_expect_empty(sync_case_run(c));
	sync_case_groups(c, 0, "1 /a;2 /b dave,erin");
	c->groups[0].items[0].members_known = false; /* its members were not read */
	sync_case_expect_empty(sync_case_run(c));
	sync_case_groups(c, 0, "1 /a;2 /b dave,erin");
	c->groups[0].items[0].unresolvable = 1; /* somebody without a name */
	sync_case_expect_empty(sync_case_run(c));
	sync_case_expect_subjects(c, "x", "e", "carol dave erin");
	sync_case_groups(c, 0, "2 /b dave,erin;3 /c z"); /* the group is gone: first a tombstone */
	ush_plan_free(sync_case_run_and_count(c, USH_KEEP, 1));
	sync_case_expect_subjects(c, "x", "e", "carol dave erin");
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
	sync_case_expect_subjects(c, "x", "e", "dave erin");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(a_binding_of_more_people_than_fit_is_refused)
{
	struct ush_plan *plan;
	char name[32];

	c = sync_case_begin(PEOPLE, "1 /a;2 /b x");
	for (int i = 0; i < USH_PEOPLE_MAX; i++) {
		snprintf(name, sizeof name, "p%05d", i);
		ush_members_add(&c->groups[0].items[0].members, name);
	}
	plan = sync_case_run_and_count(c, USH_CONFLICT, 1);
	sync_case_expect_reason(plan, USH_CONFLICT, "e", "would hold 10001 people, more than 10000");
	ush_plan_free(plan);
	expect_bindings(0);
	sync_case_free(c);
}
END_TEST

/* Another layout is other bindings: the new ones come first, the old ones go last. */
START_TEST(another_layout_replaces_the_bindings_without_a_gap)
{
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {groupPattern: 'g*', role: edit, namespaces: [x]}\n") CASE_LIMITS, "1 /ga p;2 /gb q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, "layout: group\n" CASE_GRANTS("- {groupPattern: 'g*', role: edit, namespaces: [x]}\n") CASE_LIMITS);
	plan = sync_case_run_and_count(c, USH_CREATE, 2);
	ck_assert_uint_eq(ush_plan_count(plan, USH_REMOVE), 1);
	ck_assert_int_eq(plan->changes[0].action, USH_CREATE);
	ush_plan_free(plan);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

TAP_MAIN("sync_grants", a_pattern_puts_its_captures_into_the_namespaces, a_group_that_a_pattern_matched_is_mourned_like_any_other,
	 namespaces_are_meant_by_their_labels, what_is_excluded_is_never_bound_and_never_touched,
	 groups_that_differ_by_case_are_one_to_a_cluster_that_lowers_it, two_grants_that_want_one_binding_with_two_roles_are_told,
	 a_namespace_that_goes_is_passed_over_and_one_made_anew_gets_all_again, a_binding_a_group_has_a_name_that_only_the_id_decides,
	 a_million_names_of_bindings_are_a_million, a_binding_of_people_follows_its_groups, nobody_is_taken_out_of_a_binding_of_people_on_doubt,
	 a_binding_of_more_people_than_fit_is_refused, another_layout_replaces_the_bindings_without_a_gap)
