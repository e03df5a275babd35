/* SPDX-License-Identifier: Apache-2.0
 *
 * Which grants speak of a subject that stands in a binding: those that mean a group so called in that namespace, and give
 * it the same role there, whatever the binding is called. What was made under another layout, or another name, is for the
 * same grant still: until its new binding is written, the old one is what the group has.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/decide/decide.h"
#include "common/base/memory.h"
#include "common/base/search.h"

const char *ush_decide_spoken_name(struct ush_decide *d, size_t number, const struct ush_origin *s)
{
	const struct ush_grant *grant = &d->policy->grants[number];
	USH_AUTO_FREE char *text = NULL;

	if (s->id == NULL || *s->id == '\0') /* nothing more is known of it */
		text = ush_strdup(s->text);
	else if (ush_grant_names(d->policy, grant, s->id, s->name, s->path))
		text = ush_name_group(d->policy, s->id, s->name, s->path);
	else
		text = ush_granted_text(d->policy, grant->group);
	return ush_plan_text(d->plan, text);
}

bool ush_decide_gives(const struct ush_decide *d, const struct ush_grant *grant, const struct ush_seen *seen)
{
	const struct ush_policy_role *role = &d->policy->roles[grant->role];
	const char *kind = ush_wanted_role_kind(role);
	size_t length = strlen(kind);

	if (grant->name != NULL && strcmp(grant->name, seen->name) == 0)
		return true;
	for (size_t i = 0; i < d->policy->role_count && seen->role_said != NULL; i++) /* also when somebody made it anew for another one */
		if (strcmp(d->policy->roles[i].name, seen->role_said) == 0)
			return grant->role == i;
	return strncmp(seen->role, kind, length) == 0 && seen->role[length] == '/' && strcmp(seen->role + length + 1, ush_wanted_role_name(role)) == 0;
}

/* Under a name that the grant would give it under some layout, or for the same role. */
static bool binds(const struct ush_decide *d, const struct ush_grant *grant, const struct ush_seen *seen, const char *id)
{
	static const enum ush_layout layouts[] = {USH_LAYOUT_ROLE, USH_LAYOUT_GROUP, USH_LAYOUT_USERS};
	struct ush_policy policy = *d->policy;

	if (ush_decide_gives(d, grant, seen))
		return true;
	for (size_t i = 0; i < USH_COUNT(layouts); i++) {
		USH_AUTO_FREE char *binding = NULL;

		policy.layout = layouts[i];
		binding = ush_grant_binding(&policy, grant, id);
		if (strcmp(binding, seen->name) == 0)
			return true;
	}
	return false;
}

static void add(struct ush_decide *d, size_t number, const struct ush_seen *seen, const struct ush_origin *s, struct ush_speakers *out)
{
	const struct ush_grant *grant = &d->policy->grants[number];

	for (size_t i = 0; i < out->count; i++)
		if (out->grants[i] == number)
			return;
	if (strcmp(d->policy->sources[grant->source].name, s->source) == 0 && seen->place != SIZE_MAX &&
	    ush_grant_means(d->desired, number, s->name, s->path, seen->place) && binds(d, grant, seen, s->id))
		USH_PUSH(out->grants, out->count, number);
}

static void add_named(struct ush_decide *d, const char *group, const struct ush_seen *seen, const struct ush_origin *s, struct ush_speakers *out)
{
	for (size_t at = USH_FIRST_NOT(i, 0, d->claim_count, strcmp(d->claims[i].group, group) < 0);
	     at < d->claim_count && strcmp(d->claims[at].group, group) == 0; at++)
		add(d, d->claims[at].grant, seen, s, out);
}

void ush_decide_speakers(struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *s, struct ush_speakers *out)
{
	if (s->source == NULL || s->id == NULL || s->name == NULL || s->path == NULL)
		return;
	add_named(d, s->path, seen, s, out);
	add_named(d, s->name, seen, s, out);
	if (s->granted != NULL)
		add_named(d, s->granted, seen, s, out);
	if (d->policy->group_name == USH_GROUP_ID)
		add_named(d, s->id, seen, s, out);
	for (size_t i = 0; i < d->pattern_count; i++)
		if (ush_grant_names(d->policy, &d->policy->grants[d->patterns[i]], s->id, s->name, s->path))
			add(d, d->patterns[i], seen, s, out);
}

void ush_speakers_free(struct ush_speakers *speakers)
{
	free(speakers->grants);
}

bool ush_decide_out_of_time(const struct ush_decide *d, size_t number)
{
	enum ush_fate fate = d->desired->resolved[d->desired->first[number]].fate;

	return d->desired->first[number + 1] > d->desired->first[number] && (fate == USH_FATE_ENDED || fate == USH_FATE_EARLY);
}
