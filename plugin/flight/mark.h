/* SPDX-License-Identifier: Apache-2.0
 *
 * The file behind ush_flight_mark: that a refresh token is about to be spent. Between flight.c and mark.c alone, since a
 * mark means something only under the lock.
 */
#ifndef USH_FLIGHT_MARK_H
#define USH_FLIGHT_MARK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/secret.h"

int ush_mark_set(const char *binding, const struct ush_secret *refresh, int64_t now, struct ush_error *err);
void ush_mark_clear(const char *binding);
bool ush_mark_stands(const char *binding, const struct ush_secret *refresh, int64_t now, int64_t *age_s);

#endif
