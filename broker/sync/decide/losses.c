/* SPDX-License-Identifier: Apache-2.0
 *
 * Does anybody lose anything when an unwanted binding goes? The limit on removals is there for what people lose: bindings
 * that somebody copies in the one namespace where he may are no reason to stop what is to be done everywhere else.
 */
#include <string.h>

#include "broker/sync/decide/binding.h"
#include "common/base/memory.h"

static uint64_t key_of(const struct ush_seen *seen, const char *text, char kind)
{
	return (ush_decide_key(seen->namespace_name, seen->role) ^ ush_texts_hash(text, strlen(text)) * 5) + (uint64_t)kind;
}

/* By a binding for the same role that stands, or that is made before anything is taken away. */
static bool keeps_role(const struct ush_decide *d, const struct ush_seen *seen, const char *text)
{
	const struct ush_desired *desired = d->desired;

	for (size_t i = seen->place != SIZE_MAX ? desired->start[seen->place] : 0; seen->place != SIZE_MAX && i < desired->start[seen->place + 1]; i++) {
		const struct ush_shape *shape = ush_wanted_shape(desired, i);
		const struct ush_policy_role *role = &d->policy->roles[shape->role];
		USH_AUTO_FREE char *refers = ush_printf("%s/%s", ush_wanted_role_kind(role), ush_wanted_role_name(role));

		for (uint32_t j = 0; shape->kind == USH_ROLE_BINDING && strcmp(refers, seen->role) == 0 && j < shape->resolved_count; j++)
			if (strcmp(desired->resolved[shape->resolved[j]].text, text) == 0 && !ush_decide_waits(d, shape->resolved[j], seen->place))
				return true;
	}
	return false;
}

/* Complete sources know no such group, and no grant spoke of it. */
static bool is_nobody(const struct ush_decide *d, const struct ush_seen *seen, const char *text)
{
	const struct ush_origin *origin = ush_origins_find(&seen->origins, text);
	const struct ush_group *one;

	for (size_t i = 0; i < d->policy->source_count; i++)
		if (!ush_groups_trusted(&d->in->groups[i]) || ush_decide_called(d, i, text, &one) > 0 ||
		    (origin != NULL && origin->id != NULL && ush_desired_group(d->desired, i, origin->id) != NULL))
			return false;
	return true;
}

static bool is_spoken_of(const struct ush_binding *b, const char *text)
{
	for (size_t i = 0; i < b->leaving_count; i++)
		if (strcmp(b->leaving[i].subject->text, text) == 0)
			return b->leaving[i].spoken;
	return false;
}

static void know_people(struct ush_decide *d)
{
	if (d->people_known)
		return;
	d->people_known = true;
	for (size_t s = 0; s < d->policy->source_count; s++)
		for (size_t i = 0; i < d->in->groups[s].count; i++)
			for (size_t j = 0; j < d->in->groups[s].items[i].members.count; j++) {
				const char *name = d->in->groups[s].items[i].members.items[j];

				ush_keys_add(&d->everybody, ush_texts_hash(name, strlen(name)));
			}
}

static bool is_no_person(struct ush_decide *d, const char *text)
{
	const char *prefix = d->policy->user_prefix != NULL ? d->policy->user_prefix : "";
	size_t length = strlen(prefix);

	for (size_t i = 0; i < d->policy->source_count; i++)
		if (!ush_groups_trusted(&d->in->groups[i]))
			return false;
	know_people(d);
	return strncmp(text, prefix, length) != 0 || !ush_keys_has(&d->everybody, ush_texts_hash(text + length, strlen(text + length)));
}

/* What several bindings that go give alike is lost once. */
static bool is_first(struct ush_decide *d, uint64_t key)
{
	bool first = !ush_keys_has(&d->losses, key);

	ush_keys_add(&d->losses, key);
	return first;
}

void ush_binding_count_loss(struct ush_decide *d, const struct ush_binding *b)
{
	const struct ush_seen *seen = b->seen;
	bool loss = false;

	for (size_t i = 0; i < seen->subjects.count; i++) {
		const char *text = seen->subjects.items[i].text;

		if (!keeps_role(d, seen, text) && (is_spoken_of(b, text) || !is_nobody(d, seen, text)))
			loss |= is_first(d, key_of(seen, text, 'g'));
	}
	for (size_t i = 0; i < seen->people.count; i++)
		if (!is_no_person(d, seen->people.items[i]))
			loss |= is_first(d, key_of(seen, seen->people.items[i], 'u'));
	if (loss || b->wanted != SIZE_MAX)
		return;
	d->harmless_count++;
	ush_keys_add(&d->harmless, ush_decide_key(b->namespace_name, b->name));
}
