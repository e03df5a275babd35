/* SPDX-License-Identifier: Apache-2.0
 *
 * sources: where groups come from. What may be said is in source_kinds.c; here it is read.
 */
#include <string.h>

#include "broker/policy/naming.h"
#include "broker/policy/policy_read.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/net/http.h"

/* One kind's settings while they are read. */
struct kind {
	struct ush_reader *r;
	struct ush_policy_source *source;
	const struct ush_node *top; /* the map of the kind: "keycloak" */
	char path[192];		    /* "sources.main.keycloak" */
};

/* ---- values ---- */

/* A file's name as the policy writes it: "~/x", "/x", or beside the policy. */
static char *beside_policy(const struct ush_reader *r, const char *path)
{
	USH_AUTO_FREE char *folder = ush_strdup(r->file);
	char *slash = strrchr(folder, '/');

	if (slash != NULL)
		slash[slash == folder] = '\0';
	return ush_file_expand(path, slash != NULL ? folder : NULL);
}

static void check_url(struct kind *k, const struct ush_node *map, const char *path, const char *key, const char *text)
{
	const struct ush_node *at = ush_node_get(map, key);
	const struct ush_node *loopback = ush_node_get(k->top, "allowLoopbackHttp");
	struct ush_error why = {0};
	USH_AUTO_URL url = {0};
	bool allowed = false;

	if (loopback != NULL)
		ush_node_bool(loopback, &allowed);
	if (ush_url_parse(&url, text, USH_ERR_CONFIG, &why) != 0)
		ush_reader_member_fault(k->r, at, path, key, "%s", why.what);
	else if (strcmp(url.scheme, "https") != 0 && !url.loopback)
		ush_reader_member_fault(k->r, at, path, key, "\"%.200s\" is not https", text);
	else if (strcmp(url.scheme, "https") != 0 && !allowed)
		ush_reader_member_fault(k->r, at, path, key, "\"%.200s\" is not https; on this machine alone: allowLoopbackHttp: true", text);
	else if (strchr(url.path, '?') != NULL)
		ush_reader_member_fault(k->r, at, path, key, "\"%.200s\" has a query", text);
}

static void read_choice(struct kind *k, const struct ush_node *map, const char *path, const char *key, const char *choices, const char *text)
{
	size_t length = strlen(text);

	for (const char *choice = choices; choice != NULL; choice = strchr(choice, '|') != NULL ? strchr(choice, '|') + 1 : NULL)
		if (strncmp(choice, text, length) == 0 && (choice[length] == '|' || choice[length] == '\0'))
			return;
	ush_reader_member_fault(k->r, ush_node_get(map, key), path, key, "expected %s, found \"%.64s\"", choices, text);
}

static void read_text(struct kind *k, const struct ush_setting_row *row, const struct ush_node *map, const char *path, const char *key)
{
	USH_AUTO_FREE char *text = ush_reader_string(k->r, map, path, key);
	USH_AUTO_FREE char *full = NULL;
	size_t length;

	if (text == NULL)
		return;
	length = strlen(text);
	if (row->type == USH_SETTING_URL)
		check_url(k, map, path, key, text);
	while (row->type == USH_SETTING_URL && length > 0 && text[length - 1] == '/')
		text[--length] = '\0';
	if (row->type == USH_SETTING_CHOICE)
		read_choice(k, map, path, key, row->choices, text);
	if (row->type == USH_SETTING_PATH)
		full = beside_policy(k->r, text);
	ush_source_set(k->source, row->key, full != NULL ? full : text);
}

static void read_number(struct kind *k, const struct ush_setting_row *row, const struct ush_node *map, const char *path, const char *key)
{
	const struct ush_node *at = ush_node_get(map, key);
	char digits[32];
	long long number = 0;
	bool flag = false;

	if (row->type == USH_SETTING_FLAG && !ush_node_bool(at, &flag)) {
		ush_reader_member_fault(k->r, at, path, key, "expected true or false");
		return;
	}
	if (row->type == USH_SETTING_NUMBER && (!ush_node_integer(at, &number) || number < 0)) {
		ush_reader_member_fault(k->r, at, path, key, "expected a number");
		return;
	}
	if (row->type == USH_SETTING_DURATION)
		number = ush_reader_duration(k->r, map, path, key, 0);
	snprintf(digits, sizeof digits, "%lld", number);
	ush_source_set(k->source, row->key, row->type == USH_SETTING_FLAG ? (flag ? "true" : "false") : digits);
}

static void read_list(struct kind *k, const struct ush_setting_row *row, const struct ush_node *map, const char *path, const char *key)
{
	struct ush_list list = {0};

	ush_reader_strings(k->r, map, path, key, &list);
	for (size_t i = 0; i < list.count; i++)
		ush_source_set(k->source, row->key, list.items[i]);
	ush_list_free(&list);
}

static void read_pairs(struct kind *k, const struct ush_setting_row *row, const struct ush_node *map, const char *path, const char *key)
{
	const struct ush_node *at = ush_node_get(map, key);

	if (at->kind != USH_NODE_MAP || at->count == 0) {
		ush_reader_member_fault(k->r, at, path, key, "expected a map of texts, found %s", ush_node_kind_name(at));
		return;
	}
	for (size_t i = 0; i < at->count; i++) {
		const char *value = ush_node_string(at->items[i]);
		USH_AUTO_FREE char *pair = NULL;

		if (value == NULL) {
			ush_reader_member_fault(k->r, at->items[i], path, key, "expected a text, found %s", ush_node_kind_name(at->items[i]));
			continue;
		}
		pair = ush_printf("%s=%s", at->keys[i]->text, value);
		ush_source_set(k->source, row->key, pair);
	}
}

static void (*const read_value[])(struct kind *, const struct ush_setting_row *, const struct ush_node *, const char *, const char *) = {
	[USH_SETTING_TEXT] = read_text,	    [USH_SETTING_URL] = read_text,   [USH_SETTING_PATH] = read_text,
	[USH_SETTING_CHOICE] = read_text,   [USH_SETTING_FLAG] = read_number, [USH_SETTING_NUMBER] = read_number,
	[USH_SETTING_DURATION] = read_number, [USH_SETTING_LIST] = read_list,  [USH_SETTING_MAP] = read_pairs,
};

/* ---- one kind ---- */

#define MEMBERS_MAX 64

/* The members of the kind's map, or of the map `part` in it, from the rows. */
static void collect_members(const struct ush_source_kind *kind, const char *part, struct ush_member *members)
{
	size_t count = 0, length = part != NULL ? strlen(part) : 0;
	static char parts[MEMBERS_MAX][32];

	for (const struct ush_setting_row *const *table = kind->tables; *table != NULL; table++)
		for (const struct ush_setting_row *row = *table; row->key != NULL; row++) {
			const char *dot = strchr(row->key, '.'), *name = row->key;
			bool known = false;

			if (part != NULL && (dot == NULL || strncmp(row->key, part, length) != 0 || row->key[length] != '.'))
				continue;
			if (part != NULL)
				name = dot + 1;
			else if (dot != NULL) {
				snprintf(parts[count], sizeof parts[count], "%.*s", (int)(dot - row->key), row->key);
				name = parts[count];
			}
			for (size_t i = 0; i < count; i++)
				known = known || strcmp(members[i].name, name) == 0;
			if (!known && count + 1 < MEMBERS_MAX)
				members[count++] = (struct ush_member){name, row->required ? USH_MEMBER_REQUIRED : USH_MEMBER_OPTIONAL};
		}
	members[count] = (struct ush_member){NULL, 0};
}

static void read_row(struct kind *k, const struct ush_setting_row *row)
{
	const char *dot = strchr(row->key, '.'), *key = dot != NULL ? dot + 1 : row->key;
	const struct ush_node *map = k->top;
	char part[32], path[240];

	snprintf(path, sizeof path, "%s", k->path);
	if (dot != NULL) {
		snprintf(part, sizeof part, "%.*s", (int)(dot - row->key), row->key);
		map = ush_node_get(k->top, part);
		snprintf(path, sizeof path, "%s.%s", k->path, part);
	}
	if (map != NULL && map->kind == USH_NODE_MAP && ush_node_get(map, key) != NULL)
		read_value[row->type](k, row, map, path, key);
}

static void read_kind(struct kind *k)
{
	const struct ush_source_kind *kind = k->source->kind;
	struct ush_member members[MEMBERS_MAX];

	collect_members(kind, NULL, members);
	if (!ush_reader_map(k->r, k->top, k->path, members))
		return;
	for (size_t i = 0; i < k->top->count; i++) {
		const char *name = k->top->keys[i]->text;
		char path[240];

		if (ush_setting_row(kind, name) != NULL)
			continue;
		collect_members(kind, name, members);
		snprintf(path, sizeof path, "%s.%.32s", k->path, name);
		if (members[0].name != NULL)
			ush_reader_map(k->r, k->top->items[i], path, members);
	}
	for (const struct ush_setting_row *const *table = kind->tables; *table != NULL; table++)
		for (const struct ush_setting_row *row = *table; row->key != NULL; row++)
			read_row(k, row);
}

/* ---- what a table cannot say ---- */

static void check_source(struct kind *k)
{
	static const char *const ways[] = {"secretFile", "secretCommand", "secretEnv", "secretKeyring"};
	const char *client;
	size_t said = 0;

	for (size_t i = 0; i < USH_COUNT(ways); i++)
		said += ush_setting_row(k->source->kind, ways[i]) != NULL && ush_source_has(k->source, ways[i]);
	if (said > 1)
		ush_reader_fault(k->r, k->top, k->path, "names more than one of secretFile, secretCommand, secretEnv and secretKeyring");
	if (said == 0 && strcmp(k->source->kind->type, "keycloak") == 0)
		ush_reader_fault(k->r, k->top, k->path, "secretFile is missing (or secretCommand, secretEnv, secretKeyring)");
	client = ush_setting_row(k->source->kind, "client") != NULL ? ush_source_text(k->source, "client") : NULL;
	if (client != NULL && strchr(client, ':') != NULL)
		ush_reader_member_fault(k->r, ush_node_get(k->top, "client"), k->path, "client", "may not hold a colon");
}

static void read_source(struct ush_reader *r, const struct ush_node *key, const struct ush_node *node, struct ush_policy_source *source)
{
	struct ush_member kinds[MEMBERS_MAX] = {{0}};
	size_t count = 0, found = 0;
	char path[128];

	source->name = ush_strdup(key->text);
	snprintf(path, sizeof path, "sources.%.64s", key->text);
	if (ush_name_not_label(key->text) != NULL)
		ush_reader_fault(r, key, path, "the name %s", ush_name_not_label(key->text));
	for (const struct ush_source_kind *kind = ush_source_kinds; kind->type != NULL; kind++)
		kinds[count++] = (struct ush_member){kind->type, USH_MEMBER_OPTIONAL};
	if (!ush_reader_map(r, node, path, kinds))
		return;
	for (const struct ush_source_kind *kind = ush_source_kinds; kind->type != NULL; kind++) {
		struct kind k = {.r = r, .source = source, .top = ush_node_get(node, kind->type)};
		size_t before = r->count;

		if (k.top == NULL || found++ > 0)
			continue;
		source->kind = kind;
		snprintf(k.path, sizeof k.path, "%s.%s", path, kind->type);
		read_kind(&k);
		if (r->count == before)
			check_source(&k);
	}
	if (found != 1)
		ush_reader_fault(r, node, path, "expected one kind of source (file, keycloak, ldap, ...), found %s", found > 1 ? "several" : "none");
}

void ush_policy_read_sources(struct ush_reader *r, const struct ush_node *node, struct ush_policy *policy)
{
	if (node == NULL)
		return;
	if (node->kind != USH_NODE_MAP || node->count == 0) {
		ush_reader_fault(r, node, "sources", "expected a map of at least one source, found %s",
				 node->kind == USH_NODE_MAP ? "none" : ush_node_kind_name(node));
		return;
	}
	for (size_t i = 0; i < node->count; i++) {
		USH_PUSH(policy->sources, policy->source_count, (struct ush_policy_source){0});
		read_source(r, node->keys[i], node->items[i], &policy->sources[i]);
	}
}
