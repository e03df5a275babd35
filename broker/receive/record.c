/* SPDX-License-Identifier: Apache-2.0
 *
 * A change as a JSON object:
 *   {"id", "type", "created", "modified", "version", "body": what is kept, "add": [id], "remove": [id]}
 * where body, add and remove are left out when they are as before, and {"id", "deleted": when}.
 */
#include <string.h>

#include "broker/receive/resource.h"
#include "broker/receive/store.h"
#include "common/base/memory.h"

/* ---- writing ---- */

/* Ids of those in a who are not in b. Both are sorted. NULL for none. */
static json_t *difference(const struct ush_store *store, const struct ush_resource *a, const struct ush_resource *b)
{
	json_t *ids = NULL;
	size_t j = 0;

	for (size_t i = 0; a != NULL && i < a->member_count; i++) {
		while (b != NULL && j < b->member_count && b->members[j] < a->members[i])
			j++;
		if (b != NULL && j < b->member_count && b->members[j] == a->members[i])
			continue;
		if (ids == NULL)
			ids = json_array();
		json_array_append_new(ids, json_string(store->items[a->members[i]]->id));
	}
	return ids;
}

json_t *ush_store_record(const struct ush_store *store, const struct ush_resource *old, const struct ush_resource *now, int64_t at)
{
	json_t *record;

	if (now == NULL)
		return json_pack("{s:s, s:I}", "id", old->id, "deleted", (json_int_t)at);
	record = json_pack("{s:s, s:s, s:I, s:I, s:I}", "id", now->id, "type", now->kind == USH_SCIM_USER ? "User" : "Group", "created", (json_int_t)now->created,
			   "modified", (json_int_t)now->modified, "version", (json_int_t)now->version);
	if (old == NULL || strcmp(old->text, now->text) != 0)
		json_object_set_new(record, "body", ush_resource_json(now));
	json_object_set_new(record, "add", difference(store, now, old));
	json_object_set_new(record, "remove", difference(store, old, now));
	return record;
}

/* ---- doing it again ---- */

/* The numbers of ids, sorted, each once. */
static uint32_t *numbers(const struct ush_store *store, const json_t *ids, size_t *count)
{
	USH_AUTO_FREE uint32_t *out = ush_alloc((json_array_size(ids) + 1) * sizeof *out);
	json_t *id;
	size_t i;

	*count = 0;
	json_array_foreach(ids, i, id) {
		const struct ush_resource *one = json_is_string(id) ? ush_store_find(store, json_string_value(id)) : NULL;

		if (one == NULL)
			return NULL;
		out[(*count)++] = one->number;
	}
	return ush_steal(&out);
}

static int by_number(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return one < other ? -1 : one > other;
}

/* Members as they were, without remove, with add. NULL when one of these is not there. */
static uint32_t *members_after(const struct ush_store *store, const struct ush_resource *old, const json_t *record, size_t *count)
{
	size_t have = old != NULL ? old->member_count : 0, more, less, unique = 0;
	USH_AUTO_FREE uint32_t *add = numbers(store, json_object_get(record, "add"), &more);
	USH_AUTO_FREE uint32_t *leave = numbers(store, json_object_get(record, "remove"), &less);
	USH_AUTO_FREE uint32_t *out = NULL;

	*count = 0;
	if (add == NULL || leave == NULL)
		return NULL;
	qsort(leave, less, sizeof *leave, by_number);
	out = ush_alloc((have + more + 1) * sizeof *out);
	for (size_t i = 0; i < have; i++)
		if (less == 0 || bsearch(&old->members[i], leave, less, sizeof *leave, by_number) == NULL)
			out[(*count)++] = old->members[i];
	for (size_t i = 0; i < more; i++)
		out[(*count)++] = add[i];
	qsort(out, *count, sizeof *out, by_number);
	for (size_t i = 0; i < *count; i++)
		if (unique == 0 || out[unique - 1] != out[i])
			out[unique++] = out[i];
	*count = unique;
	return ush_steal(&out);
}

static int take_number(const json_t *record, const char *key, int64_t *out)
{
	const json_t *number = json_object_get(record, key);

	*out = json_integer_value(number);
	return json_is_integer(number) && *out >= 0 ? 0 : -1;
}

int ush_store_replay(struct ush_store *store, const json_t *record)
{
	const char *id = ush_json_string(record, "id"), *type = ush_json_string(record, "type");
	struct ush_resource as = {0}, *old = id != NULL && strlen(id) == USH_SCIM_ID - 1 ? ush_store_find(store, id) : NULL;
	struct ush_scim_fault fault = {0};
	USH_AUTO_JSON body = NULL;
	uint32_t *members;
	size_t count;
	int64_t at;

	if (id == NULL || strlen(id) != USH_SCIM_ID - 1)
		return -1;
	if (json_object_get(record, "deleted") != NULL) {
		if (old == NULL || take_number(record, "deleted", &at) != 0)
			return -1;
		ush_store_delete(store, old, at);
		return 0;
	}
	body = json_object_get(record, "body") != NULL ? json_incref(json_object_get(record, "body")) : old != NULL ? ush_resource_json(old) : NULL;
	if (type == NULL || body == NULL || take_number(record, "created", &as.created) != 0 || take_number(record, "modified", &as.modified) != 0 ||
	    take_number(record, "version", &as.version) != 0)
		return -1;
	as.kind = strcmp(type, "User") == 0 ? USH_SCIM_USER : USH_SCIM_GROUP;
	memcpy(as.id, id, sizeof as.id);
	if (ush_scim_name(as.kind, body) == NULL || (members = members_after(store, old, record, &count)) == NULL)
		return -1;
	return ush_store_put(store, &as, ush_steal(&body), members, count, &fault) != NULL ? 0 : -1;
}
