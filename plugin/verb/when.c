/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/verb/verb.h"

#include <time.h>

const char *ush_when(char *out, size_t size, int64_t when, int64_t now)
{
	static const int64_t six_days = 6 * 86400;
	time_t t = (time_t)when, n = (time_t)now;
	struct tm there, here;

	out[0] = '\0';
	if (localtime_r(&t, &there) == NULL || localtime_r(&n, &here) == NULL)
		return out;
	if (there.tm_year == here.tm_year && there.tm_yday == here.tm_yday)
		strftime(out, size, "%H:%M", &there);
	else if (when - now < six_days && now - when < six_days)
		strftime(out, size, "%a %H:%M", &there);
	else
		strftime(out, size, "%Y-%m-%d", &there);
	return out;
}

const char *ush_how_long(char *out, size_t size, int64_t seconds)
{
	static const struct {
		int64_t below, unit;
		char letter;
	} spans[] = {{120, 1, 's'}, {7200, 60, 'm'}, {172800, 3600, 'h'}, {INT64_MAX, 86400, 'd'}};

	for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
		if (seconds >= spans[i].below)
			continue;
		snprintf(out, size, "%lld%c", (long long)(seconds / spans[i].unit), spans[i].letter);
		break;
	}
	return out;
}
