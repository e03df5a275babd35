/* SPDX-License-Identifier: Apache-2.0
 *
 * maxNamespaces of a template, when several ask at the same moment.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/onboard_room.h"

#define LEASES	  "/apis/coordination.k8s.io/v1/namespaces/default/leases"
#define OUR_LEASE LEASES "/usher-broker-onboard"
#define ANOTHER	  "{'kind':'Namespace','metadata':{'name':'a-other','labels':{'usher.dev/onboarding':'team','template.usher.dev/team':'a'}}}"

static size_t left; /* requests until the hook does something */

static void add_lease(const char *spec)
{
	USH_AUTO_FREE char *lease = ush_printf("{'apiVersion':'coordination.k8s.io/v1','kind':'Lease','metadata':{'name':'usher-broker-onboard','namespace':'default'},"
					       "'spec':{%s}}", spec);

	fake_kube_add(room.fake, lease);
}

static const char *holder(void)
{
	const json_t *lease = fake_kube_object(room.fake, OUR_LEASE);

	ck_assert_ptr_nonnull(lease);
	return ush_json_string(ush_json_object(lease, "spec"), "holderIdentity");
}

static bool is_write_of(const char *method, const char *path, const char *prefix)
{
	return strcmp(method, "GET") != 0 && strncmp(path, prefix, strlen(prefix)) == 0;
}

/* Somebody takes the lease, makes a namespace and gives it back, just after we counted and before we have it. */
static void another_is_faster(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	(void)context;
	if (!is_write_of(method, path, LEASES))
		return;
	kube->before = NULL;
	fake_kube_add(kube, ANOTHER);
	add_lease("'leaseDurationSeconds':1,'renewTime':'2026-01-01T00:00:00.000000Z'");
}

/* BE44: whether the Lease was there or not. */
START_TEST(who_is_made_between_the_count_and_the_lease_is_counted)
{
	for (int there = 0; there < 2; there++) {
		onboard_room_begin();
		onboard_room.most = 1;
		if (there)
			add_lease("'leaseDurationSeconds':1");
		room.fake->before = another_is_faster;
		onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 5);
		ck_assert_ptr_nonnull(strstr(room.err.what, "team=a has 1 namespace of template team, 1 more would be too many: 1 is the most; nothing was made"));
		ck_assert_uint_eq(fake_kube_count(room.fake, "POST", "/api/v1/namespaces"), 0);
		onboard_room.most = 2;
		onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
		ck_assert_pstr_eq(holder(), NULL);
		onboard_room_end();
	}
}
END_TEST

static void gives_back_later(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	(void)context;
	if (strcmp(method, "GET") != 0 || strcmp(path, OUR_LEASE) != 0 || left-- > 0)
		return;
	kube->before = NULL;
	add_lease("'leaseDurationSeconds':1");
}

static void hold_until(int64_t now_ms)
{
	char text[40];
	USH_AUTO_FREE char *spec = NULL;
	struct tm tm;

	gmtime_r(&(time_t){now_ms / 1000}, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.000000Z", &tm);
	spec = ush_printf("'holderIdentity':'other-7','leaseDurationSeconds':60,'renewTime':'%s'", text);
	add_lease(spec);
}

START_TEST(who_onboards_at_the_same_moment_is_waited_for)
{
	onboard_room_begin();
	onboard_room.most = 1;
	hold_until(room.fake->now_ms);
	left = 5;
	room.fake->before = gives_back_later;
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	ck_assert_uint_eq(fake_kube_count(room.fake, "GET", OUR_LEASE), 6);
	ck_assert_uint_eq(fake_kube_count(room.fake, "GET", "/api/v1/namespaces?labelSelector"), 2); /* before it waits, and when it has it */
	onboard_room_end();
}
END_TEST

START_TEST(who_died_meanwhile_is_waited_for_no_longer_than_people_wait)
{
	int64_t began;

	onboard_room_begin();
	onboard_room.most = 1;
	hold_until(room.fake->now_ms);
	began = room.fake->now_ms;
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 5);
	ck_assert_int_le(room.fake->now_ms - began, 16000);
	ck_assert_str_eq(room.err.what, "another usher-broker is onboarding (other-7); nothing was written");
	ck_assert_ptr_nonnull(strstr(room.err.hint, "Try again; should it have died, its lease ends at "));
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	room.fake->now_ms += 60000;
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	onboard_room_end();
}
END_TEST

/* What was counted already takes no room, and where there is none nobody need wait to hear it. */
START_TEST(who_is_counted_or_comes_too_late_anyhow_waits_for_nobody)
{
	int64_t began;

	onboard_room_begin();
	onboard_room.most = 1;
	fake_kube_add(room.fake, HALF_SPACE); /* of the run that died with the lease */
	hold_until(room.fake->now_ms);
	began = room.fake->now_ms;
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 2), 5);
	ck_assert_ptr_nonnull(strstr(room.err.what, "1 more would be too many"));
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	ck_assert_int_lt(room.fake->now_ms - began, 2000);
	ck_assert_str_eq(holder(), "other-7");
	onboard_room_end();
}
END_TEST

START_TEST(the_lease_is_held_until_the_namespaces_are_made_and_given_back_whatever_comes)
{
	onboard_room_begin();
	onboard_room.most = 3;
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 3), 0);
	ck_assert_uint_lt(sync_room_when("POST", LEASES), sync_room_when("POST", "/api/v1/namespaces"));
	ck_assert_uint_lt(sync_room_when("PATCH", SPACE "?"), sync_room_when("PUT", OUR_LEASE));
	ck_assert_uint_lt(sync_room_when("PUT", OUR_LEASE), sync_room_when("POST", SPACE_RBAC "/rolebindings"));
	ck_assert_pstr_eq(holder(), NULL);
	onboard_room_end();
	onboard_room_begin();
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = "/api/v1/namespaces", .times = 9, .status = 403});
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 10);
	ck_assert_pstr_eq(holder(), NULL);
	onboard_room_end();
}
END_TEST

START_TEST(where_nothing_is_new_or_nothing_is_written_nobody_is_kept_waiting)
{
	onboard_room_begin();
	onboard_room.most = 1;
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_SERVER, 1), 0);
	ck_assert_uint_eq(fake_kube_count(room.fake, NULL, LEASES), 0);
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	fake_kube_forget(room.fake);
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 1), 0);
	ck_assert_uint_eq(fake_kube_count(room.fake, "PUT", LEASES) + fake_kube_count(room.fake, "POST", LEASES), 0);
	onboard_room.most = 0;
	onboard_room_ends(onboard_room_run("a", false, USH_DRY_NONE, 2), 0);
	ck_assert_uint_eq(fake_kube_count(room.fake, "PUT", LEASES), 0);
	onboard_room_end();
}
END_TEST

TAP_MAIN("allowance", who_is_made_between_the_count_and_the_lease_is_counted, who_onboards_at_the_same_moment_is_waited_for,
	 who_died_meanwhile_is_waited_for_no_longer_than_people_wait, who_is_counted_or_comes_too_late_anyhow_waits_for_nobody, the_lease_is_held_until_the_namespaces_are_made_and_given_back_whatever_comes,
	 where_nothing_is_new_or_nothing_is_written_nobody_is_kept_waiting)
