/* SPDX-License-Identifier: Apache-2.0
 *
 * Where grants reach: namespaces by pattern, label and name, those that come, go and come back, and groups of several
 * sources. On a cluster in memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define HEAD(cluster, sources)                                                                                                         \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'" cluster "}\nsources: {" sources "}\n"                \
	"roles:\n  reader: {rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}\n  edit: {clusterRole: edit}\ngrants:\n"
#define PATHS	HEAD(", groupName: path", "main: {file: {path: g.json}}")
#define LEAVES	HEAD("", "main: {file: {path: g.json}}")
#define TWO	HEAD("", "one: {file: {path: a.json}}, two: {file: {path: b.json}}")
#define TEAMS	"1 /teams/pay/developers p;2 /teams/shop/developers q;3 /teams/pay/leads r;4 /other/pay/developers s"

static struct sync_case *c;

static void begin(const char *policy, const char *groups, const char *namespaces)
{
	USH_AUTO_FREE char *text = ush_strdup(namespaces);
	char *rest = text;

	c = sync_case_new(policy);
	sync_case_groups(c, 0, groups);
	for (char *name = strsep(&rest, " "); name != NULL; name = strsep(&rest, " "))
		if (*name != '\0')
			sync_case_namespace(c, name, NULL);
}

/* "namespace=group,group" of each binding that is wanted now, in order. */
static void expect_reach(const char *texts)
{
	USH_AUTO_BUF all = {0};

	sync_case_desire(c);
	ush_buf_puts(&all, "");
	for (size_t i = 0; i < c->desired->count; i++) {
		const struct ush_shape *shape = ush_wanted_shape(c->desired, i);
		USH_AUTO_ORIGINS origins = {0};

		if (shape->kind != USH_ROLE_BINDING)
			continue;
		ush_shape_origins(c->desired, shape, &origins);
		ush_buf_printf(&all, "%s%s=", all.length > 0 ? " " : "", ush_wanted_namespace(c->desired, i));
		for (size_t j = 0; j < origins.count; j++)
			ush_buf_printf(&all, "%s%s", j > 0 ? "," : "", origins.items[j].text);
	}
	ck_assert_str_eq(all.data, texts);
}

static json_t *namespace_at(size_t at)
{
	return json_array_get(c->namespaces, at);
}

/* Every object of a namespace goes, as when it is deleted. */
static void empty_namespace(const char *name)
{
	for (size_t i = json_array_size(c->cluster); i > 0; i--) {
		const json_t *object = json_array_get(c->cluster, i - 1);

		if (strcmp(ush_json_string(json_object_get(object, "metadata"), "namespace"), name) == 0)
			json_array_remove(c->cluster, i - 1);
	}
}

/* All that a plan does is of one action, and in one namespace. */
static void expect_only(const struct ush_plan *plan, enum ush_action action, const char *namespace_name)
{
	for (size_t i = 0; i < plan->change_count; i++) {
		ck_assert_str_eq(ush_action_name(plan->changes[i].action), ush_action_name(action));
		ck_assert_str_eq(plan->changes[i].namespace_name, namespace_name);
	}
}

static void expect_note(const struct ush_plan *plan, enum ush_action action, const char *namespace_name, const char *reason)
{
	for (size_t i = 0; i < plan->change_count; i++)
		if (plan->changes[i].action == action && strcmp(plan->changes[i].namespace_name, namespace_name) == 0 &&
		    strstr(plan->changes[i].reason, reason) != NULL)
			return;
	ck_abort_msg("no %s in \"%s\" says \"%s\"", ush_action_name(action), namespace_name, reason);
}

/* ---- patterns, labels, exceptions ---- */

START_TEST(what_a_group_pattern_captures_says_the_namespaces)
{
	begin(PATHS "- {groupPattern: '/teams/{team}/developers', role: edit, namespacePattern: '{team}-*', except: ['*-prod']}\n", TEAMS,
	      "shop-a pay-a pay-b pay-prod payx-a pays default other-a");
	expect_reach("pay-a=oidc:/teams/pay/developers pay-b=oidc:/teams/pay/developers shop-a=oidc:/teams/shop/developers");
	sync_case_groups(c, 0, "5 /teams/*/developers p;6 /teams/pa/y/developers q;7 /teams/kube/developers r");
	sync_case_namespace(c, "kube-system", NULL);
	expect_reach(""); /* a star in a name is no pattern, a capture ends at the slash, kube-system is spared */
	sync_case_free(c);
}
END_TEST

/* T54: whoever may make groups at the provider may name one as they like. */
START_TEST(a_group_that_is_called_like_a_namespace_of_the_cluster_gets_nothing_there)
{
	static const char grant[] = LEAVES "- {groupPattern: '{team}', role: edit, namespacePattern: '{team}'}\n- {groupPattern: '{team}', role: reader, namespacePattern: '{team}-*'}\n";

	begin(grant, "1 /payments p;2 /default q;3 /kube-system r;4 /openshift s;5 /istio t;6 /kube-public u;7 /kube v;8 /openshift-config w;9 /istio-system z",
	      "payments payments-a payments-system default kube-system kube-public openshift openshift-config istio-system");
	expect_reach("payments=oidc:payments payments-a=oidc:payments");
	sync_case_policy(c, LEAVES "- {groupPattern: '{team}', role: edit, namespacePattern: '{team}'}\n- {group: default, role: edit, namespaces: [default, kube-system]}\n");
	expect_reach("default=oidc:default kube-system=oidc:default payments=oidc:payments"); /* who is named there is there */
	sync_case_free(c);
}
END_TEST

/* Whoever may write where the state lives could tell us what we decided. The state of these tests lives in "default". */
START_TEST(where_the_state_lives_nobody_gets_in_by_a_pattern)
{
	begin(LEAVES "- {group: a, role: edit, namespacePattern: 'default'}\n- {group: b, role: edit, namespaces: [default]}\n", "1 /a p;2 /b q", "default x");
	expect_reach("default=oidc:b");
	sync_case_free(c);
}
END_TEST

START_TEST(without_a_list_of_namespaces_no_pattern_reaches_any)
{
	begin(PATHS "- {group: /teams/pay/leads, role: edit, namespaces: [pay-a]}\n"
		    "- {groupPattern: '/teams/{team}/developers', role: reader, namespacePattern: '{team}-*'}\n",
	      TEAMS, "");
	expect_reach("pay-a=oidc:/teams/pay/leads");
	sync_case_free(c);
}
END_TEST

/* BE07 */
START_TEST(labels_say_the_namespaces_and_say_it_anew_each_run)
{
	struct ush_plan *plan;

	begin(LEAVES "- {group: a, role: edit, namespaceSelector: {tier: prod}, except: ['*-old'], name: e}\n"
		     "- group: b\n  role: edit\n  name: e\n  namespaceSelector:\n    matchExpressions: [{key: tier, operator: In, values: [prod, test]}, {key: frozen, operator: DoesNotExist}]\n" CASE_LIMITS,
	      "1 /a p;2 /b q", "plain");
	sync_case_namespace(c, "x", "{'tier':'prod'}");
	sync_case_namespace(c, "x-old", "{'tier':'prod'}");
	sync_case_namespace(c, "y", "{'tier':'test'}");
	sync_case_namespace(c, "z", "{'tier':'prod','frozen':''}");
	sync_case_namespace(c, "kube-system", "{'tier':'prod'}");
	expect_reach("x=oidc:a,oidc:b x-old=oidc:b y=oidc:b z=oidc:a");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 4));
	json_object_set_new(json_object_get(namespace_at(1), "labels"), "tier", json_string("test"));
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	expect_only(plan, USH_CHANGE, "x");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "e", "oidc:b");
	json_object_clear(json_object_get(namespace_at(1), "labels"));
	plan = sync_case_run_and_count(c, USH_REMOVE, 1);
	expect_only(plan, USH_REMOVE, "x");
	ush_plan_free(plan);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* BE12 */
START_TEST(excluded_groups_are_bound_nowhere_and_it_is_said)
{
	struct ush_plan *plan;

	begin(PATHS "- {group: /teams/pay/leads, role: edit, namespaces: [x]}\n- {groupPattern: '/teams/*/developers', role: edit, namespaces: [x]}\n"
		    "exclude: {groups: ['/teams/pay/*']}\n",
	      TEAMS, "x");
	expect_reach("x=oidc:/teams/shop/developers");
	plan = sync_case_run_and_count(c, USH_CREATE, 1);
	expect_note(plan, USH_NOTE, "", "grants[0].group: /teams/pay/leads is excluded (exclude.groups)");
	expect_note(plan, USH_NOTE, "", "grants[1].groupPattern: /teams/pay/developers is excluded (exclude.groups)");
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* BE12: what is there already is not ours to touch, in either direction. */
START_TEST(an_excluded_namespace_is_left_as_it_is)
{
	static const char grants[] = LEAVES "- {group: a, role: reader, namespaces: [x, z], name: r}\n" CASE_LIMITS;
	static const char excluded[] = LEAVES "- {group: b, role: reader, namespaces: [x, z], name: r}\nexclude: {namespaces: ['x*']}\n" CASE_LIMITS;
	USH_AUTO_FREE char *before = NULL, *after = NULL;

	begin(grants, "1 /a p;2 /b q", "x z");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 4));
	before = ush_json_canonical(sync_case_object(c, "RoleBinding", "x", "r"));
	sync_case_policy(c, excluded);
	expect_reach("z=oidc:b");
	for (int i = 0; i < 3; i++)
		ush_plan_free(sync_case_run(c));
	after = ush_json_canonical(sync_case_object(c, "RoleBinding", "x", "r"));
	ck_assert_str_eq(before, after);
	ck_assert_ptr_nonnull(sync_case_object(c, "Role", "x", "reader"));
	sync_case_expect_subjects(c, "z", "r", "oidc:b");
	sync_case_free(c);
}
END_TEST

/* BE17 */
START_TEST(a_cluster_that_lowers_names_gets_lower_ones_and_no_two_alike)
{
	begin(HEAD(", groupCase: lower", "main: {file: {path: g.json}}") "- {group: Devs, role: edit, namespaces: [x]}\n- {group: OPS, role: edit, namespaces: [z]}\n",
	      "1 /Devs p;2 /OPS q;3 /ops r", "x z");
	expect_reach("x=oidc:devs");
	ck_assert_int_eq(c->desired->resolved[c->desired->first[1]].fate, USH_FATE_AMBIGUOUS);
	sync_case_groups(c, 0, "1 /Devs p;2 /OPS q");
	expect_reach("x=oidc:devs z=oidc:ops");
	sync_case_free(c);
}
END_TEST

/* ---- namespaces that come and go ---- */

/* BE09 */
START_TEST(a_namespace_that_appears_gets_its_bindings_and_nothing_else_changes)
{
	struct ush_plan *plan;

	begin(PATHS "- {groupPattern: '/teams/{team}/developers', role: reader, namespacePattern: '{team}-*'}\n"
		    "- {group: /teams/pay/leads, role: edit, namespaceSelector: {lead: pay}}\n",
	      TEAMS, "pay-a shop-a");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 4));
	sync_case_namespace(c, "elsewhere", NULL);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_namespace(c, "pay-b", "{'lead':'pay'}");
	plan = sync_case_run_and_count(c, USH_CREATE, 3); /* a Role, and a binding of each grant */
	expect_only(plan, USH_CREATE, "pay-b");
	ck_assert_uint_eq(plan->change_count, 3);
	ush_plan_free(plan);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* BC15 */
START_TEST(a_namespace_that_is_missing_is_waited_for)
{
	struct ush_plan *plan;

	begin(LEAVES "- {group: a, role: reader, namespaces: [x, late], name: r}\n", "1 /a p", "x");
	plan = sync_case_run_and_count(c, USH_CREATE, 2);
	expect_note(plan, USH_PENDING, "late", "namespace late is not there yet");
	ck_assert_uint_eq(ush_plan_count(plan, USH_PENDING), 2);
	ush_plan_free(plan);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_namespace(c, "late", NULL);
	plan = sync_case_run_and_count(c, USH_CREATE, 2);
	expect_only(plan, USH_CREATE, "late");
	ush_plan_free(plan);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* BC15 */
START_TEST(a_namespace_that_is_being_deleted_is_passed_over)
{
	struct ush_plan *plan;

	begin(LEAVES "- {group: a, role: reader, namespaces: [x, z], name: r}\n" CASE_LIMITS, "1 /a p;2 /b q", "x z");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 4));
	json_object_set_new(namespace_at(0), "terminating", json_true());
	sync_case_expect_empty(sync_case_run(c)); /* what is there goes with it */
	empty_namespace("x");
	plan = sync_case_run_and_count(c, USH_CREATE, 0); /* nothing new can be made in it */
	expect_note(plan, USH_NOTE, "x", "namespace x is being deleted: passed over");
	ck_assert_uint_eq(ush_plan_count(plan, USH_CHANGE) + ush_plan_count(plan, USH_REMOVE), 0);
	ush_plan_free(plan);
	sync_case_policy(c, LEAVES "- {group: b, role: reader, namespaces: [x, z], name: r}\n" CASE_LIMITS);
	plan = sync_case_run(c);
	for (size_t i = 0; i < plan->change_count; i++)
		ck_assert(plan->changes[i].action > USH_REMOVE || strcmp(plan->changes[i].namespace_name, "z") == 0);
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "z", "r", "oidc:b");
	sync_case_free(c);
}
END_TEST

/* BC15: under the same name it is another one, and nothing of the first is in it. */
START_TEST(a_namespace_that_was_made_anew_gets_everything_again)
{
	USH_AUTO_FREE char *first = NULL;
	struct ush_plan *plan;
	const json_t *metadata;

	begin(LEAVES "- {group: a, role: reader, namespaces: [x, z], name: r}\n- {group: b, role: edit, namespaces: [x]}\n", "1 /a p;2 /b q", "x z");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 5));
	first = ush_strdup(ush_json_string(json_object_get(sync_case_object(c, "RoleBinding", "x", "r"), "metadata"), "uid"));
	json_object_set_new(namespace_at(0), "terminating", json_true());
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 0));
	empty_namespace("x");
	json_object_del(namespace_at(0), "terminating");
	plan = sync_case_run_and_count(c, USH_CREATE, 3);
	expect_only(plan, USH_CREATE, "x");
	ush_plan_free(plan);
	metadata = json_object_get(sync_case_object(c, "RoleBinding", "x", "r"), "metadata");
	ck_assert_str_ne(ush_json_string(metadata, "uid"), first);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* ---- several sources, and what is not granted any more ---- */

/* BE11 */
START_TEST(groups_of_several_sources_meet_in_one_binding)
{
	begin(TWO "- {source: one, group: a, role: edit, namespaces: [x], name: e}\n- {source: two, group: b, role: edit, namespaces: [x], name: e}\n"
		  "- {source: two, group: a, role: edit, namespaces: [z], name: e}\n",
	      "1 /a p", "x z");
	sync_case_groups(c, 1, "1 /b q");
	expect_reach("x=oidc:a,oidc:b"); /* that source one has an "a" says nothing of two's */
	sync_case_groups(c, 1, "1 /b q;2 /a r");
	expect_reach("x=oidc:a,oidc:b z=oidc:a");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 2));
	ck_assert_str_eq(ush_json_string(json_object_get(json_object_get(sync_case_object(c, "RoleBinding", "x", "e"), "metadata"), "annotations"), USH_ANNOTATION_ORIGIN),
			 "[{\"at\":5,\"group\":\"oidc:a\",\"id\":\"1\",\"source\":\"one\"},"
			 "{\"group\":\"oidc:b\",\"id\":\"1\",\"source\":\"two\"}]");
	sync_case_free(c);
}
END_TEST

/* BE11: both call it the same at the API server, and one of them still does. */
START_TEST(a_name_that_two_sources_grant_stays_while_one_of_them_has_it)
{
	begin(TWO "- {source: one, group: a, role: edit, namespaces: [x], name: e}\n- {source: two, group: a, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS,
	      "1 /a p;8 /k z", "x");
	sync_case_groups(c, 1, "2 /a q;9 /l z");
	expect_reach("x=oidc:a");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_groups(c, 0, "8 /k z");
	for (int i = 0; i < 3; i++) {
		ush_plan_free(sync_case_run(c));
		sync_case_expect_subjects(c, "x", "e", "oidc:a");
	}
	sync_case_groups(c, 1, "9 /l z");
	for (int i = 0; i < 3; i++)
		ush_plan_free(sync_case_run(c));
	sync_case_expect_subjects(c, "x", "e", "");
	sync_case_free(c);
}
END_TEST

/* BE20 */
START_TEST(what_no_grant_wants_any_more_goes_and_nothing_of_others_with_it)
{
	struct ush_plan *plan;

	begin(LEAVES "- {group: a, role: reader, namespaces: [x], name: r}\n- {group: a, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS, "1 /a p", "x");
	sync_case_add(c, "{'kind':'RoleBinding','metadata':{'name':'theirs','namespace':'x'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'},"
			 "'subjects':[{'kind':'Group','name':'oidc:a','apiGroup':'rbac.authorization.k8s.io'}]}");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 3));
	sync_case_policy(c, LEAVES "- {group: a, role: edit, namespaces: [x], name: e}\n" CASE_LIMITS);
	plan = sync_case_run_and_count(c, USH_REMOVE, 2);
	ck_assert_uint_eq(plan->change_count, 2);
	sync_case_expect_reason(plan, USH_REMOVE, "r", "no grant wants it");
	sync_case_expect_reason(plan, USH_REMOVE, "reader", "no binding of ours needs it");
	ck_assert_ptr_nonnull(sync_case_change(plan, USH_REMOVE, "r")->uid);
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "theirs", "oidc:a");
	sync_case_expect_subjects(c, "x", "e", "oidc:a");
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

TAP_MAIN("reach", what_a_group_pattern_captures_says_the_namespaces, a_group_that_is_called_like_a_namespace_of_the_cluster_gets_nothing_there,
	 where_the_state_lives_nobody_gets_in_by_a_pattern, without_a_list_of_namespaces_no_pattern_reaches_any,
	 labels_say_the_namespaces_and_say_it_anew_each_run, excluded_groups_are_bound_nowhere_and_it_is_said, an_excluded_namespace_is_left_as_it_is,
	 a_cluster_that_lowers_names_gets_lower_ones_and_no_two_alike, a_namespace_that_appears_gets_its_bindings_and_nothing_else_changes,
	 a_namespace_that_is_missing_is_waited_for, a_namespace_that_is_being_deleted_is_passed_over,
	 a_namespace_that_was_made_anew_gets_everything_again, groups_of_several_sources_meet_in_one_binding,
	 a_name_that_two_sources_grant_stays_while_one_of_them_has_it, what_no_grant_wants_any_more_goes_and_nothing_of_others_with_it)
