/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
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

/* Puts the parts one after another; -1 when they are longer than the place. Not snprintf, which costs a hit more than
 * everything else in this file. */
static int join(char *out, size_t size, const char *const parts[], size_t count)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(parts[i]);

		if (length >= size - used)
			return -1;
		memcpy(out + used, parts[i], length + 1);
		used += length;
	}
	return 0;
}

/* As the XDG Base Directory Specification has it: a relative path counts as not set. */
int ush_place_folder(int n, char *path, size_t size)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (n == 1)
		return join(path, size, (const char *const[]){"/etc/usher/profiles"}, 1);
	if (config != NULL && config[0] == '/')
		return join(path, size, (const char *const[]){config, "/usher/profiles"}, 2);
	if (home != NULL && home[0] == '/')
		return join(path, size, (const char *const[]){home, "/.config/usher/profiles"}, 2);
	return -1;
}

static int candidate(int n, const char *name, char *path, size_t size)
{
	size_t used = ush_place_folder(n, path, size) == 0 ? strlen(path) : size;

	return used < size ? join(path + used, size - used, (const char *const[]){"/", name, ".yaml"}, 3) : -1;
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

static char *put_hex(char *out, uint64_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value >>= 4)
		out[i] = "0123456789abcdef"[value & 15];
	return out + digits;
}

/* Fixed widths, so that two different files cannot spell the same. */
static int identify(const struct stat *st, char *out, size_t size)
{
	static const char head[] = "usher:";
	char *p = out;

	if (size < sizeof head + 5 * 16 + 3 * 8)
		return -1;
	p = (char *)memcpy(p, head, sizeof head - 1) + sizeof head - 1;
	p = put_hex(p, st->st_dev, 16);
	p = put_hex(p, st->st_ino, 16);
	p = put_hex(p, (uint64_t)st->st_size, 16);
	p = put_hex(p, (uint64_t)st->st_mtim.tv_sec, 16);
	p = put_hex(p, (uint64_t)st->st_mtim.tv_nsec, 8);
	p = put_hex(p, (uint64_t)st->st_ctim.tv_sec, 16);
	p = put_hex(p, (uint64_t)st->st_ctim.tv_nsec, 8);
	*put_hex(p, st->st_uid, 8) = '\0';
	return 0;
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
