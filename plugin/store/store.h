/* SPDX-License-Identifier: Apache-2.0
 *
 * Where sessions rest. One file a store, one row of ops each; the contract suite in tests/unit/test_store.c runs over all.
 * Not found, locked and broken are told apart; a failed read never deletes; every call ends within its own deadline,
 * whatever the other side does.
 */
#ifndef USH_STORE_STORE_H
#define USH_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/secret.h"

enum ush_store_result {
	USH_STORE_OK,
	USH_STORE_ABSENT, /* it works, and has no such entry */
	USH_STORE_LOCKED, /* there, and nobody opened it */
	USH_STORE_BROKEN, /* not there, silent, or failing: err says why */
};

struct ush_store_ops {
	const char *name;  /* "keyring", "plain-file", "none" */
	const char *place; /* for people: "the keyring", "a file only you can read" */
	/* key is a binding (64 hex digits); label is for people who open the keyring. deadline_ms bounds the call. */
	enum ush_store_result (*load)(const char *key, int64_t deadline_ms, struct ush_secret **value, struct ush_error *err);
	enum ush_store_result (*save)(const char *key, const char *label, const struct ush_secret *value, int64_t deadline_ms,
				      struct ush_error *err);
	enum ush_store_result (*erase)(const char *key, int64_t deadline_ms, struct ush_error *err);
};

extern const struct ush_store_ops ush_store_keyring, ush_store_plain_file, ush_store_none;

#define USH_STORE_DEADLINE_MS 2500 /* so that sign-in with a silent keyring still takes less than 3 s more */

#endif
