/* SPDX-License-Identifier: Apache-2.0
 *
 * Single flight: of all processes that want the same session, one signs in or refreshes and the others wait, with a
 * deadline, obeying Ctrl-C. The lock is the kernel's (flock on a file under $XDG_RUNTIME_DIR/usher, else the state
 * folder), so a dead holder holds nothing; the file says what the holder does. And the memory between runs: the
 * write-ahead mark of a refresh, how many sign-ins went unanswered, and that offline_access was refused.
 */
#ifndef USH_FLIGHT_FLIGHT_H
#define USH_FLIGHT_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/world.h"

struct ush_flight;

/*
 * Takes the lock for a binding. When another has it: waits, polling, until `done` says that what we wanted is there
 * (*landed = true, no lock is held), or the lock is ours, or the deadline: 30 s while the holder refreshes, the holder's
 * own sign-in deadline while a person is asked (one line on stderr says so). Deadline and Ctrl-C are USH_ERR_UNAVAILABLE
 * and USH_ERR_DECLINED.
 */
struct ush_flight *ush_flight_begin(const struct ush_world *world, const char *binding, bool (*done)(void *context), void *context,
				    bool *landed, struct ush_error *err);
/* The same until until_ms (boot clock) at the latest, whatever the holder does. */
struct ush_flight *ush_flight_begin_until(const struct ush_world *world, const char *binding, int64_t until_ms,
					  bool (*done)(void *context), void *context, bool *landed, struct ush_error *err);
void ush_flight_end(struct ush_flight *flight);

/* The lock is another process's now, which was forked and goes on (aside.h): ends our part and leaves it locked. */
void ush_flight_leave(struct ush_flight *flight);
int ush_flight_descriptor(const struct ush_flight *flight); /* of the lock; -1 when flight is NULL */

/* Tells waiters what happens: a refresh, or a sign-in that ends at deadline_ms (boot clock). */
void ush_flight_announce(struct ush_flight *flight, const char *what, int64_t deadline_ms);

/* The write-ahead mark: a refresh token (its SHA-256) is about to be spent. fsynced before it returns. */
int ush_flight_mark(struct ush_flight *flight, const struct ush_secret *refresh, struct ush_error *err);
void ush_flight_unmark(struct ush_flight *flight);
/* True when a mark for this token stands from a run that never finished; *age_s says how old it is. */
bool ush_flight_marked(struct ush_flight *flight, const struct ush_secret *refresh, int64_t now, int64_t *age_s);

/* The circuit breaker: unanswered sign-ins in a row and since when (Unix seconds). login resets it. */
#define USH_BREAKER_LIMIT 3
int ush_breaker_count(const char *binding, int64_t *since);
void ush_breaker_trip(const char *binding, int64_t now);
void ush_breaker_reset(const char *binding);

/* That the provider refuses offline_access, for 30 days: the next sign-in does not ask twice. logout forgets it. */
bool ush_offline_refused(const char *binding, int64_t now);
void ush_offline_note(const char *binding, int64_t now);
void ush_offline_forget(const char *binding);

/* The state folder, made when missing: $XDG_STATE_HOME/usher or ~/.local/state/usher. The caller frees. NULL on failure. */
char *ush_state_folder(struct ush_error *err);
/* The cache folder for what is no secret: $XDG_CACHE_HOME/usher or ~/.cache/usher. */
char *ush_cache_folder(struct ush_error *err);
/* $XDG_RUNTIME_DIR/usher; NULL also where that is not set or not ours alone. */
char *ush_runtime_folder(struct ush_error *err);

#endif
