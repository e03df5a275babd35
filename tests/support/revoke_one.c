/* SPDX-License-Identifier: Apache-2.0
 *
 * revoke_one POLICY SOURCE PERSON [dry]: ends what a person has at a source, in the real world, and prints what came of it as
 * JSON. Exits as usher-broker does; what went wrong is in "error" and "hint", and what was done before stands beside it.
 */
#include <stdio.h>
#include <string.h>

#include "broker/policy/policy.h"
#include "broker/source/revoke.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/net/real.h"

static json_t *texts(const struct ush_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(array, json_string(list->items[i]));
	return array;
}

static int print(const struct ush_revoked *out, const struct ush_error *err)
{
	json_int_t sessions = out->sessions == SIZE_MAX ? -1 : (json_int_t)out->sessions;
	USH_AUTO_JSON all = json_pack("{s:b, s:b, s:b, s:s?, s:s?, s:s?, s:o, s:o, s:I, s:o, s:o, s:I, s:s, s:s}", "supported", out->supported, "found", out->found,
				      "enabled", out->enabled, "where", out->where, "id", out->id, "name", out->name, "names", texts(&out->names), "groups",
				      texts(&out->groups), "sessions", sessions, "done", texts(&out->done), "left", texts(&out->left), "token_seconds",
				      (json_int_t)out->token_seconds, "error", err->what, "hint", err->hint);

	return all == NULL || json_dumpf(all, stdout, JSON_INDENT(1)) != 0 || puts("") == EOF;
}

static const struct ush_policy_source *source_of(const struct ush_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->source_count; i++)
		if (strcmp(policy->sources[i].name, name) == 0)
			return &policy->sources[i];
	return NULL;
}

int main(int argc, char **argv)
{
	struct ush_list faults = {0};
	struct ush_error err = {0};
	USH_AUTO_POLICY policy = argc >= 4 ? ush_policy_load(argv[1], &faults, &err) : NULL;
	const struct ush_policy_source *source = policy != NULL ? source_of(policy, argv[2]) : NULL;
	USH_AUTO_REVOKED out = {0};
	struct ush_world world;

	ush_list_free(&faults);
	if (source == NULL) {
		fprintf(stderr, "revoke_one POLICY SOURCE PERSON [dry]: %s\n", err.what);
		return 2;
	}
	ush_world_real(&world);
	ush_source_revoke(&world, source, argv[3], argc > 4 && strcmp(argv[4], "dry") == 0, &out, &err);
	ush_world_real_free(&world);
	return print(&out, &err) != 0 ? 8 : ush_code_status(err.code);
}
