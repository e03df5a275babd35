/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether audit logs are as they were written.
 */
#ifndef USH_JOURNAL_VERIFY_H
#define USH_JOURNAL_VERIFY_H

#include "broker/journal/chain.h"

/* Files, oldest first, each of which goes on where the one before ended; chain->wanted may be set. "-" is stdin. What
 * FILE.head says beside the last one must be in it. USH_ERR_REJECTED as in chain.h; USH_ERR_CONFIG when one cannot be
 * read. */
int ush_journal_verify_all(struct ush_chain *chain, char *const *paths, size_t count, struct ush_error *err);

#endif
