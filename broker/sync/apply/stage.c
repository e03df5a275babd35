/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/apply/stage.h"

#include <string.h>

#include "broker/sync/plan/order.h"
#include "common/base/memory.h"

void ush_job_free(struct ush_job *job)
{
	ush_proof_free(job->proof);
	free(job->uid);
	free(job->version);
	free(job->widening);
	free(job);
}

static void wait_here(struct ush_run *run, struct ush_job *job)
{
	job->next = NULL;
	*run->last = job;
	run->last = &job->next;
}

/* The first job that is due, taken off the line; *wait_ms is when the first of the others is. */
static struct ush_job *due(struct ush_run *run, int64_t *wait_ms)
{
	int64_t now = ush_boot_ms(run->kube->world);

	for (struct ush_job **at = &run->waiting; *at != NULL; at = &(*at)->next) {
		struct ush_job *job = *at;

		if (job->due_ms > now) {
			*wait_ms = *wait_ms < 0 || job->due_ms - now < *wait_ms ? job->due_ms - now : *wait_ms;
			continue;
		}
		*at = job->next;
		if (*at == NULL)
			run->last = at;
		return job;
	}
	return NULL;
}

static struct ush_job *begin(struct ush_run *run)
{
	while (run->at < run->plan->change_count) {
		const struct ush_change *change = &run->plan->changes[run->at++];
		enum ush_step step = run->first(run, change);
		struct ush_job *job;

		if (step == USH_STEP_END)
			continue;
		job = ush_new(struct ush_job);
		job->change = change;
		job->step = step;
		if (step == USH_STEP_PROVE_ROLE)
			job->step = ush_proof_begin(run, job);
		if (job->step != USH_STEP_END)
			return job;
		ush_job_free(job);
	}
	return ush_order_parked(run);
}

/* ---- the batch's callbacks ---- */

static bool next(void *context, struct ush_kube_task *task, int64_t *wait_ms)
{
	struct ush_run *run = context;
	struct ush_job *job = due(run, wait_ms);

	if (job == NULL)
		job = begin(run);
	if (job == NULL)
		return false;
	task->item = job;
	ush_step_make(run, job, task);
	return true;
}

static void done(void *context, const struct ush_kube_task *task, const struct ush_kube_result *result)
{
	struct ush_run *run = context;
	struct ush_job *job = task->item;

	if (job == NULL) {
		ush_lease_took(&run->lease, result);
		return;
	}
	job->step = ush_step_took(run, job, result);
	if (job->step != USH_STEP_END && job->parked)
		ush_order_park(run, job);
	else if (job->step != USH_STEP_END)
		wait_here(run, job);
	else
		ush_job_free(job);
}

static bool urgent(void *context, struct ush_kube_task *task)
{
	struct ush_run *run = context;

	return ush_lease_due(&run->lease, task);
}

static int may(void *context, struct ush_error *err)
{
	struct ush_run *run = context;

	return ush_lease_holds(&run->lease, err);
}

/* ---- a stage ---- */

/* So many changes of the stage were never begun. */
static size_t untried(struct ush_run *run)
{
	size_t count = 0;

	for (; run->at < run->plan->change_count; run->at++)
		count += run->first(run, &run->plan->changes[run->at]) != USH_STEP_END;
	for (const struct ush_job *job = run->parked; job != NULL; job = job->next)
		count++;
	return count;
}

static int broken_off(struct ush_run *run, const struct ush_error *why, struct ush_error *err)
{
	size_t count = untried(run);
	char number[32];

	for (struct ush_job *job; (job = run->waiting) != NULL;) {
		run->waiting = job->next;
		count++;
		ush_job_free(job);
	}
	run->applied->stopped |= why->code == USH_ERR_DECLINED;
	if (count > 0)
		ush_fail(err, why->code, "%s; %s change%s not tried", why->what, ush_thousands(count, number, sizeof number), count == 1 ? " was" : "s were");
	else
		ush_fail(err, why->code, "%s", why->what);
	return why->hint[0] != '\0' ? ush_hint(err, "%s", why->hint) : -1;
}

int ush_stage_run(struct ush_run *run, enum ush_step (*first)(struct ush_run *run, const struct ush_change *change), struct ush_error *err)
{
	const struct ush_kube_batch batch = {run, next, done, urgent, may};
	struct ush_error why = {0};

	run->first = first;
	run->at = 0;
	run->waiting = NULL;
	run->last = &run->waiting;
	if (ush_kube_many(run->kube, &batch, &why) == 0)
		return 0;
	return broken_off(run, &why, err);
}
