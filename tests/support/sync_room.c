/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sync_room.h"

#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "tests/support/tap.h"

struct sync_room room;

void sync_room_put(const char *name, const char *text)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", room.folder, name);

	ck_assert_int_eq(ush_file_write(path, text, strlen(text), 0600, &room.err), 0);
}

void sync_room_begin(const char *policy, const char *groups)
{
	snprintf(room.folder, sizeof room.folder, "%s", tap_folder());
	sync_room_put("policy.yaml", policy);
	sync_room_put("groups.json", groups);
	room.fake = fake_kube_new();
	fake_kube_add(room.fake, "{'kind':'Namespace','metadata':{'name':'fancy-namespace'}}");
	fake_kube_add(room.fake, "{'kind':'ClusterRole','metadata':{'name':'edit'},'rules':[{'apiGroups':[''],'resources':['pods'],'verbs':['create']}]}");
	fake_kube_forget(room.fake);
}

void sync_room_end(void)
{
	ush_applied_free(&room.applied);
	ush_plan_free(room.plan);
	room.plan = NULL;
	fake_kube_free(room.fake);
}

int sync_room_plan(void)
{
	USH_AUTO_SYNC sync = {.world = &room.fake->world, .kube = &room.fake->kube, .state_namespace = "default"};
	USH_AUTO_FREE char *path = ush_printf("%s/policy.yaml", room.folder);

	memset(&room.err, 0, sizeof room.err);
	ush_plan_free(room.plan);
	room.plan = NULL;
	if (ush_sync_plan(&sync, path, &room.err) != 0)
		return -1;
	room.plan = ush_steal(&sync.plan);
	return 0;
}

/* Plans and, when nothing stops it, applies. The status that the verb would end with when all is done. */
int sync_room_run(void)
{
	ush_applied_free(&room.applied);
	ck_assert_msg(sync_room_plan() == 0, "%s", room.err.what);
	if (room.plan->stop.code != USH_OK)
		return ush_code_status(room.plan->stop.code);
	if (ush_apply(&room.fake->kube, room.plan, "test-1", &room.applied, &room.err) != 0)
		return ush_code_status(room.err.code);
	if (room.applied.failed.count > 0)
		return 10;
	return ush_plan_verdict(room.plan, &room.err) == USH_ERR_INCOMPLETE ? 3 : room.applied.pending > 0 ? 10 : 0;
}

void sync_room_expect_failed(const char *what)
{
	ck_assert_uint_eq(room.applied.failed.count, 1);
	ck_assert_msg(strstr(room.applied.failed.items[0], what) != NULL, "\"%s\" lacks \"%s\"", room.applied.failed.items[0], what);
}

bool sync_room_has(const char *path)
{
	return fake_kube_object(room.fake, path) != NULL;
}

/* Where in the log a request stands, SIZE_MAX when it did not come in. */
size_t sync_room_when(const char *method, const char *path)
{
	for (size_t i = 0; i < room.fake->log_count; i++)
		if (strcmp(room.fake->log[i].method, method) == 0 && strncmp(room.fake->log[i].path, path, strlen(path)) == 0)
			return i;
	return SIZE_MAX;
}

bool sync_room_says(enum ush_action action, const char *what)
{
	for (size_t i = 0; i < room.plan->change_count; i++)
		if (room.plan->changes[i].action == action && strstr(room.plan->changes[i].reason, what) != NULL)
			return true;
	return false;
}

void sync_room_ahead(int64_t ms)
{
	room.fake->now_ms += ms - room.fake->behind_ms;
	room.fake->behind_ms = ms;
	room.fake->config.dated = false;
	room.fake->config.ahead_s = 0;
}
