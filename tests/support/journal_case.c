/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/journal_case.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/journal/verify.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "tests/support/tap.h"

int64_t journal_clock_ms;
struct ush_error journal_error;
char *journal_path;

static int64_t now_ms(void *context)
{
	(void)context;
	return 1800000000000 + journal_clock_ms;
}

static int64_t boot_ms(void *context)
{
	(void)context;
	return journal_clock_ms;
}

static void random_bytes(void *context, void *out, size_t size)
{
	static unsigned char next;

	(void)context;
	memset(out, next++, size);
}

const struct ush_world journal_world = {.now_ms = now_ms, .boot_ms = boot_ms, .random = random_bytes};

char *journal_beside(const char *suffix)
{
	return ush_printf("%s%s", journal_path, suffix);
}

void journal_set_up(void)
{
	free(journal_path);
	journal_path = ush_printf("%s/audit.jsonl", tap_folder());
	memset(&journal_error, 0, sizeof journal_error);
}

struct ush_journal *journal_opened(void)
{
	struct ush_journal *journal;

	memset(&journal_error, 0, sizeof journal_error);
	ck_assert_msg(ush_journal_open(&journal, journal_path, &journal_world, &journal_error) == 0, "%s",
		      journal_error.what);
	return journal;
}

void journal_add(struct ush_journal *journal, const char *event, int number)
{
	ck_assert_msg(ush_journal_add(journal, event,
				      json_pack("{s:i, s:[s]}", "number", number, "after", "oidc:\xc3\xa4\n"),
				      &journal_error) == 0,
		      "%s", journal_error.what);
}

void journal_closed(struct ush_journal *journal)
{
	ck_assert_msg(ush_journal_close(&journal, &journal_error) == 0, "%s", journal_error.what);
}

void journal_run(int changes)
{
	struct ush_journal *journal = journal_opened();

	ush_journal_common(journal, json_pack("{s:s, s:s}", "verb", "apply", "policy", "access"));
	journal_add(journal, "run.begin", 0);
	for (int i = 0; i < changes; i++)
		journal_add(journal, "binding.created", i);
	journal_add(journal, "run.end", 0);
	journal_closed(journal);
}

char *journal_content(const char *file)
{
	struct ush_buf text = USH_BUF_MAX(64U << 20);

	ck_assert_msg(ush_file_read(file, USH_FILE_ANY, USH_ERR_STORE, &text, NULL, &journal_error) == 0, "%s",
		      journal_error.what);
	return ush_buf_take(&text);
}

void journal_put(const char *file, const char *text, size_t length)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ush_write_all(fd, text, length), 0);
	close(fd);
}

long journal_verified(const char *head)
{
	const char *line;
	size_t lines;

	memset(&journal_error, 0, sizeof journal_error);
	if (ush_journal_verify(journal_path, head, &lines, NULL, &journal_error) == 0)
		return 0;
	ck_assert_int_eq(journal_error.code, USH_ERR_REJECTED);
	line = strstr(journal_error.what, "line ");
	return line != NULL && atol(line + 5) > 0 ? atol(line + 5) : -1;
}

char **journal_lines(char **text)
{
	static char *lines[JOURNAL_LINES];
	USH_AUTO_FREE char *head = NULL;
	char *rest;

	journal_set_up();
	journal_run(JOURNAL_LINES - 3);
	head = journal_beside(".head");
	unlink(head);
	*text = journal_content(journal_path);
	rest = *text;
	for (size_t i = 0; i < JOURNAL_LINES; i++)
		lines[i] = strsep(&rest, "\n");
	ck_assert_str_eq(rest, "");
	return lines;
}

void journal_put_lines(char *const *lines, size_t count)
{
	struct ush_buf all = {0};

	for (size_t i = 0; i < count; i++)
		ush_buf_printf(&all, "%s\n", lines[i]);
	journal_put(journal_path, all.data, all.length);
	ush_buf_free(&all);
}
