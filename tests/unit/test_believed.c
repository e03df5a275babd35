/* SPDX-License-Identifier: Apache-2.0
 *
 * What bindings say is believed no further than whoever may write them could act anyway; what ended goes without being asked
 * about; what is in doubt stays, whatever the binding is called. On a cluster in memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/sync/look/origin.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define SOURCE_ID "usher.dev/source-id"

static struct sync_case *c;

static void begin(const char *policy, const char *groups)
{
	c = sync_case_new(policy);
	sync_case_groups(c, 0, groups);
	ush_plan_free(sync_case_run(c));
}

static json_t *binding(const char *space, const char *name)
{
	return (json_t *)(uintptr_t)sync_case_object(c, "RoleBinding", space, name);
}

static char *subjects(const char *space, const char *name)
{
	return sync_case_subjects(c, space, name);
}

static void expect(const char *space, const char *name, const char *texts)
{
	sync_case_expect_subjects(c, space, name, texts);
}

static void add_subject(const char *space, const char *name, const char *text)
{
	json_array_append_new(json_object_get(binding(space, name), "subjects"),
			      json_pack("{s:s, s:s, s:s}", "apiGroup", "rbac.authorization.k8s.io", "kind", "Group", "name", text));
}

/* An entry in the annotation, as somebody who may change the binding writes it. */
static void forge(const char *space, const char *name, const struct ush_origin *entry)
{
	json_t *annotations = json_object_get(json_object_get(binding(space, name), "metadata"), "annotations");
	USH_AUTO_ORIGINS all = {0}, other = {0};
	USH_AUTO_FREE char *text = NULL;

	ck_assert_int_eq(ush_origins_read(&all, ush_json_string(annotations, SOURCE_ID)), 0);
	ush_origins_add(&other, entry);
	for (size_t i = 0; i < all.count; i++)
		ush_origins_add(&other, &all.items[i]);
	text = ush_origins_text(&other);
	json_object_set_new(annotations, SOURCE_ID, json_string(text));
}

/* Something in the namespace waits for a person's word, and is not done without it. */
static void expect_wait(const char *space, const char *reason)
{
	struct ush_plan *plan = sync_case_run(c);
	bool found = false;

	for (size_t i = 0; i < plan->change_count; i++)
		found |= plan->changes[i].consent && strcmp(plan->changes[i].namespace_name, space) == 0 && strstr(plan->changes[i].reason, reason) != NULL;
	ck_assert_msg(found, "nothing waits in %s", space);
	ush_plan_free(plan);
}

#define ENTRY(group, id) (&(struct ush_origin){(char *)"oidc:" group, (char *)"main", (char *)(id), (char *)group, (char *)"/" group, NULL})

/* ---- whom annotations convince ---- */

#define TWO CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [x], name: e}\n- {group: ops, role: edit, namespaces: [o], name: e}\n" CASE_LIMITS

START_TEST(a_name_without_a_subject_counts_for_nothing)
{
	struct ush_plan *plan;

	begin(CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [x], name: e}\n- {group: ops, role: edit, namespaces: [x], name: f}\n" CASE_LIMITS,
	      "1 /dev p;2 /ops q");
	forge("x", "f", ENTRY("dev", "9"));
	forge("x", "f", ENTRY("team", "77"));
	plan = sync_case_run(c); /* put right, and nothing is remembered of it */
	ck_assert_uint_eq(ush_plan_count(plan, USH_CHANGE), 1);
	ck_assert_uint_eq(plan->state.count, 0);
	ush_plan_free(plan);
	forge("x", "f", ENTRY("dev", "9"));
	sync_case_groups(c, 0, "9 /dev mallory;2 /ops q");
	expect_wait("x", "(id 1 before, 9 now)");
	sync_case_free(c);
}
END_TEST

/* With a subject too, and it is granted nothing there: the name neither spares the question nor asks it. */
START_TEST(another_namespace_spares_no_question_and_asks_none)
{
	begin(TWO, "1 /dev p;2 /ops q;3 /team r");
	forge("o", "e", ENTRY("dev", "9"));
	add_subject("o", "e", "oidc:dev");
	forge("o", "e", ENTRY("team", "77"));
	add_subject("o", "e", "oidc:team");
	sync_case_groups(c, 0, "9 /dev mallory;2 /ops q;3 /team r");
	sync_case_policy(c, TWO "layout: group\n");
	expect_wait("x", "(id 1 before, 9 now)");
	expect("o", "e", "oidc:ops");
	for (size_t i = 0; i < c->state.count; i++)
		ck_assert_str_ne(c->state.items[i].text, "oidc:team");
	sync_case_policy(c, CASE_HEAD "grants:\n- {group: team, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS);
	ush_plan_free(sync_case_run(c));
	expect("x", "e", "oidc:team");
	sync_case_free(c);
}
END_TEST

/* It is the name that stands in the binding by which it is judged, not what is claimed of it. */
START_TEST(a_subject_that_claims_another_name_gives_that_no_stone)
{
	begin(CASE_HEAD "grants:\n- {group: ops, role: edit, namespaces: [o], name: e}\n" CASE_LIMITS, "1 /dev p;2 /ops q");
	forge("o", "e", &(struct ush_origin){(char *)"oidc:dev", (char *)"main", (char *)"66", (char *)"ops", (char *)"/ops", NULL});
	add_subject("o", "e", "oidc:dev");
	ush_plan_free(sync_case_run(c));
	ush_plan_free(sync_case_run(c));
	ush_plan_free(sync_case_run(c));
	for (size_t i = 0; i < c->state.count; i++)
		ck_assert_str_ne(c->state.items[i].text, "oidc:dev");
	sync_case_policy(c, TWO);
	ush_plan_free(sync_case_run(c));
	expect("x", "e", "oidc:dev");
	sync_case_free(c);
}
END_TEST

/* Who is granted something there can be made to wait by it, and the plan says which binding says so. */
START_TEST(the_plan_names_the_binding_that_makes_a_group_wait)
{
	struct ush_plan *plan;

	begin(CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [o], name: e}\n" CASE_LIMITS, "1 /dev p");
	json_object_del(json_object_get(json_object_get(binding("o", "e"), "metadata"), "annotations"), SOURCE_ID);
	json_object_set_new(json_object_get(json_object_get(binding("o", "e"), "metadata"), "annotations"), SOURCE_ID, json_string("[]"));
	forge("o", "e", ENTRY("dev", "66"));
	sync_case_policy(c, CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [o], name: e}\n- {group: dev, role: edit, namespaces: [x], name: f}\n" CASE_LIMITS);
	plan = sync_case_run(c);
	sync_case_expect_reason(plan, USH_CREATE, "f", "(id 66 before, says o/e, 1 now)");
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* One word is enough: a namespace that comes later does not ask again. */
START_TEST(a_word_holds_for_namespaces_that_come_later)
{
	static const char *const later = CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [x, z], name: e}\n" CASE_LIMITS;

	begin(CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS, "1 /dev p");
	sync_case_groups(c, 0, "9 /dev p");
	ush_plan_free(sync_case_run(c));
	sync_case_policy(c, later);
	ush_plan_free(sync_case_run(c));
	expect("z", "e", "");
	c->confirm = true;
	ush_plan_free(sync_case_run(c));
	c->confirm = false;
	expect("x", "e", "oidc:dev");
	expect("z", "e", "oidc:dev");
	ush_plan_free(sync_case_run(c));
	sync_case_policy(c, CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [x, z, later], name: e}\n" CASE_LIMITS);
	ush_plan_free(sync_case_run(c));
	expect("later", "e", "oidc:dev");
	sync_case_groups(c, 0, "10 /dev p"); /* the word was for that group alone */
	sync_case_policy(c, CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [x, z, later, last], name: e}\n" CASE_LIMITS);
	ush_plan_free(sync_case_run(c));
	expect("last", "e", "");
	sync_case_free(c);
}
END_TEST

/* ---- one namespace stops nothing elsewhere ---- */

#define LIKE "- {groupPattern: 't-*', role: edit, namespaces: [o], name: e}\n"

/* As many names as anybody likes, each of which a grant speaks of there. */
START_TEST(names_made_up_in_one_namespace_push_out_nobody_elses)
{
	USH_AUTO_ORIGINS all = {0};
	USH_AUTO_FREE char *text = NULL;
	struct ush_plan *plan;

	begin(CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [x], name: e}\n" LIKE CASE_LIMITS, "1 /dev p;2 /t-1 q");
	for (int i = 0; i < USH_STATE_STONES_MAX + 100; i++) {
		USH_AUTO_FREE char *name = ush_printf("oidc:t-made-up-%d", i), *id = ush_printf("m%d", i), *path = ush_printf("/t-made-up-%d", i);

		add_subject("o", "e", name);
		ush_origins_add(&all, &(struct ush_origin){name, (char *)"main", id, path + 1, path, NULL});
	}
	text = ush_origins_text(&all);
	json_object_set_new(json_object_get(json_object_get(binding("o", "e"), "metadata"), "annotations"), SOURCE_ID, json_string(text));
	sync_case_groups(c, 0, "2 /t-1 q");
	for (int i = 0; i < 2; i++) {
		plan = sync_case_run(c);
		ck_assert_msg(plan->stop.code == USH_OK, "%s", plan->stop.what);
		ck_assert_uint_le(plan->state.count, USH_STATE_STONES_MAX);
		ck_assert_ptr_nonnull(ush_state_find(&plan->state, "main", "1", "oidc:dev"));
		ush_plan_free(plan);
	}
	expect("x", "e", ""); /* gone for two runs, and no flood kept it */
	sync_case_free(c);
}
END_TEST

START_TEST(copies_of_a_binding_that_take_nothing_from_anybody_do_not_count)
{
	struct ush_plan *plan;

	begin(CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [x], name: e}\n- {group: t-1, role: edit, namespaces: [o], name: e}\n"
			"limits: {remove: {bindings: 3}}\n",
	      "1 /dev p;2 /t-1 q");
	for (int i = 0; i < 9; i++) {
		json_t *copy = json_deep_copy(binding("o", "e")), *metadata = json_object_get(copy, "metadata");
		USH_AUTO_FREE char *name = ush_printf("copy-%d", i);

		json_object_set_new(metadata, "name", json_string(name));
		if (i > 5) /* somebody whom nobody knows, or whom everybody does: once */
			json_object_set_new(json_array_get(json_object_get(copy, "subjects"), 0), "name", json_string(i == 6 ? "oidc:nobody" : "oidc:dev"));
		json_array_append_new(c->cluster, copy);
	}
	plan = sync_case_run(c);
	ck_assert_msg(plan->stop.code == USH_OK, "%s", plan->stop.what);
	ck_assert_uint_eq(ush_plan_count(plan, USH_REMOVE), 9);
	ush_plan_free(plan);
	sync_case_policy(c, CASE_HEAD "grants: []\nlimits: {remove: {bindings: 1, people: 100%}}\n");
	plan = sync_case_run(c); /* what people lose counts as ever */
	ck_assert_int_eq(plan->stop.code, USH_ERR_REFUSED);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* ---- what ended ---- */

#define UNTIL(when) CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [x], name: e, " when "}\n" CASE_LIMITS

START_TEST(what_ended_goes_while_its_source_is_down)
{
	static const char *const policies[] = {UNTIL("notAfter: '2020-01-01'"), UNTIL("notBefore: '2030-01-01'"), UNTIL("notAfter: '2020-01-01'") "layout: users\n"};

	for (size_t i = 0; i < USH_COUNT(policies); i++)
		for (int spoilt = 0; spoilt < 2; spoilt++) {
			begin(i == 2 ? TWO "layout: users\n" : TWO, "1 /dev p;2 /ops q");
			if (spoilt && i < 2)
				json_object_del(json_object_get(json_object_get(binding("x", "e"), "metadata"), "annotations"), SOURCE_ID);
			sync_case_incomplete(c, 0, "down");
			sync_case_policy(c, policies[i]);
			sync_case_incomplete(c, 0, "down");
			ush_plan_free(sync_case_run(c));
			expect("x", "e", "");
			expect("o", "e", i == 2 ? "q" : "oidc:ops"); /* nothing grants it any more; but that is not the clock's word */
			sync_case_free(c);
		}
}
END_TEST

START_TEST(what_another_grant_may_give_stays_while_its_source_is_down)
{
	begin(TWO, "1 /dev p;2 /ops q");
	sync_case_policy(c, CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [x], name: e, notAfter: '2020-01-01'}\n"
				      "- {groupPattern: 'd*', role: edit, namespaces: [x]}\n" CASE_LIMITS);
	sync_case_incomplete(c, 0, "down");
	ush_plan_free(sync_case_run(c));
	expect("x", "e", "oidc:dev");
	sync_case_free(c);
}
END_TEST

/* ---- what is in doubt ---- */

#define CORP "apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\nsources: {corp: {file: {path: g.json}}}\n" \
	     "roles:\n  reader: {rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}\n  edit: {clusterRole: edit}\n"
#define GRANTS "grants:\n- {group: dev, role: edit, namespaces: [x], name: e}\n- {group: ops, role: edit, namespaces: [x], name: e}\n"

START_TEST(a_source_that_is_called_otherwise_takes_nothing_while_it_is_down)
{
	begin(CASE_HEAD GRANTS CASE_LIMITS, "1 /dev p;2 /ops q");
	sync_case_policy(c, CORP GRANTS CASE_LIMITS);
	sync_case_incomplete(c, 0, "down");
	ush_plan_free(sync_case_run(c));
	expect("x", "e", "oidc:dev oidc:ops");
	sync_case_groups(c, 0, "2 /ops q"); /* as any group that is gone */
	ush_plan_free(sync_case_run(c));
	expect("x", "e", "oidc:dev oidc:ops");
	ush_plan_free(sync_case_run(c));
	expect("x", "e", "oidc:ops");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(another_name_for_a_binding_takes_nothing_before_it_is_written)
{
	static const char *const other = CASE_HEAD "grants:\n- {group: dev, role: reader, namespaces: [x], name: f}\n" CASE_LIMITS;
	static const struct {
		const char *groups, *left;
		bool foreign;
	} cases[] = {
		{"2 /ops q", "oidc:dev", false},	       /* vanished */
		{"9 /dev q", "oidc:dev", false},	       /* waits for consent */
		{"1 /dev q;3 /t/dev r", "oidc:dev", false}, /* ambiguous */
		{"1 /dev q", "oidc:dev", true},	       /* somebody else's name */
		{NULL, "oidc:dev", false},		       /* incomplete */
		{"1 /dev q", "", false},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		begin(CASE_HEAD "grants:\n- {group: dev, role: reader, namespaces: [x], name: e}\n" CASE_LIMITS, "1 /dev p");
		sync_case_policy(c, other);
		if (cases[i].groups != NULL)
			sync_case_groups(c, 0, cases[i].groups);
		else
			sync_case_incomplete(c, 0, "down");
		if (cases[i].foreign)
			sync_case_add(c, "{'kind': 'RoleBinding', 'apiVersion': 'rbac.authorization.k8s.io/v1', 'metadata': {'name': 'f', 'namespace': 'x', 'uid': "
					 "'u77', 'resourceVersion': '77'}, 'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'ClusterRole', 'name': "
					 "'view'}, 'subjects': [{'kind': 'User', 'apiGroup': 'rbac.authorization.k8s.io', 'name': 'bob'}]}");
		ush_plan_free(sync_case_run(c));
		expect("x", "e", cases[i].left);
		ck_assert_ptr_nonnull(sync_case_object(c, "Role", "x", "reader")); /* a binding that is kept keeps its Role */
		sync_case_free(c);
	}
}
END_TEST

START_TEST(a_group_that_goes_from_one_binding_to_another_is_in_one_in_the_end)
{
	begin(CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [x], name: e}\n- {group: ops, role: edit, namespaces: [x], name: f}\n" CASE_LIMITS,
	      "1 /dev p;2 /ops q");
	sync_case_policy(c, CASE_HEAD "grants:\n- {group: dev, role: edit, namespaces: [x], name: f}\n- {group: ops, role: edit, namespaces: [x], name: f}\n" CASE_LIMITS);
	ush_plan_free(sync_case_run(c));
	expect("x", "e", "");
	expect("x", "f", "oidc:dev oidc:ops");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(a_held_binding_of_another_layout_keeps_its_role)
{
	USH_AUTO_FREE char *left = NULL;

	begin(CASE_HEAD "grants:\n- {group: dev, role: reader, namespaces: [x], name: e}\n" CASE_LIMITS, "1 /dev p;2 /ops q");
	sync_case_groups(c, 0, "2 /ops q");
	sync_case_policy(c, CASE_HEAD "grants:\n- {group: dev, role: reader, namespaces: [x], name: e}\n" CASE_LIMITS "layout: users\n");
	ush_plan_free(sync_case_run(c));
	left = subjects("x", "e");
	ck_assert_str_eq(left, "oidc:dev");
	ck_assert_ptr_nonnull(sync_case_object(c, "Role", "x", "reader"));
	sync_case_free(c);
}
END_TEST

START_TEST(a_role_that_somebody_elses_binding_needs_stays)
{
	struct ush_plan *plan;

	begin(CASE_HEAD "grants:\n- {group: dev, role: reader, namespaces: [x], name: e}\n" CASE_LIMITS, "1 /dev p;2 /ops q");
	sync_case_add(c, "{'kind': 'RoleBinding', 'apiVersion': 'rbac.authorization.k8s.io/v1', 'metadata': {'name': 'theirs', 'namespace': 'x', 'uid': 'u77', "
			 "'resourceVersion': '77'}, 'roleRef': {'apiGroup': 'rbac.authorization.k8s.io', 'kind': 'Role', 'name': 'reader'}, 'subjects': []}");
	sync_case_policy(c, CASE_HEAD "grants: []\n" CASE_LIMITS);
	plan = sync_case_run(c);
	sync_case_expect_reason(plan, USH_HOLD, "reader", "theirs refers to it");
	ush_plan_free(plan);
	ck_assert_ptr_nonnull(sync_case_object(c, "Role", "x", "reader"));
	sync_case_free(c);
}
END_TEST

TAP_MAIN("believed", a_name_without_a_subject_counts_for_nothing, another_namespace_spares_no_question_and_asks_none,
	 a_subject_that_claims_another_name_gives_that_no_stone, the_plan_names_the_binding_that_makes_a_group_wait, a_word_holds_for_namespaces_that_come_later, names_made_up_in_one_namespace_push_out_nobody_elses,
	 copies_of_a_binding_that_take_nothing_from_anybody_do_not_count,
	 what_ended_goes_while_its_source_is_down, what_another_grant_may_give_stays_while_its_source_is_down,
	 a_source_that_is_called_otherwise_takes_nothing_while_it_is_down, another_name_for_a_binding_takes_nothing_before_it_is_written,
	 a_group_that_goes_from_one_binding_to_another_is_in_one_in_the_end, a_held_binding_of_another_layout_keeps_its_role,
	 a_role_that_somebody_elses_binding_needs_stays)
