/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/sync.h"

#include <string.h>

#include "broker/sync/observe.h"
#include "broker/sync/reconcile.h"
#include "broker/sync/state_store.h"
#include "common/base/memory.h"

/* The groups of a source whose people matter: those that grants name, and those that bindings of ours hold now. */
static void collect_refs(const struct ush_sync *sync, size_t source, struct ush_list *refs)
{
	const char *name = sync->policy->sources[source].name;

	for (size_t i = 0; i < sync->policy->grant_count; i++)
		if (sync->policy->grants[i].source == source)
			ush_list_add(refs, sync->policy->grants[i].group);
	for (size_t i = 0; i < sync->observed.count; i++) {
		const struct ush_origins *subjects = &sync->observed.items[i].subjects;

		for (size_t j = 0; j < subjects->count; j++)
			if (subjects->items[j].id != NULL && subjects->items[j].source != NULL && strcmp(subjects->items[j].source, name) == 0)
				ush_list_add(refs, subjects->items[j].id);
	}
	ush_list_sort(refs);
}

static int read_sources(struct ush_sync *sync, struct ush_error *err)
{
	sync->groups = ush_alloc((sync->policy->source_count + 1) * sizeof *sync->groups);
	for (size_t i = 0; i < sync->policy->source_count; i++) {
		struct ush_list refs = {0};
		struct ush_source_question question = {.source = &sync->policy->sources[i], .refs = &refs, .how = sync->policy->group_name};
		int result;

		collect_refs(sync, i, &refs);
		result = ush_source_read(sync->world, &question, &sync->groups[i], err);
		ush_list_free(&refs);
		if (result != 0)
			return -1;
	}
	return 0;
}

static int observe(struct ush_sync *sync, char **version, struct ush_error *err)
{
	*version = NULL;
	if (sync->kube == NULL)
		return ush_observe_folder(&sync->observed, sync->desired, sync->folder, err) != 0 ? -1 : ush_state_load_file(&sync->state, sync->folder, sync->policy->name, err);
	if (ush_observe_cluster(&sync->observed, sync->desired, sync->kube, err) != 0)
		return -1;
	return ush_state_load(&sync->state, sync->kube, sync->state_namespace, sync->policy->name, version, err);
}

int ush_sync_plan(struct ush_sync *sync, const char *policy_path, struct ush_error *err)
{
	USH_AUTO_FREE char *version = NULL;
	struct ush_reconcile input;

	sync->policy = ush_policy_load(policy_path, NULL, err);
	if (sync->policy == NULL)
		return -1;
	sync->desired = ush_desired_new(sync->policy, sync->state_namespace);
	if (observe(sync, &version, err) != 0 || read_sources(sync, err) != 0)
		return -1;
	ush_desired_resolve(sync->desired, sync->groups, ush_now(sync->world));
	input = (struct ush_reconcile){.desired = sync->desired, .groups = sync->groups, .observed = &sync->observed, .state = &sync->state,
				       .now = ush_now(sync->world), .all_objects = sync->all_objects};
	sync->plan = ush_new(struct ush_plan);
	sync->plan->server = sync->kube != NULL ? ush_strdup(sync->kube->config->server) : NULL;
	sync->plan->state_namespace = sync->kube != NULL ? ush_strdup(sync->state_namespace) : NULL;
	sync->plan->state_version = ush_steal(&version);
	ush_reconcile(&input, sync->plan);
	return 0;
}

void ush_sync_free(struct ush_sync *sync)
{
	ush_plan_free(sync->plan);
	ush_state_free(&sync->state);
	for (size_t i = 0; sync->groups != NULL && i < sync->policy->source_count; i++)
		ush_groups_free(&sync->groups[i]);
	free(sync->groups);
	ush_observed_free(&sync->observed);
	ush_desired_free(sync->desired);
	ush_policy_free(sync->policy);
	sync->plan = NULL;
	sync->groups = NULL;
	sync->desired = NULL;
	sync->policy = NULL;
}
