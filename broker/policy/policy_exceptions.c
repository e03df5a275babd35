/* SPDX-License-Identifier: Apache-2.0
 *
 * exceptions: what would be refused, allowed by somebody, for a reason, until a day.
 */
#include <string.h>

#include "broker/policy/policy_read.h"
#include "common/base/memory.h"

static const char *const members[] = {
	[USH_EXCEPT_WILDCARD_ROLE] = "wildcardRole", [USH_EXCEPT_SYSTEM_GROUP] = "systemGroup", [USH_EXCEPT_ESCALATING_ROLE] = "escalatingRole",
	[USH_EXCEPT_EVERY_GROUP] = "everyGroup"};

const struct ush_exception *ush_policy_exception(const struct ush_policy *policy, enum ush_exception_type type, const char *what)
{
	for (size_t i = 0; i < policy->exception_count; i++)
		if (policy->exceptions[i].type == type && policy->exceptions[i].what != NULL && strcmp(policy->exceptions[i].what, what) == 0)
			return &policy->exceptions[i];
	return NULL;
}

static void read_exception(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_exception *exception)
{
	exception->line = node->line;
	if (!ush_reader_map(r, node, path, &ush_form_exception, exception))
		return;
	for (size_t i = 0; i < USH_COUNT(members) && exception->what == NULL; i++) {
		exception->type = (enum ush_exception_type)i;
		exception->what = ush_reader_string(r, node, path, members[i]);
	}
	if (exception->what == NULL || exception->type != USH_EXCEPT_SYSTEM_GROUP)
		return;
	if (strncmp(exception->what, "system:", 7) != 0)
		ush_reader_member_fault(r, node, path, "systemGroup", "\"%.64s\" does not begin with system:, so it needs no exception", exception->what);
	else if (strcmp(exception->what, "system:masters") == 0)
		ush_reader_member_fault(r, node, path, "systemGroup", "system:masters may do everything already, whatever is bound");
}

void ush_policy_read_exceptions(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	if (node == NULL || !ush_reader_list(r, node, "exceptions", false))
		return;
	for (size_t i = 0; i < node->count; i++) {
		char path[USH_PATH_MAX];

		USH_PUSH(policy->exceptions, policy->exception_count, (struct ush_exception){0});
		read_exception(r, node->items[i], ush_reader_item("exceptions", i, path), &policy->exceptions[i]);
	}
}

static bool has_role(const struct ush_policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->role_count; i++)
		if (strcmp(policy->roles[i].name, name) == 0)
			return true;
	return false;
}

void ush_policy_check_exceptions(struct ush_reader *r, const struct ush_node *node, const struct ush_policy *policy)
{
	for (size_t i = 0; i < policy->exception_count; i++) {
		const struct ush_exception *exception = &policy->exceptions[i];
		char path[USH_PATH_MAX], hint[96];

		ush_reader_item("exceptions", i, path);
		if (exception->what == NULL)
			continue;
		if (exception->type != USH_EXCEPT_SYSTEM_GROUP && !has_role(policy, exception->what))
			ush_reader_member_fault(r, node->items[i], path, members[exception->type], "there is no role \"%.64s\"%s", exception->what,
						ush_reader_nearest_of(exception->what, policy->roles, policy->role_count, sizeof *policy->roles, hint, sizeof hint));
		if (ush_policy_exception(policy, exception->type, exception->what) != exception)
			ush_reader_member_fault(r, node->items[i], path, members[exception->type], "\"%.64s\" stands twice", exception->what);
	}
}
