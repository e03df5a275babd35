/* SPDX-License-Identifier: Apache-2.0
 *
 * Members by the server's own search through groups in groups (LDAP_MATCHING_RULE_IN_CHAIN, [MS-ADTS] 3.1.1.3.4.4.3). It
 * leaves out without a word whom we may not see and who has one of the groups as primary group. So the groups of the chain
 * are read too: for their numbers, which people name as primary group, and for their lists, whose DNs must all be somebody.
 */
#include <string.h>

#include "broker/source/ldap_name.h"
#include "broker/source/ldap_reading.h"
#include "common/base/memory.h"

#define IN_CHAIN "(memberOf:1.2.840.113556.1.4.1941:="

struct chained {
	struct ush_ldap_reading *r;
	size_t *inner; /* nodes: the group itself first */
	size_t inner_count;
};

static void add_chain_filter(struct ush_buf *out, const char *dn)
{
	ush_buf_puts(out, IN_CHAIN);
	ush_ldap_escape(out, dn, strlen(dn));
	ush_buf_puts(out, ")");
}

/* ---- the groups of the chain ---- */

static int take_inner(void *context, const struct ush_ldap_entry *entry, struct ush_error *err)
{
	struct chained *chained = context;
	struct ush_ldap_reading *r = chained->r;
	const char *dn = entry->dn;
	USH_AUTO_FREE char *key = ush_ldap_dn_key(dn);
	size_t number = key != NULL ? ush_ldap_node_by_key(r, key) : USH_LDAP_NOBODY;

	if (key == NULL)
		return 0;
	if (number == chained->inner[0])
		return 0; /* a circle */
	if (number == USH_LDAP_NOBODY)
		number = ush_ldap_node_add(r, dn, key);
	USH_PUSH(chained->inner, chained->inner_count, number);
	return r->nodes[number].loaded ? 0 : ush_ldap_node_take(r, number, entry, err);
}

static int read_inner(struct chained *chained, const char *dn, struct ush_error *err)
{
	struct ush_ldap_reading *r = chained->r;
	USH_AUTO_BUF filter = {0};
	const char *attributes[12];
	struct ush_ldap_search search = {.what = "groups in the chain", .base = r->terms.groups_base, .scope = LDAP_SCOPE_SUBTREE, .attributes = attributes,
					 .entry = take_inner, .context = chained};

	ush_ldap_node_attributes(r, attributes);
	ush_buf_printf(&filter, "(&%s", r->terms.schema->groups_filter);
	add_chain_filter(&filter, dn);
	ush_buf_puts(&filter, ")");
	search.filter = filter.data;
	if (ush_ldap_search(&r->l, &search, err) != 0)
		return -1;
	for (size_t i = 0; i < chained->inner_count; i++)
		if (ush_ldap_node_load(r, chained->inner[i], err) != 0)
			return -1;
	return 0;
}

/* ---- the people ---- */

static int take_person(void *context, const struct ush_ldap_entry *entry, struct ush_error *err)
{
	return ush_ldap_person_take(context, entry, err);
}

/* The last number of a SID in hexadecimal, lowest byte first. */
static unsigned long rid_of(const char *sid)
{
	unsigned long bytes = strtoul(sid + strlen(sid) - 8, NULL, 16);

	return (bytes & 0xff) << 24 | (bytes & 0xff00) << 8 | (bytes >> 8 & 0xff00) | (bytes >> 24 & 0xff);
}

static int read_people(struct chained *chained, const char *dn, struct ush_error *err)
{
	struct ush_ldap_reading *r = chained->r;
	USH_AUTO_BUF filter = {0};
	const char *attributes[24];
	struct ush_ldap_search search = {.what = "people in the chain", .base = r->terms.people_base, .scope = LDAP_SCOPE_SUBTREE, .attributes = attributes,
					 .entry = take_person, .context = r};

	ush_ldap_person_attributes(r, attributes);
	ush_buf_printf(&filter, "(&%s(|", r->terms.people_filter);
	add_chain_filter(&filter, dn);
	for (size_t i = 0; i < chained->inner_count; i++)
		if (r->nodes[chained->inner[i]].sid != NULL)
			ush_buf_printf(&filter, "(primaryGroupID=%lu)", rid_of(r->nodes[chained->inner[i]].sid));
	ush_buf_puts(&filter, "))");
	search.filter = filter.data;
	ush_ldap_people_free(r);
	return ush_ldap_search(&r->l, &search, err);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct ush_ldap_person *)a)->key, ((const struct ush_ldap_person *)b)->key);
}

static void fill(struct ush_ldap_reading *r, struct ush_group *group)
{
	if (r->person_count > 0)
		qsort(r->people, r->person_count, sizeof *r->people, by_key);
	group->members_known = true;
	for (size_t i = 0; i < r->person_count; i++) {
		if (r->people[i].off)
			group->disabled++;
		else if (r->people[i].name != NULL)
			ush_members_add(&group->members, r->people[i].name);
		else
			group->unresolvable++;
	}
	ush_members_sort(&group->members);
}

/* ---- who stands in the lists, and did not come ---- */

static int look_for(struct ush_ldap_reading *r, const char *dn, struct ush_list *lost, struct ush_error *err)
{
	USH_AUTO_FREE char *key = ush_ldap_dn_key(dn);
	size_t number = key != NULL ? ush_ldap_node_by_key(r, key) : USH_LDAP_NOBODY;

	if (number != USH_LDAP_NOBODY || (key != NULL && ush_ldap_person_find(r, key) != NULL))
		return 0;
	if (key != NULL && *key != '\0' && ush_ldap_node_look_up(r, dn, key, &number, err) != 0)
		return -1;
	if (number == USH_LDAP_NOBODY)
		ush_list_add(lost, key != NULL ? key : dn);
	return 0;
}

static int count_lost(struct chained *chained, struct ush_group *group, struct ush_error *err)
{
	struct ush_ldap_reading *r = chained->r;
	struct ush_list lost = {0};
	int result = 0;

	for (size_t i = 0; i < chained->inner_count && result == 0; i++) {
		struct ush_ldap_values members = r->nodes[chained->inner[i]].members;

		group->unresolvable += members.strange;
		for (size_t j = 0; j < members.list.count && result == 0; j++)
			result = look_for(r, members.list.items[j], &lost, err);
	}
	ush_list_sort(&lost);
	group->unresolvable += lost.count;
	ush_list_free(&lost);
	return result;
}

static int read_chain(struct ush_ldap_reading *r, size_t number, struct ush_error *err)
{
	struct chained chained = {.r = r};
	USH_AUTO_FREE char *dn = ush_strdup(r->nodes[number].dn);
	int result;

	USH_PUSH(chained.inner, chained.inner_count, number);
	result = read_inner(&chained, dn, err);
	if (result == 0)
		result = read_people(&chained, dn, err);
	if (result == 0) {
		fill(r, &r->groups->items[number]);
		result = count_lost(&chained, &r->groups->items[number], err);
	}
	free(chained.inner);
	return result;
}

int ush_ldap_chain_read(struct ush_ldap_reading *r, struct ush_error *err)
{
	for (size_t i = 0; i < r->groups->count; i++)
		if (r->nodes[i].wanted && read_chain(r, i, err) != 0)
			return -1;
	return 0;
}
