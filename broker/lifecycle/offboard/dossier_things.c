/* SPDX-License-Identifier: Apache-2.0
 *
 * What the person could get at: ServiceAccounts, tokens without an end; and certificates in the person's name.
 */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/lifecycle/offboard/dossier.h"
#include "broker/policy/reader.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define ACCOUNT_OF  "kubernetes.io/service-account.name"
#define CLIENT_SIGN "kubernetes.io/kube-apiserver-client"
#define CHAIN_MAX   (64U << 10) /* bytes of a certificate chain, as base64 */

/* ---- where ---- */

static int compare_spaces(const void *a, const void *b)
{
	return strcmp(a, ((const struct ush_reach *)b)->space);
}

static struct ush_reach *reach_at(const struct ush_dossier *d, const char *space)
{
	return d->reach_count > 0 ? bsearch(space, d->reaches, d->reach_count, sizeof *d->reaches, compare_spaces) : NULL;
}

static bool gets_accounts(const struct ush_reach *reach, const char *name)
{
	if (reach == NULL)
		return false;
	return (reach->powers & ush_ways_to_accounts) != 0 || (reach->named & ush_ways_to_accounts & ~USH_BIT(USH_REQUEST_TOKENS)) != 0 ||
	       ush_list_holds(&reach->tokens, name);
}

static bool gets_secrets(const struct ush_reach *reach, const char *name)
{
	if (reach == NULL)
		return false;
	return (reach->powers & ush_ways_to_secrets) != 0 || (reach->named & ush_ways_to_secrets & ~USH_BIT(USH_READ_SECRETS)) != 0 ||
	       ush_list_holds(&reach->secrets, name);
}

/* ---- ServiceAccounts ---- */

/* By the wider scope alone: who may do it everywhere may do it there. */
void ush_dossier_account(struct ush_dossier *d, const struct ush_item *item)
{
	USH_AUTO_FREE char *space = ush_slice_copy(item->namespace_name), *name = ush_slice_copy(item->name), *told = NULL;
	struct ush_reach *everywhere = reach_at(d, ""), *reach = everywhere;

	if (space == NULL || name == NULL)
		return;
	if (!gets_accounts(everywhere, name))
		reach = reach_at(d, space);
	if (!gets_accounts(reach, name))
		return;
	if (reach == everywhere && (d->last_space == NULL || strcmp(d->last_space, space) != 0)) { /* lists come sorted */
		d->spaces_seen++;
		free(d->last_space);
		d->last_space = ush_strdup(space);
	}
	told = reach == everywhere ? ush_printf("%s/%s", space, name) : ush_strdup(name);
	if (reach->accounts++ < USH_DOSSIER_NAMED)
		ush_list_add(&reach->account_names, told);
}

void ush_dossier_forget_accounts(struct ush_dossier *d)
{
	d->spaces_seen = 0;
	free(ush_steal(&d->last_space));
	for (size_t i = 0; i < d->reach_count; i++) {
		d->reaches[i].accounts = 0;
		ush_list_free(&d->reaches[i].account_names);
	}
}

/* ---- Secrets ---- */

void ush_dossier_secret(struct ush_dossier *d, const struct ush_item *item)
{
	USH_AUTO_FREE char *space = ush_slice_copy(item->namespace_name), *name = ush_slice_copy(item->name);
	USH_AUTO_FREE char *made = ush_slice_copy(ush_slice_member(item->metadata, "creationTimestamp"));
	struct ush_token_secret secret = {0};

	if (space == NULL || name == NULL || (!gets_secrets(reach_at(d, ""), name) && !gets_secrets(reach_at(d, space), name)))
		return;
	secret.account = ush_slice_copy(ush_slice_member(item->annotations, ACCOUNT_OF));
	if (secret.account == NULL)
		return; /* no token was ever put in */
	secret.space = ush_steal(&space);
	secret.name = ush_steal(&name);
	if (made == NULL || !ush_parse_moment(made, &secret.made))
		secret.made = 0;
	USH_PUSH(d->secrets, d->secret_count, secret);
}

void ush_dossier_forget_secrets(struct ush_dossier *d)
{
	for (size_t i = 0; i < d->secret_count; i++) {
		free(d->secrets[i].space);
		free(d->secrets[i].name);
		free(d->secrets[i].account);
	}
	free(ush_steal(&d->secrets));
	d->secret_count = 0;
}

/* ---- certificates ---- */

static void free_certificate(X509 **certificate)
{
	X509_free(*certificate);
}

/* The first certificate of base64 of PEM, or NULL. The caller frees. */
static X509 *certificate_of(const json_t *status)
{
	const char *text = ush_json_string(status, "certificate");
	size_t length = text != NULL ? strlen(text) : 0;
	USH_AUTO_FREE unsigned char *pem = NULL;
	X509 *certificate = NULL;
	BIO *bio;
	int size;

	if (length == 0 || length > CHAIN_MAX || length % 4 != 0)
		return NULL;
	pem = ush_alloc(length);
	size = EVP_DecodeBlock(pem, (const unsigned char *)text, (int)length);
	bio = size > 0 ? BIO_new_mem_buf(pem, size) : NULL;
	if (bio != NULL)
		certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return certificate;
}

/* A name's entries of one kind, as UTF-8. */
static void entries(X509 *certificate, int nid, struct ush_list *out)
{
	const X509_NAME *name = X509_get_subject_name(certificate);

	for (int at = X509_NAME_get_index_by_NID(name, nid, -1); at >= 0; at = X509_NAME_get_index_by_NID(name, nid, at)) {
		unsigned char *text = NULL;
		int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));

		if (length >= 0 && memchr(text, '\0', (size_t)length) == NULL) {
			USH_AUTO_FREE char *copy = ush_strndup((const char *)text, (size_t)length);

			ush_list_add(out, copy);
		}
		OPENSSL_free(text);
	}
}

static int64_t ends(X509 *certificate)
{
	struct tm tm = {0};

	return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* The API server takes the common name for the user and the organizations for the groups, and adds no prefix. */
void ush_dossier_request(struct ush_dossier *d, const struct ush_item *item, int64_t now)
{
	struct ush_error unimportant = {0};
	USH_AUTO_JSON object = ush_item_json(item, USH_ERR_REJECTED, &unimportant);
	const json_t *spec = ush_json_object(object, "spec");
	const char *asked_by = ush_json_string(spec, "username"), *signer = ush_json_string(spec, "signerName");
	X509 *certificate __attribute__((cleanup(free_certificate))) = NULL;
	struct ush_certificate found = {0};
	struct ush_list names = {0};

	if (signer == NULL || strcmp(signer, CLIENT_SIGN) != 0)
		return;
	certificate = certificate_of(ush_json_object(object, "status"));
	if (certificate == NULL || (found.until = ends(certificate)) <= now)
		return;
	entries(certificate, NID_commonName, &names);
	if ((asked_by != NULL && ush_spellings_have(&d->users, asked_by)) || (names.count > 0 && ush_spellings_have(&d->users, names.items[0]))) {
		entries(certificate, NID_organizationName, &found.groups);
		found.request = ush_slice_copy(item->name);
		found.name = ush_strdup(names.count > 0 ? names.items[0] : "");
		found.asked_by = ush_strdup(asked_by != NULL ? asked_by : "");
		USH_PUSH(d->certificates, d->certificate_count, found);
	}
	ush_list_free(&names);
}

void ush_dossier_forget_requests(struct ush_dossier *d)
{
	for (size_t i = 0; i < d->certificate_count; i++) {
		free(d->certificates[i].request);
		free(d->certificates[i].name);
		free(d->certificates[i].asked_by);
		ush_list_free(&d->certificates[i].groups);
	}
	free(ush_steal(&d->certificates));
	d->certificate_count = 0;
}
