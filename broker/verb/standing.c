/* SPDX-License-Identifier: Apache-2.0
 *
 * Namespaces and RoleBindings as they stand, from a folder of manifests or a cluster.
 */
#include "broker/import/import.h"
#include "broker/verb/verb.h"
#include "common/base/memory.h"
#include "common/kube/manifest.h"

static int take_manifest(void *context, json_t *object, const char *origin, struct ush_error *err)
{
	return ush_standing_add(context, object, err) == 0 ? 0 : ush_error_at(err, "%s", origin);
}

static int take_item(void *context, json_t *object, struct ush_error *err)
{
	return ush_standing_add(context, object, err);
}

static void forget(void *context)
{
	ush_standing_free(context);
}

static int list(struct ush_standing *standing, const struct ush_kube *kube, const char *path, struct ush_error *err)
{
	struct ush_kube_list list = {.path = path, .item = take_item, .restart = forget, .context = standing};
	size_t count = 0;

	return ush_kube_list_all(kube, &list, &count, NULL, err);
}

int ush_broker_standing(struct ush_standing *standing, const struct ush_kube *kube, const char *folder, struct ush_error *err)
{
	USH_AUTO_FREE char *bindings = ush_rbac_list_path(USH_ROLE_BINDING, NULL);
	struct ush_standing spaces = {0};
	size_t count = 0;
	int result;

	if (folder != NULL)
		return ush_manifests_read(folder, take_manifest, standing, &count, err);
	result = list(&spaces, kube, "/api/v1/namespaces", err); /* two lists: a restart of one forgets its own alone */
	if (result == 0)
		result = list(standing, kube, bindings, err);
	standing->namespaces = ush_steal(&spaces.namespaces);
	standing->namespace_count = spaces.namespace_count;
	spaces.namespace_count = 0;
	ush_standing_free(&spaces);
	return result;
}
