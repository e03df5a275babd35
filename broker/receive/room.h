/* SPDX-License-Identifier: Apache-2.0
 *
 * The folder of what was pushed:
 *
 *   lock             held by the one server that may be there
 *   resources.jsonl  everything, as it was when the log was begun; with its count and checksum, written whole
 *   changes-N.log    what came since, in frames: "B LENGTH SUM\n" and that many bytes of records (store.h), a line each. A
 *                    frame is on disk before any of its changes is answered; one that is not whole was answered to nobody
 *   groups.json      for the source `file`: groups with the names of their people, count and checksum, written whole
 *   provisioned      an empty file: somebody said that the first provisioning is finished
 *
 * groups.json says of itself that it is incomplete as long as there is no such word, or there never was a group.
 */
#ifndef USH_RECEIVE_ROOM_H
#define USH_RECEIVE_ROOM_H

#include "broker/receive/store.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/world.h"

#define USH_ROOM_SHOW_BYTES (63U << 20) /* of groups.json: the source that reads it takes 64 MiB, */
#define USH_ROOM_SHOW_STEPS 8000000	/* and nobody waits until groups in groups are counted out. More is incomplete */
#define USH_ROOM_SHOW_MS 200 /* groups.json is at most so much older than the log, and the time that writing it takes */

struct ush_room {
	struct ush_store store;
	char *folder;
	int lock, log; /* -1: none */
	uint64_t generation;
	size_t log_length, whole_length;
	struct ush_buf pending; /* records of what is not committed */
	bool anew;		/* nobody knows what of the log is on disk: it must be begun anew */
	bool stuck;		/* the last change could not be written, and was taken back */
	bool provisioned, unshown, behind; /* behind: groups.json could not be written */
	int64_t unshown_ms, show_took_ms, show_again_ms, begin_again_ms;
	size_t dropped; /* bytes at the end of the log that no client was answered about */
};

/* Opens the folder, making it where there is none. store's limits and `people` are set before. USH_ERR_REFUSED when another
 * server has it, USH_ERR_STORE when it is damaged or its files cannot be opened. One in which groups.json cannot be written
 * is open, and behind. */
int ush_room_open(struct ush_room *room, const char *folder, struct ush_error *err);

/* Notes what was done to the store. */
void ush_room_note(struct ush_room *room, json_t *record);

/* What was noted is on disk; or -1, and the store is as it was at the last commit. */
int ush_room_commit(struct ush_room *room, struct ush_error *err);

/* What is to be done from time to time: groups.json, a log that has become long. -1 when it could not be; it is tried again. */
int ush_room_tick(struct ush_room *room, const struct ush_world *world, struct ush_error *err);

/* True: something cannot be written, which ush_room_tick tries again. */
bool ush_room_in_trouble(const struct ush_room *room);

/* Milliseconds from now (ush_boot_ms) until something is to be done, at most `most`. */
int ush_room_patience(const struct ush_room *room, int64_t now, int most);

/* Writes groups.json when it is old, and ends. */
int ush_room_close(struct ush_room *room, struct ush_error *err);

/* Says that the first provisioning is finished. USH_ERR_USAGE when the folder is no store: none is made. */
int ush_room_provisioned(const char *folder, struct ush_error *err);

/* ---- room_write.c ---- */

/* A new generation: everything whole, an empty log. */
int ush_room_begin(struct ush_room *room, struct ush_error *err);

/* groups.json, as things are now. */
int ush_room_show_now(struct ush_room *room, struct ush_error *err);

/* ---- shown.c ---- */

/* groups.json as text. why: it is incomplete because of that, or NULL. */
void ush_room_show(const struct ush_store *store, const char *why, struct ush_buf *out);

#endif
