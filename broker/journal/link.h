/* SPDX-License-Identifier: Apache-2.0
 *
 * One line of the audit log. Its last member, hash, is the SHA-256 of every byte of the line before `,"hash":"`;
 * previous is the hash of the line before it. So a line tells whether it was edited, and the next one whether it was
 * replaced. Pure.
 */
#ifndef USH_JOURNAL_LINK_H
#define USH_JOURNAL_LINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USH_LINK_MAX (16U << 20) /* bytes of a line: two versions of the largest object that an API server keeps */
#define USH_LINK_ZEROS                                                                                                 \
	"0000000000000000000000000000000000000000000000000000000000000000" /* previous of the very first */

/* What the log says of itself. */
#define USH_LINK_BEGUN     "log.begin"     /* the first line there is */
#define USH_LINK_CONTINUED "log.continued" /* the first line of a file that goes on where another ended */
#define USH_LINK_TORN      "log.torn" /* the bytes between it and the record before it are what a killed run left */
#define USH_LINK_LOST      "log.lost" /* so many lines could not be written before it */

struct ush_link {
	char event[64];
	int64_t sequence;
	char previous[65], hash[65];
	json_t *members; /* the whole line, owned */
};

/* A line without its newline, owned by the caller; hash (65 bytes) becomes its own. Members of the names that every
 * line has are left out, common gives way to members. Plain ASCII. */
char *ush_link_line(const char *event, int64_t sequence, const char *previous, int64_t time, const json_t *common,
		    const json_t *members, char *hash);

/* NULL when it is a line of a log and its hash fits; else what is wrong, for people: "is no JSON". */
const char *ush_link_read(const char *line, size_t length, struct ush_link *link);
void ush_link_free(struct ush_link *link);
#define USH_AUTO_LINK __attribute__((cleanup(ush_link_free))) struct ush_link

/* True when it can be the beginning of a line that a killed run left: it begins as one and does not end as one. */
bool ush_link_is_piece(const char *line, size_t length);

/* True for 64 lower-case hex digits and nothing else. */
bool ush_link_is_hash(const char *text);

#endif
