/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oidc/document.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/oidc/jwks.h"

#define FILE_MAX    (4U << 20)
#define FILE_FORMAT 1 /* raised when the file's meaning changes: older files are misses */

/* ---- the file ---- */

static void hash_text(EVP_MD_CTX *context, const char *text)
{
	/* the NUL too: it keeps neighbours apart, and NULL from "" */
	EVP_DigestUpdate(context, text != NULL ? "+" : "-", 1);
	EVP_DigestUpdate(context, text != NULL ? text : "", text != NULL ? strlen(text) + 1 : 1);
}

/* The caller frees; NULL when nothing is kept. */
static char *file_of(const struct ush_provider_settings *settings)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1] = "";
	unsigned int length = 0;
	EVP_MD *sha256;
	EVP_MD_CTX *context;

	if (settings->cache_folder == NULL)
		return NULL;
	sha256 = EVP_MD_fetch(ush_openssl(), "SHA256", NULL);
	context = EVP_MD_CTX_new();
	if (EVP_DigestInit_ex2(context, sha256, NULL) == 1) {
		hash_text(context, settings->issuer);
		hash_text(context, settings->ca_pem);
		hash_text(context, settings->loopback_http ? "loopback" : NULL);
		EVP_DigestFinal_ex(context, digest, &length);
	}
	EVP_MD_CTX_free(context);
	EVP_MD_free(sha256);
	for (unsigned int i = 0; i < length; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
	return length > 0 ? ush_printf("%s/provider-%s.json", settings->cache_folder, hex) : NULL;
}

static int64_t read_time(const json_t *file, const char *member)
{
	int64_t seconds = 0;

	return ush_json_date(file, member, &seconds) == 1 ? seconds : 0;
}

void ush_documents_read(const struct ush_provider_settings *settings, struct ush_documents *out)
{
	USH_AUTO_FREE char *path = file_of(settings);
	USH_AUTO_BUF text = USH_BUF_MAX(FILE_MAX);
	USH_AUTO_JSON file = NULL;
	struct ush_error ignored = {0};
	const char *issuer;

	*out = (struct ush_documents){0};
	if (path == NULL || ush_file_read(path, USH_FILE_PRIVATE, USH_ERR_STORE, &text, NULL, &ignored) != 0)
		return;
	file = ush_json_parse(text.data, text.length, path, USH_ERR_STORE, &ignored);
	issuer = ush_json_string(file, "issuer");
	if (file == NULL || json_integer_value(json_object_get(file, "format")) != FILE_FORMAT || issuer == NULL ||
	    strcmp(issuer, settings->issuer) != 0)
		return;
	out->metadata = ush_strdup(ush_json_string(file, "metadata"));
	out->metadata_fetched = read_time(file, "metadata_fetched");
	out->keys = ush_strdup(ush_json_string(file, "keys"));
	out->keys_uri = ush_strdup(ush_json_string(file, "keys_uri"));
	out->keys_fetched = read_time(file, "keys_fetched");
	out->keys_sought = read_time(file, "keys_sought");
}

void ush_documents_write(const struct ush_provider_settings *settings, const struct ush_documents *documents)
{
	USH_AUTO_FREE char *path = file_of(settings);
	USH_AUTO_FREE char *text = NULL;
	USH_AUTO_JSON file = NULL;
	struct ush_error ignored = {0};

	if (path == NULL)
		return;
	file = json_pack("{s:i, s:s, s:s*, s:I, s:s*, s:s*, s:I, s:I}", "format", FILE_FORMAT, "issuer",
			 settings->issuer, "metadata", documents->metadata, "metadata_fetched",
			 (json_int_t)documents->metadata_fetched, "keys", documents->keys, "keys_uri",
			 documents->keys_uri, "keys_fetched", (json_int_t)documents->keys_fetched, "keys_sought",
			 (json_int_t)documents->keys_sought);
	text = file != NULL ? json_dumps(file, JSON_COMPACT) : NULL;
	if (text != NULL)
		ush_file_write(path, text, strlen(text), 0600, &ignored);
}

void ush_documents_free(struct ush_documents *documents)
{
	free(documents->metadata);
	free(documents->keys);
	free(documents->keys_uri);
	*documents = (struct ush_documents){0};
}

bool ush_document_fresh(int64_t fetched, int64_t now)
{
	return fetched > 0 && fetched <= now && now - fetched < USH_DOCUMENT_LIFE;
}

/* ---- the wire ---- */

static int judge(const char *host, const char *what, const struct ush_http_response *response, struct ush_error *err)
{
	int status = response->status;

	if (status >= 500 || status == 429)
		return ush_fail(err, USH_ERR_UNAVAILABLE, "%s cannot give %s now (HTTP %d)", host, what, status);
	if (status >= 300 && status < 400)
		return ush_fail(err, USH_ERR_REJECTED,
				"%s sends the question for %s elsewhere (HTTP %d); redirects are not followed", host,
				what, status);
	if (status == 404)
		return ush_fail(err, USH_ERR_REJECTED,
				"%s has no %s at the place that the issuer's URL leads to (HTTP 404)", host, what);
	if (status != 200)
		return ush_fail(err, USH_ERR_REJECTED, "%s does not give %s (HTTP %d)", host, what, status);
	if (strcmp(response->content_type, "text/html") == 0)
		return ush_fail(
			err, USH_ERR_UNAVAILABLE,
			"%s answered with a web page in place of %s; does this network want a sign-in of its own?",
			host, what);
	return 0;
}

int ush_document_fetch(const struct ush_world *world, const struct ush_provider_settings *settings, const char *url,
		       const char *what, size_t max_bytes, struct ush_http_response *response, struct ush_error *err)
{
	const struct ush_http_request request = {
		.url = url,
		.loopback_http = settings->loopback_http,
		.ca_pem = settings->ca_pem,
		.max_bytes = max_bytes,
	};
	USH_AUTO_FREE char *host = NULL;
	USH_AUTO_URL parsed = {0};

	if (ush_url_parse(&parsed, url, USH_ERR_CONFIG, err) != 0 || ush_http(world, &request, response, err) != 0)
		return -1;
	host = ush_url_authority(&parsed);
	return judge(host, what, response, err);
}
