/* SPDX-License-Identifier: Apache-2.0
 *
 * What is told of a run while it goes, beside what it prints: the audit log, Events in the cluster, the line of
 * progress.
 */
#ifndef USH_VERB_TOLD_H
#define USH_VERB_TOLD_H

#include "broker/journal/account.h"
#include "broker/journal/events.h"
#include "broker/verb/verb.h"
#include "common/base/progress.h"

struct ush_told { /* zero-initialised */
	const struct ush_carry *carry;
	struct ush_account account;
	struct ush_progress progress;
	size_t ended;
};

/* Before the first write. -1: the audit log cannot be written, so nothing may be done. holder as in ush_apply. */
int ush_told_begin(struct ush_told *told, const struct ush_carry *carry, const struct ush_plan *plan,
		   const char *holder, struct ush_error *err);

/* For ush_applied.watcher; context is the ush_told. */
void ush_told_ended(void *context, const struct ush_change *change, enum ush_outcome outcome, const char *why);

/* The writing is over: Events are made, and the line of progress is gone. */
void ush_told_written(struct ush_told *told, const struct ush_applied *applied, const char *holder);

/* The end of the run, which err says; frees. What the log did not take is told when it is closed. */
void ush_told_end(struct ush_told *told, const struct ush_applied *applied, const struct ush_error *err);

/* A run that ended before anything could be carried out; plan may be NULL. */
void ush_told_nothing(const struct ush_carry *carry, const struct ush_plan *plan, const struct ush_error *err);

/* The log that options name is open, as broker->journal; and closed. Closing says its head on stderr when something was
 * changed, and fails when something could not be written; an error that is there already stays, and this one is
 * printed. */
int ush_told_open(struct ush_broker *broker, const struct ush_broker_options *options, struct ush_error *err);
int ush_told_close(struct ush_broker *broker, struct ush_error *err);

#endif
