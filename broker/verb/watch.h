/* SPDX-License-Identifier: Apache-2.0
 *
 * What a program that stays (`run`) keeps from one run to the next: what it said, so that the same is not said every five
 * minutes, and who wants the numbers. A log of a day without a change is a few lines long.
 */
#ifndef USH_VERB_WATCH_H
#define USH_VERB_WATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/world.h"

struct ush_run;

struct ush_watch {
	/* given */
	const struct ush_world *world; /* whose clock tells when it is time to say it again */
	/* gets each cluster's run in numbers (broker/sync/apply/metrics.h) */
	void (*numbers)(void *context, const struct ush_run *run);
	void *context;
	/* made */
	struct ush_said *said;
	size_t said_count;
	struct ush_ailing *ailing;
	size_t ailing_count;
	size_t told;  /* errors that were printed already in this run */
	bool yielded; /* in this run another one held the lease of a cluster */
	bool numbered; /* this run came to a cluster */
	char place[64]; /* the namespace where the first run kept its state, "" before it; a label of DNS */
};

enum ush_saying { USH_SAYING_OUT, USH_SAYING_REST, USH_SAYING_YIELD, USH_SAYING_CLOCK, USH_SAYING_METRICS };

/* True when it is not what was said there last; it is then. watch NULL: always. cluster may be NULL. */
bool ush_watch_news(struct ush_watch *watch, const char *cluster, enum ush_saying what, const char *text);

/* A run failed there (cluster NULL: as a whole): one line, and while the next ones fail in the same way one an hour. */
void ush_watch_failed(struct ush_watch *watch, const char *cluster, const struct ush_error *err);

/* A run did what it should there: says so in a line when the one before it did not. */
void ush_watch_works(struct ush_watch *watch, const char *cluster);

/* False when the runs before this one kept their state in another namespace; the first one says where. */
bool ush_watch_place(struct ush_watch *watch, const char *state_namespace);

/* A run begins: forgets what was told in the last one. */
void ush_watch_begin(struct ush_watch *watch);

/* Forgets what was said of runs that came to their end: it will be said again. */
void ush_watch_forget(struct ush_watch *watch);

/* Forgets everything that was said: as at the start. Where the state is it keeps. */
void ush_watch_free(struct ush_watch *watch);

#endif
