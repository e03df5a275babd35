/* SPDX-License-Identifier: Apache-2.0
 *
 * BM03: a plan from a file is carried out when the same plan comes out again, and else says what moved. On a cluster in
 * memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/sync/plan/moved.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define GRANT_A "- {group: a, role: reader, namespaces: [x], name: readers}\n"
#define POLICY	CASE_HEAD "grants:\n" GRANT_A "- {groupPattern: '/team-{t}', role: edit, namespaces: [prod]}\n" CASE_LIMITS

static struct sync_case *c;
static struct ush_plan *then; /* as it came back from its file */

static void groups(const char *text, const char *digest)
{
	sync_case_groups(c, 0, text);
	snprintf(c->groups[0].digest, sizeof c->groups[0].digest, "%s", digest);
}

static void keep_plan(void)
{
	USH_AUTO_PLAN plan = sync_case_plan(c);
	USH_AUTO_JSON json = ush_plan_to_json(plan);
	struct ush_error err = {0};

	ush_plan_free(then);
	then = ush_plan_from_json(json, "plan.json", &err);
	ck_assert_msg(then != NULL, "%s", err.what);
}

static void begin(void)
{
	c = sync_case_new(POLICY);
	then = NULL;
	groups("1 /a p,q,r;2 /b s", "one");
}

static void end(void)
{
	ush_plan_free(then);
	sync_case_free(c);
}

static void expect_same(void)
{
	USH_AUTO_PLAN now = sync_case_plan(c);
	struct ush_error err = {0};

	ck_assert_msg(ush_plan_moved(then, now, &err) == 0, "%s", err.what);
	ck_assert_str_eq(then->hash, now->hash);
}

static void expect_moved(const char *what)
{
	USH_AUTO_PLAN now = sync_case_plan(c);
	struct ush_error err = {0};

	ck_assert_int_eq(ush_plan_moved(then, now, &err), -1);
	ck_assert_int_eq(ush_code_status(err.code), 5);
	ck_assert_str_eq(err.what, what);
}

static void touch(const char *kind, const char *name, const char *member, const char *value)
{
	json_t *metadata = json_object_get(sync_case_object(c, kind, "x", name), "metadata");

	json_object_set_new(metadata, member, json_string(value));
}

START_TEST(what_the_plan_does_not_speak_of_is_no_reason_to_refuse)
{
	begin();
	keep_plan();
	groups("1 /a p,q,r;2 /b s,t,u;3 /c v", "two");
	expect_same();
	sync_case_add(c, "{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'RoleBinding','metadata':{'name':'theirs','namespace':'far'},"
			 "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'Role','name':'nowhere'},'subjects':[{'kind':'Group','name':'oidc:ghost'}]}");
	expect_same(); /* a note, and nothing to do */
	groups("1 /a p,q,z", "three"); /* another person, the same number: a binding holds the group */
	expect_same();
	end();
}
END_TEST

/* The hash that a person saw is the one that is confirmed, whenever that is. */
START_TEST(the_same_plan_an_hour_later_has_the_same_hash)
{
	begin();
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	groups("2 /b s", "two");
	keep_plan(); /* the first run that sees /a gone: "since" is its own time */
	ck_assert_uint_eq(ush_plan_count(then, USH_KEEP), 1);
	c->now += 3600;
	expect_same();
	end();
}
END_TEST

START_TEST(a_group_that_is_new_is_told_with_its_source)
{
	begin();
	keep_plan();
	groups("1 /a p,q,r;2 /b s;3 /team-red t", "two");
	expect_moved("source main: 2 groups when planned, 3 now: RoleBinding prod/usher-edit-1dbac2f6 is to be made now, for oidc:team-red; nothing was written");
	end();
}
END_TEST

START_TEST(a_group_that_joins_a_binding_is_told_by_name)
{
	begin();
	groups("1 /a p,q,r;3 /team-red t", "one");
	keep_plan();
	groups("1 /a p,q,r;3 /team-red t;4 /team-blue u", "two");
	expect_moved("source main: 2 groups when planned, 3 now: RoleBinding prod/usher-edit-1dbac2f6 oidc:team-blue is to get it now, too; nothing was written");
	end();
}
END_TEST

START_TEST(other_numbers_of_people_are_another_plan)
{
	begin();
	keep_plan();
	groups("1 /a p,q,r,s;2 /b s", "two");
	expect_moved("source main: its groups or their members are others now: RoleBinding x/readers oidc:a had 3 people when planned, has 4 now; nothing was written");
	end();
}
END_TEST

START_TEST(that_nobody_knows_how_many_people_there_are_is_said_in_words)
{
	begin();
	keep_plan();
	c->groups[0].items[0].members_known = false;
	expect_moved("something moved since the plan was made: RoleBinding x/readers oidc:a had 3 people when planned, has an unknown number now; nothing was written");
	end();
}
END_TEST

START_TEST(a_group_that_went_is_told)
{
	begin();
	keep_plan();
	groups("2 /b s", "two");
	expect_moved("source main: 2 groups when planned, 1 now: Role x/reader is to be made in the plan, and there is nothing to do about it now; nothing was written");
	end();
}
END_TEST

START_TEST(a_cluster_that_moved_is_told_by_its_object)
{
	begin();
	keep_plan();
	sync_case_add(c, "{'apiVersion':'rbac.authorization.k8s.io/v1','kind':'Role','metadata':{'name':'reader','namespace':'x'},'rules':[]}");
	expect_moved("the cluster moved since the plan was made: Role x/reader is there now; nothing was written");
	end();

	begin();
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_policy(c, CASE_HEAD "grants:\n- {group: b, role: reader, namespaces: [x], name: readers}\n" CASE_LIMITS);
	keep_plan();
	expect_same();
	touch("RoleBinding", "readers", "resourceVersion", "99");
	expect_moved("the cluster moved since the plan was made: RoleBinding x/readers changed; nothing was written");
	json_array_clear(c->cluster);
	expect_moved("something moved since the plan was made: Role x/reader is to be made now; nothing was written");
	end();
}
END_TEST

START_TEST(a_brake_that_comes_on_is_told)
{
	begin();
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	sync_case_policy(c, CASE_HEAD "grants: []\n" CASE_LIMITS);
	keep_plan();
	then->stop = (struct ush_error){.code = USH_ERR_REFUSED, .what = "stopped: 1 of 1"};
	ush_plan_finish(then);
	expect_moved("something moved since the plan was made: what the plan was made from is not what it was; nothing was written");
	end();
}
END_TEST

START_TEST(another_policy_or_another_run_in_between_is_told)
{
	begin();
	keep_plan();
	free(then->state_version);
	then->state_version = ush_strdup("41");
	ush_plan_finish(then);
	expect_moved("another run changed the tombstones since the plan was made; nothing was written");
	keep_plan();
	sync_case_policy(c, CASE_HEAD "grants:\n" GRANT_A CASE_LIMITS);
	expect_moved("the policy is not what it was when the plan was made; nothing was written");
	end();
}
END_TEST

/* When a plan was made, and whether members were read for it, is in its file. */
START_TEST(a_plan_says_when_and_how_it_was_made)
{
	USH_AUTO_PLAN plan = NULL;
	USH_AUTO_PLAN again = NULL;
	USH_AUTO_JSON json = NULL;
	struct ush_error err = {0};

	begin();
	plan = sync_case_plan(c);
	plan->made = 1800000000;
	plan->no_people = true;
	ush_plan_finish(plan);
	json = ush_plan_to_json(plan);
	ck_assert_str_eq(ush_json_string(json, "made"), "2027-01-15T08:00:00Z");
	again = ush_plan_from_json(json, "plan.json", &err);
	ck_assert_msg(again != NULL, "%s", err.what);
	ck_assert_int_eq(again->made, 1800000000);
	ck_assert(again->no_people);
	json_object_set_new(json, "made", json_string("2027-01-16T08:00:00Z"));
	ck_assert_ptr_null(ush_plan_from_json(json, "plan.json", &err)); /* sealed */
	end();
}
END_TEST

TAP_MAIN("moved", what_the_plan_does_not_speak_of_is_no_reason_to_refuse, the_same_plan_an_hour_later_has_the_same_hash,
	 a_group_that_is_new_is_told_with_its_source, a_group_that_joins_a_binding_is_told_by_name, other_numbers_of_people_are_another_plan, that_nobody_knows_how_many_people_there_are_is_said_in_words,
	 a_group_that_went_is_told, a_cluster_that_moved_is_told_by_its_object, a_brake_that_comes_on_is_told,
	 another_policy_or_another_run_in_between_is_told, a_plan_says_when_and_how_it_was_made)
