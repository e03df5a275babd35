/* SPDX-License-Identifier: Apache-2.0
 *
 * Users and groups as clients send them, as they are kept, and as they are told. What is kept is what a client may read
 * back: without what is ours (id, meta, schemas), without passwords, without what is empty, and of a group without its
 * members, which are kept apart. Pure.
 */
#ifndef USH_RECEIVE_RESOURCE_H
#define USH_RECEIVE_RESOURCE_H

#include "broker/receive/scim.h"

#define USH_SCIM_NAME_MAX      1024	    /* bytes of a userName or displayName */
#define USH_SCIM_RESOURCE_MAX  (64U << 10) /* of what is kept of one resource */

/* What is kept of what was sent. before, when there is one, is what was kept until now: `active` stays as it was unless it
 * is said, so nobody who is disabled becomes active by silence. NULL with 400. */
json_t *ush_scim_take(enum ush_scim_kind kind, const json_t *sent, const json_t *before, struct ush_scim_fault *fault);

/* Its userName or displayName. */
const char *ush_scim_name(enum ush_scim_kind kind, const json_t *kept);

/* The name by which groups.json knows a user: "userName", "email" (the primary one, else the first), "externalId". NULL when
 * he has none, and for one that no list of names can hold. */
const char *ush_scim_people_name(const json_t *kept, const char *what);

/* Adds `schemas`: the core's and each extension's that there is. */
void ush_scim_add_schemas(enum ush_scim_kind kind, json_t *told);

/* Leaves of told what `attributes` names (NULL: all), without what `excluded` names (NULL: nothing): comma-separated names,
 * "a" or "a.b", with or without URN (RFC 7644 section 3.9). id and schemas are always told. 400 for a name that is none. */
int ush_scim_project(json_t *told, const char *attributes, const char *excluded, struct ush_scim_fault *fault);

#endif
