/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside the source okta: what reading groups (okta.c) and ending sessions (revoke_okta.c) share.
 */
#ifndef USH_SOURCE_OKTA_H
#define USH_SOURCE_OKTA_H

#include "broker/source/api.h"

/* A token for these scopes, by the client's private_key_jwt. */
int ush_okta_sign_in(struct ush_api *api, const char *scope, struct ush_error *err);

/* X-Rate-Limit-Reset, as a kind's wait. */
int64_t ush_okta_wait(const struct ush_api *api, const struct ush_http_response *response, bool *again);

/* USH_ERR_CONFIG, also for a client without a key. */
int ush_okta_open(struct ush_api *api, const struct ush_world *world, const struct ush_policy_source *source, const struct ush_api_kind *how,
		  struct ush_error *err);

/* The revoke of the kind. */
int ush_okta_revoke(struct ush_revoke *r, struct ush_error *err);

#endif
