/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/policy/settings.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"

const struct ush_source_kind *ush_source_kind(const char *type)
{
	for (const struct ush_source_kind *kind = ush_source_kinds; kind->type != NULL; kind++)
		if (strcmp(kind->type, type) == 0)
			return kind;
	return NULL;
}

const struct ush_setting_row *ush_setting_row(const struct ush_source_kind *kind, const char *key)
{
	for (const struct ush_setting_row *const *table = kind->tables; *table != NULL; table++)
		for (const struct ush_setting_row *row = *table; row->key != NULL; row++)
			if (strcmp(row->key, key) == 0)
				return row;
	return NULL;
}

static const struct ush_setting_row *row_of(const struct ush_policy_source *source, const char *key)
{
	const struct ush_setting_row *row = ush_setting_row(source->kind, key);

	if (row == NULL)
		abort();
	return row;
}

static struct ush_setting *find(const struct ush_policy_source *source, const char *key)
{
	const struct ush_setting_row *row = row_of(source, key);

	for (size_t i = 0; i < source->setting_count; i++)
		if (source->settings[i].row == row)
			return &source->settings[i];
	return NULL;
}

const char *ush_source_text(const struct ush_policy_source *source, const char *key)
{
	const struct ush_setting *setting = find(source, key);

	return setting != NULL ? setting->text : NULL;
}

bool ush_source_flag(const struct ush_policy_source *source, const char *key)
{
	return ush_source_number(source, key, 0) != 0;
}

int64_t ush_source_number(const struct ush_policy_source *source, const char *key, int64_t fallback)
{
	const struct ush_setting *setting = find(source, key);

	return setting != NULL ? setting->number : fallback;
}

const struct ush_list *ush_source_list(const struct ush_policy_source *source, const char *key)
{
	static const struct ush_list none;
	const struct ush_setting *setting = find(source, key);

	return setting != NULL ? &setting->list : &none;
}

bool ush_source_has(const struct ush_policy_source *source, const char *key)
{
	return find(source, key) != NULL;
}

void ush_source_set(struct ush_policy_source *source, const char *key, const char *value)
{
	struct ush_setting *setting = find(source, key);

	if (setting == NULL) {
		USH_PUSH(source->settings, source->setting_count, ((struct ush_setting){.row = row_of(source, key)}));
		setting = &source->settings[source->setting_count - 1];
	}
	switch (setting->row->type) {
	case USH_SETTING_LIST:
	case USH_SETTING_MAP:
		ush_list_add(&setting->list, value);
		break;
	case USH_SETTING_FLAG:
		setting->number = strcmp(value, "true") == 0;
		break;
	case USH_SETTING_NUMBER:
	case USH_SETTING_DURATION:
		setting->number = strtoll(value, NULL, 10);
		break;
	default:
		free(setting->text);
		setting->text = ush_strdup(value);
	}
}

void ush_policy_source_free(struct ush_policy_source *source)
{
	for (size_t i = 0; i < source->setting_count; i++) {
		free(source->settings[i].text);
		ush_list_free(&source->settings[i].list);
	}
	free(source->settings);
	free(source->name);
	*source = (struct ush_policy_source){0};
}
