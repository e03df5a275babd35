/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/audit/audit.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/fake_kube.h"

#define RBAC "/apis/rbac.authorization.k8s.io/v1/"

/* A cluster of the defaults and the dashboard's binding. */
static struct fake_kube *cluster(void)
{
	struct fake_kube *fake = fake_kube_new();
	USH_AUTO_BASELINE baseline = ush_baseline_new();

	for (size_t i = 0; i < ush_baseline_count(baseline); i++) {
		USH_AUTO_JSON object = ush_rbac_to_json(ush_baseline_at(baseline, i));
		USH_AUTO_FREE char *text = json_dumps(object, JSON_COMPACT);

		fake_kube_add(fake, text);
	}
	fake_kube_add(fake, "{'kind':'ClusterRoleBinding','metadata':{'name':'kubernetes-dashboard'},'roleRef':{'"
			    "apiGroup':'rbac.authorization.k8s.io',"
			    "'kind':'ClusterRole','name':'cluster-admin'},'subjects':[{'kind':'ServiceAccount','name':'"
			    "kubernetes-dashboard',"
			    "'namespace':'kube-system'}]}");
	fake_kube_forget(fake);
	return fake;
}

static size_t critical(const struct ush_inventory *in, size_t *all)
{
	USH_AUTO_BASELINE baseline = ush_baseline_new();
	USH_AUTO_FINDINGS findings = {0};

	ush_audit(in, baseline, &findings);
	*all = findings.count;
	return findings.by_severity[USH_CRITICAL];
}

/* A7: one list a kind, no write, one finding. */
START_TEST(a_cluster_is_read_by_lists_alone_and_the_dashboard_is_found)
{
	struct fake_kube *fake = cluster();
	USH_AUTO_INVENTORY in = {0};
	struct ush_error err = {0};
	size_t all;

	ck_assert_msg(ush_inventory_live(&in, &fake->kube, &err) == 0, "%s", err.what);
	ck_assert_uint_eq(in.missing.count, 0);
	ck_assert_uint_eq(in.read, fake_kube_objects(fake, RBAC));
	ck_assert_uint_eq(critical(&in, &all), 1);
	ck_assert_uint_eq(all, 1);
	ck_assert_uint_eq(fake_kube_writes(fake), 0);
	ck_assert_uint_eq(fake_kube_count(fake, NULL, NULL), 5); /* four lists and /version */
	fake_kube_free(fake);
}
END_TEST

/* B20: what may not be read is missing, what was read is judged all the same. */
START_TEST(a_kind_that_may_not_be_read_makes_it_incomplete)
{
	static const char *const kinds[] = {"clusterroles", "clusterrolebindings", "roles", "rolebindings"};

	for (size_t i = 0; i < USH_COUNT(kinds); i++) {
		struct fake_kube *fake = cluster();
		USH_AUTO_FREE char *path = ush_printf(RBAC "%s", kinds[i]);
		USH_AUTO_INVENTORY in = {0};
		struct ush_error err = {0};
		size_t all;

		fake_kube_fail(fake, (struct fake_kube_fault){.path = path, .times = 1000, .status = 403});
		ck_assert_msg(ush_inventory_live(&in, &fake->kube, &err) == 0, "%s: %s", kinds[i], err.what);
		ck_assert_uint_eq(in.missing.count, 1);
		ck_assert_uint_eq(critical(&in, &all), i == 1 ? 0 : 1);
		ck_assert_uint_eq(all, i == 1 ? 0 : 1); /* nothing is called dangling because its role was not read */
		fake_kube_free(fake);
	}
}
END_TEST

START_TEST(a_list_that_expires_is_read_again_and_counted_once)
{
	struct fake_kube *fake = cluster();
	USH_AUTO_INVENTORY in = {0};
	struct ush_error err = {0};

	for (int i = 0; i < 700; i++) {
		USH_AUTO_FREE char *text =
			ush_printf("{'kind':'Role','metadata':{'name':'r%d','namespace':'default'},'rules':[]}", i);

		fake_kube_add(fake, text);
	}
	fake_kube_fail(fake, (struct fake_kube_fault){.path = RBAC "roles?limit=5000&continue", .status = 410});
	fake->pages = 500;
	ck_assert_msg(ush_inventory_live(&in, &fake->kube, &err) == 0, "%s", err.what);
	ck_assert_uint_eq(in.missing.count, 0);
	ck_assert_uint_eq(in.count, fake_kube_objects(fake, RBAC));
	ck_assert_uint_eq(in.read, in.count);
	ck_assert_uint_eq(fake_kube_count(fake, "GET", RBAC "roles"), 4); /* two pages, and two again */
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_server_that_is_not_there_is_an_error_and_no_report)
{
	struct fake_kube *fake = cluster();
	USH_AUTO_INVENTORY in = {0};
	struct ush_error err = {0};

	fake_kube_fail(fake, (struct fake_kube_fault){.times = 1000, .status = 0});
	ck_assert_int_eq(ush_inventory_live(&in, &fake->kube, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_UNAVAILABLE);
	fake_kube_free(fake);
}
END_TEST

START_TEST(a_server_that_breaks_off_later_leaves_what_was_read)
{
	struct fake_kube *fake = cluster();
	USH_AUTO_INVENTORY in = {0};
	struct ush_error err = {0};
	size_t all;

	fake_kube_fail(fake, (struct fake_kube_fault){.path = RBAC "rolebindings", .times = 1000, .status = 0});
	ck_assert_int_eq(ush_inventory_live(&in, &fake->kube, &err), 0);
	ck_assert_uint_eq(in.missing.count, 1);
	ck_assert_uint_eq(critical(&in, &all), 1);
	fake_kube_free(fake);
}
END_TEST

START_TEST(the_minor_of_the_server_is_read_and_may_be_unknown)
{
	static const struct {
		const char *body;
		int status, minor;
	} cases[] = {
		{"{\"major\":\"1\",\"minor\":\"36\"}", 200, 36},
		{"{\"major\":\"1\",\"minor\":\"29+\"}", 200, 29},
		{"{\"major\":\"2\",\"minor\":\"1\"}", 200, 0},
		{"{\"major\":\"1\",\"minor\":{}}", 200, 0},
		{"{\"major\":\"1\",\"minor\":\"99999999999999999999\"}", 200, 0},
		{"{\"major\":\"1\",\"minor\":\"-5\"}", 200, 0},
		{NULL, 403, 0},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		struct fake_kube *fake = cluster();
		USH_AUTO_INVENTORY in = {0};
		struct ush_error err = {0};

		fake_kube_fail(fake, (struct fake_kube_fault){.path = "/version",
							      .times = 100,
							      .status = cases[i].status,
							      .body = cases[i].body});
		ck_assert_int_eq(ush_inventory_live(&in, &fake->kube, &err), 0);
		ck_assert_msg(in.minor == cases[i].minor, "case %zu: %d", i, in.minor);
		ck_assert_uint_eq(in.missing.count, 0);
		fake_kube_free(fake);
	}
}
END_TEST

TAP_MAIN("inventory", a_cluster_is_read_by_lists_alone_and_the_dashboard_is_found,
	 a_kind_that_may_not_be_read_makes_it_incomplete, a_list_that_expires_is_read_again_and_counted_once,
	 a_server_that_is_not_there_is_an_error_and_no_report, a_server_that_breaks_off_later_leaves_what_was_read,
	 the_minor_of_the_server_is_read_and_may_be_unknown)
