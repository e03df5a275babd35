/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/journal/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/journal/journal.h"
#include "broker/journal/tail.h"
#include "common/base/memory.h"

#define PIECE (256 << 10)

struct reading {
	struct ush_chain *chain;
	struct ush_buf line; /* the beginning of one whose end was not read yet */
	int64_t noted;       /* FILE.head's number, 0: it says nothing */
	char noted_head[65];
	bool seen; /* a record of that hash */
};

static int take_line(struct reading *reading, const char *line, size_t length, struct ush_error *err)
{
	if (ush_chain_line(reading->chain, line, length, err) != 0)
		return -1;
	reading->seen |=
		reading->noted == reading->chain->sequence && strcmp(reading->chain->head, reading->noted_head) == 0;
	return 0;
}

static int too_long(const struct reading *reading, struct ush_error *err)
{
	return ush_fail(err, USH_ERR_REJECTED, "%s: line %zu is longer than a line of this log ever is",
			reading->chain->name, reading->chain->lines + 1);
}

/* Lines are cut out of what was read; only one that goes over its end is copied. */
static int take(struct reading *reading, const char *data, size_t length, struct ush_error *err)
{
	const char *newline;

	for (; (newline = memchr(data, '\n', length)) != NULL;
	     length -= (size_t)(newline + 1 - data), data = newline + 1) {
		size_t n = (size_t)(newline - data);
		bool begun = reading->line.length > 0;

		if (begun && ush_buf_add(&reading->line, data, n) != 0)
			return too_long(reading, err);
		if (take_line(reading, begun ? reading->line.data : data, begun ? reading->line.length : n, err) != 0)
			return -1;
		ush_buf_free(&reading->line);
		reading->line.limit = USH_LINK_MAX;
	}
	return ush_buf_add(&reading->line, data, length) == 0 ? 0 : too_long(reading, err);
}

static int read_all(struct reading *reading, int fd, struct ush_error *err)
{
	USH_AUTO_FREE char *piece = ush_alloc(PIECE);
	ssize_t n;

	do {
		n = read(fd, piece, PIECE);
		if (n > 0 && take(reading, piece, (size_t)n, err) != 0)
			return -1;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		return ush_fail(err, USH_ERR_CONFIG, "%s: %s", reading->chain->name, strerror(errno));
	return reading->line.length > 0 ? take_line(reading, reading->line.data, reading->line.length, err) : 0;
}

/* Who verifies is often not who wrote, so whoever the witness belongs to it is heard; one that cannot be is no all-clear. */
static int hear_witness(struct reading *reading, const char *path, struct ush_error *err)
{
	switch (ush_tail_noted(path, USH_FILE_ANY, &reading->noted, reading->noted_head, err)) {
	case USH_NOTED:
		reading->chain->witnessed = true;
		return 0;
	case USH_NOTED_SPOILT:
		return ush_hint(err, "It would show an end that was cut off. Without it: move it away, and give the last hash that is known by --head");
	default:
		ush_error_clear(err);
		reading->noted = 0;
		return 0;
	}
}

/* What was noted beside it may be older than its end (a run was killed), never newer. */
static int check_noted(const struct reading *reading, const char *path, struct ush_error *err)
{
	if (reading->noted == 0 || reading->seen)
		return 0;
	ush_fail(err, USH_ERR_REJECTED,
		 "%s: line %zu, number %lld, is its last, and number %lld with the hash that %s.head names is not in "
		 "it: it was cut off or written anew",
		 path, reading->chain->lines, (long long)reading->chain->sequence, (long long)reading->noted, path);
	return ush_hint(err, "Where a run is writing right now: verify again");
}

static int verify_one(struct ush_chain *chain, const char *path, const char *next, struct ush_error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct reading reading = {.chain = chain, .line = USH_BUF_MAX(USH_LINK_MAX)};
	int result;

	chain->name = path;
	if (fd < 0)
		return ush_fail(err, USH_ERR_CONFIG, "%s: %s", path, strerror(errno));
	result = is_stdin || next != NULL ? 0 : hear_witness(&reading, path, err);
	if (result == 0)
		result = read_all(&reading, fd, err);
	if (result == 0)
		result = check_noted(&reading, path, err);
	if (result == 0)
		result = ush_chain_end(chain, next, err);
	ush_buf_free(&reading.line);
	if (!is_stdin)
		close(fd);
	return result;
}

int ush_journal_verify_all(struct ush_chain *chain, char *const *paths, size_t count, struct ush_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (verify_one(chain, paths[i], i + 1 < count ? paths[i + 1] : NULL, err) != 0)
			return -1;
	if (chain->wanted == NULL || chain->found_at > 0)
		return 0;
	return ush_fail(err, USH_ERR_REJECTED,
			"%s: no line has the hash %.12s...: the log was cut off before it, or written anew",
			paths[count - 1], chain->wanted);
}

int ush_journal_verify(const char *path, const char *expected_head, size_t *lines, char *head, struct ush_error *err)
{
	USH_AUTO_CHAIN chain = {.wanted = expected_head};
	USH_AUTO_FREE char *copy = ush_strdup(path);
	char *const paths[] = {copy, NULL};
	int result = ush_journal_verify_all(&chain, paths, 1, err);

	if (lines != NULL)
		*lines = chain.records;
	if (head != NULL)
		memcpy(head, chain.head, sizeof chain.head);
	return result;
}
