/* SPDX-License-Identifier: Apache-2.0
 *
 * Names and values as directories spell them (RFC 4514, RFC 4515, and Active Directory's own), made comparable. Pure.
 */
#ifndef USH_SOURCE_LDAP_NAME_H
#define USH_SOURCE_LDAP_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/text.h"

/* A text that two DNs have in common when they name the same entry, whatever letter case, escapes, blanks and order of a
 * multi-valued RDN they are written with. NULL when dn is no DN. The caller frees. */
char *ush_ldap_dn_key(const char *dn);

/*
 * Where an entry stands under base, read from the top: "/payments/dev" for cn=dev,ou=payments,BASE. The values of the RDNs
 * in their own spelling; a "/" or "\" inside one is written \2F or \5C, so that no name can pose as a path; the values of a
 * multi-valued RDN stand with "+" between. base itself is "/" and the value of its first RDN. NULL when dn is not under
 * base or holds what is no UTF-8 text. The caller frees.
 */
char *ush_ldap_dn_path(const char *dn, const char *base);

/* True when the first RDN of dn says attribute=value, both without regard to case. */
bool ush_ldap_dn_begins(const char *dn, const char *attribute, const char *value);

/* Is it text: UTF-8, without a NUL, not empty? */
bool ush_ldap_is_text(const char *data, size_t length);

/* 16 bytes of an objectGUID as Microsoft writes them: 671f232a-2f65-4424-a4c5-... (the first three fields are little-endian).
 * NULL for another length. The caller frees. */
char *ush_ldap_guid(const void *bytes, size_t length);

/* A SID's last number ([MS-DTYP] 2.4.2.2), and the SID as text of hexadecimal digits with another last number: what a
 * person's primaryGroupID means. False, NULL for what is no SID of a domain. */
bool ush_ldap_sid_rid(const void *bytes, size_t length, uint32_t *rid);
char *ush_ldap_sid_sibling(const void *bytes, size_t length, uint32_t rid);

/* Adds a value to a filter (RFC 4515 section 3): everything but letters, digits and a few harmless signs as \XX. */
void ush_ldap_escape(struct ush_buf *filter, const void *value, size_t length);

/* "member;range=0-1499" of attribute "member" ([MS-ADTS] 3.1.1.3.1.3.3): part of the values; last_one: "0-*", there is no
 * more. False when it is not a range of this attribute, or one that goes backwards. */
struct ush_ldap_range {
	uint64_t first, last;
	bool last_one;
};
bool ush_ldap_range_read(const char *description, const char *attribute, struct ush_ldap_range *range);

#endif
