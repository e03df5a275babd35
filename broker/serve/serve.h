/* SPDX-License-Identifier: Apache-2.0
 *
 * The board over HTTP/1.1 (RFC 9112): GET and HEAD of /metrics, /healthz and /readyz, and nothing else. Plain, for a pod's
 * port behind a NetworkPolicy, or for this machine alone. Whoever connects is hostile: so many connections, so many bytes
 * of a request, so many seconds from the first byte to the last, and one request a connection.
 */
#ifndef USH_SERVE_SERVE_H
#define USH_SERVE_SERVE_H

#include "broker/serve/board.h"
#include "common/base/error.h"

#define USH_SERVE_CONNECTIONS 64
#define USH_SERVE_PER_ADDRESS 32
#define USH_SERVE_BYTES	      16384 /* of a request that are held */
#define USH_SERVE_DEADLINE_MS 5000  /* of a connection, however it drips */

struct ush_serve;

/* Answers from now on, in a thread of its own that takes no signals. The board outlives it. USH_ERR_USAGE for an address
 * that is none (listen.h), USH_ERR_UNAVAILABLE when it cannot be had. */
struct ush_serve *ush_serve_start(const char *address, struct ush_board *board, struct ush_error *err);

/* "127.0.0.1:9464", with the port that the kernel gave. */
const char *ush_serve_where(const struct ush_serve *serve);

void ush_serve_stop(struct ush_serve *serve);

static inline void ush_serve_stop_indirect(struct ush_serve **serve)
{
	ush_serve_stop(*serve);
}
#define USH_AUTO_SERVE __attribute__((cleanup(ush_serve_stop_indirect))) struct ush_serve *

#endif
