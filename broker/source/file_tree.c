/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/file_tree.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/data/yaml.h"
#include "common/kube/cut.h"

/* A tree takes about eleven times its text. JSON becomes one group's tree at a time: JSON by the letter, for where a group
 * ends is found by JSON's rules, which are not those of comments and YAML's other quotes. */
#define TREE_MAX  (8U << 20)
#define GROUP_MAX (8U << 20)
#define REST_MAX  (64U << 10)

struct reading {
	const char *file;
	struct ush_groups *groups;
	EVP_MD_CTX *sum; /* of the groups so far, as one list */
	const char *at;	 /* of what is read in pieces: the piece, */
	unsigned int line; /* and the lines in front of it */
};

/* Notes a fault at a node; the file is then incomplete. Returns -1 so that a caller can stop. */
static int __attribute__((format(printf, 3, 4))) fault(const struct reading *r, const struct ush_node *at, const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	ush_groups_incomplete(r->groups, "%s:%u:%u: %s", r->file, r->line + at->line, at->column, why);
	return -1;
}

static int read_members(const struct reading *r, const struct ush_node *node, struct ush_group *group)
{
	if (node == NULL || ush_node_is_null(node)) /* as `groups -o json` writes what it does not know */
		return 0;
	if (node->kind != USH_NODE_LIST)
		return fault(r, node, "members: expected a list, found %s", ush_node_kind_name(node));
	group->members_known = true;
	for (size_t i = 0; i < node->count; i++) {
		const char *name = ush_node_string(node->items[i]);

		if (name == NULL || *name == '\0')
			return fault(r, node->items[i], "members: expected a name, found %s", ush_node_kind_name(node->items[i]));
		ush_members_add(&group->members, name);
	}
	return 0;
}

/* A member that may be left out, but when it is there it is a string. */
static int optional_string(const struct reading *r, const struct ush_node *map, const char *key, const char **out)
{
	const struct ush_node *node = ush_node_get(map, key);

	*out = node != NULL ? ush_node_string(node) : NULL;
	if (node != NULL && (*out == NULL || **out == '\0'))
		return fault(r, node, "expected a string for %s", key);
	return 0;
}

/* Of people who are not listed: none, unless it says how many. */
static int read_number(const struct reading *r, const struct ush_node *map, const char *key, size_t *out)
{
	const struct ush_node *node = ush_node_get(map, key);
	long long number = 0;

	if (node != NULL && (!ush_node_integer(node, &number) || number < 0))
		return fault(r, node, "%s: expected a number, found %s", key, ush_node_kind_name(node));
	*out = (size_t)number;
	return 0;
}

static int read_group(const struct reading *r, const struct ush_node *node)
{
	const char *name, *path, *id;
	USH_AUTO_FREE char *made = NULL;
	struct ush_group *group;
	size_t disabled, unresolvable;

	if (node->kind != USH_NODE_MAP)
		return fault(r, node, "expected a group, found %s", ush_node_kind_name(node));
	if (r->groups->count >= USH_GROUPS_MAX)
		return fault(r, node, "more than %d groups", USH_GROUPS_MAX);
	if (optional_string(r, node, "name", &name) != 0 || optional_string(r, node, "path", &path) != 0 || optional_string(r, node, "id", &id) != 0)
		return -1;
	if (name == NULL && path == NULL)
		return fault(r, node, "a group has neither name nor path");
	if (path == NULL && *name == '/') { /* a path in the place of a name */
		path = name;
		name = NULL;
	}
	if (path == NULL)
		path = made = ush_printf("/%s", name);
	if (name == NULL)
		name = ush_name_leaf(path);
	if (*path != '/' || *name == '\0')
		return fault(r, node, "\"%s\" is no path of a group", path);
	if (read_number(r, node, "disabled", &disabled) != 0 || read_number(r, node, "unresolvable", &unresolvable) != 0)
		return -1;
	group = ush_groups_add(r->groups, id != NULL ? id : path, name, path);
	group->disabled = disabled;
	group->unresolvable = unresolvable;
	return read_members(r, ush_node_get(node, "members"), group);
}

static int take_group(struct reading *r, const struct ush_node *node)
{
	USH_AUTO_JSON json = NULL;
	USH_AUTO_FREE char *canonical = NULL;

	if (read_group(r, node) != 0)
		return -1;
	json = ush_yaml_to_json(node);
	canonical = ush_json_canonical(json);
	EVP_DigestUpdate(r->sum, ",", r->groups->count > 1);
	EVP_DigestUpdate(r->sum, canonical, strlen(canonical));
	return 0;
}

static int check_sum(const struct reading *r, const struct ush_node *sum)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length = 0;
	char hex[2 * EVP_MAX_MD_SIZE + 1] = "";

	EVP_DigestUpdate(r->sum, "]", 1);
	EVP_DigestFinal_ex(r->sum, digest, &length);
	for (unsigned int i = 0; i < length; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	if (ush_node_string(sum) == NULL || strcasecmp(ush_node_string(sum), hex) != 0)
		return fault(r, sum, "sha256 is not that of the groups, which is %s", hex);
	return 0;
}

/* What stands beside the groups. */
static int check_rest(const struct reading *r, const struct ush_node *top)
{
	const struct ush_node *count = ush_node_get(top, "count"), *sum = ush_node_get(top, "sha256");
	long long number;

	if (count == NULL)
		return fault(r, top, "count is missing: without it nobody can tell a half-written file");
	if (!ush_node_integer(count, &number) || number < 0)
		return fault(r, count, "count: expected a number, found %s", ush_node_kind_name(count));
	if ((size_t)number != r->groups->count) {
		ush_groups_incomplete(r->groups, "%s says it holds %lld groups and holds %zu", r->file, number, r->groups->count);
		return -1;
	}
	return sum != NULL ? check_sum(r, sum) : 0;
}

/* Whoever wrote it may know that it is not all. */
static void incomplete_by_itself(const struct reading *r, const struct ush_node *top)
{
	const struct ush_node *node = ush_node_get(top, "incomplete");

	if (node != NULL && ush_node_string(node) == NULL)
		fault(r, node, "incomplete: expected why, found %s", ush_node_kind_name(node));
	else if (node != NULL)
		ush_groups_incomplete(r->groups, "%s says so itself: %s", r->file, ush_node_string(node));
}

/* ---- JSON as YAML ---- */

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

/* ---- all at once ---- */

static void read_whole(struct reading *r, const char *text, size_t length)
{
	struct ush_error why = {0};
	USH_AUTO_NODE top = ush_yaml_read_one(text, length, r->file, USH_ERR_INCOMPLETE, &why);
	const struct ush_node *list = ush_node_get(top, "groups");
	bool good = true;

	if (top == NULL) {
		ush_groups_incomplete(r->groups, "%s", why.what);
		return;
	}
	if (list == NULL || list->kind != USH_NODE_LIST) {
		fault(r, list != NULL ? list : top, "groups: expected a list, found %s", ush_node_kind_name(list));
		return;
	}
	for (size_t i = 0; i < list->count && good; i++)
		good = take_group(r, list->items[i]) == 0;
	if (good && check_rest(r, top) == 0)
		incomplete_by_itself(r, top);
}

/* ---- a group at a time ---- */

static struct ush_node *read_json(const char *text, size_t length, const char *name, struct ush_error *err)
{
	USH_AUTO_JSON strict = ush_json_parse(text, length, name, USH_ERR_REJECTED, err);
	USH_AUTO_BUF joined = USH_BUF_MAX(2 * GROUP_MAX);

	if (strict == NULL)
		return NULL;
	join_surrogates(&joined, text, length);
	return ush_yaml_read_one(joined.data, joined.length, name, USH_ERR_REJECTED, err);
}

static int take_piece(void *context, const char *text, size_t length, struct ush_error *err)
{
	struct reading *r = context;
	USH_AUTO_NODE node = NULL;

	for (; r->at < text; r->at++)
		r->line += *r->at == '\n';
	node = read_json(text, length, "the group that begins there", err);
	if (node == NULL)
		return ush_error_at(err, "%s:%u", r->file, r->line + 1);
	return take_group(r, node);
}

/* False when it is no JSON of that kind; why says what is wrong with it then, or groups do. */
static bool read_pieces(struct reading *r, const char *text, size_t length, struct ush_error *why)
{
	USH_AUTO_CUT cut = {.item = take_piece, .context = r, .list = "groups", .rest = USH_BUF_MAX(REST_MAX), .pending = USH_BUF_MAX(GROUP_MAX)};
	USH_AUTO_NODE rest = NULL;

	r->at = text;
	if (ush_cut_feed(&cut, text, length, why) != 0 || ush_cut_end(&cut, why) != 0)
		return false;
	if (!cut.found)
		return ush_fail(why, USH_ERR_REJECTED, "there is no list of groups in it") == 0;
	rest = read_json(cut.rest.data, cut.rest.length, "beside its groups", why);
	if (rest == NULL || check_rest(r, rest) != 0)
		return false;
	incomplete_by_itself(r, rest);
	return true;
}

static void forget_all(struct reading *r)
{
	while (r->groups->count > 0)
		ush_group_free(&r->groups->items[--r->groups->count]);
	free(ush_steal(&r->groups->why));
	r->line = 0;
}

static void begin_sum(struct reading *r)
{
	EVP_DigestInit_ex(r->sum, EVP_sha256(), NULL);
	EVP_DigestUpdate(r->sum, "[", 1);
}

/* What is wrong is said with its place, which only the tree of the whole knows. */
void ush_groups_from_tree(const char *text, size_t length, const char *file, struct ush_groups *groups)
{
	struct reading r = {.file = file, .groups = groups, .sum = EVP_MD_CTX_new()};
	size_t mark = ush_text_mark(text, length);
	bool json = text[mark + strspn(text + mark, " \t\r\n")] == '{', done;
	USH_AUTO_BUF joined = USH_BUF_MAX(2 * TREE_MAX);
	struct ush_error why = {0};

	text += mark;
	length -= mark;
	begin_sum(&r);
	done = json && read_pieces(&r, text, length, &why);
	if (!done && length > TREE_MAX) {
		if (json)
			ush_groups_incomplete(groups, "%s: %s", file, why.what);
		else
			ush_groups_incomplete(groups, "%s: more than %u MiB are read of JSON and CSV alone", file, TREE_MAX >> 20);
		if (!json && groups->advice == NULL)
			groups->advice = ush_strdup("CSV is read line by line: the header group,id,member, a line a membership, and #rows,N at its end");
	} else if (!done) {
		forget_all(&r);
		begin_sum(&r);
		if (json)
			join_surrogates(&joined, text, length);
		read_whole(&r, json ? joined.data : text, json ? joined.length : length);
	}
	EVP_MD_CTX_free(r.sum);
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
