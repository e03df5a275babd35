/* SPDX-License-Identifier: Apache-2.0
 *
 * What ends, ends: also in a binding into which nobody can be put, that is going and held, or that lost some of our marks.
 * And what is said of a run that has nothing to write. On a cluster in memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define LIMITS	      "limits: {remove: {bindings: 100, people: 100%}, vanishedGroup: {runs: 1, age: 0s}}\n"
#define GRANTS(text)  CASE_HEAD LIMITS "grants:\n" text
#define READER(group) "- {group: " group ", role: reader, namespaces: [x], name: readers}\n"
#define EDITOR(group) "- {group: " group ", role: edit, namespaces: [x], name: e}\n"

static struct sync_case *c;

static void begin(const char *policy, size_t objects)
{
	c = sync_case_new(policy);
	sync_case_groups(c, 0, "1 /a p;2 /b q;3 /d r");
	if (objects > 0)
		ush_plan_free(sync_case_run_and_count(c, USH_CREATE, objects));
}

static json_t *metadata_of(const char *kind, const char *name)
{
	return json_object_get(sync_case_object(c, kind, "x", name), "metadata");
}

static void written_by(const char *kind, const char *name, const char *manager)
{
	json_object_set_new(metadata_of(kind, name), "managedFields",
			    json_pack("[{s:s, s:s, s:{s:{}}}]", "manager", manager, "time", "2027-01-15T08:00:00Z", "fieldsV1",
				      strcmp(kind, "Role") == 0 ? "f:rules" : "f:subjects"));
}

/* No object: which namespaces a set has is another matter. Frees the plan. */
static void expect_no_write(struct ush_plan *plan)
{
	for (size_t i = 0; i < plan->change_count; i++)
		ck_assert_msg(plan->changes[i].action > USH_REMOVE, "%s %s: %s", ush_action_name(plan->changes[i].action), plan->changes[i].name,
			      plan->changes[i].reason);
	ush_plan_free(plan);
}

static void expect_conflict(const char *name, const char *why)
{
	struct ush_plan *plan = sync_case_run_and_count(c, USH_CONFLICT, 1);

	sync_case_expect_reason(plan, USH_CONFLICT, name, why);
	expect_no_write(plan);
}

/* ---- a Role that is somebody else's, or says something else ---- */

static void lose_role(void)
{
	json_object_del(json_object_get(metadata_of("Role", "reader"), "labels"), "app.kubernetes.io/managed-by");
}

START_TEST(who_leaves_a_binding_leaves_it_while_its_role_is_somebody_elses)
{
	struct ush_plan *plan;

	begin(GRANTS(READER("a") READER("b")), 2);
	lose_role();
	sync_case_policy(c, GRANTS(READER("b") READER("d")));
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	sync_case_expect_reason(plan, USH_CONFLICT, "readers", "not written: its Role reader is somebody else's");
	sync_case_expect_reason(plan, USH_CHANGE, "readers", "no grant wants it");
	ck_assert_uint_eq(sync_case_change(plan, USH_CHANGE, "readers")->removed_count, 1);
	ck_assert_uint_eq(sync_case_change(plan, USH_CHANGE, "readers")->added_count, 0);
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "readers", "oidc:b");
	expect_no_write(sync_case_run(c));
	sync_case_policy(c, GRANTS(READER("d"))); /* and the last one */
	ush_plan_free(sync_case_run_and_count(c, USH_REMOVE, 1));
	ck_assert_ptr_null(sync_case_object(c, "RoleBinding", "x", "readers"));
	sync_case_free(c);
}
END_TEST

START_TEST(who_is_in_doubt_stays_in_a_binding_whose_role_is_somebody_elses)
{
	begin(GRANTS(READER("a") READER("b")), 2);
	lose_role();
	sync_case_policy(c, GRANTS(READER("b") READER("d")));
	sync_case_incomplete(c, 0, "down");
	expect_no_write(sync_case_run(c));
	sync_case_expect_subjects(c, "x", "readers", "oidc:a oidc:b");
	sync_case_groups(c, 0, "1 /a p;2 /beta q;3 /d r"); /* called otherwise now: it is the same group */
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
	sync_case_expect_subjects(c, "x", "readers", "oidc:b");
	sync_case_free(c);
}
END_TEST

static void widen(void)
{
	json_array_append_new(json_object_get(json_array_get(json_object_get(sync_case_object(c, "Role", "x", "reader"), "rules"), 0), "verbs"), json_string("delete"));
	written_by("Role", "reader", "kubectl-edit");
}

START_TEST(nobody_new_is_bound_to_a_role_that_a_person_widened)
{
	struct ush_plan *plan;

	begin("drift: report\n" GRANTS(READER("a") READER("b")), 2);
	widen();
	expect_no_write(sync_case_run(c));
	sync_case_policy(c, "drift: report\n" GRANTS(READER("b") READER("d")));
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	sync_case_expect_reason(plan, USH_CONFLICT, "readers", "nobody new is bound: its Role reader was changed by kubectl-edit");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "readers", "oidc:b");
	sync_case_policy(c, "drift: report\n" GRANTS(READER("b"))); /* who is in it is in it */
	expect_no_write(sync_case_run_and_count(c, USH_CONFLICT, 0));
	sync_case_policy(c, GRANTS(READER("b") READER("d")));
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 2)); /* put back, and bound */
	sync_case_expect_subjects(c, "x", "readers", "oidc:b oidc:d");
	sync_case_free(c);
}
END_TEST

START_TEST(no_new_binding_is_made_for_a_role_that_a_person_widened)
{
	begin("drift: report\n" GRANTS(READER("a")), 2);
	widen();
	sync_case_policy(c, "drift: report\n" GRANTS(READER("a") "- {group: b, role: reader, namespaces: [x], name: more}\n"));
	expect_conflict("more", "nobody new is bound: its Role reader was changed by kubectl-edit");
	ck_assert_ptr_null(sync_case_object(c, "RoleBinding", "x", "more"));
	sync_case_free(c);
}
END_TEST

/* ---- people ---- */

static void crowd(struct ush_groups *groups, size_t from, size_t to)
{
	struct ush_group *group;

	ush_groups_free(groups);
	*groups = (struct ush_groups){.complete = true, .where = ush_strdup("file g.json"), .proof = ush_strdup("test")};
	group = ush_groups_add(groups, "1", "a", "/a");
	group->members_known = true;
	for (size_t i = from; i < to; i++) {
		USH_AUTO_FREE char *name = ush_printf("p%05zu", i);

		ush_members_add(&group->members, name);
	}
}

START_TEST(who_left_the_group_leaves_a_binding_that_would_hold_too_many_people)
{
	struct ush_plan *plan;

	begin("layout: users\n" GRANTS(EDITOR("a")), 0);
	crowd(&c->groups[0], 0, 3);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	crowd(&c->groups[0], 1, 2 + USH_PEOPLE_MAX);
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	sync_case_expect_reason(plan, USH_CONFLICT, "e", "more than 10000: not written");
	sync_case_expect_reason(plan, USH_CHANGE, "e", "in none of its groups any more");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "e", "p00001 p00002");
	expect_no_write(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(people_whom_no_binding_may_name_are_counted)
{
	struct ush_plan *plan;

	begin("layout: users\n" GRANTS(EDITOR("a") EDITOR("b")), 0);
	sync_case_groups(c, 0, "1 /a p,system:admin;2 /b q,system:admin,system:kube-proxy");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_expect_subjects(c, "x", "e", "p q");
	plan = sync_case_run(c);
	sync_case_expect_reason(plan, USH_NOTE, "", "2 people are in no binding for what they are called: \"system:admin\" begins with system:");
	expect_no_write(plan);
	sync_case_free(c);
}
END_TEST

START_TEST(what_is_ours_in_namespaces_that_are_excluded_stays_and_is_counted)
{
	for (int listed = 0; listed < 2; listed++) { /* or nobody may list them */
		struct ush_plan *plan;

		begin(GRANTS(READER("a")), 2);
		if (listed != 0)
			sync_case_namespace(c, "x", NULL);
		sync_case_policy(c, "exclude: {namespaces: ['x*']}\n" CASE_HEAD LIMITS "grants: []\n");
		plan = sync_case_run(c);
		sync_case_expect_reason(plan, USH_NOTE, "", "2 objects of ours stand in namespaces that are excluded: left as they are");
		expect_no_write(plan);
		sync_case_free(c);
	}
}
END_TEST

/* ---- going, and held ---- */

static void hold(const char *name)
{
	json_object_set_new(metadata_of("RoleBinding", name), "deletionTimestamp", json_string("2027-01-15T08:00:00Z"));
	json_object_set_new(metadata_of("RoleBinding", name), "finalizers", json_pack("[s]", "example.test/held"));
}

START_TEST(a_binding_that_is_going_and_held_is_emptied_when_nobody_wants_it)
{
	struct ush_plan *plan;

	begin(GRANTS(EDITOR("a")), 1);
	hold("e");
	sync_case_policy(c, CASE_HEAD LIMITS "grants: []\n");
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	sync_case_expect_reason(plan, USH_CHANGE, "e", "it is being deleted, and a finalizer holds it");
	ck_assert_uint_eq(sync_case_change(plan, USH_CHANGE, "e")->removed_count, 1);
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "e", "");
	expect_no_write(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(who_leaves_a_binding_that_is_going_and_held_leaves_it)
{
	struct ush_plan *plan;

	begin(GRANTS(EDITOR("a") EDITOR("b")), 1);
	hold("e");
	sync_case_policy(c, GRANTS(EDITOR("b") EDITOR("d")));
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	sync_case_expect_reason(plan, USH_PENDING, "e", "is being deleted just now");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "e", "oidc:b");
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 0));
	sync_case_incomplete(c, 0, "down");
	sync_case_policy(c, CASE_HEAD LIMITS "grants: []\n");
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 0));
	sync_case_expect_subjects(c, "x", "e", "oidc:b");
	sync_case_free(c);
}
END_TEST

/* ---- marks ---- */

static void take_mark(const char *mark)
{
	json_object_del(json_object_get(metadata_of("RoleBinding", "e"), "labels"), mark);
	json_object_del(json_object_get(metadata_of("RoleBinding", "e"), "annotations"), mark);
}

START_TEST(a_binding_that_lost_a_mark_and_that_nobody_wants_is_told)
{
	static const char *const marks[] = {"app.kubernetes.io/managed-by", "usher.dev/policy", "usher.dev/role"};

	for (size_t i = 0; i < USH_COUNT(marks); i++) {
		begin(GRANTS(EDITOR("a")), 1);
		take_mark(marks[i]);
		sync_case_policy(c, CASE_HEAD LIMITS "grants: []\n");
		expect_conflict("e", "gives access that no grant wants, and bears some of our marks but not all");
		expect_conflict("e", "it ends with kubectl delete rolebinding -n x -- e");
		json_array_clear(json_object_get(sync_case_object(c, "RoleBinding", "x", "e"), "subjects"));
		expect_no_write(sync_case_run_and_count(c, USH_CONFLICT, 0)); /* it gives nothing */
		sync_case_free(c);
	}
}
END_TEST

START_TEST(one_mark_is_enough_to_be_told_and_another_policys_are_not)
{
	static const struct {
		const char *labels, *annotations;
		bool told;
	} cases[] = {
		{"", "'usher.dev/source-id':'[]'", true},
		{"", "'usher.dev/anything':''", true},
		{"'usher.dev/policy':'default'", "", true},
		{"'app.kubernetes.io/managed-by':'usher-broker'", "", true},
		{"'app.kubernetes.io/managed-by':'Helm','usher.dev/policy':'default'", "", true},
		{"'app.kubernetes.io/managed-by':'usher-broker','usher.dev/policy':'other'", "'usher.dev/role':'edit'", false},
		{"'usher.dev/policy':'other'", "", false},
		{"'applyset.kubernetes.io/part-of':'applyset-of-somebody-v1'", "'usher.dev/role':'edit'", false},
		{"'app.kubernetes.io/managed-by':'Helm'", "'example.test/usher.dev':''", false},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_FREE char *object = ush_printf(
			"{'kind':'RoleBinding','metadata':{'name':'it has $(spaces)','namespace':'x','labels':{%s},'annotations':{%s}},'roleRef':{'apiGroup':"
			"'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'},'subjects':[{'kind':'User','name':'u','apiGroup':'rbac.authorization.k8s.io'}]}",
			cases[i].labels, cases[i].annotations);

		begin(GRANTS(EDITOR("a")), 1);
		sync_case_add(c, object);
		if (cases[i].told)
			expect_conflict("it has $(spaces)", "kubectl delete rolebinding -n x -- 'it has $(spaces)'");
		else
			expect_no_write(sync_case_run_and_count(c, USH_CONFLICT, 0));
		sync_case_free(c);
	}
}
END_TEST

/* ---- Kubernetes' own groups ---- */

#define EXCEPTION "exceptions: [{systemGroup: 'system:serviceaccounts:ci', owner: o, reason: r, until: 2037-07-01}]\n"

START_TEST(a_group_of_kubernetes_own_is_bound_as_it_is_written_where_an_exception_lets_it)
{
	struct ush_plan *plan;
	struct ush_error err = {0};

	begin(EXCEPTION GRANTS(EDITOR("'system:serviceaccounts:ci'") EDITOR("a")), 0);
	plan = sync_case_run_and_count(c, USH_CREATE, 1);
	{
		USH_AUTO_JSON json = ush_plan_to_json(plan);
		USH_AUTO_PLAN again = ush_plan_from_json(json, "plan.json", &err);

		ck_assert_msg(again != NULL, "%s", err.what);
	}
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "e", "oidc:a system:serviceaccounts:ci");
	expect_no_write(sync_case_run(c));
	sync_case_policy(c, GRANTS(EDITOR("a")));
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
	sync_case_expect_subjects(c, "x", "e", "oidc:a");
	sync_case_policy(c, "layout: users\n" EXCEPTION GRANTS(EDITOR("'system:serviceaccounts:ci'")));
	plan = sync_case_run(c);
	sync_case_expect_reason(plan, USH_CONFLICT, "", "nobody says who is in system:serviceaccounts:ci");
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

TAP_MAIN("trim", who_leaves_a_binding_leaves_it_while_its_role_is_somebody_elses, who_is_in_doubt_stays_in_a_binding_whose_role_is_somebody_elses,
	 nobody_new_is_bound_to_a_role_that_a_person_widened, no_new_binding_is_made_for_a_role_that_a_person_widened,
	 who_left_the_group_leaves_a_binding_that_would_hold_too_many_people, people_whom_no_binding_may_name_are_counted, what_is_ours_in_namespaces_that_are_excluded_stays_and_is_counted,
	 a_binding_that_is_going_and_held_is_emptied_when_nobody_wants_it, who_leaves_a_binding_that_is_going_and_held_leaves_it,
	 a_binding_that_lost_a_mark_and_that_nobody_wants_is_told, one_mark_is_enough_to_be_told_and_another_policys_are_not,
	 a_group_of_kubernetes_own_is_bound_as_it_is_written_where_an_exception_lets_it)
