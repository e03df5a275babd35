/* SPDX-License-Identifier: Apache-2.0
 *
 * A quota and a limitRange that the API server takes, and in which nothing starts: the one allows less for all than the other
 * gives to each.
 */
#include <string.h>

#include "broker/lifecycle/onboard/onboard.h"
#include "broker/policy/quantity.h"
#include "common/base/memory.h"

/* The amount in "key=amount", or NULL. */
static const char *amount_of(const struct ush_list *pairs, const char *key)
{
	size_t length = strlen(key);

	for (size_t i = 0; i < pairs->count; i++)
		if (strncmp(pairs->items[i], key, length) == 0 && pairs->items[i][length] == '=')
			return pairs->items[i] + length + 1;
	return NULL;
}

static bool is_more(const char *a, const char *b)
{
	long double x, y;

	return a != NULL && ush_quantity_read(a, &x) && ush_quantity_read(b, &y) && x > y;
}

/* What a container has that says nothing: the API server takes the first of these that there is. */
static const char *unsaid(const struct ush_template *template, bool limits, const char *resource, const char **member)
{
	const struct {
		const char *name;
		const struct ush_list *pairs;
	} ranges[] = {{"defaultRequest", &template->range_request}, {"default", &template->range_default}, {"max", &template->range_max}, {"min", &template->range_min}};

	for (size_t i = limits ? 1 : 0; i < USH_COUNT(ranges) - (limits ? 1 : 0); i++) {
		const char *amount = amount_of(ranges[i].pairs, resource);

		*member = ranges[i].name;
		if (amount != NULL)
			return amount;
	}
	return NULL;
}

static void check(const struct ush_template *template, const char *key, const char *most, struct ush_list *lines)
{
	bool limits = strncmp(key, "limits.", 7) == 0;
	const char *resource = limits ? key + 7 : strncmp(key, "requests.", 9) == 0 ? key + 9 : key, *member;
	const char *least = amount_of(&template->range_min, resource), *silent = unsaid(template, limits, resource, &member);
	USH_AUTO_FREE char *line = NULL;

	if (is_more(least, most))
		line = ush_printf("template %s: no container can start: limitRange.min.%s is %s for each, quota.%s is %s for all", template->name, resource, least, key, most);
	else if (is_more(silent, most))
		line = ush_printf("template %s: a container that says nothing of %s cannot start: limitRange.%s.%s gives it %s, quota.%s is %s for all", template->name, resource, member,
				  resource, silent, key, most);
	if (line != NULL)
		ush_list_add(lines, line);
}

void ush_onboard_contradictions(const struct ush_template *template, struct ush_list *lines)
{
	for (size_t i = 0; i < template->quota.count; i++) {
		const char *equals = strchr(template->quota.items[i], '=');
		USH_AUTO_FREE char *key = ush_strndup(template->quota.items[i], (size_t)(equals - template->quota.items[i]));

		check(template, key, equals + 1, lines);
	}
}
