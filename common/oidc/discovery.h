/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenID Connect Discovery 1.0 and RFC 8414: what a provider can do and where. Read from
 * ISSUER/.well-known/openid-configuration, checked whole before anything in it is used: issuer equal byte for byte (12
 * near misses are tests), every URL in it https (or loopback http where the profile allows it) on the issuer's host or
 * one that the profile names. Kept on disk (no secret in it) for a day.
 */
#ifndef USH_OIDC_DISCOVERY_H
#define USH_OIDC_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/world.h"

/* How to reach a provider: what a profile says of it. Borrowed strings. */
struct ush_provider_settings {
	const char *issuer;
	const char *ca_pem;                /* beside the system's, or NULL */
	bool loopback_http;                /* issuer may be http on a loopback address */
	const char *const *endpoint_hosts; /* more hosts that endpoints may be on; ended by NULL, or NULL */
	const char *cache_folder;          /* for metadata and keys, exists and is private; NULL: nothing is kept */
};

struct ush_provider {
	const struct ush_provider_settings *settings; /* borrowed: outlives the provider */
	char *authorization_endpoint, *token_endpoint, *jwks_uri;
	char *device_authorization_endpoint; /* NULL where not offered; likewise below */
	char *revocation_endpoint, *end_session_endpoint;
	bool iss_parameter; /* authorization_response_iss_parameter_supported (RFC 9207) */
	bool form_post;     /* response_modes_supported has form_post */
	bool from_cache;
	struct ush_jwks *jwks;  /* loaded when first needed, or NULL */
	long long jwks_fetched; /* Unix seconds of that, 0 when never */
	long long jwks_sought;  /* Unix seconds when a key was looked for that is not in it, 0 when never */
};

/*
 * Loads the metadata from the cache or from the provider. Errors: USH_ERR_UNAVAILABLE (the provider cannot be asked;
 * nothing is concluded), USH_ERR_REJECTED (its answer is not to be trusted, naming the member), USH_ERR_CONFIG (the
 * issuer of the profile is no URL).
 */
struct ush_provider *ush_provider_load(const struct ush_world *world, const struct ush_provider_settings *settings,
				       struct ush_error *err);
void ush_provider_free(struct ush_provider *provider);

/* The pure half: checks a metadata document against the settings. NULL on failure. */
struct ush_provider *ush_provider_read(const struct ush_provider_settings *settings, const char *text, size_t length,
				       struct ush_error *err);

static inline void ush_provider_free_indirect(struct ush_provider **provider)
{
	ush_provider_free(*provider);
}
#define USH_AUTO_PROVIDER __attribute__((cleanup(ush_provider_free_indirect))) struct ush_provider *

/* "host" or "host:port" of the issuer, for messages; the caller frees. */
char *ush_provider_host(const struct ush_provider_settings *settings);

#endif
