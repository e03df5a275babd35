/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/decide/reconcile.h"

#include <string.h>

#include "broker/sync/decide/decide.h"
#include "broker/sync/decide/partial.h"
#include "broker/sync/want/forecast.h"
#include "common/base/memory.h"

#define BODIES_MAX (1U << 20) /* shapes times shards whose bodies are remembered */
#define NAMED	   3	      /* bindings that lead nowhere, in the plan's line */

/* ---- ClusterRoles ---- */

const struct ush_rbac *ush_cluster_roles_find(const struct ush_cluster_roles *roles, const char *name)
{
	for (size_t i = 0; roles != NULL && i < roles->count; i++)
		if (strcmp(roles->items[i]->name, name) == 0)
			return roles->items[i];
	return NULL;
}

void ush_cluster_roles_free(struct ush_cluster_roles *roles)
{
	for (size_t i = 0; i < roles->count; i++)
		ush_rbac_free(roles->items[i]);
	free(roles->items);
	*roles = (struct ush_cluster_roles){0};
}

/* ---- all objects ---- */

/* Wanted objects first, each beside what is there under its name; then what is there and nobody asked about. */
static void decide_kind(struct ush_decide *d, enum ush_rbac_kind kind)
{
	struct ush_desired *desired = d->desired;
	struct ush_observed *observed = d->in->observed;

	for (size_t i = 0; i < desired->count; i++) {
		const struct ush_shape *shape = ush_wanted_shape(desired, i);

		if (shape->kind != kind)
			continue;
		if (kind == USH_ROLE)
			ush_decide_role(d, i, ush_observed_at(observed, i));
		else if (observed->marks[i] != USH_SAME)
			ush_decide_binding(d, i, ush_observed_at(observed, i));
		else if (d->in->all_objects)
			ush_decide_note(d, kind, ush_wanted_namespace(desired, i), shape->name, ush_decide_body(d, i));
	}
	for (size_t i = 0; i < observed->count; i++) {
		struct ush_seen *seen = &observed->items[i];

		if (seen->kind != kind || ush_desired_find(desired, seen->place, kind, seen->name) != SIZE_MAX)
			continue;
		if (seen->foreign != NULL)
			ush_decide_claimed(d, seen);
		else if (kind == USH_ROLE)
			ush_decide_role(d, SIZE_MAX, seen);
		else
			ush_decide_binding(d, SIZE_MAX, seen);
	}
}

/* ---- what there is to say ---- */

static void tell_grants(struct ush_decide *d)
{
	for (size_t i = 0; i < d->desired->resolved_count; i++) {
		const struct ush_resolved *r = &d->desired->resolved[i];

		if (r->fate == USH_FATE_PRESENT || !ush_decide_concerns(d, r))
			continue;
		if (r->fate == USH_FATE_AMBIGUOUS || r->fate == USH_FATE_REFUSED)
			ush_plan_add(d->plan, USH_CONFLICT, USH_ROLE_BINDING, "", "", ush_strdup(r->why));
		else if ((r->fate == USH_FATE_GONE && !d->mourned[r->grant]) || r->fate == USH_FATE_EARLY || r->fate == USH_FATE_EXCLUDED)
			ush_plan_add(d->plan, USH_NOTE, USH_ROLE_BINDING, "", "", ush_printf("%s: no binding for it", r->why));
	}
	for (size_t i = 0; i < d->desired->clash_count; i++) {
		const struct ush_clash *c = &d->desired->clashes[i];
		const struct ush_resolved *first = &d->desired->resolved[c->first], *second = &d->desired->resolved[c->second];

		ush_plan_add(d->plan, USH_CONFLICT, USH_ROLE_BINDING, d->desired->places->items[c->place].name, first->binding,
			     ush_printf("%s wants another role in this binding than %s, which has it; give it a name of its own",
					d->policy->grants[second->grant].called, d->policy->grants[first->grant].called));
	}
}

static void tell_dangling(struct ush_decide *d)
{
	const struct ush_observed *o = d->in->observed;
	USH_AUTO_BUF line = {0};

	for (size_t i = 0; i < o->dangling.count; i++)
		USH_PUSH(d->plan->dangling, d->plan->dangling_count, ush_plan_text(d->plan, o->dangling.items[i]));
	if (o->dangling_count == 0)
		return;
	ush_buf_printf(&line, "%zu binding%s nowhere: ", o->dangling_count, o->dangling_count == 1 ? " leads" : "s lead");
	for (size_t i = 0; i < o->dangling.count && i < NAMED; i++)
		ush_buf_printf(&line, "%s%s", i > 0 ? "; " : "", o->dangling.items[i]);
	if (o->dangling_count > NAMED)
		ush_buf_printf(&line, "; and %zu more (-o json names them)", o->dangling_count - NAMED);
	ush_plan_add(d->plan, USH_NOTE, USH_ROLE_BINDING, "", "", ush_buf_take(&line));
}

static void tell_forecast(struct ush_decide *d)
{
	struct ush_list lines = {0};

	ush_forecast(d->in->groups, d->policy->source_count, &lines);
	for (size_t i = 0; i < lines.count; i++)
		ush_plan_add(d->plan, USH_NOTE, USH_ROLE_BINDING, "", "", ush_strdup(lines.items[i]));
	ush_list_free(&lines);
}

static void describe_source(struct ush_plan *plan, const struct ush_policy_source *from, const struct ush_groups *groups)
{
	struct ush_plan_source source = {.complete = groups->complete, .groups = groups->count, .people = groups->people, .took_ms = groups->took_ms,
					 .requests = groups->requests};

	source.name = ush_strdup(from->name);
	source.where = ush_strdup(groups->where);
	source.proof = ush_strdup(groups->proof);
	source.why = ush_strdup(groups->why);
	source.advice = ush_strdup(groups->advice);
	memcpy(source.digest, groups->digest, sizeof source.digest);
	USH_PUSH(plan->sources, plan->source_count, source);
	if (groups->complete && groups->count == 0)
		ush_fail(&plan->stop, USH_ERR_INCOMPLETE, "source %s answered with no group at all; that is more likely a fault than the truth, so nothing was concluded and nothing written",
			 from->name);
}

static void describe(const struct ush_reconcile *input, struct ush_plan *plan)
{
	const struct ush_policy *policy = input->desired->policy;

	plan->policy = ush_strdup(policy->name);
	plan->policy_file = ush_strdup(policy->file);
	plan->policy_digest = ush_strdup(policy->digest);
	plan->where = ush_strdup(input->observed->where);
	plan->live = input->observed->live;
	plan->partial = input->partial;
	plan->bindings_ours = input->observed->bindings_ours;
	plan->bindings_others = input->observed->bindings_others;
	plan->namespaces = input->desired->places->known ? (long)input->desired->places->there : -1;
	for (size_t i = 0; i < policy->source_count; i++)
		describe_source(plan, &policy->sources[i], &input->groups[i]);
}

/* ---- the whole ---- */

static int by_group(const void *a, const void *b)
{
	const struct ush_claim *x = a, *y = b;
	int order = strcmp(x->group, y->group);

	return order != 0 ? order : (x->grant > y->grant) - (x->grant < y->grant);
}

static void prepare(struct ush_decide *d)
{
	const struct ush_policy *policy = d->policy;
	size_t bodies = d->desired->shape_count * d->desired->shard_count;

	d->called = ush_decide_called_new(d);
	d->anew = ush_alloc((d->desired->resolved_count + 1) * sizeof *d->anew);
	d->mourned = ush_alloc((policy->grant_count + 1) * sizeof *d->mourned);
	d->ended = ush_alloc((policy->grant_count + 1) * sizeof *d->ended);
	d->peopled = ush_alloc((policy->source_count + 1) * sizeof *d->peopled);
	d->bodies = bodies <= BODIES_MAX ? ush_alloc((bodies + 1) * sizeof *d->bodies) : NULL;
	for (size_t i = 0; i < policy->grant_count; i++)
		if (policy->grants[i].group_pattern != NULL)
			USH_PUSH(d->patterns, d->pattern_count, i);
		else
			USH_PUSH(d->claims, d->claim_count, ((struct ush_claim){policy->grants[i].group, i}));
	if (d->claim_count > 0)
		qsort(d->claims, d->claim_count, sizeof *d->claims, by_group);
	for (size_t i = 0; i < policy->source_count; i++)
		for (size_t j = 0; j < d->in->groups[i].count && !d->peopled[i]; j++)
			d->peopled[i] = d->in->groups[i].items[j].members_known && d->in->groups[i].items[j].members.count > 0;
}

static void clean(struct ush_decide *d)
{
	void *const owned[] = {d->olds, d->ending, d->claims, d->patterns, d->anew, d->mourned, d->ended, d->peopled, d->bodies, d->lost.items, d->gained.items, d->staying.items};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
	ush_decide_called_free(d);
	ush_keys_free(&d->needed);
	ush_keys_free(&d->held);
	ush_keys_free(&d->losses);
	ush_keys_free(&d->harmless);
	ush_keys_free(&d->everybody);
	ush_state_free(&d->stones);
}

void ush_reconcile(const struct ush_reconcile *input, struct ush_plan *plan)
{
	struct ush_decide d = {.in = input, .desired = input->desired, .policy = input->desired->policy, .plan = plan};

	prepare(&d);
	describe(input, plan);
	ush_decide_anew(&d);
	decide_kind(&d, USH_ROLE_BINDING);
	decide_kind(&d, USH_ROLE);
	tell_grants(&d);
	ush_decide_denied(&d);
	tell_dangling(&d);
	ush_decide_circumstances(&d);
	tell_forecast(&d);
	ush_decide_partial(&d);
	if (!input->partial) {
		ush_decide_state(&d);
		ush_decide_sets(&d);
	}
	ush_decide_people_lines(&d);
	ush_decide_brake(&d);
	if (input->observed->live && !input->partial)
		ush_elevations_due(plan, d.desired, &input->observed->elevated); /* no limit counts them */
	ush_plan_finish(plan);
	clean(&d);
}
