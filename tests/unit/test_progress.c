/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/base/progress.h"

static char shown[4096];

static const char *text_of(const char *what, size_t total, size_t done, int64_t took_ms)
{
	static char text[128];
	struct ush_progress progress = {.what = what, .total = total, .began_ms = 1000};

	ush_progress_text(text, sizeof text, &progress, done, 1000 + took_ms);
	return text;
}

START_TEST(it_says_how_much_how_fast_and_how_long)
{
	ck_assert_str_eq(text_of("applying", 20000, 1204, 1900), "applying 1,204 of 20,000");
	ck_assert_str_eq(text_of("applying", 20000, 2000, 4000), "applying 2,000 of 20,000, 500/s, 36 s left");
	ck_assert_str_eq(text_of("applying", 1000000, 2000, 4000),
			 "applying 2,000 of 1,000,000, 500/s, 33 min 16 s left");
	ck_assert_str_eq(text_of("applying", 10000000, 2000, 4000),
			 "applying 2,000 of 10,000,000, 500/s, 5 h 33 min left");
	ck_assert_str_eq(text_of("reading the cluster:", 0, 45000, 3000), "reading the cluster: 45,000, 15,000/s");
	ck_assert_str_eq(text_of("applying", 10, 0, 9000), "applying 0 of 10");
	ck_assert_str_eq(text_of("applying", 10, 10, 2000), "applying 10 of 10, 5/s");
	ck_assert_str_eq(text_of("applying", 10, 0, -5000), "applying 0 of 10");
}
END_TEST

/* On a terminal of so many columns, or on a pipe (0): what stderr got. */
static const char *on_terminal(unsigned short columns, void (*act)(struct ush_progress *progress))
{
	struct winsize size = {.ws_row = 24, .ws_col = columns};
	struct ush_progress progress;
	int ours, theirs, kept = dup(STDERR_FILENO), both[2];
	size_t length = 0;
	ssize_t n;

	if (columns > 0) {
		ck_assert_int_eq(openpty(&ours, &theirs, NULL, NULL, &size), 0);
	} else {
		ck_assert_int_eq(pipe(both), 0);
		ours = both[0];
		theirs = both[1];
	}
	ck_assert_int_ge(dup2(theirs, STDERR_FILENO), 0);
	ush_progress_begin(&progress, "applying", 1000, 0);
	act(&progress);
	ush_progress_end(&progress);
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(theirs);
	close(kept);
	while ((n = read(ours, shown + length, sizeof shown - 1 - length)) > 0) /* nobody holds the other end any more: it ends */
		length += (size_t)n;
	shown[length] = '\0';
	close(ours);
	return shown;
}

static void quick(struct ush_progress *progress)
{
	for (int i = 0; i < 1000; i++)
		ush_progress_at(progress, (size_t)i, i / 3);
}

static void slow(struct ush_progress *progress)
{
	for (int i = 0; i < 1000; i++)
		ush_progress_at(progress, (size_t)i, i);
}

START_TEST(what_is_quick_shows_nothing)
{
	ck_assert_str_eq(on_terminal(80, quick), "");
}
END_TEST

START_TEST(what_is_slow_is_shown_ten_times_a_second_and_gone_in_the_end)
{
	const char *text, *last;
	int count = 0;

	setenv("TERM", "xterm", 1);
	text = on_terminal(80, slow);
	last = strrchr(text, '\r');
	for (const char *at = text; (at = strstr(at, "applying")) != NULL; at++)
		count++;
	ck_assert_int_eq(count, 5);
	ck_assert_str_eq(last, "\r\033[K");
	ck_assert_ptr_null(strchr(text, '\n'));
}
END_TEST

START_TEST(a_narrow_terminal_gets_a_line_that_it_can_erase)
{
	setenv("TERM", "xterm", 1);
	for (const char *at = on_terminal(12, slow); (at = strstr(at, "\033[K")) != NULL; at++)
		ck_assert_uint_lt(strcspn(at + 3, "\r"), 12);
	ck_assert_ptr_nonnull(strstr(shown, "applying"));
}
END_TEST

START_TEST(without_a_terminal_there_is_nothing_at_all)
{
	ck_assert_str_eq(on_terminal(0, slow), "");
}
END_TEST

START_TEST(a_terminal_that_cannot_erase_gets_nothing)
{
	setenv("TERM", "dumb", 1);
	ck_assert_str_eq(on_terminal(80, slow), "");
}
END_TEST

TAP_MAIN("progress", it_says_how_much_how_fast_and_how_long, what_is_quick_shows_nothing,
	 what_is_slow_is_shown_ten_times_a_second_and_gone_in_the_end, a_narrow_terminal_gets_a_line_that_it_can_erase,
	 without_a_terminal_there_is_nothing_at_all, a_terminal_that_cannot_erase_gets_nothing)
