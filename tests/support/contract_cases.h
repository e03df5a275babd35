/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the contract share: directories to read, and each fake in turn.
 */
#ifndef USH_TEST_CONTRACT_CASES_H
#define USH_TEST_CONTRACT_CASES_H

#include "tests/support/contract.h"

/* Adds so many people (person000...) or groups (group-0000...) and returns the number. */
size_t case_people(struct contract *c, size_t count);
size_t case_groups(struct contract *c, size_t count);

/* Three pages of groups, the last one not full, with one person each; and a group whose members fill three pages. */
void case_three_pages(struct contract *c);
void case_three_pages_of_members(struct contract *c);

/* contract_begin with one of these. */
void case_begin(struct contract *c, const struct contract_fake *fake, void (*build)(struct contract *));

/* Runs a test once for every fake that has all the traits, and fails when none has. CASE_PAGED: those that have pages, and
 * are asked again. */
#define CASE_PAGED (1U << 31)
void case_each(unsigned int traits, void (*test)(const struct contract_fake *));

/* Reads, and expects. */
void case_exact(struct contract *c);
void case_incomplete(struct contract *c);

#endif
