/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/entra_kept.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"

#define VERSION 1

static const char *const names[] = {[USH_KEPT_GROUPS] = "groups", [USH_KEPT_USERS] = "users"};

static json_t *list_of(const struct ush_kept *kept, enum ush_kept_list list)
{
	return json_object_get(kept->root, names[list]);
}

/* ---- the file ---- */

static void bound_to(const struct ush_policy_source *source, const char *endpoint, char digest[65])
{
	const char *filter = ush_source_text(source, "filter"), *tenant = ush_source_text(source, "tenant"), *client = ush_source_text(source, "client");
	USH_AUTO_FREE char *text = ush_printf("%zu %s%zu %s%zu %s%s", strlen(endpoint), endpoint, strlen(tenant), tenant, strlen(client), client,
					      filter != NULL ? filter : "");

	ush_sha256_hex(text, strlen(text), digest);
}

/* True when every part is what this program writes: an older one may have written otherwise. */
static bool sound(struct ush_kept *kept)
{
	const char *id;
	json_t *group;

	if (json_integer_value(json_object_get(kept->root, "version")) != VERSION)
		return false;
	for (size_t i = 0; i < USH_COUNT(names); i++)
		if (ush_json_object(list_of(kept, i), "items") == NULL)
			return false;
	json_object_foreach(ush_json_object(list_of(kept, USH_KEPT_GROUPS), "items"), id, group) {
		if (ush_json_object(group, "members") == NULL)
			return false;
		kept->memberships += json_object_size(json_object_get(group, "members"));
	}
	return kept->memberships <= USH_KEPT_MEMBERSHIPS;
}

void ush_kept_load(struct ush_kept *kept, const struct ush_policy_source *source, const char *endpoint)
{
	*kept = (struct ush_kept){.cache = {.path = ush_source_text(source, "deltaFile")}};
	bound_to(source, endpoint, kept->bound);
	kept->root = ush_cache_read(&kept->cache, kept->bound);
	if (kept->root != NULL && sound(kept))
		return;
	json_decref(kept->root);
	kept->memberships = 0;
	kept->root = json_pack("{s:i, s:{s:{}}, s:{s:{}}}", "version", VERSION, names[USH_KEPT_GROUPS], "items", names[USH_KEPT_USERS], "items");
}

void ush_kept_save(struct ush_kept *kept, struct ush_groups *groups)
{
	ush_cache_write(&kept->cache, kept->bound, kept->root);
	ush_cache_tell(&kept->cache, groups);
}

void ush_kept_free(struct ush_kept *kept)
{
	ush_cache_close(&kept->cache);
	json_decref(kept->root);
	*kept = (struct ush_kept){0};
}

const char *ush_kept_link(const struct ush_kept *kept, enum ush_kept_list list)
{
	return ush_json_string(list_of(kept, list), "link");
}

void ush_kept_go_on(struct ush_kept *kept, enum ush_kept_list list, const char *link)
{
	if (link != NULL) {
		json_object_set_new(list_of(kept, list), "link", json_string(link));
		return;
	}
	json_object_set_new(kept->root, names[list], json_pack("{s:{}}", "items"));
	if (list == USH_KEPT_GROUPS)
		kept->memberships = 0;
}

const json_t *ush_kept_items(const struct ush_kept *kept, enum ush_kept_list list)
{
	return json_object_get(list_of(kept, list), "items");
}

/* ---- changes ---- */

static enum ush_kept_kind kind_of(const json_t *member)
{
	const char *type = ush_json_string(member, "@odata.type");

	return type == NULL ? USH_KEPT_ANY
	       : strcmp(type, "#microsoft.graph.user") == 0 ? USH_KEPT_USER
	       : strcmp(type, "#microsoft.graph.group") == 0 ? USH_KEPT_GROUP
							     : USH_KEPT_OTHER;
}

static int merge_member(struct ush_kept *kept, json_t *members, const json_t *change, struct ush_error *err)
{
	const char *id = ush_json_string(change, "id");
	bool known = id != NULL && json_object_get(members, id) != NULL;

	if (id == NULL || *id == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "a changed member has no id");
	if (json_object_get(change, "@removed") != NULL) {
		kept->memberships -= known;
		json_object_del(members, id);
		return 0;
	}
	if (!known && kept->memberships >= USH_KEPT_MEMBERSHIPS) {
		ush_fail(err, USH_ERR_INCOMPLETE, "more than %d memberships are too many to be kept", USH_KEPT_MEMBERSHIPS);
		return ush_hint(err, "Take deltaFile out of the policy, and whole lists are read");
	}
	kept->memberships += !known;
	json_object_set_new(members, id, json_integer(kind_of(change)));
	return 0;
}

/* Deleted for good: forgotten. Deleted for now (a Microsoft 365 group, for 30 days): it may come back as it was. */
static void remove_group(struct ush_kept *kept, json_t *items, const char *id, const json_t *removed)
{
	json_t *group = json_object_get(items, id);
	const char *reason = ush_json_string(removed, "reason");

	if (group == NULL)
		return;
	if (reason != NULL && strcmp(reason, "changed") == 0) {
		json_object_set_new(group, "gone", json_true());
		return;
	}
	kept->memberships -= json_object_size(json_object_get(group, "members"));
	json_object_del(items, id);
}

static int merge_group(struct ush_kept *kept, json_t *items, const char *id, const json_t *change, struct ush_error *err)
{
	const json_t *removed = json_object_get(change, "@removed"), *members = json_object_get(change, "members@delta"), *member;
	const char *name = ush_json_string(change, "displayName"), *visibility = ush_json_string(change, "visibility");
	json_t *group;
	size_t i;

	if (removed != NULL) {
		remove_group(kept, items, id, removed);
		return 0;
	}
	if (members != NULL && !json_is_array(members))
		return ush_fail(err, USH_ERR_INCOMPLETE, "the changed members of group %.80s are no list", id);
	if (json_object_get(items, id) == NULL)
		json_object_set_new(items, id, json_pack("{s:{}}", "members"));
	group = json_object_get(items, id);
	json_object_del(group, "gone");
	if (name != NULL)
		json_object_set_new(group, "name", json_string(name));
	if (visibility != NULL)
		json_object_set_new(group, "hidden", json_boolean(strcmp(visibility, "HiddenMembership") == 0));
	json_array_foreach(members, i, member)
		if (merge_member(kept, json_object_get(group, "members"), member, err) != 0)
			return -1;
	return 0;
}

static void merge_user(json_t *items, const char *id, const json_t *change)
{
	static const char *const keys[] = {"userPrincipalName", "mail", "accountEnabled"};
	json_t *user;

	if (json_object_get(items, id) == NULL)
		json_object_set_new(items, id, json_object());
	user = json_object_get(items, id);
	if (json_object_get(change, "@removed") != NULL) {
		json_object_set_new(user, "gone", json_true());
		return;
	}
	json_object_del(user, "gone");
	for (size_t i = 0; i < USH_COUNT(keys); i++) {
		json_t *value = json_object_get(change, keys[i]);

		if (value != NULL && !json_is_object(value) && !json_is_array(value))
			json_object_set(user, keys[i], value);
	}
}

int ush_kept_merge(struct ush_kept *kept, enum ush_kept_list list, const json_t *item, struct ush_error *err)
{
	json_t *items = json_object_get(list_of(kept, list), "items");
	const char *id = ush_json_string(item, "id");

	if (id == NULL || *id == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "a change has no id");
	if (list == USH_KEPT_GROUPS)
		return merge_group(kept, items, id, item, err);
	merge_user(items, id, item);
	return 0;
}
