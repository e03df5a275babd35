/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/secret.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/needle.h"

struct ush_secret {
	uintptr_t newer, older; /* disguised: a secret that is lost is a leak, though the list knows it */
	struct ush_needles needles;
	size_t length;
	char data[];
};

/* Every secret that lives, for what may not be told (scrub.h). */
static uintptr_t newest;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uintptr_t disguise(const struct ush_secret *secret)
{
	return secret != NULL ? ~(uintptr_t)secret : 0;
}

static struct ush_secret *undisguise(uintptr_t disguised)
{
	return disguised != 0 ? (struct ush_secret *)~disguised : NULL;
}

static void enlist(struct ush_secret *secret)
{
	pthread_mutex_lock(&lock);
	secret->older = newest;
	if (newest != 0)
		undisguise(newest)->newer = disguise(secret);
	newest = disguise(secret);
	pthread_mutex_unlock(&lock);
}

static void strike(struct ush_secret *secret)
{
	struct ush_secret *newer, *older;

	pthread_mutex_lock(&lock);
	newer = undisguise(secret->newer);
	older = undisguise(secret->older);
	if (newer != NULL)
		newer->older = secret->older;
	else
		newest = secret->older;
	if (older != NULL)
		older->newer = secret->newer;
	pthread_mutex_unlock(&lock);
}

void ush_secret_needles(void (*use)(void *context, const struct ush_needle *const *needles, size_t count), void *context)
{
	const struct ush_needle **all = NULL;
	size_t count = 0;

	pthread_mutex_lock(&lock);
	for (const struct ush_secret *s = undisguise(newest); s != NULL; s = undisguise(s->older))
		for (size_t i = 0; i < s->needles.count; i++)
			USH_PUSH(all, count, &s->needles.items[i]);
	if (count > 0)
		use(context, all, count);
	pthread_mutex_unlock(&lock);
	free(all);
}

struct ush_secret *ush_secret_new(const char *data, size_t length)
{
	struct ush_secret *s = ush_alloc(sizeof *s + length + 1);

	s->length = length;
	if (length > 0)
		memcpy(s->data, data, length);
	ush_needles_make(&s->needles, s->data, length);
	enlist(s);
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
	if (secret == NULL)
		return;
	strike(secret);
	ush_needles_free(&secret->needles);
	ush_wipe_free(secret, sizeof *secret + secret->length);
}

void ush_secret_free_indirect(struct ush_secret **secret)
{
	ush_secret_free(*secret);
}
