/* SPDX-License-Identifier: Apache-2.0
 *
 * One Role whose rules the policy writes.
 */
#include <string.h>

#include "broker/sync/decide/decide.h"
#include "common/base/memory.h"
#include "common/data/json.h"

void ush_decide_from_seen(struct ush_decide *d, struct ush_change *change, const struct ush_seen *seen)
{
	change->uid = ush_plan_text(d->plan, seen->uid);
	change->resource_version = ush_plan_text(d->plan, seen->resource_version);
}

void ush_decide_note(struct ush_decide *d, enum ush_rbac_kind kind, const char *namespace_name, const char *name, size_t body)
{
	struct ush_object note = {kind, ush_plan_text(d->plan, namespace_name), ush_plan_text(d->plan, name), body, false};

	USH_PUSH(d->plan->objects, d->plan->object_count, note);
}

static size_t make_body(struct ush_decide *d, size_t wanted, const char *applyset)
{
	const struct ush_shape *shape = ush_wanted_shape(d->desired, wanted);
	const struct ush_policy_role *role = &d->policy->roles[shape->role];
	USH_AUTO_ORIGINS origins = {0};
	USH_AUTO_JSON object = NULL;
	struct ush_list people = {0};
	struct ush_binding_parts parts = {ush_wanted_role_kind(role), ush_wanted_role_name(role), role->name, applyset, &origins, NULL};

	if (shape->kind == USH_ROLE) {
		object = ush_role_json(d->policy, role, applyset);
	} else {
		ush_shape_origins(d->desired, shape, &origins);
		if (d->policy->layout == USH_LAYOUT_USERS) {
			ush_shape_people(d->desired, shape, &people);
			parts.people = &people;
		}
		object = ush_binding_json(d->policy, &parts);
		ush_list_free(&people);
	}
	return ush_plan_body(d->plan, object);
}

size_t ush_decide_body(struct ush_decide *d, size_t wanted)
{
	size_t shard = d->desired->shard_of[d->desired->items[wanted].place], at = d->desired->items[wanted].shape * d->desired->shard_count + shard;

	if (d->bodies == NULL)
		return make_body(d, wanted, d->desired->applysets[shard]);
	if (d->bodies[at] == 0)
		d->bodies[at] = (uint32_t)make_body(d, wanted, d->desired->applysets[shard]);
	return d->bodies[at];
}

/* What stands where the Role of a wanted binding is wanted, and is not just so; NULL: nothing, or it is a ClusterRole. */
static const struct ush_seen *role_of(const struct ush_decide *d, size_t wanted_binding)
{
	const struct ush_policy_role *role = &d->policy->roles[ush_wanted_shape(d->desired, wanted_binding)->role];
	size_t at = role->cluster_role == NULL ? ush_desired_find(d->desired, d->desired->items[wanted_binding].place, USH_ROLE, role->name) : SIZE_MAX;

	return at != SIZE_MAX ? ush_observed_at(d->in->observed, at) : NULL;
}

bool ush_decide_blocked(const struct ush_decide *d, size_t wanted_binding)
{
	const struct ush_seen *seen = role_of(d, wanted_binding);

	if (seen == NULL || seen->foreign == NULL || (seen->same_access && seen->same_marks))
		return false;
	return !(d->policy->drift == USH_DRIFT_ADOPT && seen->adoptable && seen->same_access);
}

static bool by_another_hand(const struct ush_seen *seen)
{
	return seen->manager != NULL && strcmp(seen->manager, USH_MANAGED_BY) != 0;
}

const struct ush_seen *ush_decide_widened(const struct ush_decide *d, size_t wanted_binding)
{
	const struct ush_seen *seen = d->policy->drift == USH_DRIFT_REPORT ? role_of(d, wanted_binding) : NULL;

	return seen != NULL && seen->foreign == NULL && !seen->same_access && by_another_hand(seen) ? seen : NULL;
}

/* ---- a Role that nobody wants just so ---- */

static bool anything_unknown(const struct ush_decide *d)
{
	for (size_t i = 0; i < d->policy->source_count; i++)
		if (!ush_groups_trusted(&d->in->groups[i]))
			return true;
	return false;
}

static const struct ush_policy_role *role_named(const struct ush_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->role_count; i++)
		if (policy->roles[i].cluster_role == NULL && strcmp(policy->roles[i].name, name) == 0)
			return &policy->roles[i];
	return NULL;
}

/* Some binding that only waits for its time still refers to it: its rules are still the policy's. */
static void keep_role(struct ush_decide *d, const struct ush_seen *seen)
{
	const struct ush_policy_role *role = role_named(d->policy, seen->name);
	struct ush_rbac rbac = {.kind = USH_ROLE};
	USH_AUTO_FREE char *meaning = NULL;
	USH_AUTO_JSON object = NULL;
	struct ush_change *change;
	size_t body;

	if (role == NULL)
		return;
	rbac.rules = role->rules;
	rbac.rule_count = role->rule_count;
	meaning = ush_rbac_meaning(&rbac);
	object = ush_role_json(d->policy, role, d->desired->applysets[seen->place != SIZE_MAX ? d->desired->shard_of[seen->place] : 0]);
	body = ush_plan_body(d->plan, object);
	if (d->in->all_objects)
		ush_decide_note(d, USH_ROLE, seen->namespace_name, seen->name, body);
	if (seen->meaning != NULL && strcmp(meaning, seen->meaning) == 0)
		return;
	change = ush_plan_add(d->plan, USH_CHANGE, USH_ROLE, seen->namespace_name, seen->name, ush_strdup("its rules differ"));
	change->body = body;
	ush_decide_from_seen(d, change, seen);
}

static void decide_unwanted(struct ush_decide *d, const struct ush_seen *seen)
{
	const char *binding = ush_observed_referring(d->in->observed, seen->namespace_name, seen->name);
	bool going = seen->terminating || (seen->place != SIZE_MAX && d->desired->places->items[seen->place].terminating);

	if (going || seen->foreign != NULL)
		return;
	if (ush_keys_has(&d->needed, ush_decide_key(seen->namespace_name, seen->name)))
		keep_role(d, seen);
	else if (anything_unknown(d) || (seen->place == SIZE_MAX && d->desired->places->known))
		ush_plan_add(d->plan, USH_HOLD, USH_ROLE, seen->namespace_name, seen->name, ush_strdup("not everything is known; kept as it is"));
	else if (binding != NULL)
		ush_plan_add(d->plan, USH_HOLD, USH_ROLE, seen->namespace_name, seen->name,
			     ush_printf("no grant needs it any more, but somebody else's RoleBinding%s%s refers to it: kept as it is", *binding != '\0' ? " " : "", binding));
	else
		ush_decide_from_seen(d, ush_plan_add(d->plan, USH_REMOVE, USH_ROLE, seen->namespace_name, seen->name, ush_strdup("no binding of ours needs it")), seen);
}

/* ---- a Role that is wanted ---- */

static struct ush_change *change_role(struct ush_decide *d, size_t wanted, const struct ush_seen *seen, char *why)
{
	struct ush_change *change = ush_plan_add(d->plan, USH_CHANGE, USH_ROLE, seen->namespace_name, seen->name, why);

	change->body = ush_decide_body(d, wanted);
	ush_decide_from_seen(d, change, seen);
	return change;
}

static void decide_foreign(struct ush_decide *d, size_t wanted, const struct ush_seen *seen)
{
	if (seen->same_access && seen->same_marks)
		return;
	if (d->policy->drift == USH_DRIFT_ADOPT && seen->adoptable && seen->same_access)
		change_role(d, wanted, seen, ush_printf("adopted: says what we want and nobody manages it (%s)", seen->foreign));
	else
		ush_plan_add(d->plan, USH_CONFLICT, USH_ROLE, seen->namespace_name, seen->name,
			     ush_printf("same name, %s: left alone%s%s", seen->foreign, *seen->advice != '\0' ? "; " : "", seen->advice));
}

static void decide_there(struct ush_decide *d, size_t wanted, const struct ush_seen *seen)
{
	bool other = by_another_hand(seen);

	if (seen->foreign != NULL)
		decide_foreign(d, wanted, seen);
	else if (seen->terminating)
		ush_plan_add(d->plan, USH_PENDING, USH_ROLE, seen->namespace_name, seen->name, ush_strdup("is being deleted just now"));
	else if (other && d->policy->drift == USH_DRIFT_REPORT)
		ush_plan_add(d->plan, USH_NOTE, USH_ROLE, seen->namespace_name, seen->name, ush_printf("changed by %s; left as it is (drift: report)", seen->manager));
	else
		change_role(d, wanted, seen, other ? ush_printf("changed by %s; put back", seen->manager) : ush_strdup("its rules or marks differ"));
}

void ush_decide_role(struct ush_decide *d, size_t wanted, const struct ush_seen *seen)
{
	const struct ush_place *place;
	const char *name;

	if (wanted == SIZE_MAX) {
		decide_unwanted(d, seen);
		return;
	}
	place = &d->desired->places->items[d->desired->items[wanted].place];
	name = ush_wanted_shape(d->desired, wanted)->name;
	if (d->in->all_objects && (seen == NULL || seen->foreign == NULL))
		ush_decide_note(d, USH_ROLE, place->name, name, ush_decide_body(d, wanted));
	if (seen != NULL && !place->terminating)
		decide_there(d, wanted, seen);
	else if (d->in->observed->marks[wanted] != USH_ABSENT || place->terminating)
		return; /* as it should be; or going with its namespace, which its bindings say */
	else if (!place->there)
		ush_plan_add(d->plan, USH_PENDING, USH_ROLE, place->name, name, ush_printf("namespace %s is not there yet", place->name));
	else
		ush_plan_add(d->plan, USH_CREATE, USH_ROLE, place->name, name, NULL)->body = ush_decide_body(d, wanted);
}
