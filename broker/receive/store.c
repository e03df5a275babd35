/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receive/store.h"

#include <search.h>
#include <string.h>

#include "broker/receive/resource.h"
#include "common/base/memory.h"

/* ---- looking ---- */

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct ush_resource *)a)->id, ((const struct ush_resource *)b)->id);
}

static int by_key(const void *a, const void *b)
{
	const struct ush_resource *one = a, *other = b;

	return one->kind != other->kind ? (int)one->kind - (int)other->kind : strcmp(one->key, other->key);
}

struct ush_resource *ush_store_find(const struct ush_store *store, const char *id)
{
	struct ush_resource probe = {0};
	void *found;

	if (strlen(id) != sizeof probe.id - 1)
		return NULL;
	memcpy(probe.id, id, sizeof probe.id);
	found = tfind(&probe, &store->ids, by_id);
	return found != NULL ? *(struct ush_resource **)found : NULL;
}

struct ush_resource *ush_store_named(const struct ush_store *store, enum ush_scim_kind kind, const char *name)
{
	USH_AUTO_FREE char *key = ush_scim_fold(name);
	struct ush_resource probe = {.kind = kind, .key = key};
	void *found = tfind(&probe, &store->keys, by_key);

	return found != NULL ? *(struct ush_resource **)found : NULL;
}

json_t *ush_resource_json(const struct ush_resource *resource)
{
	json_error_t why;

	return json_loads(resource->text, 0, &why);
}

static int by_number(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return one < other ? -1 : one > other;
}

bool ush_resource_has(const struct ush_resource *group, uint32_t number)
{
	return group->member_count > 0 && bsearch(&number, group->members, group->member_count, sizeof number, by_number) != NULL;
}

/* ---- taking places ---- */

static void resource_free(struct ush_resource *resource)
{
	if (resource == NULL)
		return;
	free(resource->text);
	free(resource->key);
	free(resource->external);
	free(resource->called);
	free(resource->members);
	free(resource);
}

static void count(struct ush_store *store, const struct ush_resource *resource, int by)
{
	size_t *kind = resource->kind == USH_SCIM_USER ? &store->users : &store->groups;

	*kind = by > 0 ? *kind + 1 : *kind - 1;
	store->memberships = by > 0 ? store->memberships + resource->member_count : store->memberships - resource->member_count;
}

/* Puts it (NULL: nothing) where one stands, which is returned. */
static struct ush_resource *place(struct ush_store *store, uint32_t number, struct ush_resource *now)
{
	struct ush_resource *old = store->items[number];

	if (old != NULL) {
		tdelete(old, &store->ids, by_id);
		tdelete(old, &store->keys, by_key);
		count(store, old, -1);
	}
	if (now != NULL) {
		tsearch(now, &store->ids, by_id);
		tsearch(now, &store->keys, by_key);
		count(store, now, 1);
	}
	store->items[number] = now;
	return old;
}

static void change(struct ush_store *store, uint32_t number, struct ush_resource *now)
{
	struct ush_undo undo = {.number = number};

	if (store->undo_count == 0)
		store->undo_seen = store->groups_seen;
	undo.old = place(store, number, now);
	USH_PUSH(store->undo, store->undo_count, undo);
	if (now != NULL && now->kind == USH_SCIM_GROUP)
		store->groups_seen = true;
}

void ush_store_keep(struct ush_store *store)
{
	for (size_t i = 0; i < store->undo_count; i++)
		resource_free(store->undo[i].old);
	free(ush_steal(&store->undo));
	store->undo_count = 0;
}

void ush_store_take_back(struct ush_store *store)
{
	if (store->undo_count > 0)
		store->groups_seen = store->undo_seen;
	while (store->undo_count > 0) {
		struct ush_undo *undo = &store->undo[--store->undo_count];

		resource_free(place(store, undo->number, undo->old));
	}
	free(ush_steal(&store->undo));
}

static void leave(void *resource)
{
	(void)resource; /* items has it */
}

void ush_store_free(struct ush_store *store)
{
	ush_store_keep(store);
	tdestroy(ush_steal(&store->ids), leave);
	tdestroy(ush_steal(&store->keys), leave);
	for (size_t i = 0; i < store->count; i++)
		resource_free(store->items[i]);
	free(store->items);
	*store = (struct ush_store){0};
}

/* ---- changes ---- */

static int check(const struct ush_store *store, const struct ush_resource *old, const struct ush_resource *now, struct ush_scim_fault *fault)
{
	const void *found = tfind(now, &store->keys, by_key);
	const struct ush_resource *other = found != NULL ? *(struct ush_resource *const *)found : NULL;
	bool user = now->kind == USH_SCIM_USER;

	if (other != NULL && other != old)
		return ush_scim_fail(fault, 409, "uniqueness", "there is a %s with this %s", user ? "user" : "group", user ? "userName" : "displayName");
	if (old == NULL && (user ? store->users >= store->max_users : store->groups >= store->max_groups))
		return ush_scim_fail(fault, 507, NULL, "no more than %zu %s are taken here", user ? store->max_users : store->max_groups, user ? "users" : "groups");
	if (now->member_count > (old != NULL ? old->member_count : 0) &&
	    store->memberships + now->member_count - (old != NULL ? old->member_count : 0) > USH_STORE_MEMBERSHIPS_MAX)
		return ush_scim_fail(fault, 507, NULL, "no more than %d memberships are taken here", USH_STORE_MEMBERSHIPS_MAX);
	return 0;
}

static struct ush_resource *make(const struct ush_store *store, const struct ush_resource *as, json_t *kept, uint32_t *members, size_t member_count)
{
	struct ush_resource *now = ush_new(struct ush_resource);

	*now = *as;
	now->text = ush_json_canonical(kept);
	now->key = ush_scim_fold(ush_scim_name(as->kind, kept));
	now->external = ush_strdup(ush_json_string(kept, "externalId"));
	now->called = ush_strdup(as->kind == USH_SCIM_USER ? ush_scim_people_name(kept, store->people) : ush_scim_name(as->kind, kept));
	now->active = !json_is_false(json_object_get(kept, "active"));
	now->members = members;
	now->member_count = member_count;
	json_decref(kept);
	return now;
}

struct ush_resource *ush_store_put(struct ush_store *store, const struct ush_resource *as, json_t *kept, uint32_t *members, size_t member_count,
				   struct ush_scim_fault *fault)
{
	struct ush_resource *old = ush_store_find(store, as->id), *now = make(store, as, kept, members, member_count);

	if (check(store, old, now, fault) != 0) {
		resource_free(now);
		return NULL;
	}
	if (old != NULL) {
		now->number = old->number;
	} else {
		now->number = (uint32_t)store->count;
		USH_PUSH(store->items, store->count, NULL);
	}
	change(store, now->number, now);
	return now;
}

/* The group without one of its members. */
static struct ush_resource *without(const struct ush_resource *group, uint32_t number, int64_t at)
{
	struct ush_resource *now = ush_new(struct ush_resource);

	*now = *group;
	now->text = ush_strdup(group->text);
	now->key = ush_strdup(group->key);
	now->external = ush_strdup(group->external);
	now->called = ush_strdup(group->called);
	now->version++;
	now->modified = at;
	now->members = ush_alloc(group->member_count * sizeof *now->members);
	now->member_count = 0;
	for (size_t i = 0; i < group->member_count; i++)
		if (group->members[i] != number)
			now->members[now->member_count++] = group->members[i];
	return now;
}

void ush_store_delete(struct ush_store *store, struct ush_resource *resource, int64_t at)
{
	uint32_t number = resource->number;

	for (size_t i = 0; i < store->count; i++)
		if (store->items[i] != NULL && i != number && ush_resource_has(store->items[i], number))
			change(store, (uint32_t)i, without(store->items[i], number, at));
	change(store, number, NULL);
}
