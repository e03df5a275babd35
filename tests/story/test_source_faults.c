/* SPDX-License-Identifier: Apache-2.0
 *
 * The contract over every source alike, where something goes wrong: what passes is had again, all else is incomplete.
 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "tests/support/contract_cases.h"

static struct contract c;

/* ---- what passes ---- */

static void passes(const struct contract_fake *fake, enum contract_what what, size_t page, int status, const char *headers)
{
	case_begin(&c, fake, what == CONTRACT_MEMBERS ? case_three_pages_of_members : case_three_pages);
	c.fault = (struct contract_fault){.what = what, .page = page, .times = 2, .status = status, .headers = headers};
	contract_read(&c);
	ck_assert_msg(c.met == 2, "%s: the fault %d was met %zu times", fake->kind, status, c.met);
	contract_expect_exact(&c);
	contract_end(&c);
}

static void bad_page_twice(const struct contract_fake *fake)
{
	/* the last two: somebody between ends an answer well before it is over */
	static const int statuses[] = {429, 500, 502, 503, 504, CONTRACT_RESET, CONTRACT_CUT, CONTRACT_NOTHING};

	for (size_t i = 0; i < USH_COUNT(statuses); i++) {
		passes(fake, CONTRACT_GROUPS, 2, statuses[i], NULL);
		if (fake->member_page > 0)
			passes(fake, CONTRACT_MEMBERS, 2, statuses[i], NULL);
	}
}

/* BC02 */
START_TEST(a_page_that_fails_twice_is_had_the_third_time)
{
	case_each(CASE_PAGED, bad_page_twice);
}
END_TEST

static void retry_after(const struct contract_fake *fake)
{
	case_begin(&c, fake, case_three_pages);
	c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .page = 2, .times = 2, .status = 429, .headers = "Retry-After: 7"};
	case_exact(&c);
	ck_assert_msg(c.slept_ms >= 14000 && c.slept_ms < 20000, "%s slept %lld ms", fake->kind, (long long)c.slept_ms);
	c.fault.headers = "Retry-After: 86400"; /* more than the source may wait */
	case_incomplete(&c);
	ck_assert_msg(c.slept_ms < 1000, "%s slept %lld ms", fake->kind, (long long)c.slept_ms);
	contract_end(&c);
}

/* BE33 */
START_TEST(a_limit_is_waited_for_within_the_budget)
{
	case_each(CASE_PAGED, retry_after);
}
END_TEST

static void token_ends(const struct contract_fake *fake)
{
	case_begin(&c, fake, case_three_pages);
	c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .page = 2, .times = 1, .status = 401};
	case_exact(&c);
	ck_assert_uint_ge(c.sign_ins, 2);
	c.fault = (struct contract_fault){.what = CONTRACT_MEMBERS, .skip = 3, .times = 1, .status = 401};
	case_exact(&c);
	contract_end(&c);
}

/* BC02, BF04: a token lives for a minute, a reading longer. */
START_TEST(a_token_that_ends_on_the_way_is_renewed)
{
	case_each(CONTRACT_TOKEN, token_ends);
}
END_TEST

/* ---- what does not ---- */

static void fails(const struct contract_fake *fake, enum contract_what what, size_t page, int status)
{
	case_begin(&c, fake, what == CONTRACT_MEMBERS ? case_three_pages_of_members : case_three_pages);
	c.fault = (struct contract_fault){.what = what, .page = page, .status = status};
	contract_read(&c);
	ck_assert_msg(c.met >= 1, "%s: the fault %d was not met", fake->kind, status);
	contract_expect_incomplete(&c);
	contract_end(&c);
}

static void bad_page(const struct contract_fake *fake)
{
	static const int statuses[] = {429, 500, 503, 401, 403, 400, 404, 302, 204, CONTRACT_RESET, CONTRACT_HTML, CONTRACT_CUT, CONTRACT_NOTHING, CONTRACT_LARGE};

	for (size_t i = 0; i < USH_COUNT(statuses); i++)
		for (size_t page = 1; page <= 3; page++) {
			fails(fake, CONTRACT_GROUPS, page, statuses[i]); /* page 3 is the last: BC03 */
			if (fake->member_page > 0 && page == 2 && statuses[i] != 404)
				fails(fake, CONTRACT_MEMBERS, page, statuses[i]);
		}
}

/* BC02, BC03, T50, BF03, BF04: a page or a token that fails is no end of the list, and no group is taken for empty. */
START_TEST(a_page_that_cannot_be_had_is_incomplete)
{
	case_each(0, bad_page);
}
END_TEST

static void bad_sign_in(const struct contract_fake *fake)
{
	static const int statuses[] = {400, 401, 403, 500, CONTRACT_RESET, CONTRACT_HTML, CONTRACT_CUT, CONTRACT_NOTHING};

	for (size_t i = 0; i < USH_COUNT(statuses); i++)
		fails(fake, CONTRACT_SIGN_IN, 0, statuses[i]);
}

START_TEST(without_a_token_there_is_no_list)
{
	case_each(CONTRACT_TOKEN, bad_sign_in);
}
END_TEST

static void bad_count(const struct contract_fake *fake)
{
	static const int statuses[] = {429, 500, 403, CONTRACT_HTML, CONTRACT_RESET};

	for (size_t i = 0; i < USH_COUNT(statuses); i++) {
		case_begin(&c, fake, case_three_pages);
		c.fault = (struct contract_fault){.what = CONTRACT_COUNT, .status = statuses[i]};
		contract_read(&c);
		if (c.met > 0) /* for some the count comes with the list */
			contract_expect_incomplete(&c);
		contract_end(&c);
	}
}

START_TEST(a_count_that_cannot_be_had_is_incomplete)
{
	case_each(CONTRACT_COUNTS, bad_count);
}
END_TEST

static void loops(const struct contract_fake *fake)
{
	case_begin(&c, fake, case_three_pages);
	c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .loops = true, .repeats = true};
	case_incomplete(&c);
	ck_assert_msg(c.requests < 100, "%s asked %zu times", fake->kind, c.requests);
	contract_end(&c);
	if (fake->member_page == 0)
		return;
	case_begin(&c, fake, case_three_pages_of_members);
	c.fault = (struct contract_fault){.what = CONTRACT_MEMBERS, .loops = true, .repeats = true};
	case_incomplete(&c);
	ck_assert_msg(c.requests < 100, "%s asked %zu times", fake->kind, c.requests);
	contract_end(&c);
}

/* BC04, T50 */
START_TEST(pages_that_go_round_are_seen)
{
	case_each(CASE_PAGED, loops);
}
END_TEST

static void lies(const struct contract_fake *fake)
{
	for (int by = -1; by <= 1; by += 2) {
		case_begin(&c, fake, case_three_pages);
		c.fault = (struct contract_fault){.what = CONTRACT_ANY, .lies = by};
		case_incomplete(&c);
		contract_end(&c);
	}
}

/* BC05 */
START_TEST(a_total_that_does_not_fit_is_incomplete)
{
	case_each(CONTRACT_COUNTS, lies);
}
END_TEST

static void silent(const struct contract_fake *fake)
{
	case_begin(&c, fake, case_three_pages);
	c.fault = (struct contract_fault){.what = CONTRACT_ANY, .silent = true};
	contract_read(&c);
	if (c.groups.complete) /* a total may be missing, but pages never end by it */
		contract_expect_exact(&c);
	else
		contract_expect_incomplete(&c);
	contract_end(&c);
}

/* BC05, BF07: GitLab leaves totals out above 10,000 rows. */
START_TEST(nobody_pages_by_totals)
{
	case_each(0, silent);
}
END_TEST

static void cut_off(const struct contract_fake *fake)
{
	bool counted = (fake->traits & CONTRACT_COUNTS) != 0;

	case_begin(&c, fake, case_three_pages);
	if (!counted) { /* where nothing says how many there are, a canary does */
		size_t at = c.directory.group_count - 1;
		USH_AUTO_FREE char *last = fake->path != NULL ? fake->path(&c, at) : contract_path(&c, at);

		ush_source_set(&c.source, "canaries.groups", last);
	}
	c.fault = (struct contract_fault){.what = CONTRACT_GROUPS, .cut_off = true};
	case_incomplete(&c);
	contract_end(&c);
	if (fake->member_page == 0 || (fake->traits & CONTRACT_MEMBER_COUNTS) == 0)
		return;
	case_begin(&c, fake, case_three_pages_of_members);
	c.fault = (struct contract_fault){.what = CONTRACT_MEMBERS, .cut_off = true};
	case_incomplete(&c);
	contract_end(&c);
}

/* BC06 */
START_TEST(a_list_cut_at_a_full_page_is_seen_by_a_count_or_a_canary)
{
	case_each(0, cut_off);
}
END_TEST

static void empty(const struct contract_fake *fake)
{
	case_begin(&c, fake, case_three_pages);
	c.fault = (struct contract_fault){.what = CONTRACT_ANY, .empty = true};
	contract_read(&c);
	ck_assert_uint_eq(c.groups.count, 0);
	if (c.groups.complete) /* then reconcile stops at it (test_reconcile): no group at all is no truth to act on */
		ck_assert_msg((fake->traits & CONTRACT_COUNTS) == 0, "%s: none of many is complete", fake->kind);
	contract_end(&c);
	case_begin(&c, fake, case_three_pages);
	ush_source_set(&c.source, "canaries.groups", "group-0000");
	c.fault = (struct contract_fault){.what = CONTRACT_ANY, .empty = true};
	case_incomplete(&c);
	contract_end(&c);
}

/* BC01, BF14, BF09 */
START_TEST(no_group_at_all_is_never_taken_for_the_truth)
{
	case_each(0, empty);
}
END_TEST

/* ---- a directory that changes ---- */

static void goes(struct contract *k, enum contract_what what, size_t page)
{
	if (what == CONTRACT_MEMBERS || (what == CONTRACT_GROUPS && page == 3))
		k->directory.groups[k->directory.group_count - 2].gone = true;
}

static void comes(struct contract *k, enum contract_what what, size_t page)
{
	(void)page;
	if (what == CONTRACT_MEMBERS && k->state == NULL && k->next_number < 100000) {
		k->next_number = 100000;
		contract_add_group(k, "zz-new", CONTRACT_NOBODY);
	}
}

static size_t members_asked;

/* One goes and another comes, so that no count tells; its members have been read by then. */
static void swaps(struct contract *k, enum contract_what what, size_t page)
{
	(void)page;
	if (what != CONTRACT_MEMBERS || ++members_asked != 40)
		return;
	k->directory.groups[0].gone = true;
	contract_add_group(k, "group-0000", CONTRACT_NOBODY);
}

static void changes(const struct contract_fake *fake)
{
	void (*const ways[])(struct contract *, enum contract_what, size_t) = {goes, comes, swaps};

	for (size_t i = 0; i < USH_COUNT(ways); i++) {
		if (fake->member_page == 0)
			continue;
		case_begin(&c, fake, case_three_pages);
		members_asked = 0;
		c.meanwhile = ways[i];
		contract_read(&c);
		if (c.groups.complete) { /* it came before or after all that was read */
			c.meanwhile = NULL;
			contract_expect_exact(&c);
		}
		contract_end(&c);
	}
}

START_TEST(a_group_that_comes_or_goes_meanwhile_is_seen)
{
	case_each(CONTRACT_SECOND, changes);
}
END_TEST

TAP_MAIN("source_faults", a_page_that_fails_twice_is_had_the_third_time, a_limit_is_waited_for_within_the_budget,
	 a_token_that_ends_on_the_way_is_renewed, a_page_that_cannot_be_had_is_incomplete, without_a_token_there_is_no_list,
	 a_count_that_cannot_be_had_is_incomplete, pages_that_go_round_are_seen, a_total_that_does_not_fit_is_incomplete, nobody_pages_by_totals,
	 a_list_cut_at_a_full_page_is_seen_by_a_count_or_a_canary, no_group_at_all_is_never_taken_for_the_truth,
	 a_group_that_comes_or_goes_meanwhile_is_seen)
