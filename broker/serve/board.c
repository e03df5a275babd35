/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/serve/board.h"

#include <pthread.h>
#include <string.h>

#include "broker/serve/exposition.h"
#include "broker/serve/schedule.h"
#include "common/base/memory.h"

struct slot { /* a cluster */
	char *policy, *cluster; /* NULL: not known, there is but one */
	char *text;
	bool fresh; /* of the run that is under way */
};

struct ush_board {
	struct ush_board_of of;
	pthread_mutex_t lock; /* over all that follows */
	struct slot *slots;
	size_t slot_count;
	char *page; /* of all slots */
	size_t ended[USH_ENDED_COUNT];
	double done, failed; /* changes, since the start */
	int64_t began_ms, ended_ms, complete_ms; /* of the last run, of the last that was complete: the start, when there was none */
	bool complete, under_way, stopping, yielded; /* yielded: the last one that ended did */
	int status;
	char why[600];
};

struct ush_board *ush_board_new(const struct ush_board_of *of)
{
	struct ush_board *board = ush_new(struct ush_board);

	board->of = *of;
	pthread_mutex_init(&board->lock, NULL);
	board->page = ush_strdup("");
	board->began_ms = board->ended_ms = board->complete_ms = ush_boot_ms(of->world);
	return board;
}

static void slot_free(struct slot *slot)
{
	free(slot->policy);
	free(slot->cluster);
	free(slot->text);
}

void ush_board_free(struct ush_board *board)
{
	if (board == NULL)
		return;
	for (size_t i = 0; i < board->slot_count; i++)
		slot_free(&board->slots[i]);
	free(board->slots);
	free(board->page);
	pthread_mutex_destroy(&board->lock);
	free(board);
}

/* ---- of the runs: they alone change anything, so they need the lock only for what others read ---- */

void ush_board_begin(struct ush_board *board)
{
	for (size_t i = 0; i < board->slot_count; i++)
		board->slots[i].fresh = false;
	pthread_mutex_lock(&board->lock);
	board->began_ms = ush_boot_ms(board->of.world);
	board->under_way = true;
	pthread_mutex_unlock(&board->lock);
}

static struct slot *slot_of(struct ush_board *board, const char *cluster)
{
	for (size_t i = 0; i < board->slot_count; i++) {
		const char *name = board->slots[i].cluster;

		if (name == NULL || cluster == NULL ? name == cluster : strcmp(name, cluster) == 0)
			return &board->slots[i];
	}
	USH_PUSH(board->slots, board->slot_count, ((struct slot){.cluster = ush_strdup(cluster)}));
	return &board->slots[board->slot_count - 1];
}

void ush_board_numbers(struct ush_board *board, const struct ush_run *run)
{
	struct slot *slot = slot_of(board, run->cluster);
	USH_AUTO_FREE char *before = ush_steal(&slot->text);
	USH_AUTO_BUF text = {0};

	ush_metrics_text(&text, run, before);
	slot->text = ush_buf_take(&text);
	if (slot->policy == NULL)
		slot->policy = ush_strdup(run->policy);
	slot->fresh = true;
	if (run->applied == NULL)
		return;
	pthread_mutex_lock(&board->lock);
	board->done += (double)run->applied->done;
	board->failed += (double)run->applied->failed.count;
	pthread_mutex_unlock(&board->lock);
}

static bool any_fresh(const struct ush_board *board)
{
	for (size_t i = 0; i < board->slot_count; i++)
		if (board->slots[i].fresh)
			return true;
	return false;
}

/* It ended before it came to any cluster: for each that is known it is a run that failed. */
static void fail_all(struct ush_board *board, int status)
{
	struct ush_run run = {.verb = "apply", .status = status, .now = ush_now(board->of.world),
			      .took_ms = ush_boot_ms(board->of.world) - board->began_ms};

	if (board->slot_count == 0)
		ush_board_numbers(board, &run);
	for (size_t i = 0; i < board->slot_count; i++) {
		run.policy = board->slots[i].policy;
		run.cluster = board->slots[i].cluster;
		ush_board_numbers(board, &run);
	}
}

static void drop_stale(struct ush_board *board)
{
	size_t kept = 0;

	for (size_t i = 0; i < board->slot_count; i++)
		if (board->slots[i].fresh)
			board->slots[kept++] = board->slots[i];
		else
			slot_free(&board->slots[i]);
	board->slot_count = kept;
}

static char *page_of(const struct ush_board *board)
{
	USH_AUTO_FREE const char **texts = ush_alloc((board->slot_count + 1) * sizeof *texts);
	USH_AUTO_BUF page = {0};

	for (size_t i = 0; i < board->slot_count; i++)
		texts[i] = board->slots[i].text != NULL ? board->slots[i].text : "";
	ush_exposition_merge(&page, texts, board->slot_count);
	return ush_buf_take(&page);
}

void ush_board_end(struct ush_board *board, enum ush_ended ended, const struct ush_error *why)
{
	int status = why != NULL ? ush_code_status(why->code) : 0;
	char *page;

	if (ended == USH_ENDED_FAILED && !any_fresh(board))
		fail_all(board, status);
	else if (ended == USH_ENDED_COMPLETE)
		drop_stale(board);
	page = page_of(board);
	pthread_mutex_lock(&board->lock);
	free(board->page);
	board->page = page;
	board->ended[ended]++;
	board->under_way = false;
	board->yielded = ended == USH_ENDED_YIELDED;
	board->ended_ms = ush_boot_ms(board->of.world);
	if (ended == USH_ENDED_COMPLETE) {
		board->complete_ms = board->ended_ms;
		board->complete = true;
	}
	if (ended != USH_ENDED_YIELDED) {
		board->status = status;
		ush_text_line(board->why, sizeof board->why, why != NULL ? why->what : "");
	}
	pthread_mutex_unlock(&board->lock);
}

void ush_board_stop(struct ush_board *board)
{
	pthread_mutex_lock(&board->lock);
	board->stopping = true;
	pthread_mutex_unlock(&board->lock);
}

/* ---- of whoever asks ---- */

const struct ush_world *ush_board_world(const struct ush_board *board)
{
	return board->of.world;
}

static bool fresh_enough(const struct ush_board *board, int64_t since_ms)
{
	return ush_boot_ms(board->of.world) - since_ms <= board->of.healthy_ms;
}

static void put_runs(const struct ush_board *board, struct ush_buf *out)
{
	static const char *const names[] = {"complete", "failed", "yielded"};

	ush_buf_puts(out, "# HELP usher_broker_runs_total Runs that ended since the start; yielded: another one was applying, or a signal came.\n"
			  "# TYPE usher_broker_runs_total counter\n");
	for (size_t i = 0; i < USH_ENDED_COUNT; i++)
		ush_buf_printf(out, "usher_broker_runs_total{result=\"%s\"} %zu\n", names[i], board->ended[i]);
}

void ush_board_metrics(struct ush_board *board, struct ush_buf *out)
{
	int64_t now = ush_boot_ms(board->of.world);

	pthread_mutex_lock(&board->lock);
	ush_buf_puts(out, board->page);
	put_runs(board, out);
	ush_exposition_put(out, "usher_broker_complete_run_age_seconds", "gauge",
			   "Since the last run that did all it should, or since the start when there was none; by a clock that never jumps.", "",
			   (double)(now - board->complete_ms) / 1000);
	ush_exposition_put(out, "usher_broker_healthy", "gauge", "What /healthz says.", "", fresh_enough(board, board->complete_ms));
	ush_exposition_put(out, "usher_broker_run_under_way", "gauge", "Whether a run is under way.", "", board->under_way);
	ush_exposition_put(out, "usher_broker_loop_exit_status", "gauge", "The exit status that the last run of all clusters together would have had.", "",
			   board->status);
	ush_exposition_put(out, "usher_broker_interval_seconds", "gauge", "How far runs are apart (--every).", "", (double)board->of.every_ms / 1000);
	ush_exposition_put(out, "usher_broker_changes_done_total", "counter", "Changes that were carried out since the start.", "", board->done);
	ush_exposition_put(out, "usher_broker_changes_failed_total", "counter", "Changes that failed since the start.", "", board->failed);
	pthread_mutex_unlock(&board->lock);
	ush_exposition_put(out, "usher_broker_build_info", "gauge", "Which version runs.", "{version=\"" USH_VERSION "\"}", 1);
	ush_exposition_process(out);
}

bool ush_board_healthy(struct ush_board *board, struct ush_buf *out)
{
	char age[32];
	bool well;

	pthread_mutex_lock(&board->lock);
	ush_schedule_words(ush_boot_ms(board->of.world) - board->complete_ms, age);
	well = fresh_enough(board, board->complete_ms);
	if (!well)
		ush_buf_printf(out, "no complete run for %s: %s\n", age,
			       board->yielded ? "another usher-broker was applying when it was time last"
			       : board->why[0] != '\0' ? board->why
			       : board->under_way ? "the one that is under way does not end"
						  : "none has begun since");
	else if (board->complete)
		ush_buf_printf(out, "ok: the last complete run ended %s ago%s%s\n", age, board->why[0] != '\0' ? "; the last one failed: " : "", board->why);
	else
		ush_buf_printf(out, "ok: began %s ago, and no run was complete yet%s%s\n", age, board->why[0] != '\0' ? ": " : "", board->why);
	pthread_mutex_unlock(&board->lock);
	return well;
}

bool ush_board_ready(struct ush_board *board, struct ush_buf *out)
{
	char age[32];
	bool well;

	pthread_mutex_lock(&board->lock);
	ush_schedule_words(ush_boot_ms(board->of.world) - board->ended_ms, age);
	well = !board->stopping && fresh_enough(board, board->ended_ms);
	if (board->stopping)
		ush_buf_puts(out, "stopping\n");
	else
		ush_buf_printf(out, well ? "ok: runs come to an end, %s ago the last\n" : "no run has come to an end for %s\n", age);
	pthread_mutex_unlock(&board->lock);
	return well;
}
