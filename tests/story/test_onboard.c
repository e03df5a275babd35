/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole onboardings against an API server that does not always want to.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/onboard_room.h"

/* ---- a new one ---- */

START_TEST(a_new_namespace_has_its_bindings_last_and_proved)
{
	static const char *const fence[][2] = {{"POST", DENY}, {"POST", SPACE "/resourcequotas"}, {"PATCH", SPACE "/serviceaccounts/default"}};

	onboard_room_begin();
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	ck_assert_uint_eq(onboard_room.wrote, 8); /* for the audit log: seven objects and the mark */
	onboard_room_tells("created   Namespace a-dev (pod-security restricted)");
	onboard_room_tells("created   ServiceAccount default (no token automount)");
	onboard_room_tells("proved    oidc:/teams/a/dev may get pods; oidc:/teams/b/dev may not"); /* BM18 */
	ck_assert(sync_room_has(SPACE "/serviceaccounts/default"));
	ck_assert(sync_room_has(DENY "/default-deny"));
	for (size_t i = 0; i < USH_COUNT(fence); i++)
		ck_assert_uint_lt(sync_room_when(fence[i][0], fence[i][1]), sync_room_when("PATCH", SPACE "?"));
	ck_assert_uint_lt(sync_room_when("PATCH", SPACE "?"), sync_room_when("POST", SPACE_RBAC "/roles"));
	ck_assert_uint_lt(sync_room_when("POST", SPACE_RBAC "/roles"), sync_room_when("POST", SPACE_RBAC "/rolebindings"));
	ck_assert_uint_eq(fake_kube_count(room.fake, "DELETE", NULL), 0);
	onboard_room_end();
}
END_TEST

/* The budget: at most 12 requests beyond the proof. Here the ServiceAccount is not there yet, which costs one more. */
START_TEST(it_takes_no_more_requests_than_it_may)
{
	size_t proof;

	onboard_room_begin();
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	proof = fake_kube_count(room.fake, "POST", "/apis/authorization.k8s.io") + fake_kube_count(room.fake, "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles");
	ck_assert_uint_gt(proof, 0);
	ck_assert_uint_le(room.fake->log_count - proof, 12);
	onboard_room_end();
}
END_TEST

START_TEST(a_second_time_nothing_is_written)
{
	onboard_room_begin();
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	fake_kube_forget(room.fake);
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	ck_assert_uint_eq(ush_onboard_count(&onboard_room.last, USH_ONBOARD_CREATED) + ush_onboard_count(&onboard_room.last, USH_ONBOARD_PATCHED), 0);
	ck_assert_uint_eq(ush_onboard_count(&onboard_room.last, USH_ONBOARD_UNCHANGED), 4);
	ck_assert_uint_eq(fake_kube_count(room.fake, "PATCH", NULL), 0);
	onboard_room_end();
}
END_TEST

START_TEST(many_go_through_one_run)
{
	onboard_room_begin();
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 3), 0);
	onboard_room_tells("created   Namespace 3, NetworkPolicy 3, ResourceQuota 3, ServiceAccount 3, Role 3, RoleBinding 6");
	onboard_room_tells("proved    6 bindings");
	onboard_room_end();
}
END_TEST

START_TEST(a_dry_run_writes_nothing)
{
	onboard_room_begin();
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_SERVER, 1), 0);
	onboard_room_tells("would create Namespace a-dev");
	onboard_room_tells("would create RoleBinding");
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	ck_assert(!sync_room_has(SPACE));
	onboard_room_end();
}
END_TEST

/* ---- what was there ---- */

START_TEST(somebodys_namespace_is_looked_at_and_left)
{
	onboard_room_begin();
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'a-dev','labels':{'x':'y'}}}");
	fake_kube_forget(room.fake);
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 10);
	onboard_room_tells("differs   Namespace a-dev: is there already, and was made without a template: nothing in it is changed");
	onboard_room_tells("missing   NetworkPolicy default-deny");
	ck_assert_ptr_nonnull(strstr(room.err.hint, "--adopt"));
	ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE "/"), 0);
	onboard_room_ends(onboard_room_run("a", true, USH_DRY_NONE, 1), 0);
	onboard_room_tells("patched   Namespace a-dev");
	onboard_room_tells("created   NetworkPolicy default-deny");
	ck_assert_str_eq(ush_json_string(ush_json_object(ush_json_object(fake_kube_object(room.fake, SPACE), "metadata"), "labels"), "x"), "y");
	onboard_room_end();
}
END_TEST

/* Whoever may make namespaces made one that looks like ours, and let himself in first. */
START_TEST(who_was_let_in_before_is_told)
{
	onboard_room_begin();
	fake_kube_add(room.fake, HALF_SPACE);
	fake_kube_add(room.fake, "{'kind':'RoleBinding','apiVersion':'rbac.authorization.k8s.io/v1','metadata':{'name':'mine','namespace':'a-dev'},'roleRef':{'apiGroup':"
				 "'rbac.authorization.k8s.io','kind':'ClusterRole','name':'admin'},'subjects':[{'kind':'User','name':'mallory','apiGroup':'rbac.authorization.k8s.io'}]}");
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	onboard_room_tells("warning   a-dev: 1 RoleBinding that is not of this policy stood there before and stays: kubectl get rolebindings -n a-dev -o wide");
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	ck_assert_ptr_null(strstr(onboard_room.text, "warning")); /* what a team gives in its own namespace is its own */
	onboard_room_end();
}
END_TEST

START_TEST(another_tools_namespace_is_left_even_when_adopting)
{
	onboard_room_begin();
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'a-dev','labels':{'argocd.argoproj.io/instance':'shop'}}}");
	onboard_room_ends(onboard_room_run("a", true, USH_DRY_NONE, 1), 10);
	onboard_room_tells("left      Namespace a-dev");
	onboard_room_tells("is there already, and was made without a template: nothing in it is changed (made by argocd (app shop))");
	ck_assert_ptr_nonnull(strstr(room.err.hint, "changed where that tool has it from"));
	ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE "/"), 0);
	ck_assert_uint_eq(fake_kube_count(room.fake, "PATCH", NULL), 0);
	onboard_room_end();
}
END_TEST

START_TEST(a_namespace_that_goes_or_has_another_template_is_refused)
{
	onboard_room_begin();
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'a-dev','labels':{'usher.dev/template':'other'}}}");
	onboard_room_ends(onboard_room_run("a", true, USH_DRY_NONE, 1), 5);
	ck_assert_str_eq(room.err.what, "namespace a-dev was made from template other, and a namespace has one");
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'a-dev','deletionTimestamp':'2026-01-01T00:00:00Z','labels':{" OWN_LABELS "}}}");
	onboard_room_ends(onboard_room_run("a", true, USH_DRY_NONE, 1), 5);
	ck_assert_ptr_nonnull(strstr(room.err.what, "is being deleted"));
	ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE "/"), 0);
	onboard_room_end();
}
END_TEST

START_TEST(what_runs_for_one_team_is_not_handed_to_another)
{
	for (int adopt = 0; adopt < 2; adopt++) { /* with the mark of the template, and where somebody took that off */
		onboard_room_begin();
		fake_kube_add(room.fake, adopt ? "{'kind':'Namespace','metadata':{'name':'a-dev','labels':{'template.usher.dev/team':'a'}}}" : OUR_SPACE);
		onboard_room_ends(onboard_room_run("b", true, USH_DRY_NONE, 1), 5);
		ck_assert_ptr_nonnull(strstr(room.err.what, "namespace a-dev was made for team=a, and what runs in it is not handed to team=b"));
		ck_assert_uint_eq(fake_kube_count(room.fake, "PATCH", NULL), 0);
		ck_assert(!sync_room_has(SPACE "/resourcequotas/team"));
		ck_assert_ptr_null(strstr(onboard_room.text, "untried"));
		onboard_room_end();
	}
}
END_TEST

START_TEST(what_differs_is_changed_only_when_asked_for)
{
	onboard_room_begin();
	fake_kube_add(room.fake, OUR_SPACE);
	fake_kube_add(room.fake, "{'kind':'ResourceQuota','metadata':{'name':'team','namespace':'a-dev'},'spec':{'hard':{'pods':'9','cpu':'1'}}}");
	fake_kube_add(room.fake, "{'kind':'ServiceAccount','metadata':{'name':'default','namespace':'a-dev'},'automountServiceAccountToken':true}");
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 10);
	onboard_room_tells("differs   ResourceQuota team: spec.hard.pods is 9, not 2");
	onboard_room_tells("differs   ServiceAccount default: automountServiceAccountToken is true, not false");
	onboard_room_tells("created   RoleBinding");
	onboard_room_ends(onboard_room_run("a", true, USH_DRY_SERVER, 1), 0);
	onboard_room_tells("would patch ResourceQuota team");
	fake_kube_add(room.fake, "{'kind':'Pod','metadata':{'name':'p1','namespace':'a-dev'},'spec':{'containers':[]}}");
	fake_kube_add(room.fake, "{'kind':'Pod','metadata':{'name':'p2','namespace':'a-dev'},'spec':{'containers':[]}}");
	fake_kube_add(room.fake, "{'kind':'Pod','metadata':{'name':'p3','namespace':'a-dev'},'spec':{'containers':[]}}");
	onboard_room_ends(onboard_room_run("a", true, USH_DRY_NONE, 1), 0);
	onboard_room_tells("patched   ResourceQuota team");
	onboard_room_tells("warning   a-dev: pods: 3 is in use, the quota allows 2");
	ck_assert_uint_eq(json_object_size(json_object_get(json_object_get(fake_kube_object(room.fake, SPACE "/resourcequotas/team"), "spec"), "hard")), 1);
	onboard_room_end();
}
END_TEST

/* Those that the last run made. */
static void forget_bindings(void)
{
	for (size_t i = 0; i < onboard_room.last.role_count; i++) {
		const struct ush_onboard_role *row = &onboard_room.last.roles[i];
		USH_AUTO_FREE char *path = ush_printf(SPACE_RBAC "/rolebindings/%s", row->name);

		if (row->kind == USH_ROLE_BINDING)
			fake_kube_remove(room.fake, path);
	}
}

/* A Role that bears our marks and allows everything: whoever may write Roles there had it ready before the group came. */
START_TEST(nobody_is_bound_to_a_role_that_says_something_else)
{
	USH_AUTO_JSON all = json_pack("[{s:[s], s:[s], s:[s]}]", "apiGroups", "*", "resources", "*", "verbs", "*");

	for (int dry = 1; dry >= 0; dry--) {
		onboard_room_begin();
		onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
		json_object_set((json_t *)(uintptr_t)fake_kube_object(room.fake, SPACE_RBAC "/roles/reader"), "rules", all);
		forget_bindings();
		onboard_room_ends(onboard_room_run("a", false, dry ? USH_DRY_SERVER : USH_DRY_NONE, 1), 10);
		onboard_room_tells("waits     Role reader: left to the next usher-broker apply (");
		onboard_room_tells("waits     RoleBinding usher-reader");
		ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE_RBAC "/rolebindings/"), 0);
		onboard_room_end();
	}
}
END_TEST

START_TEST(a_half_made_namespace_is_finished)
{
	onboard_room_begin();
	fake_kube_add(room.fake, HALF_SPACE);
	fake_kube_add(room.fake, "{'kind':'ServiceAccount','metadata':{'name':'default','namespace':'a-dev'}}"); /* as the cluster makes it */
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_SERVER, 1), 0);
	onboard_room_tells("would patch Namespace a-dev");
	onboard_room_tells("would create RoleBinding");
	ck_assert_str_eq(onboard_room_label("usher.dev/onboarding"), "team");
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	onboard_room_tells("patched   Namespace a-dev");
	onboard_room_tells("patched   ServiceAccount default");
	onboard_room_tells("created   RoleBinding");
	ck_assert_str_eq(onboard_room_label("usher.dev/template"), "team");
	ck_assert_pstr_eq(onboard_room_label("usher.dev/onboarding"), NULL);
	ck_assert_str_eq(onboard_room_label("x"), "y");
	onboard_room_end();
}
END_TEST

static void touch_before_patch(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	(void)context;
	if (strcmp(method, "PATCH") != 0 || strstr(path, "resourcequotas") == NULL)
		return;
	kube->before = NULL;
	fake_kube_add(kube, "{'kind':'ResourceQuota','metadata':{'name':'team','namespace':'a-dev'},'spec':{'hard':{'pods':'77'}}}");
}

START_TEST(what_somebody_changes_meanwhile_is_left_alone)
{
	onboard_room_begin();
	fake_kube_add(room.fake, OUR_SPACE);
	fake_kube_add(room.fake, "{'kind':'ResourceQuota','metadata':{'name':'team','namespace':'a-dev'},'spec':{'hard':{'pods':'9'}}}");
	room.fake->before = touch_before_patch;
	onboard_room_ends(onboard_room_run("a", true, USH_DRY_NONE, 1), 10);
	onboard_room_tells("failed    ResourceQuota team: somebody changed it meanwhile");
	onboard_room_end();
}
END_TEST

/* ---- what goes wrong ---- */

START_TEST(a_missing_right_is_named)
{
	onboard_room_begin();
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = "/api/v1/namespaces", .times = 9, .status = 403,
							   .body = "{\"kind\":\"Status\",\"message\":\"namespaces is forbidden: User x cannot create resource namespaces\"}"});
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 5);
	ck_assert_ptr_nonnull(strstr(room.err.what, "cannot create resource namespaces"));
	ck_assert_ptr_nonnull(strstr(room.err.hint, "rbac --for onboard"));
	onboard_room_end();
}
END_TEST

START_TEST(what_is_done_is_told_when_the_server_goes_away_and_done_again_is_whole)
{
	onboard_room_begin();
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = SPACE_RBAC, .times = 1000});
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 10);
	onboard_room_tells("created   Namespace a-dev");
	onboard_room_tells("failed    Role reader");
	onboard_room_tells("waits     RoleBinding");
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "NONE"});
	room.fake->fault_count = 0;
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	onboard_room_tells("created   Role reader");
	onboard_room_end();
}
END_TEST

START_TEST(a_group_that_is_missing_holds_up_its_binding_alone)
{
	onboard_room_begin();
	onboard_room_ends(onboard_room_run("b", false, USH_DRY_NONE, 1), 10);
	onboard_room_tells("created   RoleBinding");
	onboard_room_tells("waits     editor for /teams/b/leads: source main has no such group yet");
	ck_assert_ptr_nonnull(strstr(room.err.what, "editor for /teams/b/leads"));
	onboard_room_end();
}
END_TEST

/* BE44 */
START_TEST(a_team_has_no_more_namespaces_than_its_template_says)
{
	onboard_room_begin();
	onboard_room.most = 2;
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 3), 5);
	ck_assert_str_eq(room.err.what, "team=a has 0 namespaces of template team, 3 more would be too many: 2 is the most; nothing was made");
	ck_assert(strstr(room.err.hint, "Raise templates.team.maxNamespaces of ") != NULL);
	ck_assert_uint_eq(fake_kube_count(room.fake, "POST", NULL), 0);
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'a-prod','deletionTimestamp':'2026-01-01T00:00:00Z','labels':{'usher.dev/onboarding':"
				 "'team','template.usher.dev/team':'a'}}}"); /* somebody took managed-by off: it counts */
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'b-dev','labels':{'usher.dev/template':'team','template.usher.dev/team':'b',"
				 "'app.kubernetes.io/managed-by':'usher-broker'}}}");
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'a-old','labels':{'usher.dev/template':'other','template.usher.dev/team':'a',"
				 "'app.kubernetes.io/managed-by':'usher-broker'}}}");
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0); /* with the half made one: two */
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0); /* none more */
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_SERVER, 2), 5);
	ck_assert_str_eq(room.err.what, "team=a has 2 namespaces of template team (what is being deleted counts until it is gone), 1 more would be too many: 2 is the most; "
				       "nothing was made");
	ck_assert_ptr_nonnull(strstr(room.err.hint, "kubectl get namespaces -L usher.dev/template,usher.dev/onboarding -l template.usher.dev/team=a"));
	onboard_room_end();
}
END_TEST

/* Another group under the name of one that is gone waits for a person's word; that is said, and not that a binding which
 * nobody made does not hold. */
START_TEST(a_group_made_anew_waits_for_a_word_and_is_not_proved)
{
	onboard_room_begin();
	fake_kube_add(room.fake, "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'usher-broker-state','namespace':'default','labels':"
				 "{'app.kubernetes.io/managed-by':'usher-broker'}},'data':{'state':'{\\\"heirs\\\":[{\\\"confirmed\\\":false,\\\"id\\\":\\\"1\\\","
				 "\\\"source\\\":\\\"main\\\",\\\"text\\\":\\\"oidc:/teams/a/dev\\\"}],\\\"tombstones\\\":[{\\\"group\\\":\\\"/teams/a/dev\\\","
				 "\\\"id\\\":\\\"0\\\",\\\"removed\\\":true,\\\"runs\\\":2,\\\"since\\\":1795293654,\\\"source\\\":\\\"main\\\",\\\"text\\\":\\\"oidc:/teams/a/dev\\\"}],"
				 "\\\"version\\\":2}'}}");
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 10);
	onboard_room_tells("waits     RoleBinding");
	onboard_room_tells("until somebody confirms");
	ck_assert_ptr_null(strstr(onboard_room.text, "unproved"));
	ck_assert_uint_eq(fake_kube_count(room.fake, "POST", SPACE_RBAC "/rolebindings"), 1); /* the leads' */
	onboard_room_end();
}
END_TEST

START_TEST(an_incomplete_source_holds_up_the_bindings_and_not_the_namespace)
{
	onboard_room_begin();
	sync_room_put("groups.json", "{\"groups\":[{\"path\":\"/teams/b/dev\",\"name\":\"dev\",\"id\":\"3\"}],\"count\":7}");
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 3);
	onboard_room_tells("created   Namespace a-dev");
	onboard_room_tells("created   NetworkPolicy default-deny");
	ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE_RBAC "/rolebindings"), 0);
	onboard_room_end();
}
END_TEST

static bool says_no(void *context, const char *user, const json_t *groups, const json_t *attributes)
{
	(void)context;
	(void)user;
	(void)groups;
	(void)attributes;
	return false;
}

static bool says_yes(void *context, const char *user, const json_t *groups, const json_t *attributes)
{
	(void)context;
	(void)user;
	(void)groups;
	(void)attributes;
	return true;
}

/* BM18: the line says who cannot do what; the time for it is kept. */
/* Where people are bound, their own group is bound nowhere: that it may nothing says nothing. */
START_TEST(a_proof_of_people_does_not_name_their_group)
{
	sync_room_begin("layout: users\n" ONBOARD_POLICY,
			"{\"groups\":[{\"path\":\"/teams/a/dev\",\"name\":\"dev\",\"id\":\"1\",\"members\":[\"carol\"]},"
			"{\"path\":\"/teams/a/leads\",\"name\":\"leads\",\"id\":\"2\",\"members\":[\"dave\"]}],\"count\":2}");
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	onboard_room_tells("proved    carol may get pods\n");
	ck_assert_ptr_null(strstr(onboard_room.text, "may not"));
	onboard_room_end();
}
END_TEST

START_TEST(who_may_not_in_time_is_named)
{
	int64_t began;

	onboard_room_begin();
	room.fake->allow = says_no;
	began = room.fake->now_ms;
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 10);
	ck_assert_ptr_nonnull(strstr(room.err.what, "may not "));
	onboard_room_tells("unproved  oidc:/teams/a/dev may not get pods in a-dev, though RoleBinding");
	ck_assert_ptr_nonnull(strstr(room.err.hint, "What stands there: kubectl get rolebinding -n "));
	ck_assert_int_ge(room.fake->now_ms - began, 1000);
	ck_assert_int_le(room.fake->now_ms - began, 5000);
	onboard_room_end();
}
END_TEST

static void take_rules(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	(void)context;
	if (strcmp(method, "GET") != 0 || strstr(path, "/clusterroles/edit") == NULL)
		return;
	kube->before = NULL;
	fake_kube_add(kube, "{'kind':'ClusterRole','metadata':{'name':'edit'},'rules':[]}");
}

START_TEST(a_role_that_allows_nothing_is_told)
{
	onboard_room_begin();
	room.fake->before = take_rules;
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 10);
	onboard_room_tells("unproved  role editor, ClusterRole edit allows nothing");
	onboard_room_end();
}
END_TEST

START_TEST(when_everybody_may_that_is_no_proof)
{
	onboard_room_begin();
	room.fake->allow = says_yes;
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 10);
	onboard_room_tells("unproved  everybody who is signed in may get pods in a-dev");
	ck_assert_str_eq(room.err.hint, "What stands there: kubectl get clusterrolebindings,rolebindings -n a-dev -o wide");
	onboard_room_end();
}
END_TEST

START_TEST(nobody_to_ask_is_no_failure_unless_a_proof_was_wanted)
{
	onboard_room_begin();
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = "/apis/authorization.k8s.io", .times = 99, .status = 403});
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	onboard_room_tells("no proof");
	onboard_room.last.must_prove = true;
	ck_assert_int_eq(ush_onboard_verdict(&onboard_room.last, &room.err), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_PARTIAL);
	onboard_room_end();
}
END_TEST

TAP_MAIN("onboard", a_new_namespace_has_its_bindings_last_and_proved, it_takes_no_more_requests_than_it_may, a_second_time_nothing_is_written, many_go_through_one_run,
	 a_dry_run_writes_nothing, somebodys_namespace_is_looked_at_and_left, who_was_let_in_before_is_told, another_tools_namespace_is_left_even_when_adopting,
	 a_namespace_that_goes_or_has_another_template_is_refused, what_runs_for_one_team_is_not_handed_to_another, a_team_has_no_more_namespaces_than_its_template_says,
	 what_differs_is_changed_only_when_asked_for, nobody_is_bound_to_a_role_that_says_something_else, a_half_made_namespace_is_finished,
	 what_somebody_changes_meanwhile_is_left_alone, a_missing_right_is_named, what_is_done_is_told_when_the_server_goes_away_and_done_again_is_whole,
	 a_group_made_anew_waits_for_a_word_and_is_not_proved, a_group_that_is_missing_holds_up_its_binding_alone, an_incomplete_source_holds_up_the_bindings_and_not_the_namespace, a_proof_of_people_does_not_name_their_group,
	 who_may_not_in_time_is_named, a_role_that_allows_nothing_is_told,
	 when_everybody_may_that_is_no_proof, nobody_to_ask_is_no_failure_unless_a_proof_was_wanted)
