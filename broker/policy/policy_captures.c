/* SPDX-License-Identifier: Apache-2.0
 *
 * Names in braces outside of a groupPattern: each must be one that the groupPattern captures.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/policy_read.h"
#include "common/base/cli.h"
#include "common/base/memory.h"

/* "{taem} is not captured by groupPattern "/teams/{team}/developers"; did you mean {team}?" */
static void check_one(struct ush_reader *r, const struct ush_node *at, const char *path, const char *name, const char *group_pattern,
		      const struct ush_captures *known)
{
	const char *names[USH_CAPTURES_MAX + 1] = {NULL}, *nearest;
	USH_AUTO_FREE char *all = ush_alloc(USH_PATTERN_MAX + USH_CAPTURES_MAX + 1);
	char hint[96], *next = all;

	for (size_t i = 0; i < known->count; i++) {
		names[i] = next;
		memcpy(next, known->items[i].name, known->items[i].name_length);
		next += known->items[i].name_length + 1;
		if (strcmp(names[i], name) == 0)
			return;
	}
	nearest = known->count == 1 ? names[0] : ush_cli_nearest(name, names);
	snprintf(hint, sizeof hint, nearest != NULL ? "; did you mean {%.64s}?" : "%s", nearest != NULL ? nearest : "");
	if (group_pattern != NULL)
		ush_reader_fault(r, at, path, "{%.64s} is not captured by groupPattern \"%.100s\"%s", name, group_pattern, hint);
	else
		ush_reader_fault(r, at, path, "{%.64s} is captured by nothing; that would be groupPattern instead of group", name);
}

void ush_policy_check_captures(struct ush_reader *r, const struct ush_node *at, const char *path, const char *text, const char *group_pattern)
{
	struct ush_captures known = {0}, used = {0};

	if (ush_pattern_wrong(text, &used) != NULL || (group_pattern != NULL && ush_pattern_wrong(group_pattern, &known) != NULL))
		return; /* told already */
	for (size_t i = 0; i < used.count; i++) {
		USH_AUTO_FREE char *name = ush_strndup(used.items[i].name, used.items[i].name_length);

		check_one(r, at, path, name, group_pattern, &known);
	}
}

const char *ush_policy_not_captured_value(const char *text)
{
	struct ush_captures used = {0};
	const char *why = ush_pattern_wrong(text, &used);

	if (strchr(text, '{') == NULL)
		return ush_name_not_label_value(text);
	if (why != NULL)
		return why;
	for (size_t i = 0; i < used.count; i++) {
		used.items[i].text = "x";
		used.items[i].text_length = 1;
	}
	USH_AUTO_FREE char *filled = ush_pattern_fill(text, &used);

	return ush_name_not_label_value(filled);
}
