/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder of what was pushed: full disks, damage, two servers.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "tests/support/pushed.h"
#include "tests/support/tap.h"

/* ---- what cannot be written ---- */

/* Check itself writes a file at each assertion, so the limit is there for the commit alone. */
static int commit_within(struct ush_room *room, rlim_t size, struct ush_error *err)
{
	const struct rlimit limit = {size, RLIM_INFINITY}, none = {RLIM_INFINITY, RLIM_INFINITY};
	int result;

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 0;
	result = ush_room_commit(room, err);
	setrlimit(RLIMIT_FSIZE, &none);
	return result;
}

START_TEST(a_batch_that_cannot_be_written_is_taken_back)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/full", tap_folder()), *kept = NULL, *lost = NULL, *path = NULL;
	struct ush_error err = {0};
	struct ush_room room;
	size_t length;

	pushed_open(&room, folder);
	kept = pushed_make(&room, "/Users", "userName", "kept");
	pushed_commit(&room);
	length = room.log_length;
	lost = pushed_make(&room, "/Users", "userName", "lost");
	path = ush_printf("/Users/%s", kept);
	ck_assert_int_eq(pushed_ask(&room, "DELETE", path, NULL, NULL), 204);
	ck_assert_int_ne(commit_within(&room, length + 100, &err), 0);
	ck_assert_int_eq(err.code, USH_ERR_STORE);
	ck_assert_ptr_nonnull(ush_store_find(&room.store, kept));
	ck_assert_ptr_null(ush_store_find(&room.store, lost));
	ck_assert_uint_eq(room.store.users, 1);
	free(pushed_make(&room, "/Users", "userName", "lost"));
	pushed_commit(&room);
	pushed_drop(&room);
	pushed_open(&room, folder);
	ck_assert_uint_eq(room.store.users, 2);
	ck_assert_uint_eq(room.dropped, 0);
	ck_assert_ptr_nonnull(ush_store_find(&room.store, kept));
	pushed_drop(&room);
}
END_TEST

START_TEST(a_log_of_which_nobody_knows_what_is_on_disk_is_begun_anew)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/anew", tap_folder());
	struct ush_room room;
	uint64_t generation;

	pushed_open(&room, folder);
	generation = room.generation;
	free(pushed_make(&room, "/Users", "userName", "a"));
	room.anew = true;
	pushed_commit(&room);
	ck_assert_uint_eq(room.generation, generation + 1);
	ck_assert(!room.anew);
	pushed_drop(&room);
	pushed_open(&room, folder);
	ck_assert_uint_eq(room.store.users, 1);
	pushed_drop(&room);
}
END_TEST

/* A full disk must not keep the server from coming back: what there is can be told, and it heals by itself. */
START_TEST(a_store_whose_groups_cannot_be_written_opens_and_is_behind)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/behind", tap_folder()), *shown = ush_printf("%s/groups.json", folder);
	USH_AUTO_JSON body = json_pack("{s:s}", "userName", "late");
	struct ush_error err = {0};
	struct ush_room room;

	pushed_open(&room, folder);
	free(pushed_make(&room, "/Users", "userName", "kept"));
	pushed_commit(&room);
	pushed_drop(&room);
	ck_assert(unlink(shown) == 0 && mkdir(shown, 0700) == 0);
	pushed_open(&room, folder);
	ck_assert(ush_room_in_trouble(&room));
	ck_assert_uint_eq(room.store.users, 1);
	ck_assert_int_eq(pushed_ask(&room, "POST", "/Users", body, NULL), 503);
	ck_assert_int_ne(ush_room_tick(&room, pushed_world(), &err), 0);
	ck_assert_ptr_nonnull(strstr(err.what, "groups.json"));
	ck_assert_int_eq(rmdir(shown), 0);
	for (int i = 0; i < 5000 && ush_room_in_trouble(&room); i++) /* a millisecond each */
		ush_room_tick(&room, pushed_world(), &err);
	ck_assert(!ush_room_in_trouble(&room));
	ck_assert_int_eq(pushed_ask(&room, "POST", "/Users", body, NULL), 201);
	pushed_drop(&room);
}
END_TEST

/* What was refused once is tried again by itself, and only then is it told to be over. */
START_TEST(a_batch_that_was_taken_back_is_trouble_until_there_is_room)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/stuck", tap_folder());
	struct ush_error err = {0};
	struct ush_room room;
	uint64_t generation;
	size_t length;

	pushed_open(&room, folder);
	generation = room.generation;
	length = room.log_length;
	free(pushed_make(&room, "/Users", "userName", "lost"));
	ck_assert_int_ne(commit_within(&room, length + 10, &err), 0);
	ck_assert_ptr_nonnull(strstr(err.what, "the log of changes: File too large"));
	ck_assert(ush_room_in_trouble(&room));
	ck_assert_int_eq(ush_room_tick(&room, pushed_world(), &err), 0);
	ck_assert(!ush_room_in_trouble(&room));
	ck_assert_uint_eq(room.generation, generation); /* the log is whole: nothing is begun anew for that */
	ck_assert_uint_eq(room.log_length, length);
	free(pushed_make(&room, "/Users", "userName", "lost"));
	pushed_commit(&room);
	pushed_drop(&room);
	pushed_open(&room, folder);
	ck_assert_uint_eq(room.store.users, 1);
	ck_assert_uint_eq(room.dropped, 0);
	pushed_drop(&room);
}
END_TEST

/* ---- what is damaged ---- */

static void damage(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char c;

	ck_assert(fd >= 0 && pread(fd, &c, 1, at) == 1);
	c ^= 1;
	ck_assert_int_eq(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static void must_refuse(const char *folder, enum ush_code code, const char *what)
{
	struct ush_error err = {0};
	struct ush_room room;

	pushed_set_up(&room);
	ck_assert_int_ne(ush_room_open(&room, folder, &err), 0);
	ck_assert_int_eq(err.code, code);
	ck_assert_msg(strstr(err.what, what) != NULL, "%s", err.what);
	pushed_drop(&room);
}

static void fill_store(const char *folder, char **log)
{
	struct ush_room room;

	pushed_open(&room, folder);
	free(pushed_make(&room, "/Users", "userName", "one"));
	pushed_commit(&room);
	free(pushed_make(&room, "/Users", "userName", "two"));
	pushed_commit(&room);
	*log = ush_printf("%s/changes-%llu.log", folder, (unsigned long long)room.generation);
	pushed_drop(&room);
}

START_TEST(a_log_that_is_damaged_in_its_middle_or_missing_is_told_and_not_shortened)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/damaged", tap_folder()), *log = NULL, *whole = ush_printf("%s/resources.jsonl", folder);
	struct stat before, after;

	fill_store(folder, &log);
	ck_assert_int_eq(stat(log, &before), 0);
	damage(log, 60);
	must_refuse(folder, USH_ERR_STORE, "damaged in its middle");
	ck_assert(stat(log, &after) == 0 && after.st_size == before.st_size);
	damage(log, 60);
	damage(whole, 5);
	must_refuse(folder, USH_ERR_STORE, "checksum");
	damage(whole, 5);
	ck_assert_int_eq(rename(log, whole), 0);
	must_refuse(folder, USH_ERR_STORE, "resources.jsonl");
	ck_assert_int_eq(unlink(whole), 0);
}
END_TEST

START_TEST(a_log_that_is_gone_or_a_whole_that_is_gone_is_told)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/gone", tap_folder()), *log = NULL, *whole = ush_printf("%s/resources.jsonl", folder), *away = ush_printf("%s/away", folder);

	fill_store(folder, &log);
	ck_assert_int_eq(rename(log, away), 0);
	must_refuse(folder, USH_ERR_STORE, "is missing");
	ck_assert_int_eq(rename(away, log), 0);
	ck_assert_int_eq(unlink(whole), 0);
	must_refuse(folder, USH_ERR_STORE, "resources.jsonl is missing");
}
END_TEST

START_TEST(two_servers_have_no_store_together)
{
	USH_AUTO_FREE char *folder = ush_printf("%s/two", tap_folder());
	struct ush_room room;

	pushed_open(&room, folder);
	must_refuse(folder, USH_ERR_REFUSED, "another server");
	pushed_drop(&room);
	pushed_open(&room, folder);
	pushed_drop(&room);
}
END_TEST

TAP_MAIN("scim_room", a_batch_that_cannot_be_written_is_taken_back, a_store_whose_groups_cannot_be_written_opens_and_is_behind,
	 a_batch_that_was_taken_back_is_trouble_until_there_is_room, a_log_of_which_nobody_knows_what_is_on_disk_is_begun_anew,
	 a_log_that_is_damaged_in_its_middle_or_missing_is_told_and_not_shortened, a_log_that_is_gone_or_a_whole_that_is_gone_is_told, two_servers_have_no_store_together)
