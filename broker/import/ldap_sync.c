/* SPDX-License-Identifier: Apache-2.0
 *
 * oc adm groups sync: LDAPSyncConfig, and the same settings inside a GroupSync. A source; there are no bindings.
 */
#include <string.h>

#include "broker/import/import.h"
#include "common/base/memory.h"
#include "common/data/json.h"

static const struct schema {
	const char *member, *ours;
} schemas[] = {{"rfc2307", "rfc2307bis"}, {"activeDirectory", "ad"}, {"augmentedActiveDirectory", "augmented-ad"}};

static void set(json_t *map, const char *key, const char *value)
{
	if (value != NULL && *value != '\0')
		json_object_set_new(map, key, json_string(value));
}

static const char *first(const json_t *list)
{
	return json_string_value(json_array_get(list, 0));
}

/* "objectClass=x" needs its brackets. */
static void set_filter(json_t *map, const char *filter)
{
	USH_AUTO_FREE char *whole = filter == NULL ? NULL : *filter == '(' ? ush_strdup(filter) : ush_printf("(%s)", filter);

	set(map, "filter", whole);
}

static json_t *settings_of(const json_t *config, const struct schema *schema, const json_t *said)
{
	const json_t *groups_query = ush_json_object(said, "groupsQuery"), *users_query = ush_json_object(said, "usersQuery");
	const char *member = first(ush_json_array(said, strcmp(schema->ours, "rfc2307bis") == 0 ? "groupMembershipAttributes" : "none"));
	const char *url = ush_json_string(config, "url"), *id = ush_json_string(said, "groupUIDAttribute");
	const char *base = ush_json_string(groups_query, "baseDN"), *people_base = ush_json_string(users_query, "baseDN");
	bool plain = member != NULL && strcasecmp(member, "memberUid") == 0;
	json_t *settings = json_object(), *groups = json_object(), *people = json_object();

	set(settings, "url", url != NULL ? url : "ldaps://ldap.example.com");
	if (url != NULL && strncasecmp(url, "ldap://", 7) == 0 && !json_is_true(json_object_get(config, "insecure")))
		json_object_set_new(settings, "startTLS", json_true());
	set(settings, "ca", ush_json_string(config, "ca"));
	set(settings, "bindDN", ush_json_string(config, "bindDN"));
	set(settings, "secretFile", ush_json_string(ush_json_object(config, "bindPassword"), "file"));
	set(settings, "schema", plain ? "rfc2307" : schema->ours);
	set(groups, "base", base != NULL ? base : people_base != NULL ? people_base : "dc=example,dc=com");
	set_filter(groups, ush_json_string(groups_query, "filter"));
	set(groups, "id", id != NULL && strcasecmp(id, "dn") != 0 ? id : NULL);
	set(groups, "name", first(ush_json_array(said, "groupNameAttributes")));
	set(groups, "member", member);
	set(people, "base", people_base);
	set_filter(people, ush_json_string(users_query, "filter"));
	set(people, "name", first(ush_json_array(said, "userNameAttributes")));
	json_object_set_new(settings, "groups", groups);
	if (json_object_size(people) > 0)
		json_object_set(settings, "people", people);
	json_decref(people);
	return settings;
}

void ush_import_ldap_sync(struct ush_import *import, const json_t *object, const char *name)
{
	const json_t *mapping = ush_json_object(object, "groupUIDNameMapping");
	const char *source = strcmp(name, "unnamed") == 0 ? "ldap" : name, *uid;
	json_t *renamed;

	for (size_t i = 0; i < USH_COUNT(schemas); i++)
		if (ush_json_object(object, schemas[i].member) != NULL) {
			const json_t *said = ush_json_object(object, schemas[i].member);

			ush_import_add_source(import, source, "ldap", settings_of(object, &schemas[i], said), NULL);
			if (json_is_true(json_object_get(said, "tolerateMemberNotFoundErrors")) || json_is_true(json_object_get(said, "tolerateMemberOutOfScopeErrors")))
				ush_import_left(import, "LDAPSyncConfig: members that cannot be found are counted, and make nothing complete that is not");
		}
	if (ush_json_string(object, "bindPassword") != NULL)
		ush_import_left(import, "LDAPSyncConfig: bindPassword stands in the file; put it into one of its own and name that as secretFile");
	if (json_is_true(json_object_get(object, "insecure")))
		ush_import_left(import, "LDAPSyncConfig: insecure is not carried over: ldaps:// or startTLS");
	json_object_foreach((json_t *)mapping, uid, renamed)
		ush_import_left(import, "LDAPSyncConfig: %s is called %s; a policy binds what the token says, so name it as the token does", uid,
				json_is_string(renamed) ? json_string_value(renamed) : "?");
}
