/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan that is made again before it is carried out: from the same sources and a fake API server. BM03. And names of an
 * API server's that are none.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/sync/plan/moved.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_room.h"

/* As it came back from its file. */
static struct ush_plan *keep(void)
{
	USH_AUTO_JSON json = NULL;
	struct ush_error err = {0};
	struct ush_plan *plan;

	ck_assert_msg(sync_room_plan() == 0, "%s", room.err.what);
	json = ush_plan_to_json(room.plan);
	plan = ush_plan_from_json(json, "plan.json", &err);
	ck_assert_msg(plan != NULL, "%s", err.what);
	return plan;
}

static void expect_moved(const struct ush_plan *then, const char *what)
{
	struct ush_error err = {0};

	ck_assert_msg(sync_room_plan() == 0, "%s", room.err.what);
	ck_assert_int_eq(ush_plan_moved(then, room.plan, &err), what != NULL ? -1 : 0);
	if (what != NULL)
		ck_assert_msg(strstr(err.what, what) != NULL, "%s", err.what);
}

START_TEST(what_the_sources_say_now_decides_whether_a_plan_still_holds)
{
	USH_AUTO_PLAN then = NULL;

	sync_room_begin(STORY, FULL);
	then = keep();
	ck_assert_int_gt(then->made, 0);
	expect_moved(then, NULL);
	sync_room_put("groups.json", "{\"groups\":[{\"name\":\"k8s-restricted-users\",\"id\":\"1\",\"members\":[\"carol\",\"dave\"]},{\"name\":\"b\",\"id\":\"2\"},"
				     "{\"name\":\"c\",\"id\":\"3\",\"members\":[\"x\"]}],\"count\":3}");
	expect_moved(then, NULL);
	sync_room_put("groups.json", "{\"groups\":[{\"name\":\"k8s-restricted-users\",\"id\":\"1\",\"members\":[\"carol\",\"dave\",\"erin\"]},{\"name\":\"b\",\"id\":\"2\"}],"
				     "\"count\":2}");
	expect_moved(then, "oidc:k8s-restricted-users had 2 people when planned, has 3 now; nothing was written");
	sync_room_put("groups.json", "{\"groups\":[{\"name\":\"k8s-restricted-users\",\"id\":\"77\",\"members\":[\"carol\",\"dave\"]},{\"name\":\"b\",\"id\":\"2\"}],\"count\":2}");
	expect_moved(then, "source main: its groups or their members are others now: RoleBinding fancy-namespace/read-pods-services is to become another one now");
	sync_room_put("groups.json", WITHOUT);
	expect_moved(then, "source main: 2 groups when planned, 1 now: ");
	sync_room_put("groups.json", FULL);
	expect_moved(then, NULL);
	sync_room_end();
}
END_TEST

START_TEST(a_plan_that_was_carried_out_is_not_the_same_any_more)
{
	USH_AUTO_PLAN then = NULL;

	sync_room_begin(STORY, FULL);
	then = keep();
	ck_assert_int_eq(sync_room_run(), 0);
	expect_moved(then, "nothing was written");
	sync_room_end();
}
END_TEST

/* Names go into paths and onto terminals: what no API server takes for one ends the run. */
START_TEST(a_name_that_leads_elsewhere_is_not_believed)
{
	static const char *const objects[] = {
		"{'kind':'Namespace','metadata':{'name':'..'}}",
		"{'kind':'Namespace','metadata':{'name':'UPPER'}}",
		"{'kind':'RoleBinding','metadata':{'name':'..','namespace':'fancy-namespace'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'}}",
		"{'kind':'Role','metadata':{'name':'a%2fb','namespace':'fancy-namespace'},'rules':[]}",
		"{'kind':'ClusterRole','metadata':{'name':'a%2fb'},'rules':[]}",
	};

	for (size_t i = 0; i < USH_COUNT(objects); i++) {
		sync_room_begin(STORY, FULL);
		fake_kube_add(room.fake, objects[i]);
		ck_assert_msg(sync_room_plan() == -1, "believed: %s", objects[i]);
		ck_assert_int_eq(ush_code_status(room.err.code), 7);
		ck_assert_msg(strstr(room.err.what, " can be called \"") != NULL && strstr(room.err.what, "nothing was concluded") != NULL, "%s", room.err.what);
		sync_room_end();
	}
	sync_room_begin(STORY, FULL); /* what a server may well hold, and others may call theirs, stops nobody */
	fake_kube_add(room.fake, "{'kind':'RoleBinding','metadata':{'name':'odd*one:x','namespace':'fancy-namespace'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'}}");
	ck_assert_msg(sync_room_plan() == 0, "%s", room.err.what);
	sync_room_end();
}
END_TEST

TAP_MAIN("plan_again", what_the_sources_say_now_decides_whether_a_plan_still_holds, a_plan_that_was_carried_out_is_not_the_same_any_more,
	 a_name_that_leads_elsewhere_is_not_believed)
