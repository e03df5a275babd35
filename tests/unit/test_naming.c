/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <stdlib.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/source/source.h"
#include "broker/sync/want/desired.h"
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
	ck_assert_ptr_nonnull(ush_name_not_segment("a*b"));
	ck_assert_ptr_null(ush_name_not_object("a*b \xe2\x80\xae"));
	ck_assert_ptr_nonnull(ush_name_not_object("."));
	ck_assert_ptr_nonnull(ush_name_not_object("a/b"));
	ck_assert_ptr_nonnull(ush_name_not_object("a%2f"));
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

#define SLUG "a-role-whose-name-is-longer-than-the-part-that-names-keep-" /* 40 bytes are kept */

/* A policy whose one grant is of role; with the layout, all that a binding's name is made of but the group's id. */
static char *name_of_pair(enum ush_layout layout, char *role, const char *id)
{
	struct ush_policy_source source = {.name = (char *)"main"};
	struct ush_policy_role one = {.name = role, .cluster_role = role};
	struct ush_policy policy = {.name = (char *)"default", .layout = layout, .sources = &source, .source_count = 1, .roles = &one, .role_count = 1};
	struct ush_grant grant = {0};

	return ush_grant_binding(&policy, &grant, id);
}

/* What `printf default/ClusterRole/edit/group/4/main/7f1c | sha256sum` begins with: the same on every host. */
START_TEST(a_binding_of_one_group_is_named_by_its_id_and_never_changes)
{
	char role[] = "edit";
	USH_AUTO_FREE char *name = name_of_pair(USH_LAYOUT_GROUP, role, "7f1c"), *shared = name_of_pair(USH_LAYOUT_ROLE, role, "7f1c");

	ck_assert_str_eq(name, "usher-edit-e6f439cbd9c2f84a");
	ck_assert_str_eq(shared, "usher-edit-1dbac2f6");
}
END_TEST

/* The pair of this number: a thousand roles that differ only behind what names keep of them, and ids as providers make. */
static char *name_of_number(size_t number, uint64_t *seed)
{
	char role[128], id[40];

	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	snprintf(role, sizeof role, SLUG "%zu", number % 1000);
	snprintf(id, sizeof id, "%016llx-%zu", (unsigned long long)*seed, number / 1000);
	return name_of_pair(USH_LAYOUT_GROUP, role, id);
}

/* T55: role and group. USH_TEST_NAMES=1000000 for the long run. */
START_TEST(generated_pairs_have_names_of_their_own_and_always_the_same)
{
	const char *wanted = getenv("USH_TEST_NAMES");
	size_t count = wanted != NULL ? strtoul(wanted, NULL, 10) : 100000;
	struct ush_list names = {0};
	uint64_t first = 55, second = 55;

	for (size_t i = 0; i < count; i++) {
		USH_AUTO_FREE char *name = name_of_number(i, &first);

		ush_list_add(&names, name);
	}
	for (size_t i = 0; i < count; i++) {
		USH_AUTO_FREE char *again = name_of_number(i, &second);

		ck_assert_str_eq(again, names.items[i]);
	}
	ck_assert_ptr_null(ush_name_not_subdomain(names.items[0]));
	ush_list_sort(&names); /* equal ones are kept once */
	ck_assert_uint_eq(names.count, count);
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
	 a_bindings_name_is_its_role_and_a_hash_and_never_changes, bindings_names_do_not_collide, a_binding_of_one_group_is_named_by_its_id_and_never_changes,
	 generated_pairs_have_names_of_their_own_and_always_the_same, the_applyset_is_spelt_as_kubectl_does,
	 thousands_are_told_apart)
