/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/apply/question.h"

#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/client.h"

static char *first(const json_t *rule, const char *key)
{
	return ush_strdup(json_string_value(json_array_get(ush_json_array(rule, key), 0)));
}

bool ush_question_read(struct ush_question *question, const json_t *rules)
{
	const json_t *rule;
	size_t i;
	char *slash;

	json_array_foreach(rules, i, rule) {
		USH_AUTO_FREE char *verb = first(rule, "verbs"), *group = first(rule, "apiGroups"), *resource = first(rule, "resources");

		if (verb == NULL || group == NULL || resource == NULL)
			continue;
		slash = strchr(resource, '/');
		if (slash != NULL) {
			question->subresource = ush_strdup(slash + 1);
			*slash = '\0';
		}
		question->verb = ush_steal(&verb);
		question->group = ush_steal(&group);
		question->resource = ush_steal(&resource);
		question->name = first(rule, "resourceNames");
		return true;
	}
	return false;
}

void ush_question_copy(struct ush_question *to, const struct ush_question *from)
{
	*to = (struct ush_question){ush_strdup(from->verb), ush_strdup(from->group), ush_strdup(from->resource), ush_strdup(from->subresource), ush_strdup(from->name)};
}

void ush_question_free(struct ush_question *question)
{
	free(question->verb);
	free(question->group);
	free(question->resource);
	free(question->subresource);
	free(question->name);
	*question = (struct ush_question){0};
}

json_t *ush_question_review(const struct ush_question *question, const char *user, const char *const *groups, const char *namespace_name)
{
	return ush_kube_review_of(user, groups,
				  &(struct ush_kube_attributes){.verb = question->verb,
								.group = question->group,
								.resource = question->resource,
								.subresource = question->subresource,
								.namespace_name = namespace_name,
								.name = question->name});
}

bool ush_question_allowed(const json_t *answer)
{
	return json_is_true(json_object_get(ush_json_object(answer, "status"), "allowed"));
}
