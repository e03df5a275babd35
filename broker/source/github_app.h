/* SPDX-License-Identifier: Apache-2.0
 *
 * Signing in as a GitHub App: a JWT over the App's private key buys an installation access token, which lives for an hour.
 */
#ifndef USH_SOURCE_GITHUB_APP_H
#define USH_SOURCE_GITHUB_APP_H

#include "broker/source/api.h"

#define USH_GITHUB_VERSION "X-GitHub-Api-Version: 2022-11-28"

/* The sign_in of the App's kind. */
int ush_github_app_sign_in(struct ush_api *api, struct ush_error *err);

#endif
