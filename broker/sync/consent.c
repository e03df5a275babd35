/* SPDX-License-Identifier: Apache-2.0
 *
 * A group that was deleted and made again under the same name is another group, and the API server cannot tell: the name
 * is all that a token says. So it gets nothing until a person has confirmed the plan, whatever the old one had; that one
 * is gone and goes as any group that is gone. What shows it: a binding, or a tombstone, that has the same name with
 * another id. Once some binding holds the new id, somebody has confirmed.
 */
#include <string.h>

#include "broker/sync/decide.h"
#include "common/base/memory.h"

uint64_t ush_decide_key(const char *a, const char *b)
{
	return (ush_texts_hash(a, strlen(a)) * 3 ^ ush_texts_hash(b, strlen(b))) * UINT64_C(0x9e3779b97f4a7c15);
}

struct old { /* a name with the id it had */
	const char *source, *text, *id;
};

struct olds {
	struct old *items;
	size_t count;
};

static int by_text(const void *a, const void *b)
{
	const struct old *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order != 0 ? order : strcmp(x->source, y->source);
}

static void collect_seen(struct ush_decide *d, struct olds *olds)
{
	for (size_t i = 0; i < d->in->observed->count; i++) {
		const struct ush_seen *seen = &d->in->observed->items[i];

		for (size_t j = 0; j < seen->origins.count; j++) {
			const struct ush_origin *o = &seen->origins.items[j];

			if (o->source == NULL || o->id == NULL)
				continue;
			USH_PUSH(olds->items, olds->count, ((struct old){o->source, o->text, o->id}));
			ush_keys_add(&d->held, ush_decide_key(o->source, o->id));
		}
	}
}

static void collect_same(struct ush_decide *d)
{
	USH_AUTO_FREE bool *done = ush_alloc((d->desired->shape_count + 1) * sizeof *done);

	for (size_t i = 0; i < d->desired->count; i++) {
		const struct ush_shape *shape = ush_wanted_shape(d->desired, i);

		if (d->in->observed->marks[i] != USH_SAME || done[d->desired->items[i].shape])
			continue;
		done[d->desired->items[i].shape] = true;
		for (uint32_t j = 0; j < shape->resolved_count; j++) {
			const struct ush_resolved *r = &d->desired->resolved[shape->resolved[j]];

			ush_keys_add(&d->held, ush_decide_key(d->policy->sources[d->policy->grants[r->grant].source].name, r->group->id));
		}
	}
}

static bool is_anew(const struct ush_decide *d, const struct ush_resolved *r, const struct olds *olds)
{
	const char *source = d->policy->sources[d->policy->grants[r->grant].source].name;
	struct old key = {source, r->text, NULL};
	const struct old *found = olds->count > 0 ? bsearch(&key, olds->items, olds->count, sizeof key, by_text) : NULL;

	if (ush_keys_has(&d->held, ush_decide_key(source, r->group->id)))
		return false;
	while (found > olds->items && by_text(found - 1, &key) == 0)
		found--;
	for (; found != NULL && found < olds->items + olds->count && by_text(found, &key) == 0; found++)
		if (strcmp(found->id, r->group->id) != 0)
			return true;
	return ush_state_namesake(d->in->state, source, r->text, r->group->id) != NULL;
}

void ush_decide_anew(struct ush_decide *d)
{
	struct olds olds = {0};

	if (d->in->observed->count == 0 && d->in->state->count == 0)
		return;
	collect_seen(d, &olds);
	collect_same(d);
	if (olds.count > 0)
		qsort(olds.items, olds.count, sizeof *olds.items, by_text);
	for (size_t i = 0; i < d->desired->resolved_count; i++)
		if (d->desired->resolved[i].fate == USH_FATE_PRESENT)
			d->anew[i] = is_anew(d, &d->desired->resolved[i], &olds);
	free(olds.items);
}
