/* SPDX-License-Identifier: Apache-2.0
 *
 * A secret: token, verifier, client secret. Opaque, so that handing it to "%s" does not compile; the only door is
 * ush_secret_reveal(), which is what to look for in a review. Wiped when freed. A secret is never in argv, environment,
 * log or core dump; while it lives it is taken out of every text that leaves (scrub.h).
 */
#ifndef USH_BASE_SECRET_H
#define USH_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct ush_secret;

/* Copies length bytes; they may hold any byte, and a NUL follows them. */
struct ush_secret *ush_secret_new(const char *data, size_t length);
struct ush_secret *ush_secret_copy(const struct ush_secret *secret); /* NULL gives NULL */

/* The bytes, owned by the secret. NULL gives NULL. */
const char *ush_secret_reveal(const struct ush_secret *secret);
size_t ush_secret_length(const struct ush_secret *secret);

/* In constant time for equal lengths. Two NULLs are equal. */
bool ush_secret_equal(const struct ush_secret *a, const struct ush_secret *b);

void ush_secret_free(struct ush_secret *secret); /* NULL is fine */
void ush_secret_free_indirect(struct ush_secret **secret);

#define USH_AUTO_SECRET __attribute__((cleanup(ush_secret_free_indirect))) struct ush_secret *

#endif
