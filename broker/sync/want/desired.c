/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/want/desired.h"

#include <string.h>

#include "broker/sync/decide/denied.h"
#include "broker/sync/want/holds.h"
#include "common/base/memory.h"
#include "common/base/search.h"

int ush_key_order(const char *namespace_a, enum ush_rbac_kind kind_a, const char *name_a, const char *namespace_b, enum ush_rbac_kind kind_b,
		  const char *name_b)
{
	int order = strcmp(namespace_a, namespace_b);

	if (order == 0)
		order = (int)kind_a - (int)kind_b;
	return order != 0 ? order : strcmp(name_a, name_b);
}

const struct ush_shape *ush_wanted_shape(const struct ush_desired *desired, size_t wanted)
{
	return &desired->shapes[desired->items[wanted].shape];
}

const char *ush_wanted_namespace(const struct ush_desired *desired, size_t wanted)
{
	return desired->places->items[desired->items[wanted].place].name;
}

static int order(const struct ush_shape *shape, enum ush_rbac_kind kind, const char *name)
{
	return shape->kind != kind ? (int)shape->kind - (int)kind : strcmp(shape->name, name);
}

size_t ush_desired_find(const struct ush_desired *desired, size_t place, enum ush_rbac_kind kind, const char *name)
{
	size_t end, at;

	if (place >= desired->places->count)
		return SIZE_MAX;
	end = desired->start[place + 1];
	at = USH_FIRST_NOT(i, desired->start[place], end, order(ush_wanted_shape(desired, i), kind, name) < 0);
	return at < end && order(ush_wanted_shape(desired, at), kind, name) == 0 ? at : SIZE_MAX;
}

/* ---- shapes ---- */

struct building {
	struct ush_desired *desired;
	uint32_t *stamp; /* one a role: the place, plus one, that has its Role already */
	uint32_t *table; /* of shapes, by what they hold: index + 1 */
	size_t table_size;
};

static uint64_t shape_hash(const struct ush_shape *shape)
{
	uint64_t hash = ush_texts_hash(&shape->name, sizeof shape->name) ^ (uint64_t)shape->role * 31 ^ (uint64_t)shape->kind;

	if (shape->resolved_count > 0)
		hash ^= ush_texts_hash(shape->resolved, shape->resolved_count * sizeof *shape->resolved) * 3;
	return hash ^ hash >> 29;
}

/* Names are kept once (texts.h), so equal names are equal pointers. */
static bool equal_shapes(const struct ush_shape *a, const struct ush_shape *b)
{
	return a->kind == b->kind && a->role == b->role && a->name == b->name && a->resolved_count == b->resolved_count &&
	       (a->resolved_count == 0 || memcmp(a->resolved, b->resolved, a->resolved_count * sizeof *a->resolved) == 0);
}

static size_t slot(const struct building *b, const struct ush_shape *shape)
{
	size_t at = (size_t)shape_hash(shape) & (b->table_size - 1);

	while (b->table[at] != 0 && !equal_shapes(&b->desired->shapes[b->table[at] - 1], shape))
		at = (at + 1) & (b->table_size - 1);
	return at;
}

static void grow_table(struct building *b)
{
	free(b->table);
	b->table_size = b->table_size == 0 ? 256 : 2 * b->table_size;
	b->table = ush_alloc(b->table_size * sizeof *b->table);
	for (size_t i = 0; i < b->desired->shape_count; i++)
		b->table[slot(b, &b->desired->shapes[i])] = (uint32_t)i + 1;
}

static const uint32_t *keep_list(struct ush_desired *d, const uint32_t *list, size_t count)
{
	return (const uint32_t *)(const void *)ush_texts_add_bytes(&d->texts, list, count * sizeof *list, sizeof *list);
}

static void want(struct building *b, size_t place, struct ush_shape shape)
{
	struct ush_desired *d = b->desired;
	size_t at;

	if (2 * (d->shape_count + 1) > b->table_size)
		grow_table(b);
	at = slot(b, &shape);
	if (b->table[at] == 0) {
		shape.resolved = shape.resolved_count > 0 ? keep_list(d, shape.resolved, shape.resolved_count) : NULL;
		USH_PUSH(d->shapes, d->shape_count, shape);
		b->table[at] = (uint32_t)d->shape_count;
	}
	USH_PUSH(d->items, d->count, ((struct ush_wanted){(uint32_t)place, b->table[at] - 1}));
}

static int by_binding(const void *a, const void *b, void *desired)
{
	const struct ush_desired *sorting = desired;
	const struct ush_resolved *x = &sorting->resolved[((const struct ush_hold *)a)->resolved], *y = &sorting->resolved[((const struct ush_hold *)b)->resolved];
	int order = x->binding == y->binding ? 0 : strcmp(x->binding, y->binding);

	if (order == 0)
		order = strcmp(x->text, y->text);
	return order != 0 ? order : (x > y) - (x < y);
}

static void want_role(struct building *b, size_t place, uint32_t role)
{
	struct ush_desired *d = b->desired;

	if (d->policy->roles[role].cluster_role != NULL || b->stamp[role] == place + 1)
		return;
	b->stamp[role] = (uint32_t)place + 1;
	want(b, place, (struct ush_shape){.kind = USH_ROLE, .role = role, .name = ush_texts_keep(&d->texts, d->policy->roles[role].name)});
}

/* holds[0 .. count) are of one binding. The grant that stands first in the policy says the role. */
static void want_binding(struct building *b, size_t place, const struct ush_hold *holds, size_t count)
{
	struct ush_desired *d = b->desired;
	uint32_t first = holds[0].resolved;
	USH_AUTO_FREE uint32_t *list = ush_alloc(count * sizeof *list);
	struct ush_shape shape = {.kind = USH_ROLE_BINDING, .resolved = list, .name = d->resolved[first].binding};

	for (size_t i = 1; i < count; i++)
		first = holds[i].resolved < first ? holds[i].resolved : first;
	shape.role = (uint32_t)d->policy->grants[d->resolved[first].grant].role;
	for (size_t i = 0; i < count; i++) {
		const struct ush_resolved *r = &d->resolved[holds[i].resolved];

		if (!ush_policy_same_role(d->policy, d->policy->grants[r->grant].role, shape.role))
			USH_PUSH(d->clashes, d->clash_count, ((struct ush_clash){(uint32_t)place, first, holds[i].resolved}));
		else if (shape.resolved_count == 0 || strcmp(d->resolved[list[shape.resolved_count - 1]].text, r->text) != 0)
			list[shape.resolved_count++] = holds[i].resolved;
	}
	want(b, place, shape);
}

static int by_kind_and_name(const void *a, const void *b, void *desired)
{
	const struct ush_desired *sorting = desired;
	const struct ush_shape *x = &sorting->shapes[((const struct ush_wanted *)a)->shape], *y = &sorting->shapes[((const struct ush_wanted *)b)->shape];
	int order = (int)x->kind - (int)y->kind;

	return order != 0 ? order : strcmp(x->name, y->name);
}

static void want_place(struct building *b, size_t place, struct ush_hold *holds, size_t count)
{
	struct ush_desired *d = b->desired;
	size_t begin = d->count;

	qsort_r(holds, count, sizeof *holds, by_binding, d);
	for (size_t i = 0, same; i < count; i += same) {
		const char *binding = d->resolved[holds[i].resolved].binding;

		for (same = 1; i + same < count && d->resolved[holds[i + same].resolved].binding == binding;)
			same++;
		want_binding(b, place, holds + i, same);
		want_role(b, place, d->shapes[d->items[d->count - 1].shape].role);
	}
	qsort_r(d->items + begin, d->count - begin, sizeof *d->items, by_kind_and_name, d);
}

static void build(struct ush_desired *d)
{
	struct building b = {.desired = d, .stamp = ush_alloc((d->policy->role_count + 1) * sizeof *b.stamp)};
	struct ush_holds holds = ush_holds_find(d);
	size_t at = 0;

	for (size_t place = 0; place < d->places->count; place++) {
		size_t begin = at;

		d->start[place] = (uint32_t)d->count;
		while (at < holds.count && holds.items[at].place == place)
			at++;
		if (at > begin)
			want_place(&b, place, holds.items + begin, at - begin);
	}
	d->start[d->places->count] = (uint32_t)d->count;
	free(holds.items);
	free(b.stamp);
	free(b.table);
}

/* A binding with people in it has an end to its size. */
static void count_people(struct ush_desired *d)
{
	for (size_t i = 0; d->policy->layout == USH_LAYOUT_USERS && i < d->shape_count; i++) {
		struct ush_list people = {0};

		if (d->shapes[i].kind != USH_ROLE_BINDING)
			continue;
		ush_shape_people(d, &d->shapes[i], &people);
		d->shapes[i].excess = people.count > USH_PEOPLE_MAX ? (uint32_t)(people.count - USH_PEOPLE_MAX) : 0;
		ush_list_free(&people);
	}
}

struct ush_desired *ush_desired_new(const struct ush_wish *wish)
{
	struct ush_desired *d = ush_new(struct ush_desired);

	d->policy = wish->policy;
	d->places = wish->places;
	d->now = wish->now;
	d->state_namespace = wish->state_namespace;
	d->ledger = wish->ledger;
	d->way = wish->way;
	ush_denied_begin(d);
	d->start = ush_alloc((wish->places->count + 1) * sizeof *d->start);
	ush_desired_resolve(d, wish);
	build(d);
	count_people(d);
	ush_desired_shard(d, wish);
	return d;
}

void ush_desired_free(struct ush_desired *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->resolved_count; i++) {
		free(d->resolved[i].text);
		free(d->resolved[i].why);
	}
	for (size_t i = 0; i < d->shard_count; i++) {
		free(d->applysets[i]);
		free(d->shards[i]);
	}
	for (size_t i = 0; d->by_id != NULL && i < d->policy->source_count; i++)
		ush_index_free(&d->by_id[i]);
	ush_same_free(d);
	ush_texts_free(&d->texts);
	free(d->denied);
	void *const owned[] = {d->items, d->start, d->shapes, d->resolved, d->first, d->clashes, d->applysets, d->shards, d->shard_of, d->by_id, d->kubernetes};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
	free(d);
}
