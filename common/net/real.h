/* SPDX-License-Identifier: Apache-2.0
 *
 * The real world: the system's clocks, OpenSSL's randomness, libcurl. Made once by each program's main.
 */
#ifndef USH_NET_REAL_H
#define USH_NET_REAL_H

#include <stdbool.h>

#include "common/base/world.h"

/* Fills world; SIGINT and SIGTERM end a wait early and nothing else. Free with ush_world_real_free. */
void ush_world_real(struct ush_world *world);
void ush_world_real_free(struct ush_world *world);

/* True once SIGINT or SIGTERM came; a wait and an HTTP exchange end then. False where no real world was made. */
bool ush_asked_to_end(void);

/* The boot clock, for what has no world. */
int64_t ush_real_boot_ms(void);

#endif
