/* SPDX-License-Identifier: Apache-2.0
 *
 * How directories write groups and people down.
 */
#include <string.h>
#include <strings.h>

#include "broker/source/ldap_reading.h"
#include "common/base/memory.h"

#define WINDOWS_EPOCH 11644473600 /* seconds from 1601 to 1970 */

static const struct ush_ldap_schema schemas[] = {
	{.name = "rfc2307",
	 .groups_filter = "(objectClass=posixGroup)",
	 .people_filter = "(objectClass=posixAccount)",
	 .id = "entryUUID",
	 .group_name = "cn",
	 .person_name = "uid",
	 .member = "memberUid",
	 .logins = true},
	{.name = "rfc2307bis",
	 .groups_filter = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=groupOfMembers))",
	 .people_filter = "(|(objectClass=person)(objectClass=posixAccount))",
	 .id = "entryUUID",
	 .group_name = "cn",
	 .person_name = "uid",
	 .member = "member",
	 .member_too = "uniqueMember"},
	{.name = "ad",
	 .groups_filter = "(objectClass=group)",
	 .people_filter = "(&(objectCategory=person)(objectClass=user))",
	 .id = "objectGUID",
	 .group_name = "cn",
	 .person_name = "sAMAccountName",
	 .member = "member",
	 .windows = true},
	{.name = "augmented-ad",
	 .groups_filter = "(objectClass=group)",
	 .people_filter = "(&(objectCategory=person)(objectClass=user))",
	 .id = "objectGUID",
	 .group_name = "cn",
	 .person_name = "sAMAccountName",
	 .member = "member",
	 .windows = true,
	 .member_of = true},
};

static const char *either(const struct ush_policy_source *source, const char *key, const char *otherwise)
{
	const char *text = ush_source_text(source, key);

	return text != NULL ? text : otherwise;
}

static char *filter(const char *text)
{
	return text[0] == '(' ? ush_strdup(text) : ush_printf("(%s)", text);
}

void ush_ldap_terms_read(struct ush_ldap_terms *terms, const struct ush_policy_source *source)
{
	const char *name = ush_source_text(source, "schema"), *nesting = ush_source_text(source, "nesting");
	const struct ush_ldap_schema *schema = schemas;

	for (size_t i = 0; i < USH_COUNT(schemas); i++)
		if (strcmp(schemas[i].name, name) == 0)
			schema = &schemas[i];
	*terms = (struct ush_ldap_terms){.schema = schema, .groups_base = ush_source_text(source, "groups.base")};
	terms->id = either(source, "groups.id", schema->id);
	terms->group_name = either(source, "groups.name", schema->group_name);
	terms->member = either(source, "groups.member", schema->member);
	terms->member_too = ush_source_has(source, "groups.member") ? NULL : schema->member_too;
	terms->people_base = either(source, "people.base", terms->groups_base);
	terms->person_name = either(source, "people.name", schema->person_name);
	terms->groups_filter = filter(either(source, "groups.filter", schema->groups_filter));
	terms->people_filter = filter(either(source, "people.filter", schema->people_filter));
	if (nesting != NULL && strcmp(nesting, "none") == 0)
		terms->nesting = USH_LDAP_NESTING_NONE;
	if (nesting != NULL && strcmp(nesting, "in-chain") == 0)
		terms->nesting = USH_LDAP_NESTING_CHAIN;
	/* Servers other than Windows may say in memberOf where somebody is by a group in a group, too. */
	terms->compares = !schema->logins && !schema->member_of && strncasecmp(terms->member, "member", 6) == 0 && terms->nesting != USH_LDAP_NESTING_CHAIN &&
			  (schema->windows || terms->nesting == USH_LDAP_NESTING_CLIENT);
}

void ush_ldap_terms_free(struct ush_ldap_terms *terms)
{
	free(terms->groups_filter);
	free(terms->people_filter);
	*terms = (struct ush_ldap_terms){0};
}

bool ush_ldap_class_is_group(const char *name)
{
	static const char *const classes[] = {"group", "groupOfNames", "groupOfUniqueNames", "groupOfMembers", "posixGroup", "groupOfURLs", "ipaUserGroup"};

	for (size_t i = 0; i < USH_COUNT(classes); i++)
		if (strcasecmp(classes[i], name) == 0)
			return true;
	return false;
}

/* ---- who may sign in ---- */

static bool is_true(const char *value, int64_t now)
{
	(void)now;
	return strcasecmp(value, "true") == 0;
}

static bool account_disable(const char *value, int64_t now) /* ADS_UF_ACCOUNTDISABLE */
{
	(void)now;
	return (strtoll(value, NULL, 10) & 0x2) != 0;
}

static bool file_time(const char *value, int64_t now) /* 100 ns since 1601; 0 and the largest number: never */
{
	long long ends = strtoll(value, NULL, 10);

	return ends > 0 && ends != INT64_MAX && ends / 10000000 - WINDOWS_EPOCH <= now;
}

/* Only the lock without an end (draft-behera-ldap-password-policy 5.3.3): one for wrong passwords passes, and anybody can
 * bring it about. */
static bool locked_for_good(const char *value, int64_t now)
{
	(void)now;
	return strcmp(value, "000001010000Z") == 0;
}

static bool shadow_days(const char *value, int64_t now)
{
	long long days = strtoll(value, NULL, 10);

	return days > 0 && days < INT64_MAX / 86400 && days * 86400 <= now;
}

static const struct {
	const char *attribute;
	bool (*off)(const char *value, int64_t now);
} accounts[] = {
	{"userAccountControl", account_disable},
	{"accountExpires", file_time},
	{"nsAccountLock", is_true},	     /* 389 Directory Server, FreeIPA */
	{"ds-pwp-account-disabled", is_true}, /* OpenDJ, PingDirectory */
	{"loginDisabled", is_true},	     /* eDirectory */
	{"pwdAccountLockedTime", locked_for_good},
	{"shadowExpire", shadow_days},
};
const char *const ush_ldap_account_attributes[] = {"userAccountControl", "accountExpires",	 "nsAccountLock", "ds-pwp-account-disabled",
						   "loginDisabled",	 "pwdAccountLockedTime", "shadowExpire",  NULL};

bool ush_ldap_account_off(const char *attribute, const char *value, int64_t now)
{
	for (size_t i = 0; i < USH_COUNT(accounts); i++)
		if (strcasecmp(accounts[i].attribute, attribute) == 0)
			return accounts[i].off(value, now);
	return false;
}
