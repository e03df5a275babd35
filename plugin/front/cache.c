/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "plugin/front/asked.h"
#include "plugin/front/record.h"

static void close_indirect(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define AUTO_FD __attribute__((cleanup(close_indirect))) int

/* ---- the kernel's user keyring (keyrings(7)): never on disk, ends by itself ---- */

/* Everything for the owner, in possession of the key or not; nothing for group and others. */
#define KEY_OURS 0x3f3f0000UL

static long key_search(const char *identity)
{
	return syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", identity, 0);
}

static long kernel_load(const char *identity, char *out, size_t size)
{
	long key = key_search(identity);
	long length = key >= 0 ? syscall(SYS_keyctl, KEYCTL_READ, key, out, size) : -1;

	return length >= 0 && (size_t)length <= size ? length : -1; /* KEYCTL_READ tells the whole length, whatever fitted */
}

static void kernel_drop(const char *identity)
{
	long key = key_search(identity);

	if (key >= 0)
		syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING);
}

static bool is_ring(const char *description)
{
	size_t length = strlen(description), ending = strlen(USH_ASKED_ENDING);

	return length > ending && strcmp(description + length - ending, USH_ASKED_ENDING) == 0;
}

/* A person has 20,000 bytes of keys for everything. A token that lies nowhere costs a refresh a call, or a sign-in; a ring
 * of askers that is gone costs next to nothing. So ours make room. Revoked, a key gives its bytes back at once. */
static bool drop_rings(void)
{
	static const char head[] = "user;";
	int32_t keys[256];
	char text[320];
	bool any = false;
	long size = syscall(SYS_keyctl, KEYCTL_READ, KEY_SPEC_USER_KEYRING, keys, sizeof keys);

	for (long i = 0; i < (long)USH_COUNT(keys) && i < size / (long)sizeof keys[0]; i++) {
		long length = syscall(SYS_keyctl, KEYCTL_DESCRIBE, keys[i], text, sizeof text);
		const char *name = length > 0 && length <= (long)sizeof text ? strrchr(text, ';') : NULL;

		if (name == NULL || strncmp(text, head, sizeof head - 1) != 0 || strncmp(name, ";usher:", 7) != 0 || !is_ring(name))
			continue;
		any |= syscall(SYS_keyctl, KEYCTL_REVOKE, keys[i]) == 0;
		syscall(SYS_keyctl, KEYCTL_UNLINK, keys[i], KEY_SPEC_USER_KEYRING);
	}
	return any;
}

static int kernel_save(const char *identity, const char *text, size_t length, int64_t ttl)
{
	long key;

	/* The user keyring hangs on this process, so that it possesses the new key and may set its permissions, also where
	 * the session keyring does not lead there (cron, su). */
	syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_PROCESS_KEYRING);
	key = syscall(SYS_add_key, "user", identity, text, length, KEY_SPEC_USER_KEYRING);
	if (key < 0 && errno == EDQUOT && !is_ring(identity) && drop_rings())
		key = syscall(SYS_add_key, "user", identity, text, length, KEY_SPEC_USER_KEYRING);
	if (key < 0)
		return -1;
	if (syscall(SYS_keyctl, KEYCTL_SETPERM, key, KEY_OURS) == 0 && syscall(SYS_keyctl, KEYCTL_SET_TIMEOUT, key, (unsigned int)ttl) == 0)
		return 0;
	syscall(SYS_keyctl, KEYCTL_UNLINK, key, KEY_SPEC_USER_KEYRING);
	return -1;
}

static int kernel_update(const char *identity, const char *text, size_t length, int64_t ttl)
{
	long key = key_search(identity);

	if (key < 0 || syscall(SYS_keyctl, KEYCTL_UPDATE, key, text, length) != 0)
		return -1;
	return syscall(SYS_keyctl, KEYCTL_SET_TIMEOUT, key, (unsigned int)ttl) == 0 ? 0 : -1; /* the new text ended the old one */
}

/* ---- a file under $XDG_RUNTIME_DIR: memory on every system that sets it ---- */

static int folder_is(int fd, mode_t closed)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & closed) == 0;
}

/* Our folder, opened, or -1. Every step is judged by what was opened, never by its name. */
static int open_folder(int make)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	AUTO_FD runtime = base != NULL && base[0] == '/' ? open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int folder;

	if (runtime < 0 || !folder_is(runtime, 022))
		return -1;
	if (make && mkdirat(runtime, "usher", 0700) != 0 && errno != EEXIST)
		return -1;
	folder = openat(runtime, "usher", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder >= 0 && !folder_is(folder, 077)) {
		close(folder);
		return -1;
	}
	return folder;
}

static int file_name(char *out, size_t size, const char *identity)
{
	int length = snprintf(out, size, "%s.record", identity);

	return length > 0 && (size_t)length < size && strchr(identity, '/') == NULL ? 0 : -1;
}

static long read_whole(int fd, char *out, size_t size)
{
	size_t used = 0;
	ssize_t n;

	do {
		n = read(fd, out + used, size - used);
		if (n > 0)
			used += (size_t)n;
	} while ((n > 0 && used < size) || (n < 0 && errno == EINTR));
	return n < 0 ? -1 : (long)used;
}

/* Its size, or -1 when it is not a file of ours alone. */
static off_t file_size(int fd)
{
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 0177) != 0 || st.st_nlink != 1)
		return -1;
	return st.st_size;
}

static long file_load(const char *identity, char *out, size_t size)
{
	AUTO_FD folder = open_folder(0);
	char name[160];
	off_t length;

	if (folder < 0 || file_name(name, sizeof name, identity) != 0)
		return -1;
	AUTO_FD fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	length = file_size(fd);
	return length >= 0 && length <= (off_t)size ? read_whole(fd, out, size) : -1;
}

static int file_update(const char *identity, const char *text, size_t length, int64_t ttl)
{
	AUTO_FD folder = open_folder(0);
	char name[160];

	(void)ttl;
	if (folder < 0 || file_name(name, sizeof name, identity) != 0)
		return -1;
	AUTO_FD fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return file_size(fd) == (off_t)length && pwrite(fd, text, length, 0) == (ssize_t)length ? 0 : -1;
}

static void file_drop(const char *identity)
{
	AUTO_FD folder = open_folder(0);
	char name[160];

	if (folder >= 0 && file_name(name, sizeof name, identity) == 0)
		unlinkat(folder, name, 0);
}

static int write_new(int folder, const char *name, const char *text, size_t length)
{
	AUTO_FD fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd >= 0 && write(fd, text, length) == (ssize_t)length ? 0 : -1;
}

/* A crash leaves no torn file, only a new one that the next save of the same process number replaces. */
static int file_save(const char *identity, const char *text, size_t length, int64_t ttl)
{
	AUTO_FD folder = open_folder(1);
	char name[160], fresh[200];

	(void)ttl;
	if (folder < 0 || file_name(name, sizeof name, identity) != 0)
		return -1;
	snprintf(fresh, sizeof fresh, "%s.%ld", name, (long)getpid());
	unlinkat(folder, fresh, 0);
	if (write_new(folder, fresh, text, length) == 0 && renameat(folder, fresh, folder, name) == 0)
		return 0;
	unlinkat(folder, fresh, 0);
	return -1;
}

const struct ush_cache_place ush_cache_places[] = {
	{"kernel", kernel_load, kernel_save, kernel_update, kernel_drop},
	{"file", file_load, file_save, file_update, file_drop},
	{NULL},
};

long ush_cache_load(const char *identity, char *out, size_t size)
{
	long length = -1;

	for (const struct ush_cache_place *place = ush_cache_places; length < 0 && place->name != NULL; place++)
		length = place->load(identity, out, size);
	return length;
}

/* A place that does not take the new text must not answer with the old one either. */
int ush_cache_save(const char *identity, const char *text, size_t length, int64_t ttl, const char **where)
{
	*where = NULL;
	if (ttl <= 0 || ttl > UINT32_MAX) /* a timeout of 0 would be none */
		return -1;
	for (const struct ush_cache_place *place = ush_cache_places; place->name != NULL; place++) {
		if (*where == NULL && place->save(identity, text, length, ttl) == 0)
			*where = place->name;
		else
			place->drop(identity);
	}
	return *where != NULL ? 0 : -1;
}

void ush_cache_drop(const char *identity)
{
	for (const struct ush_cache_place *place = ush_cache_places; place->name != NULL; place++)
		place->drop(identity);
}
