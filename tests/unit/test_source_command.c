/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/source/source.h"
#include "common/base/memory.h"
#include "common/base/file.h"
#include "tests/support/provider.h"

static const struct provider_row none[] = {{NULL, NULL, 0, NULL, NULL, 0}};
static struct ush_groups groups;
static struct ush_error err;

/* Runs a shell script as the source. */
static int run(const char *script, const char *timeout)
{
	static const char *const shell[] = {"/bin/sh", "-c", NULL};
	struct ush_policy_source source = {.name = ush_strdup("main"), .kind = ush_source_kind("command")};
	struct ush_source_question question = {.source = &source, .all_members = true};
	struct provider *provider = provider_new(none);
	int result;

	for (size_t i = 0; shell[i] != NULL; i++)
		ush_source_set(&source, "command", shell[i]);
	ush_source_set(&source, "command", script);
	if (timeout != NULL)
		ush_source_set(&source, "timeout", timeout);
	ush_groups_free(&groups);
	err = (struct ush_error){0};
	result = ush_source_read(&provider->world, &question, &groups, &err);
	ush_policy_source_free(&source);
	provider_free(provider);
	return result;
}

static void expect_incomplete(const char *script, const char *why)
{
	ck_assert_int_eq(run(script, NULL), 0);
	ck_assert_msg(!groups.complete, "complete: %s", script);
	ck_assert_msg(strstr(groups.why, why) != NULL, "\"%s\" lacks \"%s\"", groups.why, why);
	ush_groups_free(&groups);
}

START_TEST(what_a_program_prints_is_read)
{
	ck_assert_int_eq(run("echo '{\"groups\": [{\"name\": \"a\", \"id\": \"1\", \"members\": [\"carol\"]}, {\"name\": \"b\", \"members\": null}], \"count\": 2}'", NULL), 0);
	ck_assert_msg(groups.complete, "%s", groups.why);
	ck_assert_uint_eq(groups.count, 2);
	ck_assert_str_eq(groups.items[0].members.items[0], "carol");
	ck_assert(groups.items[0].members_known && !groups.items[1].members_known);
	ck_assert_str_eq(groups.where, "command /bin/sh");
	ush_groups_free(&groups);
}
END_TEST

START_TEST(a_program_that_fails_is_incomplete)
{
	expect_incomplete("echo '{\"groups\": [{\"name\": \"a\"}], \"count\": 1}'; exit 3", "ended with 3");
	expect_incomplete("echo '{\"groups\": [{\"name\": \"a\"}], \"count\": 1}'; kill -9 $$", "ended by signal 9");
	expect_incomplete("exit 0", "printed nothing");
	expect_incomplete("echo '{\"groups\": [{\"name\": \"a\"}'", "/bin/sh:");
	expect_incomplete("echo '{\"groups\": [{\"name\": \"a\"}]}'", "count is missing");
	expect_incomplete("echo '{\"groups\": [{\"name\": \"a\"}], \"count\": 2}'", "says it holds 2 groups and holds 1");
	expect_incomplete("printf '{\\000}'", "what is no text");
	expect_incomplete("exec yes", "wrote more than");
}
END_TEST

START_TEST(a_program_that_is_not_there_is_a_fault_of_ours)
{
	struct ush_policy_source source = {.name = ush_strdup("main"), .kind = ush_source_kind("command")};
	struct ush_source_question question = {.source = &source};
	struct provider *provider = provider_new(none);

	ush_source_set(&source, "command", "/no/such/program");
	ck_assert_int_eq(ush_source_read(&provider->world, &question, &groups, &err), -1);
	ck_assert_int_eq(err.code, USH_ERR_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.what, "/no/such/program"));
	ush_policy_source_free(&source);
	ush_groups_free(&groups);
	provider_free(provider);
}
END_TEST

static bool is_written(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_size > 0;
}

/* The grandchild writes its id and would outlive its parent; after the deadline nobody of them is there. */
START_TEST(a_program_that_does_not_end_is_ended_with_its_children)
{
	USH_AUTO_FREE char *pid_file = ush_printf("%s/pid", tap_folder());
	USH_AUTO_FREE char *script = ush_printf("sh -c 'echo $$ >%s; exec sleep 1000' & sleep 1000", pid_file);
	static const char *const times[] = {"1", "10", "60"}; /* the first in which the grandchild gets to write */
	USH_AUTO_BUF text = {0};
	pid_t child;

	for (size_t i = 0; i < USH_COUNT(times) && !is_written(pid_file); i++) {
		USH_AUTO_FREE char *why = ush_printf("did not end within %s s", times[i]);

		ck_assert_int_eq(run(script, times[i]), 0);
		ck_assert(!groups.complete);
		ck_assert_ptr_nonnull(strstr(groups.why, why));
	}
	ck_assert_int_eq(ush_file_read(pid_file, USH_FILE_ANY, USH_ERR_STORE, &text, NULL, &err), 0);
	child = (pid_t)atoi(text.data);
	ck_assert_int_gt(child, 1);
	for (int tries = 0; kill(child, 0) == 0 && tries < 10000; tries++) { /* whoever inherits it has yet to take notice */
		USH_AUTO_FREE char *stat = ush_printf("/proc/%d/stat", child);
		USH_AUTO_BUF line = {0};
		struct ush_error ignored = {0};

		if (ush_file_read(stat, USH_FILE_ANY, USH_ERR_STORE, &line, NULL, &ignored) == 0 && strstr(line.data, ") Z ") != NULL)
			break;
		usleep(10000);
		ck_assert_int_lt(tries, 9999);
	}
	ush_groups_free(&groups);
}
END_TEST

TAP_MAIN("source_command", what_a_program_prints_is_read, a_program_that_fails_is_incomplete, a_program_that_is_not_there_is_a_fault_of_ours,
	 a_program_that_does_not_end_is_ended_with_its_children)
