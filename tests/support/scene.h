/* SPDX-License-Identifier: Apache-2.0
 *
 * A sign-in story: a fake provider, a profile for it, a store and a session cache in memory, a person with a browser,
 * and what was said. One scene at a time.
 */
#ifndef USH_TEST_SCENE_H
#define USH_TEST_SCENE_H

#include <stdio.h>
#include <sys/types.h>

#include "common/base/text.h"
#include "plugin/session/session.h"
#include "plugin/verb/verb.h"
#include "tests/support/fake_idp.h"

enum scene_browser {
	BROWSER_HONEST,       /* goes to the provider and comes back */
	BROWSER_NOBODY,       /* opens, and nobody is there; the clock runs */
	BROWSER_DENIES,       /* the person says no */
	BROWSER_OTHER_ISSUER, /* comes back with another iss */
	BROWSER_FORGED_FIRST, /* first a visit with a wrong state, then the honest one */
	BROWSER_FORGED_CODE,  /* the right state with somebody else's code */
};

struct scene_store {
	struct ush_secret *value;
	struct ush_secret *next; /* what is there after the next load: another process wrote */
	enum ush_store_result load_says, save_says, erase_says;
	size_t loads, saves, erases;
	int watched_fd;           /* its size is looked at by each save */
	bool saved_before_output; /* the newest save saw an empty file */
};

struct scene {
	struct fake_idp *idp;
	struct ush_profile *profile;
	struct ush_signin_options options;
	struct ush_answer answer;
	struct ush_error err;
	enum scene_browser browser;
	const char *denial; /* query of BROWSER_DENIES, or NULL */
	size_t opened;
	pid_t visitor; /* the newest browser, or 0 */
	char *said;    /* all that people read; read it with scene_said */
	size_t said_length;
};

extern struct scene_store scene_store;
extern struct ush_buf scene_cache, scene_asked; /* the token; who was given it (front/asked.h) */

/* more: lines added to the profile, or NULL. The stores are empty, the person is there. */
void scene_begin(struct scene *scene, const char *more);
void scene_end(struct scene *scene);

/* ush_signin_token, with the answer and the error of this call alone. */
int scene_sign_in(struct scene *scene);

/* As when the token has run out: the clock goes on, the session cache is what it is. */
void scene_pass(struct scene *scene, int64_t seconds);

/* What was said so far, and forgets it at the next call. */
const char *scene_said(struct scene *scene);
size_t scene_lines(const char *text);

/* The refresh token in the store, or NULL; the caller frees. */
char *scene_stored_refresh(const struct scene *scene);

/* What the newest browser ended on: 1 "Signed in", 2 "Not signed in", 0 something else. Waits for it. */
int scene_page(struct scene *scene);

/* Every byte is printable ASCII or a newline, and every line begins with "usher: ". */
bool scene_clean(const char *text);

#endif
