/* SPDX-License-Identifier: Apache-2.0
 *
 * Bindings that hold people (layout: users) hold names alone. Who is called otherwise now stands there by the old name until
 * the next apply, and no name says whose it was: whoever stands in a binding for the person's group without being in it is
 * told, for somebody who knows.
 */
#include <string.h>

#include "broker/lifecycle/offboard/offboard.h"
#include "broker/policy/naming.h"
#include "broker/sync/look/origin.h"
#include "broker/sync/look/owner.h"
#include "common/base/memory.h"
#include "common/kube/way.h"

#define MOST 100 /* names that are kept */

struct stranger {
	char *name, *space, *binding; /* the first that holds it */
	size_t count;
};

struct ush_strangers {
	struct stranger *items;
	size_t count, others;	 /* others: places in bindings of names beyond MOST */
	char *origin;		 /* the annotation that members are of: bindings beside each other mostly share it */
	struct ush_list members; /* as the API server calls them; sorted */
	bool known;		 /* the person is in one of its groups, and all of them are read whole */
};

void ush_offboard_forget_strangers(struct ush_offboard *o)
{
	struct ush_strangers *all = ush_steal(&o->strangers);

	for (size_t i = 0; all != NULL && i < all->count; i++) {
		free(all->items[i].name);
		free(all->items[i].space);
		free(all->items[i].binding);
	}
	if (all == NULL)
		return;
	free(all->items);
	free(all->origin);
	ush_list_free(&all->members);
	free(all);
}

/* ---- who is in the groups of an origin ---- */

static bool is_of(const struct ush_offboard *o, size_t source, const struct ush_group *group, const struct ush_origin *origin)
{
	return origin->source != NULL && origin->id != NULL && strcmp(o->policy->sources[source].name, origin->source) == 0 && strcmp(group->id, origin->id) == 0;
}

/* Of most bindings that is all there is to know. */
static bool has_person(const struct ush_offboard *o, const struct ush_origins *origins)
{
	for (size_t i = 0; i < o->policy->source_count; i++)
		for (size_t m = 0; m < o->sources[i].in_count; m++)
			for (size_t k = 0; k < origins->count; k++)
				if (is_of(o, i, &o->sources[i].groups.items[o->sources[i].in[m]], &origins->items[k]))
					return true;
	return false;
}

/* NULL: gone, or of a source that was not read whole. */
static const struct ush_group *find_group(const struct ush_offboard *o, const struct ush_origin *origin)
{
	for (size_t i = 0; i < o->policy->source_count; i++)
		for (size_t k = 0; o->sources[i].unread.code == USH_OK && k < o->sources[i].groups.count; k++)
			if (is_of(o, i, &o->sources[i].groups.items[k], origin))
				return &o->sources[i].groups.items[k];
	return NULL;
}

static void read_members(const struct ush_offboard *o, struct ush_strangers *all, const char *text)
{
	const char *prefix = o->policy->user_prefix != NULL ? o->policy->user_prefix : "";
	USH_AUTO_ORIGINS origins = {0};

	ush_list_free(&all->members);
	all->known = ush_origins_read(&origins, text) == 0 && has_person(o, &origins);
	for (size_t i = 0; i < origins.count && all->known; i++) {
		const struct ush_group *group = find_group(o, &origins.items[i]);

		all->known = group != NULL && group->members_known && group->unresolvable == 0;
		for (size_t k = 0; all->known && k < group->members.count; k++) {
			USH_AUTO_FREE char *name = ush_printf("%s%s", prefix, group->members.items[k]);

			ush_list_add(&all->members, name);
		}
	}
	ush_list_sort(&all->members);
}

/* ---- bindings ---- */

static void note(struct ush_strangers *all, const struct ush_item *item, const char *name)
{
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->items[i].name, name) == 0) {
			all->items[i].count++;
			return;
		}
	if (all->count == MOST)
		all->others++;
	else
		USH_PUSH(all->items, all->count, ((struct stranger){ush_strdup(name), ush_slice_copy(item->namespace_name), ush_slice_copy(item->name), 1}));
}

static void look(struct ush_offboard *o, const struct ush_item *item)
{
	struct ush_item_subject subject;

	for (struct ush_walk walk = ush_walk(item->subjects); ush_walk_subject(&walk, item, &subject);) {
		USH_AUTO_FREE char *name = ush_slice_is(subject.kind, "User") ? ush_slice_copy(subject.name) : NULL;

		if (name != NULL && !ush_list_holds(&o->strangers->members, name) && !ush_spellings_have(&o->names, name))
			note(o->strangers, item, name);
	}
}

void ush_offboard_stranger(struct ush_offboard *o, const struct ush_item *item)
{
	USH_AUTO_FREE char *foreign = NULL, *origin = NULL;
	struct ush_marks marks;
	bool adoptable;

	if (o->kind != USH_LEDGER_USER || o->policy->layout != USH_LAYOUT_USERS || item->rbac != USH_ROLE_BINDING)
		return;
	ush_marks_read(item, &marks);
	if (!ush_slice_is(marks.policy, o->policy->name) || (origin = ush_slice_copy(marks.origin)) == NULL)
		return;
	foreign = ush_marks_foreign(&marks, item, o->policy->name, &adoptable);
	if (foreign != NULL)
		return;
	if (o->strangers == NULL)
		o->strangers = ush_new(struct ush_strangers);
	if (o->strangers->origin == NULL || strcmp(o->strangers->origin, origin) != 0) {
		read_members(o, o->strangers, origin);
		free(o->strangers->origin);
		o->strangers->origin = ush_steal(&origin);
	}
	if (o->strangers->known)
		look(o, item);
}

void ush_offboard_tell_strangers(struct ush_offboard *o)
{
	for (size_t i = 0; o->strangers != NULL && i < o->strangers->count; i++) {
		const struct stranger *one = &o->strangers->items[i];
		USH_AUTO_FREE char *more = one->count > 1 ? ush_printf(" and %zu more", one->count - 1) : ush_strdup("");
		USH_AUTO_FREE char *also = ush_way_option("also", one->name), *command = ush_printf("%s%s", o->again, also);

		ush_report_add(o->report,
			       &(struct ush_line){.word = "left", .kind = "stranger", .todo = true, .command = command,
						  .more = json_pack("{s:s, s:s, s:s, s:I}", "subject", one->name, "namespace", one->space, "name", one->binding, "count",
								    (json_int_t)one->count)},
			       "%s is in RoleBinding %s/%s%s (ours) and in none of its groups any more: the next apply takes it out; if it is what %s was called before, do it now",
			       one->name, one->space, one->binding, more, o->name);
	}
	if (o->strangers != NULL && o->strangers->others > 0) {
		USH_AUTO_FREE char *command = ush_way_broker(o->kube->way, "plan");

		ush_report_add(o->report,
			       &(struct ush_line){.word = "left", .kind = "stranger", .todo = true, .command = command,
						  .more = json_pack("{s:I}", "count", (json_int_t)o->strangers->others)},
			       "more names than these %d stand in bindings whose groups they are in no more (%zu times); a plan lists them", MOST, o->strangers->others);
	}
}
