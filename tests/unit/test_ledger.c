/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/ledger/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "tests/support/tap.h"

static struct ush_ledger_entry denied(enum ush_ledger_kind kind, const char *key, const char *name, const char *spelling)
{
	struct ush_ledger_entry e = {.kind = kind, .since = 1795219200};

	e.key = ush_strdup(key);
	e.name = ush_strdup(name);
	e.by = ush_strdup("ann");
	e.reason = ush_strdup("left the company");
	if (spelling != NULL)
		ush_list_add(&e.spellings, spelling);
	return e;
}

static struct ush_ledger_entry elevated(const char *key)
{
	struct ush_ledger_entry e = denied(USH_LEDGER_ELEVATED, key, "bob", "oidc:bob");

	e.until = e.since + 7200;
	e.subject = ush_strdup("oidc:bob");
	e.role = ush_strdup("admin");
	e.namespace_name = ush_strdup("prod");
	e.binding = ush_printf("usher-elevated-%s", key);
	return e;
}

static void put(struct ush_ledger *ledger, struct ush_ledger_entry entry)
{
	ck_assert(ush_ledger_add(ledger, &entry));
	ck_assert_ptr_null(entry.key);
}

static void fill(struct ush_ledger *ledger)
{
	struct ush_ledger_entry group = denied(USH_LEDGER_GROUP, "00000003", "/x", "oidc:x");

	group.source = ush_strdup("main");
	group.id = ush_strdup("7");
	put(ledger, elevated("00000004"));
	put(ledger, denied(USH_LEDGER_NAMESPACE, "00000001", "old", NULL));
	put(ledger, group);
	put(ledger, denied(USH_LEDGER_USER, "00000002", "ann", "oidc:Ann@Example.com"));
}

START_TEST(what_is_written_is_read_again_byte_for_byte_in_whatever_order_it_came)
{
	USH_AUTO_LEDGER a = {0}, b = {0}, c = {0};
	USH_AUTO_FREE char *text = NULL, *again = NULL, *other = NULL;
	struct ush_error err = {0};

	fill(&a);
	put(&b, denied(USH_LEDGER_USER, "00000002", "ann", "oidc:Ann@Example.com"));
	fill(&b); /* one key, one entry */
	text = ush_ledger_text(&a);
	other = ush_ledger_text(&b);
	ck_assert_str_eq(text, other);
	ck_assert_msg(ush_ledger_read(&c, text, "there", &err) == 0, "%s", err.what);
	again = ush_ledger_text(&c);
	ck_assert_str_eq(text, again);
	ck_assert_uint_eq(c.count, 4);
	ck_assert_int_eq(ush_ledger_find(&c, "00000004")->until, 1795219200 + 7200);
	ck_assert(ush_ledger_drop(&c, "00000004"));
	ck_assert(!ush_ledger_drop(&c, "00000004"));
	ck_assert_ptr_null(ush_ledger_find(&c, "00000004"));
}
END_TEST

START_TEST(a_person_is_known_by_every_spelling_in_any_case)
{
	USH_AUTO_LEDGER ledger = {0};

	put(&ledger, denied(USH_LEDGER_USER, "00000001", "\xc3\x84nn", "oidc:\xc3\x84nn@x"));
	ck_assert_ptr_nonnull(ush_ledger_bars_user(&ledger, "oidc:\xc3\x84nn@x"));
	ck_assert_ptr_nonnull(ush_ledger_bars_user(&ledger, "OIDC:\xc3\xa4NN@x"));
	ck_assert_ptr_null(ush_ledger_bars_user(&ledger, "\xc3\x84nn@x"));
	ck_assert_ptr_nonnull(ush_ledger_bars_user(&ledger, "oidc:A\xcc\x88NN@x")); /* the same letter, of two code points */
	ck_assert_ptr_null(ush_ledger_bars_user(&ledger, "oidc:ann@x"));
	ck_assert_ptr_null(ush_ledger_bars_user(&ledger, "oidc:\xff"));
	ck_assert_ptr_null(ush_ledger_bars_group(&ledger, "main", "7", "oidc:\xc3\x84nn@x"));
	ck_assert_ptr_null(ush_ledger_bars_namespace(&ledger, "\xc3\x84nn"));
}
END_TEST

START_TEST(a_person_stays_out_whatever_prefix_the_policy_has_now)
{
	USH_AUTO_LEDGER ledger = {0};

	put(&ledger, denied(USH_LEDGER_USER, "00000001", "ann", "ann"));
	ck_assert_ptr_nonnull(ush_ledger_bars_person(&ledger, "corp:", "corp:Ann"));
	ck_assert_ptr_nonnull(ush_ledger_bars_person(&ledger, NULL, "ann"));
	ck_assert_ptr_null(ush_ledger_bars_person(&ledger, "corp:", "other:ann"));
	ck_assert_ptr_null(ush_ledger_bars_person(&ledger, "", "corp:ann"));
	ck_assert_ptr_null(ush_ledger_bars_person(&ledger, "corp:", "corp:anne"));
}
END_TEST

/* For the API server one name is one group: another one of that name lets everybody in who is called so. */
START_TEST(a_group_is_known_by_its_id_and_by_its_name_whoever_bears_it)
{
	USH_AUTO_LEDGER ledger = {0};

	fill(&ledger);
	ck_assert_ptr_nonnull(ush_ledger_bars_group(&ledger, "main", "7", "oidc:renamed"));
	ck_assert_ptr_nonnull(ush_ledger_bars_group(&ledger, "main", "8", "oidc:x"));
	ck_assert_ptr_null(ush_ledger_bars_group(&ledger, "main", "8", "oidc:xx"));
	ck_assert_ptr_null(ush_ledger_bars_group(&ledger, "other", "7", "oidc:y"));
	ck_assert_ptr_nonnull(ush_ledger_bars_group(&ledger, NULL, NULL, "oidc:x"));
	put(&ledger, denied(USH_LEDGER_GROUP, "0000000a", "/z", "oidc:z"));
	ck_assert_ptr_nonnull(ush_ledger_bars_group(&ledger, "main", "9", "oidc:z"));
	ck_assert_ptr_nonnull(ush_ledger_bars_namespace(&ledger, "old"));
	ck_assert_ptr_null(ush_ledger_bars_namespace(&ledger, "older"));
}
END_TEST

START_TEST(a_denied_one_is_told_with_the_way_back)
{
	struct ush_ledger_entry e = denied(USH_LEDGER_GROUP, "00000001", "/x", "oidc:x");
	USH_AUTO_FREE char *words = ush_ledger_words(&e, NULL);

	ck_assert_str_eq(words, "denied since 2026-11-21 by ann: left the company; usher-broker readmit -f POLICY --key 00000001 --reason TEXT");
	ush_ledger_entry_free(&e);
}
END_TEST

#define ENTRY(members) "{\"entries\":[{\"by\":\"a\",\"key\":\"00000001\",\"kind\":\"namespace\",\"name\":\"n\",\"reason\":\"r\"," members "}],\"version\":1}"
#define FINE ENTRY("\"since\":1")

START_TEST(whatever_was_not_written_so_is_refused)
{
	static const char *const spoilt[] = {
		"", "[]", "{}", "{\"entries\":[],\"version\":2}", "{\"entries\":[],\"version\":1,\"more\":1}", "{\"entries\":{},\"version\":1}",
		"{\"entries\":[1],\"version\":1}", ENTRY("\"since\":1,\"weight\":2"), ENTRY("\"since\":\"1\""), ENTRY("\"since\":-1"), ENTRY("\"since\":1.5"),
		ENTRY("\"since\":1,\"spellings\":[]"), ENTRY("\"since\":1,\"spellings\":[1]"), ENTRY("\"since\":1,\"reviewed\":false"),
		ENTRY("\"since\":1,\"role\":\"admin\""), ENTRY("\"since\":1,\"until\":0"), ENTRY("\"since\":1,\"ticket\":null"),
		"{\"entries\":[{\"by\":\"a\",\"key\":\"0000000G\",\"kind\":\"namespace\",\"name\":\"n\",\"reason\":\"r\",\"since\":1}],\"version\":1}",
		"{\"entries\":[{\"by\":\"a\",\"key\":\"00000001\",\"kind\":\"user\",\"name\":\"n\",\"reason\":\"r\",\"since\":1}],\"version\":1}",
		"{\"entries\":[{\"by\":\"a\",\"key\":\"00000001\",\"kind\":\"elevated\",\"name\":\"n\",\"reason\":\"r\",\"since\":1,\"until\":9}],\"version\":1}",
		"{\"entries\":[{\"by\":\"\",\"key\":\"00000001\",\"kind\":\"namespace\",\"name\":\"n\",\"reason\":\"r\",\"since\":1}],\"version\":1}",
	};
	USH_AUTO_LEDGER ledger = {0};
	struct ush_error fine = {0};

	ck_assert_msg(ush_ledger_read(&ledger, FINE, "there", &fine) == 0, "%s", fine.what);
	ck_assert_uint_eq(ledger.count, 1);
	for (size_t i = 0; i < USH_COUNT(spoilt); i++) {
		struct ush_error err = {0};

		ck_assert_msg(ush_ledger_read(&ledger, spoilt[i], "there", &err) == -1, "%s", spoilt[i]);
		ck_assert_int_eq(err.code, USH_ERR_STORE);
	}
}
END_TEST

START_TEST(entries_out_of_order_or_with_one_key_are_refused)
{
	USH_AUTO_LEDGER ledger = {0};
	struct ush_error err = {0};
	static const char *const out[] = {
		"{\"entries\":[{\"by\":\"a\",\"key\":\"00000001\",\"kind\":\"namespace\",\"name\":\"b\",\"reason\":\"r\",\"since\":1},"
		"{\"by\":\"a\",\"key\":\"00000002\",\"kind\":\"namespace\",\"name\":\"a\",\"reason\":\"r\",\"since\":1}],\"version\":1}",
		"{\"entries\":[{\"by\":\"a\",\"key\":\"00000001\",\"kind\":\"namespace\",\"name\":\"a\",\"reason\":\"r\",\"since\":1},"
		"{\"by\":\"a\",\"key\":\"00000001\",\"kind\":\"namespace\",\"name\":\"b\",\"reason\":\"r\",\"since\":1}],\"version\":1}"};

	ck_assert_int_eq(ush_ledger_read(&ledger, out[0], "there", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.what, "not in its place"));
	ush_error_clear(&err);
	ck_assert_int_eq(ush_ledger_read(&ledger, out[1], "there", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.what, "one key"));
}
END_TEST

START_TEST(it_never_grows_beyond_what_is_kept)
{
	USH_AUTO_LEDGER ledger = {0};
	struct ush_ledger_entry more = denied(USH_LEDGER_NAMESPACE, "ffffffff", "more", NULL);
	size_t many = 0;

	for (; many < USH_LEDGER_MAX; many++) {
		char key[9];

		snprintf(key, sizeof key, "%08zx", many);
		put(&ledger, denied(USH_LEDGER_NAMESPACE, key, key, NULL));
	}
	ck_assert(!ush_ledger_add(&ledger, &more));
	ck_assert_ptr_nonnull(more.key);
	ck_assert(ush_ledger_drop(&ledger, "00000007"));
	ck_assert(ush_ledger_add(&ledger, &more));
	more = denied(USH_LEDGER_NAMESPACE, "00000008", "grown", NULL);
	free(more.reason);
	more.reason = ush_alloc(USH_LEDGER_TEXT_MAX);
	memset(more.reason, 'x', USH_LEDGER_TEXT_MAX - 1);
	ck_assert(!ush_ledger_add(&ledger, &more));
	ck_assert_ptr_nonnull(ush_ledger_find(&ledger, "00000008"));
	ush_ledger_entry_free(&more);
}
END_TEST

/* Whoever may elevate could keep everybody from being offboarded. */
START_TEST(roles_for_a_time_leave_room_for_who_is_put_out)
{
	USH_AUTO_LEDGER ledger = {0};
	struct ush_ledger_entry more = elevated("ffffffff");
	size_t many = 0;

	for (; many < USH_LEDGER_MAX / USH_LEDGER_SHARE; many++) {
		char key[9];

		snprintf(key, sizeof key, "%08zx", many);
		put(&ledger, elevated(key));
	}
	ck_assert(!ush_ledger_add(&ledger, &more));
	put(&ledger, elevated("00000007")); /* in place of the one that is there */
	more.seal = ush_strdup("fire");
	put(&ledger, more);
	for (; many + 1 < USH_LEDGER_MAX; many++) {
		char key[9];

		snprintf(key, sizeof key, "%08zx", many);
		put(&ledger, denied(USH_LEDGER_NAMESPACE, key, key, NULL));
	}
	ck_assert_uint_eq(ledger.count, USH_LEDGER_MAX);
}
END_TEST

START_TEST(who_is_kept_out_has_no_role_for_a_time)
{
	USH_AUTO_LEDGER ledger = {0};
	struct ush_ledger_entry e = elevated("00000001");

	ck_assert_ptr_null(ush_ledger_bars_elevation(&ledger, "oidc:", &e));
	put(&ledger, denied(USH_LEDGER_USER, "00000002", "Bob", "BOB")); /* before the policy had a prefix */
	ck_assert_str_eq(ush_ledger_bars_elevation(&ledger, "oidc:", &e)->key, "00000002");
	e.group = true;
	ck_assert_ptr_null(ush_ledger_bars_elevation(&ledger, "oidc:", &e));
	put(&ledger, denied(USH_LEDGER_NAMESPACE, "00000003", "prod", NULL));
	ck_assert_str_eq(ush_ledger_bars_elevation(&ledger, "oidc:", &e)->key, "00000003");
	ush_ledger_entry_free(&e);
}
END_TEST

START_TEST(no_two_entries_get_one_key)
{
	USH_AUTO_LEDGER ledger = {0};
	struct ush_ledger_entry e = denied(USH_LEDGER_NAMESPACE, "", "n", NULL);

	free(e.key);
	e.key = ush_ledger_key(&ledger, &e, 1);
	put(&ledger, e);
	e = denied(USH_LEDGER_NAMESPACE, "", "n", NULL);
	free(e.key);
	e.key = ush_ledger_key(&ledger, &e, 1);
	put(&ledger, e);
	ck_assert_uint_eq(ledger.count, 2);
}
END_TEST

START_TEST(each_policy_has_a_ledger_of_its_own)
{
	USH_AUTO_FREE char *one = ush_ledger_name("default"), *two = ush_ledger_name("b");

	ck_assert_str_eq(one, "usher-broker-ledger");
	ck_assert_str_eq(two, "usher-broker-ledger-b");
}
END_TEST

TAP_MAIN("ledger", what_is_written_is_read_again_byte_for_byte_in_whatever_order_it_came, a_person_is_known_by_every_spelling_in_any_case,
	 a_person_stays_out_whatever_prefix_the_policy_has_now, a_group_is_known_by_its_id_and_by_its_name_whoever_bears_it,
	 a_denied_one_is_told_with_the_way_back, whatever_was_not_written_so_is_refused, entries_out_of_order_or_with_one_key_are_refused, it_never_grows_beyond_what_is_kept, roles_for_a_time_leave_room_for_who_is_put_out,
	 who_is_kept_out_has_no_role_for_a_time, no_two_entries_get_one_key,
	 each_policy_has_a_ledger_of_its_own)
