/* SPDX-License-Identifier: Apache-2.0
 *
 * The write-ahead mark of a refresh: "SHA-256 WHEN" of the token that is about to be spent, in the state folder.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "plugin/flight/flight.h"
#include "plugin/flight/mark.h"

#define DIGEST_SIZE 32

static void fingerprint(char out[2 * DIGEST_SIZE + 1], const struct ush_secret *refresh)
{
	unsigned char digest[EVP_MAX_MD_SIZE];

	if (EVP_Digest(ush_secret_reveal(refresh), ush_secret_length(refresh), digest, NULL, EVP_sha256(), NULL) != 1)
		abort(); /* SHA-256 of bytes in memory fails for no reason that a caller could handle */
	for (size_t i = 0; i < DIGEST_SIZE; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static char *file_of(const char *binding, struct ush_error *err)
{
	USH_AUTO_FREE char *folder = ush_state_folder(err);

	return folder != NULL ? ush_printf("%s/%s.refreshing", folder, binding) : NULL;
}

int ush_mark_set(const char *binding, const struct ush_secret *refresh, int64_t now, struct ush_error *err)
{
	USH_AUTO_FREE char *path = file_of(binding, err), *text = NULL;
	char print[2 * DIGEST_SIZE + 1];

	if (path == NULL)
		return -1;
	fingerprint(print, refresh);
	text = ush_printf("%s %lld\n", print, (long long)now);
	return ush_file_write(path, text, strlen(text), 0600, err);
}

void ush_mark_clear(const char *binding)
{
	struct ush_error ignored = {.code = USH_OK};
	USH_AUTO_FREE char *path = file_of(binding, &ignored);

	if (path != NULL)
		unlink(path);
}

bool ush_mark_stands(const char *binding, const struct ush_secret *refresh, int64_t now, int64_t *age_s)
{
	struct ush_error ignored = {.code = USH_OK};
	USH_AUTO_FREE char *path = file_of(binding, &ignored);
	USH_AUTO_BUF text = USH_BUF_MAX(256);
	char print[2 * DIGEST_SIZE + 1];
	long long when;

	if (path == NULL || ush_file_read(path, USH_FILE_PRIVATE, USH_ERR_STORE, &text, NULL, &ignored) != 0)
		return false;
	fingerprint(print, refresh);
	if (strncmp(text.data, print, 2 * DIGEST_SIZE) != 0 || sscanf(text.data + 2 * DIGEST_SIZE, " %18lld", &when) != 1)
		return false;
	*age_s = now > when ? now - when : 0;
	return true;
}
