/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <stdlib.h>
#include <string.h>

#include "common/kube/match.h"
#include "broker/audit/powers.h"
#include "common/base/memory.h"
#include "common/data/json.h"

/* A ClusterRole of one rules list, written as JSON with ' for ". */
static struct ush_rbac *role(const char *rules)
{
	USH_AUTO_FREE char *text = ush_printf("{'apiVersion':'rbac.authorization.k8s.io/"
					      "v1','kind':'ClusterRole','metadata':{'name':'r'},'rules':[%s]}",
					      rules);
	struct ush_error err = {0};
	struct ush_rbac *out;
	bool is_rbac;
	json_t *value;

	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	value = ush_json_parse(text, strlen(text), "test", USH_ERR_CONFIG, &err);
	ck_assert_msg(value != NULL, "%s in %s", err.what, text);
	out = ush_rbac_read(value, USH_ERR_CONFIG, &is_rbac, &err);
	ck_assert_msg(out != NULL, "%s", err.what);
	json_decref(value);
	return out;
}

#define RULE(verbs, groups, resources) "{'verbs':[" verbs "],'apiGroups':[" groups "],'resources':[" resources "]}"
#define NAMED(verbs, groups, resources, names)                                                                         \
	"{'verbs':[" verbs "],'apiGroups':[" groups "],'resources':[" resources "],'resourceNames':[" names "]}"

/* T61, B20: one rule, one request, as the API server's authorizer answers it. */
START_TEST(a_rule_allows_what_the_api_server_says)
{
	static const struct {
		const char *rule;
		struct ush_request request;
		bool allowed;
	} cases[] = {
		{RULE("'get'", "''", "'pods'"), {"get", "", "pods", NULL, "a"}, true},
		{RULE("'get'", "''", "'pods'"), {"get", "", "pods", "log", "a"}, false},
		{RULE("'get'", "''", "'pods/log'"), {"get", "", "pods", "log", "a"}, true},
		{RULE("'get'", "''", "'pods/log'"), {"get", "", "pods", NULL, "a"}, false},
		{RULE("'get'", "''", "'pods/*'"), {"get", "", "pods", "log", "a"}, false},
		{RULE("'get'", "''", "'*/*'"), {"get", "", "pods", "log", "a"}, false},
		{RULE("'get'", "''", "'*/log'"), {"get", "", "pods", "log", "a"}, true},
		{RULE("'get'", "''", "'*/log'"), {"get", "", "pods", NULL, "a"}, false},
		{RULE("'get'", "''", "'*/log'"), {"get", "", "pods", "exec", "a"}, false},
		{RULE("'get'", "''", "'*'"), {"get", "", "pods", "log", "a"}, true},
		{RULE("'get'", "'*'", "'*'"), {"get", "apps", "deployments", "scale", "a"}, true},
		{RULE("'Get'", "''", "'pods'"), {"get", "", "pods", NULL, "a"}, false},
		{RULE("'*'", "''", "'pods'"), {"escalate", "", "pods", NULL, "a"}, true},
		{RULE("'get'", "'apps'", "'pods'"), {"get", "", "pods", NULL, "a"}, false},
		{RULE("'get'", "'core'", "'pods'"), {"get", "", "pods", NULL, "a"}, false},
		{RULE("'ge*'", "''", "'pods'"), {"get", "", "pods", NULL, "a"}, false},
		{RULE("", "''", "'pods'"), {"get", "", "pods", NULL, "a"}, false},
		{NAMED("'get'", "''", "'pods'", "'a'"), {"get", "", "pods", NULL, "a"}, true},
		{NAMED("'get'", "''", "'pods'", "'a'"), {"get", "", "pods", NULL, "b"}, false},
		{NAMED("'create'", "''", "'pods'", "'a'"), {"create", "", "pods", NULL, NULL}, false},
		{NAMED("'create'", "''", "'pods/exec'", "'a'"), {"create", "", "pods", "exec", "a"}, true},
		{NAMED("'list'", "''", "'pods'", "'a'"), {"list", "", "pods", NULL, NULL}, false},
		{NAMED("'list'", "''", "'pods'", "'a'"),
		 {"list", "", "pods", NULL, "a"},
		 true}, /* fieldSelector metadata.name=a */
		{NAMED("'get'", "''", "'pods'", "'*'"), {"get", "", "pods", NULL, "a"}, false},
		{NAMED("'get'", "''", "'pods'", "'a*'"), {"get", "", "pods", NULL, "ab"}, false},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_RBAC r = role(cases[i].rule);

		ck_assert_msg(ush_rule_allows(&r->rules[0], &cases[i].request) == cases[i].allowed, "case %zu: %s", i,
			      cases[i].rule);
	}
}
END_TEST

START_TEST(urls_match_whole_by_prefix_or_all)
{
	USH_AUTO_RBAC r = role("{'verbs':['get'],'nonResourceURLs':['/healthz','/api/"
			       "*','*x']},{'verbs':['*'],'nonResourceURLs':['*']}");

	ck_assert(ush_rule_allows_url(&r->rules[0], "get", "/healthz"));
	ck_assert(!ush_rule_allows_url(&r->rules[0], "get", "/healthz/etcd"));
	ck_assert(ush_rule_allows_url(&r->rules[0], "get", "/api/v1"));
	ck_assert(!ush_rule_allows_url(&r->rules[0], "get", "/api"));
	ck_assert(!ush_rule_allows_url(&r->rules[0], "post", "/healthz"));
	ck_assert(!ush_rule_allows_url(&r->rules[0], "get", "/x"));
	ck_assert(ush_rule_allows_url(&r->rules[1], "post", "/metrics"));
}
END_TEST

static bool covers(const char *owners, const char *rule)
{
	USH_AUTO_RBAC o = role(owners);
	USH_AUTO_RBAC r = role(rule);
	USH_AUTO_FREE const struct ush_rule **list = ush_alloc((o->rule_count + 1) * sizeof *list);

	for (size_t i = 0; i < o->rule_count; i++)
		list[i] = &o->rules[i];
	return ush_rules_cover(list, o->rule_count, &r->rules[0]);
}

/* The escalation guard's comparison: each atom by a single rule of the owner. */
START_TEST(cover_takes_each_atom_from_one_rule)
{
	static const struct {
		const char *owners, *rule;
		bool covered;
	} cases[] = {
		{RULE("'get','list'", "''", "'pods','secrets'"), RULE("'list'", "''", "'pods'"), true},
		{RULE("'get'", "''", "'pods'"), RULE("'get','list'", "''", "'pods'"), false},
		{RULE("'get'", "''", "'pods'") "," RULE("'list'", "''", "'pods'"), RULE("'get','list'", "''", "'pods'"),
		 true},
		{RULE("'get'", "''", "'pods'") "," RULE("'list'", "''", "'secrets'"),
		 RULE("'get','list'", "''", "'pods'"), false},
		{RULE("'get'", "''", "'pods'") "," RULE("'list'", "'apps'", "'pods'"), RULE("'list'", "''", "'pods'"),
		 false},
		{RULE("'*'", "'*'", "'*'"), RULE("'*'", "'*'", "'*'"), true},
		{RULE("'get'", "'*'", "'*'"), RULE("'*'", "''", "'pods'"), false},
		{RULE("'*'", "''", "'pods'"), RULE("'get'", "'*'", "'pods'"), false},
		{RULE("'get'", "''", "'*'"), RULE("'get'", "''", "'pods/log'"), true},
		{RULE("'get'", "''", "'*/log'"), RULE("'get'", "''", "'pods/log'"), true},
		{RULE("'get'", "''", "'*/log'"), RULE("'get'", "''", "'pods/exec'"), false},
		{RULE("'get'", "''", "'pods'"), RULE("'get'", "''", "'pods/log'"), false},
		{RULE("'get'", "''", "'pods'"), NAMED("'get'", "''", "'pods'", "'a'"), true},
		{NAMED("'get'", "''", "'pods'", "'a','b'"), NAMED("'get'", "''", "'pods'", "'b'"), true},
		{NAMED("'get'", "''", "'pods'", "'a'"), NAMED("'get'", "''", "'pods'", "'a','b'"), false},
		{NAMED("'get'", "''", "'pods'", "'a'"), RULE("'get'", "''", "'pods'"), false},
		{NAMED("'get'", "''", "'pods'", "'*'"), NAMED("'get'", "''", "'pods'", "'a'"), false},
		{"{'verbs':['get'],'nonResourceURLs':['/api/*']}",
		 "{'verbs':['get'],'nonResourceURLs':['/api/v1','/api/*']}", true},
		{"{'verbs':['get'],'nonResourceURLs':['/api/v1']}", "{'verbs':['get'],'nonResourceURLs':['/api/*']}",
		 false},
		{RULE("'*'", "'*'", "'*'"), "{'verbs':['get'],'nonResourceURLs':['/x']}", false},
		{"", RULE("'get'", "''", "'pods'"), false},
		{"", RULE("", "''", "'pods'"), true}, /* a rule that allows nothing */
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++)
		ck_assert_msg(covers(cases[i].owners, cases[i].rule) == cases[i].covered, "case %zu: %s", i,
			      cases[i].rule);
}
END_TEST

START_TEST(a_rule_too_large_to_take_apart_is_never_covered)
{
	USH_AUTO_BUF rule = {0};

	ush_buf_puts(&rule, "{'apiGroups':[''],'verbs':['v0'");
	for (int i = 1; i < 400; i++)
		ush_buf_printf(&rule, ",'v%d'", i);
	ush_buf_puts(&rule, "],'resources':['r0'");
	for (int i = 1; i < 400; i++)
		ush_buf_printf(&rule, ",'r%d'", i);
	ush_buf_puts(&rule, "]}");
	ck_assert(!covers(RULE("'*'", "'*'", "'*'"), rule.data));
}
END_TEST

START_TEST(cluster_scoped_kinds_are_inert_through_a_rolebinding)
{
	static const struct {
		const char *rule;
		bool inert;
	} cases[] = {
		{RULE("'*'", "''", "'nodes','nodes/proxy','persistentvolumes'"), true},
		{RULE("'get'", "''", "'nodes','pods'"), false},
		{RULE("'get'", "''", "'namespaces'"), false}, /* a request on a namespace carries it */
		{RULE("'impersonate'", "''", "'users','groups'"), true},
		{RULE("'impersonate'", "''", "'serviceaccounts'"), false},
		{RULE("'update'", "'rbac.authorization.k8s.io'", "'clusterroles'"), true},
		{RULE("'bind'", "'rbac.authorization.k8s.io'", "'clusterroles'"), false},
		{RULE("'get'", "'*'", "'nodes'"), false},
		{"{'verbs':['get'],'nonResourceURLs':['/metrics']}", true},
		{RULE("'get'", "''", "'node'"), false},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_RBAC r = role(cases[i].rule);

		ck_assert_msg(ush_rule_is_inert_in_namespace(&r->rules[0]) == cases[i].inert, "case %zu: %s", i,
			      cases[i].rule);
	}
}
END_TEST

static struct ush_powers powers_of(const char *rules)
{
	USH_AUTO_RBAC r = role(rules);
	USH_AUTO_FREE const struct ush_rule **list = ush_alloc((r->rule_count + 1) * sizeof *list);

	for (size_t i = 0; i < r->rule_count; i++)
		list[i] = &r->rules[i];
	return ush_powers_of(list, r->rule_count);
}

START_TEST(powers_tell_whole_from_named)
{
	struct ush_powers p = powers_of(
		NAMED("'get','create'", "''", "'secrets','pods'", "'a'") "," RULE("'list'", "''", "'configmaps'"));

	ck_assert_uint_eq(p.whole, 0);
	ck_assert_uint_eq(p.named, USH_BIT(USH_READ_SECRETS)); /* create pods by name is never allowed */
	p = powers_of(NAMED("'get'", "''", "'secrets'", "'a'") "," RULE("'watch'", "''", "'secrets'"));
	ck_assert_uint_eq(p.whole, USH_BIT(USH_READ_SECRETS));
	ck_assert_uint_eq(p.named, 0);
	p = powers_of(NAMED("'*'", "'*'", "'*'", "'*'"));
	ck_assert_uint_eq(p.whole | p.named, 0);
	ck_assert(!p.admin);
}
END_TEST

START_TEST(everything_is_every_power_and_a_rolebinding_takes_the_cluster_from_it)
{
	struct ush_powers all = powers_of(RULE("'*'", "'*'", "'*'")), space = ush_powers_in_namespace(all);

	ck_assert(all.admin);
	ck_assert_uint_eq(all.whole, USH_BIT(USH_POWERS) - 1);
	ck_assert_uint_eq(space.whole & USH_BIT(USH_PROXY_NODES), 0);
	ck_assert_uint_eq(space.whole & USH_BIT(USH_WRITE_CLUSTERROLES), 0);
	ck_assert_uint_eq(space.whole & USH_BIT(USH_IMPERSONATE_USERS), 0);
	ck_assert_uint_ne(space.whole & USH_BIT(USH_READ_SECRETS), 0);
	ck_assert_uint_ne(space.whole & USH_BIT(USH_BIND_CLUSTERROLES), 0);
}
END_TEST

TAP_MAIN("match", a_rule_allows_what_the_api_server_says, urls_match_whole_by_prefix_or_all,
	 cover_takes_each_atom_from_one_rule, a_rule_too_large_to_take_apart_is_never_covered,
	 cluster_scoped_kinds_are_inert_through_a_rolebinding, powers_tell_whole_from_named,
	 everything_is_every_power_and_a_rolebinding_takes_the_cluster_from_it)
