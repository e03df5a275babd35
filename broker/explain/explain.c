/* SPDX-License-Identifier: Apache-2.0
 *
 * What groups and namespaces have in common: what keeps a grant out, and what the plan says.
 */
#include "broker/explain/explain.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/reach.h"
#include "common/base/memory.h"
#include "common/base/moment.h"
#include "common/data/json.h"

static char *when(const char *word, int64_t seconds)
{
	USH_AUTO_FREE char *text = ush_moment(seconds);

	return ush_printf("%s %s", word, text);
}

/* The exception whose end is the grant's. */
static const struct ush_exception *ended_by(const struct ush_policy *policy, const struct ush_grant *grant)
{
	for (size_t i = 0; i < policy->exception_count; i++)
		if (policy->exceptions[i].until == grant->not_after && policy->exceptions[i].what != NULL &&
		    (strcmp(policy->exceptions[i].what, policy->roles[grant->role].name) == 0 ||
		     (grant->group != NULL && strcmp(policy->exceptions[i].what, grant->group) == 0)))
			return &policy->exceptions[i];
	return NULL;
}

static char *time_keeps_out(const struct ush_explain *all, const struct ush_grant *grant)
{
	const struct ush_exception *exception = ended_by(all->policy, grant);
	USH_AUTO_FREE char *end = NULL;

	if (grant->not_before != 0 && all->now < grant->not_before)
		return when("not yet: begins", grant->not_before);
	if (grant->not_after == 0 || all->now < grant->not_after)
		return NULL;
	end = when("ended", grant->not_after);
	return exception != NULL ? ush_printf("%s with the exception of %s", end, exception->owner) : ush_steal(&end);
}

/* What the sync made of it: the entry of this group, or the one that stands for all of the grant's. */
static char *resolved_out(const struct ush_explain *all, size_t number, const struct ush_group *group)
{
	for (uint32_t i = all->desired->first[number]; i < all->desired->first[number + 1]; i++) {
		const struct ush_resolved *resolved = &all->desired->resolved[i];

		if (resolved->fate != USH_FATE_PRESENT && (resolved->group == NULL || resolved->group == group))
			return ush_strdup(resolved->why);
	}
	return NULL;
}

char *ush_explain_kept_out(const struct ush_explain *all, const struct ush_grant *grant, const struct ush_group *group)
{
	char *why = time_keeps_out(all, grant);
	USH_AUTO_FREE char *text = group != NULL ? ush_name_group(all->policy, group->id, group->name, group->path) : NULL;
	const char *excluded = group != NULL ? ush_list_excludes_group(&all->policy->exclude_groups, group->name, group->path) : NULL;

	if (why != NULL || grant->kubernetes)
		return why;
	if (all->desired != NULL)
		return resolved_out(all, (size_t)(grant - all->policy->grants), group);
	if (excluded != NULL)
		return ush_printf("%s is excluded (exclude.groups has %s)", group->path, excluded);
	return text != NULL && ush_name_group_refused(text) != NULL ? ush_printf("\"%s\" %s", text, ush_name_group_refused(text)) : NULL;
}

enum ush_reach ush_explain_reach(const struct ush_explain *all, const struct ush_grant *grant, const struct ush_captures *captures, const char *namespace_name,
				 const json_t *labels, const char **by)
{
	enum ush_reach reach = ush_reach_of(all->policy, grant, captures, namespace_name, labels, by);

	if (reach != USH_REACH_YES || all->desired == NULL || strcmp(namespace_name, all->desired->state_namespace) != 0 || ush_list_has(&grant->namespaces, namespace_name))
		return reach;
	*by = "the namespace of the broker's state";
	return USH_REACH_EXCEPT;
}

json_t *ush_explain_of(const struct ush_grant *grant, json_t *json)
{
	json_object_set_new(json, "called", json_string(grant->called));
	if (!grant->of_template)
		json_object_set_new(json, "grant", json_integer((json_int_t)grant->number));
	json_object_set_new(json, "line", json_integer((json_int_t)grant->line));
	return json;
}

void ush_explain_elsewhere(json_t *report, const struct ush_grant *grant, char *why)
{
	json_t *list = ush_json_array(report, "elsewhere");

	if (list == NULL)
		json_object_set_new(report, "elsewhere", list = json_array());
	if (json_array_size(list) < USH_EXPLAIN_MORE)
		json_array_append_new(list, ush_explain_of(grant, json_pack("{s:s}", "why", why)));
	else
		json_object_set_new(report, "more", json_integer(json_integer_value(json_object_get(report, "more")) + 1));
	free(why);
}

static bool change_says(const struct ush_change *change, const char *text)
{
	bool found = text == NULL || strstr(change->reason != NULL ? change->reason : "", text) != NULL;

	for (size_t i = 0; !found && i < change->added_count; i++)
		found = strcmp(change->added[i].text, text) == 0;
	for (size_t i = 0; !found && i < change->removed_count; i++)
		found = strcmp(change->removed[i].text, text) == 0;
	return found;
}

/* What is said of the group by name (it is gone, it is another one), and a binding that should hold it and is not written:
 * somebody else's, or one whose namespace is not there. */
static bool change_withholds(const struct ush_explain *all, const struct ush_change *change, const struct ush_group *group)
{
	const struct ush_desired *desired = all->desired;
	size_t place = ush_places_find(desired->places, change->namespace_name, strlen(change->namespace_name));
	size_t wanted = place != SIZE_MAX ? ush_desired_find(desired, place, USH_ROLE_BINDING, change->name) : SIZE_MAX;
	const struct ush_shape *shape = wanted != SIZE_MAX ? ush_wanted_shape(desired, wanted) : NULL;

	USH_AUTO_FREE char *name = ush_printf("group %s ", group->name), *path = ush_printf("group %s ", group->path);

	if (change->reason != NULL && (strstr(change->reason, name) != NULL || strstr(change->reason, path) != NULL))
		return true;
	if (change->action != USH_CONFLICT && change->action != USH_PENDING)
		return false;
	for (size_t i = 0; shape != NULL && i < shape->resolved_count; i++)
		if (desired->resolved[shape->resolved[i]].group == group)
			return true;
	return false;
}

json_t *ush_explain_plan(const struct ush_explain *all, const char *namespace_name, const char *text, const struct ush_group *group)
{
	json_t *lines = json_array();

	for (size_t i = 0; all->plan != NULL && i < all->plan->change_count; i++) {
		const struct ush_change *change = &all->plan->changes[i];

		if ((namespace_name != NULL && strcmp(change->namespace_name, namespace_name) != 0) ||
		    (!change_says(change, text) && (group == NULL || all->desired == NULL || !change_withholds(all, change, group))))
			continue;
		json_array_append_new(lines, json_pack("{s:s, s:s, s:s, s:s, s:s}", "action", ush_action_name(change->action), "kind",
						       ush_rbac_kind_name(change->kind), "namespace", change->namespace_name, "name", change->name, "reason",
						       change->reason != NULL ? change->reason : ""));
	}
	return lines;
}
