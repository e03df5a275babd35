/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "plugin/front/record.h"

#define LAST_SECOND 253402300799LL /* of the year 9999: RFC 3339 knows no later one */
#define MARGIN      10             /* seconds: kubectl uses a token up to the second we name, the API server has no leeway */

static void put_number(char *out, int64_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		out[i] = (char)('0' + value % 10);
}

/* RFC 3339 in UTC, by the civil calendar counted in eras of 400 years that begin in March. The C library's own reads the
 * time zone's file first. */
static void write_time(char out[32], int64_t seconds)
{
	int64_t day = seconds / 86400 + 719468, second = seconds % 86400;
	int64_t era = day / 146097, of_era = day % 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
	int64_t date = of_year - (153 * month + 2) / 5 + 1;

	month += month < 10 ? 3 : -9;
	memcpy(out, "0000-00-00T00:00:00Z", 21);
	put_number(out, year + 400 * era + (month <= 2), 4);
	put_number(out + 5, month, 2);
	put_number(out + 8, date, 2);
	put_number(out + 11, second / 3600, 2);
	put_number(out + 14, second / 60 % 60, 2);
	put_number(out + 17, second % 60, 2);
}

/* Never in the past: kubectl would ask in a circle. */
int64_t ush_credential_until(int64_t expires, int64_t now)
{
	if (expires > LAST_SECOND)
		return LAST_SECOND;
	return expires > now + 2 * MARGIN ? expires - MARGIN : expires > now ? expires : now + 1;
}

int ush_credential_print(int fd, const struct ush_execinfo *info, const char *token, int64_t expires, int64_t now, struct ush_error *err)
{
	USH_AUTO_BUF out = USH_BUF_MAX(2 * USH_RECORD_MAX);
	char time[32];

	write_time(time, ush_credential_until(expires, now));
	for (const char *p = token; *p != '\0'; p++)
		if (*p <= 0x20 || *p >= 0x7f || *p == '"' || *p == '\\')
			return ush_fail(err, USH_ERR_STORE, "the token is not one line of plain letters; it was not printed");
	ush_buf_puts(&out, "{\"apiVersion\":\"");
	ush_buf_puts(&out, info->api_version);
	ush_buf_puts(&out, "\",\"kind\":\"ExecCredential\",\"status\":{\"expirationTimestamp\":\"");
	ush_buf_puts(&out, time);
	ush_buf_puts(&out, "\",\"token\":\"");
	ush_buf_puts(&out, token);
	ush_buf_puts(&out, "\"}}\n");
	if (out.overflow)
		return ush_fail(err, USH_ERR_STORE, "the token is larger than %d bytes; it was not printed", USH_RECORD_MAX);
	if (ush_write_all(fd, out.data, out.length) != 0)
		return ush_fail(err, USH_ERR_STORE, "the token could not be handed to kubectl: %s", strerror(errno));
	return 0;
}
