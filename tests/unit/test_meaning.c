/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plan means for people, in words. BM08, BM05.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/sync/plan/meaning.h"
#include "broker/sync/want/forecast.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

static struct sync_case *c;

static void expect_words(const char *rules, const char *wanted, int grave)
{
	struct ush_policy_role role = {.name = (char *)"r"};
	struct ush_error err = {0};
	bool is_rbac;
	USH_AUTO_FREE char *text = ush_printf("{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"Role\",\"metadata\":{\"name\":\"r\"},\"rules\":%s}", rules);
	USH_AUTO_JSON object = NULL;
	USH_AUTO_RBAC rbac = NULL;
	USH_AUTO_BUF out = {0};

	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	object = json_loads(text, 0, NULL);
	rbac = ush_rbac_read(object, USH_ERR_CONFIG, &is_rbac, &err);
	ck_assert_msg(rbac != NULL, "%s: %s", text, err.what);
	role.rules = rbac->rules;
	role.rule_count = rbac->rule_count;
	ck_assert_int_eq(ush_meaning_role(&out, &role, NULL), grave);
	ck_assert_str_eq(out.data, wanted);
}

START_TEST(the_gravest_is_said_first)
{
	expect_words("[{'apiGroups':[''],'resources':['pods','services'],'verbs':['get','list']}]", "see pods and services in %s", 0);
	expect_words("[{'apiGroups':[''],'resources':['configmaps'],'verbs':['get','update']}]", "get and update configmaps in %s", 0);
	expect_words("[{'apiGroups':[''],'resources':['pods'],'verbs':['get']},{'apiGroups':[''],'resources':['secrets'],'verbs':['get']}]", "read Secrets in %s", 5);
	expect_words("[{'apiGroups':[''],'resources':['pods/exec'],'verbs':['create']},{'apiGroups':[''],'resources':['secrets'],'verbs':['*']}]",
		     "read Secrets, change Secrets and run commands in pods in %s", 5);
	expect_words("[{'apiGroups':['apps'],'resources':['deployments'],'verbs':['patch']},{'apiGroups':[''],'resources':['pods'],'verbs':['create']}]",
		     "run programs in %s", 3);
	expect_words("[{'apiGroups':['rbac.authorization.k8s.io'],'resources':['roles'],'verbs':['escalate']}]", "give themselves any right in %s", 9);
	expect_words("[{'apiGroups':['*'],'resources':['*'],'verbs':['*']}]", "do everything in %s", 10);
	expect_words("[{'apiGroups':['apps'],'resources':['secrets'],'verbs':['get']}]", "see secrets in %s", 0); /* another group's */
}
END_TEST

START_TEST(a_sentence_is_said_once_for_all_namespaces_of_a_group)
{
	struct ush_plan *plan;

	c = sync_case_new(CASE_HEAD "grants:\n- {group: a, role: edit, namespacePattern: 'p*'}\n- {group: b, role: reader, namespaces: [pa]}\n");
	sync_case_groups(c, 0, "1 /a p,q;2 /b r");
	sync_case_namespace(c, "pa", NULL);
	sync_case_namespace(c, "pb", NULL);
	sync_case_namespace(c, "pc", NULL);
	plan = sync_case_plan(c);
	ck_assert_uint_eq(plan->for_people_count, 2);
	ck_assert_str_eq(plan->for_people[0], "2 may now edit pa, pb and 1 more, Secrets included, through oidc:a");
	ck_assert_str_eq(plan->for_people[1], "1 may now see pods in pa, through oidc:b");
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* What a ClusterRole allows is read from the cluster. */
START_TEST(a_cluster_role_is_said_by_what_it_allows)
{
	struct ush_rbac role = {.kind = USH_CLUSTER_ROLE, .name = (char *)"deployer"}, *roles[] = {&role};
	struct ush_cluster_roles all = {roles, 1};
	struct ush_rule rule = {0};
	struct ush_plan *plan;

	c = sync_case_new("apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\nsources: {main: {file: {path: g.json}}}\n"
			  "roles: {d: {clusterRole: deployer}}\ngrants:\n- {group: a, role: d, namespaces: [x]}\n");
	sync_case_groups(c, 0, "1 /a p,q");
	plan = sync_case_plan(c);
	ck_assert_str_eq(plan->for_people[0], "2 may now use ClusterRole deployer in x, through oidc:a");
	ush_plan_free(plan);
	ush_list_add(&rule.groups, "");
	ush_list_add(&rule.resources, "secrets");
	ush_list_add(&rule.verbs, "get");
	role.rules = &rule;
	role.rule_count = 1;
	c->roles = &all;
	plan = sync_case_plan(c);
	ck_assert_str_eq(plan->for_people[0], "2 may now read Secrets in x, through oidc:a");
	ush_plan_free(plan);
	ush_list_free(&rule.groups);
	ush_list_free(&rule.resources);
	ush_list_free(&rule.verbs);
	sync_case_free(c);
}
END_TEST

START_TEST(a_merge_request_shows_people_first_and_nothing_acts)
{
	USH_AUTO_BUF out = {0};
	struct ush_plan *plan;

	c = sync_case_new(CASE_HEAD "grants:\n- {group: '<b>|*x*', role: edit, namespaces: [x]}\n");
	ush_groups_add(&c->groups[0], "1", "<b>|*x*", "/x")->members_known = true;
	plan = sync_case_plan(c);
	ush_plan_to_markdown(plan, &out);
	ck_assert_ptr_nonnull(strstr(out.data, "### Access plan for `k8s.test`\n\n- **0 may now edit x, Secrets included, through `oidc:<b>`&#124;`*x*`**\n"));
	ck_assert_msg(strstr(out.data, "\n| create | x | RoleBinding `usher-edit-1dbac2f6` | + `oidc:<b>`&#124;`*x*` (0)") != NULL, "%s", out.data);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* BM05 */
START_TEST(who_is_in_too_many_groups_for_a_token_is_told)
{
	struct ush_groups groups = {.complete = true};
	struct ush_list lines = {0};
	char id[16];

	for (int i = 0; i < 220; i++) {
		snprintf(id, sizeof id, "g%d", i);
		ush_groups_add(&groups, id, id, id)->members_known = true;
	}
	ush_forecast(&groups, 1, &lines);
	ck_assert_uint_eq(lines.count, 0);
	for (int i = 0; i < 220; i++) {
		ush_members_add(&groups.items[i].members, "carol");
		if (i < 200)
			ush_members_add(&groups.items[i].members, "dave");
		if (i < 179)
			ush_members_add(&groups.items[i].members, "erin");
	}
	ush_forecast(&groups, 1, &lines);
	ck_assert_uint_eq(lines.count, 2);
	ck_assert_str_eq(lines.items[0], "1 person is in more than 200 groups, and a token that cannot list them all gives none (Entra): carol (220)");
	ck_assert_str_eq(lines.items[1], "1 person is near 200 groups, beyond which a token may list none (Entra): dave (200)");
	ush_list_free(&lines);
	ush_groups_free(&groups);
}
END_TEST

START_TEST(a_limit_on_who_may_gain_access_stops_a_plan)
{
	struct ush_plan *plan;

	c = sync_case_new(CASE_HEAD "grants:\n- {group: a, role: edit, namespaces: [x, z]}\n");
	sync_case_groups(c, 0, "1 /a p,q,r");
	c->policy->add_people = (struct ush_limit){2, -1};
	plan = sync_case_plan(c);
	ck_assert_int_eq(plan->stop.code, USH_ERR_REFUSED);
	ck_assert_str_eq(plan->stop.what, "stopped before any write: 3 of 3 people would gain access, the policy allows 2");
	ush_plan_free(plan);
	c->policy->add_people = (struct ush_limit){3, -1};
	plan = sync_case_plan(c);
	ck_assert_int_eq(plan->stop.code, USH_OK);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

TAP_MAIN("meaning", the_gravest_is_said_first, a_sentence_is_said_once_for_all_namespaces_of_a_group, a_cluster_role_is_said_by_what_it_allows,
	 a_merge_request_shows_people_first_and_nothing_acts, who_is_in_too_many_groups_for_a_token_is_told, a_limit_on_who_may_gain_access_stops_a_plan)
