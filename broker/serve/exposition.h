/* SPDX-License-Identifier: Apache-2.0
 *
 * Prometheus' text format (exposition format 0.0.4) put together: pages of several clusters as one, in which each name has
 * its head once, and what is to be said of the process itself.
 */
#ifndef USH_SERVE_EXPOSITION_H
#define USH_SERVE_EXPOSITION_H

#include <stddef.h>

#include "common/base/text.h"

#define USH_EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends the samples of all texts, which broker/sync/apply/metrics.h wrote, by name. Pure. */
void ush_exposition_merge(struct ush_buf *out, const char *const *texts, size_t count);

/* Appends one value with its head; labels is "" or `{name="value"}`; type "gauge" or "counter". Pure. */
void ush_exposition_put(struct ush_buf *out, const char *name, const char *type, const char *help, const char *labels, double value);

/* Appends CPU time, memory, descriptors and start of this process under the names that every client library uses. What
 * /proc does not tell is left out. process.c */
void ush_exposition_process(struct ush_buf *out);

#endif
