/* SPDX-License-Identifier: Apache-2.0
 *
 * A signed assertion in place of a password (RFC 7523; private_key_jwt of OpenID Connect Core section 9): a short-lived
 * JWT over a private key that never leaves this machine. libjwt signs.
 */
#ifndef USH_SOURCE_ASSERTION_H
#define USH_SOURCE_ASSERTION_H

#include <stdint.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/world.h"

struct ush_assertion {
	const char *issuer, *audience;
	const char *subject; /* or NULL */
	const char *scope;   /* or NULL */
	const char *key_id;  /* of the header, or NULL */
	int64_t life;	     /* seconds from now */
};

/*
 * Signs with a private key in PEM without a passphrase: RS256 for RSA of 2048 bits or more, ES256, ES384, ES512 for the
 * curves P-256, P-384, P-521. where names the key in messages. It is issued half a minute ago, for servers whose clock is
 * late, and has an id of its own (jti). USH_ERR_CONFIG.
 */
int ush_assertion_sign(const struct ush_world *world, const struct ush_assertion *assertion, const struct ush_secret *key, const char *where,
		       struct ush_secret **out, struct ush_error *err);

#define USH_ASSERTION_CLIENT "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" /* client_assertion_type, RFC 7523 section 2.2 */
#define USH_ASSERTION_GRANT  "urn:ietf:params:oauth:grant-type:jwt-bearer"	      /* grant_type, RFC 7523 section 2.1 */

#endif
