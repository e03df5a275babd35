/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/rights/rights.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/match.h"
#include "common/net/http.h"

#define HEAD                                                                                                           \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: \"oidc:\"}\nsources:\n  main: {file: {path: g.json}}\n" \
	"roles:\n  edit: {clusterRole: edit}\n  view: {clusterRole: view}\n"                                                   \
	"  reader: {rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get]}]}\ngrants:\n"

static struct ush_rights rights;
static struct ush_error err;

static void begin_for(const char *purpose, const char *grants)
{
	USH_AUTO_FREE char *text = ush_printf(HEAD "%s", grants);
	USH_AUTO_POLICY policy = ush_policy_read(text, strlen(text), "policy.yaml", NULL, &err);

	ck_assert_msg(policy != NULL, "%s", err.what);
	ush_rights_free(&rights);
	ush_purpose_named(purpose)->need(&rights, policy, "ops");
}

static void begin(const char *grants)
{
	begin_for("sync", grants);
}

static bool may(const char *namespace_name, const char *verb, const char *group, const char *resource, const char *name)
{
	const struct ush_request request = {.verb = verb, .group = group, .resource = resource, .name = name};

	for (size_t i = 0; i < rights.count; i++) {
		const struct ush_right *right = &rights.items[i];

		if (right->namespace_name != NULL && (namespace_name == NULL || strcmp(right->namespace_name, namespace_name) != 0))
			continue;
		for (size_t k = 0; k < right->count; k++)
			if (ush_rule_allows(&right->rules[k], &request))
				return true;
	}
	return false;
}

#define RBAC USH_RBAC_GROUP

START_TEST(a_role_may_be_bound_where_it_is_granted_and_nowhere_else)
{
	begin("- {group: a, role: edit, namespaces: [x]}\n- {group: a, role: view, namespaces: [w]}\n");
	ck_assert(may("x", "bind", RBAC, "clusterroles", "edit"));
	ck_assert(!may("x", "bind", RBAC, "clusterroles", "view"));
	ck_assert(!may("x", "bind", RBAC, "clusterroles", "cluster-admin"));
	ck_assert(may("x", "create", RBAC, "rolebindings", NULL));
	ck_assert(!may("z", "create", RBAC, "rolebindings", NULL));
	ck_assert(!may(NULL, "create", RBAC, "clusterrolebindings", NULL));
}
END_TEST

START_TEST(escalate_and_wildcards_are_never_asked_for)
{
	begin("- {group: a, role: reader, namespaces: [x]}\n- {groupPattern: \"{t}-dev\", role: edit, namespacePattern: \"{t}-*\"}\n");
	for (size_t i = 0; i < rights.count; i++)
		for (size_t k = 0; k < rights.items[i].count; k++) {
			const struct ush_rule *rule = &rights.items[i].rules[k];

			ck_assert(!ush_list_has(&rule->verbs, "escalate"));
			ck_assert(!ush_list_has(&rule->verbs, "*"));
			ck_assert(!ush_list_has(&rule->resources, "*"));
			ck_assert(!ush_list_has(&rule->groups, "*"));
			ck_assert(!ush_list_has(&rule->verbs, "bind") || rule->names.count > 0);
		}
}
END_TEST

START_TEST(a_role_of_the_policys_own_needs_its_rules)
{
	begin("- {group: a, role: reader, namespaces: [x]}\n");
	ck_assert(may("x", "get", "", "pods", "any"));
	ck_assert(may("x", "create", RBAC, "roles", NULL));
	ck_assert(may("x", "bind", RBAC, "roles", "reader"));
	ck_assert(!may("w", "get", "", "pods", "any"));
}
END_TEST

START_TEST(without_roles_of_its_own_no_role_may_be_written)
{
	begin("- {group: a, role: edit, namespaces: [x]}\n");
	ck_assert(!may("x", "create", RBAC, "roles", NULL));
	ck_assert(!may("x", "get", "", "pods", "any"));
}
END_TEST

START_TEST(namespaces_by_pattern_need_the_right_everywhere)
{
	begin("- {groupPattern: \"{t}-dev\", role: edit, namespacePattern: \"{t}-*\"}\n");
	ck_assert(may("any", "create", RBAC, "rolebindings", NULL));
	ck_assert(may("any", "bind", RBAC, "clusterroles", "edit"));
	ck_assert(!may("any", "bind", RBAC, "clusterroles", "view"));
}
END_TEST

START_TEST(the_state_and_the_lease_are_named)
{
	begin("- {group: a, role: edit, namespaces: [x]}\n");
	ck_assert(may("ops", "update", "", "configmaps", "usher-broker-state"));
	ck_assert(!may("ops", "update", "", "configmaps", "other"));
	ck_assert(may("ops", "update", "coordination.k8s.io", "leases", "usher-broker"));
	ck_assert(!may("x", "get", "", "configmaps", "usher-broker-state"));
}
END_TEST

START_TEST(it_is_printed_as_manifests_in_the_order_to_create_them)
{
	static const char *const kinds[] = {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Role", "RoleBinding"};
	USH_AUTO_JSON objects = NULL;

	begin("- {group: a, role: edit, namespaces: [x]}\n");
	objects = ush_rights_objects(&rights, "usher-system", "usher-broker");
	ck_assert_uint_eq(json_array_size(objects), USH_COUNT(kinds));
	for (size_t i = 0; i < USH_COUNT(kinds); i++)
		ck_assert_str_eq(ush_json_string(json_array_get(objects, i), "kind"), kinds[i]);
}
END_TEST

/* Else what one account is given by "kubectl apply" is taken from another. */
START_TEST(what_two_accounts_are_given_is_called_differently)
{
	const json_t *object;
	USH_AUTO_JSON objects = NULL;
	size_t i;

	begin("- {group: a, role: edit, namespaces: [x]}\n");
	objects = ush_rights_objects(&rights, "usher-system", "usher-onboard");
	json_array_foreach(objects, i, object) {
		const json_t *ref = ush_json_object(object, "roleRef");

		ck_assert_str_eq(ush_json_string(ush_json_object(object, "metadata"), "name"), "usher-onboard");
		ck_assert(ref == NULL || strcmp(ush_json_string(ref, "name"), "usher-onboard") == 0);
	}
}
END_TEST

/* ---- of who puts somebody out, and of who gives for a time ---- */

#define TIMED "elevation: {allow: [{roles: [edit], namespaces: [gate], max: 1h}, {roles: [view], namespaces: ['p*'], max: 1h}]}\n"
#define SEALED                                                                                              \
	"breakGlassKey: k.pub\nbreakGlass:\n  fire: {groups: [g], role: edit, namespaces: [x], max: 1h, owner: o, until: 2100-01-01}\n"

START_TEST(who_offboards_takes_people_out_and_makes_nothing)
{
	begin_for("offboard", "- {group: a, role: edit, namespaces: [x]}\n- {group: a, role: reader, namespaces: [w]}\n");
	ck_assert(may("x", "patch", RBAC, "rolebindings", NULL) && may("x", "delete", RBAC, "rolebindings", NULL));
	ck_assert(may("x", "bind", RBAC, "clusterroles", "edit") && may("w", "bind", RBAC, "roles", "reader"));
	ck_assert(!may("x", "bind", RBAC, "clusterroles", "view") && !may("w", "bind", RBAC, "clusterroles", "edit"));
	ck_assert(may("w", "delete", RBAC, "roles", NULL) && !may("x", "delete", RBAC, "roles", NULL));
	ck_assert(!may("z", "patch", RBAC, "rolebindings", NULL));
	ck_assert(!may("w", "get", "", "pods", "any")); /* it writes no Role, so it need not hold what one gives */
	ck_assert(may("any", "list", "", "secrets", NULL) && !may("any", "get", "", "secrets", "a"));
	ck_assert(may("ops", "update", "", "configmaps", "usher-broker-ledger") && !may("ops", "update", "", "configmaps", "other"));
	for (size_t i = 0; i < rights.count; i++)
		for (size_t k = 0; k < rights.items[i].count; k++)
			ck_assert(!ush_list_has(&rights.items[i].rules[k].verbs, "create") || ush_list_has(&rights.items[i].rules[k].resources, "configmaps"));
}
END_TEST

START_TEST(who_offboards_ends_what_was_given_for_a_time)
{
	begin_for("offboard", "- {group: a, role: edit, namespaces: [x]}\n" TIMED);
	ck_assert(may("gate", "delete", RBAC, "rolebindings", NULL) && may("any", "delete", RBAC, "rolebindings", NULL));
	ck_assert(!may("gate", "patch", RBAC, "rolebindings", NULL) && !may("gate", "bind", RBAC, "clusterroles", "edit"));
}
END_TEST

START_TEST(who_elevates_gives_what_the_policy_lets_be_given_and_nothing_else)
{
	begin_for("elevate", "- {group: a, role: reader, namespaces: [x]}\n" TIMED SEALED);
	ck_assert(may("gate", "bind", RBAC, "clusterroles", "edit") && may("x", "bind", RBAC, "clusterroles", "edit"));
	ck_assert(!may("any", "bind", RBAC, "clusterroles", "edit") && may("any", "bind", RBAC, "clusterroles", "view"));
	ck_assert(may("any", "create", RBAC, "rolebindings", NULL)); /* a pattern means namespaces that nobody can list here */
	ck_assert(!may("any", "patch", RBAC, "rolebindings", NULL) && !may("any", "bind", RBAC, "roles", "reader"));
	ck_assert(may("x", "create", "", "events", NULL) && !may("gate", "create", "", "events", NULL));
	ck_assert(may("ops", "get", "", "configmaps", "usher-broker-state") && !may("ops", "update", "", "configmaps", "usher-broker-state"));
	ck_assert(!may("any", "list", "", "secrets", NULL) && !may("any", "list", RBAC, "rolebindings", NULL));
}
END_TEST

START_TEST(without_patterns_nothing_is_given_in_the_whole_cluster)
{
	begin_for("elevate", "- {group: a, role: reader, namespaces: [x]}\n" SEALED);
	ck_assert(may("x", "create", RBAC, "rolebindings", NULL) && !may("z", "create", RBAC, "rolebindings", NULL));
	ck_assert(may("x", "delete", RBAC, "rolebindings", NULL) && !may(NULL, "delete", RBAC, "rolebindings", NULL));
}
END_TEST

/* What the whole cluster's rule gives is not said again for a namespace. */
START_TEST(nothing_is_printed_twice)
{
	begin("- {group: a, role: edit, namespaces: [x]}\n" TIMED SEALED);
	for (size_t i = 0; i < rights.count; i++)
		for (size_t k = 0; k < rights.items[i].count; k++) {
			USH_AUTO_FREE const struct ush_rule **others = NULL;
			size_t count = 0;

			for (size_t n = 0; n < rights.items[i].count; n++)
				if (n != k)
					USH_PUSH(others, count, &rights.items[i].rules[n]);
			for (size_t n = 0; i > 0 && n < rights.items[0].count; n++)
				USH_PUSH(others, count, &rights.items[0].rules[n]);
			ck_assert(!ush_rules_cover(others, count, &rights.items[i].rules[k]));
		}
	for (size_t i = 0; i < rights.count; i++) /* gate needs no more than the whole cluster's delete */
		ck_assert(rights.items[i].namespace_name == NULL || strcmp(rights.items[i].namespace_name, "gate") != 0);
}
END_TEST

/* Thousands of rules are not compared each with each, and none is lost. */
START_TEST(a_policy_of_many_roles_keeps_every_rule)
{
	USH_AUTO_BUF text = {0};
	USH_AUTO_POLICY policy = NULL;

	ush_buf_puts(&text, "apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: \"oidc:\"}\nsources:\n  main: {file: {path: g.json}}\nroles:\n");
	for (int i = 0; i < 600; i++)
		ush_buf_printf(&text, "  r%d: {rules: [{apiGroups: [\"\"], resources: [thing%d], verbs: [get]}]}\n", i, i);
	ush_buf_puts(&text, "grants:\n");
	for (int i = 0; i < 600; i++)
		ush_buf_printf(&text, "- {group: g, role: r%d, namespaces: [x]}\n", i);
	policy = ush_policy_read(text.data, text.length, "policy.yaml", NULL, &err);
	ck_assert_msg(policy != NULL, "%s", err.what);
	ush_rights_of(&rights, policy, "ops");
	for (int i = 0; i < 600; i++) {
		USH_AUTO_FREE char *thing = ush_printf("thing%d", i);

		ck_assert(may("x", "get", "", thing, "a"));
	}
}
END_TEST

START_TEST(a_verb_knows_where_its_rights_are_written)
{
	ck_assert_str_eq(ush_purpose_of("readmit")->name, "offboard");
	ck_assert_str_eq(ush_purpose_of("break-glass")->name, "elevate");
	ck_assert_str_eq(ush_purpose_of("apply")->name, "sync");
	ck_assert_str_eq(ush_purpose_of("claims")->name, "sync");
	ck_assert_ptr_null(ush_purpose_named("readmit"));
	ck_assert_str_eq(ush_purpose_named("elevate")->account, "usher-elevate");
}
END_TEST

/* ---- the check ---- */

static const char *reviewed; /* what the API server says of us, as status */
static size_t asked;

static int answer(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *error)
{
	USH_AUTO_FREE char *body = ush_printf("{\"kind\": \"SelfSubjectRulesReview\", \"status\": %s}", reviewed);

	(void)context;
	(void)request;
	(void)error;
	asked++;
	response->status = 201;
	snprintf(response->content_type, sizeof response->content_type, "application/json");
	ush_buf_puts(&response->body, body);
	return 0;
}

static int64_t zero(void *context)
{
	(void)context;
	return 0;
}

static char *check(const char *status)
{
	struct ush_world world = {.http = answer, .now_ms = zero, .boot_ms = zero};
	struct ush_kube_config config = {.server = (char *)"https://k8s.test"};
	struct ush_kube kube = {.world = &world, .config = &config};
	char *more = NULL;

	reviewed = status;
	ck_assert_msg(ush_rights_check(&kube, &rights, "ops", &more, &err) == 0, "%s", err.what);
	return more;
}

#define NEEDED                                                                                                         \
	"{\"verbs\": [\"list\"], \"apiGroups\": [\"rbac.authorization.k8s.io\"], \"resources\": [\"roles\", \"rolebindings\"]}," \
	"{\"verbs\": [\"create\"], \"apiGroups\": [\"authorization.k8s.io\"], \"resources\": [\"selfsubjectaccessreviews\", \"selfsubjectrulesreviews\"]}"
#define URLS "\"nonResourceRules\": [{\"verbs\": [\"get\"], \"nonResourceURLs\": [\"/api\", \"/healthz\"]}]"

START_TEST(no_more_than_is_needed_is_no_more)
{
	begin("- {group: a, role: edit, namespaces: [x]}\n");
	ck_assert_ptr_null(check("{\"resourceRules\": [" NEEDED "], " URLS "}"));
	ck_assert_uint_eq(asked, 2); /* the state's namespace, and x */
}
END_TEST

START_TEST(anything_more_is_told)
{
	static const struct {
		const char *rule, *told;
	} rules[] = {
		{"{\"verbs\": [\"*\"], \"apiGroups\": [\"*\"], \"resources\": [\"*\"]}", "ops"},
		{"{\"verbs\": [\"get\"], \"apiGroups\": [\"\"], \"resources\": [\"secrets\"]}", "secrets"},
		{"{\"verbs\": [\"bind\"], \"apiGroups\": [\"rbac.authorization.k8s.io\"], \"resources\": [\"clusterroles\"]}", "bind"},
		{"{\"verbs\": [\"escalate\"], \"apiGroups\": [\"rbac.authorization.k8s.io\"], \"resources\": [\"roles\"]}", "escalate"},
		{"{\"verbs\": [\"update\"], \"apiGroups\": [\"\"], \"resources\": [\"configmaps\"], \"resourceNames\": [\"other\"]}", "configmaps"},
	};

	begin("- {group: a, role: edit, namespaces: [x]}\n");
	for (size_t i = 0; i < USH_COUNT(rules); i++) {
		USH_AUTO_FREE char *status = ush_printf("{\"resourceRules\": [" NEEDED ", %s], " URLS "}", rules[i].rule);
		USH_AUTO_FREE char *more = check(status);

		ck_assert_msg(more != NULL && strstr(more, rules[i].told) != NULL, "%s: %s", rules[i].rule, more != NULL ? more : "nothing");
	}
}
END_TEST

START_TEST(every_path_is_more)
{
	USH_AUTO_FREE char *more = NULL;

	begin("- {group: a, role: edit, namespaces: [x]}\n");
	more = check("{\"resourceRules\": [" NEEDED "], \"nonResourceRules\": [{\"verbs\": [\"*\"], \"nonResourceURLs\": [\"*\"]}]}");
	ck_assert_ptr_nonnull(more);
}
END_TEST

START_TEST(an_answer_that_is_none_is_an_error)
{
	static const char *const bodies[] = {"{\"resourceRules\": 5}", "{\"resourceRules\": [5]}", "{\"resourceRules\": [{\"verbs\": 5}]}"};
	struct ush_world world = {.http = answer, .now_ms = zero, .boot_ms = zero};
	struct ush_kube_config config = {.server = (char *)"https://k8s.test"};
	struct ush_kube kube = {.world = &world, .config = &config};

	begin("- {group: a, role: edit, namespaces: [x]}\n");
	for (size_t i = 0; i < USH_COUNT(bodies); i++) {
		char *more = NULL;

		memset(&err, 0, sizeof err);
		reviewed = bodies[i];
		ck_assert_msg(ush_rights_check(&kube, &rights, "ops", &more, &err) == -1, "%s", bodies[i]);
		ck_assert_int_eq(err.code, USH_ERR_REJECTED);
	}
}
END_TEST

TAP_MAIN("rights", a_role_may_be_bound_where_it_is_granted_and_nowhere_else, escalate_and_wildcards_are_never_asked_for,
	 a_role_of_the_policys_own_needs_its_rules, without_roles_of_its_own_no_role_may_be_written, namespaces_by_pattern_need_the_right_everywhere,
	 the_state_and_the_lease_are_named, it_is_printed_as_manifests_in_the_order_to_create_them, what_two_accounts_are_given_is_called_differently,
	 who_offboards_takes_people_out_and_makes_nothing, who_offboards_ends_what_was_given_for_a_time,
	 who_elevates_gives_what_the_policy_lets_be_given_and_nothing_else, without_patterns_nothing_is_given_in_the_whole_cluster, nothing_is_printed_twice,
	 a_policy_of_many_roles_keeps_every_rule, a_verb_knows_where_its_rights_are_written, no_more_than_is_needed_is_no_more,
	 anything_more_is_told, every_path_is_more, an_answer_that_is_none_is_an_error)
