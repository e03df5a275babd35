/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/policy/quantity.h"

#include <string.h>

#include "common/base/memory.h"

/* "9223372036854775807" is how some say that there is no limit. Up to 19 digits a 64-bit significand holds without loss; what is more
 * the API server cuts as well. */
#define DIGITS_MAX   64
#define EXPONENT_MAX 99

static const struct {
	const char *suffix;
	int ten, two; /* powers */
} suffixes[] = {
	{"", 0, 0},   {"n", -9, 0}, {"u", -6, 0}, {"m", -3, 0}, {"k", 3, 0},  {"M", 6, 0},  {"G", 9, 0},  {"T", 12, 0},
	{"P", 15, 0}, {"E", 18, 0}, {"Ki", 0, 10}, {"Mi", 0, 20}, {"Gi", 0, 30}, {"Ti", 0, 40}, {"Pi", 0, 50}, {"Ei", 0, 60},
};

/* "e3", "E-3", or one of the suffixes. */
static bool read_suffix(const char *text, int *ten, int *two)
{
	int sign = 1, value = 0;

	for (size_t i = 0; i < USH_COUNT(suffixes); i++)
		if (strcmp(text, suffixes[i].suffix) == 0) {
			*ten = suffixes[i].ten;
			*two = suffixes[i].two;
			return true;
		}
	if (*text != 'e' && *text != 'E')
		return false;
	text++;
	if (*text == '-' || *text == '+')
		sign = *text++ == '-' ? -1 : 1;
	if (*text == '\0')
		return false;
	for (; *text >= '0' && *text <= '9' && value <= EXPONENT_MAX; text++)
		value = 10 * value + (*text - '0');
	*ten = sign * value;
	*two = 0;
	return *text == '\0' && value <= EXPONENT_MAX;
}

static long double power(long double base, int times)
{
	long double result = 1;

	for (; times > 0; times--)
		result *= base;
	return result;
}

/* Whole numbers are exact, and the one division is rounded as it should be: equal amounts come out equal. */
bool ush_quantity_read(const char *text, long double *amount)
{
	long double value = 0;
	int digits = 0, behind = 0, ten = 0, two = 0;
	bool negative = *text == '-', point = false;

	if (*text == '-' || *text == '+')
		text++;
	for (; (*text >= '0' && *text <= '9') || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		value = 10 * value + (*text - '0');
		digits++;
		behind += point;
	}
	if (digits == 0 || digits > DIGITS_MAX || !read_suffix(text, &ten, &two))
		return false;
	ten -= behind;
	value = value * power(2, two) * power(10, ten);
	value = ten < 0 ? value / power(10, -ten) : value;
	*amount = negative ? -value : value;
	return true;
}

bool ush_quantity_same(const char *a, const char *b)
{
	long double x, y;

	return strcmp(a, b) == 0 || (ush_quantity_read(a, &x) && ush_quantity_read(b, &y) && !(x < y) && !(x > y));
}
