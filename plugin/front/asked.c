/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/front/asked.h"

#include <string.h>

#define HEAD       "usher-asked-1\n"
#define EARLY      70   /* seconds before the told end from which on to ask again is plain: the client for Rust comes 60 before it */
#define MOST_TIMES 6    /* doublings of the pause: about an hour */
#define FORGIVEN   7200 /* seconds after which they begin anew */

_Static_assert(sizeof(struct ush_given) == 28 && sizeof(struct ush_asked) == 32 + 28 * USH_ASKED_MOST,
	       "no padding, which would be compared and written");

uint32_t ush_asked_mark(const char *text, size_t length)
{
	uint64_t mark = 0xcbf29ce484222325ULL ^ length;

	while (length > 0) {
		size_t part = length < sizeof mark ? length : sizeof mark;
		uint64_t word = 0;

		memcpy(&word, text, part);
		mark = (mark ^ word) * 0x9e3779b97f4a7c15ULL;
		mark ^= mark >> 29;
		text += part;
		length -= part;
	}
	mark ^= mark >> 32;
	return (uint32_t)mark != 0 ? (uint32_t)mark : 1;
}

static uint32_t narrow(int64_t number)
{
	return number < 0 ? 0 : number > UINT32_MAX ? UINT32_MAX : (uint32_t)number;
}

void ush_asked_read(struct ush_asked *asked, const void *data, long length)
{
	memset(asked, 0, sizeof *asked);
	if (length == (long)sizeof *asked && memcmp(data, HEAD, sizeof HEAD) == 0)
		memcpy(asked, data, sizeof *asked);
	else
		memcpy(asked->head, HEAD, sizeof HEAD);
}

static const struct ush_given *find(const struct ush_asked *asked, const struct ush_asker *asker)
{
	for (size_t i = 0; asker->pid > 0 && i < USH_ASKED_MOST; i++)
		if (asked->given[i].pid == (uint32_t)asker->pid && asked->given[i].about == asker->about)
			return &asked->given[i];
	return NULL;
}

/* A time of the boot clock as it is kept, and how long one is before another. What seems to lie ahead is of an earlier
 * boot, and so long ago. */
static uint32_t moment(int64_t boot_ms)
{
	return (uint32_t)(uint64_t)(boot_ms / 10);
}

static uint32_t age(uint32_t then, int64_t boot_ms)
{
	return moment(boot_ms) - then;
}

/* An empty place, or else the oldest. */
static struct ush_given *oldest(struct ush_asked *asked, int64_t boot_ms)
{
	struct ush_given *given = &asked->given[0];

	for (size_t i = 0; i < USH_ASKED_MOST && given->pid != 0; i++)
		if (asked->given[i].pid == 0 || age(asked->given[i].given, boot_ms) > age(given->given, boot_ms))
			given = &asked->given[i];
	return given;
}

/* A process that began after the token was given has only got the number of the one that was given it. None runs for half
 * of the 497 days. */
static bool began_before(const struct ush_asker *asker, const struct ush_given *given)
{
	return age(moment(asker->born_ms), (int64_t)given->given * 10) <= INT32_MAX;
}

/* The asker's place, emptied where it was somebody else's: another asker's, or another process's with this number. */
static struct ush_given *place(struct ush_asked *asked, const struct ush_asker *asker, int64_t boot_ms)
{
	struct ush_given *given = (struct ush_given *)(uintptr_t)find(asked, asker);

	if (given == NULL)
		given = oldest(asked, boot_ms);
	else if (asker->born_ms < 0 || began_before(asker, given))
		return given;
	*given = (struct ush_given){.pid = (uint32_t)asker->pid, .about = asker->about};
	return given;
}

bool ush_asked_knows(const struct ush_asked *asked, const struct ush_asker *asker)
{
	return find(asked, asker) != NULL;
}

static bool same(const struct ush_given *given, const struct ush_asker *asker)
{
	return given != NULL && asker->born_ms >= 0 && began_before(asker, given);
}

bool ush_asked_again(const struct ush_asked *asked, const struct ush_asker *asker, uint32_t token, int64_t now)
{
	const struct ush_given *given = find(asked, asker);

	return same(given, asker) && given->token == token && now < (int64_t)given->until - EARLY;
}

/* A time that lies ahead of us is of a clock that was put back. */
static bool too_soon(int64_t tried, int64_t pause, int64_t now)
{
	return tried > 0 && now >= tried && now - tried < pause;
}

enum ush_doubt ush_asked_judge(const struct ush_asked *asked, const struct ush_asker *asker, uint32_t token, int64_t now)
{
	const struct ush_given *given = find(asked, asker);
	bool again = ush_asked_again(asked, asker, token, now);
	unsigned int times = same(given, asker) && given->times > 0 ? given->times - 1U : 0;

	if (asker->pid <= 0 || (!again && token != asked->refused))
		return USH_DOUBT_NONE;
	if (times > MOST_TIMES)
		times = MOST_TIMES;
	if (!too_soon(asked->tried, USH_ASKED_PAUSE, now) &&
	    !(same(given, asker) && too_soon(given->tried, (int64_t)USH_ASKED_PAUSE << times, now)))
		return USH_DOUBT_RENEW;
	return again && given->told == 0 ? USH_DOUBT_TELL : USH_DOUBT_NONE;
}

void ush_asked_give(struct ush_asked *asked, const struct ush_asker *asker, uint32_t token, int64_t until, int64_t boot_ms)
{
	struct ush_given *given;

	if (asker->pid <= 0)
		return;
	given = place(asked, asker, boot_ms);
	if (given->token != token)
		given->told = 0;
	given->token = token;
	given->until = narrow(until);
	given->given = moment(boot_ms);
}

void ush_asked_try(struct ush_asked *asked, const struct ush_asker *asker, int64_t now, int64_t boot_ms)
{
	struct ush_given *given;

	asked->tried = narrow(now);
	asked->renewed = 0;
	asked->refused = 0; /* who was not refused waits once for a provider that does not answer, not every minute */
	if (asker->pid <= 0)
		return;
	given = place(asked, asker, boot_ms);
	if (!too_soon(given->tried, FORGIVEN, now))
		given->times = 0;
	given->given = moment(boot_ms);
	given->tried = narrow(now);
	if (given->times < UINT16_MAX)
		given->times++;
	given->told = 1; /* what becomes of the refresh is told, whatever it is */
}

void ush_asked_renewed(struct ush_asked *asked, uint32_t token)
{
	asked->renewed = token;
}

void ush_asked_tell(struct ush_asked *asked, const struct ush_asker *asker, uint32_t token)
{
	struct ush_given *given = (struct ush_given *)(uintptr_t)find(asked, asker);

	if (given != NULL)
		given->told = 1;
	if (token == asked->renewed)
		asked->refused = token;
}
