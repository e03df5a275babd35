/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/explain/explain.h"
#include "broker/policy/reach.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/policy_case.h"
#include "tests/support/sync_case.h"

#define NOW 1780000000 /* 2026-05-28 */

static const char text[] = TOP
	"cluster: {groupPrefix: 'oidc:'}\n" SOURCES
	"exceptions: [{systemGroup: 'system:serviceaccounts:ci', owner: carol, reason: r, until: 2026-01-01}]\n" ROLES
	"grants:\n"
	"- {groupPattern: '/teams/{team}/devs', role: edit, namespacePattern: '{team}-*', except: ['*-secret']}\n"
	"- {group: ops, role: reader, namespaceSelector: {tier: prod}, notBefore: 2027-01-01}\n"
	"- {group: devs, role: reader, namespaces: [shared]}\n"
	"- {group: 'system:serviceaccounts:ci', role: reader, namespaces: [shared]}\n"
	"exclude: {namespaces: [istio], groups: [/guests/*]}\n";

static char *said(const struct ush_explain *all, bool group, const char *asked)
{
	USH_AUTO_JSON report = group ? ush_explain_group(all, asked) : ush_explain_namespace(all, asked);
	USH_AUTO_BUF out = {0};

	ck_assert_ptr_nonnull(report);
	ush_explain_text(report, &out);
	return ush_buf_take(&out);
}

static void expect(const struct ush_explain *all, bool group, const char *asked, const char *what)
{
	USH_AUTO_FREE char *out = said(all, group, asked);

	ck_assert_msg(strstr(out, what) != NULL, "lacks \"%s\":\n%s", what, out);
}

START_TEST(a_grant_means_groups_and_reaches_namespaces)
{
	USH_AUTO_POLICY p = policy_of(text);
	struct ush_captures captures;
	USH_AUTO_JSON prod = json_pack("{s:s}", "tier", "prod");
	const char *by = NULL;

	ck_assert(ush_reach_means(p, &p->grants[0], "1", "devs", "/teams/pay/devs", &captures));
	ck_assert_int_eq(ush_reach_of(p, &p->grants[0], &captures, "pay-dev", NULL, &by), USH_REACH_YES);
	ck_assert_int_eq(ush_reach_of(p, &p->grants[0], &captures, "pay-secret", NULL, &by), USH_REACH_EXCEPT);
	ck_assert_str_eq(by, "*-secret");
	ck_assert_int_eq(ush_reach_of(p, &p->grants[0], &captures, "payments-dev", NULL, &by), USH_REACH_NOT);
	ck_assert(!ush_reach_means(p, &p->grants[0], "1", "devs", "/teams/pay/ops", &captures));
	ck_assert(ush_reach_means(p, &p->grants[0], "1", "devs", "/teams/kube/devs", &captures));
	ck_assert_int_eq(ush_reach_of(p, &p->grants[0], &captures, "kube-system", NULL, &by), USH_REACH_EXCEPT);
	ck_assert_int_eq(ush_reach_of(p, &p->grants[1], NULL, "x", prod, &by), USH_REACH_YES);
	ck_assert_int_eq(ush_reach_of(p, &p->grants[1], NULL, "x", NULL, &by), USH_REACH_NOT);
	ck_assert_int_eq(ush_reach_of(p, &p->grants[1], NULL, "istio", prod, &by), USH_REACH_EXCLUDED);
	ck_assert(!ush_reach_means(p, &p->grants[3], "system:serviceaccounts:ci", "system:serviceaccounts:ci", "/system:serviceaccounts:ci", NULL));
}
END_TEST

START_TEST(without_sources_the_policy_answers)
{
	USH_AUTO_POLICY p = policy_of(text);
	struct ush_explain all = {.policy = p, .now = NOW};

	expect(&all, true, "/teams/pay/devs", "grants[0]   line 8, groupPattern /teams/{team}/devs: edit in the namespaces that pay-* means");
	expect(&all, true, "/teams/pay/devs", "grants[2]   line 10, group devs: reader in shared");
	expect(&all, true, "oidc:ops", "but it does not hold: not yet: begins 2027-01-01 00:00 UTC");
	expect(&all, true, "/guests/devs", "is excluded (exclude.groups has /guests/*)");
	expect(&all, true, "system:serviceaccounts:ci", "ended 2026-01-01 00:00 UTC with the exception of carol");
	expect(&all, true, "/x", "no grant names or matches it");
	expect(&all, true, "/x", "the sources were not asked");
	expect(&all, false, "shared", "by namespaces: reader for oidc:devs");
	expect(&all, false, "istio", "never touched: exclude.namespaces has istio");
	ck_assert(ush_explain_knows_group(&all, "ops") && ush_explain_knows_group(&all, "oidc:ops") && !ush_explain_knows_group(&all, "shared"));
	ck_assert(ush_explain_knows_namespace(&all, "shared") && !ush_explain_knows_namespace(&all, "ops"));
}
END_TEST

START_TEST(what_stands_is_shown_with_whose_it_is)
{
	USH_AUTO_POLICY p = policy_of(text);
	USH_AUTO_STANDING standing = {0};
	USH_AUTO_JSON space = json_pack("{s:s, s:s, s:{s:s, s:{s:s}}}", "apiVersion", "v1", "kind", "Namespace", "metadata", "name", "pay-dev", "labels", "a", "b");
	USH_AUTO_JSON binding = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:s}, s:[]}", "apiVersion", USH_RBAC_GROUP "/v1", "kind", "RoleBinding", "metadata",
					  "namespace", "pay-dev", "name", "theirs", "roleRef", "apiGroup", USH_RBAC_GROUP, "kind", "ClusterRole", "name", "view", "subjects");
	struct ush_explain all = {.policy = p, .standing = &standing, .now = NOW};
	struct ush_error err = {0};

	ck_assert_int_eq(ush_standing_add(&standing, space, &err), 0);
	ck_assert_int_eq(ush_standing_add(&standing, binding, &err), 0);
	expect(&all, false, "pay-dev", "namespace pay-dev, which is there");
	expect(&all, false, "pay-dev", "stands      RoleBinding theirs (not ours): ClusterRole view for nobody");
	expect(&all, false, "other", "namespace other, which is not there");
	expect(&all, true, "/teams/pay/devs", "edit in pay-dev");
}
END_TEST

START_TEST(hostile_names_are_told_on_one_line)
{
	USH_AUTO_POLICY p = policy_of(text);
	struct ush_explain all = {.policy = p, .now = NOW};
	USH_AUTO_FREE char *out = said(&all, true, "/a\x1b[2J\nsource main lists it");

	ck_assert_ptr_null(strchr(out, '\x1b'));
	ck_assert_ptr_null(strstr(out, "\nsource main"));
}
END_TEST

/* ---- with a plan: what the cluster and the runs before have to do with it ---- */

#define PLANNED CASE_HEAD "grants:\n- {group: a, role: edit, namespaces: [x], name: e}\n- {group: b, role: edit, namespaces: [x], name: theirs}\n" \
			  "- {groupPattern: 'team-{t}', role: edit, namespacePattern: '{t}'}\n- {group: c, role: edit, namespaceSelector: {tier: prod}}\n"

/* What explain says of one group, and of one namespace, when the next run would do this. */
static void expect_planned(struct sync_case *c, bool group, const char *asked, const char *what)
{
	USH_AUTO_PLAN plan = sync_case_plan(c);
	USH_AUTO_STANDING standing = {0};
	struct ush_explain all = {.policy = c->policy, .groups = c->groups, .desired = c->desired, .standing = &standing, .plan = plan, .now = c->now};
	struct ush_error err = {0};
	size_t i;
	json_t *space;

	json_array_foreach(c->namespaces, i, space) {
		USH_AUTO_JSON object = json_pack("{s:s, s:s, s:{s:s, s:O}}", "apiVersion", "v1", "kind", "Namespace", "metadata", "name", ush_json_string(space, "name"), "labels",
						 json_object_get(space, "labels"));

		ck_assert_int_eq(ush_standing_add(&standing, object, &err), 0);
	}
	expect(&all, group, asked, what);
}

START_TEST(what_runs_before_and_others_keep_from_being_is_told)
{
	struct sync_case *c = sync_case_new(PLANNED);

	sync_case_namespace(c, "x", "{'tier':'test'}");
	sync_case_namespace(c, "default", NULL);
	sync_case_add(c, "{'kind':'RoleBinding','metadata':{'name':'theirs','namespace':'x','labels':{'app.kubernetes.io/managed-by':'Helm'}},"
			 "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'},'subjects':[]}");
	sync_case_groups(c, 0, "1 /a p;2 /b q;3 /team-default r;4 /c s;5 /k t");
	ush_plan_free(sync_case_run(c));
	expect_planned(c, false, "x", "conflict RoleBinding x/theirs: ");
	expect_planned(c, true, "b", "conflict RoleBinding x/theirs: ");
	expect_planned(c, true, "team-default", "not in default (kept out by \"default\")");
	expect_planned(c, true, "team-default", "grants[2]");
	expect_planned(c, false, "x", "grants[3]   line 12, not this one: namespaceSelector: its label tier is \"test\", one of prod is meant");
	expect_planned(c, false, "default", "grants[3]   line 12, not this one: namespaceSelector: it has no label tier");
	expect_planned(c, false, "x", "grants[2]   line 11, not this one: namespacePattern {t} does not match for any group");
	expect_planned(c, true, "c", "grants[2]   line 11, not this one: groupPattern team-{t} does not match c");
	expect_planned(c, true, "A", "grants[0]   line 9, not this one: group a is not A");
	sync_case_groups(c, 0, "2 /b q;3 /team-default r;4 /c s;5 /k t");
	expect_planned(c, true, "a", "but it does not hold: source main has no group a");
	expect_planned(c, true, "a", "keep RoleBinding x/e: kept: group a is gone from source main since");
	sync_case_groups(c, 0, "9 /a p;2 /b q;3 /team-default r;4 /c s;5 /k t");
	expect_planned(c, true, "a", "was deleted and made anew (id 1 before, 9 now)");
	sync_case_free(c);
}
END_TEST

TAP_MAIN("explain", what_runs_before_and_others_keep_from_being_is_told, a_grant_means_groups_and_reaches_namespaces, without_sources_the_policy_answers, what_stands_is_shown_with_whose_it_is,
	 hostile_names_are_told_on_one_line)
