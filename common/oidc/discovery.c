/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oidc/discovery.h"

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/net/http.h"
#include "common/oidc/document.h"
#include "common/oidc/jwks.h"

#define METADATA_MAX (256U << 10)

static const struct {
	const char *member;
	size_t offset;
	bool required;
} endpoints[] = {
	{"authorization_endpoint", offsetof(struct ush_provider, authorization_endpoint), true},
	{"token_endpoint", offsetof(struct ush_provider, token_endpoint), true},
	{"jwks_uri", offsetof(struct ush_provider, jwks_uri), true},
	{"device_authorization_endpoint", offsetof(struct ush_provider, device_authorization_endpoint), false},
	{"revocation_endpoint", offsetof(struct ush_provider, revocation_endpoint), false},
	{"end_session_endpoint", offsetof(struct ush_provider, end_session_endpoint), false},
};

static char **slot(struct ush_provider *provider, size_t i)
{
	return (char **)(void *)((char *)provider + endpoints[i].offset);
}

/* ---- the issuer ---- */

static int parse_issuer(const struct ush_provider_settings *settings, struct ush_url *issuer, struct ush_error *err)
{
	if (ush_url_parse(issuer, settings->issuer, USH_ERR_CONFIG, err) != 0)
		return ush_error_at(err, "issuer");
	if (strchr(issuer->path, '?') != NULL)
		return ush_fail(err, USH_ERR_CONFIG, "issuer: %s: an issuer has no query", settings->issuer);
	if (strcmp(issuer->scheme, "http") == 0 && !(settings->loopback_http && issuer->loopback))
		return ush_fail(err, USH_ERR_CONFIG, "issuer: %s: is not https", settings->issuer);
	return 0;
}

/* What is wrong between two issuers, for a person who compares them letter by letter. */
static int wrong_issuer(const char *wanted, const char *found, struct ush_error *err)
{
	size_t w = strlen(wanted), f = strlen(found);

	if (f == w + 1 && found[w] == '/' && strncmp(wanted, found, w) == 0)
		return ush_fail(err, USH_ERR_REJECTED,
				"issuer: the provider calls itself \"%s\", the profile says it without the last slash",
				found);
	if (w == f + 1 && wanted[f] == '/' && strncmp(wanted, found, f) == 0)
		return ush_fail(err, USH_ERR_REJECTED,
				"issuer: the provider calls itself \"%s\", the profile says it with a slash at the end",
				found);
	return ush_fail(err, USH_ERR_REJECTED, "issuer: the provider calls itself \"%s\", the profile says \"%s\"",
			found, wanted);
}

/* ---- URLs in the metadata ---- */

static bool known_host(const struct ush_provider_settings *settings, const struct ush_url *issuer,
		       const struct ush_url *url)
{
	if (strcmp(url->host, issuer->host) == 0)
		return true;
	for (const char *const *host = settings->endpoint_hosts; host != NULL && *host != NULL; host++)
		if (strcasecmp(*host, url->host) == 0)
			return true;
	return false;
}

static int check_url(const struct ush_provider_settings *settings, const struct ush_url *issuer, const char *member,
		     const char *text, struct ush_error *err)
{
	USH_AUTO_URL url = {0};

	if (ush_url_parse(&url, text, USH_ERR_REJECTED, err) != 0)
		return ush_error_at(err, "%s", member);
	if (strcmp(url.scheme, "https") != 0 && (strcmp(issuer->scheme, "https") == 0 || !url.loopback))
		return ush_fail(err, USH_ERR_REJECTED,
				"%s: the provider's metadata leads to http://%s, which is not https", member, url.host);
	if (!known_host(settings, issuer, &url)) {
		ush_fail(err, USH_ERR_REJECTED,
			 "%s: the provider's metadata leads to %s, which is not the issuer's host", member, url.host);
		return ush_hint(err, "If it is the provider's own, name it in the profile: endpoint-hosts: [%s]",
				url.host);
	}
	return 0;
}

/* A URL that something may one day be sent to; pages for people (terms, documentation) are never asked. */
static bool is_endpoint(const char *member)
{
	static const char *const pages[] = {"op_policy_uri", "op_tos_uri"};
	static const char *const endings[] = {"_endpoint", "_uri", "_iframe"};
	size_t length = strlen(member);

	for (size_t i = 0; i < USH_COUNT(pages); i++)
		if (strcmp(member, pages[i]) == 0)
			return false;
	for (size_t i = 0; i < USH_COUNT(endings); i++)
		if (length > strlen(endings[i]) && strcmp(member + length - strlen(endings[i]), endings[i]) == 0)
			return true;
	return false;
}

static int check_urls(const struct ush_provider_settings *settings, const struct ush_url *issuer, json_t *object,
		      struct ush_error *err)
{
	const char *member;
	json_t *value;

	json_object_foreach(object, member, value)
	{
		if (!is_endpoint(member) || json_is_null(value))
			continue;
		if (!json_is_string(value))
			return ush_fail(err, USH_ERR_REJECTED,
					"%s: the provider's metadata has something other than a text", member);
		if (check_url(settings, issuer, member, json_string_value(value), err) != 0)
			return -1;
	}
	return 0;
}

/* ---- the document ---- */

static bool lists(const json_t *document, const char *member, const char *word)
{
	const json_t *list = ush_json_array(document, member);

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *item = json_string_value(json_array_get(list, i));

		if (item != NULL && strcmp(item, word) == 0)
			return true;
	}
	return false;
}

static int take_endpoints(struct ush_provider *provider, const json_t *document, struct ush_error *err)
{
	for (size_t i = 0; i < USH_COUNT(endpoints); i++) {
		const char *text = ush_json_string(document, endpoints[i].member);

		if (text == NULL && endpoints[i].required)
			return ush_fail(err, USH_ERR_REJECTED, "%s: missing in the provider's metadata",
					endpoints[i].member);
		*slot(provider, i) = ush_strdup(text);
	}
	provider->iss_parameter =
		json_is_true(json_object_get(document, "authorization_response_iss_parameter_supported"));
	provider->form_post = lists(document, "response_modes_supported", "form_post");
	return 0;
}

struct ush_provider *ush_provider_read(const struct ush_provider_settings *settings, const char *text, size_t length,
				       struct ush_error *err)
{
	USH_AUTO_PROVIDER provider = ush_new(struct ush_provider);
	USH_AUTO_JSON document = NULL;
	USH_AUTO_URL issuer = {0};
	const char *found;

	provider->settings = settings;
	if (parse_issuer(settings, &issuer, err) != 0)
		return NULL;
	if (length > METADATA_MAX) {
		ush_fail(err, USH_ERR_REJECTED, "the provider's metadata is larger than %u KiB", METADATA_MAX >> 10);
		return NULL;
	}
	document = ush_json_parse(text, length, "the provider's metadata", USH_ERR_REJECTED, err);
	if (document == NULL)
		return NULL;
	found = ush_json_string(document, "issuer");
	if (found == NULL) {
		ush_fail(err, USH_ERR_REJECTED, "issuer: missing in the provider's metadata");
		return NULL;
	}
	if (strcmp(found, settings->issuer) != 0) {
		wrong_issuer(settings->issuer, found, err);
		return NULL;
	}
	if (check_urls(settings, &issuer, document, err) != 0 ||
	    check_urls(settings, &issuer, ush_json_object(document, "mtls_endpoint_aliases"), err) != 0 ||
	    take_endpoints(provider, document, err) != 0)
		return NULL;
	return ush_steal(&provider);
}

/* ---- cache, then provider ---- */

static struct ush_provider *load_kept(const struct ush_provider_settings *settings, const struct ush_documents *kept,
				      int64_t now)
{
	struct ush_error ignored = {0};
	struct ush_provider *provider;

	if (kept->metadata == NULL || !ush_document_fresh(kept->metadata_fetched, now))
		return NULL;
	provider = ush_provider_read(settings, kept->metadata, strlen(kept->metadata), &ignored);
	if (provider != NULL)
		provider->from_cache = true;
	return provider;
}

struct ush_provider *ush_provider_load(const struct ush_world *world, const struct ush_provider_settings *settings,
				       struct ush_error *err)
{
	static const char well_known[] = ".well-known/openid-configuration";
	USH_AUTO_DOCUMENTS kept = {0};
	USH_AUTO_RESPONSE response = {0};
	USH_AUTO_URL issuer = {0};
	USH_AUTO_FREE char *url = NULL;
	struct ush_provider *provider;

	if (parse_issuer(settings, &issuer, err) != 0)
		return NULL;
	ush_documents_read(settings, &kept);
	provider = load_kept(settings, &kept, ush_now(world));
	if (provider != NULL)
		return provider;
	url = ush_printf("%s%s%s", settings->issuer, settings->issuer[strlen(settings->issuer) - 1] == '/' ? "" : "/",
			 well_known);
	if (ush_document_fetch(world, settings, url, "the provider's metadata", METADATA_MAX, &response, err) != 0)
		return NULL;
	provider = ush_provider_read(settings, response.body.data, response.body.length, err);
	if (provider == NULL)
		return NULL;
	free(kept.metadata);
	kept.metadata = ush_buf_take(&response.body);
	kept.metadata_fetched = ush_now(world);
	ush_documents_write(settings, &kept);
	return provider;
}

void ush_provider_free(struct ush_provider *provider)
{
	if (provider == NULL)
		return;
	for (size_t i = 0; i < USH_COUNT(endpoints); i++)
		free(*slot(provider, i));
	ush_jwks_free(provider->jwks);
	free(provider);
}

char *ush_provider_host(const struct ush_provider_settings *settings)
{
	USH_AUTO_URL issuer = {0};
	struct ush_error ignored = {0};

	if (ush_url_parse(&issuer, settings->issuer, USH_ERR_CONFIG, &ignored) != 0)
		return ush_strdup(settings->issuer);
	return ush_url_authority(&issuer);
}
