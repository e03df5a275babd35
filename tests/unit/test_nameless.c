/* SPDX-License-Identifier: Apache-2.0
 *
 * The annotation that says which groups a binding is for is spoilt or taken off by hand: doubt removes nobody, and gives
 * nobody anything. BM02, BC09. On a cluster in memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define LIMITS	  "limits: {remove: {bindings: 100, people: 100%}, vanishedGroup: {runs: 2, age: 1h}}\n"
#define GRANT	  "- {group: a, role: edit, namespaces: [x], name: e}\n"
#define NAMED	  CASE_HEAD "grants:\n" GRANT LIMITS
#define BOTH	  CASE_HEAD "grants:\n" GRANT "- {group: b, role: edit, namespaces: [x], name: e}\n" LIMITS
#define PATTERN	  CASE_HEAD "grants:\n- {groupPattern: 't-*', role: edit, namespaces: [x], name: e}\n" LIMITS
#define USERS	  "layout: users\n"
#define EACH	  "layout: group\n"
#define SOURCE_ID "usher.dev/source-id"

static struct sync_case *c;

static void begin(const char *policy, const char *groups)
{
	c = sync_case_new(policy);
	sync_case_groups(c, 0, groups);
	ush_plan_free(sync_case_run(c));
}

static json_t *the_binding(void)
{
	size_t i;
	json_t *object;

	json_array_foreach(c->cluster, i, object)
		if (strcmp(ush_json_string(object, "kind"), "RoleBinding") == 0)
			return object;
	return NULL;
}

static json_t *annotations(void)
{
	return json_object_get(json_object_get(the_binding(), "metadata"), "annotations");
}

/* All the ways in which nothing can be read there any more; one entry without its id says as little. */
static const char *const spoilings[] = {NULL, "", "[what?", "[]", "{}", "null", "[{\"group\":\"oidc:a\"}]", "[{\"id\":\"1\"}]"};

static void spoil(const char *with)
{
	if (with == NULL)
		json_object_del(annotations(), SOURCE_ID);
	else
		json_object_set_new(annotations(), SOURCE_ID, json_string(with));
}

static void expect_subjects(const char *texts)
{
	USH_AUTO_BUF all = {0};
	const json_t *subject;
	size_t i;

	ush_buf_puts(&all, "");
	json_array_foreach(json_object_get(the_binding(), "subjects"), i, subject)
		ush_buf_printf(&all, "%s%s", i > 0 ? " " : "", ush_json_string(subject, "name"));
	ck_assert_str_eq(all.data, texts);
}

static void run_after(int64_t seconds)
{
	c->now += seconds;
	ush_plan_free(sync_case_run(c));
}

/* Noted, waited for by runs and by time, and then removed. */
static void expect_tombstone(const char *kept)
{
	struct ush_plan *plan = sync_case_run(c);
	const struct ush_change *change = sync_case_change(plan, USH_KEEP, ush_json_string(json_object_get(the_binding(), "metadata"), "name"));

	ck_assert_msg(change != NULL && strstr(change->reason, "kept: ") != NULL, "no tombstone");
	ck_assert_uint_eq(ush_plan_count(plan, USH_REMOVE), 0);
	ush_plan_free(plan);
	expect_subjects(kept);
	run_after(60); /* the second run, too soon */
	expect_subjects(kept);
	run_after(3600);
	ck_assert_ptr_null(the_binding());
	sync_case_expect_empty(sync_case_run(c));
}

START_TEST(a_group_that_vanishes_while_its_record_is_spoilt_is_mourned)
{
	static const char *const policies[] = {NAMED, NAMED EACH};

	for (size_t p = 0; p < USH_COUNT(policies); p++)
		for (size_t i = 0; i < USH_COUNT(spoilings); i++) {
			begin(policies[p], "1 /a p;2 /b q");
			spoil(spoilings[i]);
			sync_case_groups(c, 0, "2 /b q");
			expect_tombstone("oidc:a");
			sync_case_free(c);
		}
	begin(PATTERN, "1 /t-1 p;2 /b q");
	spoil(NULL);
	sync_case_groups(c, 0, "2 /b q");
	expect_tombstone("oidc:t-1");
	sync_case_free(c);
}
END_TEST

START_TEST(a_source_that_is_down_meanwhile_does_not_count)
{
	begin(NAMED, "1 /a p;2 /b q");
	spoil(NULL);
	for (int i = 0; i < 3; i++) {
		sync_case_incomplete(c, 0, "down");
		run_after(86400);
		expect_subjects("oidc:a");
	}
	sync_case_groups(c, 0, "2 /b q");
	expect_tombstone("oidc:a");
	sync_case_free(c);
}
END_TEST

/* Nobody else's waiting: the others in it come and go, and what is written keeps the doubt. */
START_TEST(others_in_the_binding_go_on_meanwhile)
{
	begin(BOTH, "1 /a p;2 /b q;3 /z r");
	spoil(NULL);
	sync_case_groups(c, 0, "2 /b q;3 /z r");
	run_after(0);
	expect_subjects("oidc:a oidc:b");
	sync_case_policy(c, CASE_HEAD "grants:\n" GRANT "- {group: z, role: edit, namespaces: [x], name: e}\n" LIMITS);
	run_after(60);
	expect_subjects("oidc:a oidc:z");
	run_after(60);
	expect_subjects("oidc:a oidc:z");
	run_after(3600);
	expect_subjects("oidc:z");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(while_its_group_is_there_the_record_is_written_anew)
{
	for (size_t i = 0; i < USH_COUNT(spoilings); i++) {
		begin(NAMED, "1 /a p;2 /b q");
		spoil(spoilings[i]);
		ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
		expect_subjects("oidc:a");
		ck_assert_ptr_nonnull(strstr(ush_json_string(annotations(), SOURCE_ID), "\"id\":\"1\""));
		sync_case_expect_empty(sync_case_run(c));
		sync_case_free(c);
	}
	begin(NAMED, "1 /a p;2 /b q"); /* also when it was away for a run */
	spoil(NULL);
	sync_case_groups(c, 0, "2 /b q");
	run_after(0);
	sync_case_groups(c, 0, "1 /a p;2 /b q");
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
	expect_subjects("oidc:a");
	sync_case_expect_empty(sync_case_run(c));
	ck_assert_uint_eq(c->state.count, 0);
	sync_case_free(c);
}
END_TEST

/* A name that went without anybody knowing whose it was is nobody's: the next to bear it waits for a word. */
START_TEST(its_name_passes_to_nobody_unseen)
{
	struct ush_plan *plan;

	begin(NAMED, "1 /a p;2 /b q");
	spoil(NULL);
	sync_case_groups(c, 0, "2 /b q");
	run_after(0);
	run_after(3600);
	ck_assert_ptr_null(the_binding());
	sync_case_groups(c, 0, "9 /a mallory;2 /b q");
	for (int i = 0; i < 3; i++) {
		plan = sync_case_run(c);
		ck_assert(sync_case_change(plan, USH_CREATE, "e")->consent);
		sync_case_expect_reason(plan, USH_CREATE, "e", "(id unknown before, 9 now)");
		ush_plan_free(plan);
		ck_assert_ptr_null(the_binding());
	}
	c->confirm = true;
	ush_plan_free(sync_case_run(c));
	c->confirm = false;
	expect_subjects("oidc:a");
	run_after(0); /* the set's parent names the namespace */
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* What no grant could have meant was added by hand, and what the policy took back is taken back. */
START_TEST(what_no_grant_means_goes_at_once)
{
	begin(NAMED, "1 /a p;2 /b q");
	spoil(NULL);
	json_array_append_new(json_object_get(the_binding(), "subjects"),
			      json_pack("{s:s, s:s, s:s}", "apiGroup", "rbac.authorization.k8s.io", "kind", "Group", "name", "oidc:evil"));
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
	expect_subjects("oidc:a");
	spoil(NULL);
	sync_case_policy(c, CASE_HEAD "grants: []\n" LIMITS);
	ush_plan_free(sync_case_run_and_count(c, USH_REMOVE, 1));
	ck_assert_ptr_null(the_binding());
	sync_case_free(c);
	begin(NAMED, "1 /a p;2 /b q"); /* the record is fine, and does not name it */
	json_array_append_new(json_object_get(the_binding(), "subjects"),
			      json_pack("{s:s, s:s, s:s}", "apiGroup", "rbac.authorization.k8s.io", "kind", "Group", "name", "oidc:b"));
	ush_plan_free(sync_case_run_and_count(c, USH_CHANGE, 1));
	expect_subjects("oidc:a");
	sync_case_free(c);
}
END_TEST

/* A binding of people says nothing of groups but there. */
START_TEST(people_whose_groups_cannot_be_read_stay_for_as_long)
{
	begin(BOTH USERS, "1 /a p;2 /b q;3 /z r");
	spoil(NULL);
	sync_case_groups(c, 0, "2 /b q,s;3 /z r"); /* a is gone, b has one more */
	run_after(0);
	expect_subjects("p q s");
	run_after(60);
	expect_subjects("p q s");
	run_after(3600);
	expect_subjects("q s");
	run_after(0);
	sync_case_expect_empty(sync_case_run(c));
	ck_assert_uint_eq(c->state.count, 0);
	sync_case_free(c);
	begin(NAMED USERS, "1 /a p;2 /b q"); /* none is left */
	spoil(NULL);
	sync_case_groups(c, 0, "2 /b q");
	run_after(0);
	run_after(60);
	expect_subjects("p");
	run_after(3600);
	ck_assert_ptr_null(the_binding());
	sync_case_free(c);
}
END_TEST

/* Another layout meanwhile: what was there stays until it is known, or was waited for. */
START_TEST(another_layout_meanwhile_takes_nobody_out_either)
{
	static const struct {
		const char *from, *to, *before, *after;
	} cases[] = {{BOTH, BOTH USERS, "oidc:a oidc:b", "q"}, {BOTH USERS, BOTH, "p q", "oidc:b"}};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		begin(cases[i].from, "1 /a p;2 /b q;3 /z r");
		spoil(NULL);
		sync_case_groups(c, 0, "2 /b q;3 /z r");
		sync_case_policy(c, cases[i].to);
		run_after(0);
		expect_subjects(cases[i].before);
		run_after(60);
		expect_subjects(cases[i].before);
		run_after(3600);
		run_after(3600);
		run_after(3600);
		expect_subjects(cases[i].after);
		run_after(0);
		sync_case_expect_empty(sync_case_run(c));
		sync_case_free(c);
	}
}
END_TEST

TAP_MAIN("nameless", a_group_that_vanishes_while_its_record_is_spoilt_is_mourned, a_source_that_is_down_meanwhile_does_not_count,
	 others_in_the_binding_go_on_meanwhile, while_its_group_is_there_the_record_is_written_anew, its_name_passes_to_nobody_unseen,
	 what_no_grant_means_goes_at_once, people_whose_groups_cannot_be_read_stay_for_as_long, another_layout_meanwhile_takes_nobody_out_either)
