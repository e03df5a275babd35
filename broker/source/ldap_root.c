/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/source/ldap_root.h"

#include <string.h>

#include "broker/source/ldap_name.h"
#include "common/base/memory.h"

#define OID_DOMAIN_SCOPE     "1.2.840.113556.1.4.1339"
#define OID_ACTIVE_DIRECTORY "1.2.840.113556.1.4.800"

/* The longest naming context that groups.base is in. */
static void find_context(struct ush_ldap *l, const struct ush_ldap_entry *entry)
{
	const struct ush_ldap_attribute *contexts = ush_ldap_entry_get(entry, "namingContexts");
	const char *base = ush_source_text(l->source, "groups.base");

	for (size_t i = 0; contexts != NULL && i < contexts->count; i++) {
		USH_AUTO_FREE char *context = ush_strdup(contexts->values[i].data), *path = ush_ldap_dn_path(base, context);

		if (path == NULL || (l->context != NULL && strlen(l->context) >= strlen(context)))
			continue;
		free(l->context);
		l->context = ush_steal(&context);
	}
}

static int take_root(void *context, const struct ush_ldap_entry *entry, struct ush_error *err)
{
	struct ush_ldap *l = context;

	(void)err;
	l->says_controls = ush_ldap_entry_get(entry, "supportedControl") != NULL;
	l->pages = ush_ldap_entry_has(entry, "supportedControl", LDAP_CONTROL_PAGEDRESULTS);
	l->domain_scope = ush_ldap_entry_has(entry, "supportedControl", OID_DOMAIN_SCOPE);
	l->active_directory = ush_ldap_entry_has(entry, "supportedCapabilities", OID_ACTIVE_DIRECTORY);
	l->openldap = ush_ldap_entry_has(entry, "objectClass", "OpenLDAProotDSE");
	find_context(l, entry);
	return 0;
}

int ush_ldap_root_read(struct ush_ldap *l, struct ush_error *err)
{
	static const char *const attributes[] = {"supportedControl", "supportedCapabilities", "namingContexts", "objectClass", NULL};
	const struct ush_ldap_search search = {.what = "what the server is", .base = "", .scope = LDAP_SCOPE_BASE, .filter = "(objectClass=*)",
					       .attributes = attributes, .absent_ok = true, .entry = take_root, .context = l};

	return ush_ldap_search(l, &search, err);
}

/* ---- the change number ---- */

struct numbers {
	struct ush_list found;
};

static int take_numbers(void *context, const struct ush_ldap_entry *entry, struct ush_error *err)
{
	static const char *const names[] = {"highestCommittedUSN", "lastChangeNumber", "contextCSN"};
	struct numbers *numbers = context;

	(void)err;
	for (size_t n = 0; n < USH_COUNT(names); n++) {
		const struct ush_ldap_attribute *found = ush_ldap_entry_get(entry, names[n]);

		for (size_t i = 0; found != NULL && i < found->count; i++)
			ush_list_add(&numbers->found, found->values[i].data);
	}
	return 0;
}

int ush_ldap_change_number(struct ush_ldap *l, char **out, struct ush_error *err)
{
	static const char *const of_server[] = {"highestCommittedUSN", "lastChangeNumber", NULL}, *const of_context[] = {"contextCSN", NULL};
	struct numbers numbers = {0};
	struct ush_buf text = {0};
	struct ush_ldap_search search = {.what = "the change number", .base = "", .scope = LDAP_SCOPE_BASE, .filter = "(objectClass=*)",
					 .attributes = of_server, .absent_ok = true, .entry = take_numbers, .context = &numbers};
	int result = ush_ldap_search(l, &search, err);

	*out = NULL;
	search.base = l->context;
	search.attributes = of_context;
	if (result == 0 && l->context != NULL && !l->active_directory)
		result = ush_ldap_search(l, &search, err);
	ush_list_sort(&numbers.found);
	for (size_t i = 0; i < numbers.found.count; i++)
		ush_buf_printf(&text, "%s%s", i > 0 ? " " : "", numbers.found.items[i]);
	if (numbers.found.count > 0)
		*out = ush_buf_take(&text);
	ush_list_free(&numbers.found);
	ush_buf_free(&text);
	return result;
}
