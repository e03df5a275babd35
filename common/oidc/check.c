/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/base/memory.h"
#include "common/oidc/claims.h"
#include "common/oidc/document.h"
#include "common/oidc/jose.h"
#include "common/oidc/jwks.h"

#define KEYS_MAX (512U << 10)
#define COOLDOWN 30 /* seconds between two fetches that an unknown key causes; others do not count: keys may change after one */

static void use_keys(struct ush_provider *provider, struct ush_jwks *jwks, int64_t fetched)
{
	ush_jwks_free(provider->jwks);
	provider->jwks = jwks;
	provider->jwks_fetched = fetched;
}

static int fetch_keys(const struct ush_world *world, struct ush_provider *provider, struct ush_documents *kept,
		      struct ush_error *err)
{
	USH_AUTO_RESPONSE response = {0};
	struct ush_jwks *jwks;

	if (ush_document_fetch(world, provider->settings, provider->jwks_uri, "the provider's keys", KEYS_MAX,
			       &response, err) != 0)
		return -1;
	jwks = ush_jwks_read(response.body.data, response.body.length, err);
	if (jwks == NULL)
		return -1;
	use_keys(provider, jwks, ush_now(world));
	free(kept->keys);
	free(kept->keys_uri);
	kept->keys = ush_buf_take(&response.body);
	kept->keys_uri = ush_strdup(provider->jwks_uri);
	kept->keys_fetched = provider->jwks_fetched;
	ush_documents_write(provider->settings, kept);
	return 0;
}

static struct ush_jwks *kept_keys(const struct ush_provider *provider, const struct ush_documents *kept, int64_t now)
{
	struct ush_error ignored = {0};

	if (kept->keys == NULL || kept->keys_uri == NULL || strcmp(kept->keys_uri, provider->jwks_uri) != 0 ||
	    !ush_document_fresh(kept->keys_fetched, now))
		return NULL;
	return ush_jwks_read(kept->keys, strlen(kept->keys), &ignored);
}

/* Keys from the provider struct, the disk, or the provider, in this order; *asked tells the last. */
static int find_keys(const struct ush_world *world, struct ush_provider *provider, bool *asked, struct ush_error *err)
{
	USH_AUTO_DOCUMENTS kept = {0};
	struct ush_jwks *jwks;

	*asked = false;
	if (provider->jwks != NULL && ush_document_fresh(provider->jwks_fetched, ush_now(world)))
		return 0;
	ush_documents_read(provider->settings, &kept);
	jwks = kept_keys(provider, &kept, ush_now(world));
	*asked = jwks == NULL;
	if (jwks == NULL)
		return fetch_keys(world, provider, &kept, err);
	use_keys(provider, jwks, kept.keys_fetched);
	return 0;
}

/* On disk at once, so that siblings do not look too. */
static void note_sought(struct ush_provider *provider, struct ush_documents *kept, int64_t now)
{
	provider->jwks_sought = kept->keys_sought = now;
	ush_documents_write(provider->settings, kept);
}

/*
 * Sets *newer when there are other keys than before: a sibling's, from the disk, or the provider's. asked: those we have
 * were fetched for this token, so to ask again would bring the same. The cooldown goes by time alone: an empty or useless
 * set does not shorten it.
 */
static int find_newer_keys(const struct ush_world *world, struct ush_provider *provider, bool asked, bool *newer,
			   struct ush_error *err)
{
	USH_AUTO_DOCUMENTS kept = {0};
	struct ush_jwks *jwks = NULL;
	int64_t now = ush_now(world), last;

	ush_documents_read(provider->settings, &kept);
	if (kept.keys_fetched > provider->jwks_fetched)
		jwks = kept_keys(provider, &kept, now);
	if (jwks != NULL)
		use_keys(provider, jwks, kept.keys_fetched);
	*newer = jwks != NULL;
	last = kept.keys_sought > provider->jwks_sought ? kept.keys_sought : provider->jwks_sought;
	provider->jwks_sought = last;
	if (*newer || (last <= now && now - last < COOLDOWN))
		return 0;
	note_sought(provider, &kept, now);
	*newer = !asked;
	return asked ? 0 : fetch_keys(world, provider, &kept, err);
}

static int tell_unknown(const struct ush_provider *provider, int64_t now, struct ush_error *err)
{
	int64_t left = provider->jwks_sought + COOLDOWN - now;

	return ush_hint(err, "If the provider has just changed its keys, they are read again in %lld s: try then",
			(long long)(left > 0 && left < COOLDOWN ? left : COOLDOWN));
}

static int verify(const struct ush_world *world, struct ush_provider *provider, const struct ush_secret *token,
		  char **payload, size_t *length, struct ush_error *err)
{
	const char *text = ush_secret_reveal(token);
	size_t text_length = ush_secret_length(token);
	struct ush_error why = {0}, fetch = {0};
	bool unknown, newer = true, asked;

	if (find_keys(world, provider, &asked, err) != 0)
		return -1;
	for (int sets = 0; newer && sets < 3; sets++) { /* what we have, a sibling's, the provider's */
		unknown = newer = false;
		ush_error_clear(&why);
		if (ush_jws_verify(text, text_length, provider->jwks, payload, length, &unknown, &why) == 0)
			return 0;
		if (unknown && find_newer_keys(world, provider, asked, &newer, &fetch) != 0)
			return ush_fail(err, fetch.code, "%s", fetch.what);
	}
	ush_fail(err, why.code, "%s", why.what);
	return unknown ? tell_unknown(provider, ush_now(world), err) : -1;
}

struct ush_claims *ush_id_token_check(const struct ush_world *world, struct ush_provider *provider,
				      const struct ush_secret *token, const struct ush_expect *expect,
				      struct ush_error *err)
{
	struct ush_claims *claims;
	char *payload = NULL;
	size_t length = 0;

	if (verify(world, provider, token, &payload, &length, err) != 0)
		return NULL;
	claims = ush_claims_read(payload, length, expect, err);
	ush_wipe_free(payload, length);
	return claims;
}
