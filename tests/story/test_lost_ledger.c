/* SPDX-License-Identifier: Apache-2.0
 *
 * A ledger that somebody deleted, or that is another one than it was, is no empty one: nobody who was offboarded comes back
 * by that. Whole runs.
 */
#include <string.h>
#include <unistd.h>

#include "broker/ledger/ledger_store.h"
#include "broker/lifecycle/elevate/elevate.h"
#include "broker/sync/apply/render.h"
#include "broker/sync/decide/elevated.h"
#include "broker/sync/state/ledger_note.h"
#include "broker/sync/state/store.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/ledger_room.h"
#include "tests/support/tap.h"

#define MAPS   "/api/v1/namespaces/default/configmaps"
#define LEDGER MAPS "/usher-broker-ledger"
#define STATE  MAPS "/usher-broker-state"

static json_t *annotations(void)
{
	return json_object_get(json_object_get(fake_kube_object(room.fake, STATE), "metadata"), "annotations");
}

static const char *noted(void)
{
	return ush_json_string(annotations(), USH_STATE_LEDGER);
}

static const char *uid(void)
{
	return ush_json_string(ush_json_object(fake_kube_object(room.fake, LEDGER), "metadata"), "uid");
}

/* What a person does with `kubectl annotate configmap -n default usher-broker-state usher.dev/ledger-`. */
static void take_off_note(void)
{
	USH_AUTO_JSON map = json_deep_copy(fake_kube_object(room.fake, STATE));
	int status;

	json_object_del(json_object_get(json_object_get(map, "metadata"), "annotations"), USH_STATE_LEDGER);
	ck_assert_int_eq(ush_kube_update(&room.fake->kube, STATE, map, &status, NULL, &room.err), 0);
	ck_assert_int_eq(status, 200);
}

/* The group that has the one binding is put out, and every run knows it. */
static void begin_denied(void)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(READ));
	ledger_room_deny(USH_LEDGER_GROUP, "k8s-restricted-users", "oidc:k8s-restricted-users", "1");
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(READ));
	ck_assert_str_eq(noted(), uid());
	fake_kube_forget(room.fake);
}

static void expect_stopped(const char *what)
{
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_plan(), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ck_assert_msg(strstr(room.err.what, what) != NULL, "\"%s\" lacks \"%s\"", room.err.what, what);
	ck_assert_str_eq(room.err.hint, "Restore it, or offboard them again; then: kubectl annotate configmap -n default usher-broker-state usher.dev/ledger-");
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	ck_assert(!sync_room_has(READ));
}

START_TEST(a_ledger_is_noted_once_and_at_rest_nothing_is_written)
{
	char hash[65];

	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_ptr_null(noted());
	ck_assert_int_eq(sync_room_plan(), 0);
	snprintf(hash, sizeof hash, "%s", room.plan->hash);
	ledger_room_deny(USH_LEDGER_USER, "mallory", "oidc:mallory", NULL);
	ck_assert_int_eq(sync_room_plan(), 0);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	ck_assert_int_eq(ush_plan_verdict(room.plan, &room.err), USH_DIFFERENCES);
	ck_assert_str_eq(room.plan->hash, hash); /* the same plan: nobody has to look at it anew */
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(fake_kube_count(room.fake, "PUT", STATE), 1);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 3); /* the lease, taken and given back, beside it */
	ck_assert_str_eq(noted(), uid());
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	sync_room_end();
}
END_TEST

START_TEST(a_plan_that_just_notes_the_ledger_says_so_and_is_the_same_from_a_file)
{
	USH_AUTO_BUF text = {0};
	USH_AUTO_JSON json = NULL;
	USH_AUTO_PLAN read = NULL;

	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_deny(USH_LEDGER_USER, "mallory", "oidc:mallory", NULL);
	room.fake->now_ms += 1000; /* a plan of a file knows by the second who was offboarded before it */
	ck_assert_int_eq(sync_room_plan(), 0);
	ush_plan_to_text(room.plan, &text, NULL);
	ck_assert_ptr_nonnull(strstr(text.data, "\nthe ledger to note.\n"));
	json = ush_plan_to_json(room.plan);
	read = ush_plan_from_json(json, "plan.json", &room.err);
	ck_assert_msg(read != NULL, "%s", room.err.what);
	ck_assert_str_eq(read->hash, room.plan->hash);
	ck_assert(ush_plan_writes(read));
	ck_assert_msg(ush_apply_check(&room.fake->kube, read, &room.err) == 0, "%s", room.err.what);
	ush_applied_free(&room.applied);
	ck_assert_int_eq(ush_apply(&room.fake->kube, read, "test-1", &room.applied, &room.err), 0);
	ck_assert_str_eq(noted(), uid());
	sync_room_end();
}
END_TEST

START_TEST(the_note_stays_whatever_else_the_state_is_told)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_deny(USH_LEDGER_USER, "mallory", "oidc:mallory", NULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("groups.json", WITHOUT);
	for (int i = 0; i < 3; i++) { /* a tombstone, then the binding goes, and the state is written before and after */
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert_str_eq(noted(), uid());
	}
	ck_assert(!sync_room_has(READ));
	sync_room_end();
}
END_TEST

START_TEST(a_state_that_is_made_anew_beside_a_ledger_notes_it)
{
	begin_denied();
	fake_kube_remove(room.fake, STATE);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_str_eq(noted(), uid());
	ck_assert(!sync_room_has(READ));
	sync_room_end();
}
END_TEST

START_TEST(a_deleted_ledger_stops_every_run_until_somebody_says_that_it_is_whole)
{
	begin_denied();
	fake_kube_remove(room.fake, LEDGER);
	expect_stopped("the ledger is gone (ConfigMap default/usher-broker-ledger): whoever was offboarded would get back what they had, so no run goes on");
	expect_stopped("is gone");
	take_off_note();
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(READ));
	ck_assert_ptr_null(noted());
	sync_room_end();
}
END_TEST

/* Somebody deletes it, and the next one who is offboarded makes one with just that entry. */
START_TEST(a_ledger_that_was_made_anew_is_not_the_one_that_there_was)
{
	begin_denied();
	fake_kube_remove(room.fake, LEDGER);
	ledger_room_deny(USH_LEDGER_USER, "mallory", "oidc:mallory", NULL);
	expect_stopped("the ledger is another one than it was (ConfigMap default/usher-broker-ledger)");
	ck_assert_ptr_nonnull(uid());
	ledger_room_deny(USH_LEDGER_GROUP, "k8s-restricted-users", "oidc:k8s-restricted-users", "1"); /* again, as the hint says */
	take_off_note();
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(READ));
	ck_assert_str_eq(noted(), uid());
	sync_room_end();
}
END_TEST

START_TEST(a_part_of_a_plan_stops_likewise)
{
	const struct ush_only only[] = {{"fancy-namespace", NULL, false}};
	USH_AUTO_SYNC sync = {.state_namespace = "default", .only = only, .only_count = 1};
	USH_AUTO_FREE char *path = NULL;

	begin_denied();
	fake_kube_remove(room.fake, LEDGER);
	path = ush_printf("%s/policy.yaml", room.folder);
	sync.world = &room.fake->world;
	sync.kube = &room.fake->kube;
	ck_assert_int_eq(ush_sync_plan(&sync, path, &room.err), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ck_assert_int_eq(sync.plan->stop.code, USH_ERR_INCOMPLETE);
	sync_room_end();
}
END_TEST

/* ---- while a run is on its way ---- */

static int apply(const struct ush_plan *plan)
{
	ush_applied_free(&room.applied);
	room.applied = (struct ush_applied){0};
	room.err = (struct ush_error){0};
	return ush_apply(&room.fake->kube, plan, "test-1", &room.applied, &room.err);
}

START_TEST(a_ledger_that_goes_after_the_plan_was_made_stops_it_too)
{
	USH_AUTO_JSON json = NULL;
	USH_AUTO_PLAN read = NULL;

	begin_denied();
	sync_room_put("policy.yaml", STORY "- {group: b, role: editor, namespaces: [fancy-namespace], name: e}\n");
	ck_assert_int_eq(sync_room_plan(), 0);
	json = ush_plan_to_json(room.plan);
	read = ush_plan_from_json(json, "plan.json", &room.err);
	fake_kube_remove(room.fake, LEDGER);
	ck_assert_int_eq(ush_apply_check(&room.fake->kube, read, &room.err), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ck_assert_int_eq(apply(read), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ck_assert_int_eq(apply(room.plan), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ck_assert(!room.applied.busy); /* nobody waits for that to pass */
	ck_assert(!sync_room_has(BINDINGS "/e"));
	sync_room_end();
}
END_TEST

static void lose_it(void *context, struct fake_kube *fake, const char *method, const char *path)
{
	(void)context;
	if (strcmp(method, "POST") != 0 || strncmp(path, BINDINGS, strlen(BINDINGS)) != 0)
		return;
	fake->before = NULL;
	fake_kube_remove(fake, LEDGER);
}

START_TEST(one_that_goes_while_a_run_writes_is_told_by_that_run)
{
	begin_denied();
	sync_room_put("policy.yaml", STORY "- {group: b, role: editor, namespaces: [fancy-namespace], name: e}\n");
	room.fake->before = lose_it;
	ck_assert_int_eq(sync_room_run(), 10);
	sync_room_expect_failed("the ledger is gone");
	expect_stopped("is gone");
	sync_room_end();
}
END_TEST

static void note_it(void *context, struct fake_kube *fake, const char *method, const char *path)
{
	USH_AUTO_JSON state = NULL;
	struct ush_error err = {0};
	int status;

	(void)context;
	if (strcmp(method, "DELETE") != 0 || strncmp(path, BINDINGS, strlen(BINDINGS)) != 0)
		return;
	fake->before = NULL;
	ledger_room_deny(USH_LEDGER_USER, "mallory", "oidc:mallory", NULL);
	ck_assert_int_eq(ush_kube_get(&fake->kube, STATE, &status, &state, &err), 0);
	ck_assert_int_eq(ush_ledger_note(&fake->kube, state, NULL, "default", "default", USH_LEDGER_STOPS, &err), 0);
	ck_assert_str_eq(noted(), uid());
}

/* The run has written the state once, before it takes the binding away, and writes it again after that. */
START_TEST(what_offboard_notes_while_a_run_writes_stays)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("groups.json", WITHOUT);
	ck_assert_int_eq(sync_room_run(), 0);
	room.fake->before = note_it;
	ck_assert_int_eq(sync_room_run(), 10); /* somebody was offboarded meanwhile */
	ck_assert_ptr_null(room.fake->before);
	ck_assert(!sync_room_has(READ));
	ck_assert_str_eq(noted(), uid());
	sync_room_end();
}
END_TEST

/* ---- who just wrote an entry ---- */

static int note(const char *its_uid)
{
	USH_AUTO_JSON state = NULL;
	int status;

	room.err = (struct ush_error){0};
	ck_assert_int_eq(ush_kube_get(&room.fake->kube, STATE, &status, &state, &room.err), 0);
	fake_kube_forget(room.fake);
	return ush_ledger_note(&room.fake->kube, state, its_uid, "default", "default", USH_LEDGER_STOPS, &room.err);
}

START_TEST(who_writes_an_entry_notes_the_ledger_at_once_and_never_another_one)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(note(NULL), 0); /* no run was there yet: nobody looks at a note */
	ck_assert_uint_eq(room.fake->log_count, 0);
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_deny(USH_LEDGER_GROUP, "k8s-restricted-users", "oidc:k8s-restricted-users", "1");
	ck_assert_int_eq(note(NULL), 0);
	ck_assert_str_eq(noted(), uid());
	ck_assert_uint_eq(fake_kube_writes(room.fake), 1);
	ck_assert_int_eq(note(uid()), 0);
	ck_assert_uint_eq(room.fake->log_count, 0);
	fake_kube_remove(room.fake, LEDGER); /* before any run */
	ck_assert_int_eq(sync_room_plan(), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ledger_room_deny(USH_LEDGER_USER, "mallory", "oidc:mallory", NULL);
	ck_assert_int_eq(note(NULL), -1);
	ck_assert_ptr_nonnull(strstr(room.err.what, "the ledger is another one than it was"));
	ck_assert_str_ne(noted(), uid());
	sync_room_end();
}
END_TEST

/* ---- for a time ---- */

/* Nothing says until when it holds, so it does not: who deletes the ledger keeps nothing by that. */
START_TEST(what_was_given_for_a_time_ends_with_the_ledger)
{
	USH_AUTO_SYNC sync = {.state_namespace = "default"};
	USH_AUTO_FREE char *path = NULL;

	sync_room_begin(FOR_A_TIME, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_elevate(NULL, 7200);
	ck_assert_int_eq(sync_room_run(), 0);
	fake_kube_remove(room.fake, LEDGER);
	path = ush_printf("%s/policy.yaml", room.folder);
	sync.world = &room.fake->world;
	sync.kube = &room.fake->kube;
	ck_assert_int_eq(ush_sync_plan(&sync, path, &room.err), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ck_assert(ledger_room_stands());
	ck_assert(ush_elevations_any_over(sync.plan));
	ush_applied_free(&room.applied);
	ush_elevations_end_alone(&room.fake->kube, sync.plan, &room.applied);
	ck_assert(!ledger_room_stands());
	ck_assert(sync_room_has(READ));
	ck_assert(!sync_room_has(LEDGER));
	sync_room_end();
}
END_TEST

START_TEST(nothing_is_given_for_a_time_without_the_ledger_but_in_an_emergency)
{
	struct ush_ledger_entry ended = {0};

	sync_room_begin(FOR_A_TIME, FULL);
	ledger_room_elevate(NULL, 7200);
	ck_assert_int_eq(sync_room_run(), 0);
	fake_kube_remove(room.fake, LEDGER);
	ck_assert_int_eq(ush_elevate_end(&room.fake->kube, "default", "default", ledger_room_made.key, &ended, &room.err), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ck_assert_ptr_nonnull(strstr(room.err.hint, ledger_room_made.key));
	room.err = (struct ush_error){0};
	fake_kube_forget(room.fake);
	ck_assert_int_eq(ledger_room_try_elevate(NULL, 60), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ck_assert_ptr_nonnull(strstr(room.err.what, "so nothing was given"));
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	room.err = (struct ush_error){0};
	ck_assert_int_eq(ledger_room_try_elevate("fire", 60), 0);
	ck_assert(ledger_room_stands());
	ck_assert_int_eq(sync_room_plan(), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	sync_room_end();
}
END_TEST

/* ---- a folder ---- */

static void put_in(const char *folder, const char *name, const char *text)
{
	USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, name);

	ck_assert_int_eq(ush_file_write(path, text, strlen(text), 0644, &room.err), 0);
}

/* The plan of the folder, carried out when there is one; whether it noted the ledger is in *notes. */
static int render(const char *folder, bool *notes)
{
	USH_AUTO_SYNC sync = {.world = &room.fake->world, .folder = folder, .state_namespace = "default", .all_objects = true};
	USH_AUTO_FREE char *path = ush_printf("%s/policy.yaml", room.folder);
	USH_AUTO_RENDERED rendered = {0};

	room.err = (struct ush_error){0};
	if (ush_sync_plan(&sync, path, &room.err) != 0)
		return -1;
	*notes = sync.plan->notes_ledger;
	ck_assert(*notes == (*notes && ush_plan_writes(sync.plan)));
	ck_assert_msg(ush_render(folder, sync.plan, &rendered, &room.err) == 0, "%s", room.err.what);
	return 0;
}

START_TEST(a_folder_whose_ledger_is_gone_is_rendered_no_more)
{
	static const char none[] = "{\"entries\":[],\"version\":1}";
	const char *folder = tap_folder();
	USH_AUTO_FREE char *ledger = ush_printf("%s/.usher-ledger-default", folder);
	bool notes;

	sync_room_begin(STORY, FULL);
	put_in(folder, "ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: fancy-namespace}\n");
	ck_assert_int_eq(render(folder, &notes), 0);
	ck_assert(!notes);
	put_in(folder, ".usher-ledger-default", none);
	ck_assert_int_eq(render(folder, &notes), 0);
	ck_assert(notes);
	ck_assert_int_eq(render(folder, &notes), 0);
	ck_assert(!notes);
	ck_assert_int_eq(unlink(ledger), 0);
	ck_assert_int_eq(render(folder, &notes), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ck_assert_ptr_nonnull(strstr(room.err.what, "/.usher-ledger-default): whoever was offboarded"));
	ck_assert_ptr_nonnull(strstr(room.err.hint, none)); /* which is a ledger, indeed */
	put_in(folder, ".usher-ledger-default", strstr(room.err.hint, "{"));
	ck_assert_int_eq(render(folder, &notes), 0);
	sync_room_end();
}
END_TEST

TAP_MAIN("lost_ledger", a_ledger_is_noted_once_and_at_rest_nothing_is_written, a_plan_that_just_notes_the_ledger_says_so_and_is_the_same_from_a_file,
	 the_note_stays_whatever_else_the_state_is_told, a_state_that_is_made_anew_beside_a_ledger_notes_it,
	 a_deleted_ledger_stops_every_run_until_somebody_says_that_it_is_whole, a_ledger_that_was_made_anew_is_not_the_one_that_there_was,
	 a_part_of_a_plan_stops_likewise, a_ledger_that_goes_after_the_plan_was_made_stops_it_too, one_that_goes_while_a_run_writes_is_told_by_that_run,
	 what_offboard_notes_while_a_run_writes_stays, who_writes_an_entry_notes_the_ledger_at_once_and_never_another_one,
	 what_was_given_for_a_time_ends_with_the_ledger, nothing_is_given_for_a_time_without_the_ledger_but_in_an_emergency,
	 a_folder_whose_ledger_is_gone_is_rendered_no_more)
