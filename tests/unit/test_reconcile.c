/* SPDX-License-Identifier: Apache-2.0
 *
 * The laws of reconcile, on a cluster in memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define ONE	     CASE_GRANTS("- {group: a, role: reader, namespaces: [x], name: readers}\n") CASE_LIMITS

static struct sync_case *c;

/* ---- the laws ---- */

START_TEST(what_is_as_desired_needs_nothing)
{
	c = sync_case_begin(ONE, "1 /a carol,dave");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_expect_subjects(c, "x", "readers", "oidc:a");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

static unsigned int seed;

static unsigned int chance(unsigned int below)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 12) % below;
}

/* A policy with up to six grants over five groups, three namespaces, two roles. */
static char *random_policy(void)
{
	static const char *const names[] = {"", ", name: one", ", name: two"};
	struct ush_buf text = {0};
	unsigned int grants = chance(7);

	ush_buf_puts(&text, CASE_HEAD);
	ush_buf_puts(&text, grants == 0 ? "grants: []\n" : "grants:\n");
	for (unsigned int i = 0; i < grants; i++) {
		unsigned int role = chance(2);

		ush_buf_printf(&text, "- {group: g%u, role: %s, namespaces: [n%u]%s%s}\n", chance(5), role ? "edit" : "reader", chance(3),
			       names[role ? chance(2) : 2 * chance(2)], chance(6) == 0 ? ", notAfter: 2020-01-01" : "");
	}
	ush_buf_puts(&text, CASE_LIMITS);
	return ush_buf_take(&text);
}

static void random_groups(void)
{
	struct ush_buf text = {0};

	ush_buf_puts(&text, "keep /keep z");
	for (unsigned int i = 0; i < 5; i++)
		if (chance(4) != 0)
			ush_buf_printf(&text, ";id%u /g%u p%u,q%u", i, i, chance(9), chance(9));
	sync_case_groups(c, 0, text.data);
	ush_buf_free(&text);
}

/* Every binding is wanted by some grant whose group is there, or holds a group that is on its tombstone. */
static void expect_as_desired(void)
{
	size_t wanted = 0;

	for (size_t i = 0; i < c->desired->count; i++) {
		const struct ush_shape *shape = ush_wanted_shape(c->desired, i);
		const char *space = ush_wanted_namespace(c->desired, i);
		USH_AUTO_ORIGINS origins = {0};

		if (shape->kind != USH_ROLE_BINDING)
			continue;
		ush_shape_origins(c->desired, shape, &origins);
		for (size_t j = 0; j < origins.count; j++) {
			USH_AUTO_FREE char *got = sync_case_subjects(c, space, shape->name);

			ck_assert_msg(strstr(got, origins.items[j].text) != NULL, "%s/%s lacks %s", space, shape->name, origins.items[j].text);
			wanted++;
		}
	}
	(void)wanted;
}

/* Applying a plan gives what was desired; the plan after is empty once the tombstones have run out. */
START_TEST(applying_a_plan_gives_what_was_desired_and_the_next_is_empty)
{
	for (seed = 1; seed < 400; seed += 1) {
		unsigned int kept = seed;
		USH_AUTO_FREE char *first = random_policy(), *second = random_policy();

		c = sync_case_begin(first, "");
		for (int round = 0; round < 6; round++) {
			if (round == 3)
				sync_case_policy(c, second);
			random_groups();
			ush_plan_free(sync_case_run(c));
			expect_as_desired();
		}
		ush_plan_free(sync_case_run(c)); /* the second complete run without a group */
		sync_case_expect_empty(sync_case_run(c));
		expect_as_desired();
		sync_case_free(c);
		seed = kept;
	}
}
END_TEST

static void shuffle(json_t *array)
{
	for (size_t i = json_array_size(array); i > 1; i--) {
		size_t j = chance((unsigned int)i);
		json_t *a = json_incref(json_array_get(array, i - 1)), *b = json_incref(json_array_get(array, j));

		json_array_set_new(array, i - 1, b);
		json_array_set_new(array, j, a);
	}
}

START_TEST(the_order_of_the_input_changes_nothing)
{
	static const char one[] = CASE_GRANTS("- {group: b, role: edit, namespaces: [x, z]}\n- {group: a, role: edit, namespaces: [x]}\n- {group: c, role: reader, namespaces: [z]}\n");
	static const char two[] = CASE_GRANTS("- {group: c, role: reader, namespaces: [z]}\n- {group: a, role: edit, namespaces: [x]}\n- {group: b, role: edit, namespaces: [z, x]}\n");

	c = sync_case_begin(one, "1 /a p;2 /b q;3 /c r");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 4));
	sync_case_policy(c, two);
	sync_case_groups(c, 0, "3 /c r;2 /b q;1 /a p");
	for (seed = 7; seed < 20; seed++) {
		shuffle(c->cluster);
		sync_case_expect_empty(sync_case_run(c));
	}
	sync_case_free(c);
}
END_TEST

/* BC18 */
START_TEST(subjects_in_another_order_are_no_difference)
{
	json_t *list;

	c = sync_case_begin(CASE_GRANTS("- {group: a, role: edit, namespaces: [x], name: e}\n- {group: b, role: edit, namespaces: [x], name: e}\n"), "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	list = json_object_get(sync_case_object(c, "RoleBinding", "x", "e"), "subjects");
	seed = 1;
	while (strcmp(ush_json_string(json_array_get(list, 0), "name"), "oidc:a") == 0)
		shuffle(list);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* ---- others' objects ---- */

#define SUBJECT_X "'subjects':[{'kind':'Group','name':'x','apiGroup':'rbac.authorization.k8s.io'}]"
#define ROLE_EDIT "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'}"
#define FOREIGN(name, metadata) "{'kind':'RoleBinding','metadata':{'name':'" name "','namespace':'x'" metadata "}," ROLE_EDIT "," SUBJECT_X "}"

/* BC16, T57, A5: what others made stays as it is, whatever it is called and whatever labels it carries. */
START_TEST(an_object_that_is_not_ours_is_never_touched)
{
	static const struct {
		const char *object, *reason;
	} cases[] = {
		{FOREIGN("readers", ""), "not made by usher-broker"},
		{FOREIGN("readers", ",'labels':{'app.kubernetes.io/managed-by':'Helm'},'annotations':{'meta.helm.sh/release-name':'ops'}"), "made by helm (release ops)"},
		{FOREIGN("readers", ",'labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/policy':'default','app.kubernetes.io/instance':'guestbook'},"
				    "'annotations':{'usher.dev/role':'reader'}"), "argocd"},
		{FOREIGN("readers", ",'labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/policy':'default'}"), "somebody copied them"},
		{FOREIGN("readers", ",'labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/policy':'other'},'annotations':{'usher.dev/role':'reader'}"), "from policy other"},
		{FOREIGN("readers", ",'labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/policy':'default'},'annotations':{'usher.dev/role':'reader'},"
				    "'ownerReferences':[{'apiVersion':'v1','kind':'ConfigMap','name':'o','uid':'1'}]"), "owner of its own"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_FREE char *before = NULL, *after = NULL;
		struct ush_plan *plan;

		c = sync_case_begin(ONE, "1 /a p");
		sync_case_add(c, cases[i].object);
		sync_case_add(c, FOREIGN("bystander", ",'labels':{'app.kubernetes.io/managed-by':'Helm'}"));
		before = ush_json_canonical(c->cluster);
		plan = sync_case_run_and_count(c, USH_CONFLICT, 1);
		sync_case_expect_reason(plan, USH_CONFLICT, "readers", cases[i].reason);
		json_array_remove(c->cluster, 2); /* the Role, which is new */
		after = ush_json_canonical(c->cluster);
		ck_assert_str_eq(before, after);
		ush_plan_free(plan);
		sync_case_free(c);
	}
}
END_TEST

/* What render wrote and argocd applied is in order, and stays argocd's. */
START_TEST(what_others_applied_just_as_we_want_it_is_no_conflict)
{
	struct ush_plan *plan;
	json_t *object;
	size_t i;

	c = sync_case_begin(ONE, "1 /a p");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	json_array_foreach(c->cluster, i, object)
		json_object_set_new(json_object_get(json_object_get(object, "metadata"), "labels"), "app.kubernetes.io/instance", json_string("guestbook"));
	plan = sync_case_plan(c);
	ck_assert_uint_eq(plan->change_count, 0);
	ck_assert_uint_eq(plan->bindings_others, 1);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

START_TEST(a_binding_to_somebody_elses_role_is_not_made)
{
	struct ush_plan *plan;

	c = sync_case_begin(ONE, "1 /a p");
	sync_case_add(c, "{'kind':'Role','metadata':{'name':'reader','namespace':'x'},'rules':[{'apiGroups':['*'],'resources':['*'],'verbs':['*']}]}");
	plan = sync_case_run_and_count(c, USH_CONFLICT, 2);
	sync_case_expect_reason(plan, USH_CONFLICT, "readers", "its Role reader is somebody else's");
	ck_assert_uint_eq(json_array_size(c->cluster), 1);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

START_TEST(what_a_person_changed_by_hand_is_put_back)
{
	json_t *object;
	struct ush_plan *plan;

	c = sync_case_begin(ONE, "1 /a p");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	object = sync_case_object(c, "RoleBinding", "x", "readers");
	json_array_append_new(json_object_get(object, "subjects"), json_pack("{s:s, s:s, s:s}", "apiGroup", "rbac.authorization.k8s.io", "kind", "Group", "name", "oidc:evil"));
	json_array_append_new(json_object_get(object, "subjects"), json_pack("{s:s, s:s, s:s}", "apiGroup", "rbac.authorization.k8s.io", "kind", "User", "name", "mallory"));
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	sync_case_expect_reason(plan, USH_CHANGE, "readers", "added by hand");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "readers", "oidc:a");
	object = sync_case_object(c, "Role", "x", "reader");
	json_array_append_new(json_object_get(json_array_get(json_object_get(object, "rules"), 0), "verbs"), json_string("delete"));
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	ck_assert_uint_eq(plan->for_people_count, 1);
	ck_assert_str_eq(plan->for_people[0], "1 may see pods in x, as role reader says now");
	ush_plan_free(plan);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(labels_that_somebody_took_off_are_told_from_an_object_of_others)
{
	json_t *object;
	struct ush_plan *plan;

	c = sync_case_begin(ONE, "1 /a p");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	object = sync_case_object(c, "RoleBinding", "x", "readers");
	json_object_del(json_object_get(json_object_get(object, "metadata"), "labels"), "app.kubernetes.io/managed-by");
	json_object_set_new(json_object_get(object, "metadata"), "managedFields", json_pack("[{s:s, s:{s:{}}}]", "manager", "usher-broker", "fieldsV1", "f:subjects"));
	plan = sync_case_run_and_count(c, USH_CONFLICT, 1);
	sync_case_expect_reason(plan, USH_CONFLICT, "readers", "somebody took our labels off");
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* ---- roles ---- */

/* BC17: another role is another binding; with a name of its own it is made anew with a stand-in. */
START_TEST(another_role_is_a_new_binding_first_and_the_old_one_after)
{
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {group: a, role: reader, namespaces: [x]}\n") CASE_LIMITS, "1 /a p");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_policy(c, CASE_GRANTS("- {group: a, role: edit, namespaces: [x]}\n") CASE_LIMITS);
	plan = sync_case_run_and_count(c, USH_CREATE, 1);
	ck_assert_uint_eq(ush_plan_count(plan, USH_REMOVE), 2);
	ck_assert_int_eq(plan->changes[0].action, USH_CREATE); /* the order in which they are carried out */
	ush_plan_free(plan);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(another_role_under_a_name_of_its_own_needs_a_stand_in)
{
	struct ush_plan *plan;

	c = sync_case_begin(ONE, "1 /a p");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_policy(c, CASE_GRANTS("- {group: a, role: edit, namespaces: [x], name: readers}\n") CASE_LIMITS);
	plan = sync_case_run_and_count(c, USH_REPLACE, 1);
	sync_case_expect_reason(plan, USH_REPLACE, "readers", "refers to ClusterRole edit now, to Role/reader before");
	ck_assert_str_eq(sync_case_change(plan, USH_REPLACE, "readers")->stand_in, "usher-edit-1dbac2f6-81027a19"); /* the very name that apply uses, and the file says */
	ck_assert_uint_eq(plan->for_people_count, 1);
	ck_assert_str_eq(plan->for_people[0], "1 may edit x, Secrets included, in place of role reader");
	sync_case_expect_reason(plan, USH_REMOVE, "reader", "no binding of ours needs it");
	ush_plan_free(plan);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

TAP_MAIN("reconcile", what_is_as_desired_needs_nothing, applying_a_plan_gives_what_was_desired_and_the_next_is_empty,
	 the_order_of_the_input_changes_nothing, subjects_in_another_order_are_no_difference,
	 an_object_that_is_not_ours_is_never_touched, what_others_applied_just_as_we_want_it_is_no_conflict, a_binding_to_somebody_elses_role_is_not_made,
	 what_a_person_changed_by_hand_is_put_back,
	 labels_that_somebody_took_off_are_told_from_an_object_of_others, another_role_is_a_new_binding_first_and_the_old_one_after,
	 another_role_under_a_name_of_its_own_needs_a_stand_in)
