/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the keyring store: bus.c finds the session bus and judges it, talk.c speaks to the Secret Service through
 * libsecret, keyring.c runs that in a child with a deadline. Nothing else includes this.
 */
#ifndef USH_STORE_KEYRING_H
#define USH_STORE_KEYRING_H

#include "plugin/store/store.h"

/*
 * The address of the session bus: DBUS_SESSION_BUS_ADDRESS, or $XDG_RUNTIME_DIR/bus when that is not set. Only a unix
 * socket whose other end is a process of ours is taken (tcp: and unixexec: are somebody else's idea); nothing is sent to
 * find that out. The caller frees. NULL with USH_ERR_STORE.
 */
char *ush_bus_address(struct ush_error *err);

enum ush_keyring_act { USH_KEYRING_LOAD, USH_KEYRING_SAVE, USH_KEYRING_ERASE };

struct ush_keyring_request {
	enum ush_keyring_act act;
	const char *key, *label;
	const struct ush_secret *value;
};

/* In the child: may block for ever. *found is the value of a load. Never unlocks, never asks a person, never deletes but
 * on USH_KEYRING_ERASE. */
enum ush_store_result ush_keyring_talk(const struct ush_keyring_request *request, struct ush_secret **found, struct ush_error *err);

/* What a keyring may hold: one line of base64url, at most 16 KiB. */
bool ush_keyring_value_ok(const char *text, size_t length);

#endif
