/* SPDX-License-Identifier: Apache-2.0
 *
 * Which group somebody means who writes its path or name.
 */
#include <string.h>

#include "broker/lifecycle/elevate/elevate.h"
#include "broker/policy/naming.h"
#include "broker/source/source.h"
#include "broker/sync/want/lookup.h"
#include "common/base/memory.h"
#include "common/kube/way.h"

void ush_elevate_group_free(struct ush_elevate_group *group)
{
	char *const owned[] = {group->text, group->source, group->id, group->path};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
	*group = (struct ush_elevate_group){0};
}

static int read_source(const struct ush_world *world, const struct ush_policy *policy, size_t number, const char *name, struct ush_groups *groups,
		       struct ush_error *err)
{
	struct ush_list refs = {0};
	struct ush_source_question question = {.source = &policy->sources[number], .refs = &refs, .how = policy->group_name, .no_members = true};
	int result;

	ush_list_add(&refs, name);
	result = ush_source_read(world, &question, groups, err);
	ush_list_free(&refs);
	if (result != 0 || (groups->complete && groups->count > 0))
		return result;
	ush_fail(err, USH_ERR_INCOMPLETE, "source %s is incomplete, so nobody can say who %s is: %s", policy->sources[number].name, name,
		 groups->complete ? "it answered with no group at all" : groups->why);
	return ush_hint(err, "In an emergency, and where the policy has a seal for it: break-glass asks no source");
}

static int twice(const char *name, const char *one, const char *other, struct ush_error *err)
{
	ush_fail(err, USH_ERR_USAGE, "%s means %s and %s", name, one, other);
	return ush_hint(err, "Write the path, or the source: --source NAME");
}

static int take(struct ush_elevate_group *out, const struct ush_policy *policy, size_t number, const struct ush_lookup *lookup, const char *name,
		struct ush_error *err)
{
	const struct ush_group *found[2], *twin;
	const char *refused;

	ush_lookup_refer(lookup, policy, name, found);
	if (found[0] == NULL)
		return 0;
	if (found[1] != NULL || out->text != NULL)
		return twice(name, out->text != NULL ? out->path : found[1]->path, found[0]->path, err);
	out->text = ush_name_group(policy, found[0]->id, found[0]->name, found[0]->path);
	out->source = ush_strdup(policy->sources[number].name);
	out->id = ush_strdup(found[0]->id);
	out->path = ush_strdup(found[0]->path);
	refused = ush_name_group_refused(out->text);
	twin = ush_lookup_twin(lookup, policy, found[0], out->text);
	if (lookup->excluded[found[0] - lookup->groups->items])
		return ush_fail(err, USH_ERR_REFUSED, "%s is excluded (exclude.groups)", out->path);
	if (refused != NULL)
		return ush_fail(err, USH_ERR_REFUSED, "\"%s\" %s", out->text, refused);
	if (twin != NULL)
		return ush_fail(err, USH_ERR_REFUSED, "tokens call both %s and %s \"%s\"; who would get it cannot be told", out->path, twin->path, out->text);
	return 0;
}

int ush_elevate_find(struct ush_elevate_group *group, const struct ush_world *world, const struct ush_policy *policy, const char *source, const char *name,
		     struct ush_error *err)
{
	USH_AUTO_FREE char *file = ush_way_option("f", policy->file);

	for (size_t i = 0; i < policy->source_count; i++) {
		USH_AUTO_GROUPS groups = {0};
		struct ush_lookup lookup;
		int result;

		if (source != NULL && strcmp(source, policy->sources[i].name) != 0)
			continue;
		if (read_source(world, policy, i, name, &groups, err) != 0)
			return -1;
		ush_lookup_open(&lookup, &groups, policy);
		result = take(group, policy, i, &lookup, name, err);
		ush_index_free(&lookup.by[USH_GROUP_ID]);
		ush_lookup_close(&lookup);
		if (result != 0)
			return -1;
	}
	if (group->text != NULL)
		return 0;
	ush_fail(err, USH_ERR_USAGE, "no source has a group %s", name);
	return ush_hint(err, "See what there is: usher-broker groups%s", file);
}
