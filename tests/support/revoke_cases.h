/* SPDX-License-Identifier: Apache-2.0
 *
 * What the stories of ending sessions share: three people who have one of each thing, of whom the second is ended.
 */
#ifndef USH_TEST_REVOKE_CASES_H
#define USH_TEST_REVOKE_CASES_H

#include "tests/support/contract_people.h"

#define CAROL 1 /* person001, in the first and the third group */

extern struct contract revoke_c;
extern struct ush_revoked revoke_out;

void revoke_begin(const struct contract_fake *fake);
void revoke_end(void);

/* Things that somebody (CONTRACT_EVERYWHERE: everybody) has, and that there are of each. */
size_t revoke_held(size_t person);
size_t revoke_things(void);

/* Runs a test for each fake that can end something and fits (NULL: all). */
void revoke_each(bool (*fits)(const struct contract_people *), void (*test)(const struct contract_fake *));

void revoke_person(const char *person, bool dry);

/* No error; the same, and Carol has nothing and others have all; an error of this kind, in one line, and others have all. */
void revoke_went_well(void);
void revoke_ended(void);
void revoke_failed(enum ush_code code);

/* From the next call on; times 0: always. */
void revoke_fault(enum contract_what what, int status, size_t skip, size_t times, const char *headers);

#endif
