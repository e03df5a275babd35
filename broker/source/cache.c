/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/cache.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define HEX 64 /* digits of the digest */

/* What stands behind the digest and a space, when the digest is that of it and it is for us; else NULL. */
static const char *believed(const struct ush_buf *text, const char *bound)
{
	const char *rest = text->data + HEX + 1;
	size_t length = strlen(bound);
	char digest[HEX + 1];

	if (text->length < HEX + 1 + length + 1)
		return NULL;
	ush_sha256_hex(rest, text->length - HEX - 1, digest);
	if (memcmp(digest, text->data, HEX) != 0 || text->data[HEX] != ' ' || memcmp(rest, bound, length) != 0 || rest[length] != '\n')
		return NULL;
	return rest + length + 1;
}

json_t *ush_cache_read(struct ush_cache *cache, const char *bound)
{
	USH_AUTO_BUF text = USH_BUF_MAX(USH_CACHE_MAX);
	struct ush_error why = {0}, ignored = {0};
	bool missing = false;
	const char *json;

	if (cache->path == NULL || cache->trouble != NULL)
		return NULL;
	if (ush_file_read(cache->path, USH_FILE_PRIVATE, USH_ERR_STORE, &text, &missing, &why) != 0) {
		if (!missing)
			cache->trouble = ush_printf("%s%s%s", why.what, why.hint[0] != '\0' ? ". " : "", why.hint);
		return NULL;
	}
	json = believed(&text, bound);
	return json != NULL ? ush_json_parse(json, text.length - (size_t)(json - text.data), "", USH_ERR_STORE, &ignored) : NULL;
}

void ush_cache_write(struct ush_cache *cache, const char *bound, const json_t *data)
{
	USH_AUTO_FREE char *json = NULL, *whole = NULL;
	struct ush_error why = {0};
	char digest[HEX + 1];

	if (cache->path == NULL || cache->trouble != NULL)
		return;
	json = json_dumps(data, JSON_COMPACT | JSON_SORT_KEYS);
	whole = ush_printf("%*s %s\n%s", HEX, "", bound, json != NULL ? json : "");
	if (json == NULL || strlen(whole) > USH_CACHE_MAX) {
		cache->trouble = ush_printf("%s: %s", cache->path, json == NULL ? "no JSON can be made of it" : "it is too large");
		return;
	}
	ush_sha256_hex(whole + HEX + 1, strlen(whole + HEX + 1), digest);
	memcpy(whole, digest, HEX);
	if (ush_file_write(cache->path, whole, strlen(whole), 0600, &why) != 0)
		cache->trouble = ush_strdup(why.what);
}

void ush_cache_tell(const struct ush_cache *cache, struct ush_groups *groups)
{
	USH_AUTO_FREE char *proof = NULL;

	if (cache->trouble == NULL || groups->proof == NULL)
		return;
	proof = ush_steal(&groups->proof);
	groups->proof = ush_printf("%s; what was read could not be kept for the next run: %s", proof, cache->trouble);
}

void ush_cache_close(struct ush_cache *cache)
{
	free(cache->trouble);
	*cache = (struct ush_cache){0};
}
