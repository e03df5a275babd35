/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/policy/settings_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const enum ush_form_type types[] = {
	[USH_SETTING_TEXT] = USH_FORM_TEXT,	   [USH_SETTING_URL] = USH_FORM_TEXT,		 [USH_SETTING_PATH] = USH_FORM_TEXT,
	[USH_SETTING_FLAG] = USH_FORM_FLAG,	   [USH_SETTING_NUMBER] = USH_FORM_NUMBER,	 [USH_SETTING_DURATION] = USH_FORM_DURATION,
	[USH_SETTING_LIST] = USH_FORM_TEXTS,	   [USH_SETTING_CHOICE] = USH_FORM_CHOICE,	 [USH_SETTING_MAP] = USH_FORM_PAIRS,
};

static const char url[] = "^[hH][tT][tT][pP][sS]?://[^?#]+$";

/* The member with this name, or a new one. */
static size_t place(struct ush_settings_table *table, const char *name)
{
	size_t i = 0;

	while (i < table->count && strcmp(table->members[i].name, name) != 0)
		i++;
	if (i == USH_SETTINGS_MAX)
		abort(); /* a kind with more settings than that: a mistake of ours */
	return i;
}

static void add_row(struct ush_settings_table *table, const struct ush_setting_row *row, const char *name)
{
	size_t i = place(table, name);

	if (i < table->count)
		return;
	table->rows[i] = row;
	table->forms[i] = (struct ush_form){.type = types[row->type], .choices = row->choices, .most = row->type == USH_SETTING_NUMBER ? 1000000000 : 0,
					      .regex = row->type == USH_SETTING_URL ? url : NULL};
	table->members[table->count++] = (struct ush_member){name, row->required, &table->forms[i], USH_BY_HAND, row->about};
}

static void add_part(struct ush_settings_table *table, const struct ush_setting_row *row, size_t length)
{
	char name[sizeof table->parts[0]];
	size_t i;

	snprintf(name, sizeof name, "%.*s", (int)length, row->key);
	i = place(table, name);
	if (i == table->count) {
		memcpy(table->parts[i], name, sizeof name);
		table->members[table->count++] = (struct ush_member){table->parts[i], false, NULL, USH_BY_HAND, NULL};
	}
	table->members[i].required = table->members[i].required || row->required;
}

void ush_settings_table_fill(struct ush_settings_table *table, const struct ush_source_kind *kind, const char *part)
{
	size_t length = part != NULL ? strlen(part) : 0;

	memset(table, 0, sizeof *table);
	for (const struct ush_setting_row *const *rows = kind->tables; *rows != NULL; rows++)
		for (const struct ush_setting_row *row = *rows; row->key != NULL; row++) {
			const char *dot = strchr(row->key, '.');

			if (part != NULL && dot != NULL && (size_t)(dot - row->key) == length && memcmp(row->key, part, length) == 0)
				add_row(table, row, dot + 1);
			else if (part == NULL && dot != NULL)
				add_part(table, row, (size_t)(dot - row->key));
			else if (part == NULL)
				add_row(table, row, row->key);
		}
	table->map = (struct ush_form){.type = USH_FORM_MAP, .members = table->members};
	table->map.alternatives = part == NULL ? kind->alternatives : NULL;
}
