/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the source google: who signs in. A service account that an administrator of the domain let read groups on his
 * behalf (domain-wide delegation) signs a JWT for it (RFC 7523 section 2.1), and the token endpoint gives a token for that.
 * It signs with its own key; or, where no key may lie about, Google signs for whoever holds a projected ServiceAccount
 * token: that is exchanged (RFC 8693) for a token that may call signJwt.
 */
#ifndef USH_SOURCE_GOOGLE_H
#define USH_SOURCE_GOOGLE_H

#include "broker/source/reading.h"

#define USH_GOOGLE_API	 "https://admin.googleapis.com"
#define USH_GOOGLE_SCOPE "https://www.googleapis.com/auth/"

struct ush_google {
	struct ush_reading r; /* of groups */
	struct ush_api *api;  /* that is asked; its context is the whole */
	const char *scopes, *delegate; /* what a token is for, and how a hint calls that */
	/* what the credential says, JSON of type service_account or external_account; borrowed from `file` */
	json_t *file;
	struct ush_secret *key; /* service_account: its private key */
	const char *key_id, *account, *token_url, *audience;
	/* external_account */
	const char *pool, *subject_type, *exchange_url;
	char *sign_url, *account_text;
};

/* Reads the credential; asks nothing. USH_ERR_CONFIG. */
int ush_google_credential(struct ush_google *google, struct ush_error *err);
void ush_google_credential_free(struct ush_google *google);

/* The sign_in of the kind; api->context is a struct ush_google. */
int ush_google_sign_in(struct ush_api *api, struct ush_error *err);

/* The wait of the kind: Google says "too many" by 403 as well, and names no time. */
int64_t ush_google_wait(const struct ush_api *api, const struct ush_http_response *response, bool *again);

/* The revoke of the kind. */
int ush_google_revoke(struct ush_revoke *r, struct ush_error *err);

#endif
