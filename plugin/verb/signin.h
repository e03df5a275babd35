/* SPDX-License-Identifier: Apache-2.0
 *
 * One run of the way to a token, shared by its parts: signin.c (the order of things), keep.c (cache and store), renew.c
 * (refresh), ask.c (a person), doubt.c (a token that the API server seems to refuse), renew_aside.c (its refresh).
 */
#ifndef USH_VERB_SIGNIN_H
#define USH_VERB_SIGNIN_H

#include "plugin/flow/flow.h"
#include "plugin/flight/flight.h"
#include "plugin/verb/verb.h"

struct ush_run {
	const struct ush_world *world;
	const struct ush_profile *profile;
	const struct ush_signin_options *options;
	const struct ush_store_ops *store;
	const struct ush_cache_ops *cache;
	char *binding;
	struct ush_flight *flight; /* NULL when no lock could be had */
	int breaker_before;        /* unanswered sign-ins when we began to wait for the lock */
	bool store_failed;         /* it was told once, and is not asked again in this run */
	uint32_t refused;          /* ush_asked_mark of a token that is not to be repeated, 0: none */
	struct ush_answer doubted; /* that token */
	bool asked_again;          /* it is refused to this very asker */
	int64_t doubt_until_ms;    /* boot clock: how long that token waits for another, 0: none is in doubt */
	uint32_t tried;            /* of the newest refresh for such a reason, as it was when this run began to wait */
	struct ush_provider_settings settings;
	char *cache_folder;
	struct ush_provider *provider;
};

void ush_run_begin(struct ush_run *run, const struct ush_world *world, const struct ush_profile *profile,
		   const struct ush_signin_options *options);
void ush_run_end(struct ush_run *run);
#define USH_AUTO_RUN __attribute__((cleanup(ush_run_end))) struct ush_run

/* Discovery, once a run. Fills flow with what this run knows. */
int ush_run_flow(struct ush_run *run, struct ush_flow *flow, struct ush_error *err);

/* keep.c */
bool ush_keep_recall(const struct ush_run *run,
		     struct ush_answer *answer); /* from the session cache, when it is good */
void ush_keep_cache(const struct ush_run *run, const struct ush_session *session);
struct ush_session *ush_keep_load(struct ush_run *run); /* NULL: none, or the store failed and that was said */
void ush_keep_save(struct ush_run *run, const struct ush_session *session);
/* What a grant makes of a session; old NULL: of none. */
struct ush_session *ush_keep_session(const struct ush_run *run, const struct ush_grant *grant,
				     const struct ush_session *old);
/* The ID token of a session is good for as long as the profile wants. */
bool ush_keep_good(const struct ush_run *run, const struct ush_session *session);

/* renew.c: a session with a new ID token, already in the store; NULL on failure. *ended: the old one is over, and gone
 * from the store. */
struct ush_session *ush_renew(struct ush_run *run, const struct ush_session *session, bool *ended,
			      struct ush_error *err);

/* renew_aside.c: the same for a token that is only thought to be refused: no longer than run->doubt_until_ms. A refresh that
 * takes longer goes on without us and has the lock then; USH_ERR_UNAVAILABLE, and *ended is false. Of the session that is
 * given only the ID token is filled in; the whole one is in the store. */
struct ush_session *ush_renew_aside(struct ush_run *run, const struct ush_session *session, bool *ended, struct ush_error *err);

/* doubt.c */
#define USH_DOUBT_MS 5000 /* what a token that may well be good waits for another, all in all */
/* Looks whether the cached token was refused; then it is no token any more, until a refresh was tried. */
void ush_doubt_begin(struct ush_run *run);
/* A refresh for it was tried while we waited for our turn: there is nothing more to wait for. */
bool ush_doubt_over(const struct ush_run *run);
/* The refresh brought this one, late perhaps. */
void ush_doubt_came(const struct ush_run *run, const struct ush_secret *token);
/* Before the refresh: whoever stops it by Ctrl-C, because the provider is slow, is not held up by it again. */
void ush_doubt_try(const struct ush_run *run);
bool ush_doubt_is(const struct ush_run *run, const struct ush_secret *token); /* is it that one? */
/* Tells what came instead; by_us: we fetched it, no sibling did. */
void ush_doubt_end(const struct ush_run *run, const struct ush_answer *answer, bool by_us);
/* Nothing came instead: 0 with that token, after all, and the reason told. -1 when no token was refused, or when a person
 * declined. */
int ush_doubt_settle(struct ush_run *run, struct ush_answer *answer, struct ush_error *err);
/* The asker has the token. */
void ush_doubt_given(const struct ush_world *world, const struct ush_profile *profile,
		     const struct ush_signin_options *options, const struct ush_answer *answer);
void ush_doubt_forget(const struct ush_run *run);

/* ask.c: a session by a person, already in the store. */
struct ush_session *ush_ask(struct ush_run *run, struct ush_error *err);

#endif
