/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/journal/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"

#define TURNS   3000 /* looks at the lock, */
#define TURN_MS 10   /* one each so often */

static int check(const char *path, int fd, struct ush_error *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return ush_fail(err, USH_ERR_STORE, "audit log %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode)) {
		ush_fail(err, USH_ERR_STORE, "audit log %s: is not a regular file", path);
		return ush_hint(err, "For stdout say: --audit-log -");
	}
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return ush_fail(err, USH_ERR_STORE,
				"audit log %s: belongs to somebody else (uid %u), who could rewrite it", path,
				(unsigned int)st.st_uid);
	if ((st.st_mode & 022) != 0) {
		ush_fail(err, USH_ERR_STORE, "audit log %s: others may write it (mode %04o)", path,
			 (unsigned int)(st.st_mode & 07777));
		return ush_hint(err, "Close it: chmod go-w %s", path);
	}
	return 0;
}

/* A new file is there after a crash only when its folder says so. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	USH_AUTO_FREE char *folder = slash != NULL ? ush_strndup(path, (size_t)(slash - path) + 1) : ush_strdup(".");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
}

int ush_log_file_open(const char *path, struct ush_error *err)
{
	const int flags = O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	int fd = open(path, flags | O_CREAT | O_EXCL, 0600);

	if (fd >= 0) {
		sync_folder(path);
		return fd;
	}
	if (errno == EEXIST)
		fd = open(path, flags);
	if (fd < 0) {
		ush_fail(err, USH_ERR_STORE, "audit log %s: %s", path,
			 errno == ELOOP    ? "is a link, which is not followed here"
			 : errno == EISDIR ? "is a folder, a file is wanted"
					   : strerror(errno));
		return -1;
	}
	if (check(path, fd, err) == 0)
		return fd;
	close(fd);
	return -1;
}

int ush_log_file_lock(int fd, const char *path, struct ush_error *err)
{
	for (int turn = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; turn++) {
		if (errno == EINTR)
			continue;
		if (errno != EWOULDBLOCK || turn == TURNS)
			return ush_fail(err, USH_ERR_STORE, "audit log %s: %s", path,
					errno == EWOULDBLOCK ? "another process keeps it locked" : strerror(errno));
		poll(NULL, 0, TURN_MS);
	}
	return 0;
}
