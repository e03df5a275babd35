/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/policy/policy.h"
#include "common/base/memory.h"
#include "tests/support/policy_case.h"

static struct ush_error err;

START_TEST(a_policy_is_read_whole)
{
	USH_AUTO_POLICY p = policy_of(TOP "metadata: {name: team-a}\ncluster: {groupPrefix: 'oidc:', groupName: path}\n" SOURCES ROLES
					    "grants:\n- {group: /dev, role: edit, namespaces: [a, b], name: devs, notBefore: 2026-01-01, notAfter: 2027-01-01T09:00:00Z}\n"
					    "limits: {remove: {bindings: 7, people: 30%}, vanishedGroup: {runs: 3, age: 90m}}\n");

	ck_assert_str_eq(p->name, "team-a");
	ck_assert_str_eq(p->group_prefix, "oidc:");
	ck_assert_int_eq(p->group_name, USH_GROUP_PATH);
	ck_assert_str_eq(ush_source_text(&p->sources[0], "path"), "g.json");
	ck_assert_str_eq(p->roles[0].rules[0].groups.items[0], "");
	ck_assert_str_eq(p->roles[1].cluster_role, "edit");
	ck_assert_uint_eq(p->grants[0].role, 1);
	ck_assert_uint_eq(p->grants[0].namespaces.count, 2);
	ck_assert_str_eq(p->grants[0].name, "devs");
	ck_assert_int_eq(p->grants[0].not_before, 1767225600);
	ck_assert_int_eq(p->grants[0].not_after, 1798794000);
	ck_assert_int_eq(p->remove_bindings.count, 7);
	ck_assert_int_eq(p->remove_people.percent, 30);
	ck_assert_int_eq(p->vanished_runs, 3);
	ck_assert_int_eq(p->vanished_age, 5400);
}
END_TEST

START_TEST(what_is_not_said_has_a_default)
{
	USH_AUTO_POLICY p = policy_of(TOP CLUSTER SOURCES ROLES GRANTS);

	ck_assert_str_eq(p->name, "default");
	ck_assert_int_eq(p->group_name, USH_GROUP_LEAF);
	ck_assert_int_eq(p->remove_bindings.count, 20);
	ck_assert_int_eq(p->remove_people.percent, 25);
	ck_assert_int_eq(p->vanished_runs, 2);
	ck_assert_int_eq(p->vanished_age, 3600);
}
END_TEST

START_TEST(a_fault_names_file_line_column_and_field)
{
	expect_unseen(TOP CLUSTER SOURCES ROLES "grants:\n- {group: dev, role: edti, namespaces: [a]}\n",
		     "policy.yaml:7:22: grants[0].role: there is no role \"edti\"; did you mean edit?");
	expect_fault(TOP CLUSTER SOURCES ROLES "grants:\n- {gruop: dev, group: dev, role: edit, namespaces: [a]}\n",
		     "policy.yaml:7:4: grants[0]: there is no member \"gruop\"; did you mean group?");
	expect_fault(TOP CLUSTER SOURCES ROLES "grants: {}\n", "policy.yaml:6:9: grants: expected a list, found map");
	expect_fault("a: [", "policy.yaml:");
}
END_TEST

START_TEST(every_fault_is_told_at_once)
{
	static const char text[] = "apiVersion: usher.dev/v2\nkind: Policy\ncluster: {groupPrefix: 'system:'}\nsources: {main: {file: {}}}\nroles: {}\n"
				   "grants:\n- {group: '*', role: x, namespaces: [A]}\n";
	static const char *const whats[] = {":1:13: apiVersion", ":2:7: kind", "cluster.groupPrefix: \"system:\"", "sources.main.file: path is missing",
					    "grants[0].group: \"*\"", "grants[0].role:", "grants[0].namespaces[0]: \"A\""};
	struct ush_list faults = {0};

	memset(&err, 0, sizeof err);
	ck_assert_ptr_null(ush_policy_read(text, strlen(text), "policy.yaml", &faults, &err));
	ck_assert_uint_eq(faults.count, USH_COUNT(whats));
	for (size_t i = 0; i < USH_COUNT(whats); i++) {
		bool found = false;

		for (size_t j = 0; j < faults.count; j++)
			found |= strstr(faults.items[j], whats[i]) != NULL;
		ck_assert_msg(found, "no fault about %s", whats[i]);
	}
	ck_assert_ptr_nonnull(strstr(err.hint, "6 more faults"));
	ush_list_free(&faults);
}
END_TEST

/* BC20, T54: what is Kubernetes' own cannot be granted, however it is spelt. */
START_TEST(groups_of_kubernetes_are_refused_when_the_policy_is_read)
{
	expect_grant_fault("{group: 'system:masters', role: edit, namespaces: [a]}", "begins with system:");
	expect_grant_unseen("{group: 'system:authenticated', role: edit, namespaces: [a]}", "begins with system:");
	expect_grant_unseen("{group: 'SYSTEM:masters', role: edit, namespaces: [a]}", "begins with system:");
	expect_grant_fault("{group: '*', role: edit, namespaces: [a]}", "everybody");
	expect_grant_fault("{group: '', role: edit, namespaces: [a]}", "is empty");
	expect_grant_unseen("{group: \"x\\nsystem:masters\", role: edit, namespaces: [a]}", "control or invisible");
	expect_grant_unseen("{group: \"adm\\u202Eins\", role: edit, namespaces: [a]}", "control or invisible");
	expect_grant_fault("{group: /teams/, role: edit, namespaces: [a]}", "ends with a slash");
	expect_unseen(TOP "cluster: {groupPrefix: 's'}\n" SOURCES ROLES "grants:\n- {group: 'ystem:masters', role: edit, namespaces: [a]}\n", "begins with system:");
	expect_unseen(TOP "cluster: {groupPrefix: ''}\n" SOURCES ROLES GRANTS, "cluster.groupPrefix: is empty; if the API server really");
	expect_unseen(TOP "cluster: {groupPrefix: 'oidc:', unprefixed: true}\n" SOURCES ROLES GRANTS, "there is a groupPrefix");
	expect_valid(TOP "cluster: {groupPrefix: '', unprefixed: true}\n" SOURCES ROLES GRANTS);
	expect_fault(TOP "cluster: {groupPrefix: 'system:x:'}\n" SOURCES ROLES GRANTS, "begins with system:");
	expect_fault(TOP "cluster: {groupName: leaf}\n" SOURCES ROLES GRANTS, "groupPrefix is missing");
}
END_TEST

START_TEST(a_grant_needs_what_it_names)
{
	expect_grant_fault("{group: dev, role: edit}", "namespaces is missing");
	expect_grant_fault("{group: dev, role: edit, namespaces: []}", "grants[0].namespaces: is an empty list");
	expect_grant_fault("{group: dev, role: edit, namespaces: ['*']}", "name them one by one");
	expect_grant_fault("{group: dev, role: edit, namespaces: [a_b]}", "may hold a-z");
	expect_grant_unseen("{group: dev, role: edit, namespaces: [a, a]}", "stands twice");
	expect_grant_fault("{group: dev, role: edit, namespaces: [n]}", "found bool; put it in quotes");
	expect_grant_fault("{group: dev, role: edit, namespaces: [a], name: a/b}", "cannot be the name of an object");
	expect_grant("{group: dev, role: edit, namespaces: [a], name: 'capsule:managed:1f'}"); /* RBAC takes what no DNS name is */
	expect_grant_unseen("{group: dev, role: edit, namespaces: [a], source: other}", "there is no source");
	expect_grant_fault("{group: dev, role: edit, namespaces: [a], notAfter: tomorrow}", "expected a day");
	expect_grant_unseen("{group: dev, role: edit, namespaces: [a], notAfter: 2026-02-30}", "expected a day");
	expect_grant_unseen("{group: dev, role: edit, namespaces: [a], notBefore: 2027-01-01, notAfter: 2026-01-01}", "not after notBefore");
	expect_grant_unseen("{group: dev, role: edit, namespaces: [a], name: x}\n- {group: dev, role: reader, namespaces: [b, a], name: x}", "has another role");
	expect_valid(TOP CLUSTER SOURCES ROLES "grants:\n- {group: dev, role: edit, namespaces: [a], name: x}\n- {group: dev, role: reader, namespaces: [b], name: x}\n");
}
END_TEST

/* security.md B12. */
START_TEST(a_role_that_gives_more_than_it_names_is_refused)
{
	expect_rule_unseen("{apiGroups: [''], resources: [pods], verbs: ['*']}", "verbs: \"*\"");
	expect_rule_unseen("{apiGroups: [''], resources: ['*'], verbs: [get]}", "resources: \"*\"");
	expect_rule_unseen("{apiGroups: [''], resources: ['*/scale'], verbs: [get]}", "covers more than it names");
	expect_rule_unseen("{apiGroups: ['*'], resources: [pods], verbs: [get]}", "apiGroups: \"*\"");
	expect_rule_unseen("{apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [get, escalate]}", "verbs: \"escalate\"");
	expect_rule_unseen("{apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [bind]}", "verbs: \"bind\"");
	expect_rule_unseen("{apiGroups: [''], resources: [users], verbs: [impersonate]}", "verbs: \"impersonate\"");
	expect_rule_unseen("{apiGroups: [''], resources: [users], verbs: [Impersonate]}", "act as anybody");
	expect_rule_fault("{nonResourceURLs: [/healthz], verbs: [get], apiGroups: [''], resources: [pods]}", "nonResourceURLs");
	expect_rule_fault("{resources: [pods], verbs: [get]}", "apiGroups is missing");
	expect_rule_unseen("{apiGroups: [''], resources: [\"pods\\u202e\"], verbs: [get]}", "holds a control or invisible character");
	expect_rule_unseen("{apiGroups: [''], resources: [pods], verbs: [\"get\\nlist\"]}", "holds a control or invisible character");
	expect_unseen(TOP CLUSTER SOURCES "roles: {all: {clusterRole: cluster-admin}}\ngrants: []\n", "may do everything");
	expect_unseen(TOP CLUSTER SOURCES "roles: {all: {clusterRole: 'system:node'}}\ngrants: []\n", "belongs to Kubernetes");
	expect_fault(TOP CLUSTER SOURCES "roles: {all: {clusterRole: 'a/b'}}\ngrants: []\n", "cannot be the name");
	expect_fault(TOP CLUSTER SOURCES "roles: {all: {}}\ngrants: []\n", "rules is missing (or clusterRole)");
	expect_fault(TOP CLUSTER SOURCES "roles: {Reader: {clusterRole: view}}\ngrants: []\n", "no DNS name");
}
END_TEST

START_TEST(sources_are_checked)
{
#define KEYCLOAK(url) "sources: {main: {keycloak: {url: " url ", realm: r, client: c, secretFile: /s}}}\n"
	expect_valid(TOP CLUSTER KEYCLOAK("'https://login.example.com/'") ROLES GRANTS);
	expect_unseen(TOP CLUSTER KEYCLOAK("'http://login.example.com'") ROLES GRANTS, "is not https");
	expect_unseen(TOP CLUSTER KEYCLOAK("'http://127.0.0.1:8080'") ROLES GRANTS, "allowLoopbackHttp");
	expect_unseen(TOP CLUSTER KEYCLOAK("'https://u:p@login.example.com'") ROLES GRANTS, "sources.main.keycloak.url:");
	expect_fault(TOP CLUSTER KEYCLOAK("'https://login.example.com?x=1'") ROLES GRANTS, "has a query");
	expect_valid(TOP CLUSTER "sources: {main: {keycloak: {url: 'http://127.0.0.1:8080', allowLoopbackHttp: true, realm: r, client: c, secretFile: s}}}\n" ROLES GRANTS);
	expect_fault(TOP CLUSTER "sources: {main: {keycloak: {url: 'https://a', realm: r, client: c}}}\n" ROLES GRANTS, "secretFile is missing");
	expect_fault(TOP CLUSTER "sources: {main: {}}\n" ROLES GRANTS, "found none");
	expect_fault(TOP CLUSTER "sources: {}\n" ROLES GRANTS, "at least one source");
	expect_unseen(TOP CLUSTER "sources: {a: {file: {path: x}}, b: {file: {path: z}}}\n" ROLES GRANTS, "there are 2 sources");
	expect_valid(TOP CLUSTER "sources: {a: {file: {path: x}}, b: {file: {path: z}}}\n" ROLES "grants:\n- {group: d, role: edit, namespaces: [a], source: b}\n");
}
END_TEST

START_TEST(files_are_beside_the_policy)
{
	static const char text[] = TOP CLUSTER SOURCES ROLES GRANTS;
	USH_AUTO_POLICY p = ush_policy_read(text, strlen(text), "/etc/usher/policy.yaml", NULL, &err);

	ck_assert_ptr_nonnull(p);
	ck_assert_str_eq(ush_source_text(&p->sources[0], "path"), "/etc/usher/g.json");
}
END_TEST

START_TEST(limits_are_numbers_or_percentages)
{
	expect_fault(TOP CLUSTER SOURCES ROLES GRANTS "limits: {remove: {bindings: -1}}\n", "expected a number (20) or a percentage");
	expect_fault(TOP CLUSTER SOURCES ROLES GRANTS "limits: {remove: {people: 200%}}\n", "limits.remove.people");
	expect_fault(TOP CLUSTER SOURCES ROLES GRANTS "limits: {vanishedGroup: {runs: 0}}\n", "from 1 to 1000");
	expect_fault(TOP CLUSTER SOURCES ROLES GRANTS "limits: {vanishedGroup: {age: 1w}}\n", "expected a duration");
	expect_fault(TOP CLUSTER SOURCES ROLES GRANTS "limits: {vanishedGroup: {age: 1}}\n", "expected a duration (90s, 30m, 1h, 7d), found \"1\"");
}
END_TEST

START_TEST(a_percentage_never_stops_a_few)
{
	struct ush_limit limit = {.count = -1, .percent = 25}, twenty = {.count = 20, .percent = -1};

	ck_assert(!ush_limit_exceeded(&limit, 5, 5));
	ck_assert(ush_limit_exceeded(&limit, 6, 20));
	ck_assert(!ush_limit_exceeded(&limit, 6, 24));
	ck_assert(!ush_limit_exceeded(&twenty, 20, 20));
	ck_assert(ush_limit_exceeded(&twenty, 21, 1000));
}
END_TEST

/* No bytes make the reader crash, hang, or fail without saying so. */
START_TEST(a_spoilt_policy_is_a_fault_or_a_policy)
{
	static const char whole[] = TOP CLUSTER SOURCES ROLES GRANTS "limits: {remove: {bindings: 7, people: 30%}}\n";
	unsigned int random = 1;

	for (int round = 0; round < 20000; round++) {
		USH_AUTO_FREE char *text = ush_strdup(whole);

		for (int i = 0; i < 3; i++) {
			random = random * 1103515245 + 12345;
			text[(random >> 8) % (sizeof whole - 1)] = "{}[]:,'\"-a0\n \t*&!%\x01\xff"[random % 20];
		}
		memset(&err, 0, sizeof err);
		USH_AUTO_POLICY policy = ush_policy_read(text, strlen(text), "policy.yaml", NULL, &err);
		ck_assert((policy != NULL) == (err.code == USH_OK));
		ck_assert(policy != NULL || strncmp(err.what, "policy.yaml:", 12) == 0);
	}
}
END_TEST

START_TEST(a_word_that_no_rule_of_kubernetes_has_is_refused)
{
	expect_rule_fault("{apiGroups: [apps/v1], resources: [deployments], verbs: [get]}", "\"apps/v1\" is a group and a version; RBAC knows the group alone: \"apps\"");
	expect_rule_fault("{apiGroups: [v1], resources: [pods], verbs: [get]}", "the core group is written \"\"");
	expect_rule_fault("{apiGroups: [''], resources: [pods], verbs: ['get,list']}", "\"get,list\" is one word; several are a list: [get, list]");
	expect_rule_fault("{apiGroups: [''], resources: ['pods services'], verbs: [get]}", "is one word");
	expect_rule_unseen("{apiGroups: [''], resources: [pods], verbs: [GET]}", "there is no verb \"GET\"; did you mean get?");
	expect_rule_unseen("{apiGroups: [''], resources: [pod], verbs: [get]}", "there is no resource \"pod\"; did you mean pods?");
	expect_rule_unseen("{apiGroups: [networking.k8s.io], resources: [Ingress], verbs: [get]}", "did you mean ingresses?");
	expect_valid(TOP CLUSTER SOURCES "roles: {r: {rules: [{apiGroups: [example.com], resources: [widgets, pods/log], verbs: [use, approve]}]}}\n"
					 "grants:\n- {group: a, role: r, namespaces: [a]}\n");
}
END_TEST

TAP_MAIN("policy", a_word_that_no_rule_of_kubernetes_has_is_refused, a_policy_is_read_whole, what_is_not_said_has_a_default, a_fault_names_file_line_column_and_field, every_fault_is_told_at_once,
	 groups_of_kubernetes_are_refused_when_the_policy_is_read, a_grant_needs_what_it_names,
	 a_role_that_gives_more_than_it_names_is_refused, sources_are_checked, files_are_beside_the_policy, limits_are_numbers_or_percentages,
	 a_percentage_never_stops_a_few, a_spoilt_policy_is_a_fault_or_a_policy)
