/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole onboardings against an API server that does not always want to.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/lifecycle/onboard.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_room.h"

#define POLICY                                                                                                                        \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:', groupName: path}\n"                                   \
	"sources: {main: {file: {path: groups.json}}}\n"                                                                                   \
	"roles:\n  reader: {rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}\n  editor: {clusterRole: edit}\ngrants: []\n"      \
	"templates:\n  team:\n    podSecurity: restricted\n    quota: {pods: 2}\n    roles:\n"                                              \
	"    - {role: reader, group: '/teams/{team}/dev'}\n    - {role: editor, group: '/teams/{team}/leads'}\n  other: {}\n"
#define GROUPS                                                                                                                        \
	"{\"groups\":[{\"path\":\"/teams/a/dev\",\"name\":\"dev\",\"id\":\"1\"},{\"path\":\"/teams/a/leads\",\"name\":\"leads\",\"id\":\"2\"},"  \
	"{\"path\":\"/teams/b/dev\",\"name\":\"dev\",\"id\":\"3\"}],\"count\":3}"
#define SPACE	    "/api/v1/namespaces/a-dev"
#define SPACE_RBAC  RBAC "a-dev"
#define OWN_LABELS  "'usher.dev/template':'team','template.usher.dev/team':'a','app.kubernetes.io/managed-by':'usher-broker'"
#define PSA_LABELS  "'pod-security.kubernetes.io/enforce':'restricted','pod-security.kubernetes.io/audit':'restricted','pod-security.kubernetes.io/warn':'restricted'"
#define OUR_SPACE   "{'kind':'Namespace','metadata':{'name':'a-dev','labels':{" OWN_LABELS "," PSA_LABELS "}}}"

static struct ush_onboard last;
static struct ush_list values;
static struct ush_policy *policy;
static struct ush_sync sync;
static char *text;

static void begin(void)
{
	sync_room_begin(POLICY, GROUPS);
}

static void forget(void)
{
	ush_onboard_free(&last);
	last = (struct ush_onboard){0};
	ush_list_free(&values);
	ush_sync_free(&sync);
	sync = (struct ush_sync){0};
	free(text);
	text = NULL;
}

static void end(void)
{
	forget();
	sync_room_end();
}

static size_t wrote_count;

static void wrote(void *context, const char *kind, const char *namespace_name, const char *name, const struct ush_change *change, enum ush_onboard_outcome outcome)
{
	ck_assert((change != NULL) == (strncmp(kind, "Role", 4) == 0));
	ck_assert_ptr_null(context);
	ck_assert_str_eq(namespace_name, "a-dev");
	ck_assert((outcome == USH_ONBOARD_CREATED || outcome == USH_ONBOARD_PATCHED) && *kind != '\0' && *name != '\0');
	wrote_count++;
}

/* The exit status of the command, as the verb would have it. */
static int onboard(const char *team, bool adopt, enum ush_onboard_dry dry, size_t count)
{
	USH_AUTO_FREE char *path = ush_printf("%s/policy.yaml", room.folder), *value = ush_printf("team=%s", team);
	const char *said[] = {value};
	char *names[] = {(char *)(uintptr_t)"a-dev", (char *)(uintptr_t)"a-test", (char *)(uintptr_t)"a-prod"};
	struct ush_buf out = {0};

	forget();
	memset(&room.err, 0, sizeof room.err);
	policy = ush_policy_load(path, NULL, &room.err);
	ck_assert_msg(policy != NULL, "%s", room.err.what);
	ck_assert_int_eq(ush_onboard_values(&policy->templates[0], &(struct ush_strings){said, 1}, &values, &room.err), 0);
	sync = (struct ush_sync){.world = &room.fake->world, .kube = &room.fake->kube, .state_namespace = "default", .no_people = policy->layout != USH_LAYOUT_USERS,
				 .policy = policy};
	last = (struct ush_onboard){.kube = &room.fake->kube, .policy = policy, .template = &policy->templates[0], .values = &values, .adopt = adopt, .dry = dry,
				    .wait_ms = 1000, .wrote = count == 1 && team[0] == 'a' && !adopt ? wrote : NULL};
	ush_onboard_begin(&last, names, count);
	if (ush_onboard_plan(&last, &sync, &room.err) == 0) {
		ush_onboard_carry_out(&last, &sync);
		ush_onboard_text(&last, &out);
		ush_onboard_verdict(&last, &room.err);
	}
	text = ush_buf_take(&out);
	return room.err.code != USH_OK ? ush_code_status(room.err.code) : 0;
}

static void ends(int status, int expected)
{
	ck_assert_msg(status == expected, "ended with %d, not %d: %s\n%s", status, expected, room.err.what, text);
}

static void tells(const char *what)
{
	ck_assert_msg(strstr(text, what) != NULL, "lacks \"%s\":\n%s", what, text);
}

/* ---- a new one ---- */

START_TEST(a_new_namespace_has_its_bindings_last_and_proved)
{
	begin();
	ends(onboard("a", false, USH_DRY_NONE, 1), 0);
	ck_assert_uint_eq(wrote_count, 8); /* for the audit log */
	tells("created   Namespace a-dev (pod-security restricted)");
	tells("created   ServiceAccount default (no token automount)");
	tells("proved    oidc:/teams/a/dev may get pods; oidc:/teams/b/dev may not"); /* BM18 */
	ck_assert(sync_room_has(SPACE "/serviceaccounts/default"));
	ck_assert(sync_room_has("/apis/networking.k8s.io/v1/namespaces/a-dev/networkpolicies/default-deny"));
	ck_assert_uint_lt(sync_room_when("POST", SPACE "/resourcequotas"), sync_room_when("POST", SPACE_RBAC "/roles"));
	ck_assert_uint_lt(sync_room_when("POST", SPACE_RBAC "/roles"), sync_room_when("POST", SPACE_RBAC "/rolebindings"));
	ck_assert_uint_eq(fake_kube_count(room.fake, "DELETE", NULL), 0);
	end();
}
END_TEST

/* The budget: at most 12 requests beyond the proof. Here the ServiceAccount is not there yet, which costs one more. */
START_TEST(it_takes_no_more_requests_than_it_may)
{
	size_t proof;

	begin();
	ends(onboard("a", false, USH_DRY_NONE, 1), 0);
	proof = fake_kube_count(room.fake, "POST", "/apis/authorization.k8s.io") + fake_kube_count(room.fake, "GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles");
	ck_assert_uint_gt(proof, 0);
	ck_assert_uint_le(room.fake->log_count - proof, 12);
	end();
}
END_TEST

START_TEST(a_second_time_nothing_is_written)
{
	begin();
	ends(onboard("a", false, USH_DRY_NONE, 1), 0);
	fake_kube_forget(room.fake);
	ends(onboard("a", false, USH_DRY_NONE, 1), 0);
	ck_assert_uint_eq(ush_onboard_count(&last, USH_ONBOARD_CREATED) + ush_onboard_count(&last, USH_ONBOARD_PATCHED), 0);
	ck_assert_uint_eq(ush_onboard_count(&last, USH_ONBOARD_UNCHANGED), 5);
	ck_assert_uint_eq(fake_kube_count(room.fake, "PATCH", NULL), 0);
	end();
}
END_TEST

START_TEST(many_go_through_one_run)
{
	begin();
	ends(onboard("a", false, USH_DRY_NONE, 3), 0);
	tells("created   Namespace 3, NetworkPolicy 6, ResourceQuota 3, ServiceAccount 3, Role 3, RoleBinding 6");
	tells("proved    6 bindings");
	end();
}
END_TEST

START_TEST(a_dry_run_writes_nothing)
{
	begin();
	ends(onboard("a", false, USH_DRY_SERVER, 1), 0);
	tells("would create Namespace a-dev");
	tells("would create RoleBinding");
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	ck_assert(!sync_room_has(SPACE));
	end();
}
END_TEST

/* ---- what was there ---- */

START_TEST(somebodys_namespace_is_looked_at_and_left)
{
	begin();
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'a-dev','labels':{'x':'y'}}}");
	fake_kube_forget(room.fake);
	ends(onboard("a", false, USH_DRY_NONE, 1), 10);
	tells("differs   Namespace a-dev: is there already, and was made without a template: nothing in it is changed");
	tells("missing   NetworkPolicy default-deny");
	ck_assert_ptr_nonnull(strstr(room.err.hint, "--adopt"));
	ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE "/"), 0);
	ends(onboard("a", true, USH_DRY_NONE, 1), 0);
	tells("patched   Namespace a-dev");
	tells("created   NetworkPolicy default-deny");
	ck_assert_str_eq(ush_json_string(ush_json_object(ush_json_object(fake_kube_object(room.fake, SPACE), "metadata"), "labels"), "x"), "y");
	end();
}
END_TEST

START_TEST(another_tools_namespace_is_left_even_when_adopting)
{
	begin();
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'a-dev','labels':{'argocd.argoproj.io/instance':'shop'}}}");
	ends(onboard("a", true, USH_DRY_NONE, 1), 10);
	tells("left      Namespace a-dev");
	tells("made by argocd (app shop)");
	ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE "/"), 0);
	ck_assert_uint_eq(fake_kube_count(room.fake, "PATCH", NULL), 0);
	end();
}
END_TEST

START_TEST(a_namespace_that_goes_or_has_another_template_is_refused)
{
	begin();
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'a-dev','labels':{'usher.dev/template':'other'}}}");
	ends(onboard("a", true, USH_DRY_NONE, 1), 5);
	ck_assert_str_eq(room.err.what, "namespace a-dev was made from template other, and a namespace has one");
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'a-dev','deletionTimestamp':'2026-01-01T00:00:00Z','labels':{" OWN_LABELS "}}}");
	ends(onboard("a", true, USH_DRY_NONE, 1), 5);
	ck_assert_ptr_nonnull(strstr(room.err.what, "is being deleted"));
	ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE "/"), 0);
	end();
}
END_TEST

START_TEST(what_runs_for_one_team_is_not_handed_to_another)
{
	for (int adopt = 0; adopt < 2; adopt++) { /* with the mark of the template, and where somebody took that off */
		begin();
		fake_kube_add(room.fake, adopt ? "{'kind':'Namespace','metadata':{'name':'a-dev','labels':{'template.usher.dev/team':'a'}}}" : OUR_SPACE);
		ends(onboard("b", true, USH_DRY_NONE, 1), 5);
		ck_assert_ptr_nonnull(strstr(room.err.what, "namespace a-dev was made for team=a, and what runs in it is not handed to team=b"));
		ck_assert_uint_eq(fake_kube_count(room.fake, "PATCH", NULL), 0);
		ck_assert(!sync_room_has(SPACE "/resourcequotas/team"));
		ck_assert_ptr_null(strstr(text, "untried"));
		end();
	}
}
END_TEST

START_TEST(what_differs_is_changed_only_when_asked_for)
{
	begin();
	fake_kube_add(room.fake, OUR_SPACE);
	fake_kube_add(room.fake, "{'kind':'ResourceQuota','metadata':{'name':'team','namespace':'a-dev'},'spec':{'hard':{'pods':'9','cpu':'1'}}}");
	fake_kube_add(room.fake, "{'kind':'ServiceAccount','metadata':{'name':'default','namespace':'a-dev'},'automountServiceAccountToken':true}");
	ends(onboard("a", false, USH_DRY_NONE, 1), 10);
	tells("differs   ResourceQuota team: spec.hard.pods is 9, not 2");
	tells("differs   ServiceAccount default: automountServiceAccountToken is true, not false");
	tells("created   RoleBinding");
	ends(onboard("a", true, USH_DRY_SERVER, 1), 0);
	tells("would patch ResourceQuota team");
	fake_kube_add(room.fake, "{'kind':'Pod','metadata':{'name':'p1','namespace':'a-dev'},'spec':{'containers':[]}}");
	fake_kube_add(room.fake, "{'kind':'Pod','metadata':{'name':'p2','namespace':'a-dev'},'spec':{'containers':[]}}");
	fake_kube_add(room.fake, "{'kind':'Pod','metadata':{'name':'p3','namespace':'a-dev'},'spec':{'containers':[]}}");
	ends(onboard("a", true, USH_DRY_NONE, 1), 0);
	tells("patched   ResourceQuota team");
	tells("warning   a-dev: pods: 3 is in use, the quota allows 2");
	ck_assert_uint_eq(json_object_size(json_object_get(json_object_get(fake_kube_object(room.fake, SPACE "/resourcequotas/team"), "spec"), "hard")), 1);
	end();
}
END_TEST

START_TEST(a_half_made_namespace_is_finished)
{
	begin();
	fake_kube_add(room.fake, OUR_SPACE);
	fake_kube_add(room.fake, "{'kind':'ServiceAccount','metadata':{'name':'default','namespace':'a-dev'}}"); /* as the cluster makes it */
	ends(onboard("a", false, USH_DRY_NONE, 1), 0);
	tells("unchanged Namespace a-dev");
	tells("patched   ServiceAccount default");
	tells("created   RoleBinding");
	end();
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
	begin();
	fake_kube_add(room.fake, OUR_SPACE);
	fake_kube_add(room.fake, "{'kind':'ResourceQuota','metadata':{'name':'team','namespace':'a-dev'},'spec':{'hard':{'pods':'9'}}}");
	room.fake->before = touch_before_patch;
	ends(onboard("a", true, USH_DRY_NONE, 1), 10);
	tells("failed    ResourceQuota team: somebody changed it meanwhile");
	end();
}
END_TEST

/* ---- what goes wrong ---- */

START_TEST(a_missing_right_is_named)
{
	begin();
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = "/api/v1/namespaces", .times = 9, .status = 403,
							   .body = "{\"kind\":\"Status\",\"message\":\"namespaces is forbidden: User x cannot create resource namespaces\"}"});
	ends(onboard("a", false, USH_DRY_NONE, 1), 5);
	ck_assert_ptr_nonnull(strstr(room.err.what, "cannot create resource namespaces"));
	ck_assert_ptr_nonnull(strstr(room.err.hint, "rbac --for onboard"));
	end();
}
END_TEST

START_TEST(what_is_done_is_told_when_the_server_goes_away_and_done_again_is_whole)
{
	begin();
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = SPACE_RBAC, .times = 1000});
	ends(onboard("a", false, USH_DRY_NONE, 1), 10);
	tells("created   Namespace a-dev");
	tells("failed    Role reader");
	tells("waits     RoleBinding");
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "NONE"});
	room.fake->fault_count = 0;
	ends(onboard("a", false, USH_DRY_NONE, 1), 0);
	tells("created   Role reader");
	end();
}
END_TEST

START_TEST(nobody_is_let_in_where_what_keeps_it_apart_is_missing)
{
	begin();
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = "/apis/networking.k8s.io/v1/namespaces/a-dev", .times = 1000, .status = 403});
	ends(onboard("a", false, USH_DRY_NONE, 1), 10);
	tells("failed    NetworkPolicy default-deny");
	tells("for what could not be written in its namespace");
	ck_assert_uint_eq(fake_kube_count(room.fake, "POST", SPACE_RBAC "/rolebindings"), 0);
	ck_assert_ptr_null(strstr(text, "proved"));
	end();
}
END_TEST

START_TEST(a_group_that_is_missing_holds_up_its_binding_alone)
{
	begin();
	ends(onboard("b", false, USH_DRY_NONE, 1), 10);
	tells("created   RoleBinding");
	tells("waits     editor for /teams/b/leads: source main has no such group yet");
	ck_assert_ptr_nonnull(strstr(room.err.what, "editor for /teams/b/leads"));
	end();
}
END_TEST

/* Another group under the name of one that is gone waits for a person's word; that is said, and not that a binding which
 * nobody made does not hold. */
START_TEST(a_group_made_anew_waits_for_a_word_and_is_not_proved)
{
	begin();
	fake_kube_add(room.fake, "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'usher-broker-state','namespace':'default','labels':"
				 "{'app.kubernetes.io/managed-by':'usher-broker'}},'data':{'state':'{\\\"heirs\\\":[{\\\"confirmed\\\":false,\\\"id\\\":\\\"1\\\","
				 "\\\"source\\\":\\\"main\\\",\\\"text\\\":\\\"oidc:/teams/a/dev\\\"}],\\\"tombstones\\\":[{\\\"group\\\":\\\"/teams/a/dev\\\","
				 "\\\"id\\\":\\\"0\\\",\\\"removed\\\":true,\\\"runs\\\":2,\\\"since\\\":1795293654,\\\"source\\\":\\\"main\\\",\\\"text\\\":\\\"oidc:/teams/a/dev\\\"}],"
				 "\\\"version\\\":2}'}}");
	ends(onboard("a", false, USH_DRY_NONE, 1), 10);
	tells("waits     RoleBinding");
	tells("until somebody confirms");
	ck_assert_ptr_null(strstr(text, "unproved"));
	ck_assert_uint_eq(fake_kube_count(room.fake, "POST", SPACE_RBAC "/rolebindings"), 1); /* the leads' */
	end();
}
END_TEST

START_TEST(an_incomplete_source_holds_up_the_bindings_and_not_the_namespace)
{
	begin();
	sync_room_put("groups.json", "{\"groups\":[{\"path\":\"/teams/b/dev\",\"name\":\"dev\",\"id\":\"3\"}],\"count\":7}");
	ends(onboard("a", false, USH_DRY_NONE, 1), 3);
	tells("created   Namespace a-dev");
	tells("created   NetworkPolicy default-deny");
	ck_assert_uint_eq(fake_kube_objects(room.fake, SPACE_RBAC "/rolebindings"), 0);
	end();
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
	sync_room_begin("layout: users\n" POLICY,
			"{\"groups\":[{\"path\":\"/teams/a/dev\",\"name\":\"dev\",\"id\":\"1\",\"members\":[\"carol\"]},"
			"{\"path\":\"/teams/a/leads\",\"name\":\"leads\",\"id\":\"2\",\"members\":[\"dave\"]}],\"count\":2}");
	ends(onboard("a", false, USH_DRY_NONE, 1), 0);
	tells("proved    carol may get pods\n");
	ck_assert_ptr_null(strstr(text, "may not"));
	end();
}
END_TEST

START_TEST(who_may_not_in_time_is_named)
{
	int64_t began;

	begin();
	room.fake->allow = says_no;
	began = room.fake->now_ms;
	ends(onboard("a", false, USH_DRY_NONE, 1), 10);
	ck_assert_ptr_nonnull(strstr(room.err.what, "may not "));
	tells("unproved  oidc:/teams/a/dev may not get pods in a-dev, though RoleBinding");
	ck_assert_int_ge(room.fake->now_ms - began, 1000);
	ck_assert_int_le(room.fake->now_ms - began, 5000);
	end();
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
	begin();
	room.fake->before = take_rules;
	ends(onboard("a", false, USH_DRY_NONE, 1), 10);
	tells("unproved  role editor, ClusterRole edit allows nothing");
	end();
}
END_TEST

START_TEST(when_everybody_may_that_is_no_proof)
{
	begin();
	room.fake->allow = says_yes;
	ends(onboard("a", false, USH_DRY_NONE, 1), 10);
	tells("unproved  everybody who is signed in may get pods in a-dev");
	end();
}
END_TEST

START_TEST(nobody_to_ask_is_no_failure_unless_a_proof_was_wanted)
{
	begin();
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = "/apis/authorization.k8s.io", .times = 99, .status = 403});
	ends(onboard("a", false, USH_DRY_NONE, 1), 0);
	tells("no proof");
	last.must_prove = true;
	ck_assert_int_eq(ush_onboard_verdict(&last, &room.err), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_PARTIAL);
	end();
}
END_TEST

TAP_MAIN("onboard", a_new_namespace_has_its_bindings_last_and_proved, it_takes_no_more_requests_than_it_may, a_second_time_nothing_is_written, many_go_through_one_run,
	 a_dry_run_writes_nothing, somebodys_namespace_is_looked_at_and_left, another_tools_namespace_is_left_even_when_adopting,
	 a_namespace_that_goes_or_has_another_template_is_refused, what_runs_for_one_team_is_not_handed_to_another,
	 what_differs_is_changed_only_when_asked_for, a_half_made_namespace_is_finished,
	 what_somebody_changes_meanwhile_is_left_alone, a_missing_right_is_named, what_is_done_is_told_when_the_server_goes_away_and_done_again_is_whole,
	 nobody_is_let_in_where_what_keeps_it_apart_is_missing, a_group_made_anew_waits_for_a_word_and_is_not_proved, a_group_that_is_missing_holds_up_its_binding_alone, an_incomplete_source_holds_up_the_bindings_and_not_the_namespace, a_proof_of_people_does_not_name_their_group,
	 who_may_not_in_time_is_named, a_role_that_allows_nothing_is_told,
	 when_everybody_may_that_is_no_proof, nobody_to_ask_is_no_failure_unless_a_proof_was_wanted)
