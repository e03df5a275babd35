/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "broker/receive/filter.h"
#include "common/base/memory.h"

/* Whose case matters (RFC 7643: caseExact); all other texts are compared without. */
static bool exact_case(const struct ush_scim_path *path)
{
	static const char *const names[] = {"id", "externalId", "$ref", "version", "location"};
	const char *name = path->sub != NULL ? path->sub : path->attr;

	for (size_t i = 0; i < USH_COUNT(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool text_holds(enum ush_filter_op op, const char *have, const char *want, bool exact)
{
	size_t a = strlen(have), b = strlen(want);
	int order = exact ? strcmp(have, want) : strcasecmp(have, want);

	switch (op) {
	case USH_FILTER_EQ:
		return order == 0;
	case USH_FILTER_CO:
		return exact ? strstr(have, want) != NULL : strcasestr(have, want) != NULL;
	case USH_FILTER_SW:
		return exact ? strncmp(have, want, b) == 0 : strncasecmp(have, want, b) == 0;
	case USH_FILTER_EW:
		return a >= b && (exact ? strcmp(have + a - b, want) : strcasecmp(have + a - b, want)) == 0;
	case USH_FILTER_GT:
		return order > 0;
	case USH_FILTER_GE:
		return order >= 0;
	case USH_FILTER_LT:
		return order < 0;
	case USH_FILTER_LE:
		return order <= 0;
	default:
		return false;
	}
}

static bool number_holds(enum ush_filter_op op, double have, double want)
{
	switch (op) {
	case USH_FILTER_EQ:
	case USH_FILTER_GE:
	case USH_FILTER_LE:
		if (have >= want && have <= want)
			return true;
		return op == USH_FILTER_GE ? have > want : op == USH_FILTER_LE && have < want;
	case USH_FILTER_GT:
		return have > want;
	case USH_FILTER_LT:
		return have < want;
	default:
		return false;
	}
}

static bool present(const json_t *value)
{
	const char *text = json_string_value(value);

	if (json_is_array(value))
		return json_array_size(value) > 0;
	if (json_is_object(value))
		return json_object_size(value) > 0;
	return value != NULL && !json_is_null(value) && (text == NULL || *text != '\0');
}

/* One value. "True" is taken for true: that is how Entra has written it. */
static bool holds(const struct ush_filter *filter, const json_t *have)
{
	const json_t *want = filter->value;

	if (filter->op == USH_FILTER_PR)
		return present(have);
	if (json_is_object(have)) /* a complex one is compared by its value (RFC 7644 section 3.4.2.2) */
		have = ush_scim_member(have, "value");
	if (json_is_string(have) && json_is_string(want))
		return text_holds(filter->op, json_string_value(have), json_string_value(want), exact_case(&filter->path));
	if (json_is_number(have) && json_is_number(want))
		return number_holds(filter->op, json_number_value(have), json_number_value(want));
	if (json_is_boolean(have) && json_is_string(want))
		return filter->op == USH_FILTER_EQ && strcasecmp(json_string_value(want), json_is_true(have) ? "true" : "false") == 0;
	if (json_is_boolean(have) && json_is_boolean(want))
		return filter->op == USH_FILTER_EQ && json_is_true(have) == json_is_true(want);
	return filter->op == USH_FILTER_EQ && json_is_null(want) && !present(have);
}

/* Of a list, one of its values. */
static bool any_holds(const struct ush_filter *filter, const json_t *have, const char *sub)
{
	size_t i;
	json_t *one;

	if (!json_is_array(have))
		return holds(filter, sub != NULL ? ush_scim_member(have, sub) : have);
	if (sub == NULL && filter->op == USH_FILTER_PR)
		return present(have);
	json_array_foreach(have, i, one)
		if (holds(filter, sub != NULL ? ush_scim_member(one, sub) : one))
			return true;
	return false;
}

static bool compare(const struct ush_filter *filter, const json_t *object)
{
	const json_t *base = filter->path.urn != NULL ? ush_scim_member(object, filter->path.urn) : object;
	const json_t *have = ush_scim_member(base, filter->path.attr);
	struct ush_filter positive = *filter;

	if (filter->op == USH_FILTER_NE) {
		positive.op = USH_FILTER_EQ;
		return !any_holds(&positive, have, filter->path.sub);
	}
	return any_holds(filter, have, filter->path.sub);
}

static bool some(const struct ush_filter *filter, const json_t *object)
{
	const json_t *base = filter->path.urn != NULL ? ush_scim_member(object, filter->path.urn) : object;
	const json_t *have = ush_scim_member(base, filter->path.attr);
	size_t i;
	json_t *one;

	if (filter->path.sub != NULL)
		return false;
	if (json_is_object(have))
		return ush_filter_match(filter->left, have, NULL);
	json_array_foreach(have, i, one)
		if (ush_filter_match(filter->left, one, NULL))
			return true;
	return false;
}

bool ush_filter_match(const struct ush_filter *filter, const json_t *object, const struct ush_filter_aside *aside)
{
	bool result;

	switch (filter->op) {
	case USH_FILTER_AND:
		return ush_filter_match(filter->left, object, aside) && ush_filter_match(filter->right, object, aside);
	case USH_FILTER_OR:
		return ush_filter_match(filter->left, object, aside) || ush_filter_match(filter->right, object, aside);
	case USH_FILTER_NOT:
		return !ush_filter_match(filter->left, object, aside);
	default:
		if (aside != NULL && aside->known(aside->context, filter, &result))
			return result;
		return filter->op == USH_FILTER_SOME ? some(filter, object) : compare(filter, object);
	}
}
