/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/onboard_room.h"

#include <check.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"

struct onboard_room onboard_room;
static struct ush_list values;
static struct ush_policy *policy;
static struct ush_sync sync;

void onboard_room_begin(void)
{
	onboard_room.wrote = 0;
	sync_room_begin(ONBOARD_POLICY, ONBOARD_GROUPS);
}

static void forget(void)
{
	ush_onboard_free(&onboard_room.last);
	onboard_room.last = (struct ush_onboard){0};
	ush_list_free(&values);
	ush_sync_free(&sync);
	sync = (struct ush_sync){0};
	free(onboard_room.text);
	onboard_room.text = NULL;
}

void onboard_room_end(void)
{
	forget();
	sync_room_end();
}

static void wrote(void *context, const char *kind, const char *namespace_name, const char *name, const struct ush_change *change, enum ush_onboard_outcome outcome)
{
	ck_assert((change != NULL) == (strncmp(kind, "Role", 4) == 0));
	ck_assert_ptr_null(context);
	ck_assert_str_eq(namespace_name, "a-dev");
	ck_assert((outcome == USH_ONBOARD_CREATED || outcome == USH_ONBOARD_PATCHED) && *kind != '\0' && *name != '\0');
	onboard_room.wrote++;
}

int onboard_room_run(const char *team, bool adopt, enum ush_onboard_dry dry, size_t count)
{
	USH_AUTO_FREE char *path = ush_printf("%s/policy.yaml", room.folder), *value = ush_printf("team=%s", team);
	const char *said[] = {value};
	char *names[] = {(char *)(uintptr_t)"a-dev", (char *)(uintptr_t)"a-test", (char *)(uintptr_t)"a-prod"};
	struct ush_buf out = {0};

	forget();
	memset(&room.err, 0, sizeof room.err);
	policy = ush_policy_load(path, NULL, &room.err);
	ck_assert_msg(policy != NULL, "%s", room.err.what);
	policy->templates[0].max_namespaces = onboard_room.most;
	ck_assert_int_eq(ush_onboard_values(&policy->templates[0], &(struct ush_strings){said, 1}, &values, &room.err), 0);
	sync = (struct ush_sync){.world = &room.fake->world, .kube = &room.fake->kube, .state_namespace = "default", .no_people = policy->layout != USH_LAYOUT_USERS,
				 .policy = policy};
	onboard_room.last = (struct ush_onboard){.kube = &room.fake->kube, .policy = policy, .template = &policy->templates[0], .values = &values, .adopt = adopt,
						 .dry = dry, .wait_ms = 1000, .holder = "me-1", .wrote = count == 1 && team[0] == 'a' && !adopt ? wrote : NULL};
	ush_onboard_begin(&onboard_room.last, names, count);
	if (ush_onboard_plan(&onboard_room.last, &sync, &room.err) == 0) {
		ush_onboard_carry_out(&onboard_room.last, &sync);
		ush_onboard_text(&onboard_room.last, &out);
		ush_onboard_verdict(&onboard_room.last, &room.err);
	}
	onboard_room.text = ush_buf_take(&out);
	return room.err.code != USH_OK ? ush_code_status(room.err.code) : 0;
}

void onboard_room_ends(int status, int expected)
{
	ck_assert_msg(status == expected, "ended with %d, not %d: %s\n%s", status, expected, room.err.what, onboard_room.text);
}

void onboard_room_tells(const char *what)
{
	ck_assert_msg(strstr(onboard_room.text, what) != NULL, "lacks \"%s\":\n%s", what, onboard_room.text);
}

const char *onboard_room_label(const char *key)
{
	return ush_json_string(ush_json_object(ush_json_object(fake_kube_object(room.fake, SPACE), "metadata"), "labels"), key);
}
