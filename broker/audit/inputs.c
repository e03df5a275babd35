/* SPDX-License-Identifier: Apache-2.0
 *
 * Where an inventory comes from. What cannot be read is written down, never passed over: a verdict says what it did not
 * see.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/audit/audit.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/client.h"
#include "common/kube/list.h"
#include "common/kube/manifest.h"

void ush_inventory_free(struct ush_inventory *inventory)
{
	for (size_t i = 0; i < inventory->count; i++)
		ush_rbac_free(inventory->objects[i]);
	free(inventory->objects);
	ush_list_free(&inventory->missing);
	memset(inventory, 0, sizeof *inventory);
}

/* An object that was not understood may have been of any kind. */
static void miss_everything(struct ush_inventory *inventory, const char *why)
{
	ush_list_add(&inventory->missing, why);
	for (size_t i = 0; i < USH_COUNT(inventory->unread); i++)
		inventory->unread[i] = true;
}

void ush_inventory_add(struct ush_inventory *inventory, const json_t *object, const char *origin)
{
	struct ush_error err = {0};
	bool is_rbac = false;
	struct ush_rbac *rbac = ush_rbac_read(object, USH_ERR_INCOMPLETE, &is_rbac, &err);

	inventory->read++;
	if (rbac != NULL) {
		free(rbac->origin);
		rbac->origin = ush_strdup(origin);
		USH_PUSH(inventory->objects, inventory->count, rbac);
	} else if (is_rbac) {
		if (origin != NULL)
			ush_error_at(&err, "%s", origin);
		miss_everything(inventory, err.what);
	}
}

/* ---- a cluster ---- */

struct list_context {
	struct ush_inventory *inventory;
	size_t start, read; /* what there was before this list: where a restart goes back to */
	size_t missing;
};

static int take_item(void *context, json_t *item, struct ush_error *err)
{
	struct list_context *list = context;

	(void)err;
	ush_inventory_add(list->inventory, item, NULL);
	return 0;
}

static void forget(void *context)
{
	struct list_context *list = context;
	struct ush_inventory *in = list->inventory;

	while (in->count > list->start)
		ush_rbac_free(in->objects[--in->count]);
	while (in->missing.count > list->missing)
		free(in->missing.items[--in->missing.count]);
	in->read = list->read;
}

static int read_kind(struct ush_inventory *inventory, const struct ush_kube *kube, enum ush_rbac_kind kind,
		     struct ush_error *err)
{
	struct list_context context = {inventory, inventory->count, inventory->read, inventory->missing.count};
	USH_AUTO_FREE char *path = ush_rbac_list_path(kind, NULL);
	struct ush_kube_list list = {.path = path, .item = take_item, .restart = forget, .context = &context};
	size_t count = 0;

	if (ush_kube_list_all(kube, &list, &count, NULL, err) == 0)
		return 0;
	inventory->unread[kind] = true;
	ush_error_at(err, "%ss", ush_rbac_kind_name(kind));
	ush_list_add(&inventory->missing, err->what);
	return -1;
}

int ush_inventory_live(struct ush_inventory *inventory, const struct ush_kube *kube, struct ush_error *err)
{
	static const enum ush_rbac_kind kinds[] = {USH_CLUSTER_ROLE, USH_CLUSTER_ROLE_BINDING, USH_ROLE,
						   USH_ROLE_BINDING};
	struct ush_error ignored = {0};
	size_t failed = 0;

	inventory->live = true;
	for (size_t i = 0; i < USH_COUNT(kinds); i++) {
		struct ush_error why = {0};

		if (read_kind(inventory, kube, kinds[i], &why) == 0)
			continue;
		/* no server, no sign-in: nothing else will be read either */
		if (failed++ == 0 && i == 0 && why.code != USH_ERR_REFUSED && why.code != USH_ERR_INCOMPLETE &&
		    why.code != USH_ERR_REJECTED) {
			*err = why;
			return -1;
		}
	}
	if (ush_kube_minor(kube, &inventory->minor, &ignored) != 0)
		inventory->minor = 0; /* a server that does not tell is no reason to stop */
	return 0;
}

/* ---- manifests ---- */

static int take_object(void *context, json_t *object, const char *origin, struct ush_error *err)
{
	(void)err;
	ush_inventory_add(context, object, origin);
	return 0;
}

void ush_inventory_manifests(struct ush_inventory *inventory, const char *path)
{
	struct ush_error err = {0};
	size_t count = 0;

	if (ush_manifests_read(path, take_object, inventory, &count, &err) != 0)
		miss_everything(inventory, err.what);
}
