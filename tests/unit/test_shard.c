/* SPDX-License-Identifier: Apache-2.0
 *
 * ApplySets: one a tenant where a label tells tenants apart, else one for all, or several when a parent could not name
 * all namespaces. Ids as kubectl reckons them. On a cluster in memory.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/apply/applyset.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/sync_case.h"

#define HEAD(cluster)                                                                                                                  \
	"apiVersion: usher.dev/v1\nkind: AccessPolicy\ncluster: {groupPrefix: 'oidc:'" cluster "}\nsources: {main: {file: {path: g.json}}}\n" \
	"roles:\n  reader: {rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}\n  edit: {clusterRole: edit}\n"                    \
	"limits: {remove: {bindings: 100%, people: 100%}, vanishedGroup: {runs: 2, age: 0s}}\ngrants:\n"
#define TENANTS HEAD(", tenantLabel: example.com/tenant")
#define READERS "- {group: a, role: reader, namespacePattern: 'n*', name: r}\n"
#define EDITORS "- {group: a, role: edit, namespacePattern: 'n*', name: e}\n"
#define ACME	"{'example.com/tenant':'acme'}"
#define BETA	"{'example.com/tenant':'beta'}"

/* base64url(SHA-256("NAME.default.ConfigMap.")) of the three parents, by another program. */
#define ID(hash) "applyset-" hash "-v1"
#define ID_REST	 ID("QtQaCMkevxMJKLrSlFEXrniVDw4gL0mdPHvfonz72Ok")
#define ID_ACME	 ID("FPq_Aqa1VFJrXGwcjD0UOGwJZW83CMq2Yzc6PPHAIsg")
#define ID_BETA	 ID("ajdsCNeE3iBUbna27FIsCpHhpsRHomloItXiOMcGHtw")
#define ACME_MAP "usher-broker-state-tenant-822b33ad87c148a0" /* SHA-256 of "acme" */
#define BETA_MAP "usher-broker-state-tenant-f44e64e75f3948e9"

static struct sync_case *c;

static void begin(const char *policy)
{
	c = sync_case_new(policy);
	sync_case_groups(c, 0, "1 /a p");
}

static void begin_with_tenants(void)
{
	begin(TENANTS READERS);
	sync_case_namespace(c, "n1", ACME);
	sync_case_namespace(c, "n2", BETA);
	sync_case_namespace(c, "n3", ACME);
	sync_case_namespace(c, "n4", NULL);
}

static void expect_set(const struct ush_plan *plan, const char *name, const char *id, const char *namespaces)
{
	for (size_t i = 0; i < plan->set_count; i++)
		if (strcmp(plan->sets[i].name, name) == 0) {
			ck_assert_str_eq(plan->sets[i].id, id);
			ck_assert_str_eq(plan->sets[i].namespaces, namespaces);
			return;
		}
	ck_abort_msg("no set %s", name);
}

/* Both objects in a namespace are part of this set. */
static void expect_part_of(const char *namespace_name, const char *id)
{
	static const char *const kinds[][2] = {{"Role", "reader"}, {"RoleBinding", "r"}};

	for (size_t i = 0; i < USH_COUNT(kinds); i++) {
		const json_t *metadata = json_object_get(sync_case_object(c, kinds[i][0], namespace_name, kinds[i][1]), "metadata");

		ck_assert_ptr_nonnull(metadata);
		ck_assert_str_eq(ush_json_string(json_object_get(metadata, "labels"), USH_LABEL_PART_OF), id);
	}
}

/* ---- tenants ---- */

START_TEST(each_tenant_has_a_set_that_names_its_namespaces)
{
	struct ush_plan *plan;

	begin_with_tenants();
	plan = sync_case_run_and_count(c, USH_CREATE, 8);
	ck_assert_uint_eq(plan->set_count, 3);
	ck_assert_str_eq(plan->sets[0].name, "usher-broker-state"); /* the state's own ConfigMap is the parent of the rest */
	expect_set(plan, "usher-broker-state", ID_REST, "n4");
	expect_set(plan, ACME_MAP, ID_ACME, "n1,n3");
	expect_set(plan, BETA_MAP, ID_BETA, "n2");
	ush_plan_free(plan);
	expect_part_of("n1", ID_ACME);
	expect_part_of("n2", ID_BETA);
	expect_part_of("n3", ID_ACME);
	expect_part_of("n4", ID_REST);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* BE09 */
START_TEST(a_namespace_that_comes_joins_its_set_and_moves_no_other)
{
	struct ush_plan *plan;

	begin_with_tenants();
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 8));
	sync_case_namespace(c, "n0", BETA); /* before all others: sets are found in another order */
	sync_case_namespace(c, "n9", "{'example.com/tenant':'new'}");
	plan = sync_case_run_and_count(c, USH_CREATE, 4);
	ck_assert_uint_eq(plan->change_count, 4);
	ck_assert_uint_eq(plan->set_count, 4);
	expect_set(plan, "usher-broker-state", ID_REST, "n4");
	expect_set(plan, ACME_MAP, ID_ACME, "n1,n3");
	expect_set(plan, BETA_MAP, ID_BETA, "n0,n2");
	ush_plan_free(plan);
	expect_part_of("n0", ID_BETA);
	expect_part_of("n1", ID_ACME);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

START_TEST(a_namespace_that_changes_tenant_changes_sets_and_nobodys_access)
{
	struct ush_plan *plan;

	begin_with_tenants();
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 8));
	json_object_set_new(json_object_get(json_array_get(c->namespaces, 2), "labels"), "example.com/tenant", json_string("beta"));
	plan = sync_case_run_and_count(c, USH_CHANGE, 2);
	ck_assert_uint_eq(plan->change_count, 2);
	ck_assert_str_eq(plan->changes[0].namespace_name, "n3");
	ck_assert_uint_eq(plan->changes[0].added_count + plan->changes[0].removed_count, 0);
	ck_assert_uint_eq(plan->changes[1].added_count + plan->changes[1].removed_count, 0);
	expect_set(plan, ACME_MAP, ID_ACME, "n1");
	expect_set(plan, BETA_MAP, ID_BETA, "n2,n3");
	ush_plan_free(plan);
	expect_part_of("n3", ID_BETA);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_free(c);
}
END_TEST

/* ---- kubectl's spelling ---- */

START_TEST(an_id_is_that_of_kubectl)
{
	USH_AUTO_FREE char *rest = ush_name_applyset("usher-broker-state", "default", "ConfigMap", ""), *acme = ush_name_applyset(ACME_MAP, "default", "ConfigMap", "");

	ck_assert_str_eq(rest, ID_REST);
	ck_assert_str_eq(acme, ID_ACME);
	ck_assert_uint_le(strlen(rest), 63); /* what a label may hold */
}
END_TEST

START_TEST(a_parent_says_kinds_and_namespaces_as_kubectl_does)
{
	USH_AUTO_JSON map = ush_applyset_parent(ACME_MAP, ID_ACME, "default", "platform", "n1,n3", "7");
	USH_AUTO_JSON bare = ush_applyset_parent(ACME_MAP, ID_ACME, "default", "platform", "", NULL);
	const json_t *metadata = json_object_get(map, "metadata"), *labels = json_object_get(metadata, "labels");
	const json_t *annotations = json_object_get(metadata, "annotations");

	ck_assert_str_eq(ush_json_string(map, "kind"), "ConfigMap");
	ck_assert_str_eq(ush_json_string(metadata, "resourceVersion"), "7");
	ck_assert_str_eq(ush_json_string(labels, "applyset.kubernetes.io/id"), ID_ACME);
	ck_assert_str_eq(ush_json_string(labels, "app.kubernetes.io/managed-by"), "usher-broker");
	ck_assert_str_eq(ush_json_string(labels, "usher.dev/policy"), "platform");
	ck_assert_str_eq(ush_json_string(annotations, "applyset.kubernetes.io/contains-group-kinds"), "Role.rbac.authorization.k8s.io,RoleBinding.rbac.authorization.k8s.io");
	ck_assert_str_eq(ush_json_string(annotations, "applyset.kubernetes.io/additional-namespaces"), "n1,n3");
	ck_assert_int_eq(strncmp(ush_json_string(annotations, "applyset.kubernetes.io/tooling"), "usher-broker/", 13), 0);
	ck_assert_ptr_null(ush_json_string(json_object_get(json_object_get(bare, "metadata"), "annotations"), "applyset.kubernetes.io/additional-namespaces"));
}
END_TEST

/* ---- how much a parent can name ---- */

/* Namespaces with names of so many bytes. */
static void many_namespaces(int count, int length, const char *labels)
{
	for (int i = 0; i < count; i++) {
		USH_AUTO_FREE char *name = ush_printf("n%0*d", length - 1, i);

		sync_case_namespace(c, name, labels);
	}
}

static struct ush_plan *plan_of_many(const char *policy, int count, int length, const char *labels)
{
	begin(policy);
	many_namespaces(count, length, labels);
	return sync_case_plan(c);
}

START_TEST(a_tenant_with_more_namespaces_than_a_parent_can_name_stops_the_run)
{
	struct ush_plan *plan = plan_of_many(TENANTS EDITORS, 3906, 63, ACME); /* 64 bytes each but the last: 249,983 */

	ck_assert_msg(plan->stop.code == USH_OK, "%s", plan->stop.what);
	ush_plan_free(plan);
	sync_case_free(c);
	plan = plan_of_many(TENANTS EDITORS, 3907, 63, ACME);
	ck_assert_int_eq(plan->stop.code, USH_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(plan->stop.what, "ApplySet " ACME_MAP " would span more namespaces than its parent can name (250047 bytes of 256 KiB); nothing was written"));
	ck_assert_ptr_nonnull(strstr(plan->stop.hint, "cluster.tenantLabel"));
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* Every namespace is named by one set, and is of the set that its objects say. */
static void expect_parts(const struct ush_plan *plan, size_t places)
{
	size_t named = 0;

	for (size_t i = 0; i < plan->set_count; i++) {
		ck_assert_uint_lt(strlen(plan->sets[i].namespaces), 250000);
		ck_assert(i == 0 || strncmp(plan->sets[i].name, "usher-broker-state-part-", 24) == 0);
		named += *plan->sets[i].namespaces != '\0';
		for (const char *p = plan->sets[i].namespaces; (p = strchr(p, ',')) != NULL; p++)
			named++;
	}
	ck_assert_uint_eq(named, places);
	for (size_t i = 0; i < plan->change_count; i += 97) {
		const struct ush_change *change = &plan->changes[i];
		USH_AUTO_JSON object = ush_change_object(plan, change, NULL);
		const char *id = ush_json_string(json_object_get(json_object_get(object, "metadata"), "labels"), USH_LABEL_PART_OF);

		for (size_t j = 0; j < plan->set_count; j++)
			ck_assert_int_eq(strcmp(plan->sets[j].id, id) == 0, strstr(plan->sets[j].namespaces, change->namespace_name) != NULL);
	}
}

START_TEST(without_tenants_many_namespaces_are_parted_among_sets)
{
	struct ush_plan *plan = plan_of_many(HEAD("") EDITORS, 2000, 9, NULL);

	ck_assert_uint_eq(plan->set_count, 1);
	ck_assert_int_eq(plan->state.shards, 0);
	ush_plan_free(plan);
	sync_case_free(c);
	plan = plan_of_many(HEAD("") EDITORS, 2001, 9, NULL);
	ck_assert_uint_eq(plan->set_count, 17);
	ck_assert_int_eq(plan->state.shards, 16);
	expect_parts(plan, 2001);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

/* Else every object would be written anew for each namespace that comes or goes at the limit. */
START_TEST(sets_that_were_parted_stay_parted)
{
	struct ush_plan *plan;

	begin(HEAD("") EDITORS);
	c->state.shards = 16;
	many_namespaces(5, 9, NULL);
	ush_plan_free(sync_case_run_and_count(c, USH_CREATE, 5));
	ck_assert_int_eq(c->state.shards, 16);
	sync_case_expect_empty(sync_case_run(c));
	sync_case_namespace(c, "n-new", NULL);
	plan = sync_case_run_and_count(c, USH_CREATE, 1);
	ck_assert_uint_eq(plan->change_count, 1);
	ush_plan_free(plan);
	sync_case_free(c);
}
END_TEST

TAP_MAIN("shard", each_tenant_has_a_set_that_names_its_namespaces, a_namespace_that_comes_joins_its_set_and_moves_no_other,
	 a_namespace_that_changes_tenant_changes_sets_and_nobodys_access, an_id_is_that_of_kubectl, a_parent_says_kinds_and_namespaces_as_kubectl_does,
	 a_tenant_with_more_namespaces_than_a_parent_can_name_stops_the_run, without_tenants_many_namespaces_are_parted_among_sets,
	 sets_that_were_parted_stay_parted)
