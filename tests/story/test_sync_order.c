/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole runs of the broker: a binding that must change its role without a gap, and two runs at once.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/sync/lease.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_room.h"

/* ---- another role ---- */

#define EDITOR	 HEAD "- {group: k8s-restricted-users, role: editor, namespaces: [fancy-namespace], name: read-pods-services}\n"
#define STAND_IN "/usher-edit-1dbac2f6-7a6e1fc5" /* the last of it is of the binding's own name */

/* BC17: at no moment is the group without a binding. */
START_TEST(another_role_leaves_no_gap)
{
	size_t made, deleted, again, gone;

	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("policy.yaml", EDITOR);
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 0);
	made = sync_room_when("POST", BINDINGS);
	deleted = sync_room_when("DELETE", READ);
	gone = sync_room_when("DELETE", BINDINGS STAND_IN);
	for (again = deleted; again < room.fake->log_count && strcmp(room.fake->log[again].method, "POST") != 0;)
		again++;
	ck_assert_uint_lt(made, deleted);
	ck_assert_uint_lt(sync_room_when("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews"), deleted);
	ck_assert_uint_lt(deleted, again);
	ck_assert_uint_lt(again, gone);
	ck_assert_str_eq(ush_json_string(json_object_get(fake_kube_object(room.fake, READ), "roleRef"), "name"), "edit");
	ck_assert_uint_eq(fake_kube_objects(room.fake, BINDINGS), 1);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(room.applied.total, 0);
	sync_room_end();
}
END_TEST

/* BC17: two bindings of one namespace go to one role: neither may take the other's stand-in for its own. */
START_TEST(two_that_change_role_have_a_stand_in_each)
{
	const char *stand_ins[2] = {NULL, NULL};
	size_t count = 0;

	sync_room_begin(HEAD "- {group: k8s-restricted-users, role: pod-service-reader, namespaces: [fancy-namespace], name: one}\n"
			     "- {group: b, role: pod-service-reader, namespaces: [fancy-namespace], name: two}\n",
			FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("policy.yaml", HEAD "- {group: k8s-restricted-users, role: editor, namespaces: [fancy-namespace], name: one}\n"
					  "- {group: b, role: editor, namespaces: [fancy-namespace], name: two}\n");
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 0);
	for (size_t i = 0; i < room.fake->log_count; i++)
		if (strcmp(room.fake->log[i].method, "DELETE") == 0 && strstr(room.fake->log[i].path, "/usher-edit-") != NULL && count < 2)
			stand_ins[count++] = room.fake->log[i].path;
	ck_assert_uint_eq(count, 2);
	ck_assert_str_ne(stand_ins[0], stand_ins[1]);
	ck_assert_uint_eq(fake_kube_objects(room.fake, BINDINGS), 2);
	sync_room_end();
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
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("policy.yaml", EDITOR);
	room.fake->allow = deny;
	ck_assert_int_eq(sync_room_run(), 10);
	sync_room_expect_failed("the API server does not let oidc:k8s-restricted-users create pods there");
	ck_assert_str_eq(ush_json_string(json_object_get(fake_kube_object(room.fake, READ), "roleRef"), "name"), "pod-service-reader");
	ck_assert(!sync_room_has(BINDINGS STAND_IN));
	sync_room_end();
}
END_TEST

/* BC17, T58: broken off between any two writes, the group has access, and the next run ends what is left. */
START_TEST(another_role_broken_off_anywhere_is_ended_by_the_next_run)
{
	for (unsigned int skip = 0; skip < 4; skip++) {
		sync_room_begin(STORY, FULL);
		ck_assert_int_eq(sync_room_run(), 0);
		sync_room_put("policy.yaml", EDITOR);
		fake_kube_fail(room.fake, (struct fake_kube_fault){.method = skip % 2 == 0 ? "POST" : "DELETE", .path = BINDINGS, .skip = skip / 2, .times = 4, .status = 500});
		ck_assert_int_eq(sync_room_run(), 10);
		ck_assert_uint_ge(fake_kube_objects(room.fake, BINDINGS), 1);
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert_uint_eq(fake_kube_objects(room.fake, BINDINGS), 1);
		ck_assert_str_eq(ush_json_string(json_object_get(fake_kube_object(room.fake, READ), "roleRef"), "name"), "edit");
		sync_room_end();
	}
}
END_TEST

/* ---- two at once ---- */

/* BC19, T59 */
START_TEST(a_second_run_finds_the_lease_taken)
{
	struct ush_lease lease;

	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(ush_lease_take(&lease, &room.fake->kube, "default", "other-7", &room.err), 0);
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 5);
	ck_assert_ptr_nonnull(strstr(room.err.what, "another usher-broker is applying (other-7)"));
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	ush_lease_release(&lease);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_end();
}
END_TEST

static void arrives_twice(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	(void)context;
	(void)path;
	if (strcmp(method, "PUT") != 0)
		return;
	kube->before = NULL;
	fake_kube_remove(kube, "/apis/coordination.k8s.io/v1/namespaces/default/leases/usher-broker");
	fake_kube_add(kube, "{'apiVersion':'coordination.k8s.io/v1','kind':'Lease','metadata':{'name':'usher-broker','namespace':'default'},"
			    "'spec':{'holderIdentity':'me-1','renewTime':'2026-01-01T00:00:00.000000Z','leaseDurationSeconds':60}}");
}

/* A connection that breaks between a write and its answer: the write is sent again, and meets itself. */
START_TEST(a_lease_that_we_took_ourselves_is_ours)
{
	struct ush_lease lease;

	sync_room_begin(STORY, FULL);
	fake_kube_add(room.fake, "{'apiVersion':'coordination.k8s.io/v1','kind':'Lease','metadata':{'name':'usher-broker','namespace':'default'},"
				 "'spec':{'holderIdentity':'','leaseDurationSeconds':1}}");
	room.fake->before = arrives_twice;
	ck_assert_msg(ush_lease_take(&lease, &room.fake->kube, "default", "me-1", &room.err) == 0, "%s", room.err.what);
	ck_assert_int_eq(ush_lease_keep(&lease, &room.err), 0);
	ush_lease_release(&lease);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_end();
}
END_TEST

START_TEST(a_lease_that_ends_in_another_century_is_told_from_one_at_work)
{
	sync_room_begin(STORY, FULL);
	fake_kube_add(room.fake, "{'apiVersion':'coordination.k8s.io/v1','kind':'Lease','metadata':{'name':'usher-broker','namespace':'default'},"
				 "'spec':{'holderIdentity':'x','renewTime':'2199-01-01T00:00:00.000000Z','leaseDurationSeconds':60}}");
	ck_assert_int_eq(sync_room_run(), 5);
	ck_assert_ptr_nonnull(strstr(room.err.hint, "kubectl delete lease -n default usher-broker"));
	sync_room_end();
}
END_TEST

/* BC19: its holder died on the way. */
START_TEST(an_expired_lease_is_taken_over_and_the_work_ended)
{
	struct ush_lease lease;

	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(ush_lease_take(&lease, &room.fake->kube, "default", "dead-7", &room.err), 0);
	fake_kube_add_as(room.fake, "usher-broker", "{'kind':'Role','metadata':{'name':'half','namespace':'fancy-namespace'},'rules':[]}");
	room.fake->now_ms += 59000;
	ck_assert_int_eq(sync_room_run(), 5);
	room.fake->now_ms += 2000;
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(room.applied.done, 2);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(room.applied.total, 0);
	ck_assert_int_ne(ush_lease_keep(&lease, &room.err), 0); /* the dead one, should it wake up, has lost it */
	ush_lease_release(&lease);
	sync_room_end();
}
END_TEST

static void slow_and_stolen(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	struct ush_lease *thief = context;

	if (strcmp(method, "POST") != 0 || strncmp(path, RBAC "fancy-namespace/roles", strlen(RBAC "fancy-namespace/roles")) != 0)
		return;
	kube->before = NULL;
	kube->now_ms += 120000; /* this write took two minutes, and somebody else went on meanwhile */
	ck_assert_int_eq(ush_lease_take(thief, &kube->kube, "default", "thief-8", &room.err), 0);
}

START_TEST(a_run_that_lost_its_lease_writes_nothing_more)
{
	struct ush_lease thief = {0};

	sync_room_begin(STORY, FULL);
	room.fake->before = slow_and_stolen;
	room.fake->before_context = &thief;
	ck_assert_int_eq(sync_room_run(), 10);
	sync_room_expect_failed("the lease was lost on the way");
	ck_assert(!sync_room_has(READ));
	ush_lease_release(&thief);
	sync_room_end();
}
END_TEST

TAP_MAIN("sync_order", another_role_leaves_no_gap, two_that_change_role_have_a_stand_in_each, another_role_that_does_not_prove_itself_keeps_the_old_binding,
	 another_role_broken_off_anywhere_is_ended_by_the_next_run, a_second_run_finds_the_lease_taken, a_lease_that_we_took_ourselves_is_ours, a_lease_that_ends_in_another_century_is_told_from_one_at_work,
	 an_expired_lease_is_taken_over_and_the_work_ended, a_run_that_lost_its_lease_writes_nothing_more)
