/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

static struct sync_case *c;

static void begin(const char *policy, const char *groups)
{
	c = sync_case_new(policy);
	sync_case_groups(c, 0, groups);
	sync_case_desire(c);
}

static void expect_subjects(size_t item, const char *texts)
{
	USH_AUTO_ORIGINS origins = {0};
	USH_AUTO_BUF all = {0};

	ush_shape_origins(c->desired, ush_wanted_shape(c->desired, item), &origins);
	ush_buf_puts(&all, "");
	for (size_t i = 0; i < origins.count; i++)
		ush_buf_printf(&all, "%s%s", i > 0 ? " " : "", origins.items[i].text);
	ck_assert_str_eq(all.data, texts);
}

static void expect_fate(size_t grant, enum ush_fate fate, const char *why)
{
	const struct ush_resolved *resolved = &c->desired->resolved[c->desired->first[grant]];

	ck_assert_int_eq(resolved->fate, fate);
	ck_assert_msg(why == NULL || strstr(resolved->why, why) != NULL, "\"%s\" lacks \"%s\"", resolved->why, why);
}

START_TEST(grants_of_one_role_share_a_binding)
{
	begin(CASE_HEAD "grants:\n- {group: b, role: edit, namespaces: [x]}\n- {group: a, role: edit, namespaces: [x, w]}\n", "1 /a;2 /b");
	ck_assert_uint_eq(c->desired->count, 2);
	ck_assert_str_eq(ush_wanted_namespace(c->desired, 0), "w");
	expect_subjects(0, "oidc:a");
	expect_subjects(1, "oidc:a oidc:b");
	sync_case_free(c);
}
END_TEST

START_TEST(a_name_of_ones_own_is_a_binding_of_ones_own)
{
	begin(CASE_HEAD "grants:\n- {group: a, role: edit, namespaces: [x], name: mine}\n- {group: b, role: edit, namespaces: [x]}\n", "1 /a;2 /b");
	ck_assert_uint_eq(c->desired->count, 2);
	ck_assert_str_eq(ush_wanted_shape(c->desired, 0)->name, "mine");
	expect_subjects(0, "oidc:a");
	expect_subjects(1, "oidc:b");
	sync_case_free(c);
}
END_TEST

START_TEST(rules_of_ones_own_need_a_role_beside_the_binding)
{
	begin(CASE_HEAD "grants:\n- {group: a, role: reader, namespaces: [x]}\n- {group: b, role: reader, namespaces: [x], name: two}\n", "1 /a;2 /b");
	ck_assert_uint_eq(c->desired->count, 3);
	ck_assert_int_eq(ush_wanted_shape(c->desired, 0)->kind, USH_ROLE);
	ck_assert_int_eq(ush_wanted_shape(c->desired, 1)->kind, USH_ROLE_BINDING);
	ck_assert_uint_eq(ush_wanted_shape(c->desired, 2)->role, 0);
	sync_case_free(c);
}
END_TEST

START_TEST(an_object_carries_our_marks_and_where_its_groups_come_from)
{
	USH_AUTO_PLAN plan = NULL;
	USH_AUTO_JSON object = NULL;
	const json_t *metadata, *subject;

	begin(CASE_HEAD "grants:\n- {group: /t/a, role: edit, namespaces: [x], name: mine}\n", "id1 /t/a");
	plan = sync_case_plan(c);
	object = ush_change_object(plan, &plan->changes[0], NULL);
	metadata = json_object_get(object, "metadata");
	subject = json_array_get(json_object_get(object, "subjects"), 0);
	ck_assert_str_eq(ush_json_string(json_object_get(metadata, "labels"), "app.kubernetes.io/managed-by"), "usher-broker");
	ck_assert_str_eq(ush_json_string(json_object_get(metadata, "labels"), "usher.dev/policy"), "default");
	ck_assert_str_eq(ush_json_string(json_object_get(metadata, "labels"), "applyset.kubernetes.io/part-of"),
			 "applyset-QtQaCMkevxMJKLrSlFEXrniVDw4gL0mdPHvfonz72Ok-v1");
	ck_assert_str_eq(ush_json_string(json_object_get(metadata, "annotations"), "usher.dev/source-id"),
			 "[{\"at\":5,\"group\":\"oidc:a\",\"id\":\"id1\",\"in\":\"/t\",\"source\":\"main\"}]");
	ck_assert_str_eq(ush_json_string(subject, "kind"), "Group");
	ck_assert_str_eq(ush_json_string(subject, "name"), "oidc:a");
	ck_assert_str_eq(ush_json_string(json_object_get(object, "roleRef"), "kind"), "ClusterRole");
	sync_case_free(c);
}
END_TEST

START_TEST(an_annotation_is_read_back_as_it_was_written)
{
	USH_AUTO_ORIGINS origins = {0}, again = {0};
	USH_AUTO_FREE char *text = NULL, *second = NULL;

	ush_origins_add(&origins, &(struct ush_origin){(char *)"oidc:\"b\\", (char *)"main", (char *)"1", (char *)"\"b\\", (char *)"/\xc3\xa9\n", NULL});
	ush_origins_add(&origins, &(struct ush_origin){.text = (char *)"oidc:a"});
	text = ush_origins_text(&origins);
	ck_assert_int_eq(ush_origins_read(&again, text), 0);
	second = ush_origins_text(&again);
	ck_assert_str_eq(text, second);
	ck_assert_str_eq(again.items[0].text, "oidc:\"b\\");
	ck_assert_ptr_null(again.items[1].source);
	ck_assert_int_eq(ush_origins_read(&again, "[{}]"), -1);
	ck_assert_int_eq(ush_origins_read(&again, "nonsense"), -1);
}
END_TEST

START_TEST(a_group_that_is_not_there_or_not_known_gives_no_subject)
{
	begin(CASE_HEAD "grants:\n- {group: a, role: edit, namespaces: [x]}\n- {group: b, role: edit, namespaces: [x]}\n", "1 /a");
	expect_fate(1, USH_FATE_GONE, "source main has no group b");
	expect_subjects(0, "oidc:a");
	sync_case_incomplete(c, 0, "page 2");
	sync_case_desire(c);
	expect_fate(0, USH_FATE_UNKNOWN, "source main is incomplete");
	ck_assert_uint_eq(c->desired->count, 0);
	sync_case_groups(c, 0, "");
	sync_case_desire(c);
	expect_fate(0, USH_FATE_UNKNOWN, NULL); /* zero groups prove nothing */
	sync_case_free(c);
}
END_TEST

/* BC08 */
START_TEST(two_groups_of_one_leaf_name_are_never_mixed)
{
	begin(CASE_HEAD "grants:\n- {group: admins, role: edit, namespaces: [x]}\n- {group: /data/admins, role: edit, namespaces: [w]}\n"
			"- {group: Devs, role: edit, namespaces: [z]}\n",
	      "1 /platform/admins;2 /data/admins;3 /devs;4 /Devs");
	expect_fate(0, USH_FATE_AMBIGUOUS, "admins means /platform/admins and /data/admins of source main; write the path");
	expect_fate(1, USH_FATE_AMBIGUOUS, "tokens call both /data/admins and /platform/admins \"oidc:admins\"");
	expect_fate(2, USH_FATE_PRESENT, NULL);
	ck_assert_str_eq(c->desired->resolved[c->desired->first[2]].group->id, "4");
	sync_case_free(c);
}
END_TEST

START_TEST(paths_tell_such_groups_apart)
{
	USH_AUTO_FREE char *policy = ush_strdup(CASE_HEAD "grants:\n- {group: /data/admins, role: edit, namespaces: [w]}\n- {group: admins, role: edit, namespaces: [w]}\n");
	USH_AUTO_FREE char *with_path = ush_printf("%.*s, groupName: path%s", (int)(strstr(policy, "'oidc:'") + 7 - policy), policy, strstr(policy, "'oidc:'") + 7);

	begin(with_path, "1 /platform/admins;2 /data/admins");
	expect_fate(0, USH_FATE_PRESENT, NULL);
	ck_assert_str_eq(c->desired->resolved[c->desired->first[0]].text, "oidc:/data/admins");
	expect_fate(1, USH_FATE_AMBIGUOUS, "write the path");
	sync_case_free(c);
}
END_TEST

/* Found by bisection, not by looking at every group: the neighbours of a name are not it. */
START_TEST(a_group_is_found_among_many_that_are_spelt_alike)
{
	USH_AUTO_BUF groups = {0};

	for (int i = 0; i < 500; i++)
		ush_buf_printf(&groups, "%sid%d /t/g%d", i > 0 ? ";" : "", 500 - i, i);
	begin(CASE_HEAD "grants:\n- {group: g1, role: edit, namespaces: [a]}\n- {group: /t/g499, role: edit, namespaces: [b]}\n"
			"- {group: g, role: edit, namespaces: [c]}\n- {group: id7, role: edit, namespaces: [d]}\n", groups.data);
	expect_subjects(0, "oidc:g1");
	expect_subjects(1, "oidc:g499");
	expect_fate(2, USH_FATE_GONE, "source main has no group g");
	expect_fate(3, USH_FATE_GONE, "source main has no group id7"); /* ids count only where the cluster is told ids */
	c->policy->group_name = USH_GROUP_ID;
	sync_case_desire(c);
	expect_subjects(2, "oidc:id7");
	sync_case_free(c);
}
END_TEST

START_TEST(a_grant_has_a_first_and_a_last_moment)
{
	begin(CASE_HEAD "grants:\n- {group: a, role: edit, namespaces: [x], notBefore: 2027-01-15T08:00:00Z, notAfter: 2027-01-16}\n", "1 /a");
	expect_fate(0, USH_FATE_PRESENT, NULL); /* 1,800,000,000 is 2027-01-15T08:00:00Z */
	c->now--;
	sync_case_desire(c);
	expect_fate(0, USH_FATE_EARLY, "begins 2027-01-15 08:00 UTC");
	c->now = 1800057599;
	sync_case_desire(c);
	expect_fate(0, USH_FATE_PRESENT, NULL);
	c->now = 1800057600;
	sync_case_desire(c);
	expect_fate(0, USH_FATE_ENDED, "ended 2027-01-16 00:00 UTC");
	sync_case_free(c);
}
END_TEST

/* T54: what a provider calls a group may not be Kubernetes' own either. */
START_TEST(a_group_the_provider_spells_badly_is_refused)
{
	USH_AUTO_FREE char *policy = ush_strdup(CASE_HEAD "grants:\n- {group: /t/a, role: edit, namespaces: [x]}\n");
	struct ush_group *group;

	begin(policy, "1 /t/b");
	group = ush_groups_add(&c->groups[0], "2", "a\nsystem:masters", "/t/a");
	group->members_known = true;
	sync_case_desire(c);
	expect_fate(0, USH_FATE_REFUSED, "control or invisible");
	ck_assert_uint_eq(c->desired->count, 0);
	sync_case_free(c);
}
END_TEST

START_TEST(two_roles_of_one_cluster_role_share_its_binding)
{
	begin("apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'}\nsources: {main: {file: {path: g.json}}}\n"
	      "roles: {editor: {clusterRole: edit}, deployer: {clusterRole: edit}}\ngrants:\n- {group: a, role: editor, namespaces: [x]}\n"
	      "- {group: b, role: deployer, namespaces: [x]}\n- {group: a, role: deployer, namespaces: [z], name: one}\n- {group: b, role: editor, namespaces: [z], name: one}\n",
	      "1 /a;2 /b");
	ck_assert_uint_eq(c->desired->clash_count, 0);
	ck_assert_uint_eq(c->desired->count, 2);
	expect_subjects(0, "oidc:a oidc:b");
	expect_subjects(1, "oidc:a oidc:b");
	sync_case_free(c);
}
END_TEST

TAP_MAIN("desired", two_roles_of_one_cluster_role_share_its_binding, grants_of_one_role_share_a_binding, a_name_of_ones_own_is_a_binding_of_ones_own, rules_of_ones_own_need_a_role_beside_the_binding,
	 an_object_carries_our_marks_and_where_its_groups_come_from, an_annotation_is_read_back_as_it_was_written,
	 a_group_that_is_not_there_or_not_known_gives_no_subject, two_groups_of_one_leaf_name_are_never_mixed, paths_tell_such_groups_apart,
	 a_group_is_found_among_many_that_are_spelt_alike,
	 a_grant_has_a_first_and_a_last_moment, a_group_the_provider_spells_badly_is_refused)
