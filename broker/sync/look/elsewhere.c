/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/look/elsewhere.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/look/observed.h"
#include "broker/sync/look/owner.h"
#include "common/base/memory.h"
#include "common/base/search.h"

char *ush_granted_text(const struct ush_policy *policy, const char *granted)
{
	const char *name = policy->group_name == USH_GROUP_LEAF && *granted == '/' ? ush_name_leaf(granted) : granted;

	return ush_name_group(policy, granted, name, granted);
}

/* ---- those that are wanted ---- */

static int by_name(const struct ush_namesake *a, const char *text, const char *source)
{
	int order = strcmp(a->text, text);

	return order != 0 ? order : strcmp(a->source, source);
}

static int by_all(const void *a, const void *b)
{
	const struct ush_namesake *x = a, *y = b;
	int order = by_name(x, y->text, y->source);

	return order != 0 ? order : strcmp(x->id, y->id);
}

void ush_elsewhere_begin(struct ush_elsewhere *elsewhere, const struct ush_desired *desired)
{
	size_t kept = 0;

	*elsewhere = (struct ush_elsewhere){.items = ush_alloc((desired->resolved_count + 1) * sizeof *elsewhere->items)};
	for (size_t i = 0; i < desired->resolved_count; i++) {
		const struct ush_resolved *r = &desired->resolved[i];

		if (r->fate == USH_FATE_PRESENT)
			elsewhere->items[elsewhere->count++] =
				(struct ush_namesake){.source = desired->policy->sources[desired->policy->grants[r->grant].source].name, .text = r->text, .id = r->group->id};
	}
	qsort(elsewhere->items, elsewhere->count, sizeof *elsewhere->items, by_all);
	for (size_t i = 0; i < elsewhere->count; i++) /* one group may be meant by several grants */
		if (kept == 0 || by_all(&elsewhere->items[kept - 1], &elsewhere->items[i]) != 0)
			elsewhere->items[kept++] = elsewhere->items[i];
	elsewhere->count = kept;
}

static size_t place_of(const struct ush_elsewhere *elsewhere, const char *source, const char *text)
{
	return USH_FIRST_NOT(i, 0, elsewhere->count, by_name(&elsewhere->items[i], text, source) < 0);
}

/* ---- what a binding says ---- */

/* A group in the record counts where it is a subject, too; of a binding of people, any (ush_decide_counts). */
static bool counts(const struct ush_item *item, const struct ush_origin *o)
{
	struct ush_item_subject subject;

	for (struct ush_walk walk = ush_walk(item->subjects); ush_walk_subject(&walk, item, &subject);)
		if (ush_slice_is(subject.kind, "User") || (ush_slice_is(subject.kind, "Group") && ush_slice_is(subject.name, o->text)))
			return true;
	return false;
}

static void note(struct ush_elsewhere *elsewhere, const struct ush_item *item, const struct ush_origin *o, const char *text)
{
	for (size_t i = text != NULL ? place_of(elsewhere, o->source, text) : elsewhere->count;
	     i < elsewhere->count && by_name(&elsewhere->items[i], text, o->source) == 0; i++) {
		struct ush_namesake *n = &elsewhere->items[i];

		if (n->before != NULL || strcmp(n->id, o->id) == 0 || !counts(item, o))
			continue;
		n->before = ush_strdup(o->id);
		n->where = ush_new(struct ush_seen);
		n->where->namespace_name = ush_slice_copy(item->namespace_name);
		n->where->name = ush_slice_copy(item->name);
		elsewhere->found++;
	}
}

/* By each name that it may have been granted by. */
static void note_all(struct ush_elsewhere *elsewhere, const struct ush_policy *policy, const struct ush_item *item, const struct ush_origin *o)
{
	const char *const said[] = {o->name, o->path, o->granted};
	USH_AUTO_FREE char *called = o->name != NULL && o->path != NULL ? ush_name_group(policy, o->id, o->name, o->path) : NULL;

	note(elsewhere, item, o, o->text);
	note(elsewhere, item, o, called);
	for (size_t i = 0; i < USH_COUNT(said); i++) {
		USH_AUTO_FREE char *text = said[i] != NULL ? ush_granted_text(policy, said[i]) : NULL;

		note(elsewhere, item, o, text);
	}
}

void ush_elsewhere_take(struct ush_elsewhere *elsewhere, const struct ush_desired *desired, const struct ush_item *item)
{
	USH_AUTO_ORIGINS origins = {0};
	USH_AUTO_FREE char *foreign = NULL, *text = NULL;
	struct ush_marks marks;
	bool adoptable;

	ush_marks_read(item, &marks);
	foreign = ush_marks_foreign(&marks, item, desired->policy->name, &adoptable);
	text = foreign == NULL ? ush_slice_copy(marks.origin) : NULL;
	if (text == NULL || ush_origins_read(&origins, text) != 0)
		return;
	for (size_t i = 0; i < origins.count; i++)
		if (origins.items[i].source != NULL && origins.items[i].id != NULL)
			note_all(elsewhere, desired->policy, item, &origins.items[i]);
}

/* ---- the answer ---- */

const struct ush_namesake *ush_elsewhere_find(const struct ush_elsewhere *elsewhere, const char *source, const char *id, const char *text)
{
	for (size_t i = elsewhere->found > 0 ? place_of(elsewhere, source, text) : elsewhere->count;
	     i < elsewhere->count && by_name(&elsewhere->items[i], text, source) == 0; i++)
		if (elsewhere->items[i].before != NULL && strcmp(elsewhere->items[i].id, id) == 0)
			return &elsewhere->items[i];
	return NULL;
}

void ush_elsewhere_forget(struct ush_elsewhere *elsewhere)
{
	for (size_t i = 0; i < elsewhere->count; i++) {
		struct ush_namesake *n = &elsewhere->items[i];

		free(ush_steal(&n->before));
		if (n->where != NULL) {
			free(n->where->namespace_name);
			free(n->where->name);
		}
		free(ush_steal(&n->where));
	}
	elsewhere->found = 0;
}

void ush_elsewhere_free(struct ush_elsewhere *elsewhere)
{
	ush_elsewhere_forget(elsewhere);
	free(elsewhere->items);
	*elsewhere = (struct ush_elsewhere){0};
}
