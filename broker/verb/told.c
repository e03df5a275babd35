/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/verb/told.h"

#include <stdio.h>

#include "broker/journal/journal.h"
#include "broker/rights/rights.h"
#include "common/base/memory.h"

/* ---- the beginning ---- */

/* Who the API server takes us for. It costs a request, so only a run that writes asks; without an answer nobody is
 * named. */
static void set_who(const struct ush_carry *carry, const struct ush_plan *plan, json_t *members)
{
	USH_AUTO_FREE char *name = NULL;
	struct ush_error ignored = {0};

	if (plan != NULL && ush_plan_writes(plan) && carry->broker->config != NULL && ush_rights_who(&carry->broker->kube, &name, &ignored) == 0)
		json_object_set_new(members, "who", json_string(name));
}

/* What every line of the run says. Values that are no UTF-8 are left out. */
static void set_common(const struct ush_carry *carry, const struct ush_plan *plan, struct ush_journal *journal)
{
	json_t *common = json_pack("{s:s, s:s?, s:s?, s:s?}", "verb", "apply", "cluster", carry->cluster, "policy",
				   plan != NULL            ? plan->policy
				   : carry->policy != NULL ? carry->policy->name
							   : NULL,
				   "plan", plan != NULL ? plan->hash : NULL);

	if (common == NULL)
		common = json_pack("{s:s}", "verb", "apply");
	if (carry->options->journal != NULL)
		set_who(carry, plan, common);
	ush_journal_common(journal, common);
}

static int begin(const struct ush_carry *carry, const struct ush_plan *plan, const char *holder, struct ush_error *err)
{
	json_t *members = plan != NULL ? ush_account_plan(plan) : json_object();

	if (holder != NULL)
		json_object_set_new(members, "holder", json_string(holder));
	if (plan != NULL && ush_carry_confirmed(carry->confirm, plan)) /* a person said to go past the limits */
		json_object_set_new(members, "confirmed", json_true());
	set_common(carry, plan, carry->broker->journal);
	return ush_journal_add(carry->broker->journal, "run.begin", members, err);
}

int ush_told_begin(struct ush_told *told, const struct ush_carry *carry, const struct ush_plan *plan,
		   const char *holder, struct ush_error *err)
{
	size_t total = 0;

	told->carry = carry;
	told->account.plan = plan;
	if (carry->broker->journal != NULL && begin(carry, plan, holder, err) != 0)
		return ush_hint(err, "Nothing was changed: what is to be logged is not done without the log");
	for (size_t i = 0; i < plan->change_count; i++)
		total += plan->changes[i].action < USH_KEEP;
	ush_progress_begin(&told->progress, "applying", total, ush_boot_ms(&carry->broker->world));
	return 0;
}

/* ---- each change ---- */

void ush_told_ended(void *context, const struct ush_change *change, enum ush_outcome outcome, const char *why)
{
	struct ush_told *told = context;
	struct ush_journal *journal = told->carry->broker->journal;
	struct ush_error kept = {0}; /* by the journal, until it is closed */

	if (journal != NULL)
		ush_journal_add(journal, ush_account_event(change, outcome),
				ush_account_change(&told->account, change, outcome, why), &kept);
	ush_progress_at(&told->progress, ++told->ended, ush_boot_ms(&told->carry->broker->world));
}

void ush_told_written(struct ush_told *told, const struct ush_applied *applied, const char *holder)
{
	const struct ush_carry *carry = told->carry;
	USH_AUTO_EVENTS events = {0};
	struct ush_error why = {0};

	ush_progress_end(&told->progress);
	if (!carry->options->events || applied->stopped)
		return;
	ush_events_of_run(&events, told->account.plan, applied);
	if (ush_events_send(&events, &carry->broker->kube, told->account.plan->state_namespace, holder, &why) != 0) {
		ush_error_at(&why, "warning");
		ush_error_print(stderr, "usher-broker", &why);
	}
}

/* ---- the end ---- */

static void end(const struct ush_carry *carry, const struct ush_applied *applied, const struct ush_error *error)
{
	struct ush_error kept = {0};

	ush_journal_add(carry->broker->journal, "run.end",
			ush_account_end(applied, carry->broker->config, ush_code_status(error->code), error), &kept);
}

void ush_told_end(struct ush_told *told, const struct ush_applied *applied, const struct ush_error *err)
{
	ush_progress_end(&told->progress);
	told->carry->broker->changed |= applied->done > 0;
	if (told->carry->broker->journal != NULL)
		end(told->carry, applied, err);
	ush_account_free(&told->account);
}

void ush_told_nothing(const struct ush_carry *carry, const struct ush_plan *plan, const struct ush_error *err)
{
	struct ush_error kept = {0};

	if (carry->broker->journal != NULL && begin(carry, plan, NULL, &kept) == 0)
		end(carry, NULL, err);
}

/* ---- the log ---- */

int ush_told_open(struct ush_broker *broker, const struct ush_broker_options *options, struct ush_error *err)
{
	broker->changed = false;
	return ush_journal_open(&broker->journal, options->journal, &broker->world, err);
}

int ush_told_close(struct ush_broker *broker, struct ush_error *err)
{
	const char *head = ush_journal_head(broker->journal);
	struct ush_error why = {0};

	if (head != NULL && broker->changed)
		fprintf(stderr, "usher-broker: audit log: its head is now %s\n", head);
	if (ush_journal_close(&broker->journal, &why) == 0)
		return 0;
	if (err->code == USH_OK) {
		*err = why;
		return -1;
	}
	ush_error_print(stderr, "usher-broker", &why);
	return -1;
}
