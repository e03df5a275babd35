/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "broker/rights/rights.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/match.h"

/* What the API server lets everybody who signed in do (system:basic-user). */
static const struct {
	const char *group, *resource;
} basic[] = {
	{"authorization.k8s.io", "selfsubjectaccessreviews"},
	{"authorization.k8s.io", "selfsubjectrulesreviews"},
	{"authentication.k8s.io", "selfsubjectreviews"},
};

static void owners_add(const struct ush_rule ***owners, size_t *count, const struct ush_right *right)
{
	for (size_t i = 0; i < right->count; i++)
		USH_PUSH(*owners, *count, &right->rules[i]);
}

static bool is_basic(const struct ush_rule *rule)
{
	if (rule->groups.count == 1 && strcmp(rule->groups.items[0], "usher.dev") == 0)
		return true; /* no API has that group: what deploy/protection asks who may write marks */
	if (rule->verbs.count != 1 || strcmp(rule->verbs.items[0], "create") != 0 || rule->groups.count != 1)
		return false;
	for (size_t i = 0; i < rule->resources.count; i++) {
		bool known = false;

		for (size_t k = 0; k < USH_COUNT(basic); k++)
			known = known || (strcmp(basic[k].group, rule->groups.items[0]) == 0 && strcmp(basic[k].resource, rule->resources.items[i]) == 0);
		if (!known)
			return false;
	}
	return true;
}

/* A GET of a plain path is discovery; anything that writes, or a star, is not. */
static bool is_discovery(const json_t *rule)
{
	const json_t *verbs = ush_json_array(rule, "verbs"), *urls = ush_json_array(rule, "nonResourceURLs"), *value;
	size_t i;

	json_array_foreach(verbs, i, value)
		if (json_string_value(value) == NULL || strcmp(json_string_value(value), "get") != 0)
			return false;
	json_array_foreach(urls, i, value)
		if (json_string_value(value) == NULL || strcmp(json_string_value(value), "*") == 0)
			return false;
	return true;
}

/* The first rule of an answer that nothing needed covers, in words; NULL when there is none. */
static int first_uncovered(const json_t *status, const struct ush_rule *const *owners, size_t count, char **what, struct ush_error *err)
{
	USH_AUTO_JSON role = NULL;
	USH_AUTO_RBAC held = NULL;
	const json_t *value;
	bool is_rbac;
	size_t i;

	if (ush_json_array(status, "resourceRules") == NULL)
		return ush_fail(err, USH_ERR_REJECTED, "SelfSubjectRulesReview: the answer has no status.resourceRules");
	role = json_pack("{s:s, s:s, s:{s:s, s:s}, s:O}", "apiVersion", USH_RBAC_GROUP "/v1", "kind", "Role", "metadata", "name", "ours", "namespace",
			 "default", "rules", ush_json_array(status, "resourceRules"));
	held = ush_rbac_read(role, USH_ERR_REJECTED, &is_rbac, err);
	if (held == NULL)
		return ush_error_at(err, "SelfSubjectRulesReview");
	for (i = 0; i < held->rule_count; i++)
		if (!is_basic(&held->rules[i]) && !ush_rules_cover(owners, count, &held->rules[i])) {
			USH_AUTO_BUF text = {0};

			ush_rule_text(&text, &held->rules[i]);
			*what = ush_buf_take(&text);
			return 0;
		}
	json_array_foreach(ush_json_array(status, "nonResourceRules"), i, value)
		if (!is_discovery(value)) {
			*what = ush_strdup("ask for any path of the API server");
			return 0;
		}
	return 0;
}

static int look_in(const struct ush_kube *kube, const struct ush_rights *rights, const char *namespace_name, char **more, struct ush_error *err)
{
	USH_AUTO_JSON review = json_pack("{s:s, s:s, s:{s:s}}", "apiVersion", "authorization.k8s.io/v1", "kind", "SelfSubjectRulesReview", "spec",
					 "namespace", namespace_name);
	USH_AUTO_FREE const struct ush_rule **owners = NULL;
	USH_AUTO_JSON answer = NULL;
	USH_AUTO_FREE char *what = NULL;
	size_t count = 0;

	if (ush_kube_review(kube, "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", review, &answer, err) != 0)
		return -1;
	for (size_t i = 0; i < rights->count; i++)
		if (rights->items[i].namespace_name == NULL || strcmp(rights->items[i].namespace_name, namespace_name) == 0)
			owners_add(&owners, &count, &rights->items[i]);
	if (first_uncovered(ush_json_object(answer, "status"), owners, count, &what, err) != 0)
		return -1;
	if (what != NULL)
		*more = ush_printf("%s (in namespace %s)", what, namespace_name);
	return 0;
}

int ush_rights_check(const struct ush_kube *kube, const struct ush_rights *rights, const char *state_namespace, char **more, struct ush_error *err)
{
	size_t looked = 0;

	*more = NULL;
	if (look_in(kube, rights, state_namespace, more, err) != 0)
		return -1;
	for (size_t i = 0; i < rights->count && *more == NULL && looked < USH_RIGHTS_LOOKED; i++) {
		const char *name = rights->items[i].namespace_name;

		if (name == NULL || strcmp(name, state_namespace) == 0)
			continue;
		looked++;
		if (look_in(kube, rights, name, more, err) != 0)
			return -1;
	}
	return 0;
}

int ush_rights_who(const struct ush_kube *kube, char **name, struct ush_error *err)
{
	USH_AUTO_JSON review = json_pack("{s:s, s:s}", "apiVersion", "authentication.k8s.io/v1", "kind", "SelfSubjectReview");
	USH_AUTO_JSON answer = NULL;
	const char *text;

	if (ush_kube_review(kube, "/apis/authentication.k8s.io/v1/selfsubjectreviews", review, &answer, err) != 0)
		return -1;
	text = ush_json_string(ush_json_object(ush_json_object(answer, "status"), "userInfo"), "username");
	if (text == NULL)
		return ush_fail(err, USH_ERR_REJECTED, "SelfSubjectReview: the answer has no status.userInfo.username");
	*name = ush_strdup(text);
	return 0;
}
