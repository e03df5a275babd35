/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "broker/policy/naming.h"
#include "broker/receive/room.h"
#include "common/base/file.h"
#include "common/base/memory.h"

#define LOG_LEAST (4U << 20) /* a log is not begun anew for less */
#define AGAIN_MS  1000
#define PROBE	  (64U << 10) /* bytes for which there must be room before a full disk is told to be one no more */

/* ---- everything ---- */

static void add_line(struct ush_buf *out, const json_t *line)
{
	USH_AUTO_FREE char *text = ush_json_canonical(line);

	ush_buf_puts(out, text);
	ush_buf_puts(out, "\n");
}

/* First all that there is, then who is in what: a member is there before it is named. */
static size_t add_records(const struct ush_store *store, struct ush_buf *out, bool members)
{
	size_t count = 0;

	for (size_t i = 0; i < store->count; i++) {
		const struct ush_resource *one = store->items[i];
		struct ush_resource alone;
		USH_AUTO_JSON record = NULL;

		if (one == NULL || (members && one->member_count == 0))
			continue;
		alone = *one;
		alone.member_count = 0;
		record = ush_store_record(store, members ? &alone : NULL, members ? one : &alone, 0);
		add_line(out, record);
		count++;
	}
	return count;
}

static void everything(const struct ush_room *room, uint64_t generation, struct ush_buf *out)
{
	USH_AUTO_JSON head = json_pack("{s:s, s:i, s:I, s:b}", "usher", "scim-store", "format", 1, "generation", (json_int_t)generation, "groupsSeen",
				       room->store.groups_seen);
	size_t count;
	char hex[65];

	add_line(out, head);
	count = add_records(&room->store, out, false);
	count += add_records(&room->store, out, true);
	ush_sha256_hex(out->data, out->length, hex);
	ush_buf_printf(out, "{\"count\":%zu,\"sha256\":\"%s\"}\n", count, hex);
}

static void sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

int ush_room_begin(struct ush_room *room, struct ush_error *err)
{
	USH_AUTO_FREE char *log = ush_printf("%s/changes-%llu.log", room->folder, (unsigned long long)room->generation + 1);
	USH_AUTO_FREE char *old = ush_printf("%s/changes-%llu.log", room->folder, (unsigned long long)room->generation);
	USH_AUTO_FREE char *whole = ush_printf("%s/resources.jsonl", room->folder);
	USH_AUTO_BUF text = {.limit = SIZE_MAX};
	int fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return ush_fail(err, USH_ERR_STORE, "%s: %s", log, strerror(errno));
	sync_folder(room->folder);
	everything(room, room->generation + 1, &text);
	if (ush_file_write(whole, text.data, text.length, 0600, err) != 0) {
		close(fd);
		unlink(log);
		return -1;
	}
	if (room->log >= 0) {
		close(room->log);
		unlink(old);
	}
	room->log = fd;
	room->generation++;
	room->log_length = 0;
	room->whole_length = text.length;
	room->anew = room->stuck = false;
	return 0;
}

/* ---- changes ---- */

void ush_room_note(struct ush_room *room, json_t *record)
{
	room->pending.limit = SIZE_MAX;
	add_line(&room->pending, record);
	json_decref(record);
}

static int log_failed(const struct ush_room *room, int why, struct ush_error *err)
{
	return ush_fail(err, USH_ERR_STORE, "%s: the log of changes: %s", room->folder, strerror(why));
}

static int append(struct ush_room *room, struct ush_error *err)
{
	USH_AUTO_BUF frame = {.limit = SIZE_MAX};
	char hex[65];

	ush_sha256_hex(room->pending.data, room->pending.length, hex);
	ush_buf_printf(&frame, "B %zu %.16s\n", room->pending.length, hex);
	ush_buf_add(&frame, room->pending.data, room->pending.length);
	if (lseek(room->log, (off_t)room->log_length, SEEK_SET) < 0 || ush_write_all(room->log, frame.data, frame.length) != 0) {
		log_failed(room, errno, err);
		room->anew = ftruncate(room->log, (off_t)room->log_length) != 0;
		return -1;
	}
	if (fdatasync(room->log) != 0) { /* what of it is on disk nobody can say from now on */
		room->anew = true;
		return log_failed(room, errno, err);
	}
	room->log_length += frame.length;
	return 0;
}

int ush_room_commit(struct ush_room *room, struct ush_error *err)
{
	int result = 0;

	if (room->pending.length == 0)
		return 0;
	if (room->anew) { /* what is in memory is what was answered, and these changes: all of it becomes the new whole */
		result = ush_room_begin(room, err);
	} else {
		result = append(room, err);
	}
	ush_buf_free(&room->pending);
	if (result == 0)
		ush_store_keep(&room->store);
	else
		ush_store_take_back(&room->store);
	room->stuck = result != 0;
	if (result == 0 && !room->unshown) {
		room->unshown = true;
		room->unshown_ms = -1; /* from the next tick on */
	}
	return result;
}

/* ---- from time to time ---- */

int ush_room_show_now(struct ush_room *room, struct ush_error *err)
{
	USH_AUTO_FREE char *word = ush_printf("%s/provisioned", room->folder);
	USH_AUTO_FREE char *path = ush_printf("%s/groups.json", room->folder);
	USH_AUTO_FREE char *store = ush_text_word(room->folder);
	USH_AUTO_FREE char *unsaid = ush_printf("the first provisioning into %s is not said to be finished; when it is: usher-broker serve-scim --provisioned --store %s",
						room->folder, store);
	USH_AUTO_BUF text = {.limit = SIZE_MAX};

	room->provisioned = room->provisioned || access(word, F_OK) == 0;
	ush_room_show(&room->store, !room->store.groups_seen ? "no group was ever pushed" : !room->provisioned ? unsaid : NULL, &text);
	return ush_file_write(path, text.data, text.length, 0644, err);
}

static int64_t due(const struct ush_room *room)
{
	int64_t lull = room->show_took_ms * 4; /* so that most of the time is left for serving */

	if (room->behind)
		return room->show_again_ms;
	return room->unshown_ms + (lull > USH_ROOM_SHOW_MS ? lull : USH_ROOM_SHOW_MS);
}

static void look_for_word(struct ush_room *room, int64_t now)
{
	USH_AUTO_FREE char *path = room->provisioned ? NULL : ush_printf("%s/provisioned", room->folder);

	if (path == NULL || access(path, F_OK) != 0)
		return;
	room->provisioned = room->unshown = true;
	room->unshown_ms = now;
}

int ush_room_patience(const struct ush_room *room, int64_t now, int most)
{
	int64_t left = !room->unshown ? most : room->unshown_ms < 0 ? 0 : due(room) - now;

	return left < 0 ? 0 : left > most ? most : (int)left;
}

bool ush_room_in_trouble(const struct ush_room *room)
{
	return room->behind || room->anew || room->stuck;
}

/* Is there room for a change again? */
static int probe(struct ush_room *room, struct ush_error *err)
{
	int bad = posix_fallocate(room->log, (off_t)room->log_length, PROBE);

	room->anew = ftruncate(room->log, (off_t)room->log_length) != 0;
	if (bad != 0)
		return log_failed(room, bad, err);
	room->stuck = false;
	return 0;
}

int ush_room_tick(struct ush_room *room, const struct ush_world *world, struct ush_error *err)
{
	int64_t now = ush_boot_ms(world);

	look_for_word(room, now);
	if (room->unshown && room->unshown_ms < 0)
		room->unshown_ms = now;
	if (room->unshown && now >= due(room)) {
		if (ush_room_show_now(room, err) != 0) {
			room->behind = true;
			room->show_again_ms = now + AGAIN_MS;
			return -1;
		}
		room->unshown = room->behind = false;
		room->show_took_ms = ush_boot_ms(world) - now;
	}
	if (now < room->begin_again_ms || (!room->anew && !room->stuck && (room->log_length <= LOG_LEAST || room->log_length <= 2 * room->whole_length)))
		return 0;
	room->begin_again_ms = now + AGAIN_MS;
	return room->stuck && !room->anew ? probe(room, err) : ush_room_begin(room, err);
}

int ush_room_close(struct ush_room *room, struct ush_error *err)
{
	int result = room->unshown && room->folder != NULL ? ush_room_show_now(room, err) : 0;

	if (room->log >= 0)
		close(room->log);
	if (room->lock >= 0)
		close(room->lock);
	ush_store_free(&room->store);
	ush_buf_free(&room->pending);
	free(room->folder);
	*room = (struct ush_room){.lock = -1, .log = -1};
	return result;
}
