/* SPDX-License-Identifier: Apache-2.0
 *
 * An error: what happened, and what the person should do next. By value on the caller's stack, last parameter of every
 * function that can fail, no allocation. A function that fails returns -1 (or NULL) and has filled the error; one that
 * succeeds has not touched it. The first cause wins: a second ush_fail() on a filled error changes nothing, so clean-up
 * code cannot hide why it runs. On the way up a caller may prepend where it was (ush_error_at). Secrets of ours that stand
 * in what is told become dots (scrub.h).
 *
 * One table maps codes to exit statuses, the same for both programs (usher-exit-status in the man pages).
 */
#ifndef USH_BASE_ERROR_H
#define USH_BASE_ERROR_H

#include <stdio.h>

enum ush_code {
	USH_OK,
	USH_DIFFERENCES,     /* 1: plan or audit found something */
	USH_ERR_USAGE,       /* 2: command line */
	USH_ERR_CONFIG,      /* 2: profile, policy, kubeconfig, KUBERNETES_EXEC_INFO */
	USH_ERR_INCOMPLETE,  /* 3: could not be read whole, so nothing was concluded */
	USH_ERR_LOGIN,       /* 4: a person must sign in, and this call may not ask */
	USH_ERR_REFUSED,     /* 5: brake, foreign object, unpinned server */
	USH_ERR_UNAVAILABLE, /* 6: network, provider or API server; state kept */
	USH_ERR_REJECTED,    /* 7: the provider's answer or token */
	USH_ERR_STORE,       /* 8: keyring, cache, disk, memory */
	USH_ERR_DECLINED,    /* 9: the person declined or ran out of time */
	USH_ERR_PARTIAL,     /* 10: partly applied */
	USH_CODE_COUNT
};

struct ush_error {
	enum ush_code code;
	char what[512]; /* one line, raw: sanitised when printed; ends in "..." when there was more, and so does the hint */
	char hint[1024]; /* the next thing to do, or ""; a command in it is whole: it may name two files */
};

/* Fills err unless it is already filled. Returns -1, so that `return ush_fail(...)` is the whole error path. */
int ush_fail(struct ush_error *err, enum ush_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Sets what the person should do next. Returns -1. */
int ush_hint(struct ush_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prepends "where: " to what. Returns -1. */
int ush_error_at(struct ush_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For a caller that handles the error and goes on. */
void ush_error_clear(struct ush_error *err);

/* The exit status of a code: DESIGN's table, and the only place where it is written down in C. */
int ush_code_status(enum ush_code code);

/* What a status means, one line, for man page and --help; NULL past the end. */
const char *ush_status_meaning(int status);

/* "program: what. hint" on one sanitised line (text.h). */
void ush_error_print(FILE *to, const char *program, const struct ush_error *err);

#endif
