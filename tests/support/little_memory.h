/* SPDX-License-Identifier: Apache-2.0
 *
 * What the broker remembers, in two ConfigMaps that anybody may delete: the ledger, the state. Here they are lost, put back
 * from a copy, and restored with all of the API server. What then is known of whom somebody put out is said here, too:
 *   The state notes which ledger there was. While it does, and the ledger is not that one, no run gives anything to anybody,
 *   until a person has put it right.
 *   Where the state notes nothing (it is gone, or older than the first one who was put out), what the ledger says now is all
 *   that anybody knows; where there is none either, a plan says so.
 *   A restored API server knows what it knew then.
 */
#ifndef USH_TEST_LITTLE_MEMORY_H
#define USH_TEST_LITTLE_MEMORY_H

#include "tests/support/little_world.h"

/* Something is lost, or restored, or somebody follows the way out. It draws from a chance of its own. */
void little_losses_happen(struct little_world *world);

/* The ledger is not the one that the state notes. */
bool little_ledger_lost(const struct little_world *world);

/* Somebody is put out: into the ledger, which is made anew where there is none; and noted, where that may be. */
void little_write_down(struct little_world *world, const struct little_denial *denial, bool may_note);

/* The way out: who is missing is put out again, and the note is taken off. */
void little_put_right(struct little_world *world);

/* Neither is there. */
bool little_knows_nothing(const struct little_world *world);

void little_backup_free(struct little_world *world);

#endif
