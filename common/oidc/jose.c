/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oidc/jose.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"

#define KID_MAX       256
#define SIGNATURE_MAX 1024 /* bytes: RSA of 8192 bits */

enum family { PKCS1, PSS, ECDSA };

static const struct algorithm {
	const char *name; /* RFC 7518 section 3.1 */
	enum family family;
	const char *digest;
	int curve_bits;   /* ECDSA: the one curve it goes with */
	size_t signature; /* ECDSA: bytes of r and s together */
} algorithms[] = {
	{"RS256", PKCS1, "SHA256", 0, 0},    {"RS384", PKCS1, "SHA384", 0, 0},    {"RS512", PKCS1, "SHA512", 0, 0},
	{"PS256", PSS, "SHA256", 0, 0},      {"PS384", PSS, "SHA384", 0, 0},      {"PS512", PSS, "SHA512", 0, 0},
	{"ES256", ECDSA, "SHA256", 256, 64}, {"ES384", ECDSA, "SHA384", 384, 96}, {"ES512", ECDSA, "SHA512", 521, 132},
};

static const struct algorithm *find_algorithm(const char *name)
{
	for (size_t i = 0; i < USH_COUNT(algorithms); i++)
		if (strcmp(algorithms[i].name, name) == 0)
			return &algorithms[i];
	return NULL;
}

bool ush_jws_algorithm_known(const char *name)
{
	return find_algorithm(name) != NULL;
}

static int refuse(struct ush_error *err, const char *why)
{
	return ush_fail(err, USH_ERR_REJECTED, "token rejected: %s", why);
}

/* ---- base64url (RFC 4648 section 5) ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '-' ? 62 : c == '_' ? 63 : -1;
}

long ush_base64url_decode(const char *text, size_t length, unsigned char *out)
{
	uint32_t bits = 0;
	unsigned int held = 0;
	long written = 0;

	if (length % 4 == 1)
		return -1;
	for (size_t i = 0; i < length; i++) {
		int six = sextet(text[i]);

		if (six < 0)
			return -1;
		bits = (bits << 6 | (uint32_t)six) & 0xffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[written++] = (unsigned char)(bits >> held & 0xff);
		}
	}
	return (bits & ((1U << held) - 1)) == 0 ? written : -1;
}

char *ush_base64url_encode(const void *data, size_t length)
{
	const unsigned char *bytes = data;
	char *out = ush_alloc(length / 3 * 4 + 5), *at = out;

	for (size_t i = 0; i < length; i += 3) {
		size_t here = length - i < 3 ? length - i : 3;
		uint32_t three = (uint32_t)bytes[i] << 16 | (here > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
				 (here > 2 ? bytes[i + 2] : 0U);

		for (size_t k = 0; k <= here; k++)
			*at++ = alphabet[three >> (18 - 6 * k) & 63];
	}
	*at = '\0';
	return out;
}

/* ---- the three segments ---- */

struct segment {
	const char *text;
	size_t length;
};

static int split(const char *token, size_t length, struct segment out[3], struct ush_error *err)
{
	size_t dots = 0, at[2] = {0};

	if (length > USH_JWS_MAX)
		return refuse(err, "it is larger than 64 KiB");
	for (size_t i = 0; i < length; i++) {
		if (token[i] != '.')
			continue;
		if (dots < 2)
			at[dots] = i;
		dots++;
	}
	if (dots == 4)
		return refuse(err, "it is encrypted (JWE), and only signed tokens are taken");
	if (dots != 2)
		return refuse(err, "it is not three parts with dots between them");
	out[0] = (struct segment){token, at[0]};
	out[1] = (struct segment){token + at[0] + 1, at[1] - at[0] - 1};
	out[2] = (struct segment){token + at[1] + 1, length - at[1] - 1};
	if (out[0].length == 0 || out[1].length == 0)
		return refuse(err, "one of its three parts is empty");
	if (out[2].length == 0)
		return refuse(err, "it is not signed");
	return 0;
}

/* Bytes of a segment, NUL terminated, owned by the caller. NULL when it is not base64url. */
static char *decode(const struct segment *segment, size_t *length)
{
	char *bytes = ush_alloc(segment->length + 1);
	long n = ush_base64url_decode(segment->text, segment->length, (unsigned char *)bytes);

	if (n < 0) {
		ush_wipe_free(bytes, segment->length + 1);
		return NULL;
	}
	bytes[n] = '\0';
	*length = (size_t)n;
	return bytes;
}

/* ---- the header ---- */

struct header {
	const struct algorithm *algorithm;
	const char *kid; /* borrowed, NULL when absent */
};

/* RFC 8725 section 3.11: other kinds of tokens say so in typ ("at+jwt", "logout+jwt", ...). */
static bool other_kind(const char *typ)
{
	size_t length = strlen(typ);

	return length >= 4 && strcasecmp(typ + length - 4, "+jwt") == 0;
}

static int check_header(const json_t *json, struct header *out, struct ush_error *err)
{
	const json_t *alg = json_object_get(json, "alg"), *kid = json_object_get(json, "kid"),
		     *typ = json_object_get(json, "typ");
	const char *content = ush_json_string(json, "cty");

	if (!json_is_object(json))
		return refuse(err, "its header is not a JSON object");
	if (json_object_get(json, "crit") != NULL || json_object_get(json, "b64") != NULL)
		return refuse(err, "its header has crit or b64, extensions that are not understood");
	if (!json_is_string(alg))
		return refuse(err, "its header has no alg");
	out->algorithm = find_algorithm(json_string_value(alg));
	if (out->algorithm == NULL)
		return refuse(err, "its alg is none of RS, ES, PS with 256, 384, 512");
	if (typ != NULL && (!json_is_string(typ) || other_kind(json_string_value(typ))))
		return refuse(err, "its typ says that it is no ID token");
	if (content != NULL && strcasecmp(content, "JWT") == 0)
		return refuse(err, "it is a token inside a token (cty)");
	if (kid != NULL && (!json_is_string(kid) || json_string_length(kid) > KID_MAX))
		return refuse(err, "its kid is not a text of at most 256 bytes");
	out->kid = json_string_value(kid);
	return 0;
}

/* ---- the key ---- */

static bool key_fits(const struct ush_jwk *key, const struct algorithm *algorithm)
{
	if (key->alg != NULL && strcmp(key->alg, algorithm->name) != 0)
		return false;
	return algorithm->family == ECDSA ? !key->rsa && key->curve_bits == algorithm->curve_bits : key->rsa;
}

static const struct ush_jwk *key_by_kid(const struct ush_jwks *jwks, const struct header *header, bool *unknown,
					struct ush_error *err)
{
	const struct ush_jwk *found = NULL;

	for (size_t i = 0; i < jwks->count; i++) {
		const struct ush_jwk *key = &jwks->keys[i];

		if (key->kid == NULL || strcmp(key->kid, header->kid) != 0)
			continue;
		if (found != NULL) {
			ush_fail(err, USH_ERR_REJECTED,
				 "token rejected: the provider has two signing keys with the kid \"%s\"", key->kid);
			return NULL;
		}
		found = key;
	}
	if (found == NULL) {
		*unknown = true;
		refuse(err, "the provider has no signing key with its kid");
	} else if (found->key != NULL && !key_fits(found, header->algorithm)) {
		refuse(err, "its alg does not fit the provider's key with its kid");
		return NULL;
	}
	return found;
}

/* Without a kid there must be no choice. */
static const struct ush_jwk *key_without_kid(const struct ush_jwks *jwks, const struct header *header, bool *unknown,
					     struct ush_error *err)
{
	const struct ush_jwk *found = NULL, *broken = NULL;

	for (size_t i = 0; i < jwks->count; i++) {
		const struct ush_jwk *key = &jwks->keys[i];

		if (!key_fits(key, header->algorithm))
			continue;
		if (key->key == NULL) {
			broken = key;
		} else if (found != NULL) {
			refuse(err, "it names no key (kid) and the provider has several that fit");
			return NULL;
		} else {
			found = key;
		}
	}
	if (found != NULL || broken != NULL)
		return found != NULL ? found : broken;
	*unknown = true;
	refuse(err, "it names no key (kid) and the provider has none that fits");
	return NULL;
}

/* ---- the signature ---- */

/* JWS has r and s side by side (RFC 7518 section 3.4), OpenSSL wants DER. OpenSSL checks 0 < r, s < n. */
static unsigned char *to_der(const unsigned char *raw, size_t length, size_t *der_length)
{
	BIGNUM *r = BN_bin2bn(raw, (int)(length / 2), NULL), *s = BN_bin2bn(raw + length / 2, (int)(length / 2), NULL);
	ECDSA_SIG *signature = ECDSA_SIG_new();
	unsigned char *der = NULL;
	int size = -1;

	if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1)
		size = i2d_ECDSA_SIG(signature, &der);
	else
		BN_free(r), BN_free(s);
	ECDSA_SIG_free(signature);
	*der_length = size > 0 ? (size_t)size : 0;
	return der;
}

static bool set_pss(EVP_PKEY_CTX *context, const char *digest)
{
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
	       EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, digest, NULL) == 1 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

static bool holds(const struct algorithm *algorithm, EVP_PKEY *key, const unsigned char *signature,
		  size_t signature_length, const char *text, size_t length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key_context = NULL;
	bool good = context != NULL && EVP_DigestVerifyInit_ex(context, &key_context, algorithm->digest, ush_openssl(),
							       NULL, key, NULL) == 1;

	if (good && algorithm->family == PSS)
		good = set_pss(key_context, algorithm->digest);
	if (good && algorithm->family == PKCS1)
		good = EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PADDING) == 1;
	good = good && EVP_DigestVerify(context, signature, signature_length, (const unsigned char *)text, length) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return good;
}

static int check_signature(const struct algorithm *algorithm, const struct ush_jwk *key, const struct segment *parts,
			   struct ush_error *err)
{
	unsigned char raw[SIGNATURE_MAX], *der = NULL;
	size_t signed_length = (size_t)(parts[2].text - parts[0].text) - 1, der_length;
	long length = parts[2].length <= (SIGNATURE_MAX * 4 + 2) / 3
			      ? ush_base64url_decode(parts[2].text, parts[2].length, raw)
			      : -1;
	bool good;

	if (length <= 0)
		return refuse(err, "its signature is too long or no base64url");
	if (algorithm->family != ECDSA) {
		good = holds(algorithm, key->key, raw, (size_t)length, parts[0].text, signed_length);
	} else if ((size_t)length != algorithm->signature) {
		return refuse(err, "its signature has not the length that its alg wants");
	} else {
		der = to_der(raw, (size_t)length, &der_length);
		good = der != NULL && holds(algorithm, key->key, der, der_length, parts[0].text, signed_length);
		OPENSSL_free(der);
	}
	return good ? 0 : refuse(err, "its signature is not the provider's");
}

int ush_jws_verify(const char *token, size_t length, const struct ush_jwks *jwks, char **payload,
		   size_t *payload_length, bool *unknown_key, struct ush_error *err)
{
	struct segment parts[3];
	struct header header = {0};
	const struct ush_jwk *key;
	USH_AUTO_FREE char *text = NULL;
	USH_AUTO_JSON json = NULL;
	size_t text_length = 0;

	*payload = NULL;
	*payload_length = 0;
	*unknown_key = false;
	if (split(token, length, parts, err) != 0)
		return -1;
	text = decode(&parts[0], &text_length);
	if (text == NULL)
		return refuse(err, "its header is no base64url");
	json = ush_json_parse(text, text_length, "token rejected: its header", USH_ERR_REJECTED, err);
	if (json == NULL || check_header(json, &header, err) != 0)
		return -1;
	key = (header.kid != NULL ? key_by_kid : key_without_kid)(jwks, &header, unknown_key, err);
	if (key == NULL)
		return -1;
	if (key->key != NULL && check_signature(header.algorithm, key, parts, err) != 0) {
		*unknown_key = header.kid == NULL;
		return -1;
	}
	if (ush_jwk_check(key, err) != 0) /* last, because it costs most: a forged token does not get this far */
		return -1;
	*payload = decode(&parts[1], payload_length);
	return *payload != NULL ? 0 : refuse(err, "its payload is no base64url");
}
