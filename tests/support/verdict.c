/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/verdict.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/oidc/jwks.h"
#include "tests/support/jose.h"

const char payload[] = "{\"iss\":\"https://login.example.com\",\"sub\":\"carol\"}";

/* Verdict of a token under a set: NULL when it is taken, else why not. */
const char *verdict(const char *token, size_t length, const char *set, bool *unknown)
{
	static struct ush_error err;
	struct ush_error bad = {0};
	struct ush_jwks *jwks = ush_jwks_read(set, strlen(set), &bad);
	char *out = NULL;
	size_t out_length = 0;
	int result;

	ck_assert_msg(jwks != NULL, "%s", bad.what);
	err = (struct ush_error){0};
	result = ush_jws_verify(token, length, jwks, &out, &out_length, unknown, &err);
	if (result == 0) {
		ck_assert_uint_eq(out_length, strlen(payload));
		ck_assert_str_eq(out, payload);
	} else {
		ck_assert_ptr_null(out);
		ck_assert_int_eq(err.code, USH_ERR_REJECTED);
		ck_assert_msg(strncmp(err.what, "token rejected: ", 16) == 0, "%s", err.what);
	}
	free(out);
	ush_jwks_free(jwks);
	return result == 0 ? NULL : err.what;
}

void taken(const char *token, const char *set)
{
	bool unknown;
	const char *why = verdict(token, strlen(token), set, &unknown);

	ck_assert_msg(why == NULL, "%s: %s", token, why);
}

/* Takes the token. */
void refused(char *token, const char *set, const char *wanted)
{
	bool unknown;
	const char *why = verdict(token, strlen(token), set, &unknown);

	ck_assert_msg(why != NULL, "taken: %s", token);
	ck_assert_msg(strstr(why, wanted) != NULL, "wanted \"%s\", got \"%s\"", wanted, why);
	free(token);
}

EVP_PKEY *key_for(const char *alg)
{
	if (alg[0] != 'E')
		return jose_rsa(2048, 65537);
	return jose_ec(strcmp(alg, "ES256") == 0 ? "P-256" : strcmp(alg, "ES384") == 0 ? "P-384" : "P-521");
}

const char *const nine[9] = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"};
