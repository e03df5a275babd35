/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "broker/receive/filter.h"
#include "broker/receive/service.h"
#include "common/base/memory.h"

static int by_number(const void *a, const void *b)
{
	uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;

	return one < other ? -1 : one > other;
}

void ush_crowd_begin(struct ush_crowd *crowd, const struct ush_store *store, const struct ush_resource *group)
{
	*crowd = (struct ush_crowd){.store = store, .count = group != NULL ? group->member_count : 0};
	crowd->members = ush_alloc((crowd->count + 1) * sizeof *crowd->members);
	if (crowd->count > 0)
		memcpy(crowd->members, group->members, crowd->count * sizeof *crowd->members);
}

/* The id in {value: ID}, or in a text alone. */
static const char *id_of(const json_t *value)
{
	return json_string_value(json_is_object(value) ? ush_scim_member(value, "value") : value);
}

/* Numbers of those that are named, sorted. strict: each must be somebody. */
static int numbers(const struct ush_crowd *crowd, const json_t *values, bool strict, uint32_t **out, size_t *count, struct ush_scim_fault *fault)
{
	size_t most = json_is_array(values) ? json_array_size(values) : 1;
	USH_AUTO_FREE uint32_t *list = ush_alloc((most + 1) * sizeof *list);

	*count = 0;
	for (size_t i = 0; i < most; i++) {
		const char *id = id_of(json_is_array(values) ? json_array_get(values, i) : values);
		const struct ush_resource *one = id != NULL ? ush_store_find(crowd->store, id) : NULL;

		if (id == NULL)
			return ush_scim_fail(fault, 400, "invalidValue", "a member is {\"value\": ID}");
		if (one == NULL && strict)
			return ush_scim_fail(fault, 400, "invalidValue", "there is no resource with the id %.60s, so it can be no member", id);
		if (one != NULL)
			list[(*count)++] = one->number;
	}
	qsort(list, *count, sizeof *list, by_number);
	*out = ush_steal(&list);
	return 0;
}

int ush_crowd_add(void *context, const json_t *values, struct ush_scim_fault *fault)
{
	struct ush_crowd *crowd = context;
	USH_AUTO_FREE uint32_t *more = NULL, *all = NULL;
	size_t count, size = 0, i = 0, j = 0;

	if (values == NULL || json_is_null(values))
		return 0;
	if (numbers(crowd, values, true, &more, &count, fault) != 0)
		return -1;
	all = ush_alloc((crowd->count + count + 1) * sizeof *all);
	while (i < crowd->count || j < count) {
		uint32_t next = j == count || (i < crowd->count && crowd->members[i] <= more[j]) ? crowd->members[i++] : more[j++];

		if (size == 0 || all[size - 1] != next)
			all[size++] = next;
	}
	free(crowd->members);
	crowd->members = ush_steal(&all);
	crowd->count = size;
	return 0;
}

static void leave_out(struct ush_crowd *crowd, const uint32_t *leave, size_t count)
{
	size_t size = 0;

	for (size_t i = 0; i < crowd->count; i++)
		if (count == 0 || bsearch(&crowd->members[i], leave, count, sizeof *leave, by_number) == NULL)
			crowd->members[size++] = crowd->members[i];
	crowd->count = size;
}

int ush_crowd_remove(void *context, const json_t *values, struct ush_scim_fault *fault)
{
	struct ush_crowd *crowd = context;
	USH_AUTO_FREE uint32_t *leave = NULL;
	size_t count;

	if (values == NULL) {
		crowd->count = 0;
		return 0;
	}
	if (numbers(crowd, values, false, &leave, &count, fault) != 0)
		return -1;
	leave_out(crowd, leave, count);
	return 0;
}

int ush_crowd_remove_some(void *context, const struct ush_filter *filter, struct ush_scim_fault *fault)
{
	struct ush_crowd *crowd = context;
	const struct ush_resource *one;

	if (filter->op == USH_FILTER_OR)
		return ush_crowd_remove_some(context, filter->left, fault) == 0 ? ush_crowd_remove_some(context, filter->right, fault) : -1;
	if (filter->op != USH_FILTER_EQ || filter->path.urn != NULL || filter->path.sub != NULL || strcasecmp(filter->path.attr, "value") != 0 ||
	    !json_is_string(filter->value))
		return ush_scim_fail(fault, 400, "invalidFilter", "members are picked by value eq \"ID\"");
	one = ush_store_find(crowd->store, json_string_value(filter->value));
	if (one != NULL)
		leave_out(crowd, &one->number, 1);
	return 0;
}
