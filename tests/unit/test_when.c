/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "common/base/memory.h"
#include "plugin/verb/verb.h"
#include "tests/support/tap.h"

#define NOW 1800000000 /* Friday 2027-01-15 08:00:00 UTC */
#define DAY 86400

START_TEST(a_time_is_told_as_near_as_it_is)
{
	static const struct {
		int64_t when;
		const char *text;
	} times[] = {
		{NOW, "08:00"},
		{NOW + 3600, "09:00"},
		{NOW + 15 * 3600 + 3599, "23:59"},
		{NOW + 16 * 3600, "Sat 00:00"},
		{NOW - DAY, "Thu 08:00"},
		{NOW + 3 * DAY + 3600, "Mon 09:00"},
		{NOW + 6 * DAY, "2027-01-21"},
		{NOW + 365 * DAY, "2028-01-15"},
		{0, "1970-01-01"},
	};
	char out[16];

	setenv("TZ", "UTC", 1);
	for (size_t i = 0; i < USH_COUNT(times); i++)
		ck_assert_str_eq(ush_when(out, sizeof out, times[i].when, NOW), times[i].text);
	ush_when(out, sizeof out, INT64_MAX, NOW); /* a provider's nonsense: no crash */
}
END_TEST

START_TEST(a_span_has_a_unit)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} spans[] = {{0, "0s"},      {119, "119s"}, {120, "2m"},     {719, "11m"},
		     {7199, "119m"}, {7200, "2h"},  {172799, "47h"}, {172800, "2d"}};
	char out[24];

	for (size_t i = 0; i < USH_COUNT(spans); i++)
		ck_assert_str_eq(ush_how_long(out, sizeof out, spans[i].seconds), spans[i].text);
}
END_TEST

TAP_MAIN("when", a_time_is_told_as_near_as_it_is, a_span_has_a_unit)
