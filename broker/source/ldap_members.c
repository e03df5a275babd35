/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is in which group, by the lists that groups and people have: members, groups in groups round a circle or not, the
 * primary group that stands in no list of members, and what memberOf of people says of the same. Where people say that
 * they are in a group whose list does not have them, we may not see the list.
 */
#include <string.h>

#include "broker/source/ldap_name.h"
#include "broker/source/ldap_reading.h"
#include "common/base/memory.h"
#include "common/base/search.h"

static void enqueue(struct ush_ldap_reading *r, size_t number)
{
	if (r->nodes[number].queued)
		return;
	r->nodes[number].queued = true;
	USH_PUSH(r->queue, r->queue_count, number);
}

/* ---- one member ---- */

static int take_dn(struct ush_ldap_reading *r, size_t number, const char *dn, struct ush_error *err)
{
	USH_AUTO_FREE char *key = ush_ldap_dn_key(dn);
	bool nests = r->terms.nesting == USH_LDAP_NESTING_CLIENT;
	size_t inner = key != NULL ? ush_ldap_node_by_key(r, key) : USH_LDAP_NOBODY;

	if (key == NULL || *key == '\0') {
		ush_roster_join(&r->roster, number, NULL);
		return 0;
	}
	if (inner == USH_LDAP_NOBODY && ush_ldap_person_find(r, key) == NULL && nests && ush_ldap_node_look_up(r, dn, key, &inner, err) != 0)
		return -1;
	if (inner == USH_LDAP_NOBODY) {
		ush_roster_join(&r->roster, number, key);
	} else if (nests) {
		ush_roster_nest(&r->roster, number, inner);
		enqueue(r, inner);
	}
	return 0;
}

/* "cn=carol,dc=x#'0101'B": a value of uniqueMember may carry bits behind the DN (RFC 4517 section 3.3.21). */
static char *without_bits(const char *value)
{
	const char *mark = strrchr(value, '#');

	return mark != NULL && mark[1] == '\'' ? ush_strndup(value, (size_t)(mark - value)) : ush_strdup(value);
}

static int take_values(struct ush_ldap_reading *r, size_t number, const struct ush_ldap_values *values, struct ush_error *err)
{
	for (size_t i = 0; i < values->strange; i++)
		ush_roster_join(&r->roster, number, NULL);
	for (size_t i = 0; i < values->list.count; i++) {
		USH_AUTO_FREE char *dn = without_bits(values->list.items[i]);

		if (r->terms.schema->logins)
			ush_roster_join(&r->roster, number, values->list.items[i]);
		else if (take_dn(r, number, dn, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- what people and groups say of themselves ---- */

static int by_primary(const void *a, const void *b)
{
	const struct ush_ldap_person *x = *(const struct ush_ldap_person *const *)a, *y = *(const struct ush_ldap_person *const *)b;

	return strcmp(x->primary, y->primary);
}

static void sort_primaries(struct ush_ldap_reading *r)
{
	r->primaries = ush_alloc((r->person_count + 1) * sizeof *r->primaries);
	for (size_t i = 0; i < r->person_count; i++)
		if (r->people[i].primary != NULL)
			r->primaries[r->primary_count++] = &r->people[i];
	if (r->primary_count > 0)
		qsort(r->primaries, r->primary_count, sizeof *r->primaries, by_primary);
}

static void take_primary(struct ush_ldap_reading *r, size_t number)
{
	const char *sid = r->nodes[number].sid;

	if (sid == NULL)
		return;
	for (size_t at = USH_FIRST_NOT(i, 0, r->primary_count, strcmp(r->primaries[i]->primary, sid) < 0);
	     at < r->primary_count && strcmp(r->primaries[at]->primary, sid) == 0; at++)
		ush_roster_join(&r->roster, number, r->primaries[at]->key);
}

static void take_outer_groups(struct ush_ldap_reading *r, size_t number)
{
	for (size_t i = 0; i < r->nodes[number].outers.list.count; i++) {
		size_t outer = ush_ldap_node_make(r, r->nodes[number].outers.list.items[i]);

		if (outer != USH_LDAP_NOBODY)
			ush_roster_nest(&r->roster, outer, number);
	}
}

/* augmented-ad: memberOf of people and of groups, from the innermost on. */
static int take_outers(struct ush_ldap_reading *r, struct ush_error *err)
{
	bool nests = r->terms.nesting == USH_LDAP_NESTING_CLIENT;

	for (size_t i = 0; i < r->person_count; i++)
		for (size_t j = 0; j < r->people[i].group_count; j++)
			ush_roster_join(&r->roster, r->people[i].groups[j], r->people[i].key);
	for (size_t i = 0; nests && i < r->node_count; i++) { /* grows while it is walked */
		if (ush_ldap_node_load(r, i, err) != 0)
			return -1;
		take_outer_groups(r, i);
	}
	return 0;
}

/* ---- both directions ---- */

static int compare(struct ush_ldap_reading *r, struct ush_error *err)
{
	for (size_t i = 0; i < r->person_count; i++) {
		const struct ush_ldap_person *person = &r->people[i];

		for (size_t j = 0; j < person->group_count && person->name != NULL && !person->off; j++) {
			size_t number = person->groups[j];

			if (number >= r->groups->count || !r->nodes[number].wanted)
				continue;
			r->compared++;
			if (ush_members_has(&r->groups->items[number].members, person->name))
				continue;
			ush_fail(err, USH_ERR_INCOMPLETE, "\"%.150s\" is in \"%.150s\" by its memberOf, and that group's %s does not show it: bindDN may not read all of it",
				 person->dn, r->nodes[number].dn, r->terms.member);
			return ush_hint(err, "Give bindDN the right to read %s of groups", r->terms.member);
		}
	}
	return 0;
}

/* ---- all of it ---- */

static int walk(struct ush_ldap_reading *r, struct ush_error *err)
{
	for (size_t i = 0; i < r->groups->count; i++)
		if (r->nodes[i].wanted)
			enqueue(r, i);
	for (size_t i = 0; i < r->queue_count; i++) { /* grows while it is walked */
		size_t number = r->queue[i];
		struct ush_ldap_values members, too;

		if (ush_ldap_node_load(r, number, err) != 0)
			return -1;
		members = r->nodes[number].members; /* the array of nodes may move, their lists do not */
		too = r->nodes[number].too;
		if (take_values(r, number, &members, err) != 0 || take_values(r, number, &too, err) != 0)
			return -1;
		take_primary(r, number);
	}
	return 0;
}

int ush_ldap_members_read(struct ush_ldap_reading *r, struct ush_error *err)
{
	if (ush_ldap_people_list(r, err) != 0)
		return -1;
	sort_primaries(r);
	if ((r->terms.schema->member_of && take_outers(r, err) != 0) || walk(r, err) != 0)
		return -1;
	for (size_t i = 0; i < r->groups->count; i++) {
		if (!r->nodes[i].wanted)
			continue;
		ush_roster_fill(&r->roster, i, &r->groups->items[i]);
		ush_members_sort(&r->groups->items[i].members);
	}
	return r->terms.compares ? compare(r, err) : 0;
}
