/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking Keycloak's admin REST: a service account's token (client_credentials, RFC 6749 section 4.4), GETs that survive
 * an expired token, 429 and 5xx within a budget, and pages by first and max.
 */
#ifndef USH_SOURCE_KEYCLOAK_API_H
#define USH_SOURCE_KEYCLOAK_API_H

#include <jansson.h>

#include "broker/policy/policy.h"
#include "common/base/secret.h"
#include "common/base/world.h"

#define USH_KEYCLOAK_PAGE  100
#define USH_KEYCLOAK_TRIES 4
#define USH_KEYCLOAK_WHOLE 900000 /* ms: a listing that takes longer is incomplete */

struct ush_keycloak {
	const struct ush_world *world;
	const struct ush_policy_source *source;
	char *realm;      /* percent-encoded */
	char *ca_pem;     /* or NULL */
	struct ush_secret *basic; /* "client:secret", each form-encoded (RFC 6749 section 2.3.1) */
	struct ush_secret *token; /* NULL until the first GET */
	int64_t deadline;	  /* of the whole listing, by the boot clock */
};

/* Reads the secret and the CA. USH_ERR_CONFIG. */
int ush_keycloak_open(struct ush_keycloak *kc, const struct ush_world *world, const struct ush_policy_source *source, struct ush_error *err);
void ush_keycloak_close(struct ush_keycloak *kc);

/*
 * GET /admin/realms/REALM + path; what names it in messages ("page 3 of groups"). USH_ERR_INCOMPLETE when it could not
 * be had, with what to do in the hint where that is known.
 */
int ush_keycloak_get(struct ush_keycloak *kc, const char *path, const char *what, json_t **out, struct ush_error *err);

/* Every item of a listing, page by page up to a page that is not full. item returns -1 with why filled to stop. */
int ush_keycloak_list(struct ush_keycloak *kc, const char *path, const char *what,
		      int (*item)(void *context, const json_t *item, struct ush_error *err), void *context, struct ush_error *err);

#endif
