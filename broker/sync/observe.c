/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/observe.h"

#include <string.h>
#include <unistd.h>

#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/manifest.h"

struct look {
	struct ush_observed *observed;
	const struct ush_desired *desired;
	enum ush_rbac_kind kind; /* of the list that is being read */
};

static int take_item(void *context, json_t *item, struct ush_error *err)
{
	struct look *look = context;

	return ush_observed_add(look->observed, look->desired, item, err);
}

/* The list begins again from its first page: forget what it gave so far. */
static void forget(void *context)
{
	struct look *look = context;
	struct ush_observed kept = *look->observed, dropped = {0};

	kept.items = NULL;
	kept.count = 0;
	for (size_t i = 0; i < look->observed->count; i++)
		if (look->observed->items[i].kind != look->kind)
			USH_PUSH(kept.items, kept.count, look->observed->items[i]);
		else
			USH_PUSH(dropped.items, dropped.count, look->observed->items[i]);
	if (look->kind == USH_ROLE_BINDING)
		kept.bindings_ours = kept.bindings_others = 0;
	free(look->observed->items);
	*look->observed = kept;
	ush_observed_free(&dropped);
}

static int take_namespace(void *context, json_t *item, struct ush_error *err)
{
	struct look *look = context;
	const json_t *metadata = ush_json_object(item, "metadata");
	const char *name = ush_json_string(metadata, "name");

	if (name == NULL)
		return ush_fail(err, USH_ERR_REJECTED, "a namespace of %s has no name", look->observed->where);
	if (json_object_get(metadata, "deletionTimestamp") == NULL)
		ush_list_add(&look->observed->namespaces, name);
	return 0;
}

static void forget_namespaces(void *context)
{
	struct look *look = context;

	ush_list_free(&look->observed->namespaces);
	look->observed->namespaces = (struct ush_list){0};
}

static int list_namespaces(struct look *look, const struct ush_kube *kube, struct ush_error *err)
{
	struct ush_kube_list list = {"/api/v1/namespaces", NULL, take_namespace, forget_namespaces, look};
	struct ush_error why = {0};

	if (ush_kube_list_all(kube, &list, NULL, NULL, &why) == 0) {
		look->observed->namespaces_known = true;
		return 0;
	}
	if (why.code == USH_ERR_REFUSED) /* may not list them: then a missing one shows when something is created there */
		return 0;
	*err = why;
	return -1;
}

int ush_observe_cluster(struct ush_observed *observed, const struct ush_desired *desired, const struct ush_kube *kube, struct ush_error *err)
{
	static const enum ush_rbac_kind kinds[] = {USH_ROLE, USH_ROLE_BINDING};
	const char *host = strstr(kube->config->server, "://");
	struct look look = {observed, desired, USH_ROLE};

	*observed = (struct ush_observed){.live = true, .where = ush_strdup(host != NULL ? host + 3 : kube->config->server)};
	for (size_t i = 0; i < USH_COUNT(kinds); i++) {
		USH_AUTO_FREE char *path = ush_rbac_list_path(kinds[i], NULL);
		struct ush_kube_list list = {path, NULL, take_item, forget, &look};

		look.kind = kinds[i];
		if (ush_kube_list_all(kube, &list, NULL, NULL, err) != 0)
			return -1;
	}
	return list_namespaces(&look, kube, err) != 0 ? -1 : ush_observed_sort(observed, err);
}

static int take_manifest(void *context, json_t *object, const char *origin, struct ush_error *err)
{
	return take_item(context, object, err) != 0 ? ush_error_at(err, "%s", origin) : 0;
}

int ush_observe_folder(struct ush_observed *observed, const struct ush_desired *desired, const char *path, struct ush_error *err)
{
	struct look look = {.observed = observed, .desired = desired};

	*observed = (struct ush_observed){.where = ush_strdup(path)};
	if (strcmp(path, "-") != 0 && access(path, F_OK) != 0)
		return 0;
	if (ush_manifests_read(path, take_manifest, &look, NULL, err) != 0)
		return -1;
	return ush_observed_sort(observed, err);
}
