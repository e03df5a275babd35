/* SPDX-License-Identifier: Apache-2.0
 *
 * A group that was deleted and made again under the same name is another group, and the API server cannot tell: the name
 * is all that a token says. So it gets nothing until a person has confirmed the plan, whatever the old one had. What shows
 * it: a binding, or a tombstone, that has the same name with another id. That somebody has confirmed shows in the state,
 * where the new one is the heir of the name.
 *
 * Who may write what, and why it is believed. The state is the broker's own, in a namespace that no grant reaches by a
 * pattern. A binding's annotation is everybody's who may change the bindings of its namespace; the ClusterRole admin may.
 * So what stands there convinces of nothing that its writer could not do anyway:
 *   A group in an annotation counts where it is a subject of that very binding too (of a binding of people: any), and the
 *   others for nothing at all: ush_decide_counts.
 *   "This group has the name already", which spares the question, counts in that namespace alone: there its writer may bind
 *   whom he likes without us.
 *   "The name was another's", which asks the question, counts everywhere, but only of a name by which a grant speaks of it
 *   there (spoken.c). So he can make a group wait that is granted something where he rules, and the plan names the binding
 *   that says so. A plan for a few namespaces takes it from any of the others (elsewhere.h): there he can make any group
 *   wait, until the next run of all, which sees through it.
 *   A tombstone is made of just those names, and what one namespace brings up pushes
 *   out no other's (shorten.c).
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
#include "broker/sync/decide/decide.h"
#include "common/base/memory.h"

uint64_t ush_decide_key(const char *a, const char *b)
{
	return (ush_texts_hash(a, strlen(a)) * 3 ^ ush_texts_hash(b, strlen(b))) * UINT64_C(0x9e3779b97f4a7c15);
}

/* A group under a name, in a place. */
static uint64_t key_of(size_t place, const char *source, const char *id, const char *text)
{
	return (ush_decide_key(source, id) ^ ush_texts_hash(text, strlen(text))) + (uint64_t)place * UINT64_C(0xd6e8feb86659fd93);
}

static int by_text(const void *a, const void *b)
{
	const struct ush_old *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	return order != 0 ? order : strcmp(x->source, y->source);
}

bool ush_decide_counts(const struct ush_seen *seen, const struct ush_origin *origin)
{
	return origin->source != NULL && origin->id != NULL && (seen->people.count > 0 || ush_origins_find(&seen->subjects, origin->text) != NULL);
}

/* ---- names that were another's ---- */

/* Just the names of which a tombstone is made when it goes: or a group would wait for one run only. */
static void collect_names(struct ush_decide *d, const struct ush_seen *seen, const struct ush_origin *o)
{
	USH_AUTO_SPEAKERS speakers = {0};

	ush_decide_speakers(d, seen, o, &speakers);
	for (size_t i = 0; i < speakers.count; i++)
		USH_PUSH(d->olds, d->old_count, ((struct ush_old){o->source, ush_decide_spoken_name(d, speakers.grants[i], o), o->id, seen}));
}

static void collect_olds(struct ush_decide *d)
{
	for (size_t i = 0; i < d->in->observed->count; i++) {
		const struct ush_seen *seen = &d->in->observed->items[i];

		for (size_t j = 0; j < seen->origins.count; j++)
			if (ush_decide_counts(seen, &seen->origins.items[j]))
				collect_names(d, seen, &seen->origins.items[j]);
	}
	if (d->old_count > 0)
		qsort(d->olds, d->old_count, sizeof *d->olds, by_text);
}

/* Somebody in that place has it already. */
static bool held_at(const struct ush_decide *d, size_t place, const char *source, const char *id, const char *text)
{
	return ush_keys_has(&d->held, key_of(place, source, id, text));
}

const char *ush_decide_before(const struct ush_decide *d, const char *source, const char *id, const char *text, const struct ush_seen **where)
{
	const struct ush_tombstone *stone;
	const struct ush_namesake *elsewhere;
	const struct ush_old key = {source, text, NULL, NULL}, *end = d->olds + d->old_count;
	const struct ush_old *found = d->old_count > 0 ? bsearch(&key, d->olds, d->old_count, sizeof key, by_text) : NULL;

	*where = NULL;
	while (found > d->olds && by_text(found - 1, &key) == 0)
		found--;
	for (; found != NULL && found < end && by_text(found, &key) == 0; found++)
		if (strcmp(found->id, id) != 0) {
			*where = found->seen;
			return found->id;
		}
	elsewhere = ush_elsewhere_find(&d->in->observed->elsewhere, source, id, text);
	if (elsewhere != NULL) {
		*where = elsewhere->where;
		return elsewhere->before;
	}
	stone = ush_state_namesake(d->in->state, source, text, id);
	if (stone == NULL && ush_state_asks(d->in->state, source, id, text))
		return ""; /* what made us ask may have been put right since; who was asked for waits for the answer */
	return stone != NULL ? stone->id : NULL;
}

/* ---- those that have them already ---- */

static void collect_held(struct ush_decide *d)
{
	for (size_t i = 0; i < d->in->observed->count; i++) {
		const struct ush_seen *seen = &d->in->observed->items[i];

		for (size_t j = 0; j < seen->origins.count; j++) {
			const struct ush_origin *o = &seen->origins.items[j];

			if (ush_decide_counts(seen, o))
				ush_keys_add(&d->held, key_of(seen->place, o->source, o->id, o->text));
		}
	}
}

/* Those that stand just as they are wanted, of which nothing was kept. */
static void collect_same(struct ush_decide *d)
{
	for (size_t i = 0; i < d->desired->count; i++) {
		const struct ush_shape *shape = ush_wanted_shape(d->desired, i);

		for (uint32_t j = 0; d->in->observed->marks[i] == USH_SAME && j < shape->resolved_count; j++) {
			const struct ush_resolved *r = &d->desired->resolved[shape->resolved[j]];

			if (d->anew[shape->resolved[j]])
				ush_keys_add(&d->held, key_of(d->desired->items[i].place, d->policy->sources[d->policy->grants[r->grant].source].name, r->group->id, r->text));
		}
	}
}

bool ush_decide_may_bear(const struct ush_decide *d, const char *source, const char *id, const char *text, size_t place)
{
	const struct ush_seen *where;

	return ush_decide_before(d, source, id, text, &where) == NULL || ush_state_inherits(d->in->state, source, id, text) ||
	       held_at(d, place, source, id, text);
}

bool ush_decide_waits(const struct ush_decide *d, size_t resolved, size_t place)
{
	const struct ush_resolved *r = &d->desired->resolved[resolved];

	return d->anew[resolved] && !held_at(d, place, d->policy->sources[d->policy->grants[r->grant].source].name, r->group->id, r->text);
}

static bool mark_anew(struct ush_decide *d)
{
	bool any = false;

	for (size_t i = 0; i < d->desired->resolved_count; i++) {
		const struct ush_resolved *r = &d->desired->resolved[i];
		const char *source = d->policy->sources[d->policy->grants[r->grant].source].name;
		const struct ush_seen *where;

		d->anew[i] = r->fate == USH_FATE_PRESENT && !ush_state_inherits(d->in->state, source, r->group->id, r->text) &&
			     ush_decide_before(d, source, r->group->id, r->text, &where) != NULL;
		any |= d->anew[i];
	}
	return any;
}

void ush_decide_anew(struct ush_decide *d)
{
	if (d->in->observed->count + d->in->observed->elsewhere.found == 0 && d->in->state->count + d->in->state->heir_count == 0)
		return;
	collect_olds(d);
	collect_held(d);
	if (!mark_anew(d))
		return;
	collect_same(d); /* of those that are marked */
	mark_anew(d);
}

/* ---- heirs ---- */

void ush_decide_offer(struct ush_decide *d, const struct ush_origin *origin)
{
	ush_state_set_heir(&d->plan->state, origin->source, origin->id, origin->text, false);
}

void ush_decide_heirs(struct ush_decide *d)
{
	for (size_t i = 0; i < d->in->state->heir_count; i++) {
		const struct ush_heir *h = &d->in->state->heirs[i];
		size_t source = ush_decide_source(d, h->source);

		if (h->confirmed && source != SIZE_MAX && (!ush_groups_trusted(&d->in->groups[source]) || ush_desired_group(d->desired, source, h->id) != NULL ||
							   ush_state_namesake(&d->plan->state, h->source, h->text, h->id) != NULL))
			ush_state_set_heir(&d->plan->state, h->source, h->id, h->text, true);
	}
}
