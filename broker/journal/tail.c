/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/journal/tail.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/policy/naming.h"
#include "common/base/file.h"
#include "common/base/memory.h"

#define FIRST_LOOK (64 << 10)
#define NUMBER_MAX (INT64_C(1) << 53) /* of a line: what JSON holds exactly */
#define LOOK_MOST  (3 * (int64_t)USH_LINK_MAX)

struct look { /* at the end of the file */
	const char *data;
	size_t length;
	bool whole; /* it is the whole file */
};

static int read_at(int fd, char *out, size_t length, int64_t at)
{
	while (length > 0) {
		ssize_t n = pread(fd, out, length, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		out += n;
		at += n;
		length -= (size_t)n;
	}
	return 0;
}

/* Where the line begins that ends before `end` (the place of its newline, or of the end of the file). */
static size_t line_start(const struct look *look, size_t end)
{
	const char *newline = end > 0 ? memrchr(look->data, '\n', end) : NULL;

	return newline != NULL ? (size_t)(newline - look->data) + 1 : 0;
}

/* The record before the last one is the one that it names, when both are seen whole and nothing is between them. */
static bool follows(const struct look *look, size_t start, const struct ush_link *last)
{
	USH_AUTO_LINK before = {0};
	size_t begins = start > 0 ? line_start(look, start - 1) : 0;

	if (start == 0 || (begins == 0 && !look->whole) || strcmp(last->event, USH_LINK_TORN) == 0)
		return true;
	return ush_link_read(look->data + begins, start - 1 - begins, &before) == NULL &&
	       before.sequence + 1 == last->sequence && strcmp(before.hash, last->previous) == 0;
}

static int broken(const char *name, const char *why, struct ush_error *err)
{
	USH_AUTO_FREE char *word = ush_text_word(name);

	ush_fail(err, USH_ERR_STORE, "%s: %s; a log that is broken is not written on", name, why);
	return ush_hint(err, "Keep it under another name, and the next run begins a new one. Look: usher-broker verify-log %s", word);
}

/* 1: the answer is in tail. 0: more of the file must be seen. -1: it is broken. */
static int find_record(struct ush_tail *tail, const struct look *look, const char *name, struct ush_error *err)
{
	size_t closed = look->length > 0 && look->data[look->length - 1] == '\n' ? look->length - 1 : look->length,
	       end = closed;

	for (;;) {
		USH_AUTO_LINK link = {0};
		size_t start = line_start(look, end), behind = end < closed ? end + 1 : end;
		bool seen = start > 0 || look->whole;

		if (seen && ush_link_read(look->data + start, end - start, &link) == NULL) {
			tail->sequence = link.sequence;
			memcpy(tail->head, link.hash, sizeof tail->head);
			tail->torn = closed - behind;
			ush_sha256_hex(look->data + behind, tail->torn, tail->torn_digest);
			return follows(look, start, &link)
				       ? 1
				       : broken(name, "its last line does not follow the one before it", err);
		}
		if (!seen)
			return 0;
		if (!ush_link_is_piece(look->data + start, end - start))
			return broken(name, "its last line is none of an audit log, or was edited", err);
		if (start == 0) { /* a piece, and nothing before it */
			tail->torn = closed;
			ush_sha256_hex(look->data, closed, tail->torn_digest);
			return 1;
		}
		end = start - 1;
	}
}

int ush_tail_read(struct ush_tail *tail, int fd, const char *name, struct ush_error *err)
{
	struct stat st;
	int found = 0;

	*tail = (struct ush_tail){.head = USH_LINK_ZEROS};
	if (fstat(fd, &st) != 0)
		return ush_fail(err, USH_ERR_STORE, "%s: %s", name, strerror(errno));
	tail->size = st.st_size;
	for (int64_t look = FIRST_LOOK; found == 0 && st.st_size > 0; look *= 4) {
		size_t length = (size_t)(look < st.st_size ? look : st.st_size);
		USH_AUTO_FREE char *data = ush_alloc(length);
		struct look at = {data, length, (int64_t)length == st.st_size};

		if (read_at(fd, data, length, st.st_size - (int64_t)length) != 0)
			return ush_fail(err, USH_ERR_STORE, "%s: %s", name,
					errno != 0 ? strerror(errno) : "became shorter while it was read");
		tail->open = data[length - 1] != '\n';
		found = find_record(tail, &at, name, err);
		if (found == 0 && look > LOOK_MOST)
			return broken(name, "its last line is longer than a line of an audit log ever is", err);
	}
	return found < 0 ? -1 : 0;
}

/* ---- the second witness ---- */

enum ush_noted ush_tail_noted(const char *path, enum ush_file_trust trust, int64_t *sequence, char *head, struct ush_error *err)
{
	USH_AUTO_FREE char *beside = ush_printf("%s.head", path);
	USH_AUTO_BUF text = USH_BUF_MAX(256);
	long long number = 0;
	bool missing;

	if (ush_file_read(beside, trust, USH_ERR_CONFIG, &text, &missing, err) != 0)
		return missing ? USH_NOTED_NOTHING : USH_NOTED_SPOILT;
	if (sscanf(text.data, "%lld %64[0-9a-f]", &number, head) != 2 || number < 1 || number > NUMBER_MAX || !ush_link_is_hash(head)) {
		ush_fail(err, USH_ERR_REJECTED, "%s: is not what a run writes there", beside);
		return USH_NOTED_SPOILT;
	}
	*sequence = number;
	return USH_NOTED;
}

void ush_tail_note(const char *path, int64_t sequence, const char *head)
{
	USH_AUTO_FREE char *beside = ush_printf("%s.head", path),
			   *text = ush_printf("%lld %s\n", (long long)sequence, head);
	struct ush_error ignored = {0};

	(void)ush_file_write(beside, text, strlen(text), 0600, &ignored);
}
