/* SPDX-License-Identifier: Apache-2.0
 *
 * The values of an attribute, all of them. Active Directory gives 1,500 at a time and says in the attribute's own name
 * which ones: whoever looks for "member" alone finds a large group empty.
 */
#include <string.h>
#include <strings.h>

#include "broker/source/ldap_name.h"
#include "broker/source/ldap_reading.h"
#include "common/base/memory.h"

static void add_all(struct ush_ldap_values *values, const struct ush_ldap_attribute *attribute)
{
	for (size_t i = 0; i < attribute->count; i++) {
		if (ush_ldap_is_text(attribute->values[i].data, attribute->values[i].length))
			ush_list_add(&values->list, attribute->values[i].data);
		else
			values->strange++;
	}
}

static int take_range(struct ush_ldap_values *values, const struct ush_ldap_attribute *attribute, const struct ush_ldap_range *range, struct ush_error *err)
{
	size_t before = values->list.count + values->strange, came;

	if (range->first != before)
		return ush_fail(err, USH_ERR_INCOMPLETE, "values from %zu on were due and %.60s came", before, attribute->name);
	add_all(values, attribute);
	came = values->list.count + values->strange - before;
	if (!range->last_one && came != range->last - range->first + 1)
		return ush_fail(err, USH_ERR_INCOMPLETE, "%.60s came with %zu values", attribute->name, came);
	values->more = !range->last_one;
	values->next = range->last + 1;
	return 0;
}

/* The attribute's name without what stands after a semicolon. */
static char *bare(const char *attribute)
{
	return ush_strndup(attribute, strcspn(attribute, ";"));
}

int ush_ldap_values_take(struct ush_ldap_values *values, const struct ush_ldap_entry *entry, const char *attribute, struct ush_error *err)
{
	USH_AUTO_FREE char *name = bare(attribute);

	for (size_t i = 0; i < entry->count; i++) {
		const struct ush_ldap_attribute *found = &entry->attributes[i];
		struct ush_ldap_range range;

		if (strcasecmp(found->name, name) == 0)
			add_all(values, found);
		else if (ush_ldap_range_read(found->name, name, &range) && take_range(values, found, &range, err) != 0)
			return -1;
	}
	return 0;
}

struct rest {
	struct ush_ldap_values *values;
	const char *attribute;
};

static int take_rest(void *context, const struct ush_ldap_entry *entry, struct ush_error *err)
{
	struct rest *rest = context;

	return ush_ldap_values_take(rest->values, entry, rest->attribute, err);
}

int ush_ldap_values_rest(struct ush_ldap_values *values, struct ush_ldap *l, const char *dn, const char *attribute, struct ush_error *err)
{
	USH_AUTO_FREE char *name = bare(attribute);
	struct rest rest = {values, name};

	while (values->more) {
		USH_AUTO_FREE char *part = ush_printf("%s;range=%llu-*", name, values->next);
		const char *const attributes[] = {part, NULL};
		struct ush_ldap_search search = {.what = name, .base = dn, .scope = LDAP_SCOPE_BASE, .filter = "(objectClass=*)", .attributes = attributes,
						 .entry = take_rest, .context = &rest};
		unsigned long long before = values->next;

		if (ush_ldap_search(l, &search, err) != 0)
			return ush_error_at(err, "more of");
		if (values->more && values->next == before)
			return ush_fail(err, USH_ERR_INCOMPLETE, "%s of \"%.200s\": the values from %llu on did not come", name, dn, before);
	}
	return 0;
}

void ush_ldap_values_free(struct ush_ldap_values *values)
{
	ush_list_free(&values->list);
	*values = (struct ush_ldap_values){0};
}
