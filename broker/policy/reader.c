/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/policy/reader.h"

#include <stdarg.h>
#include <string.h>

#include "common/base/cli.h"
#include "common/base/memory.h"

/* ---- faults ---- */

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

const char *ush_reader_nearest_of(const char *word, const void *structs, size_t count, size_t struct_size, char *out, size_t size)
{
	USH_AUTO_FREE const char **names = ush_alloc((count + 1) * sizeof *names);

	for (size_t i = 0; i < count; i++)
		memcpy(&names[i], (const char *)structs + i * struct_size, sizeof *names);
	return ush_reader_nearest(word, names, out, size);
}

const char *ush_reader_under(const char *path, const char *key, char *out)
{
	snprintf(out, USH_PATH_MAX, "%s%s%.64s", path, *path != '\0' ? "." : "", key);
	return out;
}

const char *ush_reader_item(const char *path, size_t number, char *out)
{
	snprintf(out, USH_PATH_MAX, "%s[%zu]", path, number);
	return out;
}

/* ---- maps and lists ---- */

static const struct ush_member *member(const struct ush_member *members, const char *name)
{
	for (; members->name != NULL; members++)
		if (strcmp(members->name, name) == 0)
			return members;
	return NULL;
}

static void unknown(struct ush_reader *r, const struct ush_node *key, const char *path, const struct ush_member *members)
{
	const char *names[64];
	char hint[96];
	size_t count = 0;

	for (; members->name != NULL && count + 1 < USH_COUNT(names); members++)
		names[count++] = members->name;
	names[count] = NULL;
	ush_reader_fault(r, key, path, "there is no member \"%.64s\"%s", key->text, ush_reader_nearest(key->text, names, hint, sizeof hint));
}

/* "a|b|c" as "a, b and c", or from the second on. */
static void spell(const char *alternatives, bool from_second, const char *last, char *out, size_t size)
{
	size_t used = 0;

	*out = '\0';
	for (const char *at = from_second ? strchr(alternatives, '|') + 1 : alternatives; at != NULL && used < size;) {
		const char *end = strchr(at, '|');
		const char *between = used == 0 ? "" : end == NULL ? last : ", ";

		used += (size_t)snprintf(out + used, size - used, "%s%.*s", between, end != NULL ? (int)(end - at) : (int)strlen(at), at);
		at = end != NULL ? end + 1 : NULL;
	}
}

static void check_alternatives(struct ush_reader *r, const struct ush_node *node, const char *path, const char *alternatives)
{
	bool optional = *alternatives == '?';
	const char *all = alternatives + (optional ? 1 : 0);
	USH_AUTO_FREE char *copy = ush_strdup(all);
	char *rest = copy, spelt[200];
	size_t found = 0;

	for (char *name = strsep(&rest, "|"); name != NULL; name = strsep(&rest, "|"))
		found += ush_node_get(node, name) != NULL;
	if (found == 0 && !optional) {
		spell(all, true, ", ", spelt, sizeof spelt);
		ush_reader_fault(r, node, path, "%.*s is missing (or %s)", (int)strcspn(all, "|"), all, spelt);
	} else if (found > 1) {
		spell(all, false, " and ", spelt, sizeof spelt);
		ush_reader_fault(r, node, path, "has more than one of %s", spelt);
	}
}

bool ush_reader_map(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, void *out)
{
	char full[USH_PATH_MAX];

	if (node->kind != USH_NODE_MAP) {
		ush_reader_fault(r, node, path, "expected a map, found %s", ush_reader_found(node));
		return false;
	}
	for (size_t i = 0; i < node->count; i++)
		if (member(form->members, node->keys[i]->text) == NULL)
			unknown(r, node->keys[i], path, form->members);
	for (const struct ush_member *m = form->members; m->name != NULL; m++) {
		const struct ush_node *value = ush_node_get(node, m->name);

		if (m->required && value == NULL)
			ush_reader_fault(r, node, path, "%s is missing", m->name);
		if (value != NULL && m->offset != USH_BY_HAND && out != NULL)
			ush_reader_value(r, value, ush_reader_under(path, m->name, full), m->form, (char *)out + m->offset);
	}
	for (const char *const *alternatives = form->alternatives; alternatives != NULL && *alternatives != NULL; alternatives++)
		check_alternatives(r, node, path, *alternatives);
	return true;
}

bool ush_reader_list(struct ush_reader *r, const struct ush_node *node, const char *path, bool may_be_empty)
{
	if (node->kind != USH_NODE_LIST)
		ush_reader_fault(r, node, path, "expected a list, found %s%s", ush_reader_found(node),
				 ush_node_string(node) != NULL ? "; put it in [ ]" : node->kind == USH_NODE_MAP ? "; its items begin with \"- \"" : "");
	else if (node->count == 0 && !may_be_empty)
		ush_reader_fault(r, node, path, "is an empty list");
	return node->kind == USH_NODE_LIST && node->count > 0;
}

bool ush_reader_names(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, const char *least)
{
	char full[USH_PATH_MAX];

	if (node->kind != USH_NODE_MAP || (node->count == 0 && least != NULL)) {
		ush_reader_fault(r, node, path, "expected a map%s%s, found %s", least != NULL ? " of at least one " : "", least != NULL ? least : "",
				 node->kind == USH_NODE_MAP ? "none" : ush_reader_found(node));
		return false;
	}
	for (size_t i = 0; i < node->count; i++) {
		const char *why = form->refused != NULL ? form->refused(node->keys[i]->text) : NULL;

		if (why != NULL)
			ush_reader_fault(r, node->keys[i], ush_reader_under(path, node->keys[i]->text, full), "the name %s", why);
	}
	return true;
}
