/* SPDX-License-Identifier: Apache-2.0
 *
 * The board: what a program that stays tells about itself, filled by its runs and read by whoever asks over HTTP, from
 * another thread. What is put on it is made safe and put together by the runs; what is read is only copied, counted and
 * timed. Ages go by the boot clock: a clock that is set tells nobody that all is well.
 */
#ifndef USH_SERVE_BOARD_H
#define USH_SERVE_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/sync/apply/metrics.h"
#include "common/base/text.h"
#include "common/base/world.h"

enum ush_ended {
	USH_ENDED_COMPLETE, /* it did all that it should */
	USH_ENDED_FAILED,
	USH_ENDED_YIELDED, /* another run had the lease of a cluster, or a signal broke it off: neither of the two */
	USH_ENDED_COUNT
};

struct ush_board;

struct ush_board_of {
	const struct ush_world *world; /* outlives the board; its clock is read from any thread */
	int64_t every_ms, healthy_ms;
};
struct ush_board *ush_board_new(const struct ush_board_of *of);
void ush_board_free(struct ush_board *board);

/* ---- of the runs ---- */

void ush_board_begin(struct ush_board *board);

/* One cluster's numbers; a cluster that a run does not speak of is forgotten when it ends. */
void ush_board_numbers(struct ush_board *board, const struct ush_run *run);

/* why: of a run that failed, its error; else NULL. A run that failed before it came to any cluster is told for those that
 * were known before it. */
void ush_board_end(struct ush_board *board, enum ush_ended ended, const struct ush_error *why);
void ush_board_stop(struct ush_board *board); /* the program is about to end */

/* ---- of whoever asks, from any thread ---- */

/* Whose clock is the board's. */
const struct ush_world *ush_board_world(const struct ush_board *board);

/* Appends the page. */
void ush_board_metrics(struct ush_board *board, struct ush_buf *out);

/* True: a complete run ended less than healthy_ms ago, or none had the time yet. out: why, or why not, in one line. */
bool ush_board_healthy(struct ush_board *board, struct ush_buf *out);

/* True: runs come to an end, be it a good one. */
bool ush_board_ready(struct ush_board *board, struct ush_buf *out);

static inline void ush_board_free_indirect(struct ush_board **board)
{
	ush_board_free(*board);
}
#define USH_AUTO_BOARD __attribute__((cleanup(ush_board_free_indirect))) struct ush_board *

#endif
