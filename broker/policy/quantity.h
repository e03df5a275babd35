/* SPDX-License-Identifier: Apache-2.0
 *
 * Quantities of resources as the Kubernetes API writes them (resource.Quantity): "500m", "1.5Gi", "2e3". One amount has
 * many spellings, and the API server picks its own. Pure.
 */
#ifndef USH_POLICY_QUANTITY_H
#define USH_POLICY_QUANTITY_H

#include <stdbool.h>

/* False for what is no quantity. */
bool ush_quantity_read(const char *text, long double *amount);

/* True for two spellings of one amount. */
bool ush_quantity_same(const char *a, const char *b);

#endif
