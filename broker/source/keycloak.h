/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the source keycloak: what reading groups (keycloak.c) and ending sessions (revoke_keycloak.c) share.
 */
#ifndef USH_SOURCE_KEYCLOAK_H
#define USH_SOURCE_KEYCLOAK_H

#include "broker/source/api.h"

/* The realm's admin API; how: a kind whose sign_in is ush_keycloak_sign_in. USH_ERR_CONFIG, also without a secret. */
int ush_keycloak_open(struct ush_api *api, const struct ush_world *world, const struct ush_policy_source *source, const struct ush_api_kind *how,
		      struct ush_error *err);
int ush_keycloak_sign_in(struct ush_api *api, struct ush_error *err);

/* The revoke of the kind. */
int ush_keycloak_revoke(struct ush_revoke *r, struct ush_error *err);

#endif
