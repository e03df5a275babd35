/* SPDX-License-Identifier: Apache-2.0
 *
 * Seals of break-glass grants: an Ed25519 signature (RFC 8032) over all that the grant says, made beforehand by who has the
 * private key. The policy names the file of the public key; whoever can write the policy alone can seal nothing.
 */
#ifndef USH_LIFECYCLE_SEAL_H
#define USH_LIFECYCLE_SEAL_H

#include "broker/policy/policy.h"
#include "common/base/error.h"

/* The text that is signed: canonical JSON. The caller frees. */
char *ush_seal_content(const struct ush_policy *policy, const struct ush_seal *seal);

/* The signature, base64url; key is a PEM file with a private Ed25519 key that nobody else may read. NULL: USH_ERR_CONFIG. The
 * caller frees. */
char *ush_seal_sign(const struct ush_policy *policy, const struct ush_seal *seal, const char *key, struct ush_error *err);

/* USH_ERR_REFUSED: there is no seal, it does not fit, its end has come, or the public key is no file of root's alone. */
int ush_seal_check(const struct ush_policy *policy, const struct ush_seal *seal, int64_t now, struct ush_error *err);

#endif
