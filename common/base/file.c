/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"

static void close_indirect(int *fd)
{
	if (*fd > STDERR_FILENO)
		close(*fd);
}

#define AUTO_FD __attribute__((cleanup(close_indirect))) int

static int trusted(const char *path, int fd, enum ush_file_trust trust, enum ush_code code, struct ush_error *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return ush_fail(err, code, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return ush_fail(err, code, "%s: is a folder, a file is wanted", path);
	if (trust == USH_FILE_ANY)
		return 0;
	if (!S_ISREG(st.st_mode))
		return ush_fail(err, code, "%s: is not a regular file", path);
	if (st.st_uid != geteuid() && (trust == USH_FILE_PRIVATE || st.st_uid != 0))
		return ush_fail(err, code, "%s: belongs to somebody else (uid %u)", path, (unsigned int)st.st_uid);
	if (trust == USH_FILE_PRIVATE && (st.st_mode & 077) != 0) {
		ush_fail(err, code, "%s: others may open it (mode %04o)", path, (unsigned int)(st.st_mode & 07777));
		return ush_hint(err, "Close it: chmod 600 %s", path);
	}
	if (trust == USH_FILE_OURS && (st.st_mode & 022) != 0) {
		ush_fail(err, code, "%s: others may write it (mode %04o)", path, (unsigned int)(st.st_mode & 07777));
		return ush_hint(err, "Close it: chmod go-w %s", path);
	}
	return 0;
}

int ush_file_read(const char *path, enum ush_file_trust trust, enum ush_code code, struct ush_buf *buf, bool *missing,
		  struct ush_error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	AUTO_FD fd = is_stdin ? STDIN_FILENO
			      : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (trust == USH_FILE_PRIVATE ? O_NOFOLLOW : 0));
	char chunk[16384];
	ssize_t n;

	if (missing != NULL)
		*missing = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
	if (fd < 0)
		return ush_fail(err, code, "%s: %s", path, errno == ELOOP ? "is a link, which is not followed here" : strerror(errno));
	if (!is_stdin && trusted(path, fd, trust, code, err) != 0)
		return -1;
	do {
		n = read(fd, chunk, sizeof chunk);
		if (n > 0 && ush_buf_add(buf, chunk, (size_t)n) != 0)
			return ush_fail(err, code, "%s: larger than %zu bytes", path, buf->limit);
	} while (n > 0 || (n < 0 && errno == EINTR));
	explicit_bzero(chunk, sizeof chunk);
	if (n < 0)
		return ush_fail(err, code, "%s: %s", path, errno == EAGAIN ? "is no file, but a pipe into which nobody has written anything" : strerror(errno));
	return buf->data != NULL ? 0 : ush_buf_puts(buf, "");
}

/* What was renamed is only safe once its folder is; a file system that cannot sync a folder has said all it can. */
static void sync_folder_of(const char *path)
{
	USH_AUTO_FREE char *folder = ush_strdup(path);
	char *slash = strrchr(folder, '/');
	int fd;

	if (slash == NULL)
		strcpy(folder, ".");
	else
		slash[slash == folder ? 1 : 0] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
}

/* A device, a pipe, a folder: a new file would take its place (as root even that of /dev/null, or of the link /dev/stdout). */
static bool not_a_file(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return true;
	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && (strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0);
}

int ush_file_write(const char *path, const void *data, size_t length, unsigned int mode, struct ush_error *err)
{
	USH_AUTO_FREE char *temporary = ush_printf("%s.XXXXXX", path);
	int fd = -1, bad;

	if (not_a_file(path))
		return ush_fail(err, USH_ERR_STORE, "%s: is not a regular file; it is left as it is", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return ush_fail(err, USH_ERR_STORE, "%s: %s", path, strerror(errno));
	bad = fchmod(fd, mode) != 0 || ush_write_all(fd, data, length) != 0 || fsync(fd) != 0 ? errno : 0;
	if (close(fd) != 0 && bad == 0)
		bad = errno;
	if (bad == 0 && rename(temporary, path) != 0)
		bad = errno;
	if (bad != 0) {
		unlink(temporary);
		return ush_fail(err, USH_ERR_STORE, "%s: %s; what was there before is kept", path, strerror(bad));
	}
	sync_folder_of(path);
	return 0;
}

int ush_file_private_folder(const char *path, struct ush_error *err)
{
	USH_AUTO_FREE char *part = ush_strdup(path);
	struct stat st;

	for (char *p = part + 1; *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return ush_fail(err, USH_ERR_STORE, "%s: %s", part, strerror(errno));
		*p = '/';
	}
	if (mkdir(part, 0700) != 0 && errno != EEXIST)
		return ush_fail(err, USH_ERR_STORE, "%s: %s", part, strerror(errno));
	if (lstat(part, &st) != 0)
		return ush_fail(err, USH_ERR_STORE, "%s: %s", part, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return ush_fail(err, USH_ERR_STORE, "%s: is not a folder", part);
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
		return ush_fail(err, USH_ERR_STORE, "%s: others may write there", part);
	return 0;
}

char *ush_file_expand(const char *path, const char *beside)
{
	const char *home = getenv("HOME");

	if (path[0] == '~' && path[1] == '/' && home != NULL)
		return ush_printf("%s%s", home, path + 1);
	if (path[0] != '/' && beside != NULL && strcmp(path, "-") != 0)
		return ush_printf("%s/%s", beside, path);
	return ush_strdup(path);
}
