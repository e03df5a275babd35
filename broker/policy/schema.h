/* SPDX-License-Identifier: Apache-2.0
 *
 * The policy's grammar as JSON Schema (draft 2020-12), from the tables that the reader reads by: for editors, and for
 * whoever checks a policy without usher-broker. It refuses nothing that the reader takes; what a schema cannot say (a
 * role that nobody defined, an end before its beginning) the reader refuses alone.
 */
#ifndef USH_POLICY_SCHEMA_H
#define USH_POLICY_SCHEMA_H

#include <jansson.h>

/* Owned by the caller. */
json_t *ush_policy_schema(void);

#endif
