/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that only its owner can read, $XDG_STATE_HOME/usher/sessions/KEY: for machines without a keyring whose owner
 * says so in the profile. Who can read the disk can read it.
 */
#include "plugin/store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "plugin/flight/flight.h"

#define MOST         (256U << 10)
#define LEFTOVER_AGE 60 /* seconds */

static char *file_of(const char *key, struct ush_error *err)
{
	USH_AUTO_FREE char *state = ush_state_folder(err), *folder = NULL;

	if (state == NULL)
		return NULL;
	if (key[0] == '\0' || strspn(key, "0123456789abcdef") != strlen(key)) {
		ush_fail(err, USH_ERR_STORE, "not the key of a session");
		return NULL;
	}
	folder = ush_printf("%s/sessions", state);
	return ush_file_private_folder(folder, err) == 0 ? ush_printf("%s/%s", folder, key) : NULL;
}

/* What a run that was killed while it wrote left beside the file ("KEY.XXXXXX" of mkostemp): a session, too. least_age
 * in seconds spares what another process may be writing at this moment. */
static void sweep(const char *path, int64_t least_age)
{
	USH_AUTO_FREE char *folder = ush_strndup(path, (size_t)(strrchr(path, '/') - path));
	const char *name = strrchr(path, '/') + 1;
	DIR *dir = opendir(folder);
	struct dirent *entry;
	struct stat st;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, name, strlen(name)) == 0 && entry->d_name[strlen(name)] == '.' &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && time(NULL) - st.st_mtime >= least_age)
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir != NULL)
		closedir(dir);
}

static enum ush_store_result load(const char *key, int64_t deadline_ms, struct ush_secret **value, struct ush_error *err)
{
	USH_AUTO_FREE char *path = file_of(key, err);
	USH_AUTO_BUF text = USH_BUF_MAX(MOST);
	struct ush_error why = {.code = USH_OK};
	bool missing = false;

	(void)deadline_ms;
	*value = NULL;
	if (path == NULL)
		return USH_STORE_BROKEN;
	if (ush_file_read(path, USH_FILE_PRIVATE, USH_ERR_STORE, &text, &missing, &why) != 0) {
		if (missing)
			return USH_STORE_ABSENT;
		*err = why;
		return USH_STORE_BROKEN;
	}
	*value = ush_secret_new(text.data, text.length);
	return USH_STORE_OK;
}

static enum ush_store_result save(const char *key, const char *label, const struct ush_secret *value, int64_t deadline_ms,
				  struct ush_error *err)
{
	USH_AUTO_FREE char *path = file_of(key, err);

	(void)label;
	(void)deadline_ms;
	if (value == NULL)
		ush_fail(err, USH_ERR_STORE, "there is no session to keep");
	if (path == NULL || value == NULL || ush_file_write(path, ush_secret_reveal(value), ush_secret_length(value), 0600, err) != 0)
		return USH_STORE_BROKEN;
	sweep(path, LEFTOVER_AGE);
	return USH_STORE_OK;
}

static enum ush_store_result erase(const char *key, int64_t deadline_ms, struct ush_error *err)
{
	USH_AUTO_FREE char *path = file_of(key, err);

	(void)deadline_ms;
	if (path == NULL)
		return USH_STORE_BROKEN;
	sweep(path, 0);
	if (unlink(path) == 0 || errno == ENOENT)
		return USH_STORE_OK;
	ush_fail(err, USH_ERR_STORE, "%s: %s", path, strerror(errno));
	return USH_STORE_BROKEN;
}

const struct ush_store_ops ush_store_plain_file = {"plain-file", "a file only you can read", load, save, erase};
