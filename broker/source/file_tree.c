/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/file_tree.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/data/yaml.h"

/* Notes a fault at a node; the file is then incomplete. Returns -1 so that a caller can stop. */
static int __attribute__((format(printf, 4, 5))) fault(struct ush_groups *groups, const char *file, const struct ush_node *at,
						       const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	ush_groups_incomplete(groups, "%s:%u:%u: %s", file, at->line, at->column, why);
	return -1;
}

static int read_members(const struct ush_node *node, const char *file, struct ush_group *group, struct ush_groups *groups)
{
	if (node == NULL || ush_node_is_null(node)) /* as `groups -o json` writes what it does not know */
		return 0;
	if (node->kind != USH_NODE_LIST)
		return fault(groups, file, node, "members: expected a list, found %s", ush_node_kind_name(node));
	group->members_known = true;
	for (size_t i = 0; i < node->count; i++) {
		const char *name = ush_node_string(node->items[i]);

		if (name == NULL || *name == '\0')
			return fault(groups, file, node->items[i], "members: expected a name, found %s", ush_node_kind_name(node->items[i]));
		ush_members_add(&group->members, name);
	}
	return 0;
}

/* A member that may be left out, but when it is there it is a string. */
static int optional_string(const struct ush_node *map, const char *key, const char *file, struct ush_groups *groups, const char **out)
{
	const struct ush_node *node = ush_node_get(map, key);

	*out = node != NULL ? ush_node_string(node) : NULL;
	if (node != NULL && (*out == NULL || **out == '\0'))
		return fault(groups, file, node, "expected a string for %s", key);
	return 0;
}

/* Of people who are not listed: none, unless it says how many. */
static int read_number(const struct ush_node *map, const char *key, const char *file, struct ush_groups *groups, size_t *out)
{
	const struct ush_node *node = ush_node_get(map, key);
	long long number = 0;

	if (node != NULL && (!ush_node_integer(node, &number) || number < 0))
		return fault(groups, file, node, "%s: expected a number, found %s", key, ush_node_kind_name(node));
	*out = (size_t)number;
	return 0;
}

static int read_group(const struct ush_node *node, const char *file, struct ush_groups *groups)
{
	const char *name, *path, *id;
	USH_AUTO_FREE char *made = NULL;
	struct ush_group *group;
	size_t disabled, unresolvable;

	if (node->kind != USH_NODE_MAP)
		return fault(groups, file, node, "expected a group, found %s", ush_node_kind_name(node));
	if (groups->count >= USH_GROUPS_MAX)
		return fault(groups, file, node, "more than %d groups", USH_GROUPS_MAX);
	if (optional_string(node, "name", file, groups, &name) != 0 || optional_string(node, "path", file, groups, &path) != 0 ||
	    optional_string(node, "id", file, groups, &id) != 0)
		return -1;
	if (name == NULL && path == NULL)
		return fault(groups, file, node, "a group has neither name nor path");
	if (path == NULL && *name == '/') { /* a path in the place of a name */
		path = name;
		name = NULL;
	}
	if (path == NULL)
		path = made = ush_printf("/%s", name);
	if (name == NULL)
		name = ush_name_leaf(path);
	if (*path != '/' || *name == '\0')
		return fault(groups, file, node, "\"%s\" is no path of a group", path);
	if (read_number(node, "disabled", file, groups, &disabled) != 0 || read_number(node, "unresolvable", file, groups, &unresolvable) != 0)
		return -1;
	group = ush_groups_add(groups, id != NULL ? id : path, name, path);
	group->disabled = disabled;
	group->unresolvable = unresolvable;
	return read_members(ush_node_get(node, "members"), file, group, groups);
}

static int check_sums(const struct ush_node *top, const char *file, struct ush_groups *groups)
{
	const struct ush_node *count = ush_node_get(top, "count"), *sum = ush_node_get(top, "sha256");
	USH_AUTO_JSON list = NULL;
	USH_AUTO_FREE char *text = NULL;
	char hex[65];
	long long number;

	if (count == NULL)
		return fault(groups, file, top, "count is missing: without it nobody can tell a half-written file");
	if (!ush_node_integer(count, &number) || number < 0)
		return fault(groups, file, count, "count: expected a number, found %s", ush_node_kind_name(count));
	if ((size_t)number != groups->count) {
		ush_groups_incomplete(groups, "%s says it holds %lld groups and holds %zu", file, number, groups->count);
		return -1;
	}
	if (sum == NULL)
		return 0;
	list = ush_yaml_to_json(ush_node_get(top, "groups"));
	text = ush_json_canonical(list);
	ush_sha256_hex(text, strlen(text), hex);
	if (ush_node_string(sum) == NULL || strcasecmp(ush_node_string(sum), hex) != 0)
		return fault(groups, file, sum, "sha256 is not that of the groups, which is %s", hex);
	return 0;
}

static bool is_surrogate(const char *at, const char *end, const char *digits, unsigned int *unit)
{
	char four[5] = {0};

	if (end - at < 6 || at[0] != '\\' || at[1] != 'u' || (at[2] | 32) != 'd' || strchr(digits, at[3] | 32) == NULL ||
	    strspn(at + 2, "0123456789abcdefABCDEF") < 4)
		return false;
	memcpy(four, at + 2, 4);
	*unit = (unsigned int)strtoul(four, NULL, 16);
	return true;
}

/* JSON may write a code point as two surrogates (RFC 8259 section 7), which YAML does not know: "\ud83d\ude00" becomes
 * "\U0001F600". */
static void join_surrogates(struct ush_buf *out, const char *text, size_t length)
{
	const char *end = text + length, *from = text;
	unsigned int high, low;

	for (const char *at = text; at < end; at++) {
		if (*at != '\\')
			continue;
		if (!is_surrogate(at, end, "89ab", &high) || !is_surrogate(at + 6, end, "cdef", &low)) {
			at++; /* whatever is escaped */
			continue;
		}
		ush_buf_add(out, from, (size_t)(at - from));
		ush_buf_printf(out, "\\U%08X", 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
		from = at + 12;
		at += 11;
	}
	ush_buf_add(out, from, (size_t)(end - from));
}

/* Whoever wrote it may know that it is not all. */
static void incomplete_by_itself(const struct ush_node *top, const char *file, struct ush_groups *groups)
{
	const struct ush_node *node = ush_node_get(top, "incomplete");

	if (node != NULL && ush_node_string(node) == NULL)
		fault(groups, file, node, "incomplete: expected why, found %s", ush_node_kind_name(node));
	else if (node != NULL)
		ush_groups_incomplete(groups, "%s says so itself: %s", file, ush_node_string(node));
}

void ush_groups_from_tree(const char *text, size_t length, const char *file, struct ush_groups *groups)
{
	USH_AUTO_BUF joined = {0};
	bool json = text[strspn(text, " \t\r\n")] == '{', good = true;
	struct ush_error why = {0};
	USH_AUTO_NODE top = NULL;
	const struct ush_node *list;

	if (json)
		join_surrogates(&joined, text, length);
	top = ush_yaml_read_one(json ? joined.data : text, json ? joined.length : length, file, USH_ERR_INCOMPLETE, &why);
	list = ush_node_get(top, "groups");
	if (top == NULL) {
		ush_groups_incomplete(groups, "%s", why.what);
		return;
	}
	if (list == NULL || list->kind != USH_NODE_LIST) {
		fault(groups, file, list != NULL ? list : top, "groups: expected a list, found %s", ush_node_kind_name(list));
		return;
	}
	for (size_t i = 0; i < list->count && good; i++)
		good = read_group(list->items[i], file, groups) == 0;
	if (good && check_sums(top, file, groups) == 0)
		incomplete_by_itself(top, file, groups);
}

void ush_groups_check_ids(const char *file, struct ush_groups *groups)
{
	struct ush_list ids = {0};

	for (size_t i = 0; i < groups->count; i++)
		ush_list_add(&ids, groups->items[i].id);
	ush_list_sort(&ids);
	if (ids.count != groups->count)
		ush_groups_incomplete(groups, "%s: two groups have one id", file);
	ush_list_free(&ids);
}
