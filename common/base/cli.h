/* SPDX-License-Identifier: Apache-2.0
 *
 * Verbs and options as tables. --help, shell completion and the check of the man page print from them, so a verb or an
 * option is one row in one place.
 */
#ifndef USH_BASE_CLI_H
#define USH_BASE_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/error.h"

enum ush_option_type {
	USH_OPTION_FLAG,   /* bool * */
	USH_OPTION_STRING, /* const char ** (points into argv) */
	USH_OPTION_LIST,   /* struct ush_strings *: may be repeated */
	USH_OPTION_NUMBER, /* long *: decimal, not negative */
	USH_OPTION_CHOICE, /* const char **: one of `argument`, written "a|b|c" */
};

struct ush_strings {
	const char **items;
	size_t count;
};

struct ush_option {
	const char *name;     /* without the dashes */
	char letter;          /* short form, or 0 */
	enum ush_option_type type;
	const char *argument; /* "FILE", or "text|json" for a choice; NULL for a flag */
	const char *help;     /* one line, no full stop */
	void *value;          /* where it goes */
};

struct ush_verb {
	const char *name;
	const char *operands;      /* "[NAME]", "DIR", or "" */
	const char *help;          /* one line, no full stop */
	const struct ush_option *options; /* ended by a row whose name is NULL; may be NULL */
	size_t least, most;        /* how many operands */
	/* Returns an exit status. operands points into argv. Fills err and returns anything when it fails. */
	int (*run)(size_t count, char **operands, struct ush_error *err);
};

struct ush_program {
	const char *name;          /* what its messages begin with: "usher", "usher-broker" */
	const char *command;       /* how a person calls it: "kubectl usher", "usher-broker" */
	const char *about;         /* one sentence */
	const struct ush_verb *const *verbs; /* ended by NULL; a verb's row lives in the verb's own file */
	const char *manual;        /* "usher-broker(1)" */
};

/*
 * Finds the verb, fills the options, runs it, prints a filled error on stderr, returns the exit status. Knows by itself:
 * help [VERB], --help/-h anywhere, --version, completion bash|zsh, and a misspelt verb or option ("did you mean").
 */
int ush_cli_main(const struct ush_program *program, int argc, char **argv);

/* The closest of candidates (ended by NULL) to a misspelt word, or NULL when none is close. */
const char *ush_cli_nearest(const char *word, const char *const *candidates);

#endif
