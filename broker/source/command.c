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
#include "broker/source/revoke_ask.h"
#include "broker/source/source.h"
#include "common/base/memory.h"
#include "common/kube/command.h"

#define OUTPUT_MAX     (64U << 20)
#define REVOKE_TIMEOUT 60
#define REVOKE_OUTPUT  (64U << 10)
#define REVOKE_NOBODY  4

static char *where(const struct ush_policy_source *source)
{
	return ush_printf("command %s", ush_source_list(source, "command")->items[0]);
}

static char *find_program(const struct ush_list *words, struct ush_error *err)
{
	USH_AUTO_FREE char *path = strchr(words->items[0], '/') != NULL ? ush_strdup(words->items[0]) : ush_command_find(words->items[0]);

	if (path != NULL && access(path, X_OK) == 0)
		return ush_steal(&path);
	ush_fail(err, USH_ERR_CONFIG, "%s: no such program", words->items[0]);
	return NULL;
}

/* Runs it; false when groups are incomplete already. -1 for a program that is not there: that is wrong on our side. */
static int run(const struct ush_policy_source *source, struct ush_buf *out, struct ush_groups *groups, struct ush_error *err)
{
	const struct ush_list *words = ush_source_list(source, "command");
	USH_AUTO_FREE char *path = find_program(words, err);
	USH_AUTO_FREE char **argv = ush_alloc((words->count + 1) * sizeof *argv);
	struct ush_command command = {.path = path, .argv = argv, .envp = environ, .alone = true,
				      .deadline_ms = ush_source_number(source, "timeout", USH_API_TIMEOUT) * 1000};
	struct ush_error why = {0};
	int status = 0;

	if (path == NULL)
		return -1;
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

/* ---- what a person has ---- */

static int run_revoke(const struct ush_revoke *r, const struct ush_list *words, struct ush_buf *out, int *status, struct ush_error *err)
{
	USH_AUTO_FREE char *path = find_program(words, err);
	USH_AUTO_FREE char **argv = ush_alloc((words->count + 2) * sizeof *argv);
	const struct ush_command command = {.path = path, .argv = argv, .envp = environ, .alone = true,
					    .deadline_ms = ush_source_number(r->source, "timeout", REVOKE_TIMEOUT) * 1000};

	if (path == NULL)
		return -1;
	memcpy(argv, words->items, words->count * sizeof *argv);
	argv[words->count] = (char *)r->person;
	return ush_command_run(&command, out, status, err);
}

/* Each line that it printed is something that it did. */
static void tell_lines(struct ush_revoke *r, const char *text)
{
	for (size_t length; *text != '\0'; text += length + (text[length] == '\n')) {
		length = strcspn(text, "\n");
		if (length > 0)
			ush_revoke_done(r, "%.*s", (int)(length < 400 ? length : 400), text);
	}
}

static int revoke_by_command(struct ush_revoke *r, struct ush_error *err)
{
	const struct ush_list *words = ush_source_list(r->source, "revoke");
	USH_AUTO_BUF out = USH_BUF_MAX(REVOKE_OUTPUT);
	int status = 0;

	r->out->supported = words != NULL && words->count > 0 && !ush_replaying(r->world);
	if (!r->out->supported)
		return 0;
	if (*r->person == '-') /* the program would take it for an option */
		return ush_fail(err, USH_ERR_REFUSED, "%.100s: a name that begins with - is given to no program", r->person);
	r->out->sessions = SIZE_MAX;
	r->out->found = r->out->enabled = true;
	ush_revoke_name(r, r->person);
	if (r->dry) {
		ush_revoke_done(r, "what %.100s ends (it was not run)", words->items[0]);
		return 0;
	}
	if (run_revoke(r, words, &out, &status, err) != 0)
		return -1;
	r->out->found = status != REVOKE_NOBODY;
	if (status != 0 && status != REVOKE_NOBODY)
		return ush_fail(err, USH_ERR_REJECTED, "%s ended with %d", words->items[0], status);
	if (status == 0 && out.length == 0)
		ush_revoke_done(r, "what %.100s ends", words->items[0]);
	else if (status == 0)
		tell_lines(r, out.data);
	return 0;
}

const struct ush_source_ops ush_source_command = {"command", where, read_command, revoke_by_command};
