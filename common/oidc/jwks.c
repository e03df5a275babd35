/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oidc/jwks.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/oidc/jose.h"

#define SET_MAX   (512U << 10)
#define KEYS_MAX  100
#define KEY_MAX   (16U << 10)
#define KID_MAX   256
#define RSA_LEAST 2048
#define RSA_MOST  8192

static const struct curve {
	const char *name, *group;
	int bits;
	size_t width; /* of a coordinate, bytes */
} curves[] = {
	{"P-256", "prime256v1", 256, 32},
	{"P-384", "secp384r1", 384, 48},
	{"P-521", "secp521r1", 521, 66},
};

static OSSL_LIB_CTX *library;

static void make_library(void)
{
	library = OSSL_LIB_CTX_new();
	if (library != NULL)
		OSSL_PROVIDER_load(library, "default");
}

OSSL_LIB_CTX *ush_openssl(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_library);
	return library;
}

/* ---- RSA ---- */

/*
 * ROCA (CVE-2017-15361): a weak generator made primes k*M + (65537^a mod M) with M a product of small primes, so such a
 * modulus is a power of 65537 modulo each of them. A modulus that is not, for one prime, is not of that kind; one made
 * well passes all of them with probability 2^-27.
 */
static bool is_roca(const BIGNUM *n)
{
	static const unsigned char primes[] = {3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
					       47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
					       107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};

	for (size_t i = 0; i < USH_COUNT(primes); i++) {
		unsigned long p = primes[i], rest = (unsigned long)BN_mod_word(n, p), power = 1;

		do {
			power = power * 65537 % p;
		} while (power != rest && power != 1);
		if (power != rest)
			return false;
	}
	return true;
}

static void bignum_free(BIGNUM **number)
{
	BN_free(*number);
}

#define AUTO_BIGNUM __attribute__((cleanup(bignum_free))) BIGNUM *

static BIGNUM *read_number(const json_t *jwk, const char *member)
{
	const char *text = ush_json_string(jwk, member);
	size_t length = text != NULL ? strlen(text) : 0;
	USH_AUTO_FREE unsigned char *bytes = ush_alloc(length + 1);
	long size = text != NULL ? ush_base64url_decode(text, length, bytes) : -1;

	return size > 0 ? BN_bin2bn(bytes, (int)size, NULL) : NULL;
}

static char *judge_rsa(const BIGNUM *n, const BIGNUM *e)
{
	if (BN_num_bits(n) < RSA_LEAST || BN_num_bits(n) > RSA_MOST)
		return ush_printf("RSA key of %d bits, %d to %d are taken", BN_num_bits(n), RSA_LEAST, RSA_MOST);
	if (!BN_is_odd(n))
		return ush_strdup("RSA key with an even modulus");
	if (!BN_is_odd(e) || BN_num_bits(e) > 32 || BN_get_word(e) < 65537)
		return ush_strdup("RSA key whose exponent is not odd, or not within 65537 and 2^32");
	if (is_roca(n))
		return ush_strdup("RSA key of the weak ROCA kind (CVE-2017-15361)");
	return NULL;
}

/* ---- from parts to a key ---- */

static EVP_PKEY *import_key(const char *type, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(ush_openssl(), type, NULL);
	EVP_PKEY *key = NULL;

	if (params == NULL || context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	return key;
}

static void read_rsa(struct ush_jwk *out, const json_t *jwk)
{
	AUTO_BIGNUM n = read_number(jwk, "n");
	AUTO_BIGNUM e = read_number(jwk, "e");
	OSSL_PARAM_BLD *builder;

	if (n == NULL || e == NULL) {
		out->why = ush_strdup("RSA key whose n or e is missing or no base64url");
		return;
	}
	out->why = judge_rsa(n, e);
	if (out->why != NULL)
		return;
	builder = OSSL_PARAM_BLD_new();
	if (builder != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		out->key = import_key("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
}

/* RFC 7518 section 6.2.1: coordinates have the field's full width, leading zeros and all. */
static int read_coordinate(const json_t *jwk, const char *member, size_t width, unsigned char *out)
{
	const char *text = ush_json_string(jwk, member);

	if (text == NULL || strlen(text) != (width * 8 + 5) / 6)
		return -1;
	return ush_base64url_decode(text, strlen(text), out) == (long)width ? 0 : -1;
}

static void read_ec(struct ush_jwk *out, const json_t *jwk)
{
	const char *name = ush_json_string(jwk, "crv");
	const struct curve *curve = NULL;
	unsigned char point[1 + 2 * 66] = {4}; /* uncompressed */
	OSSL_PARAM_BLD *builder;

	for (size_t i = 0; i < USH_COUNT(curves); i++)
		if (name != NULL && strcmp(curves[i].name, name) == 0)
			curve = &curves[i];
	if (curve == NULL) {
		out->why = ush_strdup("EC key on a curve other than P-256, P-384, P-521");
		return;
	}
	out->curve_bits = curve->bits;
	if (read_coordinate(jwk, "x", curve->width, point + 1) != 0 ||
	    read_coordinate(jwk, "y", curve->width, point + 1 + curve->width) != 0) {
		out->why = ush_printf("EC key whose x or y is not %zu bytes of base64url", curve->width);
		return;
	}
	builder = OSSL_PARAM_BLD_new();
	if (builder != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * curve->width) == 1)
		out->key = import_key("EC", builder);
	OSSL_PARAM_BLD_free(builder);
}

/* ---- the set ---- */

static const struct {
	const char *kty;
	void (*read)(struct ush_jwk *out, const json_t *jwk);
} types[] = {{"RSA", read_rsa}, {"EC", read_ec}};

static bool may_verify(const json_t *jwk)
{
	const json_t *use = json_object_get(jwk, "use"), *ops = json_object_get(jwk, "key_ops"),
		     *alg = json_object_get(jwk, "alg");
	const char *alg_name = json_string_value(alg);

	if (use != NULL && (!json_is_string(use) || strcmp(json_string_value(use), "sig") != 0))
		return false;
	if (alg != NULL && (alg_name == NULL || !ush_jws_algorithm_known(alg_name)))
		return false;
	if (ops == NULL)
		return true;
	for (size_t i = 0; i < json_array_size(ops); i++) {
		const char *op = json_string_value(json_array_get(ops, i));

		if (op != NULL && strcmp(op, "verify") == 0)
			return true;
	}
	return false;
}

/* A key that is passed over leaves *out as it is and gives false. */
static bool read_key(struct ush_jwk *out, const json_t *jwk)
{
	const char *kty = ush_json_string(jwk, "kty");
	const json_t *kid = json_object_get(jwk, "kid");

	if (kty == NULL || !may_verify(jwk) ||
	    (kid != NULL && (!json_is_string(kid) || json_string_length(kid) > KID_MAX)))
		return false;
	for (size_t i = 0; i < USH_COUNT(types); i++) {
		if (strcmp(types[i].kty, kty) != 0)
			continue;
		types[i].read(out, jwk);
		out->rsa = types[i].read == read_rsa;
		out->kid = ush_strdup(json_string_value(kid));
		out->alg = ush_strdup(ush_json_string(jwk, "alg"));
		if (out->key == NULL && out->why == NULL)
			out->why = ush_printf("%s key that is none (not a point of its curve?)", kty);
		return true;
	}
	return false;
}

/* Bytes that a key takes, near enough for a cap: its strings. */
static size_t weigh(const json_t *jwk)
{
	size_t bytes = 0;
	const char *name;
	const json_t *value;

	json_object_foreach((json_t *)(uintptr_t)jwk, name, value)
	{
		bytes += strlen(name) + json_string_length(value);
		for (size_t i = 0; i < json_array_size(value); i++)
			bytes += json_string_length(json_array_get(value, i));
	}
	return bytes;
}

struct ush_jwks *ush_jwks_read(const char *text, size_t length, struct ush_error *err)
{
	static const char what[] = "the provider's key set (JWKS)";
	USH_AUTO_JSON document = NULL;
	const json_t *keys;
	struct ush_jwks *out;

	if (length > SET_MAX) {
		ush_fail(err, USH_ERR_REJECTED, "%s is larger than %u KiB", what, SET_MAX >> 10);
		return NULL;
	}
	document = ush_json_parse(text, length, what, USH_ERR_REJECTED, err);
	if (document == NULL)
		return NULL;
	keys = ush_json_array(document, "keys");
	if (keys == NULL || json_array_size(keys) > KEYS_MAX) {
		ush_fail(err, USH_ERR_REJECTED, keys == NULL ? "%s has no list \"keys\"" : "%s has more than 100 keys",
			 what);
		return NULL;
	}
	out = ush_new(struct ush_jwks);
	out->keys = ush_alloc(json_array_size(keys) * sizeof *out->keys);
	for (size_t i = 0; i < json_array_size(keys); i++) {
		const json_t *jwk = json_array_get(keys, i);

		if (weigh(jwk) > KEY_MAX) {
			ush_fail(err, USH_ERR_REJECTED, "%s: key %zu is larger than %u KiB", what, i, KEY_MAX >> 10);
			ush_jwks_free(out);
			return NULL;
		}
		out->count += read_key(&out->keys[out->count], jwk) ? 1 : 0;
	}
	return out;
}

void ush_jwks_free(struct ush_jwks *jwks)
{
	if (jwks == NULL)
		return;
	for (size_t i = 0; i < jwks->count; i++) {
		free(jwks->keys[i].kid);
		free(jwks->keys[i].alg);
		free(jwks->keys[i].why);
		EVP_PKEY_free(jwks->keys[i].key);
	}
	free(jwks->keys);
	free(jwks);
}

int ush_jwk_check(const struct ush_jwk *jwk, struct ush_error *err)
{
	EVP_PKEY_CTX *context;
	bool sound;

	if (jwk->key == NULL)
		return ush_fail(err, USH_ERR_REJECTED, "token rejected: the provider's key for it is not taken: %s",
				jwk->why);
	context = EVP_PKEY_CTX_new_from_pkey(ush_openssl(), jwk->key, NULL);
	sound = context != NULL && EVP_PKEY_public_check(context) == 1;
	EVP_PKEY_CTX_free(context);
	if (!sound)
		return ush_fail(err, USH_ERR_REJECTED,
				"token rejected: the provider's key for it is not a sound %s key",
				jwk->rsa ? "RSA" : "EC");
	return 0;
}
