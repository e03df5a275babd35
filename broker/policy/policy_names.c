/* SPDX-License-Identifier: Apache-2.0
 *
 * A RoleBinding has one role. Two grants that would call theirs alike and want two are refused here, as far as a policy
 * alone can show it; where they meet by pattern or label, the plan says so (desired.h, struct ush_clash).
 */
#include <stdlib.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/policy_read.h"
#include "common/base/memory.h"

struct name { /* of a grant's binding */
	char *text;
	const char *namespace_name; /* "" where the policy does not say it by name: it may be any */
	const struct ush_grant *grant;
};

struct names {
	struct name *items;
	size_t count;
};

bool ush_policy_same_role(const struct ush_policy *policy, size_t one, size_t two)
{
	const char *a = policy->roles[one].cluster_role, *b = policy->roles[two].cluster_role;

	return one == two || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static int by_name(const void *a, const void *b)
{
	const struct name *one = a, *two = b;
	int order = strcmp(one->text, two->text);

	if (order == 0)
		order = strcmp(one->namespace_name, two->namespace_name);
	return order != 0 ? order : (one->grant > two->grant) - (one->grant < two->grant);
}

/* Names of one's own in each namespace; and those made of role and hash, which may stand anywhere. */
static void take(struct names *names, const struct ush_policy *policy, const struct ush_grant *grant)
{
	const struct ush_policy_role *role = &policy->roles[grant->role];
	const char *kind = role->cluster_role != NULL ? "ClusterRole" : "Role", *ref = role->cluster_role != NULL ? role->cluster_role : role->name;

	for (size_t i = 0; grant->name != NULL && i < grant->namespaces.count; i++)
		USH_PUSH(names->items, names->count, ((struct name){ush_strdup(grant->name), grant->namespaces.items[i], grant}));
	if (grant->name == NULL && policy->layout == USH_LAYOUT_ROLE)
		USH_PUSH(names->items, names->count, ((struct name){ush_name_binding(policy->name, kind, ref), "", grant}));
}

static void compare(struct ush_reader *r, const struct ush_node *node, const struct ush_policy *policy, const struct name *one, const struct name *two)
{
	bool named = *two->namespace_name != '\0';

	if (strcmp(one->text, two->text) != 0 || (*one->namespace_name != '\0' && strcmp(one->namespace_name, two->namespace_name) != 0) ||
	    ush_policy_same_role(policy, one->grant->role, two->grant->role))
		return;
	ush_reader_fault(r, node->items[two->grant->number], "", "%s.name: \"%.64s\" is the name of %s's binding%s%s, which has another role%s", two->grant->called,
			 two->text, one->grant->called, named ? " in " : "", two->namespace_name, named ? "" : "; say a name of its own");
}

void ush_policy_check_names(struct ush_reader *r, const struct ush_node *node, const struct ush_policy *policy)
{
	struct names names = {0};

	for (size_t i = 0; i < policy->grant_count; i++)
		take(&names, policy, &policy->grants[i]);
	if (names.count > 0)
		qsort(names.items, names.count, sizeof *names.items, by_name);
	for (size_t i = 1, first = 0; i < names.count; i++) {
		if (strcmp(names.items[first].text, names.items[i].text) != 0 || *names.items[first].namespace_name != '\0')
			first = i - 1; /* one that may stand anywhere is first of its name, and meets all */
		compare(r, node, policy, &names.items[first], &names.items[i]);
	}
	for (size_t i = 0; i < names.count; i++)
		free(names.items[i].text);
	free(names.items);
}
