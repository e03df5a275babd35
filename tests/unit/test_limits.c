/* SPDX-License-Identifier: Apache-2.0
 *
 * More bindings or people than the policy allows, and what goes on while a group waits for somebody's word. On a cluster
 * in memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define FOR_A  "- {group: a, role: edit, namespaces: [x], name: e}\n"

static struct sync_case *c;

/* ---- limits ---- */

/* Group gI with three people of its own edits nI, for from..to. */
static char *grants(int from, int to, const char *limits)
{
	struct ush_buf text = {0};

	ush_buf_puts(&text, from == to ? CASE_HEAD "grants: []\n" : CASE_HEAD "grants:\n");
	for (int i = from; i < to; i++)
		ush_buf_printf(&text, "- {group: g%d, role: edit, namespaces: [n%d]}\n", i, i);
	ush_buf_puts(&text, limits);
	return ush_buf_take(&text);
}

static char *groups(int count)
{
	struct ush_buf text = {0};

	for (int i = 0; i < count; i++)
		ush_buf_printf(&text, "%sid%d /g%d p%d,q%d,r%d", i > 0 ? ";" : "", i, i, i, i, i);
	return ush_buf_take(&text);
}

/* From grants 0..before to 0..after. what NULL: it goes ahead. */
static void expect_limit(int before, int after, const char *limits, const char *what)
{
	USH_AUTO_FREE char *first = grants(0, before, ""), *second = grants(0, after, limits), *all = groups(60);
	struct ush_plan *plan;

	c = sync_case_begin(first, all);
	ush_plan_free(sync_case_run(c));
	ck_assert_uint_eq(json_array_size(c->cluster), (size_t)before);
	sync_case_policy(c, second);
	plan = sync_case_run(c);
	ck_assert_int_eq(plan->stop.code, what != NULL ? USH_ERR_REFUSED : USH_OK);
	ck_assert_msg(what == NULL || strstr(plan->stop.what, what) != NULL, "\"%s\" lacks \"%s\"", plan->stop.what, what);
	ck_assert_uint_eq(json_array_size(c->cluster), (size_t)(what != NULL ? before : after));
	ush_plan_free(plan);
	sync_case_free(c);
}

/* BM02, BE23: by count and by percent, of bindings and of people; a percentage never stops five or fewer. */
START_TEST(removals_are_limited_in_bindings_and_in_people)
{
	static const struct {
		int before, after;
		const char *limits, *what;
	} cases[] = {
		{20, 13, "limits: {remove: {bindings: 7, people: 100%}}\n", NULL},
		{20, 12, "limits: {remove: {bindings: 7, people: 100%}}\n", "8 of 20 bindings (40 %) and 24 people would go, the policy allows 7 of the bindings"},
		{20, 10, "limits: {remove: {bindings: 50%, people: 100%}}\n", NULL},
		{20, 9, "limits: {remove: {bindings: 50%, people: 100%}}\n", "11 of 20 bindings (55 %)"},
		{20, 18, "limits: {remove: {bindings: 100, people: 6}}\n", NULL},
		{20, 17, "limits: {remove: {bindings: 100, people: 6}}\n", "3 of 20 bindings (15 %) and 9 people would go, the policy allows 100 of the bindings and 6 of the people"},
		{20, 16, "limits: {remove: {bindings: 100, people: 20%}}\n", NULL},
		{20, 15, "limits: {remove: {bindings: 100, people: 20%}}\n", "15 people would go, the policy allows 100 of the bindings and 20 % of the people"},
		{3, 2, "limits: {remove: {bindings: 0%, people: 0%}}\n", NULL},
		{3, 2, "limits: {remove: {bindings: 100, people: 2}}\n", "3 people would go"},
		{20, 5, "", "15 of 20 bindings (75 %) and 45 people"}, /* nothing said: 25 % of the people */
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++)
		expect_limit(cases[i].before, cases[i].after, cases[i].limits, cases[i].what);
}
END_TEST

/* BM02 */
START_TEST(people_who_gain_access_are_limited_on_demand)
{
	expect_limit(10, 12, "limits: {add: {people: 6}}\n", NULL);
	expect_limit(10, 13, "limits: {add: {people: 6}}\n", "stopped before any write: 9 of 39 people would gain access, the policy allows 6");
	expect_limit(10, 20, "limits: {add: {people: 50%}}\n", NULL);
	expect_limit(10, 21, "limits: {add: {people: 50%}}\n", "33 of 63 people would gain access, the policy allows 50 %");
	expect_limit(10, 60, "", NULL);
}
END_TEST

/* BC11: the policy shrank by as much as would go: no excuse. A person may confirm that very plan, known by its hash. */
START_TEST(sixty_percent_fewer_grants_stop_unless_confirmed)
{
	USH_AUTO_FREE char *first = grants(0, 50, ""), *second = grants(0, 20, ""), *third = grants(0, 19, ""), *all = groups(50);
	struct ush_plan *plan, *other;
	struct ush_error err = {0};

	c = sync_case_begin(first, all);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 50));
	sync_case_policy(c, third);
	other = sync_case_plan(c);
	sync_case_policy(c, second);
	ush_plan_free(sync_case_run(c)); /* does nothing */
	ck_assert_uint_eq(json_array_size(c->cluster), 50);
	plan = sync_case_plan(c);
	ck_assert_int_eq(ush_plan_verdict(plan, &err), USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.what, "30 of 50 bindings (60 %)"));
	ck_assert_int_eq(plan->stop.code, USH_ERR_REFUSED); /* and not INCOMPLETE, which nobody may confirm */
	ck_assert_str_ne(plan->hash, other->hash);
	ush_plan_free(other);
	other = sync_case_plan(c);
	ck_assert_str_eq(plan->hash, other->hash);
	ush_plan_free(other);
	sync_case_apply(c, plan); /* as apply does after --confirm */
	ush_plan_free(plan);
	ck_assert_uint_eq(json_array_size(c->cluster), 20);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* ---- somebody's word ---- */

/* Group a (id 1) was deleted and its binding ran out. Another group (id 9) has its name. */
static void begin_with_a_successor(void)
{
	c = sync_case_begin(CASE_HEAD "grants:\n" FOR_A CASE_LIMITS, "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_groups(c, 0, "2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_REMOVE, 0));
	ush_plan_free(sync_case_run_and_count(c, USH_REMOVE, 1));
	sync_case_groups(c, 0, "9 /a mallory;2 /b q");
}

/* BC09: the word is given to a plan by its hash: the same as long as nothing moves, another one for another group. */
START_TEST(a_word_given_to_one_group_is_none_for_the_next)
{
	struct ush_plan *plan, *again, *other;

	begin_with_a_successor();
	plan = sync_case_plan(c);
	again = sync_case_plan(c);
	sync_case_groups(c, 0, "10 /a mallory;2 /b q");
	other = sync_case_plan(c);
	ck_assert_str_eq(plan->hash, again->hash);
	ck_assert_str_ne(plan->hash, other->hash);
	ck_assert_uint_eq(plan->for_people_count, 1);
	ck_assert_str_eq(plan->for_people[0], "1 might edit x, Secrets included, through oidc:a");
	ush_plan_free(other);
	ush_plan_free(again);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* The change that waits for a word. */
static const struct ush_change *offered(const struct ush_plan *plan, const char *name)
{
	for (size_t i = 0; i < plan->change_count; i++)
		if (plan->changes[i].consent && strcmp(plan->changes[i].name, name) == 0)
			return &plan->changes[i];
	return NULL;
}

/* BC09: whoever else is to be in the same binding, or elsewhere, is not kept waiting; nor is the word. */
START_TEST(others_go_on_while_one_waits_for_consent)
{
	struct ush_plan *plan;

	begin_with_a_successor();
	sync_case_policy(c, CASE_HEAD "grants:\n" FOR_A "- {group: b, role: edit, namespaces: [x], name: e}\n- {group: b, role: reader, namespaces: [z], name: r}\n" CASE_LIMITS);
	plan = sync_case_run_and_count(c, USH_CREATE, 3); /* e for b, the Role, and r; e once, although it is offered for a, too */
	ck_assert_str_eq(offered(plan, "e")->reason, "group /a of source main was deleted and made anew (id 1 before, 9 now): another group until somebody confirms this plan by its hash");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "e", "oidc:b");
	sync_case_expect_subjects(c, "z", "r", "oidc:b");
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	ck_assert_ptr_nonnull(offered(plan, "e"));
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "e", "oidc:b");
	c->confirm = true;
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
	sync_case_expect_subjects(c, "x", "e", "oidc:a oidc:b");
	sync_case_free(c);
}
END_TEST

/* What e gives after the plan, when somebody says yes and when nobody does. */
static void expect_either(const char *without, const char *with)
{
	for (int confirm = 0; confirm < 2; confirm++) {
		USH_AUTO_JSON before = json_deep_copy(c->cluster);
		USH_AUTO_PLAN plan = sync_case_plan(c);
		USH_AUTO_FREE char *got = NULL, *state = ush_state_text(&c->state);
		struct ush_error err = {0};
		size_t objects = 0, done = 0;

		ck_assert_uint_eq(ush_plan_consent(plan, confirm), !confirm);
		for (size_t i = 0; i < plan->object_count; i++)
			objects += strcmp(plan->objects[i].name, "e") == 0;
		for (size_t i = 0; i < plan->change_count; i++)
			done += plan->changes[i].action <= USH_REMOVE && strcmp(plan->changes[i].name, "e") == 0;
		ck_assert_uint_eq(done, 1); /* one write, and one manifest */
		ck_assert_uint_eq(objects, *(confirm ? with : without) != '\0');
		c->confirm = confirm;
		sync_case_apply(c, plan);
		got = sync_case_subjects(c, "x", "e");
		ck_assert_str_eq(got, confirm ? with : without);
		json_decref(c->cluster);
		c->cluster = ush_steal(&before);
		ush_state_free(&c->state);
		ck_assert_int_eq(ush_state_read(&c->state, state, "state", &err), 0);
	}
	c->confirm = false;
}

/* BC09: with the word all is done at once, without it all but what waits: adding others, taking others out, taking the old
 * group out when its time has come, another role. */
START_TEST(with_or_without_the_word_the_rest_is_done_in_the_same_run)
{
	static const char both[] = CASE_HEAD "grants:\n" FOR_A "- {group: b, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS,
			  other[] = CASE_HEAD "grants:\n- {group: a, role: reader, namespaces: [x], name: e}\n- {group: b, role: reader, namespaces: [x], name: e}\n" CASE_LIMITS;

	begin_with_a_successor();
	sync_case_policy(c, both);
	expect_either("oidc:b", "oidc:a oidc:b");
	sync_case_free(c);

	c = sync_case_begin(both, "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_groups(c, 0, "9 /a mallory;2 /b q");
	sync_case_policy(c, CASE_HEAD "grants:\n" FOR_A CASE_LIMITS); /* b goes; the old a waits out its time */
	expect_either("oidc:a", "oidc:a");
	ush_plan_free(sync_case_run(c));
	expect_either("", "oidc:a");
	sync_case_policy(c, both); /* b comes back while the old a goes */
	expect_either("oidc:b", "oidc:a oidc:b");
	sync_case_policy(c, other);
	expect_either("oidc:b", "oidc:a oidc:b");
	sync_case_free(c);
}
END_TEST

/* A plan in a file keeps both ways. */
START_TEST(a_plan_from_a_file_can_be_confirmed_or_not)
{
	for (int confirm = 0; confirm < 2; confirm++) {
		USH_AUTO_PLAN plan = NULL;
		USH_AUTO_PLAN read = NULL;
		USH_AUTO_JSON json = NULL;
		USH_AUTO_JSON object = NULL;
		struct ush_error err = {0};

		begin_with_a_successor();
		sync_case_policy(c, CASE_HEAD "grants:\n" FOR_A "- {group: b, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS);
		plan = sync_case_plan(c);
		json = ush_plan_to_json(plan);
		ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "summary"), "create")), 1);
		read = ush_plan_from_json(json, "plan.json", &err);
		ck_assert_msg(read != NULL, "%s", err.what);
		ush_plan_consent(read, confirm);
		ck_assert_uint_eq(ush_plan_count(read, USH_CREATE), 1);
		object = ush_change_object(read, sync_case_change(read, USH_CREATE, "e"), NULL);
		ck_assert_uint_eq(json_array_size(json_object_get(object, "subjects")), confirm ? 2 : 1);
		ck_assert_uint_eq(sync_case_change(read, USH_CREATE, "e")->added_count, confirm ? 2 : 1);
		sync_case_free(c);
	}
}
END_TEST

TAP_MAIN("limits", removals_are_limited_in_bindings_and_in_people, people_who_gain_access_are_limited_on_demand,
	 sixty_percent_fewer_grants_stop_unless_confirmed, a_word_given_to_one_group_is_none_for_the_next, others_go_on_while_one_waits_for_consent,
	 with_or_without_the_word_the_rest_is_done_in_the_same_run, a_plan_from_a_file_can_be_confirmed_or_not)
