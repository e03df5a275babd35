/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/secret.h"

#include <string.h>

#include "common/base/memory.h"

struct ush_secret {
	size_t length;
	char data[];
};

struct ush_secret *ush_secret_new(const char *data, size_t length)
{
	struct ush_secret *s = ush_alloc(sizeof *s + length + 1);

	s->length = length;
	if (length > 0)
		memcpy(s->data, data, length);
	return s;
}

struct ush_secret *ush_secret_copy(const struct ush_secret *secret)
{
	return secret != NULL ? ush_secret_new(secret->data, secret->length) : NULL;
}

const char *ush_secret_reveal(const struct ush_secret *secret)
{
	return secret != NULL ? secret->data : NULL;
}

size_t ush_secret_length(const struct ush_secret *secret)
{
	return secret != NULL ? secret->length : 0;
}

bool ush_secret_equal(const struct ush_secret *a, const struct ush_secret *b)
{
	unsigned char difference = 0;

	if (a == NULL || b == NULL)
		return a == b;
	if (a->length != b->length)
		return false;
	for (size_t i = 0; i < a->length; i++)
		difference |= (unsigned char)(a->data[i] ^ b->data[i]);
	return difference == 0;
}

void ush_secret_free(struct ush_secret *secret)
{
	if (secret != NULL)
		ush_wipe_free(secret, sizeof *secret + secret->length);
}

void ush_secret_free_indirect(struct ush_secret **secret)
{
	ush_secret_free(*secret);
}
