/* SPDX-License-Identifier: Apache-2.0
 *
 * What was done to somebody who leaves, and what is left: lines, each a JSON object
 *
 *   {"word": "removed", "kind": "binding", "text": "...", "todo": false, ...}
 *
 * word is what people read first (below); kind is for programs; command is what to run, raw; until is a time in UTC, "never"
 * or "unknown"; todo: somebody has to do something. Pure.
 */
#ifndef USH_LIFECYCLE_OFFBOARD_REPORT_H
#define USH_LIFECYCLE_OFFBOARD_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/text.h"

#define USH_UNTIL_NEVER	  (-1)
#define USH_UNTIL_UNKNOWN (-2)

struct ush_line {
	const char *word; /* revoked denied removed stays left until could unknown absent */
	const char *kind;
	bool todo;
	int64_t until;	     /* Unix seconds, or one of the above; 0: no such member */
	const char *command; /* or NULL */
	json_t *more;	     /* members beside these, taken over; may be NULL */
};

/* The report's head; lines are added to it. The members of `about` (kind, name, ...) are its "subject", taken over. */
json_t *ush_report_new(json_t *about, int64_t now, bool dry);

/* text: a sentence without a full stop. */
void ush_report_add(json_t *report, const struct ush_line *line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* How many lines have somebody do something, and how many say that something is not known. */
size_t ush_report_todo(const json_t *report);
size_t ush_report_unknown(const json_t *report);

/* Sets "left" (how many lines have somebody do something) and "complete" (all was looked at): the last thing. */
void ush_report_close(json_t *report);

/* For people, with at most USH_REPORT_MOST lines of one word and kind; the others are counted. */
#define USH_REPORT_MOST 20
void ush_report_text(const json_t *report, struct ush_buf *out);
void ush_report_markdown(const json_t *report, struct ush_buf *out);

/* "2026-11-21T14:37:00Z"; out holds 32 bytes. */
const char *ush_report_time(int64_t seconds, char *out);

#endif
