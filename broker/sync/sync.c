/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/sync.h"

#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/policy/naming.h"
#include "broker/sync/apply/applyset.h"
#include "broker/sync/decide/denied.h"
#include "broker/sync/look/observe.h"
#include "broker/sync/state/ledger_note.h"
#include "broker/sync/state/store.h"
#include "common/base/memory.h"
#include "common/data/json.h"

/* ---- sources ---- */

static int read_source(struct ush_sync *sync, size_t number, const struct ush_list *refs, const struct ush_list *patterns, struct ush_groups *groups,
		       struct ush_error *err)
{
	struct ush_source_question question = {.source = &sync->policy->sources[number], .refs = refs, .patterns = patterns,
					       .how = sync->policy->group_name, .no_members = sync->no_people};

	return ush_source_read(sync->world, &question, groups, err);
}

static void forget_sources(struct ush_sync *sync)
{
	for (size_t i = 0; sync->groups != NULL && i < sync->policy->source_count; i++)
		ush_groups_free(&sync->groups[i]);
	free(sync->groups);
	sync->groups = NULL;
}

/* The groups that grants name: whose people matter. */
static int read_sources(struct ush_sync *sync, struct ush_error *err)
{
	const struct ush_policy *policy = sync->policy;

	if (sync->groups != NULL)
		return 0;
	sync->groups = ush_alloc((policy->source_count + 1) * sizeof *sync->groups);
	for (size_t i = 0; i < policy->source_count; i++) {
		struct ush_list refs = {0}, patterns = {0};
		int result;

		for (size_t j = 0; j < policy->grant_count; j++)
			if (policy->grants[j].source == i && policy->grants[j].group_pattern != NULL)
				ush_list_add(&patterns, policy->grants[j].group_pattern);
			else if (policy->grants[j].source == i && !policy->grants[j].kubernetes)
				ush_list_add(&refs, policy->grants[j].group);
		ush_list_sort(&refs);
		ush_list_sort(&patterns);
		result = read_source(sync, i, &refs, &patterns, &sync->groups[i], err);
		ush_list_free(&refs);
		ush_list_free(&patterns);
		if (result != 0) {
			forget_sources(sync); /* the next cluster asks anew */
			return -1;
		}
	}
	return 0;
}

/* Ids of groups that bindings hold which differ from what is wanted, and whose people nobody asked about. */
static void collect_strays(const struct ush_sync *sync, size_t source, struct ush_list *ids)
{
	const char *name = sync->policy->sources[source].name;

	for (size_t i = 0; i < sync->observed.count; i++) {
		const struct ush_origins *origins = &sync->observed.items[i].origins;

		for (size_t j = 0; j < origins->count; j++) {
			const struct ush_origin *o = &origins->items[j];
			const struct ush_group *group =
				o->id != NULL && o->source != NULL && strcmp(o->source, name) == 0 ? ush_desired_group(sync->desired, source, o->id) : NULL;

			if (group != NULL && !group->members_known)
				ush_list_add(ids, o->id);
		}
	}
	ush_list_sort(ids);
}

static void take_members(struct ush_groups *to, struct ush_groups *from, const struct ush_list *ids)
{
	struct ush_index index = ush_index_new(from, USH_GROUP_ID);

	for (size_t i = 0; i < to->count; i++) {
		struct ush_group *group = &to->items[i], *again;
		const struct ush_group *const *found;

		if (group->members_known || !ush_list_has(ids, group->id) || ush_index_find(&index, group->id, &found) == 0 || !found[0]->members_known)
			continue;
		again = &from->items[found[0] - from->items];
		ush_members_free(&group->members);
		group->members = again->members;
		group->members_known = true;
		group->disabled = again->disabled;
		group->unresolvable = again->unresolvable;
		again->members = (struct ush_members){0};
	}
	ush_index_free(&index);
}

/*
 * Who loses what is counted in people, also when no grant names their group any more. That such a group is there is seen
 * only when the bindings have been read, so its people are asked for in a second reading; most runs need none. When that
 * one fails they are not known, and the plan says so.
 */
static int read_strays(struct ush_sync *sync, struct ush_error *err)
{
	for (size_t i = 0; i < sync->policy->source_count && !sync->no_people && sync->only == NULL; i++) {
		USH_AUTO_GROUPS again = {0};
		struct ush_list ids = {0};
		int result = 0;

		if (sync->groups[i].complete)
			collect_strays(sync, i, &ids);
		if (ids.count > 0)
			result = read_source(sync, i, &ids, NULL, &again, err);
		if (ids.count > 0 && result == 0 && again.complete)
			take_members(&sync->groups[i], &again, &ids);
		ush_list_free(&ids);
		if (result != 0)
			return -1;
	}
	return 0;
}

/* ---- cluster or folder ---- */

/* Nobody is asked which there are: they were told. */
static int take_places(struct ush_sync *sync, struct ush_error *err)
{
	ush_places_begin(&sync->places, sync->policy);
	sync->places.known = sync->places.few = true;
	for (size_t i = 0; i < sync->only_count; i++) {
		const char *why = ush_name_not_label(sync->only[i].name);

		if (why != NULL)
			return ush_fail(err, USH_ERR_USAGE, "no namespace can be called \"%.64s\", it %s", sync->only[i].name, why);
		ush_places_add(&sync->places, sync->policy, sync->only[i].name, sync->only[i].labels, false);
	}
	ush_places_sort(&sync->places, sync->policy);
	return 0;
}

static int read_places(struct ush_sync *sync, struct ush_error *err)
{
	if (sync->only != NULL)
		return take_places(sync, err);
	if (sync->kube != NULL)
		return ush_observe_places(&sync->places, sync->policy, sync->kube, err);
	return ush_observe_places_in(&sync->places, sync->policy, sync->namespaces != NULL ? sync->namespaces : sync->folder, err);
}

static int read_state(struct ush_sync *sync, char **version, struct ush_error *err)
{
	*version = NULL;
	if (sync->kube == NULL)
		return ush_state_load_file(&sync->state, sync->folder, sync->policy->name, err);
	return ush_state_load(&sync->state, sync->kube, sync->state_namespace, sync->policy->name, version, err);
}

static int read_ledger(struct ush_sync *sync, struct ush_error *err)
{
	int result = sync->kube == NULL ? ush_ledger_load_file(&sync->ledger, sync->folder, sync->policy->name, err)
					: ush_ledger_load(&sync->ledger, sync->kube, sync->state_namespace, sync->policy->name, NULL, err);

	if (result == 0)
		ush_denied_places(&sync->places, &sync->ledger);
	return result;
}

static int observe_few(struct ush_sync *sync, struct ush_error *err)
{
	struct ush_list names = {0};
	int result;

	for (size_t i = 0; i < sync->only_count; i++)
		if (!sync->only[i].is_new)
			ush_list_add(&names, sync->only[i].name);
	result = ush_observe_few(&sync->observed, sync->kube, &names, err);
	ush_list_free(&names);
	return result;
}

static int observe(struct ush_sync *sync, struct ush_error *err)
{
	const char *where = sync->kube != NULL ? ush_observe_host(sync->kube->config->server) : sync->folder;

	ush_observed_begin(&sync->observed, sync->desired, sync->groups, where, sync->kube != NULL);
	if (sync->only != NULL)
		return observe_few(sync, err);
	if (sync->kube == NULL)
		return ush_observe_folder(&sync->observed, sync->folder, err);
	if (ush_observe_cluster_roles(&sync->cluster_roles, &sync->observed, sync->kube, err) != 0)
		return -1;
	return ush_observe_cluster(&sync->observed, sync->kube, err);
}

/* Who elevates writes the ledger and then the binding: one that is there has its entry by now, or none. */
static int read_ledger_again(struct ush_sync *sync, struct ush_error *err)
{
	if (sync->kube == NULL || !ush_elevations_unknown(&sync->observed.elevated, &sync->ledger))
		return 0;
	ush_ledger_free(&sync->ledger);
	return ush_ledger_load(&sync->ledger, sync->kube, sync->state_namespace, sync->policy->name, NULL, err);
}

/* ---- whose state it is ---- */

/* Where nobody's namespace is: a state that somebody made elsewhere is not for us to point at. */
static const char *const homes[] = {"default", "usher-system"};

/* The binding's ApplySet is one of this policy's with its parent there, and the parent is, as far as we may look. */
static bool is_home(const struct ush_sync *sync, const char *space)
{
	USH_AUTO_FREE char *path = ush_state_path(space, sync->policy->name);
	USH_AUTO_JSON map = NULL;
	bool of_it = false;
	int status;

	for (size_t i = 0; i < sync->desired->shard_count && !of_it; i++) {
		USH_AUTO_FREE char *set = ush_name_applyset(sync->desired->shards[i], space, "ConfigMap", "");

		of_it = strcmp(set, sync->observed.ours_set) == 0;
	}
	return of_it && (ush_kube_get(sync->kube, path, &status, &map, &(struct ush_error){0}) != 0 || map != NULL);
}

/* A run that would begin anew beside a state that there is lets in whom that keeps out, and takes for forged what that gave. */
static int check_home(const struct ush_sync *sync, const char *version, struct ush_error *err)
{
	if (sync->kube == NULL || version != NULL || sync->observed.ours_set == NULL)
		return 0;
	for (size_t i = 0; i < USH_COUNT(homes); i++) {
		if (strcmp(homes[i], sync->state_namespace) == 0 || !is_home(sync, homes[i]))
			continue;
		ush_fail(err, USH_ERR_REFUSED, "RoleBinding %.200s is of runs that keep their state in namespace %s, and this one would begin anew in %s, where nobody is kept out and "
			 "nothing was given for a time; nothing was written", sync->observed.ours, homes[i], sync->state_namespace);
		return ush_hint(err, "Say it in the policy: cluster.stateNamespace: %s. How it is moved: usher-policy(5)", homes[i]);
	}
	return 0;
}

/* ---- the plan ---- */

static void find_lost(const struct ush_sync *sync, struct ush_error *lost)
{
	if (sync->kube != NULL)
		ush_ledger_is_noted(sync->state.ledger, &sync->ledger, sync->state_namespace, sync->policy->name, USH_LEDGER_STOPS, sync->way, lost);
	else
		ush_ledger_is_noted_in(sync->folder, sync->state.ledger, &sync->ledger, sync->policy->name, lost);
}

int64_t ush_sync_now(const struct ush_sync *sync)
{
	return sync->kube != NULL ? ush_kube_come(sync->kube) : ush_now(sync->world);
}

static int reconcile(struct ush_sync *sync, char *version, const struct ush_error *lost, struct ush_error *err)
{
	struct ush_reconcile input = {.desired = sync->desired, .groups = sync->groups, .observed = &sync->observed, .state = &sync->state,
				      .cluster_roles = sync->kube != NULL && sync->only == NULL ? &sync->cluster_roles : NULL, .now = sync->desired->now,
				      .state_missing = sync->kube != NULL && version == NULL, .all_objects = sync->all_objects,
				      .partial = sync->only != NULL};

	sync->plan = ush_new(struct ush_plan);
	sync->plan->server = sync->kube != NULL ? ush_strdup(sync->kube->config->server) : NULL;
	sync->plan->state_namespace = sync->kube != NULL ? ush_strdup(sync->state_namespace) : NULL;
	sync->plan->state_version = version;
	sync->plan->made = sync->desired->now;
	sync->plan->no_people = sync->no_people;
	sync->plan->stop = *lost;
	ush_denied_note(sync->plan, &sync->ledger);
	ush_reconcile(&input, sync->plan);
	return sync->kube != NULL ? ush_applyset_read(sync->kube, sync->plan, err) : 0;
}

int ush_sync_plan(struct ush_sync *sync, const char *policy_path, struct ush_error *err)
{
	USH_AUTO_FREE char *version = NULL;
	struct ush_error lost = {0};
	struct ush_wish wish;

	if (sync->policy == NULL)
		sync->policy = ush_policy_load(policy_path, NULL, err);
	if (sync->policy == NULL || read_places(sync, err) != 0 || read_state(sync, &version, err) != 0 || read_sources(sync, err) != 0 || read_ledger(sync, err) != 0)
		return -1; /* the ledger last: whoever is offboarded while the sources are read is out */
	wish = (struct ush_wish){sync->policy, &sync->places, sync->groups, &sync->state, sync->state_namespace, ush_sync_now(sync), &sync->ledger, sync->way};
	sync->desired = ush_desired_new(&wish);
	if (observe(sync, err) != 0 || check_home(sync, version, err) != 0 || read_ledger_again(sync, err) != 0 || read_strays(sync, err) != 0)
		return -1;
	find_lost(sync, &lost);
	if (reconcile(sync, ush_steal(&version), &lost, err) != 0)
		return -1;
	if (lost.code != USH_OK)
		*err = lost;
	return lost.code == USH_OK ? 0 : -1;
}

void ush_sync_next(struct ush_sync *sync)
{
	ush_plan_free(sync->plan);
	ush_cluster_roles_free(&sync->cluster_roles);
	ush_observed_free(&sync->observed);
	ush_desired_free(sync->desired);
	ush_state_free(&sync->state);
	ush_ledger_free(&sync->ledger);
	ush_places_free(&sync->places);
	sync->plan = NULL;
	sync->desired = NULL;
}

void ush_sync_free(struct ush_sync *sync)
{
	ush_sync_next(sync);
	forget_sources(sync);
	ush_policy_free(sync->policy);
	sync->policy = NULL;
}
