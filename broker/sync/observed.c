/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/observed.h"

#include <string.h>

#include "broker/source/source.h"
#include "common/base/memory.h"
#include "common/data/json.h"

/* ---- whose is it ---- */

/* Marks that other tools leave. An object that carries one is theirs, whatever else it carries. */
static const struct {
	bool label;
	const char *key, *maker, *what; /* what the value names; NULL: nothing worth saying */
} makers[] = {
	{false, "meta.helm.sh/release-name", "helm", "release"},
	{true, "helm.toolkit.fluxcd.io/name", "flux", "release"},
	{true, "kustomize.toolkit.fluxcd.io/name", "flux", "kustomization"},
	{false, "argocd.argoproj.io/tracking-id", "argocd", "app"},
	{true, "argocd.argoproj.io/instance", "argocd", "app"},
	{true, "app.kubernetes.io/instance", "argocd or helm", "app"},
};

static char *maker(const struct ush_rbac *object)
{
	const char *manager = ush_json_string(object->labels, USH_LABEL_MANAGED_BY), *value;

	for (size_t i = 0; i < USH_COUNT(makers); i++) {
		value = ush_json_string(makers[i].label ? object->labels : object->annotations, makers[i].key);
		if (value != NULL)
			return ush_printf("made by %s (%s %s)", makers[i].maker, makers[i].what, value);
	}
	if (object->owned)
		return ush_strdup("has an owner of its own (ownerReferences)");
	if (manager != NULL && strcmp(manager, USH_MANAGED_BY) != 0)
		return ush_printf("made by %s", manager);
	return NULL;
}

/* NULL when it is ours: our labels, our annotation, and no mark of anybody else. */
static char *foreign(const struct ush_rbac *object, const char *policy)
{
	const char *manager = ush_json_string(object->labels, USH_LABEL_MANAGED_BY), *set = ush_json_string(object->labels, USH_LABEL_POLICY);
	char *other = maker(object);

	if (other != NULL)
		return other;
	if (manager == NULL && object->manager != NULL && strcmp(object->manager, USH_MANAGED_BY) == 0)
		return ush_strdup("made by usher-broker, and somebody took our labels off (delete it, or put them back)");
	if (manager == NULL)
		return object->manager != NULL ? ush_printf("made by %s", object->manager) : ush_strdup("not made by usher-broker");
	if (set == NULL || strcmp(set, policy) != 0)
		return ush_printf("made by usher-broker from policy %s", set != NULL ? set : "(none)");
	if (ush_json_string(object->annotations, USH_ANNOTATION_ROLE) == NULL)
		return ush_strdup("carries our labels and not our annotations: somebody copied them");
	return NULL;
}

/* ---- one object ---- */

static void take_subjects(struct ush_seen *seen, const struct ush_rbac *object)
{
	const char *text = ush_json_string(object->annotations, USH_ANNOTATION_ORIGIN);
	USH_AUTO_ORIGINS origins = {0};

	if (text != NULL && ush_origins_read(&origins, text) != 0)
		ush_origins_free(&origins); /* spoilt by hand: the digest differs, so it will be written anew */
	for (size_t i = 0; i < object->subject_count; i++) {
		const struct ush_subject *subject = &object->subjects[i];
		const struct ush_origin *origin = ush_origins_find(&origins, subject->name);

		if (strcmp(subject->kind, "Group") != 0)
			seen->strangers = true;
		else
			ush_origins_add(&seen->subjects, origin != NULL ? origin : &(struct ush_origin){.text = subject->name});
	}
}

static void take(struct ush_observed *observed, const struct ush_rbac *object, char *other)
{
	struct ush_seen seen = {.kind = object->kind, .foreign = other, .terminating = object->terminating};

	seen.namespace_name = ush_strdup(object->namespace_name);
	seen.name = ush_strdup(object->name);
	seen.uid = ush_strdup(object->uid);
	seen.resource_version = ush_strdup(object->resource_version);
	seen.manager = ush_strdup(object->manager);
	if (object->kind == USH_ROLE_BINDING)
		seen.role = ush_printf("%s/%s", object->role_kind, object->role_name);
	ush_rbac_digest(object, seen.digest);
	if (other == NULL && object->kind == USH_ROLE_BINDING)
		take_subjects(&seen, object);
	USH_PUSH(observed->items, observed->count, seen);
}

int ush_observed_add(struct ush_observed *observed, const struct ush_desired *desired, const json_t *object, struct ush_error *err)
{
	bool is_rbac = false;
	USH_AUTO_RBAC rbac = ush_rbac_read(object, USH_ERR_INCOMPLETE, &is_rbac, err);
	char *other;

	if (rbac == NULL)
		return is_rbac ? -1 : 0;
	if ((rbac->kind != USH_ROLE && rbac->kind != USH_ROLE_BINDING) || rbac->namespace_name == NULL)
		return 0;
	other = foreign(rbac, desired->policy->name);
	if (rbac->kind == USH_ROLE_BINDING)
		*(other == NULL ? &observed->bindings_ours : &observed->bindings_others) += 1;
	if (other == NULL || ush_desired_find(desired, rbac->namespace_name, rbac->kind, rbac->name) != NULL)
		take(observed, rbac, other);
	else
		free(other);
	return 0;
}

/* ---- all of them ---- */

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
	ush_list_sort(&observed->namespaces);
	return 0;
}

struct ush_seen *ush_observed_find(const struct ush_observed *observed, const char *namespace_name, enum ush_rbac_kind kind, const char *name)
{
	struct ush_seen key = {.kind = kind, .namespace_name = (char *)namespace_name, .name = (char *)name};

	return observed->count > 0 ? bsearch(&key, observed->items, observed->count, sizeof key, by_key) : NULL;
}

static int by_text(const void *key, const void *item)
{
	return strcmp(key, *(char *const *)item);
}

bool ush_observed_has_namespace(const struct ush_observed *observed, const char *name)
{
	const struct ush_list *list = &observed->namespaces;

	return !observed->namespaces_known || (list->count > 0 && bsearch(name, list->items, list->count, sizeof *list->items, by_text) != NULL);
}

static void free_seen(struct ush_seen *seen)
{
	char *const owned[] = {seen->namespace_name, seen->name, seen->uid, seen->resource_version, seen->foreign, seen->role, seen->manager};

	for (size_t i = 0; i < USH_COUNT(owned); i++)
		free(owned[i]);
	ush_origins_free(&seen->subjects);
}

void ush_observed_free(struct ush_observed *observed)
{
	for (size_t i = 0; i < observed->count; i++)
		free_seen(&observed->items[i]);
	free(observed->items);
	ush_list_free(&observed->namespaces);
	free(observed->where);
	*observed = (struct ush_observed){0};
}
