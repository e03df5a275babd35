/* SPDX-License-Identifier: Apache-2.0
 *
 * A binding into which nobody can be put: its Role is somebody else's, it would be too large, it is being deleted and
 * somebody holds it. Who is to leave it leaves all the same; who may stay or is in doubt stays as he is.
 */
#include <string.h>

#include "broker/sync/decide/binding.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static bool follows(const struct ush_binding *b, const struct ush_origin *origin)
{
	for (size_t i = 0; i < b->leaving_count; i++)
		if (b->leaving[i].leave == USH_LEAVE_FOLLOW && strcmp(b->leaving[i].subject->text, origin->text) == 0)
			return true;
	return false;
}

/* Of the groups behind it, those that are not to leave now. */
static void collect(const struct ush_binding *b, const struct ush_origins *held, struct ush_origins *kept)
{
	for (size_t i = 0; i < held->count; i++) {
		const struct ush_origin *now = ush_origins_find(&b->final, held->items[i].text);

		if (now != NULL || follows(b, &held->items[i]))
			ush_origins_add(kept, now != NULL ? now : &held->items[i]);
	}
}

static void add_deltas(struct ush_decide *d, struct ush_binding *b, struct ush_change *change, const struct ush_origins *kept, const struct ush_list *people)
{
	for (size_t i = 0; people == NULL && i < b->seen->subjects.count; i++) {
		const struct ush_origin *s = &b->seen->subjects.items[i];

		if (ush_origins_find(kept, s->text) == NULL)
			ush_binding_delta(d, b, change, false, s->text, ush_decide_group(d, s), false);
	}
	for (size_t i = 0; people != NULL && i < b->seen->people.count; i++)
		if (!ush_list_has(people, b->seen->people.items[i]))
			ush_binding_delta(d, b, change, false, b->seen->people.items[i], NULL, true);
}

static char *why_of(const struct ush_decide *d, const struct ush_binding *b)
{
	for (size_t i = 0; i < b->leaving_count; i++)
		if (b->leaving[i].leave == USH_LEAVE_NOW && b->leaving[i].why != NULL)
			return ush_strdup(b->leaving[i].why);
	return b->people_going > 0 ? ush_binding_why_people(d, b) : ush_binding_strangers(d, b);
}

static void write_trimmed(struct ush_decide *d, struct ush_binding *b, const struct ush_origins *kept, const struct ush_list *people)
{
	USH_AUTO_FREE char *why = why_of(d, b);
	bool empty = people != NULL ? people->count == 0 : kept->count == 0, held = b->seen->terminating;
	struct ush_change *change = ush_plan_add(d->plan, empty && !held ? USH_REMOVE : USH_CHANGE, USH_ROLE_BINDING, b->namespace_name, b->name,
						 ush_printf("%s%s", why, held ? "; it is being deleted, and a finalizer holds it" : ""));

	change->body = change->action == USH_CHANGE ? ush_binding_body(d, b, NULL, kept, people) : 0;
	ush_decide_from_seen(d, change, b->seen);
	add_deltas(d, b, change, kept, people);
}

static void trim(struct ush_decide *d, struct ush_binding *b, const struct ush_list *people)
{
	USH_AUTO_ORIGINS kept = {0};
	bool less;

	collect(b, ush_binding_held(d, b->seen), &kept);
	less = people != NULL ? b->people_going > 0 : kept.count < b->seen->subjects.count || b->seen->strangers;
	if (less)
		write_trimmed(d, b, &kept, people);
	if (people != NULL ? people->count == 0 : kept.count == 0)
		return;
	if (d->in->all_objects && !b->seen->terminating)
		ush_decide_note(d, USH_ROLE_BINDING, b->namespace_name, b->name, ush_binding_body(d, b, NULL, &kept, people));
	if (strncmp(b->seen->role, "Role/", 5) == 0)
		ush_keys_add(&d->needed, ush_decide_key(b->namespace_name, b->seen->role + 5));
}

void ush_binding_keep(struct ush_decide *d, const struct ush_binding *b)
{
	const struct ush_seen *s = b->seen;
	bool groups = s->subjects.count > 0;

	if (d->in->all_objects)
		ush_decide_note(d, USH_ROLE_BINDING, b->namespace_name, b->name,
				ush_binding_body(d, b, NULL, groups ? &s->subjects : &s->origins, groups ? NULL : &s->people));
}

void ush_binding_trim(struct ush_decide *d, struct ush_binding *b)
{
	bool users = ush_binding_of_users(d);
	struct ush_list people = {0};

	if (users ? b->seen->subjects.count > 0 : b->seen->people.count > 0 && b->seen->subjects.count == 0) { /* made for another layout */
		ush_binding_keep(d, b);
		return;
	}
	for (size_t i = 0; users && i < b->seen->people.count; i++)
		if (ush_list_has(&b->people, b->seen->people.items[i]))
			ush_list_add(&people, b->seen->people.items[i]);
	ush_list_sort(&people);
	trim(d, b, users ? &people : NULL);
	ush_list_free(&people);
}
