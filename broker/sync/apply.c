/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/apply.h"

#include <string.h>

#include "broker/sync/lease.h"
#include "broker/sync/state_store.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define NAMESPACE_ENDS "because it is being terminated" /* what the API server says; else one such namespace kept every removal back */

struct run {
	const struct ush_kube *kube;
	const struct ush_plan *plan;
	struct ush_applied *applied;
	struct ush_lease lease;
};

void ush_applied_free(struct ush_applied *applied)
{
	ush_list_free(&applied->failed);
	free(applied->no_proof);
	*applied = (struct ush_applied){0};
}

/* ---- what became of one object ---- */

static void failed(struct run *run, const struct ush_change *change, const char *why)
{
	USH_AUTO_FREE char *line = ush_printf("%s %s/%s: %s", ush_rbac_kind_name(change->kind), change->namespace_name, change->name, why);

	ush_list_add(&run->applied->failed, line);
}

static int done(struct run *run)
{
	run->applied->done++;
	return 0;
}

static int missed(struct run *run, const struct ush_change *change, const char *why)
{
	failed(run, change, why);
	return -1;
}

/* ---- the four ways to write ---- */

static int create_named(struct run *run, const struct ush_change *change, const char *name, int *status, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_rbac_list_path(change->kind, change->namespace_name);
	USH_AUTO_JSON object = json_deep_copy(change->object);

	json_object_set_new(json_object_get(object, "metadata"), "name", json_string(name));
	return ush_kube_create(run->kube, path, object, false, status, err);
}

static int write_create(struct run *run, const struct ush_change *change)
{
	struct ush_error why = {0};
	int status = 0;

	if (create_named(run, change, change->name, &status, &why) != 0) {
		if (status != 404 && !(status == 403 && strstr(why.what, NAMESPACE_ENDS) != NULL))
			return missed(run, change, why.what);
		run->applied->pending++; /* the namespace is not there yet, or goes: the next run will find it */
		return 0;
	}
	return status == 409 ? missed(run, change, "somebody made one of this name since the plan; it was left alone") : done(run);
}

static int write_change(struct run *run, const struct ush_change *change)
{
	USH_AUTO_FREE char *path = ush_rbac_path(change->kind, change->namespace_name, change->name), *conflict = NULL;
	USH_AUTO_JSON object = json_deep_copy(change->object);
	json_t *metadata = json_object_get(object, "metadata");
	struct ush_error why = {0};
	int status;

	/* What was there is a precondition: the server answers 409 when it is another object or another version. */
	if (change->uid != NULL)
		json_object_set_new(metadata, "uid", json_string(change->uid));
	if (change->resource_version != NULL)
		json_object_set_new(metadata, "resourceVersion", json_string(change->resource_version));
	if (ush_kube_apply(run->kube, path, object, true, false, &status, &conflict, &why) != 0)
		return missed(run, change, why.what);
	return status == 409 ? missed(run, change, "it changed since the plan; it was left alone") : done(run);
}

static int delete_one(struct run *run, const struct ush_change *change, const char *name, const char *uid, const char *version)
{
	USH_AUTO_FREE char *path = ush_rbac_path(change->kind, change->namespace_name, name);
	struct ush_error why = {0};
	int status;

	if (ush_kube_delete(run->kube, path, uid, version, &status, &why) != 0)
		return missed(run, change, why.what);
	return status == 409 ? missed(run, change, "it changed since the plan; it was not removed") : 0; /* 404: gone is gone */
}

/*
 * Makes the stand-in of a replacement and notes its uid. One that an earlier run left behind is brought up to date; one
 * of somebody else's ends the attempt.
 */
static int write_stand_in(struct run *run, const struct ush_change *change, char **uid, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_rbac_path(change->kind, change->namespace_name, change->stand_in), *conflict = NULL;
	USH_AUTO_JSON object = json_deep_copy(change->object);
	USH_AUTO_JSON there = NULL;
	const char *manager;
	int status;

	if (create_named(run, change, change->stand_in, &status, err) != 0 || ush_kube_get(run->kube, path, &status, &there, err) != 0)
		return -1;
	manager = ush_json_string(ush_json_object(ush_json_object(there, "metadata"), "labels"), USH_LABEL_MANAGED_BY);
	if (manager == NULL || strcmp(manager, USH_MANAGED_BY) != 0)
		return ush_fail(err, USH_ERR_REFUSED, "the name %s, wanted for a moment, is somebody else's", change->stand_in);
	*uid = ush_strdup(ush_json_string(ush_json_object(there, "metadata"), "uid"));
	json_object_set_new(json_object_get(object, "metadata"), "name", json_string(change->stand_in));
	if (json_equal(json_object_get(there, "subjects"), json_object_get(object, "subjects")))
		return 0;
	if (ush_kube_apply(run->kube, path, object, true, false, &status, &conflict, err) != 0)
		return -1;
	return status == 409 ? ush_fail(err, USH_ERR_REFUSED, "%s: %s", change->stand_in, conflict) : 0;
}

/*
 * Another role under the same name: a roleRef cannot be changed. A stand-in with the new role is made first and shown to
 * work, then the old binding goes and the new one takes its name, then the stand-in goes. Broken off anywhere, the group
 * has the access of the old or the new role, and the next run ends what is left.
 */
static int write_replace(struct run *run, const struct ush_change *change)
{
	USH_AUTO_FREE char *uid = NULL;
	struct ush_error why = {0};
	size_t bad = run->applied->failed.count;
	int status = 0;

	if (write_stand_in(run, change, &uid, &why) != 0)
		return missed(run, change, why.what);
	ush_apply_prove(run->kube, change, run->applied);
	if (run->applied->failed.count > bad) {
		delete_one(run, change, change->stand_in, uid, NULL);
		return -1;
	}
	if (delete_one(run, change, change->name, change->uid, change->resource_version) != 0)
		return -1;
	if (create_named(run, change, change->name, &status, &why) != 0 || status == 409)
		return missed(run, change, why.code != USH_OK ? why.what : "somebody took its name just now; the stand-in stays");
	return delete_one(run, change, change->stand_in, uid, NULL) != 0 ? -1 : done(run);
}

static int write_remove(struct run *run, const struct ush_change *change)
{
	return delete_one(run, change, change->name, change->uid, change->resource_version) != 0 ? -1 : done(run);
}

static int (*const writers[USH_ACTION_COUNT])(struct run *run, const struct ush_change *change) = {
	[USH_CREATE] = write_create,
	[USH_CHANGE] = write_change,
	[USH_REPLACE] = write_replace,
	[USH_REMOVE] = write_remove,
};

/* ---- the run ---- */

/* All changes of a kind that add or change, or all that remove. -1 when the lease is lost. */
static int write_kind(struct run *run, enum ush_rbac_kind kind, bool removing)
{
	struct ush_error why = {0};

	for (size_t i = 0; i < run->plan->change_count; i++) {
		const struct ush_change *change = &run->plan->changes[i];

		if (change->kind != kind || writers[change->action] == NULL || (change->action == USH_REMOVE) != removing)
			continue;
		if (ush_lease_keep(&run->lease, &why) != 0)
			return missed(run, change, why.what);
		writers[change->action](run, change);
	}
	return 0;
}

static void prove(struct run *run)
{
	for (size_t i = 0; i < run->plan->change_count; i++) {
		const struct ush_change *change = &run->plan->changes[i];

		if (change->kind == USH_ROLE_BINDING && (change->action == USH_CREATE || change->action == USH_CHANGE) && change->added_count > 0)
			ush_apply_prove(run->kube, change, run->applied);
	}
}

static void write_all(struct run *run)
{
	struct ush_applied *applied = run->applied;

	if (write_kind(run, USH_ROLE, false) != 0 || write_kind(run, USH_ROLE_BINDING, false) != 0)
		return;
	if (applied->failed.count == 0 && applied->pending == 0)
		prove(run);
	if (applied->failed.count == 0) {
		applied->pruned = true;
		if (write_kind(run, USH_ROLE_BINDING, true) == 0 && applied->failed.count == 0)
			write_kind(run, USH_ROLE, true);
	}
}

static void save_state(struct run *run)
{
	struct ush_error why = {0};

	if (!run->plan->state_changed || run->applied->failed.count > 0)
		return;
	if (ush_state_save(&run->plan->state, run->kube, run->plan->state_namespace, run->plan->policy, run->plan->state_version, &why) != 0)
		ush_list_add(&run->applied->failed, why.what);
}

int ush_apply(const struct ush_kube *kube, const struct ush_plan *plan, const char *holder, struct ush_applied *applied, struct ush_error *err)
{
	struct run run = {.kube = kube, .plan = plan, .applied = applied};
	int64_t began = ush_boot_ms(kube->world);
	int result;

	*applied = (struct ush_applied){.pending = ush_plan_count(plan, USH_PENDING)};
	for (size_t i = 0; i < plan->change_count; i++)
		applied->total += writers[plan->changes[i].action] != NULL;
	if (!ush_plan_writes(plan))
		return 0;
	result = ush_lease_take(&run.lease, kube, plan->state_namespace, holder, err);
	if (result == 0) {
		write_all(&run);
		save_state(&run);
		if (!applied->pruned)
			applied->removals_left = ush_plan_count(plan, USH_REMOVE);
	}
	ush_lease_release(&run.lease);
	applied->took_ms = ush_boot_ms(kube->world) - began;
	return result;
}

/* ---- a plan from a file ---- */

static int moved(const struct ush_change *change, const char *how, struct ush_error *err)
{
	ush_fail(err, USH_ERR_REFUSED, "the cluster moved since the plan was made: %s %s/%s %s; nothing was written", ush_rbac_kind_name(change->kind),
		 change->namespace_name, change->name, how);
	return ush_hint(err, "Plan again");
}

static int check_change(const struct ush_kube *kube, const struct ush_change *change, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_rbac_path(change->kind, change->namespace_name, change->name);
	USH_AUTO_JSON object = NULL;
	const json_t *metadata;
	const char *uid, *version;
	int status;

	if (ush_kube_get(kube, path, &status, &object, err) != 0)
		return -1;
	if (change->action == USH_CREATE)
		return object == NULL ? 0 : moved(change, "is there now", err);
	if (object == NULL)
		return moved(change, "is gone", err);
	metadata = ush_json_object(object, "metadata");
	uid = ush_json_string(metadata, "uid");
	version = ush_json_string(metadata, "resourceVersion");
	if (change->uid == NULL || change->resource_version == NULL || uid == NULL || version == NULL || strcmp(uid, change->uid) != 0 ||
	    strcmp(version, change->resource_version) != 0)
		return moved(change, "changed", err);
	return 0;
}

int ush_apply_check(const struct ush_kube *kube, const struct ush_plan *plan, struct ush_error *err)
{
	USH_AUTO_STATE state = {0};
	USH_AUTO_FREE char *version = NULL;

	for (size_t i = 0; i < plan->change_count; i++)
		if (writers[plan->changes[i].action] != NULL && check_change(kube, &plan->changes[i], err) != 0)
			return -1;
	if (ush_state_load(&state, kube, plan->state_namespace, plan->policy, &version, err) != 0)
		return -1;
	if ((version == NULL) != (plan->state_version == NULL) || (version != NULL && strcmp(version, plan->state_version) != 0)) {
		ush_fail(err, USH_ERR_REFUSED, "another run changed the tombstones since the plan was made; nothing was written");
		return ush_hint(err, "Plan again");
	}
	return 0;
}
