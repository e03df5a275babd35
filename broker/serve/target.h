/* SPDX-License-Identifier: Apache-2.0
 *
 * What a request is for: path and query, decoded (RFC 3986 section 2.1; "+" is a space in a query). Pure.
 */
#ifndef USH_SERVE_TARGET_H
#define USH_SERVE_TARGET_H

#include <stddef.h>

#define USH_TARGET_ARGUMENTS 16

struct ush_target {
	char *path;
	struct {
		char *name, *value;
	} arguments[USH_TARGET_ARGUMENTS];
	size_t count;
};

/* -1 when it is no path, or anything decoded holds a NUL or is no UTF-8, or there are too many arguments. */
int ush_target_read(struct ush_target *target, const char *text);
void ush_target_free(struct ush_target *target);
#define USH_AUTO_TARGET __attribute__((cleanup(ush_target_free))) struct ush_target

/* An argument's value (names without case), or NULL. */
const char *ush_target_get(const struct ush_target *target, const char *name);

#endif
