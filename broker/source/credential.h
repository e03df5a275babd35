/* SPDX-License-Identifier: Apache-2.0
 *
 * A source's secret, from where the policy says it is: secretFile, secretCommand, secretEnv, secretKeyring. Never from
 * the command line, never shown.
 */
#ifndef USH_SOURCE_CREDENTIAL_H
#define USH_SOURCE_CREDENTIAL_H

#include <stdbool.h>

#include "broker/policy/policy.h"
#include "common/base/secret.h"

/*
 * The secret, without the newline at its end. *out is NULL when the policy names none. A file must be ours or root's and
 * closed to others; a Secret mounted into a pod (a link inside its own folder, root's, on tmpfs or group-readable by our
 * own group) is taken as it is. A command has 30 s and inherits no terminal; what it says on stderr is passed on at its
 * end, without the secret. USH_ERR_CONFIG.
 */
int ush_credential_read(const struct ush_policy_source *source, struct ush_secret **out, struct ush_error *err);

/* The secret in a file, with the same demands; for what is no source. USH_ERR_CONFIG. */
int ush_credential_file(const char *path, struct ush_secret **out, struct ush_error *err);

/*
 * Keeps a copy until the program ends, of the newest 64: whoever was told a secret may quote it when we have it no longer, and
 * then it is still looked for in what leaves (common/base/scrub.h). Done by ush_credential_read and _federated; for tokens that
 * are obtained.
 */
void ush_credential_remember(const struct ush_secret *secret);

/* Where it comes from, for hints: "/run/secrets/keycloak", "$OKTA_TOKEN", "the keyring". The caller frees. */
char *ush_credential_where(const struct ush_policy_source *source);

/* A projected ServiceAccount token (setting federatedTokenFile), read anew at each call. USH_ERR_CONFIG. */
int ush_credential_federated(const struct ush_policy_source *source, struct ush_secret **out, struct ush_error *err);

#endif
