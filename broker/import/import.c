/* SPDX-License-Identifier: Apache-2.0
 *
 * What is gathered from all files, and what the tools have in common.
 */
#include "broker/import/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/manifest.h"

static void take_role(struct ush_import *import, const json_t *object, const char *name);

static const struct {
	const char *group, *kind; /* group: apiVersion up to the slash, or all of it */
	ush_import_reader *read;
} kinds[] = {
	{"rbacmanager.reactiveops.io", "RBACDefinition", ush_import_rbac_definition},
	{"redhatcop.redhat.io", "GroupSync", ush_import_group_sync},
	{"rbacsync.getcruise.com", "RBACSyncConfig", ush_import_rbac_sync},
	{"rbacsync.getcruise.com", "ClusterRBACSyncConfig", ush_import_cluster_rbac_sync},
	{"v1", "LDAPSyncConfig", ush_import_ldap_sync},
	{"capsule.clastix.io", "Tenant", ush_import_tenant},
	{USH_RBAC_GROUP, "Role", take_role},
};

void ush_import_left(struct ush_import *import, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	ush_list_add(&import->left, text);
}

void ush_import_add_source(struct ush_import *import, const char *name, const char *type, json_t *settings, const char *note)
{
	USH_AUTO_FREE char *unique = ush_strdup(ush_name_not_label(name) == NULL ? name : type);

	for (size_t i = 0, number = 2; i < import->source_count; i++)
		if (strcmp(import->sources[i].name, unique) == 0) {
			free(unique);
			unique = ush_printf("%.50s-%zu", ush_name_not_label(name) == NULL ? name : type, number++);
			i = (size_t)-1;
		}
	USH_PUSH(import->sources, import->source_count,
		 ((struct ush_import_source){ush_steal(&unique), ush_strdup(note), json_pack("{s:o}", type, settings)}));
}

void ush_import_add_group(struct ush_import *import, const char *name, const json_t *people)
{
	struct ush_import_group *group = NULL;
	const json_t *person;
	size_t i;

	for (i = 0; i < import->group_count && group == NULL; i++)
		if (strcmp(import->groups[i].name, name) == 0)
			group = &import->groups[i];
	if (group == NULL) {
		USH_PUSH(import->groups, import->group_count, ((struct ush_import_group){.name = ush_strdup(name)}));
		group = &import->groups[import->group_count - 1];
	}
	group->members_known = group->members_known || people != NULL;
	json_array_foreach(people, i, person)
		if (json_is_string(person))
			ush_list_add(&group->members, json_string_value(person));
	ush_list_sort(&group->members);
}

/* ---- bindings ---- */

static const char *not_ours(const json_t *subject)
{
	const char *kind = ush_json_string(subject, "kind"), *name = ush_json_string(subject, "name");

	if (kind == NULL || name == NULL)
		return "has a subject without kind or name";
	if (strcmp(kind, "Group") != 0)
		return "has a subject that is no group; a binding has one owner, so the whole of it stays as it is";
	if (strncasecmp(name, "system:", 7) == 0)
		return "is for a group of Kubernetes' own; that would need an exception in the policy";
	return strcmp(name, "*") == 0 ? "is for everybody" : ush_name_group_refused(name) != NULL ? "is for a group that no provider can have" : NULL;
}

static const char *role_refused(const struct ush_import_binding *binding)
{
	if (strcmp(binding->role_kind, "ClusterRole") != 0)
		return ush_name_not_subdomain(binding->role_ref) != NULL ? "refers to a Role whose name is no DNS name" : NULL;
	if (strcmp(binding->role_ref, "cluster-admin") == 0)
		return "gives cluster-admin; that would need an exception (wildcardRole) in the policy";
	if (strncasecmp(binding->role_ref, "system:", 7) == 0)
		return "gives a ClusterRole of Kubernetes' own; that would need an exception (escalatingRole) in the policy";
	return ush_name_not_segment(binding->role_ref) != NULL ? "refers to a ClusterRole that cannot be" : NULL;
}

static void add_role(struct ush_import *import, const char *kind, const char *ref)
{
	USH_AUTO_FREE char *name = ush_strndup(ref, strnlen(ref, 200));

	if (ush_import_role(import, kind, ref) != NULL)
		return;
	for (char *p = name; *p != '\0'; p++)
		*p = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : strchr("abcdefghijklmnopqrstuvwxyz0123456789.-", *p) != NULL ? *p : '-';
	if (ush_name_not_subdomain(name) != NULL) {
		free(name);
		name = ush_printf("role-%zu", import->role_count + 1);
	}
	for (size_t i = 0; i < import->role_count; i++)
		if (strcmp(import->roles[i].name, name) == 0) {
			free(name);
			name = ush_printf("%.200s-%zu", strcmp(kind, "Role") == 0 ? "role" : "clusterrole", import->role_count + 1);
			i = (size_t)-1;
		}
	USH_PUSH(import->roles, import->role_count, ((struct ush_import_role){ush_steal(&name), ush_strdup(kind), ush_strdup(ref), NULL}));
}

const struct ush_import_role *ush_import_role(const struct ush_import *import, const char *kind, const char *ref)
{
	for (size_t i = 0; i < import->role_count; i++)
		if (strcmp(import->roles[i].kind, kind) == 0 && strcmp(import->roles[i].ref, ref) == 0)
			return &import->roles[i];
	return NULL;
}

static bool has_grant(const struct ush_import *import, const struct ush_import_grant *grant)
{
	for (size_t i = 0; i < import->grant_count; i++) {
		const struct ush_import_grant *have = &import->grants[i];
		const char *one = have->namespace_name != NULL ? have->namespace_name : "", *two = grant->namespace_name != NULL ? grant->namespace_name : "";

		if (strcmp(have->group, grant->group) == 0 && strcmp(have->role_kind, grant->role_kind) == 0 && strcmp(have->role_ref, grant->role_ref) == 0 &&
		    strcmp(have->binding, grant->binding) == 0 && strcmp(one, two) == 0 && (have->selector == NULL) == (grant->selector == NULL) &&
		    (have->selector == NULL || json_equal(have->selector, grant->selector)))
			return true;
	}
	return false;
}

void ush_import_grant_free(struct ush_import_grant *grant)
{
	char *const texts[] = {grant->from, grant->group, grant->role_kind, grant->role_ref, grant->binding, grant->namespace_name};

	for (size_t i = 0; i < USH_COUNT(texts); i++)
		free(texts[i]);
	json_decref(grant->selector);
}

void ush_import_add_binding(struct ush_import *import, const struct ush_import_binding *binding)
{
	const char *why = role_refused(binding);
	const json_t *subject;
	size_t i;

	if (why == NULL && binding->namespace_name != NULL && ush_name_not_label(binding->namespace_name) != NULL)
		why = "is in a namespace that cannot be";
	if (why == NULL && ush_name_not_segment(binding->name) != NULL)
		why = "has a name that no object can have";
	if (why == NULL && json_array_size(binding->subjects) == 0)
		why = "is for nobody";
	json_array_foreach(binding->subjects, i, subject)
		why = why != NULL ? why : not_ours(subject);
	if (why != NULL) {
		ush_import_left(import, "%s: RoleBinding %s %s", binding->from, binding->name, why);
		import->skipped++;
		return;
	}
	add_role(import, binding->role_kind, binding->role_ref);
	json_array_foreach(binding->subjects, i, subject) {
		struct ush_import_grant grant = {.from = ush_strdup(binding->from), .group = ush_strdup(ush_json_string(subject, "name")),
						 .role_kind = ush_strdup(binding->role_kind), .role_ref = ush_strdup(binding->role_ref),
						 .binding = ush_strdup(binding->name), .namespace_name = ush_strdup(binding->namespace_name),
						 .selector = binding->selector != NULL ? json_deep_copy(binding->selector) : NULL};

		if (has_grant(import, &grant))
			ush_import_grant_free(&grant);
		else
			USH_PUSH(import->grants, import->grant_count, grant);
	}
}

/* A Role that some binding refers to: its rules become the policy's. */
static void take_role(struct ush_import *import, const json_t *object, const char *name)
{
	json_t *rules = ush_json_array(object, "rules");
	const struct ush_import_role *known;

	if (rules == NULL || ush_name_not_subdomain(name) != NULL)
		return;
	add_role(import, "Role", name);
	known = ush_import_role(import, "Role", name);
	for (size_t i = 0; i < import->role_count; i++)
		if (&import->roles[i] == known && known->rules == NULL)
			import->roles[i].rules = json_deep_copy(rules);
		else if (&import->roles[i] == known && !json_equal(known->rules, rules))
			ush_import_left(import, "Role %s has other rules in namespace %s than elsewhere; the policy has the first", name,
					ush_json_string(ush_json_object(object, "metadata"), "namespace"));
}

/* ---- files ---- */

static int take_object(void *context, json_t *object, const char *origin, struct ush_error *err)
{
	struct ush_import *import = context;
	const char *kind = ush_json_string(object, "kind"), *version = ush_json_string(object, "apiVersion");
	const char *name = ush_json_string(ush_json_object(object, "metadata"), "name");

	(void)err;
	for (size_t i = 0; kind != NULL && version != NULL && i < USH_COUNT(kinds); i++) {
		size_t length = strcspn(version, "/");

		if (strcmp(kinds[i].kind, kind) != 0 || strlen(kinds[i].group) != length || strncmp(kinds[i].group, version, length) != 0)
			continue;
		import->understood += kinds[i].read != take_role;
		kinds[i].read(import, object, name != NULL ? name : "unnamed");
		return 0;
	}
	ush_import_left(import, "%s: %s (%s) is of no tool that import knows", origin, kind != NULL ? kind : "?", version != NULL ? version : "?");
	return 0;
}

int ush_import_file(struct ush_import *import, const char *path, struct ush_error *err)
{
	size_t count = 0;

	return ush_manifests_read(path, take_object, import, &count, err);
}

/* ---- the whole ---- */

/* "oidc:" of "oidc:devs" and "oidc:ops"; "" when they have none in common. */
static char *common_prefix(const struct ush_import *import)
{
	size_t length = import->grant_count > 0 ? strlen(import->grants[0].group) : 0;

	for (size_t i = 1; i < import->grant_count; i++)
		for (size_t k = 0; k < length; k++)
			if (import->grants[i].group[k] != import->grants[0].group[k])
				length = k;
	while (length > 0 && strchr(":#", import->grants[0].group[length - 1]) == NULL)
		length--;
	for (size_t i = 0; i < import->grant_count; i++)
		if (import->grants[i].group[length] == '\0')
			return ush_strdup("");
	return ush_strndup(length > 0 ? import->grants[0].group : "", length);
}

/* Bindings to Roles whose rules nobody gave. */
static void drop_unknown_roles(struct ush_import *import)
{
	for (size_t i = 0; i < import->grant_count; i++) {
		const struct ush_import_grant *grant = &import->grants[i];
		USH_AUTO_FREE char *why = ush_printf("refers to Role %s in namespace %s; give the Role's manifest too, its rules become the policy's", grant->role_ref,
						     grant->namespace_name != NULL ? grant->namespace_name : "(by selector)");

		if (strcmp(grant->role_kind, "Role") == 0 && ush_import_role(import, grant->role_kind, grant->role_ref)->rules == NULL)
			ush_import_drop_binding(import, i, why);
	}
	ush_import_sweep(import);
}

/* What is not called by the prefix alone and something behind it cannot be a group of the provider. */
static int drop_unprefixed(struct ush_import *import, struct ush_error *err)
{
	size_t length = strlen(import->found_prefix), before = import->grant_count;
	const struct ush_import_grant *first = NULL;

	for (size_t i = 0; i < import->grant_count; i++) {
		const struct ush_import_grant *grant = &import->grants[i];
		USH_AUTO_FREE char *why = ush_printf("is for group \"%.64s\", which does not begin with the prefix \"%.32s\"", grant->group, import->found_prefix);

		if (strncmp(grant->group, import->found_prefix, length) == 0 && grant->group[length] != '\0')
			continue;
		if (first == NULL)
			ush_fail(err, USH_ERR_CONFIG, "group \"%.64s\" of %s does not begin with the prefix \"%.32s\"", grant->group, grant->from, import->found_prefix);
		first = grant;
		ush_import_drop_binding(import, i, why);
	}
	ush_import_sweep(import);
	if (before > 0 && import->grant_count == 0)
		return -1;
	*err = (struct ush_error){0};
	return 0;
}

void ush_import_settle(struct ush_import *import)
{
	if (import->source_count == 0)
		ush_import_add_source(import, "main", "file", json_pack("{s:s}", "path", "groups.json"),
				      "the files name no provider; until the source is the real one, groups.json lists the groups (import --groups writes it)");
}

int ush_import_finish(struct ush_import *import, struct ush_error *err)
{
	if (import->understood == 0) {
		ush_fail(err, USH_ERR_CONFIG, "the files hold no RBACDefinition, GroupSync, RBACSyncConfig, LDAPSyncConfig or Tenant");
		return -1;
	}
	if (import->users && import->whole_groups)
		return ush_fail(err, USH_ERR_CONFIG, "RBACSyncConfig binds people and the other files bind groups: these are two policies; import them one by one");
	drop_unknown_roles(import);
	import->found_prefix = import->prefix != NULL ? ush_strdup(import->prefix) : import->users ? ush_strdup("") : common_prefix(import);
	if (drop_unprefixed(import, err) != 0)
		return -1;
	ush_import_settle(import);
	return 0;
}

void ush_import_source_free(struct ush_import_source *source)
{
	free(source->name);
	free(source->note);
	json_decref(source->settings);
}

void ush_import_free(struct ush_import *import)
{
	for (size_t i = 0; i < import->source_count; i++)
		ush_import_source_free(&import->sources[i]);
	for (size_t i = 0; i < import->role_count; i++) {
		free(import->roles[i].name);
		free(import->roles[i].kind);
		free(import->roles[i].ref);
		json_decref(import->roles[i].rules);
	}
	for (size_t i = 0; i < import->grant_count; i++)
		ush_import_grant_free(&import->grants[i]);
	for (size_t i = 0; i < import->group_count; i++) {
		free(import->groups[i].name);
		ush_list_free(&import->groups[i].members);
	}
	free(import->sources);
	free(import->roles);
	free(import->grants);
	free(import->groups);
	free(import->found_prefix);
	ush_list_free(&import->left);
}
