/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin/flight/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#define MOST_S    120  /* no work of ours takes so long; a process that does is none that somebody would miss */
#define LOOK_MS   100  /* between two looks at the clock and for a signal */
#define OLD_MOST  1024 /* descriptors that are closed one by one where the kernel cannot close a range */
#define BYTES_MAX (4U << 20)

/* ---- the child ---- */

static void close_all(unsigned int first, unsigned int last)
{
	if (first > last || close_range(first, last, 0) == 0)
		return;
	for (unsigned int fd = first; fd <= last && fd < OLD_MOST; fd++)
		close((int)fd);
}

/* kubectl reads our output to its end and a script perhaps its messages, so the child must not have either open. */
static void settle(int lock, int to, int null)
{
	unsigned int low = (unsigned int)(lock >= 0 && lock < to ? lock : to), high = (unsigned int)(lock > to ? lock : to);

	setsid(); /* Ctrl-C and a closed terminal are meant for kubectl */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, SIG_DFL);
	alarm(MOST_S);
	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	close_all(3, low - 1);
	close_all(low + 1, high - 1);
	close_all(high + 1, ~0U);
}

static _Noreturn void run(int to, struct ush_secret *(*work)(void *context), void *context)
{
	struct ush_secret *brought = work(context);
	uint32_t length = (uint32_t)ush_secret_length(brought);

	_exit(ush_write_all(to, (const char *)&length, sizeof length) != 0 || ush_write_all(to, ush_secret_reveal(brought), length) != 0);
}

/* ---- the parent ---- */

static bool whole(const struct ush_buf *buf, struct ush_secret **brought)
{
	uint32_t length;

	if (buf->length < sizeof length)
		return false;
	memcpy(&length, buf->data, sizeof length);
	if (buf->length < sizeof length + length)
		return false;
	*brought = ush_secret_new(buf->data + sizeof length, length);
	return true;
}

/* Appends what is there; false when nothing more comes. */
static bool take(int from, struct ush_buf *buf)
{
	char chunk[4096];
	ssize_t n = read(from, chunk, sizeof chunk);
	bool more = n > 0 ? ush_buf_add(buf, chunk, (size_t)n) == 0 : n < 0 && errno == EINTR;

	explicit_bzero(chunk, sizeof chunk);
	return more;
}

static enum ush_aside await(const struct ush_world *world, int from, int64_t until_ms, struct ush_secret **brought)
{
	USH_AUTO_BUF buf = USH_BUF_MAX(BYTES_MAX);

	for (;;) {
		struct pollfd ready = {.fd = from, .events = POLLIN};
		int64_t left = until_ms - ush_boot_ms(world);

		if (poll(&ready, 1, left <= 0 ? 0 : left < LOOK_MS ? (int)left : LOOK_MS) > 0) {
			if (!take(from, &buf))
				return USH_ASIDE_BROKEN;
			if (whole(&buf, brought))
				return USH_ASIDE_DONE;
		} else if (left <= 0) {
			return USH_ASIDE_LATE;
		}
		if (ush_sleep_ms(world, 0) != 0)
			return USH_ASIDE_STOPPED;
	}
}

enum ush_aside ush_aside(const struct ush_world *world, const struct ush_flight *flight, struct ush_secret *(*work)(void *context),
			 void *context, int64_t until_ms, struct ush_secret **brought)
{
	enum ush_aside end = USH_ASIDE_DONE;
	int ends[2], null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t child = -1;

	if (null >= 0 && pipe2(ends, O_CLOEXEC) == 0) {
		child = fork();
		if (child == 0) {
			settle(ush_flight_descriptor(flight), ends[1], null);
			run(ends[1], work, context);
		}
		close(ends[1]);
		if (child > 0)
			end = await(world, ends[0], until_ms, brought);
		close(ends[0]);
	}
	if (null >= 0)
		close(null);
	if (child < 0)
		*brought = work(context);
	else if (end == USH_ASIDE_DONE || end == USH_ASIDE_BROKEN)
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
	return end;
}
