/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/apply/applyset.h"

#include <string.h>

#include "broker/sync/want/desired.h"
#include "common/base/memory.h"
#include "common/data/json.h"

json_t *ush_applyset_parent(const char *name, const char *id, const char *namespace_name, const char *policy, const char *namespaces, const char *version)
{
	json_t *map = json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s}}}", "apiVersion", "v1", "kind", "ConfigMap", "metadata", "name", name,
				"namespace", namespace_name, "labels", USH_LABEL_MANAGED_BY, USH_MANAGED_BY, USH_LABEL_POLICY, policy, USH_APPLYSET_ID, id,
				"annotations", USH_APPLYSET_TOOLING, USH_MANAGED_BY "/" USH_VERSION, USH_APPLYSET_KINDS,
				"Role." USH_RBAC_GROUP ",RoleBinding." USH_RBAC_GROUP);
	json_t *metadata = json_object_get(map, "metadata");

	if (namespaces != NULL && *namespaces != '\0')
		json_object_set_new(json_object_get(metadata, "annotations"), USH_APPLYSET_NAMESPACES, json_string(namespaces));
	if (version != NULL)
		json_object_set_new(metadata, "resourceVersion", json_string(version));
	return map;
}

static bool keeps_state(const struct ush_plan *plan, const struct ush_set *set)
{
	USH_AUTO_FREE char *own = ush_state_name(plan->policy);

	return strcmp(set->name, own) == 0;
}

static char *list_path(const struct ush_plan *plan)
{
	return ush_printf("/api/v1/namespaces/%s/configmaps", plan->state_namespace);
}

/* ---- what is there ---- */

static int read_set(const struct ush_kube *kube, const struct ush_plan *plan, struct ush_set *set, struct ush_error *err)
{
	USH_AUTO_FREE char *list = list_path(plan), *path = ush_printf("%s/%s", list, set->name);
	USH_AUTO_JSON map = NULL;
	const json_t *metadata;
	const char *manager, *there;
	int status;

	if (ush_kube_get(kube, path, &status, &map, err) != 0)
		return -1;
	free(ush_steal(&set->there));
	if (map == NULL)
		return 0;
	metadata = ush_json_object(map, "metadata");
	manager = ush_json_string(ush_json_object(metadata, "labels"), USH_LABEL_MANAGED_BY);
	if (manager == NULL || strcmp(manager, USH_MANAGED_BY) != 0) {
		ush_fail(err, USH_ERR_REFUSED, "ConfigMap %s/%s is not ours", plan->state_namespace, set->name);
		return ush_hint(err, "Keep the state elsewhere: cluster.stateNamespace of the policy");
	}
	there = ush_json_string(ush_json_object(metadata, "annotations"), USH_APPLYSET_NAMESPACES);
	set->there = ush_strdup(there != NULL ? there : "");
	set->version = ush_strdup(ush_json_string(metadata, "resourceVersion"));
	return 0;
}

int ush_applyset_read(const struct ush_kube *kube, struct ush_plan *plan, struct ush_error *err)
{
	for (size_t i = 0; i < plan->set_count; i++)
		if (!keeps_state(plan, &plan->sets[i]) && read_set(kube, plan, &plan->sets[i], err) != 0)
			return -1;
	return 0;
}

/* ---- writing ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Both lists, sorted, each name once. */
static char *united(const char *a, const char *b)
{
	USH_AUTO_FREE char *text = ush_printf("%s,%s", a, b);
	USH_AUTO_FREE char **names = NULL;
	struct ush_buf out = {0};
	size_t count = 0;
	char *rest = text;

	for (char *name = strsep(&rest, ","); name != NULL; name = strsep(&rest, ","))
		if (*name != '\0')
			USH_PUSH(names, count, name);
	if (count > 0)
		qsort(names, count, sizeof *names, by_text);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || strcmp(names[i - 1], names[i]) != 0)
			ush_buf_printf(&out, "%s%s", out.length > 0 ? "," : "", names[i]);
	return ush_buf_take(&out);
}

/* A parent holds nothing but what is said here, and all of it by us: server-side apply sets it whatever version is there. */
static int write_set(const struct ush_kube *kube, const struct ush_plan *plan, const struct ush_set *set, const char *namespaces, struct ush_error *err)
{
	USH_AUTO_FREE char *list = list_path(plan), *path = ush_printf("%s/%s", list, set->name), *conflict = NULL;
	USH_AUTO_JSON map = ush_applyset_parent(set->name, set->id, plan->state_namespace, plan->policy, namespaces, NULL);
	int status;

	if (ush_kube_apply(kube, path, map, true, false, &status, &conflict, err) != 0)
		return ush_error_at(err, "the ApplySet's parent (ConfigMap %s/%s)", plan->state_namespace, set->name);
	if (status == 409)
		return ush_fail(err, USH_ERR_REFUSED, "the ApplySet's parent (ConfigMap %s/%s): %s", plan->state_namespace, set->name, conflict);
	return 0;
}

int ush_applyset_write(const struct ush_kube *kube, const struct ush_plan *plan, bool before, struct ush_error *err)
{
	for (size_t i = 0; i < plan->set_count; i++) {
		const struct ush_set *set = &plan->sets[i];
		const char *there = set->there != NULL ? set->there : "";
		USH_AUTO_FREE char *wide = united(set->namespaces, there);

		if (keeps_state(plan, set) || (before ? strcmp(wide, there) == 0 : strcmp(set->namespaces, wide) == 0))
			continue;
		if (write_set(kube, plan, set, before ? wide : set->namespaces, err) != 0)
			return -1;
	}
	return 0;
}
