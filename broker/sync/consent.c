/* SPDX-License-Identifier: Apache-2.0
 *
 * A group that was deleted and made again under the same name is another group, and the API server cannot tell: the name
 * is all that a token says. So it gets nothing until a person has confirmed the plan, whatever the old one had. What shows
 * it: a binding, or a tombstone, that has the same name with another id. Once some binding holds the new id, somebody has
 * confirmed.
 *
 * What becomes of the old one's subject meanwhile, whose text is the new one's as well:
 *   Its group is gone: it waits like that of any group that is gone, noted by one run and removed by another. To take it
 *   out at once would be to trust one answer (a provider that was restored gives all its groups new ids, and the people
 *   are the same); to keep it until somebody says yes would be a grant to the new group that nobody made and that never
 *   ends. So the new group's people have by the name what the old one had, for limits.vanishedGroup at most, and in no
 *   namespace, role or binding where it was not; the plan says so in its line.
 *   Its group is there under another name: then there is no doubt who bears the old one, and the subject is not kept for
 *   one run (vanished.c): the binding follows the group, and where it cannot, the name goes.
 * The others in that binding never wait. A plan has the binding twice: as it will be without the word, and as it will be
 * with it, in place of that (ush_plan_consent).
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/decide.h"
#include "common/base/memory.h"

uint64_t ush_decide_key(const char *a, const char *b)
{
	return (ush_texts_hash(a, strlen(a)) * 3 ^ ush_texts_hash(b, strlen(b))) * UINT64_C(0x9e3779b97f4a7c15);
}

/* A group under a name. */
static uint64_t key_of(const char *source, const char *id, const char *text)
{
	return ush_decide_key(source, id) ^ ush_texts_hash(text, strlen(text));
}

static int by_text(const void *a, const void *b)
{
	const struct ush_old *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order != 0 ? order : strcmp(x->source, y->source);
}

static void collect_seen(struct ush_decide *d)
{
	for (size_t i = 0; i < d->in->observed->count; i++) {
		const struct ush_seen *seen = &d->in->observed->items[i];

		for (size_t j = 0; j < seen->origins.count; j++) {
			const struct ush_origin *o = &seen->origins.items[j];

			if (o->source == NULL || o->id == NULL)
				continue;
			USH_PUSH(d->olds, d->old_count, ((struct ush_old){o->source, o->text, o->id}));
			if (o->granted != NULL) { /* it had that name, too, and the policy still means it by that */
				USH_AUTO_FREE char *text = ush_decide_granted_text(d, o->granted);

				USH_PUSH(d->olds, d->old_count, ((struct ush_old){o->source, ush_plan_text(d->plan, text), o->id}));
			}
			ush_keys_add(&d->held, key_of(o->source, o->id, o->text));
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

			ush_keys_add(&d->held, key_of(d->policy->sources[d->policy->grants[r->grant].source].name, r->group->id, r->text));
		}
	}
}

const char *ush_decide_before(const struct ush_decide *d, const char *source, const char *id, const char *text)
{
	const struct ush_tombstone *stone;
	const struct ush_old key = {source, text, NULL}, *end = d->olds + d->old_count;
	const struct ush_old *found = d->old_count > 0 ? bsearch(&key, d->olds, d->old_count, sizeof key, by_text) : NULL;

	if (ush_keys_has(&d->held, key_of(source, id, text)))
		return NULL;
	while (found > d->olds && by_text(found - 1, &key) == 0)
		found--;
	for (; found != NULL && found < end && by_text(found, &key) == 0; found++)
		if (strcmp(found->id, id) != 0)
			return found->id;
	stone = ush_state_namesake(d->in->state, source, text, id);
	return stone != NULL ? stone->id : NULL;
}

void ush_decide_anew(struct ush_decide *d)
{
	if (d->in->observed->count == 0 && d->in->state->count == 0)
		return;
	collect_seen(d);
	collect_same(d);
	if (d->old_count > 0)
		qsort(d->olds, d->old_count, sizeof *d->olds, by_text);
	for (size_t i = 0; i < d->desired->resolved_count; i++) {
		const struct ush_resolved *r = &d->desired->resolved[i];

		if (r->fate == USH_FATE_PRESENT)
			d->anew[i] = ush_decide_before(d, d->policy->sources[d->policy->grants[r->grant].source].name, r->group->id, r->text) != NULL;
	}
}
