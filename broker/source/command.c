/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups from a program of the policy's own: what it prints is what a file of groups would hold (file_tree.h). One that
 * ends with another status than 0, prints anything else, or takes too long, is incomplete; the last is ended with all that
 * it started.
 */
#include <string.h>
#include <unistd.h>

#include "broker/source/api.h"
#include "broker/source/file_tree.h"
#include "broker/source/record.h"
#include "broker/source/source.h"
#include "common/base/memory.h"
#include "common/kube/command.h"

#define OUTPUT_MAX (64U << 20)

static char *where(const struct ush_policy_source *source)
{
	return ush_printf("command %s", ush_source_list(source, "command")->items[0]);
}

/* Runs it; false when groups are incomplete already. -1 for a program that is not there: that is wrong on our side. */
static int run(const struct ush_policy_source *source, struct ush_buf *out, struct ush_groups *groups, struct ush_error *err)
{
	const struct ush_list *words = ush_source_list(source, "command");
	USH_AUTO_FREE char *path = strchr(words->items[0], '/') != NULL ? ush_strdup(words->items[0]) : ush_command_find(words->items[0]);
	USH_AUTO_FREE char **argv = ush_alloc((words->count + 1) * sizeof *argv);
	struct ush_command command = {.path = path, .argv = argv, .envp = environ, .alone = true,
				      .deadline_ms = ush_source_number(source, "timeout", USH_API_TIMEOUT) * 1000};
	struct ush_error why = {0};
	int status = 0;

	if (path == NULL || access(path, X_OK) != 0)
		return ush_fail(err, USH_ERR_CONFIG, "%s: no such program", words->items[0]);
	memcpy(argv, words->items, words->count * sizeof *argv);
	if (ush_command_run(&command, out, &status, &why) != 0)
		return ush_groups_incomplete(groups, "%s", why.what);
	if (status > 128)
		return ush_groups_incomplete(groups, "%s was ended by signal %d", words->items[0], status - 128);
	if (status != 0)
		return ush_groups_incomplete(groups, "%s ended with %d", words->items[0], status);
	return 0;
}

/* The same, or what a recording has. */
static int take_output(const struct ush_world *world, const struct ush_policy_source *source, struct ush_buf *out, struct ush_groups *groups, struct ush_error *err)
{
	USH_AUTO_FREE char *request = ush_printf("command %s", ush_source_list(source, "command")->items[0]);
	struct ush_error why = {0};

	if (ush_replaying(world))
		return ush_record_get(world, request, out, &why) == 0 ? 0 : ush_groups_incomplete(groups, "%s", why.what);
	if (run(source, out, groups, err) != 0)
		return -1;
	if (groups->why == NULL && out->length > 0)
		ush_record_put(world, request, out->data, out->length);
	return 0;
}

static int read_command(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups,
			struct ush_error *err)
{
	const char *name = ush_source_list(question->source, "command")->items[0];
	USH_AUTO_BUF out = USH_BUF_MAX(OUTPUT_MAX);

	if (take_output(world, question->source, &out, groups, err) != 0)
		return -1;
	if (groups->why != NULL)
		return 0;
	if (out.length == 0)
		return ush_groups_incomplete(groups, "%s printed nothing: neither groups nor how many there are", name);
	if (strlen(out.data) != out.length)
		return ush_groups_incomplete(groups, "%s printed what is no text", name);
	ush_groups_from_tree(out.data, out.length, name, groups);
	ush_groups_check_ids(name, groups);
	if (groups->why == NULL)
		groups->proof = ush_strdup("it ended well, and its own count");
	return 0;
}

const struct ush_source_ops ush_source_command = {"command", where, read_command};
