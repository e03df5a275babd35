/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys made at run time, the key sets that publish them, and tokens: signed as a provider does with any of the nine
 * algorithms, or forged. Every text that is returned is the caller's to free. Aborts when OpenSSL refuses.
 */
#ifndef USH_TEST_JOSE_H
#define USH_TEST_JOSE_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

EVP_PKEY *jose_rsa(int bits, unsigned long exponent);
EVP_PKEY *jose_ec(const char *curve); /* "P-256", or any name OpenSSL knows ("secp256k1") */

/* The public half as a JWK; kid, alg and use are left out when NULL. */
json_t *jose_jwk(const EVP_PKEY *key, const char *kid, const char *alg, const char *use);
/* An RSA JWK of any two numbers, given in hex: for keys that no honest generator makes. */
json_t *jose_jwk_rsa(const char *n_hex, const char *e_hex, const char *kid);
/* A modulus of 2048 bits of the ROCA kind, hex. */
char *jose_roca_modulus(void);

/* {"keys": [...]} as text. Takes the references of the keys; the list ends with NULL. */
char *jose_jwks(json_t *first, ...) __attribute__((sentinel));

/* {"alg":ALG,"kid":KID}, kid left out when NULL. */
char *jose_header(const char *alg, const char *kid);

/* A compact JWS. The header is text as it is, whatever it says; alg is how the signature is made. */
char *jose_sign(const EVP_PKEY *key, const char *alg, const char *header, const char *payload);
/* The everyday case: header made of alg and kid. */
char *jose_token(const EVP_PKEY *key, const char *alg, const char *kid, const char *payload);

/* Forgeries: HMAC-SHA-256 over any bytes, any bytes as signature, an ECDSA signature in DER, PSS with a salt of that
 * length. */
char *jose_hs256(const void *secret, size_t length, const char *header, const char *payload);
char *jose_unsigned(const char *header, const char *payload, const void *signature, size_t length);
char *jose_sign_der(const EVP_PKEY *key, const char *header, const char *payload);
char *jose_sign_salt(const EVP_PKEY *key, const char *alg, const char *header, const char *payload, int salt);

/* The public key as texts and bytes that a confused verifier might take for an HMAC secret. */
char *jose_pem(const EVP_PKEY *key);
unsigned char *jose_der(const EVP_PKEY *key, size_t *length);

#endif
