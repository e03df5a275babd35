/* SPDX-License-Identifier: Apache-2.0
 *
 * Which groups the grants mean now, what each is called at the API server, and which namespaces it is for.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/decide/denied.h"
#include "broker/sync/want/desired.h"
#include "broker/sync/want/lookup.h"
#include "common/base/memory.h"
#include "common/base/moment.h"

/* ---- what a grant says of itself ---- */

bool ush_grant_names(const struct ush_policy *policy, const struct ush_grant *grant, const char *id, const char *name, const char *path)
{
	if (grant->group_pattern != NULL)
		return ush_pattern_match(grant->group_pattern, *grant->group_pattern == '/' ? path : name, NULL);
	return ush_name_refers(grant->group, id, name, path, policy->group_name);
}

void ush_grant_key(const struct ush_policy *policy, const struct ush_grant *grant, char out[17])
{
	USH_AUTO_FREE char *all = ush_printf("%s\n%s\n%s\n%s\n%s\n%lld", policy->sources[grant->source].name, grant->group != NULL ? grant->group : "",
					     grant->group_pattern != NULL ? grant->group_pattern : "", policy->roles[grant->role].name,
					     grant->name != NULL ? grant->name : "", (long long)grant->not_after);
	char hex[65];

	ush_sha256_hex(all, strlen(all), hex);
	memcpy(out, hex, 16);
	out[16] = '\0';
}

#define SLUG_MAX 40

/*
 * One binding a group: the name holds what cannot change without its being another binding, so a group that is renamed
 * keeps it. 64 bits of hash: among a million such names in one namespace a collision is a matter of 3 in 100,000,000.
 */
static char *hashed(const struct ush_policy *policy, const struct ush_policy_role *role, const char *what)
{
	const char *kind = ush_wanted_role_kind(role), *name = ush_wanted_role_name(role);
	USH_AUTO_FREE char *all = ush_printf("%s/%s/%s/%s", policy->name, kind, name, what);
	USH_AUTO_FREE char *slug = ush_strndup(name, strnlen(name, SLUG_MAX));
	char hex[65];

	for (char *p = slug; *p != '\0'; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9')))
			*p = '-';
	ush_sha256_hex(all, strlen(all), hex);
	return ush_printf("usher-%s-%.16s", slug, hex);
}

char *ush_grant_binding(const struct ush_policy *policy, const struct ush_grant *grant, const char *id)
{
	const struct ush_policy_role *role = &policy->roles[grant->role];
	const char *source = policy->sources[grant->source].name;

	if (grant->name != NULL)
		return ush_strdup(grant->name);
	if (policy->layout == USH_LAYOUT_GROUP) {
		USH_AUTO_FREE char *what = ush_printf("group/%zu/%s/%s", strlen(source), source, id);

		return hashed(policy, role, what);
	}
	if (policy->layout == USH_LAYOUT_USERS)
		return hashed(policy, role, "users");
	return ush_name_binding(policy->name, ush_wanted_role_kind(role), ush_wanted_role_name(role));
}

static bool listed(const struct ush_list *patterns, const char *text)
{
	for (size_t i = 0; i < patterns->count; i++)
		if (ush_pattern_match(patterns->items[i], text, NULL))
			return true;
	return false;
}

bool ush_grant_bars(const struct ush_desired *desired, const struct ush_grant *grant, size_t number)
{
	const struct ush_place *place = &desired->places->items[number];

	return place->excluded || listed(&grant->except, place->name) ||
	       (strcmp(place->name, desired->state_namespace) == 0 && !ush_list_has(&grant->namespaces, place->name));
}

bool ush_grant_means(const struct ush_desired *desired, size_t number, const char *name, const char *path, size_t place)
{
	const struct ush_grant *grant = &desired->policy->grants[number];
	const struct ush_place *at = &desired->places->items[place];
	struct ush_captures captures = {0};
	USH_AUTO_FREE char *pattern = NULL;

	if (ush_grant_bars(desired, grant, place))
		return false;
	for (size_t i = 0; i < grant->namespaces.count; i++)
		if (strcmp(grant->namespaces.items[i], at->name) == 0)
			return true;
	if (grant->selector.count > 0 && !grant->selector.captures && ush_places_selected(desired->places, place, number))
		return true;
	if ((grant->namespace_pattern == NULL && !grant->selector.captures) || at->row == SIZE_MAX)
		return false;
	if (grant->group_pattern != NULL && !ush_pattern_match(grant->group_pattern, *grant->group_pattern == '/' ? path : name, &captures))
		return false;
	if (grant->selector.captures)
		return ush_places_selected(desired->places, place, number) && ush_places_fit(desired->places, place, &grant->selector, &captures);
	pattern = ush_pattern_fill(grant->namespace_pattern, &captures);
	return pattern != NULL && ush_pattern_match(pattern, at->name, NULL);
}

const struct ush_group *ush_desired_group(const struct ush_desired *desired, size_t source, const char *id)
{
	const struct ush_group *const *found;

	return ush_index_find(&desired->by_id[source], id, &found) > 0 ? found[0] : NULL;
}

/* ---- one grant ---- */

struct resolving {
	struct ush_desired *desired;
	const struct ush_policy *policy;
	const struct ush_wish *wish;
	struct ush_lookup *lookups; /* one a source */
};

static struct ush_resolved *add(struct resolving *r, size_t grant, enum ush_fate fate, char *why)
{
	struct ush_desired *d = r->desired;

	USH_PUSH(d->resolved, d->resolved_count, ((struct ush_resolved){.fate = fate, .grant = (uint32_t)grant, .why = why}));
	return &d->resolved[d->resolved_count - 1];
}

static bool ended(const struct resolving *r, const struct ush_grant *grant)
{
	char key[17];

	if (grant->not_after == 0)
		return false;
	if (r->wish->now >= grant->not_after)
		return true;
	ush_grant_key(r->policy, grant, key); /* what was decided once stays so: a clock set back gives nothing back */
	return r->wish->state != NULL && ush_state_has_ended(r->wish->state, key);
}

static bool out_of_time(struct resolving *r, size_t number)
{
	const struct ush_grant *grant = &r->policy->grants[number];
	bool over = ended(r, grant), early = grant->not_before != 0 && r->wish->now < grant->not_before;
	USH_AUTO_FREE char *when = ush_moment(over ? grant->not_after : grant->not_before);

	if (over && r->wish->now < grant->not_after)
		add(r, number, USH_FATE_ENDED, ush_printf("%s ended: a run before this one saw the clock past %s", grant->called, when));
	else if (over)
		add(r, number, USH_FATE_ENDED, ush_printf("%s ended %s", grant->called, when));
	else if (early)
		add(r, number, USH_FATE_EARLY, ush_printf("%s begins %s", grant->called, when));
	return over || early;
}

/* Why the ledger keeps it out, or NULL. The caller frees. */
static char *denied_words(const struct resolving *r, size_t number, const char *id, const char *text)
{
	const struct ush_ledger_entry *entry = ush_denied_group(r->desired, r->policy->sources[r->policy->grants[number].source].name, id, text);

	return entry != NULL ? ush_ledger_words(entry, r->desired->way) : NULL;
}

static void take_group(struct resolving *r, size_t number, const struct ush_group *group)
{
	const struct ush_policy *policy = r->policy;
	const struct ush_grant *grant = &policy->grants[number];
	USH_AUTO_FREE char *text = ush_name_group(policy, group->id, group->name, group->path), *binding = NULL;
	const char *refused = ush_name_group_refused(text), *word = grant->group != NULL ? "group" : "groupPattern";
	const struct ush_lookup *lookup = &r->lookups[grant->source];
	const struct ush_group *other = ush_lookup_twin(lookup, policy, group, text);
	USH_AUTO_FREE char *denied = denied_words(r, number, group->id, text);
	struct ush_resolved *out;

	if (denied != NULL) {
		out = add(r, number, USH_FATE_EXCLUDED, ush_printf("%s.%s: %s is %s", grant->called, word, group->path, denied));
	} else if (lookup->excluded[group - lookup->groups->items]) {
		out = add(r, number, USH_FATE_EXCLUDED, ush_printf("%s.%s: %s is excluded (exclude.groups)", grant->called, word, group->path));
	} else if (refused != NULL) {
		out = add(r, number, USH_FATE_REFUSED, ush_printf("%s.%s: \"%s\" %s", grant->called, word, text, refused));
	} else if (other != NULL) {
		out = add(r, number, USH_FATE_AMBIGUOUS,
			  ush_printf("%s.%s: tokens call both %s and %s \"%s\"; let them carry paths (groupName: path)", grant->called, word,
				     group->path, other->path, text));
	} else {
		binding = ush_grant_binding(policy, grant, group->id);
		out = add(r, number, USH_FATE_PRESENT, NULL);
		out->binding = ush_texts_keep(&r->desired->texts, binding);
		out->text = ush_steal(&text);
	}
	out->group = group;
}

static void resolve_name(struct resolving *r, size_t number)
{
	const struct ush_grant *grant = &r->policy->grants[number];
	const char *source = r->policy->sources[grant->source].name;
	const struct ush_group *found[2];

	ush_lookup_refer(&r->lookups[grant->source], r->policy, grant->group, found);
	if (found[0] == NULL)
		add(r, number, USH_FATE_GONE, ush_printf("source %s has no group %s", source, grant->group));
	else if (found[1] != NULL)
		add(r, number, USH_FATE_AMBIGUOUS, ush_printf("%s.group: %s means %s and %s of source %s; write the path", grant->called, grant->group,
							      found[0]->path, found[1]->path, source));
	else
		take_group(r, number, found[0]);
}

static void resolve_pattern(struct resolving *r, size_t number)
{
	const struct ush_grant *grant = &r->policy->grants[number];
	struct ush_lookup *lookup = &r->lookups[grant->source];
	const uint32_t *found;
	size_t count = ush_lookup_like(lookup, grant->group_pattern, *grant->group_pattern == '/', &found);

	for (size_t i = 0; i < count; i++)
		take_group(r, number, &lookup->groups->items[found[i]]);
	if (count == 0)
		add(r, number, USH_FATE_GONE, ush_printf("source %s has no group like %s", r->policy->sources[grant->source].name, grant->group_pattern));
}

/* An exception lets it be bound: as it is written, and whatever a source says. */
static void take_kubernetes(struct resolving *r, size_t number)
{
	const struct ush_grant *grant = &r->policy->grants[number];
	struct ush_desired *desired = r->desired;
	USH_AUTO_FREE char *binding = ush_grant_binding(r->policy, grant, grant->group), *denied = denied_words(r, number, NULL, grant->group);
	struct ush_resolved *out;

	if (denied != NULL) {
		add(r, number, USH_FATE_EXCLUDED, ush_printf("%s.group: %s is %s", grant->called, grant->group, denied));
		return;
	}
	if (r->policy->layout == USH_LAYOUT_USERS) {
		add(r, number, USH_FATE_REFUSED, ush_printf("%s.group: nobody says who is in %s, and bindings are to hold people (layout: users)",
							    grant->called, grant->group));
		return;
	}
	if (desired->kubernetes == NULL)
		desired->kubernetes = ush_alloc((r->policy->grant_count + 1) * sizeof *desired->kubernetes);
	desired->kubernetes[number] = (struct ush_group){.id = grant->group, .name = grant->group, .path = grant->group};
	out = add(r, number, USH_FATE_PRESENT, NULL);
	out->binding = ush_texts_keep(&desired->texts, binding);
	out->text = ush_strdup(grant->group);
	out->group = &desired->kubernetes[number];
}

static void resolve(struct resolving *r, size_t number)
{
	const struct ush_grant *grant = &r->policy->grants[number];

	if (out_of_time(r, number))
		return;
	if (grant->kubernetes)
		take_kubernetes(r, number);
	else if (!ush_groups_trusted(r->lookups[grant->source].groups))
		add(r, number, USH_FATE_UNKNOWN, ush_printf("source %s is incomplete", r->policy->sources[grant->source].name));
	else if (grant->group_pattern != NULL)
		resolve_pattern(r, number);
	else
		resolve_name(r, number);
}

void ush_desired_resolve(struct ush_desired *desired, const struct ush_wish *wish)
{
	const struct ush_policy *policy = wish->policy;
	struct resolving r = {desired, policy, wish, NULL};

	r.lookups = ush_alloc((policy->source_count + 1) * sizeof *r.lookups);
	desired->by_id = ush_alloc((policy->source_count + 1) * sizeof *desired->by_id);
	desired->first = ush_alloc((policy->grant_count + 1) * sizeof *desired->first);
	for (size_t i = 0; i < policy->source_count; i++)
		ush_lookup_open(&r.lookups[i], &wish->groups[i], policy);
	for (size_t i = 0; i < policy->grant_count; i++) {
		desired->first[i] = (uint32_t)desired->resolved_count;
		resolve(&r, i);
	}
	desired->first[policy->grant_count] = (uint32_t)desired->resolved_count;
	for (size_t i = 0; i < policy->source_count; i++) {
		desired->by_id[i] = r.lookups[i].by[USH_GROUP_ID];
		ush_lookup_close(&r.lookups[i]);
	}
	free(r.lookups);
}
