/* SPDX-License-Identifier: Apache-2.0
 *
 * A moment as text, in UTC. Seconds are Unix time; one in a year that no calendar has is "?". The caller frees.
 */
#ifndef USH_BASE_MOMENT_H
#define USH_BASE_MOMENT_H

#include <stdint.h>

/* "2026-11-21 19:00 UTC", for people. */
char *ush_moment(int64_t seconds);

/* "2026-11-21T19:00:00Z" (RFC 3339), for programs. */
char *ush_moment_stamp(int64_t seconds);

#endif
