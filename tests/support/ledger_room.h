/* SPDX-License-Identifier: Apache-2.0
 *
 * A sync_room in which somebody is put out, or given a role for a time.
 */
#ifndef USH_TEST_LEDGER_ROOM_H
#define USH_TEST_LEDGER_ROOM_H

#include "broker/ledger/ledger.h"
#include "tests/support/sync_room.h"

#define FOR_A_TIME STORY "elevation:\n  allow:\n  - {roles: [editor], namespaces: ['fancy-*'], max: 4h}\n"

/* spelling, and id (of source main), may be NULL. What the server was asked for that is forgotten. */
void ledger_room_deny(enum ush_ledger_kind kind, const char *name, const char *spelling, const char *id);

/* The editor's role for oidc:bob in fancy-namespace, by a seal of the policy or (NULL) without: -1 with room.err. */
int ledger_room_try_elevate(const char *seal, int64_t seconds);

/* The same, and it works; what the server was asked for that is forgotten. */
void ledger_room_elevate(const char *seal, int64_t seconds);

extern struct ush_ledger_entry ledger_room_made; /* by the last of them */

/* Its binding: the API path, owned by the caller, and whether it is there. */
char *ledger_room_path(void);
bool ledger_room_stands(void);

#endif
