/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/rbac.h"

static struct ush_error err;

/* Reads an object written with single quotes; its apiVersion is added. */
static struct ush_rbac *read_as(const char *api_version, const char *text, bool *is_rbac)
{
	USH_AUTO_FREE char *json = ush_strdup(text);
	USH_AUTO_JSON object = NULL;

	for (char *p = json; *p != '\0'; p++)
		*p = *p == '\'' ? '"' : *p;
	memset(&err, 0, sizeof err);
	object = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_msg(object != NULL, "%s", json);
	json_object_set_new(object, "apiVersion", json_string(api_version));
	return ush_rbac_read(object, USH_ERR_REJECTED, is_rbac, &err);
}

static struct ush_rbac *read_text(const char *text)
{
	bool is_rbac;

	return read_as("rbac.authorization.k8s.io/v1", text, &is_rbac);
}

START_TEST(a_binding_is_read_whole)
{
	USH_AUTO_RBAC b = read_text("{'kind':'RoleBinding','metadata':{'name':'x','namespace':'a','uid':'u','"
				    "resourceVersion':'7','labels':{'l':'1'},"
				    "'ownerReferences':[{}],'deletionTimestamp':'2026-01-01T00:00:00Z'},'roleRef':{'"
				    "kind':'ClusterRole','name':'view'},"
				    "'subjects':[{'kind':'Group','name':'devs','namespace':'ignored'},{'kind':'"
				    "ServiceAccount','name':'ci'},"
				    "{'kind':'ServiceAccount','name':'ci','namespace':'b'}]}");

	ck_assert_msg(b != NULL, "%s", err.what);
	ck_assert_int_eq(b->kind, USH_ROLE_BINDING);
	ck_assert_str_eq(b->namespace_name, "a");
	ck_assert_str_eq(b->uid, "u");
	ck_assert_str_eq(b->resource_version, "7");
	ck_assert_str_eq(ush_json_string(b->labels, "l"), "1");
	ck_assert_uint_eq(json_object_size(b->annotations), 0);
	ck_assert(b->owned && b->terminating);
	ck_assert_str_eq(b->role_kind, "ClusterRole");
	ck_assert_str_eq(b->role_name, "view");
	ck_assert_uint_eq(b->subject_count, 3);
	ck_assert_ptr_null(b->subjects[0].namespace_name);
	ck_assert_str_eq(b->subjects[1].namespace_name, "a");
	ck_assert_str_eq(b->subjects[2].namespace_name, "b");
	ck_assert_ptr_null(b->manager);
}
END_TEST

START_TEST(a_role_is_read_whole)
{
	USH_AUTO_RBAC r = read_text(
		"{'kind':'ClusterRole','metadata':{'name':'x'},'aggregationRule':{'clusterRoleSelectors':[]},'rules':["
		"{'verbs':['get','list'],'apiGroups':['','apps'],'resources':['pods'],'resourceNames':['p'],'new':1},"
		"{'verbs':['get'],'nonResourceURLs':['/healthz']}]}");

	ck_assert_msg(r != NULL, "%s", err.what);
	ck_assert_ptr_null(r->namespace_name);
	ck_assert_uint_eq(r->rule_count, 2);
	ck_assert(ush_list_has(&r->rules[0].groups, "apps") && ush_list_has(&r->rules[0].groups, ""));
	ck_assert(!ush_list_has(&r->rules[0].verbs, "watch"));
	ck_assert_str_eq(r->rules[0].names.items[0], "p");
	ck_assert_str_eq(r->rules[1].urls.items[0], "/healthz");
	ck_assert_ptr_nonnull(r->aggregation);
}
END_TEST

START_TEST(what_may_be_left_out_may_be_left_out)
{
	USH_AUTO_RBAC aggregated =
		read_text("{'kind':'ClusterRole','metadata':{'name':'x','labels':null},'rules':null}");
	USH_AUTO_RBAC nobody = read_text(
		"{'kind':'ClusterRoleBinding','metadata':{'name':'x'},'roleRef':{'kind':'ClusterRole','name':'v'}}");
	USH_AUTO_RBAC homeless = read_text("{'kind':'Role','metadata':{'name':'x'}}");
	USH_AUTO_RBAC lost = read_text(
		"{'kind':'ClusterRoleBinding','metadata':{'name':'x'},'roleRef':{'kind':'ClusterRole','name':'v'},"
		"'subjects':[{'kind':'ServiceAccount','name':'s'}]}");

	ck_assert_ptr_nonnull(aggregated);
	ck_assert_uint_eq(aggregated->rule_count, 0);
	ck_assert_ptr_nonnull(nobody);
	ck_assert_uint_eq(nobody->subject_count, 0);
	ck_assert_str_eq(homeless->namespace_name, "default");
	ck_assert_ptr_null(lost->subjects[0].namespace_name);
}
END_TEST

START_TEST(other_kinds_are_passed_over_without_an_error)
{
	static const struct {
		const char *api_version, *text;
		bool yes;
	} cases[] = {
		{"v1", "{'kind':'RoleBinding','metadata':{'name':'x'}}", false},
		{"rbac.authorization.k8s.io/v1", "{'kind':'RoleBindingList','items':[]}", false},
		{"rbac.authorization.k8s.io/v2", "{'kind':'Role','metadata':{'name':'x'}}", false},
		{"rbac.authorization.k8s.io/v1beta1", "{'kind':'Role','metadata':{'name':'x'}}", true},
		{"v1", "{'kind':'ConfigMap'}", false},
		{"v1", "{'kind':7}", false},
		{"v1", "[]", false},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		bool is_rbac;
		USH_AUTO_RBAC r = read_as(cases[i].api_version, cases[i].text, &is_rbac);

		ck_assert_int_eq(is_rbac, cases[i].yes);
		ck_assert_int_eq(r != NULL, cases[i].yes);
		ck_assert_int_eq(err.code, USH_OK);
	}
}
END_TEST

START_TEST(a_wrong_shape_is_named_with_its_field)
{
	static const struct {
		const char *text, *what;
	} cases[] = {
		{"{'kind':'Role'}", "Role without a name: metadata: is missing"},
		{"{'kind':'Role','metadata':{}}", "metadata.name: is missing"},
		{"{'kind':'Role','metadata':{'name':7}}", "metadata.name: expected a string, found a number"},
		{"{'kind':'Role','metadata':{'name':'x','namespace':'a','labels':{'l':1}}}",
		 "Role a/x: metadata.labels.l: expected a string, found a number"},
		{"{'kind':'Role','metadata':{'name':'x','annotations':[]}}",
		 "metadata.annotations: expected a map, found a list"},
		{"{'kind':'Role','metadata':{'name':'x'},'rules':{}}", "rules: expected a list, found a map"},
		{"{'kind':'Role','metadata':{'name':'x'},'rules':['get']}", "rules[0]: expected a map, found a string"},
		{"{'kind':'Role','metadata':{'name':'x'},'rules':[{'verbs':'*'}]}",
		 "rules[0].verbs: expected a list, found a string"},
		{"{'kind':'Role','metadata':{'name':'x'},'rules':[{'verbs':['get',null]}]}",
		 "rules[0].verbs[1]: expected a string, found a null"},
		{"{'kind':'ClusterRole','metadata':{'name':'x'},'aggregationRule':true}",
		 "ClusterRole x: aggregationRule: expected a map, found a bool"},
		{"{'kind':'RoleBinding','metadata':{'name':'x'}}", "roleRef: is missing"},
		{"{'kind':'RoleBinding','metadata':{'name':'x'},'roleRef':{'kind':'Role'}}",
		 "roleRef.name: is missing"},
		{"{'kind':'RoleBinding','metadata':{'name':'x'},'roleRef':{'kind':'Role','name':'r'},'subjects':{}}",
		 "subjects: expected a list"},
		{"{'kind':'RoleBinding','metadata':{'name':'x'},'roleRef':{'kind':'Role','name':'r'},'subjects':[{'"
		 "kind':'User'}]}",
		 "subjects[0].name: is missing"},
		{"{'kind':'RoleBinding','metadata':{'name':'x'},'roleRef':{'kind':'Role','name':'r'},'subjects':[{'"
		 "kind':'User','name':{}}]}",
		 "subjects[0].name: expected a string, found a map"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_RBAC r = read_text(cases[i].text);

		ck_assert_msg(r == NULL, "%s", cases[i].text);
		ck_assert_int_eq(err.code, USH_ERR_REJECTED);
		ck_assert_msg(strstr(err.what, cases[i].what) != NULL, "\"%s\" lacks \"%s\"", err.what, cases[i].what);
	}
}
END_TEST

START_TEST(the_manager_is_who_last_wrote_what_counts)
{
	USH_AUTO_RBAC b = read_text("{'kind':'RoleBinding','metadata':{'name':'x','managedFields':["
				    "{'manager':'usher-broker','operation':'Apply','fieldsV1':{'f:subjects':{}}},"
				    "{'manager':'old','time':'2026-01-01T00:00:00Z','fieldsV1':{'f:subjects':{}}},"
				    "{'manager':'helm','time':'2026-03-01T00:00:00Z','fieldsV1':{'f:roleRef':{}}},"
				    "{'manager':'labeller','time':'2026-09-01T00:00:00Z','fieldsV1':{'f:metadata':{}}},"
				    "{'manager':'early','time':'2026-02-01T00:00:00Z','fieldsV1':{'f:subjects':{}}},7]}"
				    ",'roleRef':{'kind':'Role','name':'r'}}");
	USH_AUTO_RBAC tie =
		read_text("{'kind':'Role','metadata':{'name':'x','managedFields':["
			  "{'manager':'first','time':'2026-01-01T00:00:00Z','fieldsV1':{'f:rules':{}}},"
			  "{'manager':'second','time':'2026-01-01T00:00:00Z','fieldsV1':{'f:rules':{}}}]}}");

	ck_assert_str_eq(b->manager, "helm");
	ck_assert_str_eq(tie->manager, "second");
}
END_TEST

static void expect_meaning(const char *a, const char *b, bool same)
{
	USH_AUTO_RBAC one = read_text(a);
	USH_AUTO_RBAC two = read_text(b);
	USH_AUTO_FREE char *left = NULL, *right = NULL;

	ck_assert(one != NULL && two != NULL);
	left = ush_rbac_meaning(one);
	right = ush_rbac_meaning(two);
	ck_assert_msg((strcmp(left, right) == 0) == same, "%s\n%s", left, right);
}

#define ROLE(rules) "{'kind':'Role','metadata':{'name':'x'},'rules':" rules "}"
#define BINDING(subjects)                                                                                              \
	"{'kind':'RoleBinding','metadata':{'name':'x','namespace':'a'},'roleRef':{'kind':'Role','name':'r'},'"         \
	"subjects':" subjects "}"

START_TEST(equal_access_has_one_meaning_whatever_its_order)
{
	expect_meaning(ROLE("[{'verbs':['get','list'],'apiGroups':['',''],'resources':['pods','services']},{'verbs':['"
			    "get'],'resources':['x']}]"),
		       ROLE("[{'verbs':['get'],'resources':['x']},{'resources':['services','pods','pods'],'verbs':['"
			    "list','get'],'apiGroups':[''],"
			    "'resourceNames':[]},{'verbs':['get'],'resources':['x']}]"),
		       true);
	expect_meaning(ROLE("null"), ROLE("[]"), true);
	expect_meaning(BINDING("[{'kind':'Group','name':'a'},{'kind':'User','name':'b'},{'kind':'ServiceAccount','name'"
			       ":'s'}]"),
		       BINDING("[{'kind':'ServiceAccount','name':'s','namespace':'a'},{'kind':'User','name':'b','"
			       "apiGroup':'rbac.authorization.k8s.io'},"
			       "{'kind':'Group','name':'a'},{'kind':'Group','name':'a'}]"),
		       true);
	expect_meaning(BINDING("[]"),
		       "{'kind':'RoleBinding','metadata':{'name':'other','labels':{'a':'b'}},'roleRef':{'kind':'Role','"
		       "name':'r'}}",
		       true);
}
END_TEST

START_TEST(different_access_has_a_different_meaning)
{
	expect_meaning(ROLE("[{'verbs':['get'],'resources':['pods']}]"),
		       ROLE("[{'verbs':['get'],'resources':['pods','secrets']}]"), false);
	expect_meaning(ROLE("[{'verbs':['get'],'resources':['pods']}]"),
		       ROLE("[{'verbs':['get'],'resources':['pods'],'resourceNames':['p']}]"), false);
	expect_meaning(ROLE("[{'verbs':['get'],'resources':['pods']}]"),
		       ROLE("[{'verbs':['get'],'resources':['pods'],'apiGroups':['']}]"), false);
	expect_meaning(ROLE("[{'verbs':['a','b']}]"), ROLE("[{'verbs':['a']},{'verbs':['b']}]"), false);
	expect_meaning(BINDING("[{'kind':'Group','name':'a'}]"), BINDING("[{'kind':'User','name':'a'}]"), false);
	expect_meaning(BINDING("[{'kind':'Group','name':'a'}]"), BINDING("[]"), false);
	expect_meaning(BINDING("[{'kind':'ServiceAccount','name':'s'}]"),
		       BINDING("[{'kind':'ServiceAccount','name':'s','namespace':'b'}]"), false);
	expect_meaning(BINDING("[{'kind':'User','name':'a\\\\','namespace':''}]"),
		       BINDING("[{'kind':'User','name':'a'}]"), false);
	expect_meaning(BINDING("[]"),
		       "{'kind':'RoleBinding','metadata':{'name':'x'},'roleRef':{'kind':'ClusterRole','name':'r'}}",
		       false);
	expect_meaning("{'kind':'ClusterRole','metadata':{'name':'x'}}",
		       "{'kind':'ClusterRole','metadata':{'name':'x'},'aggregationRule':{'clusterRoleSelectors':[{}]}}",
		       false);
}
END_TEST

START_TEST(json_carries_what_a_server_takes_and_is_read_back_equal)
{
	USH_AUTO_RBAC b = read_text("{'kind':'RoleBinding','metadata':{'name':'x','namespace':'a','uid':'u','"
				    "resourceVersion':'7','labels':{'l':'1'}},"
				    "'roleRef':{'kind':'Role','name':'r'},'subjects':[{'kind':'Group','name':'g'},{'"
				    "kind':'ServiceAccount','name':'s'}]}");
	USH_AUTO_RBAC none = read_text(BINDING("[]"));
	USH_AUTO_RBAC role = read_text(ROLE("[{'verbs':['get'],'resources':['pods'],'apiGroups':['']}]"));
	USH_AUTO_JSON json = ush_rbac_to_json(b), *empty = ush_rbac_to_json(none), *rules = ush_rbac_to_json(role);
	USH_AUTO_FREE char *text = json_dumps(json, JSON_COMPACT), *nobody = json_dumps(empty, JSON_COMPACT),
			   *roles = json_dumps(rules, JSON_COMPACT);
	USH_AUTO_FREE char *before = ush_rbac_meaning(b), *after = NULL;
	USH_AUTO_RBAC again = NULL;
	bool is_rbac;

	ck_assert_str_eq(text,
			 "{\"apiVersion\":\"rbac.authorization.k8s.io/"
			 "v1\",\"kind\":\"RoleBinding\",\"metadata\":{\"name\":\"x\",\"namespace\":\"a\","
			 "\"labels\":{\"l\":\"1\"}},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
			 "\"Role\",\"name\":\"r\"},"
			 "\"subjects\":[{\"kind\":\"Group\",\"apiGroup\":\"rbac.authorization.k8s.io\",\"name\":\"g\"},"
			 "{\"kind\":\"ServiceAccount\",\"name\":\"s\",\"namespace\":\"a\"}]}");
	ck_assert_ptr_nonnull(strstr(nobody, "\"subjects\":[]"));
	ck_assert_ptr_nonnull(
		strstr(roles, "\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"pods\"],\"verbs\":[\"get\"]}]"));
	again = ush_rbac_read(json, USH_ERR_REJECTED, &is_rbac, &err);
	after = ush_rbac_meaning(again);
	ck_assert_str_eq(before, after);
}
END_TEST

START_TEST(paths_are_the_apis_and_encode_what_must_be_encoded)
{
	static const struct {
		enum ush_rbac_kind kind;
		const char *space, *name, *path;
	} cases[] = {
		{USH_ROLE, "a", "r", "/apis/rbac.authorization.k8s.io/v1/namespaces/a/roles/r"},
		{USH_ROLE_BINDING, NULL, NULL, "/apis/rbac.authorization.k8s.io/v1/rolebindings"},
		{USH_ROLE_BINDING, "a", NULL, "/apis/rbac.authorization.k8s.io/v1/namespaces/a/rolebindings"},
		{USH_CLUSTER_ROLE, "ignored", "view", "/apis/rbac.authorization.k8s.io/v1/clusterroles/view"},
		{USH_CLUSTER_ROLE_BINDING, NULL, "a b?#",
		 "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/a%20b%3F%23"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_FREE char *path = cases[i].name != NULL
						   ? ush_rbac_path(cases[i].kind, cases[i].space, cases[i].name)
						   : ush_rbac_list_path(cases[i].kind, cases[i].space);

		ck_assert_str_eq(path, cases[i].path);
	}
}
END_TEST

TAP_MAIN("rbac", a_binding_is_read_whole, a_role_is_read_whole, what_may_be_left_out_may_be_left_out,
	 other_kinds_are_passed_over_without_an_error, a_wrong_shape_is_named_with_its_field,
	 the_manager_is_who_last_wrote_what_counts, equal_access_has_one_meaning_whatever_its_order,
	 different_access_has_a_different_meaning, json_carries_what_a_server_takes_and_is_read_back_equal,
	 paths_are_the_apis_and_encode_what_must_be_encoded)
