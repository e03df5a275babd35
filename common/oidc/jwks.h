/* SPDX-License-Identifier: Apache-2.0
 *
 * A JSON Web Key Set (RFC 7517) as public keys that may verify, under a policy: at most 100 keys of at most 16 KiB; RSA
 * 2048..8192 bits, e odd and 65537..2^32-1, no ROCA modulus, EVP_PKEY_public_check; EC on P-256, P-384, P-521 only; use
 * absent or "sig", key_ops absent or holding "verify". Symmetric keys, unknown types, unknown algorithms and keys for
 * encryption are passed over; a key that breaks the policy makes the set unusable only when the token asks for it. Two
 * keys that a token could mean (same kid) are an ambiguity, and refused.
 */
#ifndef USH_OIDC_JWKS_H
#define USH_OIDC_JWKS_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

struct ush_jwk {
	char *kid;      /* NULL when absent */
	char *alg;      /* NULL when absent */
	EVP_PKEY *key;  /* NULL when it breaks the policy */
	char *why;      /* why key is NULL: "RSA key of 1024 bits", else NULL */
	bool rsa;       /* else EC; told of broken keys too */
	int curve_bits; /* 256, 384, 521 for EC; 0 for RSA */
};

struct ush_jwks {
	struct ush_jwk *keys;
	size_t count;
};

struct ush_jwks *ush_jwks_read(const char *text, size_t length, struct ush_error *err); /* USH_ERR_REJECTED */
void ush_jwks_free(struct ush_jwks *jwks);

/* The part of the policy that costs (3 ms for 2048 bits, 0.1 s for 8192), for the one key that is going to be used:
 * key is there and EVP_PKEY_public_check holds. USH_ERR_REJECTED with the reason. */
int ush_jwk_check(const struct ush_jwk *jwk, struct ush_error *err);

/* OpenSSL with its default provider and no configuration file, made when first needed and kept. */
OSSL_LIB_CTX *ush_openssl(void);

/* True for the nine algorithms that may sign (RS, ES, PS with 256, 384, 512). */
bool ush_jws_algorithm_known(const char *name);

#endif
