/* SPDX-License-Identifier: Apache-2.0
 *
 * One RoleBinding: who should be in it, who is, who may leave, and what is to be written for that.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/decide.h"
#include "common/base/memory.h"
#include "common/data/json.h"

void ush_decide_digest(const json_t *object, char out[65])
{
	struct ush_error err = {0};
	bool is_rbac;
	USH_AUTO_RBAC rbac = ush_rbac_read(object, USH_ERR_CONFIG, &is_rbac, &err);

	memset(out, 0, 65);
	if (rbac != NULL)
		ush_rbac_digest(rbac, out);
}

void ush_decide_from_seen(struct ush_change *change, const struct ush_seen *seen)
{
	change->uid = ush_strdup(seen->uid);
	change->resource_version = ush_strdup(seen->resource_version);
}

static void keep_access(struct ush_decide *d, const char *namespace_name, const char *text, const struct ush_group *group)
{
	USH_PUSH(d->kept.items, d->kept.count, ((struct ush_access){namespace_name, text, group}));
}

static void lose_access(struct ush_decide *d, struct ush_change *change, const struct ush_seen *seen, const struct ush_origin *subject)
{
	const struct ush_group *group = ush_decide_group(d, subject);

	ush_change_delta(change, false, subject->text, group != NULL ? (long)group->members.count : -1);
	USH_PUSH(d->lost.items, d->lost.count, ((struct ush_access){seen->namespace_name, subject->text, group}));
}

struct leaving { /* a subject of a binding that is there, and what becomes of it */
	const struct ush_origin *subject;
	enum ush_leave leave;
	char *why;
};

struct binding {
	const struct ush_wanted *wanted; /* NULL: nobody wants it */
	struct ush_seen *seen;           /* NULL: it is not there */
	struct ush_origins final;        /* its subjects after the plan */
	struct leaving *leaving;
	size_t leaving_count;
	size_t going, staying; /* of those leaving: now; not now */
};

static void binding_free(struct binding *b)
{
	for (size_t i = 0; i < b->leaving_count; i++)
		free(b->leaving[i].why);
	free(b->leaving);
	ush_origins_free(&b->final);
}

#define AUTO_BINDING __attribute__((cleanup(binding_free))) struct binding

static void weigh(struct ush_decide *d, struct binding *b)
{
	if (b->wanted != NULL)
		ush_wanted_origins(d->in->desired, b->wanted, &b->final);
	for (size_t i = 0; b->seen != NULL && b->seen->foreign == NULL && i < b->seen->subjects.count; i++) {
		struct leaving l = {.subject = &b->seen->subjects.items[i]};

		if (ush_origins_find(&b->final, l.subject->text) != NULL)
			continue;
		l.leave = ush_decide_leave(d, b->wanted, l.subject, &l.why);
		*(l.leave == USH_LEAVE_NOW ? &b->going : &b->staying) += 1;
		USH_PUSH(b->leaving, b->leaving_count, l);
	}
	for (size_t i = 0; i < b->leaving_count; i++)
		if (b->leaving[i].leave != USH_LEAVE_NOW)
			ush_origins_add(&b->final, b->leaving[i].subject);
}

/* Lines for subjects that stay although no present group accounts for them. */
static void tell_staying(struct ush_decide *d, struct binding *b)
{
	for (size_t i = 0; i < b->leaving_count; i++) {
		struct leaving *l = &b->leaving[i];

		if (l->leave != USH_LEAVE_NOW && l->why != NULL)
			ush_plan_add(d->plan, l->leave == USH_LEAVE_LATER ? USH_KEEP : USH_HOLD, USH_ROLE_BINDING, b->seen->namespace_name, b->seen->name,
				     ush_strdup(l->why));
	}
}

static void remember_access(struct ush_decide *d, struct binding *b)
{
	const char *namespace_name = b->wanted != NULL ? b->wanted->namespace_name : b->seen->namespace_name;

	for (size_t i = 0; b->wanted != NULL && i < b->wanted->grant_count; i++) {
		const struct ush_resolved *resolved = &d->in->desired->resolved[b->wanted->grants[i]];

		if (resolved->fate == USH_FATE_PRESENT)
			keep_access(d, namespace_name, resolved->text, resolved->group);
	}
	for (size_t i = 0; i < b->leaving_count; i++)
		if (b->leaving[i].leave != USH_LEAVE_NOW)
			keep_access(d, namespace_name, b->leaving[i].subject->text, ush_decide_group(d, b->leaving[i].subject));
}

static void add_deltas(struct ush_decide *d, struct binding *b, struct ush_change *change)
{
	for (size_t i = 0; i < b->final.count; i++) {
		const struct ush_origin *subject = &b->final.items[i];
		const struct ush_group *group;

		if (b->seen != NULL && ush_origins_find(&b->seen->subjects, subject->text) != NULL)
			continue;
		group = ush_decide_group(d, subject);
		ush_change_delta(change, true, subject->text, group != NULL ? (long)group->members.count : -1);
	}
	for (size_t i = 0; i < b->leaving_count; i++)
		if (b->leaving[i].leave == USH_LEAVE_NOW)
			lose_access(d, change, b->seen, b->leaving[i].subject);
}

static void remove_binding(struct ush_decide *d, struct binding *b)
{
	const struct ush_seen *seen = b->seen;
	char *why = b->leaving_count == 0 ? ush_strdup("has no subject")
					  : ush_strdup(b->wanted == NULL ? "no grant wants it any more" : b->leaving[0].why);
	struct ush_change *change = ush_plan_add(d->plan, USH_REMOVE, USH_ROLE_BINDING, seen->namespace_name, seen->name, why);

	ush_decide_from_seen(change, seen);
	add_deltas(d, b, change);
}

/* Why a binding is written whose groups stay the same. */
static char *why_same(const struct ush_seen *seen)
{
	if (seen->strangers)
		return ush_strdup("somebody added subjects that are no groups");
	if (seen->manager != NULL && strcmp(seen->manager, USH_MANAGED_BY) != 0)
		return ush_printf("changed by %s; put back", seen->manager);
	return ush_strdup("labels or annotations differ");
}

static char *why_going(const struct binding *b)
{
	for (size_t i = 0; i < b->leaving_count; i++)
		if (b->leaving[i].leave == USH_LEAVE_NOW)
			return ush_strdup(b->leaving[i].why);
	return ush_strdup("");
}

static void replace_binding(struct ush_decide *d, struct binding *b, json_t *object)
{
	const struct ush_policy_role *role = b->wanted->role;
	USH_AUTO_FREE char *hashed = ush_name_binding(d->policy->name, ush_wanted_role_kind(role), ush_wanted_role_name(role));
	struct ush_change *change;

	change = ush_plan_add(d->plan, USH_REPLACE, USH_ROLE_BINDING, b->seen->namespace_name, b->seen->name,
			      ush_printf("refers to %s %s now, to %s before; made anew without a gap", ush_wanted_role_kind(role),
					 ush_wanted_role_name(role), b->seen->role));
	change->object = object;
	/* When the wanted binding bears that name itself, another one stands in. */
	change->stand_in = ush_printf("%s%s", hashed, ush_desired_find(d->in->desired, b->seen->namespace_name, USH_ROLE_BINDING, hashed) != NULL ? "-stand-in" : "");
	ush_decide_from_seen(change, b->seen);
	add_deltas(d, b, change);
}

/* A binding of ours that is there and wanted: leave it, change it, or make it anew. */
static void compare_binding(struct ush_decide *d, struct binding *b)
{
	USH_AUTO_JSON object = ush_wanted_json(d->in->desired, b->wanted, &b->final, NULL);
	USH_AUTO_FREE char *role = ush_printf("%s/%s", ush_wanted_role_kind(b->wanted->role), ush_wanted_role_name(b->wanted->role));
	size_t added = b->final.count + b->leaving_count - b->staying - b->seen->subjects.count;
	struct ush_change *change;
	char digest[65];
	bool same;

	if (strcmp(role, b->seen->role) != 0) {
		replace_binding(d, b, ush_steal(&object));
		return;
	}
	ush_decide_digest(object, digest);
	same = added == 0 && b->going == 0 && (b->staying > 0 ? !b->seen->strangers : strcmp(digest, b->seen->digest) == 0);
	if (same)
		return; /* with a group that stays on sufferance the annotation may be older than the policy: no write for that */
	change = ush_plan_add(d->plan, USH_CHANGE, USH_ROLE_BINDING, b->seen->namespace_name, b->seen->name,
			      added > 0 && b->going == 0 ? NULL : b->going > 0 ? why_going(b) : why_same(b->seen));
	change->object = ush_steal(&object);
	ush_decide_from_seen(change, b->seen);
	add_deltas(d, b, change);
}

static void create_binding(struct ush_decide *d, struct binding *b)
{
	const struct ush_wanted *w = b->wanted;
	struct ush_change *change;

	if (!ush_observed_has_namespace(d->in->observed, w->namespace_name)) {
		ush_plan_add(d->plan, USH_PENDING, w->kind, w->namespace_name, w->name, ush_printf("namespace %s is not there yet", w->namespace_name));
		return;
	}
	change = ush_plan_add(d->plan, USH_CREATE, w->kind, w->namespace_name, w->name, NULL);
	change->object = ush_wanted_json(d->in->desired, w, &b->final, NULL);
	add_deltas(d, b, change);
}

static void note_object(struct ush_decide *d, struct binding *b)
{
	if (d->in->all_objects)
		USH_PUSH(d->plan->objects, d->plan->object_count, ush_wanted_json(d->in->desired, b->wanted, &b->final, NULL));
}

/* It stands under our name and is somebody else's. When it is just what we want, somebody applied what we rendered. */
static void tell_foreign(struct ush_decide *d, struct binding *b)
{
	USH_AUTO_JSON object = ush_wanted_json(d->in->desired, b->wanted, &b->final, NULL);
	char digest[65];

	ush_decide_digest(object, digest);
	if (b->final.count > 0 && strcmp(digest, b->seen->digest) != 0)
		ush_plan_add(d->plan, USH_CONFLICT, USH_ROLE_BINDING, b->seen->namespace_name, b->seen->name,
			     ush_printf("same name, %s: left alone", b->seen->foreign));
}

void ush_decide_binding(struct ush_decide *d, const struct ush_wanted *wanted, struct ush_seen *seen)
{
	AUTO_BINDING b = {.wanted = wanted, .seen = seen};

	weigh(d, &b);
	if (b.final.count > 0 && wanted != NULL && wanted->role_at != SIZE_MAX)
		d->needed[wanted->role_at] = true;
	if (b.final.count > 0)
		remember_access(d, &b);
	if (seen != NULL && seen->foreign != NULL) {
		tell_foreign(d, &b); /* those of others are only looked at from a wanted one */
		return;
	}
	tell_staying(d, &b);
	if (seen != NULL && seen->terminating) {
		if (b.final.count > 0)
			ush_plan_add(d->plan, USH_PENDING, USH_ROLE_BINDING, seen->namespace_name, seen->name, ush_strdup("is being deleted just now"));
	} else if (b.final.count > 0 && wanted != NULL && wanted->role_at != SIZE_MAX && d->blocked[wanted->role_at]) {
		ush_plan_add(d->plan, USH_CONFLICT, USH_ROLE_BINDING, wanted->namespace_name, wanted->name,
			     ush_printf("not written: its Role %s is somebody else's", wanted->role->name));
	} else if (seen == NULL && b.final.count > 0) {
		note_object(d, &b);
		create_binding(d, &b);
	} else if (seen != NULL && b.final.count == 0) {
		remove_binding(d, &b);
	} else if (seen != NULL && wanted != NULL) {
		note_object(d, &b);
		compare_binding(d, &b);
	}
}
