/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 of what comes in pieces. Pure.
 */
#ifndef USH_SYNC_SUM_H
#define USH_SYNC_SUM_H

#include <stddef.h>

struct ush_sum;
struct ush_sum *ush_sum_new(void);
void ush_sum_add(struct ush_sum *sum, const void *data, size_t length);

/* A text with its length before it, so that no two lists of texts are the same bytes; NULL is another than "". */
void ush_sum_text(struct ush_sum *sum, const char *text);

/* Lower-case hex and a NUL; frees the sum. */
void ush_sum_end(struct ush_sum *sum, char out[65]);

#endif
