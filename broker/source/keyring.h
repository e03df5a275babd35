/* SPDX-License-Identifier: Apache-2.0
 *
 * A secret from the desktop's keyring (freedesktop.org Secret Service).
 */
#ifndef USH_SOURCE_KEYRING_H
#define USH_SOURCE_KEYRING_H

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/kube/rbac.h"

/*
 * The secret of the one item that has all the attributes ("key=value"). It is never unlocked and nobody is asked. A
 * keyring that does not answer within 15 s, is locked, or has none or several such items, is USH_ERR_CONFIG.
 */
int ush_keyring_read(const struct ush_list *attributes, struct ush_secret **out, struct ush_error *err);

#endif
