/* SPDX-License-Identifier: Apache-2.0
 *
 * That an imported policy means the bindings that stand: each of its RoleBindings is compared, by role and subjects,
 * with the one of the same name. Sources are not asked: a group that a grant names counts as there.
 */
#include <string.h>

#include "broker/import/import.h"
#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/kube/way.h"

struct meant { /* a RoleBinding that the policy means */
	const char *namespace_name, *name;
	const struct ush_policy_role *role;
	struct ush_list subjects; /* "Group oidc:devs" */
	bool unknown;		  /* of a group nobody knows who is in it */
};

struct meanings {
	struct meant *items;
	size_t count;
};

int ush_standing_add(struct ush_standing *proof, const json_t *object, struct ush_error *err)
{
	const char *kind = ush_json_string(object, "kind");
	const json_t *metadata = ush_json_object(object, "metadata");
	USH_AUTO_RBAC rbac = NULL;
	bool is_rbac = false;

	if (kind != NULL && strcmp(kind, "Namespace") == 0 && ush_json_string(metadata, "name") != NULL) {
		struct ush_standing_namespace space = {ush_strdup(ush_json_string(metadata, "name")), json_incref(ush_json_object(metadata, "labels"))};

		USH_PUSH(proof->namespaces, proof->namespace_count, space);
		return 0;
	}
	rbac = ush_rbac_read(object, USH_ERR_INCOMPLETE, &is_rbac, err);
	if (rbac == NULL)
		return is_rbac ? -1 : 0;
	if (rbac->kind == USH_ROLE_BINDING) {
		ush_list_add(&proof->names, rbac->name);
		USH_PUSH(proof->bindings, proof->binding_count, ush_steal(&rbac));
	}
	return 0;
}

/* ---- what the policy means ---- */

static struct meant *meant_at(struct meanings *all, const char *namespace_name, const char *name, const struct ush_policy_role *role)
{
	for (size_t i = 0; i < all->count; i++)
		if (strcmp(all->items[i].namespace_name, namespace_name) == 0 && strcmp(all->items[i].name, name) == 0)
			return &all->items[i];
	USH_PUSH(all->items, all->count, ((struct meant){.namespace_name = namespace_name, .name = name, .role = role}));
	return &all->items[all->count - 1];
}

static void add_people(struct meant *meant, const struct ush_policy *policy, const struct ush_import *import, const char *group)
{
	bool known = false;

	for (size_t i = 0; i < import->group_count; i++) {
		if (strcmp(import->groups[i].name, group) != 0 || !import->groups[i].members_known)
			continue;
		known = true;
		for (size_t m = 0; m < import->groups[i].members.count; m++) {
			USH_AUTO_FREE char *subject = ush_printf("User %s%s", policy->user_prefix, import->groups[i].members.items[m]);

			ush_list_add(&meant->subjects, subject);
		}
	}
	meant->unknown = meant->unknown || !known;
}

static void add_grant(struct meanings *all, const struct ush_policy *policy, const struct ush_import *import, const struct ush_grant *grant,
		      const char *namespace_name)
{
	struct meant *meant = meant_at(all, namespace_name, grant->name, &policy->roles[grant->role]);
	USH_AUTO_FREE char *text = ush_name_group(policy, grant->group, grant->group, grant->group), *subject = ush_printf("Group %s", text);

	if (policy->layout == USH_LAYOUT_USERS)
		add_people(meant, policy, import, grant->group);
	else
		ush_list_add(&meant->subjects, subject);
}

static void expand(struct meanings *all, struct ush_standing *proof, const struct ush_policy *policy, const struct ush_import *import)
{
	for (size_t i = 0; i < policy->grant_count; i++) {
		const struct ush_grant *grant = &policy->grants[i];
		size_t reached = grant->namespaces.count;

		if (grant->group == NULL || grant->name == NULL)
			continue;
		for (size_t k = 0; k < grant->namespaces.count; k++)
			add_grant(all, policy, import, grant, grant->namespaces.items[k]);
		for (size_t k = 0; grant->selector.count > 0 && k < proof->namespace_count; k++) {
			const char *name = proof->namespaces[k].name;
			bool kept_out = false;

			for (size_t e = 0; e < grant->except.count; e++)
				kept_out = kept_out || ush_pattern_match(grant->except.items[e], name, NULL);
			if (!ush_selector_matches(&grant->selector, NULL, proof->namespaces[k].labels))
				continue;
			reached++;
			if (kept_out)
				ush_list_add(&proof->notes, "a selector reaches a kube- namespace; usher-broker grants nothing there unless the namespace is named");
			else
				add_grant(all, policy, import, grant, name);
		}
		if (reached == 0) {
			USH_AUTO_FREE char *note = ush_printf("%s (%s) reaches no namespace that is here", grant->called, grant->name);

			ush_list_add(&proof->notes, note);
		}
	}
}

/* ---- and what stands ---- */

static void differ(struct ush_standing *proof, const struct meant *meant, const char *what)
{
	USH_AUTO_FREE char *line = ush_printf("%s/%s %s", meant->namespace_name, meant->name, what);

	ush_list_add(&proof->differences, line);
}

static bool same_subjects(struct meant *meant, const struct ush_rbac *binding)
{
	struct ush_list there = {0};
	bool same;

	for (size_t i = 0; i < binding->subject_count; i++) {
		USH_AUTO_FREE char *subject = ush_printf("%s %s", binding->subjects[i].kind, binding->subjects[i].name);

		ush_list_add(&there, subject);
	}
	ush_list_sort(&there);
	ush_list_sort(&meant->subjects);
	same = there.count == meant->subjects.count;
	for (size_t i = 0; same && i < there.count; i++)
		same = strcmp(there.items[i], meant->subjects.items[i]) == 0;
	ush_list_free(&there);
	return same;
}

/* A mark of the tool tells apply that the binding is somebody else's: how to take it off once the tool is stopped. */
static void note_mark(struct ush_standing *proof, const struct ush_rbac *binding)
{
	static const char *const marks[] = {"rbac-manager", "capsule.clastix.io/tenant"};

	for (size_t i = 0; i < USH_COUNT(marks); i++) {
		USH_AUTO_FREE char *note = NULL, *command = NULL;

		if (ush_json_string(binding->labels, marks[i]) == NULL)
			continue;
		command = ush_way_kubectl(proof->way, "label rolebinding -A -l %s %s-", marks[i], marks[i]);
		note = ush_printf("marks of the tool stand on some; when it is stopped: %s", command);
		ush_list_add(&proof->notes, note);
	}
	if (binding->owned)
		ush_list_add(&proof->notes, "some bindings still belong to the tool's own object; delete that with --cascade=orphan, then they are taken over");
}

static void compare(struct ush_standing *proof, struct meant *meant)
{
	const struct ush_rbac *there = NULL;
	const char *ref = meant->role->cluster_role != NULL ? meant->role->cluster_role : meant->role->name;

	for (size_t i = 0; i < proof->binding_count && there == NULL; i++)
		if (strcmp(proof->bindings[i]->namespace_name, meant->namespace_name) == 0 && strcmp(proof->bindings[i]->name, meant->name) == 0)
			there = proof->bindings[i];
	if (there == NULL)
		differ(proof, meant, "would be made: no such RoleBinding stands");
	else if (strcmp(there->role_kind, meant->role->cluster_role != NULL ? "ClusterRole" : "Role") != 0 || strcmp(there->role_name, ref) != 0)
		differ(proof, meant, "stands with another role");
	else if (!meant->unknown && !same_subjects(meant, there))
		differ(proof, meant, "stands with other subjects");
	else
		proof->same++;
	if (there != NULL)
		note_mark(proof, there);
	if (meant->unknown)
		ush_list_add(&proof->notes, "who is in some groups is not in the files, so their people were not compared");
}

void ush_standing_compare(struct ush_standing *proof, const struct ush_policy *policy, const struct ush_import *import)
{
	struct meanings all = {0};

	expand(&all, proof, policy, import);
	for (size_t i = 0; i < all.count; i++)
		compare(proof, &all.items[i]);
	for (size_t i = 0; i < proof->binding_count; i++) {
		bool meant = false;

		for (size_t k = 0; k < all.count; k++)
			meant = meant || (strcmp(all.items[k].namespace_name, proof->bindings[i]->namespace_name) == 0 &&
					  strcmp(all.items[k].name, proof->bindings[i]->name) == 0);
		proof->others += !meant;
	}
	for (size_t i = 0; i < all.count; i++)
		ush_list_free(&all.items[i].subjects);
	free(all.items);
	ush_list_sort(&proof->differences);
	ush_list_sort(&proof->notes);
}

void ush_standing_free(struct ush_standing *proof)
{
	for (size_t i = 0; i < proof->namespace_count; i++) {
		free(proof->namespaces[i].name);
		json_decref(proof->namespaces[i].labels);
	}
	for (size_t i = 0; i < proof->binding_count; i++)
		ush_rbac_free(proof->bindings[i]);
	free(proof->namespaces);
	free(proof->bindings);
	ush_list_free(&proof->names);
	ush_list_free(&proof->differences);
	ush_list_free(&proof->notes);
}
