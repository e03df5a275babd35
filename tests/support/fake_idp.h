/* SPDX-License-Identifier: Apache-2.0
 *
 * An OpenID provider in the test's own process, as the `http` of a world: no socket, no thread, keys made at run time,
 * and a clock that only sleeping moves. It knows discovery, JWKS, code with PKCE, refresh with rotation and reuse
 * detection, device flow, revocation; it lies, fails and stalls as it is told.
 *
 *   struct fake_idp *idp = fake_idp_new();
 *   fake_idp_fault(idp, "/token", (struct fake_answer){.status = 503});
 *   ... use &idp->world ...
 *   ck_assert_uint_eq(fake_idp_count(idp, "/token"), 1);
 */
#ifndef USH_TEST_FAKE_IDP_H
#define USH_TEST_FAKE_IDP_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/world.h"

#define FAKE_ISSUER "https://login.example.com"
#define FAKE_CLIENT "kubernetes"

struct fake_answer {
	int status;               /* 0: no answer at all, the exchange fails as unavailable */
	const char *content_type; /* NULL: application/json */
	const char *body;         /* NULL: "" */
};

struct fake_seen {
	char *path, *form, *basic; /* basic: "id:secret" or NULL */
};

struct fake_idp {
	struct ush_world world;
	int64_t now_ms, boot_ms; /* sleeping moves both */
	int64_t per_look_ms;     /* each look at the boot clock moves it so far: for a wait that nobody ends */
	int64_t date_skew;       /* seconds that the Date header is off; INT64_MIN: no Date */
	bool end_asked;          /* sleeping says that a signal came */
	int64_t sleeps[256];     /* what was slept, ms */
	size_t sleep_count;

	/* who signs in, and what the provider can */
	const char *subject, *email;
	const char *groups[8]; /* ended by NULL */
	int64_t id_life;       /* seconds */
	int64_t refresh_life;  /* refresh_expires_in, 0: not said */
	bool iss_parameter, no_device, no_revocation, no_refresh_token, no_rotation, no_id_token_on_refresh,
		no_nonce_on_refresh;
	const char *claims_patch;  /* JSON object laid over the next ID tokens' claims, or NULL */
	const char *client_secret; /* wanted by HTTP Basic, or NULL for a public client */
	bool narrow_scope;         /* a refresh that names a scope is invalid_scope */
	bool offline_forbidden; /* who asks for offline_access is refused when the code is exchanged, as Keycloak does
				 */
	const char *granted;    /* the `scope` of answers, NULL: not said */

	/* device flow: what polls are told, in order; the last stays. NULL: tokens */
	const char *const *device_script;
	const char *device_answer; /* JSON laid over the invitation, or NULL */
	size_t polls;
	int64_t poll_ms[256]; /* boot clock of each */

	/* what happened */
	struct fake_seen seen[512];
	size_t seen_count;
	int generation;   /* the refresh token that counts is "rt-GENERATION" */
	bool family_dead; /* reuse, or revoked */
	bool device_offline;
	char *device_challenge, *nonce; /* of the newest sign-in */
	EVP_PKEY *key;
	struct {
		const char *path;
		struct fake_answer answer;
	} faults[32];
	size_t fault_count, fault_next;
};

struct fake_idp *fake_idp_new(void);
void fake_idp_free(struct fake_idp *idp);

/* The next request for path that has a fault waiting gets it, once. */
void fake_idp_fault(struct fake_idp *idp, const char *path, struct fake_answer answer);

/* Requests for path so far; NULL: all. */
size_t fake_idp_count(const struct fake_idp *idp, const char *path);

/* The decoded member of the form of the n-th request for path, or NULL; the caller frees. */
char *fake_idp_form(const struct fake_idp *idp, const char *path, size_t n, const char *key);

/* What the person's browser does at the authorization endpoint: the URL that it is sent back to. The caller frees.
 * Stateless, so a forked child may call it. NULL when the request is not as it must be (PKCE S256, state, nonce...). */
char *fake_idp_authorize(const struct fake_idp *idp, const char *authorization_url);

/* As if another process had refreshed: the new refresh token; the caller frees. */
char *fake_idp_rotate(struct fake_idp *idp);

#endif
