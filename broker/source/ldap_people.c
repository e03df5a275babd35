/* SPDX-License-Identifier: Apache-2.0
 *
 * The people of a directory: who they are, and whether they may sign in.
 */
#include <string.h>
#include <strings.h>

#include "broker/source/ldap_name.h"
#include "broker/source/ldap_reading.h"
#include "common/base/memory.h"

void ush_ldap_person_attributes(const struct ush_ldap_reading *r, const char *out[24])
{
	const struct ush_ldap_terms *terms = &r->terms;
	size_t count = 0;

	out[count++] = terms->person_name;
	if (terms->schema->logins && strcasecmp(terms->person_name, "uid") != 0)
		out[count++] = "uid";
	if (terms->compares || terms->schema->member_of)
		out[count++] = "memberOf";
	if (terms->schema->windows) {
		out[count++] = "primaryGroupID";
		out[count++] = "objectSid";
	}
	for (size_t i = 0; ush_ldap_account_attributes[i] != NULL; i++)
		out[count++] = ush_ldap_account_attributes[i];
	out[count] = NULL;
}

/* ---- an entry ---- */

static bool is_off(const struct ush_ldap_reading *r, const struct ush_ldap_entry *entry)
{
	int64_t now = ush_now(r->l.world);

	for (size_t i = 0; ush_ldap_account_attributes[i] != NULL; i++) {
		USH_AUTO_FREE char *text = ush_ldap_text(entry, ush_ldap_account_attributes[i]);

		if (text != NULL && ush_ldap_account_off(ush_ldap_account_attributes[i], text, now))
			return true;
	}
	return false;
}

/* On Active Directory everybody has userAccountControl; who hides it may be disabled or not. */
static char *name_of(const struct ush_ldap_reading *r, const struct ush_ldap_entry *entry)
{
	USH_AUTO_FREE char *control = r->terms.schema->windows ? ush_ldap_text(entry, "userAccountControl") : ush_strdup("");

	return control != NULL ? ush_ldap_text(entry, r->terms.person_name) : NULL;
}

static char *primary_of(const struct ush_ldap_entry *entry)
{
	const struct ush_ldap_attribute *sid = ush_ldap_entry_get(entry, "objectSid");
	USH_AUTO_FREE char *text = ush_ldap_text(entry, "primaryGroupID");

	if (sid == NULL || sid->count == 0 || text == NULL)
		return NULL;
	return ush_ldap_sid_sibling(sid->values[0].data, sid->values[0].length, (uint32_t)strtoul(text, NULL, 10));
}

int ush_ldap_person_take(struct ush_ldap_reading *r, const struct ush_ldap_entry *entry, struct ush_error *err)
{
	const char *dn = entry->dn;
	struct ush_ldap_person person = {0};
	bool outers = r->terms.compares || r->terms.schema->member_of;

	person.key = r->terms.schema->logins ? ush_ldap_text(entry, "uid") : ush_ldap_dn_key(dn);
	if (person.key == NULL)
		return 0; /* of no use to anybody: who names it as a member has one whom we cannot tell */
	if (outers && ush_ldap_values_take(&person.outers, entry, "memberOf", err) != 0) {
		free(person.key);
		return ush_error_at(err, "\"%.200s\"", dn);
	}
	person.name = name_of(r, entry);
	person.off = is_off(r, entry);
	person.primary = r->terms.schema->windows ? primary_of(entry) : NULL;
	person.dn = ush_strdup(dn);
	USH_PUSH(r->people, r->person_count, person);
	return 0;
}

/* Which nodes they are, without keeping the texts of thousands of others. */
static int settle_outers(struct ush_ldap_reading *r, struct ush_ldap_person *person, struct ush_error *err)
{
	bool adds = r->terms.schema->member_of && r->terms.nesting == USH_LDAP_NESTING_CLIENT;

	if (person->outers.more && ush_ldap_values_rest(&person->outers, &r->l, person->dn, "memberOf", err) != 0)
		return -1;
	for (size_t i = 0; i < person->outers.list.count; i++) {
		const char *dn = person->outers.list.items[i];
		size_t number = adds ? ush_ldap_node_make(r, dn) : ush_ldap_node_find(r, dn);

		if (number != USH_LDAP_NOBODY)
			USH_PUSH(person->groups, person->group_count, number);
	}
	ush_ldap_values_free(&person->outers);
	return 0;
}

/* ---- the list ---- */

static int take_person(void *context, const struct ush_ldap_entry *entry, struct ush_error *err)
{
	return ush_ldap_person_take(context, entry, err);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct ush_ldap_person *)a)->key, ((const struct ush_ldap_person *)b)->key);
}

struct ush_ldap_person *ush_ldap_person_find(const struct ush_ldap_reading *r, const char *key)
{
	const struct ush_ldap_person probe = {.key = (char *)key};

	return r->person_count > 0 ? bsearch(&probe, r->people, r->person_count, sizeof *r->people, by_key) : NULL;
}

/* Two people with one login name: nobody can tell whom a group means. */
static void drop_doubles(struct ush_ldap_reading *r)
{
	for (size_t i = 1; i < r->person_count; i++) {
		if (strcmp(r->people[i - 1].key, r->people[i].key) != 0)
			continue;
		for (size_t j = i - 1; j <= i; j++) {
			free(ush_steal(&r->people[j].name));
			r->people[j].off = false;
		}
	}
}

int ush_ldap_people_list(struct ush_ldap_reading *r, struct ush_error *err)
{
	const char *attributes[24];
	struct ush_ldap_search search = {.what = "people", .base = r->terms.people_base, .scope = LDAP_SCOPE_SUBTREE, .filter = r->terms.people_filter,
					 .attributes = attributes, .entry = take_person, .context = r};

	ush_ldap_person_attributes(r, attributes);
	if (ush_ldap_search(&r->l, &search, err) != 0)
		return -1;
	if (r->person_count > 0)
		qsort(r->people, r->person_count, sizeof *r->people, by_key);
	drop_doubles(r);
	for (size_t i = 0; i < r->person_count; i++) {
		if (settle_outers(r, &r->people[i], err) != 0)
			return -1;
		ush_roster_person(&r->roster, r->people[i].key, r->people[i].name, r->people[i].off);
	}
	return 0;
}

void ush_ldap_people_free(struct ush_ldap_reading *r)
{
	for (size_t i = 0; i < r->person_count; i++) {
		struct ush_ldap_person *person = &r->people[i];

		free(person->key);
		free(person->dn);
		free(person->name);
		free(person->primary);
		free(person->groups);
		ush_ldap_values_free(&person->outers);
	}
	free(r->people);
	r->people = NULL;
	r->person_count = 0;
}
