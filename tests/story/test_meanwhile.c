/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger against whoever writes meanwhile, and against who writes into what was given for a time.
 */
#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/lifecycle/elevate/elevate.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/ledger_room.h"
#include "tests/support/tap.h"

#define DENY_DAVE  ledger_room_deny(USH_LEDGER_GROUP, "k8s-restricted-users", "oidc:k8s-restricted-users", "1")

/* ---- written into ---- */

/* Who has a role that lets them write bindings may write into the one that gives it: the ledger knows it by its name. */
static void write_anew(const char *metadata)
{
	USH_AUTO_FREE char *text = ush_printf("{'kind':'RoleBinding','metadata':{'name':'%s','namespace':'fancy-namespace'%s},'roleRef':{'apiGroup':"
					      "'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'},'subjects':[{'kind':'User','apiGroup':"
					      "'rbac.authorization.k8s.io','name':'oidc:bob'}]}",
					      ledger_room_made.binding, metadata);

	fake_kube_add(room.fake, text);
}

START_TEST(taking_our_marks_off_makes_nothing_last_longer)
{
	static const char *const marks[] = {"", ",'labels':{'usher.dev/elevation-of':'default'}", ",'labels':{'app.kubernetes.io/managed-by':'usher-broker'}", ",'labels':{'usher.dev/elevation':'00000000'}",
					    ",'labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/elevation':'00000000','usher.dev/elevation-of':'x'}",
					    ",'labels':{'app.kubernetes.io/managed-by':'Helm'},'annotations':{'meta.helm.sh/release-name':'x'}",
					    ",'ownerReferences':[{'apiVersion':'v1','kind':'ConfigMap','name':'n','uid':'u'}]"};

	for (size_t i = 0; i < USH_COUNT(marks); i++) {
		sync_room_begin(FOR_A_TIME, FULL);
		ck_assert_int_eq(sync_room_run(), 0);
		ledger_room_elevate(NULL, 300);
		write_anew(marks[i]);
		room.fake->now_ms += 300 * 1000;
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert_msg(!ledger_room_stands(), "case %zu", i);
		ck_assert(!sync_room_says(USH_NOTE, "gone already"));
		ck_assert(!sync_room_says(USH_CONFLICT, ""));
		sync_room_end();
	}
}
END_TEST

START_TEST(a_name_like_that_of_one_is_nothing_to_us_unless_the_ledger_has_it)
{
	sync_room_begin(FOR_A_TIME, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	fake_kube_add(room.fake, "{'kind':'RoleBinding','metadata':{'name':'usher-elevated-deadbeef','namespace':'fancy-namespace'},'roleRef':{'apiGroup':"
				 "'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'},'subjects':[]}");
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(BINDINGS "/usher-elevated-deadbeef"));
	sync_room_end();
}
END_TEST

START_TEST(one_ends_before_its_time_whatever_is_written_into_it)
{
	struct ush_ledger_entry ended = {0};

	sync_room_begin(FOR_A_TIME, FULL);
	ledger_room_elevate(NULL, 7200);
	write_anew("");
	ck_assert_int_eq(ush_elevate_end(&room.fake->kube, "default", "default", ledger_room_made.key, &ended, &room.err), 0);
	ck_assert(!ledger_room_stands());
	ush_ledger_entry_free(&ended);
	sync_room_end();
}
END_TEST

static void deny_meanwhile(void *context, struct fake_kube *fake, const char *method, const char *path)
{
	(void)context;
	if (strcmp(method, "POST") != 0 || strncmp(path, BINDINGS, strlen(BINDINGS)) != 0)
		return;
	fake->before = NULL;
	ledger_room_deny(USH_LEDGER_USER, "bob", "oidc:bob", NULL);
}

/* Their bindings were looked at before this one was there. */
START_TEST(who_is_denied_while_a_role_is_given_does_not_get_it)
{
	sync_room_begin(FOR_A_TIME, FULL);
	room.fake->before = deny_meanwhile;
	ck_assert_int_eq(ledger_room_try_elevate(NULL, 7200), -1);
	ck_assert_ptr_null(room.fake->before);
	ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(room.err.what, "bob is denied since"));
	ck_assert(!ledger_room_stands());
	USH_AUTO_LEDGER ledger = {0};

	ck_assert_int_eq(ush_ledger_load(&ledger, &room.fake->kube, "default", "default", NULL, &room.err), 0);
	ck_assert_uint_eq(ledger.count, 1);
	sync_room_end();
}
END_TEST

/* ---- while a run is on its way ---- */

static int apply(void)
{
	ush_applied_free(&room.applied);
	room.applied = (struct ush_applied){0};
	room.err = (struct ush_error){0};
	return ush_apply(&room.fake->kube, room.plan, "test-1", &room.applied, &room.err);
}

/* The group has no binding yet, so there is nothing to take it out of, and nothing in the cluster moved. */
START_TEST(who_is_offboarded_after_the_plan_gets_nothing_by_it)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_plan(), 0);
	DENY_DAVE;
	ck_assert_int_eq(ush_apply_check(&room.fake->kube, room.plan, &room.err), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(room.err.what, "group k8s-restricted-users was offboarded since the plan was made"));
	ck_assert_int_eq(apply(), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
	ck_assert(!sync_room_has(READ));
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(READ));
	sync_room_end();
}
END_TEST

/* Written to a file and read again, as `apply --plan` has it. */
static void through_a_file(void)
{
	USH_AUTO_BUF text = {0};
	USH_AUTO_JSON json = NULL;
	struct ush_plan *read;

	ck_assert_int_eq(ush_plan_print(room.plan, &text), 0);
	json = ush_json_parse(text.data, text.length, "plan.json", USH_ERR_CONFIG, &room.err);
	read = ush_plan_from_json(json, "plan.json", &room.err);
	ck_assert_msg(read != NULL, "%s", room.err.what);
	ush_plan_free(room.plan);
	room.plan = read;
}

/* The clock that dates both may have been set between, or be another replica's. */
START_TEST(a_plan_of_a_file_knows_whom_the_ledger_denied_whatever_the_clock_says)
{
	for (int before = 0; before <= 1; before++) {
		sync_room_begin(STORY, FULL);
		if (before)
			DENY_DAVE;
		ck_assert_int_eq(sync_room_plan(), 0);
		through_a_file();
		room.plan->made += before ? -7200 : 7200;
		if (!before)
			DENY_DAVE;
		ck_assert_int_eq(ush_apply_check(&room.fake->kube, room.plan, &room.err), before ? 0 : -1);
		ck_assert_int_eq(room.err.code, before ? USH_OK : USH_ERR_REFUSED);
		sync_room_end();
	}
}
END_TEST

/* Where a file does not say whom the ledger denied the moment decides. */
START_TEST(a_plan_of_a_file_is_older_than_whoever_was_offboarded_since)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_plan(), 0);
	room.plan->denied_known = false;
	DENY_DAVE;
	ck_assert_int_eq(ush_apply_check(&room.fake->kube, room.plan, &room.err), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
	room.plan->made += 60;
	ck_assert_int_eq(ush_apply_check(&room.fake->kube, room.plan, &room.err), 0);
	sync_room_end();
}
END_TEST

static void deny_first(void *context, struct fake_kube *fake, const char *method, const char *path)
{
	(void)context;
	if (strcmp(method, "POST") != 0 || strncmp(path, BINDINGS, strlen(BINDINGS)) != 0)
		return;
	fake->before = NULL;
	DENY_DAVE;
}

START_TEST(who_is_offboarded_while_a_run_writes_is_told_and_goes_with_the_next)
{
	sync_room_begin(STORY, FULL);
	room.fake->before = deny_first;
	ck_assert_int_eq(sync_room_run(), 10);
	sync_room_expect_failed("group k8s-restricted-users was offboarded since the plan was made");
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(READ));
	sync_room_end();
}
END_TEST

TAP_MAIN("meanwhile", taking_our_marks_off_makes_nothing_last_longer, a_name_like_that_of_one_is_nothing_to_us_unless_the_ledger_has_it,
	 one_ends_before_its_time_whatever_is_written_into_it, who_is_denied_while_a_role_is_given_does_not_get_it,
	 who_is_offboarded_after_the_plan_gets_nothing_by_it,
	 a_plan_of_a_file_knows_whom_the_ledger_denied_whatever_the_clock_says, a_plan_of_a_file_is_older_than_whoever_was_offboarded_since,
	 who_is_offboarded_while_a_run_writes_is_told_and_goes_with_the_next)
