/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether an object that the API server gives holds all that a write said: how a write whose answer was lost is told
 * from one that somebody else was faster with. Pure.
 */
#ifndef USH_KUBE_HOLDS_H
#define USH_KUBE_HOLDS_H

#include <jansson.h>
#include <stdbool.h>

#include "common/base/text.h"

/* Every member of wanted is in there with its value; null wants it absent, an empty list is as good as none. What else
 * there has does not count. resourceVersion and managedFields of wanted are preconditions, not content. */
bool ush_kube_holds(const json_t *there, const json_t *wanted);

/* The same with both as JSON text; false when one is none, or when the object is on its way out. */
bool ush_kube_holds_text(const struct ush_buf *there, const struct ush_buf *wanted);

/* A refusal (Status, 403) because the namespace is being deleted: nothing can be made in it. */
bool ush_kube_namespace_ends(const struct ush_buf *status);

#endif
