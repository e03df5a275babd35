/* SPDX-License-Identifier: Apache-2.0
 *
 * The ways to a token: refresh (RFC 6749 section 6), browser (authorization code with PKCE S256, RFC 7636, on a
 * loopback listener, RFC 8252), device (RFC 8628); and revocation (RFC 7009). Each asks the provider, checks the ID
 * token whole (oidc/claims.h) and gives a grant; none stores or prints a token.
 */
#ifndef USH_FLOW_FLOW_H
#define USH_FLOW_FLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/base/world.h"
#include "common/net/http.h"
#include "common/oidc/claims.h"
#include "common/oidc/discovery.h"
#include "plugin/session/profile.h"
#include "plugin/session/session.h"

struct ush_grant {
	struct ush_secret *id_token, *refresh, *access; /* refresh NULL: none was given */
	size_t id_token_size; /* as it came: one that is too large is not taken, and id_token is NULL */
	struct ush_claims *claims;
	char *nonce;             /* of this sign-in, or NULL */
	char *scope;             /* granted, as the provider says, or NULL: as asked (RFC 6749 section 5.1) */
	int64_t refresh_expires; /* Unix seconds, 0 when not said */
	int64_t skew;            /* provider's clock (Date) minus ours, bounded to +-300 s */
};

struct ush_flow {
	const struct ush_world *world;
	const struct ush_profile *profile;
	struct ush_provider *provider;
	FILE *say;           /* where people read: stderr */
	int64_t deadline_ms; /* boot clock: when a browser sign-in ends (device flow: what the provider says) */
	/* How a URL is opened; NULL: the profile's browser or xdg-open. A story test brings its own. */
	int (*open)(void *context, const char *url, struct ush_error *err);
	void *open_context;
	/* Told that a person is asked from now on, and until when (boot clock). May be NULL. */
	void (*asks)(void *context, int64_t deadline_ms);
	void *asks_context;
	bool *unanswered; /* set to true when the time ran out and nobody had answered. May be NULL */
	/* Do not ask for offline_access: the session ends with the person's own at the provider. And: set to true when
	 * the provider refused because of it (realms may forbid it, and still give refresh tokens). May be NULL. */
	bool online;
	bool *offline_refused;
};

/*
 * Refreshes. *ended is true when the provider ended the session (invalid_grant), the only failure that may do so:
 * USH_ERR_LOGIN then. Every other failure keeps it: USH_ERR_UNAVAILABLE (5xx, timeout, captive portal),
 * USH_ERR_REJECTED (an answer that must not be trusted). When no new refresh token comes, grant->refresh is a copy of
 * the old one. *rotated (owned, NULL on success) is the refresh token that came with an answer whose ID token failed
 * its check: the one we sent is spent by then, so the caller keeps the new one. It stays bound to the session's
 * subject.
 */
struct ush_grant *ush_flow_refresh(const struct ush_flow *flow, const struct ush_session *session, bool *ended,
				   struct ush_secret **rotated, struct ush_error *err);

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

/* say.c: one line for people, "usher: " first, the rest sanitised (text.h) after formatting, so external text goes in
 * raw. */
void ush_say(FILE *say, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* open.c: checks a URL (https, or http on loopback; printable ASCII without quotes, spaces or backslashes; rebuilt from
 * its parts) and starts the opener with it as the one argument, no shell, stdout on stderr, without waiting for it.
 * opener NULL is ush_open_default(). USH_ERR_REJECTED when the URL may not be opened, USH_ERR_UNAVAILABLE when nothing
 * can open it. */
int ush_open_url(const char *opener, const char *url, struct ush_error *err);
/* The system's opener (an absolute path), or NULL when there is none. PATH is not asked: a kubeconfig may set it. */
const char *ush_open_default(void);
/* True when there is a display and something that opens a URL on it. */
bool ush_open_possible(const char *opener);

/* ---- shared inside this room ---- */

/* client.c: what a client says to its provider. */
struct ush_pkce {
	struct ush_secret *verifier;
	char *challenge; /* S256 of it (RFC 7636 section 4.2) */
};
void ush_pkce_make(const struct ush_world *world, struct ush_pkce *pkce);
void ush_pkce_free(struct ush_pkce *pkce);
#define USH_AUTO_PKCE __attribute__((cleanup(ush_pkce_free))) struct ush_pkce

/* 256 random bits as base64url; the caller frees. */
char *ush_client_random(const struct ush_world *world);
/* "openid", "offline_access" unless flow->online, and the profile's scopes, each once; the caller frees. */
char *ush_client_scope(const struct ush_flow *flow);
/* Looks at a refusal's error for what flow->offline_refused tells. */
void ush_client_refused(const struct ush_flow *flow, const char *error);
/* POSTs the form with the client's credentials: client_id in the form, or HTTP Basic when there is a secret (RFC 6749
 * section 2.3.1). The form is changed. */
int ush_client_post(const struct ush_flow *flow, const char *url, struct ush_buf *form,
		    struct ush_http_response *response, struct ush_error *err);

/* token.c: a request to the token endpoint, and the check of what comes. */
struct ush_token_answer {
	char *error, *description;  /* the provider's refusal (RFC 6749 section 5.2), raw, or NULL */
	int status;                 /* of the HTTP answer, 0 when there was none */
	bool granted;               /* the provider gave tokens, whatever their check said */
	struct ush_secret *refresh; /* the refresh token of tokens that failed their check, or NULL */
};
void ush_token_answer_free(struct ush_token_answer *answer);
#define USH_AUTO_ANSWER __attribute__((cleanup(ush_token_answer_free))) struct ush_token_answer

/*
 * expect->now, leeway and access_token are filled in here. With expect->subject (a refresh) an HTML page or a redirect
 * is somebody's login page in between (USH_ERR_UNAVAILABLE); without, it is a bad answer (USH_ERR_REJECTED). Errors
 * begin with the provider's host.
 */
struct ush_grant *ush_token_request(const struct ush_flow *flow, struct ush_buf *form, const struct ush_expect *expect,
				    struct ush_token_answer *answer, struct ush_error *err);
/* Fills error and description from a refusal's JSON body; nothing when it is none. */
void ush_token_refusal(struct ush_token_answer *answer, const struct ush_http_response *response);

/*
 * callback.c: the loopback listener (RFC 8252 section 7.3), on 127.0.0.1 and a port of the kernel's choice. One request
 * ends the wait: GET on the redirect URI, our Host, no Origin, the right state. Everything else gets a 4xx and changes
 * nothing.
 */
struct ush_callback;
struct ush_callback *ush_callback_start(const struct ush_world *world, struct ush_error *err);
const char *ush_callback_redirect_uri(const struct ush_callback *callback); /* http://127.0.0.1:PORT/callback */
const char *
ush_callback_start_url(const struct ush_callback *callback); /* one-shot local URL that leads to the provider */
/* Sets where the start URL leads and which state and iss (RFC 9207) an answer must carry. */
void ush_callback_expect(struct ush_callback *callback, const char *authorization_url, const char *state,
			 const char *issuer, bool iss_required);
/* Waits for the answer until deadline_ms (boot clock). *code is owned by the caller. USH_ERR_DECLINED: access_denied,
 * Ctrl-C, or the time ran out; USH_ERR_REJECTED: any other error answer, a wrong iss. The browser's page is served by
 * ush_callback_finish, after the exchange, so that it tells the truth. */
int ush_callback_wait(struct ush_callback *callback, int64_t deadline_ms, struct ush_secret **code,
		      struct ush_error *err);
/* The `error` of an answer that ended the wait, or NULL. */
const char *ush_callback_refusal(const struct ush_callback *callback);
void ush_callback_finish(struct ush_callback *callback, bool signed_in);
void ush_callback_free(struct ush_callback *callback);

static inline void ush_callback_free_indirect(struct ush_callback **callback)
{
	ush_callback_free(*callback);
}
#define USH_AUTO_CALLBACK __attribute__((cleanup(ush_callback_free_indirect))) struct ush_callback *

#endif
