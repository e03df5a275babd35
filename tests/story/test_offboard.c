/* SPDX-License-Identifier: Apache-2.0
 *
 * Somebody leaves, and the provider or the API server does not always want to.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/lifecycle/offboard.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/net/http.h"
#include "tests/support/sync_room.h"

#define LEDGER "/api/v1/namespaces/default/configmaps/usher-broker-ledger"
#define OURS   "'labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/policy':'default'},'annotations':{'usher.dev/role':'r'}"
#define REF    "'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'}"
#define CAROL  "{'apiGroup':'rbac.authorization.k8s.io','kind':'User','name':'Carol'}"
#define DAVE   "{'apiGroup':'rbac.authorization.k8s.io','kind':'User','name':'dave'}"
#define EVE    "{'apiGroup':'rbac.authorization.k8s.io','kind':'User','name':'eve'}"
#define AT(name) BINDINGS "/" name

static struct ush_offboard one;
static struct ush_policy *policy;
static struct ush_world sources;
static const struct ush_strings nothing;
static size_t asked; /* requests that reached for a provider */
static size_t listed; /* lists of bindings that came before the first of them */

static int nobody_answers(void *context, const struct ush_http_request *request, struct ush_http_response *response, struct ush_error *err)
{
	(void)context, (void)request, (void)response;
	if (asked++ == 0)
		listed = fake_kube_count(room.fake, NULL, "/apis/rbac.authorization.k8s.io");
	return ush_fail(err, USH_ERR_UNAVAILABLE, "no route to host");
}

static void begin(const char *text, const char *groups, enum ush_ledger_kind kind, const char *name)
{
	USH_AUTO_FREE char *path = NULL;

	sync_room_begin(text, groups);
	path = ush_printf("%s/policy.yaml", room.folder);
	sync_room_put("secret", "s");
	policy = ush_policy_load(path, NULL, &room.err);
	ck_assert_msg(policy != NULL, "%s", room.err.what);
	sources = room.fake->world;
	sources.http = nobody_answers;
	asked = 0;
	one = (struct ush_offboard){.kind = kind, .name = name, .also = &nothing, .policy = policy, .sources_world = &sources, .kube = &room.fake->kube,
				    .state_namespace = "default", .reason = "left", .again = "usher-broker offboard again", .kubectl = "kubectl"};
}

static void end(void)
{
	USH_AUTO_FREE char *path = ush_printf("%s/secret", room.folder);

	remove(path);
	ush_offboard_free(&one);
	ush_policy_free(policy);
	sync_room_end();
}

/* Once more, as another call of the program would. */
static void again(void)
{
	struct ush_offboard next = {.kind = one.kind, .name = one.name, .also = &nothing, .policy = policy, .sources_world = &sources, .kube = &room.fake->kube,
				    .state_namespace = "default", .reason = "left", .again = "again", .kubectl = "kubectl"};

	ush_offboard_free(&one);
	one = next;
	fake_kube_forget(room.fake);
	memset(&room.err, 0, sizeof room.err);
}

static void put(const char *name, const char *metadata, const char *subjects)
{
	USH_AUTO_FREE char *text = ush_printf("{'kind':'RoleBinding','metadata':{'name':'%s','namespace':'fancy-namespace'%s%s}," REF ",'subjects':[%s]}", name,
					      *metadata != '\0' ? "," : "", metadata, subjects);

	fake_kube_add(room.fake, text);
}

static size_t subjects(const char *path)
{
	return json_array_size(json_object_get(fake_kube_object(room.fake, path), "subjects"));
}

/* The first line of a word whose text holds `part`; ends the test when there is none. */
static const json_t *line(const char *word, const char *part)
{
	USH_AUTO_FREE char *all = json_dumps(one.report, JSON_INDENT(1));
	const json_t *found;
	size_t i;

	json_array_foreach(json_object_get(one.report, "lines"), i, found)
		if (strcmp(ush_json_string(found, "word"), word) == 0 && strstr(ush_json_string(found, "text"), part) != NULL)
			return found;
	ck_abort_msg("no line \"%s ...%s\" in %s", word, part, all);
}

static bool is_denied(const char *name)
{
	USH_AUTO_LEDGER ledger = {0};

	ck_assert_int_eq(ush_ledger_load(&ledger, &room.fake->kube, "default", "default", NULL, &room.err), 0);
	return ush_ledger_bars_user(&ledger, name) != NULL;
}

#define KEYCLOAK                                                                                                                    \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\n"                                               \
	"sources: {main: {keycloak: {url: 'https://sso.test', realm: acme, client: c, secretFile: secret}}}\n"                           \
	"roles: {editor: {clusterRole: edit}}\ngrants:\n- {group: b, role: editor, namespaces: [default]}\n"

/* ---- a person ---- */

/* BE46: first the ledger, then out of our bindings in every spelling; others' are told, with the command. */
START_TEST(a_person_is_denied_first_and_then_taken_out)
{
	begin(STORY, FULL, USH_LEDGER_USER, "carol");
	put("mixed", OURS, CAROL "," DAVE);
	put("alone", OURS, CAROL);
	put("theirs", "", CAROL "," EVE);
	fake_kube_add(room.fake, "{'kind':'ClusterRoleBinding','metadata':{'name':'all'}," REF ",'subjects':[" CAROL "]}");
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	ck_assert(is_denied("CAROL"));
	ck_assert_uint_lt(sync_room_when("POST", "/api/v1/namespaces/default/configmaps"), sync_room_when("PATCH", AT("mixed")));
	ck_assert_uint_eq(subjects(AT("mixed")), 1);
	ck_assert(!sync_room_has(AT("alone")));
	ck_assert_uint_eq(subjects(AT("theirs")), 2);
	line("removed", "User subject Carol in fancy-namespace/mixed (ours)");
	line("removed", "RoleBinding fancy-namespace/alone, which held nobody but User Carol (ours)");
	ck_assert_ptr_nonnull(strstr(ush_json_string(line("left", "fancy-namespace/theirs"), "command"), "kubectl patch rolebinding -n fancy-namespace 'theirs' --type=json"));
	ck_assert_str_eq(ush_json_string(line("left", "ClusterRoleBinding all"), "command"), "kubectl delete clusterrolebinding 'all'");
	ck_assert_uint_eq(fake_kube_count(room.fake, NULL, "/apis/rbac.authorization.k8s.io/v1/rolebindings"), 1); /* one list */
	end();
}
END_TEST

START_TEST(running_again_is_harmless)
{
	begin(STORY, FULL, USH_LEDGER_USER, "carol");
	put("mixed", OURS, CAROL "," DAVE);
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	again();
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	line("denied", "was kept out");
	end();
}
END_TEST

START_TEST(a_dry_run_writes_nothing_and_shows_all)
{
	begin(STORY, FULL, USH_LEDGER_USER, "carol");
	one.dry = true;
	put("mixed", OURS, CAROL "," DAVE);
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	line("denied", "would be kept out");
	line("removed", "User subject Carol in fancy-namespace/mixed");
	ck_assert_uint_eq(subjects(AT("mixed")), 2);
	end();
}
END_TEST

static void add_eve(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	unsigned int *times = context;

	if (strcmp(method, "PATCH") != 0 || strncmp(path, AT("mixed"), strlen(AT("mixed"))) != 0 || (*times)++ > 0)
		return;
	put("mixed", OURS, CAROL "," DAVE "," EVE);
	(void)kube;
}

START_TEST(who_joins_in_between_stays)
{
	unsigned int times = 0;

	begin(STORY, FULL, USH_LEDGER_USER, "carol");
	put("mixed", OURS, CAROL "," DAVE);
	room.fake->before = add_eve;
	room.fake->before_context = &times;
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	ck_assert_uint_eq(subjects(AT("mixed")), 2);
	ck_assert_uint_eq(fake_kube_count(room.fake, "PATCH", AT("mixed")), 2);
	end();
}
END_TEST

static void take_over(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	(void)context, (void)kube;
	if (strcmp(method, "GET") == 0 && strncmp(path, AT("mixed"), strlen(AT("mixed"))) == 0)
		put("mixed", "'annotations':{'meta.helm.sh/release-name':'ops'}", CAROL "," DAVE);
}

START_TEST(what_became_somebody_elses_in_between_is_left)
{
	begin(STORY, FULL, USH_LEDGER_USER, "carol");
	put("mixed", OURS, CAROL "," DAVE);
	room.fake->before = take_over;
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	line("left", "RoleBinding fancy-namespace/mixed: somebody else made it theirs in between");
	ck_assert_uint_eq(fake_kube_count(room.fake, "PATCH", AT("mixed")), 0);
	ck_assert_uint_eq(subjects(AT("mixed")), 2);
	end();
}
END_TEST

static void put_back(void *context, struct fake_kube *kube, const char *method, const char *path)
{
	(void)context, (void)kube;
	if (strcmp(method, "GET") == 0 && strncmp(path, AT("mixed"), strlen(AT("mixed"))) == 0)
		put("mixed", OURS, CAROL "," DAVE);
}

/* The proof is what stands there afterwards: a webhook or another writer that puts the person back is told. */
START_TEST(a_binding_that_does_not_stay_as_written_is_left_and_told)
{
	begin(STORY, FULL, USH_LEDGER_USER, "carol");
	put("mixed", OURS, CAROL "," DAVE);
	room.fake->before = put_back;
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	line("left", "RoleBinding fancy-namespace/mixed: it does not stay as it was written");
	ck_assert_uint_ge(ush_report_todo(one.report), 1);
	end();
}
END_TEST

START_TEST(a_binding_that_a_finalizer_holds_is_emptied)
{
	begin(STORY, FULL, USH_LEDGER_USER, "carol");
	put("held", "'deletionTimestamp':'2026-01-01T00:00:00Z','finalizers':['x.example.com/f']," OURS, CAROL);
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	ck_assert_uint_eq(subjects(AT("held")), 0);
	end();
}
END_TEST

START_TEST(others_are_changed_when_told_and_never_what_a_tool_manages)
{
	begin(STORY, FULL, USH_LEDGER_USER, "carol");
	one.take_others = true;
	put("theirs", "", CAROL "," EVE);
	put("helmed", "'annotations':{'meta.helm.sh/release-name':'ops'}", CAROL "," EVE);
	put("owned", "'ownerReferences':[{'apiVersion':'v1','kind':'X','name':'n','uid':'u'}]", CAROL);
	fake_kube_add(room.fake, "{'kind':'ClusterRoleBinding','metadata':{'name':'all'}," REF ",'subjects':[" CAROL "]}");
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	ck_assert_uint_eq(subjects(AT("theirs")), 1);
	ck_assert_uint_eq(subjects(AT("helmed")), 2);
	ck_assert_uint_eq(subjects(AT("owned")), 1);
	ck_assert_uint_eq(subjects("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/all"), 1);
	line("left", "made by helm (release ops): take it out there, or it comes back");
	end();
}
END_TEST

/* ---- what goes wrong ---- */

/* T60: the provider is down. The ledger is written, the bindings are gone, and what to run again is said. */
START_TEST(a_provider_that_is_down_keeps_nobody_in)
{
	const json_t *left;

	begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	put("mixed", OURS, CAROL "," DAVE);
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	ck_assert_uint_gt(asked, 0);
	ck_assert_uint_eq(listed, 0); /* revoke first, look later */
	ck_assert(is_denied("carol"));
	ck_assert_uint_eq(subjects(AT("mixed")), 1);
	left = line("left", "sessions were not ended");
	ck_assert(json_is_true(json_object_get(left, "todo")));
	ck_assert_str_eq(ush_json_string(left, "command"), "usher-broker offboard again");
	end();
}
END_TEST

START_TEST(a_cluster_that_is_down_keeps_no_session)
{
	begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	one.kube = NULL;
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	ck_assert_uint_gt(asked, 0);
	line("left", "no cluster was reached");
	end();
}
END_TEST

START_TEST(of_several_clusters_the_providers_are_asked_once)
{
	size_t before;

	begin(KEYCLOAK, FULL, USH_LEDGER_USER, "carol");
	put("mixed", OURS, CAROL "," DAVE);
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	before = asked;
	ush_offboard_next(&one); /* the next cluster: the same one here, where somebody put carol back */
	put("mixed", OURS, CAROL "," DAVE);
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	ck_assert_uint_eq(asked, before);
	ck_assert_uint_eq(subjects(AT("mixed")), 1);
	line("left", "sessions were not ended");
	end();
}
END_TEST

START_TEST(an_api_server_that_goes_in_the_middle_leaves_what_was_done_told)
{
	begin(STORY, FULL, USH_LEDGER_USER, "carol");
	put("mixed", OURS, CAROL "," DAVE);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.path = AT("mixed"), .times = 1000, .status = 0});
	fake_kube_fail(room.fake, (struct fake_kube_fault){.path = "/apis/rbac.authorization.k8s.io/v1/roles", .times = 1000, .status = 0});
	fake_kube_fail(room.fake, (struct fake_kube_fault){.path = "/apis/rbac.authorization.k8s.io/v1/clusterroles", .times = 1000, .status = 0});
	ck_assert_int_ne(ush_offboard_run(&one, &room.err), 0);
	ck_assert_int_eq(room.err.code, USH_ERR_UNAVAILABLE);
	ck_assert(is_denied("carol"));
	line("denied", "carol is kept out");
	line("left", "RoleBinding fancy-namespace/mixed");
	end();
}
END_TEST

START_TEST(what_may_not_be_read_is_said_and_the_person_is_out)
{
	begin(STORY, FULL, USH_LEDGER_USER, "carol");
	put("mixed", OURS, CAROL "," DAVE);
	fake_kube_fail(room.fake, (struct fake_kube_fault){.path = "/apis/certificates.k8s.io", .times = 10, .status = 403});
	ck_assert_int_ne(ush_offboard_run(&one, &room.err), 0);
	ck_assert_int_eq(room.err.code, USH_ERR_INCOMPLETE);
	ck_assert_uint_eq(subjects(AT("mixed")), 1);
	ck_assert(is_denied("carol"));
	line("unknown", "CertificateSigningRequests could not be read");
	ck_assert(json_is_false(json_object_get(one.report, "complete")));
	end();
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
	begin(STORY, FULL, USH_LEDGER_USER, "carol");
	put("mixed", OURS, CAROL "," DAVE);
	fake_kube_add(room.fake, "{'kind':'Secret','metadata':{'name':'t','namespace':'fancy-namespace','annotations':{'kubernetes.io/service-account.name':'ci'}}}");
	room.fake->world.http = only_metadata;
	room.fake->world.http_many = NULL;
	secrets_asked = 0;
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	ck_assert_uint_eq(secrets_asked, 1);
	line("until", "token Secret fancy-namespace/t (ServiceAccount ci");
	end();
}
END_TEST

START_TEST(nobody_of_that_name_is_one_line_and_no_write)
{
	begin(STORY, FULL, USH_LEDGER_USER, "carrol");
	put("mixed", OURS, CAROL "," DAVE);
	ck_assert_int_ne(ush_offboard_run(&one, &room.err), 0);
	ck_assert_int_eq(room.err.code, USH_DIFFERENCES);
	ck_assert_ptr_nonnull(strstr(room.err.what, "(did you mean carol?)"));
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	again();
	one.anyway = true;
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	ck_assert(is_denied("carrol"));
	ck_assert_uint_eq(subjects(AT("mixed")), 2);
	end();
}
END_TEST

START_TEST(nobody_cuts_the_branch_that_he_sits_on)
{
	begin(STORY, FULL, USH_LEDGER_USER, "Fake-Admin");
	ck_assert_int_ne(ush_offboard_run(&one, &room.err), 0);
	ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	end();
}
END_TEST

/* ---- groups and namespaces ---- */

START_TEST(a_group_leaves_all_of_ours_at_once_and_others_are_told)
{
	begin(STORY, FULL, USH_LEDGER_GROUP, "k8s-restricted-users");
	for (char name[] = "a"; *name < 'z'; (*name)++) /* more than any limit allows */
		put(name, OURS, "{'kind':'Group','name':'oidc:k8s-restricted-users'}");
	put("theirs", "", "{'kind':'Group','name':'oidc:k8s-restricted-users'}");
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	ck_assert_uint_eq(fake_kube_objects(room.fake, BINDINGS), 1);
	line("could", "2 people are in /k8s-restricted-users");
	line("left", "RoleBinding fancy-namespace/theirs");
	end();
}
END_TEST

START_TEST(two_groups_of_one_name_are_nobodys_to_guess)
{
	begin(STORY, "{\"groups\":[{\"id\":\"1\",\"path\":\"/x/dev\",\"name\":\"dev\"},{\"id\":\"2\",\"path\":\"/y/dev\",\"name\":\"dev\"}],\"count\":2}", USH_LEDGER_GROUP, "dev");
	ck_assert_int_ne(ush_offboard_run(&one, &room.err), 0);
	ck_assert_int_eq(room.err.code, USH_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(room.err.what, "/x/dev (id 1) and /y/dev (id 2)"));
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	end();
}
END_TEST

START_TEST(of_a_namespace_what_is_ours_goes_and_the_rest_is_told)
{
	begin(STORY, FULL, USH_LEDGER_NAMESPACE, "fancy-namespace");
	put("mine", OURS, CAROL);
	put("theirs", "", EVE);
	fake_kube_add(room.fake, "{'kind':'Role','metadata':{'name':'gone','namespace':'fancy-namespace'," OURS "},'rules':[]}");
	fake_kube_add(room.fake, "{'kind':'Role','metadata':{'name':'used','namespace':'fancy-namespace'," OURS "},'rules':[]}");
	fake_kube_add(room.fake, "{'kind':'RoleBinding','metadata':{'name':'uses','namespace':'fancy-namespace'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'Role',"
				 "'name':'used'},'subjects':[" EVE "]}");
	ck_assert_int_eq(ush_offboard_run(&one, &room.err), 0);
	ck_assert(!sync_room_has(AT("mine")));
	ck_assert(sync_room_has(AT("theirs")));
	ck_assert(!sync_room_has(RBAC "fancy-namespace/roles/gone"));
	ck_assert(sync_room_has(RBAC "fancy-namespace/roles/used"));
	ck_assert(sync_room_has("/api/v1/namespaces/fancy-namespace"));
	line("left", "Role fancy-namespace/used (ours): RoleBinding uses");
	end();
	begin(STORY, FULL, USH_LEDGER_NAMESPACE, "fancy-namespac");
	ck_assert_int_ne(ush_offboard_run(&one, &room.err), 0);
	ck_assert_int_eq(room.err.code, USH_DIFFERENCES);
	ck_assert_ptr_nonnull(strstr(room.err.what, "(did you mean fancy-namespace?)"));
	ck_assert_uint_eq(fake_kube_writes(room.fake), 0);
	end();
}
END_TEST

TAP_MAIN("offboard", a_person_is_denied_first_and_then_taken_out, running_again_is_harmless, a_dry_run_writes_nothing_and_shows_all, who_joins_in_between_stays,
	 a_binding_that_does_not_stay_as_written_is_left_and_told, a_binding_that_a_finalizer_holds_is_emptied,
	 what_became_somebody_elses_in_between_is_left,
	 others_are_changed_when_told_and_never_what_a_tool_manages, a_provider_that_is_down_keeps_nobody_in, a_cluster_that_is_down_keeps_no_session, of_several_clusters_the_providers_are_asked_once,
	 an_api_server_that_goes_in_the_middle_leaves_what_was_done_told, what_may_not_be_read_is_said_and_the_person_is_out,
	 what_a_secret_holds_never_comes_here, nobody_of_that_name_is_one_line_and_no_write, nobody_cuts_the_branch_that_he_sits_on, a_group_leaves_all_of_ours_at_once_and_others_are_told,
	 two_groups_of_one_name_are_nobodys_to_guess, of_a_namespace_what_is_ours_goes_and_the_rest_is_told)
