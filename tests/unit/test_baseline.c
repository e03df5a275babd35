/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <stdlib.h>
#include <string.h>

#include "broker/audit/audit.h"
#include "broker/audit/rules.h"
#include "common/base/memory.h"
#include "common/data/json.h"

/* A cluster that holds what the table holds; `but` is called on each object before it is put in. */
static void fill(struct ush_inventory *in, const struct ush_baseline *baseline,
		 void (*but)(json_t *object, size_t i, void *context), void *context)
{
	in->live = true;
	in->minor = USH_BASELINE_MINOR;
	for (size_t i = 0; i < ush_baseline_count(baseline); i++) {
		USH_AUTO_JSON object = ush_rbac_to_json(ush_baseline_at(baseline, i));

		if (but != NULL)
			but(object, i, context);
		ush_inventory_add(in, object, NULL);
	}
}

static bool is_binding(const struct ush_rbac *o)
{
	return o->kind == USH_ROLE_BINDING || o->kind == USH_CLUSTER_ROLE_BINDING;
}

START_TEST(the_table_is_whole_and_its_bindings_have_their_roles)
{
	USH_AUTO_BASELINE baseline = ush_baseline_new();
	size_t kinds[4] = {0};

	for (size_t i = 0; i < ush_baseline_count(baseline); i++) {
		const struct ush_rbac *o = ush_baseline_at(baseline, i);
		bool addon;

		kinds[o->kind]++;
		ck_assert_ptr_eq(ush_baseline_find(baseline, o->kind, o->namespace_name, o->name, &addon), o);
		if (is_binding(o))
			ck_assert_msg(ush_baseline_find(baseline,
							strcmp(o->role_kind, "Role") == 0 ? USH_ROLE : USH_CLUSTER_ROLE,
							strcmp(o->role_kind, "Role") == 0 ? o->namespace_name : NULL,
							o->role_name, NULL) != NULL,
				      "%s", o->name);
	}
	ck_assert_uint_gt(kinds[USH_CLUSTER_ROLE], 60);
	ck_assert_uint_gt(kinds[USH_CLUSTER_ROLE_BINDING], 50);
	ck_assert_uint_ge(kinds[USH_ROLE], 7);
	ck_assert_uint_ge(kinds[USH_ROLE_BINDING], 7);
	ck_assert_ptr_null(ush_baseline_find(baseline, USH_ROLE, "default", "system:controller:token-cleaner", NULL));
	ck_assert_ptr_null(ush_baseline_find(baseline, USH_CLUSTER_ROLE_BINDING, NULL, "kubernetes-dashboard", NULL));
}
END_TEST

/* A7: a fresh cluster has no finding. */
START_TEST(a_cluster_of_defaults_alone_has_no_finding)
{
	USH_AUTO_BASELINE baseline = ush_baseline_new();
	USH_AUTO_INVENTORY in = {0};
	USH_AUTO_FINDINGS findings = {0};

	fill(&in, baseline, NULL, NULL);
	ush_audit(&in, baseline, &findings);
	for (size_t i = 0; i < findings.count; i++)
		ck_abort_msg("%s %s", findings.items[i].rule->id, findings.items[i].object->name);
	ck_assert_uint_eq(findings.builtins + findings.addons, in.count);
	ck_assert_uint_gt(findings.addons, 10);
}
END_TEST

struct change {
	size_t at;
	const char *member, *value;
};

static void append(json_t *object, size_t i, void *context)
{
	const struct change *change = context;
	json_t *list = json_object_get(object, change->member);

	if (i != change->at)
		return;
	if (list == NULL) {
		list = json_array();
		json_object_set_new(object, change->member, list);
		list = json_object_get(object, change->member);
	}
	json_array_append_new(list, json_loads(change->value, 0, NULL));
}

/* Each default, one at a time, with one thing more: exactly that one is reported, and as no less than high. */
START_TEST(anything_added_to_any_default_is_seen)
{
	USH_AUTO_BASELINE baseline = ush_baseline_new();

	for (size_t i = 0; i < ush_baseline_count(baseline); i++) {
		const struct ush_rbac *o = ush_baseline_at(baseline, i);
		struct change change = {
			i, is_binding(o) ? "subjects" : "rules",
			is_binding(o)
				? "{\"kind\":\"User\",\"name\":\"mallory\"}"
				: "{\"apiGroups\":[\"\"],\"resources\":[\"widgets\"],\"verbs\":[\"frobnicate\"]}"};
		USH_AUTO_INVENTORY in = {0};
		USH_AUTO_FINDINGS findings = {0};
		bool addon;

		if (strcmp(o->name, "cluster-admin") == 0 && !is_binding(o))
			continue; /* nothing can be added to everything */
		fill(&in, baseline, append, &change);
		ush_audit(&in, baseline, &findings);
		ck_assert_msg(findings.count == 1, "%s %s: %zu findings", ush_rbac_kind_name(o->kind), o->name,
			      findings.count);
		ck_assert_str_eq(findings.items[0].rule->id, "AU075");
		ck_assert_str_eq(findings.items[0].object->name, o->name);
		ush_baseline_find(baseline, o->kind, o->namespace_name, o->name, &addon);
		ck_assert_int_ge(findings.items[0].severity, addon ? USH_LOW : USH_HIGH);
	}
}
END_TEST

static void make_empty(json_t *object, size_t i, void *context)
{
	(void)i;
	(void)context;
	if (json_object_get(object, "rules") != NULL)
		json_object_set_new(object, "rules", json_array());
	if (json_object_get(object, "subjects") != NULL)
		json_object_set_new(object, "subjects", json_array());
}

START_TEST(less_than_a_default_is_hardening_and_no_finding)
{
	USH_AUTO_BASELINE baseline = ush_baseline_new();
	USH_AUTO_INVENTORY in = {0};
	USH_AUTO_FINDINGS findings = {0};

	fill(&in, baseline, make_empty, NULL);
	ush_audit(&in, baseline, &findings);
	ck_assert_uint_eq(findings.count, 0);
	ck_assert_uint_eq(findings.builtins + findings.addons, in.count);
}
END_TEST

static void rename_all(json_t *object, size_t i, void *context)
{
	json_t *metadata = json_object_get(object, "metadata");
	USH_AUTO_FREE char *name = ush_printf("mine-%zu", i);

	(void)context;
	json_object_set_new(metadata, "name", json_string(name));
	json_object_set_new(metadata, "labels", json_pack("{s:s}", "kubernetes.io/bootstrapping", "rbac-defaults"));
}

/* The label proves nothing: the same objects under other names are all told. */
START_TEST(the_label_of_the_defaults_exempts_nothing)
{
	USH_AUTO_BASELINE baseline = ush_baseline_new();
	USH_AUTO_INVENTORY in = {0};
	USH_AUTO_FINDINGS findings = {0};
	size_t fakes = 0;

	fill(&in, baseline, rename_all, NULL);
	ush_audit(&in, baseline, &findings);
	for (size_t i = 0; i < findings.count; i++)
		fakes += strcmp(findings.items[i].rule->id, "AU076") == 0;
	ck_assert_uint_eq(fakes, in.count);
	ck_assert_uint_eq(findings.builtins + findings.addons, 0);
}
END_TEST

TAP_MAIN("baseline", the_table_is_whole_and_its_bindings_have_their_roles, a_cluster_of_defaults_alone_has_no_finding,
	 anything_added_to_any_default_is_seen, less_than_a_default_is_hardening_and_no_finding,
	 the_label_of_the_defaults_exempts_nothing)
