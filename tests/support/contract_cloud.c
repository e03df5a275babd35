/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/contract_cloud.h"

#include <check.h>
#include <openssl/pem.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/oidc/jose.h"
#include "tests/support/jose.h"
#include "tests/support/tap.h"

char *cloud_base(const char *url)
{
	const char *after = strstr(url, "://");

	ck_assert_ptr_nonnull(after);
	return ush_strndup(url, (size_t)(after - url) + 3 + strcspn(after + 3, "/?"));
}

const EVP_PKEY *cloud_key(void)
{
	static EVP_PKEY *key;

	if (key == NULL)
		key = jose_rsa(2048, 65537);
	return key;
}

char *cloud_key_pem(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text, *copy;
	long length;

	ck_assert_int_eq(PEM_write_bio_PrivateKey(bio, cloud_key(), NULL, NULL, 0, NULL, NULL), 1);
	length = BIO_get_mem_data(bio, &text);
	copy = ush_strndup(text, (size_t)length);
	BIO_free(bio);
	return copy;
}

const char *cloud_key_file(void)
{
	static char path[200];
	USH_AUTO_FREE char *pem = NULL;
	struct ush_error err = {0};

	if (path[0] != '\0')
		return path;
	pem = cloud_key_pem();
	snprintf(path, sizeof path, "%s/key.pem", tap_folder());
	ck_assert_msg(ush_file_write(path, pem, strlen(pem), 0600, &err) == 0, "%s", err.what);
	return path;
}

json_t *cloud_claims(const char *jwt)
{
	USH_AUTO_FREE char *text = jose_jwks(jose_jwk(cloud_key(), "key-1", "RS256", "sig"), NULL), *payload = NULL;
	struct ush_error err = {0};
	struct ush_jwks *jwks = ush_jwks_read(text, strlen(text), &err);
	json_t *claims = NULL;
	size_t length;
	bool unknown;

	ck_assert_ptr_nonnull(jwks);
	if (jwt != NULL && ush_jws_verify(jwt, strlen(jwt), jwks, &payload, &length, &unknown, &err) == 0)
		claims = json_loadb(payload, length, 0, NULL);
	ush_jwks_free(jwks);
	return claims;
}
