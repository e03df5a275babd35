/* SPDX-License-Identifier: Apache-2.0
 *
 * Carrying out a plan against an API server that does not always want to: what is written, what is left, what goes on.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/sync/apply/patch.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_room.h"

#define REVIEWS "/apis/authorization.k8s.io/v1/subjectaccessreviews"
#define FORTY	40

/* A policy of so many bindings in namespace default, one a grant: n0, n1, ... */
static char *many(const char *role, const char *group, size_t count)
{
	USH_AUTO_BUF text = {0};

	ush_buf_puts(&text, HEAD);
	for (size_t i = 0; i < count; i++)
		ush_buf_printf(&text, "- {group: %s, role: %s, namespaces: [default], name: n%zu}\n", group, role, i);
	return ush_buf_take(&text);
}

static size_t owners(const char *path)
{
	return json_array_size(json_object_get(ush_json_object(fake_kube_object(room.fake, path), "metadata"), "managedFields"));
}

/* ---- a change ---- */

START_TEST(a_change_takes_away_what_the_create_gave_and_is_not_wanted)
{
	sync_room_begin(HEAD "- {group: k8s-restricted-users, role: editor, namespaces: [default], name: e}\n"
			     "- {group: b, role: editor, namespaces: [default], name: e}\n",
			FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(json_array_size(json_object_get(fake_kube_object(room.fake, RBAC "default/rolebindings/e"), "subjects")), 2);
	sync_room_put("policy.yaml", HEAD "- {group: b, role: editor, namespaces: [default], name: e}\n");
	fake_kube_forget(room.fake);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(fake_kube_count(room.fake, "PATCH", RBAC), 1);
	ck_assert_uint_eq(json_array_size(json_object_get(fake_kube_object(room.fake, RBAC "default/rolebindings/e"), "subjects")), 1);
	ck_assert_uint_eq(owners(RBAC "default/rolebindings/e"), 1); /* usher-broker by Update, and nobody beside it */
	ck_assert_uint_eq(room.applied.done, 1);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(room.applied.total, 0);
	sync_room_end();
}
END_TEST

START_TEST(a_patch_names_every_key_of_ours_and_the_version_it_is_for)
{
	USH_AUTO_BUF text = {0};
	USH_AUTO_JSON patch = NULL;
	const json_t *metadata, *labels, *annotations;

	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_plan(), 0);
	for (size_t i = 0; i < room.plan->change_count; i++)
		if (room.plan->changes[i].kind == USH_ROLE_BINDING)
			ck_assert_int_eq(ush_change_patch(room.plan, &room.plan->changes[i], NULL, "77", &text), 0);
	patch = json_loadb(text.data, text.length, 0, NULL);
	metadata = ush_json_object(patch, "metadata");
	labels = ush_json_object(metadata, "labels");
	annotations = ush_json_object(metadata, "annotations");
	ck_assert_pstr_eq(ush_json_string(metadata, "resourceVersion"), "77");
	for (const char *const *key = ush_own_keys; *key != NULL; key++) {
		ck_assert_ptr_nonnull(json_object_get(labels, *key));
		ck_assert_ptr_nonnull(json_object_get(annotations, *key));
	}
	ck_assert_uint_eq(json_array_size(json_object_get(patch, "subjects")), 1);
	sync_room_end();
}
END_TEST

static void touch_before_patch(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	(void)context;
	if (strcmp(method, "PATCH") != 0 || strncmp(path, RBAC, strlen(RBAC)) != 0)
		return;
	kube->before = NULL;
	fake_kube_add(kube, "{'kind':'RoleBinding','metadata':{'name':'e','namespace':'default'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io',"
			    "'kind':'ClusterRole','name':'edit'},'subjects':[]}");
}

START_TEST(what_somebody_changed_since_the_plan_is_left_alone)
{
	sync_room_begin(HEAD "- {group: k8s-restricted-users, role: editor, namespaces: [default], name: e}\n", FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("policy.yaml", HEAD "- {group: b, role: editor, namespaces: [default], name: e}\n");
	room.fake->before = touch_before_patch;
	ck_assert_int_eq(sync_room_run(), 10);
	sync_room_expect_failed("it changed since the plan; it was left alone");
	ck_assert_uint_eq(json_array_size(json_object_get(fake_kube_object(room.fake, RBAC "default/rolebindings/e"), "subjects")), 0);
	sync_room_end();
}
END_TEST

/* ---- a server that says no ---- */

START_TEST(a_burst_of_429_costs_time_and_nothing_else)
{
	USH_AUTO_FREE char *policy = many("editor", "b", FORTY);

	sync_room_begin(policy, FULL);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = RBAC, .skip = 5, .times = 30, .status = 429, .retry_after_ms = 1000});
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(room.applied.done, FORTY);
	ck_assert_int_ge(room.fake->slept_ms, 1000);
	ck_assert_uint_eq(fake_kube_objects(room.fake, RBAC "default/rolebindings"), FORTY);
	sync_room_end();
}
END_TEST

/* BC12: what is refused for one object is that one's matter. Nothing is removed beside it; in other namespaces it is, or
 * one that refuses us for good would keep everybody's access everywhere. */
START_TEST(one_that_fails_keeps_no_other_back_but_the_removals_beside_it)
{
	USH_AUTO_FREE char *policy = many("editor", "b", FORTY);

	sync_room_begin(STORY "- {group: b, role: editor, namespaces: [default], name: old}\n", FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("policy.yaml", policy);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = RBAC "default/rolebindings", .skip = 7, .times = 1, .status = 403});
	ck_assert_int_eq(sync_room_run(), 10);
	ck_assert_uint_eq(room.applied.failed.count, 1);
	ck_assert_uint_eq(room.applied.done, FORTY - 1 + 2);
	ck_assert_uint_eq(room.applied.removals_left, 1);
	ck_assert(sync_room_has(RBAC "default/rolebindings/old"));
	ck_assert(!sync_room_has(READ));
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(RBAC "default/rolebindings/old"));
	sync_room_end();
}
END_TEST

/* A namespace that refuses us for good must not keep the count of runs at one. */
START_TEST(a_tombstone_ages_although_something_else_fails)
{
	sync_room_begin(STORY "- {group: b, role: editor, namespaces: [default], name: e}\n", FULL);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = RBAC "default/", .times = 1000, .status = 403});
	ck_assert_int_eq(sync_room_run(), 10);
	sync_room_put("groups.json", WITHOUT);
	ck_assert_int_eq(sync_room_run(), 10);
	ck_assert(sync_room_has(READ));
	ck_assert_int_eq(sync_room_run(), 10);
	ck_assert(!sync_room_has(READ));
	sync_room_end();
}
END_TEST

/* A quota that two servers count at once, say: 409 for an object that is not there. */
START_TEST(a_409_for_what_is_not_there_is_tried_again)
{
	sync_room_begin(STORY, FULL);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = BINDINGS, .times = 2, .status = 409});
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(sync_room_has(READ));
	fake_kube_remove(room.fake, READ);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = BINDINGS, .times = 1000, .status = 409});
	ck_assert_int_eq(sync_room_run(), 10);
	sync_room_expect_failed("(409), and it is not");
	sync_room_end();
}
END_TEST

START_TEST(each_change_has_its_outcome)
{
	USH_AUTO_FREE char *policy = many("editor", "b", FORTY);
	size_t count[USH_OUTCOME_FAILED + 1] = {0};

	sync_room_begin(policy, FULL);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = RBAC, .skip = 3, .times = 2, .status = 403});
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = RBAC, .skip = 3, .times = 1, .status = 404});
	ck_assert_int_eq(sync_room_run(), 10);
	for (size_t i = 0; i < room.plan->change_count; i++)
		count[room.applied.outcomes[i]]++;
	ck_assert_uint_eq(count[USH_OUTCOME_FAILED], 2);
	ck_assert_uint_eq(count[USH_OUTCOME_PENDING], 1);
	ck_assert_uint_eq(count[USH_OUTCOME_DONE], FORTY - 3);
	sync_room_end();
}
END_TEST

START_TEST(a_server_that_goes_away_leaves_a_prefix_and_the_next_run_does_the_rest)
{
	USH_AUTO_FREE char *policy = many("editor", "b", FORTY);

	sync_room_begin(policy, FULL);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.path = RBAC, .method = "POST", .skip = 10, .times = 100000, .status = 0});
	ck_assert_int_eq(sync_room_run(), 10);
	ck_assert_uint_eq(room.applied.done, 10);
	ck_assert_ptr_nonnull(strstr(room.applied.failed.items[room.applied.failed.count - 1], "not tried"));
	room.fake->faults[room.fake->fault_count - 1].times = 0;
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(room.applied.done, FORTY - 10);
	ck_assert_uint_eq(fake_kube_objects(room.fake, RBAC "default/rolebindings"), FORTY);
	sync_room_end();
}
END_TEST

/* ---- removals ---- */

static const char *labels_found, *subjects_found;

/* Somebody changes the binding, or deletes it, just before we do. */
static void changes_before_delete(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	USH_AUTO_JSON object = NULL;
	struct ush_error err = {0};
	int status;

	(void)context;
	if (strcmp(method, "DELETE") != 0 || strncmp(path, READ, strlen(READ)) != 0)
		return;
	kube->before = NULL;
	if (labels_found == NULL) {
		fake_kube_remove(kube, READ);
		return;
	}
	object = json_deep_copy(fake_kube_object(kube, READ));
	json_object_set_new(json_object_get(object, "metadata"), "labels", json_loads(labels_found, 0, NULL));
	json_object_set_new(object, "subjects", json_loads(subjects_found, 0, NULL));
	ck_assert_int_eq(ush_kube_update(&kube->kube, READ, object, &status, NULL, &err), 0);
	ck_assert_int_eq(status, 200);
}

#define OURS_AND(more) "{\"app.kubernetes.io/managed-by\":\"usher-broker\",\"usher.dev/policy\":\"default\"," more "}"
#define OURS	       OURS_AND("\"note\":\"x\"")
#define GROUP(name) "{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"Group\",\"name\":\"" name "\"}"

/* BC14: it is looked at again, and decided again. */
START_TEST(a_removal_that_finds_another_version_is_decided_again)
{
	static const struct {
		const char *labels, *subjects;
		bool goes;
	} cases[] = {
		{OURS, "[" GROUP("oidc:k8s-restricted-users") "]", true}, /* only a note was put on it */
		{OURS, "[" GROUP("oidc:k8s-restricted-users") "," GROUP("oidc:b") "]", false}, /* b would lose it, and nobody said so */
		{"{\"app.kubernetes.io/managed-by\":\"helm\"}", "[" GROUP("oidc:k8s-restricted-users") "]", false},
		{OURS_AND("\"argocd.argoproj.io/instance\":\"x\""), "[" GROUP("oidc:k8s-restricted-users") "]", false},
		{"{\"app.kubernetes.io/managed-by\":\"usher-broker\",\"usher.dev/policy\":\"other\"}", "[" GROUP("oidc:k8s-restricted-users") "]", false},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		sync_room_begin(STORY, FULL);
		ck_assert_int_eq(sync_room_run(), 0);
		labels_found = cases[i].labels;
		subjects_found = cases[i].subjects;
		sync_room_put("policy.yaml", HEAD "- {group: b, role: editor, namespaces: [default], name: e}\n");
		room.fake->before = changes_before_delete;
		ck_assert_int_eq(sync_room_run(), cases[i].goes ? 0 : 10);
		ck_assert_msg(sync_room_has(READ) != cases[i].goes, "case %zu", i);
		if (!cases[i].goes)
			sync_room_expect_failed("it changed since the plan; it was not removed");
		sync_room_end();
	}
}
END_TEST

START_TEST(a_removal_that_finds_nothing_is_done)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("policy.yaml", HEAD "- {group: b, role: editor, namespaces: [default], name: e}\n");
	labels_found = NULL;
	room.fake->before = changes_before_delete;
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert(!sync_room_has(READ));
	sync_room_end();
}
END_TEST

/* ---- another role ---- */

static bool not_twenty(void *context, const char *user, const json_t *groups, const json_t *attributes)
{
	size_t *asked = context;

	(void)user, (void)groups, (void)attributes;
	return ++*asked <= 20; /* more than are asked about as a sample */
}

/* BC17: each of many is proved, not a sample of them. */
START_TEST(no_binding_is_replaced_without_its_own_proof)
{
	USH_AUTO_FREE char *before = many("pod-service-reader", "b", FORTY), *after = many("editor", "b", FORTY);
	size_t asked = 0, edits = 0;

	sync_room_begin(before, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("policy.yaml", after);
	room.fake->allow = not_twenty;
	room.fake->allow_context = &asked;
	ck_assert_int_eq(sync_room_run(), 10);
	for (size_t i = 0; i < FORTY; i++) {
		USH_AUTO_FREE char *path = ush_printf(RBAC "default/rolebindings/n%zu", i);
		const char *role = ush_json_string(ush_json_object(fake_kube_object(room.fake, path), "roleRef"), "name");

		ck_assert_ptr_nonnull(role);
		edits += strcmp(role, "edit") == 0;
	}
	ck_assert_uint_le(edits, 20);
	sync_room_end();
}
END_TEST

START_TEST(nobody_to_ask_is_no_proof_and_the_old_binding_stays)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	sync_room_put("policy.yaml", HEAD "- {group: k8s-restricted-users, role: editor, namespaces: [fancy-namespace], name: read-pods-services}\n");
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = REVIEWS, .times = 1000, .status = 500});
	ck_assert_int_eq(sync_room_run(), 10);
	ck_assert_str_eq(ush_json_string(json_object_get(fake_kube_object(room.fake, READ), "roleRef"), "name"), "pod-service-reader");
	sync_room_end();
}
END_TEST

START_TEST(a_role_that_is_not_there_takes_nobodys_access)
{
	sync_room_begin(STORY, FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	fake_kube_remove(room.fake, "/apis/rbac.authorization.k8s.io/v1/clusterroles/edit");
	sync_room_put("policy.yaml", HEAD "- {group: k8s-restricted-users, role: editor, namespaces: [fancy-namespace], name: read-pods-services}\n");
	ck_assert_int_eq(sync_room_run(), 10);
	sync_room_expect_failed("refers to a role that is not there");
	ck_assert_str_eq(ush_json_string(json_object_get(fake_kube_object(room.fake, READ), "roleRef"), "name"), "pod-service-reader");
	sync_room_end();
}
END_TEST

/* ---- a webhook ---- */

/* It answers a write of the binding e with the object as it would be with this changed. The caller frees. */
static char *webhook_of(const char *member, const char *value)
{
	USH_AUTO_JSON object = json_deep_copy(fake_kube_object(room.fake, RBAC "default/rolebindings/e"));
	json_t *metadata = json_object_get(object, "metadata");

	if (strchr(member, '/') != NULL)
		json_object_set_new(json_object_get(metadata, "annotations"), member, json_string(value));
	else if (*member != '\0')
		json_object_set_new(object, member, json_loads(value, 0, NULL));
	return json_dumps(object, JSON_COMPACT);
}

/* What is written and comes back otherwise would be written again by every run, and nobody would know why. */
START_TEST(what_a_webhook_makes_of_a_change_is_said)
{
	static const struct {
		const char *member, *value, *said;
	} cases[] = {
		{"", "", NULL},
		{"example.test/note", "x", NULL}, /* what others put beside ours is theirs */
		{"subjects", "[" GROUP("oidc:b") "," GROUP("oidc:everybody") "]", "something else (subjects)"},
		{"subjects", "[]", "something else (subjects)"},
		{"roleRef", "{\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":\"ClusterRole\",\"name\":\"view\"}", "something else (roleRef)"},
		{"usher.dev/source-id", "[]", "something else (annotation usher.dev/source-id)"},
	};
	const char *wanted = HEAD "- {group: b, role: editor, namespaces: [default], name: e}\n";

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_FREE char *answer = NULL;

		sync_room_begin(wanted, FULL);
		ck_assert_int_eq(sync_room_run(), 0);
		answer = webhook_of(cases[i].member, cases[i].value);
		sync_room_put("policy.yaml", HEAD "- {group: b, role: editor, namespaces: [default], name: e}\n"
						  "- {group: k8s-restricted-users, role: editor, namespaces: [default], name: e}\n");
		ck_assert_int_eq(sync_room_run(), 0);
		sync_room_put("policy.yaml", wanted);
		fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "PATCH", .path = RBAC "default/rolebindings/e", .status = 200, .body = answer, .done = true});
		ck_assert_int_eq(sync_room_run(), cases[i].said != NULL ? 10 : 0);
		if (cases[i].said != NULL)
			sync_room_expect_failed(cases[i].said);
		ck_assert_uint_eq(room.applied.done, cases[i].said == NULL);
		sync_room_end();
	}
}
END_TEST

/* The stand-in is there until the new one is what it should be. */
START_TEST(a_binding_made_anew_that_comes_back_otherwise_is_said)
{
	USH_AUTO_FREE char *answer = NULL;

	sync_room_begin(HEAD "- {group: b, role: editor, namespaces: [default], name: e}\n", FULL);
	ck_assert_int_eq(sync_room_run(), 0);
	answer = webhook_of("", "");
	sync_room_put("policy.yaml", HEAD "- {group: b, role: pod-service-reader, namespaces: [default], name: e}\n");
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "POST", .path = RBAC "default/rolebindings", .skip = 1, .status = 201, .body = answer, .done = true});
	ck_assert_int_eq(sync_room_run(), 10);
	sync_room_expect_failed("something else (roleRef");
	ck_assert_uint_eq(fake_kube_objects(room.fake, RBAC "default/rolebindings"), 2);
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(fake_kube_objects(room.fake, RBAC "default/rolebindings"), 1);
	sync_room_end();
}
END_TEST

/* ---- the lease ---- */

static void slow(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	(void)context;
	if (strcmp(method, "POST") == 0 && strncmp(path, RBAC, strlen(RBAC)) == 0)
		kube->now_ms += 5000;
}

START_TEST(the_lease_is_kept_while_it_is_written)
{
	USH_AUTO_FREE char *policy = many("editor", "b", FORTY);

	sync_room_begin(policy, FULL);
	room.fake->before = slow;
	ck_assert_int_eq(sync_room_run(), 0);
	ck_assert_uint_eq(room.applied.done, FORTY);
	ck_assert_uint_ge(fake_kube_count(room.fake, "PUT", "/apis/coordination.k8s.io/"), 40 * 5 / 20 - 1);
	sync_room_end();
}
END_TEST

START_TEST(a_lease_that_cannot_be_renewed_ends_the_writing)
{
	USH_AUTO_FREE char *policy = many("editor", "b", FORTY);

	sync_room_begin(policy, FULL);
	room.fake->before = slow;
	fake_kube_fail(room.fake, (struct fake_kube_fault){.method = "PUT", .path = "/apis/coordination.k8s.io/", .times = 100000, .status = 403});
	ck_assert_int_eq(sync_room_run(), 10);
	ck_assert_uint_le(room.applied.done, 60 / 5);
	sync_room_expect_failed("the lease was lost on the way");
	sync_room_end();
}
END_TEST

/* Times and lengths that no calendar holds. */
START_TEST(a_spoilt_lease_is_told_and_never_reckoned_beyond_its_bounds)
{
	static const char *const ends[] = {"'9999-12-31T23:59:59.000000Z','leaseDurationSeconds':9223372036854775807", "'2026-01-01T00:00:00.000000Z','leaseDurationSeconds':9223372036854775807"};
	static const char *const ended[] = {"'99999999-01-01T00:00:00Z','leaseDurationSeconds':60", "'-9999-01-01T00:00:00Z','leaseDurationSeconds':60",
					    "'2026-01-01T00:00:00.000000Z','leaseDurationSeconds':-9223372036854775807", "'soon'"};

	sync_room_begin(STORY, FULL);
	for (size_t i = 0; i < USH_COUNT(ends); i++) {
		USH_AUTO_FREE char *lease = ush_printf("{'kind':'Lease','metadata':{'name':'usher-broker','namespace':'default'},'spec':{'holderIdentity':'x','renewTime':%s}}", ends[i]);

		fake_kube_add(room.fake, lease);
		ck_assert_int_eq(sync_room_run(), 5);
		ck_assert_ptr_nonnull(strstr(room.err.hint, "which no usher-broker writes"));
		ck_assert(!room.applied.busy); /* who stays (run) tells it each time, and does not wait for it */
		ck_assert(!sync_room_has(READ));
	}
	for (size_t i = 0; i < USH_COUNT(ended); i++) {
		USH_AUTO_FREE char *lease = ush_printf("{'kind':'Lease','metadata':{'name':'usher-broker','namespace':'default'},'spec':{'holderIdentity':'x','renewTime':%s}}", ended[i]);

		fake_kube_add(room.fake, lease);
		fake_kube_remove(room.fake, READ);
		ck_assert_int_eq(sync_room_run(), 0);
		ck_assert(sync_room_has(READ));
	}
	sync_room_end();
}
END_TEST

TAP_MAIN("apply", a_spoilt_lease_is_told_and_never_reckoned_beyond_its_bounds, a_change_takes_away_what_the_create_gave_and_is_not_wanted, a_patch_names_every_key_of_ours_and_the_version_it_is_for,
	 what_somebody_changed_since_the_plan_is_left_alone, a_burst_of_429_costs_time_and_nothing_else,
	 one_that_fails_keeps_no_other_back_but_the_removals_beside_it, a_tombstone_ages_although_something_else_fails,
	 a_409_for_what_is_not_there_is_tried_again, each_change_has_its_outcome,
	 a_server_that_goes_away_leaves_a_prefix_and_the_next_run_does_the_rest, a_removal_that_finds_another_version_is_decided_again,
	 a_removal_that_finds_nothing_is_done, no_binding_is_replaced_without_its_own_proof, nobody_to_ask_is_no_proof_and_the_old_binding_stays,
	 a_role_that_is_not_there_takes_nobodys_access, what_a_webhook_makes_of_a_change_is_said,
	 a_binding_made_anew_that_comes_back_otherwise_is_said, the_lease_is_kept_while_it_is_written, a_lease_that_cannot_be_renewed_ends_the_writing)
