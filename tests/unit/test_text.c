/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/base/text.h"

/* T25: what reaches a terminal is printable ASCII. */
START_TEST(no_control_byte_reaches_a_terminal)
{
	static const struct {
		const char *raw, *shown;
	} cases[] = {
		{"plain text", "plain text"},
		{"a\x1b[2Jb", "a\\x1b[2Jb"},
		{"\r\n\t\x07\x7f", "\\x0d\\n\\x09\\x07\\x7f"},
		{"\xc2\x9b"
		 "31m",
		 "\\x9b31m"}, /* C1 CSI as UTF-8 */
		{"\x9b", "\\x9b"},
		{"\xe2\x80\xae", "\\u{202e}"},
		{"\xef\xbb\xbf", "\\u{feff}"},
		{"\xc3\xa9", "\\xe9"},
		{"\xf0\x9f\x98\x80", "\\u{1f600}"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate is no UTF-8 */
		{"\xc0\xaf", "\\xc0\\xaf"},          /* an overlong slash neither */
	};
	char out[256];

	for (size_t i = 0; i < USH_COUNT(cases); i++)
		ck_assert_str_eq(ush_text_line(out, sizeof out, cases[i].raw), cases[i].shown);
}
END_TEST

START_TEST(every_byte_alone_is_shown_as_printable_ascii)
{
	char raw[2] = "", out[64];

	for (int b = 1; b < 256; b++) {
		raw[0] = (char)b;
		for (const char *p = ush_text_line(out, sizeof out, raw); *p != '\0'; p++)
			ck_assert(*p >= 0x20 && *p < 0x7f);
	}
}
END_TEST

START_TEST(a_line_that_is_too_long_ends_in_dots)
{
	char out[16];

	ck_assert_str_eq(ush_text_line(out, sizeof out, "abcdefghijklmnopqrstuvwxyz"), "abcdefghijkl...");
	ck_assert_str_eq(ush_text_line(out, sizeof out, "\x01\x01\x01\x01\x01"), "\\x01\\x01\\x01...");
}
END_TEST

START_TEST(a_safe_copy_is_whole)
{
	char raw[600];
	USH_AUTO_FREE char *safe = NULL;

	memset(raw, '\x80', sizeof raw - 1);
	raw[sizeof raw - 1] = '\0';
	safe = ush_text_safe(raw);
	ck_assert_uint_eq(strlen(safe), 4 * (sizeof raw - 1));
}
END_TEST

START_TEST(what_looks_like_a_token_is_left_out)
{
	static const struct {
		const char *raw, *shown;
	} rows[] = {
		{"", ""},
		{"plain words, a-name_of.40-letters-0123456789abcdefghi", "plain words, a-name_of.40-letters-0123456789abcdefghi"},
		{"0e7b1d1c-59a3-4a3e-9a51-0f4a3c1b2d11", "0e7b1d1c-59a3-4a3e-9a51-0f4a3c1b2d11"},
		{"0123456789012345678901234567890123456789", "0123456789012345678901234567890123456789"},
		{"01234567890123456789012345678901234567890", "..."},
		{"(eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYXJvbCJ9.c2ln)\n", "(...)\n"},
		{"1//0gAbCdEfGhIjKlMnOpQrStUvWxYz-AbCdEfGhIjKlMnOpQ", "1//..."},
	};

	for (size_t i = 0; i < USH_COUNT(rows); i++) {
		USH_AUTO_FREE char *shown = ush_text_without_tokens(rows[i].raw);

		ck_assert_str_eq(shown, rows[i].shown);
	}
}
END_TEST

START_TEST(utf8_is_what_rfc_3629_says)
{
	ck_assert(ush_text_is_utf8("\xf4\x8f\xbf\xbf", 4));
	ck_assert(!ush_text_is_utf8("\xf4\x90\x80\x80", 4));
	ck_assert(!ush_text_is_utf8("\xe2\x82", 2));
	ck_assert(!ush_text_is_utf8("\xff", 1));
	ck_assert(ush_text_is_utf8("", 0));
}
END_TEST

START_TEST(a_buffer_never_passes_its_limit)
{
	struct ush_buf buf = USH_BUF_MAX(10);

	ck_assert_int_eq(ush_buf_puts(&buf, "12345678"), 0);
	ck_assert_int_eq(ush_buf_printf(&buf, "%d", 1234), -1);
	ck_assert(buf.overflow);
	ck_assert_str_eq(buf.data, "12345678");
	ck_assert_int_eq(ush_buf_puts(&buf, "9"), -1); /* nothing after what did not fit */
	ush_buf_free(&buf);
}
END_TEST

START_TEST(a_buffer_takes_what_printf_makes_of_any_length)
{
	USH_AUTO_BUF buf = {0};
	USH_AUTO_FREE char *taken = NULL;

	ush_buf_printf(&buf, "%*s", 5000, "x");
	ck_assert_uint_eq(buf.length, 5000);
	taken = ush_buf_take(&buf);
	ck_assert_uint_eq(strlen(taken), 5000);
	ck_assert_uint_eq(buf.length, 0);
}
END_TEST

START_TEST(secrets_compare_by_content)
{
	USH_AUTO_SECRET a = ush_secret_new("abc", 3);
	USH_AUTO_SECRET b = ush_secret_new("abd", 3);
	USH_AUTO_SECRET c = ush_secret_copy(a);

	ck_assert(ush_secret_equal(a, c));
	ck_assert(!ush_secret_equal(a, b));
	ck_assert(!ush_secret_equal(a, NULL));
	ck_assert(ush_secret_equal(NULL, NULL));
	ck_assert_uint_eq(ush_secret_length(a), 3);
	ck_assert_str_eq(ush_secret_reveal(c), "abc");
}
END_TEST

TAP_MAIN("text", no_control_byte_reaches_a_terminal, every_byte_alone_is_shown_as_printable_ascii,
	 a_line_that_is_too_long_ends_in_dots, a_safe_copy_is_whole, what_looks_like_a_token_is_left_out, utf8_is_what_rfc_3629_says, a_buffer_never_passes_its_limit,
	 a_buffer_takes_what_printf_makes_of_any_length, secrets_compare_by_content)
