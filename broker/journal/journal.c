/* SPDX-License-Identifier: Apache-2.0
 *
 * A line is one write() at the end of the file, under a lock that lasts no longer than that: runs beside each other put
 * their lines between one another's, and none waits for another's end. Whoever finds the file longer than he left it
 * reads its end again, and whoever finds another file under the name (logrotate) goes on there.
 */
#include "broker/journal/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/journal/link.h"
#include "broker/journal/log_file.h"
#include "broker/journal/tail.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define BEHIND_MS 1000 /* what is written is on disk after that, while more comes */

struct ush_journal {
	char *path; /* NULL: stdout */
	const struct ush_world *world;
	json_t *common;
	int fd;
	struct ush_tail tail; /* as we left it */
	bool known;           /* tail is true while the file is as long as it says */
	size_t written, lost,
		unsaid; /* lines of ours; that could not be written; and of which the log does not say so yet */
	bool dirty;
	int64_t synced_ms;
	struct ush_error first; /* why the first of them could not */
};

/* stdout is one for the whole process: what is said there goes on where the run before ended. */
static struct {
	int fd; /* the real stdout; 0: not taken over yet */
	int64_t sequence;
	char head[65];
} out;

/* What a log was not told by a run of this process, for the next run that can write it. */
static struct {
	char *path;
	size_t lines;
} owed;

/* ---- writing ---- */

static int wrote_not(struct ush_journal *journal, struct ush_error *err)
{
	journal->known = false;
	return ush_fail(err, USH_ERR_STORE, "audit log %s: %s", journal->path != NULL ? journal->path : "on stdout",
			strerror(errno));
}

/* One line in one write, so that it is there whole or, at worst, a beginning of it. */
static int append(struct ush_journal *journal, const char *event, const json_t *members, struct ush_error *err)
{
	struct ush_tail *tail = &journal->tail;
	char hash[65];
	USH_AUTO_FREE char *line = ush_link_line(event, tail->sequence + 1, tail->head, ush_now(journal->world),
						 journal->common, members, hash);
	USH_AUTO_FREE char *text = line != NULL ? ush_printf("%s%s\n", tail->open ? "\n" : "", line) : NULL;

	if (text == NULL || strlen(text) > USH_LINK_MAX)
		return ush_fail(err, USH_ERR_STORE, "audit log: a line (%s) cannot be told: it is too long", event);
	journal->dirty = true;
	if (ush_write_all(journal->fd, text, strlen(text)) != 0)
		return wrote_not(journal, err);
	tail->sequence++;
	tail->size += (int64_t)strlen(text);
	tail->open = false;
	memcpy(tail->head, hash, sizeof hash);
	return 0;
}

static int tell_tear(struct ush_journal *journal, struct ush_error *err)
{
	USH_AUTO_JSON members =
		json_pack("{s:I, s:s}", "bytes", (json_int_t)journal->tail.torn, "sha256", journal->tail.torn_digest);

	if (journal->tail.torn == 0)
		return 0;
	if (append(journal, USH_LINK_TORN, members, err) != 0)
		return -1;
	journal->tail.torn = 0;
	return 0;
}

static int tell_loss(struct ush_journal *journal, struct ush_error *err)
{
	USH_AUTO_JSON members = json_pack("{s:I}", "lines", (json_int_t)journal->unsaid);

	if (journal->unsaid > 0 && append(journal, USH_LINK_LOST, members, err) != 0)
		return -1;
	journal->unsaid = 0;
	return 0;
}

static int sync_now(struct ush_journal *journal, struct ush_error *err)
{
	journal->synced_ms = ush_boot_ms(journal->world);
	if (!journal->dirty || journal->path == NULL)
		return 0;
	journal->dirty = false;
	if (fdatasync(journal->fd) != 0 && errno != EINVAL)
		return wrote_not(journal, err);
	return 0;
}

/* ---- where it is written ---- */

/* The log was this long once, by what is noted beside it. */
static int check_noted(const struct ush_journal *journal, int64_t sequence, const char *head, struct ush_error *err)
{
	USH_AUTO_FREE char *word = ush_text_word(journal->path);
	const struct ush_tail *tail = &journal->tail;

	if (sequence < tail->sequence || (sequence == tail->sequence && strcmp(head, tail->head) == 0))
		return 0;
	ush_fail(err, USH_ERR_STORE,
		 "audit log %s: it ends at line number %lld, and %s.head has seen %lld: its end was cut off, or it is "
		 "another log",
		 journal->path, (long long)tail->sequence, journal->path, (long long)sequence);
	return ush_hint(err, "Keep it under another name, and the next run begins a new one. Look: usher-broker verify-log %s", word);
}

/* A file without a record goes on where the one before it ended, as far as that is known. */
static int begin_file(struct ush_journal *journal, int64_t sequence, const char *head, struct ush_error *err)
{
	bool torn = journal->tail.torn > 0;

	if (sequence > 0) {
		journal->tail.sequence = sequence;
		memcpy(journal->tail.head, head, sizeof journal->tail.head);
	}
	return torn ? 0 : append(journal, sequence > 0 ? USH_LINK_CONTINUED : USH_LINK_BEGUN, NULL, err);
}

/* Under the lock: the file is as we left it, or its end is read anew. */
static int look_at_end(struct ush_journal *journal, struct ush_error *err)
{
	struct ush_tail before = journal->tail;
	bool known = journal->known;
	struct stat st;
	struct ush_error ignored = {0};
	int64_t noted = 0;
	char head[65];

	if (fstat(journal->fd, &st) != 0)
		return wrote_not(journal, err);
	if (known && st.st_size == before.size)
		return 0;
	journal->known = false;
	if (ush_tail_read(&journal->tail, journal->fd, journal->path, err) != 0)
		return -1;
	if (ush_tail_noted(journal->path, USH_FILE_OURS, &noted, head, &ignored) != USH_NOTED)
		noted = 0;
	if (journal->tail.sequence == 0 && known &&
	    before.sequence > noted) { /* emptied while we wrote (copytruncate) */
		noted = before.sequence;
		memcpy(head, before.head, sizeof head);
	} else if (journal->tail.sequence > 0 && noted > 0 && check_noted(journal, noted, head, err) != 0) {
		return -1;
	}
	if (journal->tail.sequence == 0 && begin_file(journal, noted, head, err) != 0)
		return -1;
	journal->known = true;
	return tell_tear(journal, err);
}

static bool is_still_there(const struct ush_journal *journal)
{
	struct stat ours, there;

	return fstat(journal->fd, &ours) == 0 && lstat(journal->path, &there) == 0 && ours.st_ino == there.st_ino &&
	       ours.st_dev == there.st_dev;
}

/* The file was moved away: what comes goes into the one that has its name now. The old one is locked until that is
 * begun. */
static int follow_name(struct ush_journal *journal, struct ush_error *err)
{
	int old = journal->fd, next;

	if (is_still_there(journal))
		return 0;
	next = ush_log_file_open(journal->path, err);
	if (next < 0 || ush_log_file_lock(next, journal->path, err) != 0) {
		if (next >= 0)
			close(next);
		return -1;
	}
	ush_tail_note(journal->path, journal->tail.sequence, journal->tail.head);
	(void)fdatasync(old);
	close(old);
	journal->fd = next;
	journal->tail.size = -1; /* known, and of no file yet */
	return look_at_end(journal, err);
}

/* Locks, and finds the place for the next line. */
static int ready(struct ush_journal *journal, struct ush_error *err)
{
	if (journal->path == NULL)
		return 0;
	if (ush_log_file_lock(journal->fd, journal->path, err) != 0)
		return -1;
	return look_at_end(journal, err) == 0 && follow_name(journal, err) == 0 ? tell_loss(journal, err) : -1;
}

static void let_go(struct ush_journal *journal)
{
	if (journal->path == NULL) {
		out.sequence = journal->tail.sequence;
		memcpy(out.head, journal->tail.head, sizeof out.head);
	} else if (journal->fd >= 0) {
		(void)flock(journal->fd, LOCK_UN);
	}
}

/* ---- stdout ---- */

/* The lines have stdout for themselves: what else the program says there goes to stderr from now on. */
static int take_stdout(struct ush_journal *journal, struct ush_error *err)
{
	if (out.fd == 0) {
		fflush(stdout);
		out.fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (out.fd < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
			out.fd = 0;
			return wrote_not(journal, err);
		}
		memcpy(out.head, USH_LINK_ZEROS, sizeof out.head);
	}
	journal->fd = out.fd;
	journal->tail.sequence = out.sequence;
	memcpy(journal->tail.head, out.head, sizeof out.head);
	return out.sequence > 0 ? 0 : append(journal, USH_LINK_BEGUN, NULL, err);
}

/* ---- the room's door ---- */

static void owe(const struct ush_journal *journal)
{
	if (journal->path == NULL || journal->unsaid == 0)
		return;
	free(owed.path);
	owed.path = ush_strdup(journal->path);
	owed.lines = journal->unsaid;
}

static void take_debt(struct ush_journal *journal)
{
	if (owed.path == NULL || journal->path == NULL || strcmp(owed.path, journal->path) != 0)
		return;
	journal->unsaid = owed.lines;
	free(ush_steal(&owed.path));
}

static void free_journal(struct ush_journal *journal)
{
	owe(journal);
	if (journal->path != NULL && journal->fd >= 0)
		close(journal->fd);
	json_decref(journal->common);
	free(journal->path);
	free(journal);
}

int ush_journal_open(struct ush_journal **journal, const char *path, const struct ush_world *world,
		     struct ush_error *err)
{
	struct ush_journal *opened;
	unsigned char random[4];
	int result;

	*journal = NULL;
	if (path == NULL)
		return 0;
	opened = ush_new(struct ush_journal);
	opened->world = world;
	opened->path = strcmp(path, "-") != 0 ? ush_strdup(path) : NULL;
	opened->common = json_object();
	take_debt(opened);
	opened->synced_ms = ush_boot_ms(world);
	opened->fd = opened->path != NULL ? ush_log_file_open(path, err) : -1;
	result = opened->path == NULL ? take_stdout(opened, err) : opened->fd >= 0 ? ready(opened, err) : -1;
	let_go(opened);
	if (result != 0) {
		free_journal(opened);
		return -1;
	}
	ush_random(world, random, sizeof random);
	json_object_set_new(opened->common, "run",
			    json_sprintf("%02x%02x%02x%02x", random[0], random[1], random[2], random[3]));
	*journal = opened;
	return 0;
}

void ush_journal_common(struct ush_journal *journal, json_t *members)
{
	const char *name;
	json_t *value;

	json_object_foreach(members, name, value)
	{
		if (journal != NULL && json_is_null(value))
			json_object_del(journal->common, name);
		else if (journal != NULL)
			json_object_set(journal->common, name, value);
	}
	json_decref(members);
}

/* A beginning is on disk before what it begins; everything else a second behind at most. */
static bool sync_is_due(const struct ush_journal *journal, const char *event)
{
	return strcmp(event, "run.begin") == 0 || ush_boot_ms(journal->world) - journal->synced_ms >= BEHIND_MS;
}

int ush_journal_add(struct ush_journal *journal, const char *event, json_t *members, struct ush_error *err)
{
	USH_AUTO_JSON owned = members;
	struct ush_error why = {0};
	int result;

	if (journal == NULL)
		return 0;
	result = ready(journal, &why) == 0 && append(journal, event, owned, &why) == 0 ? 0 : -1;
	let_go(journal);
	if (result == 0) {
		journal->written++;
		result = sync_is_due(journal, event) ? sync_now(journal, &why) : 0;
	} else {
		journal->lost++;
		journal->unsaid++;
	}
	if (result == 0)
		return 0;
	if (journal->first.code == USH_OK)
		journal->first = why;
	ush_fail(err, why.code, "%s", why.what);
	return why.hint[0] != '\0' ? ush_hint(err, "%s", why.hint) : -1;
}

const char *ush_journal_head(const struct ush_journal *journal)
{
	return journal != NULL && journal->written > 0 ? journal->tail.head : NULL;
}

/* The lock is held, so what is noted beside it is where the log ends. */
static void end(struct ush_journal *journal)
{
	struct ush_error why = {0};
	int result = journal->path != NULL ? ready(journal, &why) : 0;

	if (result == 0)
		result = sync_now(journal, &why);
	if (result == 0 && journal->path != NULL)
		ush_tail_note(journal->path, journal->tail.sequence, journal->tail.head);
	let_go(journal);
	if (journal->first.code == USH_OK)
		journal->first = why;
}

static int not_all_told(const struct ush_journal *journal, struct ush_error *err)
{
	if (journal->first.code == USH_OK)
		return 0;
	if (journal->lost == 0)
		ush_fail(err, journal->first.code,
			 "%s; what it says of this run may not be on disk. What the run did stands",
			 journal->first.what);
	else
		ush_fail(err, journal->first.code, "%s; %zu line%s of this run %s not in it. What the run did stands",
			 journal->first.what, journal->lost, journal->lost == 1 ? "" : "s",
			 journal->lost == 1 ? "is" : "are");
	return journal->first.hint[0] != '\0' ? ush_hint(err, "%s", journal->first.hint) : -1;
}

int ush_journal_close(struct ush_journal **journal, struct ush_error *err)
{
	struct ush_journal *closing = ush_steal(journal);
	int result;

	if (closing == NULL)
		return 0;
	end(closing);
	result = not_all_told(closing, err);
	free_journal(closing);
	return result;
}
