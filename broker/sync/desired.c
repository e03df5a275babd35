/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/desired.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"

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

size_t ush_desired_find(const struct ush_desired *desired, size_t place, enum ush_rbac_kind kind, const char *name)
{
	size_t low, high;

	if (place >= desired->places->count)
		return SIZE_MAX;
	for (low = desired->start[place], high = desired->start[place + 1]; low < high;) {
		size_t middle = low + (high - low) / 2;
		const struct ush_shape *shape = ush_wanted_shape(desired, middle);
		int order = (int)shape->kind - (int)kind;

		if (order == 0)
			order = strcmp(shape->name, name);
		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return SIZE_MAX;
}

/* ---- who is wanted where ---- */

struct hold { /* a group has a grant's role in a place */
	uint32_t place, resolved;
};

struct building {
	struct ush_desired *desired;
	struct hold *holds;
	size_t hold_count;
	uint32_t *stamp; /* one a role: the place, plus one, that has its Role already */
	uint32_t *table; /* of shapes, by what they hold: index + 1 */
	size_t table_size;
	size_t list_room, list_count;
};

static void hold(struct building *b, size_t place, size_t resolved)
{
	USH_PUSH(b->holds, b->hold_count, ((struct hold){(uint32_t)place, (uint32_t)resolved}));
}

/* Places that begin like the pattern does, up to its first star or brace: a team's few among ten thousand. */
static void hold_pattern(struct building *b, size_t number, const char *pattern)
{
	const struct ush_desired *d = b->desired;
	const struct ush_grant *grant = &d->policy->grants[d->resolved[number].grant];
	size_t limit;

	for (size_t place = ush_places_from(d->places, pattern, strcspn(pattern, "*{"), &limit); place < limit; place++)
		if (d->places->items[place].row != SIZE_MAX && ush_pattern_match(pattern, d->places->items[place].name, NULL) &&
		    !ush_grant_bars(grant, &d->places->items[place]))
			hold(b, place, number);
}

static void hold_resolved(struct building *b, size_t number)
{
	const struct ush_desired *d = b->desired;
	const struct ush_resolved *resolved = &d->resolved[number];
	const struct ush_grant *grant = &d->policy->grants[resolved->grant];
	struct ush_captures captures = {0};
	USH_AUTO_FREE char *pattern = NULL;

	for (size_t i = 0; i < grant->namespaces.count; i++) {
		size_t place = ush_places_find(d->places, grant->namespaces.items[i], strlen(grant->namespaces.items[i]));

		if (place != SIZE_MAX && !ush_grant_bars(grant, &d->places->items[place]))
			hold(b, place, number);
	}
	for (size_t place = 0; grant->selector.count > 0 && place < d->places->count; place++)
		if (ush_places_selected(d->places, place, resolved->grant) && !ush_grant_bars(grant, &d->places->items[place]))
			hold(b, place, number);
	if (grant->namespace_pattern == NULL)
		return;
	if (grant->group_pattern != NULL)
		ush_pattern_match(grant->group_pattern, *grant->group_pattern == '/' ? resolved->group->path : resolved->group->name, &captures);
	pattern = ush_pattern_fill(grant->namespace_pattern, &captures);
	if (pattern != NULL)
		hold_pattern(b, number, pattern);
}

/* Sorted by place, in time that follows their number. */
static void sort_holds(struct building *b)
{
	size_t places = b->desired->places->count;
	USH_AUTO_FREE size_t *at = ush_alloc((places + 1) * sizeof *at);
	struct hold *sorted = ush_alloc((b->hold_count + 1) * sizeof *sorted);

	for (size_t i = 0; i < b->hold_count; i++)
		at[b->holds[i].place + 1]++;
	for (size_t i = 0; i < places; i++)
		at[i + 1] += at[i];
	for (size_t i = 0; i < b->hold_count; i++)
		sorted[at[b->holds[i].place]++] = b->holds[i];
	free(b->holds);
	b->holds = sorted;
}

/* ---- shapes ---- */

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
	const struct ush_resolved *x = &sorting->resolved[((const struct hold *)a)->resolved], *y = &sorting->resolved[((const struct hold *)b)->resolved];
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
static void want_binding(struct building *b, size_t place, const struct hold *holds, size_t count)
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

		if (d->policy->grants[r->grant].role != shape.role)
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

static void want_place(struct building *b, size_t place, struct hold *holds, size_t count)
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
	size_t at = 0;

	for (size_t i = 0; i < d->resolved_count; i++)
		if (d->resolved[i].fate == USH_FATE_PRESENT)
			hold_resolved(&b, i);
	sort_holds(&b);
	for (size_t place = 0; place < d->places->count; place++) {
		size_t begin = at;

		d->start[place] = (uint32_t)d->count;
		while (at < b.hold_count && b.holds[at].place == place)
			at++;
		if (at > begin)
			want_place(&b, place, b.holds + begin, at - begin);
	}
	d->start[d->places->count] = (uint32_t)d->count;
	free(b.holds);
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
	void *const owned[] = {d->items, d->start, d->shapes, d->resolved, d->first, d->clashes, d->applysets, d->shards, d->shard_of, d->by_id};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
	free(d);
}
