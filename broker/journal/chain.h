/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether lines are one unbroken log, told line by line. What a killed run left half (pieces) is no fault once the
 * record behind it tells just these bytes; until then it is. Pure.
 */
#ifndef USH_JOURNAL_CHAIN_H
#define USH_JOURNAL_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/journal/link.h"
#include "common/base/error.h"
#include "common/base/text.h"

struct ush_chain {             /* zero-initialised */
	const char *name;      /* of the file, for messages */
	const char *wanted;    /* a hash that a line must have, or NULL */
	size_t lines;          /* looked at, in this file */
	size_t records, tears; /* that fit; how often something was torn and told */
	size_t found_at;       /* the record that has the wanted hash; 0: none so far */
	char found_in[128];    /* and the file */
	int64_t sequence;      /* of the last record; 0: none yet */
	char head[65];         /* its hash */
	bool witnessed;        /* what is noted beside the last file fits (verify.c) */
	bool continued;        /* the first record goes on from a log that was not looked at: */
	char after[65];        /* from the record with this hash */
	/* its own */
	struct ush_buf pieces; /* bytes of what may be torn, with the newlines between them */
	size_t pieces_at;      /* the line of the first of them; 0: there are none */
	char why[128];         /* it is a fault unless it is told */
	json_t *open;          /* the runs that began and did not end yet */
};

/* The next line, without its newline. USH_ERR_REJECTED names it and says how it does not fit. */
int ush_chain_line(struct ush_chain *chain, const char *line, size_t length, struct ush_error *err);

/* The end of a file; name is the next one's (NULL: there is none), which goes on where this one ended. */
int ush_chain_end(struct ush_chain *chain, const char *next, struct ush_error *err);

/* How many runs began and did not end: killed, or still at it. */
size_t ush_chain_open(const struct ush_chain *chain);
void ush_chain_free(struct ush_chain *chain);

#define USH_AUTO_CHAIN __attribute__((cleanup(ush_chain_free))) struct ush_chain

#endif
