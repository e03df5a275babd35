/* SPDX-License-Identifier: Apache-2.0
 *
 * Who joins a binding and who leaves it: for the change that says so, and for the limits.
 */
#include <string.h>

#include "broker/sync/decide/binding.h"
#include "broker/sync/decide/denied.h"
#include "common/base/memory.h"

static void access_push(struct ush_accesses *to, const char *namespace_name, const char *text, const struct ush_group *group, bool person)
{
	USH_PUSH(to->items, to->count, ((struct ush_access){namespace_name, text, group, person}));
}

void ush_binding_stay(struct ush_decide *d, struct ush_binding *b)
{
	const char *space = ush_plan_text(d->plan, b->namespace_name);

	for (size_t i = 0; i < b->leaving_count && !ush_binding_of_users(d); i++)
		if (b->leaving[i].leave != USH_LEAVE_NOW)
			access_push(&d->staying, space, ush_plan_text(d->plan, b->leaving[i].subject->text), ush_decide_group(d, b->leaving[i].subject), false);
	for (size_t i = 0; i < b->people.count && b->seen != NULL; i++)
		access_push(&d->staying, space, ush_plan_text(d->plan, b->people.items[i]), NULL, true);
}

void ush_binding_delta(struct ush_decide *d, struct ush_binding *b, struct ush_change *change, bool added, const char *text, const struct ush_group *group,
		       bool person)
{
	ush_change_delta(d->plan, change, added, text, person ? 1 : ush_decide_people(group));
	if (!added || d->policy->add_people.count >= 0 || d->policy->add_people.percent >= 0)
		access_push(added ? &d->gained : &d->lost, ush_plan_text(d->plan, b->namespace_name), ush_plan_text(d->plan, text), group, person);
}

static bool is_followed(const struct ush_binding *b, const char *text)
{
	for (size_t i = 0; i < b->leaving_count; i++) {
		const struct ush_leaving *l = &b->leaving[i];

		if (l->leave == USH_LEAVE_FOLLOW) {
			const struct ush_origin *now = ush_origins_find(&b->final, text);

			if (now != NULL && now->granted != NULL && strcmp(now->id, l->group->id) == 0)
				return true;
		}
	}
	return false;
}

static void add_group_deltas(struct ush_decide *d, struct ush_binding *b, struct ush_change *change)
{
	for (size_t i = 0; i < b->final.count; i++) {
		const struct ush_origin *s = &b->final.items[i];

		if ((b->seen == NULL || ush_origins_find(&b->seen->subjects, s->text) == NULL) && !is_followed(b, s->text))
			ush_binding_delta(d, b, change, true, s->text, ush_decide_group(d, s), false);
	}
	for (size_t i = 0; i < b->leaving_count; i++)
		if (b->leaving[i].leave == USH_LEAVE_NOW)
			ush_binding_delta(d, b, change, false, b->leaving[i].subject->text, ush_decide_group(d, b->leaving[i].subject), false);
}

static void add_people_deltas(struct ush_decide *d, struct ush_binding *b, struct ush_change *change)
{
	for (size_t i = 0; i < b->people.count; i++)
		if (b->seen == NULL || !ush_list_has(&b->seen->people, b->people.items[i]))
			ush_binding_delta(d, b, change, true, b->people.items[i], NULL, true);
	for (size_t i = 0; b->seen != NULL && i < b->seen->people.count; i++)
		if (!ush_list_has(&b->people, b->seen->people.items[i]))
			ush_binding_delta(d, b, change, false, b->seen->people.items[i], NULL, true);
}

void ush_binding_deltas(struct ush_decide *d, struct ush_binding *b, struct ush_change *change)
{
	if (ush_binding_of_users(d))
		add_people_deltas(d, b, change);
	else
		add_group_deltas(d, b, change);
}

char *ush_binding_why_people(const struct ush_decide *d, const struct ush_binding *b)
{
	for (size_t i = 0; i < b->seen->people.count; i++) {
		const char *text = b->seen->people.items[i];
		const struct ush_ledger_entry *denied = !ush_list_has(&b->people, text) ? ush_denied_person(d->desired, text) : NULL;
		USH_AUTO_FREE char *words = denied != NULL ? ush_ledger_words(denied, d->desired->way) : NULL;

		if (denied != NULL)
			return ush_printf("%s is %s", text, words);
	}
	return ush_strdup("in none of its groups any more");
}

char *ush_binding_strangers(const struct ush_decide *d, const struct ush_binding *b)
{
	const struct ush_list *people = &b->seen->people;

	if (ush_binding_of_users(d) || people->count == 0)
		return ush_strdup("somebody added subjects of another kind");
	if (people->count == 1)
		return ush_printf("somebody added user %s", people->items[0]);
	return ush_printf("somebody added user %s and %zu more", people->items[0], people->count - 1);
}
