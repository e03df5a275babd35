/* SPDX-License-Identifier: Apache-2.0
 *
 * What a source keeps between readings: believed whole or not at all, never in the way.
 */
#include "tests/support/tap.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/source/cache.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

#define BOUND "https://api.test acme"

static char folder[256], path[300];
static struct ush_error err;

static void begin(const char *name)
{
	snprintf(folder, sizeof folder, "%s", tap_folder());
	snprintf(path, sizeof path, "%s/%s", folder, name);
	err = (struct ush_error){0};
}

/* The number that is kept, -1: nothing is believed. *trouble, where it is wanted: the caller frees. */
static long kept(const char *bound, char **trouble)
{
	USH_AUTO_CACHE cache = {.path = path};
	USH_AUTO_JSON data = ush_cache_read(&cache, bound);

	if (trouble != NULL)
		*trouble = ush_steal(&cache.trouble);
	return data != NULL ? (long)json_integer_value(json_object_get(data, "n")) : -1;
}

static void keep(long number, size_t padding, char **trouble)
{
	USH_AUTO_CACHE cache = {.path = path};
	USH_AUTO_FREE char *much = ush_alloc(padding + 1);
	USH_AUTO_JSON data = NULL;

	memset(much, 'x', padding);
	data = json_pack("{s:i, s:s}", "n", (int)number, "much", much);
	ush_cache_write(&cache, BOUND, data);
	if (trouble != NULL)
		*trouble = ush_steal(&cache.trouble);
	else
		ck_assert_msg(cache.trouble == NULL, "%s", cache.trouble);
}

static size_t files(void)
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

START_TEST(what_was_kept_is_had_again_by_whom_it_is_for)
{
	struct stat st;

	begin("a.json");
	ck_assert_int_eq(kept(BOUND, NULL), -1);
	keep(7, 10, NULL);
	ck_assert_int_eq(kept(BOUND, NULL), 7);
	ck_assert_int_eq(kept("https://api.test acm", NULL), -1);
	ck_assert_int_eq(kept("https://api.test acme2", NULL), -1);
	ck_assert_int_eq(kept("", NULL), -1);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	keep(8, 0, NULL);
	ck_assert_int_eq(kept(BOUND, NULL), 8);
}
END_TEST

START_TEST(a_file_with_one_bit_wrong_or_cut_is_as_good_as_none)
{
	USH_AUTO_BUF text = {0};

	begin("bits.json");
	keep(7, 10, NULL);
	ck_assert_int_eq(ush_file_read(path, USH_FILE_PRIVATE, USH_ERR_STORE, &text, NULL, &err), 0);
	for (size_t i = 0; i < 8 * text.length; i++) {
		USH_AUTO_FREE char *trouble = NULL;

		text.data[i / 8] = (char)(text.data[i / 8] ^ 1 << i % 8);
		ck_assert_int_eq(ush_file_write(path, text.data, text.length, 0600, &err), 0);
		ck_assert_msg(kept(BOUND, &trouble) == -1, "bit %zu is not looked at", i);
		ck_assert_ptr_null(trouble); /* written anew, without a word */
		text.data[i / 8] = (char)(text.data[i / 8] ^ 1 << i % 8);
	}
	for (size_t length = 0; length < text.length; length++) {
		ck_assert_int_eq(ush_file_write(path, text.data, length, 0600, &err), 0);
		ck_assert_int_eq(kept(BOUND, NULL), -1);
	}
	keep(9, 0, NULL);
	ck_assert_int_eq(kept(BOUND, NULL), 9);
}
END_TEST

/* Whatever stands there and is not ours: not believed, not touched, told. */
static void left_alone(const char *why)
{
	USH_AUTO_CACHE cache = {.path = path};
	USH_AUTO_GROUPS groups = {.proof = ush_strdup("every page read")};
	USH_AUTO_JSON none = ush_cache_read(&cache, BOUND);
	USH_AUTO_JSON data = json_pack("{s:i}", "n", 5);
	struct stat before, after;

	ck_assert_ptr_null(none);
	ck_assert_int_eq(lstat(path, &before), 0);
	ush_cache_write(&cache, BOUND, data);
	ush_cache_tell(&cache, &groups);
	ck_assert_int_eq(lstat(path, &after), 0);
	ck_assert(before.st_ino == after.st_ino && before.st_mtime == after.st_mtime && before.st_mode == after.st_mode);
	ck_assert_msg(strstr(groups.proof, "every page read; what was read could not be kept for the next run: ") == groups.proof, "%s", groups.proof);
	ck_assert_msg(strstr(groups.proof, why) != NULL, "\"%s\" lacks \"%s\"", groups.proof, why);
	ck_assert_ptr_null(strchr(groups.proof, '\n'));
}

START_TEST(what_is_not_ours_is_left_alone_and_told)
{
	USH_AUTO_FREE char *target = NULL;

	begin("target.json");
	keep(7, 0, NULL);
	target = ush_strdup(path);
	begin("link.json");
	ck_assert_int_eq(symlink(target, path), 0);
	left_alone("is a link");
	begin("dangling.json");
	ck_assert_int_eq(symlink("/nonexistent/x", path), 0);
	left_alone("is a link");
	begin("folder.json");
	ck_assert_int_eq(mkdir(path, 0700), 0);
	left_alone("is a folder");
	begin("fifo.json");
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	left_alone("is not a regular file");
	begin("open.json");
	keep(7, 0, NULL);
	ck_assert_int_eq(chmod(path, 0640), 0);
	left_alone("others may open it (mode 0640)");
	snprintf(path, sizeof path, "/dev/full");
	left_alone("is not a regular file");
	begin("theirs.json");
	keep(7, 0, NULL);
	if (chown(path, 12345, (gid_t)-1) == 0) /* root may; for others it is so already, or cannot be tried */
		left_alone("belongs to somebody else (uid 12345)");
}
END_TEST

START_TEST(where_nothing_can_be_written_the_old_stays_and_it_is_told)
{
	struct rlimit small = {4096, RLIM_INFINITY}, all;
	USH_AUTO_FREE char *trouble = NULL, *nowhere = NULL, *proc = NULL;
	size_t before;

	begin("full/a.json");
	snprintf(folder + strlen(folder), sizeof folder - strlen(folder), "/full");
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	keep(7, 0, NULL);
	before = files();
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &all), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	keep(8, 100000, &trouble);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &all), 0);
	ck_assert_msg(trouble != NULL && strstr(trouble, "what was there before is kept") != NULL, "%s", trouble);
	ck_assert_int_eq(kept(BOUND, NULL), 7);
	ck_assert_uint_eq(files(), before); /* nor does half a file lie about */
	snprintf(path, sizeof path, "/nonexistent/a.json");
	keep(8, 0, &nowhere);
	ck_assert_ptr_nonnull(nowhere);
	snprintf(path, sizeof path, "/proc/a.json"); /* as a file system that nobody may write */
	keep(8, 0, &proc);
	ck_assert_ptr_nonnull(proc);
}
END_TEST

static void write_for_ever(long number)
{
	for (;;)
		keep(number, 200000, NULL);
}

/* Two runs at once: whoever reads has one of theirs, whole. */
START_TEST(of_two_that_write_at_once_one_is_read_whole)
{
	pid_t writers[2];
	size_t seen[2] = {0, 0};

	begin("shared.json");
	keep(1, 0, NULL);
	for (int i = 0; i < 2; i++) {
		writers[i] = fork();
		if (writers[i] == 0)
			write_for_ever(i + 1);
	}
	for (size_t i = 0; i < 100000 && (i < 50 || seen[0] == 0 || seen[1] == 0); i++) {
		long number = kept(BOUND, NULL);

		ck_assert_msg(number == 1 || number == 2, "half a file was read");
		seen[number - 1]++;
	}
	for (int i = 0; i < 2; i++) {
		kill(writers[i], SIGKILL);
		ck_assert_int_eq(waitpid(writers[i], NULL, 0), writers[i]);
	}
	ck_assert_msg(seen[0] > 0 && seen[1] > 0, "only one of the two was ever read");
}
END_TEST

TAP_MAIN("source_cache", what_was_kept_is_had_again_by_whom_it_is_for, a_file_with_one_bit_wrong_or_cut_is_as_good_as_none,
	 what_is_not_ours_is_left_alone_and_told, where_nothing_can_be_written_the_old_stays_and_it_is_told, of_two_that_write_at_once_one_is_read_whole)
