/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/memory.h"

static const char *folder;
static struct ush_error err;

static char *at(const char *name)
{
	return ush_printf("%s/%s", folder, name);
}

static int reads(const char *name, enum ush_file_trust trust, size_t limit)
{
	USH_AUTO_FREE char *path = at(name);
	USH_AUTO_BUF buf = USH_BUF_MAX(limit);

	memset(&err, 0, sizeof err);
	return ush_file_read(path, trust, USH_ERR_STORE, &buf, NULL, &err);
}

static void put(const char *name, mode_t mode)
{
	USH_AUTO_FREE char *path = at(name);

	memset(&err, 0, sizeof err);
	ck_assert_int_eq(ush_file_write(path, "text", 4, mode, &err), 0);
}

static void make_folder(void)
{
	folder = tap_folder();
}

START_TEST(what_is_written_is_read_with_exactly_its_mode)
{
	USH_AUTO_FREE char *path = NULL;
	struct stat st;

	make_folder();
	umask(0);
	put("a", 0600);
	path = at("a");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(reads("a", USH_FILE_PRIVATE, 100), 0);
	put("a", 0644);
	ck_assert_int_eq(reads("a", USH_FILE_OURS, 100), 0);
}
END_TEST

/* T37, in part */
START_TEST(a_private_file_is_not_read_when_others_may_or_a_link_leads_there)
{
	USH_AUTO_FREE char *from = NULL;
	USH_AUTO_FREE char *to = NULL;
	USH_AUTO_FREE char *pipe = NULL;

	make_folder();
	put("open", 0644);
	ck_assert_int_eq(reads("open", USH_FILE_PRIVATE, 100), -1);
	ck_assert_ptr_nonnull(strstr(err.hint, "chmod 600"));
	put("writable", 0666);
	ck_assert_int_eq(reads("writable", USH_FILE_OURS, 100), -1);
	put("ours", 0600);
	from = at("ours");
	to = at("link");
	ck_assert_int_eq(symlink(from, to), 0);
	ck_assert_int_eq(reads("link", USH_FILE_PRIVATE, 100), -1);
	ck_assert_int_eq(reads("link", USH_FILE_OURS, 100), 0);
	pipe = at("pipe");
	ck_assert_int_eq(mkfifo(pipe, 0600), 0);
	ck_assert_int_eq(reads("pipe", USH_FILE_PRIVATE, 100), -1); /* and does not hang */
	ck_assert_int_eq(err.code, USH_ERR_STORE);
}
END_TEST

START_TEST(a_pipe_that_says_nothing_is_told_to_be_no_file)
{
	USH_AUTO_FREE char *pipe = NULL;
	int held;

	make_folder();
	pipe = at("pipe");
	ck_assert_int_eq(mkfifo(pipe, 0600), 0);
	held = open(pipe, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(held, 0);
	ck_assert_int_eq(reads("pipe", USH_FILE_ANY, 100), -1); /* and does not hang */
	ck_assert_msg(strstr(err.what, "is no file, but a pipe") != NULL, "%s", err.what);
	close(held);
}
END_TEST

START_TEST(a_file_larger_than_the_cap_is_refused)
{
	make_folder();
	put("a", 0600);
	ck_assert_int_eq(reads("a", USH_FILE_ANY, 4), 0);
	ck_assert_int_eq(reads("a", USH_FILE_ANY, 3), -1);
}
END_TEST

START_TEST(missing_is_told_from_unreadable)
{
	USH_AUTO_FREE char *path = NULL;
	USH_AUTO_BUF buf = USH_BUF_MAX(10);
	bool missing = false;

	make_folder();
	path = at("nothing");
	ck_assert_int_eq(ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &buf, &missing, &err), -1);
	ck_assert(missing);
	ush_error_clear(&err);
	ck_assert_int_eq(ush_file_read(folder, USH_FILE_ANY, USH_ERR_CONFIG, &buf, &missing, &err), -1);
	ck_assert(!missing);
}
END_TEST

START_TEST(a_write_that_fails_keeps_what_was_there)
{
	USH_AUTO_FREE char *inside = NULL;

	make_folder();
	put("a", 0600);
	inside = at("a/b");
	memset(&err, 0, sizeof err);
	ck_assert_int_eq(ush_file_write(inside, "x", 1, 0600, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_STORE);
	ck_assert_int_eq(reads("a", USH_FILE_PRIVATE, 100), 0);
}
END_TEST

START_TEST(a_private_folder_is_made_and_an_open_one_refused)
{
	USH_AUTO_FREE char *path = NULL;
	USH_AUTO_FREE char *open_one = NULL;
	struct stat st;

	make_folder();
	path = at("x/y/z");
	ck_assert_int_eq(ush_file_private_folder(path, &err), 0);
	ck_assert_int_eq(ush_file_private_folder(path, &err), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0700);
	open_one = at("open");
	ck_assert_int_eq(mkdir(open_one, 0700), 0);
	ck_assert_int_eq(chmod(open_one, 0777), 0);
	ck_assert_int_eq(ush_file_private_folder(open_one, &err), -1);
}
END_TEST

START_TEST(what_is_no_file_is_not_replaced_by_one)
{
	USH_AUTO_FREE char *pipe_path = NULL, *link_path = NULL;
	struct stat before, after;

	folder = tap_folder();
	pipe_path = at("pipe");
	link_path = at("link");
	ck_assert_int_eq(mkfifo(pipe_path, 0600), 0);
	ck_assert_int_eq(symlink("pipe", link_path), 0);
	for (size_t i = 0; i < 3; i++) {
		const char *path = (const char *[]){pipe_path, link_path, folder}[i];

		memset(&err, 0, sizeof err);
		ck_assert_int_eq(lstat(path, &before), 0);
		ck_assert_int_eq(ush_file_write(path, "new", 3, 0600, &err), -1);
		ck_assert_int_eq(err.code, USH_ERR_STORE);
		ck_assert_msg(strstr(err.what, "not a regular file") != NULL, "%s", err.what);
		ck_assert_int_eq(lstat(path, &after), 0);
		ck_assert_uint_eq(after.st_mode, before.st_mode);
	}
}
END_TEST

TAP_MAIN("file", what_is_written_is_read_with_exactly_its_mode, a_private_file_is_not_read_when_others_may_or_a_link_leads_there,
	 a_pipe_that_says_nothing_is_told_to_be_no_file, a_file_larger_than_the_cap_is_refused, missing_is_told_from_unreadable, a_write_that_fails_keeps_what_was_there,
	 a_private_folder_is_made_and_an_open_one_refused, what_is_no_file_is_not_replaced_by_one)
