/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/source/ldap_name.h"
#include "broker/source/ldap_reading.h"
#include "common/base/memory.h"

#define BASE "ou=groups,dc=example,dc=test"

static void expect_path(const char *dn, const char *path)
{
	USH_AUTO_FREE char *got = ush_ldap_dn_path(dn, BASE);

	if (path == NULL)
		ck_assert_msg(got == NULL, "%s became %s", dn, got);
	else
		ck_assert_str_eq(got, path);
}

START_TEST(a_path_is_the_dn_read_from_the_base_down)
{
	expect_path("cn=dev," BASE, "/dev");
	expect_path("CN=dev,OU=payments,OU=Groups, DC=Example,DC=test", "/payments/dev");
	expect_path("cn=dev+uid=7," BASE, "/dev+7");
	expect_path(BASE, "/groups");
	expect_path("cn=dev,ou=people,dc=example,dc=test", NULL);
	expect_path("cn=dev,dc=test", NULL);
	expect_path("dev", NULL);
}
END_TEST

START_TEST(no_name_can_pose_as_a_path)
{
	expect_path("cn=payments/admins," BASE, "/payments\\2Fadmins");
	expect_path("cn=a\\\\2Fb," BASE, "/a\\5C2Fb");
	expect_path("cn=Ops\\, EU \\+ \\\"US\\\"," BASE, "/Ops, EU + \"US\"");
	expect_path("cn=a\\00b," BASE, NULL);
	expect_path("cn=\\ff\\fe," BASE, NULL);
}
END_TEST

static void expect_same(const char *a, const char *b, bool same)
{
	USH_AUTO_FREE char *x = ush_ldap_dn_key(a), *y = ush_ldap_dn_key(b);

	ck_assert_ptr_nonnull(x);
	ck_assert_ptr_nonnull(y);
	ck_assert_msg((strcmp(x, y) == 0) == same, "%s: %s\n%s: %s", a, x, b, y);
}

START_TEST(equal_dns_have_one_key_however_they_are_written)
{
	expect_same("cn=Dev,ou=Groups,dc=x", "CN=dev, OU=GROUPS, DC=X", true);
	expect_same("cn=É,dc=x", "CN=\\C3\\A9,DC=x", true);
	expect_same("cn=e\\CC\\81,dc=x", "cn=\\C3\\A9,dc=x", true);
	expect_same("cn=a\\2Cb,dc=x", "cn=a\\,b,dc=x", true);
	expect_same("cn=a  b,dc=x", "cn=a b,dc=x", true);
	expect_same("2.5.4.3=dev,0.9.2342.19200300.100.1.25=x", "commonName=dev,domainComponent=x", true);
	expect_same("cn=a+uid=b,dc=x", "UID=b+CN=a,dc=x", true);
}
END_TEST

START_TEST(different_dns_have_different_keys)
{
	expect_same("cn=a\\,ou=b,dc=x", "cn=a,ou=b,dc=x", false);
	expect_same("cn=a\\+uid=b,dc=x", "cn=a+uid=b,dc=x", false);
	expect_same("cn=admin\\00x,dc=x", "cn=admin,dc=x", false);
	expect_same("cn=\\ff,dc=x", "cn=\\\\ff,dc=x", false);
	expect_same("cn=a,dc=x", "uid=a,dc=x", false);
	ck_assert_ptr_null(ush_ldap_dn_key("carol"));
	ck_assert_ptr_null(ush_ldap_dn_key("cn=a,,dc=x"));
}
END_TEST

START_TEST(ids_of_active_directory_are_written_as_microsoft_does)
{
	static const unsigned char guid[] = {0x2a, 0x23, 0x1f, 0x67, 0x65, 0x2f, 0x24, 0x44, 0xa4, 0xc5, 1, 2, 3, 4, 5, 6};
	static const unsigned char sid[] = {1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0x51, 4, 0, 0};
	USH_AUTO_FREE char *text = ush_ldap_guid(guid, sizeof guid), *sibling = ush_ldap_sid_sibling(sid, sizeof sid, 513);
	uint32_t rid;

	ck_assert_str_eq(text, "671f232a-2f65-4424-a4c5-010203040506");
	ck_assert_ptr_null(ush_ldap_guid(guid, 15));
	ck_assert(ush_ldap_sid_rid(sid, sizeof sid, &rid));
	ck_assert_uint_eq(rid, 1105);
	ck_assert_str_eq(sibling, "01020000000000051500000001020000");
	ck_assert(!ush_ldap_sid_rid(sid, sizeof sid - 1, &rid));
	ck_assert(!ush_ldap_sid_rid("\1\17", 2, &rid));
	ck_assert_ptr_null(ush_ldap_sid_sibling(guid, sizeof guid, 1));
}
END_TEST

START_TEST(a_value_cannot_leave_its_place_in_a_filter)
{
	USH_AUTO_BUF out = {0};

	ush_ldap_escape(&out, "cn=a)(uid=*\\\0x\xc3\xa9", 16);
	ck_assert_str_eq(out.data, "cn=a\\29\\28uid=\\2a\\5c\\00x\\c3\\a9");
}
END_TEST

static void expect_range(const char *text, bool fits, unsigned int first, unsigned int last, bool last_one)
{
	struct ush_ldap_range range;

	ck_assert_msg(ush_ldap_range_read(text, "member", &range) == fits, "%s", text);
	if (!fits)
		return;
	ck_assert_uint_eq(range.first, first);
	ck_assert_uint_eq(range.last, last);
	ck_assert_int_eq(range.last_one, last_one);
}

START_TEST(a_range_is_read_from_the_name_of_the_attribute)
{
	expect_range("member;range=0-1499", true, 0, 1499, false);
	expect_range("Member;Range=1500-*", true, 1500, 0, true);
	expect_range("member", false, 0, 0, false);
	expect_range("memberOf;range=0-1", false, 0, 0, false);
	expect_range("member;range=5-4", false, 0, 0, false);
	expect_range("member;range=-4", false, 0, 0, false);
	expect_range("member;range=0-", false, 0, 0, false);
	expect_range("member;range=0-4x", false, 0, 0, false);
	expect_range("member;range=0-99999999999999999999", false, 0, 0, false);
}
END_TEST

static void add(struct ush_ldap_entry *entry, const char *attribute, const char *value)
{
	ush_ldap_entry_add(entry, attribute, value, value != NULL ? strlen(value) : 0);
}

/* What Windows does above 1,500: "member" is there and empty, and the values stand under another name. */
START_TEST(ranged_values_are_gathered_until_the_last)
{
	USH_AUTO_LDAP_ENTRY first = {0}, second = {0};
	struct ush_ldap_values values = {0};
	struct ush_error err = {0};

	add(&first, "member", NULL);
	add(&first, "member;range=0-1", "cn=a");
	add(&first, "member;range=0-1", "cn=b");
	ck_assert_int_eq(ush_ldap_values_take(&values, &first, "member", &err), 0);
	ck_assert(values.more);
	ck_assert_uint_eq(values.next, 2);
	add(&second, "member;range=2-*", "cn=c");
	ck_assert_int_eq(ush_ldap_values_take(&values, &second, "member;range=0-5", &err), 0);
	ck_assert(!values.more);
	ck_assert_uint_eq(values.list.count, 3);
	ush_ldap_values_free(&values);
}
END_TEST

START_TEST(a_range_that_does_not_follow_is_not_taken)
{
	static const char *const names[] = {"member;range=1-2", "member;range=0-2"}; /* begins late; says three, brings one */

	for (size_t i = 0; i < USH_COUNT(names); i++) {
		USH_AUTO_LDAP_ENTRY entry = {0};
		struct ush_ldap_values values = {0};
		struct ush_error err = {0};

		add(&entry, names[i], "cn=a");
		ck_assert_int_eq(ush_ldap_values_take(&values, &entry, "member", &err), -1);
		ck_assert_int_eq(err.code, USH_ERR_INCOMPLETE);
		ush_ldap_values_free(&values);
	}
}
END_TEST

START_TEST(of_several_values_the_one_of_the_rdn_is_the_name)
{
	USH_AUTO_LDAP_ENTRY entry = {.dn = ush_strdup("cn=Dev,dc=x")};
	USH_AUTO_FREE char *name = NULL, *least = NULL, *none = NULL;

	add(&entry, "cn", "alpha");
	add(&entry, "cn", "dev");
	add(&entry, "mail", "b@x");
	add(&entry, "mail", "a@x");
	ush_ldap_entry_add(&entry, "uid", "admin\0x", 7);
	name = ush_ldap_text(&entry, "CN");
	least = ush_ldap_text(&entry, "mail");
	none = ush_ldap_text(&entry, "uid");
	ck_assert_str_eq(name, "dev");
	ck_assert_str_eq(least, "a@x");
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(an_entry_survives_a_recording)
{
	USH_AUTO_LDAP_ENTRY entry = {.dn = ush_strdup("cn=É,dc=x")}, again = {0};
	USH_AUTO_FREE char *text = NULL;
	json_t *json;

	add(&entry, "cn", "É");
	ush_ldap_entry_add(&entry, "objectGUID", "\0\xff\x10", 3);
	add(&entry, "member", NULL);
	json = ush_ldap_entry_to_json(&entry);
	ck_assert_int_eq(ush_ldap_entry_from_json(&again, json), 0);
	json_decref(json);
	text = ush_ldap_text(&again, "cn");
	ck_assert_str_eq(text, "É");
	ck_assert_uint_eq(ush_ldap_entry_get(&again, "objectguid")->values[0].length, 3);
	ck_assert_mem_eq(ush_ldap_entry_get(&again, "objectGUID")->values[0].data, "\0\xff\x10", 3);
	ck_assert_uint_eq(ush_ldap_entry_get(&again, "member")->count, 0);
}
END_TEST

START_TEST(who_may_not_sign_in_is_known_by_many_signs)
{
	static const struct {
		const char *attribute, *value;
		bool off;
	} cases[] = {
		{"userAccountControl", "514", true},	       {"userAccountControl", "512", false},	{"userAccountControl", "66050", true},
		{"accountExpires", "0", false},		       {"accountExpires", "9223372036854775807", false}, {"accountExpires", "129000000000000000", true},
		{"accountExpires", "199000000000000000", false}, {"nsAccountLock", "TRUE", true},	{"nsAccountLock", "false", false},
		{"loginDisabled", "TRUE", true},	       {"ds-pwp-account-disabled", "true", true}, {"pwdAccountLockedTime", "000001010000Z", true},
		{"pwdAccountLockedTime", "20260101000000Z", false}, {"shadowExpire", "1", true},	{"shadowExpire", "-1", false},
		{"shadowExpire", "99999", false},	       {"description", "TRUE", false},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++)
		ck_assert_msg(ush_ldap_account_off(cases[i].attribute, cases[i].value, 1800000000) == cases[i].off, "%s: %s", cases[i].attribute, cases[i].value);
}
END_TEST

TAP_MAIN("source_ldap", a_path_is_the_dn_read_from_the_base_down, no_name_can_pose_as_a_path, equal_dns_have_one_key_however_they_are_written,
	 different_dns_have_different_keys, ids_of_active_directory_are_written_as_microsoft_does, a_value_cannot_leave_its_place_in_a_filter,
	 a_range_is_read_from_the_name_of_the_attribute, ranged_values_are_gathered_until_the_last, a_range_that_does_not_follow_is_not_taken,
	 of_several_values_the_one_of_the_rdn_is_the_name, an_entry_survives_a_recording, who_may_not_sign_in_is_known_by_many_signs)
