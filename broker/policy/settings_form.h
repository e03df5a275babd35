/* SPDX-License-Identifier: Apache-2.0
 *
 * The settings of a kind of source (settings.h) as members of a map (form.h): for the reader and the schema.
 */
#ifndef USH_POLICY_SETTINGS_FORM_H
#define USH_POLICY_SETTINGS_FORM_H

#include "broker/policy/settings.h"
#include "broker/policy/form.h"

#define USH_SETTINGS_MAX 64 /* of one kind */

struct ush_settings_table {
	struct ush_member members[USH_SETTINGS_MAX + 1];
	const struct ush_setting_row *rows[USH_SETTINGS_MAX]; /* of members[i]; NULL: a map of its own, "groups" of "groups.base" */
	struct ush_form forms[USH_SETTINGS_MAX];
	char parts[USH_SETTINGS_MAX][32];
	struct ush_form map; /* the whole: MAP with these members */
	size_t count;
};

/* The members of a kind's map, or of the map `part` in it. The table must stay where it is while it is used. */
void ush_settings_table_fill(struct ush_settings_table *table, const struct ush_source_kind *kind, const char *part);

#endif
