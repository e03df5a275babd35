/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/apply/render.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "broker/source/source.h"
#include "broker/sync/state/store.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/data/json.h"
#include "common/data/yaml.h"

#define FILE_MAX  (64U << 20)
#define WRECK_AGE 600 /* s */

void ush_rendered_free(struct ush_rendered *rendered)
{
	ush_list_free(&rendered->foreign);
	*rendered = (struct ush_rendered){0};
}

/* The first line of a file of ours: by it we know it again. */
static char *first_line(const char *policy)
{
	return ush_printf("# usher-broker render, policy %s: do not edit, the next run writes it anew\n", policy);
}

/* ---- one file's text ---- */

static const char *namespace_of(const json_t *object)
{
	return ush_json_string(ush_json_object(object, "metadata"), "namespace");
}

/* Nothing but these two kinds, each in a namespace, is ever written: there is no way here to a ClusterRoleBinding. */
static int check_kind(const json_t *object, const char *namespace_name, struct ush_error *err)
{
	const char *kind = ush_json_string(object, "kind"), *its = namespace_of(object);

	if (kind == NULL || (strcmp(kind, "Role") != 0 && strcmp(kind, "RoleBinding") != 0) || its == NULL || *its == '\0' || strcmp(its, namespace_name) != 0)
		return ush_fail(err, USH_ERR_STORE, "refusing to write a %s outside a namespace", kind != NULL ? kind : "thing");
	return 0;
}

/* What was written, read as anybody would read it, is what was meant. */
static int read_back(const char *text, json_t *const *objects, size_t count, struct ush_error *err)
{
	struct ush_node **documents = NULL;
	size_t read = 0, bad;

	if (ush_yaml_read(text, strlen(text), "rendered", USH_ERR_STORE, &documents, &read, err) != 0)
		return -1;
	bad = read != count;
	for (size_t i = 0; i < read && !bad; i++) {
		USH_AUTO_JSON again = ush_yaml_to_json(documents[i]);

		bad = !json_equal(again, objects[i]) || check_kind(again, namespace_of(objects[0]), err) != 0;
	}
	ush_yaml_free_all(documents, read);
	return bad ? ush_fail(err, USH_ERR_STORE, "what was rendered for %s does not read back as it was meant", namespace_of(objects[0])) : 0;
}

char *ush_render_text(const char *policy, json_t *const *objects, size_t count, struct ush_error *err)
{
	USH_AUTO_FREE char *line = first_line(policy), *text = NULL;
	struct ush_buf out = {0};

	ush_buf_puts(&out, line);
	for (size_t i = 0; i < count; i++) {
		if (check_kind(objects[i], namespace_of(objects[0]), err) != 0) {
			ush_buf_free(&out);
			return NULL;
		}
		ush_buf_puts(&out, "---\n");
		if (ush_yaml_write(&out, objects[i], true) != 0) {
			ush_buf_free(&out);
			ush_fail(err, USH_ERR_STORE, "cannot write the objects of %s as YAML", namespace_of(objects[0]));
			return NULL;
		}
	}
	text = ush_buf_take(&out);
	return read_back(text, objects, count, err) == 0 ? ush_steal(&text) : NULL;
}

/* ---- the folder ---- */

enum whose { MISSING, OURS, OURS_AND_SAME, THEIRS };

/* Whose is the file at path, and does it hold text (which may be NULL) already? */
static enum whose look(const char *path, const char *line, const char *text)
{
	USH_AUTO_BUF there = USH_BUF_MAX(FILE_MAX);
	struct ush_error ignored = {0};
	bool missing;

	if (ush_file_read(path, USH_FILE_ANY, USH_ERR_STORE, &there, &missing, &ignored) != 0)
		return missing ? MISSING : THEIRS;
	if (strncmp(there.data, line, strlen(line)) != 0)
		return THEIRS;
	return text != NULL && strcmp(there.data, text) == 0 ? OURS_AND_SAME : OURS;
}

/* "a.yaml", or "a.POLICY.yaml" beside those of the default policy. */
static char *file_name(const char *namespace_name, const char *policy)
{
	bool plain = strcmp(policy, "default") == 0;

	return ush_printf("%s%s%s.yaml", namespace_name, plain ? "" : ".", plain ? "" : policy);
}

static char *objects_text(const struct ush_plan *plan, size_t from, size_t count, struct ush_error *err)
{
	json_t **objects = ush_alloc(count * sizeof *objects);
	char *text;

	for (size_t i = 0; i < count; i++)
		objects[i] = ush_object_json(plan, &plan->objects[from + i]);
	text = ush_render_text(plan->policy, objects, count, err);
	for (size_t i = 0; i < count; i++)
		json_decref(objects[i]);
	free(objects);
	return text;
}

static int write_namespace(const char *folder, const struct ush_plan *plan, size_t from, size_t count, struct ush_list *names,
			   struct ush_rendered *rendered, struct ush_error *err)
{
	USH_AUTO_FREE char *line = first_line(plan->policy), *text = objects_text(plan, from, count, err);
	USH_AUTO_FREE char *name = file_name(plan->objects[from].namespace_name, plan->policy), *path = ush_printf("%s/%s", folder, name);

	if (text == NULL)
		return -1;
	ush_list_add(names, name);
	switch (look(path, line, text)) {
	case THEIRS:
		ush_list_add(&rendered->foreign, path);
		return 0;
	case OURS_AND_SAME:
		rendered->unchanged++;
		return 0;
	case MISSING:
	case OURS:
		break;
	}
	rendered->written++;
	return ush_file_write(path, text, strlen(text), 0644, err);
}

static int by_place(const void *a, const void *b)
{
	const struct ush_object *x = a, *y = b;

	return ush_key_order(x->namespace_name, x->kind, x->name, y->namespace_name, y->kind, y->name);
}

/*
 * What a run that was killed left of a file of ours: NAME.yaml.XXXXXX (ush_file_write), with the beginning of one in it. A
 * young one may belong to a run that is at work, and NAME.yaml.backup is somebody's.
 */
static bool is_wreck(const char *path, const char *line)
{
	USH_AUTO_BUF there = USH_BUF_MAX(FILE_MAX);
	size_t length = strlen(path), all = strlen(line);
	struct ush_error ignored = {0};
	struct stat st;

	if (length < 12 || path[length - 7] != '.' || strncmp(path + length - 12, ".yaml", 5) != 0 ||
	    strspn(path + length - 6, "abcdefghijklmnopqrstuvwxyz") == 6 || lstat(path, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_mtime > time(NULL) - WRECK_AGE || ush_file_read(path, USH_FILE_ANY, USH_ERR_STORE, &there, NULL, &ignored) != 0)
		return false;
	return strncmp(there.data, line, there.length < all ? there.length : all) == 0;
}

static bool is_rest(const char *path, const char *name, const char *line, const struct ush_list *names)
{
	size_t length = strlen(name);

	if (is_wreck(path, line))
		return true;
	return length >= 6 && strcmp(name + length - 5, ".yaml") == 0 && !ush_list_has(names, name) && look(path, line, NULL) == OURS;
}

/* Files of ours that nothing is in any more. names is sorted. */
static int remove_rest(const char *folder, const char *policy, const struct ush_list *names, struct ush_rendered *rendered, struct ush_error *err)
{
	USH_AUTO_FREE char *line = first_line(policy);
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int result = 0;

	if (dir == NULL)
		return ush_fail(err, USH_ERR_STORE, "%s: %s", folder, strerror(errno));
	while (result == 0 && (entry = readdir(dir)) != NULL) {
		USH_AUTO_FREE char *path = ush_printf("%s/%s", folder, entry->d_name);

		if (!is_rest(path, entry->d_name, line, names))
			continue;
		if (unlink(path) != 0)
			result = ush_fail(err, USH_ERR_STORE, "%s: %s", path, strerror(errno));
		rendered->removed++;
	}
	closedir(dir);
	return result;
}

/* Every namespace's file; names gets theirs. */
static int write_all(const char *folder, const struct ush_plan *plan, struct ush_list *names, struct ush_rendered *rendered, struct ush_error *err)
{
	int result = 0;

	*rendered = (struct ush_rendered){0};
	if (plan->object_count > 0)
		qsort(plan->objects, plan->object_count, sizeof *plan->objects, by_place);
	for (size_t i = 0, count; i < plan->object_count && result == 0; i += count) {
		for (count = 1; i + count < plan->object_count && strcmp(plan->objects[i].namespace_name, plan->objects[i + count].namespace_name) == 0;)
			count++;
		result = write_namespace(folder, plan, i, count, names, rendered, err);
	}
	return result;
}

int ush_render_whole(const char *folder, const struct ush_plan *plan, struct ush_rendered *rendered, struct ush_error *err)
{
	struct ush_list names = {0};
	int result = write_all(folder, plan, &names, rendered, err);

	ush_list_free(&names);
	return result == 0 ? ush_state_save_file(&plan->state, folder, plan->policy, err) : -1;
}

/* Whose a name was is noted before it is taken out: a run that is killed in between would forget it, and the name pass to
 * another group unasked. */
int ush_render(const char *folder, const struct ush_plan *plan, struct ush_rendered *rendered, struct ush_error *err)
{
	struct ush_list names = {0};
	int result;

	if (mkdir(folder, 0755) != 0 && errno != EEXIST)
		return ush_fail(err, USH_ERR_STORE, "%s: %s", folder, strerror(errno));
	result = plan->state_changed || plan->notes_ledger ? ush_state_save_file(&plan->state, folder, plan->policy, err) : 0;
	if (result == 0)
		result = write_all(folder, plan, &names, rendered, err);
	if (result == 0)
		result = remove_rest(folder, plan->policy, &names, rendered, err);
	ush_list_free(&names);
	return result;
}
