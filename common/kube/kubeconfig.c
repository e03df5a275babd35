/* SPDX-License-Identifier: Apache-2.0 */
#include "common/kube/kubeconfig.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/memory.h"

#define FILE_LIMIT  (16U << 20)
#define FILES_LIMIT 100

/* ---- reading ---- */

static void file_free(struct ush_kubeconfig_file *file)
{
	free(file->path);
	free(file->folder);
	ush_buf_free(&file->text);
	ush_node_free(file->root);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return ush_strdup(".");
	return ush_strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static int parse_file(struct ush_kubeconfig_file *file, struct ush_error *err)
{
	struct ush_node **documents;
	const struct ush_node *kind;
	size_t count;

	if (ush_yaml_read(file->text.data, file->text.length, file->path, USH_ERR_CONFIG, &documents, &count, err) != 0)
		return -1;
	if (count == 1 && !ush_node_is_null(documents[0]))
		file->root = ush_steal(&documents[0]);
	ush_yaml_free_all(documents, count);
	if (count > 1)
		return ush_fail(err, USH_ERR_CONFIG, "%s: holds several documents, one kubeconfig is wanted",
				file->path);
	if (file->root == NULL)
		return 0;
	if (file->root->kind != USH_NODE_MAP)
		return ush_node_fail(err, USH_ERR_CONFIG, file->path, file->root,
				     "expected a kubeconfig (a map), found a %s", ush_node_kind_name(file->root));
	kind = ush_node_get(file->root, "kind");
	if (kind != NULL && (ush_node_string(kind) == NULL || strcmp(ush_node_string(kind), "Config") != 0))
		return ush_node_fail(err, USH_ERR_CONFIG, file->path, kind,
				     "kind: expected Config, this is no kubeconfig");
	return 0;
}

static int read_file(struct ush_kubeconfig *all, const char *path, bool must, struct ush_error *err)
{
	struct ush_kubeconfig_file file = {
		.path = ush_strdup(path), .folder = folder_of(path), .text = USH_BUF_MAX(FILE_LIMIT)};
	bool missing = false;

	if (all->count == FILES_LIMIT) {
		ush_fail(err, USH_ERR_CONFIG, "KUBECONFIG names more than %d files", FILES_LIMIT);
	} else if (ush_file_read(path, USH_FILE_ANY, USH_ERR_CONFIG, &file.text, &missing, err) == 0 &&
		   parse_file(&file, err) == 0) {
		USH_PUSH(all->files, all->count, file);
		return 0;
	}
	file_free(&file);
	if (!missing || must)
		return -1;
	ush_error_clear(err);
	return 0;
}

static int read_environment(struct ush_kubeconfig *all, const char *list, struct ush_error *err)
{
	all->looked_for = ush_printf("KUBECONFIG=%s", list);
	for (const char *at = list; *at != '\0'; at += *at == ':') {
		size_t length = strcspn(at, ":");
		USH_AUTO_FREE char *path = ush_strndup(at, length);

		at += length;
		if (length > 0 && read_file(all, path, false, err) != 0)
			return -1;
	}
	return 0;
}

int ush_kubeconfig_read(struct ush_kubeconfig *all, const char *path, struct ush_error *err)
{
	const char *list = getenv("KUBECONFIG");
	USH_AUTO_FREE char *home = ush_file_expand("~/.kube/config", NULL);

	if (path != NULL) {
		all->looked_for = ush_strdup(path);
		return read_file(all, path, true, err);
	}
	if (list != NULL && strspn(list, ":") != strlen(list))
		return read_environment(all, list, err);
	all->looked_for = ush_strdup(home);
	return home[0] == '~' ? 0 : read_file(all, home, false, err);
}

void ush_kubeconfig_free(struct ush_kubeconfig *all)
{
	for (size_t i = 0; i < all->count; i++)
		file_free(&all->files[i]);
	free(all->files);
	free(all->looked_for);
}

/* ---- fields ---- */

int ush_kubeconfig_fail(const struct ush_kubeconfig_entry *entry, const char *key, struct ush_error *err,
			const char *format, ...)
{
	const struct ush_node *node = ush_node_get(entry->node, key);
	char text[360];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return ush_node_fail(err, USH_ERR_CONFIG, entry->file->path, node != NULL ? node : entry->node, "%s%s%s: %s",
			     entry->field, entry->field[0] != '\0' ? "." : "", key, text);
}

static int wrong_type(const struct ush_kubeconfig_entry *entry, const char *key, const char *wanted,
		      struct ush_error *err)
{
	return ush_kubeconfig_fail(entry, key, err, "expected a %s, found a %s", wanted,
				   ush_node_kind_name(ush_node_get(entry->node, key)));
}

int ush_kubeconfig_map(const struct ush_kubeconfig_entry *entry, const char *key, struct ush_kubeconfig_entry *out,
		       struct ush_error *err)
{
	const struct ush_node *node = ush_node_get(entry->node, key);

	if (node != NULL && !ush_node_is_null(node) && node->kind != USH_NODE_MAP)
		return wrong_type(entry, key, "map", err);
	*out = (struct ush_kubeconfig_entry){.file = entry->file,
					     .node = node != NULL && node->kind == USH_NODE_MAP ? node : NULL};
	snprintf(out->field, sizeof out->field, "%.90s%s%.30s", entry->field, entry->field[0] != '\0' ? "." : "", key);
	return 0;
}

int ush_kubeconfig_string(const struct ush_kubeconfig_entry *entry, const char *key, const char **value,
			  struct ush_error *err)
{
	const struct ush_node *node = ush_node_get(entry->node, key);

	*value = NULL;
	if (node == NULL || ush_node_is_null(node))
		return 0;
	if (ush_node_string(node) == NULL)
		return wrong_type(entry, key, "string", err);
	if (ush_node_string(node)[0] != '\0')
		*value = ush_node_string(node);
	return 0;
}

int ush_kubeconfig_bool(const struct ush_kubeconfig_entry *entry, const char *key, bool *value, struct ush_error *err)
{
	const struct ush_node *node = ush_node_get(entry->node, key);

	*value = false;
	if (node == NULL || ush_node_is_null(node) || ush_node_bool(node, value))
		return 0;
	return wrong_type(entry, key, "bool", err);
}

/* ---- lookups over all files ---- */

bool ush_kubeconfig_is_empty(const struct ush_kubeconfig *all)
{
	static const char *const lists[] = {"clusters", "contexts", "users"};

	for (size_t f = 0; f < all->count; f++)
		for (size_t l = 0; l < USH_COUNT(lists); l++) {
			const struct ush_node *list = ush_node_get(all->files[f].root, lists[l]);

			if (list != NULL && !ush_node_is_null(list) &&
			    !(list->kind == USH_NODE_LIST && list->count == 0))
				return false;
		}
	return true;
}

int ush_kubeconfig_current(const struct ush_kubeconfig *all, const char **name, struct ush_error *err)
{
	*name = NULL;
	for (size_t f = 0; f < all->count && *name == NULL; f++) {
		struct ush_kubeconfig_entry top = {.file = &all->files[f], .node = all->files[f].root};

		if (ush_kubeconfig_string(&top, "current-context", name, err) != 0)
			return -1;
	}
	return 0;
}

/* Checks item i of a list and tells its name. */
static int name_of(const struct ush_kubeconfig_file *file, const char *list, const struct ush_node *items, size_t i,
		   const char **name, struct ush_error *err)
{
	struct ush_kubeconfig_entry entry = {.file = file, .node = items->items[i]};

	snprintf(entry.field, sizeof entry.field, "%s[%zu]", list, i);
	if (entry.node->kind != USH_NODE_MAP)
		return ush_node_fail(err, USH_ERR_CONFIG, file->path, entry.node, "%s: expected a map, found a %s",
				     entry.field, ush_node_kind_name(entry.node));
	if (ush_kubeconfig_string(&entry, "name", name, err) != 0)
		return -1;
	return *name != NULL ? 0 : ush_kubeconfig_fail(&entry, "name", err, "is missing");
}

/* out->node is NULL when this file does not have it. */
static int find_in_file(const struct ush_kubeconfig_file *file, const char *list, const char *member,
			const char *wanted, struct ush_kubeconfig_entry *out, struct ush_error *err)
{
	const struct ush_node *items = ush_node_get(file->root, list);
	struct ush_kubeconfig_entry top = {.file = file, .node = file->root};
	const char *name;

	*out = (struct ush_kubeconfig_entry){0};
	if (items == NULL || ush_node_is_null(items))
		return 0;
	if (items->kind != USH_NODE_LIST)
		return wrong_type(&top, list, "list", err);
	for (size_t i = 0; i < items->count; i++) {
		struct ush_kubeconfig_entry entry = {.file = file, .node = items->items[i]};

		snprintf(entry.field, sizeof entry.field, "%s[%zu]", list, i);
		if (name_of(file, list, items, i, &name, err) != 0)
			return -1;
		if (strcmp(name, wanted) != 0)
			continue;
		if (out->node != NULL)
			return ush_kubeconfig_fail(&entry, "name", err,
						   "\"%s\" stands twice in this file (first in line %u)", wanted,
						   out->node->line);
		if (ush_kubeconfig_map(&entry, member, out, err) != 0)
			return -1;
		if (out->node == NULL)
			return ush_kubeconfig_fail(&entry, member, err, "is missing");
	}
	return 0;
}

int ush_kubeconfig_find(const struct ush_kubeconfig *all, const char *list, const char *member, const char *name,
			struct ush_kubeconfig_entry *out, struct ush_error *err)
{
	USH_AUTO_FREE char *names = NULL;

	for (size_t f = 0; f < all->count; f++)
		if (find_in_file(&all->files[f], list, member, name, out, err) != 0)
			return -1;
		else if (out->node != NULL)
			return 0;
	names = ush_kubeconfig_names(all, list);
	ush_fail(err, USH_ERR_CONFIG, "%s: there is no %s \"%s\"", all->looked_for, member, name);
	return names[0] != '\0' ? ush_hint(err, "There is: %s", names) : -1;
}

char *ush_kubeconfig_names(const struct ush_kubeconfig *all, const char *list)
{
	USH_AUTO_BUF out = USH_BUF_MAX(200);

	for (size_t f = 0; f < all->count; f++) {
		const struct ush_node *items = ush_node_get(all->files[f].root, list);

		for (size_t i = 0; items != NULL && items->kind == USH_NODE_LIST && i < items->count; i++) {
			const char *name = ush_node_string(ush_node_get(items->items[i], "name"));

			if (name != NULL)
				ush_buf_printf(&out, "%s%s", out.length > 0 ? ", " : "", name);
		}
	}
	return ush_buf_take(&out);
}
