/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/reconcile.h"

#include <string.h>

#include "broker/sync/decide.h"
#include "common/base/memory.h"
#include "common/data/json.h"

/* ---- one Role ---- */

static bool anything_unknown(const struct ush_decide *d)
{
	for (size_t i = 0; i < d->policy->source_count; i++)
		if (!d->in->groups[i].complete || d->in->groups[i].count == 0)
			return true;
	return false;
}

static void remove_role(struct ush_decide *d, const struct ush_seen *seen)
{
	if (seen->terminating)
		return;
	if (anything_unknown(d))
		ush_plan_add(d->plan, USH_HOLD, USH_ROLE, seen->namespace_name, seen->name, ush_strdup("a source is incomplete; kept as it is"));
	else
		ush_decide_from_seen(ush_plan_add(d->plan, USH_REMOVE, USH_ROLE, seen->namespace_name, seen->name, ush_strdup("no binding of ours needs it")), seen);
}

static void decide_role(struct ush_decide *d, const struct ush_wanted *wanted, const struct ush_seen *seen)
{
	USH_AUTO_JSON object = ush_wanted_json(d->in->desired, wanted, NULL, NULL);
	struct ush_change *change = NULL;
	char digest[65];

	ush_decide_digest(object, digest);
	if (seen == NULL && !ush_observed_has_namespace(d->in->observed, wanted->namespace_name)) {
		ush_plan_add(d->plan, USH_PENDING, USH_ROLE, wanted->namespace_name, wanted->name, ush_printf("namespace %s is not there yet", wanted->namespace_name));
	} else if (seen == NULL) {
		change = ush_plan_add(d->plan, USH_CREATE, USH_ROLE, wanted->namespace_name, wanted->name, NULL);
	} else if (seen->foreign != NULL) {
		if (strcmp(digest, seen->digest) != 0)
			ush_plan_add(d->plan, USH_CONFLICT, USH_ROLE, wanted->namespace_name, wanted->name, ush_printf("same name, %s: left alone", seen->foreign));
	} else if (seen->terminating) {
		ush_plan_add(d->plan, USH_PENDING, USH_ROLE, wanted->namespace_name, wanted->name, ush_strdup("is being deleted just now"));
	} else if (strcmp(digest, seen->digest) != 0) {
		bool other = seen->manager != NULL && strcmp(seen->manager, USH_MANAGED_BY) != 0;

		change = ush_plan_add(d->plan, USH_CHANGE, USH_ROLE, wanted->namespace_name, wanted->name,
				      other ? ush_printf("changed by %s; put back", seen->manager) : ush_strdup("its rules or marks differ"));
		ush_decide_from_seen(change, seen);
	}
	if (d->in->all_objects && (seen == NULL || seen->foreign == NULL))
		USH_PUSH(d->plan->objects, d->plan->object_count, json_incref(object));
	if (change != NULL)
		change->object = ush_steal(&object);
}

/* ---- all of it ---- */

static void block_roles(struct ush_decide *d)
{
	const struct ush_desired *desired = d->in->desired;

	for (size_t i = 0; i < desired->count; i++) {
		const struct ush_wanted *w = &desired->items[i];
		const struct ush_seen *seen = w->kind == USH_ROLE ? ush_observed_find(d->in->observed, w->namespace_name, w->kind, w->name) : NULL;

		if (seen != NULL && seen->foreign != NULL) {
			USH_AUTO_JSON object = ush_wanted_json(desired, w, NULL, NULL);
			char digest[65];

			ush_decide_digest(object, digest);
			d->blocked[i] = strcmp(digest, seen->digest) != 0;
		}
	}
}

/* Wanted objects first, each beside what is there under its name; then what is there and nobody asked about. */
static void decide_kind(struct ush_decide *d, enum ush_rbac_kind kind)
{
	const struct ush_desired *desired = d->in->desired;
	struct ush_observed *observed = d->in->observed;

	for (size_t i = 0; i < desired->count; i++) {
		const struct ush_wanted *w = &desired->items[i];
		struct ush_seen *seen;

		if (w->kind != kind)
			continue;
		seen = ush_observed_find(observed, w->namespace_name, kind, w->name);
		if (kind == USH_ROLE && !d->needed[i])
			continue; /* what is there of it is nobody's wish any more */
		if (seen != NULL)
			seen->wanted = true;
		if (kind == USH_ROLE)
			decide_role(d, w, seen);
		else
			ush_decide_binding(d, w, seen);
	}
	for (size_t i = 0; i < observed->count; i++) {
		struct ush_seen *seen = &observed->items[i];

		if (seen->kind != kind || seen->wanted || seen->foreign != NULL)
			continue;
		if (kind == USH_ROLE)
			remove_role(d, seen);
		else
			ush_decide_binding(d, NULL, seen);
	}
}

/* What there is to say about grants themselves. */
static void tell_grants(struct ush_decide *d)
{
	for (size_t i = 0; i < d->policy->grant_count; i++) {
		const struct ush_resolved *resolved = &d->in->desired->resolved[i];

		if (resolved->fate == USH_FATE_AMBIGUOUS || resolved->fate == USH_FATE_REFUSED)
			ush_plan_add(d->plan, USH_CONFLICT, USH_ROLE_BINDING, "", "", ush_strdup(resolved->why));
		else if ((resolved->fate == USH_FATE_GONE && !d->mourned[i]) || resolved->fate == USH_FATE_EARLY)
			ush_plan_add(d->plan, USH_NOTE, USH_ROLE_BINDING, "", "", ush_printf("%s: no binding for it", resolved->why));
	}
}

static void describe(const struct ush_reconcile *input, struct ush_plan *plan)
{
	const struct ush_policy *policy = input->desired->policy;

	plan->policy = ush_strdup(policy->name);
	plan->policy_file = ush_strdup(policy->file);
	plan->policy_digest = ush_strdup(policy->digest);
	plan->where = ush_strdup(input->observed->where);
	plan->live = input->observed->live;
	plan->bindings_ours = input->observed->bindings_ours;
	plan->bindings_others = input->observed->bindings_others;
	plan->namespaces = input->observed->namespaces_known ? (long)input->observed->namespaces.count : -1;
	for (size_t i = 0; i < policy->source_count; i++) {
		const struct ush_groups *groups = &input->groups[i];
		struct ush_plan_source source = {.complete = groups->complete, .groups = groups->count, .people = groups->people, .took_ms = groups->took_ms};

		source.name = ush_strdup(policy->sources[i].name);
		source.where = ush_strdup(groups->where);
		source.proof = ush_strdup(groups->proof);
		source.why = ush_strdup(groups->why);
		source.advice = ush_strdup(groups->advice);
		memcpy(source.digest, groups->digest, sizeof source.digest);
		USH_PUSH(plan->sources, plan->source_count, source);
		if (groups->complete && groups->count == 0)
			ush_fail(&plan->stop, USH_ERR_INCOMPLETE, "source %s answered with no group at all; that is more likely a fault than the truth, so nothing was concluded and nothing written",
				 policy->sources[i].name);
	}
}

void ush_reconcile(const struct ush_reconcile *input, struct ush_plan *plan)
{
	struct ush_decide d = {.in = input, .policy = input->desired->policy, .plan = plan};

	d.needed = ush_alloc((input->desired->count + 1) * sizeof *d.needed);
	d.blocked = ush_alloc((input->desired->count + 1) * sizeof *d.blocked);
	d.mourned = ush_alloc((d.policy->grant_count + 1) * sizeof *d.mourned);
	d.by_id = ush_alloc((d.policy->source_count + 1) * sizeof *d.by_id);
	for (size_t i = 0; i < d.policy->source_count; i++)
		d.by_id[i] = ush_index_new(&input->groups[i], USH_GROUP_ID);
	describe(input, plan);
	for (size_t i = 0; i < input->observed->count; i++)
		input->observed->items[i].wanted = false;
	block_roles(&d);
	decide_kind(&d, USH_ROLE_BINDING);
	decide_kind(&d, USH_ROLE);
	tell_grants(&d);
	ush_decide_state(&d);
	ush_decide_people_lines(&d);
	ush_decide_brake(&d);
	ush_plan_finish(plan);
	for (size_t i = 0; i < d.policy->source_count; i++)
		ush_index_free(&d.by_id[i]);
	free(d.by_id);
	free(d.needed);
	free(d.blocked);
	free(d.mourned);
	free(d.kept.items);
	free(d.lost.items);
}
