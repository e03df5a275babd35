/* SPDX-License-Identifier: Apache-2.0
 *
 * Is what is there what is wanted? Compared as text where it stands, without a copy and without a digest: a hundred
 * thousand bindings that are as they should be cost what looking at them costs.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/sync/want/desired.h"
#include "common/base/memory.h"
#include "common/base/search.h"
#include "common/data/json.h"

#define CACHE_SHAPES 4096 /* beyond that many a text is made anew for each look */

struct look { /* what a shape looks like as JSON text */
	char *origin;	  /* the annotation, escaped as the API server writes it, without quotes */
	size_t bytes;	  /* of it as it is */
	char *rules[2];	  /* of a Role: as the API server writes them, and with keys sorted, as we do */
	char *meaning;	  /* of a Role: ush_rbac_meaning */
	struct ush_list people;
	bool made;
};

struct ush_cache {
	struct look *looks; /* one a shape, or a single one */
	size_t count, last; /* of a single one: the shape it is of */
};

static void forget(struct look *look)
{
	free(look->origin);
	free(look->rules[0]);
	free(look->rules[1]);
	free(look->meaning);
	ush_list_free(&look->people);
	*look = (struct look){0};
}

void ush_same_free(struct ush_desired *desired)
{
	if (desired->cache == NULL)
		return;
	for (size_t i = 0; i < desired->cache->count; i++)
		forget(&desired->cache->looks[i]);
	free(desired->cache->looks);
	free(desired->cache);
	desired->cache = NULL;
}

/* ---- how the API server writes it (Go's encoding of structs: fields in this order) ---- */

static char *rules_text(const struct ush_policy_role *role, size_t order)
{
	json_t *rules = json_array();
	char *text;

	for (size_t i = 0; i < role->rule_count; i++) {
		const struct ush_rule *rule = &role->rules[i];
		const struct {
			const char *key;
			const struct ush_list *list;
		} members[] = {{"verbs", &rule->verbs}, {"apiGroups", &rule->groups}, {"resources", &rule->resources}, {"resourceNames", &rule->names}};
		json_t *item = json_object();

		for (size_t m = 0; m < USH_COUNT(members); m++) {
			json_t *list = json_array();

			for (size_t j = 0; j < members[m].list->count; j++)
				json_array_append_new(list, json_string(members[m].list->items[j]));
			if (json_array_size(list) > 0)
				json_object_set(item, members[m].key, list);
			json_decref(list);
		}
		json_array_append_new(rules, item);
	}
	text = json_dumps(rules, JSON_COMPACT | order);
	json_decref(rules);
	return text;
}

static char *rules_meaning(const struct ush_policy_role *role)
{
	struct ush_rbac rbac = {.kind = USH_ROLE, .rules = role->rules, .rule_count = role->rule_count};

	return ush_rbac_meaning(&rbac);
}

static char *escaped(const char *text)
{
	USH_AUTO_JSON value = json_string(text);
	char *out = json_dumps(value, JSON_ENCODE_ANY);
	size_t length = strlen(out);

	memmove(out, out + 1, length - 2);
	out[length - 2] = '\0';
	return out;
}

static void make(const struct ush_desired *desired, const struct ush_shape *shape, struct look *look)
{
	const struct ush_policy_role *role = &desired->policy->roles[shape->role];
	USH_AUTO_ORIGINS origins = {0};
	USH_AUTO_FREE char *text = NULL;

	look->made = true;
	if (shape->kind == USH_ROLE) {
		look->rules[0] = rules_text(role, JSON_PRESERVE_ORDER);
		look->rules[1] = rules_text(role, JSON_SORT_KEYS);
		look->meaning = rules_meaning(role);
		return;
	}
	ush_shape_origins(desired, shape, &origins);
	text = ush_origins_text(&origins);
	look->origin = escaped(text);
	look->bytes = strlen(text);
	if (desired->policy->layout == USH_LAYOUT_USERS)
		ush_shape_people(desired, shape, &look->people);
}

static const struct look *look_of(struct ush_desired *desired, size_t wanted)
{
	size_t shape = desired->items[wanted].shape, at = shape;
	struct ush_cache *cache = desired->cache;

	if (cache == NULL) {
		cache = desired->cache = ush_new(struct ush_cache);
		cache->count = desired->shape_count <= CACHE_SHAPES ? desired->shape_count : 1;
		cache->looks = ush_alloc(cache->count * sizeof *cache->looks);
	}
	if (cache->count < desired->shape_count) {
		at = 0;
		if (cache->last != shape)
			forget(&cache->looks[0]);
		cache->last = shape;
	}
	if (!cache->looks[at].made)
		make(desired, &desired->shapes[shape], &cache->looks[at]);
	return &cache->looks[at];
}

bool ush_same_too_long(struct ush_desired *desired, size_t wanted)
{
	return ush_wanted_shape(desired, wanted)->kind == USH_ROLE_BINDING && look_of(desired, wanted)->bytes > USH_ORIGINS_MAX;
}

/* ---- comparing ---- */

/* True when a slice's text is the string whose escaped form is given. */
static bool is_escaped(struct ush_slice slice, const char *text)
{
	USH_AUTO_FREE char *quoted = NULL;
	USH_AUTO_JSON value = NULL;

	if (slice.type != '"')
		return false;
	if (strncmp(slice.text, text, slice.length) == 0 && text[slice.length] == '\0')
		return true;
	quoted = ush_printf("\"%s\"", text); /* the same in another spelling? */
	value = json_loads(quoted, JSON_DECODE_ANY, NULL);
	return value != NULL && ush_slice_is(slice, json_string_value(value));
}

bool ush_same_marks(struct ush_desired *desired, size_t wanted, const struct ush_marks *marks)
{
	const struct ush_shape *shape = ush_wanted_shape(desired, wanted);

	if (!ush_slice_is(marks->managed_by, USH_MANAGED_BY) || !ush_slice_is(marks->policy, desired->policy->name) ||
	    !ush_slice_is(marks->part_of, desired->applysets[desired->shard_of[desired->items[wanted].place]]) ||
	    !ush_slice_is(marks->role, desired->policy->roles[shape->role].name))
		return false;
	return shape->kind == USH_ROLE ? marks->origin.type == 0 : is_escaped(marks->origin, look_of(desired, wanted)->origin);
}

static bool same_rules(struct ush_desired *desired, size_t wanted, const struct ush_item *item)
{
	const struct look *look = look_of(desired, wanted);
	struct ush_error unimportant = {0};
	USH_AUTO_JSON object = NULL;
	USH_AUTO_RBAC rbac = NULL;
	USH_AUTO_FREE char *meaning = NULL;
	bool is_rbac;

	for (size_t i = 0; i < USH_COUNT(look->rules); i++)
		if (item->rules.type == '[' && strncmp(item->rules.text, look->rules[i], item->rules.length) == 0 && look->rules[i][item->rules.length] == '\0')
			return true;
	object = ush_item_json(item, USH_ERR_INCOMPLETE, &unimportant);
	rbac = object != NULL ? ush_rbac_read(object, USH_ERR_INCOMPLETE, &is_rbac, &unimportant) : NULL;
	meaning = rbac != NULL ? ush_rbac_meaning(rbac) : NULL;
	return meaning != NULL && strcmp(meaning, look->meaning) == 0;
}

/* The wanted subjects, sorted. */
struct subjects {
	const struct ush_desired *desired;
	const struct ush_shape *shape;
	const struct ush_list *people; /* or NULL */
	size_t count;
};

static const char *subject_at(const struct subjects *s, size_t i)
{
	return s->people != NULL ? s->people->items[i] : s->desired->resolved[s->shape->resolved[i]].text;
}

/* Where among the wanted ones the name stands, SIZE_MAX when it does not. */
static size_t subject_find(const struct subjects *s, struct ush_slice name)
{
	size_t at = USH_FIRST_NOT(i, 0, s->count, ush_slice_order(ush_slice_of(subject_at(s, i)), name) < 0);

	return at < s->count && ush_slice_order(ush_slice_of(subject_at(s, at)), name) == 0 ? at : SIZE_MAX;
}

/* As a set: each wanted one is there, and nobody else. They mostly stand as we wrote them. */
static bool same_subjects(const struct subjects *s, const struct ush_item *item)
{
	USH_AUTO_FREE bool *found = NULL;
	struct ush_walk walk = ush_walk(item->subjects);
	struct ush_item_subject subject;
	size_t at = 0, different = 0;

	while (ush_walk_subject(&walk, item, &subject)) {
		size_t where = at;

		if (!ush_slice_is(subject.kind, s->people != NULL ? "User" : "Group"))
			return false;
		if (found == NULL && at < s->count && ush_slice_is(subject.name, subject_at(s, at))) {
			at++;
			continue;
		}
		if (found == NULL) {
			found = ush_alloc((s->count + 1) * sizeof *found);
			memset(found, 1, at);
		}
		where = subject_find(s, subject.name);
		if (where == SIZE_MAX)
			return false;
		found[where] = true;
	}
	for (size_t i = 0; found != NULL && i < s->count; i++)
		different += !found[i];
	return found != NULL ? different == 0 : at == s->count;
}

bool ush_same_access(struct ush_desired *desired, size_t wanted, const struct ush_item *item)
{
	const struct ush_shape *shape = ush_wanted_shape(desired, wanted);
	const struct ush_policy_role *role = &desired->policy->roles[shape->role];
	struct subjects s = {desired, shape, NULL, shape->resolved_count};

	if (item->rbac != shape->kind)
		return false;
	if (shape->kind == USH_ROLE)
		return same_rules(desired, wanted, item);
	if (desired->policy->layout == USH_LAYOUT_USERS) {
		s.people = &look_of(desired, wanted)->people;
		s.count = s.people->count;
	}
	return ush_slice_is(item->role_kind, ush_wanted_role_kind(role)) && ush_slice_is(item->role_name, ush_wanted_role_name(role)) && same_subjects(&s, item);
}
