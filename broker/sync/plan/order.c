/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/plan/order.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"

enum ush_phase ush_phase_of(const struct ush_change *change)
{
	bool binding = change->kind == USH_ROLE_BINDING || change->kind == USH_CLUSTER_ROLE_BINDING;

	if (change->action >= USH_KEEP || change->elevation != NULL) /* what was for a time has gone already */
		return USH_PHASE_COUNT;
	if (!binding)
		return change->action == USH_REMOVE ? USH_PHASE_OLD_ROLES : USH_PHASE_ROLES;
	if (change->action == USH_REMOVE)
		return USH_PHASE_REMOVE;
	if (change->action == USH_REPLACE)
		return USH_PHASE_TURN;
	if (change->removed_count == 0)
		return USH_PHASE_GIVE;
	return change->added_count > 0 ? USH_PHASE_TURN : USH_PHASE_TAKE;
}

/* ---- what failed so far ---- */

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static int by_namespace(const void *a, const void *b)
{
	const struct ush_change *const *x = a, *const *y = b;

	return strcmp((*x)->namespace_name, (*y)->namespace_name);
}

static int by_place(const void *a, const void *b)
{
	const struct ush_change *const *x = a, *const *y = b;
	int order = by_namespace(a, b);

	return order != 0 ? order : strcmp((*x)->name, (*y)->name);
}

/* Changes of a namespace need not stand together: they are sorted by action. */
static void find_crossed(struct ush_run *run)
{
	struct ush_list all = {0};

	for (size_t i = 0; i < run->plan->change_count; i++)
		if (ush_phase_of(&run->plan->changes[i]) == USH_PHASE_TURN)
			ush_list_add(&all, run->plan->changes[i].namespace_name);
	if (all.count > 1)
		qsort(all.items, all.count, sizeof *all.items, by_text);
	for (size_t i = 1; i < all.count; i++)
		if (strcmp(all.items[i - 1], all.items[i]) == 0)
			ush_list_add(&run->crossed, all.items[i]);
	ush_list_sort(&run->crossed);
	ush_list_free(&all);
}

void ush_order_begin(struct ush_run *run, enum ush_phase phase)
{
	run->phase = phase;
	run->unwritten_count = 0;
	ush_list_free(&run->held_back);
	for (size_t i = 0; i < run->plan->change_count; i++) {
		const struct ush_change *change = &run->plan->changes[i];
		enum ush_outcome outcome = run->applied->outcomes[i];

		if (outcome == USH_OUTCOME_FAILED || outcome == USH_OUTCOME_ROLELESS)
			ush_list_add(&run->held_back, change->namespace_name);
		if (phase > USH_PHASE_ROLES && outcome != USH_OUTCOME_DONE && ush_phase_of(change) == USH_PHASE_ROLES)
			USH_PUSH(run->unwritten, run->unwritten_count, change);
	}
	ush_list_sort(&run->held_back);
	if (phase == USH_PHASE_TURN)
		find_crossed(run);
	if (run->unwritten_count > 0)
		qsort(run->unwritten, run->unwritten_count, sizeof *run->unwritten, by_place);
}

static const struct ush_change *unwritten(const struct ush_run *run, const struct ush_change *key, int (*order)(const void *a, const void *b))
{
	const struct ush_change **found = run->unwritten_count > 0 ? bsearch(&key, run->unwritten, run->unwritten_count, sizeof *run->unwritten, order) : NULL;

	return found != NULL ? *found : NULL;
}

/* The Role that the binding refers to, when it was to be written and was not; else NULL. */
static const struct ush_change *missing_role(const struct ush_run *run, const struct ush_change *change)
{
	USH_AUTO_JSON object = unwritten(run, change, by_namespace) != NULL ? ush_change_object(run->plan, change, NULL) : NULL;
	const json_t *ref = ush_json_object(object, "roleRef");
	const char *kind = ush_json_string(ref, "kind"), *name = ush_json_string(ref, "name");

	if (kind == NULL || name == NULL || strcmp(kind, "Role") != 0)
		return NULL;
	return unwritten(run, &(struct ush_change){.namespace_name = change->namespace_name, .name = name}, by_place);
}

/* What a binding comes to by its Role alone; UNTRIED: it may be written. */
static enum ush_outcome by_role(struct ush_run *run, const struct ush_change *change)
{
	bool binding = run->phase == USH_PHASE_GIVE || run->phase == USH_PHASE_TURN;
	const struct ush_change *role = binding ? missing_role(run, change) : NULL;
	enum ush_outcome outcome = role != NULL ? run->applied->outcomes[role - run->plan->changes] : USH_OUTCOME_DONE;

	switch (outcome) {
	case USH_OUTCOME_DONE:
		return USH_OUTCOME_UNTRIED;
	case USH_OUTCOME_PENDING:
		run->applied->pending++;
		return outcome;
	case USH_OUTCOME_SKIPPED:
		run->applied->skipped++;
		return outcome;
	default:
		return USH_OUTCOME_ROLELESS;
	}
}

/* ---- a phase ---- */

enum ush_step ush_order_first(struct ush_run *run, const struct ush_change *change)
{
	static const enum ush_step first_steps[] = {
		[USH_CREATE] = USH_STEP_CREATE,
		[USH_CHANGE] = USH_STEP_CHANGE,
		[USH_REPLACE] = USH_STEP_STAND_IN,
		[USH_REMOVE] = USH_STEP_REMOVE,
	};
	enum ush_outcome outcome = USH_OUTCOME_HELD_BACK;

	if (ush_phase_of(change) != run->phase)
		return USH_STEP_END;
	if (run->phase < USH_PHASE_TURN || !ush_list_has(&run->held_back, change->namespace_name))
		outcome = by_role(run, change);
	run->applied->outcomes[change - run->plan->changes] = (unsigned char)outcome;
	if (outcome != USH_OUTCOME_UNTRIED)
		return USH_STEP_END;
	return change->action == USH_CHANGE && ush_order_crosses(run, change) ? USH_STEP_LOOK : first_steps[change->action];
}

/* ---- a phase in two parts ---- */

bool ush_order_crosses(const struct ush_run *run, const struct ush_change *change)
{
	return run->phase == USH_PHASE_TURN && ush_list_has(&run->crossed, change->namespace_name);
}

void ush_order_park(struct ush_run *run, struct ush_job *job)
{
	job->next = run->parked;
	run->parked = job;
}

struct ush_job *ush_order_parked(struct ush_run *run)
{
	struct ush_job *job;

	while (run->phase == USH_PHASE_TURN_OVER && (job = run->parked) != NULL) {
		run->parked = job->next;
		job->parked = false;
		if (!ush_list_has(&run->held_back, job->change->namespace_name))
			return job;
		run->applied->outcomes[job->change - run->plan->changes] = USH_OUTCOME_HELD_BACK;
		ush_job_free(job);
	}
	return NULL;
}

void ush_order_end(struct ush_run *run)
{
	for (struct ush_job *job; (job = run->parked) != NULL;) {
		run->parked = job->next;
		ush_job_free(job);
	}
	ush_list_free(&run->held_back);
	ush_list_free(&run->crossed);
	free(run->unwritten);
}
