/* SPDX-License-Identifier: Apache-2.0
 *
 * A line on stderr that says how far long work is, for who sits before it: "  1,204 of 20,000, 640/s, 29 s left". It is
 * written over, ten times a second at most, and gone in the end; work that is quick never shows one. Where stderr is no
 * terminal nothing is written at all, ever; nor where TERM is dumb. One line at a time; whoever prints something else
 * meanwhile hides it first.
 */
#ifndef USH_BASE_PROGRESS_H
#define USH_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ush_progress {
	const char *what; /* before the numbers, in a few plain words: "applying" */
	size_t total;     /* 0: not known */
	size_t done;
	/* its own */
	bool on, shown;
	int64_t began_ms, next_ms;
};

/* now_ms of a clock that never jumps (world.h: boot_ms). */
void ush_progress_begin(struct ush_progress *progress, const char *what, size_t total, int64_t now_ms);
void ush_progress_at(struct ush_progress *progress, size_t done, int64_t now_ms);

/* The line is gone; it comes again with the next ush_progress_at. */
void ush_progress_hide(struct ush_progress *progress);
void ush_progress_end(struct ush_progress *progress);

/* The line's text, without what erases it. Pure. */
void ush_progress_text(char *out, size_t size, const struct ush_progress *progress, size_t done, int64_t now_ms);

#endif
