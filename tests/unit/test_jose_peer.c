/* SPDX-License-Identifier: Apache-2.0
 *
 * Our verifier against an independent signer: tokens that libjwt made are taken, and what libjwt would take although it
 * must not be taken (SECURITY.md: why it is not our verifier) is refused.
 */
#include <jwt.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "tests/support/jose.h"
#include "tests/support/tap.h"
#include "tests/support/verdict.h"

static const struct {
	const char *name;
	jwt_alg_t alg;
} signers[] = {
	{"RS256", JWT_ALG_RS256}, {"RS384", JWT_ALG_RS384}, {"RS512", JWT_ALG_RS512},
	{"ES256", JWT_ALG_ES256}, {"ES384", JWT_ALG_ES384}, {"ES512", JWT_ALG_ES512},
};

static char *private_pem(EVP_PKEY *key)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text, *copy;
	long length;

	ck_assert_int_eq(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	length = BIO_get_mem_data(out, &text);
	copy = ush_strndup(text, (size_t)length);
	BIO_free(out);
	return copy;
}

/* A token of libjwt's with the claims that verdict() expects. */
static char *theirs(jwt_alg_t alg, const char *key, const char *kid)
{
	jwt_t *jwt = NULL;
	char *token;

	ck_assert_int_eq(jwt_new(&jwt), 0);
	ck_assert_int_eq(jwt_add_grants_json(jwt, payload), 0);
	ck_assert_int_eq(jwt_add_header(jwt, "kid", kid), 0);
	ck_assert_int_eq(jwt_set_alg(jwt, alg, (const unsigned char *)key, (int)strlen(key)), 0);
	token = jwt_encode_str(jwt);
	ck_assert_ptr_nonnull(token);
	jwt_free(jwt);
	return token;
}

START_TEST(what_another_implementation_signs_is_taken)
{
	for (size_t i = 0; i < USH_COUNT(signers); i++) {
		EVP_PKEY *key = key_for(signers[i].name);
		USH_AUTO_FREE char *pem = private_pem(key);
		USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "a", signers[i].name, "sig"), NULL);
		USH_AUTO_FREE char *token = theirs(signers[i].alg, pem, "a");

		taken(token, set);
		EVP_PKEY_free(key);
	}
}
END_TEST

START_TEST(what_libjwt_takes_from_a_confused_caller_is_refused_here)
{
	EVP_PKEY *key = key_for("RS256");
	USH_AUTO_FREE char *public_key = jose_pem(key);
	USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "a", NULL, "sig"), NULL);
	char *token = theirs(JWT_ALG_HS256, public_key, "a");
	jwt_t *jwt = NULL;

	ck_assert_int_eq(jwt_decode(&jwt, token, (const unsigned char *)public_key, (int)strlen(public_key)), 0);
	jwt_free(jwt);
	refused(token, set, "alg is none of");
	EVP_PKEY_free(key);
}
END_TEST

TAP_MAIN("jose_peer", what_another_implementation_signs_is_taken, what_libjwt_takes_from_a_confused_caller_is_refused_here)
