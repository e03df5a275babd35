/* SPDX-License-Identifier: Apache-2.0
 *
 * What one run must tell the next. Tombstones: a group that a binding holds and a complete source no longer has is not
 * taken away at once; the first complete run notes it here, a later one removes it, and then the stone stays, so that
 * another group of that name is not taken for the old one. Heirs: the group to which a person gave such a name. Grants that
 * ended: a clock set back revives none. Pure; store.h keeps it.
 */
#ifndef USH_SYNC_STATE_H
#define USH_SYNC_STATE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/kube/rbac.h"

#define USH_STATE_STONES_MAX 5000 /* groups that vanished at once, or were removed and are remembered: what a ConfigMap holds */

struct ush_tombstone {
	char *source, *id; /* the group's, as bindings carry them; "": nobody could read any more which group it was */
	char *group;	   /* as people call it */
	char *text;	   /* as the API server does */
	int64_t since;	   /* Unix seconds of the first complete run without it */
	long runs;	   /* complete runs without it so far */
	bool removed;	   /* nothing holds it any more */
	char *space;	   /* the one namespace whose bindings brought it up; NULL: several did, or nobody knows */
};

struct ush_heir { /* a group that waits for a person's word to have a name that was another's, or that was given it */
	char *source, *id, *text;
	bool confirmed;
};

struct ush_state {
	struct ush_tombstone *items; /* sorted by source, id, text: a group that is renamed half-way has two names */
	size_t count;
	struct ush_heir *heirs; /* sorted likewise */
	size_t heir_count;
	struct ush_list ended; /* keys of grants (ush_grant_key), sorted */
	long shards;	       /* how many ApplySets it took; 0: one */
	char *namespaces;      /* of the ApplySet whose parent keeps the state: an annotation there, no part of the text */
	char *ledger;	       /* uid of the ledger that there was (ledger_note.h): likewise, and a member of a folder's file; NULL: none was noted */
};

/* Adds or replaces; texts are copied. */
void ush_state_set(struct ush_state *state, const struct ush_tombstone *stone);
const struct ush_tombstone *ush_state_find(const struct ush_state *state, const char *source, const char *id, const char *text);

/* A stone whose group was called so at the API server and is not this one, or may not be: one without an id counts from
 * when its name was removed. */
const struct ush_tombstone *ush_state_namesake(const struct ush_state *state, const char *source, const char *text, const char *id);

void ush_state_set_heir(struct ush_state *state, const char *source, const char *id, const char *text, bool confirmed);

/* A person said that this group may have the name, whoever had it before. */
bool ush_state_inherits(const struct ush_state *state, const char *source, const char *id, const char *text);
bool ush_state_asks(const struct ush_state *state, const char *source, const char *id, const char *text); /* it waits for the word */

/* A person confirmed the plan that this is the state of. False when nobody waited. */
bool ush_state_confirm(struct ush_state *state);

/* Brings it down to so many stones of 200 bytes, and says whether that could be: first of the namespaces that brought up
 * the most, so that no namespace pushes another one's out, and of those the names that were remembered longest. A stone
 * that still waits goes only where a namespace brought up more than its share (a fifth), and then its group's waiting
 * begins anew. shorten.c */
bool ush_state_shorten(struct ush_state *state, size_t most);
bool ush_state_has_ended(const struct ush_state *state, const char *key);
void ush_tombstone_free(struct ush_tombstone *stone);
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
