/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups from a file: CSV (file_csv.h), or JSON and YAML (file_tree.h). Whichever it is, it says itself how much it holds;
 * one that says nothing, or something else, is incomplete.
 */
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "broker/policy/naming.h"
#include "broker/source/file_csv.h"
#include "broker/source/file_tree.h"
#include "broker/source/record.h"
#include "broker/source/source.h"
#include "common/base/file.h"
#include "common/base/memory.h"

#define FILE_MAX (64U << 20)

static char *where(const struct ush_policy_source *source)
{
	return ush_printf("file %s", ush_source_text(source, "path"));
}

static bool is_csv(const struct ush_policy_source *source)
{
	const char *format = ush_source_text(source, "format"), *file = ush_source_text(source, "path");
	size_t length = strlen(file);

	if (format != NULL)
		return strcmp(format, "csv") == 0;
	return length > 4 && strcasecmp(file + length - 4, ".csv") == 0;
}

/* A file that is being written while it is read is neither the old one nor the new one. */
static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* What the file holds; -1 when groups are incomplete already. */
static int take_text(const struct ush_world *world, const char *file, struct ush_buf *text, struct ush_groups *groups)
{
	USH_AUTO_FREE char *request = ush_printf("file %s", ush_name_leaf(file));
	struct ush_error why = {0};
	struct stat before = {0}, after = {0};
	bool there;

	if (ush_replaying(world)) {
		if (ush_record_get(world, request, text, &why) != 0)
			ush_groups_incomplete(groups, "%s", why.what);
		return groups->why != NULL ? -1 : 0;
	}
	there = stat(file, &before) == 0;
	if (ush_file_read(file, USH_FILE_ANY, USH_ERR_INCOMPLETE, text, NULL, &why) != 0)
		ush_groups_incomplete(groups, "%s", why.what);
	else if (there && (stat(file, &after) != 0 || !same(&before, &after)))
		ush_groups_incomplete(groups, "%s changed while it was read", file);
	else
		ush_record_put(world, request, text->data, text->length);
	return groups->why != NULL ? -1 : 0;
}

static int read_file(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups,
		     struct ush_error *err)
{
	const char *file = ush_source_text(question->source, "path");
	USH_AUTO_BUF text = USH_BUF_MAX(FILE_MAX);

	(void)err;
	if (take_text(world, file, &text, groups) != 0)
		return 0;
	if (text.length == 0)
		return ush_groups_incomplete(groups, "%s is empty: it says neither groups nor how many there are", file);
	if (is_csv(question->source))
		ush_groups_from_csv(text.data, text.length, file, groups);
	else
		ush_groups_from_tree(text.data, text.length, file, groups);
	ush_groups_check_ids(file, groups);
	if (groups->why == NULL)
		groups->proof = ush_strdup("the file's own count");
	return 0;
}

const struct ush_source_ops ush_source_file = {"file", where, read_file};
