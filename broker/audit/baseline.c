/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "broker/audit/audit.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static const char *const own_objects[] = {
#include "broker/audit/baseline-1.36.inc"
};

static const char *const addon_objects[] = {
#include "broker/audit/baseline-addons.inc"
};

struct entry {
	struct ush_rbac *object;
	bool addon;
};

struct ush_baseline {
	struct entry *entries; /* sorted by kind, namespace, name */
	size_t count;
};

static int compare_text(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

static int compare_objects(const struct ush_rbac *a, const struct ush_rbac *b)
{
	int c = a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : compare_text(a->namespace_name, b->namespace_name);

	return c != 0 ? c : compare_text(a->name, b->name);
}

static int compare_entries(const void *a, const void *b)
{
	return compare_objects(((const struct entry *)a)->object, ((const struct entry *)b)->object);
}

/* The tables are part of the program: one that does not read is a broken build, and a unit test reads them. */
static void add(struct ush_baseline *baseline, const char *text, bool addon)
{
	struct ush_error err = {0};
	bool is_rbac = false;
	USH_AUTO_JSON value = ush_json_parse(text, strlen(text), "baseline", USH_ERR_INCOMPLETE, &err);
	struct entry entry = {.object = value != NULL ? ush_rbac_read(value, USH_ERR_INCOMPLETE, &is_rbac, &err) : NULL,
			      .addon = addon};

	if (entry.object == NULL)
		abort();
	USH_PUSH(baseline->entries, baseline->count, entry);
}

struct ush_baseline *ush_baseline_new(void)
{
	struct ush_baseline *baseline = ush_new(struct ush_baseline);

	for (size_t i = 0; i < USH_COUNT(own_objects); i++)
		add(baseline, own_objects[i], false);
	for (size_t i = 0; i < USH_COUNT(addon_objects); i++)
		add(baseline, addon_objects[i], true);
	qsort(baseline->entries, baseline->count, sizeof *baseline->entries, compare_entries);
	return baseline;
}

void ush_baseline_free(struct ush_baseline *baseline)
{
	if (baseline == NULL)
		return;
	for (size_t i = 0; i < baseline->count; i++)
		ush_rbac_free(baseline->entries[i].object);
	free(baseline->entries);
	free(baseline);
}

const struct ush_rbac *ush_baseline_find(const struct ush_baseline *baseline, enum ush_rbac_kind kind,
					 const char *namespace_name, const char *name, bool *addon)
{
	struct ush_rbac wanted = {.kind = kind, .namespace_name = (char *)namespace_name, .name = (char *)name};
	struct entry key = {.object = &wanted};
	const struct entry *found = bsearch(&key, baseline->entries, baseline->count, sizeof key, compare_entries);

	if (found != NULL && addon != NULL)
		*addon = found->addon;
	return found != NULL ? found->object : NULL;
}

size_t ush_baseline_count(const struct ush_baseline *baseline)
{
	return baseline->count;
}

const struct ush_rbac *ush_baseline_at(const struct ush_baseline *baseline, size_t i)
{
	return baseline->entries[i].object;
}
