/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/look/observe.h"

#include <string.h>
#include <unistd.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/list.h"
#include "common/kube/manifest.h"

const char *ush_observe_host(const char *server)
{
	const char *host = strstr(server, "://");

	return host != NULL ? host + 3 : server;
}

/* ---- names ---- */

#define NAME_MAX_LENGTH 253
#define FEW		32 /* namespaces that are listed one by one rather than all of the cluster */

/* A name of an item: a text of its own only where it has escapes. */
static int check_slice(const struct ush_slice *slice, const char *(*refused)(const char *), const char *what, const char *where, enum ush_code code,
		       struct ush_error *err)
{
	char plain[NAME_MAX_LENGTH + 1] = "";
	USH_AUTO_FREE char *longer = NULL;
	const char *name = plain, *why;

	if (slice->type != '"')
		return 0;
	if (slice->plain && slice->length <= NAME_MAX_LENGTH)
		memcpy(plain, slice->text, slice->length);
	else
		name = longer = ush_slice_copy(*slice);
	why = strlen(name) > NAME_MAX_LENGTH ? "is longer than 253 characters" : refused(name);
	return why == NULL ? 0 : ush_fail(err, code, "%s: no %s can be called \"%.64s\", it %s; nothing was concluded", where, what, name, why);
}

static int check_names(const struct ush_item *item, const char *what, const char *where, enum ush_code code, struct ush_error *err)
{
	if (check_slice(&item->namespace_name, ush_name_not_label, "namespace", where, code, err) != 0)
		return -1;
	return check_slice(&item->name, ush_name_not_object, what, where, code, err);
}

static int check_text(const char *text, const char *(*refused)(const char *), const char *what, const char *where, struct ush_error *err)
{
	struct ush_slice slice = ush_slice_of(text != NULL ? text : "");

	return text == NULL ? 0 : check_slice(&slice, refused, what, where, USH_ERR_INCOMPLETE, err);
}

/* ---- namespaces ---- */

struct survey {
	struct ush_places *places;
	const struct ush_policy *policy;
	const char *where;
	size_t count;
};

static int take_namespace(void *context, struct ush_item *item, struct ush_error *err)
{
	struct survey *survey = context;
	USH_AUTO_FREE char *name = ush_slice_copy(item->name);
	USH_AUTO_JSON labels = NULL;

	if (name == NULL || *name == '\0')
		return ush_fail(err, USH_ERR_REJECTED, "a namespace of %s has no name", survey->where);
	if (check_slice(&item->name, ush_name_not_label, "namespace", survey->where, USH_ERR_REJECTED, err) != 0)
		return -1;
	if (item->labels.type == '{' &&
	    (ush_places_want_labels(survey->places, survey->policy) || ush_unreached_may_be(item->labels.text, item->labels.length)))
		labels = json_loadb(item->labels.text, item->labels.length, 0, NULL);
	ush_places_add(survey->places, survey->policy, name, labels, item->terminating);
	return 0;
}

static void forget_namespaces(void *context)
{
	struct survey *survey = context;

	ush_places_forget(survey->places);
}

/* The first grant that cannot be carried out without knowing the namespaces; NULL: none. */
static const char *needs_places(const struct ush_policy *policy)
{
	for (size_t i = 0; i < policy->grant_count; i++)
		if (policy->grants[i].namespace_pattern != NULL || policy->grants[i].selector.count > 0)
			return policy->grants[i].called;
	return NULL;
}

int ush_observe_places(struct ush_places *places, const struct ush_policy *policy, const struct ush_kube *kube, struct ush_error *err)
{
	struct survey survey = {places, policy, ush_observe_host(kube->config->server), 0};
	struct ush_kube_stream stream = {"/api/v1/namespaces", NULL, take_namespace, forget_namespaces, &survey};
	struct ush_error why = {0};

	ush_places_begin(places, policy);
	places->known = ush_kube_list_items(kube, &stream, NULL, NULL, &why) == 0;
	if (!places->known && (why.code != USH_ERR_REFUSED || needs_places(policy) != NULL)) {
		*err = why;
		if (why.code == USH_ERR_REFUSED)
			ush_hint(err, "%s means namespaces by pattern or label, so they must be listed", needs_places(policy));
		return -1;
	}
	if (!places->known) /* then a missing one shows when something is created there */
		ush_places_forget(places);
	ush_places_sort(places, policy);
	return 0;
}

static int take_namespace_manifest(void *context, json_t *object, const char *origin, struct ush_error *err)
{
	struct survey *survey = context;
	const char *kind = ush_json_string(object, "kind"), *version = ush_json_string(object, "apiVersion");
	const json_t *metadata = ush_json_object(object, "metadata");
	const char *name = ush_json_string(metadata, "name");

	if (kind == NULL || version == NULL || strcmp(kind, "Namespace") != 0 || strcmp(version, "v1") != 0)
		return 0;
	if (name == NULL || *name == '\0')
		return ush_fail(err, USH_ERR_INCOMPLETE, "%s: a Namespace without a name", origin);
	if (check_text(name, ush_name_not_label, "namespace", origin, err) != 0)
		return -1;
	ush_places_add(survey->places, survey->policy, name, ush_json_object(metadata, "labels"), json_object_get(metadata, "deletionTimestamp") != NULL);
	survey->count++;
	return 0;
}

int ush_observe_places_in(struct ush_places *places, const struct ush_policy *policy, const char *path, struct ush_error *err)
{
	struct survey survey = {places, policy, path, 0};

	ush_places_begin(places, policy);
	if ((strcmp(path, "-") == 0 || access(path, F_OK) == 0) && ush_manifests_read(path, take_namespace_manifest, &survey, NULL, err) != 0)
		return -1;
	if (survey.count == 0 && needs_places(policy) != NULL) {
		ush_fail(err, USH_ERR_INCOMPLETE, "%s means namespaces by pattern or label, and %s holds no Namespace", needs_places(policy), path);
		return ush_hint(err, "Say --namespaces namespaces.yaml, which is made by: kubectl get namespaces -o yaml >namespaces.yaml");
	}
	ush_places_sort(places, policy); /* a folder that names some need not name all: what is not there is not waited for */
	for (size_t i = 0; i < places->count; i++)
		places->items[i].there = true;
	return 0;
}

/* ---- ClusterRoles ---- */

struct census {
	struct ush_cluster_roles *roles;
	struct ush_observed *observed;
};

static bool named(const struct ush_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->role_count; i++)
		if (policy->roles[i].cluster_role != NULL && strcmp(policy->roles[i].cluster_role, name) == 0)
			return true;
	return false;
}

static void keep_role(struct ush_cluster_roles *roles, const json_t *object)
{
	struct ush_error unimportant = {0};
	bool is_rbac;
	struct ush_rbac *rbac = object != NULL ? ush_rbac_read(object, USH_ERR_INCOMPLETE, &is_rbac, &unimportant) : NULL;

	if (rbac != NULL)
		USH_PUSH(roles->items, roles->count, rbac);
}

static int take_cluster_role(void *context, struct ush_item *item, struct ush_error *err)
{
	struct census *census = context;
	USH_AUTO_FREE char *name = ush_slice_copy(item->name);
	USH_AUTO_JSON object = NULL;

	if (name == NULL)
		return ush_fail(err, USH_ERR_REJECTED, "a ClusterRole has no name");
	if (check_slice(&item->name, ush_name_not_object, "ClusterRole", census->observed->where, USH_ERR_REJECTED, err) != 0)
		return -1;
	ush_observed_cluster_role(census->observed, name);
	if (!named(census->observed->desired->policy, name))
		return 0;
	object = ush_item_json(item, USH_ERR_REJECTED, err);
	keep_role(census->roles, object);
	return object != NULL ? 0 : -1;
}

static void forget_cluster_roles(void *context)
{
	struct census *census = context;

	ush_cluster_roles_free(census->roles);
}

static int get_cluster_roles(struct census *census, const struct ush_kube *kube, struct ush_error *err)
{
	const struct ush_policy *policy = census->observed->desired->policy;

	for (size_t i = 0; i < policy->role_count; i++) {
		const char *name = policy->roles[i].cluster_role;
		USH_AUTO_FREE char *path = name != NULL ? ush_rbac_path(USH_CLUSTER_ROLE, NULL, name) : NULL;
		USH_AUTO_JSON object = NULL;
		struct ush_error why = {0};
		int status;

		if (name == NULL)
			continue;
		if (ush_kube_get(kube, path, &status, &object, &why) == 0) {
			keep_role(census->roles, object);
		} else if (why.code != USH_ERR_REFUSED) { /* may not look: the plan says the name instead of what it allows */
			*err = why;
			return -1;
		}
	}
	return 0;
}

int ush_observe_cluster_roles(struct ush_cluster_roles *roles, struct ush_observed *observed, const struct ush_kube *kube, struct ush_error *err)
{
	struct census census = {roles, observed};
	USH_AUTO_FREE char *path = ush_rbac_list_path(USH_CLUSTER_ROLE, NULL);
	struct ush_kube_stream stream = {path, NULL, take_cluster_role, forget_cluster_roles, &census};
	struct ush_error why = {0};

	observed->cluster_roles_known = ush_kube_list_items(kube, &stream, NULL, NULL, &why) == 0;
	if (observed->cluster_roles_known)
		return 0;
	if (why.code == USH_ERR_REFUSED)
		return get_cluster_roles(&census, kube, err);
	*err = why;
	return -1;
}

/* ---- Roles and RoleBindings ---- */

struct look {
	struct ush_observed *observed;
	enum ush_rbac_kind kind; /* of the list that is being read */
	size_t place;            /* whose list it is, SIZE_MAX: of all namespaces */
};

static int take_item(void *context, struct ush_item *item, struct ush_error *err)
{
	struct look *look = context;

	if (check_names(item, ush_rbac_kind_name(look->kind), look->observed->where, USH_ERR_REJECTED, err) != 0)
		return -1;
	return ush_observed_item(look->observed, item, err);
}

static void forget(void *context)
{
	struct look *look = context;

	ush_observed_forget(look->observed, look->kind, look->place);
}

static const enum ush_rbac_kind kinds[] = {USH_ROLE, USH_ROLE_BINDING};

static int list(struct ush_observed *observed, const struct ush_kube *kube, enum ush_rbac_kind kind, const char *namespace_name, struct ush_error *err)
{
	struct look look = {observed, kind, SIZE_MAX};
	USH_AUTO_FREE char *path = ush_rbac_list_path(kind, namespace_name);
	struct ush_kube_stream stream = {path, NULL, take_item, forget, &look};

	if (namespace_name != NULL)
		look.place = ush_places_find(observed->desired->places, namespace_name, strlen(namespace_name));
	return ush_kube_list_items(kube, &stream, NULL, NULL, err);
}

int ush_observe_cluster(struct ush_observed *observed, const struct ush_kube *kube, struct ush_error *err)
{
	for (size_t i = 0; i < USH_COUNT(kinds); i++) {
		observed->roles_known = true;
		if (list(observed, kube, kinds[i], NULL, err) != 0)
			return -1;
	}
	return ush_observed_sort(observed, err);
}

/* ---- a few namespaces ---- */

static int take_elsewhere(void *context, struct ush_item *item, struct ush_error *err)
{
	struct ush_observed *observed = context;

	if (check_names(item, "RoleBinding", observed->where, USH_ERR_REJECTED, err) != 0)
		return -1;
	return ush_observed_elsewhere(observed, item, err);
}

static void forget_elsewhere(void *context)
{
	struct ush_observed *observed = context;

	ush_elsewhere_forget(&observed->elsewhere);
}

static int look_elsewhere(struct ush_observed *observed, const struct ush_kube *kube, struct ush_error *err)
{
	USH_AUTO_FREE char *path = ush_rbac_list_path(USH_ROLE_BINDING, NULL);
	USH_AUTO_FREE char *ours = ush_printf(USH_LABEL_MANAGED_BY "=" USH_MANAGED_BY "," USH_LABEL_POLICY "=%s", observed->desired->policy->name);
	struct ush_kube_stream stream = {path, ours, take_elsewhere, forget_elsewhere, observed, .likely_short = true};

	return kube == NULL || observed->desired->count == 0 ? 0 : ush_kube_list_items(kube, &stream, NULL, NULL, err);
}

int ush_observe_few(struct ush_observed *observed, const struct ush_kube *kube, const struct ush_list *names, struct ush_error *err)
{
	if (names->count > FEW)
		return ush_observe_cluster(observed, kube, err);
	for (size_t i = 0; i < USH_COUNT(kinds); i++)
		for (size_t k = 0; k < names->count; k++)
			if (list(observed, kube, kinds[i], names->items[k], err) != 0)
				return -1;
	return look_elsewhere(observed, kube, err) != 0 ? -1 : ush_observed_sort(observed, err);
}

static bool is_ours_to_read(const char *kind)
{
	return kind != NULL && (strcmp(kind, "Role") == 0 || strcmp(kind, "RoleBinding") == 0);
}

static int take_manifest(void *context, json_t *object, const char *origin, struct ush_error *err)
{
	const json_t *metadata = ush_json_object(object, "metadata");
	const char *kind = ush_json_string(object, "kind");

	if (is_ours_to_read(kind) && (check_text(ush_json_string(metadata, "namespace"), ush_name_not_label, "namespace", origin, err) != 0 ||
				      check_text(ush_json_string(metadata, "name"), ush_name_not_object, kind, origin, err) != 0))
		return -1;
	return ush_observed_add(context, object, err) != 0 ? ush_error_at(err, "%s", origin) : 0;
}

int ush_observe_folder(struct ush_observed *observed, const char *path, struct ush_error *err)
{
	if (strcmp(path, "-") != 0 && access(path, F_OK) != 0)
		return 0;
	if (ush_manifests_read(path, take_manifest, observed, NULL, err) != 0)
		return -1;
	return ush_observed_sort(observed, err);
}
