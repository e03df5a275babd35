/* SPDX-License-Identifier: Apache-2.0
 *
 * A judge by JSON Schema (2020-12) for tests: the keywords that our schema uses. A keyword it does not know fails the
 * test, so nothing is passed over in silence.
 */
#ifndef USH_TESTS_SCHEMA_CHECK_H
#define USH_TESTS_SCHEMA_CHECK_H

#include <jansson.h>
#include <stdbool.h>

/* True when the schema takes the value. */
bool schema_takes(const json_t *schema, const json_t *value);

#endif
