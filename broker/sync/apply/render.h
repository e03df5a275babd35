/* SPDX-License-Identifier: Apache-2.0
 *
 * The desired objects as a folder of manifests, for whoever applies from git: NAMESPACE.yaml each, the same bytes for the
 * same objects. A file is put in place whole, one that would not change is not touched, one that is no longer wanted goes
 * last, and a file that we did not write is left alone. A run that is killed leaves a folder in which each file is old or
 * new, and the next run finishes it; where the folder as a whole must be one or the other, see generation.h.
 */
#ifndef USH_SYNC_RENDER_H
#define USH_SYNC_RENDER_H

#include "broker/sync/plan/plan.h"

struct ush_rendered {
	size_t written, unchanged, removed;
	struct ush_list foreign; /* files that stand where ours should, and are not ours */
};

/*
 * Writes plan->objects (reconcile with all_objects) and the state to folder, which is made when it is not there. Every
 * text is read back and compared before it is put in place, and holds Roles and RoleBindings of one namespace alone.
 * Fails with USH_ERR_STORE.
 */
int ush_render(const char *folder, const struct ush_plan *plan, struct ush_rendered *rendered, struct ush_error *err);

/* The same into an empty folder that is there, the state in any case: a generation (generation.h). */
int ush_render_whole(const char *folder, const struct ush_plan *plan, struct ush_rendered *rendered, struct ush_error *err);
void ush_rendered_free(struct ush_rendered *rendered);
#define USH_AUTO_RENDERED __attribute__((cleanup(ush_rendered_free))) struct ush_rendered

/* The text of one namespace's file: objects[0..count) are of one namespace. NULL with USH_ERR_STORE. */
char *ush_render_text(const char *policy, json_t *const *objects, size_t count, struct ush_error *err);

#endif
