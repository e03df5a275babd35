/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/serve/schedule.h"

#include <stddef.h>
#include <stdio.h>

static int64_t jitter(const struct ush_schedule *schedule, uint64_t chance)
{
	return schedule->jitter_ms > 0 ? (int64_t)(chance % ((uint64_t)schedule->jitter_ms + 1)) : 0;
}

int64_t ush_schedule_first(struct ush_schedule *schedule, int64_t now_ms, uint64_t chance)
{
	schedule->due_ms = now_ms;
	return now_ms + jitter(schedule, chance);
}

int64_t ush_schedule_next(struct ush_schedule *schedule, int64_t now_ms, uint64_t chance)
{
	int64_t begin;

	schedule->due_ms += schedule->every_ms;
	if (schedule->due_ms <= now_ms) { /* it took longer than an interval */
		schedule->due_ms = now_ms;
		return now_ms;
	}
	begin = schedule->due_ms + jitter(schedule, chance);
	return begin > now_ms ? begin : now_ms;
}

int64_t ush_schedule_now(struct ush_schedule *schedule, int64_t now_ms)
{
	schedule->due_ms = now_ms;
	return now_ms;
}

const char *ush_schedule_words(int64_t ms, char *out)
{
	static const struct {
		int64_t ms, from; /* the unit, and from where on it is used */
		const char *name;
	} units[] = {{86400000, 2 * 86400000LL, "d"}, {3600000, 2 * 3600000LL, "h"}, {60000, 120000, "min"}, {1000, 0, "s"}};
	size_t i = 0;

	ms = ms > 0 ? ms : 0;
	while (ms < units[i].from)
		i++;
	snprintf(out, 32, "%lld %s", (long long)(ms / units[i].ms), units[i].name);
	return out;
}
