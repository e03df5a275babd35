/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON from outside (RFC 8259), read with caps: bytes, depth, no duplicate keys, no NUL in strings, nothing after the
 * value. Needs libc and jansson alone, so the static front may use it.
 */
#ifndef USH_DATA_JSON_H
#define USH_DATA_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define USH_JSON_DEPTH 32 /* of everything we read: tokens, metadata, RBAC objects */

/* Parses text; the caller owns the value (USH_AUTO_JSON). NULL with code and "what: why at line:column" on failure. */
json_t *ush_json_parse(const char *text, size_t length, const char *what, enum ush_code code, struct ush_error *err);

/* True when no bracket nests deeper than depth; strings are skipped. Works on any bytes. */
bool ush_json_depth_ok(const char *text, size_t length, unsigned int depth);

/* Member lookups that never crash: NULL when object is not an object or the member is not of that type. */
const char *ush_json_string(const json_t *object, const char *key);
json_t *ush_json_object(const json_t *object, const char *key);
json_t *ush_json_array(const json_t *object, const char *key);

/*
 * A NumericDate (RFC 7519 section 2): integer or finite real within 0..2^53, cut to seconds. Returns 1 when found, 0
 * when the member is absent, -1 when it is there and is not such a number.
 */
int ush_json_date(const json_t *object, const char *key, int64_t *seconds);

/* Compact text with sorted keys (equal values give equal text); the caller frees. Not for secrets. */
char *ush_json_canonical(const json_t *value);

static inline void ush_json_free_indirect(json_t **value)
{
	json_decref(*value);
}

#define USH_AUTO_JSON __attribute__((cleanup(ush_json_free_indirect))) json_t *

#endif
