/* SPDX-License-Identifier: Apache-2.0
 *
 * An audit log in a folder of the test's own: written by runs, taken apart and put together again.
 */
#ifndef USH_TEST_JOURNAL_CASE_H
#define USH_TEST_JOURNAL_CASE_H

#include <stddef.h>
#include <stdint.h>

#include "broker/journal/journal.h"

#define JOURNAL_LINES 200

extern const struct ush_world journal_world;
extern int64_t journal_clock_ms;       /* what time it is there */
extern struct ush_error journal_error; /* of the last call */
extern char *journal_path;             /* of the log */

void journal_set_up(void);
char *journal_beside(const char *suffix); /* a path beside the log; the caller frees */

struct ush_journal *journal_opened(void);
void journal_add(struct ush_journal *journal, const char *event, int number);
void journal_closed(struct ush_journal *journal);

/* One run that makes so many changes: two lines more, the first time three. */
void journal_run(int changes);

char *journal_content(const char *file); /* the caller frees */
void journal_put(const char *file, const char *text, size_t length);

/* 0: the log is as it was written; else the line that journal_error names, -1 when it names none. */
long journal_verified(const char *head);

/* A log of JOURNAL_LINES lines, taken apart in *text, which the caller frees; FILE.head is put aside, so that nothing
 * but the chain tells. */
char **journal_lines(char **text);
void journal_put_lines(char *const *lines, size_t count);

#endif
