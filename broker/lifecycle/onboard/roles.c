/* SPDX-License-Identifier: Apache-2.0
 *
 * Roles, and when all of them are there RoleBindings, as the sync's plan for these namespaces has them. Only what is new is
 * written; what stands otherwise is for the next run of apply, which weighs it.
 */
#include <string.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/batch.h"

struct giving {
	struct ush_onboard *onboard;
	const struct ush_plan *plan;
	enum ush_rbac_kind kind; /* of this pass */
	size_t at;
	size_t *rows; /* of onboard->roles, one a change; SIZE_MAX: none */
};

/* ---- what is to be done ---- */

static size_t space_of(const struct ush_onboard *onboard, const char *name)
{
	for (size_t i = 0; i < onboard->space_count; i++)
		if (strcmp(onboard->spaces[i].name, name) == 0)
			return i;
	return SIZE_MAX;
}

static char *groups_in(const struct ush_change *change)
{
	struct ush_buf out = {0};

	for (uint32_t i = 0; i < change->added_count; i++)
		ush_buf_printf(&out, "%s%s", i > 0 ? ", " : "", change->added[i].text);
	return ush_buf_take(&out);
}

/* What apply would do is not done by us, and must not read as if it was. */
static char *why_left(const struct ush_change *change)
{
	bool ours_to_change = change->action == USH_CHANGE || change->action == USH_REPLACE;

	if (change->reason[0] == '\0')
		return ush_strdup("stands there otherwise: the next usher-broker apply decides");
	return ours_to_change ? ush_printf("left to the next usher-broker apply (%s)", change->reason) : ush_strdup(change->reason);
}

static void add_row(struct giving *g, size_t number, size_t space)
{
	static const enum ush_onboard_outcome outcomes[USH_ACTION_COUNT] = {
		[USH_CREATE] = USH_ONBOARD_UNTRIED, [USH_CHANGE] = USH_ONBOARD_WAITS, [USH_REPLACE] = USH_ONBOARD_WAITS, [USH_PENDING] = USH_ONBOARD_WAITS,
		[USH_CONFLICT] = USH_ONBOARD_FOREIGN,
	};
	const struct ush_change *change = &g->plan->changes[number];
	struct ush_onboard_role row = {.space = space, .kind = change->kind, .name = ush_strdup(change->name), .text = groups_in(change)};
	bool creates = change->action == USH_CREATE && !change->consent, stopped = creates && g->plan->stop.code != USH_OK;
	USH_AUTO_FREE char *left = creates ? NULL : why_left(change);

	row.thing.outcome = stopped || change->consent ? USH_ONBOARD_WAITS : creates && g->onboard->dry != USH_DRY_NONE ? USH_ONBOARD_WOULD_CREATE : outcomes[change->action];
	row.thing.why = stopped ? ush_strdup(g->plan->stop.what) : ush_steal(&left);
	g->rows[number] = g->onboard->role_count;
	USH_PUSH(g->onboard->roles, g->onboard->role_count, row);
}

static void add_rows(struct giving *g)
{
	const char *last = "";
	size_t space = SIZE_MAX;

	for (size_t i = 0; i < g->plan->change_count; i++) {
		const struct ush_change *change = &g->plan->changes[i];

		g->rows[i] = SIZE_MAX;
		if (change->namespace_name[0] == '\0' || change->action == USH_NOTE || change->action == USH_REMOVE ||
		    change->action == USH_KEEP || change->action == USH_HOLD) /* takes something away, or might: not ours to do */
			continue;
		if (strcmp(change->namespace_name, last) != 0)
			space = space_of(g->onboard, change->namespace_name);
		last = change->namespace_name;
		if (space != SIZE_MAX)
			add_row(g, i, space);
	}
}

/* ---- writing ---- */

static struct ush_onboard_role *row_of(const struct giving *g, size_t number)
{
	return &g->onboard->roles[g->rows[number]];
}

/* A binding whose Role could not be written, or stands there otherwise, would refer to nothing, or to what somebody else puts
 * there: "everything". And nobody is let in before what keeps the namespace apart is there. */
static bool lacks_something(const struct giving *g, size_t space)
{
	static const bool as_wanted[USH_ONBOARD_OUTCOMES] = {[USH_ONBOARD_CREATED] = true, [USH_ONBOARD_UNCHANGED] = true, [USH_ONBOARD_WOULD_CREATE] = true};

	for (size_t i = 0; i < json_array_size(g->onboard->objects); i++)
		if (g->onboard->spaces[space].things[i].outcome == USH_ONBOARD_FAILED)
			return true;
	for (size_t i = 0; i < g->onboard->role_count; i++) {
		const struct ush_onboard_role *row = &g->onboard->roles[i];

		if (row->space == space && row->kind == USH_ROLE && !as_wanted[row->thing.outcome])
			return true;
	}
	return false;
}

/* A Role, too, goes nowhere without the mark: the next run of the sync would find that nobody wants it. A dry run has none. */
static bool waits(const struct giving *g, struct ush_onboard_role *row)
{
	bool marked = g->onboard->spaces[row->space].marked || g->onboard->dry != USH_DRY_NONE;
	const char *why = !marked							   ? "until all that keeps its namespace apart stands"
			  : row->kind == USH_ROLE_BINDING && lacks_something(g, row->space) ? "for what could not be written in its namespace, or stands there otherwise"
											   : NULL;

	if (why != NULL)
		row->thing = (struct ush_onboard_thing){USH_ONBOARD_WAITS, ush_strdup(why)};
	return why != NULL;
}

static bool next(void *context, struct ush_kube_task *task, int64_t *wait_ms)
{
	struct giving *g = context;

	(void)wait_ms;
	for (; g->at < g->plan->change_count; g->at++) {
		const struct ush_change *change = &g->plan->changes[g->at];
		struct ush_onboard_role *row;

		if (g->rows[g->at] == SIZE_MAX || change->kind != g->kind || row_of(g, g->at)->thing.outcome != USH_ONBOARD_UNTRIED)
			continue;
		row = row_of(g, g->at);
		if (waits(g, row))
			continue;
		task->verb = USH_KUBE_CREATE;
		task->path = ush_rbac_list_path(change->kind, change->namespace_name);
		ush_change_body(g->plan, change, NULL, &task->body);
		task->item = (void *)(uintptr_t)change;
		g->at++;
		return true;
	}
	return false;
}

static void done(void *context, const struct ush_kube_task *task, const struct ush_kube_result *result)
{
	struct giving *g = context;
	const struct ush_change *change = task->item;
	struct ush_onboard_thing *thing = &row_of(g, (size_t)(change - g->plan->changes))->thing;

	if (result->end == USH_KUBE_DONE)
		thing->outcome = result->answer == NULL ? USH_ONBOARD_CREATED : USH_ONBOARD_UNCHANGED;
	else if (result->end == USH_KUBE_STANDS && result->answer != NULL)
		*thing = (struct ush_onboard_thing){USH_ONBOARD_FOREIGN, ush_strdup("another of that name stands there: look with usher-broker plan")};
	else if (result->end == USH_KUBE_STANDS || result->end == USH_KUBE_MISSING)
		*thing = (struct ush_onboard_thing){USH_ONBOARD_FAILED, ush_strdup("it, or its namespace, went away meanwhile: run this again")};
	else
		*thing = (struct ush_onboard_thing){USH_ONBOARD_FAILED, ush_strdup(result->err.what)};
	ush_onboard_wrote(g->onboard, ush_rbac_kind_name(change->kind), change->namespace_name, change->name, change, thing->outcome);
}

/* ---- what waits ---- */

static const struct ush_resolved *resolved_as(const struct ush_sync *sync, const struct ush_template_role *role, const char *group)
{
	const struct ush_desired *desired = sync->desired;

	for (uint32_t i = desired->first[role->grant]; i < desired->first[role->grant + 1]; i++) {
		const struct ush_resolved *r = &desired->resolved[i];

		if (r->group != NULL && ush_name_refers(group, r->group->id, r->group->name, r->group->path, sync->policy->group_name))
			return r;
	}
	return NULL;
}

/* Why nobody is bound on account of a role of the template; NULL: somebody is. The caller frees. */
static char *held_up(struct ush_onboard *onboard, const struct ush_sync *sync, const struct ush_template_role *role, const char *group)
{
	const struct ush_policy_source *source = &sync->policy->sources[role->source];
	const struct ush_groups *groups = &sync->groups[role->source];
	const struct ush_resolved *resolved = resolved_as(sync, role, group);

	if (resolved != NULL && resolved->fate == USH_FATE_PRESENT)
		return NULL;
	if (resolved != NULL && resolved->why != NULL)
		return ush_strdup(resolved->why);
	if (ush_groups_trusted(groups))
		return ush_printf("source %s has no such group yet", source->name);
	onboard->incomplete = true;
	return ush_printf("source %s is incomplete: %s", source->name, groups->why != NULL ? groups->why : "it lists no group at all");
}

static void add_waiting(struct ush_onboard *onboard, const struct ush_sync *sync)
{
	for (size_t i = 0; i < onboard->template->role_count; i++) {
		const struct ush_template_role *role = &onboard->template->roles[i];
		USH_AUTO_FREE char *group = ush_onboard_group(role->group, onboard->values), *line = NULL;
		USH_AUTO_FREE char *why = held_up(onboard, sync, role, group);

		if (why == NULL)
			continue;
		line = ush_printf("%s for %s: %s", sync->policy->roles[role->role].name, group, why);
		ush_list_add(&onboard->waiting, line);
	}
	for (size_t i = 0; i < sync->policy->source_count; i++)
		if (!ush_groups_trusted(&sync->groups[i]) && onboard->incomplete_why == NULL) {
			onboard->incomplete = true;
			onboard->incomplete_why = ush_printf("source %s is incomplete: %s", sync->policy->sources[i].name,
							     sync->groups[i].why != NULL ? sync->groups[i].why : "it lists no group at all");
		}
}

/* What a dry run says would be made, and would not. */
static void forecast(struct giving *g)
{
	for (size_t i = 0; i < g->onboard->role_count; i++)
		if (g->onboard->roles[i].thing.outcome == USH_ONBOARD_WOULD_CREATE)
			waits(g, &g->onboard->roles[i]);
}

void ush_onboard_give(struct ush_onboard *onboard, const struct ush_sync *sync)
{
	static const enum ush_rbac_kind passes[] = {USH_ROLE, USH_ROLE_BINDING};
	struct giving g = {.onboard = onboard, .plan = sync->plan};
	const struct ush_kube_batch batch = {&g, next, done, NULL, NULL};

	g.rows = ush_alloc((sync->plan->change_count + 1) * sizeof *g.rows);
	add_rows(&g);
	add_waiting(onboard, sync);
	forecast(&g);
	for (size_t i = 0; i < USH_COUNT(passes) && onboard->dry == USH_DRY_NONE && onboard->stopped.code == USH_OK; i++) {
		g.kind = passes[i];
		g.at = 0;
		ush_kube_many(onboard->kube, &batch, &onboard->stopped);
	}
	free(g.rows);
}
