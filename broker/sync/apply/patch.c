/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/apply/patch.h"

#include <string.h>

#include "broker/sync/want/desired.h"
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

/* ---- what became of it ---- */

static void add_word(struct ush_buf *out, const char *what, const char *name)
{
	ush_buf_printf(out, "%s%s%s%s", out->length > 0 ? ", " : "", what, *name != '\0' ? " " : "", name);
}

static void compare_keys(struct ush_buf *out, const json_t *wanted, const json_t *there, const char *member, const char *what)
{
	const json_t *a = ush_json_object(ush_json_object(wanted, "metadata"), member), *b = ush_json_object(ush_json_object(there, "metadata"), member);

	for (const char *const *key = ush_own_keys; *key != NULL; key++) {
		const char *one = ush_json_string(a, *key), *other = ush_json_string(b, *key);

		if ((one == NULL) != (other == NULL) || (one != NULL && strcmp(one, other) != 0))
			add_word(out, what, *key);
	}
}

static char *meaning(const json_t *object)
{
	struct ush_error unimportant = {0};
	bool is_rbac;
	USH_AUTO_RBAC rbac = ush_rbac_read(object, USH_ERR_REJECTED, &is_rbac, &unimportant);

	return rbac != NULL ? ush_rbac_meaning(rbac) : ush_strdup("");
}

char *ush_change_unkept(const struct ush_plan *plan, const struct ush_change *change, const json_t *there)
{
	USH_AUTO_JSON wanted = ush_change_object(plan, change, NULL);
	USH_AUTO_FREE char *should = meaning(wanted), *is = meaning(there);
	USH_AUTO_BUF out = {0};

	if (strcmp(should, is) != 0)
		add_word(&out, change->kind == USH_ROLE || change->kind == USH_CLUSTER_ROLE ? "rules"
			       : json_equal(json_object_get(wanted, "roleRef"), json_object_get(there, "roleRef")) ? "subjects" : "roleRef", "");
	compare_keys(&out, wanted, there, "labels", "label");
	compare_keys(&out, wanted, there, "annotations", "annotation");
	return out.length > 0 ? ush_buf_take(&out) : NULL;
}
