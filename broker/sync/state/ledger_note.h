/* SPDX-License-Identifier: Apache-2.0
 *
 * The state notes which ledger there was: the uid of its ConfigMap, as an annotation on the state's. A ledger that somebody
 * deleted does not read as an empty one, which would give everybody back what they had who was offboarded; nor does one
 * that was made anew after that, with just its own entries in it. What is noted stays until a person takes the annotation
 * off, and so says that what is there now is whole.
 */
#ifndef USH_SYNC_LEDGER_NOTE_H
#define USH_SYNC_LEDGER_NOTE_H

#include "broker/ledger/ledger.h"
#include "broker/sync/state/state.h"
#include "common/kube/client.h"

#define USH_STATE_LEDGER "usher.dev/ledger"
#define USH_LEDGER_STOPS "no run goes on" /* what_of_it, of those that sync */

/* USH_ERR_INCOMPLETE, what_of_it in its message and the way out in its hint, when noted (NULL: nothing was) is not this
 * ledger. way: of a person to it; may be NULL. Pure. */
int ush_ledger_is_noted(const char *noted, const struct ush_ledger *ledger, const char *namespace_name, const char *policy, const char *what_of_it,
			const struct ush_way *way, struct ush_error *err);

/* The same of a folder, whose state notes just that there was a ledger. */
int ush_ledger_is_noted_in(const char *folder, const char *noted, const struct ush_ledger *ledger, const char *policy, struct ush_error *err);

/* The same by what the state's ConfigMap says now: one request. One that is not there, or may not be read, notes nothing. */
int ush_ledger_look(const struct ush_kube *kube, const struct ush_ledger *ledger, const char *namespace_name, const char *policy, const char *what_of_it,
		    struct ush_error *err);

/*
 * For who just wrote an entry: notes the ledger at once, so that it cannot be lost before the next run does. uid: the ledger's,
 * NULL when it was made by that, and then it is asked for. state: its ConfigMap as GET gave it, or NULL; one that notes a ledger
 * costs nothing. Where the state may not be written that is left to the next run. Fails as ush_ledger_is_noted when it notes another one.
 */
int ush_ledger_note(const struct ush_kube *kube, json_t *state, const char *uid, const char *namespace_name, const char *policy, const char *what_of_it,
		    struct ush_error *err);

#endif
