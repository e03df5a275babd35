/* SPDX-License-Identifier: Apache-2.0
 *
 * Proof after writing: the API server is asked, as its own authorizer would be, whether the group may now do the first
 * thing that its role says. RBAC is read through a cache there, so a no is asked again for a little while.
 */
#include <string.h>

#include "broker/sync/apply.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define REVIEWS_MAX 16   /* a run */
#define ASK_FOR_MS  5000 /* how long a no may be the cache's */
#define ASK_WAIT_MS 50

/* The rules of the role that a binding refers to, owned by the caller; NULL when they cannot be had. */
static json_t *rules_of(const struct ush_kube *kube, const struct ush_change *change)
{
	const json_t *ref = ush_json_object(change->object, "roleRef");
	const char *kind = ush_json_string(ref, "kind"), *name = ush_json_string(ref, "name");
	enum ush_rbac_kind rbac = kind != NULL && strcmp(kind, "ClusterRole") == 0 ? USH_CLUSTER_ROLE : USH_ROLE;
	USH_AUTO_FREE char *path = name != NULL ? ush_rbac_path(rbac, rbac == USH_ROLE ? change->namespace_name : NULL, name) : NULL;
	USH_AUTO_JSON role = NULL;
	struct ush_error ignored = {0};
	int status;

	if (path == NULL || ush_kube_get(kube, path, &status, &role, &ignored) != 0)
		return NULL;
	return json_incref(ush_json_array(role, "rules"));
}

static const char *first(const json_t *rule, const char *key)
{
	return json_string_value(json_array_get(ush_json_array(rule, key), 0));
}

/* A question that the role answers with yes; false when its rules give none. sub is for a subresource, and freed by the caller. */
static bool question(const json_t *rules, const char *namespace_name, struct ush_kube_attributes *what, char **resource)
{
	size_t i;
	const json_t *rule;

	json_array_foreach(rules, i, rule) {
		const char *verb = first(rule, "verbs"), *group = first(rule, "apiGroups"), *kind = first(rule, "resources");
		char *slash;

		if (verb == NULL || group == NULL || kind == NULL)
			continue;
		*resource = ush_strdup(kind);
		slash = strchr(*resource, '/');
		*what = (struct ush_kube_attributes){.verb = verb, .group = group, .resource = *resource, .namespace_name = namespace_name,
						     .name = first(rule, "resourceNames")};
		if (slash != NULL) {
			*slash = '\0';
			what->subresource = slash + 1;
		}
		return true;
	}
	return false;
}

static int ask(const struct ush_kube *kube, const char *group, const struct ush_kube_attributes *what, bool *allowed, struct ush_error *err)
{
	const char *const groups[] = {group, NULL};
	int64_t until = ush_boot_ms(kube->world) + ASK_FOR_MS;

	do {
		if (ush_kube_can_they(kube, "usher-broker:proof", groups, what, allowed, err) != 0)
			return -1;
		if (*allowed)
			return 0;
	} while (ush_boot_ms(kube->world) < until && ush_sleep_ms(kube->world, ASK_WAIT_MS) == 0);
	return 0;
}

static void prove_group(const struct ush_kube *kube, const struct ush_change *change, const char *group, const struct ush_kube_attributes *what,
			struct ush_applied *applied)
{
	struct ush_error why = {0};
	USH_AUTO_FREE char *line = NULL;
	bool allowed;

	if (ask(kube, group, what, &allowed, &why) != 0) {
		applied->no_proof = ush_strdup(why.what);
		return;
	}
	if (allowed) {
		applied->proofs++;
		return;
	}
	line = ush_printf("RoleBinding %s/%s is written, but the API server does not let %s %s %s there", change->namespace_name, change->name, group,
			  what->verb, what->resource);
	ush_list_add(&applied->failed, line);
}

void ush_apply_prove(const struct ush_kube *kube, const struct ush_change *change, struct ush_applied *applied)
{
	const json_t *subjects = ush_json_array(change->object, "subjects"), *subject;
	USH_AUTO_JSON rules = NULL;
	USH_AUTO_FREE char *resource = NULL;
	struct ush_kube_attributes what;
	size_t i;

	if (applied->no_proof != NULL || applied->proofs >= REVIEWS_MAX)
		return;
	rules = rules_of(kube, change);
	if (rules == NULL || !question(rules, change->namespace_name, &what, &resource))
		return;
	json_array_foreach(subjects, i, subject)
		if (applied->no_proof == NULL && applied->proofs < REVIEWS_MAX)
			prove_group(kube, change, ush_json_string(subject, "name"), &what, applied);
}
