/* SPDX-License-Identifier: Apache-2.0
 *
 * What ush_jws_verify says of a token, for the tests of oidc/jose.h.
 */
#ifndef USH_TEST_VERDICT_H
#define USH_TEST_VERDICT_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/oidc/jose.h"

extern const char payload[];         /* of the tokens that verdict judges */
extern const char *const nine[9];    /* the algorithms */

/* NULL when the token is taken under this JWKS (and its payload is `payload`), else why not. */
const char *verdict(const char *token, size_t length, const char *set, bool *unknown);
void taken(const char *token, const char *set);
void refused(char *token, const char *set, const char *wanted); /* takes the token */

EVP_PKEY *key_for(const char *alg); /* a new one that fits */

#endif
