/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker groups: what the sources say, and whether they said all of it.
 */
#include <stdio.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/verb/groups_json.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"

static struct ush_broker_options options = {.output = "text"};
static bool all_members, no_people;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"members", 0, USH_OPTION_FLAG, NULL, "read the members of every group, not only of those that are granted something", &all_members},
	{"no-people", 0, USH_OPTION_FLAG, NULL, "read no members at all", &no_people},
	USH_OPTIONS_RECORD(options),
	USH_OPTION_OUTPUT(options, "text|json"),
	{NULL},
};

/* ---- text ---- */

static void say_groups(struct ush_buf *out, const struct ush_policy *policy, const struct ush_groups *groups)
{
	int width = 24, id_width = 2;

	for (size_t i = 0; i < groups->count; i++) {
		int path = (int)strlen(groups->items[i].path), id = (int)strlen(groups->items[i].id);

		width = path > width && path <= 60 ? path : width;
		id_width = id > id_width && id <= 40 ? id : id_width;
	}
	ush_buf_printf(out, "%-*s  %-*s  %-7s  %s\n", width, "GROUP", id_width, "ID", "PEOPLE", "AT THE API SERVER");
	for (size_t i = 0; i < groups->count; i++) {
		const struct ush_group *group = &groups->items[i];
		USH_AUTO_FREE char *text = ush_name_group(policy, group->id, group->name, group->path), *safe = ush_text_safe(text);
		USH_AUTO_FREE char *path = ush_text_safe(group->path), *id = ush_text_safe(group->id);
		char people[32] = "-";

		if (group->members_known)
			snprintf(people, sizeof people, "%zu%s", group->members.count, group->unresolvable > 0 ? "+?" : "");
		ush_buf_printf(out, "%-*s  %-*s  %-7s  %s\n", width, path, id_width, id, people, safe);
	}
}

static void say_number(struct ush_buf *out, size_t number, const char *one, const char *many)
{
	char text[32];

	if (number > 0)
		ush_buf_printf(out, ", %s %s", ush_thousands(number, text, sizeof text), number == 1 ? one : many);
}

static void say_source(struct ush_buf *out, const char *name, const struct ush_groups *groups)
{
	USH_AUTO_FREE char *where = ush_text_safe(groups->where), *why = ush_text_safe(groups->complete ? groups->proof : groups->why);
	char number[32];

	ush_buf_printf(out, "source %s  %s: %s group%s", name, where, ush_thousands(groups->count, number, sizeof number), groups->count == 1 ? "" : "s");
	say_number(out, groups->people, "person", "people");
	say_number(out, groups->disabled, "membership of somebody who may not sign in, left out", "memberships of people who may not sign in, left out");
	say_number(out, groups->unresolvable, "membership without a name", "memberships without a name");
	say_number(out, groups->left_out, "group left out by the policy", "groups left out by the policy");
	ush_buf_printf(out, "\n%s: %s; %lld.%lld s", groups->complete ? "complete" : "INCOMPLETE", why, (long long)groups->took_ms / 1000,
		       (long long)groups->took_ms % 1000 / 100);
	say_number(out, groups->requests, "request", "requests");
	ush_buf_puts(out, "\n");
}

/* ---- reading ---- */

static int read_source(const struct ush_world *world, const struct ush_policy *policy, size_t i, struct ush_groups *groups, struct ush_error *err)
{
	struct ush_list refs = {0}, patterns = {0};
	struct ush_source_question question = {.source = &policy->sources[i], .refs = &refs, .patterns = &patterns, .how = policy->group_name,
					       .all_members = all_members, .no_members = no_people};
	int result;

	for (size_t j = 0; j < policy->grant_count; j++) {
		const struct ush_grant *grant = &policy->grants[j];

		if (grant->source == i)
			ush_list_add(grant->group != NULL ? &refs : &patterns, grant->group != NULL ? grant->group : grant->group_pattern);
	}
	result = ush_source_read(world, &question, groups, err);
	ush_list_free(&refs);
	ush_list_free(&patterns);
	return result;
}

struct telling {
	struct ush_buf text;
	struct ush_groups_told *told; /* one a source that was asked for; with JSON its groups stay until all are read */
	size_t count;
	struct ush_error incomplete; /* the first that is */
};

static void telling_free(struct telling *t)
{
	for (size_t i = 0; i < t->count; i++)
		ush_groups_free(&t->told[i].groups);
	free(t->told);
	ush_buf_free(&t->text);
}

static int tell_source(struct ush_broker *broker, const struct ush_policy *policy, size_t i, struct telling *t, struct ush_error *err)
{
	const char *name = policy->sources[i].name;
	USH_AUTO_GROUPS groups = {0};

	if (read_source(&broker->source_world, policy, i, &groups, err) != 0)
		return -1;
	if (!groups.complete && t->incomplete.code == USH_OK) {
		ush_fail(&t->incomplete, USH_ERR_INCOMPLETE, "source %s is incomplete: %s", name, groups.why);
		if (groups.advice != NULL)
			ush_hint(&t->incomplete, "%s", groups.advice);
	}
	USH_PUSH(t->told, t->count, (struct ush_groups_told){.source = name});
	if (strcmp(options.output, "json") == 0) {
		t->told[t->count - 1].groups = groups;
		groups = (struct ush_groups){0};
		return 0;
	}
	if (t->text.length > 0)
		ush_buf_puts(&t->text, "\n");
	say_groups(&t->text, policy, &groups);
	say_source(&t->text, name, &groups);
	return 0;
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	USH_AUTO_POLICY policy = NULL;
	__attribute__((cleanup(telling_free))) struct telling t = {0};

	if (all_members && no_people)
		return ush_fail(err, USH_ERR_USAGE, "--members and --no-people together: which is it?");
	if (ush_broker_need_policy(&options, err) != 0 || (policy = ush_policy_load(options.policy, NULL, err)) == NULL ||
	    ush_broker_open(&broker, &options, false, err) != 0)
		return -1;
	for (size_t i = 0; i < policy->source_count; i++)
		if ((count == 0 || strcmp(operands[0], policy->sources[i].name) == 0) && tell_source(&broker, policy, i, &t, err) != 0)
			return -1;
	if (t.count == 0)
		return ush_fail(err, USH_ERR_USAGE, "%s has no source %s", policy->file, operands[0]);
	if (ush_broker_recorded(&broker, err) != 0)
		return -1;
	if (strcmp(options.output, "json") == 0 ? ush_groups_print_json(policy, t.told, t.count, err) != 0 : ush_broker_print(t.text.data, err) != 0)
		return -1;
	*err = t.incomplete;
	return 0;
}

const struct ush_verb ush_verb_groups = {"groups", "[SOURCE]", "show the groups that the sources have, and whether that is all of them", rows, 0, 1, run};
