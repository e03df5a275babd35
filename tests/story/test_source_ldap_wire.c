/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes wrong between us and a directory, beyond what the contract has for every source.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "broker/source/ldap.h"
#include "common/base/memory.h"
#include "tests/support/contract_cases.h"

extern const struct contract_fake contract_ldap, contract_ldap_ranges;

static struct contract c;

/* BC02 */
START_TEST(a_server_that_is_busy_twice_is_read_from_the_start)
{
	static const int statuses[] = {429, 503, CONTRACT_RESET, CONTRACT_CUT};

	for (size_t i = 0; i < USH_COUNT(statuses); i++) {
		case_begin(&c, &contract_ldap, case_three_pages);
		c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .page = 2, .times = 2, .status = statuses[i]};
		case_exact(&c);
		ck_assert_uint_eq(c.met, 2);
		ck_assert_uint_eq(c.sign_ins, 3);
		contract_end(&c);
	}
}
END_TEST

START_TEST(a_refusal_is_not_asked_twice)
{
	static const int statuses[] = {401, 403, 404, 302, 400, 500};

	for (size_t i = 0; i < USH_COUNT(statuses); i++) {
		case_begin(&c, &contract_ldap, case_three_pages);
		c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .page = 2, .status = statuses[i]};
		case_incomplete(&c);
		ck_assert_ptr_nonnull(strstr(c.groups.why, "page 2 of groups under \"ou=groups,dc=test\", filter ("));
		ck_assert_uint_eq(c.met, 1);
		ck_assert_uint_eq(c.sign_ins, 1);
		contract_end(&c);
	}
}
END_TEST

/* BC04, T50 */
START_TEST(pages_that_repeat_or_go_round_are_seen)
{
	for (int way = 0; way < 2; way++) {
		case_begin(&c, &contract_ldap, case_three_pages);
		c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .loops = way == 0, .repeats = way == 1};
		case_incomplete(&c);
		ck_assert_ptr_nonnull(strstr(c.groups.why, "came twice"));
		ck_assert_uint_lt(c.requests, 20);
		contract_end(&c);
	}
}
END_TEST

START_TEST(pages_without_an_entry_that_go_on_are_a_loop)
{
	case_begin(&c, &contract_ldap, case_three_pages);
	c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .loops = true, .empty = true};
	case_incomplete(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.why, "a loop"));
	ck_assert_uint_lt(c.requests, 20);
	contract_end(&c);
}
END_TEST

static void once(struct contract *k, enum contract_what what, size_t page)
{
	if (what != CONTRACT_ELSE || k->next_number >= 100000 || k->requests < 8)
		return; /* people are read: the list of groups is done, and not yet read again */
	(void)page;
	k->next_number = 100000;
	contract_add_group(k, "came-late", CONTRACT_NOBODY);
}

/* T53 */
START_TEST(a_directory_that_changes_under_us_is_read_again)
{
	case_begin(&c, &contract_ldap, case_three_pages);
	c.meanwhile = once;
	case_exact(&c);
	ck_assert_uint_eq(c.sign_ins, 2);
	contract_end(&c);
}
END_TEST

static void always(struct contract *k, enum contract_what what, size_t page)
{
	if (what == CONTRACT_GROUPS && page == 1)
		contract_add_group(k, "another", CONTRACT_NOBODY);
}

START_TEST(one_that_never_rests_is_incomplete)
{
	case_begin(&c, &contract_ldap, case_three_pages);
	c.meanwhile = always;
	case_incomplete(&c);
	ck_assert_ptr_nonnull(strstr(c.groups.why, "groups changed while they were read"));
	contract_end(&c);
}
END_TEST

START_TEST(an_answer_larger_than_the_cap_is_not_waited_for)
{
	case_begin(&c, &contract_ldap, case_three_pages);
	c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .page = 1, .status = CONTRACT_LARGE};
	case_incomplete(&c);
	contract_end(&c);
}
END_TEST

TAP_MAIN("source_ldap_wire", a_server_that_is_busy_twice_is_read_from_the_start, a_refusal_is_not_asked_twice, pages_that_repeat_or_go_round_are_seen,
	 pages_without_an_entry_that_go_on_are_a_loop, a_directory_that_changes_under_us_is_read_again, one_that_never_rests_is_incomplete,
	 an_answer_larger_than_the_cap_is_not_waited_for)
