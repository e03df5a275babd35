/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be said about a source: one table of settings a kind. The policy's reader, the JSON Schema and the manual
 * print from these tables, so a setting is one row in one place; what a setting does is the source's own matter.
 */
#ifndef USH_POLICY_SETTINGS_H
#define USH_POLICY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/kube/rbac.h"

enum ush_setting_type {
	USH_SETTING_TEXT,
	USH_SETTING_URL,      /* https, or http on this machine with allowLoopbackHttp; without a slash at the end */
	USH_SETTING_PATH,     /* a file: kept as an absolute path or beside the policy */
	USH_SETTING_FLAG,     /* true, false */
	USH_SETTING_NUMBER,   /* not negative */
	USH_SETTING_DURATION, /* "90s", "30m": kept in seconds */
	USH_SETTING_LIST,     /* of texts */
	USH_SETTING_CHOICE,   /* one of `choices` */
	USH_SETTING_MAP,      /* text to text; kept as a list of "key=value" */
};

struct ush_setting_row {
	const char *key; /* as the policy writes it; "groups.base" is member base of the map groups. NULL ends a table */
	enum ush_setting_type type;
	bool required;
	const char *choices; /* "a|b" of a choice */
	const char *about;   /* one line, no full stop */
};

struct ush_source_kind {
	const char *type;  /* "keycloak": the member of the source that holds its settings. NULL ends the table */
	const char *about; /* one line */
	const struct ush_setting_row *const *tables; /* its own rows, and those it shares with others; ended by NULL */
	const char *const *alternatives; /* "a|b": one of them must be there; "?a|b": at most one may. Ended by NULL; may be NULL */
};

extern const struct ush_source_kind ush_source_kinds[];

struct ush_setting {
	const struct ush_setting_row *row;
	char *text;           /* TEXT, URL, PATH, CHOICE */
	struct ush_list list; /* LIST, MAP */
	int64_t number;       /* FLAG, NUMBER, DURATION */
};

struct ush_policy_source {
	char *name;
	const struct ush_source_kind *kind;
	struct ush_setting *settings; /* those that are said */
	size_t setting_count;
	unsigned int line; /* where it stands in the policy */
};

/* The kind with this name, or NULL. */
const struct ush_source_kind *ush_source_kind(const char *type);
const struct ush_setting_row *ush_setting_row(const struct ush_source_kind *kind, const char *key);

/* What the policy says; NULL, false, the fallback, an empty list where it says nothing. A key that the kind has no row for
 * ends the program: a mistake of ours. */
const char *ush_source_text(const struct ush_policy_source *source, const char *key);
bool ush_source_flag(const struct ush_policy_source *source, const char *key);
int64_t ush_source_number(const struct ush_policy_source *source, const char *key, int64_t fallback);
const struct ush_list *ush_source_list(const struct ush_policy_source *source, const char *key);
bool ush_source_has(const struct ush_policy_source *source, const char *key);

/* For the reader, and tests: says a setting. The text of a FLAG is "true" or "false", of a NUMBER or DURATION digits; a
 * LIST or MAP gets one item more. */
void ush_source_set(struct ush_policy_source *source, const char *key, const char *value);
void ush_policy_source_free(struct ush_policy_source *source);

#endif
