/* SPDX-License-Identifier: Apache-2.0
 *
 * Carrying out: a plan that was just made or comes from a file, and a whole policy. What apply does once, and run again and
 * again.
 */
#include <stdio.h>
#include <string.h>

#include "broker/sync/apply/apply.h"
#include "broker/sync/decide/elevated.h"
#include "broker/verb/told.h"
#include "broker/verb/verb.h"
#include "broker/verb/watch.h"
#include "common/base/memory.h"

/* ---- one plan ---- */

/* Nobody runs unattended with more rights than the policy needs. */
static int check_rights(const struct ush_carry *carry, const struct ush_plan *plan, struct ush_error *err)
{
	USH_AUTO_POLICY own = NULL;
	bool matter;

	if (ush_broker_rights_matter(carry->broker, carry->options->rights, &matter, err) != 0)
		return -1;
	if (!matter || carry->policy != NULL)
		return matter ? ush_broker_check_rights(carry->broker, carry->policy, plan->state_namespace, err) : 0;
	own = ush_plan_file_policy(plan, carry->plan_file, carry->options->policy, &carry->broker->way, err);
	if (own != NULL)
		return ush_broker_check_rights(carry->broker, own, plan->state_namespace, err);
	return ush_hint(err, "Name the policy: -f POLICY. Or apply the plan whatever we may do: --rights any");
}

bool ush_carry_confirmed(const char *confirm, const struct ush_plan *plan)
{
	return confirm != NULL && strlen(confirm) >= 8 && strncmp(plan->hash, confirm, strlen(confirm)) == 0;
}

int ush_carry_out(const struct ush_carry *carry, struct ush_plan *plan, struct ush_applied *applied, struct ush_error *err)
{
	USH_AUTO_FREE char *holder = ush_broker_identity(&carry->broker->world);
	const struct ush_telling telling = {.cluster = carry->cluster, .watch = carry->options->watch, .way = &carry->broker->way};
	size_t held = ush_plan_consent(plan, ush_carry_confirmed(carry->confirm, plan));
	struct ush_told told = {0};
	int result;

	if (carry->options->watch != NULL && !ush_plan_writes(plan)) /* who stays logs what it does, not that it did nothing */
		return ush_apply(&carry->broker->kube, plan, holder, applied, err) == 0 ? ush_broker_tell(&telling, applied, plan, held, err) : -1;
	if (ush_told_begin(&told, carry, plan, holder, err) != 0)
		return -1;
	applied->watcher = (struct ush_watcher){ush_told_ended, &told};
	result = ush_plan_writes(plan) ? check_rights(carry, plan, err) : 0;
	if (result == 0)
		result = ush_apply(&carry->broker->kube, plan, holder, applied, err);
	ush_told_written(&told, applied, holder);
	if (result == 0)
		result = ush_broker_tell(&telling, applied, plan, held, err);
	ush_told_end(&told, applied, err);
	return result;
}

/* ---- a policy ---- */

/* Nothing keeps the plan of this turn from being carried out. */
static int make_plan(struct ush_turn *turn, struct ush_error *err)
{
	const struct ush_plan *plan;

	if (ush_sync_plan(turn->sync, turn->options->policy, err) != 0 || ush_broker_recorded(turn->broker, err) != 0)
		return -1;
	plan = turn->sync->plan;
	if (plan->stop.code != USH_OK) {
		*err = plan->stop;
		if (err->code == USH_ERR_REFUSED)
			ush_plan_file_look(&turn->broker->way, plan, err);
		return -1;
	}
	return 0;
}

/* What was given for a time and is over ends whatever keeps the rest of the plan back. */
static void end_what_is_over(struct ush_turn *turn, const struct ush_carry *carry, const struct ush_plan *plan, const struct ush_error *stop)
{
	USH_AUTO_FREE char *holder = ush_broker_identity(&turn->broker->world);
	struct ush_told told = {0};
	struct ush_error why = {0};

	if (ush_told_begin(&told, carry, plan, holder, &why) != 0) {
		ush_error_print(stderr, "usher-broker", &why);
		return;
	}
	turn->applied.watcher = (struct ush_watcher){ush_told_ended, &told};
	ush_elevations_end_alone(&turn->broker->kube, plan, &turn->applied);
	ush_told_written(&told, &turn->applied, holder);
	for (size_t i = 0; i < turn->applied.failed.count; i++) {
		ush_error_clear(&why);
		ush_fail(&why, USH_ERR_PARTIAL, "failed: %s", turn->applied.failed.items[i]);
		ush_error_print(stderr, "usher-broker", &why);
	}
	if (turn->applied.done > 0)
		fprintf(stderr, "usher-broker: %zu that held for a time %s over: taken away\n", turn->applied.done, turn->applied.done == 1 ? "is" : "are");
	ush_told_end(&told, &turn->applied, stop);
}

static int apply_cluster(struct ush_turn *turn, struct ush_error *err)
{
	const struct ush_carry carry = {turn->broker, turn->options, turn->sync->policy, turn->cluster, NULL, NULL};

	if (make_plan(turn, err) != 0) {
		if (turn->sync->plan != NULL && ush_elevations_any_over(turn->sync->plan))
			end_what_is_over(turn, &carry, turn->sync->plan, err);
		else
			ush_told_nothing(&carry, turn->sync->plan, err);
		return -1;
	}
	turn->carried_out = true;
	return ush_carry_out(&carry, turn->sync->plan, &turn->applied, err);
}

/* Who stays keeps to where it began: the ledger would be left behind, and what was given for a time taken for forged. */
static int stay_in_place(const struct ush_broker_options *options, const struct ush_policy *policy, struct ush_error *err)
{
	struct ush_watch *watch = options->watch;

	if (watch == NULL || ush_watch_place(watch, options->state_namespace))
		return 0;
	ush_fail(err, USH_ERR_REFUSED, "%s means the state in namespace %s now, and this run keeps it in %s; nothing was written", policy->file, options->state_namespace,
		 watch->place);
	return ush_hint(err, "Move it as usher-policy(5) says under stateNamespace, then start usher-broker run anew");
}

int ush_broker_apply_policy(struct ush_broker *broker, const struct ush_broker_options *options, struct ush_error *err)
{
	USH_AUTO_SYNC sync = {.world = &broker->source_world, .no_people = options->no_people};
	struct ush_broker_options settled = *options; /* for this once: the next run reads the policy again */
	int result;

	sync.policy = ush_broker_policy(&settled, err);
	if (sync.policy == NULL || stay_in_place(&settled, sync.policy, err) != 0 || ush_told_open(broker, &settled, err) != 0)
		return -1;
	sync.state_namespace = settled.state_namespace;
	result = ush_broker_each(broker, &settled, &sync, "apply", apply_cluster, NULL, err);
	return ush_told_close(broker, err) == 0 ? result : -1;
}
