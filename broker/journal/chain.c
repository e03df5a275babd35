/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/journal/chain.h"

#include <stdio.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static int fault(const struct ush_chain *chain, size_t line, struct ush_error *err, const char *why)
{
	return ush_fail(err, USH_ERR_REJECTED, "%s: line %zu %s", chain->name, line, why);
}

/* ---- what may be torn ---- */

/* Kept for the record that tells of it. What a killed run cannot have left is a fault at once. */
static int add_piece(struct ush_chain *chain, const char *line, size_t length, const char *why, struct ush_error *err)
{
	bool first = chain->pieces_at == 0;

	if (!ush_link_is_piece(line, length))
		return fault(chain, first ? chain->lines : chain->pieces_at, err, first ? why : chain->why);
	if (first) {
		chain->pieces_at = chain->lines;
		snprintf(chain->why, sizeof chain->why, "%s", why);
		chain->pieces.limit = USH_LINK_MAX;
		ush_buf_puts(&chain->pieces, "");
	}
	if (!first && ush_buf_add(&chain->pieces, "\n", 1) != 0)
		return fault(chain, chain->pieces_at, err, chain->why);
	return ush_buf_add(&chain->pieces, line, length) == 0 ? 0 : fault(chain, chain->pieces_at, err, chain->why);
}

/* The record behind it: does it tell just these bytes? */
static bool tells(const struct ush_chain *chain, const struct ush_link *link)
{
	const char *digest = ush_json_string(link->members, "sha256");
	json_int_t bytes = json_integer_value(json_object_get(link->members, "bytes"));
	char hex[65];

	ush_sha256_hex(chain->pieces.data, chain->pieces.length, hex);
	return strcmp(link->event, USH_LINK_TORN) == 0 && digest != NULL && strcmp(digest, hex) == 0 &&
	       bytes == (json_int_t)chain->pieces.length;
}

static int take_tear(struct ush_chain *chain, const struct ush_link *link, struct ush_error *err)
{
	bool torn = strcmp(link->event, USH_LINK_TORN) == 0;

	if (chain->pieces_at == 0)
		return !torn ? 0
			     : fault(chain, chain->lines, err,
				     "tells of a torn line before it, which is not there: it was taken out");
	if (!tells(chain, link))
		return fault(chain, chain->pieces_at, err, chain->why);
	chain->tears++;
	chain->pieces_at = 0;
	ush_buf_free(&chain->pieces);
	return 0;
}

/* ---- the chain ---- */

static int check_first(struct ush_chain *chain, const struct ush_link *link, struct ush_error *err)
{
	bool torn = strcmp(link->event, USH_LINK_TORN) == 0;
	bool zeros = strcmp(link->previous, USH_LINK_ZEROS) == 0;

	if (strcmp(link->event, USH_LINK_BEGUN) == 0 || (torn && zeros))
		return link->sequence == 1 && zeros
			       ? 0
			       : fault(chain, chain->lines, err,
				       "says that the log begins with it, and names a line before it");
	if (strcmp(link->event, USH_LINK_CONTINUED) != 0 && !torn) {
		USH_AUTO_FREE char *word = ush_text_word(chain->name);

		ush_fail(err, USH_ERR_REJECTED, "%s: line %zu is number %lld of its log: what was before it is missing",
			 chain->name, chain->lines, (long long)link->sequence);
		return ush_hint(err, "Where it is the later part of two: usher-broker verify-log EARLIER %s",
				word);
	}
	chain->continued = true;
	snprintf(chain->after, sizeof chain->after, "%s", link->previous);
	return 0;
}

static int check_next(const struct ush_chain *chain, const struct ush_link *link, struct ush_error *err)
{
	int64_t missing = link->sequence - chain->sequence - 1;

	if (missing == 0 && strcmp(link->previous, chain->head) == 0)
		return 0;
	if (missing > 0)
		return ush_fail(err, USH_ERR_REJECTED,
				"%s: line %zu is number %lld after number %lld: %lld line%s before it %s missing",
				chain->name, chain->lines, (long long)link->sequence, (long long)chain->sequence,
				(long long)missing, missing == 1 ? "" : "s", missing == 1 ? "is" : "are");
	if (missing < 0)
		return ush_fail(err, USH_ERR_REJECTED,
				"%s: line %zu is number %lld after number %lld: it was put there, or moved",
				chain->name, chain->lines, (long long)link->sequence, (long long)chain->sequence);
	return fault(chain, chain->lines, err,
		     "names another line before it than the one that is there: that one was replaced, or this one is "
		     "of another log");
}

/* A run that has begun is over when its end is told. */
static void note_run(struct ush_chain *chain, const struct ush_link *link)
{
	const char *run = ush_json_string(link->members, "run");

	if (run == NULL)
		return;
	if (chain->open == NULL)
		chain->open = json_object();
	if (strcmp(link->event, "run.begin") == 0)
		json_object_set_new(chain->open, run, json_true());
	else if (strcmp(link->event, "run.end") == 0)
		json_object_del(chain->open, run);
}

static int take_record(struct ush_chain *chain, const struct ush_link *link, struct ush_error *err)
{
	if (take_tear(chain, link, err) != 0)
		return -1;
	if ((chain->sequence == 0 ? check_first(chain, link, err) : check_next(chain, link, err)) != 0)
		return -1;
	chain->records++;
	chain->sequence = link->sequence;
	memcpy(chain->head, link->hash, sizeof chain->head);
	if (chain->wanted != NULL && strcmp(chain->wanted, link->hash) == 0) {
		chain->found_at = chain->lines;
		snprintf(chain->found_in, sizeof chain->found_in, "%s", chain->name);
	}
	note_run(chain, link);
	return 0;
}

int ush_chain_line(struct ush_chain *chain, const char *line, size_t length, struct ush_error *err)
{
	USH_AUTO_LINK link = {0};
	const char *wrong = ush_link_read(line, length, &link);

	chain->lines++;
	if (wrong == NULL)
		return take_record(chain, &link, err);
	return add_piece(chain, line, length, wrong, err);
}

int ush_chain_end(struct ush_chain *chain, const char *next, struct ush_error *err)
{
	size_t at = chain->pieces_at;

	if (at != 0) {
		ush_fail(
			err, USH_ERR_REJECTED,
			"%s: line %zu is cut off in the middle: a run was killed while it wrote it, or somebody cut it",
			chain->name, at);
		return ush_hint(err, "A run that is to write on says so in its first line, and it is no fault then");
	}
	if (chain->lines == 0)
		return ush_fail(err, USH_ERR_REJECTED, "%s: is empty: not even its first line is there", chain->name);
	chain->name = next;
	chain->lines = 0;
	return 0;
}

size_t ush_chain_open(const struct ush_chain *chain)
{
	return json_object_size(chain->open);
}

void ush_chain_free(struct ush_chain *chain)
{
	ush_buf_free(&chain->pieces);
	json_decref(chain->open);
	*chain = (struct ush_chain){0};
}
