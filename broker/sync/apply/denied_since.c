/* SPDX-License-Identifier: Apache-2.0
 *
 * Who was offboarded after a plan was made: what the plan was made from had them in it still.
 */
#include <string.h>

#include "broker/ledger/ledger_store.h"
#include "broker/sync/decide/denied.h"
#include "broker/sync/plan/plan.h"
#include "broker/sync/state/ledger_note.h"
#include "common/base/memory.h"

/* One that learns another spelling is another one. */
static char *mark_of(const struct ush_ledger_entry *entry)
{
	return ush_printf("%s %zu", entry->key, entry->spellings.count);
}

void ush_denied_note(struct ush_plan *plan, const struct ush_ledger *ledger)
{
	plan->denied_known = true;
	for (size_t i = 0; i < ledger->count; i++) {
		USH_AUTO_FREE char *mark = mark_of(&ledger->items[i]);

		if (ledger->items[i].kind != USH_LEDGER_ELEVATED)
			ush_list_add(&plan->denied, mark);
	}
}

static bool is_known(const struct ush_plan *plan, const struct ush_ledger_entry *entry)
{
	USH_AUTO_FREE char *mark = mark_of(entry);

	if (!plan->denied_known) /* it comes from a file that does not say */
		return entry->since < plan->made;
	for (size_t i = 0; i < plan->denied.count; i++)
		if (strcmp(plan->denied.items[i], mark) == 0)
			return true;
	return false;
}

int ush_denied_since(const struct ush_kube *kube, const struct ush_plan *plan, const char *noted, const char *what_of_it, struct ush_error *err)
{
	USH_AUTO_LEDGER ledger = {0};

	if (ush_ledger_load(&ledger, kube, plan->state_namespace, plan->policy, NULL, err) != 0 ||
	    ush_ledger_is_noted(noted != NULL ? noted : plan->state.ledger, &ledger, plan->state_namespace, plan->policy, USH_LEDGER_STOPS, kube->way, err) != 0)
		return -1;
	for (size_t i = 0; i < ledger.count; i++) {
		const struct ush_ledger_entry *e = &ledger.items[i];

		if (e->kind == USH_LEDGER_ELEVATED || is_known(plan, e))
			continue;
		return ush_fail(err, USH_ERR_REFUSED, "%s %.200s was offboarded since the plan was made (%s); %s", ush_ledger_kind_name(e->kind), e->name, e->key, what_of_it);
	}
	return 0;
}
