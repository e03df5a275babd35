/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs one program and takes what it writes. For the credential plugins that a kubeconfig names.
 */
#ifndef USH_KUBE_COMMAND_H
#define USH_KUBE_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/text.h"

struct ush_command {
	const char *path;    /* what is executed */
	char *const *argv;   /* ended by NULL; argv[0] is how messages call it */
	char *const *envp;   /* the whole environment */
	bool stdin_attached; /* else it reads /dev/null */
	int64_t deadline_ms; /* after so long it is ended */
	struct ush_buf *said; /* takes its stderr, as much as the limit holds; NULL: its stderr is ours */
	bool alone;          /* in a session of its own: without our terminal, and ended with all that it started */
};

/*
 * Its stdout goes into out (whose limit is the cap), its stderr is ours or goes into said. *status is its exit status, or 128 + the
 * number of the signal that ended it. USH_ERR_UNAVAILABLE when it cannot be started, writes too much or takes too long;
 * USH_ERR_DECLINED when we are asked to end meanwhile: then it ends, too.
 * What it leaves running in the background does not hold us up.
 */
int ush_command_run(const struct ush_command *command, struct ush_buf *out, int *status, struct ush_error *err);

/* What it said on stderr goes to ours, without secrets of ours: what it printed is one by then. Empties said. */
void ush_command_pass_on(struct ush_buf *said);

/* Where a bare name is found in the absolute folders of PATH; the caller frees. NULL when nowhere. */
char *ush_command_find(const char *name);

#endif
