/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole runs of the broker, policy file to API server, in one process: what is written, in which order, and what is not
 * written when something goes wrong on the way.
 */
#include "tests/support/tap.h"

#include <string.h>
#include <unistd.h>

#include "broker/sync/apply.h"
#include "broker/sync/lease.h"
#include "broker/sync/sync.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/fake_kube.h"

#define RBAC	 "/apis/rbac.authorization.k8s.io/v1/namespaces/"
#define BINDINGS RBAC "fancy-namespace/rolebindings"
#define READ	 BINDINGS "/read-pods-services"
#define HEAD                                                                                                                           \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\nsources: {main: {file: {path: groups.json}}}\n"     \
	"limits: {remove: {bindings: 20, people: 100%}, vanishedGroup: {runs: 2, age: 0s}}\n"                                               \
	"roles:\n  pod-service-reader: {rules: [{apiGroups: [''], resources: [pods, services], verbs: [get, watch, list]}]}\n"              \
	"  editor: {clusterRole: edit}\ngrants:\n"
#define STORY HEAD "- {group: k8s-restricted-users, role: pod-service-reader, namespaces: [fancy-namespace], name: read-pods-services}\n"
#define FULL                                                                                                                           \
	"{\"groups\":[{\"name\":\"k8s-restricted-users\",\"id\":\"1\",\"members\":[\"carol\",\"dave\"]},{\"name\":\"b\",\"id\":\"2\"}],\"count\":2}"
#define WITHOUT "{\"groups\":[{\"name\":\"b\",\"id\":\"2\"}],\"count\":1}"

static char room[32];
static struct fake_kube *fake;
static struct ush_error err;
static struct ush_applied applied;
static struct ush_plan *kept;

static void put(const char *name, const char *text)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", room, name);

	ck_assert_int_eq(ush_file_write(path, text, strlen(text), 0600, &err), 0);
}

static void begin(const char *policy, const char *groups)
{
	snprintf(room, sizeof room, "/tmp/usher-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(room));
	put("policy.yaml", policy);
	put("groups.json", groups);
	fake = fake_kube_new();
	fake_kube_add(fake, "{'kind':'Namespace','metadata':{'name':'fancy-namespace'}}");
	fake_kube_add(fake, "{'kind':'ClusterRole','metadata':{'name':'edit'},'rules':[{'apiGroups':[''],'resources':['pods'],'verbs':['create']}]}");
	fake_kube_forget(fake);
}

static void end(void)
{
	USH_AUTO_FREE char *policy = ush_printf("%s/policy.yaml", room), *groups = ush_printf("%s/groups.json", room);

	unlink(policy);
	unlink(groups);
	rmdir(room);
	ush_applied_free(&applied);
	ush_plan_free(kept);
	kept = NULL;
	fake_kube_free(fake);
}

static int plan(void)
{
	USH_AUTO_SYNC sync = {.world = &fake->world, .kube = &fake->kube, .state_namespace = "default"};
	USH_AUTO_FREE char *path = ush_printf("%s/policy.yaml", room);

	memset(&err, 0, sizeof err);
	ush_plan_free(kept);
	kept = NULL;
	if (ush_sync_plan(&sync, path, &err) != 0)
		return -1;
	kept = ush_steal(&sync.plan);
	return 0;
}

/* Plans and, when nothing stops it, applies. The status that the verb would end with when all is done. */
static int run(void)
{
	ush_applied_free(&applied);
	ck_assert_msg(plan() == 0, "%s", err.what);
	if (kept->stop.code != USH_OK)
		return ush_code_status(kept->stop.code);
	if (ush_apply(&fake->kube, kept, "test-1", &applied, &err) != 0)
		return ush_code_status(err.code);
	if (applied.failed.count > 0)
		return 10;
	return ush_plan_verdict(kept, &err) == USH_ERR_INCOMPLETE ? 3 : applied.pending > 0 ? 10 : 0;
}

static void expect_failed(const char *what)
{
	ck_assert_uint_eq(applied.failed.count, 1);
	ck_assert_msg(strstr(applied.failed.items[0], what) != NULL, "\"%s\" lacks \"%s\"", applied.failed.items[0], what);
}

static bool there(const char *path)
{
	return fake_kube_object(fake, path) != NULL;
}

/* Where in the log a request stands, SIZE_MAX when it did not come in. */
static size_t when(const char *method, const char *path)
{
	for (size_t i = 0; i < fake->log_count; i++)
		if (strcmp(fake->log[i].method, method) == 0 && strncmp(fake->log[i].path, path, strlen(path)) == 0)
			return i;
	return SIZE_MAX;
}

/* ---- the story ---- */

/* A1 */
START_TEST(a_plan_writes_nothing)
{
	begin(STORY, FULL);
	ck_assert_int_eq(plan(), 0);
	ck_assert_int_eq(ush_code_status(ush_plan_verdict(kept, &err)), 1);
	ck_assert_uint_eq(ush_plan_count(kept, USH_CREATE), 2);
	ck_assert_uint_eq(fake_kube_count(fake, NULL, NULL), fake_kube_count(fake, "GET", NULL));
	ck_assert_uint_eq(fake_kube_count(fake, "GET", "/apis/rbac.authorization.k8s.io/v1/rolebindings"), 1); /* one list a kind */
	ck_assert_uint_eq(fake_kube_count(fake, "GET", "/apis/rbac.authorization.k8s.io/v1/roles"), 1);
	end();
}
END_TEST

/* A2 */
START_TEST(an_apply_writes_once_and_the_second_sends_no_write)
{
	begin(STORY, FULL);
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(applied.done, 2);
	ck_assert_uint_eq(applied.proofs, 1);
	ck_assert(there(READ));
	ck_assert(when("POST", RBAC "fancy-namespace/roles") < when("POST", BINDINGS)); /* the Role first */
	fake_kube_forget(fake);
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(fake_kube_writes(fake), 0);
	ck_assert_uint_eq(fake_kube_count(fake, "POST", NULL), 0);
	ck_assert_int_eq(ush_plan_verdict(kept, &err), USH_OK);
	end();
}
END_TEST

/* A5, BC10 */
START_TEST(a_vanished_group_is_kept_once_and_removed_by_the_second_run)
{
	begin(STORY, FULL);
	ck_assert_int_eq(run(), 0);
	put("groups.json", WITHOUT);
	fake_kube_forget(fake);
	ck_assert_int_eq(run(), 0);
	ck_assert(there(READ));
	ck_assert_uint_eq(fake_kube_count(fake, NULL, RBAC), 0); /* no request about the binding at all */
	ck_assert(there("/api/v1/namespaces/default/configmaps/usher-broker-state"));
	ck_assert_int_eq(run(), 0);
	ck_assert(!there(READ));
	ck_assert(!there(RBAC "fancy-namespace/roles/pod-service-reader"));
	fake_kube_forget(fake);
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(fake_kube_writes(fake), 0);
	end();
}
END_TEST

/* A5, BC10: back before the second run, the tombstone goes and the binding was never written. */
START_TEST(a_group_that_comes_back_loses_its_tombstone)
{
	USH_AUTO_FREE char *before = NULL, *after = NULL;

	begin(STORY, FULL);
	ck_assert_int_eq(run(), 0);
	before = ush_json_canonical(fake_kube_object(fake, READ));
	put("groups.json", WITHOUT);
	ck_assert_int_eq(run(), 0);
	put("groups.json", FULL);
	ck_assert_int_eq(run(), 0);
	put("groups.json", WITHOUT);
	ck_assert_int_eq(run(), 0); /* the first run again, not the second */
	after = ush_json_canonical(fake_kube_object(fake, READ));
	ck_assert_str_eq(before, after);
	end();
}
END_TEST

/* A5, BC01, BC22, T50 */
START_TEST(a_source_that_is_empty_or_cut_off_changes_nothing)
{
	static const char *const sources[] = {"{\"groups\":[],\"count\":0}", "", "{\"groups\":[{\"name\":\"b\"", "<html></html>", "{\"groups\":[{\"name\":\"b\"}],\"count\":2}"};

	begin(STORY, FULL);
	ck_assert_int_eq(run(), 0);
	fake_kube_forget(fake);
	for (size_t i = 0; i < USH_COUNT(sources); i++) {
		put("groups.json", sources[i]);
		ck_assert_int_eq(run(), 3);
		ck_assert_int_eq(run(), 3);
	}
	ck_assert_uint_eq(fake_kube_writes(fake), 0);
	ck_assert(there(READ));
	end();
}
END_TEST

/* ---- things that go wrong while applying ---- */

/* BC12: one object that fails is told, the others are written, nothing is removed in this run. */
START_TEST(one_failure_does_not_stop_the_rest_and_nothing_is_removed)
{
	begin(STORY, FULL);
	ck_assert_int_eq(run(), 0);
	fake_kube_add(fake, "{'kind':'Namespace','metadata':{'name':'a'}}");
	fake_kube_add(fake, "{'kind':'Namespace','metadata':{'name':'c'}}");
	put("policy.yaml", HEAD "- {group: b, role: editor, namespaces: [a, c], name: e}\n");
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .path = RBAC "a/rolebindings", .status = 422, .times = 1});
	ck_assert_int_eq(run(), 10);
	expect_failed("RoleBinding a/e: ");
	ck_assert(!applied.pruned);
	ck_assert_uint_eq(applied.removals_left, 2);
	ck_assert(there(RBAC "c/rolebindings/e"));
	ck_assert(there(READ));
	ck_assert_uint_eq(fake_kube_count(fake, "DELETE", NULL), 0);
	ck_assert_int_eq(run(), 0);
	ck_assert(there(RBAC "a/rolebindings/e"));
	ck_assert(!there(READ));
	end();
}
END_TEST

START_TEST(an_answer_that_is_lost_is_found_by_the_next_run)
{
	begin(STORY, FULL);
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .path = BINDINGS, .status = 0, .done = true});
	ck_assert_int_eq(run(), 10);
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(applied.total, 0);
	end();
}
END_TEST

static void touch_before_delete(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	(void)context;
	if (strcmp(method, "DELETE") != 0 || strncmp(path, READ, strlen(READ)) != 0)
		return;
	kube->before = NULL;
	fake_kube_add(kube, "{'kind':'RoleBinding','metadata':{'name':'read-pods-services','namespace':'fancy-namespace'},"
			    "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'}}");
}

/* BC14: what changed between plan and removal is not removed. */
START_TEST(a_binding_that_changed_is_never_deleted_blind)
{
	begin(STORY, FULL);
	ck_assert_int_eq(run(), 0);
	put("policy.yaml", HEAD "- {group: b, role: editor, namespaces: [default], name: e}\n");
	fake->before = touch_before_delete;
	ck_assert_int_eq(run(), 10);
	expect_failed("it changed since the plan; it was not removed");
	ck_assert(there(READ));
	end();
}
END_TEST

/* BC15 */
START_TEST(a_namespace_that_is_missing_is_waited_for)
{
	begin(HEAD "- {group: b, role: editor, namespaces: [later, default], name: e}\n", FULL);
	ck_assert_int_eq(run(), 10);
	ck_assert_uint_eq(applied.pending, 1);
	ck_assert_uint_eq(applied.failed.count, 0);
	ck_assert(there(RBAC "default/rolebindings/e"));
	fake_kube_add(fake, "{'kind':'Namespace','metadata':{'name':'later'}}");
	ck_assert_int_eq(run(), 0);
	ck_assert(there(RBAC "later/rolebindings/e"));
	end();
}
END_TEST

START_TEST(without_the_right_to_list_namespaces_it_goes_on)
{
	begin(HEAD "- {group: b, role: editor, namespaces: [later, default], name: e}\n", FULL);
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "GET", .path = "/api/v1/namespaces?", .status = 403, .times = 100});
	ck_assert_int_eq(run(), 10);
	ck_assert_int_eq(kept->namespaces, -1);
	ck_assert_uint_eq(applied.pending, 1);
	ck_assert(there(RBAC "default/rolebindings/e"));
	end();
}
END_TEST

/* BC16 */
START_TEST(a_binding_of_somebody_else_is_left_alone)
{
	USH_AUTO_FREE char *before = NULL, *after = NULL;

	begin(STORY, FULL);
	fake_kube_add_as(fake, "argocd-controller",
			 "{'kind':'RoleBinding','metadata':{'name':'read-pods-services','namespace':'fancy-namespace','labels':{'app.kubernetes.io/instance':'ops'}},"
			 "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'}}");
	before = ush_json_canonical(fake_kube_object(fake, READ));
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(ush_plan_count(kept, USH_CONFLICT), 1);
	ck_assert_int_eq(run(), 0);
	ck_assert_int_eq(ush_code_status(ush_plan_verdict(kept, &err)), 5);
	after = ush_json_canonical(fake_kube_object(fake, READ));
	ck_assert_str_eq(before, after);
	end();
}
END_TEST

/* ---- another role ---- */

#define EDITOR	 HEAD "- {group: k8s-restricted-users, role: editor, namespaces: [fancy-namespace], name: read-pods-services}\n"
#define STAND_IN "/usher-edit-1dbac2f6"

/* BC17: at no moment is the group without a binding. */
START_TEST(another_role_leaves_no_gap)
{
	size_t made, deleted, again, gone;

	begin(STORY, FULL);
	ck_assert_int_eq(run(), 0);
	put("policy.yaml", EDITOR);
	fake_kube_forget(fake);
	ck_assert_int_eq(run(), 0);
	made = when("POST", BINDINGS);
	deleted = when("DELETE", READ);
	gone = when("DELETE", BINDINGS STAND_IN);
	for (again = deleted; again < fake->log_count && strcmp(fake->log[again].method, "POST") != 0;)
		again++;
	ck_assert_uint_lt(made, deleted);
	ck_assert_uint_lt(when("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews"), deleted);
	ck_assert_uint_lt(deleted, again);
	ck_assert_uint_lt(again, gone);
	ck_assert_str_eq(ush_json_string(json_object_get(fake_kube_object(fake, READ), "roleRef"), "name"), "edit");
	ck_assert_uint_eq(fake_kube_objects(fake, BINDINGS), 1);
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(applied.total, 0);
	end();
}
END_TEST

static bool deny(void *context, const char *user, const json_t *groups, const json_t *attributes)
{
	(void)context;
	(void)user;
	(void)groups;
	(void)attributes;
	return false;
}

/* BC17: without proof the old binding stays. */
START_TEST(another_role_that_does_not_prove_itself_keeps_the_old_binding)
{
	begin(STORY, FULL);
	ck_assert_int_eq(run(), 0);
	put("policy.yaml", EDITOR);
	fake->allow = deny;
	ck_assert_int_eq(run(), 10);
	expect_failed("the API server does not let oidc:k8s-restricted-users create pods there");
	ck_assert_str_eq(ush_json_string(json_object_get(fake_kube_object(fake, READ), "roleRef"), "name"), "pod-service-reader");
	ck_assert(!there(BINDINGS STAND_IN));
	end();
}
END_TEST

/* BC17, T58: broken off between any two writes, the group has access, and the next run ends what is left. */
START_TEST(another_role_broken_off_anywhere_is_ended_by_the_next_run)
{
	for (unsigned int skip = 0; skip < 4; skip++) {
		begin(STORY, FULL);
		ck_assert_int_eq(run(), 0);
		put("policy.yaml", EDITOR);
		fake_kube_fail(fake, (struct fake_kube_fault){.method = skip % 2 == 0 ? "POST" : "DELETE", .path = BINDINGS, .skip = skip / 2, .times = 1, .status = 500});
		ck_assert_int_eq(run(), 10);
		ck_assert_uint_ge(fake_kube_objects(fake, BINDINGS), 1);
		ck_assert_int_eq(run(), 0);
		ck_assert_uint_eq(fake_kube_objects(fake, BINDINGS), 1);
		ck_assert_str_eq(ush_json_string(json_object_get(fake_kube_object(fake, READ), "roleRef"), "name"), "edit");
		end();
	}
}
END_TEST

/* ---- two at once ---- */

/* BC19, T59 */
START_TEST(a_second_run_finds_the_lease_taken)
{
	struct ush_lease lease;

	begin(STORY, FULL);
	ck_assert_int_eq(ush_lease_take(&lease, &fake->kube, "default", "other-7", &err), 0);
	fake_kube_forget(fake);
	ck_assert_int_eq(run(), 5);
	ck_assert_ptr_nonnull(strstr(err.what, "another usher-broker is applying (other-7)"));
	ck_assert_uint_eq(fake_kube_writes(fake), 0);
	ush_lease_release(&lease);
	ck_assert_int_eq(run(), 0);
	end();
}
END_TEST

/* BC19: its holder died on the way. */
START_TEST(an_expired_lease_is_taken_over_and_the_work_ended)
{
	struct ush_lease lease;

	begin(STORY, FULL);
	ck_assert_int_eq(ush_lease_take(&lease, &fake->kube, "default", "dead-7", &err), 0);
	fake_kube_add_as(fake, "usher-broker", "{'kind':'Role','metadata':{'name':'half','namespace':'fancy-namespace'},'rules':[]}");
	fake->now_ms += 59000;
	ck_assert_int_eq(run(), 5);
	fake->now_ms += 2000;
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(applied.done, 2);
	ck_assert_int_eq(run(), 0);
	ck_assert_uint_eq(applied.total, 0);
	ck_assert_int_ne(ush_lease_keep(&lease, &err), 0); /* the dead one, should it wake up, has lost it */
	ush_lease_release(&lease);
	end();
}
END_TEST

static void slow_and_stolen(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	struct ush_lease *thief = context;

	if (strcmp(method, "POST") != 0 || strncmp(path, RBAC "fancy-namespace/roles", strlen(RBAC "fancy-namespace/roles")) != 0)
		return;
	kube->before = NULL;
	kube->now_ms += 120000; /* this write took two minutes, and somebody else went on meanwhile */
	ck_assert_int_eq(ush_lease_take(thief, &kube->kube, "default", "thief-8", &err), 0);
}

START_TEST(a_run_that_lost_its_lease_writes_nothing_more)
{
	struct ush_lease thief = {0};

	begin(STORY, FULL);
	fake->before = slow_and_stolen;
	fake->before_context = &thief;
	ck_assert_int_eq(run(), 10);
	expect_failed("the lease was lost on the way");
	ck_assert(!there(READ));
	ush_lease_release(&thief);
	end();
}
END_TEST

/* ---- plans from a file ---- */

START_TEST(a_plan_is_refused_when_the_cluster_moved)
{
	begin(STORY, FULL);
	ck_assert_int_eq(plan(), 0);
	ck_assert_int_eq(ush_apply_check(&fake->kube, kept, &err), 0);
	fake_kube_add(fake, "{'kind':'Role','metadata':{'name':'pod-service-reader','namespace':'fancy-namespace'},'rules':[]}");
	ck_assert_int_eq(ush_apply_check(&fake->kube, kept, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(err.what, "the cluster moved since the plan was made: Role fancy-namespace/pod-service-reader is there now"));
	end();
}
END_TEST

START_TEST(a_plan_to_remove_is_refused_when_the_object_changed)
{
	begin(STORY, FULL);
	ck_assert_int_eq(run(), 0);
	put("policy.yaml", HEAD "- {group: b, role: editor, namespaces: [default], name: e}\n");
	ck_assert_int_eq(plan(), 0);
	touch_before_delete(NULL, fake, "DELETE", READ);
	ck_assert_int_eq(ush_apply_check(&fake->kube, kept, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.what, "RoleBinding fancy-namespace/read-pods-services changed"));
	end();
}
END_TEST

/* BC13: a list that begins again is not mixed with what it gave before. */
START_TEST(a_list_that_expires_on_the_way_is_begun_again)
{
	begin(STORY, FULL);
	ck_assert_int_eq(run(), 0);
	for (int i = 0; i < 600; i++) {
		USH_AUTO_FREE char *object = ush_printf("{'kind':'RoleBinding','metadata':{'name':'o%03d','namespace':'default'},"
							"'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'}}", i);

		fake_kube_add(fake, object);
	}
	fake_kube_fail(fake, (struct fake_kube_fault){.method = "GET", .path = "/apis/rbac.authorization.k8s.io/v1/rolebindings", .skip = 1, .times = 1, .status = 410});
	ck_assert_int_eq(plan(), 0);
	ck_assert_uint_eq(kept->bindings_ours, 1);
	ck_assert_uint_eq(kept->bindings_others, 600);
	ck_assert(!ush_plan_writes(kept));
	end();
}
END_TEST

START_TEST(a_state_that_is_not_ours_or_is_spoilt_is_not_used)
{
	begin(STORY, FULL);
	fake_kube_add(fake, "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'usher-broker-state','namespace':'default'},'data':{'state':'x'}}");
	ck_assert_int_eq(plan(), -1);
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	fake_kube_add(fake, "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'usher-broker-state','namespace':'default',"
			    "'labels':{'app.kubernetes.io/managed-by':'usher-broker'}},'data':{'state':'x'}}");
	ck_assert_int_eq(plan(), -1);
	ck_assert_int_eq(err.code, USH_ERR_STORE);
	end();
}
END_TEST

TAP_MAIN("sync", a_plan_writes_nothing, an_apply_writes_once_and_the_second_sends_no_write, a_vanished_group_is_kept_once_and_removed_by_the_second_run,
	 a_group_that_comes_back_loses_its_tombstone, a_source_that_is_empty_or_cut_off_changes_nothing, one_failure_does_not_stop_the_rest_and_nothing_is_removed,
	 an_answer_that_is_lost_is_found_by_the_next_run, a_binding_that_changed_is_never_deleted_blind, a_namespace_that_is_missing_is_waited_for,
	 without_the_right_to_list_namespaces_it_goes_on, a_binding_of_somebody_else_is_left_alone, another_role_leaves_no_gap,
	 another_role_that_does_not_prove_itself_keeps_the_old_binding, another_role_broken_off_anywhere_is_ended_by_the_next_run,
	 a_second_run_finds_the_lease_taken, an_expired_lease_is_taken_over_and_the_work_ended, a_run_that_lost_its_lease_writes_nothing_more,
	 a_plan_is_refused_when_the_cluster_moved, a_plan_to_remove_is_refused_when_the_object_changed, a_list_that_expires_on_the_way_is_begun_again,
	 a_state_that_is_not_ours_or_is_spoilt_is_not_used)
