/* SPDX-License-Identifier: Apache-2.0
 *
 * What this server can, as RFC 7644 section 4 has it said: ServiceProviderConfig, ResourceTypes, Schemas (RFC 7643 sections 5
 * to 8). Pure.
 */
#ifndef USH_RECEIVE_DISCOVERY_H
#define USH_RECEIVE_DISCOVERY_H

#include "broker/receive/scim.h"

#define USH_SCIM_PAGE_MAX 200 /* resources a page */

/* The document at what is behind the base ("/Schemas", "/ResourceTypes/User"); NULL when there is none. */
json_t *ush_scim_discovery(const char *path, const char *base);

/* A ListResponse of these, all of which it has. Takes rows. */
json_t *ush_scim_listed(json_t *rows, size_t total, size_t start);

#endif
