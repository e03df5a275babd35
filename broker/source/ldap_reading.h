/* SPDX-License-Identifier: Apache-2.0
 *
 * One reading of a directory: its groups, and the people of those whose members are wanted. Groups are nodes, those of the
 * list first and in its order; behind them come groups that the list leaves out (filter, base) and that are members of
 * one in it.
 */
#ifndef USH_SOURCE_LDAP_READING_H
#define USH_SOURCE_LDAP_READING_H

#include "broker/source/ldap.h"
#include "broker/source/roster.h"
#include "broker/source/source.h"

/* ---- how a directory says things: ldap_schema.c ---- */

struct ush_ldap_schema {
	const char *name;
	const char *groups_filter, *people_filter;
	const char *id, *group_name, *person_name;
	const char *member, *member_too; /* attributes of a group that list its members; the second may be NULL */
	bool logins;	/* members are login names (attribute uid), not DNs */
	bool windows;	/* Active Directory's: primary groups, userAccountControl on everybody */
	bool member_of; /* memberOf of people and groups says who is a member, besides */
};

/* What the policy says, else the schema. */
struct ush_ldap_terms {
	const struct ush_ldap_schema *schema;
	const char *groups_base, *id, *group_name, *member, *member_too;
	const char *people_base, *person_name;
	char *groups_filter, *people_filter; /* in parentheses */
	enum { USH_LDAP_NESTING_CLIENT, USH_LDAP_NESTING_NONE, USH_LDAP_NESTING_CHAIN } nesting;
	bool compares; /* memberOf of people must agree with the groups' members */
};

void ush_ldap_terms_read(struct ush_ldap_terms *terms, const struct ush_policy_source *source);
void ush_ldap_terms_free(struct ush_ldap_terms *terms);

/* Attributes that tell whether somebody may sign in, ended by NULL; and what they tell at `now` (Unix seconds). */
extern const char *const ush_ldap_account_attributes[];
bool ush_ldap_account_off(const char *attribute, const char *value, int64_t now);

/* Does this object class make an entry a group? */
bool ush_ldap_class_is_group(const char *name);

/* ---- the reading ---- */

#define USH_LDAP_NOBODY ((size_t)-1)

struct ush_ldap_node {
	char *dn, *key;
	char *sid;   /* hexadecimal, or NULL */
	char *stamp; /* changes when the entry does */
	bool loaded, wanted, queued;
	bool demands;		       /* its class demands a member */
	struct ush_ldap_values members; /* as the schema says them */
	struct ush_ldap_values too;    /* of the second attribute */
	struct ush_ldap_values outers; /* memberOf */
};

struct ush_ldap_person {
	char *key;     /* of the DN, or the login name */
	char *dn, *name;
	char *primary; /* SID of the primary group, hexadecimal, or NULL */
	bool off;
	struct ush_ldap_values outers; /* memberOf */
	size_t *groups;		       /* nodes of these */
	size_t group_count;
};

struct ush_ldap_reading {
	struct ush_ldap l;
	struct ush_ldap_terms terms;
	const struct ush_source_question *question;
	struct ush_groups *groups;
	struct ush_ldap_node *nodes;
	size_t node_count;
	void *keys, *texts; /* trees: a node by its key; and by a DN as somebody wrote it */
	struct ush_ldap_person *people;
	size_t person_count;
	struct ush_ldap_person **primaries; /* those with a primary group, sorted by it */
	size_t primary_count;
	struct ush_roster roster;
	bool with_members;    /* the list of groups brings members along */
	size_t wanted;
	size_t compared;      /* memberships that memberOf says too */
	size_t *queue;	      /* nodes whose members are to be taken */
	size_t queue_count;
	struct ush_list again; /* of the second reading of the list */
};

void ush_ldap_reading_free(struct ush_ldap_reading *r);

/* Groups: ldap_groups.c. list fills groups and nodes, relist notes what a second reading says; agree compares the two. */
int ush_ldap_groups_list(struct ush_ldap_reading *r, struct ush_error *err);
int ush_ldap_groups_relist(struct ush_ldap_reading *r, struct ush_error *err);
int ush_ldap_groups_agree(struct ush_ldap_reading *r, struct ush_error *err);

/* Nodes: ldap_nodes.c. find gives USH_LDAP_NOBODY for a DN that is no node; load reads members that are not there yet
 * (of a group outside the list that is gone or hidden: none); look_up makes a node of a DN if it is a group; rest
 * reads the values of an attribute that did not come at once. */
size_t ush_ldap_node_add(struct ush_ldap_reading *r, const char *dn, const char *key);
size_t ush_ldap_node_find(struct ush_ldap_reading *r, const char *dn);
size_t ush_ldap_node_make(struct ush_ldap_reading *r, const char *dn); /* finds or adds; NOBODY for what is no DN */
size_t ush_ldap_node_by_key(const struct ush_ldap_reading *r, const char *key);
int ush_ldap_node_take(struct ush_ldap_reading *r, size_t number, const struct ush_ldap_entry *entry, struct ush_error *err);
int ush_ldap_values_rest(struct ush_ldap_values *values, struct ush_ldap *l, const char *dn, const char *attribute, struct ush_error *err);
int ush_ldap_node_load(struct ush_ldap_reading *r, size_t number, struct ush_error *err);
int ush_ldap_node_look_up(struct ush_ldap_reading *r, const char *dn, const char *key, size_t *number, struct ush_error *err);
void ush_ldap_node_attributes(const struct ush_ldap_reading *r, const char *out[12]);

/* Everybody under people.base that the filter takes, sorted by key: ldap_people.c. person_take reads one entry. */
int ush_ldap_people_list(struct ush_ldap_reading *r, struct ush_error *err);
int ush_ldap_person_take(struct ush_ldap_reading *r, const struct ush_ldap_entry *entry, struct ush_error *err);
struct ush_ldap_person *ush_ldap_person_find(const struct ush_ldap_reading *r, const char *key);
void ush_ldap_person_attributes(const struct ush_ldap_reading *r, const char *out[24]);
void ush_ldap_people_free(struct ush_ldap_reading *r);

/* Who is in what: ldap_members.c by the lists that were read, ldap_chain.c by the server's own search. */
int ush_ldap_members_read(struct ush_ldap_reading *r, struct ush_error *err);
int ush_ldap_chain_read(struct ush_ldap_reading *r, struct ush_error *err);

#endif
