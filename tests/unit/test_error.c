/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/error.h"

START_TEST(the_first_cause_wins)
{
	struct ush_error err = {0};

	ck_assert_int_eq(ush_fail(&err, USH_ERR_STORE, "the %s", "cause"), -1);
	ush_fail(&err, USH_ERR_USAGE, "what clean-up says");
	ck_assert_str_eq(err.what, "the cause");
	ck_assert_int_eq(err.code, USH_ERR_STORE);
}
END_TEST

START_TEST(context_is_prepended_on_the_way_up)
{
	struct ush_error err = {0};

	ush_fail(&err, USH_ERR_REJECTED, "no issuer");
	ush_error_at(&err, "token of %s", "carol");
	ush_error_at(&err, "profile prod");
	ck_assert_str_eq(err.what, "profile prod: token of carol: no issuer");
}
END_TEST

START_TEST(an_endless_text_is_cut_and_nothing_breaks)
{
	char endless[4096];
	struct ush_error err = {0};

	memset(endless, 'x', sizeof endless - 1);
	endless[sizeof endless - 1] = '\0';
	ush_fail(&err, USH_ERR_CONFIG, "%s", endless);
	ush_hint(&err, "%s", endless);
	ush_error_at(&err, "%s", endless);
	ck_assert_uint_lt(strlen(err.what), sizeof err.what);
	ck_assert_uint_lt(strlen(err.hint), sizeof err.hint);
}
END_TEST

/* Pasted, it would be another command than the one that was meant. */
START_TEST(a_command_that_does_not_fit_is_none)
{
	struct ush_error err = {0};
	char long_name[sizeof err.hint];

	for (size_t length = 900; length < sizeof long_name; length++) {
		const char *end;

		memset(long_name, 'x', length);
		long_name[length] = '\0';
		memset(&err, 0, sizeof err);
		ush_fail(&err, USH_ERR_REFUSED, "%.*s: kubectl delete rolebindings -A -l usher.dev/elevation=0a1b2c3d", (int)length - 500, long_name);
		ush_hint(&err, "Take it away: kubectl --kubeconfig %s delete rolebindings -A -l usher.dev/elevation=0a1b2c3d", long_name);
		end = err.hint + strlen(err.hint);
		ck_assert_msg(strcmp(end - 9, "=0a1b2c3d") == 0 || strcmp(end - 3, "...") == 0, "%s", err.hint);
		end = err.what + strlen(err.what);
		ck_assert_msg(strcmp(end - 9, "=0a1b2c3d") == 0 || strcmp(end - 3, "...") == 0, "%s", err.what);
		ush_error_at(&err, "%s", long_name);
		ck_assert_str_eq(err.what + sizeof err.what - 4, "...");
	}
}
END_TEST

START_TEST(a_caller_without_an_error_is_fine)
{
	ck_assert_int_eq(ush_fail(NULL, USH_ERR_USAGE, "x"), -1);
	ck_assert_int_eq(ush_hint(NULL, "x"), -1);
	ck_assert_int_eq(ush_error_at(NULL, "x"), -1);
}
END_TEST

/* The table of DESIGN 2, whole. */
START_TEST(every_code_has_the_status_that_the_manual_promises)
{
	static const int expected[USH_CODE_COUNT] = {
		[USH_OK] = 0,           [USH_DIFFERENCES] = 1, [USH_ERR_USAGE] = 2,       [USH_ERR_CONFIG] = 2,
		[USH_ERR_INCOMPLETE] = 3, [USH_ERR_LOGIN] = 4,   [USH_ERR_REFUSED] = 5,     [USH_ERR_UNAVAILABLE] = 6,
		[USH_ERR_REJECTED] = 7,   [USH_ERR_STORE] = 8,   [USH_ERR_DECLINED] = 9,    [USH_ERR_PARTIAL] = 10,
	};

	for (int code = 0; code < USH_CODE_COUNT; code++) {
		ck_assert_int_eq(ush_code_status((enum ush_code)code), expected[code]);
		ck_assert_ptr_nonnull(ush_status_meaning(expected[code]));
	}
	ck_assert_ptr_null(ush_status_meaning(11));
	ck_assert_ptr_null(ush_status_meaning(-1));
}
END_TEST

START_TEST(printing_is_one_sanitised_line_with_the_hint)
{
	struct ush_error err = {0};
	char line[256] = "";
	FILE *to = tmpfile();

	ush_fail(&err, USH_ERR_REJECTED, "provider says: %s", "a\x1b[2J\nb");
	ush_hint(&err, "Run: kubectl usher login");
	ush_error_print(to, "usher", &err);
	rewind(to);
	ck_assert_ptr_nonnull(fgets(line, sizeof line, to));
	ck_assert_str_eq(line, "usher: provider says: a\\x1b[2J\\nb. Run: kubectl usher login\n");
	ck_assert_ptr_null(fgets(line, sizeof line, to));
	rewind(to);
	ush_error_clear(&err);
	ush_fail(&err, USH_ERR_USAGE, "which policy?"); /* a question ends with its own mark */
	ush_hint(&err, "Say it");
	ush_error_print(to, "usher", &err);
	rewind(to);
	ck_assert_ptr_nonnull(fgets(line, sizeof line, to));
	ck_assert_str_eq(line, "usher: which policy? Say it\n");
	fclose(to);
}
END_TEST

TAP_MAIN("error", the_first_cause_wins, context_is_prepended_on_the_way_up, an_endless_text_is_cut_and_nothing_breaks, a_command_that_does_not_fit_is_none,
	 a_caller_without_an_error_is_fine, every_code_has_the_status_that_the_manual_promises,
	 printing_is_one_sanitised_line_with_the_hint)
