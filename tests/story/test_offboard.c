/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody leaves, and the provider or the API server does not always want to.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/net/http.h"
#include "tests/support/offboard_case.h"

/* ---- a person ---- */

/* BE46: first the ledger, then out of our bindings in every spelling; others' are told, with the command. */
START_TEST(a_person_is_denied_first_and_then_taken_out)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carol");
	offboard_put("mixed", OURS, CAROL "," DAVE);
	offboard_put("alone", OURS, CAROL);
	offboard_put("theirs", "", CAROL "," EVE);
	fake_kube_add(room.fake, "{'kind':'ClusterRoleBinding','metadata':{'name':'all'}," REF ",'subjects':[" CAROL "]}");
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert(offboard_is_denied("CAROL"));
	ck_assert_uint_lt(sync_room_when("POST", "/api/v1/namespaces/default/configmaps"), sync_room_when("PATCH", AT("mixed")));
	ck_assert_uint_eq(offboard_subjects(AT("mixed")), 1);
	ck_assert(!sync_room_has(AT("alone")));
	ck_assert_uint_eq(offboard_subjects(AT("theirs")), 2);
	offboard_line("removed", "User subject Carol in fancy-namespace/mixed (ours)");
	offboard_line("removed", "RoleBinding fancy-namespace/alone, which held nobody but User Carol (ours)");
	ck_assert_ptr_nonnull(strstr(ush_json_string(offboard_line("left", "fancy-namespace/theirs"), "command"), "kubectl patch rolebinding -n fancy-namespace --type=json -p '"));
	ck_assert_str_eq(ush_json_string(offboard_line("left", "ClusterRoleBinding all"), "command"), "kubectl delete clusterrolebinding -- all");
	ck_assert_uint_eq(fake_kube_count(room.fake, NULL, "/apis/rbac.authorization.k8s.io/v1/rolebindings"), 1); /* one list */
	offboard_end();
}
END_TEST

START_TEST(running_again_is_harmless)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carol");
	offboard_put("mixed", OURS, CAROL "," DAVE);
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	offboard_again(NULL);
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	offboard_line("denied", "is kept out already");
	offboard_end();
}
END_TEST

START_TEST(a_dry_run_writes_nothing_and_shows_all)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carol");
	offboard_one.dry = true;
	offboard_put("mixed", OURS, CAROL "," DAVE);
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	offboard_line("denied", "would be kept out");
	offboard_line("removed", "User subject Carol in fancy-namespace/mixed");
	ck_assert_uint_eq(offboard_subjects(AT("mixed")), 2);
	offboard_end();
}
END_TEST

static void add_eve(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	unsigned int *times = context;

	if (strcmp(method, "PATCH") != 0 || strncmp(path, AT("mixed"), strlen(AT("mixed"))) != 0 || (*times)++ > 0)
		return;
	offboard_put("mixed", OURS, CAROL "," DAVE "," EVE);
	(void)kube;
}

START_TEST(who_joins_in_between_stays)
{
	unsigned int times = 0;

	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carol");
	offboard_put("mixed", OURS, CAROL "," DAVE);
	room.fake->before = add_eve;
	room.fake->before_context = &times;
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_uint_eq(offboard_subjects(AT("mixed")), 2);
	ck_assert_uint_eq(fake_kube_count(room.fake, "PATCH", AT("mixed")), 2);
	offboard_end();
}
END_TEST

static void take_over(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	(void)context, (void)kube;
	if (strcmp(method, "GET") == 0 && strncmp(path, AT("mixed"), strlen(AT("mixed"))) == 0)
		offboard_put("mixed", "'annotations':{'meta.helm.sh/release-name':'ops'}", CAROL "," DAVE);
}

START_TEST(what_became_somebody_elses_in_between_is_left)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carol");
	offboard_put("mixed", OURS, CAROL "," DAVE);
	room.fake->before = take_over;
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	offboard_line("left", "RoleBinding fancy-namespace/mixed: somebody else made it theirs in between");
	ck_assert_uint_eq(fake_kube_count(room.fake, "PATCH", AT("mixed")), 0);
	ck_assert_uint_eq(offboard_subjects(AT("mixed")), 2);
	offboard_end();
}
END_TEST

static void put_back(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	(void)context, (void)kube;
	if (strcmp(method, "GET") == 0 && strncmp(path, AT("mixed"), strlen(AT("mixed"))) == 0)
		offboard_put("mixed", OURS, CAROL "," DAVE);
}

/* The proof is what stands there afterwards: a webhook or another writer that puts the person back is told. */
START_TEST(a_binding_that_does_not_stay_as_written_is_left_and_told)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carol");
	offboard_put("mixed", OURS, CAROL "," DAVE);
	room.fake->before = put_back;
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	offboard_line("left", "RoleBinding fancy-namespace/mixed: it does not stay as it was written");
	ck_assert_uint_ge(ush_report_todo(offboard_one.report), 1);
	offboard_end();
}
END_TEST

START_TEST(a_binding_that_a_finalizer_holds_is_emptied)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carol");
	offboard_put("held", "'deletionTimestamp':'2026-01-01T00:00:00Z','finalizers':['x.example.com/f']," OURS, CAROL);
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_uint_eq(offboard_subjects(AT("held")), 0);
	offboard_end();
}
END_TEST

START_TEST(others_are_changed_when_told_and_never_what_a_tool_manages)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carol");
	offboard_one.take_others = true;
	offboard_put("theirs", "", CAROL "," EVE);
	offboard_put("helmed", "'annotations':{'meta.helm.sh/release-name':'ops'}", CAROL "," EVE);
	offboard_put("owned", "'ownerReferences':[{'apiVersion':'v1','kind':'X','name':'n','uid':'u'}]", CAROL);
	fake_kube_add(room.fake, "{'kind':'ClusterRoleBinding','metadata':{'name':'all'}," REF ",'subjects':[" CAROL "]}");
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_uint_eq(offboard_subjects(AT("theirs")), 1);
	ck_assert_uint_eq(offboard_subjects(AT("helmed")), 2);
	ck_assert_uint_eq(offboard_subjects(AT("owned")), 1);
	ck_assert_uint_eq(offboard_subjects("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/all"), 1);
	offboard_line("left", "made by helm (release ops): take it out there, too, or it comes back");
	offboard_end();
}
END_TEST

/* ---- what goes wrong ---- */

/* T60: the provider is down. The ledger is written, the bindings are gone, and what to run again is said. */
START_TEST(a_provider_that_is_down_keeps_nobody_in)
{
	const json_t *left;

	offboard_begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	offboard_put("mixed", OURS, CAROL "," DAVE);
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_uint_gt(offboard_asked, 0);
	ck_assert_uint_eq(offboard_listed, 0); /* revoke first, look later */
	ck_assert(offboard_is_denied("carol"));
	ck_assert_uint_eq(offboard_subjects(AT("mixed")), 1);
	left = offboard_line("left", "sessions were not ended");
	ck_assert(json_is_true(json_object_get(left, "todo")));
	ck_assert_str_eq(ush_json_string(left, "command"), "usher-broker offboard again");
	ck_assert(json_is_false(json_object_get(offboard_one.report, "complete"))); /* what its groups give nobody knows */
	offboard_end();
}
END_TEST

static int fill_up(void *context, struct ush_ledger *ledger, struct ush_error *err)
{
	(void)context;
	(void)err;
	for (size_t i = 0; i < USH_LEDGER_MAX; i++) {
		struct ush_ledger_entry e = {.kind = USH_LEDGER_NAMESPACE, .since = 1, .key = ush_printf("%08zx", i), .name = ush_printf("n%zu", i), .by = ush_strdup("ann"),
					     .reason = ush_strdup("x")};

		ck_assert(ush_ledger_add(ledger, &e));
	}
	return 1;
}

/* T60: the person is out for now, and everybody is told what the next run does, and what to do before. */
START_TEST(a_ledger_that_is_full_is_told_with_the_way_out)
{
	const json_t *left;

	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carol");
	offboard_put("mixed", OURS, CAROL "," DAVE);
	ck_assert_int_eq(ush_ledger_change(&room.fake->kube, "default", "default", fill_up, NULL, &room.err), 0);
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_uint_eq(offboard_subjects(AT("mixed")), 1);
	left = offboard_line("left", "not kept out of later runs, so the next one gives back what the policy grants: the ledger has no room");
	ck_assert(json_is_true(json_object_get(left, "todo")));
	ck_assert_ptr_nonnull(strstr(ush_json_string(left, "text"), "2000 denied, 0 with a role for a time). Make room: usher-broker readmit -f POLICY --key KEY --reason TEXT, of who is in "
					     "no group any more. All of them: kubectl get configmap -n default usher-broker-ledger -o jsonpath={.data.ledger}"));
	ck_assert_str_eq(ush_json_string(left, "command"), "usher-broker offboard again");
	offboard_end();
}
END_TEST

START_TEST(a_cluster_that_is_down_keeps_no_session)
{
	offboard_begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	offboard_one.kube = NULL;
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_uint_gt(offboard_asked, 0);
	offboard_line("left", "no cluster was reached");
	ck_assert(json_is_false(json_object_get(offboard_one.report, "complete")));
	offboard_end();
}
END_TEST

START_TEST(of_several_clusters_the_providers_are_asked_once)
{
	size_t before;

	offboard_begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	offboard_put("mixed", OURS, CAROL "," DAVE);
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	before = offboard_asked;
	ush_offboard_next(&offboard_one); /* the next cluster: the same one here, where somebody put carol back */
	offboard_put("mixed", OURS, CAROL "," DAVE);
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_uint_eq(offboard_asked, before);
	ck_assert_uint_eq(offboard_subjects(AT("mixed")), 1);
	offboard_line("left", "sessions were not ended");
	offboard_end();
}
END_TEST

START_TEST(an_api_server_that_goes_in_the_middle_leaves_what_was_done_told)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carol");
	offboard_put("mixed", OURS, CAROL "," DAVE);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.path = AT("mixed"), .times = 1000, .status = 0});
	fake_kube_fail(room.fake, (struct fake_kube_fault){.path = "/apis/rbac.authorization.k8s.io/v1/roles", .times = 1000, .status = 0});
	fake_kube_fail(room.fake, (struct fake_kube_fault){.path = "/apis/rbac.authorization.k8s.io/v1/clusterroles", .times = 1000, .status = 0});
	ck_assert_int_ne(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_int_eq(room.err.code, USH_ERR_UNAVAILABLE);
	ck_assert(offboard_is_denied("carol"));
	offboard_line("denied", "carol is kept out");
	offboard_line("left", "RoleBinding fancy-namespace/mixed");
	offboard_end();
}
END_TEST

START_TEST(what_may_not_be_read_is_said_and_the_person_is_out)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carol");
	offboard_put("mixed", OURS, CAROL "," DAVE);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.path = "/apis/certificates.k8s.io", .times = 10, .status = 403});
	ck_assert_int_ne(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ck_assert_uint_eq(offboard_subjects(AT("mixed")), 1);
	ck_assert(offboard_is_denied("carol"));
	offboard_line("unknown", "CertificateSigningRequests could not be read");
	ck_assert(json_is_false(json_object_get(offboard_one.report, "complete")));
	offboard_end();
}
END_TEST

static size_t secrets_asked;

static int only_metadata(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *err)
{
	if (strstr(request->url, "/secrets") != NULL) {
		secrets_asked++;
		ck_assert_pstr_eq(request->accept, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
		ck_assert_ptr_nonnull(strstr(request->url, "fieldSelector=type%3Dkubernetes.io%2Fservice-account-token"));
	}
	return fake_kube_http(context, request, response, err);
}

START_TEST(what_a_secret_holds_never_comes_here)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carol");
	offboard_put("mixed", OURS, CAROL "," DAVE);
	fake_kube_add(room.fake, "{'kind':'Secret','metadata':{'name':'t','namespace':'fancy-namespace','annotations':{'kubernetes.io/service-account.name':'ci'}}}");
	room.fake->world.http = only_metadata;
	room.fake->world.http_many = NULL;
	secrets_asked = 0;
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_uint_eq(secrets_asked, 1);
	offboard_line("until", "token Secret fancy-namespace/t (ServiceAccount ci");
	offboard_end();
}
END_TEST

START_TEST(nobody_of_that_name_is_one_line_and_no_write)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "carrol");
	offboard_put("mixed", OURS, CAROL "," DAVE);
	ck_assert_int_ne(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_int_eq(room.err.code, USH_DIFFERENCES);
	ck_assert_ptr_nonnull(strstr(room.err.what, "(did you mean carol?)"));
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	offboard_again(NULL);
	offboard_one.anyway = true;
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert(offboard_is_denied("carrol"));
	ck_assert_uint_eq(offboard_subjects(AT("mixed")), 2);
	offboard_end();
}
END_TEST

START_TEST(nobody_cuts_the_branch_that_he_sits_on)
{
	offboard_begin(STORY, FULL, USH_LEDGER_USER, "Fake-Admin");
	ck_assert_int_ne(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	offboard_end();
}
END_TEST

/* ---- groups and namespaces ---- */

START_TEST(a_group_leaves_all_of_ours_at_once_and_others_are_told)
{
	offboard_begin(STORY, FULL, USH_LEDGER_GROUP, "k8s-restricted-users");
	for (char name[] = "a"; *name < 'z'; (*name)++) /* more than any limit allows */
		offboard_put(name, OURS, "{'kind':'Group','name':'oidc:k8s-restricted-users'}");
	offboard_put("theirs", "", "{'kind':'Group','name':'oidc:k8s-restricted-users'}");
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_uint_eq(fake_kube_objects(room.fake, BINDINGS), 1);
	offboard_line("could", "2 people are in /k8s-restricted-users");
	offboard_line("left", "RoleBinding fancy-namespace/theirs");
	offboard_end();
}
END_TEST

START_TEST(two_groups_of_one_name_are_nobodys_to_guess)
{
	offboard_begin(STORY, "{\"groups\":[{\"id\":\"1\",\"path\":\"/x/dev\",\"name\":\"dev\"},{\"id\":\"2\",\"path\":\"/y/dev\",\"name\":\"dev\"}],\"count\":2}", USH_LEDGER_GROUP, "dev");
	ck_assert_int_ne(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(room.err.what, "/x/dev (id 1) and /y/dev (id 2)"));
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	offboard_end();
}
END_TEST

START_TEST(of_a_namespace_what_is_ours_goes_and_the_rest_is_told)
{
	offboard_begin(STORY, FULL, USH_LEDGER_NAMESPACE, "fancy-namespace");
	offboard_put("mine", OURS, CAROL);
	offboard_put("theirs", "", EVE);
	fake_kube_add(room.fake, "{'kind':'Role','metadata':{'name':'gone','namespace':'fancy-namespace'," OURS "},'rules':[]}");
	fake_kube_add(room.fake, "{'kind':'Role','metadata':{'name':'used','namespace':'fancy-namespace'," OURS "},'rules':[]}");
	fake_kube_add(room.fake, "{'kind':'RoleBinding','metadata':{'name':'uses','namespace':'fancy-namespace'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'Role',"
				 "'name':'used'},'subjects':[" EVE "]}");
	ck_assert_int_eq(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert(!sync_room_has(AT("mine")));
	ck_assert(sync_room_has(AT("theirs")));
	ck_assert(!sync_room_has(RBAC "fancy-namespace/roles/gone"));
	ck_assert(sync_room_has(RBAC "fancy-namespace/roles/used"));
	ck_assert(sync_room_has("/api/v1/namespaces/fancy-namespace"));
	offboard_line("left", "Role fancy-namespace/used (ours): RoleBinding uses");
	offboard_line("stays", "Namespace fancy-namespace itself, and whatever runs in it");
	ck_assert(!offboard_says("left", "Namespace fancy-namespace"));
	offboard_end();
	offboard_begin(STORY, FULL, USH_LEDGER_NAMESPACE, "fancy-namespac");
	ck_assert_int_ne(ush_offboard_run(&offboard_one, &room.err), 0);
	ck_assert_int_eq(room.err.code, USH_DIFFERENCES);
	ck_assert_ptr_nonnull(strstr(room.err.what, "(did you mean fancy-namespace?)"));
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	offboard_end();
}
END_TEST

TAP_MAIN("offboard", a_person_is_denied_first_and_then_taken_out, running_again_is_harmless, a_dry_run_writes_nothing_and_shows_all, who_joins_in_between_stays,
	 a_binding_that_does_not_stay_as_written_is_left_and_told, a_binding_that_a_finalizer_holds_is_emptied,
	 what_became_somebody_elses_in_between_is_left,
	 others_are_changed_when_told_and_never_what_a_tool_manages, a_provider_that_is_down_keeps_nobody_in, a_ledger_that_is_full_is_told_with_the_way_out,
	 a_cluster_that_is_down_keeps_no_session, of_several_clusters_the_providers_are_asked_once,
	 an_api_server_that_goes_in_the_middle_leaves_what_was_done_told, what_may_not_be_read_is_said_and_the_person_is_out,
	 what_a_secret_holds_never_comes_here, nobody_of_that_name_is_one_line_and_no_write, nobody_cuts_the_branch_that_he_sits_on, a_group_leaves_all_of_ours_at_once_and_others_are_told,
	 two_groups_of_one_name_are_nobodys_to_guess, of_a_namespace_what_is_ours_goes_and_the_rest_is_told)
