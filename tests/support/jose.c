/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/jose.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/oidc/jose.h"

#define CHECKED(call)                                                                                                  \
	do {                                                                                                           \
		if ((call) <= 0) {                                                                                     \
			fprintf(stderr, "%s failed\n", #call);                                                         \
			abort();                                                                                       \
		}                                                                                                      \
	} while (0)

/* OpenSSL 3.0 takes const keys as non-const ones. */
static EVP_PKEY *plain(const EVP_PKEY *key)
{
	return (EVP_PKEY *)(uintptr_t)key;
}

/* ---- keys ---- */

EVP_PKEY *jose_rsa(int bits, unsigned long exponent)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *e = BN_new();
	EVP_PKEY *key = NULL;

	CHECKED(BN_set_word(e, exponent));
	CHECKED(EVP_PKEY_keygen_init(context));
	CHECKED(EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits));
	CHECKED(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, e));
	CHECKED(EVP_PKEY_generate(context, &key));
	BN_free(e);
	EVP_PKEY_CTX_free(context);
	return key;
}

EVP_PKEY *jose_ec(const char *curve)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve);

	CHECKED(key != NULL);
	return key;
}

static char *number_text(const EVP_PKEY *key, const char *parameter, int width)
{
	unsigned char bytes[2048];
	BIGNUM *number = NULL;
	int length;

	CHECKED(EVP_PKEY_get_bn_param(key, parameter, &number));
	length = width != 0 ? width : BN_num_bytes(number);
	CHECKED(BN_bn2binpad(number, bytes, length));
	BN_free(number);
	return ush_base64url_encode(bytes, (size_t)length);
}

static void set_text(json_t *jwk, const char *member, char *text)
{
	if (text != NULL)
		json_object_set_new(jwk, member, json_string(text));
	free(text);
}

static const char *curve_name(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);
	char group[64] = "";

	EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, NULL);
	if (strcmp(group, "secp256k1") == 0)
		return "secp256k1";
	return bits == 256 ? "P-256" : bits == 384 ? "P-384" : "P-521";
}

json_t *jose_jwk(const EVP_PKEY *key, const char *kid, const char *alg, const char *use)
{
	json_t *jwk = json_object();

	if (EVP_PKEY_is_a(key, "RSA")) {
		set_text(jwk, "kty", ush_strdup("RSA"));
		set_text(jwk, "n", number_text(key, OSSL_PKEY_PARAM_RSA_N, 0));
		set_text(jwk, "e", number_text(key, OSSL_PKEY_PARAM_RSA_E, 0));
	} else {
		int width = (EVP_PKEY_get_bits(key) + 7) / 8;

		set_text(jwk, "kty", ush_strdup("EC"));
		set_text(jwk, "crv", ush_strdup(curve_name(key)));
		set_text(jwk, "x", number_text(key, OSSL_PKEY_PARAM_EC_PUB_X, width));
		set_text(jwk, "y", number_text(key, OSSL_PKEY_PARAM_EC_PUB_Y, width));
	}
	set_text(jwk, "kid", ush_strdup(kid));
	set_text(jwk, "alg", ush_strdup(alg));
	set_text(jwk, "use", ush_strdup(use));
	return jwk;
}

static char *hex_number(const char *hex)
{
	unsigned char bytes[4096];
	BIGNUM *number = NULL;
	int length;

	CHECKED(BN_hex2bn(&number, hex));
	CHECKED(BN_num_bytes(number) <= (int)sizeof bytes);
	length = BN_bn2bin(number, bytes);
	BN_free(number);
	return ush_base64url_encode(bytes, (size_t)length);
}

json_t *jose_jwk_rsa(const char *n_hex, const char *e_hex, const char *kid)
{
	json_t *jwk = json_object();

	set_text(jwk, "kty", ush_strdup("RSA"));
	set_text(jwk, "n", hex_number(n_hex));
	set_text(jwk, "e", hex_number(e_hex));
	set_text(jwk, "kid", ush_strdup(kid));
	return jwk;
}

/* A prime k*M + (65537^a mod M), M the product of the first 126 primes: 971 bits, so k has 53. */
static BIGNUM *roca_prime(const BIGNUM *product, BN_CTX *context)
{
	BIGNUM *a = BN_new(), *k = BN_new(), *e = BN_new(), *p = BN_new(), *power = BN_new();

	CHECKED(BN_set_word(e, 65537));
	do {
		CHECKED(BN_rand(a, 256, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY));
		CHECKED(BN_rand(k, 1024 - BN_num_bits(product), BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ANY));
		CHECKED(BN_mod_exp(power, e, a, product, context));
		CHECKED(BN_mul(p, k, product, context));
		CHECKED(BN_add(p, p, power));
	} while (BN_num_bits(p) != 1024 || BN_check_prime(p, context, NULL) != 1);
	BN_free(a), BN_free(k), BN_free(e), BN_free(power);
	return p;
}

char *jose_roca_modulus(void)
{
	BN_CTX *context = BN_CTX_new();
	BIGNUM *product = BN_new(), *p, *q, *n = BN_new();
	char *hex, *out;
	int found = 0;

	CHECKED(BN_one(product));
	for (unsigned long candidate = 2; found < 126; candidate++) {
		bool prime = true;

		for (unsigned long divisor = 2; divisor * divisor <= candidate; divisor++)
			prime = prime && candidate % divisor != 0;
		if (prime)
			CHECKED(BN_mul_word(product, candidate));
		found += prime;
	}
	do {
		p = roca_prime(product, context);
		q = roca_prime(product, context);
		CHECKED(BN_mul(n, p, q, context));
		BN_free(p), BN_free(q);
	} while (BN_num_bits(n) != 2048);
	hex = BN_bn2hex(n);
	out = ush_strdup(hex);
	OPENSSL_free(hex);
	BN_free(product), BN_free(n);
	BN_CTX_free(context);
	return out;
}

char *jose_jwks(json_t *first, ...)
{
	json_t *set = json_object(), *keys = json_array();
	char *text;
	va_list more;

	va_start(more, first);
	for (json_t *key = first; key != NULL; key = va_arg(more, json_t *))
		json_array_append_new(keys, key);
	va_end(more);
	json_object_set_new(set, "keys", keys);
	text = json_dumps(set, JSON_COMPACT);
	json_decref(set);
	return text;
}

/* ---- tokens ---- */

char *jose_header(const char *alg, const char *kid)
{
	return kid != NULL ? ush_printf("{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"%s\"}", alg, kid)
			   : ush_printf("{\"alg\":\"%s\",\"typ\":\"JWT\"}", alg);
}

static char *signing_input(const char *header, const char *payload)
{
	USH_AUTO_FREE char *h = ush_base64url_encode(header, strlen(header));
	USH_AUTO_FREE char *p = ush_base64url_encode(payload, strlen(payload));

	return ush_printf("%s.%s", h, p);
}

static char *join(const char *input, const void *signature, size_t length)
{
	USH_AUTO_FREE char *s = ush_base64url_encode(signature, length);

	return ush_printf("%s.%s", input, s);
}

/* DER's r and s as two numbers of the curve's width. */
static size_t to_raw(const EVP_PKEY *key, unsigned char *signature, size_t length)
{
	int width = (EVP_PKEY_get_bits(key) + 7) / 8;
	const unsigned char *at = signature;
	ECDSA_SIG *parsed = d2i_ECDSA_SIG(NULL, &at, (long)length);

	CHECKED(parsed != NULL);
	CHECKED(BN_bn2binpad(ECDSA_SIG_get0_r(parsed), signature, width));
	CHECKED(BN_bn2binpad(ECDSA_SIG_get0_s(parsed), signature + width, width));
	ECDSA_SIG_free(parsed);
	return 2 * (size_t)width;
}

static size_t make_signature(const EVP_PKEY *key, const char *alg, const char *input, int salt, unsigned char *out,
			     size_t size)
{
	USH_AUTO_FREE char *digest = ush_printf("SHA%s", alg + 2);
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_context = NULL;
	size_t length = size;

	CHECKED(EVP_DigestSignInit_ex(context, &key_context, digest, NULL, NULL, plain(key), NULL));
	if (alg[0] == 'P') {
		CHECKED(EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING));
		CHECKED(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, salt));
	}
	CHECKED(EVP_DigestSign(context, out, &length, (const unsigned char *)input, strlen(input)));
	EVP_MD_CTX_free(context);
	return length;
}

char *jose_sign(const EVP_PKEY *key, const char *alg, const char *header, const char *payload)
{
	return jose_sign_salt(key, alg, header, payload, RSA_PSS_SALTLEN_DIGEST);
}

char *jose_sign_salt(const EVP_PKEY *key, const char *alg, const char *header, const char *payload, int salt)
{
	USH_AUTO_FREE char *input = signing_input(header, payload);
	unsigned char signature[2048];
	size_t length = make_signature(key, alg, input, salt, signature, sizeof signature);

	if (alg[0] == 'E')
		length = to_raw(key, signature, length);
	return join(input, signature, length);
}

char *jose_sign_der(const EVP_PKEY *key, const char *header, const char *payload)
{
	USH_AUTO_FREE char *input = signing_input(header, payload);
	unsigned char signature[2048];
	size_t length = make_signature(key, "ES256", input, 0, signature, sizeof signature);

	return join(input, signature, length);
}

char *jose_token(const EVP_PKEY *key, const char *alg, const char *kid, const char *payload)
{
	USH_AUTO_FREE char *header = jose_header(alg, kid);

	return jose_sign(key, alg, header, payload);
}

char *jose_hs256(const void *secret, size_t length, const char *header, const char *payload)
{
	USH_AUTO_FREE char *input = signing_input(header, payload);
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int size = 0;

	CHECKED(HMAC(EVP_sha256(), secret, (int)length, (const unsigned char *)input, strlen(input), mac, &size) !=
		NULL);
	return join(input, mac, size);
}

char *jose_unsigned(const char *header, const char *payload, const void *signature, size_t length)
{
	USH_AUTO_FREE char *input = signing_input(header, payload);

	return join(input, signature, length);
}

/* ---- the public key in other clothes ---- */

char *jose_pem(const EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *out;
	long length;

	CHECKED(PEM_write_bio_PUBKEY(bio, key));
	length = BIO_get_mem_data(bio, &data);
	out = ush_strndup(data, (size_t)length);
	BIO_free(bio);
	return out;
}

unsigned char *jose_der(const EVP_PKEY *key, size_t *length)
{
	unsigned char *der = NULL, *out;
	int size = i2d_PUBKEY(key, &der);

	CHECKED(size);
	out = ush_alloc((size_t)size);
	memcpy(out, der, (size_t)size);
	OPENSSL_free(der);
	*length = (size_t)size;
	return out;
}
