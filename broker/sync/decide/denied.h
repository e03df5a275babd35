/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom the ledger keeps out, as the sync asks it: groups, people, namespaces. Pure, but for ush_denied_since.
 */
#ifndef USH_SYNC_DENIED_H
#define USH_SYNC_DENIED_H

#include "broker/ledger/ledger.h"
#include "broker/sync/want/desired.h"
#include "common/kube/client.h"

struct ush_plan;

/* Denied namespaces are as excluded ones. After ush_places_sort. */
void ush_denied_places(struct ush_places *places, const struct ush_ledger *ledger);

/* Before the first question: a hundred thousand people are asked for at the price of a look into a table each. */
void ush_denied_begin(struct ush_desired *desired);

/* The entry that keeps a group out, or NULL. source and id may be NULL: then text alone says which it is. */
const struct ush_ledger_entry *ush_denied_group(const struct ush_desired *desired, const char *source, const char *id, const char *text);

/* text: as the API server calls the person. */
const struct ush_ledger_entry *ush_denied_person(const struct ush_desired *desired, const char *text);
bool ush_denied_namespace(const struct ush_desired *desired, const char *name);

/* denied_since.c: whom the ledger denied when the plan was made. */
void ush_denied_note(struct ush_plan *plan, const struct ush_ledger *ledger);

/* USH_ERR_REFUSED, what_of_it in its message, when the ledger denies somebody whom it did not deny then; USH_ERR_INCOMPLETE when
 * it is not the one that the state notes, or the plan would. One request. */
int ush_denied_since(const struct ush_kube *kube, const struct ush_plan *plan, const char *noted, const char *what_of_it, struct ush_error *err);

#endif
