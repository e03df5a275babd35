/* SPDX-License-Identifier: Apache-2.0
 *
 * The ways to a token: refresh (RFC 6749 section 6), browser (authorization code with PKCE S256, RFC 7636, on a loopback
 * listener, RFC 8252), device (RFC 8628); and revocation (RFC 7009). Each asks the provider, checks the ID token whole
 * (oidc/claims.h) and gives a grant; none stores or prints a token.
 */
#ifndef USH_FLOW_FLOW_H
#define USH_FLOW_FLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/world.h"
#include "common/oidc/claims.h"
#include "common/oidc/discovery.h"
#include "plugin/session/profile.h"
#include "plugin/session/session.h"

struct ush_grant {
	struct ush_secret *id_token, *refresh, *access; /* refresh NULL: none was given */
	struct ush_claims *claims;
	char *nonce;             /* of this sign-in, or NULL */
	int64_t refresh_expires; /* Unix seconds, 0 when not said */
	int64_t skew;            /* provider's clock (Date) minus ours, bounded to +-300 s */
};

struct ush_flow {
	const struct ush_world *world;
	const struct ush_profile *profile;
	struct ush_provider *provider;
	FILE *say;               /* where people read: stderr */
	int64_t deadline_ms;     /* boot clock: when asking a person ends */
	/* How a URL is opened; NULL: the profile's browser or xdg-open. A story test brings its own. */
	int (*open)(void *context, const char *url, struct ush_error *err);
	void *open_context;
};

/*
 * Refreshes. *ended is true when the provider ended the session (invalid_grant), the only failure that may do so:
 * USH_ERR_LOGIN then. Every other failure keeps it: USH_ERR_UNAVAILABLE (5xx, timeout, captive portal), USH_ERR_REJECTED
 * (an answer that must not be trusted). When no new refresh token comes, grant->refresh is a copy of the old one.
 */
struct ush_grant *ush_flow_refresh(const struct ush_flow *flow, const struct ush_session *session, bool *ended, struct ush_error *err);

/* Asks a person. USH_ERR_DECLINED when he says no or time runs out, USH_ERR_REJECTED on a bad answer. */
struct ush_grant *ush_flow_browser(const struct ush_flow *flow, struct ush_error *err);
struct ush_grant *ush_flow_device(const struct ush_flow *flow, struct ush_error *err);

/* RFC 7009 for the refresh token. Best effort of one request: USH_ERR_UNAVAILABLE or USH_ERR_REJECTED when it fails. */
int ush_flow_revoke(const struct ush_flow *flow, const struct ush_secret *refresh, struct ush_error *err);

void ush_grant_free(struct ush_grant *grant);
static inline void ush_grant_free_indirect(struct ush_grant **grant)
{
	ush_grant_free(*grant);
}
#define USH_AUTO_GRANT __attribute__((cleanup(ush_grant_free_indirect))) struct ush_grant *

/* ---- shared inside this room ---- */

/* token.c: POST to the token endpoint with the client's credentials added, error answers told apart: *oauth_error (owned,
 * may be NULL) is the `error` member of a 400/401 JSON answer. */
struct ush_grant *ush_token_request(const struct ush_flow *flow, const char *form, const struct ush_expect *expect, char **oauth_error,
				    struct ush_error *err);

/* callback.c: the loopback listener. */
struct ush_callback;
struct ush_callback *ush_callback_start(const struct ush_world *world, const char *authorization_host, struct ush_error *err);
const char *ush_callback_redirect_uri(const struct ush_callback *callback); /* http://127.0.0.1:PORT/RANDOM */
const char *ush_callback_start_url(const struct ush_callback *callback);    /* one-shot local URL that leads to the provider */
/* Sets where the start URL leads and which state and iss an answer must carry. */
void ush_callback_expect(struct ush_callback *callback, const char *authorization_url, const char *state, const char *issuer, bool iss_required);
/* Waits for the answer until deadline_ms (boot clock). *code is owned by the caller. The browser's page is served by
 * ush_callback_finish, after the exchange, so that it tells the truth. */
int ush_callback_wait(struct ush_callback *callback, int64_t deadline_ms, struct ush_secret **code, struct ush_error *err);
void ush_callback_finish(struct ush_callback *callback, bool signed_in);
void ush_callback_free(struct ush_callback *callback);

/* open.c: checks a URL (https, or http on loopback; rebuilt from its parts, printable ASCII) and starts the opener with
 * stdout on stderr. USH_ERR_REJECTED when the URL may not be opened. */
int ush_open_url(const char *opener, const char *url, struct ush_error *err);

#endif
