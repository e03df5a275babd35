/* SPDX-License-Identifier: Apache-2.0
 *
 * From bindings of groups to bindings of people and back, while something is not known: nobody loses access by that.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define HEAD                                                                                                                           \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:', userPrefix: 'u:'}\n"                                 \
	"sources: {one: {file: {path: a.json}}, two: {file: {path: b.json}}}\n"                                                             \
	"roles:\n  reader: {rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}\n  edit: {clusterRole: edit}\n"                    \
	"limits: {remove: {bindings: 100, people: 100%}, vanishedGroup: {runs: 2, age: 0s}}\n"
#define ONE   "grants:\n- {source: one, group: a, role: edit, namespaces: [x]}\n- {source: one, group: b, role: edit, namespaces: [x]}\n"
#define BOTH  "grants:\n- {source: one, group: a, role: edit, namespaces: [x], name: e}\n- {source: two, group: b, role: edit, namespaces: [x], name: e}\n"
#define ROLES "grants:\n- {source: one, group: a, role: reader, namespaces: [x]}\n- {source: one, group: b, role: edit, namespaces: [x]}\n"

enum { ROLE, GROUP, USERS };

static struct sync_case *c;

static void begin(const char *policy)
{
	c = sync_case_new(policy);
	sync_case_groups(c, 0, "1 /a p,q;2 /b q,r");
	sync_case_groups(c, 1, "1 /b r,s;7 /other t");
}

/* "role: kind name ..." of each binding, sorted. */
static void expect_bindings(const char *texts)
{
	struct ush_list all = {0};
	USH_AUTO_BUF text = {0};
	const json_t *object, *subject;
	size_t i, j;

	json_array_foreach(c->cluster, i, object) {
		USH_AUTO_BUF one = {0};

		if (strcmp(ush_json_string(object, "kind"), "RoleBinding") != 0)
			continue;
		ush_buf_printf(&one, "%s:", ush_json_string(json_object_get(object, "roleRef"), "name"));
		json_array_foreach(json_object_get(object, "subjects"), j, subject)
		{
			ck_assert_str_eq(ush_json_string(subject, "apiGroup"), "rbac.authorization.k8s.io");
			ush_buf_printf(&one, " %s %s", ush_json_string(subject, "kind"), ush_json_string(subject, "name"));
		}
		ush_list_add(&all, one.data);
	}
	ush_list_sort(&all);
	ush_buf_puts(&text, "");
	for (i = 0; i < all.count; i++)
		ush_buf_printf(&text, "%s%s", i > 0 ? " | " : "", all.items[i]);
	ck_assert_str_eq(text.data, texts);
	ush_list_free(&all);
}

/* BE05, BE06 */

/* BE06 */

/* ---- from one to another ---- */

/* As the API server would decide for a person of these groups. */
static bool may_edit(const char *person, const char *groups)
{
	USH_AUTO_FREE char *user = ush_printf("u:%s", person);
	const json_t *object, *subject;
	size_t i, j;

	json_array_foreach(c->cluster, i, object)
		json_array_foreach(json_object_get(object, "subjects"), j, subject)
		{
			const char *name = ush_json_string(subject, "name");

			if (strcmp(ush_json_string(subject, "kind"), "User") == 0 ? strcmp(name, user) == 0 : strstr(groups, name) != NULL)
				return true;
		}
	return false;
}

#define NAMED "grants:\n- {source: one, group: a, role: edit, namespaces: [x], name: e}\n- {source: one, group: b, role: edit, namespaces: [x], name: e}\n"

/* ---- people ---- */

/* BC02: neither those of the source that is incomplete, nor those beside them who may be in it. */

/* Members that were not read, some who could not be named, and a source in which no group has anybody. */

static void many_people(int count)
{
	struct ush_group *group = &c->groups[0].items[0];

	ush_members_free(&group->members);
	for (int i = 0; i < count; i++) {
		USH_AUTO_FREE char *name = ush_printf("person%d", i);

		ush_members_add(&group->members, name);
	}
}

START_TEST(people_stay_while_the_source_is_incomplete)
{
	begin(HEAD "layout: users\n" ONE);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, HEAD "layout: role\n" ONE);
	sync_case_incomplete(c, 0, "page 2 answered 503");
	for (int i = 0; i < 3; i++)
		ush_plan_free(sync_case_run(c));
	expect_bindings("edit: User u:p User u:q User u:r");
	sync_case_free(c);
}
END_TEST

START_TEST(people_of_a_named_binding_stay_while_the_source_is_incomplete)
{
	begin(HEAD "layout: users\n" BOTH);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, HEAD "layout: role\n" BOTH);
	sync_case_incomplete(c, 0, "page 2 answered 503");
	for (int i = 0; i < 3; i++)
		ush_plan_free(sync_case_run(c));
	expect_bindings("edit: User u:p User u:q User u:r User u:s");
	sync_case_free(c);
}
END_TEST

START_TEST(groups_stay_while_their_people_are_not_known)
{
	begin(HEAD "layout: role\n" ONE);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, HEAD "layout: users\n" ONE);
	sync_case_groups(c, 0, "1 /a;2 /b q,r");
	c->groups[0].items[0].members_known = false;
	for (int i = 0; i < 3; i++)
		ush_plan_free(sync_case_run(c));
	expect_bindings("edit: Group oidc:a Group oidc:b | edit: User u:q User u:r");
	sync_case_free(c);
}
END_TEST

START_TEST(groups_stay_while_the_source_is_incomplete)
{
	begin(HEAD "layout: role\n" ONE);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, HEAD "layout: users\n" ONE);
	sync_case_incomplete(c, 0, "page 2 answered 503");
	for (int i = 0; i < 3; i++)
		ush_plan_free(sync_case_run(c));
	expect_bindings("edit: Group oidc:a Group oidc:b");
	sync_case_free(c);
}
END_TEST

START_TEST(groups_of_a_named_binding_stay_while_the_source_is_incomplete)
{
	begin(HEAD "layout: role\n" BOTH);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, HEAD "layout: users\n" BOTH);
	sync_case_incomplete(c, 0, "page 2 answered 503");
	for (int i = 0; i < 3; i++)
		ush_plan_free(sync_case_run(c));
	expect_bindings("edit: Group oidc:a Group oidc:b");
	sync_case_free(c);
}
END_TEST

START_TEST(groups_stay_when_people_are_too_many)
{
	begin(HEAD "layout: role\ngrants:\n- {source: one, group: a, role: edit, namespaces: [x]}\n");
	many_people(USH_PEOPLE_MAX + 1);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, HEAD "layout: users\ngrants:\n- {source: one, group: a, role: edit, namespaces: [x]}\n");
	for (int i = 0; i < 3; i++)
		ush_plan_free(sync_case_run(c));
	expect_bindings("edit: Group oidc:a");
	sync_case_free(c);
}
END_TEST

START_TEST(people_of_a_group_that_is_gone_stay)
{
	begin(HEAD "layout: users\n" ONE);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, HEAD "layout: role\n" ONE);
	sync_case_groups(c, 0, "2 /b q,r");
	ush_plan_free(sync_case_run(c));
	ck_assert(may_edit("p", "oidc:a"));
	sync_case_free(c);
}
END_TEST

START_TEST(a_group_that_is_gone_stays)
{
	begin(HEAD "layout: role\n" ONE);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	sync_case_policy(c, HEAD "layout: users\n" ONE);
	sync_case_groups(c, 0, "2 /b q,r");
	ush_plan_free(sync_case_run(c));
	ck_assert(may_edit("p", "oidc:a"));
	sync_case_free(c);
}
END_TEST

TAP_MAIN("layout_switch", people_stay_while_the_source_is_incomplete, people_of_a_named_binding_stay_while_the_source_is_incomplete, groups_stay_while_their_people_are_not_known, groups_stay_while_the_source_is_incomplete, groups_of_a_named_binding_stay_while_the_source_is_incomplete, groups_stay_when_people_are_too_many, people_of_a_group_that_is_gone_stay, a_group_that_is_gone_stays)
