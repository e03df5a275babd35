/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy as a value, and the two ways to it: a text, a file.
 */
#include "broker/policy/policy.h"

#include <string.h>

#include "broker/policy/policy_read.h"
#include "common/base/environment.h"
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

static void free_grant(struct ush_grant *grant)
{
	char *const texts[] = {grant->called, grant->group, grant->group_pattern, grant->namespace_pattern, grant->name, grant->owner, grant->reason};

	for (size_t i = 0; i < USH_COUNT(texts); i++)
		free(texts[i]);
	for (size_t i = 0; i < grant->selector.count; i++) {
		free(grant->selector.rules[i].key);
		ush_list_free(&grant->selector.rules[i].values);
	}
	free(grant->selector.rules);
	ush_list_free(&grant->namespaces);
	ush_list_free(&grant->except);
}

static void free_exception(struct ush_exception *exception)
{
	free(exception->what);
	free(exception->owner);
	free(exception->reason);
}

static void free_cluster(struct ush_cluster *cluster)
{
	free(cluster->name);
	free(cluster->kubeconfig);
	free(cluster->context);
}

#define FREE_ALL(array, count, free_one)                                                                               \
	do {                                                                                                           \
		for (size_t i = 0; i < (count); i++)                                                                   \
			free_one(&(array)[i]);                                                                         \
		free(array);                                                                                           \
	} while (0)

void ush_policy_free(struct ush_policy *policy)
{
	if (policy == NULL)
		return;
	FREE_ALL(policy->sources, policy->source_count, ush_policy_source_free);
	FREE_ALL(policy->roles, policy->role_count, free_role);
	FREE_ALL(policy->grants, policy->grant_count, free_grant);
	FREE_ALL(policy->exceptions, policy->exception_count, free_exception);
	FREE_ALL(policy->clusters, policy->cluster_count, free_cluster);
	FREE_ALL(policy->elevations, policy->elevation_count, ush_elevation_free);
	FREE_ALL(policy->seals, policy->seal_count, ush_seal_free);
	FREE_ALL(policy->templates, policy->template_count, ush_template_free);
	ush_list_free(&policy->exclude_groups);
	ush_list_free(&policy->exclude_namespaces);
	ush_list_free(&policy->owners);
	free(policy->group_prefix);
	free(policy->user_prefix);
	free(policy->group_claim);
	free(policy->state_namespace);
	free(policy->tenant_label);
	free(policy->seal_key);
	free(policy->name);
	free(policy->file);
	free(policy);
}

/* What the policy says is a secret is in no environment that a program of somebody else's inherits. */
static void hide_secrets(const struct ush_policy *policy)
{
	for (size_t i = 0; policy != NULL && i < policy->source_count; i++) {
		const struct ush_policy_source *source = &policy->sources[i];
		bool names_one = ush_setting_row(source->kind, "secretEnv") != NULL && ush_source_text(source, "secretEnv") != NULL;

		if (names_one)
			ush_environment_secret(ush_source_text(source, "secretEnv"));
	}
}

struct ush_policy *ush_policy_load(const char *path, struct ush_list *faults, struct ush_error *err)
{
	USH_AUTO_BUF text = USH_BUF_MAX(USH_POLICY_BYTES);
	struct ush_policy *policy;

	if (ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &text, NULL, err) != 0) {
		if (faults != NULL)
			ush_list_add(faults, err->what);
		return NULL;
	}
	policy = ush_policy_read(text.data, text.length, strcmp(path, "-") == 0 ? "stdin" : path, faults, err);
	hide_secrets(policy);
	return policy;
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
