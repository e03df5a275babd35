/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/serve/wait.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>

#include "common/net/real.h"

#define LOOK_MS 60000 /* a machine that slept has another boot clock when it wakes */

static volatile sig_atomic_t asked_now;

static void note_now(int number)
{
	(void)number;
	asked_now = 1;
}

static void signals_of_wait(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

void ush_wait_prepare(void)
{
	struct sigaction now = {.sa_handler = note_now, .sa_flags = SA_RESTART};
	sigset_t hup;

	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	sigprocmask(SIG_BLOCK, &hup, NULL);
	sigaction(SIGHUP, &now, NULL);
}

static bool asked(enum ush_waited *waited)
{
	*waited = ush_asked_to_end() ? USH_WAITED_END : asked_now ? USH_WAITED_NOW : USH_WAITED_DUE;
	return *waited != USH_WAITED_DUE;
}

/* Signals come in while ppoll waits and at no other moment, so none is overlooked. */
enum ush_waited ush_wait_until(const struct ush_world *world, int64_t boot_ms)
{
	enum ush_waited waited = USH_WAITED_DUE;
	sigset_t set, before, open;

	signals_of_wait(&set);
	sigprocmask(SIG_BLOCK, &set, &before);
	open = before;
	sigdelset(&open, SIGHUP);
	while (!asked(&waited)) {
		int64_t left = boot_ms - ush_boot_ms(world);
		int64_t ms = left < 0 ? 0 : left < LOOK_MS ? left : LOOK_MS;
		struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

		if (ppoll(NULL, 0, &t, &open) == 0 && left <= 0)
			break;
	}
	asked_now = 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	return waited;
}
