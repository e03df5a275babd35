/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/front/record.h"

#define NAME_MOST 64

bool ush_place_is_name(const char *name)
{
	size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return length > 0 && length <= NAME_MOST && name[length] == '\0';
}

/* As the XDG Base Directory Specification has it: a relative path counts as not set. */
int ush_place_folder(int n, char *path, size_t size)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int length;

	if (n == 1)
		length = snprintf(path, size, "/etc/usher/profiles");
	else if (config != NULL && config[0] == '/')
		length = snprintf(path, size, "%s/usher/profiles", config);
	else if (home != NULL && home[0] == '/')
		length = snprintf(path, size, "%s/.config/usher/profiles", home);
	else
		return -1;
	return length >= 0 && (size_t)length < size ? 0 : -1;
}

static int candidate(int n, const char *name, char *path, size_t size)
{
	size_t used = ush_place_folder(n, path, size) == 0 ? strlen(path) : size;
	int length = used < size ? snprintf(path + used, size - used, "/%s.yaml", name) : -1;

	return length >= 0 && (size_t)length < size - used ? 0 : -1;
}

/* Links are followed (dotfiles are often linked); what they lead to is judged. */
static int trusted(const char *path, const struct stat *st, struct ush_error *err)
{
	if (!S_ISREG(st->st_mode))
		return ush_fail(err, USH_ERR_CONFIG, "%s: is not a regular file", path);
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return ush_fail(err, USH_ERR_CONFIG, "%s: belongs to somebody else (uid %u)", path, (unsigned int)st->st_uid);
	if ((st->st_mode & 022) != 0) {
		ush_fail(err, USH_ERR_CONFIG, "%s: others may write it (mode %04o)", path, (unsigned int)(st->st_mode & 07777));
		return ush_hint(err, "Close it: chmod go-w %s", path);
	}
	return 0;
}

/* Fixed widths, so that two different files cannot spell the same. */
static int identify(const struct stat *st, char *out, size_t size)
{
	int length = snprintf(out, size, "usher:%016llx%016llx%016llx%016llx%08lx%016llx%08lx%08x", (unsigned long long)st->st_dev,
			      (unsigned long long)st->st_ino, (unsigned long long)st->st_size, (unsigned long long)st->st_mtim.tv_sec,
			      (unsigned long)st->st_mtim.tv_nsec, (unsigned long long)st->st_ctim.tv_sec,
			      (unsigned long)st->st_ctim.tv_nsec, (unsigned int)st->st_uid);

	return length >= 0 && (size_t)length < size ? 0 : -1;
}

int ush_place_profile(const char *name, char *path, size_t path_size, char *identity, size_t identity_size, struct ush_error *err)
{
	struct stat st;

	if (!ush_place_is_name(name))
		return ush_fail(err, USH_ERR_CONFIG, "\"%s\" is not the name of a profile: a name is 1 to %d of A-Z a-z 0-9 . _ -", name,
				NAME_MOST);
	for (int n = 0; n < USH_PLACE_FOLDERS; n++) {
		if (candidate(n, name, path, path_size) != 0)
			continue;
		if (stat(path, &st) == 0)
			return trusted(path, &st, err) != 0 ? -1 : identify(&st, identity, identity_size);
		if (errno != ENOENT && errno != ENOTDIR)
			return ush_fail(err, USH_ERR_CONFIG, "%s: %s", path, strerror(errno));
	}
	if (candidate(0, name, path, path_size) != 0)
		return ush_fail(err, USH_ERR_CONFIG, "there is no profile %s: HOME is not set, and /etc/usher/profiles has none", name);
	ush_fail(err, USH_ERR_CONFIG, "there is no profile %s: %s does not exist", name, path);
	return ush_hint(err, "How to write one: man usher-profile");
}
