/* SPDX-License-Identifier: Apache-2.0 */
#include "broker/receive/gate.h"

#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

#include "broker/policy/naming.h"
#include "broker/source/credential.h"
#include "common/base/memory.h"

#define TOKEN_MAX 4096
#define LETTERS   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="

void ush_gate_free(struct ush_gate *gate)
{
	for (size_t i = 0; i < gate->count; i++)
		ush_secret_free(gate->tokens[i]);
	gate->count = 0;
}

static int take_line(struct ush_gate *gate, const char *line, size_t length, const char *path, struct ush_error *err)
{
	if (gate->count == USH_GATE_TOKENS)
		return ush_fail(err, USH_ERR_CONFIG, "%s: more than two tokens", path);
	if (length < USH_GATE_TOKEN_LEAST || length > TOKEN_MAX || strspn(line, LETTERS) < length) {
		ush_fail(err, USH_ERR_CONFIG, "%s: token %zu is no bearer token of %d letters or more", path, gate->count + 1, USH_GATE_TOKEN_LEAST);
		return ush_hint(err, "Make one: openssl rand -hex 32");
	}
	gate->tokens[gate->count] = ush_secret_new(line, length);
	ush_sha256_hex(line, length, gate->sums[gate->count++]);
	return 0;
}

int ush_gate_read(struct ush_gate *gate, const char *path, struct ush_error *err)
{
	struct ush_gate now = {.rate = gate->rate, .level = gate->level, .filled_ms = gate->filled_ms};
	USH_AUTO_SECRET text = NULL;
	const char *at;

	if (ush_credential_file(path, &text, err) != 0)
		return -1;
	for (at = ush_secret_reveal(text); *at != '\0';) {
		size_t length = strcspn(at, "\r\n");

		if (length > 0 && take_line(&now, at, length, path, err) != 0) {
			ush_gate_free(&now);
			return -1;
		}
		at += length;
		at += strspn(at, "\r\n");
	}
	ush_gate_free(gate);
	*gate = now;
	return 0;
}

/* Digests of equal length are compared, each to its end: neither the token's length nor its beginning shows in the time. */
static bool fits(const struct ush_gate *gate, const char *authorization)
{
	char sum[65];
	bool good = false;

	if (authorization == NULL || strncasecmp(authorization, "Bearer ", 7) != 0)
		return false;
	authorization += 7;
	authorization += strspn(authorization, " ");
	ush_sha256_hex(authorization, strlen(authorization), sum);
	for (size_t i = 0; i < gate->count; i++)
		good |= CRYPTO_memcmp(sum, gate->sums[i], sizeof sum) == 0;
	return good;
}

/* Holds what two seconds bring. */
static bool room_in_bucket(struct ush_gate *gate, int64_t now)
{
	int64_t most = (int64_t)gate->rate * 2000;

	gate->level += gate->filled_ms == 0 ? most : (now - gate->filled_ms) * gate->rate;
	gate->level = gate->level > most ? most : gate->level;
	gate->filled_ms = now;
	if (gate->level < 1000)
		return false;
	gate->level -= 1000;
	return true;
}

int ush_gate_check(struct ush_gate *gate, const struct ush_world *world, const char *authorization)
{
	if (!fits(gate, authorization))
		return 401;
	return gate->rate == 0 || room_in_bucket(gate, ush_boot_ms(world)) ? 0 : 429;
}
