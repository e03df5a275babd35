/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is in so many groups that a token cannot list them: Entra leaves the claim out altogether above 200 (150 in SAML),
 * and such a person loses all access at once without anybody having taken it away. Pure.
 */
#ifndef USH_SYNC_FORECAST_H
#define USH_SYNC_FORECAST_H

#include "broker/source/source.h"

#define USH_FORECAST_LIMIT 200
#define USH_FORECAST_NEAR  180

/* Adds a line for those past the limit and one for those near it. Counts the groups whose members are known. */
void ush_forecast(const struct ush_groups *sources, size_t count, struct ush_list *lines);

#endif
