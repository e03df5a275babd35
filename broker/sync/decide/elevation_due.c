/* SPDX-License-Identifier: Apache-2.0
 *
 * Which elevations are over. The ledger's word and the cluster's clock; what a binding says of itself decides nothing.
 */
#include <string.h>

#include "broker/sync/decide/denied.h"
#include "broker/sync/decide/elevated.h"
#include "broker/sync/plan/plan.h"
#include "common/base/memory.h"
#include "common/base/moment.h"
#include "common/kube/way.h"

#define SOON 86400 /* s before its end that it is told */

struct due {
	struct ush_plan *plan;
	const struct ush_desired *desired;
	const struct ush_ledger *ledger;
	bool *seen; /* one an entry: its binding is there */
};

static const struct ush_ledger_entry *entry_of(const struct ush_ledger *ledger, const char *key)
{
	const struct ush_ledger_entry *entry = ledger != NULL ? ush_ledger_find(ledger, key) : NULL;

	return entry != NULL && entry->kind == USH_LEDGER_ELEVATED ? entry : NULL;
}

bool ush_elevations_unknown(const struct ush_elevations *elevations, const struct ush_ledger *ledger)
{
	for (size_t i = 0; i < elevations->count; i++)
		if (entry_of(ledger, elevations->items[i].key) == NULL)
			return true;
	return false;
}

/* ---- why one ends ---- */

/* "admin for oidc:bob, by ann: the queue is stuck" */
static char *what(const struct ush_ledger_entry *e)
{
	return ush_printf("%s for %s, by %s: %s", e->role, e->subject, e->by, e->reason);
}

static const struct ush_ledger_entry *denied(const struct ush_desired *d, const struct ush_ledger_entry *e)
{
	const struct ush_ledger_entry *bar = e->group ? ush_denied_group(d, e->source, e->id, e->subject) : ush_denied_person(d, e->subject);

	return bar != NULL ? bar : ush_ledger_bars_namespace(d->ledger, e->namespace_name);
}

static const char *cluster_role(const struct ush_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->role_count; i++)
		if (strcmp(policy->roles[i].name, name) == 0)
			return policy->roles[i].cluster_role;
	return NULL;
}

/* It bears the name that the ledger gave it: whatever else is written into it now, it was made for a time. */
static bool is_named(const struct ush_ledger_entry *e, const struct ush_elevated *seen)
{
	return strcmp(seen->name, e->binding) == 0 && strcmp(seen->namespace_name, e->namespace_name) == 0;
}

/* It is that binding, for that subject, and as far as the policy still knows the role, for that. */
static bool is_that(const struct due *due, const struct ush_ledger_entry *e, const struct ush_elevated *seen)
{
	USH_AUTO_FREE char *subject = ush_printf("%s %s", e->group ? "Group" : "User", e->subject);
	const char *role = cluster_role(due->desired->policy, e->role);

	return is_named(e, seen) && !seen->bare && seen->subject != NULL && strcmp(seen->subject, subject) == 0 &&
	       (role == NULL || (strncmp(seen->role, "ClusterRole/", 12) == 0 && strcmp(seen->role + 12, role) == 0));
}

/* Why the entry holds no more, or NULL. The caller frees. */
static char *over(const struct due *due, const struct ush_ledger_entry *e)
{
	const struct ush_ledger_entry *bar = denied(due->desired, e);
	USH_AUTO_FREE char *who = what(e), *since = ush_moment(e->until), *words = bar != NULL ? ush_ledger_words(bar, due->desired->way) : NULL;

	if (e->ended)
		return ush_printf("ended (%s)", who);
	if (due->desired->now >= e->until)
		return ush_printf("over since %s (%s)", since, who);
	return bar != NULL ? ush_printf("%s is %s (%s)", bar->name, words, who) : NULL;
}

/* ---- one binding, one entry ---- */

static void say(struct due *due, enum ush_action action, const char *namespace_name, const char *name, char *reason)
{
	ush_plan_add(due->plan, action, USH_ROLE_BINDING, namespace_name, name, reason);
}

static void take_away(struct due *due, const struct ush_elevated *seen, char *why)
{
	struct ush_change *change;

	if (seen->terminating) {
		free(why);
		return;
	}
	change = ush_plan_add(due->plan, USH_REMOVE, USH_ROLE_BINDING, seen->namespace_name, seen->name, why);
	change->uid = ush_plan_text(due->plan, seen->uid);
	change->elevation = ush_plan_text(due->plan, seen->key);
	if (seen->subject != NULL)
		ush_change_delta(due->plan, change, false, strchr(seen->subject, ' ') + 1, -1);
}

static void tell_soon(struct due *due, const struct ush_ledger_entry *e)
{
	USH_AUTO_FREE char *until = ush_moment(e->until), *who = what(e);

	if (e->until - due->desired->now <= SOON)
		say(due, USH_NOTE, e->namespace_name, e->binding, ush_printf("ends %s (%s)", until, who));
}

static void judge(struct due *due, const struct ush_elevated *seen)
{
	const struct ush_ledger_entry *e = entry_of(due->ledger, seen->key);
	char *why;

	if (seen->bare && (e == NULL || !is_named(e, seen)))
		return;
	if (seen->foreign != NULL && (e == NULL || !is_named(e, seen))) {
		say(due, USH_CONFLICT, seen->namespace_name, seen->name,
		    ush_printf("bears the mark of an elevation, and is %s: left alone, take it away there", seen->foreign));
		return;
	}
	if (e == NULL) {
		take_away(due, seen, ush_printf("no elevation of the ledger (%s): forged, or ended before", seen->key));
		return;
	}
	why = over(due, e);
	if (!is_that(due, e, seen) && (why == NULL || !is_named(e, seen))) {
		free(why);
		take_away(due, seen, ush_printf("is not what the ledger holds as %s: somebody changed or copied it", seen->key));
		return;
	}
	due->seen[e - due->ledger->items] = true;
	if (why == NULL) {
		if (seen->foreign != NULL)
			say(due, USH_CONFLICT, seen->namespace_name, seen->name, ush_printf("is %s now, and goes when its time is over", seen->foreign));
		tell_soon(due, e);
		return;
	}
	if (!e->ended)
		ush_list_add(&due->plan->over, e->key);
	take_away(due, seen, why);
}

static void judge_unseen(struct due *due, const struct ush_ledger_entry *e)
{
	USH_AUTO_FREE char *why = !e->ended ? over(due, e) : NULL, *who = what(e), *command = ush_way_broker(due->desired->way, "elevate --end %s", e->key);

	if (e->ended)
		return;
	if (why != NULL) {
		ush_list_add(&due->plan->over, e->key);
		say(due, USH_NOTE, e->namespace_name, e->binding, ush_printf("%s; it is gone already", why));
		return;
	}
	say(due, USH_NOTE, e->namespace_name, e->binding, ush_printf("is gone, and would hold still (%s): not made anew; %s", who, command));
}

static void tell_review(struct due *due, const struct ush_ledger_entry *e)
{
	USH_AUTO_FREE char *who = what(e), *since = ush_moment(e->since), *command = ush_way_broker(due->desired->way, "review %s --reason TEXT", e->key);

	if (e->seal != NULL && !e->reviewed)
		say(due, USH_NOTE, e->namespace_name, e->binding,
		    ush_printf("break-glass %s, taken %s, waits for a review (%s): %s", e->seal, since, who, command));
}

/* ---- grants ---- */

static void tell_grants(struct due *due)
{
	const struct ush_policy *policy = due->desired->policy;

	for (size_t i = 0; i < policy->grant_count; i++) {
		const struct ush_grant *grant = &policy->grants[i];
		USH_AUTO_FREE char *until = ush_moment(grant->not_after);

		if (grant->not_after > due->desired->now && grant->not_after - due->desired->now <= SOON && due->desired->first[i] < due->desired->first[i + 1] &&
		    due->desired->resolved[due->desired->first[i]].fate != USH_FATE_ENDED)
			say(due, USH_NOTE, "", "",
			    ush_printf("%s (%s, role %s) ends %s%s%s", grant->called, grant->group != NULL ? grant->group : grant->group_pattern,
				       policy->roles[grant->role].name, until, grant->owner != NULL ? "; its owner is " : "", grant->owner != NULL ? grant->owner : ""));
	}
}

void ush_elevations_due(struct ush_plan *plan, const struct ush_desired *desired, const struct ush_elevations *elevations)
{
	struct due due = {plan, desired, desired->ledger, NULL};
	size_t count = desired->ledger != NULL ? desired->ledger->count : 0;

	due.seen = ush_alloc((count + 1) * sizeof *due.seen);
	for (size_t i = 0; i < elevations->count; i++)
		judge(&due, &elevations->items[i]);
	for (size_t i = 0; i < count; i++)
		if (desired->ledger->items[i].kind == USH_LEDGER_ELEVATED) {
			if (!due.seen[i])
				judge_unseen(&due, &desired->ledger->items[i]);
			tell_review(&due, &desired->ledger->items[i]);
		}
	tell_grants(&due);
	ush_list_sort(&plan->over);
	free(due.seen);
}
