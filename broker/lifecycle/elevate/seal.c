/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/lifecycle/elevate/seal.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/way.h"
#include "common/oidc/jose.h"

#define KEY_MAX	  (16U << 10)
#define SIGNATURE 64 /* bytes */

/* ---- what is signed ---- */

char *ush_seal_content(const struct ush_policy *policy, const struct ush_seal *seal)
{
	USH_AUTO_JSON json = json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:I, s:I, s:s}", "kind", "usher.dev/v1 BreakGlass", "policy", policy->name,
				       "name", seal->name, "groups", ush_list_json(&seal->groups), "users", ush_list_json(&seal->users), "serviceAccounts",
				       ush_list_json(&seal->accounts), "role", policy->roles[seal->role].name, "clusterRole", policy->roles[seal->role].cluster_role,
				       "namespaces", ush_list_json(&seal->namespaces), "max", (json_int_t)seal->most, "until", (json_int_t)seal->until, "owner",
				       seal->owner);

	return ush_json_canonical(json);
}

/* ---- keys ---- */

static int no_password(char *out, int size, int writing, void *context)
{
	(void)out;
	(void)size;
	(void)writing;
	(void)context;
	return 0; /* an encrypted key is not asked about at a terminal */
}

/* The key is freed by EVP_PKEY_free; NULL: it is no Ed25519 key. */
static EVP_PKEY *parse(const struct ush_buf *text, bool secret)
{
	BIO *bio = BIO_new_mem_buf(text->data, (int)text->length);
	EVP_PKEY *key = secret ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);

	BIO_free(bio);
	if (key != NULL && EVP_PKEY_base_id(key) != EVP_PKEY_ED25519) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

char *ush_seal_sign(const struct ush_policy *policy, const struct ush_seal *seal, const char *path, struct ush_error *err)
{
	USH_AUTO_FREE char *content = ush_seal_content(policy, seal);
	USH_AUTO_BUF text = USH_BUF_MAX(KEY_MAX);
	unsigned char signature[SIGNATURE];
	size_t length = sizeof signature;
	EVP_MD_CTX *context;
	EVP_PKEY *key;
	bool done;

	if (ush_file_read(path, USH_FILE_PRIVATE, USH_ERR_CONFIG, &text, NULL, err) != 0)
		return NULL;
	key = text.length > 0 ? parse(&text, true) : NULL;
	if (key == NULL) {
		ush_fail(err, USH_ERR_CONFIG, "%s: holds no private Ed25519 key (PEM, without a password)", path);
		ush_hint(err, "Make one: openssl genpkey -algorithm ed25519 -out seal.key");
		return NULL;
	}
	context = EVP_MD_CTX_new();
	done = EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestSign(context, signature, &length, (const unsigned char *)content, strlen(content)) == 1;
	EVP_MD_CTX_free(context);
	EVP_PKEY_free(key);
	if (done)
		return ush_base64url_encode(signature, length);
	ush_fail(err, USH_ERR_CONFIG, "%s: cannot be signed with", path);
	return NULL;
}

/* ---- checking ---- */

static int refuse(const struct ush_policy *policy, const struct ush_seal *seal, struct ush_error *err, const char *why)
{
	USH_AUTO_FREE char *file = ush_way_option("f", policy->file), *name = ush_text_word(seal->name);

	ush_fail(err, USH_ERR_REFUSED, "breakGlass.%s %s", seal->name, why);
	return ush_hint(err, "Whoever has the key seals it: usher-broker seal%s --key FILE %s", file, name);
}

/* Who may write the policy shall not be able to write the key as well. */
static EVP_PKEY *public_key(const struct ush_policy *policy, struct ush_error *err)
{
	USH_AUTO_BUF text = USH_BUF_MAX(KEY_MAX);
	struct stat there;
	EVP_PKEY *key;

	if (policy->seal_key == NULL) {
		ush_fail(err, USH_ERR_REFUSED, "the policy says no breakGlassKey, so no seal can be checked");
		return NULL;
	}
	if (lstat(policy->seal_key, &there) == 0 && (!S_ISREG(there.st_mode) || there.st_uid != 0 || (there.st_mode & 022) != 0)) {
		ush_fail(err, USH_ERR_REFUSED, "%s: is not root's alone, so it vouches for no seal", policy->seal_key);
		ush_hint(err, "chown root %s; chmod 644 %s", policy->seal_key, policy->seal_key);
		return NULL;
	}
	if (ush_file_read(policy->seal_key, USH_FILE_OURS, USH_ERR_CONFIG, &text, NULL, err) != 0)
		return NULL;
	key = text.length > 0 ? parse(&text, false) : NULL;
	if (key == NULL)
		ush_fail(err, USH_ERR_CONFIG, "%s: holds no public Ed25519 key (PEM)", policy->seal_key);
	return key;
}

static bool fits(EVP_PKEY *key, const char *content, const unsigned char *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestVerify(context, signature, SIGNATURE, (const unsigned char *)content, strlen(content)) == 1;

	EVP_MD_CTX_free(context);
	return good;
}

int ush_seal_check(const struct ush_policy *policy, const struct ush_seal *seal, int64_t now, struct ush_error *err)
{
	USH_AUTO_FREE char *content = ush_seal_content(policy, seal);
	unsigned char signature[SIGNATURE + 8];
	EVP_PKEY *key;
	bool good;

	if (seal->sealed == NULL)
		return refuse(policy, seal, err, "is not sealed");
	if (now >= seal->until)
		return refuse(policy, seal, err, "is worth nothing any more: its end (until) has come");
	key = public_key(policy, err);
	if (key == NULL)
		return -1;
	good = strlen(seal->sealed) <= 4 * sizeof signature / 3 && ush_base64url_decode(seal->sealed, strlen(seal->sealed), signature) == SIGNATURE &&
	       fits(key, content, signature);
	EVP_PKEY_free(key);
	return good ? 0 : refuse(policy, seal, err, "was changed since it was sealed, or sealed with another key");
}
