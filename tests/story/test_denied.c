/* SPDX-License-Identifier: Apache-2.0
 *
 * Who was put out stays out, whatever a source says, and what was given for a time ends: whole runs against the ledger.
 */
#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/lifecycle/elevate/elevate.h"
#include "broker/sync/decide/elevated.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/ledger_room.h"
#include "tests/support/tap.h"

#define MAP  "/api/v1/namespaces/default/configmaps/usher-broker-ledger"
#define USERS                                                                                                                          \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\nlayout: users\ncluster: {groupPrefix: 'oidc:', userPrefix: 'oidc:'}\n"              \
	"sources: {main: {file: {path: groups.json}}}\n"                                                                               \
	"roles:\n  editor: {clusterRole: edit}\ngrants:\n- {group: k8s-restricted-users, role: editor, namespaces: [fancy-namespace], name: e}\n"

static int drop(void *context, struct ush_ledger *ledger, struct ush_error *err)
{
	(void)err;
	return ush_ledger_drop(ledger, context);
}

static size_t people_in(const char *path)
{
	return json_array_size(json_object_get(fake_kube_object(room.fake, path), "subjects"));
}

/* ---- denials ---- */

/* T60 */
START_TEST(a_denied_group_loses_what_it_has_and_stays_out_while_its_source_has_it)
{
	static char key[] = "0badc0de";

	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(READ));
	ledger_room_deny(USH_LEDGER_GROUP, "k8s-restricted-users", "oidc:k8s-restricted-users", "1");
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(READ));
	ck_assert(sync_room_says(USH_REMOVE, "oidc:k8s-restricted-users is denied since 2026-01-01 by ann: left the company"));
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	ck_assert_uint_eq(fake_kube_count(room.fake, "GET", MAP), 1); /* the ledger costs one request */
	ck_assert(sync_room_says(USH_NOTE, "denied since 2026-01-01 by ann: left the company; usher-broker readmit -f POLICY --key 0badc0de --reason TEXT: no binding for it"));
	ck_assert_int_eq(ush_ledger_change(&room.fake->kube, "default", "default", drop, key, &room.err), 0);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(READ));
	sync_room_end();
}
END_TEST

/* T60: nobody can ask the provider, and the binding is gone all the same. */
START_TEST(a_denied_group_goes_although_its_source_is_down)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_deny(USH_LEDGER_GROUP, "k8s-restricted-users", "oidc:k8s-restricted-users", "1");
	sync_room_put("groups.json", "{\"groups\":[{\"name\":\"b\",\"id\":\"2\"}],\"count\":7}");
	ck_assert_int_eq(sync_room_run(), 3);
	ck_assert(!sync_room_has(READ));
	sync_room_end();
}
END_TEST

#define RENAMED(more)                                                                                                                  \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\nsources: {people: {file: {path: groups.json}}" more "}\n" \
	"roles:\n  editor: {clusterRole: edit}\ngrants:\n- {group: restricted, source: people, role: editor, namespaces: [fancy-namespace], name: e}\n"

/* T60: group and source have other names now, and the id alone tells; while the other source is there, its ids are its own. */
START_TEST(a_denied_group_stays_out_when_its_source_is_called_otherwise)
{
	static const char again[] = "{\"groups\":[{\"name\":\"restricted\",\"id\":\"1\",\"members\":[\"carol\"]}],\"count\":1}";

	sync_room_begin(RENAMED(""), again);
	ledger_room_deny(USH_LEDGER_GROUP, "k8s-restricted-users", "oidc:k8s-restricted-users", "1");
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(BINDINGS "/e"));
	ck_assert(sync_room_says(USH_NOTE, "denied since 2026-01-01 by ann: left the company"));
	sync_room_put("policy.yaml", RENAMED(", main: {file: {path: groups.json}}"));
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(BINDINGS "/e"));
	sync_room_end();
}
END_TEST

START_TEST(a_denied_person_is_in_no_binding_of_people)
{
	sync_room_begin(USERS, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(people_in(BINDINGS "/e"), 2);
	ledger_room_deny(USH_LEDGER_USER, "carol", "OIDC:Carol", NULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(people_in(BINDINGS "/e"), 1);
	ck_assert(sync_room_says(USH_CHANGE, "oidc:carol is denied since 2026-01-01 by ann"));
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	ck_assert(sync_room_says(USH_NOTE, "carol, of /k8s-restricted-users, is denied since"));
	sync_room_end();
}
END_TEST

START_TEST(a_denied_person_leaves_although_the_source_is_down)
{
	sync_room_begin(USERS, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_deny(USH_LEDGER_USER, "carol", "oidc:carol", NULL);
	sync_room_put("groups.json", "{\"groups\":[{\"name\":\"b\",\"id\":\"2\"}],\"count\":7}");
	ck_assert_int_eq(sync_room_run(), 3);
	ck_assert_uint_eq(people_in(BINDINGS "/e"), 1);
	sync_room_end();
}
END_TEST

START_TEST(where_bindings_hold_groups_the_plan_says_that_a_denied_person_is_still_in_one)
{
	sync_room_begin(HEAD "- {group: k8s-restricted-users, role: editor, namespaces: [fancy-namespace], name: e}\n", FULL);
	ledger_room_deny(USH_LEDGER_USER, "dave", "dave", NULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_says(USH_NOTE, "dave is denied since 2026-01-01 by ann: left the company; usher-broker readmit -f POLICY --key 0badc0de --reason TEXT; and is in /k8s-restricted-users still"));
	sync_room_end();
}
END_TEST

START_TEST(of_several_groups_that_a_denied_person_is_in_one_is_named_and_the_others_counted_once)
{
	sync_room_begin(HEAD "- {group: a, role: editor, namespaces: [fancy-namespace], name: e}\n- {group: b, role: editor, namespaces: [fancy-namespace], name: f}\n"
			     "- {group: b, role: editor, namespaces: [fancy-namespace], name: g}\n",
			"{\"groups\":[{\"name\":\"a\",\"id\":\"1\",\"members\":[\"Dave\",\"dave\",\"eve\"]},{\"name\":\"b\",\"id\":\"2\",\"members\":[\"DAVE\"]}],\"count\":2}");
	ledger_room_deny(USH_LEDGER_USER, "dave", "dave", NULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_says(USH_NOTE, "and is in /a and 1 more group still"));
	sync_room_end();
}
END_TEST

START_TEST(a_denied_namespace_is_as_an_excluded_one)
{
	sync_room_begin(STORY, FULL);
	ledger_room_deny(USH_LEDGER_NAMESPACE, "fancy-namespace", NULL, NULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(READ));
	ck_assert(sync_room_says(USH_NOTE, "namespace fancy-namespace is denied since"));
	sync_room_end();
}
END_TEST

START_TEST(a_spoilt_ledger_stops_the_run)
{
	sync_room_begin(STORY, FULL);
	fake_kube_add(room.fake, "{'kind':'ConfigMap','metadata':{'name':'usher-broker-ledger','namespace':'default','labels':"
				 "{'app.kubernetes.io/managed-by':'usher-broker'}},'data':{'ledger':'{}'}}");
	ck_assert_int_eq(sync_room_plan(), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_STORE);
	sync_room_end();
}
END_TEST

/* ---- for a time ---- */

static struct ush_ledger ledger_now(void)
{
	struct ush_ledger ledger = {0};

	ck_assert_int_eq(ush_ledger_load(&ledger, &room.fake->kube, "default", "default", NULL, &room.err), 0);
	return ledger;
}

/* BM06, BE39 */
START_TEST(what_is_given_for_a_time_ends_by_the_next_run_after_it)
{
	sync_room_begin(FOR_A_TIME, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_elevate(NULL, 7200);
	ck_assert(ledger_room_stands());
	ck_assert_int_eq(sync_room_run(), 0); /* the state notes that there is a ledger now */
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	ck_assert(sync_room_says(USH_NOTE, "ends 2026-01-01 02:00 UTC (editor for oidc:bob, by ann: the queue is stuck)"));
	room.fake->now_ms += 7200 * 1000;
	ck_assert_int_eq(sync_room_plan(), 0);
	ck_assert_int_eq(ush_plan_verdict(room.plan, &room.err), USH_DIFFERENCES);
	ck_assert(ledger_room_stands()); /* a plan takes nothing */
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_says(USH_REMOVE, "over since 2026-01-01 02:00 UTC (editor for oidc:bob, by ann: the queue is stuck)"));
	ck_assert(!ledger_room_stands());
	USH_AUTO_LEDGER ledger = ledger_now();

	ck_assert_uint_eq(ledger.count, 0);
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	sync_room_end();
}
END_TEST

/* BC21: ten minutes this way and that; what was seen over never holds again. */
START_TEST(a_clock_that_is_set_back_gives_nothing_back)
{
	sync_room_begin(FOR_A_TIME, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_elevate(NULL, 300);
	room.fake->now_ms += 600 * 1000;
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "DELETE", .path = BINDINGS, .status = 403});
	ck_assert_int_eq(sync_room_run(), 10); /* seen to be over, and yet it could not be taken away */
	ck_assert(ledger_room_stands());
	room.fake->now_ms -= 600 * 1000; /* by this clock it would have five minutes still */
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!ledger_room_stands());
	ck_assert(sync_room_says(USH_REMOVE, "forged, or ended before"));
	sync_room_end();
}
END_TEST

/* BC21: by the cluster's clock, whatever ours says. */
START_TEST(our_own_clock_neither_ends_nor_extends_it)
{
	sync_room_begin(FOR_A_TIME, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_elevate(NULL, 300);
	sync_room_ahead(600 * 1000);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(ledger_room_stands());
	sync_room_ahead(-600 * 1000);
	room.fake->now_ms += 300 * 1000;
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!ledger_room_stands());
	sync_room_end();
}
END_TEST

static void rewrite(const char *subject, const char *key)
{
	USH_AUTO_FREE char *text = ush_printf("{'kind':'RoleBinding','metadata':{'name':'%s','namespace':'fancy-namespace','labels':{'app.kubernetes.io/managed-by':"
					      "'usher-broker','usher.dev/elevation':'%s'},'annotations':{'usher.dev/expires-at':'2099-01-01T00:00:00Z'}},"
					      "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'},"
					      "'subjects':[{'kind':'User','apiGroup':'rbac.authorization.k8s.io','name':'%s'}]}",
					      ledger_room_made.binding, key, subject);

	fake_kube_add(room.fake, text);
}

START_TEST(who_may_edit_the_annotation_makes_nothing_last_longer)
{
	sync_room_begin(FOR_A_TIME, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_elevate(NULL, 300);
	rewrite("oidc:bob", ledger_room_made.key);
	room.fake->now_ms += 300 * 1000;
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!ledger_room_stands());
	sync_room_end();
}
END_TEST

START_TEST(a_forged_one_and_a_changed_one_are_taken_away)
{
	sync_room_begin(FOR_A_TIME, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_elevate(NULL, 300);
	rewrite("oidc:mallory", ledger_room_made.key);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!ledger_room_stands());
	ck_assert(sync_room_says(USH_REMOVE, "is not what the ledger holds"));
	rewrite("oidc:mallory", "deadbeef");
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!ledger_room_stands());
	ck_assert(sync_room_says(USH_REMOVE, "forged, or ended before"));
	ck_assert(sync_room_says(USH_NOTE, "not made anew; usher-broker elevate -f POLICY --end"));
	sync_room_end();
}
END_TEST

START_TEST(one_that_bears_somebody_elses_mark_is_left_alone_and_told)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	fake_kube_add(room.fake, "{'kind':'RoleBinding','metadata':{'name':'helms','namespace':'fancy-namespace','labels':{'app.kubernetes.io/managed-by':"
				 "'usher-broker','usher.dev/elevation':'deadbeef'},'annotations':{'meta.helm.sh/release-name':'x'}},"
				 "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'},'subjects':[]}");
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(BINDINGS "/helms"));
	ck_assert(sync_room_says(USH_CONFLICT, "made by helm (release x)"));
	sync_room_end();
}
END_TEST

/* Between the reading of the ledger and that of the bindings somebody gives a role. */
static void give_meanwhile(void *context, struct fake_kube *fake, const char *method, const char *path)
{
	(void)context;
	if (strcmp(method, "GET") != 0 || strncmp(path, "/apis/rbac.authorization.k8s.io/v1/rolebindings", 47) != 0)
		return;
	fake->before = NULL;
	ledger_room_elevate(NULL, 7200);
}

START_TEST(one_that_is_given_while_a_run_reads_is_not_taken_for_forged)
{
	sync_room_begin(FOR_A_TIME, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	room.fake->before = give_meanwhile;
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_ptr_null(room.fake->before);
	ck_assert(ledger_room_stands());
	sync_room_end();
}
END_TEST

START_TEST(no_brake_keeps_what_is_over)
{
	sync_room_begin(FOR_A_TIME "- {group: b, role: editor, namespaces: [default], name: e}\n", FULL);
	sync_room_put("policy.yaml", HEAD "- {group: k8s-restricted-users, role: editor, namespaces: [fancy-namespace], name: e}\n");
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_elevate(NULL, 300);
	room.fake->now_ms += 300 * 1000;
	sync_room_put("groups.json", "{\"groups\":[],\"count\":0}");
	ck_assert_int_eq(sync_room_run(), 3); /* no group at all: the plan is stopped */
	ck_assert(ledger_room_stands());
	ush_elevations_end_alone(&room.fake->kube, room.plan, &room.applied);
	ck_assert(!ledger_room_stands());
	ck_assert(sync_room_has(BINDINGS "/e"));
	ck_assert_uint_eq(room.applied.done, 1);
	sync_room_end();
}
END_TEST

START_TEST(who_is_denied_loses_what_was_given_for_a_time_and_gets_nothing_more)
{
	sync_room_begin(FOR_A_TIME, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_elevate(NULL, 7200);
	ledger_room_deny(USH_LEDGER_USER, "bob", "oidc:Bob", NULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!ledger_room_stands());
	ck_assert_int_eq(ledger_room_try_elevate(NULL, 60), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(room.err.what, "bob is denied since"));
	sync_room_end();
}
END_TEST

START_TEST(a_binding_that_cannot_be_made_leaves_nothing_in_the_ledger)
{
	USH_AUTO_LEDGER ledger = {0};

	sync_room_begin(FOR_A_TIME, FULL);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = BINDINGS, .status = 403});
	ck_assert_int_eq(ledger_room_try_elevate(NULL, 60), -1);
	ck_assert_uint_lt(sync_room_when("POST", "/api/v1/namespaces/default/configmaps"), sync_room_when("POST", BINDINGS)); /* the ledger first */
	ledger = ledger_now();
	ck_assert_uint_eq(ledger.count, 0);
	sync_room_end();
}
END_TEST

START_TEST(what_the_policy_does_not_allow_is_refused)
{
	USH_AUTO_POLICY policy = NULL;

	sync_room_begin(FOR_A_TIME, FULL);
	USH_AUTO_FREE char *path = ush_printf("%s/policy.yaml", room.folder);

	policy = ush_policy_load(path, NULL, &room.err);
	const struct {
		const char *space, *reason;
		size_t role;
		int64_t seconds;
		enum ush_code code;
	} cases[] = {{"fancy-namespace", "x", 1, 14400, USH_OK},	     {"fancy-namespace", "x", 1, 14401, USH_ERR_REFUSED},
		     {"default", "x", 1, 60, USH_ERR_REFUSED},	     {"other", "x", 1, 60, USH_ERR_REFUSED},
		     {"fancy-namespace", "x", 0, 60, USH_ERR_REFUSED}, {"fancy-namespace", NULL, 1, 60, USH_ERR_USAGE},
		     {"fancy-namespace", " ", 1, 60, USH_ERR_USAGE},	     {"fancy-namespace", "a\nb", 1, 60, USH_ERR_USAGE}};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		struct ush_elevate e = {.policy = policy, .state_namespace = "default", .role = cases[i].role, .namespace_name = cases[i].space,
					.reason = cases[i].reason, .seconds = cases[i].seconds};
		struct ush_error err = {0};

		ush_elevate_check(&e, 1767225600, &err);
		ck_assert_msg(err.code == cases[i].code, "case %zu: %s", i, err.what);
	}
	sync_room_end();
}
END_TEST

/* BM16: it is over, and stays in the ledger until somebody has looked at it; it holds nothing. */
START_TEST(a_break_glass_waits_for_its_review_after_its_end)
{
	sync_room_begin(FOR_A_TIME, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ledger_room_elevate("fire", 300);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_says(USH_NOTE, "waits for a review"));
	room.fake->now_ms += 300 * 1000;
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!ledger_room_stands());
	USH_AUTO_LEDGER ledger = ledger_now();

	ck_assert_uint_eq(ledger.count, 1);
	ck_assert(ledger.items[0].ended);
	room.fake->now_ms -= 300 * 1000;
	rewrite("oidc:bob", ledger_room_made.key); /* somebody kept a copy, and the clock goes back */
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!ledger_room_stands());
	ck_assert(sync_room_says(USH_NOTE, "waits for a review"));
	sync_room_end();
}
END_TEST

START_TEST(one_ends_before_its_time)
{
	struct ush_ledger_entry ended = {0};

	sync_room_begin(FOR_A_TIME, FULL);
	ledger_room_elevate(NULL, 7200);
	ck_assert_int_eq(ush_elevate_end(&room.fake->kube, "default", "default", ledger_room_made.key, &ended, &room.err), 0);
	ck_assert_str_eq(ended.subject, "oidc:bob");
	ck_assert(!ledger_room_stands());
	ush_ledger_entry_free(&ended);
	ck_assert_int_eq(ush_elevate_end(&room.fake->kube, "default", "default", ledger_room_made.key, &ended, &room.err), -1);
	ck_assert_int_eq(room.err.code, USH_ERR_USAGE);
	sync_room_end();
}
END_TEST

START_TEST(a_grant_that_ends_within_a_day_is_told)
{
	sync_room_begin(HEAD "- {group: b, role: editor, namespaces: [default], name: e, notAfter: 2026-01-01T20:00:00Z, owner: eve}\n"
			     "- {group: b, role: editor, namespaces: [fancy-namespace], name: f, notAfter: 2026-01-03}\n", FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_says(USH_NOTE, "grants[0] (b, role editor) ends 2026-01-01 20:00 UTC; its owner is eve"));
	ck_assert(!sync_room_says(USH_NOTE, "grants[1]"));
	sync_room_end();
}
END_TEST

TAP_MAIN("denied", a_denied_group_loses_what_it_has_and_stays_out_while_its_source_has_it, a_denied_group_goes_although_its_source_is_down,
	 a_denied_group_stays_out_when_its_source_is_called_otherwise, a_denied_person_is_in_no_binding_of_people, a_denied_person_leaves_although_the_source_is_down,
	 where_bindings_hold_groups_the_plan_says_that_a_denied_person_is_still_in_one,
	 of_several_groups_that_a_denied_person_is_in_one_is_named_and_the_others_counted_once, a_denied_namespace_is_as_an_excluded_one,
	 a_spoilt_ledger_stops_the_run, what_is_given_for_a_time_ends_by_the_next_run_after_it, a_clock_that_is_set_back_gives_nothing_back,
	 our_own_clock_neither_ends_nor_extends_it, who_may_edit_the_annotation_makes_nothing_last_longer, a_forged_one_and_a_changed_one_are_taken_away,
	 one_that_bears_somebody_elses_mark_is_left_alone_and_told, one_that_is_given_while_a_run_reads_is_not_taken_for_forged,
	 no_brake_keeps_what_is_over, who_is_denied_loses_what_was_given_for_a_time_and_gets_nothing_more,
	 a_binding_that_cannot_be_made_leaves_nothing_in_the_ledger, what_the_policy_does_not_allow_is_refused,
	 a_break_glass_waits_for_its_review_after_its_end, one_ends_before_its_time, a_grant_that_ends_within_a_day_is_told)
