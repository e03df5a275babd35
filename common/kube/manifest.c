/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/data/yaml.h"

#define FILE_LIMIT   (256U << 20)
#define FOLDER_DEPTH 64

struct reading {
	int (*object)(void *context, json_t *object, const char *origin, struct ush_error *err);
	void *context;
	size_t count;
	const char *file; /* as messages name it */
	struct ush_error *err;
};

/* ---- documents ---- */

static int no_object(const struct reading *reading, const struct ush_node *node, const char *why)
{
	return ush_node_fail(reading->err, USH_ERR_INCOMPLETE, reading->file, node, "is no Kubernetes object: %s", why);
}

static int take_object(struct reading *reading, const struct ush_node *node, const char *kind, const char *api_version)
{
	USH_AUTO_JSON object = ush_yaml_to_json(node);
	USH_AUTO_FREE char *origin = ush_printf("%s:%u", reading->file, node->line);

	json_object_set_new(object, "kind", json_string(kind));
	json_object_set_new(object, "apiVersion", json_string(api_version));
	reading->count++;
	return reading->object(reading->context, object, origin, reading->err);
}

static int take_node(struct reading *reading, const struct ush_node *node, const char *list_kind,
		     const char *list_version);

/* The items of a List; those of a RoleBindingList may leave out what they are. */
static int take_items(struct reading *reading, const struct ush_node *items, const char *kind, const char *api_version)
{
	size_t length = strlen(kind) - strlen("List");
	USH_AUTO_FREE char *item_kind = length > 0 ? ush_strndup(kind, length) : NULL;

	if (ush_node_is_null(items))
		return 0;
	if (items->kind != USH_NODE_LIST)
		return ush_node_fail(reading->err, USH_ERR_INCOMPLETE, reading->file, items,
				     "items: expected a list, found a %s", ush_node_kind_name(items));
	for (size_t i = 0; i < items->count; i++)
		if (take_node(reading, items->items[i], item_kind, item_kind != NULL ? api_version : NULL) != 0)
			return -1;
	return 0;
}

static int take_node(struct reading *reading, const struct ush_node *node, const char *list_kind,
		     const char *list_version)
{
	const struct ush_node *items = ush_node_get(node, "items");
	const char *kind = ush_node_string(ush_node_get(node, "kind")),
		   *version = ush_node_string(ush_node_get(node, "apiVersion"));

	if (node->kind != USH_NODE_MAP)
		return no_object(reading, node, "it is not a map");
	kind = kind != NULL && kind[0] != '\0' ? kind : list_kind;
	version = version != NULL && version[0] != '\0' ? version : list_version;
	if (kind == NULL || version == NULL)
		return no_object(reading, node, kind == NULL ? "kind is missing" : "apiVersion is missing");
	if (items != NULL && strlen(kind) >= 4 && strcmp(kind + strlen(kind) - 4, "List") == 0)
		return take_items(reading, items, kind, version);
	return take_object(reading, node, kind, version);
}

/* What is no text is told with its line before the YAML reader stumbles over it. */
static int check_text(const struct reading *reading, const char *text, size_t length)
{
	unsigned int line = 1, c = 0;
	size_t n;

	for (size_t i = 0; i < length; i += n) {
		n = ush_text_code_point(text + i, length - i, &c);
		if (n == 0 || (c < 0x20 && c != '\n' && c != '\r' && c != '\t'))
			return ush_fail(reading->err, USH_ERR_INCOMPLETE,
					"%s:%u: byte %zu is no text (UTF-8 is wanted)", reading->file, line, i + 1);
		line += c == '\n';
	}
	return 0;
}

static int read_text(struct reading *reading, const char *text, size_t length)
{
	struct ush_node **documents = NULL;
	size_t count = 0;
	int result = 0;

	if (check_text(reading, text, length) != 0 ||
	    ush_yaml_read(text, length, reading->file, USH_ERR_INCOMPLETE, &documents, &count, reading->err) != 0)
		return -1;
	for (size_t i = 0; i < count && result == 0; i++)
		if (!ush_node_is_null(documents[i]))
			result = take_node(reading, documents[i], NULL, NULL);
	ush_yaml_free_all(documents, count);
	return result;
}

static int read_file(struct reading *reading, const char *path)
{
	USH_AUTO_BUF text = USH_BUF_MAX(FILE_LIMIT);
	const char *data;

	reading->file = strcmp(path, "-") == 0 ? "stdin" : path;
	if (ush_file_read(path, USH_FILE_ANY, USH_ERR_INCOMPLETE, &text, NULL, reading->err) != 0)
		return -1;
	data = text.data;
	if (text.length >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) /* a byte order mark that Windows editors write */
		return read_text(reading, data + 3, text.length - 3);
	return read_text(reading, data, text.length);
}

/* ---- folders ---- */

static bool is_manifest(const char *name)
{
	static const char *const endings[] = {".yaml", ".yml", ".json"};
	size_t length = strlen(name);

	for (size_t i = 0; i < USH_COUNT(endings); i++)
		if (length > strlen(endings[i]) && strcmp(name + length - strlen(endings[i]), endings[i]) == 0)
			return true;
	return false;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Dot files are left out: .git, .github, and the ..data of a mounted ConfigMap, which would be everything once more. */
static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int read_folder(struct reading *reading, const char *path, unsigned int depth);

static int read_entry(struct reading *reading, const char *path, const char *name, unsigned int depth)
{
	struct stat st, target;

	if (lstat(path, &st) != 0)
		return ush_fail(reading->err, USH_ERR_INCOMPLETE, "%s: %s", path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return read_folder(reading, path, depth + 1);
	if (!is_manifest(name))
		return 0;
	if (stat(path, &target) != 0)
		return ush_fail(reading->err, USH_ERR_INCOMPLETE, "%s: %s", path,
				errno == ENOENT ? "is a link to nothing" : strerror(errno));
	if (S_ISDIR(target.st_mode))
		return 0;
	if (!S_ISREG(target.st_mode))
		return ush_fail(reading->err, USH_ERR_INCOMPLETE, "%s: is not a regular file", path);
	return read_file(reading, path);
}

static int read_folder(struct reading *reading, const char *path, unsigned int depth)
{
	struct dirent **entries = NULL;
	size_t length = strlen(path);
	int count, result = 0;

	if (depth > FOLDER_DEPTH)
		return ush_fail(reading->err, USH_ERR_INCOMPLETE, "%s: folders nested deeper than %d", path,
				FOLDER_DEPTH);
	count = scandir(path, &entries, not_hidden, by_bytes);
	if (count < 0)
		return ush_fail(reading->err, USH_ERR_INCOMPLETE, "%s: %s", path, strerror(errno));
	for (int i = 0; i < count; i++) {
		USH_AUTO_FREE char *inside = ush_printf(
			"%s%s%s", path, length > 0 && path[length - 1] == '/' ? "" : "/", entries[i]->d_name);

		if (result == 0)
			result = read_entry(reading, inside, entries[i]->d_name, depth);
		free(entries[i]);
	}
	free(entries);
	return result;
}

int ush_manifests_read(const char *path,
		       int (*object)(void *context, json_t *object, const char *origin, struct ush_error *err),
		       void *context, size_t *count, struct ush_error *err)
{
	struct reading reading = {.object = object, .context = context, .err = err};
	struct stat st;
	int result;

	if (strcmp(path, "-") != 0 && stat(path, &st) != 0)
		return ush_fail(err, USH_ERR_INCOMPLETE, "%s: %s", path, strerror(errno));
	result = strcmp(path, "-") != 0 && S_ISDIR(st.st_mode) ? read_folder(&reading, path, 1)
							       : read_file(&reading, path);
	if (count != NULL)
		*count = reading.count;
	return result;
}
