/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/policy_case.h"

#define BEFORE TOP CLUSTER SOURCES ROLES "grants:\n- "

START_TEST(a_pattern_stands_for_many_groups_and_namespaces)
{
	USH_AUTO_POLICY p = policy_of(BEFORE "{groupPattern: '/teams/{team}/developers', role: edit, namespacePattern: '{team}-*', except: ['*-prod'], owner: "
					     "platform, reason: OPS-1, name: devs}\n");

	ck_assert_ptr_null(p->grants[0].group);
	ck_assert_str_eq(p->grants[0].group_pattern, "/teams/{team}/developers");
	ck_assert_str_eq(p->grants[0].namespace_pattern, "{team}-*");
	ck_assert_uint_eq(p->grants[0].namespaces.count, 0);
	ck_assert(ush_list_has(&p->grants[0].except, "*-prod"));
	ck_assert_str_eq(p->grants[0].owner, "platform");
	ck_assert_str_eq(p->grants[0].reason, "OPS-1");
}
END_TEST

/* UX.md's line. */
START_TEST(a_capture_that_is_not_there_names_the_one_that_is)
{
	expect_grant_unseen("{groupPattern: '/teams/{team}/developers', role: edit, namespacePattern: '{taem}-*'}",
			    "policy.yaml:7:76: grants[0].namespacePattern: {taem} is not captured by groupPattern \"/teams/{team}/developers\"; did you mean {team}?");
	expect_grant_unseen("{groupPattern: '/t/{team}/{role}', role: edit, namespacePattern: '{rolle}-*'}", "did you mean {role}?");
	expect_grant_unseen("{group: /t/a, role: edit, namespacePattern: '{team}-*'}", "captured by nothing; that would be groupPattern instead of group");
}
END_TEST

START_TEST(one_way_says_who_and_one_says_where)
{
	expect_grant_fault("{role: edit, namespaces: [a]}", "group is missing (or groupPattern)");
	expect_grant_fault("{group: a, groupPattern: 'a*', role: edit, namespaces: [a]}", "has more than one of group and groupPattern");
	expect_grant_fault("{group: a, role: edit}", "namespaces is missing (or namespacePattern, namespaceSelector)");
	expect_grant_fault("{group: a, role: edit, namespaces: [a], namespacePattern: 'a*'}", "has more than one of namespaces, namespacePattern and namespaceSelector");
	expect_grant_fault("{group: a, role: edit, namespaces: [a], namespaceSelector: {a: b}}", "has more than one of");
	expect_grant("{group: a, role: edit, namespacePattern: 'a-*'}");
	expect_grant("{groupPattern: 'team-*', role: edit, namespaces: [shared]}");
}
END_TEST

START_TEST(patterns_that_mean_everything_are_refused)
{
	expect_grant_unseen("{groupPattern: '*', role: edit, namespaces: [a]}", "is every group");
	expect_grant_unseen("{groupPattern: '/*/*', role: edit, namespaces: [a]}", "is every group");
	expect_grant_fault("{groupPattern: 'system:*', role: edit, namespaces: [a]}", "begins with system:");
	expect_grant_fault("{groupPattern: '/teams/*/', role: edit, namespaces: [a]}", "ends with a slash");
	expect_grant_fault("{group: a, role: edit, namespacePattern: '*'}", "is every namespace");
	expect_grant_unseen("{group: a, role: edit, namespacePattern: 'a/b'}", "has a slash");
	expect_grant_fault("{groupPattern: '/t/{team', role: edit, namespaces: [a]}", "{ that begins no {name}");
	expect_grant_unseen("{groupPattern: '{a}-{a}', role: edit, namespaces: [a]}", "names a {name} twice");
	expect_grant("{groupPattern: '/t/{a}/{a}-devs', role: edit, namespacePattern: '{a}-{a}'}");
	expect_grant_fault("{groupPattern: 'a*', role: edit, namespaces: [a], except: ['{']}", "except[0]");
}
END_TEST

/* T54: a capture alone is as wide as a star, unless it says which namespace is whose. */
START_TEST(a_pattern_of_every_group_must_say_the_namespace_by_the_group)
{
	expect_grant_unseen("{groupPattern: '{x}', role: edit, namespaces: [a]}",
			    "grants[0].groupPattern: \"{x}\" is every group of the source; name a part of it (/teams/*), use what it captures in namespacePattern ({team}-*) or namespaceSelector, "
			    "or allow it in exceptions: {everyGroup: edit, owner: ..., reason: ..., until: ...}");
	expect_grant_unseen("{groupPattern: '{x}', role: edit, namespaceSelector: {tier: prod}}", "is every group");
	expect_grant_unseen("{groupPattern: '{x}', role: edit, namespacePattern: 'team-*'}", "is every group");
	expect_grant_unseen("{groupPattern: '/{x}', role: edit, namespaces: [a]}", "is every group");
	expect_grant_unseen("{groupPattern: '/*/{x}', role: edit, namespaces: [a]}", "is every group");
	expect_grant_unseen("{groupPattern: '*{x}*{y}', role: edit, namespaces: [a]}", "is every group");
	expect_grant("{groupPattern: '{team}', role: edit, namespacePattern: '{team}'}");
	expect_grant("{groupPattern: '/*/{team}', role: edit, namespacePattern: '{team}-*'}");
	expect_grant("{groupPattern: '{x}-admins', role: edit, namespaces: [a]}");
	expect_grant("{groupPattern: '/teams/{x}', role: edit, namespaces: [a]}");
}
END_TEST

/* Whoever may name a group "kube", or "default", does not get into the cluster's own namespaces by it. */
START_TEST(patterns_and_selectors_spare_the_namespaces_of_kubernetes)
{
	USH_AUTO_POLICY p = policy_of(BEFORE "{groupPattern: '{team}', role: edit, namespacePattern: '{team}'}\n"
					     "- {group: a, role: edit, namespaceSelector: {tier: prod}}\n"
					     "- {group: a, role: edit, namespacePattern: 'kube-*'}\n"
					     "- {group: a, role: edit, namespaces: [kube-system, default]}\n"
					     "- {groupPattern: '/teams/{team}', role: edit, namespacePattern: '{team}-system', except: ['kube-*']}\n"
					     "- {group: a, role: edit, namespacePattern: 'default'}\n"
					     "- {groupPattern: '/teams/{team}', role: edit, namespacePattern: 'openshift-{team}'}\n");
	static const char *const spared[][6] = {{"kube-*", "openshift", "openshift-*", "default", "*-system"},
						{"kube-*", "openshift", "openshift-*", "default"},
						{"openshift", "openshift-*", "default"},
						{NULL},
						{"kube-*", "openshift", "openshift-*", "default"},
						{"kube-*", "openshift", "openshift-*"},
						{"kube-*", "default", "*-system"}};

	for (size_t i = 0; i < USH_COUNT(spared); i++) {
		size_t count = 0;

		for (; spared[i][count] != NULL; count++)
			ck_assert_msg(ush_list_has(&p->grants[i].except, spared[i][count]), "grants[%zu] does not spare %s", i, spared[i][count]);
		ck_assert_uint_eq(p->grants[i].except.count, count);
	}
}
END_TEST

/* ---- selectors ---- */

static bool selects(const char *selector, const char *labels)
{
	struct ush_error err = {0};
	USH_AUTO_FREE char *text = ush_printf(BEFORE "{group: a, role: edit, namespaceSelector: %s}\n", selector);
	USH_AUTO_POLICY p = policy_of(text);
	USH_AUTO_JSON json = ush_json_parse(labels, strlen(labels), "labels", USH_ERR_CONFIG, &err);

	ck_assert_ptr_nonnull(json);
	return ush_selector_matches(&p->grants[0].selector, NULL, json);
}

START_TEST(selectors_are_decided_as_the_api_server_does)
{
	ck_assert(selects("{tier: prod}", "{\"tier\": \"prod\", \"x\": \"y\"}"));
	ck_assert(!selects("{tier: prod}", "{\"tier\": \"Prod\"}"));
	ck_assert(!selects("{tier: prod, team: a}", "{\"tier\": \"prod\"}"));
	ck_assert(selects("{matchLabels: {tier: prod}}", "{\"tier\": \"prod\"}"));
	ck_assert(selects("{matchExpressions: [{key: tier, operator: In, values: [a, prod]}]}", "{\"tier\": \"prod\"}"));
	ck_assert(!selects("{matchExpressions: [{key: tier, operator: In, values: [a]}]}", "{}"));
	ck_assert(selects("{matchExpressions: [{key: tier, operator: NotIn, values: [a]}]}", "{}"));
	ck_assert(!selects("{matchExpressions: [{key: tier, operator: NotIn, values: [a]}]}", "{\"tier\": \"a\"}"));
	ck_assert(selects("{matchExpressions: [{key: tier, operator: Exists}]}", "{\"tier\": \"\"}"));
	ck_assert(!selects("{matchExpressions: [{key: tier, operator: Exists}]}", "{}"));
	ck_assert(selects("{matchExpressions: [{key: tier, operator: DoesNotExist}]}", "{}"));
	ck_assert(!selects("{matchLabels: {a: b}, matchExpressions: [{key: c, operator: Exists}]}", "{\"a\": \"b\"}"));
	ck_assert(selects("{empty: ''}", "{\"empty\": \"\"}"));
	ck_assert(!ush_selector_matches(&(struct ush_selector){0}, NULL, NULL)); /* no selector selects nothing, whatever Kubernetes says of {} */
}
END_TEST

#define SELECTOR(x) "{group: a, role: edit, namespaceSelector: " x "}"

START_TEST(a_selector_is_read_strictly)
{
	expect_grant_fault(SELECTOR("{}"), "at least one label, found none");
	expect_grant_fault(SELECTOR("[a]"), "expected a map");
	expect_grant_fault(SELECTOR("{tier: true}"), "found bool; put it in quotes");
	expect_grant_fault(SELECTOR("{tier: 'a b'}"), "no word of a label");
	expect_grant_fault(SELECTOR("{'-x': a}"), "no word of a label");
	expect_grant_fault(SELECTOR("{'A_b/x': a}"), "no DNS name in front of its slash");
	expect_grant_fault(SELECTOR("{matchLabels: {a: b}, tier: prod}"), "no member \"tier\" beside matchLabels");
	expect_grant_fault(SELECTOR("{matchExpressions: []}"), "is an empty list");
	expect_grant_fault(SELECTOR("{matchExpressions: [{key: a, operator: Like, values: [b]}]}"), "expected In, NotIn, Exists or DoesNotExist");
	expect_grant_fault(SELECTOR("{matchExpressions: [{key: a, operator: In}]}"), "values is missing");
	expect_grant_fault(SELECTOR("{matchExpressions: [{key: a, operator: Exists, values: [b]}]}"), "has no meaning for Exists");
	expect_grant_fault(SELECTOR("{matchExpressions: [{operator: Exists}]}"), "key is missing");
}
END_TEST

/* ---- exceptions ---- */

#define WHO "owner: carol, reason: OPS-7, until: 2027-01-01}"
#define EXCEPTION(x) "exceptions: [{" x ", " WHO "]\n"

/* BC20, BM10, T54: without an exception that names an owner, a reason and a last day, neither stands in a policy. */
START_TEST(a_group_of_kubernetes_needs_an_exception_and_ends_with_it)
{
	USH_AUTO_POLICY p = policy_of(TOP CLUSTER SOURCES EXCEPTION("systemGroup: 'system:serviceaccounts:ops'") ROLES
				      "grants:\n- {group: 'system:serviceaccounts:ops', role: reader, namespaces: [a]}\n"
				      "- {group: 'system:serviceaccounts:ops', role: reader, namespaces: [b], notAfter: 2026-06-01}\n- {group: x, role: reader, namespaces: [b]}\n");

	ck_assert(p->grants[0].kubernetes);
	ck_assert_int_eq(p->grants[0].not_after, 1798761600);
	ck_assert_int_lt(p->grants[1].not_after, 1798761600);
	ck_assert(!p->grants[2].kubernetes);
	ck_assert_int_eq(p->grants[2].not_after, 0);
	ck_assert_int_eq(p->exceptions[0].until, 1798761600);
	ck_assert_str_eq(p->exceptions[0].owner, "carol");
	expect_unseen(TOP CLUSTER SOURCES EXCEPTION("systemGroup: 'system:nodes'") ROLES "grants:\n- {group: 'system:authenticated', role: edit, namespaces: [a]}\n",
		      "begins with system:");
	expect_unseen(TOP CLUSTER SOURCES EXCEPTION("systemGroup: 'system:masters'") ROLES GRANTS, "may do everything already");
	expect_unseen(TOP CLUSTER SOURCES EXCEPTION("systemGroup: devs") ROLES GRANTS, "needs no exception");
}
END_TEST

#define WILD(what, rule) TOP CLUSTER SOURCES EXCEPTION(what) "roles: {wide: {rules: [" rule "]}}\ngrants:\n- {group: a, role: wide, namespaces: [a]}\n"

START_TEST(a_role_that_may_do_more_needs_an_exception_and_its_grants_end_with_it)
{
	USH_AUTO_POLICY p = policy_of(WILD("wildcardRole: wide", "{apiGroups: ['*'], resources: ['*'], verbs: ['*']}"));

	ck_assert_int_eq(p->roles[0].until, 1798761600);
	ck_assert_int_eq(p->grants[0].not_after, 1798761600);
	expect_valid(WILD("escalatingRole: wide", "{apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [escalate]}"));
	expect_unseen(WILD("wildcardRole: wide", "{apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [escalate]}"), "verbs: \"escalate\"");
	expect_unseen(WILD("escalatingRole: wide", "{apiGroups: [''], resources: ['*'], verbs: [get]}"), "resources: \"*\"");
	expect_valid(TOP CLUSTER SOURCES EXCEPTION("wildcardRole: all") "roles: {all: {clusterRole: cluster-admin}}\ngrants: []\n");
	expect_unseen(TOP CLUSTER SOURCES EXCEPTION("wildcardRole: edti") ROLES GRANTS, "there is no role \"edti\"; did you mean edit?");
}
END_TEST

START_TEST(every_group_may_get_a_role_by_an_exception_and_only_until_its_day)
{
	USH_AUTO_POLICY p = policy_of(TOP CLUSTER SOURCES EXCEPTION("everyGroup: edit") ROLES "grants:\n- {groupPattern: '*', role: edit, namespaces: [a]}\n"
											      "- {groupPattern: '{x}', role: edit, namespacePattern: '{x}-*'}\n");

	ck_assert_int_eq(p->grants[0].not_after, 1798761600);
	ck_assert_int_eq(p->grants[1].not_after, 0); /* it needs none */
	expect_unseen(TOP CLUSTER SOURCES EXCEPTION("everyGroup: edit") ROLES "grants:\n- {groupPattern: '{x}', role: reader, namespaces: [a]}\n", "is every group");
	expect_unseen(TOP CLUSTER SOURCES EXCEPTION("wildcardRole: edit") ROLES "grants:\n- {groupPattern: '{x}', role: edit, namespaces: [a]}\n", "is every group");
	expect_unseen(TOP CLUSTER SOURCES EXCEPTION("everyGroup: edti") ROLES GRANTS, "there is no role \"edti\"; did you mean edit?");
}
END_TEST

START_TEST(an_exception_says_who_why_and_until_when)
{
	expect_more_fault("exceptions: [{systemGroup: 'system:nodes', reason: a, until: 2027-01-01}]", "owner is missing");
	expect_more_fault("exceptions: [{systemGroup: 'system:nodes', owner: a, until: 2027-01-01}]", "reason is missing");
	expect_more_fault("exceptions: [{systemGroup: 'system:nodes', owner: a, reason: b}]", "until is missing");
	expect_more_fault("exceptions: [{systemGroup: 'system:nodes', owner: a, reason: b, until: never}]", "expected a day");
	expect_more_fault("exceptions: [{" WHO "]", "wildcardRole is missing (or systemGroup, escalatingRole, everyGroup)");
	expect_more_fault("exceptions: [{systemGroup: 'system:nodes', wildcardRole: edit, " WHO "]", "has more than one of");
	expect_more_unseen("exceptions: [{wildcardRole: edit, " WHO ", {wildcardRole: edit, " WHO "]", "stands twice");
}
END_TEST

START_TEST(several_sources_need_a_name_and_a_group_of_kubernetes_none)
{
#define TWO "sources: {a: {file: {path: x}}, main: {file: {path: z}}}\n"
	expect_valid(TOP CLUSTER TWO EXCEPTION("systemGroup: 'system:nodes'") ROLES "grants:\n- {group: 'system:nodes', role: edit, namespaces: [a]}\n");
	expect_unseen(TOP CLUSTER TWO ROLES "grants:\n- {group: d, role: edit, namespaces: [a], source: mian}\n", "there is no source \"mian\"; did you mean main?");
}
END_TEST

/* Two Roles whose bindings would be called alike: the same first 40 characters, and 32 bits of SHA-256 that happen to be
 * equal, as they are once in some 70,000 names. */
static void find_collision(char one[64], char two[64])
{
	size_t slots = 1 << 22;
	USH_AUTO_FREE uint32_t *seen = ush_alloc(slots * sizeof *seen); /* the number + 1, by the hash's low bits */

	for (uint32_t number = 0; number < 4000000; number++) {
		USH_AUTO_FREE char *role = ush_printf("role-with-a-name-of-more-than-forty-letters-%u", number), *name = ush_name_binding("default", "Role", role), *other = NULL;
		size_t at = strtoul(strrchr(name, '-') + 1, NULL, 16) & (slots - 1);

		if (seen[at] != 0) {
			snprintf(one, 64, "role-with-a-name-of-more-than-forty-letters-%u", seen[at] - 1);
			other = ush_name_binding("default", "Role", one);
			if (strcmp(name, other) == 0) {
				snprintf(two, 64, "%s", role);
				return;
			}
		}
		seen[at] = number + 1;
	}
	ck_abort_msg("no two names collide");
}

#define RULES "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]"

START_TEST(roles_whose_bindings_would_be_called_alike_are_refused)
{
	USH_AUTO_FREE char *text = NULL, *what = NULL, *other = NULL, *apart = NULL;
	char one[64], two[64];

	find_collision(one, two);
	text = ush_printf(TOP CLUSTER SOURCES "roles: {%s: {" RULES "}, %s: {" RULES "}}\ngrants:\n- {group: a, role: %s, namespaces: [x]}\n- {group: b, role: %s, namespacePattern: 'z-*'}\n",
			  one, two, one, two);
	other = ush_name_binding("default", "Role", one);
	what = ush_printf("grants[1].name: \"%s\" is the name of grants[0]'s binding, which has another role; say a name of its own", other);
	expect_unseen(text, what);
	apart = ush_printf(TOP CLUSTER SOURCES "roles: {%s: {" RULES "}, %s: {" RULES "}}\ngrants:\n- {group: a, role: %s, namespaces: [x]}\n- {group: b, role: %s, namespacePattern: 'z-*', name: own}\n",
			   one, two, one, two);
	expect_valid(apart);
}
END_TEST

START_TEST(a_name_of_ones_own_may_not_be_the_made_name_of_another_role)
{
	USH_AUTO_FREE char *made = ush_name_binding("default", "ClusterRole", "edit"), *text = NULL, *same = NULL;

	text = ush_printf(TOP CLUSTER SOURCES ROLES "grants:\n- {group: a, role: edit, namespaces: [a]}\n- {group: a, role: reader, namespaces: [a], name: %s}\n", made);
	expect_unseen(text, "is the name of grants[0]'s binding in a, which has another role");
	same = ush_printf(TOP CLUSTER SOURCES ROLES "grants:\n- {group: a, role: edit, namespaces: [a]}\n- {group: b, role: edit, namespaces: [a], name: %s}\n", made);
	expect_valid(same);
}
END_TEST

TAP_MAIN("policy_grants", a_pattern_stands_for_many_groups_and_namespaces, a_capture_that_is_not_there_names_the_one_that_is,
	 one_way_says_who_and_one_says_where, patterns_that_mean_everything_are_refused, a_pattern_of_every_group_must_say_the_namespace_by_the_group,
	 patterns_and_selectors_spare_the_namespaces_of_kubernetes,
	 selectors_are_decided_as_the_api_server_does, a_selector_is_read_strictly, a_group_of_kubernetes_needs_an_exception_and_ends_with_it,
	 a_role_that_may_do_more_needs_an_exception_and_its_grants_end_with_it, every_group_may_get_a_role_by_an_exception_and_only_until_its_day,
	 an_exception_says_who_why_and_until_when,
	 several_sources_need_a_name_and_a_group_of_kubernetes_none, roles_whose_bindings_would_be_called_alike_are_refused,
	 a_name_of_ones_own_may_not_be_the_made_name_of_another_role)
