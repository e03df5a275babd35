/* SPDX-License-Identifier: Apache-2.0
 *
 * A profile: whom to sign in at and where the token may go. The user's own file; everything that matters for security
 * comes from here, never from kubeconfig. usher-profile(5).
 */
#ifndef USH_SESSION_PROFILE_H
#define USH_SESSION_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/oidc/discovery.h"

enum ush_flow_choice { USH_FLOW_AUTO, USH_FLOW_BROWSER, USH_FLOW_DEVICE };
enum ush_store_choice { USH_STORE_AUTO, USH_STORE_KEYRING, USH_STORE_PLAIN_FILE, USH_STORE_NONE };

struct ush_profile {
	char *name;
	char *path;
	char *identity;             /* of the file when it was read (place.c) */
	char *issuer, *client;
	struct ush_secret *client_secret; /* of client-secret-file, or NULL for a public client */
	char **scopes;              /* without openid and offline_access, which are implied */
	size_t scope_count;
	char **servers;             /* at least one */
	size_t server_count;
	char **endpoint_hosts;      /* ended by NULL, or NULL */
	size_t endpoint_host_count;
	char *ca_path, *client_secret_path; /* absolute, or NULL */
	char *ca_pem;               /* content of `ca`, or NULL */
	bool loopback_http;         /* allow-loopback-http */
	enum ush_flow_choice flow;
	enum ush_store_choice store;
	char *account;              /* login_hint, or NULL */
	char *browser;              /* command that opens a URL (absolute path, no arguments), or NULL: xdg-open */
	int64_t min_validity;       /* seconds, 60 */
	int64_t sign_in_timeout;    /* seconds, 180 */
	char *cache_folder;         /* ush_cache_folder, or NULL; nothing is kept then */
	struct ush_provider_settings settings; /* points into the profile */
};

/* Pure: from text, as if at path. Errors are "path:line:column: member: why" with USH_ERR_CONFIG. CA and secret files
 * are read by ush_profile_load. */
struct ush_profile *ush_profile_read(const char *name, const char *path, const char *text, size_t length, struct ush_error *err);

/* Finds, checks (owner, mode) and reads a profile with the files it names. */
struct ush_profile *ush_profile_load(const char *name, struct ush_error *err);
void ush_profile_free(struct ush_profile *profile);

static inline void ush_profile_free_indirect(struct ush_profile **profile)
{
	ush_profile_free(*profile);
}
#define USH_AUTO_PROFILE __attribute__((cleanup(ush_profile_free_indirect))) struct ush_profile *

/* SHA-256, hex, of everything a session is bound to: issuer, client, CA set, endpoint hosts, scopes, account, servers.
 * The caller frees. */
char *ush_profile_binding(const struct ush_profile *profile);

/* Names of all profiles a person has, sorted; the caller frees each and the array. */
char **ush_profile_names(size_t *count);

#endif
