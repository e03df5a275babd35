/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/fake_kube.h"

#define RBAC     "/apis/rbac.authorization.k8s.io/v1"
#define BINDINGS RBAC "/namespaces/a/rolebindings"

static struct ush_error err;
static struct fake_kube *fake;

static void begin(void)
{
	memset(&err, 0, sizeof err);
	fake = fake_kube_new();
	fake_kube_add(fake, "{'kind':'Namespace','metadata':{'name':'a'}}");
}

static json_t *binding(const char *group, const char *role)
{
	return json_pack("{s:s,s:s,s:{s:s,s:s,s:{s:s}},s:{s:s,s:s,s:s},s:[{s:s,s:s,s:s}]}", "apiVersion",
			 "rbac.authorization.k8s.io/v1", "kind", "RoleBinding", "metadata", "name", "x", "namespace",
			 "a", "labels", "made", "here", "roleRef", "apiGroup", "rbac.authorization.k8s.io", "kind",
			 "ClusterRole", "name", role, "subjects", "apiGroup", "rbac.authorization.k8s.io", "kind",
			 "Group", "name", group);
}

static const char *group_of_x(void)
{
	const json_t *x = fake_kube_object(fake, BINDINGS "/x");

	return ush_json_string(json_array_get(json_object_get(x, "subjects"), 0), "name");
}

static void create_x(const char *group)
{
	USH_AUTO_JSON object = binding(group, "view");
	int status;

	ck_assert_int_eq(ush_kube_create(&fake->kube, BINDINGS, object, false, &status, &err), 0);
	ck_assert_int_eq(status, 201);
}

START_TEST(get_tells_what_is_there_and_what_is_not)
{
	USH_AUTO_JSON out = NULL, *none = NULL;
	int status;

	begin();
	create_x("devs");
	ck_assert_int_eq(ush_kube_get(&fake->kube, BINDINGS "/x", &status, &out, &err), 0);
	ck_assert_int_eq(status, 200);
	ck_assert_str_eq(ush_json_string(out, "kind"), "RoleBinding");
	ck_assert_int_eq(ush_kube_get(&fake->kube, BINDINGS "/y", &status, &none, &err), 0);
	ck_assert_int_eq(status, 404);
	ck_assert_ptr_null(none);
	fake_kube_free(fake);
}
END_TEST

START_TEST(create_tells_what_exists_and_fails_without_its_namespace)
{
	USH_AUTO_JSON object = binding("devs", "view");
	int status;

	begin();
	create_x("devs");
	ck_assert_int_eq(ush_kube_create(&fake->kube, BINDINGS, object, false, &status, &err), 0);
	ck_assert_int_eq(status, 409);
	ck_assert_int_eq(
		ush_kube_create(&fake->kube, RBAC "/namespaces/gone/rolebindings", object, false, &status, &err), -1);
	ck_assert_int_eq(status, 404);
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	ck_assert_msg(strstr(err.what, "namespaces \"gone\" not found") != NULL, "%s", err.what);
	ck_assert_str_eq(fake->log[0].path, BINDINGS "?fieldManager=usher-broker");
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_dry_run_changes_nothing)
{
	USH_AUTO_JSON object = binding("devs", "view"), *other = binding("ops", "view");
	USH_AUTO_FREE char *conflict = NULL;
	int status;

	begin();
	ck_assert_int_eq(ush_kube_create(&fake->kube, BINDINGS, object, true, &status, &err), 0);
	ck_assert_int_eq(status, 201);
	ck_assert_ptr_null(fake_kube_object(fake, BINDINGS "/x"));
	create_x("devs");
	ck_assert_int_eq(ush_kube_apply(&fake->kube, BINDINGS "/x", other, true, true, &status, &conflict, &err), 0);
	ck_assert_int_eq(status, 200);
	ck_assert_str_eq(group_of_x(), "devs");
	ck_assert_uint_eq(fake_kube_writes(fake), 1);
	fake_kube_free(fake);
}
END_TEST

/* BC16: what another field manager holds is told by its name and left alone. */
START_TEST(apply_names_the_manager_that_holds_a_field)
{
	USH_AUTO_JSON object = binding("devs", "view");
	USH_AUTO_FREE char *conflict = NULL, *none = NULL;
	int status;

	begin();
	fake_kube_add_as(fake, "helm",
			 "{'kind':'RoleBinding','metadata':{'name':'x','namespace':'a'},'roleRef':{'apiGroup':'rbac."
			 "authorization.k8s.io','kind':"
			 "'ClusterRole','name':'view'},'subjects':[{'kind':'Group','name':'theirs'}]}");
	ck_assert_int_eq(ush_kube_apply(&fake->kube, BINDINGS "/x", object, false, false, &status, &conflict, &err), 0);
	ck_assert_int_eq(status, 409);
	ck_assert_str_eq(conflict, "helm holds .subjects");
	ck_assert_str_eq(group_of_x(), "theirs");
	ck_assert_int_eq(ush_kube_apply(&fake->kube, BINDINGS "/x", object, true, false, &status, &none, &err), 0);
	ck_assert_int_eq(status, 200);
	ck_assert_ptr_null(none);
	ck_assert_str_eq(group_of_x(), "devs");
	fake_kube_free(fake);
}
END_TEST

START_TEST(apply_over_what_we_created_ourselves_is_no_conflict)
{
	USH_AUTO_JSON object = binding("ops", "view");
	USH_AUTO_FREE char *conflict = NULL;
	int status;

	begin();
	create_x("devs");
	ck_assert_int_eq(ush_kube_apply(&fake->kube, BINDINGS "/x", object, false, false, &status, &conflict, &err), 0);
	ck_assert_int_eq(status, 200);
	ck_assert_ptr_null(conflict);
	ck_assert_str_eq(group_of_x(), "ops");
	ck_assert_uint_eq(fake_kube_count(fake, "PATCH", NULL), 2);
	fake_kube_free(fake);
}
END_TEST

START_TEST(apply_does_not_take_from_others_what_it_takes_from_ourselves)
{
	USH_AUTO_JSON object = binding("ops", "view"), *theirs = NULL;
	USH_AUTO_FREE char *conflict = NULL, *ignored = NULL;
	struct ush_kube other;
	int status;

	begin();
	create_x("devs");
	other = fake->kube;
	other.field_manager = "argocd";
	theirs = binding("theirs", "view");
	ck_assert_int_eq(ush_kube_apply(&other, BINDINGS "/x", theirs, true, false, &status, &ignored, &err), 0);
	json_object_set_new(json_object_get(json_object_get(object, "metadata"), "labels"), "made",
			    json_string("there"));
	ck_assert_int_eq(ush_kube_apply(&fake->kube, BINDINGS "/x", object, false, false, &status, &conflict, &err), 0);
	ck_assert_int_eq(status, 409);
	ck_assert_msg(strstr(conflict, "argocd holds .metadata.labels.made, .subjects") != NULL, "%s", conflict);
	ck_assert_str_eq(group_of_x(), "theirs");
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_changed_role_ref_is_refused_with_the_servers_words)
{
	USH_AUTO_JSON object = binding("devs", "edit");
	USH_AUTO_FREE char *conflict = NULL;
	int status;

	begin();
	create_x("devs");
	ck_assert_int_eq(ush_kube_apply(&fake->kube, BINDINGS "/x", object, true, false, &status, &conflict, &err), -1);
	ck_assert_int_eq(status, 422);
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	ck_assert_msg(strstr(err.what, "cannot change roleRef") != NULL, "%s", err.what);
	fake_kube_free(fake);
}
END_TEST

START_TEST(update_wants_the_version_that_was_read)
{
	USH_AUTO_JSON lease = NULL, *again = NULL,
		      *object = json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:s}}", "apiVersion", "coordination.k8s.io/v1",
					  "kind", "Lease", "metadata", "name", "l", "namespace", "a", "spec",
					  "holderIdentity", "me");
	static const char path[] = "/apis/coordination.k8s.io/v1/namespaces/a/leases";
	int status;

	begin();
	ck_assert_int_eq(ush_kube_create(&fake->kube, path, object, false, &status, &err), 0);
	ck_assert_int_eq(
		ush_kube_get(&fake->kube, "/apis/coordination.k8s.io/v1/namespaces/a/leases/l", &status, &lease, &err),
		0);
	json_object_set_new(json_object_get(lease, "spec"), "holderIdentity", json_string("you"));
	ck_assert_int_eq(ush_kube_update(&fake->kube, "/apis/coordination.k8s.io/v1/namespaces/a/leases/l", lease,
					 &status, &again, &err),
			 0);
	ck_assert_int_eq(status, 200);
	ck_assert_str_eq(ush_json_string(json_object_get(again, "spec"), "holderIdentity"), "you");
	ck_assert_int_eq(ush_kube_update(&fake->kube, "/apis/coordination.k8s.io/v1/namespaces/a/leases/l", lease,
					 &status, NULL, &err),
			 0);
	ck_assert_int_eq(status, 409);
	fake_kube_free(fake);
}
END_TEST

START_TEST(delete_holds_to_its_preconditions)
{
	const json_t *metadata;
	USH_AUTO_FREE char *uid = NULL, *version = NULL;
	int status;

	begin();
	create_x("devs");
	metadata = json_object_get(fake_kube_object(fake, BINDINGS "/x"), "metadata");
	uid = ush_strdup(ush_json_string(metadata, "uid"));
	version = ush_strdup(ush_json_string(metadata, "resourceVersion"));
	ck_assert_int_eq(ush_kube_delete(&fake->kube, BINDINGS "/x", "another", version, &status, &err), 0);
	ck_assert_int_eq(status, 409);
	ck_assert_int_eq(ush_kube_delete(&fake->kube, BINDINGS "/x", uid, "1", &status, &err), 0);
	ck_assert_int_eq(status, 409);
	ck_assert_ptr_nonnull(fake_kube_object(fake, BINDINGS "/x"));
	ck_assert_int_eq(ush_kube_delete(&fake->kube, BINDINGS "/x", uid, version, &status, &err), 0);
	ck_assert_int_eq(status, 200);
	ck_assert_ptr_null(fake_kube_object(fake, BINDINGS "/x"));
	ck_assert_int_eq(ush_kube_delete(&fake->kube, BINDINGS "/x", NULL, NULL, &status, &err), 0);
	ck_assert_int_eq(status, 404);
	fake_kube_free(fake);
}
END_TEST

/* ---- patience ---- */

START_TEST(too_many_requests_are_sent_again_after_the_time_that_was_asked_for)
{
	begin();
	fake_kube_fail(fake,
		       (struct fake_kube_fault){.method = "POST", .status = 429, .retry_after_ms = 2000, .times = 3});
	create_x("devs");
	ck_assert_int_ge(fake->slept_ms, 6000);
	ck_assert_int_le(fake->slept_ms, 9000);
	ck_assert_str_eq(group_of_x(), "devs");
	fake_kube_free(fake);
}
END_TEST

START_TEST(patience_ends_after_five_tries_and_after_thirty_seconds)
{
	static const struct {
		int64_t after;
		size_t requests;
	} cases[] = {{1000, 6}, {10000, 3}, {31000, 1}, {900000000, 1}};
	int status;

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_JSON object = binding("devs", "view");

		begin();
		fake_kube_fail(fake,
			       (struct fake_kube_fault){.status = 503, .retry_after_ms = cases[i].after, .times = 100});
		ck_assert_int_eq(ush_kube_create(&fake->kube, BINDINGS, object, false, &status, &err), -1);
		ck_assert_int_eq(err.code, USH_ERR_UNAVAILABLE);
		ck_assert_int_eq(status, 503);
		ck_assert_uint_eq(fake->log_count, cases[i].requests);
		ck_assert_int_le(fake->slept_ms, 40000);
		fake_kube_free(fake);
	}
}
END_TEST

START_TEST(a_read_is_tried_again_on_server_errors_and_broken_connections_but_a_write_is_not)
{
	static const int statuses[] = {500, 502, 503, 504, 0};
	int status;

	for (size_t i = 0; i < USH_COUNT(statuses); i++) {
		USH_AUTO_JSON object = binding("devs", "view"), *out = NULL;

		begin();
		fake_kube_fail(fake, (struct fake_kube_fault){.method = "GET", .status = statuses[i], .times = 2});
		ck_assert_msg(ush_kube_get(&fake->kube, "/version", &status, &out, &err) == 0, "%s", err.what);
		ck_assert_uint_eq(fake->log_count, 3);
		fake_kube_fail(fake, (struct fake_kube_fault){.method = "POST", .status = statuses[i]});
		ck_assert_int_eq(ush_kube_create(&fake->kube, BINDINGS, object, false, &status, &err), -1);
		ck_assert_int_eq(err.code, USH_ERR_UNAVAILABLE);
		ck_assert_int_eq(status, statuses[i]);
		ck_assert_uint_eq(fake_kube_count(fake, "POST", NULL), 1);
		fake_kube_free(fake);
	}
}
END_TEST

START_TEST(a_refused_token_is_read_again_from_its_file_once)
{
	USH_AUTO_FREE char *path = ush_printf("/tmp/usher-test-token-%ld", (long)getpid());
	USH_AUTO_JSON out = NULL, *none = NULL;
	int status;

	begin();
	fake->accepts = "new-token";
	fake->config.token_file = ush_strdup(path);
	ck_assert_int_eq(ush_file_write(path, "new-token\n", 10, 0600, &err), 0);
	ck_assert_msg(ush_kube_get(&fake->kube, "/version", &status, &out, &err) == 0, "%s", err.what);
	ck_assert_uint_eq(fake->log_count, 2);
	ck_assert_str_eq(ush_secret_reveal(fake->config.token), "new-token");

	fake->accepts = "yet another";
	ck_assert_int_eq(ush_kube_get(&fake->kube, "/version", &status, &none, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_LOGIN);
	ck_assert_int_eq(status, 401);
	ck_assert_uint_eq(fake->log_count, 4);
	ck_assert_ptr_null(strstr(err.what, "new-token"));
	unlink(path);
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_refused_credential_without_a_file_is_a_sign_in)
{
	USH_AUTO_JSON out = NULL;
	int status;

	begin();
	fake->accepts = "something else";
	ck_assert_int_eq(ush_kube_get(&fake->kube, "/version", &status, &out, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_LOGIN);
	ck_assert_uint_eq(fake->log_count, 1);
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_forbidden_write_quotes_the_missing_right)
{
	USH_AUTO_JSON object = binding("devs", "view");
	int status;

	begin();
	fake_kube_fail(
		fake,
		(struct fake_kube_fault){
			.status = 403,
			.body = "{\"kind\":\"Status\",\"reason\":\"Forbidden\",\"message\":\"rolebindings \\\"x\\\" is "
				"forbidden: user \\\"b\\\" is attempting to grant RBAC permissions not currently "
				"held\"}"});
	ck_assert_int_eq(ush_kube_create(&fake->kube, BINDINGS, object, false, &status, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_REFUSED);
	ck_assert_int_eq(status, 403);
	ck_assert_msg(strstr(err.what, "attempting to grant RBAC permissions not currently held") != NULL, "%s",
		      err.what);
	fake_kube_free(fake);
}
END_TEST

START_TEST(an_answer_that_is_no_json_is_rejected)
{
	static const char *const bodies[] = {"<html>", "[]", "", "{\"kind\":", "\"x\""};
	int status;

	for (size_t i = 0; i < USH_COUNT(bodies); i++) {
		USH_AUTO_JSON out = NULL;

		begin();
		fake_kube_fail(fake, (struct fake_kube_fault){.status = 200, .body = bodies[i]});
		ck_assert_int_eq(ush_kube_get(&fake->kube, "/version", &status, &out, &err), -1);
		ck_assert_msg(err.code == USH_ERR_REJECTED, "%s", err.what);
		fake_kube_fail(fake, (struct fake_kube_fault){.status = 302, .body = bodies[i]});
		memset(&err, 0, sizeof err);
		ck_assert_int_eq(ush_kube_get(&fake->kube, "/version", &status, &out, &err), -1);
		ck_assert_int_eq(err.code, USH_ERR_REJECTED);
		fake_kube_free(fake);
	}
}
END_TEST

/* ---- reviews ---- */

static bool only_pods(void *context, const char *user, const json_t *groups, const json_t *attributes)
{
	*(size_t *)context = json_array_size(groups);
	return user == NULL && strcmp(ush_json_string(attributes, "resource"), "pods") == 0;
}

START_TEST(may_we_asks_with_all_that_is_known)
{
	struct ush_kube_attributes what = {.verb = "get", .resource = "pods", .namespace_name = "a"};
	bool allowed = false;
	size_t groups = 9;

	begin();
	fake->allow = only_pods;
	fake->allow_context = &groups;
	ck_assert_int_eq(ush_kube_can_i(&fake->kube, &what, &allowed, &err), 0);
	ck_assert(allowed);
	what.resource = "secrets";
	ck_assert_int_eq(ush_kube_can_i(&fake->kube, &what, &allowed, &err), 0);
	ck_assert(!allowed);
	ck_assert_ptr_nonnull(
		strstr(fake->log[1].body,
		       "{\"resourceAttributes\":{\"verb\":\"get\",\"resource\":\"secrets\",\"namespace\":\"a\"}}"));
	ck_assert_uint_eq(fake_kube_writes(fake), 0);
	fake_kube_free(fake);
}
END_TEST

START_TEST(may_they_is_decided_by_what_the_cluster_holds)
{
	static const char *const devs[] = {"devs", "others", NULL}, *const nobody[] = {"others", NULL};
	struct ush_kube_attributes what = {.verb = "get", .group = "", .resource = "pods", .namespace_name = "a"};
	bool allowed = false;

	begin();
	fake_kube_add(fake, "{'kind':'ClusterRole','metadata':{'name':'view'},'rules':[{'apiGroups':[''],'resources':['"
			    "pods'],'verbs':['get']}]}");
	create_x("devs");
	ck_assert_int_eq(ush_kube_can_they(&fake->kube, "carol", devs, &what, &allowed, &err), 0);
	ck_assert(allowed);
	ck_assert_int_eq(ush_kube_can_they(&fake->kube, "carol", nobody, &what, &allowed, &err), 0);
	ck_assert(!allowed);
	what.namespace_name = "default";
	ck_assert_int_eq(ush_kube_can_they(&fake->kube, "carol", devs, &what, &allowed, &err), 0);
	ck_assert(!allowed);
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_review_without_a_verdict_is_rejected)
{
	static const char *const bodies[] = {"{}", "{\"status\":{}}", "{\"status\":{\"allowed\":\"true\"}}",
					     "{\"status\":true}"};
	struct ush_kube_attributes what = {.verb = "get", .resource = "pods"};
	bool allowed = false;

	for (size_t i = 0; i < USH_COUNT(bodies); i++) {
		begin();
		fake_kube_fail(fake, (struct fake_kube_fault){.status = 201, .body = bodies[i]});
		ck_assert_int_eq(ush_kube_can_i(&fake->kube, &what, &allowed, &err), -1);
		ck_assert_int_eq(err.code, USH_ERR_REJECTED);
		ck_assert(!allowed);
		fake_kube_free(fake);
	}
}
END_TEST

TAP_MAIN("kube_client", get_tells_what_is_there_and_what_is_not,
	 create_tells_what_exists_and_fails_without_its_namespace, a_dry_run_changes_nothing,
	 apply_names_the_manager_that_holds_a_field, apply_over_what_we_created_ourselves_is_no_conflict,
	 apply_does_not_take_from_others_what_it_takes_from_ourselves,
	 a_changed_role_ref_is_refused_with_the_servers_words, update_wants_the_version_that_was_read,
	 delete_holds_to_its_preconditions, too_many_requests_are_sent_again_after_the_time_that_was_asked_for,
	 patience_ends_after_five_tries_and_after_thirty_seconds,
	 a_read_is_tried_again_on_server_errors_and_broken_connections_but_a_write_is_not,
	 a_refused_token_is_read_again_from_its_file_once, a_refused_credential_without_a_file_is_a_sign_in,
	 a_forbidden_write_quotes_the_missing_right, an_answer_that_is_no_json_is_rejected,
	 may_we_asks_with_all_that_is_known, may_they_is_decided_by_what_the_cluster_holds,
	 a_review_without_a_verdict_is_rejected)
