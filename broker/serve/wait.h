/* SPDX-License-Identifier: Apache-2.0
 *
 * Waiting for the next run, awake to signals: SIGTERM and SIGINT end the wait (ush_asked_to_end), SIGHUP means "now". In
 * between SIGHUP is held back, so that it breaks off nothing that is under way.
 */
#ifndef USH_SERVE_WAIT_H
#define USH_SERVE_WAIT_H

#include "common/base/world.h"

enum ush_waited { USH_WAITED_DUE, USH_WAITED_NOW, USH_WAITED_END };

/* Holds SIGHUP back from here on. Before any thread is started. */
void ush_wait_prepare(void);

/* Until that time of the boot clock. A SIGHUP that came before is answered at once. */
enum ush_waited ush_wait_until(const struct ush_world *world, int64_t boot_ms);

#endif
