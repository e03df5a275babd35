/* SPDX-License-Identifier: Apache-2.0
 *
 * A plan for a few namespaces (ush_sync.only) adds and takes nothing: what only a look at the whole cluster may decide is
 * left to the next run. Whatever the parts of reconcile thought of, this is the last word.
 */
#include <string.h>

#include "broker/sync/decide/partial.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static bool has_subject(const json_t *subjects, const char *kind, const char *name)
{
	const json_t *subject;
	size_t i;

	json_array_foreach(subjects, i, subject) {
		const char *its_kind = ush_json_string(subject, "kind"), *its_name = ush_json_string(subject, "name");

		if (its_kind != NULL && its_name != NULL && strcmp(its_kind, kind) == 0 && strcmp(its_name, name) == 0)
			return true;
	}
	return false;
}

/* Whoever is in the binding is in it afterwards: the body is looked into, not what is said about it. */
static bool keeps_all(const struct ush_decide *d, const struct ush_change *change)
{
	const struct ush_seen *seen = ush_observed_find(d->in->observed, change->namespace_name, change->kind, change->name);
	USH_AUTO_JSON object = ush_change_object(d->plan, change, NULL);
	const json_t *subjects = ush_json_array(object, "subjects");

	if (seen == NULL || object == NULL || change->removed_count > 0)
		return false;
	if (seen->foreign != NULL) /* adopted: the same subjects already */
		return seen->same_access;
	if (seen->strangers)
		return false;
	for (size_t i = 0; i < seen->subjects.count; i++)
		if (!has_subject(subjects, "Group", seen->subjects.items[i].text))
			return false;
	for (size_t i = 0; i < seen->people.count; i++)
		if (!has_subject(subjects, "User", seen->people.items[i]))
			return false;
	return true;
}

static bool may_stay(const struct ush_decide *d, const struct ush_change *change)
{
	if (change->action == USH_CHANGE && change->kind == USH_ROLE_BINDING)
		return keeps_all(d, change);
	return change->action != USH_REMOVE && change->action != USH_REPLACE;
}

static bool joins(const struct ush_change *change, const struct ush_access *access)
{
	for (uint32_t i = 0; i < change->added_count; i++)
		if (strcmp(change->added[i].text, access->text) == 0 && strcmp(change->namespace_name, access->namespace_name) == 0)
			return true;
	return false;
}

/* Who would have joined does not count for the limits. */
static void drop_gained(struct ush_decide *d, const struct ush_change *change)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->gained.count; i++)
		if (!joins(change, &d->gained.items[i]))
			d->gained.items[kept++] = d->gained.items[i];
	d->gained.count = kept;
}

static void hold(struct ush_decide *d, struct ush_change *change)
{
	USH_AUTO_FREE char *why = ush_printf("%s%sleft as it is: a plan for a few namespaces takes nothing away, the next run of apply decides", change->reason,
					     *change->reason != '\0' ? "; " : "");

	drop_gained(d, change);
	change->action = USH_HOLD;
	change->reason = ush_plan_text(d->plan, why);
	change->consent = false;
	change->body = 0;
	change->added_count = change->removed_count = 0;
	change->stand_in = NULL;
}

void ush_decide_partial(struct ush_decide *d)
{
	if (!d->in->partial)
		return;
	for (size_t i = 0; i < d->plan->change_count; i++)
		if (!may_stay(d, &d->plan->changes[i]))
			hold(d, &d->plan->changes[i]);
	d->lost.count = 0;
	ush_state_free(&d->plan->state); /* who waits for a word waits in the next whole run as well */
}

/* ---- which grants are spoken of ---- */

static bool may_mean(const struct ush_decide *d, const struct ush_resolved *r, size_t place)
{
	const struct ush_grant *grant = &d->policy->grants[r->grant];
	bool captures = grant->selector.captures || (grant->namespace_pattern != NULL && strchr(grant->namespace_pattern, '{') != NULL);

	if (r->group != NULL || !captures)
		return ush_grant_means(d->desired, r->grant, r->group != NULL ? r->group->name : "", r->group != NULL ? r->group->path : "", place);
	return !ush_grant_bars(d->desired, grant, place) && (!grant->selector.captures || ush_places_selected(d->desired->places, place, r->grant));
}

bool ush_decide_concerns(const struct ush_decide *d, const struct ush_resolved *resolved)
{
	for (size_t place = 0; d->in->partial && place < d->desired->places->count; place++)
		if (may_mean(d, resolved, place))
			return true;
	return !d->in->partial;
}
