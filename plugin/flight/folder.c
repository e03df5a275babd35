/* SPDX-License-Identifier: Apache-2.0
 *
 * Folders of ours, as the XDG Base Directory Specification has them: a relative path counts as not set.
 */
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "plugin/flight/flight.h"

/* HOME, or what the system says of us when nothing set it. NULL when neither is a place. */
static const char *home(void)
{
	const char *set = getenv("HOME");
	const struct passwd *us = set == NULL || set[0] != '/' ? getpwuid(geteuid()) : NULL;

	if (set != NULL && set[0] == '/')
		return set;
	return us != NULL && us->pw_dir != NULL && us->pw_dir[0] == '/' ? us->pw_dir : NULL;
}

static char *folder(const char *variable, const char *under_home, struct ush_error *err)
{
	const char *set = getenv(variable), *base = home();
	USH_AUTO_FREE char *path = NULL;

	if (set != NULL && set[0] == '/')
		path = ush_printf("%s/usher", set);
	else if (base != NULL)
		path = ush_printf("%s/%s/usher", base, under_home);
	else
		ush_fail(err, USH_ERR_STORE, "HOME is not set, so there is no folder to keep anything in");
	if (path == NULL || ush_file_private_folder(path, err) != 0)
		return NULL;
	return ush_steal(&path);
}

char *ush_state_folder(struct ush_error *err)
{
	return folder("XDG_STATE_HOME", ".local/state", err);
}

char *ush_cache_folder(struct ush_error *err)
{
	return folder("XDG_CACHE_HOME", ".cache", err);
}

char *ush_runtime_folder(struct ush_error *err)
{
	const char *set = getenv("XDG_RUNTIME_DIR");
	USH_AUTO_FREE char *path = NULL;
	struct stat st;

	if (set == NULL || set[0] != '/' || stat(set, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
		ush_fail(err, USH_ERR_STORE, "XDG_RUNTIME_DIR is no folder of ours");
		return NULL;
	}
	path = ush_printf("%s/usher", set);
	return ush_file_private_folder(path, err) == 0 ? ush_steal(&path) : NULL;
}
