/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receive/filter.h"

#include <string.h>
#include <strings.h>

#include "common/base/memory.h"

struct parser {
	const char *at;
	unsigned int depth, nodes;
	struct ush_scim_fault *fault;
	const char *type; /* of the fault */
};

/* ---- memory ---- */

void ush_scim_path_free(struct ush_scim_path *path)
{
	free(path->urn);
	free(path->attr);
	free(path->sub);
	*path = (struct ush_scim_path){0};
}

void ush_filter_free(struct ush_filter *filter)
{
	if (filter == NULL)
		return;
	ush_filter_free(filter->left);
	ush_filter_free(filter->right);
	ush_scim_path_free(&filter->path);
	json_decref(filter->value);
	free(filter);
}

void ush_filter_free_indirect(struct ush_filter **filter)
{
	ush_filter_free(*filter);
}

void ush_scim_target_free(struct ush_scim_target *target)
{
	ush_scim_path_free(&target->path);
	ush_filter_free(target->filter);
	target->filter = NULL;
}

/* ---- words ---- */

static int wrong(struct parser *p, const char *what)
{
	return ush_scim_fail(p->fault, 400, p->type, "expected %s at \"%.40s\"", what, p->at);
}

static void spaces(struct parser *p)
{
	p->at += strspn(p->at, " ");
}

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '$';
}

static size_t word_length(const char *at)
{
	size_t length = 0;

	while (name_char(at[length]) || at[length] == '.' || at[length] == ':')
		length++;
	return length;
}

/* The word when it comes next and ends there; it is then behind us. */
static bool word(struct parser *p, const char *text)
{
	size_t length = strlen(text);

	if (strncasecmp(p->at, text, length) != 0 || name_char(p->at[length]) || p->at[length] == '.' || p->at[length] == ':')
		return false;
	p->at += length;
	return true;
}

static bool is_name(const char *text, size_t length)
{
	if (length == 0 || length > 256 || (text[0] >= '0' && text[0] <= '9') || text[0] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!name_char(text[i]))
			return false;
	return true;
}

/* Where the URN of a schema ends, which holds dots and colons itself: at its last colon, or, as "User" and "Group" end those
 * of RFC 7643, behind that word (some clients write a dot there). 0: no URN. */
static size_t urn_length(const char *text, size_t length)
{
	static const char *const last[] = {"User", "Group"};
	const char *colon = memrchr(text, ':', length);
	size_t tail;

	if (colon == NULL)
		return 0;
	tail = length - (size_t)(colon - text) - 1;
	for (size_t i = 0; i < USH_COUNT(last); i++) {
		size_t size = strlen(last[i]);

		if (tail >= size && strncasecmp(colon + 1, last[i], size) == 0 && (tail == size || colon[1 + size] == '.'))
			return (size_t)(colon - text) + 1 + size;
	}
	return (size_t)(colon - text);
}

static bool is_core(const char *urn)
{
	return strcasecmp(urn, USH_SCIM_USER_URN) == 0 || strcasecmp(urn, USH_SCIM_GROUP_URN) == 0;
}

/* [URN:]name[.sub]; a URN alone is the extension as a whole: an attribute with that name. */
static int parse_path(struct parser *p, struct ush_scim_path *path)
{
	size_t length = word_length(p->at), urn = urn_length(p->at, length);
	const char *name = p->at + urn + (urn > 0 && urn < length), *end = p->at + length, *dot;

	if (length > 1024)
		return wrong(p, "a shorter name");
	if (urn > 0 && urn == length) {
		path->attr = ush_strndup(p->at, urn);
		p->at = end;
		return 0;
	}
	dot = memchr(name, '.', (size_t)(end - name));
	if (!is_name(name, (size_t)((dot != NULL ? dot : end) - name)) || (dot != NULL && !is_name(dot + 1, (size_t)(end - dot) - 1)))
		return wrong(p, "the name of an attribute");
	path->urn = urn > 0 ? ush_strndup(p->at, urn) : NULL;
	if (path->urn != NULL && is_core(path->urn))
		free(ush_steal(&path->urn));
	path->attr = ush_strndup(name, (size_t)((dot != NULL ? dot : end) - name));
	path->sub = dot != NULL ? ush_strndup(dot + 1, (size_t)(end - dot) - 1) : NULL;
	p->at = end;
	return 0;
}

/* ---- comparisons ---- */

static size_t string_length(const char *at)
{
	size_t i = 1;

	while (at[i] != '"' && at[i] != '\0')
		i += at[i] == '\\' && at[i + 1] != '\0' ? 2 : 1;
	return at[i] == '"' ? i + 1 : 0;
}

/* A JSON value that is no object and no list. Entra has been seen to write True and False. */
static int parse_value(struct parser *p, json_t **out)
{
	size_t length = *p->at == '"' ? string_length(p->at) : strcspn(p->at, " )]");
	json_error_t why;

	if (word(p, "true"))
		*out = json_true();
	else if (word(p, "false"))
		*out = json_false();
	else if (word(p, "null"))
		*out = json_null();
	else if (length > 0 && length <= USH_FILTER_LENGTH && strchr("\"-0123456789", *p->at) != NULL &&
		 (*out = json_loadb(p->at, length, JSON_DECODE_ANY, &why)) != NULL)
		p->at += length;
	else
		return wrong(p, "a value");
	return 0;
}

static const struct {
	const char *word;
	enum ush_filter_op op;
} comparisons[] = {
	{"eq", USH_FILTER_EQ}, {"ne", USH_FILTER_NE}, {"co", USH_FILTER_CO}, {"sw", USH_FILTER_SW}, {"ew", USH_FILTER_EW},
	{"gt", USH_FILTER_GT}, {"ge", USH_FILTER_GE}, {"lt", USH_FILTER_LT}, {"le", USH_FILTER_LE},
};

static struct ush_filter *node(struct parser *p, enum ush_filter_op op)
{
	struct ush_filter *filter = ush_new(struct ush_filter);

	filter->op = op;
	if (++p->nodes > USH_FILTER_NODES)
		ush_scim_fail(p->fault, 400, p->type, "more than %d comparisons", USH_FILTER_NODES);
	return filter;
}

static struct ush_filter *parse_or(struct parser *p);

/* In brackets behind an attribute: what one of its values must be. */
static int parse_some(struct parser *p, struct ush_filter *filter)
{
	p->at++;
	filter->op = USH_FILTER_SOME;
	filter->left = parse_or(p);
	spaces(p);
	if (filter->left == NULL || *p->at != ']')
		return wrong(p, "]");
	p->at++;
	return 0;
}

static int parse_comparison(struct parser *p, struct ush_filter *filter)
{
	spaces(p);
	if (word(p, "pr")) {
		filter->op = USH_FILTER_PR;
		return 0;
	}
	for (size_t i = 0; i < USH_COUNT(comparisons); i++) {
		if (!word(p, comparisons[i].word))
			continue;
		filter->op = comparisons[i].op;
		spaces(p);
		return parse_value(p, &filter->value);
	}
	return wrong(p, "a comparison");
}

/* attr[...] op value is not in the grammar, but attr[...].sub op value is what Entra asks for people by. */
static int parse_behind_some(struct parser *p, struct ush_filter *filter)
{
	struct ush_filter *inner, *both;

	if (*p->at != '.')
		return 0;
	p->at++;
	inner = node(p, USH_FILTER_EQ);
	both = node(p, USH_FILTER_AND);
	both->left = ush_steal(&filter->left);
	both->right = inner;
	filter->left = both;
	return parse_path(p, &inner->path) != 0 || inner->path.sub != NULL ? wrong(p, "a part of the attribute") : parse_comparison(p, inner);
}

static int parse_attribute(struct parser *p, struct ush_filter *filter)
{
	if (parse_path(p, &filter->path) != 0)
		return -1;
	if (*p->at != '[')
		return parse_comparison(p, filter);
	return parse_some(p, filter) == 0 ? parse_behind_some(p, filter) : -1;
}

static int parse_parens(struct parser *p, struct ush_filter **inner)
{
	spaces(p);
	if (*p->at != '(')
		return wrong(p, "(");
	p->at++;
	*inner = parse_or(p);
	spaces(p);
	if (*inner == NULL || *p->at != ')')
		return wrong(p, ")");
	p->at++;
	return 0;
}

static struct ush_filter *parse_one(struct parser *p)
{
	USH_AUTO_FILTER filter = NULL;
	int result;

	spaces(p);
	if (*p->at == '(') {
		result = parse_parens(p, &filter);
	} else if (word(p, "not")) {
		filter = node(p, USH_FILTER_NOT);
		result = parse_parens(p, &filter->left);
	} else {
		filter = node(p, USH_FILTER_EQ);
		result = parse_attribute(p, filter);
	}
	return result == 0 && p->fault->status == 0 ? ush_steal(&filter) : NULL;
}

/* left OP left OP left, as long as the word comes. */
static struct ush_filter *parse_chain(struct parser *p, const char *text, enum ush_filter_op op, struct ush_filter *(*one)(struct parser *))
{
	struct ush_filter *left = one(p);

	while (left != NULL && (spaces(p), word(p, text))) {
		struct ush_filter *both = node(p, op);

		both->left = left;
		both->right = one(p);
		left = both;
		if (both->right == NULL) {
			ush_filter_free(both);
			return NULL;
		}
	}
	return left;
}

static struct ush_filter *parse_and(struct parser *p)
{
	return parse_chain(p, "and", USH_FILTER_AND, parse_one);
}

static struct ush_filter *parse_or(struct parser *p)
{
	struct ush_filter *filter = NULL;

	if (++p->depth > USH_FILTER_DEPTH)
		ush_scim_fail(p->fault, 400, p->type, "nested deeper than %d", USH_FILTER_DEPTH);
	else
		filter = parse_chain(p, "or", USH_FILTER_OR, parse_and);
	p->depth--;
	return filter;
}

/* ---- wholes ---- */

static bool ends(struct parser *p)
{
	spaces(p);
	if (*p->at != '\0')
		wrong(p, "the end");
	return p->fault->status == 0;
}

static bool short_enough(struct parser *p)
{
	if (strlen(p->at) > USH_FILTER_LENGTH)
		ush_scim_fail(p->fault, 400, p->type, "longer than %d bytes", USH_FILTER_LENGTH);
	return p->fault->status == 0;
}

struct ush_filter *ush_filter_parse(const char *text, struct ush_scim_fault *fault)
{
	struct parser p = {.at = text, .fault = fault, .type = "invalidFilter"};
	USH_AUTO_FILTER filter = short_enough(&p) ? parse_or(&p) : NULL;

	return filter != NULL && ends(&p) ? ush_steal(&filter) : NULL;
}

int ush_scim_target_parse(const char *text, struct ush_scim_target *target, struct ush_scim_fault *fault)
{
	struct parser p = {.at = text, .fault = fault, .type = "invalidPath"};

	if (!short_enough(&p) || (spaces(&p), parse_path(&p, &target->path)) != 0)
		return -1;
	if (*p.at == '[') {
		p.at++;
		if (target->path.sub != NULL || (target->filter = parse_or(&p)) == NULL || (spaces(&p), *p.at != ']'))
			return wrong(&p, "]");
		p.at++;
		if (*p.at == '.') {
			size_t length = word_length(++p.at);

			if (!is_name(p.at, length))
				return wrong(&p, "a part of the attribute");
			target->path.sub = ush_strndup(p.at, length);
			p.at += length;
		}
	}
	return ends(&p) ? 0 : -1;
}

int ush_scim_path_parse(const char *text, struct ush_scim_path *path, struct ush_scim_fault *fault)
{
	struct parser p = {.at = text, .fault = fault, .type = "invalidPath"};

	return short_enough(&p) && (spaces(&p), parse_path(&p, path)) == 0 && ends(&p) ? 0 : -1;
}
