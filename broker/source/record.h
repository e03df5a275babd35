/* SPDX-License-Identifier: Apache-2.0
 *
 * What sources are told, kept in a folder and told again without a network and without credentials: so a policy is tested
 * where no provider is, and what a provider did wrong can be looked at later.
 *
 * A recording is one file, DIR/exchanges.jsonl, mode 0600: a line an exchange with the source's name, what was asked and
 * what came, failures included. No secret of ours is in it: no Authorization, no token, cookie or client secret; but
 * names of groups and people are.
 */
#ifndef USH_SOURCE_RECORD_H
#define USH_SOURCE_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/world.h"
#include "common/net/http.h"

#define USH_RECORD_FILE "exchanges.jsonl"
#define USH_RECORD_MAX	(1U << 30) /* bytes of a recording that is read */

struct ush_recorder;

/* Begins a recording in a folder, which is made when it is not there; one that holds a recording is refused. The file is there
 * when it is closed, and whole; what a run that was killed left behind is begun anew. USH_ERR_STORE. */
struct ush_recorder *ush_recorder_record(const char *folder, struct ush_error *err);

/* Reads one. USH_ERR_CONFIG. */
struct ush_recorder *ush_recorder_replay(const char *folder, struct ush_error *err);

/* Frees it; -1 with USH_ERR_STORE when the recording could not be written whole. NULL is fine. */
int ush_recorder_close(struct ush_recorder *recorder, struct ush_error *err);

/* A world like inner, whose HTTP exchanges are recorded, or are those of a recording; whose recorder is set. Time passes as
 * in inner, but while a recording is replayed nobody waits. */
struct ush_world ush_recorder_world(struct ush_recorder *recorder, const struct ush_world *inner);

/* For source.c: whose exchanges follow. */
void ush_recorder_begin(struct ush_recorder *recorder, const char *source);

/* ---- for the sources ---- */

/* True when what is asked comes from a recording: there are no credentials then. And when it is recorded or replayed: then
 * nothing is left out because it was read before (ETags, deltas). */
bool ush_replaying(const struct ush_world *world);
bool ush_recorded(const struct ush_world *world);

/*
 * For a source that is not asked by HTTP: keeps an answer (UTF-8 text) to a request (one line without secrets) when there is a
 * recording, and does nothing when there is none.
 */
void ush_record_put(const struct ush_world *world, const char *request, const char *answer, size_t length);

/* The answer to a request while replaying; the same request again gives the next answer. USH_ERR_INCOMPLETE when it is not in
 * the recording (any more). */
int ush_record_get(const struct ush_world *world, const char *request, struct ush_buf *answer, struct ush_error *err);

/*
 * A sign-in that failed stands in the recording in place of the answer to the request that wanted it, without secret. While
 * replaying, tell is -1 with the same error when that is what comes next for this request. more: is there an answer to it still?
 */
void ush_record_refusal(const struct ush_world *world, const struct ush_http_request *request, const struct ush_error *why);
int ush_record_tell_refusal(const struct ush_world *world, const struct ush_http_request *request, struct ush_error *err);
bool ush_record_more(const struct ush_world *world, const struct ush_http_request *request);

/* ---- record_scrub.c: what must not be written ---- */

/* A URL or a form in which the values of parameters that are secrets are "..."; the caller frees. */
char *ush_scrub_query(const char *text);

/* A body: in JSON every string member that is a token or a secret is "..."; in other text whatever looks like one. The caller
 * frees. */
char *ush_scrub_body(const char *text, size_t length);

/* True for headers that are written. */
bool ush_scrub_keeps_header(const char *name);

/* In every string of it secrets of ours (common/base/scrub.h) become dots, and those of members that are secrets by name "...". */
void ush_scrub_json(json_t *value);

/*
 * What a request is sent with and no ush_secret holds in this form: the password of basic, Authorization and Private-Token
 * lines, the secrets of a form. While it lives it is taken out of every text, as every ush_secret is. Begins as {0}.
 */
struct ush_confided {
	struct ush_secret *items[8];
	size_t count;
};
void ush_confide(struct ush_confided *confided, const struct ush_http_request *request);
void ush_confide_form(struct ush_confided *confided, const char *form, size_t length);
void ush_confided_free(struct ush_confided *confided);
#define USH_AUTO_CONFIDED __attribute__((cleanup(ush_confided_free))) struct ush_confided

#endif
