/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose an object is, what becomes of what somebody else changed, which set it belongs to, and what leads nowhere.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define ONE	     "- {group: a, role: edit, namespaces: [x], name: e}\n"
#define BINDING(more, group)                                                                                                           \
	"{'kind':'RoleBinding','metadata':{'name':'e','namespace':'x'" more "},'roleRef':{'apiGroup':'rbac.authorization.k8s.io'," \
	"'kind':'ClusterRole','name':'edit'},'subjects':[{'kind':'Group','name':'" group "','apiGroup':'rbac.authorization.k8s.io'}]}"
#define OURS "'app.kubernetes.io/managed-by':'usher-broker','usher.dev/policy':'default'"

static struct sync_case *c;

/* ---- others ---- */

/* BM14, BC16: of each is said whose it is and what to do about it. */
START_TEST(the_marks_of_other_tools_are_known)
{
	static const struct {
		const char *object, *reason;
	} cases[] = {
		{BINDING(",'labels':{" OURS ",'argocd.argoproj.io/instance':'shop'}", "z"), "made by argocd (app shop): left alone; change it in git: usher-broker render"},
		{BINDING(",'annotations':{'argocd.argoproj.io/tracking-id':'shop:rbac/x'}", "z"), "made by argocd (app shop:rbac/x): left alone; change it in git"},
		{BINDING(",'labels':{'kustomize.toolkit.fluxcd.io/name':'infra'}", "z"), "made by flux (kustomization infra): left alone; change it in git"},
		{BINDING(",'labels':{'helm.toolkit.fluxcd.io/name':'infra'}", "z"), "made by flux (release infra)"},
		{BINDING(",'annotations':{'meta.helm.sh/release-name':'ops'}", "z"), "made by helm (release ops): left alone"},
		{BINDING(",'labels':{'auth.management.cattle.io/rtb-owner':'p-1'}", "z"), "made by rancher (owner p-1): left alone"},
		{BINDING(",'labels':{'rbac-manager':'reactiveops'}", "z"), "made by rbac-manager"},
		{BINDING("", "z"), "not made by usher-broker: left alone; drift: adopt makes it ours when it says the same"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		USH_AUTO_FREE char *before = NULL, *after = NULL;
		struct ush_plan *plan;

		c = sync_case_begin(CASE_GRANTS(ONE), "1 /a p");
		sync_case_add(c, cases[i].object);
		before = ush_json_canonical(c->cluster);
		plan = sync_case_run_and_count(c, USH_CONFLICT, 1);
		sync_case_expect_reason(plan, USH_CONFLICT, "e", cases[i].reason);
		after = ush_json_canonical(c->cluster);
		ck_assert_str_eq(before, after);
		ush_plan_free(plan);
		sync_case_free(c);
	}
}
END_TEST

START_TEST(what_says_the_same_and_is_nobodys_can_be_adopted)
{
	struct ush_plan *plan;

	c = sync_case_begin("drift: adopt\n" CASE_GRANTS(ONE), "1 /a p");
	sync_case_add(c, BINDING(",'labels':{'team':'pay'}", "oidc:a"));
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	sync_case_expect_reason(plan, USH_CHANGE, "e", "adopted: says what we want and nobody manages it");
	ush_plan_free(plan);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);

	c = sync_case_begin("drift: adopt\n" CASE_GRANTS(ONE), "1 /a p");
	sync_case_add(c, BINDING("", "oidc:other")); /* it says something else */
	ush_plan_free(sync_case_run_and_count(c, USH_CONFLICT, 1));
	sync_case_free(c);

	c = sync_case_begin("drift: adopt\n" CASE_GRANTS(ONE), "1 /a p");
	sync_case_add(c, BINDING(",'labels':{'app.kubernetes.io/managed-by':'Helm'}", "oidc:a")); /* somebody manages it */
	ush_plan_free(sync_case_run_and_count(c, USH_CONFLICT, 1));
	sync_case_free(c);
}
END_TEST

static void edit_by_hand(const char *manager)
{
	json_t *object = sync_case_object(c, "RoleBinding", "x", "e");

	json_array_append_new(json_object_get(object, "subjects"),
			      json_pack("{s:s, s:s, s:s}", "apiGroup", "rbac.authorization.k8s.io", "kind", "Group", "name", "oidc:friend"));
	json_object_set_new(json_object_get(object, "metadata"), "managedFields",
			    json_pack("[{s:s, s:s, s:{s:{}}}]", "manager", manager, "time", "2027-01-01T00:00:00Z", "fieldsV1", "f:subjects"));
}

START_TEST(drift_is_told_by_field_manager_and_repaired_or_only_reported)
{
	struct ush_plan *plan;

	c = sync_case_begin("drift: report\n" CASE_GRANTS(ONE) CASE_LIMITS, "1 /a p");
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 1));
	edit_by_hand("kubectl-edit");
	plan = sync_case_run(c);
	sync_case_expect_reason(plan, USH_NOTE, "e", "changed by kubectl-edit; left as it is (drift: report)");
	sync_case_expect_empty(plan);
	sync_case_expect_subjects(c, "x", "e", "oidc:a oidc:friend");
	sync_case_policy(c, CASE_GRANTS(ONE) CASE_LIMITS);
	plan = sync_case_run_and_count(c, USH_CHANGE, 1);
	sync_case_expect_reason(plan, USH_CHANGE, "e", "nobody granted it; added by hand");
	ush_plan_free(plan);
	sync_case_expect_subjects(c, "x", "e", "oidc:a");
	sync_case_free(c);
}
END_TEST

/* ---- what leads nowhere ---- */

/* BM13 */
START_TEST(bindings_that_lead_nowhere_are_counted_and_named)
{
	USH_AUTO_BUF text = {0};
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {group: a, role: reader, namespaces: [x], name: e}\n"), "1 /a p");
	sync_case_add(c, "{'kind':'RoleBinding','metadata':{'name':'old','namespace':'y'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'Role','name':'gone'}}");
	sync_case_add(c, "{'kind':'Role','metadata':{'name':'here','namespace':'y'},'rules':[]}");
	plan = sync_case_plan(c); /* Roles are listed before bindings; here they come as they stand */
	ush_plan_free(plan);
	{
		json_t *role = json_incref(json_array_get(c->cluster, 1));

		json_array_remove(c->cluster, 1);
		json_array_insert_new(c->cluster, 0, role);
	}
	sync_case_add(c, "{'kind':'RoleBinding','metadata':{'name':'left','namespace':'y'},'roleRef':{'apiGroup':'rbac.authorization.k8s.io','kind':'Role','name':'here'},"
			 "'subjects':[{'kind':'Group','name':'oidc:nobody','apiGroup':'rbac.authorization.k8s.io'},{'kind':'Group','name':'oidc:a','apiGroup':'rbac.authorization.k8s.io'}]}");
	plan = sync_case_plan(c);
	ck_assert_uint_eq(plan->dangling_count, 2);
	ck_assert_str_eq(plan->dangling[0], "y/old refers to Role gone");
	ck_assert_str_eq(plan->dangling[1], "y/left holds Group oidc:nobody");
	ush_plan_dangling_text(plan, &text);
	ck_assert_ptr_nonnull(strstr(text.data, ". leads nowhere: y/left holds Group oidc:nobody\n"));
	ck_assert_ptr_nonnull(strstr(plan->changes[plan->change_count - 1].reason, "2 bindings lead nowhere: y/old refers to Role gone; y/left"));
	ush_plan_free(plan);
	sync_case_incomplete(c, 0, "down"); /* then nobody knows which groups there are */
	plan = sync_case_plan(c);
	ck_assert_uint_eq(plan->dangling_count, 1);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* ---- ApplySets ---- */

static const char *part_of(const char *namespace_name)
{
	const json_t *object = sync_case_object(c, "RoleBinding", namespace_name, "e");

	return ush_json_string(json_object_get(json_object_get(object, "metadata"), "labels"), "applyset.kubernetes.io/part-of");
}

START_TEST(namespaces_of_one_tenant_share_a_set)
{
	struct ush_plan *plan;
	size_t named = 0;

	c = sync_case_begin(CASE_GRANTS("- {group: a, role: edit, namespaceSelector: {matchExpressions: [{key: run, operator: Exists}]}, name: e}\n"), "1 /a p");
	free(c->policy->tenant_label);
	c->policy->tenant_label = ush_strdup("tenant");
	sync_case_namespace(c, "a1", "{'run':'','tenant':'pay'}");
	sync_case_namespace(c, "a2", "{'run':'','tenant':'pay'}");
	sync_case_namespace(c, "b1", "{'run':'','tenant':'shop'}");
	sync_case_namespace(c, "c1", "{'run':''}");
	plan = sync_case_run_and_count(c, USH_CREATE, 4);
	for (size_t i = 0; i < plan->set_count; i++)
		named += strcmp(plan->sets[i].namespaces, "a1,a2") == 0 || strcmp(plan->sets[i].namespaces, "b1") == 0 || strcmp(plan->sets[i].namespaces, "c1") == 0;
	ck_assert_uint_eq(plan->set_count, 3);
	ck_assert_uint_eq(named, 3);
	ck_assert_str_eq(plan->sets[0].name, "usher-broker-state"); /* those without a tenant, beside the state */
	ush_plan_free(plan);
	ck_assert_str_eq(part_of("a1"), part_of("a2"));
	ck_assert_str_ne(part_of("a1"), part_of("b1"));
	ck_assert_str_ne(part_of("a1"), part_of("c1"));
	ck_assert(strncmp(part_of("a1"), "applyset-", 9) == 0);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* Without tenants: in several sets by themselves when one parent could not name them all, and never back. */
START_TEST(many_namespaces_are_put_into_several_sets_and_stay_there)
{
	char name[80];
	struct ush_plan *plan;
	size_t longest = 0;

	c = sync_case_begin(CASE_GRANTS("- {group: a, role: edit, namespacePattern: 'team-*', name: e}\n") CASE_LIMITS, "1 /a p");
	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof name, "team-%058d", i);
		sync_case_namespace(c, name, NULL);
	}
	plan = sync_case_plan(c);
	ck_assert_uint_eq(plan->set_count, 17); /* and the state's own */
	for (size_t i = 0; i < plan->set_count; i++)
		longest = strlen(plan->sets[i].namespaces) > longest ? strlen(plan->sets[i].namespaces) : longest;
	ck_assert_uint_lt(longest, 128 << 10);
	ck_assert_int_eq(plan->stop.code, USH_OK);
	ck_assert_int_eq(plan->state.shards, 16);
	c->state.shards = plan->state.shards;
	ush_plan_free(plan);
	while (json_array_size(c->namespaces) > 10)
		json_array_remove(c->namespaces, json_array_size(c->namespaces) - 1);
	plan = sync_case_plan(c);
	ck_assert_int_eq(plan->state.shards, 16);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

START_TEST(a_tenant_that_no_parent_could_name_is_refused_with_advice)
{
	char name[80];
	struct ush_plan *plan;

	c = sync_case_begin(CASE_GRANTS("- {group: a, role: edit, namespacePattern: 'team-*', name: e}\n"), "1 /a p");
	free(c->policy->tenant_label);
	c->policy->tenant_label = ush_strdup("tenant");
	for (int i = 0; i < 4100; i++) {
		snprintf(name, sizeof name, "team-%058d", i);
		sync_case_namespace(c, name, "{'tenant':'all'}");
	}
	plan = sync_case_plan(c);
	ck_assert_ptr_nonnull(strstr(plan->stop.what, "would span more namespaces than its parent can name"));
	ck_assert_ptr_nonnull(strstr(plan->stop.hint, "cluster.tenantLabel"));
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

TAP_MAIN("owner", the_marks_of_other_tools_are_known, what_says_the_same_and_is_nobodys_can_be_adopted,
	 drift_is_told_by_field_manager_and_repaired_or_only_reported, bindings_that_lead_nowhere_are_counted_and_named,
	 namespaces_of_one_tenant_share_a_set, many_namespaces_are_put_into_several_sets_and_stay_there,
	 a_tenant_that_no_parent_could_name_is_refused_with_advice)
