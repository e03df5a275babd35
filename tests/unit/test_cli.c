/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <stdint.h>
#include <string.h>

#include "common/base/cli.h"
#include "common/base/memory.h"

static bool wide;
static const char *output, *file;
static long number;
static struct ush_strings names;
static size_t seen;
static char *operand;

static int run(size_t count, char **operands, struct ush_error *err)
{
	(void)err;
	seen = count;
	operand = count > 0 ? operands[0] : NULL;
	return 1;
}

static const struct ush_option options[] = {
	{"wide", 'w', USH_OPTION_FLAG, NULL, "more columns", &wide},
	{"output", 'o', USH_OPTION_CHOICE, "text|json", "format", &output},
	{"filename", 'f', USH_OPTION_STRING, "FILE", "policy", &file},
	{"number", 0, USH_OPTION_NUMBER, "N", "how many", &number},
	{"name", 0, USH_OPTION_LIST, "NAME", "may be repeated", &names},
	{NULL},
};
static const struct ush_verb verb = {"plan", "[DIR]", "say what would change", options, 0, 1, run};
static const struct ush_verb leaver = {"leave", "user NAME...|group NAME", "go", options, 2, 9, run};
static const struct ush_verb *const verbs[] = {&verb, &leaver, NULL};
static const struct ush_program program = {"prog", "prog", "does things", verbs, "prog(1)"};

/* Runs with stderr in a file, which is given back. */
static int with(char *text, size_t size, const char *const *argv)
{
	FILE *keep = stderr, *to = tmpfile();
	int argc = 0, status;
	size_t n;

	while (argv[argc] != NULL)
		argc++;
	stderr = to;
	status = ush_cli_main(&program, argc, (char **)(uintptr_t)argv);
	stderr = keep;
	rewind(to);
	n = fread(text, 1, size - 1, to);
	text[n] = '\0';
	fclose(to);
	return status;
}

#define RUN(...) with(message, sizeof message, (const char *[]){"prog", __VA_ARGS__, NULL})

static char message[8192];

START_TEST(every_kind_of_option_lands_in_its_place)
{
	ck_assert_int_eq(RUN("plan", "-w", "--output=json", "-f", "p.yaml", "--number", "12", "--name", "a", "--name=b", "dir"), 1);
	ck_assert(wide);
	ck_assert_str_eq(output, "json");
	ck_assert_str_eq(file, "p.yaml");
	ck_assert_int_eq(number, 12);
	ck_assert_uint_eq(names.count, 2);
	ck_assert_str_eq(names.items[1], "b");
	ck_assert_uint_eq(seen, 1);
	ck_assert_str_eq(operand, "dir");
	free(names.items);
}
END_TEST

START_TEST(letters_may_stand_close_to_their_value)
{
	ck_assert_int_eq(RUN("plan", "-ojson", "-fx"), 1);
	ck_assert_str_eq(file, "x");
}
END_TEST

START_TEST(a_dash_is_an_operand_and_two_dashes_end_the_options)
{
	ck_assert_int_eq(RUN("plan", "-"), 1);
	ck_assert_str_eq(operand, "-");
	ck_assert_int_eq(RUN("plan", "--", "--wide"), 1);
	ck_assert_str_eq(operand, "--wide");
}
END_TEST

START_TEST(every_mistake_is_one_line_and_status_2)
{
	static const struct {
		const char *argv[5];
		const char *says;
	} cases[] = {
		{{"prog", "plam"}, "prog: there is no command \"plam\". Did you mean prog plan?\n"},
		{{"prog", "plan", "--outputt", "json"}, "prog: plan has no option --outputt. Did you mean --output?\n"},
		{{"prog", "plan", "-x"}, "prog: plan has no option -x. See: prog help plan\n"},
		{{"prog", "plan", "-o", "xml"}, "prog: --output: expected one of text|json, found \"xml\"\n"},
		{{"prog", "plan", "-o", "jso"}, "found \"jso\"\n"},
		{{"prog", "plan", "--number", "-1"}, "expected a number"},
		{{"prog", "plan", "--number", "1x"}, "expected a number"},
		{{"prog", "plan", "--number"}, "--number wants a value: N\n"},
		{{"prog", "plan", "--wide=1"}, "--wide takes no value. Say --wide alone\n"},
		{{"prog", "plan", "a", "b"}, "plan takes no more than [DIR]"},
		{{"prog", "leave", "carol"}, "leave wants user NAME...|group NAME. Did you mean prog leave user carol?\n"},
		{{"prog", "leave", "group"}, "leave wants user NAME...|group NAME. See: prog help leave\n"},
		{{"prog", "leave", "--group", "staff"}, "leave has no option --group. Did you mean prog leave group NAME?\n"},
		{{"prog", "completion", "fish"}, "completion wants bash or zsh\n"},
	};

	for (size_t i = 0; i < USH_COUNT(cases); i++) {
		ck_assert_int_eq(with(message, sizeof message, cases[i].argv), 2);
		ck_assert_msg(strstr(message, cases[i].says) != NULL, "%s", message);
		ck_assert_ptr_eq(strchr(message, '\n'), message + strlen(message) - 1);
	}
}
END_TEST

START_TEST(no_command_shows_the_table_and_fails)
{
	ck_assert_int_eq(with(message, sizeof message, (const char *[]){"prog", NULL}), 2);
	ck_assert_ptr_nonnull(strstr(message, "say what would change"));
	ck_assert_ptr_nonnull(strstr(message, "prog: no command was given"));
}
END_TEST

START_TEST(nearest_finds_a_typo_and_no_stranger)
{
	const char *const words[] = {"servers", "scopes", "issuer", NULL};

	ck_assert_str_eq(ush_cli_nearest("server", words), "servers");
	ck_assert_str_eq(ush_cli_nearest("isuer", words), "issuer");
	ck_assert_ptr_null(ush_cli_nearest("account", words));
}
END_TEST

TAP_MAIN("cli", every_kind_of_option_lands_in_its_place, letters_may_stand_close_to_their_value,
	 a_dash_is_an_operand_and_two_dashes_end_the_options, every_mistake_is_one_line_and_status_2,
	 no_command_shows_the_table_and_fails, nearest_finds_a_typo_and_no_stranger)
