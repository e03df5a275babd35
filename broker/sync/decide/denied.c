/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/decide/denied.h"

#include <string.h>

#include "broker/sync/decide/decide.h"
#include "common/base/memory.h"
#include "common/base/search.h"

void ush_denied_places(struct ush_places *places, const struct ush_ledger *ledger)
{
	for (size_t i = 0; ledger != NULL && i < ledger->count; i++) {
		const struct ush_ledger_entry *e = &ledger->items[i];
		size_t place = e->kind == USH_LEDGER_NAMESPACE ? ush_places_find(places, e->name, strlen(e->name)) : SIZE_MAX;

		if (place != SIZE_MAX)
			places->items[place].excluded = true;
	}
}

static int by_hash(const void *a, const void *b)
{
	const struct ush_denied_name *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->entry < y->entry ? -1 : x->entry > y->entry;
}

void ush_denied_begin(struct ush_desired *desired)
{
	const struct ush_ledger *ledger = desired->ledger;

	for (size_t i = 0; ledger != NULL && i < ledger->count && ledger->items[i].kind == USH_LEDGER_USER; i++)
		for (size_t j = 0; j < ledger->items[i].spellings.count; j++) {
			USH_AUTO_FREE char *text = ush_ledger_folded(ledger->items[i].spellings.items[j]);

			USH_PUSH(desired->denied, desired->denied_count, ((struct ush_denied_name){ush_texts_hash(text, strlen(text)), i}));
		}
	if (desired->denied_count > 0)
		qsort(desired->denied, desired->denied_count, sizeof *desired->denied, by_hash);
}

static bool has_source(const struct ush_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->source_count; i++)
		if (strcmp(policy->sources[i].name, name) == 0)
			return true;
	return false;
}

/* A source that the policy calls otherwise now, or has no more, vouches for nothing: then the id is enough. */
static bool is_orphan_of(const struct ush_policy *policy, const struct ush_ledger_entry *e, const char *id)
{
	return e->kind == USH_LEDGER_GROUP && e->source != NULL && e->id != NULL && strcmp(e->id, id) == 0 && !has_source(policy, e->source);
}

const struct ush_ledger_entry *ush_denied_group(const struct ush_desired *desired, const char *source, const char *id, const char *text)
{
	const struct ush_ledger *ledger = desired->ledger;
	const struct ush_ledger_entry *bar = ledger != NULL ? ush_ledger_bars_group(ledger, source, id, text) : NULL;

	for (size_t i = 0; ledger != NULL && id != NULL && bar == NULL && i < ledger->count; i++)
		if (is_orphan_of(desired->policy, &ledger->items[i], id))
			bar = &ledger->items[i];
	return bar;
}

static const struct ush_ledger_entry *person(const struct ush_desired *d, const char *text)
{
	USH_AUTO_FREE char *folded = d->denied_count > 0 ? ush_ledger_folded(text) : NULL;
	uint64_t hash = folded != NULL ? ush_texts_hash(folded, strlen(folded)) : 0;

	for (size_t at = USH_FIRST_NOT(i, 0, d->denied_count, d->denied[i].hash < hash); at < d->denied_count && d->denied[at].hash == hash; at++) {
		struct ush_ledger one = {.items = &d->ledger->items[d->denied[at].entry], .count = 1};

		if (ush_ledger_bars_user(&one, text) != NULL)
			return one.items;
	}
	return NULL;
}

const struct ush_ledger_entry *ush_denied_person(const struct ush_desired *desired, const char *text)
{
	const char *prefix = desired->policy->user_prefix != NULL ? desired->policy->user_prefix : "";
	size_t length = strlen(prefix);
	const struct ush_ledger_entry *bar = person(desired, text);

	/* who was denied before the policy had this prefix has the name alone among the spellings */
	return bar == NULL && length > 0 && strncmp(text, prefix, length) == 0 ? person(desired, text + length) : bar;
}

bool ush_denied_namespace(const struct ush_desired *desired, const char *name)
{
	return desired->ledger != NULL && ush_ledger_bars_namespace(desired->ledger, name) != NULL;
}

bool ush_decide_bars(const struct ush_decide *d, struct ush_leaving *l, const char *source, const char *id, const char *text)
{
	const struct ush_ledger_entry *denied = ush_denied_group(d->desired, source, id, text);
	USH_AUTO_FREE char *words = denied != NULL ? ush_ledger_words(denied, d->desired->way) : NULL;

	if (denied == NULL)
		return false;
	l->leave = USH_LEAVE_NOW;
	l->why = ush_printf("%s is %s", text, words);
	return true;
}

/* ---- what the plan says of them ---- */

struct in { /* the groups that are granted something and have a denied person */
	const struct ush_resolved *first;
	const struct ush_group *last;
	size_t more; /* beside the first */
};

/* Of all entries at once: there may be two thousand, and a hundred thousand members. */
static void look_at_group(const struct ush_desired *d, const struct ush_resolved *r, struct in *ins)
{
	const char *prefix = d->policy->user_prefix != NULL ? d->policy->user_prefix : "";

	for (size_t j = 0; j < r->group->members.count; j++) {
		USH_AUTO_FREE char *text = ush_printf("%s%s", prefix, r->group->members.items[j]);
		const struct ush_ledger_entry *entry = ush_denied_person(d, text);
		struct in *in = entry != NULL ? &ins[entry - d->ledger->items] : NULL;

		if (in == NULL || in->last == r->group)
			continue;
		in->more += in->first != NULL;
		in->first = in->first != NULL ? in->first : r;
		in->last = r->group;
	}
}

/* Each group once, however many grants mean it. */
static void look_at_groups(const struct ush_desired *d, struct in *ins)
{
	struct ush_keys seen = {0};

	for (size_t i = 0; d->denied_count > 0 && i < d->resolved_count; i++) {
		const struct ush_resolved *r = &d->resolved[i];
		uint64_t key = r->fate == USH_FATE_PRESENT && r->group->members_known ? ush_texts_hash((const char *)&r->group, sizeof r->group) : 0;

		if (key == 0 || ush_keys_has(&seen, key))
			continue;
		ush_keys_add(&seen, key);
		look_at_group(d, r, ins);
	}
	ush_keys_free(&seen);
}

static void tell_person(struct ush_decide *d, const struct ush_ledger_entry *entry, const struct in *in)
{
	USH_AUTO_FREE char *words = NULL, *others = NULL;
	const char *path = in->first != NULL ? in->first->group->path : NULL;

	if (path == NULL)
		return;
	words = ush_ledger_words(entry, d->desired->way);
	others = in->more > 0 ? ush_printf(" and %zu more group%s", in->more, in->more == 1 ? "" : "s") : ush_strdup("");
	ush_plan_add(d->plan, USH_NOTE, USH_ROLE_BINDING, "", "",
		     d->policy->layout == USH_LAYOUT_USERS
			     ? ush_printf("%s, of %s%s, is %s: in no binding", entry->name, path, others, words)
			     : ush_printf("%s is %s; and is in %s%s still, so a token says it: take %s out there", entry->name, words, path, others, entry->name));
}

static void tell_place(struct ush_decide *d, const struct ush_ledger_entry *entry)
{
	USH_AUTO_FREE char *words = ush_ledger_words(entry, d->desired->way);
	size_t place = ush_places_find(d->desired->places, entry->name, strlen(entry->name));

	if (place != SIZE_MAX)
		ush_plan_add(d->plan, USH_NOTE, USH_ROLE_BINDING, "", "", ush_printf("namespace %s is %s: nothing is written there", entry->name, words));
}

void ush_decide_denied(struct ush_decide *d)
{
	const struct ush_ledger *ledger = d->desired->ledger;
	USH_AUTO_FREE struct in *ins = ush_alloc(((ledger != NULL ? ledger->count : 0) + 1) * sizeof *ins);

	if (ledger != NULL)
		look_at_groups(d->desired, ins);
	for (size_t i = 0; ledger != NULL && i < ledger->count; i++)
		if (ledger->items[i].kind == USH_LEDGER_USER)
			tell_person(d, &ledger->items[i], &ins[i]);
		else if (ledger->items[i].kind == USH_LEDGER_NAMESPACE)
			tell_place(d, &ledger->items[i]);
}
