/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is in a binding after the plan: those that are wanted, those that may not leave yet, those that are called otherwise
 * now; and, where bindings hold people, which people that is.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/decide/binding.h"
#include "broker/sync/decide/denied.h"
#include "common/base/memory.h"

void ush_binding_free(struct ush_binding *b)
{
	for (size_t i = 0; i < b->leaving_count; i++)
		ush_leaving_free(&b->leaving[i]);
	free(b->leaving);
	ush_origins_free(&b->final);
	ush_origins_free(&b->pending);
	ush_list_free(&b->people);
}

const struct ush_origins *ush_binding_held(const struct ush_decide *d, const struct ush_seen *seen)
{
	return ush_binding_of_users(d) || (seen->people.count > 0 && seen->subjects.count == 0) ? &seen->origins : &seen->subjects;
}

/* ---- who is in it after the plan ---- */

bool ush_binding_empty(const struct ush_decide *d, const struct ush_binding *b)
{
	return ush_binding_of_users(d) ? b->people.count == 0 : b->final.count == 0;
}

/* A shape has each name once. Of two sources' groups of one name, the one that waits for consent keeps nobody waiting. */
static uint32_t other_than(const struct ush_decide *d, const struct ush_binding *b, uint32_t number)
{
	const struct ush_desired *desired = d->desired;
	const struct ush_resolved *anew = &desired->resolved[number];

	for (uint32_t i = 0; d->policy->source_count > 1 && i < desired->resolved_count; i++) {
		const struct ush_resolved *r = &desired->resolved[i];

		if (r->binding == anew->binding && r->fate == USH_FATE_PRESENT && !ush_decide_waits(d, i, b->place) && strcmp(r->text, anew->text) == 0 &&
		    d->policy->grants[r->grant].role == b->shape->role && ush_grant_means(desired, r->grant, r->group->name, r->group->path, b->place))
			return i;
	}
	return number;
}

static void add_wanted(struct ush_decide *d, struct ush_binding *b)
{
	for (uint32_t i = 0; b->shape != NULL && i < b->shape->resolved_count; i++) {
		uint32_t number = ush_decide_waits(d, b->shape->resolved[i], b->place) ? other_than(d, b, b->shape->resolved[i]) : b->shape->resolved[i];
		const struct ush_resolved *r = &d->desired->resolved[number];
		const struct ush_origin origin = {r->text, d->policy->sources[d->policy->grants[r->grant].source].name, r->group->id, r->group->name, r->group->path,
						  NULL};

		b->instead += number != b->shape->resolved[i];
		ush_origins_add(ush_decide_waits(d, number, b->place) ? &b->pending : &b->final, &origin);
	}
}

static void weigh_subject(struct ush_decide *d, struct ush_binding *b, const struct ush_origin *subject)
{
	struct ush_leaving l = {.subject = subject};

	ush_decide_leave(d, b->seen, &l);
	*(l.leave == USH_LEAVE_NOW ? &b->going : l.leave == USH_LEAVE_FOLLOW ? &b->following : &b->staying) += 1;
	USH_PUSH(b->leaving, b->leaving_count, l);
}

/* People are in it, for groups that cannot be read any more, and are not all accounted for. */
static bool is_unrecorded(const struct ush_decide *d, const struct ush_binding *b, const struct ush_origins *held)
{
	struct ush_list people = {0};
	bool more = ush_binding_of_users(d) ? b->seen->subjects.count > 0 : b->seen->people.count > 0;

	if (!b->seen->spoilt || held != &b->seen->origins)
		return false;
	ush_binding_members(d, &b->final, &people);
	for (size_t i = 0; i < b->seen->people.count && !more; i++)
		more = !ush_list_has(&people, b->seen->people.items[i]);
	ush_list_free(&people);
	return more;
}

/* Under the name that it has now. */
static void follow(struct ush_decide *d, struct ush_binding *b, struct ush_leaving *l)
{
	USH_AUTO_FREE char *text = l->leave == USH_LEAVE_FOLLOW ? ush_name_group(d->policy, l->group->id, l->group->name, l->group->path) : NULL;

	if (text == NULL)
		return;
	ush_decide_remember(d, b->seen, l);
	ush_origins_add(&b->final, &(struct ush_origin){text, l->subject->source, l->group->id, l->group->name, l->group->path, (char *)l->granted});
}

/* Of two sources' groups of one name, a binding holds one: who is to stay under a name that another one follows into is
 * remembered, and no more. */
static bool is_followed(struct ush_decide *d, struct ush_binding *b, struct ush_leaving *l)
{
	const struct ush_origin *s = l->subject, *now = ush_origins_find(&b->final, s->text);

	if (l->leave == USH_LEAVE_NOW || l->leave == USH_LEAVE_FOLLOW || now == NULL || s->source == NULL || strcmp(s->source, now->source) == 0)
		return false;
	ush_decide_forget(d, b->seen, s);
	ush_leaving_free(l);
	b->staying--;
	return true;
}

static void stay(struct ush_decide *d, struct ush_binding *b)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->leaving_count; i++) {
		struct ush_leaving *l = &b->leaving[i];

		if (is_followed(d, b, l))
			continue;
		if (l->leave != USH_LEAVE_NOW && l->leave != USH_LEAVE_FOLLOW) {
			ush_decide_remember(d, b->seen, l);
			ush_origins_add(&b->final, l->subject);
		}
		b->leaving[kept++] = *l;
	}
	b->leaving_count = kept;
}

static void weigh_leaving(struct ush_decide *d, struct ush_binding *b)
{
	const struct ush_origins *held = ush_binding_held(d, b->seen);

	for (size_t i = 0; i < held->count; i++) {
		const struct ush_origin *s = &held->items[i], *now = ush_origins_find(&b->final, s->text);

		if (now == NULL)
			weigh_subject(d, b, s);
		else if (s->source != NULL && (strcmp(s->source, now->source) != 0 || (s->id != NULL && strcmp(s->id, now->id) != 0)))
			ush_decide_forget(d, b->seen, s); /* another group has it by that name */
	}
	if (is_unrecorded(d, b, held)) {
		USH_AUTO_FREE char *text = ush_printf("%s/%s", b->namespace_name, b->name);

		b->unrecorded.text = (char *)ush_plan_text(d->plan, text);
		weigh_subject(d, b, &b->unrecorded);
	}
	for (size_t i = 0; i < b->leaving_count; i++)
		follow(d, b, &b->leaving[i]);
	stay(d, b);
}

/* People of a group whose members are not known whole cannot be told from people who left it. */
static bool people_known(const struct ush_decide *d, const struct ush_origins *origins)
{
	for (size_t i = 0; i < origins->count; i++) {
		const struct ush_group *group = ush_decide_group(d, &origins->items[i]);

		if (group == NULL || group->unresolvable > 0 || !ush_decide_peopled(d, origins->items[i].source))
			return false;
	}
	return true;
}

void ush_binding_members(const struct ush_decide *d, const struct ush_origins *origins, struct ush_list *people)
{
	for (size_t i = 0; i < origins->count; i++) {
		const struct ush_group *group = ush_decide_group(d, &origins->items[i]);

		for (size_t j = 0; group != NULL && j < group->members.count; j++) {
			USH_AUTO_FREE char *text = ush_printf("%s%s", d->policy->user_prefix != NULL ? d->policy->user_prefix : "", group->members.items[j]);

			if (ush_name_group_refused(text) == NULL && ush_denied_person(d->desired, text) == NULL)
				ush_list_add(people, text);
		}
	}
	ush_list_sort(people);
}

static void weigh_people(struct ush_decide *d, struct ush_binding *b)
{
	ush_binding_members(d, &b->final, &b->people);
	if (b->seen == NULL)
		return;
	b->people_held = d->in->partial || !people_known(d, &b->final) || (b->final.count == 0 && b->seen->origins.count == 0 && b->staying > 0);
	for (size_t i = 0; i < d->policy->source_count && b->seen->origins.count == 0; i++)
		b->people_held |= !ush_groups_trusted(&d->in->groups[i]); /* nobody wrote down which groups they came from */
	for (size_t i = 0; i < b->seen->people.count; i++) {
		if (ush_list_has(&b->people, b->seen->people.items[i]))
			continue;
		if (b->people_held && ush_denied_person(d->desired, b->seen->people.items[i]) == NULL)
			ush_list_add(&b->people, b->seen->people.items[i]);
		else
			b->people_going++;
	}
	ush_list_sort(&b->people);
}

void ush_binding_weigh(struct ush_decide *d, struct ush_binding *b)
{
	add_wanted(d, b);
	if (b->seen != NULL && b->seen->foreign == NULL)
		weigh_leaving(d, b);
	if (ush_binding_of_users(d))
		weigh_people(d, b);
}

