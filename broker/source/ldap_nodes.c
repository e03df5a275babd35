/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups as nodes: found by DN however it is written, their members read once.
 */
#include <search.h>
#include <string.h>
#include <strings.h>

#include "broker/source/ldap_name.h"
#include "broker/source/ldap_reading.h"
#include "common/base/memory.h"

struct place {
	char *text;
	size_t number;
};

static int by_place(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->text, ((const struct place *)b)->text);
}

static void free_place(void *data)
{
	struct place *place = data;

	free(place->text);
	free(place);
}

static void note(void **tree, const char *text, size_t number)
{
	struct place *place = ush_new(struct place), **found;

	*place = (struct place){ush_strdup(text), number};
	found = tsearch(place, tree, by_place);
	if (*found == place)
		return;
	(*found)->number = number;
	free_place(place);
}

static const struct place *look(void *const *tree, const char *text)
{
	struct place probe = {.text = (char *)text}, **found = tfind(&probe, tree, by_place);

	return found != NULL ? *found : NULL;
}

size_t ush_ldap_node_add(struct ush_ldap_reading *r, const char *dn, const char *key)
{
	USH_PUSH(r->nodes, r->node_count, ((struct ush_ldap_node){.dn = ush_strdup(dn), .key = ush_strdup(key)}));
	note(&r->keys, key, r->node_count - 1);
	note(&r->texts, dn, r->node_count - 1);
	ush_roster_reserve(&r->roster, r->node_count);
	return r->node_count - 1;
}

size_t ush_ldap_node_by_key(const struct ush_ldap_reading *r, const char *key)
{
	const struct place *place = look(&r->keys, key);

	return place != NULL ? place->number : USH_LDAP_NOBODY;
}

size_t ush_ldap_node_make(struct ush_ldap_reading *r, const char *dn)
{
	size_t number = ush_ldap_node_find(r, dn);
	USH_AUTO_FREE char *key = number == USH_LDAP_NOBODY ? ush_ldap_dn_key(dn) : NULL;

	if (key == NULL || *key == '\0')
		return number;
	number = ush_ldap_node_by_key(r, key);
	return number != USH_LDAP_NOBODY ? number : ush_ldap_node_add(r, dn, key);
}

/* To take a DN apart is dear, and the same few are asked for once a person. */
size_t ush_ldap_node_find(struct ush_ldap_reading *r, const char *dn)
{
	const struct place *place = look(&r->texts, dn);
	USH_AUTO_FREE char *key = NULL;
	size_t number;

	if (place != NULL)
		return place->number;
	key = ush_ldap_dn_key(dn);
	number = key != NULL ? ush_ldap_node_by_key(r, key) : USH_LDAP_NOBODY;
	note(&r->texts, dn, number);
	return number;
}

/* ---- members ---- */

void ush_ldap_node_attributes(const struct ush_ldap_reading *r, const char *out[12])
{
	const struct ush_ldap_terms *terms = &r->terms;
	size_t count = 0;

	out[count++] = "objectClass";
	out[count++] = terms->member;
	if (terms->member_too != NULL)
		out[count++] = terms->member_too;
	if (terms->schema->windows)
		out[count++] = "objectSid";
	if (terms->schema->member_of)
		out[count++] = "memberOf";
	out[count] = NULL;
}

static bool has_class(const struct ush_ldap_entry *entry, bool (*fits)(const char *name))
{
	struct ush_ldap_values classes = {0};
	struct ush_error none = {0};
	bool found = false;

	ush_ldap_values_take(&classes, entry, "objectClass", &none);
	for (size_t i = 0; i < classes.list.count && !found; i++)
		found = fits(classes.list.items[i]);
	ush_ldap_values_free(&classes);
	return found;
}

static bool demands_member(const char *name) /* RFC 4519 sections 3.5 and 3.6: MUST */
{
	return strcasecmp(name, "groupOfNames") == 0 || strcasecmp(name, "groupOfUniqueNames") == 0;
}

static char *sid_of(const struct ush_ldap_entry *entry)
{
	const struct ush_ldap_attribute *sid = ush_ldap_entry_get(entry, "objectSid");
	uint32_t rid;

	if (sid == NULL || sid->count == 0 || !ush_ldap_sid_rid(sid->values[0].data, sid->values[0].length, &rid))
		return NULL;
	return ush_ldap_sid_sibling(sid->values[0].data, sid->values[0].length, rid);
}

int ush_ldap_node_take(struct ush_ldap_reading *r, size_t number, const struct ush_ldap_entry *entry, struct ush_error *err)
{
	struct ush_ldap_node *node = &r->nodes[number];

	node->loaded = true;
	node->demands = r->l.openldap && r->terms.member_too != NULL && has_class(entry, demands_member);
	if (r->terms.schema->windows)
		node->sid = sid_of(entry);
	if (ush_ldap_values_take(&node->members, entry, r->terms.member, err) != 0 ||
	    (r->terms.member_too != NULL && ush_ldap_values_take(&node->too, entry, r->terms.member_too, err) != 0) ||
	    (r->terms.schema->member_of && ush_ldap_values_take(&node->outers, entry, "memberOf", err) != 0))
		return ush_error_at(err, "\"%.200s\"", node->dn);
	return 0;
}

static int complete(struct ush_ldap_reading *r, struct ush_ldap_node *node, struct ush_error *err)
{
	if (ush_ldap_values_rest(&node->members, &r->l, node->dn, r->terms.member, err) != 0 ||
	    (r->terms.member_too != NULL && ush_ldap_values_rest(&node->too, &r->l, node->dn, r->terms.member_too, err) != 0) ||
	    ush_ldap_values_rest(&node->outers, &r->l, node->dn, "memberOf", err) != 0)
		return -1;
	if (node->demands && node->members.list.count + node->members.strange + node->too.list.count + node->too.strange == 0) {
		ush_fail(err, USH_ERR_INCOMPLETE, "\"%.200s\" shows no member, and its object class cannot be without: bindDN may not read them", node->dn);
		return ush_hint(err, "Give bindDN the right to read %s", r->terms.member);
	}
	if (r->terms.schema->windows && node->wanted && node->sid == NULL) {
		ush_fail(err, USH_ERR_INCOMPLETE, "\"%.200s\" shows no objectSid: whose primary group it is cannot be told", node->dn);
		return ush_hint(err, "Give bindDN the right to read objectSid");
	}
	return 0;
}

struct lookup {
	struct ush_ldap_reading *r;
	const char *dn, *key;
	size_t number;
};

static int take_known(void *context, const struct ush_ldap_entry *entry, struct ush_error *err)
{
	struct lookup *lookup = context;

	return ush_ldap_node_take(lookup->r, lookup->number, entry, err);
}

static int take_unknown(void *context, const struct ush_ldap_entry *entry, struct ush_error *err)
{
	struct lookup *lookup = context;

	if (!has_class(entry, ush_ldap_class_is_group))
		return 0;
	lookup->number = ush_ldap_node_add(lookup->r, lookup->dn, lookup->key);
	return ush_ldap_node_take(lookup->r, lookup->number, entry, err);
}

int ush_ldap_node_load(struct ush_ldap_reading *r, size_t number, struct ush_error *err)
{
	const char *attributes[12];
	struct lookup lookup = {.r = r, .number = number};
	struct ush_ldap_search search = {.what = "group", .base = r->nodes[number].dn, .scope = LDAP_SCOPE_BASE, .filter = "(objectClass=*)",
					 .attributes = attributes, .entry = take_known, .context = &lookup};

	ush_ldap_node_attributes(r, attributes);
	search.absent_ok = number >= r->groups->count;
	if (!r->nodes[number].loaded && ush_ldap_search(&r->l, &search, err) != 0) {
		r->l.retry = r->l.retry || r->l.refused == LDAP_NO_SUCH_OBJECT; /* it was listed a moment ago */
		return -1;
	}
	r->nodes[number].loaded = true;
	return complete(r, &r->nodes[number], err);
}

int ush_ldap_node_look_up(struct ush_ldap_reading *r, const char *dn, const char *key, size_t *number, struct ush_error *err)
{
	const char *attributes[12];
	struct lookup lookup = {.r = r, .dn = dn, .key = key, .number = USH_LDAP_NOBODY};
	struct ush_ldap_search search = {.what = "member", .base = dn, .scope = LDAP_SCOPE_BASE, .filter = "(objectClass=*)", .attributes = attributes,
					 .absent_ok = true, .entry = take_unknown, .context = &lookup};

	ush_ldap_node_attributes(r, attributes);
	if (ush_ldap_search(&r->l, &search, err) != 0)
		return -1;
	*number = lookup.number;
	return 0;
}

void ush_ldap_reading_free(struct ush_ldap_reading *r)
{
	for (size_t i = 0; i < r->node_count; i++) {
		free(r->nodes[i].dn);
		free(r->nodes[i].key);
		free(r->nodes[i].sid);
		free(r->nodes[i].stamp);
		ush_ldap_values_free(&r->nodes[i].members);
		ush_ldap_values_free(&r->nodes[i].too);
		ush_ldap_values_free(&r->nodes[i].outers);
	}
	free(r->nodes);
	free(r->queue);
	free(r->primaries);
	tdestroy(r->keys, free_place);
	tdestroy(r->texts, free_place);
	ush_ldap_people_free(r);
	ush_roster_free(&r->roster);
	ush_list_free(&r->again);
	ush_ldap_terms_free(&r->terms);
	ush_ldap_close(&r->l);
	*r = (struct ush_ldap_reading){0};
}
