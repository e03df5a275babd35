/* SPDX-License-Identifier: Apache-2.0
 *
 * A list of many pages whose version the server forgets on the way (410, Expired), or that comes from before the version of
 * its first page because etcd was restored in between: it is read from the start, and where that fails too nothing is
 * concluded from what was there of it.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_room.h"

#define ALL	 "/apis/rbac.authorization.k8s.io/v1/"
#define NEXT	 "?limit=5000&continue"
#define OF_OURS	 ALL "rolebindings?limit=5000&labelSelector=app.kubernetes.io%2Fmanaged-by%3Dusher-broker%2Cusher.dev%2Fpolicy%3Ddefault"

static const struct {
	const char *path, *kind, *version;
} lists[] = {{"/api/v1/namespaces" NEXT, "Namespace", "v1"},
	     {ALL "clusterroles" NEXT, "ClusterRole", "rbac.authorization.k8s.io/v1"},
	     {ALL "roles" NEXT, "Role", "rbac.authorization.k8s.io/v1"},
	     {ALL "rolebindings" NEXT, "RoleBinding", "rbac.authorization.k8s.io/v1"}};

/* Two of each kind at least, a page for each, and what is ours on the last one. */
static void begin(void)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	fake_kube_add(room.fake, "{'kind':'ClusterRole','metadata':{'name':'other'},'rules':[]}");
	fake_kube_add(room.fake, "{'kind':'Role','metadata':{'name':'a','namespace':'default'},'rules':[]}");
	for (int i = 0; i < 3; i++) {
		USH_AUTO_FREE char *object = ush_printf("{'kind':'RoleBinding','metadata':{'name':'o%d','namespace':'default'},"
							"'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'}}", i);

		fake_kube_add(room.fake, object);
	}
	room.fake->pages = 1;
	fake_kube_forget(room.fake);
}

static void expect_nothing_to_do(void)
{
	ck_assert_msg(sync_room_plan() == 0, "%s", room.err.what);
	ck_assert_uint_eq(room.plan->bindings_ours, 1);
	ck_assert_uint_eq(room.plan->bindings_others, 3);
	ck_assert_uint_eq(room.plan->dangling_count, 0);
	ck_assert(!ush_plan_writes(room.plan));
}

static void expect_stopped(const char *path, const char *why)
{
	USH_AUTO_FREE char *said = ush_strndup(path, strcspn(path, "?"));

	ck_assert_int_eq(sync_room_plan(), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ck_assert_msg(strstr(room.err.what, said) != NULL && strstr(room.err.what, why) != NULL && strchr(room.err.what, '\n') == NULL, "%s", room.err.what);
	ck_assert_ptr_null(room.plan);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	ck_assert(sync_room_has(READ));
}

/* BC13 */
START_TEST(every_list_that_expires_begins_again_and_the_second_time_stops_the_run)
{
	begin();
	for (size_t i = 0; i < USH_COUNT(lists); i++) {
		fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "GET", .path = lists[i].path, .status = 410});
		expect_nothing_to_do();
		fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "GET", .path = lists[i].path, .status = 410, .times = 2});
		expect_stopped(lists[i].path, "page 2");
	}
	sync_room_end();
}
END_TEST

/* The page says that there is no more: whoever took it for the rest of the list would write what is there, or mourn it. */
START_TEST(a_page_from_before_the_first_ones_version_is_never_the_end_of_the_list)
{
	begin();
	for (size_t i = 0; i < USH_COUNT(lists); i++) {
		USH_AUTO_FREE char *older = ush_printf("{\"kind\":\"%sList\",\"apiVersion\":\"%s\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}", lists[i].kind,
						       lists[i].version);

		fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "GET", .path = lists[i].path, .status = 200, .body = older});
		expect_nothing_to_do();
		fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "GET", .path = lists[i].path, .status = 200, .body = older, .times = 2});
		expect_stopped(lists[i].path, "another version than the first page");
		fake_kube_forget(room.fake);
	}
	sync_room_end();
}
END_TEST

/* What a server says of a version that it has not got to yet, after a restore. */
START_TEST(a_version_that_is_to_come_stops_the_run)
{
	static const char future[] = "{\"kind\":\"Status\",\"status\":\"Failure\",\"code\":500,\"message\":\"etcdserver: mvcc: required revision is a future revision\"}";

	begin();
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "GET", .path = lists[3].path, .status = 500, .body = future, .times = 99});
	expect_stopped(lists[3].path, "future revision");
	sync_room_end();
}
END_TEST

/* ---- of other namespaces, for a plan for a few ---- */

static struct ush_only few[] = {{"new", NULL, true}};

static int plan_few(struct ush_sync *sync)
{
	USH_AUTO_FREE char *path = ush_printf("%s/policy.yaml", room.folder);

	ush_sync_free(sync);
	*sync = (struct ush_sync){.world = &room.fake->world, .kube = &room.fake->kube, .state_namespace = "default", .only = few, .only_count = 1};
	return ush_sync_plan(sync, path, &room.err);
}

/* On the second reading the old group's binding is not there any more. */
static void take_away(void *context, struct fake_kube *fake, const char *method, const char *path)
{
	(void)context;
	(void)method;
	if (strncmp(path, OF_OURS "&continue", strlen(OF_OURS "&continue")) == 0)
		fake_kube_remove(fake, RBAC "fancy-namespace/rolebindings/a");
}

START_TEST(what_a_list_said_that_began_again_is_forgotten)
{
	USH_AUTO_SYNC sync = {0};

	sync_room_begin(HEAD "- {group: b, role: editor, namespaces: [fancy-namespace, new], name: a}\n"
			     "- {group: k8s-restricted-users, role: editor, namespaces: [fancy-namespace], name: z}\n", FULL);
	sync_room_run(); /* one namespace is not there yet */
	ck_assert_uint_eq(room.applied.done, 2);
	sync_room_put("groups.json", "{\"groups\":[{\"name\":\"k8s-restricted-users\",\"id\":\"1\"},{\"name\":\"b\",\"id\":\"9\"}],\"count\":2}");
	room.fake->pages = 1;
	ck_assert_msg(plan_few(&sync) == 0, "%s", room.err.what);
	ck_assert_uint_eq(sync.plan->change_count, 1);
	ck_assert(sync.plan->changes[0].consent);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "GET", .path = OF_OURS "&continue", .status = 410, .times = 2});
	ck_assert_int_eq(plan_few(&sync), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ck_assert_ptr_null(sync.plan);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "GET", .path = OF_OURS "&continue", .status = 410});
	room.fake->before = take_away;
	ck_assert_msg(plan_few(&sync) == 0, "%s", room.err.what);
	ck_assert_uint_eq(sync.plan->change_count, 1);
	ck_assert(!sync.plan->changes[0].consent);
	sync_room_end();
}
END_TEST

TAP_MAIN("expired_list", every_list_that_expires_begins_again_and_the_second_time_stops_the_run,
	 a_page_from_before_the_first_ones_version_is_never_the_end_of_the_list, a_version_that_is_to_come_stops_the_run,
	 what_a_list_said_that_began_again_is_forgotten)
