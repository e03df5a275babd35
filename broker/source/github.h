/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the source github: what reading teams (github.c) and ending authorizations (revoke_github.c) share.
 */
#ifndef USH_SOURCE_GITHUB_H
#define USH_SOURCE_GITHUB_H

#include "broker/source/api.h"

/* By token or as an App. USH_ERR_CONFIG. */
int ush_github_open(struct ush_api *api, const struct ush_world *world, const struct ush_policy_source *source, struct ush_error *err);

/* The revoke of the kind. */
int ush_github_revoke(struct ush_revoke *r, struct ush_error *err);

#endif
