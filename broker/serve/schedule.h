/* SPDX-License-Identifier: Apache-2.0
 *
 * When the next run begins: an interval after the last one was due, or at once when that has passed. Runs never pile up: a
 * turn that was missed is not made up for. Pure; all times are milliseconds of the boot clock, which never jumps.
 */
#ifndef USH_SERVE_SCHEDULE_H
#define USH_SERVE_SCHEDULE_H

#include <stdint.h>

struct ush_schedule {
	/* given */
	int64_t every_ms, jitter_ms; /* each begins up to jitter later; jitter may be 0 */
	/* made */
	int64_t due_ms; /* of the last one, without jitter */
};

/* When the first one begins. chance: any 64 random bits. */
int64_t ush_schedule_first(struct ush_schedule *schedule, int64_t now_ms, uint64_t chance);

/* One ended: when the next one begins, never before now. */
int64_t ush_schedule_next(struct ush_schedule *schedule, int64_t now_ms, uint64_t chance);

/* Somebody asked for a run now: the interval counts from here. */
int64_t ush_schedule_now(struct ush_schedule *schedule, int64_t now_ms);

/* "90 s", "5 min", "2 h", "3 d": for people, rounded down. out holds at least 32 bytes. */
const char *ush_schedule_words(int64_t ms, char *out);

#endif
