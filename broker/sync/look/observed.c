/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/look/observed.h"

#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/pattern.h"
#include "broker/sync/decide/denied.h"
#include "broker/sync/look/owner.h"
#include "common/base/memory.h"
#include "common/data/json.h"

#define DANGLING_MAX 1000 /* named; the others are counted */

void ush_observed_begin(struct ush_observed *observed, struct ush_desired *desired, const struct ush_groups *groups, const char *where, bool live)
{
	const struct ush_policy *policy = desired->policy;

	*observed = (struct ush_observed){.desired = desired, .live = live, .few = desired->places->few, .where = ush_strdup(where)};
	observed->marks = ush_alloc((desired->count + 1) * sizeof *observed->marks);
	if (observed->few)
		ush_elsewhere_begin(&observed->elsewhere, desired);
	observed->groups_known = !observed->few && *policy->group_prefix != '\0' && policy->source_count > 0;
	for (size_t i = 0; i < policy->source_count; i++)
		observed->groups_known &= ush_groups_trusted(&groups[i]);
	for (size_t i = 0; observed->groups_known && i < policy->source_count; i++)
		for (size_t j = 0; j < groups[i].count; j++) {
			const struct ush_group *group = &groups[i].items[j];
			USH_AUTO_FREE char *text = ush_name_group(policy, group->id, group->name, group->path);

			ush_keys_add(&observed->groups, ush_texts_hash(text, strlen(text)));
		}
}

/* ---- what leads nowhere ---- */

static uint64_t role_key(struct ush_slice namespace_name, struct ush_slice name)
{
	uint64_t space = namespace_name.type != 0 ? ush_texts_hash(namespace_name.text, namespace_name.length) : 7;

	return (space ^ ush_texts_hash(name.text, name.length) * 3) * UINT64_C(0x9e3779b97f4a7c15);
}

void ush_observed_cluster_role(struct ush_observed *observed, const char *name)
{
	ush_keys_add(&observed->roles, role_key((struct ush_slice){0}, ush_slice_of(name)));
}

bool ush_observed_has_cluster_role(const struct ush_observed *observed, const char *name)
{
	return ush_keys_has(&observed->roles, role_key((struct ush_slice){0}, ush_slice_of(name)));
}

static void dangles(struct ush_observed *observed, const struct ush_item *item, const char *what, struct ush_slice kind, struct ush_slice name)
{
	USH_AUTO_FREE char *space = ush_slice_copy(item->namespace_name), *own = ush_slice_copy(item->name), *its_kind = ush_slice_copy(kind),
			   *its_name = ush_slice_copy(name);
	USH_AUTO_FREE char *line = ush_printf("%s/%s %s %s %s", space, own, what, its_kind, its_name);

	observed->dangling_count++;
	if (observed->dangling.count < DANGLING_MAX)
		ush_list_add(&observed->dangling, line);
}

static void check_role(struct ush_observed *observed, const struct ush_item *item, size_t wanted)
{
	bool cluster = ush_slice_is(item->role_kind, "ClusterRole");

	if (observed->few)
		return;
	if (cluster ? !observed->cluster_roles_known : !observed->roles_known || wanted != SIZE_MAX) /* the Role of a wanted one is wanted too */
		return;
	if (!ush_keys_has(&observed->roles, role_key(cluster ? (struct ush_slice){0} : item->namespace_name, item->role_name)))
		dangles(observed, item, "refers to", item->role_kind, item->role_name);
}

static void check_groups(struct ush_observed *observed, const struct ush_item *item)
{
	const char *prefix = observed->desired->policy->group_prefix;
	size_t length = strlen(prefix);
	struct ush_item_subject subject;

	for (struct ush_walk walk = ush_walk(item->subjects); ush_walk_subject(&walk, item, &subject);)
		if (ush_slice_is(subject.kind, "Group") && subject.name.plain && subject.name.length > length && memcmp(subject.name.text, prefix, length) == 0 &&
		    !ush_keys_has(&observed->groups, ush_texts_hash(subject.name.text, subject.name.length)))
			dangles(observed, item, "holds", subject.kind, subject.name);
}

/* Somebody else's binding. In a folder Roles may come after it. */
static void note_reference(struct ush_observed *observed, const struct ush_item *item)
{
	USH_AUTO_FREE char *line = NULL, *space = NULL, *role = NULL, *name = NULL;
	uint64_t key = role_key(item->namespace_name, item->role_name);

	if (!ush_slice_is(item->role_kind, "Role"))
		return;
	ush_keys_add(&observed->referred, key);
	if (observed->live && !ush_keys_has(&observed->loose, key))
		return;
	space = ush_slice_copy(item->namespace_name);
	role = ush_slice_copy(item->role_name);
	name = ush_slice_copy(item->name);
	line = ush_printf("%s/%s/%s", space, role, name);
	ush_list_add(&observed->referring, line);
}

const char *ush_observed_referring(const struct ush_observed *observed, const char *namespace_name, const char *role)
{
	USH_AUTO_FREE char *begin = ush_printf("%s/%s/", namespace_name, role);

	for (size_t i = 0; i < observed->referring.count; i++)
		if (strncmp(observed->referring.items[i], begin, strlen(begin)) == 0)
			return observed->referring.items[i] + strlen(begin);
	return ush_keys_has(&observed->referred, role_key(ush_slice_of(namespace_name), ush_slice_of(role))) ? "" : NULL;
}

/* ---- one object ---- */

static void take_subjects(struct ush_observed *observed, struct ush_seen *seen, const struct ush_item *item, const struct ush_marks *marks)
{
	USH_AUTO_FREE char *text = ush_slice_copy(marks->origin);
	bool people = observed->desired->policy->layout == USH_LAYOUT_USERS;
	struct ush_item_subject subject;

	if (text != NULL && ush_origins_read(&seen->origins, text) != 0)
		ush_origins_free(&seen->origins); /* it differs, so it will be written anew */
	seen->spoilt = seen->origins.count == 0;
	for (struct ush_walk walk = ush_walk(item->subjects); ush_walk_subject(&walk, item, &subject);) {
		USH_AUTO_FREE char *name = ush_slice_copy(subject.name);
		const struct ush_origin *origin = ush_origins_find(&seen->origins, name);

		if (ush_slice_is(subject.kind, "Group"))
			ush_origins_add(&seen->subjects, origin != NULL ? origin : &(struct ush_origin){.text = name});
		else if (ush_slice_is(subject.kind, "User"))
			ush_list_add(&seen->people, name);
		seen->strangers |= !ush_slice_is(subject.kind, people ? "User" : "Group");
	}
	ush_list_sort(&seen->people);
}

static char *meaning_of(const struct ush_item *item)
{
	struct ush_error unimportant = {0};
	USH_AUTO_JSON object = ush_item_json(item, USH_ERR_INCOMPLETE, &unimportant);
	bool is_rbac;
	USH_AUTO_RBAC rbac = object != NULL ? ush_rbac_read(object, USH_ERR_INCOMPLETE, &is_rbac, &unimportant) : NULL;

	return rbac != NULL ? ush_rbac_meaning(rbac) : NULL;
}

/* The roleRef is as we wrote it: a later one is of somebody who made the binding anew. */
static bool role_ours(const struct ush_item *item)
{
	struct ush_item_manager manager;
	bool others = false;

	for (struct ush_walk walk = ush_walk_managers(item); ush_walk_manager(&walk, &manager);) {
		if (ush_slice_member(manager.fields, "f:roleRef").type == 0)
			continue;
		if (ush_slice_is(manager.name, USH_MANAGED_BY))
			return true;
		others = true;
	}
	return !others;
}

static struct ush_seen *take(struct ush_observed *observed, const struct ush_item *item, const struct ush_marks *marks, char *foreign)
{
	struct ush_seen seen = {.kind = item->rbac, .foreign = foreign, .terminating = item->terminating};

	seen.namespace_name = ush_slice_copy(item->namespace_name);
	seen.name = ush_slice_copy(item->name);
	seen.uid = ush_slice_copy(item->uid);
	seen.resource_version = ush_slice_copy(item->resource_version);
	seen.manager = ush_slice_copy(ush_item_manager(item));
	if (item->rbac == USH_ROLE_BINDING) {
		USH_AUTO_FREE char *kind = ush_slice_copy(item->role_kind), *name = ush_slice_copy(item->role_name);

		seen.role = ush_printf("%s/%s", kind, name);
		seen.role_ours = role_ours(item);
	}
	if (foreign == NULL) {
		seen.role_said = ush_slice_copy(marks->role);
		if (item->rbac == USH_ROLE_BINDING)
			take_subjects(observed, &seen, item, marks);
		else
			seen.meaning = meaning_of(item);
	}
	USH_PUSH(observed->items, observed->count, seen);
	return &observed->items[observed->count - 1];
}

/* It gives access by marks of ours, of which some are gone. */
static bool is_partly(const struct ush_observed *observed, const struct ush_item *item, const struct ush_marks *marks)
{
	struct ush_walk walk = ush_walk(item->subjects);
	struct ush_item_subject subject;

	return item->rbac == USH_ROLE_BINDING && ush_marks_partly(marks, observed->desired) && ush_walk_subject(&walk, item, &subject);
}

/* Lists come sorted, so it is mostly the place of the item before, or the next one. */
static size_t place_of(struct ush_observed *observed, struct ush_slice name)
{
	const struct ush_places *places = observed->desired->places;

	for (size_t i = observed->cursor; i < places->count && i < observed->cursor + 2; i++)
		if (ush_slice_is(name, places->items[i].name))
			return observed->cursor = i;
	if (name.plain) {
		size_t found = ush_places_find(places, name.text, name.length);

		observed->cursor = found != SIZE_MAX ? found : observed->cursor;
		return found;
	}
	USH_AUTO_FREE char *text = ush_slice_copy(name);

	return ush_places_find(places, text, strlen(text));
}

static size_t wanted_of(const struct ush_desired *desired, size_t place, const struct ush_item *item)
{
	USH_AUTO_FREE char *longer = NULL;
	char name[256];

	if (place == SIZE_MAX || desired->start[place] == desired->start[place + 1])
		return SIZE_MAX;
	if (!item->name.plain || item->name.length >= sizeof name) {
		longer = ush_slice_copy(item->name);
		return ush_desired_find(desired, place, item->rbac, longer);
	}
	memcpy(name, item->name.text, item->name.length);
	name[item->name.length] = '\0';
	return ush_desired_find(desired, place, item->rbac, name);
}

static int twice(const struct ush_observed *observed, const struct ush_item *item, struct ush_error *err)
{
	USH_AUTO_FREE char *space = ush_slice_copy(item->namespace_name), *name = ush_slice_copy(item->name);

	return ush_fail(err, USH_ERR_INCOMPLETE, "%s holds %s %s/%s twice", observed->where, ush_rbac_kind_name(item->rbac), space, name);
}

/* Also where nobody may list the namespaces, and so only those are known that a grant names. */
static bool is_excluded(const struct ush_desired *desired, size_t place, const struct ush_item *item)
{
	const struct ush_list *patterns = &desired->policy->exclude_namespaces;
	USH_AUTO_FREE char *name = place == SIZE_MAX ? ush_slice_copy(item->namespace_name) : NULL;

	if (place != SIZE_MAX)
		return desired->places->items[place].excluded;
	if (ush_denied_namespace(desired, name))
		return true;
	for (size_t i = 0; i < patterns->count; i++)
		if (ush_pattern_match(patterns->items[i], name, NULL))
			return true;
	return false;
}

static int take_elsewhere(struct ush_observed *observed, const struct ush_item *item)
{
	if (item->rbac == USH_ROLE_BINDING && observed->elsewhere.count > 0 && !is_excluded(observed->desired, SIZE_MAX, item))
		ush_elsewhere_take(&observed->elsewhere, observed->desired, item);
	return 0;
}

static void count_binding(struct ush_observed *observed, const struct ush_item *item, const struct ush_marks *marks, bool ours)
{
	USH_AUTO_FREE char *space = NULL, *name = NULL;

	*(ours ? &observed->bindings_ours : &observed->bindings_others) += 1;
	if (!ours || observed->ours_set != NULL || (observed->ours_set = ush_slice_copy(marks->part_of)) == NULL)
		return;
	space = ush_slice_copy(item->namespace_name);
	name = ush_slice_copy(item->name);
	observed->ours = ush_printf("%s/%s", space != NULL ? space : "", name != NULL ? name : "");
}

static int take_item(struct ush_observed *observed, struct ush_item *item, struct ush_error *err)
{
	struct ush_desired *desired = observed->desired;
	size_t place = place_of(observed, item->namespace_name), wanted = wanted_of(desired, place, item);
	bool adoptable, claimed, partly, access, same;
	struct ush_marks marks;
	struct ush_seen *seen;
	char *foreign;

	if (observed->few && place == SIZE_MAX)
		return take_elsewhere(observed, item);
	ush_marks_read(item, &marks);
	if (observed->live && wanted == SIZE_MAX && ush_elevated_take(&observed->elevated, item, &marks, desired->policy->name, desired->ledger))
		return 0;
	foreign = ush_marks_foreign(&marks, item, desired->policy->name, &adoptable);
	if (item->rbac == USH_ROLE_BINDING)
		count_binding(observed, item, &marks, foreign == NULL);
	if (item->rbac == USH_ROLE_BINDING)
		check_role(observed, item, wanted);
	if (item->rbac == USH_ROLE_BINDING && foreign != NULL)
		note_reference(observed, item);
	if (item->rbac == USH_ROLE && foreign == NULL && wanted == SIZE_MAX)
		ush_keys_add(&observed->loose, role_key(item->namespace_name, item->name));
	if (item->rbac == USH_ROLE_BINDING && foreign != NULL && observed->groups_known)
		check_groups(observed, item);
	claimed = foreign != NULL && ush_slice_is(marks.managed_by, USH_MANAGED_BY) && ush_slice_is(marks.policy, desired->policy->name) &&
		  (marks.maker != NULL || item->owned);
	partly = foreign != NULL && !claimed && is_partly(observed, item, &marks);
	if ((foreign != NULL && wanted == SIZE_MAX && !claimed && !partly) || is_excluded(desired, place, item)) {
		observed->excluded += foreign == NULL;
		free(foreign);
		return 0;
	}
	if (wanted != SIZE_MAX && observed->marks[wanted] != USH_ABSENT) {
		free(foreign);
		return twice(observed, item, err);
	}
	access = wanted != SIZE_MAX && ush_same_access(desired, wanted, item);
	same = access && ush_same_marks(desired, wanted, &marks);
	if (same && foreign == NULL && !item->terminating) {
		observed->marks[wanted] = USH_SAME;
		return 0;
	}
	seen = take(observed, item, &marks, foreign);
	seen->place = place;
	seen->adoptable = adoptable;
	seen->claimed = claimed;
	seen->partly = partly;
	seen->advice = foreign != NULL ? ush_marks_advice(&marks, item, adoptable) : "";
	seen->same_access = access;
	seen->same_marks = same;
	if (wanted != SIZE_MAX)
		observed->marks[wanted] = (uint32_t)observed->count - 1 + 2;
	return 0;
}

int ush_observed_item(struct ush_observed *observed, struct ush_item *item, struct ush_error *err)
{
	int is = ush_item_rbac(item, USH_ERR_INCOMPLETE, err);

	if (is <= 0 || (item->rbac != USH_ROLE && item->rbac != USH_ROLE_BINDING) || item->namespace_name.type == 0)
		return is < 0 ? -1 : 0;
	if (item->rbac == USH_ROLE) {
		observed->roles_known = true;
		ush_keys_add(&observed->roles, role_key(item->namespace_name, item->name));
	}
	return take_item(observed, item, err);
}

int ush_observed_elsewhere(struct ush_observed *observed, struct ush_item *item, struct ush_error *err)
{
	int is = ush_item_rbac(item, USH_ERR_INCOMPLETE, err);

	if (is <= 0 || item->namespace_name.type == 0 || place_of(observed, item->namespace_name) != SIZE_MAX)
		return is < 0 ? -1 : 0;
	return take_elsewhere(observed, item);
}

int ush_observed_add(struct ush_observed *observed, const json_t *object, struct ush_error *err)
{
	USH_AUTO_FREE char *text = json_dumps(object, JSON_COMPACT);
	struct ush_item item;

	if (text == NULL)
		return ush_fail(err, USH_ERR_INCOMPLETE, "an object that is no JSON");
	if (ush_scan_object(&observed->scan, text, strlen(text), &(struct ush_item_defaults){0}, NULL, USH_ERR_INCOMPLETE, &item, err) != 0)
		return -1;
	return ush_observed_item(observed, &item, err);
}

/* ---- all of them ---- */

static void free_seen(struct ush_seen *seen)
{
	char *const owned[] = {seen->namespace_name, seen->name, seen->uid, seen->resource_version, seen->foreign, seen->role, seen->role_said, seen->meaning,
			       seen->manager};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
	ush_origins_free(&seen->origins);
	ush_origins_free(&seen->subjects);
	ush_list_free(&seen->people);
}

void ush_observed_forget(struct ush_observed *observed, enum ush_rbac_kind kind, size_t place)
{
	size_t kept = 0;

	for (size_t i = 0; i < observed->count; i++)
		if (observed->items[i].kind != kind || (place != SIZE_MAX && observed->items[i].place != place))
			observed->items[kept++] = observed->items[i];
		else
			free_seen(&observed->items[i]);
	observed->count = kept;
	for (size_t i = 0; i < observed->desired->count; i++) /* what stays is found again when all is sorted */
		if (ush_wanted_shape(observed->desired, i)->kind == kind && (place == SIZE_MAX || observed->desired->items[i].place == place))
			observed->marks[i] = USH_ABSENT;
	if (place != SIZE_MAX || kind != USH_ROLE_BINDING)
		return;
	ush_elsewhere_forget(&observed->elsewhere);
	observed->bindings_ours = observed->bindings_others = observed->excluded = observed->dangling_count = 0;
	free(ush_steal(&observed->ours));
	free(ush_steal(&observed->ours_set));
	ush_list_free(&observed->dangling);
	observed->dangling = (struct ush_list){0};
	ush_elevations_free(&observed->elevated);
	ush_list_free(&observed->referring);
	observed->referring = (struct ush_list){0};
	ush_keys_free(&observed->referred);
	observed->referred = (struct ush_keys){0};
}

static int by_key(const void *a, const void *b)
{
	const struct ush_seen *x = a, *y = b;

	return ush_key_order(x->namespace_name, x->kind, x->name, y->namespace_name, y->kind, y->name);
}

int ush_observed_sort(struct ush_observed *observed, struct ush_error *err)
{
	if (observed->count > 0)
		qsort(observed->items, observed->count, sizeof *observed->items, by_key);
	for (size_t i = 1; i < observed->count; i++)
		if (by_key(&observed->items[i - 1], &observed->items[i]) == 0)
			return ush_fail(err, USH_ERR_INCOMPLETE, "%s holds %s %s/%s twice", observed->where, ush_rbac_kind_name(observed->items[i].kind),
					observed->items[i].namespace_name, observed->items[i].name);
	for (size_t i = 0; i < observed->count; i++) { /* they moved */
		const struct ush_seen *seen = &observed->items[i];
		size_t wanted = ush_desired_find(observed->desired, seen->place, seen->kind, seen->name);

		if (wanted != SIZE_MAX)
			observed->marks[wanted] = (uint32_t)i + 2;
	}
	return 0;
}

struct ush_seen *ush_observed_at(const struct ush_observed *observed, size_t wanted)
{
	return observed->marks[wanted] >= 2 ? &observed->items[observed->marks[wanted] - 2] : NULL;
}

struct ush_seen *ush_observed_find(const struct ush_observed *observed, const char *namespace_name, enum ush_rbac_kind kind, const char *name)
{
	struct ush_seen key = {.kind = kind, .namespace_name = (char *)namespace_name, .name = (char *)name};

	return observed->count > 0 ? bsearch(&key, observed->items, observed->count, sizeof key, by_key) : NULL;
}

void ush_observed_free(struct ush_observed *observed)
{
	for (size_t i = 0; i < observed->count; i++)
		free_seen(&observed->items[i]);
	free(observed->items);
	ush_elsewhere_free(&observed->elsewhere);
	free(observed->marks);
	ush_list_free(&observed->dangling);
	ush_elevations_free(&observed->elevated);
	ush_keys_free(&observed->roles);
	ush_keys_free(&observed->loose);
	ush_keys_free(&observed->referred);
	ush_list_free(&observed->referring);
	ush_keys_free(&observed->groups);
	ush_scan_free(&observed->scan);
	free(observed->where);
	free(observed->ours);
	free(observed->ours_set);
	*observed = (struct ush_observed){0};
}
