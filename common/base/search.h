/* SPDX-License-Identifier: Apache-2.0
 *
 * Where something stands, or would stand, in an array that is sorted by whatever order the caller has.
 *
 *	size_t at = USH_FIRST_NOT(i, 0, count, strcmp(items[i].name, name) < 0);
 */
#ifndef USH_BASE_SEARCH_H
#define USH_BASE_SEARCH_H

#include <stddef.h>

/* The first i of [begin, end) for which `before` is false, or end. `before` speaks of i, and once false it stays so. */
#define USH_FIRST_NOT(i, begin, end, before)                                                                           \
	__extension__({                                                                                                \
		size_t ush_low = (begin), ush_high = (end);                                                            \
                                                                                                                       \
		while (ush_low < ush_high) {                                                                           \
			size_t i = ush_low + (ush_high - ush_low) / 2;                                                 \
                                                                                                                       \
			if (before)                                                                                    \
				ush_low = i + 1;                                                                       \
			else                                                                                           \
				ush_high = i;                                                                          \
		}                                                                                                      \
		ush_low;                                                                                               \
	})

#endif
