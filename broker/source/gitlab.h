/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the source gitlab: what reading groups (gitlab.c) and ending tokens (revoke_gitlab.c) share.
 */
#ifndef USH_SOURCE_GITLAB_H
#define USH_SOURCE_GITLAB_H

#include "broker/source/api.h"

const char *ush_gitlab_url(const struct ush_policy_source *source);

/* RateLimit-Reset, as a kind's wait. */
int64_t ush_gitlab_wait(const struct ush_api *api, const struct ush_http_response *response, bool *again);

/* The revoke of the kind. */
int ush_gitlab_revoke(struct ush_revoke *r, struct ush_error *err);

#endif
