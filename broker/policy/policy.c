/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy as a value, and the two ways to it: a text, a file.
 */
#include "broker/policy/policy.h"

#include <string.h>

#include "broker/policy/policy_read.h"
#include "common/base/file.h"
#include "common/base/memory.h"

static void free_role(struct ush_policy_role *role)
{
	for (size_t i = 0; i < role->rule_count; i++) {
		struct ush_rule *rule = &role->rules[i];
		struct ush_list *const lists[] = {&rule->verbs, &rule->groups, &rule->resources, &rule->names, &rule->urls};

		for (size_t j = 0; j < USH_COUNT(lists); j++)
			ush_list_free(lists[j]);
	}
	free(role->rules);
	free(role->name);
	free(role->cluster_role);
}

void ush_policy_free(struct ush_policy *policy)
{
	if (policy == NULL)
		return;
	for (size_t i = 0; i < policy->source_count; i++)
		ush_policy_source_free(&policy->sources[i]);
	for (size_t i = 0; i < policy->role_count; i++)
		free_role(&policy->roles[i]);
	for (size_t i = 0; i < policy->grant_count; i++) {
		free(policy->grants[i].group);
		free(policy->grants[i].name);
		ush_list_free(&policy->grants[i].namespaces);
	}
	free(policy->sources);
	free(policy->roles);
	free(policy->grants);
	free(policy->group_prefix);
	free(policy->name);
	free(policy->file);
	free(policy);
}

struct ush_policy *ush_policy_load(const char *path, struct ush_list *faults, struct ush_error *err)
{
	USH_AUTO_BUF text = USH_BUF_MAX(USH_POLICY_BYTES);

	if (ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &text, NULL, err) != 0) {
		if (faults != NULL)
			ush_list_add(faults, err->what);
		return NULL;
	}
	return ush_policy_read(text.data, text.length, strcmp(path, "-") == 0 ? "stdin" : path, faults, err);
}

bool ush_limit_exceeded(const struct ush_limit *limit, size_t gone, size_t of)
{
	if (limit->count >= 0 && gone > (size_t)limit->count)
		return true;
	return limit->percent >= 0 && gone > USH_LIMIT_FEW && gone * 100 > (size_t)limit->percent * of;
}

const char *ush_limit_text(const struct ush_limit *limit, char *out, size_t size)
{
	if (limit->count >= 0 && limit->percent >= 0)
		snprintf(out, size, "%ld or %ld %%", limit->count, limit->percent);
	else if (limit->percent >= 0)
		snprintf(out, size, "%ld %%", limit->percent);
	else if (limit->count >= 0)
		snprintf(out, size, "%ld", limit->count);
	else
		snprintf(out, size, "any number");
	return out;
}
