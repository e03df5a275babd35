/* SPDX-License-Identifier: Apache-2.0
 *
 * The claims of an ID token (OpenID Connect Core 3.1.3.7 and 12.2), after the signature held.
 */
#ifndef USH_OIDC_CLAIMS_H
#define USH_OIDC_CLAIMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/world.h"
#include "common/oidc/discovery.h"

struct ush_expect {
	const char *issuer;  /* equal byte for byte */
	const char *client;  /* in aud; azp must be it when there are several audiences, or when azp is there */
	const char *nonce;   /* equal; NULL: not looked at (none was sent, or the session's is not known) */
	bool nonce_optional; /* on refresh and device flow the token may leave it out */
	const char *subject; /* on refresh: the session's sub, equal; NULL: any non-empty one */
	const struct ush_secret *access_token; /* at_hash is checked when both are there */
	int64_t now;                           /* Unix seconds */
	int64_t leeway;                        /* seconds, both ways, at most 300 (more is taken as 300) */
};

struct ush_claims {
	char *subject;
	char *email;   /* or NULL; preferred_username when there is no e-mail */
	json_t *all;   /* the whole payload */
	char **groups; /* of the claim "groups": a list of strings, or one string. None when it is absent, null, or
			* kept elsewhere by the provider (_claim_names, hasgroups): the API server sees none either */
	size_t group_count;
	int64_t issued, expires;
};

/* The pure half: payload must be a JSON object that meets expect. USH_ERR_REJECTED naming the claim. NULL on failure.
 */
struct ush_claims *ush_claims_read(const char *payload, size_t length, const struct ush_expect *expect,
				   struct ush_error *err);
void ush_claims_free(struct ush_claims *claims);

static inline void ush_claims_free_indirect(struct ush_claims **claims)
{
	ush_claims_free(*claims);
}
#define USH_AUTO_CLAIMS __attribute__((cleanup(ush_claims_free_indirect))) struct ush_claims *

/*
 * The whole check of an ID token: keys from the provider's cache or from jwks_uri, signature, claims. An unknown kid
 * fetches the keys again once, and not within 30 s of the last fetch (kept on disk, so many processes count together).
 */
struct ush_claims *ush_id_token_check(const struct ush_world *world, struct ush_provider *provider,
				      const struct ush_secret *token, const struct ush_expect *expect,
				      struct ush_error *err);

#endif
