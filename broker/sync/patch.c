/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/patch.h"

#include "broker/sync/desired.h"
#include "common/base/memory.h"
#include "common/data/json.h"

const char *const ush_own_keys[] = {
	USH_LABEL_MANAGED_BY, USH_LABEL_POLICY, USH_LABEL_PART_OF, USH_ANNOTATION_ORIGIN, USH_ANNOTATION_ROLE, NULL,
};

/* null takes a key away, and does nothing where there is none. */
static void drop_unwanted(json_t *metadata, const char *member)
{
	json_t *map = json_object_get(metadata, member);

	if (!json_is_object(map)) {
		map = json_object();
		json_object_set_new(metadata, member, map);
	}
	for (const char *const *key = ush_own_keys; *key != NULL; key++)
		if (json_object_get(map, *key) == NULL)
			json_object_set_new(map, *key, json_null());
}

int ush_change_patch(const struct ush_plan *plan, const struct ush_change *change, const char *name, const char *resource_version, struct ush_buf *out)
{
	USH_AUTO_JSON patch = ush_change_object(plan, change, &(struct ush_body_with){.name = name, .resource_version = resource_version});
	json_t *metadata = json_object_get(patch, "metadata");
	USH_AUTO_FREE char *text = NULL;

	if (metadata == NULL)
		return -1;
	drop_unwanted(metadata, "labels");
	drop_unwanted(metadata, "annotations");
	text = json_dumps(patch, JSON_COMPACT | JSON_SORT_KEYS);
	return ush_buf_puts(out, text);
}
