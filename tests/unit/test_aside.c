/* SPDX-License-Identifier: Apache-2.0
 *
 * Work that goes on without us (flight/aside.h). The clock moves only by looking at it.
 */
#include "tests/support/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/flight/aside.h"

#define BINDING "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static int64_t clock_ms;
static bool asked_to_end;
static char folder[80];
static struct ush_error err;

static int64_t standing(void *context)
{
	(void)context;
	return clock_ms;
}

static int64_t ticking(void *context)
{
	(void)context;
	return clock_ms += 500;
}

static int no_wait(void *context, int64_t ms)
{
	(void)context;
	(void)ms;
	return asked_to_end ? -1 : 0;
}

static const struct ush_world ticks = {.now_ms = ticking, .boot_ms = ticking, .sleep_ms = no_wait};
static const struct ush_world still = {.now_ms = standing, .boot_ms = standing, .sleep_ms = no_wait};

static void begin(void)
{
	snprintf(folder, sizeof folder, "%s", tap_folder());
	setenv("XDG_RUNTIME_DIR", folder, 1);
	setenv("XDG_STATE_HOME", folder, 1);
	clock_ms = 1000000;
	asked_to_end = false;
	memset(&err, 0, sizeof err);
}

static struct ush_flight *take(void)
{
	bool landed;

	return ush_flight_begin(&ticks, BINDING, NULL, NULL, &landed, &err);
}

static struct ush_secret *work_at_once(void *context)
{
	(void)context;
	return ush_secret_new("token", 5);
}

static struct ush_secret *work_of_size(void *context)
{
	size_t size = *(size_t *)context;
	USH_AUTO_FREE char *text = ush_alloc(size + 1);

	memset(text, 'x', size);
	return ush_secret_new(text, size);
}

/* The test's own ends were closed with everything else, so a fifo by name is what it waits for. */
static struct ush_secret *work_when_told(void *context)
{
	const char *const *names = context;
	int from = open(names[0], O_RDONLY), to;
	char byte;

	if (read(from, &byte, 1) == 1 && (to = open(names[1], O_WRONLY)) >= 0 && write(to, "y", 1) == 1)
		close(to);
	return ush_secret_new("late", 4);
}

static struct ush_secret *work_that_dies(void *context)
{
	(void)context;
	kill(getpid(), SIGKILL);
	return NULL;
}

START_TEST(what_is_done_aside_comes_back_whole)
{
	static size_t sizes[] = {0, 1, 4095, 4096, 70000, 1000000};
	USH_AUTO_SECRET small = NULL;

	begin();
	ck_assert_int_eq(ush_aside(&still, NULL, work_at_once, NULL, clock_ms + 5000, &small), USH_ASIDE_DONE);
	ck_assert_str_eq(ush_secret_reveal(small), "token");
	for (size_t i = 0; i < USH_COUNT(sizes); i++) {
		USH_AUTO_SECRET large = NULL;

		ck_assert_int_eq(ush_aside(&still, NULL, work_of_size, &sizes[i], clock_ms + 5000, &large), USH_ASIDE_DONE);
		ck_assert_uint_eq(ush_secret_length(large), sizes[i]);
		ck_assert_uint_eq(strspn(ush_secret_reveal(large), "x"), sizes[i]);
	}
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1); /* no child is left behind */
}
END_TEST

START_TEST(work_that_dies_is_told_and_gives_the_lock_back)
{
	USH_AUTO_SECRET brought = NULL;
	struct ush_flight *flight;

	begin();
	flight = take();
	ck_assert_int_eq(ush_aside(&still, flight, work_that_dies, NULL, clock_ms + 5000, &brought), USH_ASIDE_BROKEN);
	ck_assert_ptr_null(brought);
	ush_flight_end(flight);
	flight = take();
	ck_assert_ptr_nonnull(flight);
	ush_flight_end(flight);
}
END_TEST

/* Late, or stopped: it goes on, has nothing of ours open but the lock, and the lock is free when it is done. */
START_TEST(work_that_takes_too_long_goes_on_and_keeps_the_lock)
{
	for (int stopped = 0; stopped <= 1; stopped++) {
		USH_AUTO_FREE char *go = NULL, *done = NULL;
		USH_AUTO_SECRET brought = NULL;
		struct ush_flight *flight;
		const char *names[2];
		int results[2]; /* a pipe of ours, as kubectl's is */
			char byte = 0;
		int fd;

		begin();
		names[0] = go = ush_printf("%s/go.%d", folder, stopped);
		names[1] = done = ush_printf("%s/done.%d", folder, stopped);
		ck_assert_int_eq(mkfifo(go, 0600) | mkfifo(done, 0600), 0);
		ck_assert_int_eq(pipe(results), 0);
		flight = take();
		asked_to_end = stopped == 1;
		ck_assert_int_eq(ush_aside(&ticks, flight, work_when_told, names, clock_ms + 5000, &brought), stopped ? USH_ASIDE_STOPPED : USH_ASIDE_LATE);
		asked_to_end = false;
		ush_flight_leave(flight);
		close(results[1]);
		ck_assert_int_eq(read(results[0], &byte, 1), 0); /* a reader of ours is not kept waiting */
		close(results[0]);
		ck_assert_ptr_null(take());
		fd = open(go, O_WRONLY);
		ck_assert_int_eq(write(fd, "x", 1), 1);
		close(fd);
		fd = open(done, O_RDONLY);
		ck_assert_int_eq(read(fd, &byte, 1), 1);
		close(fd);
		while (waitpid(-1, NULL, 0) > 0)
			;
		memset(&err, 0, sizeof err);
		flight = take();
		ck_assert_msg(flight != NULL, "%s", err.what);
		ush_flight_end(flight);
	}
}
END_TEST

/* A holder that asks a person would be given minutes else. */
START_TEST(a_firm_limit_holds_whatever_the_holder_does)
{
	static const char *const whats[] = {"refresh", "sign-in"};

	for (size_t i = 0; i < USH_COUNT(whats); i++) {
		struct ush_flight *holder;
		bool landed = true;

		begin();
		holder = take();
		ush_flight_announce(holder, whats[i], clock_ms + 180000);
		ck_assert_ptr_null(ush_flight_begin_until(&ticks, BINDING, clock_ms + 5000, NULL, NULL, &landed, &err));
		ck_assert(!landed);
		ck_assert_int_eq(err.code, USH_ERR_UNAVAILABLE);
		ck_assert_ptr_nonnull(strstr(err.what, "has no answer yet"));
		ck_assert_ptr_null(strstr(err.hint, "end that process"));
		ck_assert_int_le(clock_ms, 1000000 + 10000);
		ush_flight_end(holder);
	}
}
END_TEST

TAP_MAIN("aside", a_firm_limit_holds_whatever_the_holder_does, what_is_done_aside_comes_back_whole, work_that_dies_is_told_and_gives_the_lock_back,
	 work_that_takes_too_long_goes_on_and_keeps_the_lock)
