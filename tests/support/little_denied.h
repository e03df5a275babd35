/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups that are put out of the little world, and let back in: what the ledger says of it, and the rules, written down a
 * second time.
 */
#ifndef USH_TEST_LITTLE_DENIED_H
#define USH_TEST_LITTLE_DENIED_H

#include "broker/ledger/ledger.h"
#include "tests/support/little_world.h"

/* Somebody is put out, or let back in. It draws from a chance of its own: a history without it goes on as it would have. */
void little_denials_happen(struct little_world *world);

/* What the sync is given. */
void little_ledger(const struct little_world *world, struct ush_ledger *ledger);

/* This group of a source is denied. */
bool little_denies(const struct little_world *world, int source, unsigned int id, int name);

/* Who has this access is denied, as far as it says who that is. */
bool little_denies_access(const struct little_world *world, const struct little_access *access);

/* After a run: NULL, or what is wrong. */
const char *little_judge_denied(const struct little_world *world, const struct little_run *run, const struct little_access **which);

#endif
