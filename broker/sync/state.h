/* SPDX-License-Identifier: Apache-2.0
 *
 * What one run must tell the next: tombstones. A group that a grant names and a complete source no longer has is not
 * taken away at once: the first complete run notes it here, a later one removes it. Pure; state_store.h keeps it.
 */
#ifndef USH_SYNC_STATE_H
#define USH_SYNC_STATE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

struct ush_tombstone {
	char *source, *group; /* as the policy writes them */
	int64_t since;        /* Unix seconds of the first complete run without it */
	long runs;            /* complete runs without it so far */
};

struct ush_state { /* sorted by source, group */
	struct ush_tombstone *items;
	size_t count;
};

/* Adds or replaces. */
void ush_state_set(struct ush_state *state, const char *source, const char *group, int64_t since, long runs);
const struct ush_tombstone *ush_state_find(const struct ush_state *state, const char *source, const char *group);
void ush_state_free(struct ush_state *state);
#define USH_AUTO_STATE __attribute__((cleanup(ush_state_free))) struct ush_state

/* Byte-stable JSON text; the caller frees. */
char *ush_state_text(const struct ush_state *state);

/* USH_ERR_STORE when it is not what ush_state_text writes; where names it in the message. */
int ush_state_read(struct ush_state *state, const char *text, const char *where, struct ush_error *err);

/* The name of a policy's ConfigMap: usher-broker-state, with "-POLICY" unless the policy is "default". It is the parent
 * of the ApplySet too. The caller frees. */
char *ush_state_name(const char *policy);

#endif
