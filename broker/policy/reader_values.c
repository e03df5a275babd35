/* SPDX-License-Identifier: Apache-2.0
 *
 * One value of each type that a table can name.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "broker/policy/policy.h"
#include "broker/policy/reader.h"
#include "common/base/memory.h"

bool ush_parse_moment(const char *text, int64_t *seconds)
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

bool ush_parse_duration(const char *text, int64_t *seconds)
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

const char *ush_reader_found(const struct ush_node *node)
{
	return ush_node_is_null(node) ? "nothing" : ush_node_kind_name(node);
}

char *ush_reader_text(struct ush_reader *r, const struct ush_node *node, const char *path, bool may_be_empty)
{
	const char *text = ush_node_string(node);

	if (text == NULL)
		ush_reader_fault(r, node, path, "expected a string, found %s%s", ush_reader_found(node),
				 node->kind == USH_NODE_SCALAR && !ush_node_is_null(node) ? "; put it in quotes" : "");
	else if (!node->quoted && strncmp(text, "\xe2\x80", 2) == 0 && (text[2] & 0xfc) >= (char)0x98) /* U+2018 to U+201F */
		ush_reader_fault(r, node, path, "begins with a typographic quote, which would be a part of it; YAML's are \" and '");
	else if (*text == '\0' && !may_be_empty)
		ush_reader_fault(r, node, path, "is empty");
	return text != NULL && (*text != '\0' || may_be_empty) ? ush_strdup(text) : NULL;
}

char *ush_reader_string(struct ush_reader *r, const struct ush_node *map, const char *path, const char *key)
{
	const struct ush_node *node = ush_node_get(map, key);
	char full[USH_PATH_MAX];

	return node != NULL ? ush_reader_text(r, node, ush_reader_under(path, key, full), false) : NULL;
}

/* Nothing where they are spelt out beside it and few; "; did you mean In?" for "in". */
static const char *nearest_choice(const char *choices, const char *word, char *out, size_t size)
{
	USH_AUTO_FREE char *copy = ush_strdup(choices);
	const char *names[24];
	char *rest = copy;
	size_t count = 0;

	for (char *name = strsep(&rest, "|"); name != NULL && count + 1 < USH_COUNT(names); name = strsep(&rest, "|")) {
		if (strcasecmp(name, word) == 0) {
			snprintf(out, size, "; did you mean %s?", name);
			return out;
		}
		names[count++] = name;
	}
	names[count] = NULL;
	return ush_reader_nearest(word, names, out, size);
}

int ush_reader_choice(struct ush_reader *r, const struct ush_node *node, const char *path, const char *choices, const char *word)
{
	size_t length = strlen(word), spelt = 0;
	char list[160] = "", hint[96];
	int place = 0;

	for (const char *at = choices; at != NULL; place++) {
		size_t end = strcspn(at, "|");

		if (end == length && memcmp(at, word, length) == 0)
			return place;
		if (spelt < sizeof list)
			spelt += (size_t)snprintf(list + spelt, sizeof list - spelt, "%s%.*s", place == 0 ? "" : at[end] != '\0' ? ", " : " or ", (int)end, at);
		at = at[end] == '|' ? at + end + 1 : NULL;
	}
	ush_reader_fault(r, node, path, "expected %s, found \"%.64s\"%s", list, word, nearest_choice(choices, word, hint, sizeof hint));
	return -1;
}

/* ---- one function a type ---- */

static void refuse(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, const char *text)
{
	const char *why = form->refused != NULL && *text != '\0' ? form->refused(text) : NULL;

	if (why != NULL)
		ush_reader_fault(r, node, path, "\"%.64s\" %s", text, why);
}

static void read_text(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, void *out)
{
	char **text = out;
	USH_AUTO_FREE char *found = ush_reader_text(r, node, path, form->may_be_empty);

	if (found == NULL)
		return;
	refuse(r, node, path, form, found);
	free(*text);
	*text = ush_steal(&found);
}

static void read_texts(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, void *out)
{
	char item[USH_PATH_MAX];

	if (!ush_reader_list(r, node, path, false))
		return;
	for (size_t i = 0; i < node->count; i++) {
		USH_AUTO_FREE char *text = ush_reader_text(r, node->items[i], ush_reader_item(path, i, item), form->may_be_empty);

		if (text != NULL) {
			refuse(r, node->items[i], item, form, text);
			ush_list_add(out, text);
		}
	}
}

static void read_pairs(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, void *out)
{
	char item[USH_PATH_MAX];

	if (!ush_reader_names(r, node, path, form, "pair"))
		return;
	for (size_t i = 0; i < node->count; i++) {
		const struct ush_node *value = node->items[i];
		bool bare = form->numbers && value->kind == USH_NODE_SCALAR && strcmp(ush_node_kind_name(value), "number") == 0;
		USH_AUTO_FREE char *text = bare ? ush_strdup(value->text) : ush_reader_text(r, value, ush_reader_under(path, node->keys[i]->text, item), form->may_be_empty);
		USH_AUTO_FREE char *pair = text != NULL ? ush_printf("%s=%s", node->keys[i]->text, text) : NULL;

		if (pair != NULL)
			ush_list_add(out, pair);
	}
}

static void read_choice(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, void *out)
{
	USH_AUTO_FREE char *word = ush_reader_text(r, node, path, false);
	int place = word != NULL ? ush_reader_choice(r, node, path, form->choices, word) : -1;

	if (place >= 0)
		*(unsigned int *)out = (unsigned int)place;
}

static void read_number(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, void *out)
{
	long long number;

	if (!ush_node_integer(node, &number) || number < form->least || number > form->most)
		ush_reader_fault(r, node, path, "expected a number from %ld to %ld", form->least, form->most);
	else
		*(long *)out = (long)number;
}

static void read_flag(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, void *out)
{
	(void)form;
	if (!ush_node_bool(node, out))
		ush_reader_fault(r, node, path, "expected true or false, found %s", ush_reader_found(node));
}

static void read_time(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, void *out)
{
	bool moment = form->type == USH_FORM_TIME;
	const char *text = node->kind == USH_NODE_SCALAR ? node->text : ush_node_kind_name(node); /* 20270101 is a number, and no day either */
	int64_t seconds;

	if (ush_node_string(node) != NULL && (moment ? ush_parse_moment(text, &seconds) : ush_parse_duration(text, &seconds)))
		*(int64_t *)out = seconds;
	else
		ush_reader_fault(r, node, path, moment ? "expected a day (2027-01-01) or a time (2027-01-01T09:00:00Z), found \"%.64s\""
						       : "expected a duration (90s, 30m, 1h, 7d), found \"%.64s\"", text);
}

static void read_limit(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, void *out)
{
	const char *text = ush_node_string(node);
	struct ush_limit *limit = out;
	long long number;
	char *end;
	long percent;

	(void)form;
	*limit = (struct ush_limit){-1, -1};
	if (ush_node_integer(node, &number) && number >= 0 && number <= 1000000) {
		limit->count = (long)number;
		return;
	}
	if (text != NULL && *text >= '0' && *text <= '9') {
		percent = strtol(text, &end, 10);
		if (strcmp(end, "%") == 0 && percent <= 100) {
			limit->percent = percent;
			return;
		}
	}
	ush_reader_fault(r, node, path, "expected a number (20) or a percentage (25%%), found %.64s", text != NULL ? text : ush_node_kind_name(node));
}

static void read_map(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, void *out)
{
	ush_reader_map(r, node, path, form, out);
}

void ush_reader_value(struct ush_reader *r, const struct ush_node *node, const char *path, const struct ush_form *form, void *out)
{
	static void (*const read_type[])(struct ush_reader *, const struct ush_node *, const char *, const struct ush_form *, void *) = {
		[USH_FORM_TEXT] = read_text,	  [USH_FORM_TEXTS] = read_texts,     [USH_FORM_PAIRS] = read_pairs, [USH_FORM_CHOICE] = read_choice,
		[USH_FORM_NUMBER] = read_number, [USH_FORM_FLAG] = read_flag,	      [USH_FORM_TIME] = read_time,   [USH_FORM_DURATION] = read_time,
		[USH_FORM_LIMIT] = read_limit,	  [USH_FORM_MAP] = read_map,
	};

	read_type[form->type](r, node, path, form, out);
}
