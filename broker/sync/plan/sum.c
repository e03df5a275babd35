/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/sync/plan/sum.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ush_sum *ush_sum_new(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
		abort(); /* OpenSSL without SHA-256, or without memory */
	return (struct ush_sum *)(void *)context;
}

void ush_sum_add(struct ush_sum *sum, const void *data, size_t length)
{
	if (length > 0 && EVP_DigestUpdate((EVP_MD_CTX *)(void *)sum, data, length) != 1)
		abort();
}

void ush_sum_text(struct ush_sum *sum, const char *text)
{
	char length[24];

	if (text == NULL) {
		ush_sum_add(sum, "-", 1);
		return;
	}
	snprintf(length, sizeof length, "%zu:", strlen(text));
	ush_sum_add(sum, length, strlen(length));
	ush_sum_add(sum, text, strlen(text));
}

void ush_sum_end(struct ush_sum *sum, char out[65])
{
	unsigned char digest[32];

	if (EVP_DigestFinal_ex((EVP_MD_CTX *)(void *)sum, digest, NULL) != 1)
		abort();
	EVP_MD_CTX_free((EVP_MD_CTX *)(void *)sum);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}
