/* SPDX-License-Identifier: Apache-2.0
 *
 * What a session is bound to. servers is part of it: a kubeconfig can point XDG_CONFIG_HOME at a copy of a profile that
 * names another API server, and that copy must not find the session of the real one.
 */
#include <openssl/evp.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/base/text.h"
#include "plugin/session/profile.h"

/* Each field with its length in front, so that no two lists of fields run together into the same bytes. NULL is not "". */
static void add_field(struct ush_buf *buf, const char *text)
{
	if (text == NULL) {
		ush_buf_puts(buf, "-,");
		return;
	}
	ush_buf_printf(buf, "%zu:", strlen(text));
	ush_buf_puts(buf, text);
	ush_buf_puts(buf, ",");
}

static void add_list(struct ush_buf *buf, char *const *items, size_t count)
{
	ush_buf_printf(buf, "%zu[", count);
	for (size_t i = 0; i < count; i++)
		add_field(buf, items[i]);
	ush_buf_puts(buf, "]");
}

char *ush_profile_binding(const struct ush_profile *profile)
{
	static const char hex[] = "0123456789abcdef";
	USH_AUTO_BUF all = {.data = NULL};
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int size = 0;
	char *out;

	add_field(&all, "usher-binding-1");
	add_field(&all, profile->issuer);
	add_field(&all, profile->client);
	add_field(&all, profile->ca_pem);
	add_list(&all, profile->endpoint_hosts, profile->endpoint_host_count);
	add_list(&all, profile->scopes, profile->scope_count);
	add_field(&all, profile->account);
	add_list(&all, profile->servers, profile->server_count);
	if (EVP_Digest(all.data, all.length, digest, &size, EVP_sha256(), NULL) != 1)
		abort(); /* SHA-256 of bytes in memory fails for no reason that a caller could handle */
	out = ush_alloc(2 * (size_t)size + 1);
	for (unsigned int i = 0; i < size; i++) {
		out[2 * i] = hex[digest[i] >> 4];
		out[2 * i + 1] = hex[digest[i] & 15];
	}
	return out;
}
