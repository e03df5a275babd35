/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/moment.h"

#include <stdbool.h>
#include <time.h>

#include "common/base/memory.h"

static bool split(int64_t seconds, struct tm *tm)
{
	time_t moment = (time_t)seconds;

	return gmtime_r(&moment, tm) != NULL && tm->tm_year <= 8099;
}

char *ush_moment(int64_t seconds)
{
	char text[32];
	struct tm tm;

	return ush_strdup(split(seconds, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm) > 0 ? text : "?");
}

char *ush_moment_stamp(int64_t seconds)
{
	char text[32];
	struct tm tm;

	return ush_strdup(split(seconds, &tm) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0 ? text : "?");
}
