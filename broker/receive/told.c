/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "broker/receive/discovery.h"
#include "broker/receive/filter.h"
#include "broker/receive/resource.h"
#include "broker/receive/service.h"
#include "common/base/memory.h"

#define PAGE_BYTES (4U << 20) /* a page ends when it is as long as this */

/* ---- one ---- */

char *ush_scim_etag(const struct ush_resource *one)
{
	return ush_printf("W/\"%lld\"", (long long)one->version);
}

static const char *endpoint(const struct ush_resource *one)
{
	return one->kind == USH_SCIM_USER ? "Users" : "Groups";
}

static const char *type_of(const struct ush_resource *one)
{
	return one->kind == USH_SCIM_USER ? "User" : "Group";
}

static json_t *meta(const struct ush_resource *one, const char *base)
{
	USH_AUTO_FREE char *etag = ush_scim_etag(one), *location = ush_printf("%s/%s/%s", base, endpoint(one), one->id);
	char created[32], modified[32];

	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "resourceType", type_of(one), "created", ush_scim_time(one->created, created, sizeof created), "lastModified",
			 ush_scim_time(one->modified, modified, sizeof modified), "location", location, "version", etag);
}

static json_t *members(const struct ush_store *store, const struct ush_resource *group, const char *base)
{
	json_t *list = json_array();

	for (size_t i = 0; i < group->member_count; i++) {
		const struct ush_resource *one = store->items[group->members[i]];
		USH_AUTO_FREE char *ref = ush_printf("%s/%s/%s", base, endpoint(one), one->id);
		json_t *member = json_pack("{s:s, s:s, s:s}", "value", one->id, "$ref", ref, "type", type_of(one));

		if (one->called != NULL)
			json_object_set_new(member, "display", json_string(one->called));
		json_array_append_new(list, member);
	}
	return list;
}

/* Is a name that begins with "members" in the list? whole: it and no more. */
static bool names_members(const char *list, bool whole)
{
	for (const char *at = list; at != NULL && *at != '\0'; at += strspn(at, ", ")) {
		size_t length = strcspn(at, ", "), urn = strlen(USH_SCIM_GROUP_URN) + 1;

		if (length > urn && strncasecmp(at, USH_SCIM_GROUP_URN ":", urn) == 0) {
			at += urn;
			length -= urn;
		}
		if (length >= 7 && strncasecmp(at, "members", 7) == 0 && (length == 7 || (!whole && at[7] == '.')))
			return true;
		at += length;
	}
	return false;
}

json_t *ush_scim_told(const struct ush_store *store, const struct ush_resource *one, const struct ush_scim_request *request, struct ush_scim_fault *fault)
{
	const char *attributes = ush_target_get(request->target, "attributes"), *excluded = ush_target_get(request->target, "excludedAttributes");
	USH_AUTO_JSON told = ush_resource_json(one);

	if (told == NULL) {
		ush_scim_fail(fault, 500, NULL, "what is kept of it cannot be read");
		return NULL;
	}
	json_object_set_new(told, "id", json_string(one->id));
	json_object_set_new(told, "meta", meta(one, request->base));
	ush_scim_add_schemas(one->kind, told);
	if (one->kind == USH_SCIM_GROUP && (attributes == NULL || *attributes == '\0' || names_members(attributes, false)) && !names_members(excluded, true))
		json_object_set_new(told, "members", members(store, one, request->base));
	return ush_scim_project(told, attributes, excluded, fault) == 0 ? ush_steal(&told) : NULL;
}

/* ---- many ---- */

struct looking {
	const struct ush_store *store;
	const struct ush_resource *one;
};

static bool is_string_eq(const struct ush_filter *filter)
{
	return filter->op == USH_FILTER_EQ && filter->path.urn == NULL && json_is_string(filter->value);
}

/* Members and ids are not in what is kept. */
static bool known(void *context, const struct ush_filter *filter, bool *result)
{
	const struct looking *looking = context;
	const struct ush_resource *member, *one = looking->one;
	bool value = filter->path.sub == NULL || strcasecmp(filter->path.sub, "value") == 0;

	if (filter->path.urn != NULL)
		return false;
	if (strcasecmp(filter->path.attr, "id") == 0 && is_string_eq(filter)) {
		*result = strcmp(one->id, json_string_value(filter->value)) == 0;
		return true;
	}
	if (one->kind != USH_SCIM_GROUP || strcasecmp(filter->path.attr, "members") != 0)
		return false;
	*result = false;
	if (is_string_eq(filter) && value) {
		member = ush_store_find(looking->store, json_string_value(filter->value));
		*result = member != NULL && ush_resource_has(one, member->number);
	} else if (filter->op == USH_FILTER_PR) {
		*result = one->member_count > 0;
	}
	return true;
}

static bool only_ids(const struct ush_filter *filter)
{
	if (filter == NULL)
		return true;
	if (filter->op == USH_FILTER_AND || filter->op == USH_FILTER_OR || filter->op == USH_FILTER_NOT)
		return only_ids(filter->left) && only_ids(filter->right);
	return filter->path.urn == NULL && ((strcasecmp(filter->path.attr, "id") == 0 && is_string_eq(filter)) || strcasecmp(filter->path.attr, "members") == 0);
}

/* What no resource can be found by: a comparison of members that is not answered would be a wrong "no". */
static int check_filter(const struct ush_filter *filter, struct ush_scim_fault *fault)
{
	if (filter == NULL)
		return 0;
	if (filter->op == USH_FILTER_AND || filter->op == USH_FILTER_OR || filter->op == USH_FILTER_NOT)
		return check_filter(filter->left, fault) == 0 ? check_filter(filter->right, fault) : -1;
	if (filter->path.urn == NULL && strcasecmp(filter->path.attr, "members") == 0 && filter->op != USH_FILTER_PR &&
	    (!is_string_eq(filter) || (filter->path.sub != NULL && strcasecmp(filter->path.sub, "value") != 0)))
		return ush_scim_fail(fault, 400, "invalidFilter", "members are compared by eq alone");
	return 0;
}

static bool matches(const struct ush_store *store, const struct ush_resource *one, const struct ush_filter *filter, const char *base)
{
	struct looking looking = {store, one};
	const struct ush_filter_aside aside = {known, &looking};
	USH_AUTO_JSON kept = NULL;

	if (filter == NULL)
		return true;
	if (!only_ids(filter)) {
		kept = ush_resource_json(one);
		json_object_set_new(kept, "id", json_string(one->id));
		json_object_set_new(kept, "meta", meta(one, base));
	}
	return ush_filter_match(filter, kept, &aside);
}

/* `attr eq "text"` of a name is looked up; of an external id the candidates are few. */
static const char *lookup(const struct ush_filter *filter, const char *attribute)
{
	if (filter == NULL)
		return NULL;
	if (filter->op == USH_FILTER_AND) {
		const char *left = lookup(filter->left, attribute);

		return left != NULL ? left : lookup(filter->right, attribute);
	}
	return is_string_eq(filter) && filter->path.sub == NULL && strcasecmp(filter->path.attr, attribute) == 0 ? json_string_value(filter->value) : NULL;
}

/* False for what cannot match, told without parsing it. */
static bool candidate(const struct ush_resource *one, enum ush_scim_kind kind, const char *external)
{
	return one != NULL && one->kind == kind && (external == NULL || (one->external != NULL && strcmp(one->external, external) == 0));
}

static long number_of(const struct ush_scim_request *request, const char *name, long unless)
{
	const char *text = ush_target_get(request->target, name);
	long number = text != NULL ? strtol(text, NULL, 10) : unless;

	return number < 0 ? 0 : number > 1000000000 ? 1000000000 : number;
}

struct page {
	const struct ush_store *store;
	const struct ush_scim_request *request;
	const struct ush_filter *filter;
	struct ush_scim_fault *fault;
	size_t start, count, total, bytes;
	json_t *rows;
};

static int take(struct page *page, const struct ush_resource *one)
{
	json_t *told;

	if (!matches(page->store, one, page->filter, page->request->base))
		return 0;
	if (++page->total < page->start || json_array_size(page->rows) >= page->count || page->bytes > PAGE_BYTES)
		return 0;
	if ((told = ush_scim_told(page->store, one, page->request, page->fault)) == NULL)
		return -1;
	page->bytes += strlen(one->text) + json_array_size(json_object_get(told, "members")) * 200;
	json_array_append_new(page->rows, told);
	return 0;
}

static int take_all(struct page *page, enum ush_scim_kind kind)
{
	const char *name = lookup(page->filter, kind == USH_SCIM_USER ? "userName" : "displayName"), *id = lookup(page->filter, "id");
	const char *external = lookup(page->filter, "externalId");
	const struct ush_resource *one = name != NULL ? ush_store_named(page->store, kind, name) : id != NULL ? ush_store_find(page->store, id) : NULL;

	if (name != NULL || id != NULL)
		return candidate(one, kind, external) ? take(page, one) : 0;
	for (size_t i = 0; i < page->store->count; i++)
		if (candidate(page->store->items[i], kind, external) && take(page, page->store->items[i]) != 0)
			return -1;
	return 0;
}

json_t *ush_scim_page(const struct ush_store *store, enum ush_scim_kind kind, const struct ush_scim_request *request, struct ush_scim_fault *fault)
{
	const char *text = ush_target_get(request->target, "filter");
	USH_AUTO_FILTER filter = text != NULL ? ush_filter_parse(text, fault) : NULL;
	struct page page = {.store = store, .request = request, .filter = filter, .fault = fault, .rows = json_array()};
	long start = number_of(request, "startIndex", 1), count = number_of(request, "count", 100);

	page.start = start < 1 ? 1 : (size_t)start; /* RFC 7644 section 3.4.2.4 */
	page.count = count > USH_SCIM_PAGE_MAX ? USH_SCIM_PAGE_MAX : (size_t)count;
	if ((text != NULL && filter == NULL) || check_filter(filter, fault) != 0 || take_all(&page, kind) != 0) {
		json_decref(page.rows);
		return NULL;
	}
	return ush_scim_listed(page.rows, page.total, page.start);
}
