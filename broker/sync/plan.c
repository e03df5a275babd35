/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/plan.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static void free_change(struct ush_change *change)
{
	char *const owned[] = {change->namespace_name, change->name, change->reason, change->uid, change->resource_version, change->stand_in};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
	for (size_t i = 0; i < change->added_count; i++)
		free(change->added[i].text);
	for (size_t i = 0; i < change->removed_count; i++)
		free(change->removed[i].text);
	free(change->added);
	free(change->removed);
	json_decref(change->object);
}

static void free_source(struct ush_plan_source *source)
{
	char *const owned[] = {source->name, source->where, source->proof, source->why, source->advice};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
}

void ush_plan_free(struct ush_plan *plan)
{
	if (plan == NULL)
		return;
	char *const owned[] = {plan->policy, plan->policy_file, plan->policy_digest, plan->where, plan->server, plan->state_namespace, plan->state_version};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
	for (size_t i = 0; i < plan->source_count; i++)
		free_source(&plan->sources[i]);
	for (size_t i = 0; i < plan->change_count; i++)
		free_change(&plan->changes[i]);
	for (size_t i = 0; i < plan->for_people_count; i++)
		free(plan->for_people[i]);
	for (size_t i = 0; i < plan->object_count; i++)
		json_decref(plan->objects[i]);
	free(plan->objects);
	free(plan->sources);
	free(plan->changes);
	free(plan->for_people);
	ush_state_free(&plan->state);
	free(plan);
}

struct ush_change *ush_plan_add(struct ush_plan *plan, enum ush_action action, enum ush_rbac_kind kind, const char *namespace_name, const char *name,
				char *reason)
{
	struct ush_change change = {.action = action, .kind = kind, .namespace_name = ush_strdup(namespace_name), .name = ush_strdup(name)};

	change.reason = reason != NULL ? reason : ush_strdup("");
	USH_PUSH(plan->changes, plan->change_count, change);
	return &plan->changes[plan->change_count - 1];
}

void ush_change_delta(struct ush_change *change, bool added, const char *text, long people)
{
	struct ush_delta delta = {ush_strdup(text), people};

	if (added)
		USH_PUSH(change->added, change->added_count, delta);
	else
		USH_PUSH(change->removed, change->removed_count, delta);
}

size_t ush_plan_count(const struct ush_plan *plan, enum ush_action action)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->change_count; i++)
		count += plan->changes[i].action == action;
	return count;
}

bool ush_plan_writes(const struct ush_plan *plan)
{
	return plan->state_changed || ush_plan_count(plan, USH_CREATE) + ush_plan_count(plan, USH_CHANGE) + ush_plan_count(plan, USH_REPLACE) +
						      ush_plan_count(plan, USH_REMOVE) > 0;
}

static int by_action(const void *a, const void *b)
{
	const struct ush_change *x = a, *y = b;
	int order = (int)x->action - (int)y->action;

	if (order == 0)
		order = ush_key_order(x->namespace_name, x->kind, x->name, y->namespace_name, y->kind, y->name);
	return order != 0 ? order : strcmp(x->reason, y->reason);
}

void ush_plan_finish(struct ush_plan *plan)
{
	USH_AUTO_JSON json = NULL;
	USH_AUTO_FREE char *text = NULL;

	if (plan->change_count > 0)
		qsort(plan->changes, plan->change_count, sizeof *plan->changes, by_action);
	json = ush_plan_to_json(plan);
	json_object_del(json, "hash");
	json_object_del(json, "seal");
	json_object_del(json, "sources"); /* how long a source took, and who is in other groups, is not what a plan is about */
	text = ush_json_canonical(json);
	ush_sha256_hex(text, strlen(text), plan->hash);
}

/* The first source that was not read whole, as an error. */
static bool incomplete(const struct ush_plan *plan, struct ush_error *err)
{
	for (size_t i = 0; i < plan->source_count; i++) {
		const struct ush_plan_source *source = &plan->sources[i];

		if (source->complete)
			continue;
		ush_fail(err, USH_ERR_INCOMPLETE, "source %s is incomplete: %s; nothing is removed on its account", source->name, source->why);
		if (source->advice != NULL)
			ush_hint(err, "%s", source->advice);
		return true;
	}
	return false;
}

enum ush_code ush_plan_verdict(const struct ush_plan *plan, struct ush_error *err)
{
	size_t conflicts = ush_plan_count(plan, USH_CONFLICT);

	if (plan->stop.code != USH_OK) {
		*err = plan->stop;
		return err->code;
	}
	if (incomplete(plan, err))
		return err->code;
	if (ush_plan_writes(plan) || ush_plan_count(plan, USH_PENDING) > 0)
		return USH_DIFFERENCES;
	if (conflicts > 0)
		ush_fail(err, USH_ERR_REFUSED, "%zu conflict%s left alone; the lines with ? say why", conflicts, conflicts > 1 ? "s are" : " is");
	return err->code;
}
