/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may push, and how fast: bearer tokens (RFC 6750) from a file that is ours alone, one or, while it is changed at the
 * provider, two, a line each; and a bucket of requests.
 */
#ifndef USH_RECEIVE_GATE_H
#define USH_RECEIVE_GATE_H

#include <stdbool.h>

#include "common/base/secret.h"
#include "common/base/world.h"

#define USH_GATE_TOKENS      2
#define USH_GATE_TOKEN_LEAST 24 /* bytes */

struct ush_gate {
	struct ush_secret *tokens[USH_GATE_TOKENS];
	char sums[USH_GATE_TOKENS][65]; /* SHA-256, hex: what is compared */
	size_t count;
	long rate; /* requests a second; 0: no limit */
	int64_t level, filled_ms; /* of the bucket, in thousandths of a request */
};

void ush_gate_free(struct ush_gate *gate);

/* Reads the tokens; on failure those that there are stay. USH_ERR_CONFIG. */
int ush_gate_read(struct ush_gate *gate, const char *path, struct ush_error *err);

/* 0: come in; else the HTTP status. authorization is the header, or NULL. */
int ush_gate_check(struct ush_gate *gate, const struct ush_world *world, const char *authorization);

#endif
