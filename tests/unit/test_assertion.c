/* SPDX-License-Identifier: Apache-2.0
 *
 * Assertions: what libjwt signs for us, our own verifier takes; what is no key for it is said before anything is asked.
 */
#include "tests/support/tap.h"

#include <openssl/pem.h>
#include <string.h>

#include "broker/source/assertion.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/oidc/jose.h"
#include "tests/support/jose.h"

static int64_t now_ms(void *context)
{
	(void)context;
	return 1800000000000;
}

static void random_bytes(void *context, void *out, size_t size)
{
	static unsigned char next;

	(void)context;
	memset(out, ++next, size);
}

static const struct ush_world world = {.now_ms = now_ms, .random = random_bytes};
static const struct ush_assertion everything = {.issuer = "client", .subject = "who", .audience = "https://idp.test/token", .scope = "a b", .key_id = "k1", .life = 300};
static struct ush_error err;

static struct ush_secret *pem_of(const EVP_PKEY *key, const char *passphrase)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct ush_secret *secret;
	char *text;
	long length;

	ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, key, passphrase != NULL ? EVP_aes_128_cbc() : NULL, (const unsigned char *)passphrase,
						  passphrase != NULL ? (int)strlen(passphrase) : 0, NULL, NULL), 1);
	length = BIO_get_mem_data(bio, &text);
	secret = ush_secret_new(text, (size_t)length);
	BIO_free(bio);
	return secret;
}

/* Signs, verifies with our own verifier, gives the claims. */
static json_t *signed_with(EVP_PKEY *key, const char *alg)
{
	USH_AUTO_SECRET pem = pem_of(key, NULL);
	USH_AUTO_SECRET token = NULL;
	USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "k1", alg, "sig"), NULL), *payload = NULL;
	struct ush_jwks *jwks = ush_jwks_read(set, strlen(set), &err);
	size_t length;
	bool unknown;
	json_t *claims;

	ck_assert_msg(ush_assertion_sign(&world, &everything, pem, "key.pem", &token, &err) == 0, "%s", err.what);
	ck_assert_msg(ush_jws_verify(ush_secret_reveal(token), ush_secret_length(token), jwks, &payload, &length, &unknown, &err) == 0, "%s: %s", alg, err.what);
	claims = json_loadb(payload, length, 0, NULL);
	ush_jwks_free(jwks);
	EVP_PKEY_free(key);
	return claims;
}

static void refused(EVP_PKEY *key, const char *passphrase, const char *why)
{
	USH_AUTO_SECRET pem = pem_of(key, passphrase);
	USH_AUTO_SECRET token = NULL;

	err = (struct ush_error){0};
	ck_assert_int_eq(ush_assertion_sign(&world, &everything, pem, "key.pem", &token, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	ck_assert_msg(strncmp(err.what, "key.pem: ", 9) == 0 && strstr(err.what, why) != NULL, "%s", err.what);
	ck_assert_ptr_null(token);
	EVP_PKEY_free(key);
}

START_TEST(each_kind_of_key_signs_with_its_own_algorithm)
{
	static const struct {
		const char *curve, *alg;
	} curves[] = {{"P-256", "ES256"}, {"P-384", "ES384"}, {"P-521", "ES512"}};

	for (size_t i = 0; i < USH_COUNT(curves); i++)
		json_decref(signed_with(jose_ec(curves[i].curve), curves[i].alg));
	json_decref(signed_with(jose_rsa(2048, 65537), "RS256"));
}
END_TEST

START_TEST(an_assertion_says_who_to_whom_and_how_long)
{
	USH_AUTO_JSON claims = signed_with(jose_ec("P-256"), "ES256");
	USH_AUTO_JSON other = signed_with(jose_ec("P-256"), "ES256");

	ck_assert_str_eq(ush_json_string(claims, "iss"), "client");
	ck_assert_str_eq(ush_json_string(claims, "sub"), "who");
	ck_assert_str_eq(ush_json_string(claims, "aud"), "https://idp.test/token");
	ck_assert_str_eq(ush_json_string(claims, "scope"), "a b");
	ck_assert_int_eq(json_integer_value(json_object_get(claims, "iat")), 1800000000 - 30);
	ck_assert_int_eq(json_integer_value(json_object_get(claims, "exp")), 1800000000 + 300);
	ck_assert_uint_eq(strlen(ush_json_string(claims, "jti")), 32);
	ck_assert_str_ne(ush_json_string(claims, "jti"), ush_json_string(other, "jti"));
}
END_TEST

START_TEST(a_key_that_signs_no_assertion_is_told_and_nothing_is_asked)
{
	refused(jose_rsa(1024, 65537), NULL, "1024 bits is too short");
	refused(jose_ec("secp256k1"), NULL, "signs no assertion");
	refused(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), NULL, "signs no assertion");
	refused(jose_ec("P-256"), "passphrase", "without a passphrase"); /* and nobody is asked for it */
}
END_TEST

START_TEST(what_is_no_key_is_told_and_not_repeated)
{
	static const char *const texts[] = {"s3cret", "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n", "{\"private_key\":\"s3cret\"}"};

	for (size_t i = 0; i < USH_COUNT(texts); i++) {
		USH_AUTO_SECRET key = ush_secret_new(texts[i], strlen(texts[i]));
		USH_AUTO_SECRET token = NULL;

		err = (struct ush_error){0};
		ck_assert_int_eq(ush_assertion_sign(&world, &everything, key, "key.pem", &token, &err), -1);
		ck_assert_ptr_nonnull(strstr(err.what, "holds no private key"));
		ck_assert_ptr_null(strstr(err.what, "s3cret"));
	}
}
END_TEST

TAP_MAIN("assertion", each_kind_of_key_signs_with_its_own_algorithm, an_assertion_says_who_to_whom_and_how_long,
	 a_key_that_signs_no_assertion_is_told_and_nothing_is_asked, what_is_no_key_is_told_and_not_repeated)
