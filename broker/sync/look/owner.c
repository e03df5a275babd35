/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/look/owner.h"

#include <string.h>

#include "common/base/memory.h"

#define OWN_PREFIX "usher.dev/"

static const struct ush_maker makers[] = {
	{false, "meta.helm.sh/release-name", "helm", "release", false},
	{true, "helm.sh/chart", "helm", "chart", false},
	{true, "helm.toolkit.fluxcd.io/name", "flux", "release", true},
	{true, "kustomize.toolkit.fluxcd.io/name", "flux", "kustomization", true},
	{false, "argocd.argoproj.io/tracking-id", "argocd", "app", true},
	{true, "argocd.argoproj.io/instance", "argocd", "app", true},
	{true, "app.kubernetes.io/instance", "argocd or helm", "app", true},
	{true, "auth.management.cattle.io/rtb-owner", "rancher", "owner", false},
	{true, "auth.management.cattle.io/rtb-owner-updated", "rancher", "owner", false},
	{true, "cattle.io/creator", "rancher", "creator", false},
	{false, "lifecycle.cattle.io/create.namespace-auth", "rancher", "mark", false},
	{true, "objectset.rio.cattle.io/hash", "rancher fleet", "set", true},
	{false, "objectset.rio.cattle.io/id", "rancher fleet", "set", true},
	{true, "authz.cluster.cattle.io/rtb-owner", "rancher", "owner", false},
	{true, "authz.cluster.cattle.io/rtb-owner-updated", "rancher", "owner", false},
	{true, "capsule.clastix.io/tenant", "capsule", "tenant", false},
	{true, "rbac-manager", "rbac-manager", "mark", false},
};

static const struct {
	bool label;
	const char *key;
	size_t offset;
} ours[] = {
	{true, USH_LABEL_MANAGED_BY, offsetof(struct ush_marks, managed_by)}, {true, USH_LABEL_PART_OF, offsetof(struct ush_marks, part_of)},
	{true, USH_LABEL_POLICY, offsetof(struct ush_marks, policy)},	      {false, USH_ANNOTATION_ORIGIN, offsetof(struct ush_marks, origin)},
	{false, USH_ANNOTATION_ROLE, offsetof(struct ush_marks, role)},
};

static void look(struct ush_marks *marks, bool label, struct ush_slice key, struct ush_slice value)
{
	for (size_t i = 0; i < USH_COUNT(ours); i++)
		if (ours[i].label == label && ush_slice_is(key, ours[i].key)) {
			*(struct ush_slice *)(void *)((char *)marks + ours[i].offset) = value;
			return;
		}
	marks->more |= key.length >= strlen(OWN_PREFIX) && memcmp(key.text, OWN_PREFIX, strlen(OWN_PREFIX)) == 0;
	for (size_t i = 0; i < USH_COUNT(makers); i++)
		if (makers[i].label == label && (marks->maker == NULL || &makers[i] < marks->maker) && ush_slice_is(key, makers[i].key)) {
			marks->maker = &makers[i];
			marks->maker_value = value;
		}
}

void ush_marks_read(const struct ush_item *item, struct ush_marks *marks)
{
	struct ush_slice key, value;

	*marks = (struct ush_marks){0};
	for (struct ush_walk walk = ush_walk(item->labels); ush_walk_member(&walk, &key, &value);)
		look(marks, true, key, value);
	for (struct ush_walk walk = ush_walk(item->annotations); ush_walk_member(&walk, &key, &value);)
		look(marks, false, key, value);
}

/* ---- field managers ---- */

/* By what a client calls itself when nobody gives it a name (the program's), and kubectl's own. */
static const struct writer {
	const char *begin;
	bool hand; /* a person's: nobody writes again by himself. Tools that know what is theirs by a label, too: that is gone */
	bool git;
} writers[] = {
	{"kubectl", true, false},      {"oc", true, false},			 {"k9s", true, false},	    {"lens", true, false},
	{"curl", true, false},	       {"Mozilla", true, false},		 {"before-first-apply", true, false}, {"rbac-manager", true, false},
	{"rbacsync", true, false},     {"capsule", true, false},		 {USH_MANAGED_BY, true, false}, {"argocd", false, true},
	{"kustomize-controller", false, true}, {"helm-controller", false, true}, {"flux", false, true},	    {"fleet", false, true},
};

/* "kubectl-create" and "kubectl" begin with kubectl, "occam" does not begin with oc. */
static const struct writer *writer_of(const char *name)
{
	for (size_t i = 0; i < USH_COUNT(writers); i++) {
		size_t length = strlen(writers[i].begin);

		if (strncmp(name, writers[i].begin, length) == 0 && !(writers[i].hand && name[length] >= 'a' && name[length] <= 'z'))
			return &writers[i];
	}
	return NULL;
}

/* The last tool that wrote what gives access, or NULL. The caller frees. */
static char *tool_of(const struct ush_item *item)
{
	struct ush_item_manager manager;
	char *tool = NULL;

	for (struct ush_walk walk = ush_walk_managers(item); ush_walk_manager(&walk, &manager);) {
		USH_AUTO_FREE char *name = ush_slice_copy(manager.name);
		const struct writer *writer = writer_of(name);

		if (*name == '\0' || (writer != NULL && writer->hand))
			continue;
		free(tool);
		tool = ush_steal(&name);
	}
	return tool;
}

static char *unmarked(const struct ush_item *item, bool *free_for_adoption)
{
	USH_AUTO_FREE char *manager = ush_slice_copy(ush_item_manager(item)), *tool = tool_of(item);

	*free_for_adoption = tool == NULL;
	if (tool != NULL)
		return ush_printf("made by %s", tool);
	if (manager != NULL && strcmp(manager, USH_MANAGED_BY) == 0)
		return ush_strdup("made by usher-broker, and somebody took our labels off (delete it, or put them back)");
	return manager != NULL ? ush_printf("made by %s", manager) : ush_strdup("not made by usher-broker");
}

char *ush_marks_foreign(const struct ush_marks *marks, const struct ush_item *item, const char *policy, bool *free_for_adoption)
{
	*free_for_adoption = false;
	if (marks->maker != NULL) {
		USH_AUTO_FREE char *value = ush_slice_copy(marks->maker_value);

		return ush_printf("made by %s (%s %s)", marks->maker->maker, marks->maker->what, value);
	}
	if (item->owned)
		return ush_strdup("has an owner of its own (ownerReferences)");
	if (marks->managed_by.type == 0)
		return unmarked(item, free_for_adoption);
	if (!ush_slice_is(marks->managed_by, USH_MANAGED_BY)) {
		USH_AUTO_FREE char *manager = ush_slice_copy(marks->managed_by);

		return ush_printf("made by %s", manager);
	}
	if (!ush_slice_is(marks->policy, policy)) {
		USH_AUTO_FREE char *set = ush_slice_copy(marks->policy);

		return ush_printf("made by usher-broker from policy %s", set != NULL ? set : "(none)");
	}
	if (marks->role.type == 0)
		return ush_strdup("carries our labels and not our annotations: somebody copied them");
	return NULL;
}

bool ush_marks_partly(const struct ush_marks *marks, const struct ush_desired *desired)
{
	bool any = ush_slice_is(marks->managed_by, USH_MANAGED_BY) || marks->origin.type != 0 || marks->role.type != 0 || marks->more;
	bool set = marks->part_of.type == 0;

	if (marks->policy.type != 0)
		return ush_slice_is(marks->policy, desired->policy->name);
	for (size_t i = 0; i < desired->shard_count && !set; i++)
		any |= set = ush_slice_is(marks->part_of, desired->applysets[i]);
	return any && set; /* of another set: another policy's to say */
}

const char *ush_marks_advice(const struct ush_marks *marks, const struct ush_item *item, bool free_for_adoption)
{
	static const char git[] = "change it in git: usher-broker render writes what is wanted";
	bool bare = marks->maker == NULL && marks->managed_by.type == 0 && !item->owned;
	USH_AUTO_FREE char *tool = bare ? tool_of(item) : NULL;
	const struct writer *writer = tool != NULL ? writer_of(tool) : NULL;

	if ((marks->maker != NULL && marks->maker->git) || (writer != NULL && writer->git))
		return git;
	if (tool != NULL)
		return "its field manager may write it again: end that there, then clear its managedFields";
	return free_for_adoption ? "drift: adopt makes it ours when it says the same" : "";
}
