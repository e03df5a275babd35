/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receive/room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/policy/naming.h"
#include "common/base/file.h"
#include "common/base/memory.h"

static int damaged(const char *path, const char *what, struct ush_error *err)
{
	ush_fail(err, USH_ERR_STORE, "%s: %s", path, what);
	return ush_hint(err, "Put the folder back from a copy, or begin an empty one and let the provider push everything again");
}

/* ---- lines ---- */

/* The next line of the text, ended by NUL in place of its newline; NULL at the end. */
static char *next_line(char **at, const char *end, size_t *length)
{
	char *line = *at, *newline = memchr(line, '\n', (size_t)(end - line));

	if (newline == NULL)
		return NULL;
	*newline = '\0';
	*length = (size_t)(newline - line);
	*at = newline + 1;
	return line;
}

static int replay_lines(struct ush_room *room, char *text, const char *end, const char *path, size_t *count, struct ush_error *err)
{
	size_t length;
	char *line;

	while ((line = next_line(&text, end, &length)) != NULL) {
		json_error_t why;
		USH_AUTO_JSON record = json_loadb(line, length, 0, &why);

		if (record == NULL || ush_store_replay(&room->store, record) != 0)
			return damaged(path, "a record does not fit", err);
		ush_store_keep(&room->store);
		++*count;
	}
	return 0;
}

/* ---- everything, as it was when the log was begun ---- */

static int read_head(struct ush_room *room, const json_t *head, const char *path, struct ush_error *err)
{
	const json_t *generation = json_object_get(head, "generation");

	if (ush_json_string(head, "usher") == NULL || json_integer_value(json_object_get(head, "format")) != 1 || json_integer_value(generation) <= 0)
		return damaged(path, "is no store that this version reads", err);
	room->generation = (uint64_t)json_integer_value(generation);
	room->store.groups_seen = json_is_true(json_object_get(head, "groupsSeen"));
	return 0;
}

static int read_whole(struct ush_room *room, const char *path, struct ush_buf *text, struct ush_error *err)
{
	char *end = text->data != NULL ? text->data + text->length : NULL, *last, *at = text->data, *line, hex[65];
	size_t length, count = 0;
	USH_AUTO_JSON head = NULL;
	USH_AUTO_JSON tail = NULL;
	json_error_t why;
	bool seen;

	if (text->length < 2 || end[-1] != '\n')
		return damaged(path, "is cut short", err);
	for (last = end - 1; last > text->data && last[-1] != '\n'; last--)
		;
	ush_sha256_hex(text->data, (size_t)(last - text->data), hex);
	tail = json_loadb(last, (size_t)(end - last), 0, &why);
	if (ush_json_string(tail, "sha256") == NULL || strcmp(ush_json_string(tail, "sha256"), hex) != 0)
		return damaged(path, "is not what was written: its checksum is another", err);
	line = next_line(&at, last, &length);
	head = line != NULL ? json_loadb(line, length, 0, &why) : NULL;
	if (read_head(room, head, path, err) != 0)
		return -1;
	seen = room->store.groups_seen;
	if (replay_lines(room, at, last, path, &count, err) != 0)
		return -1;
	room->store.groups_seen |= seen;
	if ((json_int_t)count != json_integer_value(json_object_get(tail, "count")))
		return damaged(path, "has not as many records as it says", err);
	room->whole_length = text->length;
	return 0;
}

/* ---- the log ---- */

/* The payload of the frame at `at`, or NULL when there is no whole one. */
static char *frame(char *at, const char *end, size_t *length)
{
	char sum[17] = {0}, hex[65], *newline = memchr(at, '\n', (size_t)(end - at));

	if (newline == NULL || newline - at > 60 || sscanf(at, "B %zu %16[0-9a-f]", length, sum) != 2 || *length > (size_t)(end - newline - 1))
		return NULL;
	ush_sha256_hex(newline + 1, *length, hex);
	return strncmp(hex, sum, 16) == 0 ? newline + 1 : NULL;
}

/* A frame that is not whole is the last one, or the log is damaged: each was on disk before the next was begun. */
static bool any_frame_behind(char *at, char *end)
{
	size_t length;

	while ((at = memmem(at, (size_t)(end - at), "\nB ", 3)) != NULL)
		if (frame(++at, end, &length) != NULL)
			return true;
	return false;
}

static int read_log(struct ush_room *room, const char *path, struct ush_buf *text, struct ush_error *err)
{
	char *at = text->data, *end = text->data + text->length, *payload;
	size_t length, count = 0;

	while (at < end && (payload = frame(at, end, &length)) != NULL) {
		if (replay_lines(room, payload, payload + length, path, &count, err) != 0)
			return -1;
		at = payload + length;
	}
	if (at < end && any_frame_behind(at, end))
		return damaged(path, "is damaged in its middle: changes that were answered would be lost", err);
	room->log_length = (size_t)(at - text->data);
	room->dropped = (size_t)(end - at);
	if (room->dropped > 0 && (ftruncate(room->log, (off_t)room->log_length) != 0 || fdatasync(room->log) != 0))
		return ush_fail(err, USH_ERR_STORE, "%s: %s", path, strerror(errno));
	return 0;
}

static int open_log(struct ush_room *room, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_printf("%s/changes-%llu.log", room->folder, (unsigned long long)room->generation);
	USH_AUTO_BUF text = {.limit = SIZE_MAX};

	room->log = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (room->log < 0)
		return errno == ENOENT ? damaged(path, "is missing", err) : ush_fail(err, USH_ERR_STORE, "%s: %s", path, strerror(errno));
	if (ush_file_read(path, USH_FILE_PRIVATE, USH_ERR_STORE, &text, NULL, err) != 0)
		return -1;
	return read_log(room, path, &text, err);
}

/* Logs of other generations: of a server that ended while it began a new one. */
static int clear_logs(const struct ush_room *room, bool empty_ones, struct ush_error *err)
{
	USH_AUTO_FREE char *current = ush_printf("changes-%llu.log", (unsigned long long)room->generation);
	DIR *folder = opendir(room->folder);
	struct dirent *entry;
	struct stat st;
	int result = 0;

	if (folder == NULL)
		return ush_fail(err, USH_ERR_STORE, "%s: %s", room->folder, strerror(errno));
	while ((entry = readdir(folder)) != NULL && result == 0) {
		USH_AUTO_FREE char *path = ush_printf("%s/%s", room->folder, entry->d_name);

		if (strncmp(entry->d_name, "changes-", 8) != 0 || strcmp(entry->d_name, current) == 0)
			continue;
		if (empty_ones && (stat(path, &st) != 0 || st.st_size > 0))
			result = damaged(path, "there are changes, and resources.jsonl is missing", err);
		else
			unlink(path);
	}
	closedir(folder);
	return result;
}

/* ---- opening ---- */

static int take_lock(struct ush_room *room, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_printf("%s/lock", room->folder);

	room->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (room->lock < 0)
		return ush_fail(err, USH_ERR_STORE, "%s: %s", path, strerror(errno));
	if (flock(room->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return ush_fail(err, USH_ERR_STORE, "%s: %s", path, strerror(errno));
	ush_fail(err, USH_ERR_REFUSED, "%s: another server has this store", room->folder);
	return ush_hint(err, "One server a store; it may listen for several providers");
}

static int load(struct ush_room *room, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_printf("%s/resources.jsonl", room->folder);
	USH_AUTO_BUF text = {.limit = SIZE_MAX};
	bool missing;
	struct ush_error why = {0};

	if (ush_file_read(path, USH_FILE_PRIVATE, USH_ERR_STORE, &text, &missing, &why) != 0) {
		if (missing)
			return clear_logs(room, true, err) == 0 ? ush_room_begin(room, err) : -1;
		*err = why;
		return -1;
	}
	if (read_whole(room, path, &text, err) != 0 || open_log(room, err) != 0)
		return -1;
	return clear_logs(room, false, err);
}

int ush_room_open(struct ush_room *room, const char *folder, struct ush_error *err)
{
	size_t max_users = room->store.max_users, max_groups = room->store.max_groups;
	struct ush_error why = {0};
	int result;

	room->lock = room->log = -1;
	if (ush_file_private_folder(folder, err) != 0)
		return -1;
	room->folder = ush_strdup(folder);
	if (take_lock(room, err) != 0)
		return -1;
	room->store.max_users = room->store.max_groups = SIZE_MAX; /* what was taken once is not thrown away */
	result = load(room, err);
	room->store.max_users = max_users;
	room->store.max_groups = max_groups;
	if (result == 0) /* the one that is there may be older than the log */
		room->unshown = room->behind = ush_room_show_now(room, &why) != 0;
	return result;
}

int ush_room_provisioned(const char *folder, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_printf("%s/provisioned", folder), *whole = ush_printf("%s/resources.jsonl", folder);

	if (access(whole, F_OK) != 0)
		return ush_fail(err, USH_ERR_USAGE, "%s: is no store into which anything was pushed; nothing was written", folder);
	if (ush_file_private_folder(folder, err) != 0)
		return -1;
	return ush_file_write(path, "", 0, 0600, err);
}
