/* SPDX-License-Identifier: Apache-2.0
 *
 * An entry of a directory: a DN and attributes with values that may be any bytes. Pure.
 */
#ifndef USH_SOURCE_LDAP_ENTRY_H
#define USH_SOURCE_LDAP_ENTRY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/kube/rbac.h"

struct ush_ldap_value {
	char *data; /* a NUL follows */
	size_t length;
};

struct ush_ldap_attribute {
	char *name; /* with its options: "member;range=0-1499" */
	struct ush_ldap_value *values;
	size_t count;
};

struct ush_ldap_entry {
	char *dn; /* UTF-8 */
	struct ush_ldap_attribute *attributes;
	size_t count;
};
void ush_ldap_entry_free(struct ush_ldap_entry *entry);
#define USH_AUTO_LDAP_ENTRY __attribute__((cleanup(ush_ldap_entry_free))) struct ush_ldap_entry

/* Adds a value; the attribute when it is new. data NULL: the attribute alone, without a value. */
void ush_ldap_entry_add(struct ush_ldap_entry *entry, const char *attribute, const void *data, size_t length);

/* An attribute by its whole name, without regard to case; NULL when it is not there. And whether it has a value, likewise. */
const struct ush_ldap_attribute *ush_ldap_entry_get(const struct ush_ldap_entry *entry, const char *attribute);
bool ush_ldap_entry_has(const struct ush_ldap_entry *entry, const char *attribute, const char *value);

/* The one value of an attribute as text, NULL where there is none or it is no text. Of several the one that the RDN has, else
 * the least: the order of values means nothing. The caller frees. */
char *ush_ldap_text(const struct ush_ldap_entry *entry, const char *attribute);

/* For recordings. from_json gives -1 for what is no entry. */
json_t *ush_ldap_entry_to_json(const struct ush_ldap_entry *entry);
int ush_ldap_entry_from_json(struct ush_ldap_entry *entry, const json_t *json);

/* ---- values that come in parts: ldap_values.c ---- */

struct ush_ldap_values {
	struct ush_list list;
	size_t strange; /* values that are no text */
	bool more;	/* there are values from `next` on */
	unsigned long long next;
};

/* Adds the values that an entry has of an attribute, whole or as a range. USH_ERR_INCOMPLETE for a range that does not follow
 * on what is there. */
int ush_ldap_values_take(struct ush_ldap_values *values, const struct ush_ldap_entry *entry, const char *attribute, struct ush_error *err);
void ush_ldap_values_free(struct ush_ldap_values *values);

#endif
