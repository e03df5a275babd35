/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/cli.h"

#include <errno.h>
#include <string.h>

#include "common/base/memory.h"

#define PRINT_FLAG_WIDTH 30
#define LOWER "abcdefghijklmnopqrstuvwxyz"

/* ---- looking things up ---- */

/* The words of "user NAME...|group NAME" that are written as they stand, one after the other; NULL when there are no more. */
static const char *next_kind(const char *operands, size_t *length)
{
	operands += strcspn(operands, LOWER);
	*length = strspn(operands, LOWER);
	return *length > 0 ? operands : NULL;
}

static bool is_kind(const struct ush_verb *verb, const char *word)
{
	const char *kind = verb->operands;

	for (size_t length; (kind = next_kind(kind, &length)) != NULL; kind += length)
		if (strlen(word) == length && memcmp(kind, word, length) == 0)
			return true;
	return false;
}

static const struct ush_verb *find_verb(const struct ush_program *program, const char *name)
{
	for (const struct ush_verb *const *v = program->verbs; *v != NULL; v++)
		if (strcmp((*v)->name, name) == 0)
			return *v;
	return NULL;
}

static const struct ush_option *find_option(const struct ush_verb *verb, const char *name, size_t length, char letter)
{
	for (const struct ush_option *o = verb->options; o != NULL && o->name != NULL; o++)
		if (letter != 0 ? o->letter == letter : strlen(o->name) == length && memcmp(o->name, name, length) == 0)
			return o;
	return NULL;
}

/* Levenshtein, for words short enough to be options. */
static size_t distance(const char *a, const char *b)
{
	size_t row[65], length = strlen(b), diagonal, above;

	if (length >= USH_COUNT(row) || strlen(a) >= USH_COUNT(row))
		return USH_COUNT(row);
	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			above = row[j];
			best = best < above + 1 ? best : above + 1;
			row[j] = best < row[j - 1] + 1 ? best : row[j - 1] + 1;
			diagonal = above;
		}
	}
	return row[length];
}

const char *ush_cli_nearest(const char *word, const char *const *candidates)
{
	const char *nearest = NULL;
	size_t least = strlen(word) <= 3 ? 2 : 4; /* further away is another word */

	for (; *candidates != NULL; candidates++) {
		size_t d = distance(word, *candidates);

		if (d < least) {
			least = d;
			nearest = *candidates;
		}
	}
	return nearest;
}

static int no_such_verb(const struct ush_program *program, const char *name, struct ush_error *err)
{
	const char *names[64];
	const char *nearest;
	size_t count = 0;

	for (const struct ush_verb *const *v = program->verbs; *v != NULL && count + 1 < USH_COUNT(names); v++)
		names[count++] = (*v)->name;
	names[count] = NULL;
	nearest = ush_cli_nearest(name, names);
	ush_fail(err, USH_ERR_USAGE, "there is no command \"%s\"", name);
	return nearest != NULL ? ush_hint(err, "Did you mean %s %s?", program->command, nearest)
			       : ush_hint(err, "See: %s help", program->command);
}

static int no_such_option(const struct ush_program *program, const struct ush_verb *verb, const char *word, size_t length, struct ush_error *err)
{
	USH_AUTO_FREE char *name = ush_strndup(word, length);
	const char *names[64];
	const char *nearest;
	size_t count = 0;

	for (const struct ush_option *o = verb->options; o != NULL && o->name != NULL && count + 1 < USH_COUNT(names); o++)
		names[count++] = o->name;
	names[count] = NULL;
	nearest = ush_cli_nearest(name, names);
	ush_fail(err, USH_ERR_USAGE, "%s has no option --%s", verb->name, name);
	if (is_kind(verb, name))
		return ush_hint(err, "Did you mean %s %s %s NAME?", program->command, verb->name, name);
	return nearest != NULL ? ush_hint(err, "Did you mean --%s?", nearest) : ush_hint(err, "See: %s help %s", program->command, verb->name);
}

/* ---- printing from the tables ---- */

static void print_option(FILE *to, const struct ush_option *o)
{
	char flag[96];

	snprintf(flag, sizeof flag, "%s%c%s--%s%s%s", o->letter != 0 ? "-" : " ", o->letter != 0 ? o->letter : ' ', o->letter != 0 ? ", " : "  ",
		 o->name, o->argument != NULL ? "=" : "", o->argument != NULL ? o->argument : "");
	fprintf(to, "  %-*s %s\n", PRINT_FLAG_WIDTH, flag, o->help);
}

static void print_verb_help(FILE *to, const struct ush_program *program, const struct ush_verb *verb)
{
	bool any = verb->options != NULL && verb->options->name != NULL;

	fprintf(to, "%s %s%s%s%s: %s\n", program->command, verb->name, any ? " [OPTIONS]" : "", *verb->operands != '\0' ? " " : "",
		verb->operands, verb->help);
	if (any)
		fprintf(to, "\n");
	for (const struct ush_option *o = verb->options; o != NULL && o->name != NULL; o++)
		print_option(to, o);
	fprintf(to, "\nManual: %s\n", program->manual);
}

/* What the program knows by itself. */
static const struct ush_verb own[] = {{"completion", "bash|zsh", "print shell completion for bash or zsh", NULL, 1, 1, NULL},
				      {"help", "[COMMAND]", "say what a command does", NULL, 0, 1, NULL}};

static void print_help(FILE *to, const struct ush_program *program)
{
	fprintf(to, "%s: %s\n\n", program->command, program->about);
	for (const struct ush_verb *const *v = program->verbs; *v != NULL; v++)
		fprintf(to, "  %-14s %s\n", (*v)->name, (*v)->help);
	for (size_t i = 0; i < USH_COUNT(own); i++)
		fprintf(to, "  %-14s %s\n", own[i].name, own[i].help);
	fprintf(to, "\nOptions of a command: %s help COMMAND. Version: %s --version. Manual: %s\n\nExit status:\n", program->command, program->command, program->manual);
	for (int status = 0; ush_status_meaning(status) != NULL; status++)
		fprintf(to, "  %2d  %s\n", status, ush_status_meaning(status));
}

/* The file that a shell runs: kubectl-usher for "kubectl usher". */
static char *file_name(const struct ush_program *program)
{
	char *name = ush_strdup(program->command);

	for (char *p = name; *p != '\0'; p++)
		*p = *p == ' ' ? '-' : *p;
	return name;
}

/* What may follow an option: its choices, nothing that we know (a file, then), or, behind a flag, what may follow the verb. */
static void print_bash_option(const struct ush_verb *verb, const struct ush_option *o)
{
	if (o->type == USH_OPTION_FLAG)
		return;
	printf("\t*,%s,--%s", verb->name, o->name);
	if (o->letter != 0)
		printf("|*,%s,-%c", verb->name, o->letter);
	printf(") words='");
	for (const char *p = o->type == USH_OPTION_CHOICE ? o->argument : ""; *p != '\0'; p++)
		putchar(*p == '|' ? ' ' : *p);
	printf("' ;;\n");
}

static void print_bash_words(const struct ush_verb *verb)
{
	for (const struct ush_option *o = verb->options; o != NULL && o->name != NULL; o++)
		printf("--%s ", o->name);
	printf("--help' ;;\n");
}

static void print_bash_verb(const struct ush_verb *verb)
{
	const char *kind = verb->operands;
	size_t length;

	for (const struct ush_option *o = verb->options; o != NULL && o->name != NULL; o++)
		print_bash_option(verb, o);
	if (next_kind(kind, &length) != NULL) {
		printf("\t2,%s,*) words='", verb->name);
		for (; (kind = next_kind(kind, &length)) != NULL; kind += length)
			printf("%.*s ", (int)length, kind);
		print_bash_words(verb);
	}
	printf("\t*,%s,*) words='", verb->name);
	print_bash_words(verb);
}

/* bash breaks words at "=", too. One function a program: a shell may load several. */
static void print_bash(const struct ush_program *program)
{
	USH_AUTO_FREE char *file = file_name(program);

	printf("_%s_complete() {\n\tlocal word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]} words=\n"
	       "\tif [ \"$word\" = = ]; then word=; elif [ \"$before\" = = ]; then before=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
	       "\tcase $COMP_CWORD,$verb,$before in\n\t1,*|2,help,*) words='", file);
	for (const struct ush_verb *const *v = program->verbs; *v != NULL; v++)
		printf("%s ", (*v)->name);
	printf("completion help' ;;\n");
	for (const struct ush_verb *const *v = program->verbs; *v != NULL; v++)
		print_bash_verb(*v);
	print_bash_verb(&own[0]);
	printf("\tesac\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n}\ncomplete -o default -F _%s_complete %s\n", file, file);
}

static void print_zsh(const struct ush_program *program)
{
	USH_AUTO_FREE char *file = file_name(program);

	printf("#compdef %s\n_arguments -C '1: :->verb' '*:: :->rest'\ncase $state in\nverb) _values command", file);
	for (const struct ush_verb *const *v = program->verbs; *v != NULL; v++)
		printf(" '%s[%s]'", (*v)->name, (*v)->help);
	printf(" completion help ;;\nrest) case $words[1] in\n");
	for (const struct ush_verb *const *v = program->verbs; *v != NULL; v++) {
		printf("\t%s) _arguments", (*v)->name);
		for (const struct ush_option *o = (*v)->options; o != NULL && o->name != NULL; o++)
			printf(" '--%s%s[%s]%s%s%s'", o->name, o->argument != NULL ? "=" : "", o->help, o->argument != NULL ? ":" : "",
			       o->argument != NULL ? o->argument : "", o->argument != NULL ? ":_files" : "");
		printf(" '*:file:_files' ;;\n");
	}
	printf("\tesac ;;\nesac\n");
}

/* ---- reading the command line ---- */

static bool is_choice(const char *choices, const char *value)
{
	size_t length = strlen(value);

	for (const char *p = choices; p != NULL; p = strchr(p, '|')) {
		p += *p == '|';
		if (strncmp(p, value, length) == 0 && (p[length] == '|' || p[length] == '\0'))
			return true;
	}
	return false;
}

static int set_number(const struct ush_option *o, const char *value, struct ush_error *err)
{
	char *end;

	errno = 0;
	*(long *)o->value = strtol(value, &end, 10);
	if (errno != 0 || *value < '0' || *value > '9' || *end != '\0')
		return ush_fail(err, USH_ERR_USAGE, "--%s: expected a number, found \"%s\"", o->name, value);
	return 0;
}

static int set_option(const struct ush_option *o, const char *value, struct ush_error *err)
{
	switch (o->type) {
	case USH_OPTION_FLAG:
		*(bool *)o->value = true;
		break;
	case USH_OPTION_CHOICE:
		if (!is_choice(o->argument, value))
			return ush_fail(err, USH_ERR_USAGE, "--%s: expected one of %s, found \"%s\"", o->name, o->argument, value);
		*(const char **)o->value = value;
		break;
	case USH_OPTION_STRING:
		*(const char **)o->value = value;
		break;
	case USH_OPTION_LIST: {
		struct ush_strings *list = o->value;

		USH_PUSH(list->items, list->count, value);
		break;
	}
	case USH_OPTION_NUMBER:
		return set_number(o, value, err);
	}
	return 0;
}

/* One option word and, when it has one, its value. *at is left on the last word used. */
static int read_option(const struct ush_program *program, const struct ush_verb *verb, char **words, int *at, int count, struct ush_error *err)
{
	const char *word = words[*at], *value = NULL;
	const struct ush_option *o;

	if (word[1] == '-') {
		size_t length = strcspn(word + 2, "=");

		o = find_option(verb, word + 2, length, 0);
		if (o == NULL)
			return no_such_option(program, verb, word + 2, length, err);
		if (word[2 + length] == '=')
			value = word + 3 + length;
	} else {
		o = find_option(verb, NULL, 0, word[1]);
		if (o == NULL) {
			ush_fail(err, USH_ERR_USAGE, "%s has no option -%c", verb->name, word[1]);
			return ush_hint(err, "See: %s help %s", program->command, verb->name);
		}
		if (word[2] != '\0')
			value = word + 2 + (word[2] == '=');
	}
	if (o->type == USH_OPTION_FLAG && value != NULL) {
		ush_fail(err, USH_ERR_USAGE, "--%s takes no value", o->name);
		return ush_hint(err, "Say --%s alone", o->name);
	}
	if (o->type != USH_OPTION_FLAG && value == NULL) {
		if (*at + 1 >= count)
			return ush_fail(err, USH_ERR_USAGE, "--%s wants a value: %s", o->name, o->argument);
		value = words[++*at];
	}
	return set_option(o, value, err);
}

static int wrong_count(const struct ush_program *program, const struct ush_verb *verb, size_t count, char **operands, struct ush_error *err)
{
	size_t length;
	const char *kind = next_kind(verb->operands, &length);

	ush_fail(err, USH_ERR_USAGE, count < verb->least ? "%s wants %s" : "%s takes no more than %s", verb->name, *verb->operands != '\0' ? verb->operands : "options");
	if (count == 1 && count < verb->least && kind != NULL && !is_kind(verb, operands[0]))
		return ush_hint(err, "Did you mean %s %s %.*s %.100s?", program->command, verb->name, (int)length, kind, operands[0]);
	return ush_hint(err, "See: %s help %s", program->command, verb->name);
}

static int run_verb(const struct ush_program *program, const struct ush_verb *verb, int count, char **words, struct ush_error *err)
{
	USH_AUTO_FREE char **operands = ush_alloc(((size_t)count + 1) * sizeof *operands);
	size_t operand_count = 0;
	bool options_end = false;

	for (int i = 0; i < count; i++) {
		if (!options_end && (strcmp(words[i], "--help") == 0 || strcmp(words[i], "-h") == 0)) {
			print_verb_help(stdout, program, verb);
			return 0;
		}
		if (!options_end && strcmp(words[i], "--") == 0)
			options_end = true;
		else if (options_end || words[i][0] != '-' || words[i][1] == '\0')
			operands[operand_count++] = words[i];
		else if (read_option(program, verb, words, &i, count, err) != 0)
			return -1;
	}
	if (operand_count < verb->least || operand_count > verb->most)
		return wrong_count(program, verb, operand_count, operands, err);
	return verb->run(operand_count, operands, err);
}

static int help(const struct ush_program *program, const char *name, struct ush_error *err)
{
	const struct ush_verb *verb = name != NULL ? find_verb(program, name) : NULL;

	for (size_t i = 0; name != NULL && verb == NULL && i < USH_COUNT(own); i++)
		verb = strcmp(own[i].name, name) == 0 ? &own[i] : NULL;
	if (name != NULL && verb == NULL)
		return no_such_verb(program, name, err);
	if (verb != NULL)
		print_verb_help(stdout, program, verb);
	else
		print_help(stdout, program);
	return 0;
}

static int completion(const struct ush_program *program, const char *shell, struct ush_error *err)
{
	if (shell != NULL && (strcmp(shell, "--help") == 0 || strcmp(shell, "-h") == 0))
		print_verb_help(stdout, program, &own[0]);
	else if (shell != NULL && strcmp(shell, "bash") == 0)
		print_bash(program);
	else if (shell != NULL && strcmp(shell, "zsh") == 0)
		print_zsh(program);
	else
		return ush_fail(err, USH_ERR_USAGE, "completion wants bash or zsh");
	return 0;
}

static int dispatch(const struct ush_program *program, int argc, char **argv, struct ush_error *err)
{
	const char *word = argc > 1 ? argv[1] : NULL, *next = argc > 2 ? argv[2] : NULL;
	const struct ush_verb *verb;

	if (word == NULL) {
		print_help(stderr, program);
		return ush_fail(err, USH_ERR_USAGE, "no command was given");
	}
	if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return help(program, next, err);
	if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0)
		return printf("%s %s\n", program->name, USH_VERSION) < 0 ? -1 : 0;
	if (strcmp(word, "completion") == 0)
		return completion(program, next, err);
	verb = find_verb(program, word);
	return verb != NULL ? run_verb(program, verb, argc - 2, argv + 2, err) : no_such_verb(program, word, err);
}

int ush_cli_main(const struct ush_program *program, int argc, char **argv)
{
	struct ush_error err = {0};
	int status = dispatch(program, argc, argv, &err);
	bool lost = ferror(stdout) != 0; /* what did not go out earlier is no longer there to be flushed */

	if (fflush(stdout) != 0 && err.code == USH_OK)
		ush_fail(&err, USH_ERR_STORE, "stdout: %s", strerror(errno));
	if (lost && err.code == USH_OK)
		ush_fail(&err, USH_ERR_STORE, "stdout: not everything could be written");
	if (err.code != USH_OK) {
		ush_error_print(stderr, program->name, &err);
		return ush_code_status(err.code);
	}
	return status;
}
