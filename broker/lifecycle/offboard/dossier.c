/* SPDX-License-Identifier: Apache-2.0
 *
 * Which bindings the person is in, and what is to be done about each.
 */
#include "broker/lifecycle/offboard/dossier.h"

#include <stdlib.h>
#include <string.h>

#include "broker/lifecycle/offboard/report.h"
#include "broker/policy/reader.h"
#include "broker/sync/look/origin.h"
#include "broker/sync/look/owner.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/data/json.h"
#include "common/kube/way.h"

/* ---- subjects ---- */

static bool is_user(const struct ush_dossier *d, const struct ush_item_subject *subject)
{
	return ush_slice_is(subject->kind, "User") && ush_spellings_have_slice(&d->users, subject->name);
}

static bool is_group(const struct ush_dossier *d, const struct ush_item_subject *subject)
{
	return ush_slice_is(subject->kind, "Group") && ush_list_holds_slice(&d->groups, subject->name);
}

/* own: what a binding of ours calls the group by its id. */
static bool goes(const struct ush_dossier *d, const struct ush_list *own, const struct ush_item_subject *subject)
{
	if (!d->of_group)
		return is_user(d, subject);
	return is_group(d, subject) || (ush_slice_is(subject->kind, "Group") && ush_list_holds_slice(own, subject->name));
}

static bool is_its(const struct ush_dossier *d, const struct ush_origin *origin)
{
	return d->id != NULL && d->source != NULL && origin->id != NULL && origin->source != NULL && strcmp(origin->id, d->id) == 0 &&
	       strcmp(origin->source, d->source) == 0;
}

static void read_own(const struct ush_dossier *d, const char *annotation, struct ush_list *own)
{
	USH_AUTO_ORIGINS origins = {0};

	if (annotation == NULL || !d->of_group || d->id == NULL || ush_origins_read(&origins, annotation) != 0)
		return;
	for (size_t i = 0; i < origins.count; i++)
		if (is_its(d, &origins.items[i]))
			ush_list_add(own, origins.items[i].text);
	ush_list_sort(own);
}

/* Of most bindings the raw text shows already that the id is not in it. */
static void own_names(const struct ush_dossier *d, const struct ush_item *item, struct ush_list *own)
{
	USH_AUTO_FREE char *annotation = NULL, *foreign = NULL;
	struct ush_marks marks;
	bool adoptable;

	if (!d->of_group || d->id == NULL)
		return;
	ush_marks_read(item, &marks);
	if (marks.origin.type == 0 || !ush_slice_is(marks.policy, d->policy))
		return;
	annotation = ush_slice_copy(marks.origin);
	if (annotation == NULL || strstr(annotation, d->id) == NULL)
		return;
	foreign = ush_marks_foreign(&marks, item, d->policy, &adoptable);
	if (foreign == NULL)
		read_own(d, annotation, own);
}

/* ---- whose it is ---- */

/* Given for a time by us: no policy's, and the ledger's. */
static bool is_elevation(const struct ush_item *item, const struct ush_marks *marks)
{
	return ush_slice_is(marks->managed_by, USH_MANAGED_BY) && marks->policy.type == 0 && marks->maker == NULL && !item->owned &&
	       ush_slice_member(item->labels, USH_LABEL_ELEVATION).type != 0;
}

static void find_owner(const struct ush_dossier *d, const struct ush_item *item, struct ush_hold *hold)
{
	struct ush_marks marks;
	bool free_for_adoption = false;

	ush_marks_read(item, &marks);
	hold->foreign = is_elevation(item, &marks) ? NULL : ush_marks_foreign(&marks, item, d->policy, &free_for_adoption);
	if (hold->kind == USH_CLUSTER_ROLE_BINDING && hold->foreign == NULL)
		hold->foreign = ush_strdup("bears marks of usher-broker, which makes none of this kind");
	hold->owner = hold->foreign == NULL ? USH_HOLD_OURS : free_for_adoption ? USH_HOLD_FREE : USH_HOLD_MANAGED;
}

/* ---- the command that takes somebody out ---- */

/* A JSON patch (RFC 6902) that tests what it removes, the last first, so that places stay what they are. */
static char *cut_patch(const struct ush_dossier *d, const struct ush_item *item)
{
	static const struct ush_list none;
	USH_AUTO_JSON operations = json_array();
	struct ush_item_subject subject;
	USH_AUTO_FREE char *text = NULL;
	size_t place = 0;

	for (struct ush_walk walk = ush_walk(item->subjects); ush_walk_subject(&walk, item, &subject); place++) {
		USH_AUTO_FREE char *name = ush_slice_copy(subject.name), *at = ush_printf("/subjects/%zu", place), *its_name = ush_printf("%s/name", at);

		if (!goes(d, &none, &subject)) /* it is not ours */
			continue;
		json_array_insert_new(operations, 0, json_pack("{s:s,s:s}", "op", "remove", "path", at));
		json_array_insert_new(operations, 0, json_pack("{s:s,s:s,s:s}", "op", "test", "path", its_name, "value", name));
	}
	text = json_dumps(operations, JSON_COMPACT | JSON_SORT_KEYS);
	return ush_steal(&text);
}

/* Behind "--": it may be called "--all". */
static char *cut_arguments(const struct ush_dossier *d, const struct ush_item *item, const struct ush_hold *hold)
{
	static const struct ush_list none;
	struct ush_item_subject subject;
	size_t going = 0, all = 0;
	USH_AUTO_FREE char *name = ush_text_word(hold->name), *where = ush_way_option("n", hold->space), *patch = NULL, *word = NULL;
	const char *resource = hold->kind == USH_ROLE_BINDING ? "rolebinding" : "clusterrolebinding";

	for (struct ush_walk walk = ush_walk(item->subjects); ush_walk_subject(&walk, item, &subject); all++)
		going += goes(d, &none, &subject);
	if (going == all)
		return ush_printf("delete %s%s -- %s", resource, where, name);
	patch = cut_patch(d, item);
	word = ush_text_word(patch);
	return ush_printf("patch %s%s --type=json -p %s -- %s", resource, where, word, name);
}

/* ---- bindings ---- */

static int64_t made_at(const struct ush_item *item)
{
	USH_AUTO_FREE char *text = ush_slice_copy(ush_slice_member(item->metadata, "creationTimestamp"));
	int64_t seconds = 0;

	return text != NULL && ush_parse_moment(text, &seconds) ? seconds : 0;
}

static void offer(const struct ush_dossier *d, const struct ush_item_subject *subject)
{
	USH_AUTO_FREE char *name = d->near != NULL && ush_slice_is(subject->kind, d->of_group ? "Group" : "User") ? ush_slice_copy(subject->name) : NULL;

	if (name != NULL && !ush_name_is_system(name))
		ush_near_offer(d->near, name);
}

struct ush_hold *ush_dossier_hold(const struct ush_dossier *d, const struct ush_item *item)
{
	struct ush_slice direct = {0}, group = {0};
	struct ush_item_subject subject;
	struct ush_list own = {0};
	struct ush_hold *hold;

	own_names(d, item, &own);
	for (struct ush_walk walk = ush_walk(item->subjects); ush_walk_subject(&walk, item, &subject);) {
		if (direct.type == 0 && goes(d, &own, &subject))
			direct = subject.name;
		else if (group.type == 0 && !d->of_group && is_group(d, &subject))
			group = subject.name;
		offer(d, &subject);
	}
	ush_list_free(&own);
	if (direct.type == 0 && group.type == 0)
		return NULL;
	hold = ush_new(struct ush_hold);
	*hold = (struct ush_hold){.kind = item->rbac, .space = ush_slice_copy(item->namespace_name), .name = ush_slice_copy(item->name),
				  .role_kind = ush_slice_copy(item->role_kind), .role_name = ush_slice_copy(item->role_name), .direct = ush_slice_copy(direct),
				  .group = ush_slice_copy(group), .since = made_at(item)};
	find_owner(d, item, hold);
	if (hold->direct != NULL && hold->owner != USH_HOLD_OURS)
		hold->cut = cut_arguments(d, item, hold);
	return hold;
}

int ush_dossier_binding(struct ush_dossier *d, struct ush_item *item, struct ush_error *err)
{
	struct ush_hold *hold;
	int is = ush_item_rbac(item, USH_ERR_REJECTED, err);

	if (is <= 0 || (item->rbac != USH_ROLE_BINDING && item->rbac != USH_CLUSTER_ROLE_BINDING))
		return is < 0 ? -1 : 0;
	hold = ush_dossier_hold(d, item);
	if (hold != NULL)
		USH_PUSH(d->holds, d->hold_count, *hold);
	free(hold);
	return 0;
}

void ush_hold_free(struct ush_hold *hold)
{
	free(hold->space);
	free(hold->name);
	free(hold->role_kind);
	free(hold->role_name);
	free(hold->direct);
	free(hold->group);
	free(hold->foreign);
	free(hold->cut);
	*hold = (struct ush_hold){0};
}

void ush_dossier_forget_bindings(struct ush_dossier *d, enum ush_rbac_kind kind)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->hold_count; i++)
		if (d->holds[i].kind == kind)
			ush_hold_free(&d->holds[i]);
		else
			d->holds[kept++] = d->holds[i];
	d->hold_count = kept; /* USH_PUSH grows at powers of two: no smaller block is asked for than there is */
	d->holds = ush_resize(d->holds, 2 * (kept + 1) * sizeof *d->holds);
}

/* ---- taking the person out ---- */

static const char *origin_of(const json_t *binding)
{
	return ush_json_string(ush_json_object(ush_json_object(binding, "metadata"), "annotations"), USH_ANNOTATION_ORIGIN);
}

/* What a binding of ours, as it stands, calls the group by its id. */
static void own_names_of(const struct ush_dossier *d, const json_t *binding, struct ush_list *own)
{
	const char *policy = ush_json_string(ush_json_object(ush_json_object(binding, "metadata"), "labels"), USH_LABEL_POLICY);

	if (policy != NULL && strcmp(policy, d->policy) == 0)
		read_own(d, origin_of(binding), own);
}

/* The record of where a subject came from goes with the subject. */
static void drop_origins(const struct ush_dossier *d, const struct ush_list *own, const json_t *binding, json_t *metadata)
{
	const char *text = origin_of(binding);
	USH_AUTO_ORIGINS before = {0}, after = {0};
	USH_AUTO_FREE char *left = NULL;

	if (text == NULL || !d->of_group || ush_origins_read(&before, text) != 0)
		return;
	for (size_t i = 0; i < before.count; i++)
		if (!ush_list_holds(&d->groups, before.items[i].text) && !ush_list_holds(own, before.items[i].text))
			ush_origins_add(&after, &before.items[i]);
	if (after.count == before.count)
		return;
	left = ush_origins_text(&after);
	json_object_set_new(metadata, "annotations", json_pack("{s:s}", USH_ANNOTATION_ORIGIN, left));
}

static bool subject_goes(const struct ush_dossier *d, const struct ush_list *own, const json_t *subject)
{
	const char *kind = ush_json_string(subject, "kind"), *name = ush_json_string(subject, "name");

	if (kind == NULL || name == NULL || strcmp(kind, d->of_group ? "Group" : "User") != 0)
		return false;
	return d->of_group ? ush_list_holds(&d->groups, name) || ush_list_holds(own, name) : ush_spellings_have(&d->users, name);
}

static json_t *who_stays(const struct ush_dossier *d, const struct ush_list *own, const json_t *subjects)
{
	json_t *left = json_array(), *subject;
	size_t i;

	json_array_foreach(subjects, i, subject)
		if (!subject_goes(d, own, subject))
			json_array_append(left, subject);
	return left;
}

json_t *ush_dossier_patch(const struct ush_dossier *d, const json_t *binding, bool *empty)
{
	const json_t *there = ush_json_object(binding, "metadata"), *subjects = ush_json_array(binding, "subjects");
	USH_AUTO_JSON left = NULL;
	json_t *metadata, *patch = NULL;
	struct ush_list own = {0};

	own_names_of(d, binding, &own);
	left = who_stays(d, &own, subjects);
	*empty = json_array_size(left) == 0;
	if (json_array_size(left) < json_array_size(subjects)) {
		metadata = json_pack("{s:s*, s:s*}", "name", ush_json_string(there, "name"), "resourceVersion", ush_json_string(there, "resourceVersion"));
		drop_origins(d, &own, binding, metadata);
		patch = json_pack("{s:s, s:s, s:o, s:O}", "apiVersion", USH_RBAC_GROUP "/v1", "kind", ush_rbac_kind_name(USH_ROLE_BINDING), "metadata", metadata,
				  "subjects", left);
	}
	ush_list_free(&own);
	return patch;
}
