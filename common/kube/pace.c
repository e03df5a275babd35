/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/pace.h"

#define WINDOW     64   /* answers that make a mean, */
#define WINDOW_MS  1000 /* over no less time than this: a server that collects its garbage is not in trouble */
#define LEAST      8    /* latency says nothing about fewer */
#define CLIMB      2.5  /* times the best quotient */
#define SLOW_MS    50.0 /* a mean latency below is nothing to act on */
#define ENOUGH     32   /* keeps a server busy; latency alone cuts deeper only when it is */
#define HURTS_MS   1000.0
#define FORGETTING 1.02 /* a window: the best of long ago is no measure */

void ush_pace_begin(struct ush_pace *pace)
{
	*pace = (struct ush_pace){.width = USH_PACE_FIRST, .cut_ms = INT64_MIN};
}

size_t ush_pace_width(const struct ush_pace *pace)
{
	return (size_t)pace->width;
}

static void cut(struct ush_pace *pace, double least, int64_t now_ms)
{
	pace->width = pace->width / 2 > least ? pace->width / 2 : least;
	pace->steady = true;
	pace->cut_ms = now_ms;
	pace->counted = 0;
}

static void watch_latency(struct ush_pace *pace, size_t under_way, int64_t took_ms, int64_t now_ms)
{
	double mean, latency, least;

	if (under_way < LEAST)
		return;
	if (pace->counted == 0) {
		pace->since_ms = now_ms;
		pace->each_ms = pace->latency_ms = 0;
	}
	pace->each_ms += (double)took_ms / (double)under_way;
	pace->latency_ms += (double)took_ms;
	if (++pace->counted < WINDOW || now_ms - pace->since_ms < WINDOW_MS)
		return;
	mean = pace->each_ms / (double)pace->counted;
	latency = pace->latency_ms / (double)pace->counted;
	pace->counted = 0;
	least = latency > HURTS_MS ? LEAST : ENOUGH;
	if (pace->best_ms > 0 && mean > CLIMB * pace->best_ms && latency > SLOW_MS && pace->width > least)
		cut(pace, least, now_ms);
	pace->best_ms = pace->best_ms == 0 || mean < pace->best_ms ? mean : pace->best_ms * FORGETTING;
}

void ush_pace_answered(struct ush_pace *pace, size_t under_way, int64_t sent_ms, int64_t now_ms)
{
	if (sent_ms <= pace->cut_ms)
		return;
	pace->width += pace->steady ? 1 / pace->width : 1;
	if (pace->width > USH_PACE_MOST)
		pace->width = USH_PACE_MOST;
	watch_latency(pace, under_way, now_ms - sent_ms, now_ms);
}

void ush_pace_refused(struct ush_pace *pace, int64_t sent_ms, int64_t now_ms)
{
	if (sent_ms > pace->cut_ms)
		cut(pace, 1, now_ms);
}
