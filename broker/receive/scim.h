/* SPDX-License-Identifier: Apache-2.0
 *
 * Words of SCIM 2.0 (RFC 7643, RFC 7644), and what a request can be refused for.
 */
#ifndef USH_RECEIVE_SCIM_H
#define USH_RECEIVE_SCIM_H

#include <stdint.h>

#include "common/data/json.h"

#define USH_SCIM_USER_URN       "urn:ietf:params:scim:schemas:core:2.0:User"
#define USH_SCIM_GROUP_URN      "urn:ietf:params:scim:schemas:core:2.0:Group"
#define USH_SCIM_ENTERPRISE_URN "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
#define USH_SCIM_TYPE           "application/scim+json"
#define USH_SCIM_BASE           "/scim/v2"
#define USH_SCIM_ID             37 /* bytes of an id with its NUL */

enum ush_scim_kind { USH_SCIM_USER, USH_SCIM_GROUP };

/* Why a request is refused: HTTP status, scimType (RFC 7644 table 9, or NULL) and a sentence. */
struct ush_scim_fault {
	int status; /* 0: it is not */
	const char *type;
	char detail[256];
};

/* Fills fault unless it is filled. Returns -1. */
int ush_scim_fail(struct ush_scim_fault *fault, int status, const char *type, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The key of a member of an object, compared without case (RFC 7643 section 2.1), as it is spelt there; NULL. */
const char *ush_scim_key(const json_t *object, const char *name);

/* That member, or NULL. */
json_t *ush_scim_member(const json_t *object, const char *name);

/* Takes that member out of an object, or of each one of a list. */
void ush_scim_drop(json_t *value, const char *name);

/* Letters A to Z made small, for comparing without case; the caller frees. */
char *ush_scim_fold(const char *text);

/* "2026-11-21T19:14:40.123Z". out holds 32 bytes. Returns out. */
const char *ush_scim_time(int64_t ms, char *out, size_t size);

#endif
