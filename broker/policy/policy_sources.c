/* SPDX-License-Identifier: Apache-2.0
 *
 * sources: where groups come from. What may be said is in source_kinds.c; here it is read.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/pattern.h"
#include "broker/policy/policy_read.h"
#include "broker/policy/settings_form.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/net/http.h"

/* One kind's settings while they are read. */
struct kind {
	struct ush_reader *r;
	struct ush_policy_source *source;
	const struct ush_node *top; /* the map of the kind: "keycloak" */
	char path[USH_PATH_MAX];    /* "sources.main.keycloak" */
};

/* ---- values ---- */

char *ush_policy_beside(const struct ush_reader *r, const char *path)
{
	USH_AUTO_FREE char *folder = ush_strdup(r->file);
	char *slash = strrchr(folder, '/');

	if (slash != NULL)
		slash[slash == folder] = '\0';
	return ush_file_expand(path, slash != NULL ? folder : NULL);
}

static void check_url(struct kind *k, const struct ush_node *at, const char *path, const char *text)
{
	const struct ush_node *loopback = ush_node_get(k->top, "allowLoopbackHttp");
	struct ush_error why = {0};
	USH_AUTO_URL url = {0};
	bool allowed = false;

	if (loopback != NULL)
		ush_node_bool(loopback, &allowed);
	if (ush_url_parse(&url, text, USH_ERR_CONFIG, &why) != 0)
		ush_reader_fault(k->r, at, path, "%s", why.what);
	else if (strcmp(url.scheme, "https") != 0 && !url.loopback)
		ush_reader_fault(k->r, at, path, "\"%.200s\" is not https", text);
	else if (strcmp(url.scheme, "https") != 0 && !allowed)
		ush_reader_fault(k->r, at, path, "\"%.200s\" is not https; on this machine alone: allowLoopbackHttp: true", text);
	else if (strchr(url.path, '?') != NULL)
		ush_reader_fault(k->r, at, path, "\"%.200s\" has a query", text);
}

static void read_text(struct kind *k, const struct ush_setting_row *row, const struct ush_node *node, const char *path)
{
	USH_AUTO_FREE char *text = ush_reader_text(k->r, node, path, false), *full = NULL;
	size_t length = text != NULL ? strlen(text) : 0;

	if (text == NULL)
		return;
	if (row->type == USH_SETTING_URL)
		check_url(k, node, path, text);
	while (row->type == USH_SETTING_URL && length > 0 && text[length - 1] == '/')
		text[--length] = '\0';
	if (row->type == USH_SETTING_CHOICE)
		ush_reader_choice(k->r, node, path, row->choices, text);
	if (row->type == USH_SETTING_PATH)
		full = ush_policy_beside(k->r, text);
	ush_source_set(k->source, row->key, full != NULL ? full : text);
}

static void read_flag(struct kind *k, const struct ush_setting_row *row, const struct ush_node *node, const char *path)
{
	bool flag;

	if (ush_node_bool(node, &flag))
		ush_source_set(k->source, row->key, flag ? "true" : "false");
	else
		ush_reader_fault(k->r, node, path, "expected true or false, found %s", ush_node_kind_name(node));
}

static void set_number(struct kind *k, const struct ush_setting_row *row, long long number)
{
	char digits[32];

	snprintf(digits, sizeof digits, "%lld", number);
	ush_source_set(k->source, row->key, digits);
}

static void read_number(struct kind *k, const struct ush_setting_row *row, const struct ush_node *node, const char *path)
{
	long long number;

	if (ush_node_integer(node, &number) && number >= 0 && number <= 1000000000)
		set_number(k, row, number);
	else
		ush_reader_fault(k->r, node, path, "expected a number, found %s", ush_node_kind_name(node));
}

static void read_duration(struct kind *k, const struct ush_setting_row *row, const struct ush_node *node, const char *path)
{
	static const struct ush_form duration = {.type = USH_FORM_DURATION};
	int64_t seconds = -1;

	ush_reader_value(k->r, node, path, &duration, &seconds);
	if (seconds >= 0)
		set_number(k, row, seconds);
}

static void read_list(struct kind *k, const struct ush_setting_row *row, const struct ush_node *node, const char *path)
{
	static const struct ush_form texts = {.type = USH_FORM_TEXTS}, pairs = {.type = USH_FORM_PAIRS};
	struct ush_list list = {0};

	ush_reader_value(k->r, node, path, row->type == USH_SETTING_LIST ? &texts : &pairs, &list);
	for (size_t i = 0; i < list.count; i++)
		ush_source_set(k->source, row->key, list.items[i]);
	ush_list_free(&list);
}

static void (*const read_value[])(struct kind *, const struct ush_setting_row *, const struct ush_node *, const char *) = {
	[USH_SETTING_TEXT] = read_text,	  [USH_SETTING_URL] = read_text,    [USH_SETTING_PATH] = read_text,
	[USH_SETTING_CHOICE] = read_text, [USH_SETTING_FLAG] = read_flag,   [USH_SETTING_NUMBER] = read_number,
	[USH_SETTING_LIST] = read_list,	  [USH_SETTING_MAP] = read_list,    [USH_SETTING_DURATION] = read_duration,
};

/* ---- one kind ---- */

/* The kind's map, or the map `part` in it. */
static void read_settings(struct kind *k, const struct ush_node *node, const char *path, const char *part)
{
	struct ush_settings_table table;
	char full[USH_PATH_MAX];

	ush_settings_table_fill(&table, k->source->kind, part);
	if (!ush_reader_map(k->r, node, path, &table.map, NULL))
		return;
	for (size_t i = 0; i < table.count; i++) {
		const struct ush_node *value = ush_node_get(node, table.members[i].name);

		if (value == NULL)
			continue;
		ush_reader_under(path, table.members[i].name, full);
		if (table.rows[i] != NULL)
			read_value[table.rows[i]->type](k, table.rows[i], value, full);
		else
			read_settings(k, value, full, table.members[i].name);
	}
}

/* ---- what a table cannot say ---- */

static void check_patterns(struct kind *k, const char *key)
{
	const struct ush_list *patterns = ush_source_list(k->source, key);

	for (size_t i = 0; i < patterns->count; i++) {
		const char *why = ush_pattern_wrong(patterns->items[i], NULL);

		if (why == NULL)
			why = ush_pattern_unclear(patterns->items[i]);
		if (why != NULL)
			ush_reader_member_fault(k->r, ush_node_get(k->top, key), k->path, key, "\"%.64s\" %s", patterns->items[i], why);
	}
}

static void check_source(struct kind *k)
{
	const char *client = ush_setting_row(k->source->kind, "client") != NULL ? ush_source_text(k->source, "client") : NULL;

	if (client != NULL && strchr(client, ':') != NULL)
		ush_reader_member_fault(k->r, ush_node_get(k->top, "client"), k->path, "client", "may not hold a colon");
	check_patterns(k, "include");
	check_patterns(k, "exclude");
}

static void read_source(struct ush_reader *r, const struct ush_node *node, const char *path, struct ush_policy_source *source)
{
	struct ush_member kinds[USH_SETTINGS_MAX] = {{0}};
	const struct ush_form map = {.type = USH_FORM_MAP, .members = kinds};
	size_t count = 0, found = 0;

	for (const struct ush_source_kind *kind = ush_source_kinds; kind->type != NULL && count + 1 < USH_COUNT(kinds); kind++)
		kinds[count++] = (struct ush_member){kind->type, false, NULL, USH_BY_HAND, NULL};
	if (!ush_reader_map(r, node, path, &map, NULL))
		return;
	for (const struct ush_source_kind *kind = ush_source_kinds; kind->type != NULL; kind++) {
		struct kind k = {.r = r, .source = source, .top = ush_node_get(node, kind->type)};
		size_t before = r->count;

		if (k.top == NULL || found++ > 0)
			continue;
		source->kind = kind;
		ush_reader_under(path, kind->type, k.path);
		read_settings(&k, k.top, k.path, NULL);
		if (r->count == before)
			check_source(&k);
	}
	if (found != 1)
		ush_reader_fault(r, node, path, "expected one kind of source (file, keycloak, ldap, ...), found %s", found > 1 ? "several" : "none");
}

void ush_policy_read_sources(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	char path[USH_PATH_MAX];

	if (node == NULL || !ush_reader_names(r, node, "sources", &ush_form_source, "source"))
		return;
	for (size_t i = 0; i < node->count; i++) {
		USH_PUSH(policy->sources, policy->source_count, ((struct ush_policy_source){.name = ush_strdup(node->keys[i]->text), .line = node->keys[i]->line}));
		read_source(r, node->items[i], ush_reader_under("sources", node->keys[i]->text, path), &policy->sources[i]);
	}
}
