/* SPDX-License-Identifier: Apache-2.0
 *
 * What a server says about itself (RFC 4512 section 5.1): its controls, its kind, its naming contexts.
 */
#ifndef USH_SOURCE_LDAP_ROOT_H
#define USH_SOURCE_LDAP_ROOT_H

#include "broker/source/ldap.h"

/* Fills what l knows of the server. A rootDSE that may not be read leaves it all unknown. */
int ush_ldap_root_read(struct ush_ldap *l, struct ush_error *err);

#endif
