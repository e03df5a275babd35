/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/decide/elevated.h"

#include <string.h>

#include "broker/sync/look/owner.h"
#include "common/base/memory.h"
#include "common/base/moment.h"

#define ACCOUNT "system:serviceaccount:"

static void free_one(struct ush_elevated *e)
{
	char *const owned[] = {e->namespace_name, e->name, e->uid, e->key, e->subject, e->role, e->foreign};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
}

void ush_elevations_free(struct ush_elevations *elevations)
{
	for (size_t i = 0; i < elevations->count; i++)
		free_one(&elevations->items[i]);
	free(elevations->items);
	*elevations = (struct ush_elevations){0};
}

/* ---- what is there ---- */

static char *label_of(const struct ush_item *item, const char *name)
{
	struct ush_slice key, value;

	for (struct ush_walk walk = ush_walk(item->labels); ush_walk_member(&walk, &key, &value);)
		if (ush_slice_is(key, name))
			return ush_slice_copy(value);
	return NULL;
}

static char *subject_of(const struct ush_item *item)
{
	struct ush_walk walk = ush_walk(item->subjects);
	struct ush_item_subject subject, more;
	USH_AUTO_FREE char *kind = NULL, *name = NULL, *space = NULL;

	if (!ush_walk_subject(&walk, item, &subject) || ush_walk_subject(&walk, item, &more))
		return NULL;
	kind = ush_slice_copy(subject.kind);
	name = ush_slice_copy(subject.name);
	space = ush_slice_copy(subject.namespace_name);
	if (kind != NULL && strcmp(kind, "ServiceAccount") == 0)
		return ush_printf("User " ACCOUNT "%s:%s", space != NULL ? space : "", name);
	return ush_printf("%s %s", kind != NULL ? kind : "", name != NULL ? name : "");
}

static char *foreign_of(const struct ush_item *item, const struct ush_marks *marks)
{
	USH_AUTO_FREE char *value = marks->maker != NULL ? ush_slice_copy(marks->maker_value) : NULL;

	if (marks->maker != NULL)
		return ush_printf("made by %s (%s %s)", marks->maker->maker, marks->maker->what, value);
	return item->owned ? ush_strdup("has an owner of its own (ownerReferences)") : NULL;
}

/* The key of the entry that names it, or NULL. */
static char *key_of_name(const struct ush_item *item, const struct ush_ledger *ledger)
{
	const size_t begin = strlen(USH_ELEVATED_BEGIN);
	USH_AUTO_FREE char *key = NULL;
	const struct ush_ledger_entry *entry;

	if (ledger == NULL || item->name.type != '"' || item->name.length != begin + 8 || memcmp(item->name.text, USH_ELEVATED_BEGIN, begin) != 0)
		return NULL;
	key = ush_strndup(item->name.text + begin, 8);
	entry = ush_ledger_find(ledger, key);
	return entry != NULL && entry->kind == USH_LEDGER_ELEVATED && ush_slice_is(item->name, entry->binding) &&
			       ush_slice_is(item->namespace_name, entry->namespace_name)
		       ? ush_steal(&key)
		       : NULL;
}

bool ush_elevated_take(struct ush_elevations *elevations, const struct ush_item *item, const struct ush_marks *marks, const char *policy,
		       const struct ush_ledger *ledger)
{
	USH_AUTO_FREE char *key = NULL, *whose = NULL, *kind = NULL, *name = NULL;
	struct ush_elevated e = {0};
	bool marked;

	if (item->rbac != USH_ROLE_BINDING)
		return false;
	marked = ush_slice_is(marks->managed_by, USH_MANAGED_BY) && marks->policy.type == 0 && marks->more;
	key = marked ? label_of(item, USH_LABEL_ELEVATION) : NULL;
	whose = marked ? label_of(item, USH_LABEL_ELEVATION_OF) : NULL;
	marked = key != NULL && (whose == NULL || strcmp(whose, policy) == 0);
	if (!marked) {
		free(ush_steal(&key));
		key = key_of_name(item, ledger);
	}
	if (key == NULL)
		return false;
	kind = ush_slice_copy(item->role_kind);
	name = ush_slice_copy(item->role_name);
	e = (struct ush_elevated){.namespace_name = ush_slice_copy(item->namespace_name), .name = ush_slice_copy(item->name), .uid = ush_slice_copy(item->uid),
				  .key = ush_steal(&key), .subject = subject_of(item), .role = ush_printf("%s/%s", kind, name),
				  .foreign = foreign_of(item, marks), .bare = !marked, .terminating = item->terminating};
	USH_PUSH(elevations->items, elevations->count, e);
	return true;
}

/* ---- what is written ---- */

json_t *ush_elevated_subject(const struct ush_ledger_entry *entry)
{
	const char *rest = strncmp(entry->subject, ACCOUNT, strlen(ACCOUNT)) == 0 ? entry->subject + strlen(ACCOUNT) : NULL;
	const char *colon = rest != NULL ? strchr(rest, ':') : NULL;
	USH_AUTO_FREE char *space = colon != NULL ? ush_strndup(rest, (size_t)(colon - rest)) : NULL;

	if (!entry->group && colon != NULL)
		return json_pack("{s:s, s:s, s:s}", "kind", "ServiceAccount", "name", colon + 1, "namespace", space);
	return json_pack("{s:s, s:s, s:s}", "apiGroup", USH_RBAC_GROUP, "kind", entry->group ? "Group" : "User", "name", entry->subject);
}

json_t *ush_elevated_json(const struct ush_ledger_entry *entry, const char *policy, const char *cluster_role)
{
	USH_AUTO_FREE char *until = ush_moment_stamp(entry->until);

	return json_pack("{s:s, s:s, s:{s:s, s:s, s:{s:s, s:s, s:s}, s:{s:s, s:s, s:s}}, s:{s:s, s:s, s:s}, s:[o]}", "apiVersion", USH_RBAC_GROUP "/v1", "kind",
			 "RoleBinding", "metadata", "name", entry->binding, "namespace", entry->namespace_name, "labels", USH_LABEL_MANAGED_BY, USH_MANAGED_BY,
			 USH_LABEL_ELEVATION, entry->key, USH_LABEL_ELEVATION_OF, policy, "annotations", USH_ANNOTATION_EXPIRES, until, USH_ANNOTATION_REASON,
			 entry->reason, USH_ANNOTATION_BY, entry->by, "roleRef", "apiGroup", USH_RBAC_GROUP, "kind", "ClusterRole", "name", cluster_role,
			 "subjects", ush_elevated_subject(entry));
}
