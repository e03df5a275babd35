/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/journal/verify.h"
#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/journal_case.h"

START_TEST(a_log_is_private_and_each_line_has_the_hash_of_all_before_it)
{
	USH_AUTO_FREE char *text = NULL;
	struct stat st;

	journal_set_up();
	umask(0);
	journal_run(2);
	journal_run(1);
	ck_assert_int_eq(stat(journal_path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(journal_verified(NULL), 0);
	text = journal_content(journal_path);
	for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL && line[0] != '\0';) {
		char *end = strstr(line, ",\"hash\":\""), hash[65];

		ck_assert_ptr_nonnull(end);
		ush_sha256_hex(line, (size_t)(end - line), hash);
		ck_assert_int_eq(strncmp(end + 9, hash, 64), 0);
		ck_assert_msg(
			strspn(line,
			       " !\"#$%&'()*+,-./"
			       "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~") ==
				strlen(line),
			"not plain: %s", line);
	}
}
END_TEST

/* T64: a run that was killed as it wrote */
START_TEST(a_line_that_was_torn_is_told_by_the_next_run_wherever_it_was_torn)
{
	USH_AUTO_FREE char *text = NULL, *start = NULL, *note = NULL;
	size_t whole, last;

	journal_set_up();
	journal_run(1);
	text = journal_content(journal_path);
	whole = strlen(text);
	last = (size_t)((const char *)memrchr(text, '\n', whole - 1) - text) + 1;
	note = journal_beside(".head");
	for (size_t cut = last; cut < whole; cut++) {
		USH_AUTO_FREE char *after = NULL;

		unlink(note);
		journal_put(journal_path, text, cut);
		ck_assert_int_eq(journal_verified(NULL), cut == last || cut == whole - 1 ? 0 : 4);
		journal_run(0);
		ck_assert_msg(journal_verified(NULL) == 0, "cut at %zu: %s", cut, journal_error.what);
		after = journal_content(journal_path);
		ck_assert_int_eq(strncmp(after, text, cut), 0);
		ck_assert_int_eq(strstr(after, "\"log.torn\"") != NULL, cut > last && cut < whole - 1);
	}
	ck_assert_uint_gt(whole, last + 100);
}
END_TEST

START_TEST(a_log_whose_last_line_was_edited_is_not_written_on)
{
	USH_AUTO_FREE char *text = NULL;
	struct ush_journal *journal;
	char *digit;

	journal_set_up();
	journal_run(1);
	text = journal_content(journal_path);
	digit = strrchr(text, ':') + 2;
	*digit = *digit == '0' ? '1' : '0';
	journal_put(journal_path, text, strlen(text));
	ck_assert_int_eq(ush_journal_open(&journal, journal_path, &journal_world, &journal_error), -1);
	ck_assert_int_eq(journal_error.code, USH_ERR_STORE);
	ck_assert_ptr_null(journal);
	journal_put(journal_path, "something else\n", 15);
	memset(&journal_error, 0, sizeof journal_error);
	ck_assert_int_eq(ush_journal_open(&journal, journal_path, &journal_world, &journal_error), -1);
}
END_TEST

START_TEST(a_link_a_device_a_folder_or_what_others_write_is_no_log)
{
	USH_AUTO_FREE char *link = NULL, *fifo = NULL;
	const char *folder = NULL;
	struct ush_journal *journal;

	journal_set_up();
	journal_run(0);
	folder = tap_folder();
	link = journal_beside(".link");
	fifo = journal_beside(".fifo");
	ck_assert_int_eq(symlink(journal_path, link), 0);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	for (const char *const *name = (const char *const[]){link, fifo, folder, "/dev/null", NULL}; *name != NULL;
	     name++) {
		struct ush_error why = {0};

		ck_assert_int_eq(ush_journal_open(&journal, *name, &journal_world, &why), -1);
		ck_assert_int_eq(why.code, USH_ERR_STORE);
	}
	chmod(journal_path, 0620);
	ck_assert_int_eq(ush_journal_open(&journal, journal_path, &journal_world, &journal_error), -1);
	ck_assert_ptr_nonnull(strstr(journal_error.what, "others may write"));
}
END_TEST

START_TEST(two_runs_at_once_take_turns_line_by_line)
{
	struct ush_journal *a, *b;

	journal_set_up();
	a = journal_opened();
	b = journal_opened();
	for (int i = 0; i < 20; i++) {
		journal_add(a, "binding.created", i);
		journal_add(b, "binding.removed", i);
		if (i % 3 == 0)
			journal_add(b, "binding.changed", i);
	}
	journal_closed(a);
	journal_add(b, "run.end", 0);
	journal_closed(b);
	ck_assert_msg(journal_verified(NULL) == 0, "%s", journal_error.what);
}
END_TEST

START_TEST(a_file_that_was_moved_away_goes_on_in_a_new_one)
{
	USH_AUTO_FREE char *old = NULL;
	struct ush_journal *journal;
	struct ush_chain chain = {0};
	char *paths[2];

	journal_set_up();
	old = journal_beside(".1");
	journal_run(2);
	journal = journal_opened();
	journal_add(journal, "run.begin", 0);
	ck_assert_int_eq(rename(journal_path, old), 0);
	journal_add(journal, "binding.created", 1);
	journal_closed(journal);
	journal_run(1);
	paths[0] = old;
	paths[1] = journal_path;
	ck_assert_msg(ush_journal_verify_all(&chain, paths, 2, &journal_error) == 0, "%s", journal_error.what);
	ck_assert_uint_eq(ush_chain_open(&chain), 1);
	ush_chain_free(&chain);
	ck_assert_int_eq(journal_verified(NULL), 0);
	chain = (struct ush_chain){0};
	ck_assert_int_eq(ush_journal_verify_all(&chain, (char *[]){journal_path, old}, 2, &journal_error), -1);
	ush_chain_free(&chain);
}
END_TEST

START_TEST(a_file_that_was_emptied_between_two_runs_or_in_one_goes_on)
{
	USH_AUTO_FREE char *text = NULL;
	struct ush_journal *journal;

	journal_set_up();
	journal_run(2);
	ck_assert_int_eq(truncate(journal_path, 0), 0);
	journal_run(1);
	ck_assert_int_eq(journal_verified(NULL), 0);
	text = journal_content(journal_path);
	ck_assert_ptr_nonnull(strstr(text, "{\"event\":\"log.continued\",\"sequence\":6,"));
	journal = journal_opened();
	journal_add(journal, "run.begin", 0);
	ck_assert_int_eq(truncate(journal_path, 0), 0);
	journal_add(journal, "run.end", 0);
	journal_closed(journal);
	ck_assert_msg(journal_verified(NULL) == 0, "%s", journal_error.what);
}
END_TEST

START_TEST(nobody_wants_a_log_and_nothing_happens)
{
	struct ush_journal *journal = (struct ush_journal *)1;

	ck_assert_int_eq(ush_journal_open(&journal, NULL, &journal_world, &journal_error), 0);
	ck_assert_ptr_null(journal);
	ck_assert_int_eq(ush_journal_add(journal, "run.begin", json_object(), &journal_error), 0);
	ush_journal_common(journal, json_object());
	ck_assert_ptr_null(ush_journal_head(journal));
	ck_assert_int_eq(ush_journal_close(&journal, &journal_error), 0);
}
END_TEST

TAP_MAIN("journal", a_log_is_private_and_each_line_has_the_hash_of_all_before_it,
	 a_line_that_was_torn_is_told_by_the_next_run_wherever_it_was_torn,
	 a_log_whose_last_line_was_edited_is_not_written_on, a_link_a_device_a_folder_or_what_others_write_is_no_log,
	 two_runs_at_once_take_turns_line_by_line, a_file_that_was_moved_away_goes_on_in_a_new_one,
	 a_file_that_was_emptied_between_two_runs_or_in_one_goes_on, nobody_wants_a_log_and_nothing_happens)
