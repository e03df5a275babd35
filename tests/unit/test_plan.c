/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define POLICY                                                                                                                         \
	CASE_HEAD "grants:\n- {group: a, role: reader, namespaces: [fancy-namespace], name: read-pods}\n- {group: b, role: edit, namespaces: [prod]}\n" \
		  "limits: {vanishedGroup: {age: 0s}}\n"

static struct sync_case *c;
static struct ush_error err;

static struct ush_plan *begin(void)
{
	c = sync_case_new(POLICY);
	sync_case_groups(c, 0, "1 /a carol,dave,erin;2 /b bob");
	return sync_case_plan(c);
}

static void expect_text(const struct ush_plan *plan, const char *next, const char *wanted)
{
	USH_AUTO_BUF text = {0};

	ush_plan_to_text(plan, &text, next);
	ck_assert_str_eq(text.data, wanted);
}

START_TEST(a_plan_is_read_like_this)
{
	USH_AUTO_PLAN plan = begin();

	expect_text(plan, "usher-broker apply --plan plan.json",
		    "source main    file g.json: 2 groups, 0 people read, complete (test), 0.0 s\n"
		    "cluster        k8s.test: 0 bindings of ours, 0 of others\n"
		    "\n"
		    "+ fancy-namespace  Role         reader\n"
		    "+ fancy-namespace  RoleBinding  read-pods             oidc:a (3 people)\n"
		    "+ prod             RoleBinding  usher-edit-1dbac2f6   oidc:b (1 person)\n"
		    "\n"
		    "For people: 1 may now edit prod, Secrets included, through oidc:b; 3 may now see pods in fancy-namespace, through oidc:a.\n"
		    "3 to create. Next: usher-broker apply --plan plan.json\n");
	sync_case_free(c);
}
END_TEST

START_TEST(a_plan_shows_what_goes_and_what_stays)
{
	USH_AUTO_PLAN first = begin();
	struct ush_plan *plan;

	sync_case_apply(c, first);
	sync_case_policy(c, CASE_HEAD "grants:\n- {group: a, role: reader, namespaces: [fancy-namespace], name: read-pods}\n- {group: b, role: reader, namespaces: [fancy-namespace], name: read-pods}\n");
	sync_case_groups(c, 0, "2 /b bob");
	plan = sync_case_plan(c);
	expect_text(plan, NULL,
		    "source main    file g.json: 1 group, 0 people read, complete (test), 0.0 s\n"
		    "cluster        k8s.test: 2 bindings of ours, 0 of others\n"
		    "\n"
		    "~ fancy-namespace  RoleBinding  read-pods             + oidc:b (1 person)\n"
		    "- prod             RoleBinding  usher-edit-1dbac2f6   no grant wants it any more\n"
		    "! fancy-namespace  RoleBinding  read-pods             kept: group a is gone from source main since 2027-01-15 08:00 UTC"
		    " (complete run 1 of 2; removed not before 2027-01-15 09:00 UTC)\n"
		    "\n"
		    "For people: 1 lose prod (role edit); 1 more may see pods in fancy-namespace, through oidc:b.\n"
		    "1 to change, 1 to remove, 1 kept although the group is gone, the tombstones to note.\n");
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

START_TEST(a_plan_that_could_not_read_everything_does_not_say_that_all_is_well)
{
	USH_AUTO_PLAN plan = begin();
	USH_AUTO_PLAN second = NULL;
	USH_AUTO_BUF text = {0};

	sync_case_apply(c, plan);
	sync_case_incomplete(c, 0, "page 2 was lost");
	second = sync_case_plan(c);
	ush_plan_to_text(second, &text, NULL);
	ck_assert_ptr_nonnull(strstr(text.data, "INCOMPLETE: page 2 was lost\n"));
	ck_assert_ptr_nonnull(strstr(text.data, "\nNothing to do as far as could be read.\n"));
	sync_case_free(c);
}
END_TEST

/* security.md B24: names from outside reach the terminal as printable ASCII. */
START_TEST(a_name_from_outside_cannot_write_on_the_terminal)
{
	USH_AUTO_PLAN plan = begin();
	USH_AUTO_BUF text = {0};

	free(plan->sources[0].where);
	plan->sources[0].where = ush_strdup("file \033[2J\xe2\x80\xae.json\n");
	plan->changes[0].reason = "\033]0;owned\007";
	ush_plan_to_text(plan, &text, NULL);
	for (size_t i = 0; i < text.length; i++)
		ck_assert(text.data[i] == '\n' || (text.data[i] >= ' ' && text.data[i] < 0x7f));
	sync_case_free(c);
}
END_TEST

static struct ush_plan *again(const json_t *json)
{
	memset(&err, 0, sizeof err);
	return ush_plan_from_json(json, "plan.json", &err);
}

START_TEST(a_plan_is_read_back_as_it_was_written)
{
	USH_AUTO_PLAN plan = begin();
	USH_AUTO_JSON json = ush_plan_to_json(plan);
	USH_AUTO_PLAN second = again(json);
	USH_AUTO_BUF one = {0}, two = {0};

	ck_assert_msg(second != NULL, "%s", err.what);
	ck_assert_str_eq(second->hash, plan->hash);
	ck_assert_uint_eq(second->change_count, plan->change_count);
	ck_assert_int_eq(ush_change_body(plan, &plan->changes[1], NULL, &one), 0);
	ck_assert_int_eq(ush_change_body(second, &second->changes[1], NULL, &two), 0);
	ck_assert_str_eq(one.data, two.data);
	ck_assert_str_eq(second->server, "https://k8s.test");
	sync_case_free(c);
}
END_TEST

/* People in bindings, and what API servers let a tenant call a binding that bears our marks. */
START_TEST(a_plan_of_people_and_of_odd_names_is_read_back)
{
	static const char *const names[] = {"a*b", "it is\xe2\x80\xae", "..."};
	struct ush_plan *plan;

	c = sync_case_new("layout: users\n" POLICY);
	sync_case_groups(c, 0, "1 /a carol,dave,erin;2 /b bob");
	for (size_t i = 0; i < USH_COUNT(names); i++) {
		USH_AUTO_FREE char *object = ush_printf(
			"{'kind':'RoleBinding','metadata':{'name':'%s','namespace':'prod','labels':{'app.kubernetes.io/managed-by':'usher-broker','usher.dev/policy':'default'},"
			"'annotations':{'usher.dev/role':'edit'}},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'ClusterRole','name':'edit'}}", names[i]);

		sync_case_add(c, object);
	}
	plan = sync_case_plan(c);
	ck_assert_uint_eq(ush_plan_count(plan, USH_REMOVE), USH_COUNT(names));
	ck_assert_uint_eq(ush_plan_count(plan, USH_CREATE), 3);
	{
		USH_AUTO_JSON json = ush_plan_to_json(plan);
		USH_AUTO_PLAN second = again(json);

		ck_assert_msg(second != NULL, "%s", err.what);
		ck_assert_str_eq(second->hash, plan->hash);
	}
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

START_TEST(equal_plans_have_equal_hashes_whatever_time_reading_took)
{
	USH_AUTO_PLAN plan = begin();
	USH_AUTO_PLAN other = NULL;

	c->groups[0].took_ms = 12345;
	other = sync_case_plan(c);
	ck_assert_str_eq(plan->hash, other->hash);
	sync_case_free(c);
}
END_TEST

/* BM03: what is applied is what was read. */
START_TEST(a_plan_that_was_changed_is_refused)
{
	static const char *const members[] = {"cluster", "state", "policy", "changes", "forPeople", "sources", "summary"};
	USH_AUTO_PLAN plan = begin();

	for (size_t i = 0; i < USH_COUNT(members); i++) {
		USH_AUTO_JSON json = ush_plan_to_json(plan);
		json_t *member = json_object_get(json, members[i]);

		if (json_is_array(member))
			json_array_remove(member, 0);
		else
			json_object_set_new(member, strcmp(members[i], "policy") == 0 ? "name" : "server", json_string("other"));
		if (strcmp(members[i], "state") == 0)
			json_object_set_new(member, "namespace", json_string("other"));
		ck_assert_msg(again(json) == NULL, "%s was changed and nobody saw", members[i]);
		ck_assert_ptr_nonnull(strstr(err.what, "was changed after usher-broker wrote it"));
	}
	sync_case_free(c);
}
END_TEST

static void expect_malformed(struct ush_plan *plan, const char *object, const char *what)
{
	USH_AUTO_PLAN second = NULL;
	USH_AUTO_JSON json = NULL;
	USH_AUTO_JSON forged = json_loads(object, 0, NULL);

	plan->changes[1].body = ush_plan_body(plan, forged);
	ck_assert_uint_ne(plan->changes[1].body, 0);
	ush_plan_finish(plan); /* a forger would compute the hash too */
	json = ush_plan_to_json(plan);
	second = again(json);
	ck_assert_msg(second == NULL, "accepted: %s", object);
	ck_assert_msg(strstr(err.what, what) != NULL, "%s", err.what);
}

/* security.md B8, B14: a plan file is no way around what a policy may not say. */
START_TEST(a_forged_plan_writes_nothing_that_a_policy_could_not)
{
#define FORGED(kind, name, ns, subject)                                                                                                \
	"{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"" kind "\",\"metadata\":{\"name\":\"" name "\"," ns                   \
	"\"labels\":{\"app.kubernetes.io/managed-by\":\"usher-broker\"}},\"subjects\":[" subject "]}"
	USH_AUTO_PLAN plan = begin();

	ck_assert_str_eq(plan->changes[1].name, "read-pods");
	expect_malformed(plan, FORGED("ClusterRoleBinding", "read-pods", "", "{\"kind\":\"Group\",\"name\":\"a\"}"), "changes[1] is malformed");
	expect_malformed(plan, FORGED("RoleBinding", "read-pods", "\"namespace\":\"fancy-namespace\",", "{\"kind\":\"Group\",\"name\":\"system:masters\"}"), "changes[1] is malformed");
	expect_malformed(plan, FORGED("RoleBinding", "read-pods", "\"namespace\":\"fancy-namespace\",", "{\"kind\":\"Group\",\"name\":\"a\"},{\"kind\":\"User\",\"name\":\"mallory\"}"), "changes[1] is malformed");
	expect_malformed(plan, FORGED("RoleBinding", "read-pods", "\"namespace\":\"fancy-namespace\",", "{\"kind\":\"User\",\"name\":\"system:admin\"}"), "changes[1] is malformed");
	expect_malformed(plan, FORGED("RoleBinding", "read-pods", "\"namespace\":\"fancy-namespace\",", "{\"kind\":\"ServiceAccount\",\"name\":\"a\"}"), "changes[1] is malformed");
	plan->changes[1].namespace_name = "x/../../clusterroles";
	expect_malformed(plan, FORGED("RoleBinding", "read-pods", "\"namespace\":\"x/../../clusterroles\",", "{\"kind\":\"Group\",\"name\":\"a\"}"), "is malformed");
	sync_case_free(c);
}
END_TEST

START_TEST(an_object_of_another_namespace_than_its_change_says_is_refused)
{
	USH_AUTO_PLAN plan = begin();
	USH_AUTO_JSON json = ush_plan_to_json(plan);
	json_t *object = json_object_get(json_array_get(json_object_get(json, "changes"), 1), "object");

	json_object_set_new(json_object_get(object, "metadata"), "namespace", json_string("kube-system"));
	ck_assert_ptr_null(again(json));
	ck_assert_ptr_nonnull(strstr(err.what, "changes[1] is malformed"));
	sync_case_free(c);
}
END_TEST

START_TEST(what_is_no_plan_is_told_in_one_line)
{
	static const char *const texts[] = {"{}", "[]", "7", "{\"kind\":\"Plan\",\"hash\":\"x\"}", "{\"kind\":\"Plan\",\"hash\":\"x\",\"policy\":7}"};

	for (size_t i = 0; i < USH_COUNT(texts); i++) {
		USH_AUTO_JSON json = json_loads(texts[i], JSON_DECODE_ANY, NULL);

		ck_assert_ptr_null(again(json));
		ck_assert_str_eq(err.what, "plan.json: is no plan of usher-broker");
		ck_assert_int_eq(ush_code_status(err.code), 2);
	}
}
END_TEST

static void expect_verdict(struct ush_plan *plan, int status)
{
	memset(&err, 0, sizeof err);
	ck_assert_int_eq(ush_code_status(ush_plan_verdict(plan, &err)), status);
	ck_assert_int_eq(err.code != USH_OK, status > 1);
}

/* The table of exit statuses. */
START_TEST(the_verdict_is_the_exit_status)
{
	USH_AUTO_PLAN plan = begin();
	struct ush_plan *other;

	expect_verdict(plan, 1);
	sync_case_apply(c, plan);
	other = sync_case_plan(c);
	expect_verdict(other, 0);
	ush_plan_add(other, USH_CONFLICT, USH_ROLE, "x", "y", NULL);
	expect_verdict(other, 5);
	ush_plan_add(other, USH_PENDING, USH_ROLE, "x", "y", NULL);
	expect_verdict(other, 1);
	other->sources[0].complete = false;
	other->sources[0].why = ush_strdup("page 2");
	expect_verdict(other, 3);
	ush_fail(&other->stop, USH_ERR_REFUSED, "brake");
	expect_verdict(other, 5);
	ush_plan_free(other);
	sync_case_free(c);
}
END_TEST

START_TEST(a_state_is_read_strictly)
{
	static const char *const texts[] = {"", "{}", "{\"version\":1,\"tombstones\":[]}", "{\"version\":2,\"tombstones\":[{}]}",
					    "{\"version\":2,\"tombstones\":[{\"source\":\"a\",\"id\":\"i\",\"text\":\"t\",\"group\":\"b\",\"since\":\"x\",\"runs\":1}]}",
					    "{\"version\":2,\"tombstones\":[{\"source\":\"a\",\"id\":\"i\",\"text\":\"t\",\"group\":\"b\",\"since\":-5,\"runs\":1}]}",
					    "{\"version\":2,\"tombstones\":[{\"source\":\"a\",\"id\":\"i\",\"text\":\"t\",\"group\":\"b\",\"since\":5,\"runs\":9223372036854775807}]}"};
	USH_AUTO_STATE good = {0};

	for (size_t i = 0; i < USH_COUNT(texts); i++) {
		USH_AUTO_STATE state = {0};

		memset(&err, 0, sizeof err);
		ck_assert_int_eq(ush_state_read(&state, texts[i], "state", &err), -1);
		ck_assert_int_eq(err.code, USH_ERR_STORE);
	}
	ush_state_set(&good, &(struct ush_tombstone){(char *)"main", (char *)"b", (char *)"B", (char *)"oidc:B", 5, 1, false, NULL});
	ush_state_set(&good, &(struct ush_tombstone){(char *)"main", (char *)"a", (char *)"A", (char *)"oidc:A", 6, 2, false, NULL});
	ush_state_set(&good, &(struct ush_tombstone){(char *)"main", (char *)"b", (char *)"B", (char *)"oidc:B", 7, 3, true, NULL});
	ck_assert_uint_eq(good.count, 2);
	ck_assert_int_eq(ush_state_find(&good, "main", "b", "oidc:B")->runs, 3);
	ck_assert_ptr_null(ush_state_find(&good, "other", "b", "oidc:B"));
	ck_assert_ptr_null(ush_state_namesake(&good, "main", "oidc:B", "b"));
	ck_assert_str_eq(ush_state_namesake(&good, "main", "oidc:B", "c")->id, "b");
}
END_TEST

TAP_MAIN("plan", a_plan_is_read_like_this, a_plan_shows_what_goes_and_what_stays, a_plan_that_could_not_read_everything_does_not_say_that_all_is_well,
	 a_name_from_outside_cannot_write_on_the_terminal,
	 a_plan_is_read_back_as_it_was_written, a_plan_of_people_and_of_odd_names_is_read_back, equal_plans_have_equal_hashes_whatever_time_reading_took, a_plan_that_was_changed_is_refused,
	 a_forged_plan_writes_nothing_that_a_policy_could_not, an_object_of_another_namespace_than_its_change_says_is_refused, what_is_no_plan_is_told_in_one_line, the_verdict_is_the_exit_status, a_state_is_read_strictly)
