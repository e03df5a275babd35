/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels whose value a group's path says: in namespaceSelector, and what becomes of a template's roles.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/explain/explain.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/policy_case.h"
#include "tests/support/sync_case.h"

#define PATTERN "groupPattern: '/teams/{team}/devs', role: edit"
#define TEMPLATES(roles) CASE_HEAD "grants: []\ntemplates:\n  team:\n    roles: [" roles "]\n"

/* ---- read ---- */

START_TEST(a_selector_may_ask_for_what_the_group_captures)
{
	expect_grant("{" PATTERN ", namespaceSelector: {team: '{team}'}}");
	expect_grant("{" PATTERN ", namespaceSelector: {team: 'team-{team}', tier: prod}}");
	expect_grant("{" PATTERN ", namespaceSelector: {matchLabels: {team: '{team}'}}}");
	expect_grant("{" PATTERN ", namespaceSelector: {matchExpressions: [{key: team, operator: In, values: [shared, '{team}']}]}}");
	expect_grant("{groupPattern: '{x}', role: edit, namespaceSelector: {team: '{x}'}}"); /* every group, each in its own */
	expect_grant_unseen("{groupPattern: '{x}', role: edit, namespaceSelector: {team: a}}", "is every group of the source");
}
END_TEST

START_TEST(a_capture_that_nothing_captures_is_a_fault_with_a_suggestion)
{
	expect_grant_unseen("{" PATTERN ", namespaceSelector: {team: '{taem}'}}",
			    "policy.yaml:7:78: grants[0].namespaceSelector.team: {taem} is not captured by groupPattern \"/teams/{team}/devs\"; did you mean {team}?");
	expect_grant_unseen("{" PATTERN ", namespaceSelector: {matchExpressions: [{key: t, operator: In, values: [a, '{b}']}]}}",
			    "grants[0].namespaceSelector.matchExpressions[0].values[1]: {b} is not captured by");
	expect_grant_unseen("{group: /a, role: edit, namespaceSelector: {team: '{team}'}}",
			    "grants[0].namespaceSelector.team: {team} is captured by nothing; that would be groupPattern instead of group");
	expect_grant_unseen("{" PATTERN ", namespaceSelector: {matchExpressions: [{key: t, operator: NotIn, values: ['{team}']}]}}",
			    "\"{team}\" is what a group captures, which In alone can ask for");
	expect_grant_fault("{" PATTERN ", namespaceSelector: {team: '{team'}}", "has a { that begins no {name}");
	expect_grant_fault("{" PATTERN ", namespaceSelector: {team: 'a b-{team}'}}", "no word of a label");
	expect_grant_fault("{" PATTERN ", namespaceSelector: {team: '{team}*'}}", "no word of a label");
	expect_grant_fault("{" PATTERN ", namespaceSelector: {team: {team}}}", "label \"team\": put it in quotes, as in \"{team}\"");
}
END_TEST

/* ---- who is wanted where ---- */

static struct sync_case *c;

static void expect_in(const char *namespace_name, const char *texts)
{
	USH_AUTO_BUF all = {0};
	size_t place = ush_places_find(&c->places, namespace_name, strlen(namespace_name));

	ck_assert_uint_ne(place, SIZE_MAX);
	ush_buf_puts(&all, "");
	for (size_t i = c->desired->start[place]; i < c->desired->start[place + 1]; i++) {
		const struct ush_shape *shape = ush_wanted_shape(c->desired, i);

		for (uint32_t k = 0; shape->kind == USH_ROLE_BINDING && k < shape->resolved_count; k++)
			ush_buf_printf(&all, "%s%s", all.length > 0 ? " " : "", c->desired->resolved[shape->resolved[k]].text);
	}
	ck_assert_str_eq(all.data, texts);
	for (size_t i = 0; i < c->groups[0].count; i++) { /* asked one by one the answer is the same */
		const struct ush_group *group = &c->groups[0].items[i];
		USH_AUTO_FREE char *text = ush_printf("oidc:%s", group->name);
		bool means = false;

		for (size_t g = 0; g < c->policy->grant_count; g++)
			means |= ush_grant_names(c->policy, &c->policy->grants[g], group->id, group->name, group->path) &&
				 ush_grant_means(c->desired, g, group->name, group->path, place);
		ck_assert_int_eq(means, strstr(texts, text) != NULL);
	}
}

START_TEST(each_group_gets_the_namespaces_whose_label_says_its_team)
{
	c = sync_case_begin(CASE_GRANTS("- {groupPattern: '/teams/{team}/{what}', role: edit, namespaceSelector: {team: '{team}', tier: prod}}\n"),
			    "1 /teams/pay/pay-devs;2 /teams/shop/shop-devs;3 /other/pay/x");
	sync_case_namespace(c, "a", "{'team':'pay','tier':'prod'}");
	sync_case_namespace(c, "b", "{'team':'pay','tier':'test'}");
	sync_case_namespace(c, "c", "{'team':'shop','tier':'prod'}");
	sync_case_namespace(c, "d", "{'team':'Pay','tier':'prod'}");
	sync_case_namespace(c, "e", "{'tier':'prod'}");
	sync_case_namespace(c, "kube-system", "{'team':'pay','tier':'prod'}");
	sync_case_namespace(c, "default", "{'team':'pay','tier':'prod'}");
	sync_case_desire(c);
	expect_in("a", "oidc:pay-devs");
	expect_in("b", "");
	expect_in("c", "oidc:shop-devs");
	expect_in("d", "");
	expect_in("e", "");
	expect_in("kube-system", "");
	expect_in("default", "");
	sync_case_free(c);
}
END_TEST

START_TEST(several_captured_labels_must_all_fit)
{
	c = sync_case_begin(CASE_GRANTS("- {groupPattern: '/{org}/{team}', role: edit, namespaceSelector: {matchExpressions: [{key: org, operator: In, values: ['{org}', 'x-{org}']},\n"
					"  {key: team, operator: In, values: [shared, '{team}']}]}}\n"),
			    "1 /acme/pay;2 /acme/shop;3 /evil/pai");
	sync_case_namespace(c, "a", "{'org':'acme','team':'pay'}");
	sync_case_namespace(c, "b", "{'org':'x-acme','team':'shop'}");
	sync_case_namespace(c, "c", "{'org':'acme','team':'shared'}");
	sync_case_namespace(c, "d", "{'org':'evil','team':'pay'}");
	sync_case_namespace(c, "e", "{'org':'acme','team':'pai'}");
	sync_case_namespace(c, "f", "{'org':'acme'}");
	sync_case_desire(c);
	expect_in("a", "oidc:pay");
	expect_in("b", "oidc:shop");
	expect_in("c", "oidc:pay oidc:shop");
	expect_in("d", "");
	expect_in("e", "");
	expect_in("f", "");
	sync_case_free(c);
}
END_TEST

START_TEST(of_a_namespace_that_is_listed_twice_one_row_counts)
{
	c = sync_case_begin(CASE_GRANTS("- {groupPattern: '/{team}', role: edit, namespaceSelector: {team: '{team}'}}\n- {group: /ops, role: edit, namespaces: [a, z]}\n"),
			    "1 /pay;2 /shop;3 /ops");
	sync_case_namespace(c, "b", "{'team':'shop'}");
	sync_case_namespace(c, "a", "{'team':'pay'}");
	sync_case_namespace(c, "a", "{'team':'shop'}");
	sync_case_namespace(c, "0", "{'team':'pay'}");
	sync_case_desire(c);
	ck_assert_uint_eq(c->places.count, 4); /* and z, which nobody has seen */
	expect_in("a", "oidc:ops oidc:pay");
	expect_in("b", "oidc:shop");
	expect_in("0", "oidc:pay");
	sync_case_free(c);
}
END_TEST

START_TEST(a_label_that_goes_takes_the_binding_with_it_and_one_that_comes_brings_it)
{
	c = sync_case_begin(CASE_GRANTS("- {groupPattern: '/teams/{team}/devs', role: edit, name: e, namespaceSelector: {team: '{team}'}}\n") CASE_LIMITS,
			    "1 /teams/pay/devs;2 /teams/shop/devs2");
	sync_case_namespace(c, "a", "{'team':'pay'}");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_expect_subjects(c, "a", "e", "oidc:devs");
	sync_case_expect_empty(sync_case_run(c));
	json_array_clear(c->namespaces);
	sync_case_namespace(c, "a", "{'team':'shop'}"); /* there is no /teams/shop/devs */
	sync_case_namespace(c, "b", "{'team':'pay'}");
	ush_plan_free(sync_case_run(c));
	sync_case_expect_subjects(c, "b", "e", "oidc:devs");
	ck_assert_ptr_null(sync_case_object(c, "RoleBinding", "a", "e"));
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* ---- templates ---- */

START_TEST(a_templates_role_is_a_grant_for_the_namespaces_made_from_it)
{
	c = sync_case_begin(TEMPLATES("{role: edit, group: '/teams/{team}/devs'}, {role: reader, group: auditors}") CASE_LIMITS,
			    "1 /teams/pay/devs;2 /auditors;3 /teams/shop/x");
	ck_assert_uint_eq(c->policy->grant_count, 2);
	ck_assert_str_eq(c->policy->grants[0].called, "templates.team.roles[0]");
	ck_assert(c->policy->grants[1].of_template);
	ck_assert_uint_eq(c->policy->templates[0].roles[1].grant, 1);
	ck_assert_uint_eq(c->policy->templates[0].roles[1].source, 0);
	sync_case_namespace(c, "a", "{'" USH_LABEL_TEMPLATE "':'team','" USH_TEMPLATE_VALUE_PREFIX "team':'pay'}");
	sync_case_namespace(c, "b", "{'" USH_LABEL_TEMPLATE "':'team','" USH_TEMPLATE_VALUE_PREFIX "team':'shop'}");
	sync_case_namespace(c, "c", "{'" USH_LABEL_TEMPLATE "':'other','" USH_TEMPLATE_VALUE_PREFIX "team':'pay'}");
	sync_case_namespace(c, "d", "{'" USH_TEMPLATE_VALUE_PREFIX "team':'pay'}");
	sync_case_namespace(c, "kube-public", "{'" USH_LABEL_TEMPLATE "':'team','" USH_TEMPLATE_VALUE_PREFIX "team':'pay'}");
	sync_case_desire(c);
	expect_in("a", "oidc:devs oidc:auditors");
	expect_in("b", "oidc:auditors");
	expect_in("c", "");
	expect_in("d", "");
	expect_in("kube-public", "");
	ush_plan_free(sync_case_run(c));
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(a_templates_role_is_held_to_what_a_grant_is)
{
#define ROLE(x) "templates: {t: {roles: [" x "]}}"
	expect_more_unseen(ROLE("{role: edit, group: '/*'}"), "templates.t.roles[0].group: \"/*\" is every group of the source");
	expect_more_fault(ROLE("{role: edit, group: '/a/'}"), "templates.t.roles[0].group: \"/a/\"");
	expect_more_unseen(ROLE("{role: edit, group: '/{a}-{b}/{a}'}"), "names a {name} twice");
	expect_more_unseen(ROLE("{role: edit, group: 'system:nodes'}"), "\"system:nodes\" begins with system:");
	expect_more_unseen(ROLE("{role: edit, group: '/{-a}/devs'}"),
			   "templates.t.roles[0].group: {-a} is to be a label of the namespace (template.usher.dev/-a), and that");
	expect_more_unseen(ROLE("{role: edit, group: a, source: mian}"), "there is no source \"mian\"; did you mean main?");
	expect_more_unseen("templates: {t: {labels: {usher.dev/template: x}}}", "usher-broker's own");
	expect_more_unseen("templates: {t: {labels: {template.usher.dev/team: x}}}", "usher-broker's own");
	expect_unseen(TOP CLUSTER "sources: {main: {file: {path: g.json}}, more: {file: {path: h.json}}}\n" ROLES "grants: []\n" ROLE("{role: edit, group: a}"),
		      "templates.t.roles[0]: there are 2 sources; say which one knows the group, as source: main");
}
END_TEST

START_TEST(an_exception_of_a_templates_role_ends_its_grant)
{
	USH_AUTO_POLICY p = policy_of(TOP CLUSTER SOURCES "exceptions:\n- {wildcardRole: all, owner: a, reason: b, until: 2027-01-01}\n"
				      "- {systemGroup: 'system:serviceaccounts:ci', owner: a, reason: b, until: 2026-01-01}\n"
				      "roles: {all: {rules: [{apiGroups: [x.example.com], resources: ['*'], verbs: [get]}]}, edit: {clusterRole: edit}}\n"
				      "grants: []\n" ROLE("{role: all, group: a}, {role: edit, group: 'system:serviceaccounts:ci'}"));

	ck_assert_int_eq(p->grants[0].not_after, 1798761600);
	ck_assert(p->grants[1].kubernetes);
	ck_assert_int_eq(p->grants[1].not_after, 1767225600);
}
END_TEST

/* ---- said ---- */

static void expect_said(bool group, const char *asked, const char *what)
{
	USH_AUTO_STANDING standing = {0};
	struct ush_explain all = {.policy = c->policy, .groups = c->groups, .desired = c->desired, .standing = &standing, .now = c->now};
	struct ush_error err = {0};
	USH_AUTO_JSON report = NULL;
	USH_AUTO_BUF out = {0};
	size_t i;
	json_t *space;

	json_array_foreach(c->namespaces, i, space) {
		USH_AUTO_JSON object = json_pack("{s:s, s:s, s:{s:O, s:O}}", "apiVersion", "v1", "kind", "Namespace", "metadata", "name", json_object_get(space, "name"), "labels",
						 json_object_get(space, "labels"));

		ck_assert_int_eq(ush_standing_add(&standing, object, &err), 0);
	}
	report = group ? ush_explain_group(&all, asked) : ush_explain_namespace(&all, asked);
	ush_explain_text(report, &out);
	ck_assert_msg(strstr(out.data, what) != NULL, "lacks \"%s\":\n%s", what, out.data);
}

/* Whichever grant means it: by its name, too. Who leaves leaves all the same. */
START_TEST(nobody_new_is_let_into_a_half_made_namespace)
{
#define BY_NAME(groups) CASE_GRANTS("- {group: a, role: edit, namespacePattern: 'team-*', name: e}\n" groups) CASE_LIMITS
	struct ush_plan *plan;

	c = sync_case_begin(BY_NAME("- {group: b, role: reader, namespacePattern: 'team-*', name: r}\n"), "1 /a p;2 /b q");
	sync_case_namespace(c, "team-x", NULL);
	ush_plan_free(sync_case_run(c));
	json_array_clear(c->namespaces);
	sync_case_namespace(c, "team-x", "{'usher.dev/onboarding':'team'}");
	sync_case_namespace(c, "team-y", "{'usher.dev/onboarding':'team'}");
	sync_case_policy(c, BY_NAME(""));
	plan = sync_case_run(c);
	sync_case_expect_reason(plan, USH_PENDING, "e", "namespace team-y is half made (label usher.dev/onboarding): nobody is let in before onboard has finished it");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "team-x", "e", "oidc:a");
	ck_assert_ptr_null(sync_case_object(c, "RoleBinding", "team-x", "r"));
	ck_assert_ptr_null(sync_case_object(c, "RoleBinding", "team-y", "e"));
	json_array_clear(c->namespaces);
	sync_case_namespace(c, "team-x", NULL);
	sync_case_namespace(c, "team-y", "{'usher.dev/onboarding':'team','usher.dev/template':'team'}"); /* by whichever hand */
	ush_plan_free(sync_case_run(c));
	sync_case_expect_subjects(c, "team-y", "e", "oidc:a");
	sync_case_free(c);
}
END_TEST

START_TEST(explain_says_which_label_does_not_fit)
{
	c = sync_case_begin(CASE_GRANTS("- {" PATTERN ", namespaceSelector: {team: '{team}'}}\n") "templates: {team: {roles: [{role: reader, group: '/teams/{team}/leads'}]}}\n",
			    "1 /teams/pay/devs a,b;2 /teams/pay/leads c");
	sync_case_namespace(c, "a", "{'team':'pay'}");
	sync_case_namespace(c, "b", "{'team':'shop'}");
	sync_case_namespace(c, "t", "{'usher.dev/template':'team','template.usher.dev/team':'pay'}");
	sync_case_namespace(c, "u", "{'usher.dev/template':'team','template.usher.dev/team':'shop'}");
	sync_case_desire(c);
	expect_said(false, "a", "grants[0]   line 9, by namespaceSelector: edit for oidc:devs (2 people)\n");
	expect_said(false, "a", "templates.team.roles[0]   line 10, not this one: it has no label usher.dev/template\n");
	expect_said(false, "b", "grants[0]   line 9, not this one: namespaceSelector: it is labelled team=shop, and no group is there from which /teams/{team}/devs captures that\n");
	expect_said(false, "t", "grants[0]   line 9, not this one: namespaceSelector: it has no label team\n");
	expect_said(false, "t", "templates.team.roles[0]   line 10, by label usher.dev/template=team: reader for oidc:leads (1 person)\n");
	expect_said(false, "u", "templates.team.roles[0]   line 10, not this one: it is labelled template.usher.dev/team=shop, and no group is there");
	expect_said(true, "/teams/pay/devs", "grants[0]   line 9, groupPattern /teams/{team}/devs: edit in a\n");
	expect_said(true, "/teams/none/devs", "edit in no namespace that is there (labels: team=none)\n");
	expect_said(true, "/teams/pay/leads", "templates.team.roles[0]   line 10, groupPattern /teams/{team}/leads: reader in t\n");
	sync_case_free(c);
}
END_TEST

TAP_MAIN("captured", nobody_new_is_let_into_a_half_made_namespace, a_selector_may_ask_for_what_the_group_captures, a_capture_that_nothing_captures_is_a_fault_with_a_suggestion,
	 each_group_gets_the_namespaces_whose_label_says_its_team, several_captured_labels_must_all_fit,
	 of_a_namespace_that_is_listed_twice_one_row_counts, a_label_that_goes_takes_the_binding_with_it_and_one_that_comes_brings_it, a_templates_role_is_a_grant_for_the_namespaces_made_from_it,
	 a_templates_role_is_held_to_what_a_grant_is, an_exception_of_a_templates_role_ends_its_grant, explain_says_which_label_does_not_fit)
