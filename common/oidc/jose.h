/* SPDX-License-Identifier: Apache-2.0
 *
 * The trust decision: a compact JWS (RFC 7515) verified with OpenSSL. Exactly RS/ES/PS 256/384/512, which is what
 * kube-apiserver takes; the algorithm must fit the key (type, curve, its alg); strict base64url (RFC 4648 section 5, no
 * padding, no stray bits); exactly three non-empty segments; 64 KiB at most; crit refused; jwk, jku, x5u, x5c ignored;
 * typ "at+jwt" and encrypted tokens refused; the payload is parsed only after the signature held. No HMAC code exists.
 */
#ifndef USH_OIDC_JOSE_H
#define USH_OIDC_JOSE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/oidc/jwks.h"

#define USH_JWS_MAX 65536

/*
 * Verifies and gives the payload's bytes (owned by the caller). *unknown_key is set when the one thing wrong is that no
 * key of the set has the token's kid, or that a token without a kid fits no key of the set: a fresh set may help. Every
 * refusal is USH_ERR_REJECTED with the reason in words; no part of the token is quoted. Payload NUL terminated.
 */
int ush_jws_verify(const char *token, size_t length, const struct ush_jwks *jwks, char **payload,
		   size_t *payload_length, bool *unknown_key, struct ush_error *err);

/* Strict base64url. out holds at least 3 * length / 4 bytes; returns the number written, or -1. */
long ush_base64url_decode(const char *text, size_t length, unsigned char *out);

/* Unpadded base64url; the caller frees. */
char *ush_base64url_encode(const void *data, size_t length);

#endif
