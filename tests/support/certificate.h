/* SPDX-License-Identifier: Apache-2.0
 *
 * X.509 certificates made at run time. Aborts when OpenSSL refuses.
 */
#ifndef USH_TEST_CERTIFICATE_H
#define USH_TEST_CERTIFICATE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

struct certificate {
	X509 *x509;
	EVP_PKEY *key;
	char *pem, *key_pem;
};

struct certificate_wish {
	const char *name;                 /* common name */
	const char *san;                  /* "DNS:api.internal,IP:127.0.0.1", or NULL */
	const struct certificate *issuer; /* NULL: signs itself */
	bool ca;
	long from, until;   /* seconds from now; 0: an hour ago, an hour ahead */
	int rsa_bits;       /* 0: EC P-256 */
	const char *digest; /* NULL: SHA256 */
};

struct certificate *certificate_new(const struct certificate_wish *wish);
void certificate_free(struct certificate *certificate);

#endif
