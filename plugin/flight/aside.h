/* SPDX-License-Identifier: Apache-2.0
 *
 * Work that goes on when we do not wait for it any longer, in a process of its own. For a refresh: once it was sent its
 * answer must be kept, however late it comes, because the refresh token is spent; the kubectl that it is for need not
 * wait so long. That process has no terminal, no output and no descriptor of ours but the lock (flight.h).
 */
#ifndef USH_FLIGHT_ASIDE_H
#define USH_FLIGHT_ASIDE_H

#include "plugin/flight/flight.h"

enum ush_aside {
	USH_ASIDE_DONE,    /* *brought is what the work gave */
	USH_ASIDE_LATE,    /* until_ms came first: the work goes on, and the lock is its own now */
	USH_ASIDE_STOPPED, /* SIGINT or SIGTERM came first: likewise */
	USH_ASIDE_BROKEN,  /* it ended without a word */
};

/*
 * Waits for work until until_ms (boot clock). flight may be NULL. What the work gives is a text of ours (it may hold
 * tokens), not NULL; the caller owns *brought. The process ends by itself, after two minutes at the latest. Where none can
 * be made the work is done here, however long it takes.
 */
enum ush_aside ush_aside(const struct ush_world *world, const struct ush_flight *flight, struct ush_secret *(*work)(void *context),
			 void *context, int64_t until_ms, struct ush_secret **brought);

#endif
