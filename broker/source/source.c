/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/source.h"

#include <stdarg.h>
#include <string.h>

#include "broker/policy/naming.h"
#include "common/base/memory.h"
#include "common/base/text.h"

static const struct ush_source_ops *const sources[] = {
	&ush_source_file, /* one row a kind */
	&ush_source_keycloak,
};

static const struct ush_source_ops *ops_of(const struct ush_policy_source *source)
{
	for (size_t i = 0; i < USH_COUNT(sources); i++)
		if (strcmp(sources[i]->type, source->kind->type) == 0)
			return sources[i];
	return NULL;
}

const char *ush_thousands(size_t number, char *out, size_t size)
{
	char digits[24];
	size_t length, used = 0;

	length = (size_t)snprintf(digits, sizeof digits, "%zu", number);
	for (size_t i = 0; i < length && used + 2 < size; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			out[used++] = ',';
		out[used++] = digits[i];
	}
	out[used] = '\0';
	return out;
}

struct ush_group *ush_groups_add(struct ush_groups *groups, const char *id, const char *name, const char *path)
{
	USH_PUSH(groups->items, groups->count, ((struct ush_group){.id = ush_strdup(id), .name = ush_strdup(name), .path = ush_strdup(path)}));
	return &groups->items[groups->count - 1];
}

int ush_groups_incomplete(struct ush_groups *groups, const char *format, ...)
{
	char why[512];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	if (groups->why == NULL)
		groups->why = ush_strdup(why);
	return 0;
}

bool ush_source_wants_members(const struct ush_source_question *question, const struct ush_group *group)
{
	if (question->all_members)
		return true;
	for (size_t i = 0; question->refs != NULL && i < question->refs->count; i++)
		if (ush_name_refers(question->refs->items[i], group->id, group->name, group->path, question->how) ||
		    strcmp(question->refs->items[i], group->id) == 0)
			return true;
	return false;
}

void ush_groups_free(struct ush_groups *groups)
{
	for (size_t i = 0; i < groups->count; i++) {
		free(groups->items[i].id);
		free(groups->items[i].name);
		free(groups->items[i].path);
		ush_list_free(&groups->items[i].members);
	}
	free(groups->items);
	free(groups->where);
	free(groups->proof);
	free(groups->why);
	free(groups->advice);
	*groups = (struct ush_groups){0};
}

static int by_path(const void *a, const void *b)
{
	const struct ush_group *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	return order != 0 ? order : strcmp(x->id, y->id);
}

static void digest(struct ush_groups *groups)
{
	USH_AUTO_BUF all = {0};

	for (size_t i = 0; i < groups->count; i++) {
		const struct ush_group *group = &groups->items[i];

		ush_buf_printf(&all, "%zu %s%zu %s%zu %s%zu\n", strlen(group->id), group->id, strlen(group->name), group->name,
			       strlen(group->path), group->path, group->members.count);
		for (size_t j = 0; j < group->members.count; j++)
			ush_buf_printf(&all, "%s\n", group->members.items[j]);
	}
	ush_sha256_hex(all.data != NULL ? all.data : "", all.length, groups->digest);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void count_people(struct ush_groups *groups)
{
	size_t all = 0, count = 0;
	USH_AUTO_FREE char **names = NULL;

	for (size_t i = 0; i < groups->count; i++)
		all += groups->items[i].members.count;
	names = ush_alloc((all + 1) * sizeof *names);
	for (size_t i = 0; i < groups->count; i++)
		for (size_t j = 0; j < groups->items[i].members.count; j++)
			names[count++] = groups->items[i].members.items[j];
	qsort(names, count, sizeof *names, by_text);
	for (size_t i = 0; i < count; i++)
		groups->people += i == 0 || strcmp(names[i - 1], names[i]) != 0;
}

int ush_source_read(const struct ush_world *world, const struct ush_source_question *question, struct ush_groups *groups,
		    struct ush_error *err)
{
	const struct ush_source_ops *ops = ops_of(question->source);
	int64_t began = ush_boot_ms(world);

	if (ops == NULL)
		return ush_fail(err, USH_ERR_CONFIG, "source %s: this usher-broker was built without %s", question->source->name,
				question->source->kind->type);
	*groups = (struct ush_groups){.where = ops->where(question->source)};
	if (ops->read(world, question, groups, err) != 0)
		return ush_error_at(err, "source %s", question->source->name);
	for (size_t i = 0; i < groups->count; i++)
		ush_list_sort(&groups->items[i].members);
	if (groups->count > 0)
		qsort(groups->items, groups->count, sizeof *groups->items, by_path);
	count_people(groups);
	digest(groups);
	groups->complete = groups->why == NULL;
	groups->took_ms = ush_boot_ms(world) - began;
	return 0;
}
