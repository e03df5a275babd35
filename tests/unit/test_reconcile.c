/* SPDX-License-Identifier: Apache-2.0
 *
 * The laws of reconcile, on a cluster in memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define GRANTS(text) CASE_HEAD "grants:\n" text
#define LIMITS       "limits: {remove: {bindings: 100, people: 100%}, vanishedGroup: {runs: 2, age: 0s}}\n"
#define ONE	     GRANTS("- {group: a, role: reader, namespaces: [x], name: readers}\n") LIMITS
#define HEAD_LINES   "apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\n"

static struct sync_case *c;
static struct ush_error err;

static void expect_empty(struct ush_plan *plan)
{
	for (size_t i = 0; i < plan->change_count; i++)
		ck_assert_msg(plan->changes[i].action > USH_REMOVE, "%s %s/%s: %s", ush_action_name(plan->changes[i].action),
			      plan->changes[i].namespace_name, plan->changes[i].name, plan->changes[i].reason);
	ck_assert(!ush_plan_writes(plan));
	ush_plan_free(plan);
}

static void expect_reason(const struct ush_plan *plan, enum ush_action action, const char *name, const char *reason)
{
	const struct ush_change *change = sync_case_change(plan, action, name);

	ck_assert_msg(change != NULL, "no %s of %s", ush_action_name(action), name);
	ck_assert_msg(strstr(change->reason, reason) != NULL, "\"%s\" lacks \"%s\"", change->reason, reason);
}

/* The names of the groups bound by a binding, "" when it is not there. */
static char *subjects(const char *namespace_name, const char *name)
{
	const json_t *object = sync_case_object(c, "RoleBinding", namespace_name, name), *subject;
	struct ush_buf all = {0};
	size_t i;

	ush_buf_puts(&all, "");
	json_array_foreach(json_object_get(object, "subjects"), i, subject)
		ush_buf_printf(&all, "%s%s", i > 0 ? " " : "", ush_json_string(subject, "name"));
	return ush_buf_take(&all);
}

static void expect_subjects(const char *namespace_name, const char *name, const char *texts)
{
	USH_AUTO_FREE char *got = subjects(namespace_name, name);

	ck_assert_str_eq(got, texts);
}

static void begin(const char *policy, const char *groups)
{
	c = sync_case_new(policy);
	sync_case_groups(c, 0, groups);
}

/* Runs once and expects so many changes of an action. */
static struct ush_plan *run_and_count(enum ush_action action, size_t count)
{
	struct ush_plan *plan = sync_case_run(c);

	ck_assert_msg(plan->stop.code == USH_OK, "%s", plan->stop.what);
	ck_assert_uint_eq(ush_plan_count(plan, action), count);
	return plan;
}

/* ---- the laws ---- */

START_TEST(what_is_as_desired_needs_nothing)
{
	begin(ONE, "1 /a carol,dave");
	ush_plan_free(run_and_count(USH_CREATE, 2));
	expect_subjects("x", "readers", "oidc:a");
	expect_empty(sync_case_run(c));
	expect_empty(sync_case_run(c));
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
	ush_buf_puts(&text, LIMITS);
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
		const struct ush_wanted *w = &c->desired->items[i];
		USH_AUTO_ORIGINS origins = {0};

		if (w->kind != USH_ROLE_BINDING)
			continue;
		ush_wanted_origins(c->desired, w, &origins);
		for (size_t j = 0; j < origins.count; j++) {
			USH_AUTO_FREE char *got = subjects(w->namespace_name, w->name);

			ck_assert_msg(strstr(got, origins.items[j].text) != NULL, "%s/%s lacks %s", w->namespace_name, w->name, origins.items[j].text);
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

		begin(first, "");
		for (int round = 0; round < 6; round++) {
			if (round == 3)
				sync_case_policy(c, second);
			random_groups();
			ush_plan_free(sync_case_run(c));
			expect_as_desired();
		}
		ush_plan_free(sync_case_run(c)); /* the second complete run without a group */
		expect_empty(sync_case_run(c));
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
	static const char one[] = GRANTS("- {group: b, role: edit, namespaces: [x, z]}\n- {group: a, role: edit, namespaces: [x]}\n- {group: c, role: reader, namespaces: [z]}\n");
	static const char two[] = GRANTS("- {group: c, role: reader, namespaces: [z]}\n- {group: a, role: edit, namespaces: [x]}\n- {group: b, role: edit, namespaces: [z, x]}\n");

	begin(one, "1 /a p;2 /b q;3 /c r");
	ush_plan_free(run_and_count(USH_CREATE, 4));
	sync_case_policy(c, two);
	sync_case_groups(c, 0, "3 /c r;2 /b q;1 /a p");
	for (seed = 7; seed < 20; seed++) {
		shuffle(c->cluster);
		expect_empty(sync_case_run(c));
	}
	sync_case_free(c);
}
END_TEST

/* BC18 */
START_TEST(subjects_in_another_order_are_no_difference)
{
	json_t *list;

	begin(GRANTS("- {group: a, role: edit, namespaces: [x], name: e}\n- {group: b, role: edit, namespaces: [x], name: e}\n"), "1 /a p;2 /b q");
	ush_plan_free(run_and_count(USH_CREATE, 1));
	list = json_object_get(sync_case_object(c, "RoleBinding", "x", "e"), "subjects");
	seed = 1;
	while (strcmp(ush_json_string(json_array_get(list, 0), "name"), "oidc:a") == 0)
		shuffle(list);
	expect_empty(sync_case_run(c));
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

		begin(ONE, "1 /a p");
		sync_case_add(c, cases[i].object);
		sync_case_add(c, FOREIGN("bystander", ",'labels':{'app.kubernetes.io/managed-by':'Helm'}"));
		before = ush_json_canonical(c->cluster);
		plan = run_and_count(USH_CONFLICT, 1);
		expect_reason(plan, USH_CONFLICT, "readers", cases[i].reason);
		json_array_remove(c->cluster, 2); /* the Role, which is new */
		after = ush_json_canonical(c->cluster);
		ck_assert_str_eq(before, after);
		ush_plan_free(plan);
		sync_case_free(c);
	}
}
END_TEST

START_TEST(a_binding_to_somebody_elses_role_is_not_made)
{
	struct ush_plan *plan;

	begin(ONE, "1 /a p");
	sync_case_add(c, "{'kind':'Role','metadata':{'name':'reader','namespace':'x'},'rules':[{'apiGroups':['*'],'resources':['*'],'verbs':['*']}]}");
	plan = run_and_count(USH_CONFLICT, 2);
	expect_reason(plan, USH_CONFLICT, "readers", "its Role reader is somebody else's");
	ck_assert_uint_eq(json_array_size(c->cluster), 1);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

START_TEST(what_a_person_changed_by_hand_is_put_back)
{
	json_t *object;
	struct ush_plan *plan;

	begin(ONE, "1 /a p");
	ush_plan_free(run_and_count(USH_CREATE, 2));
	object = sync_case_object(c, "RoleBinding", "x", "readers");
	json_array_append_new(json_object_get(object, "subjects"), json_pack("{s:s, s:s, s:s}", "apiGroup", "rbac.authorization.k8s.io", "kind", "Group", "name", "oidc:evil"));
	json_array_append_new(json_object_get(object, "subjects"), json_pack("{s:s, s:s, s:s}", "apiGroup", "rbac.authorization.k8s.io", "kind", "User", "name", "mallory"));
	plan = run_and_count(USH_CHANGE, 1);
	expect_reason(plan, USH_CHANGE, "readers", "added by hand");
	ush_plan_free(plan);
	expect_subjects("x", "readers", "oidc:a");
	object = sync_case_object(c, "Role", "x", "reader");
	json_array_append_new(json_object_get(json_array_get(json_object_get(object, "rules"), 0), "verbs"), json_string("delete"));
	ush_plan_free(run_and_count(USH_CHANGE, 1));
	expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* ---- roles ---- */

/* BC17: another role is another binding; with a name of its own it is made anew with a stand-in. */
START_TEST(another_role_is_a_new_binding_first_and_the_old_one_after)
{
	struct ush_plan *plan;

	begin(GRANTS("- {group: a, role: reader, namespaces: [x]}\n") LIMITS, "1 /a p");
	ush_plan_free(run_and_count(USH_CREATE, 2));
	sync_case_policy(c, GRANTS("- {group: a, role: edit, namespaces: [x]}\n") LIMITS);
	plan = run_and_count(USH_CREATE, 1);
	ck_assert_uint_eq(ush_plan_count(plan, USH_REMOVE), 2);
	ck_assert_int_eq(plan->changes[0].action, USH_CREATE); /* the order in which they are carried out */
	ush_plan_free(plan);
	expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(another_role_under_a_name_of_its_own_needs_a_stand_in)
{
	struct ush_plan *plan;

	begin(ONE, "1 /a p");
	ush_plan_free(run_and_count(USH_CREATE, 2));
	sync_case_policy(c, GRANTS("- {group: a, role: edit, namespaces: [x], name: readers}\n") LIMITS);
	plan = run_and_count(USH_REPLACE, 1);
	expect_reason(plan, USH_REPLACE, "readers", "refers to ClusterRole edit now, to Role/reader before");
	ck_assert_str_eq(sync_case_change(plan, USH_REPLACE, "readers")->stand_in, "usher-edit-1dbac2f6");
	expect_reason(plan, USH_REMOVE, "reader", "no binding of ours needs it");
	ush_plan_free(plan);
	expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

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

	begin(ONE, "1 /a p;2 /b q");
	ush_plan_free(run_and_count(USH_CREATE, 2));
	sync_case_groups(c, 0, "2 /b q");
	plan = sync_case_run(c);
	expect_reason(plan, USH_KEEP, "readers", "kept: group a is gone from source main");
	ck_assert_uint_eq(ush_plan_count(plan, USH_CHANGE) + ush_plan_count(plan, USH_REMOVE), 0);
	ck_assert(plan->state_changed);
	ush_plan_free(plan);
	expect_subjects("x", "readers", "oidc:a");
	expect_state("\"runs\":1");
	sync_case_groups(c, 0, "1 /a p;2 /b q");
	plan = sync_case_run(c);
	ck_assert(plan->state_changed);
	ush_plan_free(plan);
	expect_state("\"tombstones\":[]");
	expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* A5, T51: removed by the second complete run, once. */
START_TEST(a_group_that_is_gone_twice_loses_its_binding)
{
	struct ush_plan *plan;

	begin(ONE, "1 /a p;2 /b q");
	ush_plan_free(run_and_count(USH_CREATE, 2));
	sync_case_groups(c, 0, "2 /b q");
	ush_plan_free(run_and_count(USH_REMOVE, 0));
	plan = run_and_count(USH_REMOVE, 2);
	expect_reason(plan, USH_REMOVE, "readers", "complete run 2 without it");
	ush_plan_free(plan);
	ck_assert_uint_eq(json_array_size(c->cluster), 0);
	expect_state("\"tombstones\":[]");
	expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* BC21: time counts as well as runs, and a clock that jumps back removes nothing early. */
START_TEST(a_vanished_group_must_be_away_for_long_enough)
{
	begin(GRANTS("- {group: a, role: edit, namespaces: [x], name: e}\n") "limits: {vanishedGroup: {runs: 2, age: 1h}}\n", "1 /a p;2 /b q");
	ush_plan_free(run_and_count(USH_CREATE, 1));
	sync_case_groups(c, 0, "2 /b q");
	ush_plan_free(run_and_count(USH_REMOVE, 0));
	c->now += 3599;
	for (int i = 0; i < 3; i++) {
		struct ush_plan *plan = run_and_count(USH_REMOVE, 0);

		ck_assert(!plan->state_changed); /* nothing new to say: no write */
		ush_plan_free(plan);
	}
	c->now -= 10000;
	ush_plan_free(run_and_count(USH_REMOVE, 0));
	c->now += 10001 + 3600;
	ush_plan_free(run_and_count(USH_REMOVE, 1));
	sync_case_free(c);
}
END_TEST

START_TEST(of_several_groups_only_the_vanished_one_goes)
{
	struct ush_plan *plan;

	begin(GRANTS("- {group: a, role: edit, namespaces: [x], name: e}\n- {group: b, role: edit, namespaces: [x], name: e}\n") LIMITS, "1 /a p;2 /b q");
	ush_plan_free(run_and_count(USH_CREATE, 1));
	sync_case_groups(c, 0, "2 /b q");
	ush_plan_free(run_and_count(USH_CHANGE, 0));
	expect_subjects("x", "e", "oidc:a oidc:b");
	plan = run_and_count(USH_CHANGE, 1);
	expect_reason(plan, USH_CHANGE, "e", "group a gone since");
	ush_plan_free(plan);
	expect_subjects("x", "e", "oidc:b");
	expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(a_grant_that_ended_is_taken_back_at_once)
{
	struct ush_plan *plan;

	begin(GRANTS("- {group: a, role: edit, namespaces: [x], name: e, notAfter: 2027-01-16}\n"), "1 /a p");
	ush_plan_free(run_and_count(USH_CREATE, 1));
	c->now += 86400;
	plan = run_and_count(USH_REMOVE, 1);
	expect_reason(plan, USH_REMOVE, "e", "grants[0] ended 2027-01-16 00:00 UTC");
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* ---- incomplete, zero ---- */

/* BC02: nothing is removed on account of a source that was not read whole, not even after many such runs. */
START_TEST(an_incomplete_source_removes_nothing)
{
	begin(ONE, "1 /a p");
	ush_plan_free(run_and_count(USH_CREATE, 2));
	sync_case_incomplete(c, 0, "page 3 of groups answered 503 four times");
	for (int i = 0; i < 4; i++) {
		struct ush_plan *plan = sync_case_run(c);

		memset(&err, 0, sizeof err);
		ck_assert_int_eq(ush_plan_verdict(plan, &err), USH_ERR_INCOMPLETE);
		ck_assert_str_eq(err.what, "source main is incomplete: page 3 of groups answered 503 four times; nothing is removed on its account");
		expect_empty(plan);
	}
	expect_state("\"tombstones\":[]");
	json_array_append_new(json_object_get(sync_case_object(c, "RoleBinding", "x", "readers"), "subjects"), /* nor what nobody accounts for */
			      json_pack("{s:s, s:s, s:s}", "apiGroup", "rbac.authorization.k8s.io", "kind", "Group", "name", "oidc:who"));
	expect_empty(sync_case_run(c));
	sync_case_policy(c, GRANTS("- {group: b, role: edit, namespaces: [q]}\n")); /* nor what the policy dropped */
	expect_empty(sync_case_run(c));
	expect_subjects("x", "readers", "oidc:a oidc:who");
	sync_case_free(c);
}
END_TEST

/* BC01 */
START_TEST(zero_groups_stop_everything)
{
	struct ush_plan *plan;

	begin(ONE, "1 /a p");
	ush_plan_free(run_and_count(USH_CREATE, 2));
	sync_case_groups(c, 0, "");
	for (int i = 0; i < 3; i++) {
		plan = sync_case_run(c);
		memset(&err, 0, sizeof err);
		ck_assert_int_eq(ush_code_status(ush_plan_verdict(plan, &err)), 3);
		ck_assert_ptr_nonnull(strstr(err.what, "no group at all"));
		ush_plan_free(plan);
	}
	expect_subjects("x", "readers", "oidc:a");
	sync_case_free(c);
}
END_TEST

START_TEST(a_complete_source_goes_on_beside_an_incomplete_one)
{
	static const char policy[] = HEAD_LINES "sources: {one: {file: {path: a}}, two: {file: {path: b}}}\nroles: {edit: {clusterRole: edit}}\ngrants:\n"
						"- {source: one, group: a, role: edit, namespaces: [x], name: e}\n- {source: two, group: b, role: edit, namespaces: [x], name: e}\n"
						"- {source: two, group: b, role: edit, namespaces: [z], name: e}\n" LIMITS;

	begin(policy, "1 /a p");
	sync_case_groups(c, 1, "2 /b q;3 /c r");
	ush_plan_free(run_and_count(USH_CREATE, 2));
	sync_case_incomplete(c, 0, "down");
	sync_case_groups(c, 1, "3 /c r");
	ush_plan_free(sync_case_run(c));
	ush_plan_free(sync_case_run(c));
	expect_subjects("x", "e", "oidc:a"); /* b went by its own tombstone, a stays */
	expect_subjects("z", "e", "");
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

	begin(all, groups);
	ush_plan_free(run_and_count(USH_CREATE, (size_t)before));
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

	begin(GRANTS("- {group: a, role: edit, namespaces: [x]}\n") "limits: {remove: {people: 0}}\n", "1 /a p,q,r,s,t,u,v");
	ush_plan_free(run_and_count(USH_CREATE, 1));
	sync_case_policy(c, GRANTS("- {group: a, role: reader, namespaces: [x]}\n") "limits: {remove: {people: 0}}\n");
	ush_plan_free(run_and_count(USH_REMOVE, 1));
	sync_case_policy(c, GRANTS("- {group: a, role: reader, namespaces: [z]}\n") "limits: {remove: {people: 0}}\n");
	plan = sync_case_run(c);
	ck_assert_int_eq(plan->stop.code, USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(plan->stop.what, "7 people"));
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

TAP_MAIN("reconcile", what_is_as_desired_needs_nothing, applying_a_plan_gives_what_was_desired_and_the_next_is_empty, the_order_of_the_input_changes_nothing,
	 subjects_in_another_order_are_no_difference, an_object_that_is_not_ours_is_never_touched, a_binding_to_somebody_elses_role_is_not_made,
	 what_a_person_changed_by_hand_is_put_back, another_role_is_a_new_binding_first_and_the_old_one_after,
	 another_role_under_a_name_of_its_own_needs_a_stand_in, a_group_that_is_gone_once_keeps_its_binding, a_group_that_is_gone_twice_loses_its_binding,
	 a_vanished_group_must_be_away_for_long_enough, of_several_groups_only_the_vanished_one_goes, a_grant_that_ended_is_taken_back_at_once,
	 an_incomplete_source_removes_nothing, zero_groups_stop_everything, a_complete_source_goes_on_beside_an_incomplete_one,
	 too_many_removals_stop_before_any_write, people_who_keep_the_namespace_by_another_role_are_not_lost)
