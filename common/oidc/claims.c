/* SPDX-License-Identifier: Apache-2.0 */
#include "common/oidc/claims.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/oidc/jose.h"
#include "common/oidc/jwks.h"

#define SUBJECT_MAX 255 /* OpenID Connect Core section 2 */
#define LEEWAY_MAX  300

static int refuse(struct ush_error *err, const char *why)
{
	return ush_fail(err, USH_ERR_REJECTED, "token rejected: %s", why);
}

/* ---- who and for whom ---- */

static int check_issuer(const json_t *all, const struct ush_expect *expect, struct ush_error *err)
{
	const char *iss = ush_json_string(all, "iss");
	size_t want = strlen(expect->issuer), got = iss != NULL ? strlen(iss) : 0;
	const char *hint = "";

	if (iss == NULL)
		return refuse(err, "it has no iss (issuer)");
	if (strcmp(iss, expect->issuer) == 0)
		return 0;
	if (got == want + 1 && iss[want] == '/' && strncmp(iss, expect->issuer, want) == 0)
		hint = ", without the last slash";
	if (want == got + 1 && expect->issuer[got] == '/' && strncmp(iss, expect->issuer, got) == 0)
		hint = ", with a slash at the end";
	return ush_fail(err, USH_ERR_REJECTED,
			"token rejected: its issuer (iss) is \"%.150s\", the profile says \"%.150s\"%s", iss,
			expect->issuer, hint);
}

static int check_audience(const json_t *all, const struct ush_expect *expect, struct ush_error *err)
{
	const json_t *aud = json_object_get(all, "aud"), *azp = json_object_get(all, "azp");
	bool ours = json_is_string(aud) && strcmp(json_string_value(aud), expect->client) == 0;

	if (!json_is_string(aud) && json_array_size(aud) == 0)
		return refuse(err, "its aud (audience) is missing or neither a text nor a list of texts");
	for (size_t i = 0; i < json_array_size(aud); i++) {
		const char *one = json_string_value(json_array_get(aud, i));

		if (one == NULL)
			return refuse(err, "its aud (audience) is missing or neither a text nor a list of texts");
		ours = ours || strcmp(one, expect->client) == 0;
	}
	if (!ours)
		return ush_fail(err, USH_ERR_REJECTED,
				"token rejected: its aud (audience) does not name the client \"%.200s\"",
				expect->client);
	if (azp == NULL && json_array_size(aud) > 1)
		return refuse(err, "it has several audiences and no azp (authorized party)");
	if (azp != NULL && (!json_is_string(azp) || strcmp(json_string_value(azp), expect->client) != 0))
		return ush_fail(err, USH_ERR_REJECTED,
				"token rejected: its azp (authorized party) is not the client \"%.200s\"",
				expect->client);
	return 0;
}

static int check_subject(const json_t *all, const struct ush_expect *expect, struct ush_error *err)
{
	const json_t *sub = json_object_get(all, "sub");

	if (!json_is_string(sub) || json_string_length(sub) == 0 || json_string_length(sub) > SUBJECT_MAX)
		return refuse(err, "its sub (subject) is missing, empty, longer than 255 bytes, or no text");
	if (expect->subject != NULL && strcmp(json_string_value(sub), expect->subject) != 0)
		return refuse(err, "its sub (subject) is another person than the one who signed in");
	return 0;
}

/* ---- when ---- */

static int read_date(const json_t *all, const char *claim, bool required, int64_t *out, struct ush_error *err)
{
	int found = ush_json_date(all, claim, out);

	if (found < 0)
		return ush_fail(err, USH_ERR_REJECTED,
				"token rejected: its %s is not a time (a number of seconds from 0 to 2^53)", claim);
	if (found == 0 && required)
		return ush_fail(err, USH_ERR_REJECTED, "token rejected: it has no %s", claim);
	return 0;
}

static int check_times(const json_t *all, const struct ush_expect *expect, struct ush_claims *out,
		       struct ush_error *err)
{
	int64_t leeway = expect->leeway < 0 ? 0 : expect->leeway > LEEWAY_MAX ? LEEWAY_MAX : expect->leeway;
	int64_t not_before = 0, now = expect->now;

	if (read_date(all, "exp", true, &out->expires, err) != 0 ||
	    read_date(all, "iat", true, &out->issued, err) != 0 || read_date(all, "nbf", false, &not_before, err) != 0)
		return -1;
	if (out->expires <= now - leeway)
		return ush_fail(err, USH_ERR_REJECTED,
				"token rejected: it expired (exp) %lld s ago by this computer's clock",
				(long long)(now - out->expires));
	if (out->issued > now + leeway)
		return ush_fail(err, USH_ERR_REJECTED,
				"token rejected: it was issued (iat) %lld s in the future by this computer's clock",
				(long long)(out->issued - now));
	if (not_before > now + leeway)
		return ush_fail(err, USH_ERR_REJECTED,
				"token rejected: it is valid (nbf) only %lld s from now by this computer's clock",
				(long long)(not_before - now));
	return 0;
}

/* ---- which sign-in ---- */

static int check_nonce(const json_t *all, const struct ush_expect *expect, struct ush_error *err)
{
	const json_t *nonce = json_object_get(all, "nonce");

	if (expect->nonce == NULL || (nonce == NULL && expect->nonce_optional))
		return 0;
	if (nonce == NULL)
		return refuse(err, "it has no nonce, so it may belong to another sign-in");
	if (!json_is_string(nonce) || strcmp(json_string_value(nonce), expect->nonce) != 0)
		return refuse(err, "its nonce belongs to another sign-in");
	return 0;
}

/*
 * OpenID Connect Core 3.1.3.6: the left half of the access token's hash, by the digest of the ID token's alg. The
 * half's length tells the digest; the claim is under the signature, so nobody but the provider chose it.
 */
static int check_access_token(const json_t *all, const struct ush_expect *expect, struct ush_error *err)
{
	static const struct {
		long half;
		const char *digest;
	} digests[] = {{16, "SHA256"}, {24, "SHA384"}, {32, "SHA512"}};
	const json_t *claim = json_object_get(all, "at_hash");
	unsigned char given[64], hash[EVP_MAX_MD_SIZE];
	size_t length = json_string_length(claim);
	long half = length > 0 && length <= 64 ? ush_base64url_decode(json_string_value(claim), length, given) : -1;

	if (claim == NULL || expect->access_token == NULL)
		return 0;
	for (size_t i = 0; i < USH_COUNT(digests); i++)
		if (half == digests[i].half &&
		    EVP_Q_digest(ush_openssl(), digests[i].digest, NULL, ush_secret_reveal(expect->access_token),
				 ush_secret_length(expect->access_token), hash, NULL) == 1 &&
		    CRYPTO_memcmp(hash, given, (size_t)half) == 0)
			return 0;
	return refuse(err, "its at_hash is not that of the access token that came with it");
}

/* Some providers name the kind of token in the payload: only an ID token will do. */
static int check_kind(const json_t *all, struct ush_error *err)
{
	static const char *const others[] = {"Bearer", "Refresh", "Offline",           "Logout",
					     "DPoP",   "at+jwt",  "application/at+jwt"};
	const json_t *typ = json_object_get(all, "typ");

	if (typ == NULL)
		return 0;
	for (size_t i = 0; i < USH_COUNT(others); i++)
		if (!json_is_string(typ) || strcasecmp(json_string_value(typ), others[i]) == 0)
			return refuse(err, "its typ says that it is no ID token");
	return 0;
}

/* ---- what it says ---- */

/*
 * A provider with more groups than fit puts none in and says where they are (_claim_names, hasgroups). The token is
 * good; it names no group, and neither does the API server see one.
 */
static int read_groups(const json_t *all, struct ush_claims *out, struct ush_error *err)
{
	const json_t *groups = json_object_get(all, "groups");

	if (groups == NULL || json_is_null(groups))
		return 0;
	if (!json_is_string(groups) && !json_is_array(groups))
		return refuse(err, "its groups are neither a text nor a list of texts");
	if (json_is_string(groups))
		USH_PUSH(out->groups, out->group_count, ush_strdup(json_string_value(groups)));
	for (size_t i = 0; i < json_array_size(groups); i++) {
		const char *one = json_string_value(json_array_get(groups, i));

		if (one == NULL)
			return refuse(err, "its groups are neither a text nor a list of texts");
		USH_PUSH(out->groups, out->group_count, ush_strdup(one));
	}
	return 0;
}

static const char *name_of(const json_t *all)
{
	const char *email = ush_json_string(all, "email");

	return email != NULL && email[0] != '\0' ? email : ush_json_string(all, "preferred_username");
}

struct ush_claims *ush_claims_read(const char *payload, size_t length, const struct ush_expect *expect,
				   struct ush_error *err)
{
	USH_AUTO_CLAIMS out = ush_new(struct ush_claims);

	out->all = ush_json_parse(payload, length, "token rejected: its payload", USH_ERR_REJECTED, err);
	if (out->all == NULL)
		return NULL;
	if (!json_is_object(out->all)) {
		refuse(err, "its payload is not a JSON object");
		return NULL;
	}
	if (check_kind(out->all, err) != 0 || check_issuer(out->all, expect, err) != 0 ||
	    check_audience(out->all, expect, err) != 0 || check_subject(out->all, expect, err) != 0 ||
	    check_times(out->all, expect, out, err) != 0 || check_nonce(out->all, expect, err) != 0 ||
	    check_access_token(out->all, expect, err) != 0 || read_groups(out->all, out, err) != 0)
		return NULL;
	out->subject = ush_strdup(ush_json_string(out->all, "sub"));
	out->email = ush_strdup(name_of(out->all));
	return ush_steal(&out);
}

void ush_claims_free(struct ush_claims *claims)
{
	if (claims == NULL)
		return;
	for (size_t i = 0; i < claims->group_count; i++)
		free(claims->groups[i]);
	free(claims->groups);
	free(claims->subject);
	free(claims->email);
	json_decref(claims->all);
	free(claims);
}
