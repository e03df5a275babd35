/* SPDX-License-Identifier: Apache-2.0
 *
 * What a plan means for people: who may do what that he could not, who loses what. One sentence for what the same group
 * gains or loses alike in many namespaces, the gravest first.
 */
#include <string.h>

#include "broker/sync/decide/decide.h"
#include "broker/sync/plan/meaning.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#define LINES_MAX 1000 /* sentences; what is beyond is counted */

const struct ush_group *ush_decide_group(const struct ush_decide *d, const struct ush_origin *origin)
{
	for (size_t i = 0; origin->source != NULL && origin->id != NULL && i < d->policy->source_count; i++)
		if (strcmp(d->policy->sources[i].name, origin->source) == 0) {
			const struct ush_group *group = ush_desired_group(d->desired, i, origin->id);

			return group != NULL && group->members_known ? group : NULL;
		}
	return NULL;
}

long ush_decide_people(const struct ush_group *group)
{
	return group != NULL && group->members_known ? (long)group->members.count : -1;
}

bool ush_decide_peopled(const struct ush_decide *d, const char *source)
{
	for (size_t i = 0; source != NULL && i < d->policy->source_count; i++)
		if (strcmp(d->policy->sources[i].name, source) == 0)
			return d->peopled[i];
	return false;
}

/* ---- sentences that say the same of many namespaces ---- */

struct sentence {
	uint64_t key;
	int grave;
	char *begin;	     /* "3 may now " */
	char *what;	     /* with %s for the namespaces; "lose %s (role edit)" */
	char *end;	     /* ", through oidc:a" */
	const char *spaces[2]; /* the first two */
	size_t count;
};

struct speech {
	struct ush_decide *d;
	struct sentence *items;
	size_t count;
	uint32_t *table; /* by key: index + 1 */
	size_t table_size;
};

static uint64_t key_of(const struct sentence *s)
{
	return ush_texts_hash(s->begin, strlen(s->begin)) ^ ush_texts_hash(s->what, strlen(s->what)) * 3 ^ ush_texts_hash(s->end, strlen(s->end)) * 7;
}

static size_t slot(const struct speech *speech, uint64_t key)
{
	size_t at = (size_t)key & (speech->table_size - 1);

	while (speech->table[at] != 0 && speech->items[speech->table[at] - 1].key != key)
		at = (at + 1) & (speech->table_size - 1);
	return at;
}

static void grow(struct speech *speech)
{
	free(speech->table);
	speech->table_size = speech->table_size == 0 ? 64 : 2 * speech->table_size;
	speech->table = ush_alloc(speech->table_size * sizeof *speech->table);
	for (size_t i = 0; i < speech->count; i++)
		speech->table[slot(speech, speech->items[i].key)] = (uint32_t)i + 1;
}

/* Takes the sentence over. */
static void say(struct speech *speech, struct sentence *s, const char *namespace_name)
{
	struct sentence *old;
	size_t at;

	if (2 * (speech->count + 1) > speech->table_size)
		grow(speech);
	s->key = key_of(s);
	at = slot(speech, s->key);
	if (speech->table[at] == 0) {
		s->spaces[0] = namespace_name;
		s->count = 1;
		USH_PUSH(speech->items, speech->count, *s);
		speech->table[at] = (uint32_t)speech->count;
		return;
	}
	old = &speech->items[speech->table[at] - 1];
	if (old->count < USH_COUNT(old->spaces))
		old->spaces[old->count] = namespace_name;
	old->count++;
	free(s->begin);
	free(s->what);
	free(s->end);
}

static bool counts(const struct ush_delta *deltas, size_t count, long *people)
{
	*people = 0;
	for (size_t i = 0; i < count; i++) {
		if (deltas[i].people < 0)
			return false;
		*people += deltas[i].people;
	}
	return true;
}

/* "3 may now " and ", through oidc:a"; "the people of oidc:a may now " when nobody knows how many. */
static void say_who(const struct ush_decide *d, const struct ush_delta *deltas, size_t count, const char *rest, struct sentence *s)
{
	long people;

	if (!counts(deltas, count, &people)) {
		s->begin = ush_printf("the people of %s%s%s", deltas[0].text, count > 1 ? " and others" : "", rest);
		s->end = ush_strdup("");
		return;
	}
	s->begin = ush_printf("%s%ld%s", count > 1 && d->policy->layout != USH_LAYOUT_USERS ? "up to " : "", people, rest);
	s->end = d->policy->layout == USH_LAYOUT_USERS ? ush_strdup("")
						      : ush_printf(", through %s%s", deltas[0].text, count > 1 ? " and others" : "");
}

static const struct ush_policy_role *role_of(const struct ush_decide *d, const struct ush_change *change, enum ush_rbac_kind kind)
{
	size_t place = ush_places_find(d->desired->places, change->namespace_name, strlen(change->namespace_name));
	size_t wanted = ush_desired_find(d->desired, place, kind, change->name);

	return wanted != SIZE_MAX ? &d->policy->roles[ush_wanted_shape(d->desired, wanted)->role] : NULL;
}

static void say_what(const struct ush_decide *d, const struct ush_policy_role *role, const char *more, struct sentence *s)
{
	USH_AUTO_BUF what = {0};

	s->grave = ush_meaning_role(&what, role, d->in->cluster_roles);
	ush_buf_puts(&what, more);
	s->what = ush_buf_take(&what);
}

static const char *role_before(const struct ush_decide *d, const struct ush_change *change)
{
	const struct ush_seen *seen = ush_observed_find(d->in->observed, change->namespace_name, change->kind, change->name);
	const char *slash = seen != NULL && seen->role != NULL ? strchr(seen->role, '/') : NULL;

	return slash != NULL ? slash + 1 : "";
}

/* Those who are in a binding before and after. */
static void say_stay(struct speech *speech, const char *namespace_name, const struct ush_seen *seen, const struct ush_policy_role *role, const char *more)
{
	const struct ush_decide *d = speech->d;
	USH_AUTO_FREE struct ush_delta *stay = NULL; /* texts borrowed */
	size_t count = 0;
	struct sentence s = {0};

	for (size_t i = 0; seen != NULL && i < seen->subjects.count; i++) {
		const struct ush_origin *o = &seen->subjects.items[i];

		if (ush_decide_group(d, o) != NULL)
			USH_PUSH(stay, count, ((struct ush_delta){o->text, ush_decide_people(ush_decide_group(d, o))}));
	}
	if (count == 0)
		return;
	say_who(d, stay, count, " may ", &s);
	*s.end = '\0'; /* they have it already */
	say_what(d, role, more, &s);
	say(speech, &s, namespace_name);
}

static void say_change(struct speech *speech, const struct ush_change *change)
{
	const struct ush_decide *d = speech->d;
	const struct ush_policy_role *role = role_of(d, change, USH_ROLE_BINDING);
	const char *before = role_before(d, change);
	USH_AUTO_FREE char *in_place = ush_printf(", in place of role %s", before);

	if (change->added_count > 0 && role != NULL) {
		struct sentence s = {0};

		say_who(d, change->added, change->added_count, change->consent ? " might " : change->action == USH_CREATE ? " may now " : " more may ", &s);
		say_what(d, role, "", &s);
		say(speech, &s, change->namespace_name);
	}
	if (change->action == USH_REPLACE && !change->consent && role != NULL)
		say_stay(speech, change->namespace_name, ush_observed_find(d->in->observed, change->namespace_name, change->kind, change->name), role, in_place);
	if (change->removed_count > 0) {
		struct sentence s = {.grave = 1};

		say_who(d, change->removed, change->removed_count, " lose ", &s);
		free(s.end);
		s.end = ush_strdup("");
		s.what = ush_printf("%%s (role %s)", before);
		say(speech, &s, change->namespace_name);
	}
}

/* A Role that is written anew: what those may do now whom a binding gives it, as far as they are there already. */
static void say_role_change(struct speech *speech, const struct ush_change *change)
{
	const struct ush_decide *d = speech->d;
	const struct ush_desired *desired = d->desired;
	const struct ush_policy_role *role = role_of(d, change, USH_ROLE);
	size_t place = ush_places_find(desired->places, change->namespace_name, strlen(change->namespace_name));
	USH_AUTO_FREE char *more = role != NULL ? ush_printf(", as role %s says now", role->name) : NULL;

	for (size_t i = role != NULL ? desired->start[place] : 0; role != NULL && i < desired->start[place + 1]; i++) {
		const struct ush_shape *shape = ush_wanted_shape(desired, i);
		USH_AUTO_FREE struct ush_delta *stay = NULL;
		size_t count = 0;
		struct sentence s = {0};

		if (shape->kind != USH_ROLE_BINDING || &d->policy->roles[shape->role] != role || d->in->observed->marks[i] == USH_ABSENT)
			continue;
		for (uint32_t j = 0; j < shape->resolved_count; j++) {
			const struct ush_resolved *r = &desired->resolved[shape->resolved[j]];

			USH_PUSH(stay, count, ((struct ush_delta){r->text, ush_decide_people(r->group)}));
		}
		say_who(d, stay, count, " may ", &s);
		*s.end = '\0';
		say_what(d, role, more, &s);
		say(speech, &s, change->namespace_name);
	}
}

/* ---- out ---- */

static int by_weight(const void *a, const void *b)
{
	const struct sentence *x = a, *y = b;

	return x->grave != y->grave ? (x->grave < y->grave) - (x->grave > y->grave) : 0;
}

static void add_spaces(struct ush_buf *out, const struct sentence *s)
{
	ush_buf_puts(out, s->spaces[0]);
	if (s->count == 2)
		ush_buf_printf(out, " and %s", s->spaces[1]);
	else if (s->count > 2)
		ush_buf_printf(out, ", %s and %zu more", s->spaces[1], s->count - 2);
}

static char *spoken(const struct sentence *s)
{
	const char *hole = strstr(s->what, "%s");
	struct ush_buf out = {0};

	ush_buf_puts(&out, s->begin);
	ush_buf_add(&out, s->what, (size_t)(hole - s->what));
	add_spaces(&out, s);
	ush_buf_printf(&out, "%s%s", hole + 2, s->end);
	return ush_buf_take(&out);
}

void ush_decide_people_lines(struct ush_decide *d)
{
	struct speech speech = {.d = d};
	struct ush_plan *plan = d->plan;
	size_t shown;

	for (size_t i = 0; i < plan->change_count; i++) {
		const struct ush_change *change = &plan->changes[i];

		if (change->action > USH_REMOVE || (change->kind == USH_ROLE && change->action != USH_CHANGE))
			continue;
		if (change->kind == USH_ROLE)
			say_role_change(&speech, change);
		else
			say_change(&speech, change);
	}
	if (speech.count > 0) { /* a stable sort: plan's order among equals */
		for (size_t i = 0; i < speech.count; i++)
			speech.items[i].grave = speech.items[i].grave * 1000000 - (int)(i < 999999 ? i : 999999);
		qsort(speech.items, speech.count, sizeof *speech.items, by_weight);
	}
	shown = speech.count < LINES_MAX ? speech.count : LINES_MAX;
	for (size_t i = 0; i < speech.count; i++) {
		if (i < shown)
			USH_PUSH(plan->for_people, plan->for_people_count, spoken(&speech.items[i]));
		free(speech.items[i].begin);
		free(speech.items[i].what);
		free(speech.items[i].end);
	}
	if (speech.count > shown)
		USH_PUSH(plan->for_people, plan->for_people_count, ush_printf("%zu more sentences like these", speech.count - shown));
	free(speech.items);
	free(speech.table);
}
