/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the ledger is kept: a ConfigMap beside the state. Whoever may write there decides who stays out, as with the state.
 */
#ifndef USH_LEDGER_LEDGER_STORE_H
#define USH_LEDGER_LEDGER_STORE_H

#include "broker/ledger/ledger.h"
#include "common/kube/client.h"

/* *version is the resourceVersion, NULL when there is none yet (the ledger is empty then, and has no uid; ledger_note.h knows
 * whether there was one); the caller frees; may be NULL.
 * USH_ERR_REFUSED when a ConfigMap of that name is not ours; USH_ERR_STORE when its content is spoilt. One request. */
int ush_ledger_load(struct ush_ledger *ledger, const struct ush_kube *kube, const char *namespace_name, const char *policy, char **version,
		    struct ush_error *err);

/*
 * Reads, lets `change` have its way, writes; begins anew (at most 8 times) when somebody else wrote in between, so two
 * people at once lose nothing. change: 1, write it; 0, there is nothing to write; -1 with err filled, stop. It may be
 * called more than once. The state namespace is there, or USH_ERR_CONFIG with the command that makes it.
 */
int ush_ledger_change(const struct ush_kube *kube, const char *namespace_name, const char *policy,
		      int (*change)(void *context, struct ush_ledger *ledger, struct ush_error *err), void *context, struct ush_error *err);

/* After ush_ledger_add said that there is no room: fails with code, and says how room is made. way: of a person to the ledger; may be NULL. */
int ush_ledger_full(const struct ush_ledger *ledger, const char *namespace_name, const char *policy, const struct ush_way *way, enum ush_code code,
		    struct ush_error *err);

/* The same of a rendered folder: the file .usher-ledger-POLICY, as ush_ledger_text writes it; empty when there is none. */
char *ush_ledger_file(const char *policy); /* that name; the caller frees */
int ush_ledger_load_file(struct ush_ledger *ledger, const char *folder, const char *policy, struct ush_error *err);

#endif
