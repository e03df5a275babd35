/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "broker/source/source.h"
#include "common/base/memory.h"

static void expect_group(enum ush_group_name how, const char *text)
{
	struct ush_policy policy = {.group_prefix = (char *)"oidc:", .group_name = how};
	USH_AUTO_FREE char *got = ush_name_group(&policy, "7f1c", "devs", "/teams/devs");

	ck_assert_str_eq(got, text);
}

START_TEST(a_group_is_prefix_and_what_the_token_carries)
{
	expect_group(USH_GROUP_LEAF, "oidc:devs");
	expect_group(USH_GROUP_PATH, "oidc:/teams/devs");
	expect_group(USH_GROUP_ID, "oidc:7f1c");
}
END_TEST

START_TEST(a_policy_means_a_group_by_path_name_or_id)
{
	ck_assert(ush_name_refers("/a/b", "1", "b", "/a/b", USH_GROUP_LEAF));
	ck_assert(ush_name_refers("b", "1", "b", "/a/b", USH_GROUP_LEAF));
	ck_assert(!ush_name_refers("B", "1", "b", "/a/b", USH_GROUP_LEAF));
	ck_assert(!ush_name_refers("/b", "1", "b", "/a/b", USH_GROUP_LEAF));
	ck_assert(!ush_name_refers("1", "1", "b", "/a/b", USH_GROUP_LEAF));
	ck_assert(ush_name_refers("1", "1", "b", "/a/b", USH_GROUP_ID));
	ck_assert(ush_name_refers("red/blue", "1", "red/blue", "/red/blue", USH_GROUP_LEAF));
}
END_TEST

START_TEST(names_are_checked_as_the_api_server_does)
{
	ck_assert_ptr_null(ush_name_not_label("a-1"));
	ck_assert_ptr_nonnull(ush_name_not_label("-a"));
	ck_assert_ptr_nonnull(ush_name_not_label("a."));
	ck_assert_ptr_nonnull(ush_name_not_label("A"));
	ck_assert_ptr_nonnull(ush_name_not_label(""));
	ck_assert_ptr_nonnull(ush_name_not_label("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	ck_assert_ptr_null(ush_name_not_subdomain("a.b-c"));
	ck_assert_ptr_nonnull(ush_name_not_subdomain("a..b"));
	ck_assert_ptr_nonnull(ush_name_not_subdomain("a.-b"));
	ck_assert_ptr_null(ush_name_not_segment("app:Reader"));
	ck_assert_ptr_nonnull(ush_name_not_segment(".."));
	ck_assert_ptr_nonnull(ush_name_not_segment("a%2f"));
}
END_TEST

/* The value is what `printf default/ClusterRole/edit | sha256sum` gives: a binding keeps its name between versions. */
START_TEST(a_bindings_name_is_its_role_and_a_hash_and_never_changes)
{
	USH_AUTO_FREE char *name = ush_name_binding("default", "ClusterRole", "edit");

	ck_assert_str_eq(name, "usher-edit-1dbac2f6");
}
END_TEST

static void add_name(struct ush_list *names, const char *policy, const char *kind, const char *role)
{
	USH_AUTO_FREE char *name = ush_name_binding(policy, kind, role);

	ck_assert_msg(ush_name_not_subdomain(name) == NULL, "%s", name);
	ush_list_add(names, name);
}

/* T55, BC08: roles that differ in anything have bindings that differ. */
START_TEST(bindings_names_do_not_collide)
{
	struct ush_list names = {0};
	char role[300];
	size_t wanted = 0;

	for (int i = 0; i < 5000; i++) {
		snprintf(role, sizeof role, "role-%d", i);
		add_name(&names, "default", "Role", role);
		add_name(&names, "default", "ClusterRole", role);
		add_name(&names, "other", "Role", role);
		wanted += 3;
	}
	memset(role, 'a', 253);
	role[253] = '\0';
	add_name(&names, "default", "Role", role);
	role[252] = 'b';
	add_name(&names, "default", "Role", role);
	add_name(&names, "default", "ClusterRole", "a:b");
	add_name(&names, "default", "ClusterRole", "a.b");
	add_name(&names, "default", "ClusterRole", "A-B");
	ush_list_sort(&names);
	ck_assert_uint_eq(names.count, wanted + 5);
	ush_list_free(&names);
}
END_TEST

/* The value was computed apart from this code: base64url of SHA-256 of "usher-broker-state.default.ConfigMap.". */
START_TEST(the_applyset_is_spelt_as_kubectl_does)
{
	USH_AUTO_FREE char *id = ush_name_applyset("usher-broker-state", "default", "ConfigMap", "");

	ck_assert_str_eq(id, "applyset-QtQaCMkevxMJKLrSlFEXrniVDw4gL0mdPHvfonz72Ok-v1");
}
END_TEST

START_TEST(thousands_are_told_apart)
{
	char out[32];

	ck_assert_str_eq(ush_thousands(0, out, sizeof out), "0");
	ck_assert_str_eq(ush_thousands(999, out, sizeof out), "999");
	ck_assert_str_eq(ush_thousands(2633, out, sizeof out), "2,633");
	ck_assert_str_eq(ush_thousands(1234567, out, sizeof out), "1,234,567");
}
END_TEST

TAP_MAIN("naming", a_group_is_prefix_and_what_the_token_carries, a_policy_means_a_group_by_path_name_or_id, names_are_checked_as_the_api_server_does,
	 a_bindings_name_is_its_role_and_a_hash_and_never_changes, bindings_names_do_not_collide, the_applyset_is_spelt_as_kubectl_does,
	 thousands_are_told_apart)
