/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/file_csv.h"

#include <search.h>
#include <string.h>
#include <strings.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#define FIELDS_MAX 3

struct row {
	char *fields[FIELDS_MAX];
	size_t count;
	bool too_many;
};

struct cursor {
	const char *at, *end;
	unsigned int line;
	const char *start;
};

static void row_free(struct row *row)
{
	for (size_t i = 0; i < row->count; i++)
		free(row->fields[i]);
	*row = (struct row){0};
}

#define AUTO_ROW __attribute__((cleanup(row_free))) struct row

/* One field up to a comma or the line's end. False when a quote does not close or the bytes are no text. */
static bool next_field(struct cursor *c, struct row *row)
{
	USH_AUTO_BUF field = USH_BUF_MAX(1 << 16);
	bool quoted = c->at < c->end && *c->at == '"';

	c->at += quoted;
	for (; c->at < c->end; c->at++) {
		if (quoted && *c->at == '"') {
			if (c->at + 1 < c->end && c->at[1] == '"') {
				c->at++;
			} else {
				c->at++;
				quoted = false;
				break;
			}
		} else if (!quoted && (*c->at == ',' || *c->at == '\n' || (*c->at == '\r' && c->at + 1 < c->end && c->at[1] == '\n'))) {
			break;
		}
		c->line += *c->at == '\n';
		ush_buf_add(&field, c->at, 1);
	}
	if (quoted || field.overflow || (field.length > 0 && (strlen(field.data) != field.length || !ush_text_is_utf8(field.data, field.length))))
		return false;
	row->too_many |= row->count == FIELDS_MAX;
	if (!row->too_many)
		row->fields[row->count++] = ush_buf_take(&field);
	return true;
}

/* One line. False when it is malformed. A file that ends without a newline has no whole last line. */
static bool next_row(struct cursor *c, struct row *row)
{
	while (next_field(c, row)) {
		if (c->at >= c->end)
			return false;
		if (*c->at == '\r')
			c->at++;
		if (c->at < c->end && *c->at == '\n') {
			c->at++;
			c->line++;
			return true;
		}
		if (c->at >= c->end || *c->at++ != ',')
			return false;
	}
	return false;
}

struct index_entry { /* finds a group by id among those read */
	char *id;
	size_t at;
};

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct index_entry *)a)->id, ((const struct index_entry *)b)->id);
}

static void free_entry(void *entry)
{
	free(((struct index_entry *)entry)->id);
	free(entry);
}

static struct ush_group *group_of(struct ush_groups *groups, void **index, const char *id, const char *name)
{
	struct index_entry probe = {(char *)id, 0}, *entry;
	void *found = tfind(&probe, index, by_id);
	USH_AUTO_FREE char *path = *name == '/' ? ush_strdup(name) : ush_printf("/%s", name);
	struct ush_group *group;

	if (found != NULL) {
		group = &groups->items[(*(struct index_entry **)found)->at];
		return strcmp(group->path, path) == 0 ? group : NULL;
	}
	if (groups->count >= USH_GROUPS_MAX)
		return NULL;
	entry = ush_new(struct index_entry);
	*entry = (struct index_entry){ush_strdup(id), groups->count};
	tsearch(entry, index, by_id);
	group = ush_groups_add(groups, id, *name == '/' ? ush_name_leaf(path) : name, path);
	group->members_known = true;
	return group;
}

static bool add_row(struct ush_groups *groups, void **index, const struct row *row, size_t columns)
{
	const char *name = row->fields[0], *member = row->fields[row->count - 1];
	struct ush_group *group;

	if (row->too_many || row->count != columns || *name == '\0' || (columns == 3 && *row->fields[1] == '\0') || *ush_name_leaf(name) == '\0')
		return false;
	group = group_of(groups, index, columns == 3 ? row->fields[1] : name, name);
	if (group != NULL && *member != '\0')
		ush_members_add(&group->members, member);
	return group != NULL;
}

static bool read_header(struct cursor *c, size_t *columns)
{
	AUTO_ROW row = {0};

	if (!next_row(c, &row) || row.too_many || row.count < 2)
		return false;
	*columns = row.count;
	return strcmp(row.fields[0], "group") == 0 && strcmp(row.fields[row.count - 1], "member") == 0 &&
	       (row.count == 2 || strcmp(row.fields[1], "id") == 0);
}

/* "#sha256,HEX" behind the count: of every byte before it. */
static void check_sum(struct cursor *c, const char *file, struct ush_groups *groups)
{
	AUTO_ROW row = {0};
	char hex[65];
	size_t length = (size_t)(c->at - c->start);

	if (!next_row(c, &row) || row.count != 2 || strcmp(row.fields[0], "#sha256") != 0 || c->at != c->end) {
		ush_groups_incomplete(groups, "%s:%u: there is more behind the trailer", file, c->line);
		return;
	}
	ush_sha256_hex(c->start, length, hex);
	if (strcasecmp(row.fields[1], hex) != 0)
		ush_groups_incomplete(groups, "%s: sha256 is not that of what stands before it, which is %s", file, hex);
}

/* The end: "#rows,N" with as many rows as stand before it, perhaps a checksum, and nothing behind. */
static void check_trailer(struct cursor *c, const struct row *row, size_t rows, const char *file, struct ush_groups *groups)
{
	char right[32];

	snprintf(right, sizeof right, "%zu", rows);
	if (row->count != 2 || strcmp(row->fields[1], right) != 0)
		ush_groups_incomplete(groups, "%s: the trailer says %.20s rows, %zu stand before it", file, row->count > 1 ? row->fields[1] : "no", rows);
	else if (c->at != c->end)
		check_sum(c, file, groups);
}

static void read_rows(struct cursor *c, const char *file, struct ush_groups *groups, void **index, size_t columns)
{
	for (size_t rows = 0; c->at < c->end; rows++) {
		AUTO_ROW row = {0};
		unsigned int line = c->line;

		if (!next_row(c, &row)) {
			ush_groups_incomplete(groups, "%s:%u: the line is cut off or malformed", file, line);
			return;
		}
		if (strcmp(row.fields[0], "#rows") == 0) {
			check_trailer(c, &row, rows, file, groups);
			return;
		}
		if (!add_row(groups, index, &row, columns)) {
			ush_groups_incomplete(groups, "%s:%u: is no row of group, %smember", file, line, columns == 3 ? "id, " : "");
			return;
		}
	}
	ush_groups_incomplete(groups, "%s: the trailer \"#rows,N\" is missing: without it nobody can tell a half-written file", file);
}

void ush_groups_from_csv(const char *text, size_t length, const char *file, struct ush_groups *groups)
{
	struct cursor c = {text, text + length, 1, text};
	void *index = NULL;
	size_t columns;

	c.at += ush_text_mark(text, length);
	if (!read_header(&c, &columns))
		ush_groups_incomplete(groups, "%s:1: expected the header group,member or group,id,member", file);
	else
		read_rows(&c, file, groups, &index, columns);
	tdestroy(index, free_entry);
}
