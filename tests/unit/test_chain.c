/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/journal/verify.h"
#include "common/base/memory.h"
#include "tests/support/journal_case.h"

/* T64: every byte of every line, each changed to another */
START_TEST(every_byte_that_is_edited_is_found_at_its_line)
{
	USH_AUTO_FREE char *text = NULL;
	char **lines = journal_lines(&text);
	struct ush_chain before = {.name = "log"};
	unsigned int chance = 1;

	for (size_t n = 0; n < JOURNAL_LINES; n++) {
		size_t length = strlen(lines[n]);
		char expected[32];

		snprintf(expected, sizeof expected, "line %zu ", n + 1);
		for (size_t at = 0; at < length; at++) {
			struct ush_chain chain = before;
			struct ush_error why = {0};
			char was = lines[n][at];

			chain.open = NULL;
			chance = chance * 1103515245 + 12345;
			lines[n][at] = (char)(was ^ (1 + (chance >> 16) % 255));
			if (ush_chain_line(&chain, lines[n], length, &why) == 0 &&
			    (n + 1 == JOURNAL_LINES ||
			     ush_chain_line(&chain, lines[n + 1], strlen(lines[n + 1]), &why) == 0))
				ush_chain_end(&chain, NULL, &why);
			ck_assert_msg(why.code == USH_ERR_REJECTED && strstr(why.what, expected) != NULL,
				      "line %zu byte %zu: %s", n + 1, at, why.what);
			lines[n][at] = was;
			ush_chain_free(&chain);
		}
		ck_assert_int_eq(ush_chain_line(&before, lines[n], length, &journal_error), 0);
	}
	ush_chain_free(&before);
}
END_TEST

/* T64 */
START_TEST(every_line_that_is_dropped_doubled_or_swapped_is_found_at_its_place)
{
	USH_AUTO_FREE char *text = NULL;
	char **lines = journal_lines(&text), *changed[JOURNAL_LINES + 1];

	for (size_t n = 0; n < JOURNAL_LINES; n++) {
		memcpy(changed, lines, sizeof lines[0] * n);
		memcpy(changed + n, lines + n + 1, sizeof lines[0] * (JOURNAL_LINES - n - 1));
		journal_put_lines(changed, JOURNAL_LINES - 1);
		ck_assert_int_eq(journal_verified(NULL),
				 n + 1 == JOURNAL_LINES ? 0 : (long)n + 1); /* an end that is cut off needs a head */
		memcpy(changed, lines, sizeof lines[0] * (n + 1));
		memcpy(changed + n + 1, lines + n, sizeof lines[0] * (JOURNAL_LINES - n));
		journal_put_lines(changed, JOURNAL_LINES + 1);
		ck_assert_int_eq(journal_verified(NULL), (long)n + 2);
		if (n + 1 == JOURNAL_LINES)
			break;
		memcpy(changed, lines, sizeof lines[0] * JOURNAL_LINES);
		changed[n] = lines[n + 1];
		changed[n + 1] = lines[n];
		journal_put_lines(changed, JOURNAL_LINES);
		ck_assert_int_eq(journal_verified(NULL), (long)n + 1);
	}
}
END_TEST

START_TEST(a_newline_that_is_edited_is_found_too)
{
	USH_AUTO_FREE char *text = NULL;
	char **lines = journal_lines(&text);
	struct ush_buf all = {0};
	size_t n = 1;

	for (size_t i = 0; i < JOURNAL_LINES; i++)
		ush_buf_printf(&all, "%s\n", lines[i]);
	for (size_t at = 0; at < all.length; at++) {
		if (all.data[at] != '\n')
			continue;
		all.data[at] = 'x';
		journal_put(journal_path, all.data, all.length);
		ck_assert_int_eq(journal_verified(NULL), (long)n++);
		all.data[at] = '\n';
	}
	ck_assert_uint_eq(n, JOURNAL_LINES + 1);
	ush_buf_free(&all);
}
END_TEST

/* T64: truncation */
START_TEST(an_end_that_is_cut_off_is_found_by_a_head_that_is_known)
{
	USH_AUTO_FREE char *text = NULL;
	char **lines = journal_lines(&text), head[65];

	ck_assert_int_eq(ush_journal_verify(journal_path, NULL, NULL, head, &journal_error), 0);
	ck_assert_int_eq(journal_verified(head), 0);
	journal_put_lines(lines, JOURNAL_LINES - 1);
	ck_assert_int_eq(journal_verified(NULL), 0);
	ck_assert_int_eq(journal_verified(head), -1);
	ck_assert_ptr_nonnull(strstr(journal_error.what, "cut off"));
}
END_TEST

START_TEST(a_head_is_found_again_after_the_log_went_on)
{
	char head[65];

	journal_set_up();
	journal_run(3);
	ck_assert_int_eq(ush_journal_verify(journal_path, NULL, NULL, head, &journal_error), 0);
	journal_run(3);
	ck_assert_int_eq(journal_verified(head), 0);
}
END_TEST

START_TEST(an_end_that_is_cut_off_is_found_by_what_stands_beside_the_log)
{
	USH_AUTO_FREE char *text = NULL, *head = NULL, *noted = NULL;
	char **lines;
	struct ush_journal *journal;

	journal_set_up();
	journal_run(JOURNAL_LINES - 3);
	head = journal_beside(".head");
	noted = journal_content(head);
	lines = journal_lines(&text);
	free(head);
	head = journal_beside(".head");
	journal_put(head, noted, strlen(noted));
	journal_put_lines(lines, JOURNAL_LINES - 4);
	ck_assert_int_eq(journal_verified(NULL), JOURNAL_LINES - 4);
	ck_assert_int_eq(ush_journal_open(&journal, journal_path, &journal_world, &journal_error),
			 -1); /* journal_error is of journal_verified: the first cause stays */
	memset(&journal_error, 0, sizeof journal_error);
	ck_assert_int_eq(ush_journal_open(&journal, journal_path, &journal_world, &journal_error), -1);
	ck_assert_int_eq(journal_error.code, USH_ERR_STORE);
	ck_assert_ptr_nonnull(strstr(journal_error.what, "cut off"));
}
END_TEST

START_TEST(a_line_of_another_log_is_found)
{
	USH_AUTO_FREE char *text = NULL, *other_text = NULL, *other = NULL;
	char **lines = journal_lines(&other_text);

	other = ush_strdup(lines[99]);
	journal_clock_ms = 5000; /* so that hashes are others */
	unlink(journal_path);
	lines = journal_lines(&text);
	lines[99] = other;
	journal_put_lines(lines, JOURNAL_LINES);
	ck_assert_int_eq(journal_verified(NULL), 100);
	ck_assert_ptr_nonnull(strstr(journal_error.what, "of another log"));
}
END_TEST

START_TEST(a_tear_that_is_edited_or_taken_out_afterwards_is_found)
{
	USH_AUTO_FREE char *text = NULL, *note = NULL, *after = NULL, *without = NULL;
	size_t last;
	char *piece;

	journal_set_up();
	journal_run(1);
	text = journal_content(journal_path);
	last = (size_t)((const char *)memrchr(text, '\n', strlen(text) - 1) - text) + 1;
	note = journal_beside(".head");
	unlink(note);
	journal_put(journal_path, text, last + 100);
	journal_run(0);
	unlink(note);
	after = journal_content(journal_path);
	piece = after + last + 50;
	piece[0] ^= 1;
	journal_put(journal_path, after, strlen(after));
	ck_assert_int_eq(journal_verified(NULL), 4);
	piece[0] ^= 1;
	without = ush_printf("%.*s%s", (int)last, after, strchr(piece, '\n') + 1);
	journal_put(journal_path, without, strlen(without));
	ck_assert_int_eq(journal_verified(NULL), 4);
	ck_assert_ptr_nonnull(strstr(journal_error.what, "taken out"));
}
END_TEST

START_TEST(a_beginning_that_is_cut_off_is_found)
{
	USH_AUTO_FREE char *text = NULL;
	char **lines = journal_lines(&text);

	journal_put_lines(lines + 1, JOURNAL_LINES - 1);
	ck_assert_int_eq(journal_verified(NULL), 1);
	ck_assert_ptr_nonnull(strstr(journal_error.what, "is missing"));
	journal_put(journal_path, "", 0);
	ck_assert_int_eq(journal_verified(NULL), -1);
}
END_TEST

TAP_MAIN("chain", every_byte_that_is_edited_is_found_at_its_line,
	 every_line_that_is_dropped_doubled_or_swapped_is_found_at_its_place, a_newline_that_is_edited_is_found_too,
	 an_end_that_is_cut_off_is_found_by_a_head_that_is_known, a_head_is_found_again_after_the_log_went_on,
	 an_end_that_is_cut_off_is_found_by_what_stands_beside_the_log, a_line_of_another_log_is_found,
	 a_tear_that_is_edited_or_taken_out_afterwards_is_found, a_beginning_that_is_cut_off_is_found)
