/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/kube/cut.h"

static struct ush_error err;

static int keep(void *context, const char *text, size_t length, struct ush_error *why)
{
	(void)why;
	return ush_buf_add(context, text, length) == 0 ? ush_buf_puts(context, "|") : -1;
}

START_TEST(the_cutter_finds_only_the_items_of_the_top)
{
	static const char text[] = "{ \"x\" : {\"items\":[{\"no\":1}]}, \"y\":[[\"items\"]], \"it\\\"ems\":[2], "
				   "\"items\" : [ {\"a\":\"}]\\\\\"} , {\"items\":[{}]} ] ,\"z\":1}\n";

	for (size_t size = 1; size < sizeof text; size++) {
		USH_AUTO_BUF out = {0};
		USH_AUTO_CUT cut = USH_CUT_INIT(keep, &out);

		memset(&err, 0, sizeof err);
		for (size_t at = 0; at < sizeof text - 1; at += size)
			ck_assert_msg(ush_cut_feed(&cut, text + at,
						   sizeof text - 1 - at < size ? sizeof text - 1 - at : size,
						   &err) == 0,
				      "%s", err.what);
		ck_assert_int_eq(ush_cut_end(&cut, &err), 0);
		ck_assert_str_eq(out.data, "{\"a\":\"}]\\\\\"}|{\"items\":[{}]}|");
		ck_assert_str_eq(cut.rest.data, "{ \"x\" : {\"items\":[{\"no\":1}]}, \"y\":[[\"items\"]], "
						"\"it\\\"ems\":[2], \"items\" : [] ,\"z\":1}\n");
	}
}
END_TEST

START_TEST(an_item_and_a_rest_that_are_too_large_are_refused)
{
	USH_AUTO_BUF out = {0};
	USH_AUTO_CUT cut = USH_CUT_INIT(keep, &out), other = USH_CUT_INIT(keep, &out);
	USH_AUTO_FREE char *much = ush_alloc(1 << 20);
	int result;

	memset(&err, 0, sizeof err);
	memset(much, 'a', 1 << 20);
	ck_assert_int_eq(ush_cut_feed(&cut, "{\"items\":[{\"x\":\"", 15, &err), 0);
	for (int i = 0; (result = ush_cut_feed(&cut, much, 1 << 20, &err)) == 0 && i < 100; i++)
		;
	ck_assert_int_eq(result, -1);
	ck_assert_msg(strstr(err.what, "larger than 8 MiB") != NULL, "%s", err.what);
	ck_assert_uint_le(cut.pending.length, 8U << 20);

	memset(&err, 0, sizeof err);
	ck_assert_int_eq(ush_cut_feed(&other, "{\"x\":\"", 6, &err), 0);
	ck_assert_int_eq(ush_cut_feed(&other, much, 1 << 20, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_REJECTED);
}
END_TEST

TAP_MAIN("cut", the_cutter_finds_only_the_items_of_the_top, an_item_and_a_rest_that_are_too_large_are_refused)
