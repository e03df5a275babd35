/* SPDX-License-Identifier: Apache-2.0
 *
 * usher-broker groups: what the sources say, and whether they said all of it.
 */
#include <stdio.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static struct ush_broker_options options = {.output = "text"};
static bool all_members;

static const struct ush_option rows[] = {
	USH_OPTION_POLICY(options),
	{"members", 0, USH_OPTION_FLAG, NULL, "read the members of every group, not only of those that are granted something", &all_members},
	USH_OPTION_OUTPUT(options, "text|json"),
	{NULL},
};

static json_t *group_json(const struct ush_policy *policy, const struct ush_group *group)
{
	USH_AUTO_FREE char *text = ush_name_group(policy, group->id, group->name, group->path);
	json_t *members = group->members_known ? json_array() : json_null();

	for (size_t i = 0; group->members_known && i < group->members.count; i++)
		json_array_append_new(members, json_string(group->members.items[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:I}", "id", group->id, "name", group->name, "path", group->path, "subject", text, "members", members,
			 "disabled", (json_int_t)group->disabled);
}

static json_t *source_json(const struct ush_policy *policy, const char *name, const struct ush_groups *groups)
{
	json_t *list = json_array();

	for (size_t i = 0; i < groups->count; i++)
		json_array_append_new(list, group_json(policy, &groups->items[i]));
	return json_pack("{s:s, s:s, s:b, s:o, s:o, s:s, s:o}", "name", name, "where", groups->where, "complete", groups->complete, "proof",
			 groups->proof != NULL ? json_string(groups->proof) : json_null(), "why",
			 groups->why != NULL ? json_string(groups->why) : json_null(), "digest", groups->digest, "groups", list);
}

static void say_groups(struct ush_buf *out, const struct ush_policy *policy, const struct ush_groups *groups)
{
	int width = 24;

	for (size_t i = 0; i < groups->count; i++)
		width = (int)strlen(groups->items[i].path) > width && strlen(groups->items[i].path) <= 60 ? (int)strlen(groups->items[i].path) : width;
	ush_buf_printf(out, "%-*s  %-36s  %-7s  %s\n", width, "GROUP", "ID", "PEOPLE", "AT THE API SERVER");
	for (size_t i = 0; i < groups->count; i++) {
		const struct ush_group *group = &groups->items[i];
		USH_AUTO_FREE char *text = ush_name_group(policy, group->id, group->name, group->path), *safe = ush_text_safe(text);
		USH_AUTO_FREE char *path = ush_text_safe(group->path), *id = ush_text_safe(group->id);
		char people[32] = "-";

		if (group->members_known)
			snprintf(people, sizeof people, "%zu", group->members.count);
		ush_buf_printf(out, "%-*s  %-36s  %-7s  %s\n", width, path, id, people, safe);
	}
}

static void say_source(struct ush_buf *out, const char *name, const struct ush_groups *groups)
{
	USH_AUTO_FREE char *where = ush_text_safe(groups->where), *why = ush_text_safe(groups->complete ? groups->proof : groups->why);
	char number[32];

	ush_buf_printf(out, "\nsource %s  %s: %s group%s, %s: %s\n", name, where, ush_thousands(groups->count, number, sizeof number),
		       groups->count == 1 ? "" : "s", groups->complete ? "complete" : "INCOMPLETE", why);
}

static int read_source(const struct ush_world *world, const struct ush_policy *policy, size_t i, struct ush_groups *groups, struct ush_error *err)
{
	struct ush_list refs = {0};
	struct ush_source_question question = {.source = &policy->sources[i], .refs = &refs, .how = policy->group_name, .all_members = all_members};
	int result;

	for (size_t j = 0; j < policy->grant_count; j++)
		if (policy->grants[j].source == i)
			ush_list_add(&refs, policy->grants[j].group);
	result = ush_source_read(world, &question, groups, err);
	ush_list_free(&refs);
	return result;
}

static int run(size_t count, char **operands, struct ush_error *err)
{
	USH_AUTO_BROKER broker = {0};
	USH_AUTO_POLICY policy = NULL;
	USH_AUTO_BUF out = {0};
	USH_AUTO_JSON json = json_array();
	struct ush_error incomplete = {0};

	if (ush_broker_need_policy(&options, err) != 0 || (policy = ush_policy_load(options.policy, NULL, err)) == NULL ||
	    ush_broker_open(&broker, &options, false, err) != 0)
		return -1;
	for (size_t i = 0; i < policy->source_count; i++) {
		USH_AUTO_GROUPS groups = {0};
		const char *name = policy->sources[i].name;

		if (count > 0 && strcmp(operands[0], name) != 0)
			continue;
		if (read_source(&broker.world, policy, i, &groups, err) != 0)
			return -1;
		json_array_append_new(json, source_json(policy, name, &groups));
		say_groups(&out, policy, &groups);
		say_source(&out, name, &groups);
		if (!groups.complete) {
			ush_fail(&incomplete, USH_ERR_INCOMPLETE, "source %s is incomplete: %s", name, groups.why);
			if (groups.advice != NULL)
				ush_hint(&incomplete, "%s", groups.advice);
		}
	}
	if (json_array_size(json) == 0)
		return ush_fail(err, USH_ERR_USAGE, "%s has no source %s", policy->file, operands[0]);
	if (strcmp(options.output, "json") == 0 ? ush_broker_print_json(json, err) != 0 : ush_broker_print(out.data, err) != 0)
		return -1;
	*err = incomplete;
	return 0;
}

const struct ush_verb ush_verb_groups = {"groups", "[SOURCE]", "show the groups that the sources have, and whether that is all of them", rows, 0, 1, run};
