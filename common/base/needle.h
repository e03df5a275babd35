/* SPDX-License-Identifier: Apache-2.0
 *
 * What a secret looks like in a text: for secret.c, which keeps these with the secret, and scrub.c, which looks for them.
 */
#ifndef USH_BASE_NEEDLE_H
#define USH_BASE_NEEDLE_H

#include <stdbool.h>
#include <stddef.h>

struct ush_needle {
	char *text;
	size_t length;
	size_t least; /* so much of its beginning is found, too: somebody cut the rest off. length: all of it or nothing */
	bool base64;  /* text is standard base64 of what was encoded; its url-safe spelling is the same */
	bool word;    /* short: counts only where it stands alone */
};

struct ush_needles {
	struct ush_needle *items;
	size_t count;
};

void ush_needles_make(struct ush_needles *needles, const char *secret, size_t length);
void ush_needles_free(struct ush_needles *needles); /* wipes */

/* Hands over those of every secret that lives, if there are any; nobody makes or frees a secret meanwhile. */
void ush_secret_needles(void (*use)(void *context, const struct ush_needle *const *needles, size_t count), void *context);

#endif
