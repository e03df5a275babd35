/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/want/texts.h"

#include <string.h>

#include "common/base/memory.h"

#define PIECE 65536

struct ush_texts_entry {
	const char *text;
	uint32_t length, hash;
};

uint64_t ush_texts_hash(const void *data, size_t length)
{
	const unsigned char *at = data;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

const char *ush_texts_add(struct ush_texts *texts, const char *text, size_t length)
{
	char *to;

	if (length + 1 > texts->left) {
		size_t size = length + 1 > PIECE ? length + 1 : PIECE;

		texts->at = ush_resize(NULL, size);
		texts->left = size;
		USH_PUSH(texts->pieces, texts->piece_count, texts->at);
	}
	to = texts->at;
	memcpy(to, text, length);
	to[length] = '\0';
	texts->at += length + 1;
	texts->left -= length + 1;
	return to;
}

const void *ush_texts_add_bytes(struct ush_texts *texts, const void *data, size_t length, size_t align)
{
	size_t skip = texts->left > 0 ? (align - (uintptr_t)texts->at % align) % align : 0;

	if (skip + length + 1 > texts->left) /* a new piece begins, and malloc aligns it */
		texts->left = skip = 0;
	texts->at += skip;
	texts->left -= skip;
	return ush_texts_add(texts, data, length);
}

/* Where the text stands, or would stand. */
static struct ush_texts_entry *place(const struct ush_texts *texts, const char *text, size_t length, uint32_t hash)
{
	size_t i = hash & (texts->slot_count - 1);

	while (texts->slots[i].text != NULL && (texts->slots[i].hash != hash || texts->slots[i].length != length || memcmp(texts->slots[i].text, text, length) != 0))
		i = (i + 1) & (texts->slot_count - 1);
	return &texts->slots[i];
}

static void grow(struct ush_texts *texts)
{
	struct ush_texts_entry *old = texts->slots;
	size_t count = texts->slot_count;

	texts->slot_count = count == 0 ? 64 : 2 * count;
	texts->slots = ush_alloc(texts->slot_count * sizeof *texts->slots);
	for (size_t i = 0; i < count; i++)
		if (old[i].text != NULL)
			*place(texts, old[i].text, old[i].length, old[i].hash) = old[i];
	free(old);
}

const char *ush_texts_keep_bytes(struct ush_texts *texts, const char *text, size_t length)
{
	uint32_t hash = (uint32_t)ush_texts_hash(text, length);
	struct ush_texts_entry *entry;

	if (4 * texts->count >= 3 * texts->slot_count)
		grow(texts);
	entry = place(texts, text, length, hash);
	if (entry->text == NULL) {
		*entry = (struct ush_texts_entry){ush_texts_add(texts, text, length), (uint32_t)length, hash};
		texts->count++;
	}
	return entry->text;
}

const char *ush_texts_keep(struct ush_texts *texts, const char *text)
{
	return text != NULL ? ush_texts_keep_bytes(texts, text, strlen(text)) : NULL;
}

void ush_texts_free(struct ush_texts *texts)
{
	for (size_t i = 0; i < texts->piece_count; i++)
		free(texts->pieces[i]);
	free(texts->pieces);
	free(texts->slots);
	*texts = (struct ush_texts){0};
}

/* ---- sets ---- */

static size_t key_slot(const struct ush_keys *keys, uint64_t key)
{
	size_t at = (size_t)key & (keys->slot_count - 1);

	while (keys->slots[at] != 0 && keys->slots[at] != key)
		at = (at + 1) & (keys->slot_count - 1);
	return at;
}

void ush_keys_add(struct ush_keys *keys, uint64_t key)
{
	size_t at;

	key += key == 0;
	if (4 * (keys->count + 1) > 3 * keys->slot_count) {
		struct ush_keys old = *keys;

		keys->slot_count = old.slot_count == 0 ? 64 : 2 * old.slot_count;
		keys->slots = ush_alloc(keys->slot_count * sizeof *keys->slots);
		for (size_t i = 0; i < old.slot_count; i++)
			if (old.slots[i] != 0)
				keys->slots[key_slot(keys, old.slots[i])] = old.slots[i];
		free(old.slots);
	}
	at = key_slot(keys, key);
	keys->count += keys->slots[at] == 0;
	keys->slots[at] = key;
}

bool ush_keys_has(const struct ush_keys *keys, uint64_t key)
{
	key += key == 0;
	return keys->count > 0 && keys->slots[key_slot(keys, key)] != 0;
}

void ush_keys_free(struct ush_keys *keys)
{
	free(keys->slots);
	*keys = (struct ush_keys){0};
}
