/* SPDX-License-Identifier: Apache-2.0
 *
 * One RoleBinding: what is to be written, and what is said about it.
 */
#include <inttypes.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/decide/binding.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define FEW 16 /* groups whose record is short enough whatever they are called */

/* ---- what is said ---- */

/* Lines for subjects that stay although no present group accounts for them. */
static void tell_staying(struct ush_decide *d, struct ush_binding *b)
{
	static const enum ush_action actions[] = {[USH_LEAVE_LATER] = USH_KEEP, [USH_LEAVE_FOLLOW] = USH_NOTE, [USH_LEAVE_UNKNOWN] = USH_HOLD};

	for (size_t i = 0; i < b->leaving_count; i++) {
		struct ush_leaving *l = &b->leaving[i];

		if (l->leave != USH_LEAVE_NOW && l->why != NULL)
			ush_plan_add(d->plan, actions[l->leave], USH_ROLE_BINDING, b->namespace_name, b->name, ush_strdup(l->why));
	}
}

/* ---- what is written ---- */

size_t ush_binding_body(struct ush_decide *d, const struct ush_binding *b, const struct ush_policy_role *role, const struct ush_origins *origins,
			const struct ush_list *people)
{
	const char *slash = role == NULL ? strchr(b->seen->role, '/') : NULL;
	USH_AUTO_FREE char *kind = slash != NULL ? ush_strndup(b->seen->role, (size_t)(slash - b->seen->role)) : NULL;
	USH_AUTO_JSON object = NULL;
	struct ush_binding_parts parts = {.origins = origins, .people = people};

	parts.role_kind = role != NULL ? ush_wanted_role_kind(role) : kind;
	parts.role_name = role != NULL ? ush_wanted_role_name(role) : slash + 1;
	parts.role_said = role != NULL ? role->name : b->seen->role_said;
	parts.applyset = d->desired->applysets[b->place != SIZE_MAX ? d->desired->shard_of[b->place] : 0];
	object = ush_binding_json(d->policy, &parts);
	return ush_plan_body(d->plan, object);
}

/* The body for these groups: the wanted shape's when it is just that, else made for this one. */
static size_t body_of(struct ush_decide *d, const struct ush_binding *b, const struct ush_origins *origins)
{
	if (b->shape != NULL && origins == &b->final && b->pending.count + b->instead == 0 && b->staying + b->following == 0 && !b->people_held)
		return ush_decide_body(d, b->wanted);
	return ush_binding_body(d, b, b->shape != NULL ? &d->policy->roles[b->shape->role] : NULL, origins, ush_binding_of_users(d) ? &b->people : NULL);
}

static void remove_binding(struct ush_decide *d, struct ush_binding *b)
{
	const char *why = "no grant wants it any more";
	struct ush_change *change;

	if (b->leaving_count == 0 && b->people_going == 0)
		why = "has no subject";
	else if (b->leaving_count > 0 && (b->wanted != SIZE_MAX || strcmp(b->leaving[0].why, "no grant wants it") != 0))
		why = b->leaving[0].why;
	b->goes = true;
	ush_binding_count_loss(d, b);
	change = ush_plan_add(d->plan, USH_REMOVE, USH_ROLE_BINDING, b->namespace_name, b->name, ush_strdup(why));
	ush_decide_from_seen(d, change, b->seen);
	ush_binding_deltas(d, b, change);
}

/* Why a binding is written whose groups stay the same. */
static char *why_same(const struct ush_decide *d, const struct ush_binding *b)
{
	if (b->seen->strangers)
		return ush_binding_strangers(d, b);
	if (b->seen->manager != NULL && strcmp(b->seen->manager, USH_MANAGED_BY) != 0)
		return ush_printf("changed by %s; put back", b->seen->manager);
	return ush_strdup("labels or annotations differ");
}

static char *why_of(const struct ush_decide *d, const struct ush_binding *b, enum ush_leave leave)
{
	for (size_t i = 0; i < b->leaving_count; i++)
		if (b->leaving[i].leave == leave && b->leaving[i].why != NULL)
			return ush_strdup(b->leaving[i].why);
	return b->people_going > 0 ? ush_binding_why_people(d, b) : ush_strdup("");
}

/* Each change's own: many of one namespace may go to one role at once, and none may take another's stand-in for its own. A
 * run that is broken off is gone on with under the same name. */
static const char *stand_in_of(struct ush_decide *d, const struct ush_binding *b)
{
	const struct ush_policy_role *role = &d->policy->roles[b->shape->role];
	USH_AUTO_FREE char *hashed = ush_name_binding(d->policy->name, ush_wanted_role_kind(role), ush_wanted_role_name(role)), *name = NULL;
	uint32_t number = (uint32_t)(ush_texts_hash(b->name, strlen(b->name)) >> 32);

	name = ush_printf("%s-%08" PRIx32, hashed, number);
	if (ush_desired_find(d->desired, b->place, USH_ROLE_BINDING, name) != SIZE_MAX) { /* a wanted one bears that name itself */
		free(name);
		name = ush_printf("%s-stand-in-%08" PRIx32, hashed, number);
	}
	return ush_plan_text(d->plan, name);
}

static void replace_binding(struct ush_decide *d, struct ush_binding *b)
{
	const struct ush_policy_role *role = &d->policy->roles[b->shape->role];
	struct ush_change *change = ush_plan_add(d->plan, USH_REPLACE, USH_ROLE_BINDING, b->namespace_name, b->name,
						 ush_printf("refers to %s %s now, to %s before; made anew without a gap", ush_wanted_role_kind(role),
							    ush_wanted_role_name(role), b->seen->role));

	b->goes = true;
	change->body = body_of(d, b, &b->final);
	change->stand_in = stand_in_of(d, b);
	ush_decide_from_seen(d, change, b->seen);
	ush_binding_deltas(d, b, change);
}

static bool by_another_hand(const struct ush_decide *d, const struct ush_seen *seen)
{
	return d->policy->drift == USH_DRIFT_REPORT && seen->manager != NULL && strcmp(seen->manager, USH_MANAGED_BY) != 0;
}

/* It is for another role than the one that is wanted. */
static bool refers_elsewhere(const struct ush_decide *d, const struct ush_binding *b)
{
	const struct ush_policy_role *role = b->shape != NULL ? &d->policy->roles[b->shape->role] : NULL;
	USH_AUTO_FREE char *wanted = role != NULL ? ush_printf("%s/%s", ush_wanted_role_kind(role), ush_wanted_role_name(role)) : NULL;

	return wanted != NULL && strcmp(wanted, b->seen->role) != 0;
}

/* What the policy no longer grants goes, whoever wrote last: that is no drift. */
static bool policy_takes(const struct ush_binding *b)
{
	for (size_t i = 0; i < b->leaving_count; i++)
		if (b->leaving[i].leave == USH_LEAVE_NOW && b->leaving[i].subject->source != NULL)
			return true;
	return false;
}

static bool differs(const struct ush_decide *d, const struct ush_binding *b)
{
	size_t added = b->final.count + b->going + b->following - ush_binding_held(d, b->seen)->count;
	bool people = false;

	for (size_t i = 0; i < b->leaving_count; i++) /* a group that is followed already is no news */
		if (b->leaving[i].leave == USH_LEAVE_FOLLOW) {
			const struct ush_origin *now = ush_origins_find(&b->final, b->leaving[i].subject->text);

			if (now == NULL || now->id == NULL || strcmp(now->id, b->leaving[i].group->id) != 0)
				return true;
			added--;
		}
	for (size_t i = 0; ush_binding_of_users(d) && i < b->people.count && !people; i++)
		people = !ush_list_has(&b->seen->people, b->people.items[i]);
	if (added > 0 || b->going > 0 || b->people_going > 0 || people || b->seen->strangers)
		return true;
	/* With a group that stays on sufferance the annotation may be older than the policy: no write for that. */
	return b->shape != NULL && b->staying + b->following + b->pending.count + b->instead == 0 && !b->people_held && !(b->seen->same_access && b->seen->same_marks);
}

/* In report mode: what another hand did stays, unless the policy takes something away. A roleRef cannot be changed, so one
 * that we did not write is of somebody who made the binding anew. */
static bool is_reported(const struct ush_decide *d, const struct ush_binding *b)
{
	return by_another_hand(d, b->seen) && (refers_elsewhere(d, b) ? !b->seen->role_ours : !policy_takes(b));
}

/* Nothing is written into it in this run, whoever says yes. */
static bool stays_as_it_is(const struct ush_decide *d, const struct ush_binding *b)
{
	return b->seen != NULL && (b->seen->terminating || d->desired->places->items[b->place].terminating || is_reported(d, b));
}

/* A binding of ours that is there and stays: leave it, change it, or make it anew. */
static void compare_binding(struct ush_decide *d, struct ush_binding *b)
{
	bool elsewhere = refers_elsewhere(d, b);
	struct ush_change *change;
	char *why;

	if (!elsewhere && !differs(d, b))
		return;
	if (is_reported(d, b)) {
		ush_plan_add(d->plan, USH_NOTE, USH_ROLE_BINDING, b->namespace_name, b->name,
			     ush_printf(elsewhere ? "made anew by %s for another role (%s); left as it is (drift: report)" : "changed by %s; left as it is (drift: report)",
					b->seen->manager, b->seen->role));
		return;
	}
	if (elsewhere) {
		replace_binding(d, b);
		return;
	}
	why = b->going > 0 || b->people_going > 0 ? why_of(d, b, USH_LEAVE_NOW) : b->following > 0 ? why_of(d, b, USH_LEAVE_FOLLOW) : NULL;
	change = ush_plan_add(d->plan, USH_CHANGE, USH_ROLE_BINDING, b->namespace_name, b->name, why);
	change->body = body_of(d, b, &b->final);
	ush_decide_from_seen(d, change, b->seen);
	ush_binding_deltas(d, b, change);
	if (change->added_count + change->removed_count == 0 && *change->reason == '\0') {
		why = why_same(d, b);
		change->reason = ush_plan_text(d->plan, why);
		free(why);
	}
}

/* False when the namespace cannot take it, which is said. */
static bool place_takes(struct ush_decide *d, struct ush_binding *b)
{
	const struct ush_place *place = &d->desired->places->items[b->place];

	if (place->terminating)
		ush_plan_add(d->plan, USH_NOTE, USH_ROLE_BINDING, b->namespace_name, b->name, ush_printf("namespace %s is being deleted: passed over", place->name));
	else if (!place->there)
		ush_plan_add(d->plan, USH_PENDING, USH_ROLE_BINDING, b->namespace_name, b->name, ush_printf("namespace %s is not there yet", place->name));
	else if (place->half_made)
		ush_plan_add(d->plan, USH_PENDING, USH_ROLE_BINDING, b->namespace_name, b->name,
			     ush_printf("namespace %s is half made (label " USH_LABEL_ONBOARDING "): nobody is let in before onboard has finished it", place->name));
	return place->there && !place->terminating && !place->half_made;
}

static void create_binding(struct ush_decide *d, struct ush_binding *b)
{
	struct ush_change *change = ush_plan_add(d->plan, USH_CREATE, USH_ROLE_BINDING, b->namespace_name, b->name, NULL);

	change->body = body_of(d, b, &b->final);
	ush_binding_deltas(d, b, change);
}

/* It stands under our name and is somebody else's. When it is just what we want, somebody applied what we rendered. */
static void tell_foreign(struct ush_decide *d, struct ush_binding *b)
{
	const struct ush_seen *seen = b->seen;
	struct ush_change *change;

	if (b->final.count == 0 || (seen->same_access && seen->same_marks))
		return;
	if (d->policy->drift == USH_DRIFT_ADOPT && seen->adoptable && seen->same_access && b->pending.count == 0) {
		change = ush_plan_add(d->plan, USH_CHANGE, USH_ROLE_BINDING, b->namespace_name, b->name,
				      ush_printf("adopted: says what we want and nobody manages it (%s)", seen->foreign));
		change->body = body_of(d, b, &b->final);
		ush_decide_from_seen(d, change, seen);
		return;
	}
	ush_plan_add(d->plan, USH_CONFLICT, USH_ROLE_BINDING, b->namespace_name, b->name,
		     ush_printf("same name, %s: left alone%s%s", seen->foreign, *seen->advice != '\0' ? "; " : "", seen->advice));
}

/* ---- groups that wait for consent ---- */

static char *why_pending(const struct ush_decide *d, const struct ush_binding *b)
{
	const struct ush_origin *o = &b->pending.items[0];
	const struct ush_seen *where;
	const char *before = ush_decide_before(d, o->source, o->id, o->text, &where);
	USH_AUTO_FREE char *says = where != NULL && where != b->seen ? ush_printf(", says %s/%s", where->namespace_name, where->name) : ush_strdup("");

	return ush_printf("group %s of source %s was deleted and made anew (id %s before%s, %s now): another group until somebody confirms this plan by its hash",
			  o->path, o->source, before != NULL && *before != '\0' ? before : "unknown", says, o->id);
}

/* Done only with --confirm, and then in place of whatever else is done here. */
static void offer(struct ush_decide *d, struct ush_binding *b)
{
	enum ush_action action = b->seen == NULL ? USH_CREATE : refers_elsewhere(d, b) ? USH_REPLACE : USH_CHANGE;
	struct ush_change *change = ush_plan_add(d->plan, stays_as_it_is(d, b) ? USH_HOLD : action, USH_ROLE_BINDING, b->namespace_name, b->name,
						 why_pending(d, b));
	USH_AUTO_ORIGINS all = {0};

	if (change->action == USH_HOLD)
		return;
	for (size_t i = 0; i < b->pending.count; i++) {
		ush_origins_add(&all, &b->pending.items[i]);
		ush_decide_offer(d, &b->pending.items[i]);
		ush_change_delta(d->plan, change, true, b->pending.items[i].text, ush_decide_people(ush_decide_group(d, &b->pending.items[i])));
	}
	for (size_t i = 0; i < b->final.count; i++)
		ush_origins_add(&all, &b->final.items[i]);
	if (ush_binding_of_users(d)) {
		ush_binding_members(d, &b->pending, &b->people);
		ush_list_sort(&b->people);
	}
	change->consent = true;
	change->body = body_of(d, b, &all);
	change->stand_in = action == USH_REPLACE ? stand_in_of(d, b) : NULL;
	if (b->seen != NULL)
		ush_decide_from_seen(d, change, b->seen);
	if (!d->in->all_objects)
		return;
	ush_decide_note(d, USH_ROLE_BINDING, b->namespace_name, b->name, change->body);
	d->plan->objects[d->plan->object_count - 1].consent = true;
}

/* ---- one binding ---- */

/* Some group that is wanted has people who are not known, or too many for a binding. */
static bool people_unknown(const struct ush_decide *d)
{
	for (size_t i = 0; i < d->desired->resolved_count; i++) {
		const struct ush_resolved *r = &d->desired->resolved[i];

		if (r->fate == USH_FATE_PRESENT && (!r->group->members_known || r->group->unresolvable > 0))
			return true;
	}
	for (size_t i = 0; i < d->desired->shape_count; i++)
		if (d->desired->shapes[i].excess > 0)
			return true;
	return false;
}

/* Some group that it was made for is gone at its source, or the source was not read whole. */
static bool makers_unknown(const struct ush_decide *d, const struct ush_seen *seen)
{
	for (size_t i = 0; i < d->policy->source_count; i++) {
		if (!ush_groups_trusted(&d->in->groups[i]))
			return true;
		for (size_t j = 0; j < seen->origins.count; j++) {
			const struct ush_origin *o = &seen->origins.items[j];

			if (o->source != NULL && o->id != NULL && strcmp(o->source, d->policy->sources[i].name) == 0 &&
			    ush_desired_group(d->desired, i, o->id) == NULL)
				return true;
		}
	}
	return false;
}

/* It was made for groups and people are wanted, or the other way round. What it gives is taken away only when what comes
 * in its place is known whole and can be written. */
static bool holds_other_layout(const struct ush_decide *d, const struct ush_binding *b)
{
	bool users = ush_binding_of_users(d), doubt = b->final.count + b->pending.count > 0;

	if (b->seen == NULL || (users ? b->seen->subjects.count == 0 : b->seen->people.count == 0 || b->seen->subjects.count > 0))
		return false;
	for (size_t i = 0; i < b->leaving_count && !doubt; i++)
		doubt = b->leaving[i].leave != USH_LEAVE_NOW || b->leaving[i].moved;
	if (!doubt && b->leaving_count > 0)
		return false; /* nothing comes in its place, and all that it is for is over */
	return b->staying > 0 || makers_unknown(d, b->seen) || (users && people_unknown(d));
}

/* Nobody can be put into it now; that keeps nobody in it who is to leave. */
static void trim(struct ush_decide *d, struct ush_binding *b)
{
	if (b->seen != NULL && !is_reported(d, b))
		ush_binding_trim(d, b);
}

static void decide_there(struct ush_decide *d, struct ush_binding *b)
{
	bool empty = ush_binding_empty(d, b);

	if (b->seen->terminating) {
		if (!empty)
			ush_plan_add(d->plan, USH_PENDING, USH_ROLE_BINDING, b->namespace_name, b->name, ush_strdup("is being deleted just now"));
		trim(d, b);
		return;
	}
	if (b->place != SIZE_MAX && d->desired->places->items[b->place].terminating)
		return; /* it goes with its namespace */
	if (!empty)
		compare_binding(d, b);
	else if (!by_another_hand(d, b->seen) || b->leaving_count > 0)
		remove_binding(d, b);
}

/* What is ours and stays is what render writes. */
static void note(struct ush_decide *d, const struct ush_binding *b)
{
	if (d->in->all_objects && !ush_binding_empty(d, b))
		ush_decide_note(d, USH_ROLE_BINDING, b->namespace_name, b->name, body_of(d, b, &b->final));
}

/* Somebody is to come into it, or it is to be made anew for another role. */
static bool takes_in(const struct ush_decide *d, const struct ush_binding *b)
{
	if (b->seen == NULL || b->pending.count > 0 || (b->final.count > 0 && refers_elsewhere(d, b)))
		return b->final.count + b->pending.count > 0;
	for (size_t i = 0; i < b->final.count; i++)
		if (ush_origins_find(ush_binding_held(d, b->seen), b->final.items[i].text) == NULL)
			return true;
	return false;
}

static bool too_long(const struct ush_origins *origins)
{
	USH_AUTO_FREE char *text = origins->count >= FEW ? ush_origins_text(origins) : NULL;

	return text != NULL && strlen(text) > USH_ORIGINS_MAX;
}

/* Why nobody can be put into it; NULL: they can. The caller frees. */
static char *shut_out(struct ush_decide *d, const struct ush_binding *b)
{
	const struct ush_seen *role;

	if (b->shape == NULL)
		return NULL;
	if (b->shape->excess > 0)
		return ush_printf("would hold %u people, more than %d: not written. Let bindings hold groups (layout: role)", b->shape->excess + USH_PEOPLE_MAX,
				  USH_PEOPLE_MAX);
	if (b->final.count + b->pending.count == 0)
		return NULL;
	if (ush_decide_blocked(d, b->wanted))
		return ush_printf("not written: its Role %s is somebody else's", d->policy->roles[b->shape->role].name);
	if (takes_in(d, b) && too_long(&b->final))
		return ush_printf("would hold %zu groups, too many for one binding (what is written down of them is limited): nobody new is bound. "
				  "Give each group its own: layout: group", b->final.count);
	role = takes_in(d, b) && !(b->seen != NULL && is_reported(d, b)) ? ush_decide_widened(d, b->wanted) : NULL;
	if (role != NULL)
		return ush_printf("nobody new is bound: its Role %s was changed by %s, and stays so (drift: report)", role->name, role->manager);
	return NULL;
}

static void decide(struct ush_decide *d, struct ush_binding *b)
{
	char *shut;

	if (b->seen != NULL && b->seen->foreign != NULL) {
		tell_foreign(d, b); /* those of others are only looked at from a wanted one */
		return;
	}
	tell_staying(d, b);
	ush_binding_stay(d, b);
	shut = shut_out(d, b);
	if (shut != NULL) {
		ush_plan_add(d->plan, USH_CONFLICT, USH_ROLE_BINDING, b->namespace_name, b->name, shut);
		trim(d, b);
		return;
	}
	if (ush_binding_keeps_role(d, b)) {
		ush_plan_add(d->plan, USH_CONFLICT, USH_ROLE_BINDING, b->namespace_name, b->name,
			     ush_strdup("wanted for another role now, and somebody in it is to keep the one that it has: kept as it is"));
		ush_binding_keep(d, b);
		return;
	}
	if (holds_other_layout(d, b)) {
		ush_plan_add(d->plan, USH_HOLD, USH_ROLE_BINDING, b->namespace_name, b->name,
			     ush_strdup("made for another layout; a group of it is gone, or what would come in its place is not known whole: kept as it is"));
		ush_binding_keep(d, b);
		return;
	}
	note(d, b);
	if (b->seen == NULL && !place_takes(d, b))
		return;
	if (b->seen != NULL)
		decide_there(d, b);
	else if (!ush_binding_empty(d, b))
		create_binding(d, b);
	if (b->pending.count > 0)
		offer(d, b);
}

/* While it stands, whatever for, its Role does. */
static void need_role(struct ush_decide *d, const struct ush_binding *b)
{
	if (b->seen != NULL && b->seen->foreign == NULL && !b->goes && strncmp(b->seen->role, "Role/", 5) == 0)
		ush_keys_add(&d->needed, ush_decide_key(b->namespace_name, b->seen->role + 5));
}

void ush_decide_binding(struct ush_decide *d, size_t wanted, struct ush_seen *seen)
{
	USH_AUTO_BINDING b = {.wanted = wanted, .seen = seen, .place = SIZE_MAX};

	if (wanted != SIZE_MAX) {
		b.shape = ush_wanted_shape(d->desired, wanted);
		b.place = d->desired->items[wanted].place;
		b.namespace_name = ush_wanted_namespace(d->desired, wanted);
		b.name = b.shape->name;
	} else {
		b.place = seen->place;
		b.namespace_name = seen->namespace_name;
		b.name = seen->name;
	}
	ush_binding_weigh(d, &b);
	decide(d, &b);
	need_role(d, &b);
}
