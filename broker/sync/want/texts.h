/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts that many things say: each kept once, in big pieces of memory, until all of them go together. A text keeps its
 * place, so equal texts of one set are equal pointers. Pure.
 */
#ifndef USH_SYNC_TEXTS_H
#define USH_SYNC_TEXTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ush_texts { /* zero-initialised */
	struct ush_texts_entry *slots;
	size_t slot_count, count;
	char **pieces;
	size_t piece_count, left;
	char *at;
};

/* NULL gives NULL. */
const char *ush_texts_keep(struct ush_texts *texts, const char *text);
const char *ush_texts_keep_bytes(struct ush_texts *texts, const char *text, size_t length);

/* The same without looking whether it is there already: for texts that are all different. */
const char *ush_texts_add(struct ush_texts *texts, const char *text, size_t length);

/* Bytes that are no text, at an address that `align` divides. */
const void *ush_texts_add_bytes(struct ush_texts *texts, const void *data, size_t length, size_t align);
void ush_texts_free(struct ush_texts *texts);

/* A set of names, of which only 64 bits of a hash are kept: for "is it there?" where a wrong yes once in a lifetime costs
 * a line in a report. Zero-initialised. */
struct ush_keys {
	uint64_t *slots;
	size_t slot_count, count;
};
void ush_keys_add(struct ush_keys *keys, uint64_t key);
bool ush_keys_has(const struct ush_keys *keys, uint64_t key);
void ush_keys_free(struct ush_keys *keys);

/* FNV-1a, 64 bits: for tables in memory, no more. */
uint64_t ush_texts_hash(const void *data, size_t length);

#endif
