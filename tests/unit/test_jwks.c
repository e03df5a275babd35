/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <openssl/bn.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/oidc/jose.h"
#include "common/oidc/jwks.h"
#include "tests/support/jose.h"
#include "tests/support/tap.h"

static struct ush_jwks *read_set(const char *text)
{
	struct ush_error err = {0};
	struct ush_jwks *jwks = ush_jwks_read(text, strlen(text), &err);

	ck_assert_msg(jwks != NULL, "%s: %s", text, err.what);
	return jwks;
}

/* The set must hold one key that may not be used, for a reason that has `why` in it. */
static void is_bad(json_t *jwk, const char *why)
{
	USH_AUTO_FREE char *text = jose_jwks(jwk, NULL);
	struct ush_error err = {0};
	struct ush_jwks *jwks;

	jwks = read_set(text);
	ck_assert_uint_eq(jwks->count, 1);
	ck_assert_int_eq(ush_jwk_check(&jwks->keys[0], &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_REJECTED);
	ck_assert_msg(strstr(err.what, why) != NULL, "wanted \"%s\", got \"%s\"", why, err.what);
	ush_jwks_free(jwks);
}

static void is_good(json_t *jwk)
{
	USH_AUTO_FREE char *text = jose_jwks(jwk, NULL);
	struct ush_error err = {0};
	struct ush_jwks *jwks = read_set(text);

	ck_assert_uint_eq(jwks->count, 1);
	ck_assert_msg(ush_jwk_check(&jwks->keys[0], &err) == 0, "%s", err.what);
	ush_jwks_free(jwks);
}

static char *random_modulus(int bits)
{
	BIGNUM *n = BN_new();
	char *hex, *out;

	BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
	hex = BN_bn2hex(n);
	out = ush_strdup(hex);
	OPENSSL_free(hex);
	BN_free(n);
	return out;
}

START_TEST(good_keys_are_taken)
{
	static const char *const curves[] = {"P-256", "P-384", "P-521"};

	for (size_t i = 0; i < USH_COUNT(curves); i++) {
		EVP_PKEY *key = jose_ec(curves[i]);

		is_good(jose_jwk(key, "k", NULL, "sig"));
		EVP_PKEY_free(key);
	}
	for (int bits = 2048; bits <= 3072; bits += 1024) {
		EVP_PKEY *key = jose_rsa(bits, 65537);

		is_good(jose_jwk(key, NULL, NULL, NULL));
		EVP_PKEY_free(key);
	}
}
END_TEST

START_TEST(rsa_keys_of_a_wrong_size_are_refused) /* T09 */
{
	static const int sizes[] = {512, 1024, 1536, 2047, 8193, 16384};

	for (size_t i = 0; i < USH_COUNT(sizes); i++) {
		USH_AUTO_FREE char *n = random_modulus(sizes[i]);
		USH_AUTO_FREE char *why = ush_printf("RSA key of %d bits", sizes[i]);

		is_bad(jose_jwk_rsa(n, "010001", "k"), why);
	}
}
END_TEST

START_TEST(rsa_keys_with_a_wrong_exponent_are_refused) /* T09 */
{
	static const char *const exponents[] = {"01",     "03",     "11",         "FFFF",
						"010000", "010002", "0100000001", "FFFFFFFFFFFFFFFF"};
	USH_AUTO_FREE char *n = random_modulus(2048);

	for (size_t i = 0; i < USH_COUNT(exponents); i++)
		is_bad(jose_jwk_rsa(n, exponents[i], "k"), "exponent");
}
END_TEST

START_TEST(rsa_moduli_that_are_none_are_refused) /* T09 */
{
	USH_AUTO_FREE char *n = random_modulus(2048);
	BIGNUM *prime = BN_new(), *small = NULL;
	char *hex;

	n[strlen(n) - 1] = 'E';
	is_bad(jose_jwk_rsa(n, "010001", "k"), "even modulus");
	BN_generate_prime_ex(prime, 2048, 0, NULL, NULL, NULL); /* a prime has a known private exponent */
	hex = BN_bn2hex(prime);
	is_bad(jose_jwk_rsa(hex, "010001", "k"), "not a sound RSA key");
	OPENSSL_free(hex);
	BN_dec2bn(&small, "3");
	BN_rand(prime, 2047, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
	BN_mul_word(prime, 3);
	hex = BN_bn2hex(prime);
	is_bad(jose_jwk_rsa(hex, "010001", "k"), "not a sound RSA key");
	OPENSSL_free(hex);
	BN_free(prime);
	BN_free(small);
}
END_TEST

START_TEST(roca_moduli_are_refused) /* T09 */
{
	USH_AUTO_FREE char *n = jose_roca_modulus();

	is_bad(jose_jwk_rsa(n, "010001", "k"), "ROCA");
}
END_TEST

static json_t *ec_jwk(const char *curve, const char *x, const char *y)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "kty", "EC", "kid", "k", "crv", curve, "x", x, "y", y);
}

START_TEST(points_that_are_not_on_their_curve_are_refused) /* T09 */
{
	static const char zero[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	static const char all[] = "__________________________________________8";
	EVP_PKEY *key = jose_ec("P-256"), *other = jose_ec("P-256");
	json_t *jwk = jose_jwk(key, NULL, NULL, NULL), *second = jose_jwk(other, NULL, NULL, NULL);
	const char *x = json_string_value(json_object_get(jwk, "x")),
		   *y = json_string_value(json_object_get(second, "y"));
	USH_AUTO_FREE char *longer = ush_printf("AA%s", x);

	is_bad(ec_jwk("P-256", x, y), "key that is none");
	is_bad(ec_jwk("P-256", zero, zero), "key that is none"); /* the point at infinity, as some write it */
	is_bad(ec_jwk("P-256", all, all), "key that is none");
	is_bad(ec_jwk("P-256", "", ""), "32 bytes");
	is_bad(ec_jwk("P-256", longer, y), "32 bytes");
	is_bad(ec_jwk("P-256", x, "AAAA"), "32 bytes");
	is_bad(ec_jwk("P-384", x, y), "48 bytes");
	json_decref(jwk);
	json_decref(second);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}
END_TEST

START_TEST(curves_out_of_the_list_are_refused) /* T09 */
{
	static const char *const curves[] = {"secp256k1",  "P-192",   "P-224",  "p-256",
					     "prime256v1", "Ed25519", "X25519", ""};
	EVP_PKEY *key = jose_ec("secp256k1");
	EVP_PKEY *real = jose_ec("P-256");

	is_bad(jose_jwk(key, "k", NULL, NULL), "curve other than");
	for (size_t i = 0; i < USH_COUNT(curves); i++) {
		json_t *jwk = jose_jwk(real, "k", NULL, NULL);

		json_object_set_new(jwk, "crv", json_string(curves[i]));
		is_bad(jwk, "curve other than");
	}
	EVP_PKEY_free(key);
	EVP_PKEY_free(real);
}
END_TEST

START_TEST(keys_with_missing_or_odd_members_are_refused)
{
	static const char *const numbers[] = {"", "A", "AQAB=", "AQ AB", "+/+/", "AQAC\n"};
	EVP_PKEY *key = jose_ec("P-256");
	json_t *jwk = jose_jwk(key, "k", NULL, NULL);

	json_object_set_new(jwk, "x", json_integer(7));
	is_bad(jwk, "32 bytes");
	jwk = jose_jwk(key, "k", NULL, NULL);
	json_object_del(jwk, "crv");
	is_bad(jwk, "curve other than");
	is_bad(json_pack("{s:s, s:s}", "kty", "RSA", "kid", "k"), "n or e");
	is_bad(json_pack("{s:s, s:i, s:i}", "kty", "RSA", "n", 7, "e", 3), "n or e");
	for (size_t i = 0; i < USH_COUNT(numbers); i++)
		is_bad(json_pack("{s:s, s:s, s:s}", "kty", "RSA", "n", numbers[i], "e", numbers[i]), "n or e");
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(keys_that_do_not_verify_are_passed_over)
{
	static const char *const others[] = {
		"{\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"kid\":\"k\"}",
		"{\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"kid\":\"k\",\"alg\":\"HS256\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\",\"kid\":\"k\"}",
		"{\"kty\":\"rsa\",\"n\":\"AAAA\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\",\"use\":\"enc\"}",
		"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\",\"use\":\"SIG\"}",
		"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\",\"use\":1}",
		"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\",\"alg\":\"RSA-OAEP\"}",
		"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\",\"alg\":\"HS256\"}",
		"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\",\"alg\":\"none\"}",
		"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\",\"alg\":256}",
		"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\",\"key_ops\":[\"encrypt\"]}",
		"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\",\"key_ops\":[]}",
		"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\",\"key_ops\":\"verify\"}",
		"{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQAB\",\"kid\":7}",
		"{\"kty\":7}",
		"{}",
		"null",
		"7",
		"[]",
	};

	for (size_t i = 0; i < USH_COUNT(others); i++) {
		USH_AUTO_FREE char *text = ush_printf("{\"keys\":[%s]}", others[i]);
		struct ush_jwks *jwks = read_set(text);

		ck_assert_msg(jwks->count == 0, "%s", others[i]);
		ush_jwks_free(jwks);
	}
}
END_TEST

static void set_is_refused(const char *text, const char *why)
{
	struct ush_error err = {0};

	ck_assert_ptr_null(ush_jwks_read(text, strlen(text), &err));
	ck_assert_int_eq(err.code, USH_ERR_REJECTED);
	ck_assert_msg(strstr(err.what, why) != NULL, "wanted \"%s\", got \"%s\"", why, err.what);
}

START_TEST(sets_over_their_caps_are_refused) /* T09: 101 keys */
{
	USH_AUTO_BUF many = {0}, fat = {0}, huge = {0};
	struct ush_jwks *jwks;

	ush_buf_puts(&many, "{\"keys\":[{}");
	for (int i = 1; i < 100; i++)
		ush_buf_puts(&many, ",{}");
	ush_buf_puts(&many, "]}");
	jwks = read_set(many.data);
	ush_jwks_free(jwks);
	many.length -= 2;
	ush_buf_puts(&many, ",{}]}");
	set_is_refused(many.data, "more than 100 keys");
	ush_buf_puts(&fat, "{\"keys\":[{\"kty\":\"RSA\",\"x5c\":[\"");
	while (fat.length < 17000)
		ush_buf_puts(&fat, "AAAAAAAAAAAAAAAA");
	ush_buf_puts(&fat, "\"]}]}");
	set_is_refused(fat.data, "key 0 is larger than 16 KiB");
	while (huge.length <= 512 << 10)
		ush_buf_puts(&huge, "                                                                ");
	set_is_refused(huge.data, "larger than 512 KiB");
}
END_TEST

START_TEST(texts_that_are_no_key_set_are_refused)
{
	static const char *const texts[] = {"",
					    "{",
					    "[]",
					    "7",
					    "null",
					    "{}",
					    "{\"keys\":{}}",
					    "{\"keys\":null}",
					    "{\"keys\":[]",
					    "\"keys\"",
					    "{\"keys\":[],\"keys\":[]}",
					    "{\"keys\":[]}x",
					    "<html></html>",
					    "{\"keys\":[\"\xff\"]}"};

	for (size_t i = 0; i < USH_COUNT(texts); i++)
		set_is_refused(texts[i], "");
}
END_TEST

TAP_MAIN("jwks", good_keys_are_taken, rsa_keys_of_a_wrong_size_are_refused, rsa_keys_with_a_wrong_exponent_are_refused,
	 rsa_moduli_that_are_none_are_refused, roca_moduli_are_refused, points_that_are_not_on_their_curve_are_refused,
	 curves_out_of_the_list_are_refused, keys_with_missing_or_odd_members_are_refused,
	 keys_that_do_not_verify_are_passed_over, sets_over_their_caps_are_refused,
	 texts_that_are_no_key_set_are_refused)
