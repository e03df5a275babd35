/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/policy/reader.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "common/base/cli.h"
#include "common/base/memory.h"

static void note(struct ush_reader *r, const struct ush_node *at, const char *path, const char *key, const char *why)
{
	USH_AUTO_FREE char *line = ush_printf("%s:%u:%u: %s%s%s%s%s", r->file, at->line, at->column, path, *path != '\0' && *key != '\0' ? "." : "", key,
					      *path != '\0' || *key != '\0' ? ": " : "", why);

	ush_fail(r->err, USH_ERR_CONFIG, "%s", line);
	if (r->faults != NULL)
		ush_list_add(r->faults, line);
	r->count++;
}

void ush_reader_fault(struct ush_reader *r, const struct ush_node *at, const char *path, const char *format, ...)
{
	char why[320];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	note(r, at, path, "", why);
}

void ush_reader_member_fault(struct ush_reader *r, const struct ush_node *at, const char *path, const char *key, const char *format, ...)
{
	char why[320];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	note(r, at, path, key, why);
}

const char *ush_reader_nearest(const char *word, const char *const *candidates, char *out, size_t size)
{
	const char *nearest = ush_cli_nearest(word, candidates);

	snprintf(out, size, nearest != NULL ? "; did you mean %s?" : "%s", nearest != NULL ? nearest : "");
	return out;
}

static const struct ush_member *member(const struct ush_member *members, const char *name)
{
	for (; members->name != NULL; members++)
		if (strcmp(members->name, name) == 0)
			return members;
	return NULL;
}

static void unknown(struct ush_reader *r, const struct ush_node *key, const char *path, const struct ush_member *members)
{
	const char *names[32];
	char hint[96];
	size_t count = 0;

	for (; members->name != NULL && count + 1 < USH_COUNT(names); members++)
		if (members->kind != USH_MEMBER_LATER)
			names[count++] = members->name;
	names[count] = NULL;
	ush_reader_fault(r, key, path, "there is no member \"%s\"%s", key->text, ush_reader_nearest(key->text, names, hint, sizeof hint));
}

bool ush_reader_map(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_member *members)
{
	if (node->kind != USH_NODE_MAP) {
		ush_reader_fault(r, node, path, "expected a map, found %s", ush_node_kind_name(node));
		return false;
	}
	for (size_t i = 0; i < node->count; i++) {
		const struct ush_member *m = member(members, node->keys[i]->text);

		if (m == NULL)
			unknown(r, node->keys[i], path, members);
		else if (m->kind == USH_MEMBER_LATER)
			ush_reader_fault(r, node->keys[i], path, "%s is not in this version yet", m->name);
	}
	for (; members->name != NULL; members++)
		if (members->kind == USH_MEMBER_REQUIRED && ush_node_get(node, members->name) == NULL)
			ush_reader_fault(r, node, path, "%s is missing", members->name);
	return true;
}

bool ush_reader_list(struct ush_reader *r, const struct ush_node *node, const char *path)
{
	if (node->kind != USH_NODE_LIST)
		ush_reader_fault(r, node, path, "expected a list, found %s", ush_node_kind_name(node));
	else if (node->count == 0)
		ush_reader_fault(r, node, path, "is an empty list");
	return node->kind == USH_NODE_LIST && node->count > 0;
}

/* The path of a member: "grants[1].role", or "cluster" at the top. */
static const char *under(const char *path, const char *key, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s", path, *path != '\0' ? "." : "", key);
	return out;
}

static char *string_of(struct ush_reader *r, const struct ush_node *node, const char *path)
{
	const char *text = ush_node_string(node);

	if (text == NULL)
		ush_reader_fault(r, node, path, "expected a string, found %s%s", ush_node_kind_name(node),
				 node->kind == USH_NODE_SCALAR ? "; put it in quotes" : "");
	else if (*text == '\0')
		ush_reader_fault(r, node, path, "is empty");
	return text != NULL && *text != '\0' ? ush_strdup(text) : NULL;
}

char *ush_reader_string(struct ush_reader *r, const struct ush_node *map, const char *path, const char *key)
{
	const struct ush_node *node = ush_node_get(map, key);
	char full[256];

	return node != NULL ? string_of(r, node, under(path, key, full, sizeof full)) : NULL;
}

void ush_reader_strings(struct ush_reader *r, const struct ush_node *map, const char *path, const char *key, struct ush_list *out)
{
	const struct ush_node *node = ush_node_get(map, key);
	char full[256], item[288];

	if (node == NULL || !ush_reader_list(r, node, under(path, key, full, sizeof full)))
		return;
	for (size_t i = 0; i < node->count; i++) {
		USH_AUTO_FREE char *text = NULL;

		snprintf(item, sizeof item, "%s[%zu]", full, i);
		/* apiGroups: [""] is Kubernetes' spelling of its core group */
		text = strcmp(key, "apiGroups") == 0 && ush_node_string(node->items[i]) != NULL ? ush_strdup(ush_node_string(node->items[i]))
											      : string_of(r, node->items[i], item);
		if (text != NULL)
			ush_list_add(out, text);
	}
}

static bool parse_time(const char *text, int64_t *seconds)
{
	char day[16], moment[32];
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%d", &tm);

	if (end != NULL && *end != '\0')
		end = strptime(end, "T%H:%M:%SZ", &tm);
	if (end == NULL || *end != '\0')
		return false;
	*seconds = timegm(&tm); /* normalises February 30 away; such a date does not print as it was written */
	gmtime_r(&(time_t){*seconds}, &tm);
	strftime(day, sizeof day, "%Y-%m-%d", &tm);
	strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return *seconds > 0 && (strcmp(text, day) == 0 || strcmp(text, moment) == 0);
}

int64_t ush_reader_time(struct ush_reader *r, const struct ush_node *map, const char *path, const char *key)
{
	USH_AUTO_FREE char *text = ush_reader_string(r, map, path, key);
	char full[256];
	int64_t seconds = 0;

	if (text != NULL && !parse_time(text, &seconds)) {
		ush_reader_fault(r, ush_node_get(map, key), under(path, key, full, sizeof full),
				 "expected a day (2027-01-01) or a time (2027-01-01T09:00:00Z), found \"%.64s\"", text);
		seconds = 0;
	}
	return seconds;
}

static bool parse_duration(const char *text, int64_t *seconds)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	char *end;
	long value;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || value > 1000000 || end[0] == '\0' || end[1] != '\0')
		return false;
	for (size_t i = 0; i < USH_COUNT(units); i++)
		if (units[i].unit == *end) {
			*seconds = value * units[i].seconds;
			return true;
		}
	return false;
}

int64_t ush_reader_duration(struct ush_reader *r, const struct ush_node *map, const char *path, const char *key, int64_t fallback)
{
	USH_AUTO_FREE char *text = ush_reader_string(r, map, path, key);
	char full[256];

	if (text != NULL && !parse_duration(text, &fallback))
		ush_reader_fault(r, ush_node_get(map, key), under(path, key, full, sizeof full), "expected a duration (90s, 30m, 1h, 7d), found \"%.64s\"", text);
	return fallback;
}
