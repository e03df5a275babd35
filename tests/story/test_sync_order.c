/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole runs of the broker: a binding that must change its role without a gap, and two runs at once.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/sync/apply/lease.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_room.h"

#define AGED                                                                                                                           \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\nsources: {main: {file: {path: groups.json}}}\n"     \
	"roles:\n  editor: {clusterRole: edit}\nlimits: {remove: {bindings: 20, people: 100%}, vanishedGroup: {runs: 2, age: 1h}}\n"      \
	"grants:\n- {group: k8s-restricted-users, role: editor, namespaces: [fancy-namespace], name: read-pods-services}\n"

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

/* ---- who goes from one binding to another ---- */

#define FANCY(role, name, group) "- {group: " group ", role: " role ", namespaces: [fancy-namespace, default], name: " name "}\n"
#define TOGETHER HEAD FANCY("editor", "e", "k8s-restricted-users") FANCY("editor", "e", "b")
#define APART	 HEAD FANCY("editor", "new", "k8s-restricted-users") FANCY("editor", "e", "b")

static size_t subjects(const char *path)
{
	return json_array_size(ush_json_array(fake_kube_object(room.fake, path), "subjects"));
}

static enum ush_outcome outcome_of(const char *namespace_name, const char *name)
{
	for (size_t i = 0; i < room.plan->change_count; i++)
		if (strcmp(room.plan->changes[i].namespace_name, namespace_name) == 0 && strcmp(room.plan->changes[i].name, name) == 0)
			return room.applied.outcomes[i];
	ck_abort_msg("the plan does not speak of %s/%s", namespace_name, name);
}

/* The first run is done, and the next has another policy. */
static void go_on_with(const char *policy)
{
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("policy.yaml", policy);
	fake_kube_forget(room.fake);
}

START_TEST(nobody_is_taken_out_before_he_is_in_the_other_binding)
{
	sync_room_begin(TOGETHER, FULL);
	go_on_with(APART);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_lt(sync_room_when("POST", BINDINGS), sync_room_when("PATCH", BINDINGS "/e"));
	ck_assert_uint_ne(sync_room_when("PATCH", BINDINGS "/e"), SIZE_MAX);
	go_on_with(TOGETHER);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_lt(sync_room_when("PATCH", BINDINGS "/e"), sync_room_when("DELETE", BINDINGS "/new"));
	sync_room_end();
}
END_TEST

/* BC12: where the other binding cannot be written the old one stays as it is; elsewhere it does not. */
START_TEST(who_cannot_be_put_into_another_binding_stays_in_the_old_one)
{
	sync_room_begin(TOGETHER, FULL);
	go_on_with(APART);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = BINDINGS, .times = 1, .status = 403});
	ck_assert_int_eq(sync_room_run(), 10);
	sync_room_expect_failed("RoleBinding fancy-namespace/new: ");
	ck_assert_uint_eq(subjects(BINDINGS "/e"), 2);
	ck_assert_uint_eq(subjects(RBAC "default/rolebindings/e"), 1);
	ck_assert_int_eq(outcome_of("fancy-namespace", "e"), USH_OUTCOME_HELD_BACK);
	ck_assert_uint_eq(room.applied.removals_left, 1);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(subjects(BINDINGS "/e"), 1);
	sync_room_end();
}
END_TEST

/* One that some leave and others join, or that goes to another role, takes access too. */
START_TEST(a_binding_that_turns_waits_for_what_gives)
{
	static const char *const turns[] = {
		HEAD FANCY("editor", "new", "k8s-restricted-users") FANCY("editor", "e", "b"),
		HEAD FANCY("editor", "new", "k8s-restricted-users") FANCY("pod-service-reader", "e", "b"),
	};

	for (size_t i = 0; i < USH_COUNT(turns); i++) {
		sync_room_begin(HEAD FANCY("editor", "e", "k8s-restricted-users"), FULL);
		go_on_with(turns[i]);
		fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = BINDINGS, .times = 1, .status = 403});
		ck_assert_int_eq(sync_room_run(), 10);
		ck_assert_int_eq(outcome_of("fancy-namespace", "e"), USH_OUTCOME_HELD_BACK);
		ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(json_array_get(ush_json_array(fake_kube_object(room.fake, BINDINGS "/e"), "subjects"), 0), "name")),
					     "k8s-restricted-users"));
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert_uint_eq(subjects(BINDINGS "/e"), 1);
		ck_assert_uint_eq(subjects(BINDINGS "/new"), 1);
		sync_room_end();
	}
}
END_TEST

#define CROSSED	  HEAD FANCY("editor", "e", "b") FANCY("pod-service-reader", "r", "k8s-restricted-users")
#define UNCROSSED HEAD FANCY("editor", "e", "k8s-restricted-users") FANCY("pod-service-reader", "r", "b")
#define TURNED	  HEAD FANCY("pod-service-reader", "e", "b") FANCY("editor", "r", "k8s-restricted-users")

static bool holds(const char *path, const char *group)
{
	const json_t *subject;
	size_t i;

	json_array_foreach(ush_json_array(fake_kube_object(room.fake, path), "subjects"), i, subject)
		if (strcmp(ush_json_string(subject, "name"), group) == 0)
			return true;
	return false;
}

/* At each request: is somebody in no binding, or in none that gives him what he had or is to have? */
static void nobody_is_out(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	size_t *seen = context;

	(void)kube;
	if (strcmp(method, "PATCH") != 0 || strncmp(path, BINDINGS "/", strlen(BINDINGS "/")) != 0)
		return;
	(*seen)++;
	ck_assert(holds(BINDINGS "/e", "oidc:b") || holds(BINDINGS "/r", "oidc:b"));
	ck_assert(holds(BINDINGS "/e", "oidc:k8s-restricted-users") || holds(BINDINGS "/r", "oidc:k8s-restricted-users"));
}

/* Two groups change places. Whichever write fails, each has the one or the other, and the next run ends it. */
START_TEST(who_change_places_are_in_both_for_a_moment)
{
	for (unsigned int skip = 0; skip < 5; skip++) {
		size_t seen = 0;

		sync_room_begin(CROSSED, FULL);
		go_on_with(UNCROSSED);
		room.fake->before = nobody_is_out;
		room.fake->before_context = &seen;
		if (skip < 4)
			fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "PATCH", .path = BINDINGS "/", .skip = skip, .times = 1, .status = 403});
		ck_assert_int_eq(sync_room_run(), skip < 4 ? 10 : 0);
		ck_assert_uint_ge(seen, 2);
		nobody_is_out(&seen, room.fake, "PATCH", BINDINGS "/");
		ck_assert_uint_eq(room.applied.removals_left, skip < 2);
		ck_assert_uint_eq(subjects(RBAC "default/rolebindings/e"), 1); /* elsewhere it is done */
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert(holds(BINDINGS "/e", "oidc:k8s-restricted-users") && holds(BINDINGS "/r", "oidc:b"));
		ck_assert_uint_eq(subjects(BINDINGS "/e") + subjects(BINDINGS "/r"), 2);
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert_uint_eq(room.applied.total, 0);
		sync_room_end();
	}
}
END_TEST

/* The same by other roles under the same names: no old one goes before both new ones stand. */
START_TEST(roles_that_change_places_leave_no_gap_either)
{
	for (unsigned int skip = 0; skip < 3; skip++) {
		sync_room_begin(CROSSED, FULL);
		go_on_with(TURNED);
		if (skip < 2)
			fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = BINDINGS, .skip = skip, .times = 1, .status = 403});
		ck_assert_int_eq(sync_room_run(), skip < 2 ? 10 : 0);
		ck_assert_uint_eq(fake_kube_count(room.fake, "DELETE", BINDINGS "/e") + fake_kube_count(room.fake, "DELETE", BINDINGS "/r"), skip < 2 ? 0 : 2);
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert_uint_eq(fake_kube_objects(room.fake, BINDINGS), 2);
		ck_assert_str_eq(ush_json_string(json_object_get(fake_kube_object(room.fake, BINDINGS "/r"), "roleRef"), "name"), "edit");
		sync_room_end();
	}
}
END_TEST

/* ---- a Role first ---- */

START_TEST(a_binding_is_not_written_before_its_role)
{
	sync_room_begin(STORY "- {group: b, role: editor, namespaces: [fancy-namespace], name: e}\n"
			      "- {group: b, role: pod-service-reader, namespaces: [default], name: r}\n",
			FULL);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = RBAC "fancy-namespace/roles", .times = 1, .status = 403});
	ck_assert_int_eq(sync_room_run(), 10);
	sync_room_expect_failed("Role fancy-namespace/pod-service-reader: ");
	ck_assert_int_eq(outcome_of("fancy-namespace", "read-pods-services"), USH_OUTCOME_ROLELESS);
	ck_assert(!sync_room_has(READ));
	ck_assert(sync_room_has(BINDINGS "/e"));		     /* of another role */
	ck_assert(sync_room_has(RBAC "default/rolebindings/r")); /* of a Role of that name elsewhere */
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(READ));
	sync_room_end();
}
END_TEST

START_TEST(a_binding_waits_with_its_role_for_a_namespace_that_went)
{
	sync_room_begin(STORY, FULL);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = RBAC "fancy-namespace/roles", .times = 1, .status = 404});
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 10);
	ck_assert_uint_eq(fake_kube_count(room.fake, "POST", BINDINGS), 0);
	ck_assert_uint_eq(room.applied.pending, 2);
	sync_room_end();
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

/* The write that made it ours, or the one that kept it so, was answered and nobody heard it: the next run need not wait. */
START_TEST(a_lease_is_given_back_though_its_answer_was_lost)
{
	static const struct {
		const char *method;
		bool there; /* before it */
		unsigned int skip;
	} cases[] = {{"POST", false, 0}, {"PUT", true, 0}, {"GET", false, 1}};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		const json_t *lease;

		sync_room_begin(STORY, FULL);
		if (cases[i].there)
			fake_kube_add(room.fake, "{'kind':'Lease','metadata':{'name':'usher-broker','namespace':'default'},'spec':{}}");
		fake_kube_fail(room.fake, (struct fake_kube_fault){.method = cases[i].method, .path = "/apis/coordination.k8s.io/", .skip = cases[i].skip,
								   .times = strcmp(cases[i].method, "GET") == 0 ? 3 : 1, .done = true});
		ck_assert_int_ne(sync_room_run(), 0);
		lease = fake_kube_object(room.fake, "/apis/coordination.k8s.io/v1/namespaces/default/leases/usher-broker");
		ck_assert_ptr_nonnull(lease);
		ck_assert_msg(json_object_get(json_object_get(lease, "spec"), "holderIdentity") == NULL, "held: %s", cases[i].method);
		ck_assert_int_eq(sync_room_run(), 0);
		sync_room_end();
	}
}
END_TEST

START_TEST(a_clock_that_is_hours_off_takes_nobodys_lease_and_nobodys_access)
{
	struct ush_lease lease;

	sync_room_begin(AGED, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_int_eq(ush_lease_take(&lease, &room.fake->kube, "default", "other-7", &room.err), 0);
	sync_room_ahead(7200000);
	sync_room_put("groups.json", WITHOUT);
	ck_assert_int_eq(sync_room_run(), 5);
	ck_assert_ptr_nonnull(strstr(room.err.what, "another usher-broker is applying (other-7)"));
	ush_lease_release(&lease);
	sync_room_ahead(0);
	ck_assert_int_eq(sync_room_run(), 0); /* a tombstone, by the right time */
	sync_room_ahead(7200000);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(READ)); /* which is not an hour old */
	sync_room_ahead(-7200000);
	ck_assert_int_eq(sync_room_run(), 0);
	room.fake->now_ms += 3601000;
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(READ)); /* and now is, on a machine that is two hours late */
	sync_room_end();
}
END_TEST

/* A run that is killed in between would forget it, and the name pass to another group unasked. */
START_TEST(whose_a_name_was_is_noted_before_it_is_taken)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("groups.json", WITHOUT);
	ck_assert_int_eq(sync_room_run(), 0);
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(READ));
	ck_assert_uint_lt(sync_room_when("PUT", "/api/v1/namespaces/default/configmaps/usher-broker-state"), sync_room_when("DELETE", READ));
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
	 another_role_broken_off_anywhere_is_ended_by_the_next_run, nobody_is_taken_out_before_he_is_in_the_other_binding,
	 who_cannot_be_put_into_another_binding_stays_in_the_old_one, a_binding_that_turns_waits_for_what_gives,
	 who_change_places_are_in_both_for_a_moment, roles_that_change_places_leave_no_gap_either, a_binding_is_not_written_before_its_role,
	 a_binding_waits_with_its_role_for_a_namespace_that_went,
	 a_second_run_finds_the_lease_taken, a_lease_that_we_took_ourselves_is_ours, a_lease_that_ends_in_another_century_is_told_from_one_at_work,
	 an_expired_lease_is_taken_over_and_the_work_ended, a_lease_is_given_back_though_its_answer_was_lost,
	 a_clock_that_is_hours_off_takes_nobodys_lease_and_nobodys_access, whose_a_name_was_is_noted_before_it_is_taken, a_run_that_lost_its_lease_writes_nothing_more)
