/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan for a few namespaces against an API server: what it reads, and that what it brings about is what a whole run
 * would have made, but for the state.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_room.h"

#define STATE "/api/v1/namespaces/default/configmaps/usher-broker-state"
#define ALL_BINDINGS "/apis/rbac.authorization.k8s.io/v1/rolebindings?limit=5000&labelSelector=app.kubernetes.io%2Fmanaged-by%3Dusher-broker%2Cusher.dev%2Fpolicy%3Ddefault"
#define TEAMS                                                                                                                          \
	HEAD "- {groupPattern: '{team}-devs', role: editor, name: devs, namespaceSelector: {team: '{team}'}}\n"                              \
	"- {group: ops, role: pod-service-reader, name: ops, namespacePattern: 'team-*'}\n"
#define GROUPS "{\"groups\":[{\"name\":\"pay-devs\",\"id\":\"1\",\"members\":[\"carol\"]},{\"name\":\"ops\",\"id\":\"2\",\"members\":[\"dave\"]}],\"count\":2}"

/* The caller frees the sync; its plan is made. */
static void plan_for(struct ush_sync *sync, const struct ush_only *only, size_t count)
{
	USH_AUTO_FREE char *path = ush_printf("%s/policy.yaml", room.folder);

	*sync = (struct ush_sync){.world = &room.fake->world, .kube = &room.fake->kube, .state_namespace = "default", .only = only, .only_count = count};
	fake_kube_forget(room.fake);
	ck_assert_msg(ush_sync_plan(sync, path, &room.err) == 0, "%s", room.err.what);
	ck_assert(sync->plan->partial);
}

static size_t reads(const char *prefix)
{
	return fake_kube_count(room.fake, "GET", prefix);
}

static void apply(const struct ush_sync *sync)
{
	ush_applied_free(&room.applied);
	ck_assert_msg(ush_apply(&room.fake->kube, sync->plan, "test-1", &room.applied, &room.err) == 0, "%s", room.err.what);
	ck_assert_uint_eq(room.applied.failed.count, 0);
}

START_TEST(a_new_namespace_costs_state_and_ledger_and_one_list)
{
	USH_AUTO_JSON labels = json_pack("{s:s}", "team", "pay");
	const struct ush_only only[] = {{"team-pay", labels, true}};
	USH_AUTO_SYNC sync = {0};

	sync_room_begin(TEAMS, GROUPS);
	plan_for(&sync, only, 1);
	ck_assert_uint_eq(ush_plan_count(sync.plan, USH_CREATE), 3);
	ck_assert_uint_eq(reads("/api/v1/namespaces/default/configmaps/"), 2);
	ck_assert_uint_eq(reads(ALL_BINDINGS), 1); /* of ours: who had the names before */
	ck_assert_uint_eq(fake_kube_count(room.fake, NULL, NULL), 3); /* and nobody asks the server's version for it */
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'team-pay','labels':{'team':'pay'}}}");
	apply(&sync);
	ck_assert(sync_room_has(RBAC "team-pay/rolebindings/devs") && sync_room_has(RBAC "team-pay/rolebindings/ops"));
	ck_assert(!sync_room_has(STATE));
	ck_assert_uint_eq(fake_kube_count(room.fake, "PUT", STATE) + fake_kube_count(room.fake, "PATCH", STATE), 0);
	ck_assert_int_eq(sync_room_run(), 0); /* the whole run notes the namespace, and touches nothing in it */
	ck_assert_uint_eq(room.applied.done, 0);
	ck_assert(sync_room_has(STATE));
	sync_room_end();
}
END_TEST

START_TEST(of_a_namespace_that_is_there_its_own_two_lists_are_read)
{
	const struct ush_only only[] = {{"team-a", NULL, false}, {"team-b", NULL, true}};
	USH_AUTO_SYNC sync = {0};

	sync_room_begin(TEAMS, GROUPS);
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'team-a'}}");
	plan_for(&sync, only, 2);
	ck_assert_uint_eq(reads(RBAC "team-a/roles"), 1);
	ck_assert_uint_eq(reads(RBAC "team-a/rolebindings"), 1);
	ck_assert_uint_eq(reads("/apis/rbac.authorization.k8s.io/v1/rolebindings?"), 1);
	ck_assert_uint_eq(fake_kube_count(room.fake, NULL, NULL), 5 + reads("/version")); /* which a client asks before its first list */
	sync_room_end();
}
END_TEST

/* A group is gone, a grant, a label: in the few namespaces and beside them nothing goes, and no tombstone is set. */
START_TEST(nothing_goes_and_nothing_is_remembered_whatever_is_gone)
{
	const struct ush_only only[] = {{"team-pay", NULL, false}};
	USH_AUTO_SYNC sync = {0};
	USH_AUTO_FREE char *before = NULL, *after = NULL;

	sync_room_begin(TEAMS, GROUPS);
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'team-pay','labels':{'team':'pay'}}}");
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'team-b','labels':{'team':'pay'}}}");
	ck_assert_int_eq(sync_room_run(), 0);
	before = json_dumps(fake_kube_object(room.fake, STATE), JSON_SORT_KEYS);
	sync_room_put("groups.json", "{\"groups\":[{\"name\":\"ops\",\"id\":\"2\"}],\"count\":1}");
	plan_for(&sync, only, 1);
	ck_assert(!ush_plan_writes(sync.plan));
	ck_assert_uint_gt(ush_plan_count(sync.plan, USH_HOLD), 0);
	sync.plan->state_changed = sync.plan->stones_changed = true; /* even then */
	apply(&sync);
	after = json_dumps(fake_kube_object(room.fake, STATE), JSON_SORT_KEYS);
	ck_assert_str_eq(before, after);
	ck_assert(sync_room_has(RBAC "team-pay/rolebindings/devs") && sync_room_has(RBAC "team-b/rolebindings/devs"));
	sync_room_end();
}
END_TEST

START_TEST(many_namespaces_are_read_by_the_clusters_lists_and_others_passed_over)
{
	struct ush_only only[40];
	char names[40][16];
	USH_AUTO_SYNC sync = {0};

	sync_room_begin(TEAMS, GROUPS);
	for (size_t i = 0; i < USH_COUNT(only); i++) {
		snprintf(names[i], sizeof names[i], "team-%02zu", i);
		only[i] = (struct ush_only){names[i], NULL, false};
	}
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'team-pay','labels':{'team':'pay'}}}");
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("policy.yaml", HEAD "- {group: ops, role: editor, namespacePattern: 'team-*', name: ops}\n"); /* devs are to go in team-pay, and there ops has another role */
	plan_for(&sync, only, USH_COUNT(only));
	ck_assert_uint_eq(fake_kube_count(room.fake, NULL, NULL), 4);
	ck_assert_uint_eq(reads("/apis/rbac.authorization.k8s.io/v1/rolebindings"), 1);
	ck_assert_uint_eq(ush_plan_count(sync.plan, USH_CREATE), USH_COUNT(only));
	ck_assert_uint_eq(sync.plan->change_count, USH_COUNT(only));
	sync_room_end();
}
END_TEST

/* The namespace of the old group is none of the few, and no run has seen yet that it went. */
START_TEST(a_group_made_anew_waits_though_only_another_namespace_knows_the_old_one)
{
	const struct ush_only few[] = {{"team-new", NULL, true}};
	struct ush_only many[40];
	char names[40][16];
	USH_AUTO_SYNC sync = {0};

	sync_room_begin(TEAMS, GROUPS);
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'team-pay','labels':{'team':'pay'}}}");
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("groups.json", "{\"groups\":[{\"name\":\"pay-devs\",\"id\":\"1\"},{\"name\":\"ops\",\"id\":\"7\",\"members\":[\"mallory\"]}],\"count\":2}");
	plan_for(&sync, few, 1);
	ck_assert_uint_eq(sync.plan->change_count, 2); /* a Role, and */
	ck_assert(sync.plan->changes[1].consent);
	ck_assert_ptr_nonnull(strstr(sync.plan->changes[1].reason, "id 2 before, says team-pay/ops, 7 now"));
	apply(&sync);
	ck_assert(!sync_room_has(RBAC "team-new/rolebindings/ops"));
	ush_sync_free(&sync);
	for (size_t i = 0; i < USH_COUNT(many); i++) { /* so many that all is listed */
		snprintf(names[i], sizeof names[i], "team-%02zu", i);
		many[i] = (struct ush_only){names[i], NULL, false};
	}
	plan_for(&sync, many, USH_COUNT(many));
	for (size_t i = 0; i < sync.plan->change_count; i++)
		ck_assert(sync.plan->changes[i].kind == USH_ROLE || sync.plan->changes[i].consent);
	ck_assert_uint_eq(sync.plan->change_count, 2 * USH_COUNT(many));
	sync_room_end();
}
END_TEST

/* Nobody is bound by half a list. */
START_TEST(a_list_of_all_that_cannot_be_had_stops_the_plan)
{
	const struct ush_only few[] = {{"team-new", NULL, true}};
	USH_AUTO_FREE char *path = NULL;
	USH_AUTO_SYNC sync = {0};

	sync_room_begin(TEAMS, GROUPS);
	path = ush_printf("%s/policy.yaml", room.folder);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "GET", .path = ALL_BINDINGS, .status = 403, .times = 9});
	sync = (struct ush_sync){.world = &room.fake->world, .kube = &room.fake->kube, .state_namespace = "default", .only = few, .only_count = 1};
	ck_assert_int_eq(ush_sync_plan(&sync, path, &room.err), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
	ck_assert_ptr_null(sync.plan);
	sync_room_end();
}
END_TEST

START_TEST(a_name_that_none_can_have_is_refused)
{
	const struct ush_only only[] = {{"../x", NULL, false}};
	USH_AUTO_SYNC sync = {0};
	USH_AUTO_FREE char *path = NULL;

	sync_room_begin(TEAMS, GROUPS);
	path = ush_printf("%s/policy.yaml", room.folder);
	sync = (struct ush_sync){.world = &room.fake->world, .kube = &room.fake->kube, .state_namespace = "default", .only = only, .only_count = 1};
	ck_assert_int_eq(ush_sync_plan(&sync, path, &room.err), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_USAGE);
	ck_assert_uint_eq(room.fake->log_count, 0);
	sync_room_end();
}
END_TEST

TAP_MAIN("only", a_new_namespace_costs_state_and_ledger_and_one_list, of_a_namespace_that_is_there_its_own_two_lists_are_read,
	 nothing_goes_and_nothing_is_remembered_whatever_is_gone, many_namespaces_are_read_by_the_clusters_lists_and_others_passed_over,
	 a_group_made_anew_waits_though_only_another_namespace_knows_the_old_one, a_list_of_all_that_cannot_be_had_stops_the_plan,
	 a_name_that_none_can_have_is_refused)
