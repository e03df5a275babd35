/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/assertion.h"

#include <jwt.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <string.h>

#include "common/base/memory.h"

#define LATE	 30 /* seconds that a server's clock may be behind ours */
#define RSA_LEAST 2048

/* ---- which algorithm a key is for ---- */

static int no_passphrase(char *out, int size, int writing, void *context)
{
	(void)out, (void)size, (void)writing, (void)context;
	return -1;
}

static jwt_alg_t of_curve(const EVP_PKEY *key)
{
	static const struct {
		int curve;
		jwt_alg_t alg;
	} curves[] = {{NID_X9_62_prime256v1, JWT_ALG_ES256}, {NID_secp384r1, JWT_ALG_ES384}, {NID_secp521r1, JWT_ALG_ES512}};
	char name[64];
	size_t length;

	if (EVP_PKEY_get_group_name(key, name, sizeof name, &length) != 1)
		return JWT_ALG_INVAL;
	for (size_t i = 0; i < USH_COUNT(curves); i++)
		if (OBJ_txt2nid(name) == curves[i].curve)
			return curves[i].alg;
	return JWT_ALG_INVAL;
}

static int choose(const struct ush_secret *pem, const char *where, jwt_alg_t *alg, struct ush_error *err)
{
	BIO *bio = BIO_new_mem_buf(ush_secret_reveal(pem), (int)ush_secret_length(pem));
	EVP_PKEY *key = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	int type = key != NULL ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE, bits = key != NULL ? EVP_PKEY_get_bits(key) : 0;

	*alg = type == EVP_PKEY_RSA ? JWT_ALG_RS256 : type == EVP_PKEY_EC ? of_curve(key) : JWT_ALG_INVAL;
	EVP_PKEY_free(key);
	BIO_free(bio);
	if (type == EVP_PKEY_NONE)
		return ush_fail(err, USH_ERR_CONFIG, "%s: holds no private key in PEM without a passphrase", where);
	if (type == EVP_PKEY_RSA && bits < RSA_LEAST)
		return ush_fail(err, USH_ERR_CONFIG, "%s: an RSA key of %d bits is too short, %d are the least", where, bits, RSA_LEAST);
	if (*alg == JWT_ALG_INVAL)
		return ush_fail(err, USH_ERR_CONFIG, "%s: a key of this type signs no assertion; RSA, P-256, P-384 and P-521 do", where);
	return 0;
}

/* ---- the token ---- */

static void fill(const struct ush_world *world, const struct ush_assertion *a, jwt_t *jwt)
{
	unsigned char bytes[16];
	char id[2 * sizeof bytes + 1];
	const int64_t now = ush_now(world);
	const struct {
		const char *name, *value;
	} texts[] = {{"iss", a->issuer}, {"aud", a->audience}, {"sub", a->subject}, {"scope", a->scope}, {"jti", id}};

	ush_random(world, bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	for (size_t i = 0; i < USH_COUNT(texts); i++)
		if (texts[i].value != NULL)
			jwt_add_grant(jwt, texts[i].name, texts[i].value);
	jwt_add_grant_int(jwt, "iat", (long)(now - LATE));
	jwt_add_grant_int(jwt, "exp", (long)(now + a->life));
	if (a->key_id != NULL)
		jwt_add_header(jwt, "kid", a->key_id);
}

int ush_assertion_sign(const struct ush_world *world, const struct ush_assertion *assertion, const struct ush_secret *key, const char *where,
		       struct ush_secret **out, struct ush_error *err)
{
	jwt_t *jwt = NULL;
	jwt_alg_t alg;
	char *token = NULL;

	if (choose(key, where, &alg, err) != 0)
		return -1;
	if (jwt_new(&jwt) == 0) {
		fill(world, assertion, jwt);
		if (jwt_set_alg(jwt, alg, (const unsigned char *)ush_secret_reveal(key), (int)ush_secret_length(key)) == 0)
			token = jwt_encode_str(jwt);
		jwt_free(jwt);
	}
	if (token == NULL)
		return ush_fail(err, USH_ERR_CONFIG, "%s: the key does not sign", where);
	*out = ush_secret_new(token, strlen(token));
	OPENSSL_cleanse(token, strlen(token));
	free(token);
	return 0;
}
