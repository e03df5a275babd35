/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/client.h"
#include "common/kube/request.h"

#define API "authorization.k8s.io/v1"

static json_t *attributes_of(const struct ush_kube_attributes *what)
{
	const struct {
		const char *name, *value;
	} members[] = {
		{"verb", what->verb},
		{"group", what->group},
		{"resource", what->resource},
		{"subresource", what->subresource},
		{"namespace", what->namespace_name},
		{"name", what->name},
	};
	json_t *attributes = json_object();

	for (size_t i = 0; i < USH_COUNT(members); i++)
		if (members[i].value != NULL)
			json_object_set_new(attributes, members[i].name, json_string(members[i].value));
	return attributes;
}

int ush_kube_review(const struct ush_kube *kube, const char *path, const json_t *review, json_t **answer,
		    struct ush_error *err)
{
	struct ush_kube_call call = {.method = "POST", .path = path, .object = review};
	USH_AUTO_RESPONSE response = {0};

	if (ush_kube_request(kube, &call, &response, err) != 0)
		return -1;
	if (response.status != 201 && response.status != 200)
		return ush_kube_unexpected(kube, &call, &response, err);
	*answer = ush_kube_answer(kube, &response, err);
	return *answer != NULL ? 0 : -1;
}

static int ask(const struct ush_kube *kube, const char *path, const json_t *review, bool *allowed, struct ush_error *err)
{
	USH_AUTO_JSON answer = NULL;
	const json_t *verdict;

	if (ush_kube_review(kube, path, review, &answer, err) != 0)
		return -1;
	verdict = json_object_get(ush_json_object(answer, "status"), "allowed");
	if (!json_is_boolean(verdict))
		return ush_fail(err, USH_ERR_REJECTED, "%s: the answer has no status.allowed", strrchr(path, '/') + 1);
	*allowed = json_is_true(verdict);
	return 0;
}

int ush_kube_can_i(const struct ush_kube *kube, const struct ush_kube_attributes *what, bool *allowed,
		   struct ush_error *err)
{
	USH_AUTO_JSON review = json_pack("{s:s,s:s,s:{s:o}}", "apiVersion", API, "kind", "SelfSubjectAccessReview", "spec",
					 "resourceAttributes", attributes_of(what));

	return ask(kube, "/apis/" API "/selfsubjectaccessreviews", review, allowed, err);
}

json_t *ush_kube_review_of(const char *user, const char *const *groups, const struct ush_kube_attributes *what)
{
	json_t *spec = json_pack("{s:o}", "resourceAttributes", attributes_of(what)), *list = json_array();

	for (; groups != NULL && *groups != NULL; groups++)
		json_array_append_new(list, json_string(*groups));
	if (user != NULL)
		json_object_set_new(spec, "user", json_string(user));
	json_object_set_new(spec, "groups", list);
	return json_pack("{s:s,s:s,s:o}", "apiVersion", API, "kind", "SubjectAccessReview", "spec", spec);
}

int ush_kube_can_they(const struct ush_kube *kube, const char *user, const char *const *groups,
		      const struct ush_kube_attributes *what, bool *allowed, struct ush_error *err)
{
	USH_AUTO_JSON review = ush_kube_review_of(user, groups, what);

	return ask(kube, USH_KUBE_REVIEWS, review, allowed, err);
}
