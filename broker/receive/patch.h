/* SPDX-License-Identifier: Apache-2.0
 *
 * PATCH (RFC 7644 section 3.5.2): operations on what is kept of a resource. Either all of them succeed, or the caller
 * throws away what he gave. Pure.
 *
 * Taken beyond the RFC, because Entra ID sends it: names of operations in any case; `remove` with a list as its value takes
 * these out; names with dots or a URN as keys of a value without path.
 */
#ifndef USH_RECEIVE_PATCH_H
#define USH_RECEIVE_PATCH_H

#include "broker/receive/filter.h"

#define USH_PATCH_OPERATIONS 1000

/* Who keeps a group's members. Values are as sent: a list of {value: ID}. Each returns -1 with a fault. */
struct ush_scim_crowd {
	void *context;
	int (*add)(void *context, const json_t *values, struct ush_scim_fault *fault);
	int (*remove)(void *context, const json_t *values, struct ush_scim_fault *fault);	   /* NULL: all */
	int (*remove_some)(void *context, const struct ush_filter *filter, struct ush_scim_fault *fault);
};

/* body is the request's; kept is changed. crowd NULL: it has no members. */
int ush_scim_patch(const json_t *body, json_t *kept, const struct ush_scim_crowd *crowd, struct ush_scim_fault *fault);

#endif
