/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/oidc/jose.h"
#include "common/oidc/jwks.h"
#include "tests/support/jose.h"
#include "tests/support/tap.h"
#include "tests/support/verdict.h"

START_TEST(the_nine_algorithms_are_taken)
{
	EVP_PKEY *rsa = key_for("RS256");

	for (size_t i = 0; i < USH_COUNT(nine); i++) {
		EVP_PKEY *key = nine[i][0] == 'E' ? key_for(nine[i]) : rsa;
		USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "k1", NULL, "sig"), NULL);
		USH_AUTO_FREE char *bound = jose_jwks(jose_jwk(key, "k1", nine[i], NULL), NULL);
		USH_AUTO_FREE char *token = jose_token(key, nine[i], "k1", payload);

		taken(token, set);
		taken(token, bound);
		if (key != rsa)
			EVP_PKEY_free(key);
	}
	EVP_PKEY_free(rsa);
}
END_TEST

START_TEST(a_token_signed_with_hmac_over_a_public_key_is_refused) /* T04 */
{
	static const char *const algs[] = {"HS256", "HS384", "HS512", "RS256"};
	EVP_PKEY *key = key_for("RS256");
	json_t *jwk = jose_jwk(key, "k1", NULL, NULL);
	USH_AUTO_FREE char *jwk_text = json_dumps(jwk, JSON_COMPACT);
	USH_AUTO_FREE char *n_text = ush_strdup(json_string_value(json_object_get(jwk, "n")));
	USH_AUTO_FREE char *set = jose_jwks(jwk, NULL);
	USH_AUTO_FREE char *pem = jose_pem(key);
	USH_AUTO_FREE unsigned char *n = ush_alloc(strlen(n_text));
	size_t der_length, n_length = (size_t)ush_base64url_decode(n_text, strlen(n_text), n);
	USH_AUTO_FREE unsigned char *der = jose_der(key, &der_length);
	const struct {
		const void *data;
		size_t length;
	} secrets[] = {{pem, strlen(pem)},       {pem, strlen(pem) - 1},       {der, der_length},  {n, n_length},
		       {n_text, strlen(n_text)}, {jwk_text, strlen(jwk_text)}, {set, strlen(set)}, {"", 0}};

	for (size_t i = 0; i < USH_COUNT(secrets); i++)
		for (size_t a = 0; a < USH_COUNT(algs); a++) {
			USH_AUTO_FREE char *header = jose_header(algs[a], "k1");
			USH_AUTO_FREE char *bare = jose_header(algs[a], NULL);
			const char *why = algs[a][0] == 'H' ? "alg is none of" : "signature is not the provider's";

			refused(jose_hs256(secrets[i].data, secrets[i].length, header, payload), set, why);
			refused(jose_hs256(secrets[i].data, secrets[i].length, bare, payload), set, why);
		}
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(an_unsigned_token_is_refused) /* T05 */
{
	static const char *const algs[] = {"none",   "None",  "NONE",  "nOnE",   "none ", "",   "rs256", "Rs256",
					   "RS256 ", "RS257", "EdDSA", "ES256K", "RS1",   "PS", "*"};
	EVP_PKEY *key = key_for("RS256");
	USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "k1", NULL, NULL), NULL);
	USH_AUTO_FREE char *good = jose_token(key, "RS256", "k1", payload);
	USH_AUTO_FREE char *right = jose_header("RS256", "k1");
	static const unsigned char zeros[256];

	*strrchr(good, '.') = '\0';
	refused(ush_printf("%s.", good), set, "not signed");
	refused(ush_strdup(good), set, "three parts");
	refused(jose_unsigned(right, payload, zeros, 1), set, "signature is not");
	refused(jose_unsigned(right, payload, zeros, sizeof zeros), set, "signature is not");
	for (size_t i = 0; i < USH_COUNT(algs); i++) {
		USH_AUTO_FREE char *header = jose_header(algs[i], "k1");

		refused(jose_unsigned(header, payload, "", 0), set, "not signed");
		refused(jose_unsigned(header, payload, zeros, sizeof zeros), set, "alg is none of");
		refused(jose_sign(key, "RS256", header, payload), set, "alg is none of");
	}
	refused(jose_sign(key, "RS256", "{\"kid\":\"k1\"}", payload), set, "no alg");
	refused(jose_sign(key, "RS256", "{\"alg\":null}", payload), set, "no alg");
	refused(jose_sign(key, "RS256", "{\"alg\":[\"RS256\"]}", payload), set, "no alg");
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(a_flipped_bit_anywhere_is_refused) /* T06 */
{
	static const char *const algs[] = {"RS256", "ES256", "PS256"};

	for (size_t a = 0; a < USH_COUNT(algs); a++) {
		EVP_PKEY *key = key_for(algs[a]);
		USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "k1", NULL, NULL), NULL);
		USH_AUTO_FREE char *token = jose_token(key, algs[a], "k1", payload);
		struct ush_error bad = {0};
		struct ush_jwks *jwks = ush_jwks_read(set, strlen(set), &bad);
		size_t length = strlen(token), refusals = 0, out_length;
		char *out;
		bool unknown;

		taken(token, set);
		for (size_t bit = 0; bit < 8 * length; bit++) {
			struct ush_error err = {0};

			token[bit / 8] ^= (char)(1 << bit % 8);
			refusals += ush_jws_verify(token, length, jwks, &out, &out_length, &unknown, &err) == -1 &&
				    err.code == USH_ERR_REJECTED;
			token[bit / 8] ^= (char)(1 << bit % 8);
		}
		ck_assert_uint_eq(refusals, 8 * length);
		taken(token, set);
		ush_jwks_free(jwks);
		EVP_PKEY_free(key);
	}
}
END_TEST

/* A copy of token in which the part (0..2) has become text. */
static char *with_part(const char *token, int part, const char *text)
{
	USH_AUTO_FREE char *header = ush_strndup(token, strcspn(token, "."));
	const char *second = token + strlen(header) + 1;
	USH_AUTO_FREE char *body = ush_strndup(second, strcspn(second, "."));
	const char *signature = second + strlen(body) + 1;

	return ush_printf("%s.%s.%s", part == 0 ? text : header, part == 1 ? text : body, part == 2 ? text : signature);
}

static char *part_of(const char *token, int part)
{
	for (int i = 0; i < part; i++)
		token = strchr(token, '.') + 1;
	return ush_strndup(token, strcspn(token, "."));
}

START_TEST(base64url_is_strict) /* T07 */
{
	static const char *const tails[] = {"=", "==", " ", "\n", "\r\n", "A", "?", "+", "/", "\t", "%3D", "\xc3\xa4"};
	EVP_PKEY *key = key_for("ES256");
	USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "k1", NULL, NULL), NULL);
	USH_AUTO_FREE char *token = jose_token(key, "ES256", "k1", payload);

	for (int part = 0; part < 3; part++) {
		USH_AUTO_FREE char *text = part_of(token, part);
		size_t length = strlen(text);

		for (size_t i = 0; i < USH_COUNT(tails); i++) {
			USH_AUTO_FREE char *after = ush_printf("%s%s", text, tails[i]);
			USH_AUTO_FREE char *before = ush_printf("%s%s", tails[i], text);
			USH_AUTO_FREE char *within = ush_printf("%.4s%s%s", text, tails[i], text + 4);

			refused(with_part(token, part, after), set, "token rejected");
			refused(with_part(token, part, before), set, "token rejected");
			refused(with_part(token, part, within), set, "token rejected");
		}
		text[length - 1] = '\0';
		refused(with_part(token, part, text), set, "token rejected");
	}
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(base64url_takes_one_spelling_of_bytes) /* T07 */
{
	static const char *const bad[] = {"A",
					  "AAAAA",
					  "AB",
					  "AAB",
					  "A-_9",
					  "AA=",
					  "AA==",
					  "A A",
					  "A\n",
					  "+A",
					  "/A",
					  "AA.",
					  ".",
					  "\xff\xff",
					  "AA\x80"
					  "A"};
	unsigned char out[64];

	ck_assert_int_eq(ush_base64url_decode("", 0, out), 0);
	ck_assert_int_eq(ush_base64url_decode("AA", 2, out), 1);
	ck_assert_int_eq(ush_base64url_decode("AAA", 3, out), 2);
	ck_assert_int_eq(ush_base64url_decode("_-8", 3, out), 2);
	ck_assert_mem_eq(out, "\xff\xef", 2);
	for (size_t i = 0; i < USH_COUNT(bad); i++)
		if (strcmp(bad[i], "A-_9") != 0)
			ck_assert_msg(ush_base64url_decode(bad[i], strlen(bad[i]), out) == -1, "taken: %s", bad[i]);
	ck_assert_int_eq(ush_base64url_decode("AA\0A", 4, out), -1);
	for (size_t length = 0; length < 40; length++) {
		unsigned char bytes[40], back[60];
		USH_AUTO_FREE char *text = NULL;

		for (size_t i = 0; i < length; i++)
			bytes[i] = (unsigned char)(i * 37 + length * 11);
		text = ush_base64url_encode(bytes, length);
		ck_assert_int_eq(ush_base64url_decode(text, strlen(text), back), (long)length);
		ck_assert_mem_eq(bytes, back, length);
	}
}
END_TEST

START_TEST(shapes_that_are_no_compact_jws_are_refused)
{
	EVP_PKEY *key = key_for("ES256");
	USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "k1", NULL, NULL), NULL);
	USH_AUTO_FREE char *token = jose_token(key, "ES256", "k1", payload);
	USH_AUTO_FREE char *dots = ush_alloc(1000001);
	USH_AUTO_FREE char *big = ush_alloc(USH_JWS_MAX + 2);
	static const char *const shapes[] = {"",     ".",    "..",   "...",    "....",  "a", "a.b",
					     ".b.c", "a..c", "a.b.", "A=.x.y", "a.b.c", "{}"};

	for (size_t i = 0; i < USH_COUNT(shapes); i++)
		refused(ush_strdup(shapes[i]), set, "token rejected");
	refused(ush_printf("%s.%s", token, "AAAA"), set, "three parts");
	refused(ush_printf("%s.AAAA.AAAA", token), set, "encrypted");
	refused(ush_printf(".%s", token), set, "three parts");
	memset(dots, '.', 1000000);
	refused(ush_strdup(dots), set, "larger than 64 KiB");
	memset(big, 'A', USH_JWS_MAX + 1);
	refused(ush_strdup(big), set, "larger than 64 KiB");
	big[USH_JWS_MAX] = '\0';
	memset(big, '.', USH_JWS_MAX);
	refused(ush_strdup(big), set, "three parts");
	refused(ush_printf("{\"payload\":\"%s\"}", token), set, "token rejected");
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(odd_headers_are_refused)
{
	static const struct {
		const char *header, *why;
	} cases[] = {
		{"{\"alg\":\"ES256\",\"kid\":\"k1\",\"crit\":[\"exp\"]}", "crit"},
		{"{\"alg\":\"ES256\",\"kid\":\"k1\",\"crit\":[]}", "crit"},
		{"{\"alg\":\"ES256\",\"kid\":\"k1\",\"b64\":false}", "b64"},
		{"{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"at+jwt\"}", "typ"},
		{"{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"application/AT+JWT\"}", "typ"},
		{"{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":\"logout+jwt\"}", "typ"},
		{"{\"alg\":\"ES256\",\"kid\":\"k1\",\"typ\":7}", "typ"},
		{"{\"alg\":\"ES256\",\"kid\":\"k1\",\"cty\":\"JWT\"}", "token inside a token"},
		{"{\"alg\":\"ES256\",\"kid\":7}", "kid"},
		{"{\"alg\":\"ES256\",\"kid\":null}", "kid"},
		{"[\"ES256\"]", "not a JSON object"},
		{"\"ES256\"", "token rejected"},
		{"", "token rejected"},
		{"{", "token rejected"},
		{"{\"alg\":\"ES256\",\"kid\":\"k1\"}x", "token rejected"},
		{"{\"alg\":\"ES256\",\"kid\":\"k1\\u0000\"}", "token rejected"},
		{"{\"alg\":\"ES256\",\"kid\":\"\xff\"}", "token rejected"},
		{"{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"k1\"}", "twice"}, /* T19 */
		{"{\"alg\":\"ES256\",\"kid\":\"k2\",\"kid\":\"k1\"}", "twice"},   /* T19 */
	};
	EVP_PKEY *key = key_for("ES256");
	USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "k1", NULL, NULL), NULL);
	USH_AUTO_BUF deep = {0};

	for (size_t i = 0; i < USH_COUNT(cases); i++)
		refused(jose_sign(key, "ES256", cases[i].header, payload), set, cases[i].why);
	ush_buf_puts(&deep, "{\"alg\":\"ES256\",\"kid\":\"k1\",\"x\":");
	for (int i = 0; i < 3000; i++)
		ush_buf_puts(&deep, "[");
	refused(jose_sign(key, "ES256", deep.data, payload), set, "nested deeper");
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(odd_ecdsa_signatures_are_refused)
{
	EVP_PKEY *key = key_for("ES256");
	USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "k1", NULL, NULL), NULL);
	USH_AUTO_FREE char *header = jose_header("ES256", "k1");
	USH_AUTO_FREE char *token = jose_sign(key, "ES256", header, payload);
	USH_AUTO_FREE char *text = part_of(token, 2);
	unsigned char raw[64], wide[66] = {0}, edge[64] = {0};
	/* the order of P-256 */
	static const unsigned char order[32] = "\xff\xff\xff\xff\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"
					       "\xbc\xe6\xfa\xad\xa7\x17\x9e\x84\xf3\xb9\xca\xc2\xfc\x63\x25\x51";

	ck_assert_int_eq(ush_base64url_decode(text, strlen(text), raw), 64);
	memcpy(wide + 1, raw, 32);
	memcpy(wide + 34, raw + 32, 32);
	refused(jose_sign_der(key, header, payload), set, "not the length");
	refused(jose_unsigned(header, payload, wide, 66), set, "not the length");
	refused(jose_unsigned(header, payload, raw, 63), set, "not the length");
	refused(jose_unsigned(header, payload, edge, 64), set, "signature is not"); /* r = s = 0 */
	memcpy(edge, raw, 32);
	refused(jose_unsigned(header, payload, edge, 64), set, "signature is not"); /* s = 0 */
	memcpy(edge, order, 32);
	memcpy(edge + 32, order, 32);
	refused(jose_unsigned(header, payload, edge, 64), set, "signature is not"); /* r = s = n */
	memset(edge, 0xff, 64);
	refused(jose_unsigned(header, payload, edge, 64), set, "signature is not");
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(odd_rsa_signatures_are_refused)
{
	static const int salts[] = {0, 20, 31, 33, 64, RSA_PSS_SALTLEN_MAX};
	EVP_PKEY *key = key_for("RS256");
	USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "k1", NULL, NULL), NULL);
	USH_AUTO_FREE char *pss = jose_header("PS256", "k1"), *pkcs1 = jose_header("RS256", "k1"),
			   *longer = jose_header("RS512", "k1");
	USH_AUTO_FREE char *token = jose_sign(key, "RS256", pkcs1, payload);
	USH_AUTO_FREE char *text = part_of(token, 2);
	unsigned char raw[2048] = {0};

	for (size_t i = 0; i < USH_COUNT(salts); i++)
		refused(jose_sign_salt(key, "PS256", pss, payload, salts[i]), set, "signature is not");
	refused(jose_sign(key, "RS256", pss, payload), set, "signature is not");
	refused(jose_sign(key, "PS256", pkcs1, payload), set, "signature is not");
	refused(jose_sign(key, "RS256", longer, payload), set, "signature is not");
	refused(jose_sign(key, "RS384", pkcs1, payload), set, "signature is not");
	ck_assert_int_eq(ush_base64url_decode(text, strlen(text), raw + 1), 256);
	refused(jose_unsigned(pkcs1, payload, raw, 257), set, "signature is not");
	refused(jose_unsigned(pkcs1, payload, raw + 1, 255), set, "signature is not");
	refused(jose_unsigned(pkcs1, payload, raw + 1, 257), set, "signature is not");
	refused(jose_unsigned(pkcs1, payload, raw, sizeof raw), set, "too long");
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(a_refusal_quotes_no_part_of_the_token)
{
	EVP_PKEY *key = key_for("ES256");
	USH_AUTO_FREE char *set = jose_jwks(jose_jwk(key, "k1", NULL, NULL), NULL);
	static const char *const headers[] = {"{\"alg\":\"swordfish\"}", "{\"alg\":\"ES256\",\"kid\":\"swordfish\"}",
					      "swordfish", "{\"swordfish\":1,\"swordfish\":2}"};

	for (size_t i = 0; i < USH_COUNT(headers); i++) {
		USH_AUTO_FREE char *token = jose_sign(key, "ES256", headers[i], payload);
		bool unknown;
		const char *why = verdict(token, strlen(token), set, &unknown);

		ck_assert_ptr_nonnull(why);
		ck_assert_ptr_null(strstr(why, "swordfish"));
	}
	EVP_PKEY_free(key);
}
END_TEST

TAP_MAIN("jose", the_nine_algorithms_are_taken, a_token_signed_with_hmac_over_a_public_key_is_refused,
	 an_unsigned_token_is_refused, a_flipped_bit_anywhere_is_refused, base64url_is_strict,
	 base64url_takes_one_spelling_of_bytes, shapes_that_are_no_compact_jws_are_refused, odd_headers_are_refused,
	 odd_ecdsa_signatures_are_refused, odd_rsa_signatures_are_refused, a_refusal_quotes_no_part_of_the_token)
