/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/certificate.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "tests/support/jose.h"

static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "certificate: %s failed\n", what);
	abort();
}

static void add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	must(extension != NULL && X509_add_ext(x509, extension, -1) == 1, value);
	X509_EXTENSION_free(extension);
}

static char *bio_text(BIO *bio)
{
	char *data, *out;
	long length = BIO_get_mem_data(bio, &data);

	out = ush_strndup(data, (size_t)length);
	BIO_free(bio);
	return out;
}

static void write_pem(struct certificate *out)
{
	BIO *certificate = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());

	must(PEM_write_bio_X509(certificate, out->x509) == 1, "PEM");
	must(PEM_write_bio_PrivateKey(key, out->key, NULL, NULL, 0, NULL, NULL) == 1, "PEM");
	out->pem = bio_text(certificate);
	out->key_pem = bio_text(key);
}

struct certificate *certificate_new(const struct certificate_wish *wish)
{
	static long serial = 1;
	struct certificate *out = ush_new(struct certificate);
	const struct certificate *issuer = wish->issuer != NULL ? wish->issuer : out;
	EVP_MD *digest = EVP_MD_fetch(NULL, wish->digest != NULL ? wish->digest : "SHA256", NULL);
	X509_NAME *name;

	out->x509 = X509_new();
	out->key = wish->rsa_bits != 0 ? jose_rsa(wish->rsa_bits, 65537) : jose_ec("P-256");
	X509_set_version(out->x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(out->x509), serial++);
	X509_gmtime_adj(X509_getm_notBefore(out->x509), wish->from != 0 ? wish->from : -3600);
	X509_gmtime_adj(X509_getm_notAfter(out->x509), wish->until != 0 ? wish->until : 3600);
	name = X509_get_subject_name(out->x509);
	must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)wish->name, -1, -1, 0) == 1,
	     "name");
	X509_set_issuer_name(out->x509, X509_get_subject_name(issuer->x509));
	X509_set_pubkey(out->x509, out->key);
	add_extension(out->x509, issuer->x509, NID_basic_constraints,
		      wish->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_extension(out->x509, issuer->x509, NID_key_usage,
		      wish->ca ? "critical,keyCertSign" : "critical,digitalSignature,keyEncipherment");
	if (wish->san != NULL)
		add_extension(out->x509, issuer->x509, NID_subject_alt_name, wish->san);
	must(X509_sign(out->x509, issuer->key, digest) > 0, "sign");
	EVP_MD_free(digest);
	write_pem(out);
	return out;
}

void certificate_free(struct certificate *certificate)
{
	X509_free(certificate->x509);
	EVP_PKEY_free(certificate->key);
	free(certificate->pem);
	free(certificate->key_pem);
	free(certificate);
}
