/* SPDX-License-Identifier: Apache-2.0
 *
 * Rendered folders as generations: DIR/current is a link to DIR/g-HASH, which holds everything (render.h), and beside it
 * stays the generation before. A reader who follows `current` sees a whole old one or a whole new one, whenever and by
 * whatever the writer is stopped:
 *
 *   1. everything is written into DIR/.new-XXXXXX, each file whole and synced (ush_file_write), then the folder is synced;
 *   2. it is renamed to DIR/g-HASH, so a folder of that name is always complete; HASH is of all names and bytes in it;
 *   3. a new link is made beside `current` and renamed over it: that one step is the change;
 *   4. only then what is older than the generation before goes, and what a run that was killed left.
 *
 * Killed, or out of space, before step 3 nothing has changed; after it everything has. The next run finishes either.
 */
#ifndef USH_SYNC_GENERATION_H
#define USH_SYNC_GENERATION_H

#include "broker/sync/apply/render.h"
#include "broker/sync/plan/plan.h"

#define USH_GENERATION_CURRENT "current"

/* What to compare with: DIR/current. The caller frees. */
char *ush_generation_current(const char *folder);

/* As ush_render, into a new generation. written is 0 when `current` is just that already. USH_ERR_STORE. */
int ush_generation_render(const char *folder, const struct ush_plan *plan, struct ush_rendered *rendered, struct ush_error *err);

#endif
