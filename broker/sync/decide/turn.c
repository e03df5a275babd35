/* SPDX-License-Identifier: Apache-2.0
 *
 * A binding that is wanted for another role than it has is made anew, with all who are in it. Not while somebody is in it
 * who is to keep the role: one who only stays for the time being, one to whom a grant gives it and nothing else that is
 * written does, or one of whom that cannot be told.
 */
#include <string.h>

#include "broker/sync/decide/binding.h"
#include "common/base/memory.h"

bool ush_decide_names_role(const struct ush_policy *policy, size_t role, const char *refers)
{
	USH_AUTO_FREE char *named = ush_printf("%s/%s", ush_wanted_role_kind(&policy->roles[role]), ush_wanted_role_name(&policy->roles[role]));

	return strcmp(named, refers) == 0;
}

bool ush_decide_refers(const struct ush_decide *d, size_t wanted, const struct ush_seen *there)
{
	return ush_decide_names_role(d->policy, ush_wanted_shape(d->desired, wanted)->role, there->role);
}

bool ush_decide_not_given(const struct ush_decide *d, size_t grant, const struct ush_seen *there)
{
	return !ush_decide_names_role(d->policy, d->policy->grants[grant].role, there->role) && (d->policy->drift != USH_DRIFT_REPORT || there->role_ours);
}

/* Two grants want it, and the one that was left out gives somebody in it the role that it has. */
static bool clashes(const struct ush_decide *d, const struct ush_seen *there)
{
	for (size_t i = 0; i < d->desired->clash_count; i++) {
		const struct ush_clash *clash = &d->desired->clashes[i];
		const struct ush_resolved *second = &d->desired->resolved[clash->second];

		if (clash->place == there->place && strcmp(second->binding, there->name) == 0 && ush_origins_find(&there->subjects, second->text) != NULL &&
		    ush_decide_names_role(d->policy, d->policy->grants[second->grant].role, there->role))
			return true;
	}
	return false;
}

bool ush_decide_stays_behind(const struct ush_decide *d, size_t wanted, const struct ush_seen *there)
{
	const struct ush_shape *shape = ush_wanted_shape(d->desired, wanted);
	size_t same = 0;

	if (ush_decide_refers(d, wanted, there))
		return false;
	for (uint32_t i = 0; i < shape->resolved_count; i++) {
		const struct ush_resolved *r = &d->desired->resolved[shape->resolved[i]];
		const struct ush_origin *subject = ush_origins_find(&there->subjects, r->text);

		same += subject != NULL && !ush_decide_waits(d, shape->resolved[i], there->place) && subject->source != NULL &&
			strcmp(subject->source, d->policy->sources[d->policy->grants[r->grant].source].name) == 0;
	}
	return same < there->subjects.count || clashes(d, there);
}

/* Somebody who stays is given the role that it is wanted for. */
static bool is_given(struct ush_decide *d, const struct ush_binding *b, const struct ush_origin *subject)
{
	USH_AUTO_SPEAKERS speakers = {0};

	ush_decide_speakers(d, b->seen, subject, &speakers);
	for (size_t i = 0; i < speakers.count; i++)
		if (ush_policy_same_role(d->policy, d->policy->grants[speakers.grants[i]].role, b->shape->role))
			return true;
	return false;
}

bool ush_binding_keeps_role(struct ush_decide *d, const struct ush_binding *b)
{
	if (b->seen == NULL || b->shape == NULL || ush_decide_refers(d, b->wanted, b->seen))
		return false;
	for (size_t i = 0; i < b->leaving_count; i++)
		if (b->leaving[i].leave != USH_LEAVE_NOW && !is_given(d, b, b->leaving[i].subject))
			return true;
	for (size_t i = 0; i < b->seen->subjects.count; i++) {
		const struct ush_origin *subject = &b->seen->subjects.items[i];

		if (ush_origins_find(&b->final, subject->text) != NULL && ush_decide_needs_role(d, b->seen, subject))
			return true;
	}
	return clashes(d, b->seen);
}
