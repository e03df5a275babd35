/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/apply/apply.h"

#include <string.h>

#include "broker/sync/apply/applyset.h"
#include "broker/sync/decide/denied.h"
#include "broker/sync/decide/elevated.h"
#include "broker/sync/plan/order.h"
#include "broker/sync/state/store.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define PROOFS_MOST 16 /* of what was made or changed; what replaces another is always proved */

void ush_applied_free(struct ush_applied *applied)
{
	ush_list_free(&applied->failed);
	free(applied->no_proof);
	free(applied->outcomes);
	*applied = (struct ush_applied){0};
}

/* ---- the phases ---- */

static enum ush_step proofs(struct ush_run *run, const struct ush_change *change)
{
	bool adds = (change->action == USH_CREATE || change->action == USH_CHANGE) && change->added_count > 0;
	enum ush_phase phase = run->phase == USH_PHASE_TURN_OVER ? USH_PHASE_TURN : run->phase;

	if (!adds || ush_phase_of(change) != phase || change->kind != USH_ROLE_BINDING || run->proofs_left == 0 ||
	    run->applied->outcomes[change - run->plan->changes] != USH_OUTCOME_DONE)
		return USH_STEP_END;
	run->proofs_left -= change->added_count < run->proofs_left ? change->added_count : run->proofs_left;
	return USH_STEP_PROVE_ROLE;
}

/* What gives access is shown to work before anything is taken away. */
static int write_all(struct ush_run *run, struct ush_error *err)
{
	run->proofs_left = PROOFS_MOST;
	for (enum ush_phase phase = USH_PHASE_ROLES; phase < USH_PHASE_COUNT; phase++) {
		bool proves = phase == USH_PHASE_GIVE || phase == USH_PHASE_TURN_OVER;

		ush_order_begin(run, phase);
		if (ush_stage_run(run, ush_order_first, err) != 0)
			return -1;
		if (proves && run->applied->failed.count == 0 && ush_stage_run(run, proofs, err) != 0)
			return -1;
	}
	return 0;
}

static void add_names(struct ush_list *list, const char *names)
{
	USH_AUTO_FREE char *text = ush_strdup(names != NULL ? names : "");
	char *rest = text;

	for (char *name = strsep(&rest, ","); name != NULL; name = strsep(&rest, ","))
		if (*name != '\0')
			ush_list_add(list, name);
}

/* Both lists of namespaces, with commas, in one. The caller frees. */
static char *united(const char *a, const char *b)
{
	struct ush_list names = {0};
	struct ush_buf text = {0};

	add_names(&names, a);
	add_names(&names, b);
	ush_list_sort(&names);
	for (size_t i = 0; i < names.count; i++)
		ush_buf_printf(&text, "%s%s", i > 0 ? "," : "", names.items[i]);
	ush_list_free(&names);
	return ush_buf_take(&text);
}

static bool takes(const struct ush_plan *plan)
{
	for (size_t i = 0; i < plan->change_count; i++) {
		enum ush_phase phase = ush_phase_of(&plan->changes[i]);

		if (phase >= USH_PHASE_TURN && phase < USH_PHASE_COUNT)
			return true;
	}
	return false;
}

/* Who was seen to be gone is known whatever becomes of the objects; where objects of ours are, and under which marks, is
 * known only when all is done. The state borrows all but the list of namespaces, which is the caller's to free. */
static struct ush_state state_so_far(const struct ush_run *run, char **namespaces)
{
	struct ush_state state = run->plan->state;

	*namespaces = united(run->plan->state.namespaces, run->before.namespaces);
	state.shards = run->before.shards;
	state.namespaces = *namespaces;
	return state;
}

static int save(const struct ush_run *run, const struct ush_state *state, const char *version, struct ush_error *err)
{
	struct ush_state noted = *state;

	if (run->plan->partial) /* it knows nothing of all other namespaces */
		return 0;
	if (run->before.ledger != NULL)
		noted.ledger = run->before.ledger;
	return ush_state_save(&noted, run->kube, run->plan->state_namespace, run->plan->policy, version, err);
}

/* What is noted of the ledger stays: a person takes it back, nobody else. */
static void keep_note(struct ush_run *run, struct ush_state *there)
{
	free(run->before.ledger);
	run->before.ledger = ush_steal(&there->ledger);
}

/* Whose a name was is noted before it is taken out: a run that is killed in between would forget it, and the name pass to
 * another group unasked. */
static int note_first(struct ush_run *run, struct ush_error *err)
{
	USH_AUTO_FREE char *namespaces = NULL;
	struct ush_state state = state_so_far(run, &namespaces);

	run->noted = run->plan->stones_changed && takes(run->plan);
	return run->noted ? save(run, &state, run->plan->state_version, err) : 0;
}

static bool same_state(const struct ush_state *a, const struct ush_state *b)
{
	USH_AUTO_FREE char *a_text = ush_state_text(a), *b_text = ush_state_text(b);

	return strcmp(a_text, b_text) == 0 && a->namespaces != NULL && b->namespaces != NULL && strcmp(a->namespaces, b->namespaces) == 0;
}

static void save_state(struct ush_run *run)
{
	const struct ush_plan *plan = run->plan;
	bool failed = run->applied->failed.count > 0;
	USH_AUTO_FREE char *namespaces = NULL, *version = NULL;
	struct ush_state so_far = state_so_far(run, &namespaces);
	USH_AUTO_STATE noted = {0};
	struct ush_error why = {0};
	int result;

	if ((!plan->state_changed && !plan->notes_ledger) || (run->noted && (failed || same_state(&so_far, &plan->state))))
		return;
	result = run->noted ? ush_state_load(&noted, run->kube, plan->state_namespace, plan->policy, &version, &why) : 0;
	if (noted.ledger != NULL) /* offboard was quicker */
		keep_note(run, &noted);
	if (result != 0 || save(run, failed ? &so_far : &plan->state, run->noted ? version : plan->state_version, &why) != 0)
		ush_list_add(&run->applied->failed, why.what);
}

/* The state is as the plan found it: no other run was there in between. */
static int check_state(const struct ush_kube *kube, const struct ush_plan *plan, struct ush_state *state, struct ush_error *err)
{
	USH_AUTO_FREE char *version = NULL;

	if (ush_state_load(state, kube, plan->state_namespace, plan->policy, &version, err) != 0)
		return -1;
	if ((version == NULL) != (plan->state_version == NULL) || (version != NULL && strcmp(version, plan->state_version) != 0)) {
		ush_fail(err, USH_ERR_REFUSED, "another run changed the tombstones since the plan was made; nothing was written");
		return ush_hint(err, "Plan again");
	}
	return 0;
}

static size_t left(const struct ush_run *run)
{
	size_t count = 0;

	for (size_t i = 0; i < run->plan->change_count; i++)
		count += run->applied->outcomes[i] == USH_OUTCOME_HELD_BACK ||
			 (run->plan->changes[i].action == USH_REMOVE && run->applied->outcomes[i] == USH_OUTCOME_UNTRIED);
	return count;
}

static void carry_out(struct ush_run *run)
{
	struct ush_applied *applied = run->applied;
	struct ush_error why = {0}, lost = {0};

	if (note_first(run, &why) != 0 || ush_applyset_write(run->kube, run->plan, true, &why) != 0 || write_all(run, &why) != 0)
		ush_list_add(&applied->failed, why.what);
	if (why.code != USH_ERR_DECLINED && ush_lease_holds(&run->lease, &lost) == 0)
		save_state(run);
	if (applied->failed.count == 0 && ush_applyset_write(run->kube, run->plan, false, &why) != 0)
		ush_list_add(&applied->failed, why.what);
	applied->removals_left = left(run);
}

int ush_apply(const struct ush_kube *kube, const struct ush_plan *plan, const char *holder, struct ush_applied *applied, struct ush_error *err)
{
	struct ush_run run = {.kube = kube, .plan = plan, .applied = applied};
	int64_t began = ush_boot_ms(kube->world);
	struct ush_error since = {0};
	int result;

	*applied = (struct ush_applied){.watcher = applied->watcher, .pending = ush_plan_count(plan, USH_PENDING)};
	for (size_t i = 0; i < plan->change_count; i++)
		applied->total += plan->changes[i].action < USH_KEEP;
	if (!ush_plan_writes(plan))
		return 0;
	applied->outcomes = ush_alloc(plan->change_count + 1);
	ush_elevations_end(kube, plan, applied);
	result = ush_lease_take(&run.lease, kube, plan->state_namespace, holder, err);
	if (result == 0)
		result = check_state(kube, plan, &run.before, err); /* who had the lease before us may have changed it since we looked */
	applied->busy = run.lease.busy || (result != 0 && err->code == USH_ERR_REFUSED && run.lease.object != NULL);
	if (result == 0)
		result = ush_denied_since(kube, plan, run.before.ledger, "nothing was written. Run again", err);
	if (result == 0)
		carry_out(&run);
	if (result == 0 && ush_denied_since(kube, plan, run.before.ledger, "what was written meanwhile may give them something again. Run again", &since) != 0)
		ush_list_add(&applied->failed, since.what);
	ush_lease_release(&run.lease);
	ush_asked_free(&run);
	ush_order_end(&run);
	ush_state_free(&run.before);
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

struct check { /* of every change whether it finds what the plan saw */
	const struct ush_kube *kube;
	const struct ush_plan *plan;
	size_t at;
	struct ush_error moved; /* the first that does not */
};

static bool next_check(void *context, struct ush_kube_task *task, int64_t *wait_ms)
{
	struct check *check = context;
	struct ush_change *change;

	(void)wait_ms;
	while (check->at < check->plan->change_count && ush_phase_of(&check->plan->changes[check->at]) == USH_PHASE_COUNT)
		check->at++;
	if (check->at == check->plan->change_count || check->moved.code != USH_OK)
		return false;
	change = &check->plan->changes[check->at++];
	task->verb = USH_KUBE_GET;
	task->path = ush_rbac_path(change->kind, change->namespace_name, change->name);
	task->item = change;
	return true;
}

static void took_check(void *context, const struct ush_kube_task *task, const struct ush_kube_result *result)
{
	struct check *check = context;
	const struct ush_change *change = task->item;
	const json_t *metadata = ush_json_object(result->answer, "metadata");
	const char *uid = ush_json_string(metadata, "uid"), *version = ush_json_string(metadata, "resourceVersion");

	if (result->end != USH_KUBE_DONE && result->end != USH_KUBE_MISSING)
		ush_fail(&check->moved, result->err.code, "%s", result->err.what);
	else if (change->action == USH_CREATE && result->end == USH_KUBE_DONE)
		moved(change, "is there now", &check->moved);
	else if (change->action != USH_CREATE && result->end == USH_KUBE_MISSING)
		moved(change, "is gone", &check->moved);
	else if (change->action != USH_CREATE &&
		 (change->uid == NULL || change->resource_version == NULL || uid == NULL || version == NULL || strcmp(uid, change->uid) != 0 ||
		  strcmp(version, change->resource_version) != 0))
		moved(change, "changed", &check->moved);
}

static int check_changes(const struct ush_kube *kube, const struct ush_plan *plan, struct ush_error *err)
{
	struct check check = {.kube = kube, .plan = plan};
	const struct ush_kube_batch batch = {&check, next_check, took_check, NULL, NULL};

	if (ush_kube_many(kube, &batch, err) != 0)
		return -1;
	if (check.moved.code == USH_OK)
		return 0;
	*err = check.moved;
	return -1;
}

int ush_apply_check(const struct ush_kube *kube, const struct ush_plan *plan, struct ush_error *err)
{
	USH_AUTO_STATE state = {0};

	if (check_changes(kube, plan, err) != 0 || check_state(kube, plan, &state, err) != 0)
		return -1;
	return ush_denied_since(kube, plan, state.ledger, "nothing was written. Plan again", err);
}
