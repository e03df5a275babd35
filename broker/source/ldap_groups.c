/* SPDX-License-Identifier: Apache-2.0
 *
 * The list of groups, and the second look at it. A base that cannot be read itself, or under which no group is, is never "no
 * groups": that is what a mistyped base, a wrong filter and a missing right look like.
 */
#include <string.h>
#include <strings.h>

#include "broker/source/ldap_name.h"
#include "broker/source/ldap_reading.h"
#include "common/base/memory.h"

#define LIST_MANY 256 /* groups from which on their members come with the list, not one by one */

static const char *const stamps[] = {"uSNChanged", "entryCSN", "modifyTimestamp", NULL};

/* ---- an entry ---- */

static char *id_of(const struct ush_ldap_reading *r, const struct ush_ldap_entry *entry)
{
	const struct ush_ldap_attribute *guid = ush_ldap_entry_get(entry, r->terms.id);

	if (strcasecmp(r->terms.id, "objectGUID") != 0)
		return ush_ldap_text(entry, r->terms.id);
	return guid != NULL && guid->count > 0 ? ush_ldap_guid(guid->values[0].data, guid->values[0].length) : NULL;
}

static char *stamp_of(const struct ush_ldap_entry *entry)
{
	struct ush_buf out = {0};

	for (size_t i = 0; stamps[i] != NULL; i++) {
		USH_AUTO_FREE char *text = ush_ldap_text(entry, stamps[i]);

		ush_buf_printf(&out, "%s ", text != NULL ? text : "-");
	}
	return ush_buf_take(&out);
}

static int lacks(const char *dn, const char *attribute, struct ush_error *err)
{
	ush_fail(err, USH_ERR_INCOMPLETE, "group \"%.250s\" has no %s that is text and that we may see", dn, attribute);
	return ush_hint(err, "Give bindDN the right to read %s, or leave such groups out by groups.filter", attribute);
}

static int take_group(void *context, const struct ush_ldap_entry *entry, struct ush_error *err)
{
	struct ush_ldap_reading *r = context;
	const char *dn = entry->dn;
	USH_AUTO_FREE char *id = id_of(r, entry), *name = ush_ldap_text(entry, r->terms.group_name);
	USH_AUTO_FREE char *path = ush_ldap_dn_path(dn, r->terms.groups_base), *key = ush_ldap_dn_key(dn);
	size_t number;

	if (path == NULL || key == NULL)
		return ush_fail(err, USH_ERR_INCOMPLETE, "group \"%.200s\" is not under \"%.200s\", where it was looked for", dn, r->terms.groups_base);
	if (id == NULL)
		return lacks(dn, r->terms.id, err);
	if (name == NULL)
		return lacks(dn, r->terms.group_name, err);
	if (ush_ldap_node_by_key(r, key) != USH_LDAP_NOBODY)
		return ush_fail(err, USH_ERR_INCOMPLETE, "group \"%.200s\" came twice: pages repeat", dn);
	if (r->groups->count >= USH_GROUPS_MAX)
		return ush_fail(err, USH_ERR_INCOMPLETE, "more than %d groups", USH_GROUPS_MAX);
	ush_groups_add(r->groups, id, name, path);
	number = ush_ldap_node_add(r, dn, key);
	r->nodes[number].stamp = stamp_of(entry);
	return r->with_members ? ush_ldap_node_take(r, number, entry, err) : 0;
}

/* ---- the list ---- */

static int take_nothing(void *context, const struct ush_ldap_entry *entry, struct ush_error *err)
{
	(void)context;
	(void)entry;
	(void)err;
	return 0;
}

static int check_base(struct ush_ldap_reading *r, const char *what, const char *base, struct ush_error *err)
{
	static const char *const none[] = {"1.1", NULL};
	const struct ush_ldap_search search = {.what = what, .base = base, .scope = LDAP_SCOPE_BASE, .filter = "(objectClass=*)", .attributes = none,
					       .entry = take_nothing};

	return ush_ldap_search(&r->l, &search, err);
}

static int search_groups(struct ush_ldap_reading *r, int (*entry)(void *context, const struct ush_ldap_entry *found, struct ush_error *err),
			 struct ush_error *err)
{
	const char *attributes[20];
	struct ush_ldap_search search = {.what = "groups", .base = r->terms.groups_base, .scope = LDAP_SCOPE_SUBTREE, .filter = r->terms.groups_filter,
					 .attributes = attributes, .entry = entry, .context = r};
	size_t count = 0;

	attributes[0] = NULL;
	if (r->with_members)
		ush_ldap_node_attributes(r, attributes);
	while (attributes[count] != NULL)
		count++;
	attributes[count++] = r->terms.id;
	attributes[count++] = r->terms.group_name;
	for (size_t i = 0; stamps[i] != NULL; i++)
		attributes[count++] = stamps[i];
	attributes[count] = NULL;
	return ush_ldap_search(&r->l, &search, err);
}

static int check_ids(const struct ush_ldap_reading *r, struct ush_error *err)
{
	const struct ush_group *items = r->groups->items;
	void *seen = NULL;
	int result = 0;

	for (size_t i = 0; i < r->groups->count && result == 0; i++)
		if (!ush_seen_add(&seen, items[i].id))
			result = ush_fail(err, USH_ERR_INCOMPLETE, "two groups have one %s: \"%.200s\" is the second", r->terms.id, r->nodes[i].dn);
	ush_seen_free(&seen);
	return result;
}

static void count_wanted(struct ush_ldap_reading *r)
{
	r->wanted = 0;
	for (size_t i = 0; i < r->groups->count; i++) {
		r->nodes[i].wanted = ush_source_wants_members(r->question, &r->groups->items[i]);
		r->wanted += r->nodes[i].wanted;
	}
}

static void forget(struct ush_ldap_reading *r)
{
	struct ush_ldap_reading old = {.nodes = r->nodes, .node_count = r->node_count, .keys = r->keys, .texts = r->texts, .roster = r->roster};

	ush_ldap_reading_free(&old);
	r->nodes = NULL;
	r->node_count = 0;
	r->keys = r->texts = NULL;
	r->roster = (struct ush_roster){0};
	while (r->groups->count > 0)
		ush_group_free(&r->groups->items[--r->groups->count]);
}

int ush_ldap_groups_list(struct ush_ldap_reading *r, struct ush_error *err)
{
	if (check_base(r, "groups.base", r->terms.groups_base, err) != 0)
		return -1;
	r->with_members = r->question->all_members && !r->question->no_members;
	if (search_groups(r, take_group, err) != 0)
		return -1;
	count_wanted(r);
	if (!r->with_members && (r->wanted > LIST_MANY || (r->wanted > 0 && r->terms.schema->member_of))) {
		forget(r);
		r->with_members = true;
		if (search_groups(r, take_group, err) != 0)
			return -1;
		count_wanted(r);
	}
	if (r->groups->count == 0) {
		ush_fail(err, USH_ERR_INCOMPLETE, "no group under \"%.200s\" fits %.200s: that is no list of groups", r->terms.groups_base, r->terms.groups_filter);
		return ush_hint(err, "Check groups.base and groups.filter, and what bindDN may read");
	}
	if (r->wanted > 0 && r->terms.people_base != r->terms.groups_base && check_base(r, "people.base", r->terms.people_base, err) != 0)
		return -1;
	return check_ids(r, err);
}

/* ---- again ---- */

/* Id, name of the entry, and for a group whose members were read the mark that changes with each change. */
static char *seal(const char *id, const char *key, const char *stamp)
{
	return ush_printf("%s\n%s\n%s", id, key, stamp);
}

static int take_again(void *context, const struct ush_ldap_entry *entry, struct ush_error *err)
{
	struct ush_ldap_reading *r = context;
	const char *dn = entry->dn;
	USH_AUTO_FREE char *id = id_of(r, entry), *key = ush_ldap_dn_key(dn), *stamp = stamp_of(entry), *line = NULL;
	size_t number = key != NULL ? ush_ldap_node_by_key(r, key) : USH_LDAP_NOBODY;

	if (id == NULL || key == NULL)
		return lacks(dn, r->terms.id, err);
	if (r->again.count > USH_GROUPS_MAX)
		return ush_fail(err, USH_ERR_INCOMPLETE, "more than %d groups", USH_GROUPS_MAX);
	line = seal(id, key, number != USH_LDAP_NOBODY && r->nodes[number].wanted ? stamp : "");
	ush_list_add(&r->again, line);
	return 0;
}

int ush_ldap_groups_relist(struct ush_ldap_reading *r, struct ush_error *err)
{
	r->with_members = false;
	return search_groups(r, take_again, err);
}

int ush_ldap_groups_agree(struct ush_ldap_reading *r, struct ush_error *err)
{
	struct ush_list first = {0};
	size_t same = 0, count = r->groups->count;
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		USH_AUTO_FREE char *line = seal(r->groups->items[i].id, r->nodes[i].key, r->nodes[i].wanted ? r->nodes[i].stamp : "");

		ush_list_add(&first, line);
	}
	ush_list_sort(&first);
	ush_list_sort(&r->again);
	while (same < first.count && same < r->again.count && strcmp(first.items[same], r->again.items[same]) == 0)
		same++;
	if (same != first.count || same != r->again.count) {
		const char *line = same < first.count ? first.items[same] : r->again.items[same];

		ush_fail(err, USH_ERR_INCOMPLETE, "groups changed while they were read: %zu, then %zu; group %.*s", first.count, r->again.count, (int)strcspn(line, "\n"), line);
		ush_hint(err, "The next run will do");
		r->l.retry = true;
		result = -1;
	}
	ush_list_free(&first);
	return result;
}
