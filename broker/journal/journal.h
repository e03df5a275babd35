/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit log (--audit-log FILE): one JSON line for each change that was made, each bound to the one before it by its
 * SHA-256, so that a line that was edited, dropped, moved or cut off shows (verify.c, `usher-broker verify-log`). It is
 * appended to, never rewritten; runs at the same time take turns, line by line (a lock that the kernel gives back). "-"
 * is stdout: whatever else is printed goes to stderr then.
 *
 * A line: {"event":"...","sequence":N,"time":"2026-11-21T19:00:00Z","previous":"...", the event's own members,
 * "hash":"..."} (link.h). Beside FILE stands FILE.head, "N HASH" of the last line of the last run that ended: what is
 * cut off shows by that, and a new FILE (logrotate) goes on from it.
 */
#ifndef USH_JOURNAL_JOURNAL_H
#define USH_JOURNAL_JOURNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/world.h"

struct ush_journal;

/* Opens it to write on: the last line must fit the chain, or USH_ERR_STORE (a broken log is not written on). A last
 * line that a killed run left half is told in the next record and counts as the tear it is. path NULL: *journal is
 * NULL, which every function here takes as "nobody wants a log". world outlives it. */
int ush_journal_open(struct ush_journal **journal, const char *path, const struct ush_world *world,
		     struct ush_error *err);

/*
 * Adds one line and takes `members` over (an object; NULL: none). "run.begin" and "run.end" stand around what one
 * command does; in between one line a change: "binding.created", "binding.changed", "binding.removed", "role.created",
 * ..., "namespace.created", "user.revoked", "user.denied", "grant.elevated". What every line of a run says alike (verb,
 * policy, plan's hash, who, reason, ticket, cluster) is told once to ush_journal_common; a null takes it back. Texts
 * are raw; no secret is in them.
 */
int ush_journal_add(struct ush_journal *journal, const char *event, json_t *members, struct ush_error *err);
void ush_journal_common(struct ush_journal *journal, json_t *members);

/* The hash of the last line that this run wrote, or NULL: whoever knows it can tell later whether the log was cut off
 * or written anew. Borrowed until the next call. */
const char *ush_journal_head(const struct ush_journal *journal);

/* On disk (fsync) and closed; *journal is NULL then. Fails once for everything that could not be written before. */
int ush_journal_close(struct ush_journal **journal, struct ush_error *err);

/* verify.c: USH_ERR_REJECTED with the first line that does not fit and how it does not; *lines (may be NULL) is how
 * many did; head (65 bytes, may be NULL) the hash of the last one. */
int ush_journal_verify(const char *path, const char *expected_head, size_t *lines, char *head, struct ush_error *err);

#endif
