/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "tests/support/policy_case.h"

#define MORE(x) TOP CLUSTER SOURCES ROLES GRANTS x "\n"

START_TEST(the_cluster_says_how_it_spells_people_and_groups)
{
	USH_AUTO_POLICY p = policy_of(TOP "cluster: {groupPrefix: 'oidc:', groupName: id, groupCase: lower, userPrefix: 'oidc:', groupClaim: roles, tenantLabel: "
					  "example.com/tenant, stateNamespace: usher-system}\n" SOURCES ROLES GRANTS);
	USH_AUTO_FREE char *text = ush_name_group(p, "ID-1", "n", "/n");

	ck_assert(p->lower_case);
	ck_assert_str_eq(text, "oidc:id-1");
	ck_assert_str_eq(p->user_prefix, "oidc:");
	ck_assert_str_eq(p->group_claim, "roles");
	ck_assert_str_eq(p->tenant_label, "example.com/tenant");
	ck_assert_str_eq(p->state_namespace, "usher-system");
	expect_valid(TOP "cluster: {groupPrefix: 'oidc:', userPrefix: '', groupCase: keep}\n" SOURCES ROLES GRANTS);
	expect_fault(TOP "cluster: {groupPrefix: 'oidc:', groupCase: upper}\n" SOURCES ROLES GRANTS, "cluster.groupCase: expected keep or lower");
	expect_fault(TOP "cluster: {groupPrefix: 'oidc:', userPrefix: 'system:'}\n" SOURCES ROLES GRANTS, "cluster.userPrefix: \"system:\"");
	expect_fault(TOP "cluster: {groupPrefix: 'oidc:', tenantLabel: 'a b'}\n" SOURCES ROLES GRANTS, "cluster.tenantLabel");
	expect_fault(TOP "cluster: {groupPrefix: 'oidc:', stateNamespace: Usher}\n" SOURCES ROLES GRANTS, "cluster.stateNamespace: \"Usher\"");
	expect_fault(TOP "cluster: {groupPrefix: 'oidc:', stateNamespace: ../x}\n" SOURCES ROLES GRANTS, "cluster.stateNamespace: \"../x\"");
	expect_fault(TOP "cluster: {groupPrefix: 'oidc:', stateNamespace: ''}\n" SOURCES ROLES GRANTS, "cluster.stateNamespace: is empty");
	expect_fault(TOP "cluster: {groupPrefix: 'oidc:', stateNamespace: [a]}\n" SOURCES ROLES GRANTS, "cluster.stateNamespace");
	expect_fault(TOP "cluster: {groupPrefix: 'oidc:', groupClaim: ''}\n" SOURCES ROLES GRANTS, "cluster.groupClaim: is empty");
}
END_TEST

START_TEST(several_clusters_have_names_of_their_own)
{
	static const char text[] = MORE("clusters: [{name: eu, kubeconfig: eu.yaml, context: admin}, {name: us}]");
	struct ush_error err = {0};
	USH_AUTO_POLICY p = ush_policy_read(text, strlen(text), "/etc/usher/policy.yaml", NULL, &err);

	ck_assert_msg(p != NULL, "%s", err.what);
	ck_assert_uint_eq(p->cluster_count, 2);
	ck_assert_str_eq(p->clusters[0].kubeconfig, "/etc/usher/eu.yaml");
	ck_assert_str_eq(p->clusters[0].context, "admin");
	ck_assert_ptr_null(p->clusters[1].kubeconfig);
	expect_more_unseen("clusters: [{name: eu}, {name: eu}]", "clusters[1].name: \"eu\" stands twice");
	expect_more_fault("clusters: [{kubeconfig: x}]", "name is missing");
	expect_more_fault("clusters: []", "is an empty list");
	expect_more_fault("clusters: [{name: 'a/b'}]", "clusters[0].name");
}
END_TEST

START_TEST(layout_and_drift_are_words_of_three)
{
	USH_AUTO_POLICY p = policy_of(MORE("layout: users\ndrift: adopt"));
	USH_AUTO_POLICY silent = policy_of(MORE(""));

	ck_assert_int_eq(p->layout, USH_LAYOUT_USERS);
	ck_assert_int_eq(p->drift, USH_DRIFT_ADOPT);
	ck_assert_int_eq(silent->layout, USH_LAYOUT_ROLE);
	ck_assert_int_eq(silent->drift, USH_DRIFT_REPAIR);
	expect_more_fault("layout: groups", "layout: expected role, group or users, found \"groups\"");
	expect_more_fault("drift: fix", "drift: expected repair, report or adopt");
	expect_more_fault("drift: [repair]", "expected a string, found list");
}
END_TEST

START_TEST(what_is_excluded_is_said_by_patterns)
{
	USH_AUTO_POLICY p = policy_of(MORE("exclude: {groups: ['/contractors/*', guests], namespaces: ['kube-*']}\nowners: [team-a@example.com]"));

	ck_assert_uint_eq(p->exclude_groups.count, 2);
	ck_assert_str_eq(p->exclude_namespaces.items[0], "kube-*");
	ck_assert_str_eq(p->owners.items[0], "team-a@example.com");
	expect_more_fault("exclude: {groups: ['{x']}", "exclude.groups[0]");
	expect_more_fault("exclude: {group: [a]}", "did you mean groups?");
	expect_more_fault("exclude: {namespaces: a}", "expected a list");
	expect_more_fault("owners: []", "is an empty list");
	expect_more_fault("owners: [42]", "put it in quotes");
}
END_TEST

START_TEST(what_may_be_given_has_a_limit_too)
{
	USH_AUTO_POLICY p = policy_of(MORE("limits: {add: {people: 100}, vanishedGroup: {runs: 3, age: 2d}}"));
	USH_AUTO_POLICY silent = policy_of(MORE(""));

	ck_assert_int_eq(p->add_people.count, 100);
	ck_assert_int_eq(silent->add_people.count, -1);
	ck_assert_int_eq(silent->add_people.percent, -1);
	ck_assert_int_eq(p->vanished_age, 172800);
	expect_more_fault("limits: {add: {bindings: 1}}", "no member \"bindings\"");
	expect_more_fault("limits: {add: {people: many}}", "limits.add.people: expected a number");
	expect_more_fault("limits: {remove: {people: 101%}}", "limits.remove.people");
	expect_more_fault("limits: {remove: {people: 1000001}}", "limits.remove.people");
}
END_TEST

START_TEST(a_template_says_what_a_namespace_gets)
{
	USH_AUTO_POLICY p = policy_of(MORE(
		"templates:\n  team:\n    labels: {team: a, example.com/tier: ''}\n    annotations: {note: 'any text'}\n    podSecurity: {enforce: baseline, warn: restricted, version: "
		"v1.36}\n    quota: {requests.cpu: '4', pods: 50}\n    limitRange: {default: {memory: 512Mi}, max: {cpu: 2}}\n    networkPolicy: {allowSameNamespace: true}\n"
		"    roles: [{role: edit, group: '/teams/{team}/developers'}]\n  small: {podSecurity: restricted, networkPolicy: {defaultDeny: false}}"));
	const struct ush_template *team = &p->templates[0], *small = &p->templates[1];

	ck_assert_uint_eq(p->template_count, 2);
	ck_assert_str_eq(team->name, "team");
	ck_assert(ush_list_has(&team->labels, "team=a") && ush_list_has(&team->labels, "example.com/tier="));
	ck_assert_str_eq(team->annotations.items[0], "note=any text");
	ck_assert_str_eq(team->enforce, "baseline");
	ck_assert_ptr_null(team->audit);
	ck_assert_str_eq(team->pods_version, "v1.36");
	ck_assert(ush_list_has(&team->quota, "requests.cpu=4") && ush_list_has(&team->quota, "pods=50"));
	ck_assert(ush_list_has(&team->range_default, "memory=512Mi") && ush_list_has(&team->range_max, "cpu=2"));
	ck_assert(team->default_deny && team->allow_dns && team->allow_same_namespace && !team->automount);
	ck_assert_str_eq(team->roles[0].group, "/teams/{team}/developers");
	ck_assert_uint_eq(team->roles[0].role, 1);
	ck_assert_str_eq(small->warn, "restricted");
	ck_assert(!small->default_deny);
}
END_TEST

#define TEMPLATE(x) "templates: {t: {" x "}}"

START_TEST(a_template_is_read_strictly)
{
	expect_more_fault("templates: {}", "at least one template");
	expect_more_fault("templates: {T_1: {}}", "templates.T_1: the name");
	expect_more_fault(TEMPLATE("podSecurity: strict"), "expected privileged, baseline or restricted");
	expect_more_fault(TEMPLATE("podSecurity: {inforce: baseline}"), "no member \"inforce\"");
	expect_more_fault(TEMPLATE("podSecurity: {enforce: baseline, version: '1.36'}"), "expected latest or a version");
	expect_more_fault(TEMPLATE("podSecurity: [baseline]"), "expected a level");
	expect_more_fault(TEMPLATE("labels: {a: 1}"), "put it in quotes");
	expect_more_fault(TEMPLATE("labels: {a: 'x y'}"), "no word of a label");
	expect_more_unseen(TEMPLATE("labels: {pod-security.kubernetes.io/enforce: privileged}"), "is said by podSecurity");
	expect_more_fault(TEMPLATE("quota: {pods: [1]}"), "expected a string, found list");
	expect_more_fault(TEMPLATE("limitRange: {defaults: {cpu: 1}}"), "did you mean default?");
	expect_more_fault(TEMPLATE("networkPolicy: {defaultDeny: 'yes'}"), "expected true or false");
	expect_more_unseen(TEMPLATE("roles: [{role: edti, group: a}]"), "did you mean edit?");
	expect_more_fault(TEMPLATE("roles: [{role: edit, group: 'system:masters'}]"), "begins with system:");
	expect_more_fault(TEMPLATE("roles: [{role: edit}]"), "group is missing");
	expect_more_fault("template: {}", "did you mean templates?");
}
END_TEST

/* What the API server would refuse when the namespace is half made is told with its line before anything is. */
START_TEST(amounts_of_a_template_are_those_that_the_server_takes)
{
	expect_more_fault(TEMPLATE("quota: {pods: ten}"), "templates.t.quota.pods: expected an amount as Kubernetes writes it (4, 500m, 8Gi), found \"ten\"");
	expect_more_fault(TEMPLATE("quota: {cpu: 1.5.2}"), "found \"1.5.2\"");
	expect_more_fault(TEMPLATE("quota: {memory: 8GB}"), "found \"8GB\"");
	expect_more_fault(TEMPLATE("quota: {pods: '-1'}"), "templates.t.quota.pods: -1 is less than nothing");
	expect_more_unseen(TEMPLATE("quota: {pods: 1.5}"), "1.5 is no whole number");
	expect_more_unseen(TEMPLATE("quota: {count/jobs.batch: 500m}"), "500m is no whole number");
	expect_more_unseen(TEMPLATE("quota: {request.cpu: 1}"), "templates.t.quota.request.cpu: Kubernetes knows no such resource; did you mean requests.cpu?");
	expect_more_unseen(TEMPLATE("limitRange: {max: {cpus: 1}}"), "templates.t.limitRange.max.cpus: Kubernetes knows no such resource; did you mean cpu?");
	expect_more_unseen(TEMPLATE("quota: {limits.hugepages-2Mi: 1}"), "knows no such resource");
	expect_more_unseen(TEMPLATE("limitRange: {default: {pods: 1}}"), "knows no such resource");
	expect_more_unseen(TEMPLATE("limitRange: {default: {cpu: 2}, max: {cpu: 1500m}}"), "templates.t.limitRange.default.cpu: 2 is more than max, 1500m");
	expect_more_unseen(TEMPLATE("limitRange: {min: {cpu: 3}, max: {cpu: 2}}"), "templates.t.limitRange.min.cpu: 3 is more than max, 2");
	expect_more_unseen(TEMPLATE("limitRange: {defaultRequest: {memory: 1Gi}, default: {memory: 1G}}"), "templates.t.limitRange.defaultRequest.memory: 1Gi is more than default, 1G");
	expect_more_unseen(TEMPLATE("labels: {kubernetes.io/metadata.name: x}"), "is the API server's own");
}
END_TEST

START_TEST(what_the_server_takes_is_no_fault)
{
	USH_AUTO_POLICY p = policy_of(MORE(TEMPLATE("quota: {pods: 0, cpu: .5, secrets: 9223372036854775807, configmaps: 1e19, requests.memory: 1e9, limits.memory: 8Gi, requests.nvidia.com/gpu: 1, count/jobs.batch: 5, services.nodeports: '0', "
						    "requests.hugepages-2Mi: 1Gi, gold.storageclass.storage.k8s.io/requests.storage: 5Ti, persistentvolumeclaims: 1k}, "
						    "limitRange: {min: {cpu: 1m}, defaultRequest: {cpu: 0.1, ephemeral-storage: 1Gi}, default: {cpu: 100m}, max: {cpu: '1', nvidia.com/gpu: 2}}, "
						    "labels: {app.kubernetes.io/part-of: shop}")));

	ck_assert_uint_eq(p->templates[0].quota.count, 12);
}
END_TEST

START_TEST(source_settings_are_held_to_their_table)
{
#define SOURCE(x) TOP CLUSTER "sources: {main: {" x "}}\n" ROLES GRANTS
	expect_valid(SOURCE("ldap: {url: 'ldaps://x', schema: rfc2307, groups: {base: 'ou=g'}, people: {base: 'ou=p'}, pageSize: 100, canaries: {groups: [a]}}"));
	expect_fault(SOURCE("ldap: {url: 'ldaps://x', schema: rfc2307}"), "groups is missing");
	expect_fault(SOURCE("ldap: {url: 'ldaps://x', schema: rfc2307, groups: {}}"), "sources.main.ldap.groups: base is missing");
	expect_fault(SOURCE("ldap: {url: 'ldaps://x', schema: rfc2307, groups: {base: a, bsae: b}}"), "did you mean base?");
	expect_fault(SOURCE("ldap: {url: 'ldaps://x', schema: rfc, groups: {base: a}}"), "expected rfc2307, rfc2307bis, ad or augmented-ad");
	expect_fault(SOURCE("ldap: {url: 'ldaps://x', schema: ad, groups: {base: a}, pageSize: many}"), "expected a number");
	expect_fault(SOURCE("ldap: {url: 'ldaps://x', schema: ad, groups: {base: a}, startTLS: 1}"), "expected true or false");
	expect_fault(SOURCE("file: {path: x, timeout: 5}"), "expected a duration (90s, 30m, 1h, 7d), found \"5\"");
	expect_fault(SOURCE("file: {path: x, include: []}"), "is an empty list");
	expect_unseen(SOURCE("file: {path: x, include: ['{a']}"), "begins no {name}");
	expect_fault(SOURCE("file: {path: x, canaries: {group: [a]}}"), "did you mean groups?");
	expect_fault(SOURCE("file: {path: x}, command: {command: [x]}"), "found several");
	expect_fault(SOURCE("fiel: {path: x}"), "did you mean file?");
	expect_fault(SOURCE("keycloak: {url: 'https://a', realm: r, client: c}"), "secretFile is missing (or secretCommand, secretEnv, secretKeyring)");
	expect_fault(SOURCE("keycloak: {url: 'https://a', realm: r, client: c, secretFile: a, secretEnv: b}"), "has more than one of secretFile, secretCommand, secretEnv and secretKeyring");
	expect_unseen(SOURCE("keycloak: {url: 'https://a', realm: r, client: 'a:b', secretFile: a}"), "may not hold a colon");
	expect_valid(SOURCE("scim: {url: 'https://a/scim', secretKeyring: {service: scim, account: x}}"));
	expect_fault(SOURCE("scim: {url: 'https://a/scim', secretKeyring: {service: 1}}"), "put it in quotes");
}
END_TEST

TAP_MAIN("policy_parts", the_cluster_says_how_it_spells_people_and_groups, several_clusters_have_names_of_their_own, layout_and_drift_are_words_of_three,
	 what_is_excluded_is_said_by_patterns, what_may_be_given_has_a_limit_too, a_template_says_what_a_namespace_gets, a_template_is_read_strictly, amounts_of_a_template_are_those_that_the_server_takes, what_the_server_takes_is_no_fault,
	 source_settings_are_held_to_their_table)
