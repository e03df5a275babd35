/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole runs of the broker, policy file to API server, in one process: what is written, and what is not written when
 * something goes wrong on the way.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_room.h"

/* ---- the story ---- */

/* A1 */
START_TEST(a_plan_writes_nothing)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_plan(), 0);
	ck_assert_int_eq(ush_code_status(ush_plan_verdict(room.plan, &room.err)), 1);
	ck_assert_uint_eq(ush_plan_count(room.plan, USH_CREATE), 2);
	ck_assert_uint_eq(fake_kube_count(room.fake, NULL, NULL), fake_kube_count(room.fake, "GET", NULL));
	ck_assert_uint_eq(fake_kube_count(room.fake, "GET", "/apis/rbac.authorization.k8s.io/v1/rolebindings"), 1); /* one list a kind */
	ck_assert_uint_eq(fake_kube_count(room.fake, "GET", "/apis/rbac.authorization.k8s.io/v1/roles"), 1);
	sync_room_end();
}
END_TEST

/* A2 */
START_TEST(an_apply_writes_once_and_the_second_sends_no_write)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(room.applied.done, 2);
	ck_assert_uint_eq(room.applied.proofs, 1);
	ck_assert(sync_room_has(READ));
	ck_assert(sync_room_when("POST", RBAC "fancy-namespace/roles") < sync_room_when("POST", BINDINGS)); /* the Role first */
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	ck_assert_uint_eq(fake_kube_count(room.fake, "POST", NULL), 0);
	ck_assert_int_eq(ush_plan_verdict(room.plan, &room.err), USH_OK);
	sync_room_end();
}
END_TEST

/* A5, BC10 */
START_TEST(a_vanished_group_is_kept_once_and_removed_by_the_second_run)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("groups.json", WITHOUT);
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(READ));
	ck_assert_uint_eq(fake_kube_count(room.fake, NULL, RBAC), 0); /* no request about the binding at all */
	ck_assert(sync_room_has("/api/v1/namespaces/default/configmaps/usher-broker-state"));
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(READ));
	ck_assert(!sync_room_has(RBAC "fancy-namespace/roles/pod-service-reader"));
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	sync_room_end();
}
END_TEST

/* A5, BC10: back before the second run, the tombstone goes and the binding was never written. */
START_TEST(a_group_that_comes_back_loses_its_tombstone)
{
	USH_AUTO_FREE char *before = NULL, *after = NULL;

	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	before = ush_json_canonical(fake_kube_object(room.fake, READ));
	sync_room_put("groups.json", WITHOUT);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("groups.json", FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("groups.json", WITHOUT);
	ck_assert_int_eq(sync_room_run(), 0); /* the first run again, not the second */
	after = ush_json_canonical(fake_kube_object(room.fake, READ));
	ck_assert_str_eq(before, after);
	sync_room_end();
}
END_TEST

/* A5, BC01, BC22, T50 */
START_TEST(a_source_that_is_empty_or_cut_off_changes_nothing)
{
	static const char *const sources[] = {"{\"groups\":[],\"count\":0}", "", "{\"groups\":[{\"name\":\"b\"", "<html></html>", "{\"groups\":[{\"name\":\"b\"}],\"count\":2}"};

	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	fake_kube_forget(room.fake);
	for (size_t i = 0; i < USH_COUNT(sources); i++) {
		sync_room_put("groups.json", sources[i]);
		ck_assert_int_eq(sync_room_run(), 3);
		ck_assert_int_eq(sync_room_run(), 3);
	}
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	ck_assert(sync_room_has(READ));
	sync_room_end();
}
END_TEST

/* ---- things that go wrong while applying ---- */

/* BC12: one object that fails is told, the others are written, and nothing is removed where it is. */
START_TEST(one_failure_does_not_stop_the_rest_and_nothing_is_removed)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'c'}}");
	sync_room_put("policy.yaml", HEAD "- {group: b, role: editor, namespaces: [fancy-namespace, c], name: e}\n");
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = RBAC "fancy-namespace/rolebindings", .status = 422, .times = 1});
	ck_assert_int_eq(sync_room_run(), 10);
	sync_room_expect_failed("RoleBinding fancy-namespace/e: ");
	ck_assert_uint_eq(room.applied.removals_left, 2);
	ck_assert(sync_room_has(RBAC "c/rolebindings/e"));
	ck_assert(sync_room_has(READ));
	ck_assert_uint_eq(fake_kube_count(room.fake, "DELETE", NULL), 0);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(RBAC "fancy-namespace/rolebindings/e"));
	ck_assert(!sync_room_has(READ));
	sync_room_end();
}
END_TEST

START_TEST(an_answer_that_is_lost_is_found_by_looking)
{
	sync_room_begin(STORY, FULL);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = BINDINGS, .status = 0, .done = true});
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(room.applied.done, 2);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(room.applied.total, 0);
	sync_room_end();
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
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("policy.yaml", HEAD "- {group: b, role: editor, namespaces: [default], name: e}\n");
	room.fake->before = touch_before_delete;
	ck_assert_int_eq(sync_room_run(), 10);
	sync_room_expect_failed("it changed since the plan; it was not removed");
	ck_assert(sync_room_has(READ));
	sync_room_end();
}
END_TEST

/* BC15 */
START_TEST(a_namespace_that_is_missing_is_waited_for)
{
	sync_room_begin(HEAD "- {group: b, role: editor, namespaces: [later, default], name: e}\n", FULL);
	ck_assert_int_eq(sync_room_run(), 10);
	ck_assert_uint_eq(room.applied.pending, 1);
	ck_assert_uint_eq(room.applied.failed.count, 0);
	ck_assert(sync_room_has(RBAC "default/rolebindings/e"));
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'later'}}");
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(RBAC "later/rolebindings/e"));
	sync_room_end();
}
END_TEST

START_TEST(without_the_right_to_list_namespaces_it_goes_on)
{
	sync_room_begin(HEAD "- {group: b, role: editor, namespaces: [later, default], name: e}\n", FULL);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "GET", .path = "/api/v1/namespaces", .exact = true, .status = 403, .times = 100});
	ck_assert_int_eq(sync_room_run(), 10);
	ck_assert_int_eq(room.plan->namespaces, -1);
	ck_assert_uint_eq(room.applied.pending, 1);
	ck_assert(sync_room_has(RBAC "default/rolebindings/e"));
	sync_room_end();
}
END_TEST

/* One namespace that does not end must not keep back what is to be taken away elsewhere. */
START_TEST(a_namespace_that_is_going_holds_nothing_up)
{
	sync_room_begin(HEAD "- {group: b, role: editor, namespaces: [default], name: e}\n", FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("policy.yaml", HEAD "- {group: b, role: editor, namespaces: [going], name: e}\n");
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'going','deletionTimestamp':'2026-01-01T00:00:00Z'}}");
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "GET", .path = "/api/v1/namespaces", .exact = true, .status = 403, .times = 100});
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(room.applied.skipped, 1);
	ck_assert_uint_eq(room.applied.pending, 0);
	ck_assert_uint_eq(room.applied.failed.count, 0);
	ck_assert(!sync_room_has(RBAC "default/rolebindings/e"));
	sync_room_end();
}
END_TEST

/* BC16 */
START_TEST(a_binding_of_somebody_else_is_left_alone)
{
	USH_AUTO_FREE char *before = NULL, *after = NULL;

	sync_room_begin(STORY, FULL);
	fake_kube_add_as(room.fake, "argocd-controller",
			 "{'kind':'RoleBinding','metadata':{'name':'read-pods-services','namespace':'fancy-namespace','labels':{'app.kubernetes.io/instance':'ops'}},"
			 "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'}}");
	before = ush_json_canonical(fake_kube_object(room.fake, READ));
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(ush_plan_count(room.plan, USH_CONFLICT), 1);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_int_eq(ush_code_status(ush_plan_verdict(room.plan, &room.err)), 5);
	after = ush_json_canonical(fake_kube_object(room.fake, READ));
	ck_assert_str_eq(before, after);
	sync_room_end();
}
END_TEST

/* ---- plans from a file ---- */

START_TEST(a_plan_is_refused_when_the_cluster_moved)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_plan(), 0);
	ck_assert_int_eq(ush_apply_check(&room.fake->kube, room.plan, &room.err), 0);
	fake_kube_add(room.fake, "{'kind':'Role','metadata':{'name':'pod-service-reader','namespace':'fancy-namespace'},'rules':[]}");
	ck_assert_int_eq(ush_apply_check(&room.fake->kube, room.plan, &room.err), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(room.err.what, "the cluster moved since the plan was made: Role fancy-namespace/pod-service-reader is there now"));
	sync_room_end();
}
END_TEST

START_TEST(a_plan_to_remove_is_refused_when_the_object_changed)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("policy.yaml", HEAD "- {group: b, role: editor, namespaces: [default], name: e}\n");
	ck_assert_int_eq(sync_room_plan(), 0);
	touch_before_delete(NULL, room.fake, "DELETE", READ);
	ck_assert_int_eq(ush_apply_check(&room.fake->kube, room.plan, &room.err), -1);
	ck_assert_ptr_nonnull(strstr(room.err.what, "RoleBinding fancy-namespace/read-pods-services changed"));
	sync_room_end();
}
END_TEST

/* BC13: a list that begins again is not mixed with what it gave before. */
START_TEST(a_list_that_expires_on_the_way_is_begun_again)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	for (int i = 0; i < 600; i++) {
		USH_AUTO_FREE char *object = ush_printf("{'kind':'RoleBinding','metadata':{'name':'o%03d','namespace':'default'},"
							"'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'}}", i);

		fake_kube_add(room.fake, object);
	}
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "GET", .path = "/apis/rbac.authorization.k8s.io/v1/rolebindings?limit=5000&continue", .status = 410});
	room.fake->pages = 500;
	ck_assert_int_eq(sync_room_plan(), 0);
	ck_assert_uint_eq(room.plan->bindings_ours, 1);
	ck_assert_uint_eq(room.plan->bindings_others, 600);
	ck_assert(!ush_plan_writes(room.plan));
	sync_room_end();
}
END_TEST

/* T66: of a list that breaks off nothing stays, wherever it breaks; and when it breaks again, nothing is concluded. */
START_TEST(a_list_that_breaks_off_is_begun_again_and_never_pruned_from)
{
	static const char list[] = "/apis/rbac.authorization.k8s.io/v1/rolebindings";

	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	for (size_t cut = 50; cut < 800; cut += 25) {
		fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "GET", .path = list, .cut = cut});
		ck_assert_int_eq(sync_room_plan(), 0);
		ck_assert_uint_eq(room.plan->bindings_ours, 1);
		ck_assert(!ush_plan_writes(room.plan));
	}
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "GET", .path = list, .cut = 300, .times = 9});
	ck_assert_int_eq(sync_room_plan(), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	sync_room_end();
}
END_TEST

START_TEST(a_state_that_is_not_ours_or_is_spoilt_is_not_used)
{
	sync_room_begin(STORY, FULL);
	fake_kube_add(room.fake, "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'usher-broker-state','namespace':'default'},'data':{'state':'x'}}");
	ck_assert_int_eq(sync_room_plan(), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
	fake_kube_add(room.fake, "{'kind':'ConfigMap','apiVersion':'v1','metadata':{'name':'usher-broker-state','namespace':'default',"
			    "'labels':{'app.kubernetes.io/managed-by':'usher-broker'}},'data':{'state':'x'}}");
	ck_assert_int_eq(sync_room_plan(), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_STORE);
	sync_room_end();
}
END_TEST

/* ---- what no change of it shows ---- */

static size_t said(const char *what, enum ush_action action)
{
	size_t count = 0;

	for (size_t i = 0; i < room.plan->change_count; i++)
		count += room.plan->changes[i].action == action && strstr(room.plan->changes[i].reason, what) != NULL;
	return count;
}

START_TEST(a_cluster_role_that_is_not_there_is_told_in_each_run)
{
	static const char line[] = "ClusterRole edit (role editor) is not there, so 1 binding gives nothing";

	sync_room_begin(HEAD "- {group: b, role: editor, namespaces: [fancy-namespace], name: e}\n", FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(said(line, USH_CONFLICT), 0);
	fake_kube_remove(room.fake, "/apis/rbac.authorization.k8s.io/v1/clusterroles/edit");
	for (int i = 0; i < 3; i++) {
		sync_room_run();
		ck_assert_uint_eq(said(line, USH_CONFLICT), 1);
		ck_assert_int_eq(ush_plan_verdict(room.plan, &room.err), USH_ERR_REFUSED);
	}
	sync_room_end();
}
END_TEST

START_TEST(a_state_that_is_gone_is_told_once)
{
	static const char line[] = "ConfigMap default/usher-broker-state, which says what runs before this one saw, is not there although 1 binding of ours is";

	sync_room_begin(STORY, FULL);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(sync_room_run(), 0); /* the first run of all is none of these */
		ck_assert_uint_eq(said("ConfigMap", USH_NOTE), 0);
	}
	fake_kube_remove(room.fake, "/api/v1/namespaces/default/configmaps/usher-broker-state");
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(said(line, USH_NOTE), 1);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(said("ConfigMap", USH_NOTE), 0);
	sync_room_end();
}
END_TEST

TAP_MAIN("sync", a_plan_writes_nothing, an_apply_writes_once_and_the_second_sends_no_write,
	 a_vanished_group_is_kept_once_and_removed_by_the_second_run, a_group_that_comes_back_loses_its_tombstone,
	 a_source_that_is_empty_or_cut_off_changes_nothing, one_failure_does_not_stop_the_rest_and_nothing_is_removed,
	 an_answer_that_is_lost_is_found_by_looking, a_binding_that_changed_is_never_deleted_blind,
	 a_namespace_that_is_missing_is_waited_for, without_the_right_to_list_namespaces_it_goes_on, a_namespace_that_is_going_holds_nothing_up,
	 a_binding_of_somebody_else_is_left_alone, a_plan_is_refused_when_the_cluster_moved,
	 a_plan_to_remove_is_refused_when_the_object_changed, a_list_that_expires_on_the_way_is_begun_again,
	 a_list_that_breaks_off_is_begun_again_and_never_pruned_from,
	 a_state_that_is_not_ours_or_is_spoilt_is_not_used, a_cluster_role_that_is_not_there_is_told_in_each_run,
	 a_state_that_is_gone_is_told_once)
