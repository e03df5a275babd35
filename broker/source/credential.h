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
 * own group) is taken as it is. A command has 30 s and inherits no terminal. USH_ERR_CONFIG.
 */
int ush_credential_read(const struct ush_policy_source *source, struct ush_secret **out, struct ush_error *err);

/* Where it comes from, for hints: "/run/secrets/keycloak", "$OKTA_TOKEN", "the keyring". The caller frees. */
char *ush_credential_where(const struct ush_policy_source *source);

/* A projected ServiceAccount token (setting federatedTokenFile), read anew at each call. USH_ERR_CONFIG. */
int ush_credential_federated(const struct ush_policy_source *source, struct ush_secret **out, struct ush_error *err);

#endif
