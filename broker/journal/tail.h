/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an audit log ends: its last record, and what a killed run left behind it. Reads as little as it can.
 */
#ifndef USH_JOURNAL_TAIL_H
#define USH_JOURNAL_TAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/journal/link.h"
#include "common/base/error.h"
#include "common/base/file.h"

struct ush_tail {
	int64_t size;     /* of the file */
	int64_t sequence; /* of the last record; 0: there is none */
	char head[65];    /* its hash; USH_LINK_ZEROS when there is none */
	bool open;        /* no newline ends the file */
	size_t torn;      /* bytes behind the last record that are none; 0: nothing was torn */
	char torn_digest[65];
};

/* USH_ERR_STORE when it cannot be read, or when its end is no end of a log: it is not written on. name is for messages.
 */
int ush_tail_read(struct ush_tail *tail, int fd, const char *name, struct ush_error *err);

/* What FILE.head says beside it: how long the log was when a run last left it, and its hash then. SPOILT: it is there, and
 * says nothing that can be believed; err is why. */
enum ush_noted { USH_NOTED_NOTHING, USH_NOTED, USH_NOTED_SPOILT };
enum ush_noted ush_tail_noted(const char *path, enum ush_file_trust trust, int64_t *sequence, char *head, struct ush_error *err);

/* Notes it. It is a second witness: where it cannot be written, the log is as good as it was. */
void ush_tail_note(const char *path, int64_t sequence, const char *head);

#endif
