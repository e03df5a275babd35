/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the source authentik: what reading groups (authentik.c) and ending sessions (revoke_authentik.c) share.
 */
#ifndef USH_SOURCE_AUTHENTIK_H
#define USH_SOURCE_AUTHENTIK_H

#include "broker/source/api.h"


/* The revoke of the kind. */
int ush_authentik_revoke(struct ush_revoke *r, struct ush_error *err);

#endif
