/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/sync/apply/apply.h"
#include "broker/sync/decide/elevated.h"
#include "common/base/memory.h"

/* A break-glass that nobody reviewed stays in the ledger, and holds nothing. */
static int forget(void *context, struct ush_ledger *ledger, struct ush_error *err)
{
	const struct ush_list *over = context;
	int changed = 0;

	(void)err;
	for (size_t i = 0; i < over->count; i++) {
		struct ush_ledger_entry *entry = ush_ledger_find(ledger, over->items[i]);

		if (entry == NULL || entry->kind != USH_LEDGER_ELEVATED || entry->ended)
			continue;
		if (entry->seal != NULL && !entry->reviewed)
			entry->ended = true;
		else
			ush_ledger_drop(ledger, over->items[i]);
		changed = 1;
	}
	return changed;
}

static void end(struct ush_applied *applied, const struct ush_change *change, size_t number, const char *why)
{
	USH_AUTO_FREE char *line = why != NULL ? ush_printf("%s %s/%s: %s", ush_rbac_kind_name(change->kind), change->namespace_name, change->name, why) : NULL;
	enum ush_outcome outcome = why != NULL ? USH_OUTCOME_FAILED : USH_OUTCOME_DONE;

	if (why != NULL)
		ush_list_add(&applied->failed, line);
	applied->done += why == NULL;
	applied->outcomes[number] = (unsigned char)outcome;
	if (applied->watcher.ended != NULL)
		applied->watcher.ended(applied->watcher.context, change, outcome, why);
}

/* Whatever version of it stands there: who writes into it again and again keeps nothing by that. */
static void take_away(const struct ush_kube *kube, const struct ush_plan *plan, struct ush_applied *applied, size_t number)
{
	const struct ush_change *change = &plan->changes[number];
	USH_AUTO_FREE char *path = ush_rbac_path(change->kind, change->namespace_name, change->name);
	struct ush_error why = {0};
	int status;

	if (ush_kube_delete(kube, path, change->uid, NULL, &status, &why) != 0)
		end(applied, change, number, why.what);
	else
		end(applied, change, number, status == 409 ? "another one stands there since the plan" : NULL);
}

void ush_elevations_end(const struct ush_kube *kube, const struct ush_plan *plan, struct ush_applied *applied)
{
	struct ush_error why = {0};

	if (plan->over.count > 0 && ush_ledger_change(kube, plan->state_namespace, plan->policy, forget, (void *)&plan->over, &why) != 0)
		ush_list_add(&applied->failed, why.what);
	for (size_t i = 0; i < plan->change_count; i++)
		if (plan->changes[i].elevation != NULL && plan->changes[i].action == USH_REMOVE)
			take_away(kube, plan, applied, i);
}

bool ush_elevations_any_over(const struct ush_plan *plan)
{
	for (size_t i = 0; i < plan->change_count; i++)
		if (plan->changes[i].elevation != NULL)
			return true;
	return plan->over.count > 0;
}

void ush_elevations_end_alone(const struct ush_kube *kube, const struct ush_plan *plan, struct ush_applied *applied)
{
	struct ush_watcher watcher = applied->watcher;

	*applied = (struct ush_applied){.watcher = watcher, .outcomes = ush_alloc(plan->change_count + 1)};
	for (size_t i = 0; i < plan->change_count; i++)
		applied->total += plan->changes[i].elevation != NULL;
	ush_elevations_end(kube, plan, applied);
}
