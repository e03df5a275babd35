/* SPDX-License-Identifier: Apache-2.0
 *
 * The verbs of usher-signin, each a row of the table in main.c and a function that a story test calls with a world,
 * stores and a browser of its own. Status codes are those of error.h.
 */
#ifndef USH_VERB_VERB_H
#define USH_VERB_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/cli.h"
#include "common/base/error.h"
#include "common/base/secret.h"
#include "common/base/world.h"
#include "plugin/front/asked.h"
#include "plugin/front/execinfo.h"
#include "plugin/session/profile.h"
#include "plugin/store/store.h"

extern const struct ush_verb ush_verb_get_token, ush_verb_login, ush_verb_logout, ush_verb_status;

/* ---- what surrounds a verb: real in usher-signin, scripted in a story test ---- */

/* The session cache (front/record.h). */
struct ush_cache_ops {
	long (*load)(const char *identity, char *out, size_t size);
	int (*save)(const char *identity, const char *text, size_t length, int64_t ttl, const char **where);
	void (*drop)(const char *identity);
};
extern const struct ush_cache_ops ush_cache_real;

struct ush_signin_options {
	bool interactive;          /* a person may be asked */
	bool fresh;                /* a person is asked whatever is kept; forgets the unanswered sign-ins */
	enum ush_flow_choice flow; /* before the profile's, unless USH_FLOW_AUTO */
	FILE *say;                 /* where people read: stderr */
	int (*open)(void *context, const char *url,
		    struct ush_error *err); /* NULL: the profile's browser, or the system's */
	void *open_context;
	const struct ush_store_ops *store; /* NULL: the profile's choice */
	const struct ush_cache_ops *cache; /* NULL: ush_cache_real */
	const struct ush_asker *asker;     /* the process that wants the token, or NULL: then none counts as refused */
	bool aside; /* a refresh on a mere guess may go on after us, in a process of its own (flight/aside.h) */
};

struct ush_answer {
	struct ush_secret *token; /* the ID token */
	int64_t expires;          /* Unix seconds by our clock */
};
void ush_answer_free(struct ush_answer *answer);
#define USH_AUTO_TOKEN __attribute__((cleanup(ush_answer_free))) struct ush_answer

/*
 * The way to a token: session cache, single flight, store, refresh, a person; then store, then session cache. Only the
 * provider's invalid_grant ends a session: every other failure keeps it and asks nobody (USH_ERR_UNAVAILABLE,
 * USH_ERR_REJECTED). A token that the API server seems to refuse is refreshed first; when that fails it is given all the
 * same, and the reason told. A store or cache that fails costs one line on say, never the token. USH_ERR_LOGIN when a person
 * would have to be asked and may not be, or did not answer the last USH_BREAKER_LIMIT times.
 */
int ush_signin_token(const struct ush_world *world, const struct ush_profile *profile,
		     const struct ush_signin_options *options, struct ush_answer *answer, struct ush_error *err);

/* get-token: refuses a server that the profile does not name (USH_ERR_REFUSED), gets a token, writes one ExecCredential
 * to fd and nothing else. */
int ush_get_token(const struct ush_world *world, const struct ush_profile *profile,
		  const struct ush_signin_options *options, const struct ush_execinfo *info, int fd,
		  struct ush_error *err);

/* logout: revokes at the provider, then deletes here whatever the provider said, then says until when the ID token
 * stays valid. USH_ERR_UNAVAILABLE when the provider did not revoke, USH_ERR_STORE when the store did not delete. */
int ush_signout(const struct ush_world *world, const struct ush_profile *profile,
		const struct ush_signin_options *options, struct ush_error *err);

/* status: one row for each profile; asks no network. json: a SessionList with absolute times. */
int ush_status_print(const struct ush_world *world, const struct ush_profile *const *profiles, size_t count,
		     const struct ush_signin_options *options, bool json, FILE *out);

/* ---- shared ---- */

/* The profile of that name; NULL takes the only one there is, USH_ERR_USAGE with all their names when there are
 * several. */
struct ush_profile *ush_verb_profile(const char *name, struct ush_error *err);

/* "auto|browser|device" as the enum. */
enum ush_flow_choice ush_verb_flow(const char *text);

/* The store that a profile chose. */
const struct ush_store_ops *ush_verb_store(const struct ush_profile *profile, const struct ush_signin_options *options);

/* A time for people, local: "14:37", "Mon 09:00", "2027-02-01". Returns out; 16 bytes hold it. */
const char *ush_when(char *out, size_t size, int64_t when, int64_t now);
/* A span for people: "45s", "12m", "3h", "2d". */
const char *ush_how_long(char *out, size_t size, int64_t seconds);

/* harden.c: the first act of main. Returns 0, or the exit status to end with at once: arguments missing, no /dev/null.
 * Opens what is missing of fds 0-2, umask 077, no core dump, not traceable, an environment of known names only, JSON
 * memory that is wiped. */
int ush_harden(int argc);
/* The environment part: every variable that is not on the list is gone after. */
int ush_harden_environment(void);

#endif
